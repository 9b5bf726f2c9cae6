use super::{Certificates, Verdict, element};
use crate::analysis::rules::identity::passport::Passport;
use x509_parser::pem::Pem;

const LEAF: &[u8] = include_bytes!("../../../../../testdata/findings/stir/shaken-1234.pem");
const ROOT: &[u8] = include_bytes!("../../../../../testdata/findings/stir-ca.pem");

/// Signed with the openssl command line by the key of [`LEAF`]: see the scenes of `identity`.
const SIGNED: &str = concat!(
    "eyJhbGciOiJFUzI1NiIsInBwdCI6InNoYWtlbiIsInR5cCI6InBhc3Nwb3J0IiwieDV1IjoiaHR0cHM6Ly9jci5leGFtcGxlLmNvbS9zaGFrZW4tMTIzNC5wZW0ifQ.",
    "eyJhdHRlc3QiOiJBIiwiZGVzdCI6eyJ0biI6WyIxNzAzNTU1MDE5OSJdfSwiaWF0IjoxNzcyMzU1NjAwLCJvcmlnIjp7InRuIjoiMTIwMjU1NTAxMjMifSwib3JpZ2lkIjoiMTIzZTQ1NjctZTg5Yi0xMmQzLWE0NTYtNDI2NjU1NDQwMDAwIn0.",
    "gVEEjd32JbcnAS8IZnWo_caqTMlOevUgQub646DKBu9AWY_ABFSVx-Z1txHJCSmNOWV2GkPZLUhLDzYxJW0v3g"
);

fn der(pem: &[u8]) -> Vec<Vec<u8>> {
    Pem::iter_from_buffer(pem).map(|pem| pem.unwrap().contents).collect()
}

fn certificates(name: &str, trusted: Option<&[u8]>) -> Certificates {
    Certificates { by_name: [(name.to_owned(), der(LEAF))].into(), trusted: trusted.map(der) }
}

fn passport() -> Passport {
    let value = format!("{SIGNED};info=<https://cr.example.com/shaken-1234.pem>;alg=ES256;ppt=\"shaken\"");
    let read = Passport::read(value.as_bytes()).unwrap().unwrap();
    assert!(read.faults.is_empty(), "{:?}", read.faults);
    read
}

fn why(verdict: Verdict) -> String {
    match verdict {
        Verdict::Bad(why) => why,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_openssl_signed_is_believed_as_far_as_its_certificate_leads() {
    let good = Verdict::Good("O=Example Telephone, CN=SHAKEN 1234".to_owned());
    assert_eq!(certificates("shaken-1234.pem", None).verify(&passport()), good);
    assert_eq!(certificates("shaken-1234.pem", Some(ROOT)).verify(&passport()), good);
    let untrusted = certificates("shaken-1234.pem", Some(LEAF)).verify(&passport());
    assert!(why(untrusted).contains("does not lead to a trusted one"));
    assert_eq!(certificates("another.pem", None).verify(&passport()), Verdict::Unknown);
}

#[test]
fn what_was_changed_is_not_believed() {
    let certificates = certificates("shaken-1234.pem", Some(ROOT));
    let mut changed = passport();
    changed.signed.replace_range(0..1, "f");
    assert!(why(certificates.verify(&changed)).contains("does not fit the key"));
    let mut cut = passport();
    cut.signature.truncate(10);
    assert!(why(certificates.verify(&cut)).contains("does not fit the key"));
    let mut early = passport();
    early.iat = 1_700_000_000;
    assert!(why(certificates.verify(&early)).contains("was not valid"));
    let root = Certificates {
        by_name: [("shaken-1234.pem".to_owned(), vec![b"no certificate".to_vec()])].into(),
        trusted: None,
    };
    assert!(why(root.verify(&passport())).contains("cannot be read"));
}

#[test]
fn elements_never_reach_beyond_their_bytes() {
    assert_eq!(element(&[0x30, 2, 1, 2, 3]), Some((0x30, &[1, 2][..], &[3][..])));
    assert_eq!(element(&[0x30, 0x81, 1, 9]), Some((0x30, &[9][..], &[][..])));
    for cut in [&[][..], &[0x30], &[0x30, 2, 1], &[0x30, 0x82, 1], &[0x30, 0x84, 0, 0, 0, 0], &[0x30, 0x80]] {
        assert_eq!(element(cut), None);
    }
}
