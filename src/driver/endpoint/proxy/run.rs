//! A proxy joined to its sockets, the DNS and the clock.

use super::{Out, Place, Proxy, Question};
use crate::base::Entropy;
use crate::driver::Stop;
use crate::driver::dial::{self, Found};
use crate::driver::endpoint::serve::{Ending, Limits, Watch};
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

/// What happened.
enum Event {
    Stopped,
    Asked,
    Time,
    Message(Way),
    Found(u64, Box<Found>),
}

/// Proxies until it is told to stop or a limit is reached.
///
/// # Errors
/// Where the system does not let SIGUSR1 be caught.
pub async fn proxy(
    proxy: &mut Proxy,
    listener: &mut Listener,
    dialler: &mut Dialler,
    mut stop: Stop,
    limits: Limits,
    watch: &mut impl Watch,
) -> std::io::Result<Ending> {
    let mut asked = signal(SignalKind::user_defined1())?;
    let end = limits.duration.map(|limit| Instant::now() + limit);
    let wishes = stop.count();
    let mut message = Vec::new();
    let mut opened: HashMap<(Protocol, SocketAddr, String), u64> = HashMap::new();
    let Dialler { resolver, connector, entropy } = dialler;
    let (resolver, connector) = (&*resolver, &*connector);
    let mut under_way: FuturesUnordered<Finding<'_>> = FuturesUnordered::new();
    loop {
        if watch.is_closed() {
            return Ok(Ending::Interrupted);
        }
        let enough = limits.count.is_some_and(|count| proxy.tally.requests >= count) && proxy.under_way() == 0;
        if enough || end.is_some_and(|end| Instant::now() >= end) {
            return Ok(Ending::Limit);
        }
        let wake = [proxy.poll_timeout(), watch.wakes_at(), end].into_iter().flatten().min();
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
            Event::Stopped => return Ok(Ending::Interrupted),
            Event::Asked => {
                let bindings = crate::driver::endpoint::Role::bindings(proxy.registrar(), now);
                watch.table(&bindings);
            }
            Event::Time => watch.idle(now),
            Event::Message(way) => {
                let handled = proxy.handle_message(&message, &way, now);
                watch.received(&message, &way, handled);
            }
            Event::Found(id, found) => {
                let way = reached(*found, listener, &mut opened, watch);
                proxy.handle_place(id, way, now);
            }
        }
        proxy.handle_timer(now);
        while let Some(question) = proxy.poll_question() {
            let draw = Entropy::seeded(entropy.below(u64::MAX));
            match known(&question, listener, &opened) {
                Some(way) => proxy.handle_place(question.id, Some(way), now),
                None => under_way.push(find(question, resolver, connector, draw)),
            }
        }
        send(proxy, listener, watch).await;
    }
}

/// A place that is found without waiting: a connection that stands, an address to which datagrams go.
fn known(
    question: &Question,
    listener: &mut Listener,
    opened: &HashMap<(Protocol, SocketAddr, String), u64>,
) -> Option<Way> {
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
fn reached(
    found: Found,
    listener: &mut Listener,
    opened: &mut HashMap<(Protocol, SocketAddr, String), u64>,
    watch: &mut impl Watch,
) -> Option<Way> {
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
async fn send(proxy: &mut Proxy, listener: &mut Listener, watch: &mut impl Watch) {
    while let Some(Out { transmit, branch, is_request }) = proxy.poll_transmit() {
        match listener.send(&transmit.way, &transmit.bytes).await {
            Ok(()) if is_request => watch.forwarded(&transmit),
            Ok(()) => watch.sent(&transmit, transmit.since.elapsed()),
            Err(error) => {
                proxy.tally.unsent += 1;
                watch.failed(&transmit, &error);
                if let Some(branch) = branch {
                    proxy.handle_unsent(branch, Instant::now());
                }
            }
        }
    }
}
