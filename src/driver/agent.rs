//! An agent joined to a line and the clock.

use crate::agent::{Action, Machine};
use crate::transport::{Candidate, Connector, Line, LineFacts, Phase, Plan, Received, TransportError};
use futures_util::FutureExt;
use std::net::SocketAddr;
use std::pin::Pin;
use std::time::{Duration, Instant};

/// What passes between an agent and its line, for `-v`.
pub trait Watch<E> {
    /// The agent tells something.
    fn event(&mut self, event: E);
    /// What is told next happened so long after the first request.
    fn after(&mut self, since: Duration) {
        let _ = since;
    }
    /// A line is being opened to the candidate of that number.
    fn connecting(&mut self, candidate: usize) {
        let _ = candidate;
    }
    /// A way is being looked for to where a URI leads.
    fn reaching(&mut self, uri: &str) {
        let _ = uri;
    }
    /// A line is open.
    fn connected(&mut self, line: &LineFacts) {
        let _ = line;
    }
    /// A message was sent.
    fn sent(&mut self, bytes: &[u8]) {
        let _ = bytes;
    }
    /// A message came.
    fn received(&mut self, bytes: &[u8], from: SocketAddr) {
        let _ = (bytes, from);
    }
    /// The line broke or could not be opened.
    fn failed(&mut self, error: &TransportError) {
        let _ = error;
    }
}

/// What carries an agent's messages: a [`Line`], or what stands for one where nothing is to be sent.
pub trait Carry {
    /// What there is to know of it.
    fn facts(&self) -> &LineFacts;
    /// Sends one whole message.
    fn send(&mut self, message: &[u8]) -> impl Future<Output = Result<(), TransportError>>;
    /// The next whole message, put into `into` (cleared first). Cancel safe.
    fn receive(&mut self, into: &mut Vec<u8>) -> impl Future<Output = Result<Received, TransportError>>;
    /// Ends it in good order.
    fn close(&mut self) -> impl Future<Output = ()>;
}

impl Carry for Line {
    fn facts(&self) -> &LineFacts {
        &self.facts
    }
    async fn send(&mut self, message: &[u8]) -> Result<(), TransportError> {
        Line::send(self, message).await
    }
    async fn receive(&mut self, into: &mut Vec<u8>) -> Result<Received, TransportError> {
        Line::receive(self, into).await
    }
    async fn close(&mut self) {
        Line::close(self).await;
    }
}

/// What opens the ways that an agent asks for: a [`Connector`], or what stands for one.
pub trait Open {
    /// What it opens.
    type Way: Carry;
    /// Opens a way to a candidate.
    fn open(&self, candidate: &Candidate, timeout: Duration)
    -> impl Future<Output = Result<Self::Way, TransportError>>;
}

impl Open for Connector {
    type Way = Line;
    async fn open(&self, candidate: &Candidate, timeout: Duration) -> Result<Line, TransportError> {
        Connector::open(self, candidate, timeout).await
    }
}

/// Messages that are taken in one after the other before timers and the wish to stop are looked at again.
const BATCH: usize = 64;
/// How long the end of a line in good order may take.
const CLOSE: Duration = Duration::from_secs(1);
/// The pause of an agent that waits for no timer.
const NEVER: Duration = Duration::from_secs(3600);

/// Runs an agent to its end. `stop` tells where somebody wants to stop (see [`super::stop`]): the agent is told once and given time to
/// clean up; a second wish ends it at once.
pub async fn run<M: Machine>(
    machine: &mut M,
    plan: &Plan,
    connector: &impl Open,
    stop: super::stop::Stop,
    watch: &mut impl Watch<M::Event>,
) {
    let mut joint =
        Joint { machine, plan, connector, stop, watch, way: Way::Shut, buffer: Vec::with_capacity(4096), wishes: 0 };
    joint.run().await;
}

/// The way that an agent has at the moment.
enum Way<'a, L> {
    Shut,
    Opening(Pin<Box<dyn Future<Output = Result<L, TransportError>> + 'a>>),
    Open(L),
}

/// What an agent waits for.
enum Arrived<L> {
    /// The way that was being opened, or why it is not open.
    Opened(Result<L, TransportError>),
    /// A message in the buffer, or why none will come.
    Message(Result<Received, TransportError>),
}

/// Why the loop goes round.
enum Woken<L> {
    Arrived(Arrived<L>),
    /// A timer may be due, or somebody wishes to stop: looked at in any case.
    Elsewise,
}

struct Joint<'a, M, O: Open, W> {
    machine: &'a mut M,
    plan: &'a Plan,
    connector: &'a O,
    stop: super::stop::Stop,
    watch: &'a mut W,
    way: Way<'a, O::Way>,
    buffer: Vec<u8>,
    /// Wishes to stop that were taken in.
    wishes: u32,
}

impl<L: Carry> Way<'_, L> {
    /// Waits for what comes next. Cancel safe.
    async fn next(&mut self, buffer: &mut Vec<u8>) -> Arrived<L> {
        match self {
            Way::Shut => std::future::pending().await,
            Way::Opening(opening) => Arrived::Opened(opening.await),
            Way::Open(line) => Arrived::Message(line.receive(buffer).await),
        }
    }
}

impl<M: Machine, O: Open, W: Watch<M::Event>> Joint<'_, M, O, W> {
    async fn run(&mut self) {
        let mut sleep = Box::pin(tokio::time::sleep(NEVER));
        loop {
            if self.is_over().await {
                break;
            }
            // An alarm that rings too early does no harm, and setting it anew for each message would cost.
            let due = self.machine.poll_timeout().map(tokio::time::Instant::from_std);
            let due = due.unwrap_or_else(|| tokio::time::Instant::now() + NEVER);
            if due < sleep.deadline() || sleep.is_elapsed() {
                sleep.as_mut().reset(due);
            }
            let woken = tokio::select! {
                biased;
                arrived = self.way.next(&mut self.buffer) => Woken::Arrived(arrived),
                () = &mut sleep => Woken::Elsewise,
                () = self.stop.after(self.wishes) => Woken::Elsewise,
            };
            if let Woken::Arrived(arrived) = woken {
                self.take(arrived).await;
                self.drain().await;
            }
        }
        if self.wishes < 2 {
            self.shut().await;
        }
    }

    /// Looks at the wish to stop and at the timers, and does what the agent wants. `true` where nothing is left to do.
    async fn is_over(&mut self) -> bool {
        let wished = self.stop.count();
        if wished > self.wishes {
            if self.wishes == 0 {
                self.machine.handle_stop(Instant::now());
            }
            self.wishes = wished;
        }
        if self.wishes >= 2 {
            return true;
        }
        let now = Instant::now();
        if self.machine.poll_timeout().is_some_and(|due| due <= now) {
            self.machine.handle_timer(now);
        }
        self.act().await;
        self.machine.is_finished() || self.wishes >= 2
    }

    /// Takes in what is there already, without looking at timers in between: at full load they would cost more than the messages.
    async fn drain(&mut self) {
        for _ in 0..BATCH {
            self.act().await;
            if self.machine.is_finished() {
                return;
            }
            let Way::Open(line) = &mut self.way else { return };
            let Some(message) = line.receive(&mut self.buffer).now_or_never() else { return };
            self.take(Arrived::Message(message)).await;
        }
    }

    async fn take(&mut self, arrived: Arrived<O::Way>) {
        match arrived {
            Arrived::Opened(Ok(line)) => {
                self.watch.connected(line.facts());
                self.machine.handle_connected(line.facts(), Instant::now());
                self.way = Way::Open(line);
            }
            Arrived::Message(Ok(received)) => {
                self.watch.received(&self.buffer, received.from);
                self.machine.handle_message(&self.buffer, received.from, received.at);
            }
            Arrived::Opened(Err(error)) | Arrived::Message(Err(error)) => self.broken(&error),
        }
    }

    fn broken(&mut self, error: &TransportError) {
        self.way = Way::Shut;
        self.watch.failed(error);
        self.machine.handle_transport_error(error, Instant::now());
    }

    /// Does everything that the agent wants done.
    async fn act(&mut self) {
        while let Some(action) = self.machine.poll_action(Instant::now()) {
            match action {
                Action::Tell(event) => self.watch.event(event),
                Action::Connect(number) => self.connect(number).await,
                Action::Send(bytes) => self.send(&bytes).await,
            }
            if self.wishes >= 2 {
                return;
            }
        }
    }

    async fn connect(&mut self, number: usize) {
        self.shut().await;
        let Some(candidate) = self.plan.candidates.get(number) else {
            self.broken(&TransportError::new(Phase::Connect, "io", "there is no further place to try"));
            return;
        };
        self.watch.connecting(number);
        self.way = Way::Opening(Box::pin(self.connector.open(candidate, self.machine.connect_timeout())));
    }

    /// Sends a message; what cannot be sent because the line broke in the meantime is lost, as the agent knows already.
    async fn send(&mut self, bytes: &[u8]) {
        let Way::Open(line) = &mut self.way else { return };
        let limit = self.machine.connect_timeout();
        // A peer that reads nothing must not hold us up for longer than one that does not answer.
        let sent = tokio::select! {
            biased;
            sent = line.send(bytes) => sent,
            () = tokio::time::sleep(limit) => Err(stuck(line.facts(), limit)),
            () = self.stop.after(1) => {
                self.wishes = 2;
                return;
            }
        };
        match sent {
            Ok(()) => self.watch.sent(bytes),
            Err(error) => self.broken(&error),
        }
    }

    /// Ends the line that is open, in good order and within bounds.
    async fn shut(&mut self) {
        if let Way::Open(line) = &mut self.way {
            tokio::select! {
                biased;
                () = line.close() => {}
                () = tokio::time::sleep(CLOSE) => {}
                () = self.stop.after(1) => self.wishes = 2,
            }
        }
        self.way = Way::Shut;
    }
}

fn stuck(line: &LineFacts, limit: Duration) -> TransportError {
    let LineFacts { protocol, peer, .. } = line;
    let message = format!("cannot send to {peer} over {protocol}: nothing was taken in {:.1} s", limit.as_secs_f64());
    TransportError::new(Phase::Send, "timeout", message)
}

#[cfg(test)]
mod tests;
