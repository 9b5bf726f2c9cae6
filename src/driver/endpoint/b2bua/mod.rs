//! A back-to-back user agent: it ends the call that comes, and makes one of its own for it. RFC 3261 §6, RFC 7092
//!
//! Without I/O but for the ports of relayed media, which it is given the means to open. Each leg has its own Call-ID, tags, sequence
//! numbers and route set. What is asked inside a dialog on one leg (re-INVITE, UPDATE, PRACK, INFO, REFER …) is asked on the other, and its
//! answer goes back; a 2xx to an INVITE is repeated here until its ACK comes, which then goes on. When one leg ends, so does the other.

mod body;
mod call;
mod compose;
mod ending;
mod inside;
mod naming;
mod outward;
mod own;
mod timing;

use super::intermediary::{Intermediary, Out, Question};
use super::proxy::{back, key};
use super::router::{Decision, Place, Router};
use super::{BindingFacts, Handled, Identity, Ignored, Registrar, Role, Tally, Transmit, fault};
use crate::base::{Entropy, Table};
use crate::driver::media::{Relayed, Relays, Side};
use crate::sip::{Message, Method, Outline};
use crate::transaction::{Server, Timers};
use crate::transport::Target;
use crate::transport::listener::Way;
use call::{Call, Inbound, Refused};
use compose::Style;
use naming::Alias;
use std::collections::{BTreeSet, HashMap, VecDeque};
use std::time::{Duration, Instant};

/// How a B2BUA behaves.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where every call goes; with a user, as whom. Without, where the Request-URI leads or its user registered.
    pub to: Option<Target>,
    /// Whether nothing of one leg is shown on the other: no names of software, no addresses, no unknown header fields.
    pub hides: bool,
    /// Whether redirections are followed here instead of being passed on.
    pub follows: bool,
    /// Server and User-Agent of its own messages; empty for none.
    pub server: String,
    /// T1 and the others.
    pub timers: Timers,
}

/// Most calls, those included whose transactions still linger; those beyond are refused with 503.
const MOST_CALLS: usize = 32_768;
/// Most questions without an answer.
const MOST_QUESTIONS: usize = 8_192;
/// Requests inside one call that are under way at once.
const MOST_CROSSINGS: usize = 64;
/// Calls that were refused and may be tried again, and how long they are remembered.
const MOST_REFUSED: usize = 4096;
/// Addresses that are hidden behind a user of ours; they are remembered as long.
const MOST_ALIASES: usize = 4096;
const REMEMBERED: Duration = Duration::from_secs(120);
/// No call is older: both sides may have gone without a word.
const OLDEST: Duration = Duration::from_secs(24 * 3600);

/// What waits for an answer to a question.
#[derive(Debug)]
enum Pending {
    /// The outbound request of that number.
    Out(u64, usize),
    /// The ACK for the leg of a pair.
    Ack { call: u64, pair: usize, side: Side, cseq: u32, source: Option<Vec<u8>> },
}

/// A B2BUA.
pub struct B2bua {
    options: Options,
    router: Router,
    /// Who relays media, if somebody does.
    relays: Option<Box<dyn Relays>>,
    calls: HashMap<u64, Call>,
    /// Server transactions: the call, and the number of the crossing (0 for the request that began it).
    servers: HashMap<Vec<u8>, (u64, usize)>,
    /// Client transactions by branch: the call, and the number of the outbound request.
    clients: HashMap<Vec<u8>, (u64, usize)>,
    /// Dialogs: the call, the pair, the side.
    dialogs: HashMap<Vec<u8>, (u64, usize, Side)>,
    due: BTreeSet<(Instant, u64)>,
    pending: HashMap<u64, Pending>,
    /// Calls that were refused, by Call-ID and From tag of their caller: with credentials they go on as the same.
    refused: Table<Vec<u8>, Refused>,
    /// Who is called under a user of ours because the address is hidden.
    aliases: Table<Vec<u8>, Alias>,
    questions: VecDeque<Question>,
    outbox: VecDeque<Out>,
    relayed: VecDeque<Relayed>,
    outline: Outline,
    entropy: Entropy,
    next: u64,
    /// See [`MOST_CALLS`].
    room: usize,
    /// What was counted so far.
    pub tally: Tally,
}

impl B2bua {
    /// A B2BUA of that identity, whose users are those of `registrar`; media goes through `relays`, where there are some.
    #[must_use]
    pub fn new(
        options: Options,
        identity: Identity,
        registrar: Registrar,
        relays: Option<Box<dyn Relays>>,
        entropy: Entropy,
    ) -> Self {
        B2bua {
            options,
            router: Router::new(identity, registrar, None),
            relays,
            calls: HashMap::new(),
            servers: HashMap::new(),
            clients: HashMap::new(),
            dialogs: HashMap::new(),
            due: BTreeSet::new(),
            pending: HashMap::new(),
            refused: Table::new(MOST_REFUSED),
            aliases: Table::new(MOST_ALIASES),
            questions: VecDeque::new(),
            outbox: VecDeque::new(),
            relayed: VecDeque::new(),
            outline: Outline::new(),
            entropy,
            next: 1,
            room: MOST_CALLS,
            tally: Tally::default(),
        }
    }

    /// Calls that stand or are being set up.
    #[must_use]
    pub fn standing(&self) -> usize {
        self.calls.values().filter(|call| call.stands()).count()
    }

    fn style(&self) -> Style<'_> {
        Style { identity: &self.router.identity, hides: self.options.hides, server: &self.options.server }
    }

    fn ignore(&mut self, why: Ignored) -> Handled {
        self.tally.ignore(why);
        Handled::Ignored(why)
    }

    fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    /// A number for a crossing or an outbound request.
    fn small_number(&mut self) -> usize {
        usize::try_from(self.number()).unwrap_or(usize::MAX)
    }

    fn request(&mut self, request: &Message<'_>, way: &Way, now: Instant) -> Handled {
        let method = request.method();
        if !fault::is_answerable(request) {
            return self.ignore(Ignored::Unanswerable);
        }
        let about = if matches!(method, Method::Ack | Method::Cancel) { Method::Invite } else { method };
        let key = key(request, way, about);
        if method == Method::Ack {
            return self.ack(request, &key, now);
        }
        if let Some(&(id, number)) = self.servers.get(&key).filter(|_| method != Method::Cancel) {
            if let Some(inbound) = self.calls.get_mut(&id).and_then(|call| inbound(call, number)) {
                inbound.server.handle_message(request, now);
            }
            self.tally.repeats += 1;
            self.after(id, now);
            return Handled::Repeat;
        }
        self.tally.requests += 1;
        if let Some(refusal) = fault::of(request) {
            return self.refuse(request, way, refusal.status, Some(&refusal.reason), now);
        }
        if method == Method::Cancel {
            return self.cancelled(request, way, &key, now);
        }
        if request.outline.max_forwards == Some(0) {
            return self.refuse(request, way, 483, None, now);
        }
        if !request.to_tag().is_empty() {
            return self.inside(request, way, key, now);
        }
        self.fresh(request, way, key, now)
    }

    /// A request outside of any dialog that was not seen before.
    fn fresh(&mut self, request: &Message<'_>, way: &Way, key: Vec<u8>, now: Instant) -> Handled {
        let groups = match self.onto(request, way, now) {
            Decision::Own => return self.own(request, way, now),
            Decision::Refuse(status, reason) => return self.refuse(request, way, status, reason, now),
            Decision::Forward(groups) => groups,
        };
        if !matches!(request.method(), Method::Invite | Method::Options | Method::Message | Method::Info) {
            return self.method_not_allowed(request, way, now);
        }
        if self.calls.len() >= self.room {
            self.tally.crowded += 1;
            return self.refuse(request, way, 503, None, now);
        }
        self.open(request, way, key, groups, now)
    }

    /// The server transaction of a request.
    fn take(&self, request: &Message<'_>, way: &Way, key: Vec<u8>, now: Instant) -> Inbound {
        let mut line = Vec::new();
        super::engine::shown(request, &mut line);
        Inbound {
            server: Server::new(request, way.protocol.is_reliable(), self.options.timers, now),
            request: request.bytes.to_vec(),
            method: request.method(),
            way: *way,
            back: back(request, way),
            line,
            since: now,
            key,
            answered: false,
        }
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

/// The request of that number in a call: 0 for the one that began it.
fn inbound(call: &mut Call, number: usize) -> Option<&mut Inbound> {
    match number {
        0 => Some(&mut call.inbound),
        _ => call.crossings.iter_mut().find(|c| c.number == number).map(|c| &mut c.inbound),
    }
}

impl Intermediary for B2bua {
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
        match self.pending.remove(&question) {
            Some(Pending::Out(id, number)) => match found {
                Some(way) => self.send_out(id, number, way, now),
                None => self.out_failed(id, number, 503, now),
            },
            Some(Pending::Ack { call, pair, side, cseq, source }) => {
                if let Some(way) = found {
                    self.send_ack(call, pair, side, cseq, source.as_deref(), way, now);
                }
            }
            None => {}
        }
    }

    fn handle_unsent(&mut self, (id, number): (u64, usize), now: Instant) {
        let out = self.calls.get_mut(&id).and_then(|call| call.outs.iter_mut().find(|o| o.number == number));
        if let Some(out) = out {
            out.give_up();
        }
        self.out_failed(id, number, 503, now);
    }

    fn handle_timer(&mut self, now: Instant) {
        while let Some(&(at, id)) = self.due.first().filter(|(at, _)| *at <= now) {
            self.due.remove(&(at, id));
            if let Some(call) = self.calls.get_mut(&id) {
                call.due = None;
            }
            self.fire(id, now);
        }
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
        self.standing()
    }

    fn tally(&mut self) -> &mut Tally {
        &mut self.tally
    }

    fn bindings(&mut self, now: Instant) -> Vec<BindingFacts> {
        self.router.registrar.bindings(now)
    }

    fn is_busy(&self) -> bool {
        self.calls.values().any(Call::stands)
    }

    fn close(&mut self, now: Instant) {
        let ids: Vec<u64> = self.calls.keys().copied().collect();
        for id in ids {
            self.end_call(id, 503, now);
            self.after(id, now);
        }
    }

    fn poll_relayed(&mut self) -> Option<Relayed> {
        self.relayed.pop_front()
    }
}

/// A request as it is given to be sent.
fn request_out(bytes: Vec<u8>, way: Way, method: Method, errand: Option<(u64, usize)>, now: Instant) -> Out {
    let transmit = Transmit { way, bytes, status: 0, method, line: Vec::new(), since: now, is_repeat: false };
    Out { transmit, errand, is_request: true }
}

#[cfg(test)]
mod tests;
