//! Where a target is: NAPTR, SRV, A and AAAA. RFC 3263 §4

mod ask;
mod draw;
#[cfg(test)]
mod fake;
#[cfg(test)]
mod tests;
mod walk;

use super::{Host, Protocol, Target, TransportError};
use crate::base::Entropy;
use ask::Asker;
use std::fmt;
use std::net::SocketAddr;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

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

/// Asks the DNS. It reads no configuration before the first name has to be looked up: a numeric target costs nothing.
pub struct Resolver {
    server: Option<SocketAddr>,
    timeout: Duration,
    asker: OnceLock<Asker>,
}

impl fmt::Debug for Resolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resolver").field("server", &self.server).field("timeout", &self.timeout).finish_non_exhaustive()
    }
}

impl Resolver {
    /// The system's resolver (with its hosts file and search list), or the server that `--dns` names; `timeout` bounds each question.
    ///
    /// # Errors
    /// None today: the system's configuration is read with the first question, and what is wrong with it is told there.
    pub fn new(server: Option<SocketAddr>, timeout: Duration) -> Result<Self, TransportError> {
        Ok(Resolver { server, timeout, asker: OnceLock::new() })
    }

    /// The plan for a target. A plan without candidates is an error that says what was asked and what came back.
    ///
    /// All usable NAPTR records are followed, in their order: those behind the first serve when it fails. Addresses of one
    /// host stand as `getaddrinfo` puts them: IPv6 first, those without a route last (RFC 6724 §6, rules 1 and 6).
    ///
    /// # Errors
    /// [`TransportError`] of phase `Dns`.
    pub async fn plan(&self, target: &Target, wanted: Wanted, entropy: &mut Entropy) -> Result<Plan, TransportError> {
        self.try_plan(target, wanted, entropy).await.map_err(|(error, _)| error)
    }

    /// The same; a failure comes with the plan as far as it got, so that what was asked can be shown.
    ///
    /// # Errors
    /// [`TransportError`] of phase `Dns`, and the lookups made.
    pub async fn try_plan(
        &self,
        target: &Target,
        wanted: Wanted,
        entropy: &mut Entropy,
    ) -> Result<Plan, (TransportError, Box<Plan>)> {
        let begun = Instant::now();
        let mut walk = walk::Walk::new(target, wanted, entropy);
        let ended = match &target.host {
            Host::Ip(ip) => walk.numeric(*ip),
            Host::Name(name) => match self.asker() {
                Ok(asker) => walk.named(asker, name).await,
                Err(error) => Err(error),
            },
        };
        let mut plan = walk.into_plan();
        if !plan.lookups.is_empty() {
            plan.took = begun.elapsed();
        }
        match ended {
            Ok(()) => Ok(plan),
            Err(error) => Err((error, Box::new(plan))),
        }
    }

    fn asker(&self) -> Result<&Asker, TransportError> {
        match self.asker.get() {
            Some(asker) => Ok(asker),
            None => {
                let asker = Asker::new(self.server, self.timeout)?;
                Ok(self.asker.get_or_init(|| asker))
            }
        }
    }
}
