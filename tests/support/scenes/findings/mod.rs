//! For every finding a capture that yields it, and nothing else that is an error or a warning, and a near miss that does not.

pub mod attack;
pub mod auth;
pub mod dialog;
pub mod grammar;
pub mod identity;
pub mod media;
pub mod nat;
pub mod outcome;
pub mod reach;
pub mod registration;
pub mod sdp;

/// What proves one finding.
#[derive(Clone, Copy)]
pub struct Proof {
    /// The finding's code: the captures are `testdata/findings/CODE.pcap` and `testdata/findings/CODE.near.pcap`.
    pub code: &'static str,
    /// The situation, in a line.
    pub shows: &'static str,
    /// Makes the capture (pcap or pcapng, below 100 kB).
    pub make: fn() -> Vec<u8>,
    /// What differs in the near miss, in a line.
    pub near_shows: &'static str,
    /// Makes the near miss.
    pub near: fn() -> Vec<u8>,
    /// Other findings at error or warning level that the near miss is allowed: it is another fault.
    pub near_yields: &'static [&'static str],
    /// Options of `decode` that the finding needs; `{testdata}` stands for the folder.
    pub options: &'static [&'static str],
}

/// A proof whose near miss is allowed some other findings of weight.
pub const fn proof(
    code: &'static str,
    shows: &'static str,
    make: fn() -> Vec<u8>,
    near_shows: &'static str,
    near: fn() -> Vec<u8>,
    near_yields: &'static [&'static str],
) -> Proof {
    Proof { code, shows, make, near_shows, near, near_yields, options: &[] }
}

/// The capture of a proof; [`near`] adds what it lacks.
pub const fn yields(code: &'static str, shows: &'static str, make: fn() -> Vec<u8>) -> Proof {
    Proof { code, shows, make, near_shows: "", near: make, near_yields: &[], options: &[] }
}

/// A proof with its near miss.
pub const fn near(proof: Proof, near_shows: &'static str, near: fn() -> Vec<u8>) -> Proof {
    Proof { near_shows, near, ..proof }
}

/// Every proof by group.
pub const GROUPS: &[&[Proof]] = &[
    grammar::PROOFS,
    reach::PROOFS,
    auth::PROOFS,
    dialog::PROOFS,
    sdp::PROOFS,
    media::PROOFS,
    nat::PROOFS,
    registration::PROOFS,
    identity::PROOFS,
    outcome::PROOFS,
    attack::PROOFS,
];
