//! From a URI to a way there: where it is, and the first place that can be reached. RFC 3263 §4

use crate::base::Entropy;
use crate::transport::resolve::Wanted;
use crate::transport::{Candidate, Connector, Line, Phase, Protocol, Resolver, Target, TransportError};
use std::net::SocketAddr;
use std::time::Duration;

/// How long names may take to be looked up.
const LOOKING_UP: Duration = Duration::from_secs(5);
/// Candidates of one place that are tried.
const MOST_CANDIDATES: usize = 8;

/// The way to a place.
pub enum Found {
    /// By datagram to there.
    Datagram(SocketAddr),
    /// By a connection that was opened; the domain that it was opened for.
    Opened(Box<Line>, String),
    /// None, and why.
    Nowhere(TransportError),
}

/// Where a URI leads, best first: never nowhere.
///
/// # Errors
/// Those of the DNS, or that it did not answer in time.
pub async fn look_up(
    target: &Target,
    wanted: Wanted,
    resolver: &Resolver,
    draw: &mut Entropy,
) -> Result<Vec<Candidate>, TransportError> {
    match tokio::time::timeout(LOOKING_UP, resolver.plan(target, wanted, draw)).await {
        Ok(planned) => planned.map(|plan| plan.candidates),
        Err(_) => {
            let what = format!("'{}' was not looked up in time", target.domain());
            Err(TransportError::new(Phase::Dns, "timeout", what))
        }
    }
}

/// The first candidate that can be reached; each has `patience` to be. RFC 3263 §4.3
pub async fn open_first(candidates: &[Candidate], domain: &str, connector: &Connector, patience: Duration) -> Found {
    let mut last = None;
    for candidate in candidates.iter().take(MOST_CANDIDATES) {
        if candidate.protocol == Protocol::Udp {
            return Found::Datagram(candidate.address);
        }
        match connector.open(candidate, patience).await {
            Ok(line) => return Found::Opened(Box::new(line), domain.to_owned()),
            Err(error) => last = Some(error),
        }
    }
    Found::Nowhere(
        last.unwrap_or_else(|| {
            TransportError::new(Phase::Dns, "nothing", format!("there is no address for '{domain}'"))
        }),
    )
}
