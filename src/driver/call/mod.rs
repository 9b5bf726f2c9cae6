//! A trial call joined to its ways, its media and the clock.
//!
//! Refuses to judge: what was told goes to a [`Watch`], what was sent and heard comes back as [`Ended`], the rest is the machine's record.

mod sound;
mod ways;

pub use sound::Sound;

use super::agent::Watch;
use super::media::Ended;
use super::stop::Stop;
use crate::agent::invite::{Action, Event, Invite, Place, WayId};
use crate::base::Entropy;
use crate::transport::resolve::Wanted;
use crate::transport::{Connector, Phase, Plan, Resolver, TransportError};
use sound::Stage;
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use ways::{Arrival, Ways};

/// How places are reached.
#[derive(Clone, Copy)]
pub struct Means<'a> {
    /// Where the first INVITE may go.
    pub plan: &'a Plan,
    /// Opens sockets and connections.
    pub connector: &'a Connector,
    /// Looks up where redirections, routes and contacts lead.
    pub resolver: &'a Resolver,
    /// What narrows that.
    pub wanted: Wanted,
    /// How long a connection may take to be opened, and to take what is sent.
    pub timeout: Duration,
}

/// The pause of a call that waits for no timer.
const NEVER: Duration = Duration::from_secs(3600);

/// Runs a call to its end, and tells what its media came to; `None` where it never had any. `stop`: the first wish ends the call in
/// good order (CANCEL or BYE), a second one at once.
pub async fn run(
    machine: &mut Invite,
    means: &Means<'_>,
    sound: &Sound,
    mut entropy: Entropy,
    stop: Stop,
    watch: &mut impl Watch<Event>,
) -> Option<Ended> {
    let draw = Entropy::seeded(entropy.below(u64::MAX));
    let stage = Stage::new(sound, entropy);
    let mut joint =
        Joint { machine, ways: Ways::new(means, draw), means, stage, stop, watch, wishes: 0, moment: Instant::now() };
    joint.run().await;
    joint.stage.end().await
}

struct Joint<'a, W> {
    machine: &'a mut Invite,
    ways: Ways<'a>,
    means: &'a Means<'a>,
    stage: Stage<'a>,
    stop: Stop,
    watch: &'a mut W,
    /// Wishes to stop that were taken in.
    wishes: u32,
    /// When what the machine was told last happened.
    moment: Instant,
}

impl<W: Watch<Event>> Joint<'_, W> {
    async fn run(&mut self) {
        while !self.is_over().await {
            let now = Instant::now();
            let due = [self.machine.poll_timeout(), self.stage.poll_timeout(now)].into_iter().flatten().min();
            let due = due.unwrap_or_else(|| now + NEVER);
            let arrival = tokio::select! {
                biased;
                arrival = self.ways.arrive() => Some(arrival),
                () = tokio::time::sleep_until(due.into()) => None,
                () = self.stop.after(self.wishes) => None,
            };
            if let Some(arrival) = arrival {
                self.take(arrival).await;
            }
        }
        if self.wishes < 2 {
            let mut stop = self.stop.clone();
            tokio::select! {
                biased;
                () = self.ways.close() => {}
                () = stop.after(1) => {}
            }
        }
    }

    /// Looks at the wish to stop, the timers and the digits, and does what the machine wants. `true` where nothing is left to do.
    async fn is_over(&mut self) -> bool {
        let wished = self.stop.count();
        if wished > self.wishes {
            if self.wishes == 0 {
                self.moment = Instant::now();
                self.machine.handle_stop(self.moment);
            }
            self.wishes = wished;
        }
        if self.wishes >= 2 {
            return true;
        }
        let now = Instant::now();
        if self.machine.poll_timeout().is_some_and(|due| due <= now) {
            self.moment = now;
            self.machine.handle_timer(now);
        }
        if self.stage.has_pressed() {
            self.moment = now;
            self.machine.handle_pressed(now);
        }
        self.act().await;
        self.machine.is_finished() || self.wishes >= 2
    }

    async fn take(&mut self, arrival: Arrival) {
        match arrival {
            Arrival::Step(way, step) => match self.ways.step(way, step).await {
                None => {}
                Some(Ok(facts)) => {
                    self.watch.connected(&facts);
                    self.moment = Instant::now();
                    self.machine.handle_reached(way, &facts, self.moment);
                }
                Some(Err(error)) => self.unreached(&[way], &error),
            },
            Arrival::Message(line, Ok(received)) => {
                let Some((way, bytes)) = self.ways.message(line, received.from) else { return };
                self.watch.received(bytes, received.from);
                self.moment = received.at;
                self.machine.handle_message(bytes, way, received.from, received.at);
            }
            Arrival::Message(line, Err(error)) => {
                let ways = self.ways.concerned(line, &error);
                self.unreached(&ways, &error);
            }
        }
    }

    fn unreached(&mut self, ways: &[WayId], error: &TransportError) {
        self.watch.failed(error);
        self.moment = Instant::now();
        for &way in ways {
            self.machine.handle_unreached(way, error, self.moment);
        }
    }

    /// Does everything that the machine wants done.
    async fn act(&mut self) {
        while let Some(action) = self.machine.poll_action(Instant::now()) {
            match action {
                Action::Tell(event) => {
                    if matches!(event, Event::Ended(_)) {
                        self.stage.leave();
                    }
                    let began = self.machine.record().began;
                    self.watch
                        .after(began.map_or(Duration::ZERO, |began| self.moment.saturating_duration_since(began)));
                    self.watch.event(event);
                }
                Action::Reach { way, place } => {
                    match &place {
                        Place::Candidate(number) => self.watch.connecting(*number),
                        Place::Uri(uri) => self.watch.reaching(uri),
                    }
                    if let Err(error) = self.ways.look(way, &place) {
                        self.unreached(&[way], &error);
                    }
                }
                Action::Send { way, to, bytes } => self.send(way, to, &bytes).await,
                Action::OpenMedia(address) => {
                    let local = self.stage.open(address);
                    self.moment = Instant::now();
                    self.machine.handle_media(local, self.moment);
                }
                Action::Agree(agreed) => self.stage.agree(&agreed),
                Action::Press(digits) => self.stage.press(&digits),
            }
            if self.wishes >= 2 {
                return;
            }
        }
    }

    /// Sends a message; what cannot be sent because the way broke in the meantime is lost, as the machine knows already.
    async fn send(&mut self, way: WayId, to: Option<SocketAddr>, bytes: &[u8]) {
        let Some((line, protocol)) = self.ways.line_of(way) else { return };
        let limit = self.means.timeout;
        // A peer that reads nothing must not hold us up for longer than one that does not answer.
        let sent = tokio::select! {
            biased;
            sent = self.ways.send(way, to, bytes) => sent,
            () = tokio::time::sleep(limit) => Err(stuck(limit)),
            () = self.stop.after(1) => {
                self.wishes = 2;
                return;
            }
        };
        match sent {
            Ok(true) => self.watch.sent(bytes),
            Ok(false) => {}
            // A datagram that cannot be sent says nothing of the others of its socket.
            Err(error) if protocol.is_reliable() => {
                let ways = self.ways.concerned(line, &error);
                self.unreached(&ways, &error);
            }
            Err(error) => self.unreached(&[way], &error),
        }
    }
}

fn stuck(limit: Duration) -> TransportError {
    let message = format!("cannot send: nothing was taken in {:.1} s", limit.as_secs_f64());
    TransportError::new(Phase::Send, "timeout", message)
}
