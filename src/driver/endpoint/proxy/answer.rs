//! Answers of the proxy itself.

use super::{Out, Proxy, back};
use crate::driver::endpoint::registrar::Verdict;
use crate::driver::endpoint::{Arrival, Handled, Ignored, Transmit};
use crate::sip::{HeaderName, Message, Method};
use crate::transport::listener::Way;
use std::time::Instant;

impl Proxy {
    /// Refuses a request. Without a transaction: a repeat is refused again. RFC 3261 §16.11 has no better for what is not kept.
    pub(super) fn refuse(
        &mut self,
        request: &Message<'_>,
        way: &Way,
        status: u16,
        reason: Option<&str>,
        now: Instant,
    ) -> Handled {
        let (tag, server) = (self.tag_of(request), self.options.server.clone());
        let mut out = Vec::new();
        let arrival = Arrival { request, way, now, tag: &tag, server: &server, back: *way, transaction: 0 };
        arrival.reply_saying(status, reason, &mut out).finish();
        self.answer_once(request, way, out, now)
    }

    /// Refuses extensions that a proxy would have to know. RFC 3261 §16.3, the fifth step
    pub(super) fn bad_extension(
        &mut self,
        request: &Message<'_>,
        way: &Way,
        unknown: &[&[u8]],
        now: Instant,
    ) -> Handled {
        let (tag, server) = (self.tag_of(request), self.options.server.clone());
        let mut out = Vec::new();
        let arrival = Arrival { request, way, now, tag: &tag, server: &server, back: *way, transaction: 0 };
        arrival.reply(420, &mut out).field(HeaderName::Unsupported, unknown.join(&b", "[..])).finish();
        self.answer_once(request, way, out, now)
    }

    /// Asks who it is that calls, where that is wanted. `None` where the request may pass. RFC 3261 §22.3
    pub(super) fn challenge(&mut self, request: &Message<'_>, way: &Way, now: Instant) -> Option<Handled> {
        let is_inside = !request.to_tag().is_empty();
        if !self.options.authenticates || is_inside || request.method() == Method::Register {
            return None;
        }
        let (tag, server) = (self.tag_of(request), self.options.server.clone());
        let arrival = Arrival { request, way, now, tag: &tag, server: &server, back: *way, transaction: 0 };
        let mut out = Vec::new();
        match self.router.registrar.access().check_field(&arrival, HeaderName::ProxyAuthorization) {
            Verdict::Open | Verdict::Known(_) => return None,
            Verdict::Unknown => arrival.reply(403, &mut out).finish(),
            Verdict::Challenge(challenges) => {
                let mut reply = arrival.reply(407, &mut out);
                for challenge in &challenges {
                    reply.field(HeaderName::ProxyAuthenticate, challenge);
                }
                reply.finish();
            }
        }
        Some(self.answer_once(request, way, out, now))
    }

    /// The same tag for every repeat of a request, since no transaction remembers it.
    fn tag_of(&self, request: &Message<'_>) -> String {
        format!("{:016x}", self.router.identity.transaction_mark(request))
    }

    /// Whether an ACK is for an answer of ours that nothing was kept of: it goes no further. RFC 3261 §8.2.7
    pub(super) fn is_own_ack(&self, ack: &Message<'_>) -> bool {
        ack.to_tag() == self.tag_of(ack).as_bytes()
    }

    /// CANCEL: answered here, and every branch of what it cancels is cancelled. RFC 3261 §16.10
    pub(super) fn cancel(&mut self, request: &Message<'_>, way: &Way, key: &[u8], now: Instant) -> Handled {
        let Some(&id) = self.servers.get(key) else {
            if self.options.stateless {
                return self.pass_on(request, way, now);
            }
            return self.refuse(request, way, 481, None, now);
        };
        let handled = self.refuse(request, way, 200, None, now);
        let timers = self.options.timers;
        if let Some(context) = self.contexts.get_mut(&id).filter(|c| !c.answered) {
            context.cancel_all(timers, now);
        }
        self.settle(id, now);
        self.after(id, now);
        handled
    }

    /// Sends an answer that nothing is kept of.
    pub(super) fn answer_once(&mut self, request: &Message<'_>, way: &Way, bytes: Vec<u8>, now: Instant) -> Handled {
        let status = super::super::engine::status_of(&bytes);
        if request.method() == Method::Ack {
            return self.ignore(Ignored::Ack);
        }
        let mut line = Vec::new();
        super::super::engine::shown(request, &mut line);
        self.tally.answer(request.method(), status);
        let transmit = Transmit {
            way: back(request, way),
            bytes,
            status,
            method: request.method(),
            line,
            since: now,
            is_repeat: false,
        };
        self.outbox.push_back(Out { transmit, errand: None, is_request: false });
        Handled::Answered
    }
}
