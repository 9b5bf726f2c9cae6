//! One request to one candidate, and what became of it: is anybody there?

use crate::agent::{Authenticator, Draft, Exchange, Identity, Outcome};
use crate::base::Entropy;
use crate::transaction::Timers;
use crate::transport::{Candidate, Connector, Line, Phase, TransportError};
use std::time::{Duration, Instant};

/// What became of a probe.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Probed {
    /// A final response came.
    Answered {
        /// Its status code.
        status: u16,
        /// From the last sending to it.
        rtt: Duration,
    },
    /// The request went out, and nothing final came in this time.
    Silent(Duration),
    /// It could not be reached.
    Dead(TransportError),
}

/// Sends one OPTIONS for `uri` to a candidate. `timeout` bounds opening the line and the answer, each.
pub async fn probe(
    connector: &Connector,
    candidate: &Candidate,
    uri: &str,
    timeout: Duration,
    entropy: &mut Entropy,
) -> Probed {
    let mut line = match connector.open(candidate, timeout).await {
        Ok(line) => line,
        Err(error) => return Probed::Dead(error),
    };
    let draft = Draft::new("OPTIONS", uri, &format!("<{uri}>"), entropy);
    let (identity, nobody, now) = (Identity::default(), Authenticator::new(None), Instant::now());
    let mut exchange = Exchange::new(draft, &identity, &line.facts, nobody, Timers::default(), timeout, entropy, now);
    let probed = converse(&mut exchange, &mut line, timeout, entropy).await;
    line.close().await;
    probed
}

async fn converse(exchange: &mut Exchange, line: &mut Line, timeout: Duration, entropy: &mut Entropy) -> Probed {
    let mut message = Vec::new();
    // The exchange ends by itself at its timeout; this bound holds whatever it is told.
    let end = Instant::now() + timeout + Duration::from_millis(500);
    loop {
        while let Some(bytes) = exchange.poll_transmit(Instant::now()) {
            if let Err(error) = line.send(&bytes).await {
                return Probed::Dead(error);
            }
        }
        match exchange.outcome() {
            Some(Outcome::Final { status, .. }) => {
                let last = exchange.attempts().last();
                let rtt = last.and_then(|a| Some(a.final_response?.0.saturating_duration_since(a.last_sent)));
                return Probed::Answered { status: *status, rtt: rtt.unwrap_or_default() };
            }
            Some(Outcome::Timeout) => return Probed::Silent(timeout),
            Some(Outcome::Failed(error)) => return Probed::Dead(error.clone()),
            None if Instant::now() >= end => return Probed::Silent(timeout),
            None => {}
        }
        let due = exchange.poll_timeout().unwrap_or(end).min(end);
        match tokio::time::timeout_at(due.into(), line.receive(&mut message)).await {
            // What is no answer to this request is none of a probe's business.
            Ok(Ok(received)) => {
                let _ = exchange.handle_message(&message, entropy, received.at);
            }
            Ok(Err(error)) => {
                exchange.handle_transport_error(&error);
                if exchange.outcome().is_none() {
                    return Probed::Dead(error);
                }
            }
            Err(_) => exchange.handle_timer(Instant::now()),
        }
    }
}

impl Probed {
    /// A stable word for what kept it from answering.
    #[must_use]
    pub fn failure(&self) -> Option<&'static str> {
        match self {
            Probed::Answered { .. } => None,
            Probed::Silent(_) => Some("timeout"),
            // Nobody accepts the connection in time: as silent as a datagram without an answer.
            Probed::Dead(error) if error.kind == "timeout" && error.phase != Phase::Dns => Some("timeout"),
            Probed::Dead(error) => Some(error.kind),
        }
    }
}
