//! An endpoint joined to its sockets and the clock.

use super::studio::Studio;
use super::{BindingFacts, Endpoint, Handled, Role, Transfer, Transmit};
use crate::driver::Stop;
use crate::driver::media::Ended;
use crate::driver::media::relay::Relayed;
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
    /// The media of a call came to this.
    fn relayed(&mut self, relayed: &Relayed) {
        let _ = relayed;
    }
    /// The media of a call that was taken here came to this.
    fn media_ended(&mut self, call: u64, ended: &Ended) {
        let _ = (call, ended);
    }
    /// A call was to be transferred, which was declined.
    fn transfer(&mut self, transfer: &Transfer) {
        let _ = transfer;
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

/// How long calls may take to end when nobody serves them any longer: a BYE is repeated for that time.
const PARTING: Duration = Duration::from_secs(4);

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
    let mut end = limits.duration.map(|limit| Instant::now() + limit);
    let mut message = Vec::new();
    let mut wishes = stop.count();
    let mut studio = endpoint.role().studio().cloned().map(|options| Studio::new(options, listener.tap()));
    // Why it ends, once its calls are over.
    let mut parting: Option<Ending> = None;
    loop {
        if watch.is_closed() {
            return Ok(Ending::Interrupted);
        }
        let enough = limits.count.is_some_and(|count| endpoint.tally.requests >= count) && !endpoint.is_waiting();
        if parting.is_some() && !endpoint.role().is_busy() || enough || end.is_some_and(|end| Instant::now() >= end) {
            let ending = parting.unwrap_or(Ending::Limit);
            if parting.is_some() || !endpoint.role().is_busy() {
                if let Some(studio) = studio {
                    studio.close().await.iter().for_each(|(call, ended)| watch.media_ended(*call, ended));
                }
                return Ok(ending);
            }
            parting = Some(ending);
            end = Some(part(endpoint, listener, watch).await);
        }
        let wake = [endpoint.poll_timeout(), watch.wakes_at(), end].into_iter().flatten().min();
        let event = next(listener, &mut message, &mut stop, wishes, &mut asked, wake).await;
        let now = Instant::now();
        match event {
            Event::Stopped => {
                // A second wish is obeyed at once.
                if parting.replace(Ending::Interrupted).is_some() {
                    return Ok(Ending::Interrupted);
                }
                wishes = stop.count();
                end = Some(part(endpoint, listener, watch).await);
            }
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
        // First what is to be sent: the answer to a BYE does not wait for its media to end.
        send(endpoint, listener, watch).await;
        while let Some(transfer) = endpoint.role().poll_transfer() {
            watch.transfer(&transfer);
        }
        if let Some(studio) = &mut studio {
            while let Some(wish) = endpoint.role().poll_media() {
                if let Some((call, ended)) = studio.fulfil(wish, endpoint.role(), now).await {
                    watch.media_ended(call, &ended);
                }
            }
        }
        send(endpoint, listener, watch).await;
    }
}

/// Ends all calls, and says until when their ends are waited for.
async fn part<R: Role>(endpoint: &mut Endpoint<R>, listener: &mut Listener, watch: &mut impl Watch) -> Instant {
    let now = Instant::now();
    endpoint.role().close(now);
    send(endpoint, listener, watch).await;
    now + PARTING
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
            Ok(()) if transmit.status == 0 => watch.forwarded(&transmit),
            Ok(()) => watch.sent(&transmit, transmit.since.elapsed()),
            Err(error) => {
                endpoint.tally.unsent += 1;
                watch.failed(&transmit, &error);
            }
        }
        endpoint.recycle(transmit);
    }
}
