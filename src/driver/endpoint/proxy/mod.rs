//! A proxy: stateful or not, record-routing or not, with a registrar of its own. RFC 3261 §16, RFC 5393, RFC 5658
//!
//! Without I/O: messages come in by [`Proxy::handle_message`]; where a request goes is asked by [`Proxy::poll_question`] and told by
//! [`Proxy::handle_place`], because names have to be looked up and connections opened; what is to be sent goes out by
//! [`Proxy::poll_transmit`].

mod answer;
pub(super) mod context;
mod forward;

use super::identity::Identity;
use super::intermediary::{Intermediary, Out, Question};
use super::router::{Decision, Onto, Place, Router};
use super::{Arrival, BindingFacts, Handled, Ignored, Registrar, Role, Tally, fault};
use crate::base::Entropy;
use crate::sip::reply::destination;
use crate::sip::{HeaderName, Message, Method, Outline};
use crate::transaction::{Server, Timers};
use crate::transport::listener::Way;
use crate::transport::{Protocol, Target};
use context::Context;
use forward::Passing;
use std::collections::{BTreeSet, HashMap, VecDeque};
use std::time::Instant;

/// How a proxy behaves.
#[derive(Clone, Debug)]
pub struct Options {
    /// Whether it stays on the way of what follows in a dialog. RFC 3261 §16.6, the fourth step
    pub record_route: bool,
    /// Whether it keeps no transactions. RFC 3261 §16.11
    pub stateless: bool,
    /// Whether it asks for credentials of who calls. RFC 3261 §22.3
    pub authenticates: bool,
    /// Where requests go that are for nobody here.
    pub next_hop: Option<Target>,
    /// The Server header field of its own answers; empty for none.
    pub server: String,
    /// T1 and the others.
    pub timers: Timers,
}

/// Most requests under way; those beyond are refused with 503.
const MOST_CONTEXTS: usize = 32_768;
/// Most questions without an answer.
const MOST_QUESTIONS: usize = 8_192;

/// What waits for an answer to a question.
#[derive(Debug)]
enum Pending {
    /// A branch of a context.
    Branch(u64, usize),
    /// A request that goes on without a transaction.
    Pass(Box<Passing>),
}

/// A proxy.
#[derive(Debug)]
pub struct Proxy {
    options: Options,
    router: Router,
    contexts: HashMap<u64, Context>,
    /// Contexts by the key of their request.
    servers: HashMap<Vec<u8>, u64>,
    /// Contexts by the branches that went out.
    clients: HashMap<Vec<u8>, (u64, usize)>,
    due: BTreeSet<(Instant, u64)>,
    pending: HashMap<u64, Pending>,
    questions: VecDeque<Question>,
    outbox: VecDeque<Out>,
    outline: Outline,
    entropy: Entropy,
    next: u64,
    /// What was counted so far.
    pub tally: Tally,
}

impl Proxy {
    /// A proxy of that identity, whose users are those of `registrar`.
    #[must_use]
    pub fn new(options: Options, identity: Identity, registrar: Registrar, entropy: Entropy) -> Self {
        let router = Router::new(identity, registrar, options.next_hop.clone());
        Proxy {
            options,
            router,
            contexts: HashMap::new(),
            servers: HashMap::new(),
            clients: HashMap::new(),
            due: BTreeSet::new(),
            pending: HashMap::new(),
            questions: VecDeque::new(),
            outbox: VecDeque::new(),
            outline: Outline::new(),
            entropy,
            next: 1,
            tally: Tally::default(),
        }
    }

    /// The registrar in it.
    pub fn registrar(&mut self) -> &mut Registrar {
        &mut self.router.registrar
    }

    fn ignore(&mut self, why: Ignored) -> Handled {
        self.tally.ignore(why);
        Handled::Ignored(why)
    }

    fn request(&mut self, request: &Message<'_>, way: &Way, now: Instant) -> Handled {
        let method = request.method();
        if !fault::is_answerable(request) {
            return self.ignore(Ignored::Unanswerable);
        }
        let key =
            key(request, way, if matches!(method, Method::Ack | Method::Cancel) { Method::Invite } else { method });
        if let Some(&id) = self.servers.get(&key).filter(|_| method != Method::Cancel) {
            let Some(context) = self.contexts.get_mut(&id) else { return Handled::Repeat };
            // The ACK of a 2xx has a transaction of its own; an old client's is known by what it repeats.
            context.server.handle_message(request, now);
            self.after(id, now);
            if method != Method::Ack {
                self.tally.repeats += 1;
                return Handled::Repeat;
            }
            return self.ignore(Ignored::Ack);
        }
        if method == Method::Ack {
            if self.is_own_ack(request) {
                return self.ignore(Ignored::Ack);
            }
            self.tally.requests += 1;
            return self.pass_on(request, way, now);
        }
        self.tally.requests += 1;
        if let Some(refusal) = fault::of(request) {
            return self.refuse(request, way, refusal.status, Some(&refusal.reason), now);
        }
        if method == Method::Cancel {
            return self.cancel(request, way, &key, now);
        }
        self.fresh(request, way, key, now)
    }

    /// A request that was not seen before. RFC 3261 §16.3
    fn fresh(&mut self, request: &Message<'_>, way: &Way, key: Vec<u8>, now: Instant) -> Handled {
        if request.outline.max_forwards == Some(0) {
            return self.refuse(request, way, 483, None, now);
        }
        let mark = self.router.identity.mark(request);
        if self.router.identity.is_loop(request, mark) {
            return self.refuse(request, way, 482, None, now);
        }
        let required: Vec<&[u8]> = request.values(HeaderName::ProxyRequire).take(16).collect();
        if !required.is_empty() {
            return self.bad_extension(request, way, &required, now);
        }
        let decision = self.router.decide(request, way, now);
        let groups = match decision {
            Decision::Own => return self.own(request, way, now),
            Decision::Refuse(status, reason) => return self.refuse(request, way, status, reason, now),
            Decision::Forward(groups) => groups,
        };
        if let Some(handled) = self.challenge(request, way, now) {
            return handled;
        }
        if self.options.stateless {
            let first = groups.into_iter().flatten().next();
            return match first {
                Some(onto) => self.pass(request, way, onto, mark),
                None => self.refuse(request, way, 480, None, now),
            };
        }
        if self.contexts.len() >= MOST_CONTEXTS {
            self.tally.crowded += 1;
            return self.refuse(request, way, 503, None, now);
        }
        self.open(request, way, key, mark, groups, now)
    }

    /// Begins a transaction and sends to the first group.
    fn open(
        &mut self,
        request: &Message<'_>,
        way: &Way,
        key: Vec<u8>,
        mark: u64,
        mut groups: Vec<Vec<Onto>>,
        now: Instant,
    ) -> Handled {
        let id = self.number();
        let method = request.method();
        let mut line = Vec::new();
        super::engine::shown(request, &mut line);
        groups.reverse();
        let context = Context {
            server: Server::new(request, way.protocol.is_reliable(), self.options.timers, now),
            back: back(request, way),
            from: *way,
            request: request.bytes.to_vec(),
            method,
            line,
            since: now,
            mark,
            branches: Vec::new(),
            later: groups,
            best: None,
            challenges: Vec::new(),
            answered: false,
            // RFC 3261 §16.2: a stateful proxy says at once that it took the INVITE.
            trying: (method == Method::Invite).then_some(now),
            due: None,
        };
        self.contexts.insert(id, context);
        self.servers.insert(key, id);
        self.next_group(id, now);
        self.after(id, now);
        Handled::Waiting
    }

    fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    /// A request that is for the proxy itself.
    fn own(&mut self, request: &Message<'_>, way: &Way, now: Instant) -> Handled {
        let tag = self.entropy.token();
        let server = self.options.server.clone();
        let arrival = Arrival { request, way, now, tag: &tag, server: &server, back: *way, transaction: 0 };
        let mut out = Vec::new();
        self.router.registrar.answer(&arrival, &mut out);
        if request.method() == Method::Register && out.starts_with(b"SIP/2.0 200") {
            self.router.note_flows(request, way);
        }
        self.answer_once(request, way, out, now)
    }

    /// Asks where something goes; `false` where too much is asked already.
    fn ask(&mut self, pending: Pending, place: Place) -> bool {
        if self.pending.len() >= MOST_QUESTIONS {
            return false;
        }
        let id = self.number();
        self.pending.insert(id, pending);
        self.questions.push_back(Question { id, place });
        true
    }
}

impl Intermediary for Proxy {
    fn outline(&mut self) -> &mut Outline {
        &mut self.outline
    }

    fn handle_recognised(&mut self, message: &Message<'_>, way: &Way, now: Instant) -> Handled {
        match message.is_request() {
            true => self.request(message, way, now),
            false => self.response(message, now),
        }
    }

    fn handle_place(&mut self, question: u64, found: Option<Way>, now: Instant) {
        self.placed(question, found, now);
    }

    fn handle_unsent(&mut self, errand: (u64, usize), now: Instant) {
        self.unsent(errand, now);
    }

    fn handle_timer(&mut self, now: Instant) {
        self.fire_due(now);
    }

    fn poll_transmit(&mut self) -> Option<Out> {
        self.outbox.pop_front()
    }

    fn poll_question(&mut self) -> Option<Question> {
        self.questions.pop_front()
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.due.first().map(|(at, _)| *at)
    }

    fn under_way(&self) -> usize {
        self.contexts.values().filter(|c| !c.answered).count()
    }

    fn tally(&mut self) -> &mut Tally {
        &mut self.tally
    }

    fn bindings(&mut self, now: Instant) -> Vec<BindingFacts> {
        self.router.registrar.bindings(now)
    }
}

/// Where an answer goes. RFC 3261 §18.2.2
pub(super) fn back(request: &Message<'_>, way: &Way) -> Way {
    let peer = if way.protocol == Protocol::Udp { destination(request, way.peer) } else { way.peer };
    Way { peer, ..*way }
}

/// What a server transaction is found by. RFC 3261 §17.2.3
pub(super) fn key(request: &Message<'_>, way: &Way, method: Method) -> Vec<u8> {
    let method = if method == Method::Other { request.method_text() } else { method.text().as_bytes() };
    let number = request.cseq().map_or(0, |c| c.number).to_string();
    let ip = way.peer.ip().to_string();
    let mut parts = vec![method, request.branch(), request.sent_by(), ip.as_bytes()];
    if !request.branch().starts_with(crate::sip::MAGIC_COOKIE) {
        parts.extend([request.uri().unwrap_or_default(), request.call_id(), request.from_tag(), number.as_bytes()]);
    }
    parts.join(&0)
}

#[cfg(test)]
mod tests;
