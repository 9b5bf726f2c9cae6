//! A user agent that registers, and takes calls over the line by which it registered: the called side of a trial in one process.

use super::uas::{Calls, Plan as Answering};
use super::{Endpoint, Options, Role, Uas, studio::Wish};
use crate::agent::register::{Event, Register};
use crate::agent::{Action, Machine};
use crate::base::Entropy;
use crate::driver::media::{Clock, Ended, Media, Ports};
use crate::driver::stop::Stop;
use crate::media::mark::Mark;
use crate::media::negotiator::Local;
use crate::media::session::{Settings, Source};
use crate::sip::{Message, Method, Outline};
use crate::transport::listener::Way;
use crate::transport::{Connector, Line, Plan, Received, Tap, TransportError};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// How long a call that stands may take to end when nobody waits for it any longer.
const PARTING: Duration = Duration::from_secs(4);
/// The pause of a user agent that waits for no timer.
const NEVER: Duration = Duration::from_secs(3600);
/// Calls whose media is kept for the report: a trial makes one, and a fork of it another.
const MOST_CALLS: usize = 8;

/// How it takes calls.
pub struct Taking {
    /// How calls are answered.
    pub answering: Answering,
    /// Its mark in what it sends.
    pub mark: Mark,
    /// The clock of its media: both ends of a trial share one.
    pub clock: Clock,
    /// Who records its media; `None` where the other end does.
    pub tap: Option<Arc<dyn Tap>>,
    /// Its Server header field.
    pub server: String,
}

/// How far it has come, for who waits for it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum Stage {
    /// It is registering.
    #[default]
    Registering,
    /// It can be called.
    Ready,
    /// It could not register, or it is done.
    Over,
}

/// What came of it.
#[derive(Debug, Default)]
pub struct Taken {
    /// What the registration told, in order.
    pub events: Vec<Event>,
    /// Our registered Contact.
    pub contact: Vec<u8>,
    /// Whether a binding of ours may be left.
    pub may_be_bound: bool,
    /// The first INVITE that came, as it arrived.
    pub invite: Option<Vec<u8>>,
    /// Our 2xx to it, as it was sent.
    pub answer: Option<Vec<u8>>,
    /// The media of its calls, in the order in which they ended.
    pub media: Vec<Ended>,
    /// Messages that could not be sent.
    pub unsent: u64,
}

/// Registers, takes calls until somebody stops it, ends them and takes the binding away again.
///
/// `told` hears how far it is. `stop`: the first wish ends it in good order, a second one at once.
pub async fn take_calls(
    register: Register,
    plan: &Plan,
    connector: &Connector,
    taking: Taking,
    mut entropy: Entropy,
    told: watch::Sender<Stage>,
    stop: Stop,
) -> Taken {
    let calls = Calls::new(taking.answering.clone(), Entropy::seeded(entropy.below(u64::MAX)));
    let role = Uas { calls: Some(calls), ..Uas::default() };
    let options = Options { server: taking.server.clone(), ..Options::default() };
    let endpoint = Endpoint::new(role, options, Entropy::seeded(entropy.below(u64::MAX)), Instant::now());
    let callee = Callee {
        register,
        endpoint,
        plan,
        connector,
        taking,
        entropy,
        told,
        stop,
        line: None,
        calls: Vec::new(),
        taken: Taken::default(),
    };
    callee.run().await
}

struct Callee<'a> {
    register: Register,
    endpoint: Endpoint<Uas>,
    plan: &'a Plan,
    connector: &'a Connector,
    taking: Taking,
    entropy: Entropy,
    told: watch::Sender<Stage>,
    stop: Stop,
    line: Option<Line>,
    calls: Vec<(u64, Media)>,
    taken: Taken,
}

/// What it waits for.
enum Woken {
    Message(Result<Received, TransportError>),
    Time,
    Stopped,
}

impl Callee<'_> {
    async fn run(mut self) -> Taken {
        let (mut buffer, mut wishes, mut end) = (Vec::new(), 0, None);
        loop {
            let now = Instant::now();
            self.turn(now).await;
            let is_idle = self.register.is_finished() && !Role::is_busy(self.endpoint.role());
            if is_idle || end.is_some_and(|end| now >= end) {
                break;
            }
            match self.wait(&mut buffer, wishes, end).await {
                Woken::Time => {}
                Woken::Message(Ok(received)) => self.message(&buffer, received),
                Woken::Message(Err(error)) => self.broken(&error),
                Woken::Stopped if end.is_some() => break,
                Woken::Stopped => {
                    wishes = self.stop.count();
                    let now = Instant::now();
                    end = Some(now + PARTING);
                    Role::close(self.endpoint.role(), now);
                    self.register.handle_stop(now);
                }
            }
        }
        self.finish().await
    }

    /// Does everything that is due.
    async fn turn(&mut self, now: Instant) {
        if self.register.poll_timeout().is_some_and(|at| at <= now) {
            self.register.handle_timer(now);
        }
        if self.endpoint.poll_timeout().is_some_and(|at| at <= now) {
            self.endpoint.handle_timer(now);
        }
        self.registering(now).await;
        // First what is to be sent: the answer to a BYE does not wait for its media to end.
        self.answering().await;
        while let Some(wish) = Role::poll_media(self.endpoint.role()) {
            self.fulfil(wish, now).await;
        }
        self.answering().await;
    }

    async fn registering(&mut self, now: Instant) {
        while let Some(action) = self.register.poll_action(now) {
            match action {
                Action::Tell(event) => self.tell(event),
                Action::Send(bytes) => {
                    let sent = match &mut self.line {
                        Some(line) => line.send(&bytes).await,
                        None => continue,
                    };
                    if let Err(error) = sent {
                        self.broken(&error);
                    }
                }
                Action::Connect(number) => {
                    self.line = None;
                    let Some(candidate) = self.plan.candidates.get(number) else { continue };
                    match self.connector.open(candidate, self.register.connect_timeout()).await {
                        Ok(line) => {
                            self.register.handle_connected(&line.facts, Instant::now());
                            self.line = Some(line);
                        }
                        Err(error) => self.register.handle_transport_error(&error, Instant::now()),
                    }
                }
            }
        }
        if self.register.is_finished() {
            self.told.send_replace(Stage::Over);
        }
    }

    fn tell(&mut self, event: Event) {
        if matches!(event, Event::Waiting(_)) {
            self.taken.contact = self.register.contact().to_vec();
            self.told.send_if_modified(|stage| std::mem::replace(stage, Stage::Ready) != Stage::Ready);
        }
        // Refreshes go on for as long as somebody waits; what they tell is all alike.
        if self.taken.events.len() < 256 {
            self.taken.events.push(event);
        }
    }

    async fn fulfil(&mut self, wish: Wish, now: Instant) {
        match wish {
            Wish::Open { call, address } => {
                let media = self.open(address);
                let local: Option<Local> = media.as_ref().map(Media::local);
                Role::media_opened(self.endpoint.role(), call, local, now);
                self.calls.extend(media.map(|media| (call, media)));
            }
            Wish::Agree { call, agreed } => {
                if let Some((_, media)) = self.calls.iter().find(|(id, _)| *id == call) {
                    media.agree(&agreed);
                }
            }
            Wish::Digit { call, digit } => {
                if let Some((_, media)) = self.calls.iter().find(|(id, _)| *id == call) {
                    media.signal(digit);
                }
            }
            Wish::End { call } => {
                if let Some(at) = self.calls.iter().position(|(id, _)| *id == call) {
                    let (_, media) = self.calls.remove(at);
                    let ended = media.end().await;
                    self.keep(ended);
                }
            }
        }
    }

    fn open(&mut self, address: IpAddr) -> Option<Media> {
        let ports = Ports::bind(address, None).ok()?;
        let settings = Settings { source: Source::Mark, mark: self.taking.mark, ..Settings::default() };
        Some(Media::start(ports, settings, self.taking.clock, self.taking.tap.clone(), None, &mut self.entropy))
    }

    fn keep(&mut self, ended: Ended) {
        if self.taken.media.len() < MOST_CALLS {
            self.taken.media.push(ended);
        }
    }

    /// Sends what the calls want sent.
    async fn answering(&mut self) {
        while let Some(transmit) = self.endpoint.poll_transmit() {
            if transmit.method == Method::Invite && (200..300).contains(&transmit.status) {
                self.taken.answer.get_or_insert_with(|| transmit.bytes.clone());
            }
            let sent = match &mut self.line {
                Some(line) => line.send_to(transmit.way.peer, &transmit.bytes).await.is_ok(),
                None => false,
            };
            self.taken.unsent += u64::from(!sent);
            self.endpoint.recycle(transmit);
        }
    }

    async fn wait(&mut self, buffer: &mut Vec<u8>, wishes: u32, end: Option<Instant>) -> Woken {
        let due = [self.register.poll_timeout(), self.endpoint.poll_timeout(), end].into_iter().flatten().min();
        let due = due.unwrap_or_else(|| Instant::now() + NEVER);
        let receive = async {
            match &mut self.line {
                Some(line) => line.receive(buffer).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            received = receive => Woken::Message(received),
            () = tokio::time::sleep_until(due.into()) => Woken::Time,
            () = self.stop.after(wishes) => Woken::Stopped,
        }
    }

    fn message(&mut self, bytes: &[u8], received: Received) {
        let Some(line) = &self.line else { return };
        let (facts, now) = (&line.facts, received.at);
        let mut outline = Outline::new();
        if !outline.read(bytes) {
            return;
        }
        let message = Message::new(bytes, &outline);
        if !message.is_request() && message.method() == Method::Register {
            self.register.handle_message(bytes, received.from, now);
            return;
        }
        if message.is_request() && message.method() == Method::Invite && message.to_tag().is_empty() {
            self.taken.invite.get_or_insert_with(|| bytes.to_vec());
        }
        let way = Way { protocol: facts.protocol, local: facts.local, peer: received.from, connection: 1 };
        self.endpoint.handle_message(bytes, &way, now);
    }

    fn broken(&mut self, error: &TransportError) {
        // What ICMP says of a peer inside a call does not concern the registrar.
        let concerns = error.peer.is_none_or(|peer| self.line.as_ref().is_some_and(|line| line.facts.peer == peer));
        if concerns {
            self.line = None;
            self.register.handle_transport_error(error, Instant::now());
        }
    }

    async fn finish(mut self) -> Taken {
        for (_, media) in std::mem::take(&mut self.calls) {
            let ended = media.end().await;
            self.keep(ended);
        }
        if let Some(line) = &mut self.line {
            line.close().await;
        }
        self.taken.may_be_bound = self.register.may_be_bound();
        self.told.send_replace(Stage::Over);
        self.taken
    }
}
