//! The server side of transactions for any role: broken requests, repeats, CANCEL, delays and losses. RFC 3261 §8.2, §17.2
//!
//! Without I/O: messages come in by [`Endpoint::handle_message`], what is to be sent goes out by
//! [`Endpoint::poll_transmit`], and [`Endpoint::poll_timeout`] says when [`Endpoint::handle_timer`] is due. One request costs
//! one hash and no allocation that is not used again.

use super::delays::{Delays, Due, Waiting};
use super::fault::{self, Fault};
use super::repeats::{Key, Repeats};
use super::{Answer, Arrival, Ignored, Outgoing, Role, Tally};
use crate::base::Entropy;
use crate::sip::reply::destination;
use crate::sip::{Message, Method, Outline, Reply};
use crate::transport::Protocol;
use crate::transport::listener::Way;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// T1. RFC 3261 §17.1.1.1
const T1: Duration = Duration::from_millis(500);
/// T2. RFC 3261 §17.1.2.2
const T2: Duration = Duration::from_secs(4);
/// Timer H: 64·T1. RFC 3261 §17.2.1
const AGAIN: Duration = Duration::from_secs(32);
/// An INVITE that is not answered within this time gets a 100 at once. RFC 3261 §17.2.1
const TRYING: Duration = Duration::from_millis(200);
/// Bytes of method and Request-URI that are kept to be shown.
const LINE: usize = 256;

/// What an endpoint does to requests whatever its role.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Every answer waits this long.
    pub delay: Duration,
    /// How many of a million requests are let fall.
    pub drop_per_million: u32,
    /// Repeats the draws of `drop_per_million`; `None` draws anew every run.
    pub seed: Option<u64>,
    /// The Server header field; empty for none.
    pub server: String,
}

/// What became of a message that came.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Handled {
    /// A request, answered: [`Endpoint::poll_transmit`] has the response.
    Answered,
    /// A request whose answer waits, or to which the role says nothing.
    Waiting,
    /// A repeat, answered again or (where its answer still waits) absorbed.
    Repeat,
    /// Not answered.
    Ignored(Ignored),
}

/// A response to be sent.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Transmit {
    /// Where it goes.
    pub way: Way,
    /// The response.
    pub bytes: Vec<u8>,
    /// Its status.
    pub status: u16,
    /// The method of the request.
    pub method: Method,
    /// Method and Request-URI as they came, cut where they are long.
    pub line: Vec<u8>,
    /// When the request came.
    pub since: Instant,
    /// Whether it answers a repeat, or goes out again for want of an ACK.
    pub is_repeat: bool,
}

/// A server.
pub struct Endpoint<R> {
    role: R,
    options: Options,
    outline: Outline,
    repeats: Repeats,
    delays: Delays,
    outbox: VecDeque<Transmit>,
    spare: Vec<(Vec<u8>, Vec<u8>)>,
    entropy: Entropy,
    firsts: Entropy,
    seconds: Entropy,
    /// What was counted so far.
    pub tally: Tally,
}

impl<R: Role> Endpoint<R> {
    /// A server of that role. `entropy` makes its tags.
    #[must_use]
    pub fn new(role: R, options: Options, mut entropy: Entropy, now: Instant) -> Self {
        let seed = options.seed.unwrap_or_else(|| entropy.below(u64::MAX));
        Endpoint {
            role,
            options,
            outline: Outline::new(),
            repeats: Repeats::new(now),
            delays: Delays::default(),
            outbox: VecDeque::new(),
            spare: Vec::new(),
            entropy,
            firsts: Entropy::seeded(seed),
            // Drawn apart, so that how often a client repeats does not change which first arrivals are lost.
            seconds: Entropy::seeded(!seed),
            tally: Tally::default(),
        }
    }

    /// The role.
    pub fn role(&mut self) -> &mut R {
        &mut self.role
    }

    /// Takes a message in.
    pub fn handle_message(&mut self, bytes: &[u8], way: &Way, now: Instant) -> Handled {
        let mut outline = std::mem::take(&mut self.outline);
        let handled = match recognised_any(&mut outline, bytes) {
            Err(why) => self.ignore(why),
            Ok(()) => {
                let message = Message::new(bytes, &outline);
                if message.is_request() { self.request(&message, way, now) } else { self.response(&message, now) }
            }
        };
        self.outline = outline;
        handled
    }

    /// What is to be sent next. Give it back to [`Endpoint::recycle`] when it was sent.
    pub fn poll_transmit(&mut self) -> Option<Transmit> {
        while let Some(outgoing) = self.role.poll_transmit() {
            self.send_on(outgoing);
        }
        self.outbox.pop_front()
    }

    /// What the role sends by itself: a response is kept for repeats of its request.
    fn send_on(&mut self, outgoing: Outgoing) {
        let Outgoing { way, bytes, status, method, line, since, transaction } = outgoing;
        if let Some(key) = transaction {
            self.repeats.keep(key, &bytes, status);
            if status >= 200 {
                self.tally.answer(method, status);
            }
            if method == Method::Invite && status >= 300 && way.protocol == Protocol::Udp {
                let again = Due::Again { key, way, pause: T1, end: since + AGAIN };
                // Without room the client's repeats bring it out.
                let _ = self.delays.push(Instant::now() + T1, again);
            }
        }
        let is_repeat = transaction.is_none() && status != 0;
        self.outbox.push_back(Transmit { way, bytes, status, method, line, since, is_repeat });
    }

    /// Takes back what was sent, so that its memory is used again.
    pub fn recycle(&mut self, sent: Transmit) {
        if self.spare.len() < 16 && sent.bytes.capacity() <= 1 << 16 {
            self.spare.push((sent.bytes, sent.line));
        }
    }

    /// When [`Endpoint::handle_timer`] is due.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.delays.next().into_iter().chain(self.role.poll_timeout()).min()
    }

    /// Whether answers wait.
    #[must_use]
    pub fn is_waiting(&self) -> bool {
        self.delays.has_answers() || self.role.is_busy()
    }

    /// Does what is due.
    pub fn handle_timer(&mut self, now: Instant) {
        self.role.handle_timer(now);
        while let Some(due) = self.delays.pop(now) {
            match due {
                Due::Answer(waiting) => {
                    self.tally.answer(waiting.method, waiting.status);
                    self.emit(waiting, now);
                }
                Due::Again { key, way, pause, end } => self.again(key, way, pause, end, now),
            }
        }
    }

    /// Timer G: the final answer of an INVITE goes out until it is acknowledged or Timer H fires. RFC 3261 §17.2.1
    fn again(&mut self, key: Key, way: Way, pause: Duration, end: Instant, now: Instant) {
        let (mut bytes, mut line) = self.buffers();
        let Some(entry) = self.repeats.entry(key).filter(|e| !e.settled && now < end) else { return };
        bytes.extend_from_slice(&entry.response);
        line.extend_from_slice(b"INVITE");
        let (status, method) = (entry.status, Method::Invite);
        self.outbox.push_back(Transmit { way, bytes, status, method, line, since: now, is_repeat: true });
        let pause = (pause * 2).min(T2);
        // Where there is no room the client's own repeats bring the answer out again.
        let _ = self.delays.push(now + pause, Due::Again { key, way, pause, end });
    }

    fn ignore(&mut self, why: Ignored) -> Handled {
        self.tally.ignore(why);
        Handled::Ignored(why)
    }

    fn response(&mut self, response: &Message<'_>, now: Instant) -> Handled {
        if self.role.response(response, now) { Handled::Waiting } else { self.ignore(Ignored::Response) }
    }

    fn request(&mut self, request: &Message<'_>, way: &Way, now: Instant) -> Handled {
        let method = request.method();
        let about = if matches!(method, Method::Ack | Method::Cancel) { Method::Invite } else { method };
        if method == Method::Ack {
            let key = self.repeats.key(request, way, about);
            if let Some(entry) = self.repeats.find(key, now) {
                entry.settled = true;
            }
            let is_of_call = self.role.acknowledged(request, now);
            return if is_of_call { Handled::Waiting } else { self.ignore(Ignored::Ack) };
        }
        if !fault::is_answerable(request) {
            return self.ignore(Ignored::Unanswerable);
        }
        let key = self.repeats.key(request, way, method);
        let draws = self.options.drop_per_million;
        let back =
            Way { peer: if way.protocol == Protocol::Udp { destination(request, way.peer) } else { way.peer }, ..*way };
        if let Some(entry) = self.repeats.find(key, now) {
            if draws > 0 && self.seconds.below(1_000_000) < u64::from(draws) {
                return self.ignore(Ignored::Dropped);
            }
            self.tally.repeats += 1;
            if entry.response.is_empty() {
                return Handled::Repeat;
            }
            let (mut bytes, mut line) = self.spare.pop().unwrap_or_default();
            bytes.clear();
            line.clear();
            bytes.extend_from_slice(&entry.response);
            let status = entry.status;
            shown(request, &mut line);
            self.outbox.push_back(Transmit { way: back, bytes, status, method, line, since: now, is_repeat: true });
            return Handled::Repeat;
        }
        if draws > 0 && self.firsts.below(1_000_000) < u64::from(draws) {
            return self.ignore(Ignored::Dropped);
        }
        self.tally.requests += 1;
        // Over a reliable transport nothing comes twice (Timer J is 0), but an INVITE can be cancelled.
        let kept = way.protocol == Protocol::Udp || method == Method::Invite;
        if kept {
            self.repeats.insert(key, now);
            self.tally.evicted = self.repeats.evicted();
        }
        self.first(request, way, back, (key, kept), now)
    }

    /// A request that was not seen before.
    fn first(&mut self, request: &Message<'_>, way: &Way, back: Way, at: (Key, bool), now: Instant) -> Handled {
        let (transaction, kept) = at;
        let key = kept.then_some(transaction);
        let method = request.method();
        let (mut bytes, mut line) = self.buffers();
        shown(request, &mut line);
        let tag = self.entropy.token();
        let server = &self.options.server;
        let arrival = Arrival { request, way, now, tag: &tag, server, back, transaction };
        let answer = match fault::of(request) {
            Some(Fault { status, reason }) => arrival.just_saying(status, &reason, &mut bytes),
            None if method == Method::Cancel => self.cancel(request, way, &tag, &mut bytes, now),
            None => self.role.answer(&arrival, &mut bytes),
        };
        self.tally.crowded = self.role.crowded();
        let at = match answer {
            Answer::Nothing => return Handled::Waiting,
            Answer::Now => now,
            Answer::Later(at) => at,
        };
        // CANCEL and what is provisional need no patience.
        let status = status_of(&bytes);
        let at = if method == Method::Cancel || status < 200 { at } else { at + self.options.delay };
        let waiting = Waiting { key, way: back, response: bytes, status, method, line, since: now };
        if at <= now {
            if status >= 200 {
                self.tally.answer(method, status);
            }
            self.emit(waiting, now);
            return Handled::Answered;
        }
        if method == Method::Invite && at > now + TRYING {
            self.trying(request, way, &waiting);
        }
        match self.delays.push(at, Due::Answer(waiting)) {
            true => Handled::Waiting,
            false => self.ignore(Ignored::TooMany),
        }
    }

    /// A 100, so that the client stops sending its INVITE again. RFC 3261 §17.2.1
    fn trying(&mut self, request: &Message<'_>, way: &Way, waiting: &Waiting) {
        let (mut bytes, mut line) = self.buffers();
        Reply::to(request, way.peer, 100, None, "", &mut bytes).finish();
        line.extend_from_slice(&waiting.line);
        if let Some(key) = waiting.key {
            self.repeats.keep(key, &bytes, 100);
        }
        let (way, since) = (waiting.way, waiting.since);
        let method = Method::Invite;
        self.outbox.push_back(Transmit { way, bytes, status: 100, method, line, since, is_repeat: false });
    }

    /// RFC 3261 §9.2: an INVITE whose answer waits is answered with 487; for anything else it is too late.
    fn cancel(&mut self, cancel: &Message<'_>, way: &Way, tag: &str, out: &mut Vec<u8>, now: Instant) -> Answer {
        let key = self.repeats.key(cancel, way, Method::Invite);
        let invite = self.repeats.find(key, now).is_some().then(|| self.delays.take(key)).flatten();
        let known = self.role.cancelled(key, now) || self.repeats.find(key, now).is_some();
        let code = if known { 200 } else { 481 };
        let mut reply = Reply::to(cancel, way.peer, code, None, tag, out);
        if !self.options.server.is_empty() {
            reply.field(crate::sip::HeaderName::Server, &self.options.server);
        }
        reply.finish();
        if let Some(mut waiting) = invite {
            terminated(&mut waiting);
            self.tally.answer(Method::Invite, waiting.status);
            self.emit(waiting, now);
        }
        Answer::Now
    }

    /// Sends an answer and keeps it for repeats.
    fn emit(&mut self, waiting: Waiting, now: Instant) {
        let Waiting { key, way, response: bytes, status, method, line, since } = waiting;
        if let Some(key) = key {
            self.repeats.keep(key, &bytes, status);
            // A 2xx is repeated by who keeps the dialog: its ACK is none of the transaction's. RFC 3261 §13.3.1.4
            if method == Method::Invite && status >= 300 && way.protocol == Protocol::Udp {
                let end = now + T1 * 64;
                // As above: without room the client's repeats do it.
                let _ = self.delays.push(now + T1, Due::Again { key, way, pause: T1, end });
            }
        }
        self.outbox.push_back(Transmit { way, bytes, status, method, line, since, is_repeat: false });
    }

    fn buffers(&mut self) -> (Vec<u8>, Vec<u8>) {
        let (mut bytes, mut line) = self.spare.pop().unwrap_or_default();
        bytes.clear();
        line.clear();
        (bytes, line)
    }
}

/// Whether the bytes are a SIP message, which the outline then describes.
pub(super) fn recognised_any(outline: &mut Outline, bytes: &[u8]) -> Result<(), Ignored> {
    if bytes.iter().all(|b| matches!(b, b'\r' | b'\n' | 0)) {
        return Err(Ignored::KeepAlive);
    }
    // RFC 8489 §5: two zero bits, and the magic cookie.
    if bytes.first().is_some_and(|b| b >> 6 == 0) && bytes.get(4..8) == Some(&[0x21, 0x12, 0xa4, 0x42]) {
        return Err(Ignored::Stun);
    }
    if !outline.read(bytes) {
        return Err(Ignored::NotSip);
    }
    Ok(())
}

/// Method and Request-URI, cut where they are long.
pub(super) fn shown(request: &Message<'_>, line: &mut Vec<u8>) {
    let cut = |text: &[u8], most: usize, line: &mut Vec<u8>| line.extend_from_slice(text.get(..most).unwrap_or(text));
    cut(request.method_text(), 32, line);
    line.push(b' ');
    cut(request.uri().unwrap_or_default(), LINE, line);
}

/// The status of a response that we made.
pub(super) fn status_of(response: &[u8]) -> u16 {
    let digits = response.get(8..11).unwrap_or_default();
    digits.iter().fold(0, |n, d| n * 10 + u16::from(d.wrapping_sub(b'0').min(9)))
}

/// Turns the answer that an INVITE waits for into 487: the status line changes, all that is copied stays. RFC 3261 §9.2
fn terminated(waiting: &mut Waiting) {
    let end = memchr::memchr(b'\n', &waiting.response).map_or(0, |at| at + 1);
    let mut response = b"SIP/2.0 487 Request Terminated\r\n".to_vec();
    response.extend_from_slice(waiting.response.get(end..).unwrap_or_default());
    (waiting.response, waiting.status) = (response, 487);
}

#[cfg(test)]
pub(super) mod tests;
