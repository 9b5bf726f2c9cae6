//! Where a target is: NAPTR, SRV, A and AAAA. RFC 3263 §4

use super::{Protocol, Target, TransportError};
use crate::base::Entropy;
use std::net::SocketAddr;
use std::time::Duration;

/// One place to try.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Candidate {
    /// How.
    pub protocol: Protocol,
    /// Where.
    pub address: SocketAddr,
    /// The name that TLS asks for (SNI, and what the certificate must have): the domain of the target. RFC 5922 §7.1, RFC 3263 §4
    pub domain: String,
    /// The host name whose address it is, where a name led here.
    pub host: Option<String>,
    /// Priority and weight of its SRV record, where one led here.
    pub srv: Option<(u16, u16)>,
    /// How it was found, for people: `NAPTR SIPS+D2T → SRV sip1.example.com`, `AAAA`, `as given`.
    pub how: String,
}

/// What one question to the DNS brought.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Lookup {
    /// `NAPTR`, `SRV`, `A`, `AAAA`.
    pub kind: &'static str,
    /// The name asked for.
    pub name: String,
    /// The records as zone files write them (data only), in the order in which they count; empty where there were none.
    pub records: Vec<String>,
    /// Why there were none: `NXDOMAIN`, `no records`, `REFUSED`, `timed out` ….
    pub failure: Option<String>,
    /// How long it took.
    pub took: Duration,
}

/// The whole plan for a target, best first.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Plan {
    /// What was asked, in order.
    pub lookups: Vec<Lookup>,
    /// What is tried, in order.
    pub candidates: Vec<Candidate>,
    /// What a person should know: a transport passed over, a dangling record.
    pub notes: Vec<String>,
    /// How long it took together.
    pub took: Duration,
}

/// What narrows a plan.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Wanted {
    /// The transport that `--transport` demands.
    pub protocol: Option<Protocol>,
    /// IPv4 (`Some(false)`) or IPv6 (`Some(true)`) alone.
    pub v6: Option<bool>,
}

/// Asks the DNS.
#[derive(Debug)]
pub struct Resolver {
    _private: (),
}

impl Resolver {
    /// The system's resolver, or the server that `--dns` names; `timeout` bounds each question.
    ///
    /// # Errors
    /// Where the system's configuration cannot be read.
    pub fn new(server: Option<SocketAddr>, timeout: Duration) -> Result<Self, TransportError> {
        let _ = (server, timeout);
        todo!()
    }

    /// The plan for a target. A plan without candidates is an error that says what was asked and what came back.
    ///
    /// # Errors
    /// [`TransportError`] of phase `Dns`.
    pub async fn plan(&self, target: &Target, wanted: Wanted, entropy: &mut Entropy) -> Result<Plan, TransportError> {
        let _ = (target, wanted, entropy);
        todo!()
    }
}
