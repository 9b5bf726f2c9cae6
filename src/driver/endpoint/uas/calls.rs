//! The calls of a user agent server, by dialog and by transaction. RFC 3261 §12, §13.3

use super::call::{ALLOW, Call, State, warning};
use crate::agent::dialog::Refused;
use crate::agent::session_timer::SessionTimer;
use crate::agent::{Dialog, transfer};
use crate::base::Entropy;
use crate::driver::endpoint::studio::{self, Wish};
use crate::driver::endpoint::{Answer, Arrival, Outgoing, Transfer};
use crate::media::dtmf::from_info;
use crate::media::negotiator::{Local, Wishes};
use crate::sip::{HeaderName, Message, Method};
use crate::transaction::Timers;
use std::collections::{BTreeSet, HashMap, VecDeque};
use std::time::{Duration, Instant};

/// Calls that may stand at once.
const MOST: usize = 10_000;
/// Calls that may share a Call-ID.
const MOST_OF_ONE: usize = 16;

/// Transfers that wait to be told: they are taken after every message.
const MOST_TRANSFERS: usize = 64;

/// How calls are answered.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// Nothing but a 100 is said for so long.
    pub answer_after: Duration,
    /// Then it rings for so long.
    pub ring: Duration,
    /// Media flows before the answer: 183 with a description.
    pub early_media: bool,
    /// Provisional responses are acknowledged where the caller can. RFC 3262
    pub reliable: bool,
    /// The first RSeq of each call; `None` draws it. RFC 3262 §3
    pub first_rseq: Option<u32>,
    /// Each call is ended so long after its answer.
    pub hangup_after: Option<Duration>,
    /// What is wanted of media.
    pub wishes: Wishes,
    /// How media is opened.
    pub studio: studio::Options,
    /// T1, T2, T4.
    pub timers: Timers,
}

impl Plan {
    /// Whether something is said before the answer.
    pub(super) fn rings(&self) -> bool {
        self.early_media || self.reliable || !self.ring.is_zero()
    }

    /// Whether the final response has to wait for anything.
    pub(super) fn takes_time(&self) -> bool {
        self.rings() || !self.answer_after.is_zero()
    }
}

/// What a call gets in the end instead of its answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Refusal {
    /// 300 to 699.
    pub status: u16,
    /// Its reason phrase; `None` for the registered one.
    pub reason: Option<String>,
    /// Retry-After, in seconds.
    pub retry_after: Option<u64>,
    /// Header fields that it has beside the usual ones.
    pub headers: Vec<(String, String)>,
}

/// What calls bring about.
#[derive(Debug, Default)]
pub(super) struct Out {
    pub(super) outgoing: VecDeque<Outgoing>,
    pub(super) wishes: VecDeque<Wish>,
    pub(super) transfers: VecDeque<Transfer>,
    pub(super) answered: u64,
    pub(super) unacknowledged: u64,
    /// Calls that were refused because too many stood.
    pub(super) crowded: u64,
}

/// The calls.
#[derive(Debug)]
pub struct Calls {
    plan: Plan,
    calls: HashMap<u64, Call>,
    by_call_id: HashMap<Vec<u8>, Vec<u64>>,
    by_transaction: HashMap<u64, u64>,
    due: BTreeSet<(Instant, u64)>,
    out: Out,
    entropy: Entropy,
    last: u64,
}

impl Calls {
    /// No calls yet.
    #[must_use]
    pub fn new(plan: Plan, entropy: Entropy) -> Self {
        Calls {
            plan,
            calls: HashMap::new(),
            by_call_id: HashMap::new(),
            by_transaction: HashMap::new(),
            due: BTreeSet::new(),
            out: Out::default(),
            entropy,
            last: 0,
        }
    }

    /// How calls are answered.
    #[must_use]
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Calls that stand, those that ring among them.
    #[must_use]
    pub fn len(&self) -> usize {
        self.calls.len()
    }

    /// Whether none stands.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.calls.is_empty()
    }

    /// Calls that were answered with 200.
    #[must_use]
    pub fn answered(&self) -> u64 {
        self.out.answered
    }

    /// Calls that were refused because too many stood, in all or with one Call-ID.
    pub(super) fn crowded(&self) -> u64 {
        self.out.crowded
    }

    /// An INVITE outside any dialog; `refusal` is what it gets in place of a 2xx.
    pub(super) fn invite(&mut self, arrival: &Arrival<'_>, refusal: Option<Refusal>, out: &mut Vec<u8>) -> Answer {
        let request = arrival.request;
        let shared = self.by_call_id.get(request.call_id());
        // RFC 3261 §8.2.2.2: the same request by another way.
        let is_merged = |call: &Call| {
            call.dialog.remote_tag().as_bytes() == request.from_tag()
                && Some(call.invite_cseq) == request.cseq().map(|c| c.number)
        };
        if shared.into_iter().flatten().filter_map(|id| self.calls.get(id)).any(is_merged) {
            return arrival.just(482, out);
        }
        if self.calls.len() >= MOST || shared.is_some_and(|calls| calls.len() >= MOST_OF_ONE) {
            self.out.crowded += 1;
            arrival.reply(503, out).field(HeaderName::RetryAfter, "10").finish();
            return Answer::Now;
        }
        let dialog = match Dialog::callee(request, arrival.tag) {
            Ok(dialog) => dialog,
            Err(why) => return arrival.just_saying(400, no_dialog(why), out),
        };
        if !request.body().is_empty() && request.sdp_body().is_none() {
            arrival.reply(415, out).field(HeaderName::Accept, "application/sdp").finish();
            return Answer::Now;
        }
        if let Some(least) = too_brief(request, arrival.now) {
            arrival.reply(422, out).field(HeaderName::MinSe, least.to_string()).finish();
            return Answer::Now;
        }
        self.last += 1;
        let mut call = Call::of(arrival, dialog, self.last, &self.plan);
        call.refusal = refusal;
        self.out.wishes.push_back(Wish::Open { call: call.id, address: arrival.way.local.ip() });
        self.by_call_id.entry(call.dialog.call_id().as_bytes().to_vec()).or_default().push(call.id);
        self.by_transaction.insert(call.transaction, call.id);
        self.calls.insert(call.id, call);
        // RFC 3261 §17.2.1: the 100 may be left out where something else is said within 200 ms.
        if self.plan.rings() && self.plan.answer_after.is_zero()
            || self.plan.answer_after + self.plan.ring == Duration::ZERO
        {
            return Answer::Nothing;
        }
        arrival.reply(100, out).finish();
        Answer::Now
    }

    /// A request inside a dialog.
    pub(super) fn inside(&mut self, arrival: &Arrival<'_>, out: &mut Vec<u8>) -> Answer {
        let request = arrival.request;
        let Some(id) = self.find(request) else { return arrival.just(481, out) };
        let now = arrival.now;
        self.with(id, now, |call, plan, _, effects| {
            // RFC 3261 §12.2.2
            if !call.is_in_order(request) {
                return arrival.just(500, out);
            }
            match request.method() {
                Method::Bye => {
                    call.left(effects);
                    arrival.just(200, out)
                }
                Method::Prack if call.prack(request, plan, now) => {
                    let body = call.take_description(request, plan, effects);
                    let mut reply = arrival.reply(200, out);
                    match body {
                        Some(body) => reply.finish_with("application/sdp", &body),
                        None => reply.finish(),
                    }
                    Answer::Now
                }
                Method::Prack => arrival.just(481, out),
                Method::Invite | Method::Update => refresh(call, arrival, plan, effects, out),
                Method::Info | Method::Message => {
                    let kind = request.text(request.outline.content_type);
                    let digit = from_info(kind, request.body()).filter(|_| request.method() == Method::Info);
                    effects.wishes.extend(digit.map(|digit| Wish::Digit { call: call.id, digit }));
                    arrival.just(200, out)
                }
                Method::Refer => match transfer::asked(request) {
                    Err(status) => arrival.just(status, out),
                    Ok(to) => {
                        if effects.transfers.len() < MOST_TRANSFERS {
                            effects.transfers.push_back(Transfer { call: call.id, to: to.to_vec() });
                        }
                        arrival.just(transfer::DECLINED, out)
                    }
                },
                // RFC 6665 §4.1.3: we subscribed to nothing.
                Method::Notify => arrival.just(481, out),
                Method::Options => {
                    arrival.reply(200, out).field(HeaderName::Allow, ALLOW).finish();
                    Answer::Now
                }
                _ => arrival.method_not_allowed(ALLOW, out),
            }
        })
        .unwrap_or(Answer::Nothing)
    }

    pub(super) fn acknowledged(&mut self, ack: &Message<'_>, now: Instant) -> bool {
        let Some(id) = self.find(ack) else { return false };
        self.with(id, now, |call, plan, entropy, out| call.acknowledged(ack, plan, entropy, now, out)).is_some()
    }

    pub(super) fn cancelled(&mut self, transaction: u64, now: Instant) -> bool {
        let Some(&id) = self.by_transaction.get(&transaction) else { return false };
        self.with(id, now, |call, _, _, out| call.cancelled(out)).is_some()
    }

    pub(super) fn response(&mut self, response: &Message<'_>, now: Instant) -> bool {
        let Some(id) = self.find(response) else { return false };
        self.with(id, now, |call, plan, entropy, out| call.answered(response, plan, entropy, now, out)).unwrap_or(false)
    }

    pub(super) fn media_opened(&mut self, id: u64, local: Option<Local>, now: Instant) {
        self.with(id, now, |call, plan, entropy, out| {
            if call.state == State::Opening {
                call.opened(local, plan, entropy, now, out);
            }
        });
    }

    pub(super) fn close(&mut self, now: Instant) {
        let ids: Vec<u64> = self.calls.keys().copied().collect();
        for id in ids {
            self.with(id, now, |call, plan, entropy, out| call.hang_up(plan, entropy, now, out));
        }
    }

    pub(super) fn poll_transmit(&mut self) -> Option<Outgoing> {
        self.out.outgoing.pop_front()
    }

    pub(super) fn poll_media(&mut self) -> Option<Wish> {
        self.out.wishes.pop_front()
    }

    pub(super) fn poll_transfer(&mut self) -> Option<Transfer> {
        self.out.transfers.pop_front()
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.due.first().map(|(at, _)| *at)
    }

    pub(super) fn handle_timer(&mut self, now: Instant) {
        // Each call once: what it notes anew lies ahead, or comes next time.
        let due: Vec<u64> = self.due.iter().take_while(|(at, _)| *at <= now).map(|(_, id)| *id).collect();
        for id in due {
            self.with(id, now, |call, plan, entropy, out| call.tick(plan, entropy, now, out));
        }
    }

    /// The call of a dialog. RFC 3261 §12
    fn find(&self, message: &Message<'_>) -> Option<u64> {
        let ids = self.by_call_id.get(message.call_id())?;
        ids.iter().copied().find(|id| self.calls.get(id).is_some_and(|call| call.dialog.owns(message)))
    }

    /// Does something to a call, and keeps the tables right.
    fn with<T>(
        &mut self,
        id: u64,
        _now: Instant,
        act: impl FnOnce(&mut Call, &Plan, &mut Entropy, &mut Out) -> T,
    ) -> Option<T> {
        let call = self.calls.get_mut(&id)?;
        let done = act(call, &self.plan, &mut self.entropy, &mut self.out);
        if let Some(at) = call.noted.take() {
            self.due.remove(&(at, id));
        }
        if call.state == State::Over {
            self.forget(id);
        } else if let Some(at) = call.due() {
            call.noted = Some(at);
            self.due.insert((at, id));
        }
        Some(done)
    }

    fn forget(&mut self, id: u64) {
        let Some(call) = self.calls.remove(&id) else { return };
        self.by_transaction.remove(&call.transaction);
        if let Some(ids) = self.by_call_id.get_mut(call.dialog.call_id().as_bytes()) {
            ids.retain(|other| *other != id);
            if ids.is_empty() {
                self.by_call_id.remove(call.dialog.call_id().as_bytes());
            }
        }
        self.out.wishes.push_back(Wish::End { call: id });
    }
}

/// Why an INVITE makes no dialog, as its 400 says it. RFC 3261 §12.1.1
fn no_dialog(why: Refused) -> &'static str {
    match why {
        Refused::NoContact => "Missing Contact",
        Refused::Incomplete => "Bad Request (CSeq cannot be read)",
        Refused::Unwritable => "Bad Request (Record-Route, Contact, From or To cannot be used)",
        Refused::TooManyRoutes => "Bad Request (more than 32 in Record-Route)",
    }
}

/// The least interval that is taken, where a request asks for less. RFC 4028 §9
fn too_brief(request: &Message<'_>, now: Instant) -> Option<u32> {
    SessionTimer::default().handle_request(request, now).err()
}

/// A re-INVITE or an UPDATE. RFC 3261 §14.2, RFC 3311 §5.2
fn refresh(call: &mut Call, arrival: &Arrival<'_>, plan: &Plan, effects: &mut Out, out: &mut Vec<u8>) -> Answer {
    let request = arrival.request;
    if let Err(status) = call.is_open_to(request) {
        let mut reply = arrival.reply(status, out);
        if status == 500 {
            reply.field(HeaderName::RetryAfter, "1");
        }
        reply.finish();
        return Answer::Now;
    }
    if let Some(least) = too_brief(request, arrival.now) {
        arrival.reply(422, out).field(HeaderName::MinSe, least.to_string()).finish();
        return Answer::Now;
    }
    match call.renegotiate(request, effects) {
        Err(why) => {
            // RFC 3261 §14.2: the session goes on as it was.
            arrival.reply(488, out).field(HeaderName::Warning, warning(why)).finish();
        }
        Ok(body) => {
            call.keep_time(request, arrival.now);
            let mut reply = arrival.reply(200, out);
            call.describe(&mut reply);
            match body {
                Some(body) => reply.finish_with("application/sdp", &body),
                None => reply.finish(),
            }
            call.refreshed(arrival, plan, out);
        }
    }
    Answer::Now
}
