//! An endpoint joined to its sockets and the clock.

use super::{BindingFacts, Endpoint, Handled, Role, Transmit};
use crate::driver::Stop;
use crate::transport::TransportError;
use crate::transport::listener::{Listener, Way};
use std::time::{Duration, Instant};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// When an endpoint stops by itself.
#[derive(Clone, Copy, Debug, Default)]
pub struct Limits {
    /// After so long.
    pub duration: Option<Duration>,
    /// After so many requests, repeats apart, when their answers are out.
    pub count: Option<u64>,
}

/// Why it stopped.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ending {
    /// Its limits were reached.
    Limit,
    /// Somebody wished it, or nobody listens to it any more.
    Interrupted,
}

/// Who is told what passes.
pub trait Watch {
    /// A message came, and what became of it.
    fn received(&mut self, bytes: &[u8], way: &Way, handled: Handled) {
        let _ = (bytes, way, handled);
    }
    /// A response was sent, so long after its request came.
    fn sent(&mut self, sent: &Transmit, took: Duration) {
        let _ = (sent, took);
    }
    /// A request was sent on.
    fn forwarded(&mut self, sent: &Transmit) {
        let _ = sent;
    }
    /// Where a request was to go could not be reached.
    fn unreached(&mut self, error: &TransportError) {
        let _ = error;
    }
    /// A message could not be sent.
    fn failed(&mut self, sent: &Transmit, error: &TransportError) {
        let _ = (sent, error);
    }
    /// The table was asked for by SIGUSR1.
    fn table(&mut self, bindings: &[BindingFacts]) {
        let _ = bindings;
    }
    /// Whether nobody listens any more: then it stops.
    fn is_closed(&self) -> bool {
        false
    }
    /// When [`Watch::idle`] is to be called, where something was held back.
    fn wakes_at(&self) -> Option<Instant> {
        None
    }
    /// Time has passed.
    fn idle(&mut self, now: Instant) {
        let _ = now;
    }
}

/// What happened.
enum Event {
    Stopped,
    Asked,
    Time,
    Message(Way),
}

/// Serves until it is told to stop or a limit is reached.
///
/// # Errors
/// Where the system does not let SIGUSR1 be caught.
pub async fn serve<R: Role>(
    endpoint: &mut Endpoint<R>,
    listener: &mut Listener,
    mut stop: Stop,
    limits: Limits,
    watch: &mut impl Watch,
) -> std::io::Result<Ending> {
    let mut asked = signal(SignalKind::user_defined1())?;
    let end = limits.duration.map(|limit| Instant::now() + limit);
    let mut message = Vec::new();
    let wishes = stop.count();
    loop {
        if watch.is_closed() {
            return Ok(Ending::Interrupted);
        }
        let enough = limits.count.is_some_and(|count| endpoint.tally.requests >= count) && !endpoint.is_waiting();
        if enough || end.is_some_and(|end| Instant::now() >= end) {
            return Ok(Ending::Limit);
        }
        let wake = [endpoint.poll_timeout(), watch.wakes_at(), end].into_iter().flatten().min();
        let event = next(listener, &mut message, &mut stop, wishes, &mut asked, wake).await;
        let now = Instant::now();
        match event {
            Event::Stopped => return Ok(Ending::Interrupted),
            Event::Asked => {
                let bindings = endpoint.role().bindings(now);
                watch.table(&bindings);
            }
            Event::Time => watch.idle(now),
            Event::Message(way) => {
                let handled = endpoint.handle_message(&message, &way, now);
                watch.received(&message, &way, handled);
            }
        }
        if endpoint.poll_timeout().is_some_and(|at| at <= now) {
            endpoint.handle_timer(now);
        }
        send(endpoint, listener, watch).await;
    }
}

/// Waits for what happens next.
async fn next(
    listener: &mut Listener,
    message: &mut Vec<u8>,
    stop: &mut Stop,
    wishes: u32,
    asked: &mut Signal,
    wake: Option<Instant>,
) -> Event {
    let sleep = async {
        match wake {
            Some(at) => tokio::time::sleep_until(at.into()).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        biased;
        () = stop.after(wishes) => Event::Stopped,
        _ = asked.recv() => Event::Asked,
        () = sleep => Event::Time,
        way = listener.receive(message) => Event::Message(way),
    }
}

/// Sends all that is to be sent.
async fn send<R: Role>(endpoint: &mut Endpoint<R>, listener: &mut Listener, watch: &mut impl Watch) {
    while let Some(transmit) = endpoint.poll_transmit() {
        match listener.send(&transmit.way, &transmit.bytes).await {
            Ok(()) => watch.sent(&transmit, transmit.since.elapsed()),
            Err(error) => {
                endpoint.tally.unsent += 1;
                watch.failed(&transmit, &error);
            }
        }
        endpoint.recycle(transmit);
    }
}
