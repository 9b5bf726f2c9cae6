//! Who stands between two others, joined to its sockets, the DNS and the clock: a proxy, a B2BUA.
//!
//! An [`Intermediary`] is without I/O: messages come in by [`Intermediary::handle_message`]; where a request goes is asked by
//! [`Intermediary::poll_question`] and told by [`Intermediary::handle_place`], because names have to be looked up and connections
//! opened; what is to be sent goes out by [`Intermediary::poll_transmit`].

use super::engine::recognised_any;
use super::router::Place;
use super::serve::{Ending, Limits, Watch};
use super::{BindingFacts, Handled, Tally, Transmit};
use crate::base::Entropy;
use crate::driver::Stop;
use crate::driver::dial::{self, Found};
use crate::driver::media::relay::Relayed;
use crate::sip::{Message, Outline};
use crate::transport::listener::{Listener, Way};
use crate::transport::resolve::Wanted;
use crate::transport::{Connector, Protocol, Resolver, TransportError};
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use std::collections::HashMap;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::time::{Duration, Instant};
use tokio::signal::unix::{SignalKind, signal};

/// How long connections may take to be opened, for each candidate.
const PATIENCE: Duration = Duration::from_secs(5);
/// Connections remembered by where they lead.
const MOST_OPENED: usize = 4096;
/// How long calls may take to end when nobody serves them any longer.
const PARTING: Duration = Duration::from_secs(4);

/// Where a request is to be sent, asked of who can look names up and open connections.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// To be given back with the answer.
    pub id: u64,
    /// The place.
    pub place: Place,
}

/// Something to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Out {
    /// It.
    pub transmit: Transmit,
    /// What it is the request of: told back by [`Intermediary::handle_unsent`] should it not go out.
    pub errand: Option<(u64, usize)>,
    /// Whether it is a request that goes on.
    pub is_request: bool,
}

/// Who stands between two others.
pub trait Intermediary {
    /// Takes in what came; what is no SIP is counted and let be.
    fn handle_message(&mut self, bytes: &[u8], way: &Way, now: Instant) -> Handled {
        let mut outline = std::mem::take(self.outline());
        let handled = match recognised_any(&mut outline, bytes) {
            Ok(()) => self.handle_recognised(&Message::new(bytes, &outline), way, now),
            Err(why) => {
                self.tally().ignore(why);
                Handled::Ignored(why)
            }
        };
        *self.outline() = outline;
        handled
    }
    /// Takes a message in.
    fn handle_recognised(&mut self, message: &Message<'_>, way: &Way, now: Instant) -> Handled;
    /// The room in which messages are read, used again for each.
    fn outline(&mut self) -> &mut Outline;
    /// Where something goes is known, or (`None`) cannot be.
    fn handle_place(&mut self, question: u64, found: Option<Way>, now: Instant);
    /// A request could not be sent: see [`Out::errand`].
    fn handle_unsent(&mut self, errand: (u64, usize), now: Instant);
    /// Does what is due.
    fn handle_timer(&mut self, now: Instant);
    /// What is to be sent next.
    fn poll_transmit(&mut self) -> Option<Out>;
    /// Where something is to be sent.
    fn poll_question(&mut self) -> Option<Question>;
    /// When [`Intermediary::handle_timer`] is due.
    fn poll_timeout(&self) -> Option<Instant>;
    /// Requests, and calls, that are under way.
    fn under_way(&self) -> usize;
    /// What was counted so far.
    fn tally(&mut self) -> &mut Tally;
    /// The bindings that stand at `now`.
    fn bindings(&mut self, now: Instant) -> Vec<BindingFacts>;
    /// Whether calls stand that have to be ended before it goes.
    fn is_busy(&self) -> bool {
        false
    }
    /// Ends all calls: nobody serves them any longer.
    fn close(&mut self, now: Instant) {
        let _ = now;
    }
    /// The media of a call that is over.
    fn poll_relayed(&mut self) -> Option<Relayed> {
        None
    }
}

/// What looks names up and opens connections.
pub struct Dialler {
    /// Asks the DNS.
    pub resolver: Resolver,
    /// Opens connections.
    pub connector: Connector,
    /// Draws among SRV records of one priority.
    pub entropy: Entropy,
}

type Finding<'a> = Pin<Box<dyn Future<Output = (u64, Found)> + 'a>>;
type Opened = HashMap<(Protocol, SocketAddr, String), u64>;

/// What happened.
enum Event {
    Stopped,
    Asked,
    Time,
    Message(Way),
    Found(u64, Box<Found>),
}

/// Stands between until it is told to stop or a limit is reached.
///
/// # Errors
/// Where the system does not let SIGUSR1 be caught.
pub async fn stand<I: Intermediary>(
    machine: &mut I,
    listener: &mut Listener,
    dialler: &mut Dialler,
    mut stop: Stop,
    limits: Limits,
    watch: &mut impl Watch,
) -> std::io::Result<Ending> {
    let mut asked = signal(SignalKind::user_defined1())?;
    let mut end = limits.duration.map(|limit| Instant::now() + limit);
    let mut wishes = stop.count();
    let mut message = Vec::new();
    let mut opened = Opened::new();
    let Dialler { resolver, connector, entropy } = dialler;
    let (resolver, connector) = (&*resolver, &*connector);
    let mut under_way: FuturesUnordered<Finding<'_>> = FuturesUnordered::new();
    // Why it ends, once its calls are over.
    let mut parting: Option<Ending> = None;
    let mut is_pressing = false;
    loop {
        if watch.is_closed() {
            return Ok(Ending::Interrupted);
        }
        if let Some(ending) = parting.filter(|_| !machine.is_busy()) {
            return Ok(ending);
        }
        let enough = limits.count.is_some_and(|count| machine.tally().requests >= count) && machine.under_way() == 0;
        let is_late = end.is_some_and(|end| Instant::now() >= end);
        if enough || is_late {
            let ending = parting.unwrap_or(Ending::Limit);
            if parting.is_some() || !machine.is_busy() {
                return Ok(ending);
            }
            parting = Some(ending);
            end = Some(Instant::now() + PARTING);
            machine.close(Instant::now());
            is_pressing = true;
        }
        let pressing = std::mem::take(&mut is_pressing).then(Instant::now);
        let wake = [machine.poll_timeout(), watch.wakes_at(), end, pressing].into_iter().flatten().min();
        let sleep = async {
            match wake {
                Some(at) => tokio::time::sleep_until(at.into()).await,
                None => std::future::pending().await,
            }
        };
        let event = tokio::select! {
            biased;
            () = stop.after(wishes) => Event::Stopped,
            _ = asked.recv() => Event::Asked,
            Some((id, found)) = under_way.next() => Event::Found(id, Box::new(found)),
            () = sleep => Event::Time,
            way = listener.receive(&mut message) => Event::Message(way),
        };
        let now = Instant::now();
        match event {
            Event::Stopped => {
                // A second wish is obeyed at once.
                if parting.replace(Ending::Interrupted).is_some() || !machine.is_busy() {
                    return Ok(Ending::Interrupted);
                }
                wishes = stop.count();
                end = Some(now + PARTING);
                machine.close(now);
            }
            Event::Asked => {
                let bindings = machine.bindings(now);
                watch.table(&bindings);
            }
            Event::Time => watch.idle(now),
            Event::Message(way) => {
                let handled = machine.handle_message(&message, &way, now);
                watch.received(&message, &way, handled);
            }
            Event::Found(id, found) => {
                let way = reached(*found, listener, &mut opened, watch);
                machine.handle_place(id, way, now);
            }
        }
        machine.handle_timer(now);
        while let Some(question) = machine.poll_question() {
            let draw = Entropy::seeded(entropy.below(u64::MAX));
            match known(&question, listener, &opened) {
                Some(way) => machine.handle_place(question.id, Some(way), now),
                None => under_way.push(find(question, resolver, connector, draw)),
            }
        }
        send(machine, listener, watch).await;
        while let Some(relayed) = machine.poll_relayed() {
            watch.relayed(&relayed);
        }
    }
}
/// A place that is found without waiting: a connection that stands, an address to which datagrams go.
fn known(question: &Question, listener: &mut Listener, opened: &Opened) -> Option<Way> {
    let target = match &question.place {
        Place::Flow { connection, otherwise } => match listener.way_of(*connection) {
            Some(way) => return Some(way),
            None => otherwise.as_ref()?,
        },
        Place::Uri(target) => target,
    };
    let crate::transport::Host::Ip(ip) = target.host else { return None };
    let protocol = match target.transport {
        Some(protocol) => protocol,
        None if target.secure => Protocol::Tls,
        None => Protocol::Udp,
    };
    let address = SocketAddr::new(ip, target.port.unwrap_or_else(|| protocol.default_port()));
    if protocol == Protocol::Udp {
        return listener.datagram_way(address);
    }
    let id = opened.get(&(protocol, address, target.domain().to_owned()))?;
    listener.way_of(*id)
}

/// Looks a place up, and opens a connection where it needs one.
fn find<'a>(question: Question, resolver: &'a Resolver, connector: &'a Connector, mut draw: Entropy) -> Finding<'a> {
    Box::pin(async move {
        let target = match question.place {
            Place::Uri(target) | Place::Flow { otherwise: Some(target), .. } => target,
            Place::Flow { otherwise: None, .. } => {
                let why =
                    TransportError::new(crate::transport::Phase::Send, "closed", "the connection is closed".to_owned());
                return (question.id, Found::Nowhere(why));
            }
        };
        let found = match dial::look_up(&target, Wanted::default(), resolver, &mut draw).await {
            Ok(candidates) => dial::open_first(&candidates, target.domain(), connector, PATIENCE).await,
            Err(error) => Found::Nowhere(error),
        };
        (question.id, found)
    })
}

/// The way to what was found.
fn reached(found: Found, listener: &mut Listener, opened: &mut Opened, watch: &mut impl Watch) -> Option<Way> {
    match found {
        Found::Datagram(address) => listener.datagram_way(address),
        Found::Opened(line, domain) => {
            let at = (line.facts.protocol, line.facts.peer, domain);
            let way = listener.adopt(*line).ok()?;
            if opened.len() >= MOST_OPENED {
                opened.retain(|_, id| listener.way_of(*id).is_some());
            }
            if opened.len() < MOST_OPENED {
                opened.insert(at, way.connection);
            }
            Some(way)
        }
        Found::Nowhere(error) => {
            watch.unreached(&error);
            None
        }
    }
}

/// Sends all that is to be sent.
async fn send<I: Intermediary>(machine: &mut I, listener: &mut Listener, watch: &mut impl Watch) {
    while let Some(Out { transmit, errand, is_request }) = machine.poll_transmit() {
        match listener.send(&transmit.way, &transmit.bytes).await {
            Ok(()) if is_request => watch.forwarded(&transmit),
            Ok(()) => watch.sent(&transmit, transmit.since.elapsed()),
            Err(error) => {
                machine.tally().unsent += 1;
                watch.failed(&transmit, &error);
                if let Some(errand) = errand {
                    machine.handle_unsent(errand, Instant::now());
                }
            }
        }
    }
}
