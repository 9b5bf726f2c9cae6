//! What a role is asked, and what it may say.

use super::studio;
use crate::media::negotiator::Local;
use crate::sip::{HeaderName, Message, Method, Reply, Uri};
use crate::transport::listener::Way;
use std::time::Instant;

/// A request as a role sees it: well-formed enough to be answered, and no repeat of an earlier one.
#[derive(Clone, Copy, Debug)]
pub struct Arrival<'a> {
    /// The request.
    pub request: &'a Message<'a>,
    /// By which way it came.
    pub way: &'a Way,
    /// When.
    pub now: Instant,
    /// A tag that no other request was given.
    pub tag: &'a str,
    /// The Server header field.
    pub server: &'a str,
    /// Where an answer goes that comes later.
    pub back: Way,
    /// The transaction, by which [`Outgoing`] names it.
    pub transaction: u64,
}

/// What becomes of a request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Answer {
    /// The response in the buffer goes out.
    Now,
    /// The response in the buffer goes out then.
    Later(Instant),
    /// Nothing is sent.
    Nothing,
}

/// What a role sends by itself: a response that took its time, or a request inside a dialog.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Outgoing {
    /// Where it goes.
    pub way: Way,
    /// The message.
    pub bytes: Vec<u8>,
    /// Its status; 0 for a request.
    pub status: u16,
    /// The method that it has, or answers.
    pub method: Method,
    /// What is shown of the request: method and Request-URI.
    pub line: Vec<u8>,
    /// When what it answers came.
    pub since: Instant,
    /// The transaction that it answers, so that repeats of the request bring it out again; `None` for what the role repeats.
    pub transaction: Option<u64>,
}

/// A binding, for the table that a registrar shows.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BindingFacts {
    /// Address of record: `alice@example.com`.
    pub aor: Vec<u8>,
    /// Contact URI.
    pub contact: Vec<u8>,
    /// Seconds that are left.
    pub expires: u64,
    /// q, in thousandths.
    pub q: Option<u16>,
    /// `+sip.instance`, as it stands.
    pub instance: Option<Vec<u8>>,
    /// `reg-id`
    pub reg_id: Option<u32>,
    /// Path: its values, as one list; empty where there is none.
    pub path: Vec<u8>,
}

/// A REFER inside a call, which was declined. RFC 3515 §2.4.2
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Transfer {
    /// The call.
    pub call: u64,
    /// Whom to call it asked: the URI of its Refer-To, as it stands.
    pub to: Vec<u8>,
}

/// Says what is answered to a request. Without I/O: the time is passed in.
pub trait Role {
    /// The word for it: `uas`, `registrar`, `redirect`.
    fn name(&self) -> &'static str;

    /// Answers a request: composes the response into `out` (emptied first). ACK and CANCEL never come here.
    fn answer(&mut self, arrival: &Arrival<'_>, out: &mut Vec<u8>) -> Answer;

    /// An ACK came that belongs to no refusal: whether it belongs to a call. RFC 3261 §13.3.1.4
    fn acknowledged(&mut self, ack: &Message<'_>, now: Instant) -> bool {
        let _ = (ack, now);
        false
    }

    /// A CANCEL came for that transaction: whether it is known, and so either ended or over already. RFC 3261 §9.2
    fn cancelled(&mut self, transaction: u64, now: Instant) -> bool {
        let _ = (transaction, now);
        false
    }

    /// A response came: whether it answers a request of ours.
    fn response(&mut self, response: &Message<'_>, now: Instant) -> bool {
        let _ = (response, now);
        false
    }

    /// What the role sends by itself.
    fn poll_transmit(&mut self) -> Option<Outgoing> {
        None
    }

    /// When [`Role::handle_timer`] is due.
    fn poll_timeout(&self) -> Option<Instant> {
        None
    }

    /// Does what is due.
    fn handle_timer(&mut self, now: Instant) {
        let _ = now;
    }

    /// Whether calls stand.
    fn is_busy(&self) -> bool {
        false
    }

    /// Calls that were refused with 503 because the table of calls was full.
    fn crowded(&self) -> u64 {
        0
    }

    /// Ends all calls: nobody serves them any longer.
    fn close(&mut self, now: Instant) {
        let _ = now;
    }

    /// How the media of calls is opened; `None` for a role without.
    fn studio(&self) -> Option<&studio::Options> {
        None
    }

    /// What the role wants of the media of a call.
    fn poll_media(&mut self) -> Option<studio::Wish> {
        None
    }

    /// The media that [`studio::Wish::Open`] asked for; `None` where no port was to be had.
    fn media_opened(&mut self, call: u64, local: Option<Local>, now: Instant) {
        let _ = (call, local, now);
    }

    /// What was asked and declined: to call somebody else.
    fn poll_transfer(&mut self) -> Option<Transfer> {
        None
    }

    /// The bindings that stand at `now`, in order of address of record.
    fn bindings(&mut self, now: Instant) -> Vec<BindingFacts> {
        let _ = now;
        Vec::new()
    }
}

impl<'a> Arrival<'a> {
    /// Starts the response of that status with its registered reason, our tag and our Server.
    pub fn reply<'o>(&self, code: u16, out: &'o mut Vec<u8>) -> Reply<'o> {
        self.reply_saying(code, None, out)
    }

    /// Starts the response of that status with a reason of its own.
    pub fn reply_saying<'o>(&self, code: u16, reason: Option<&str>, out: &'o mut Vec<u8>) -> Reply<'o> {
        let mut reply = Reply::to(self.request, self.way.peer, code, reason, self.tag, out);
        if !self.server.is_empty() {
            reply.field(HeaderName::Server, self.server);
        }
        reply
    }

    /// Answers with a status alone.
    pub fn just(&self, code: u16, out: &mut Vec<u8>) -> Answer {
        self.reply(code, out).finish();
        Answer::Now
    }

    /// Answers with a status and a reason that says more.
    pub fn just_saying(&self, code: u16, reason: &str, out: &mut Vec<u8>) -> Answer {
        self.reply_saying(code, Some(reason), out).finish();
        Answer::Now
    }

    /// Refuses the method and says which are taken. RFC 3261 §8.2.1
    pub fn method_not_allowed(&self, allow: &str, out: &mut Vec<u8>) -> Answer {
        self.reply(405, out).field(HeaderName::Allow, allow).finish();
        Answer::Now
    }

    /// What every server checks before it looks further: the scheme of the Request-URI (RFC 3261 §8.2.2.1) and Require
    /// (§8.2.2.3), of which `known` are the option tags that the role understands. `None` where there is nothing to refuse.
    pub fn refuse_unknown(&self, known: &[&str], out: &mut Vec<u8>) -> Option<Answer> {
        let uri = Uri::parse(self.request.uri().unwrap_or_default());
        if !uri.is_sip() {
            return Some(self.just(416, out));
        }
        if self.request.method() == Method::Cancel {
            return None;
        }
        let is_known = |tag: &[u8]| known.iter().any(|k| tag.eq_ignore_ascii_case(k.as_bytes()));
        let mut unknown = self.request.values(HeaderName::Require).filter(|tag| !is_known(tag)).peekable();
        unknown.peek()?;
        // What a peer lists is named back to it up to a bound.
        let list: Vec<&[u8]> = unknown.take(16).collect();
        self.reply(420, out).field(HeaderName::Unsupported, list.join(&b", "[..])).finish();
        Some(Answer::Now)
    }
}
