//! PASSporTs for the scenes of `identity`, signed with the openssl command line: the key of `stir/shaken-1234.pem`, which `stir-ca.pem` issued, except
//! where another is said. All are for a call from 12025550123 to 17035550199 at 2026-03-01 09:00:00 UTC, by a signer who is sure of the caller (A).

/// As it should be.
pub const GOOD: &str = concat!(
    "eyJhbGciOiJFUzI1NiIsInBwdCI6InNoYWtlbiIsInR5cCI6InBhc3Nwb3J0IiwieDV1IjoiaHR0cHM6Ly9jci5leGFtcGxlLmNvbS9zaGFrZW4tMTIzNC5wZW0ifQ.",
    "eyJhdHRlc3QiOiJBIiwiZGVzdCI6eyJ0biI6WyIxNzAzNTU1MDE5OSJdfSwiaWF0IjoxNzcyMzU1NjAwLCJvcmlnIjp",
    "7InRuIjoiMTIwMjU1NTAxMjMifSwib3JpZ2lkIjoiMTIzZTQ1NjctZTg5Yi0xMmQzLWE0NTYtNDI2NjU1NDQwMDAwIn0.",
    "gVEEjd32JbcnAS8IZnWo_caqTMlOevUgQub646DKBu9AWY_ABFSVx-Z1txHJCSmNOWV2GkPZLUhLDzYxJW0v3g"
);

/// Signed an hour before.
pub const STALE: &str = concat!(
    "eyJhbGciOiJFUzI1NiIsInBwdCI6InNoYWtlbiIsInR5cCI6InBhc3Nwb3J0IiwieDV1IjoiaHR0cHM6Ly9jci5leGFtcGxlLmNvbS9zaGFrZW4tMTIzNC5wZW0ifQ.",
    "eyJhdHRlc3QiOiJBIiwiZGVzdCI6eyJ0biI6WyIxNzAzNTU1MDE5OSJdfSwiaWF0IjoxNzcyMzUyMDAwLCJvcmlnIjp",
    "7InRuIjoiMTIwMjU1NTAxMjMifSwib3JpZ2lkIjoiMTIzZTQ1NjctZTg5Yi0xMmQzLWE0NTYtNDI2NjU1NDQwMDAwIn0.",
    "Es0cBaAvTQ1X8NXoZXbTSXa1QQXQmIe2T-tLXQ6Ouq7LBA8v2c660pzNL0B1CRsOEHPtvRkQTCPFKlBeZMQ_gw"
);

/// Signed for 12025559999.
pub const OTHER_NUMBER: &str = concat!(
    "eyJhbGciOiJFUzI1NiIsInBwdCI6InNoYWtlbiIsInR5cCI6InBhc3Nwb3J0IiwieDV1IjoiaHR0cHM6Ly9jci5leGFtcGxlLmNvbS9zaGFrZW4tMTIzNC5wZW0ifQ.",
    "eyJhdHRlc3QiOiJBIiwiZGVzdCI6eyJ0biI6WyIxNzAzNTU1MDE5OSJdfSwiaWF0IjoxNzcyMzU1NjAwLCJvcmlnIjp",
    "7InRuIjoiMTIwMjU1NTk5OTkifSwib3JpZ2lkIjoiMTIzZTQ1NjctZTg5Yi0xMmQzLWE0NTYtNDI2NjU1NDQwMDAwIn0.",
    "_WUfPmi9k3zhjKSvNs1eJlbvNdPaVVLvsaCL2z8GR5JG_PtIArHh6LvtHdpX0XnJYAiGY8QSuB0TTblU4mnrrw"
);

/// Signed with the key of somebody else.
pub const OTHER_KEY: &str = concat!(
    "eyJhbGciOiJFUzI1NiIsInBwdCI6InNoYWtlbiIsInR5cCI6InBhc3Nwb3J0IiwieDV1IjoiaHR0cHM6Ly9jci5leGFtcGxlLmNvbS9zaGFrZW4tMTIzNC5wZW0ifQ.",
    "eyJhdHRlc3QiOiJBIiwiZGVzdCI6eyJ0biI6WyIxNzAzNTU1MDE5OSJdfSwiaWF0IjoxNzcyMzU1NjAwLCJvcmlnIjp",
    "7InRuIjoiMTIwMjU1NTAxMjMifSwib3JpZ2lkIjoiMTIzZTQ1NjctZTg5Yi0xMmQzLWE0NTYtNDI2NjU1NDQwMDAwIn0.",
    "m6reZgxztpIzBxofZAlJ2X61ScA9elzM4dR-oJ4vboh3fv-8sG7KWbCchNUzKbb-TFmGkaEuJdmBkZD65gJeqg"
);

/// Without attestation.
pub const NO_ATTEST: &str = concat!(
    "eyJhbGciOiJFUzI1NiIsInBwdCI6InNoYWtlbiIsInR5cCI6InBhc3Nwb3J0IiwieDV1IjoiaHR0cHM6Ly9jci5leGFtcGxlLmNvbS9zaGFrZW4tMTIzNC5wZW0ifQ.",
    "eyJkZXN0Ijp7InRuIjpbIjE3MDM1NTUwMTk5Il19LCJpYXQiOjE3NzIzNTU2MDAsIm9yaWciOnsidG4iOiI",
    "xMjAyNTU1MDEyMyJ9LCJvcmlnaWQiOiIxMjNlNDU2Ny1lODliLTEyZDMtYTQ1Ni00MjY2NTU0NDAwMDAifQ.",
    "VuQ6PGeQI3DBLkTdy2aAqJntwoEQzFF2WSbbiCwI_TxFetGTplOm_7eqV0L3O1I7bpVzbjt-_8dXDL23v2MXJw"
);
