//! The ways of a call: one UDP socket for all peers of a family, and connections that are shared by who leads to the same place.

use super::Means;
use crate::agent::invite::{Place, WayId};
use crate::base::Entropy;
use crate::driver::dial::{self, Found};
use crate::transport::{Candidate, Line, LineFacts, Phase, Protocol, Received, Target, TransportError};
use futures_util::StreamExt;
use futures_util::future::select_all;
use futures_util::stream::FuturesUnordered;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::pin::Pin;

/// Ways that one call has at most.
const MOST_WAYS: usize = 64;

/// A line, and what was received by it last.
struct Held {
    line: Line,
    buffer: Vec<u8>,
    /// The domain that it was opened for.
    domain: String,
}

/// A way: a line, and to whom on it.
#[derive(Clone, Copy)]
struct Way {
    line: usize,
    peer: SocketAddr,
}

/// How far the looking for a way got.
pub(super) enum Step {
    /// Where it leads, best first, and to which domain.
    Planned(Result<Vec<Candidate>, TransportError>, String),
    /// What can be reached.
    Found(Found),
}

/// What came.
pub(super) enum Arrival {
    /// The looking for a way got on.
    Step(WayId, Step),
    /// A message by a line, or why none will come.
    Message(usize, Result<Received, TransportError>),
}

type Looking<'a> = Pin<Box<dyn Future<Output = (WayId, Step)> + 'a>>;

/// All ways of a call.
pub(super) struct Ways<'a> {
    means: &'a Means<'a>,
    entropy: Entropy,
    lines: Vec<Option<Held>>,
    ways: BTreeMap<WayId, Way>,
    looking: FuturesUnordered<Looking<'a>>,
}

impl<'a> Ways<'a> {
    pub(super) fn new(means: &'a Means<'a>, entropy: Entropy) -> Self {
        Ways { means, entropy, lines: Vec::new(), ways: BTreeMap::new(), looking: FuturesUnordered::new() }
    }

    /// Begins to look for a way; [`Ways::arrive`] tells how it goes on.
    ///
    /// # Errors
    /// Where there is none without looking.
    pub(super) fn look(&mut self, way: WayId, place: &Place) -> Result<(), TransportError> {
        let fail = |kind, what: String| Err(TransportError::new(Phase::Connect, kind, what));
        if self.ways.len() + self.looking.len() >= MOST_WAYS {
            return fail("io", format!("more than {MOST_WAYS} ways in one call"));
        }
        let means = self.means;
        match place {
            Place::Candidate(number) => {
                let Some(candidate) = means.plan.candidates.get(*number) else {
                    return fail("io", "there is no further place to try".to_owned());
                };
                let step = Step::Planned(Ok(vec![candidate.clone()]), candidate.domain.clone());
                self.looking.push(Box::pin(std::future::ready((way, step))));
            }
            Place::Uri(uri) => {
                let target = match Target::parse(uri) {
                    Ok(target) => target,
                    Err(why) => return fail("io", format!("there is no way to '{uri}': {why}")),
                };
                let mut draw = Entropy::seeded(self.entropy.below(u64::MAX));
                self.looking.push(Box::pin(async move {
                    let planned = dial::look_up(&target, means.wanted, means.resolver, &mut draw).await;
                    (way, Step::Planned(planned, target.domain().to_owned()))
                }));
            }
        }
        Ok(())
    }

    /// Takes a step on the way: `Some` where it ended, in a way or not.
    pub(super) async fn step(&mut self, way: WayId, step: Step) -> Option<Result<LineFacts, TransportError>> {
        match step {
            Step::Planned(Err(error), _) | Step::Found(Found::Nowhere(error)) => Some(Err(error)),
            Step::Planned(Ok(candidates), domain) => {
                if let Some(line) = candidates.first().and_then(|first| self.connection(first, &domain)) {
                    return self.join(way, line, None).map(Ok);
                }
                let Means { connector, timeout, .. } = *self.means;
                self.looking.push(Box::pin(async move {
                    (way, Step::Found(dial::open_first(&candidates, &domain, connector, timeout).await))
                }));
                None
            }
            Step::Found(Found::Datagram(peer)) => Some(self.datagrams(way, peer).await),
            Step::Found(Found::Opened(line, domain)) => {
                let facts = line.facts.clone();
                let at = self.hold(*line, domain);
                self.ways.insert(way, Way { line: at, peer: facts.peer });
                Some(Ok(facts))
            }
        }
    }

    /// The connection that stands to a candidate: opened for the same domain. A URI that names an address and no domain is content
    /// with any to that address.
    fn connection(&self, candidate: &Candidate, domain: &str) -> Option<usize> {
        if candidate.protocol == Protocol::Udp {
            return None;
        }
        let leads = |held: &Held| {
            let LineFacts { protocol, peer, .. } = held.line.facts;
            (protocol, peer) == (candidate.protocol, candidate.address)
        };
        let found = |is: &dyn Fn(&Held) -> bool| self.lines.iter().position(|h| h.as_ref().is_some_and(is));
        let is_address = domain.parse::<std::net::IpAddr>().is_ok();
        found(&|held| leads(held) && held.domain == domain).or_else(|| found(&|held| leads(held) && is_address))
    }

    /// A way over a line that stands already.
    fn join(&mut self, way: WayId, line: usize, peer: Option<SocketAddr>) -> Option<LineFacts> {
        let held = self.lines.get(line)?.as_ref()?;
        let facts = held.line.facts.clone();
        let peer = peer.unwrap_or(facts.peer);
        self.ways.insert(way, Way { line, peer });
        Some(LineFacts { peer, connect: None, tls_time: None, ..facts })
    }

    /// A way for datagrams: by the socket that has the address from which the peer is reached, so that one Contact fits all.
    async fn datagrams(&mut self, way: WayId, peer: SocketAddr) -> Result<LineFacts, TransportError> {
        let local = self.means.connector.local_address(peer)?.ip();
        let is_it = |held: &Held| held.line.facts.protocol == Protocol::Udp && held.line.facts.local.ip() == local;
        let found = self.lines.iter().position(|held| held.as_ref().is_some_and(is_it));
        if let Some(facts) = found.and_then(|line| self.join(way, line, Some(peer))) {
            return Ok(facts);
        }
        let candidate = Candidate {
            protocol: Protocol::Udp,
            address: peer,
            domain: String::new(),
            host: None,
            srv: None,
            how: String::new(),
        };
        let line = self.means.connector.open(&candidate, self.means.timeout).await?;
        let facts = line.facts.clone();
        let at = self.hold(line, String::new());
        self.ways.insert(way, Way { line: at, peer });
        Ok(facts)
    }

    fn hold(&mut self, line: Line, domain: String) -> usize {
        self.lines.push(Some(Held { line, buffer: Vec::with_capacity(4096), domain }));
        self.lines.len() - 1
    }

    /// What comes next. Cancel safe.
    pub(super) async fn arrive(&mut self) -> Arrival {
        let Ways { lines, looking, .. } = self;
        let lines: Vec<_> = lines
            .iter_mut()
            .enumerate()
            .filter_map(|(at, held)| {
                let Held { line, buffer, .. } = held.as_mut()?;
                Some(Box::pin(async move { (at, line.receive(buffer).await) }))
            })
            .collect();
        let message = async {
            match lines.is_empty() {
                true => std::future::pending().await,
                false => select_all(lines).await.0,
            }
        };
        tokio::select! {
            biased;
            Some((way, step)) = looking.next() => Arrival::Step(way, step),
            (line, received) = message => Arrival::Message(line, received),
        }
    }

    /// The message that came by a line, and by which way it is to be taken: that of who sent it, else the line's latest.
    pub(super) fn message(&self, line: usize, from: SocketAddr) -> Option<(WayId, &[u8])> {
        let held = self.lines.get(line)?.as_ref()?;
        let of_line = || self.ways.iter().rev().filter(|(_, way)| way.line == line);
        let way = of_line().find(|(_, way)| way.peer == from).or_else(|| of_line().next());
        way.map(|(id, _)| (*id, held.buffer.as_slice()))
    }

    /// The ways that an error of a line concerns; those of a connection are gone with it.
    pub(super) fn concerned(&mut self, line: usize, error: &TransportError) -> Vec<WayId> {
        let mut concerned = Vec::new();
        let of_peer = |way: &Way| error.peer.is_none_or(|peer| peer == way.peer);
        concerned.extend(self.ways.iter().filter(|(_, way)| way.line == line && of_peer(way)).map(|(id, _)| *id));
        if error.peer.is_none() {
            if let Some(slot) = self.lines.get_mut(line) {
                *slot = None;
            }
            self.ways.retain(|_, way| way.line != line);
        }
        concerned
    }

    /// The line of a way.
    pub(super) fn line_of(&self, way: WayId) -> Option<(usize, Protocol)> {
        let line = self.ways.get(&way)?.line;
        Some((line, self.lines.get(line)?.as_ref()?.line.facts.protocol))
    }

    /// Sends; `false` where the way is gone. `to` counts for datagrams.
    ///
    /// # Errors
    /// Why it could not be sent.
    pub(super) async fn send(
        &mut self,
        way: WayId,
        to: Option<SocketAddr>,
        bytes: &[u8],
    ) -> Result<bool, TransportError> {
        let Some(Way { line, peer }) = self.ways.get(&way).copied() else { return Ok(false) };
        let Some(Some(held)) = self.lines.get_mut(line) else { return Ok(false) };
        held.line.send_to(to.unwrap_or(peer), bytes).await.map(|()| true)
    }

    /// Ends all lines in good order.
    pub(super) async fn close(&mut self) {
        let closing = self.lines.iter_mut().flatten().map(|held| held.line.close());
        futures_util::future::join_all(closing).await;
    }
}

#[cfg(test)]
mod tests;
