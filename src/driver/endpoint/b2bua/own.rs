//! What the B2BUA answers itself: REGISTER, refusals, what is for nobody.

use super::call::Inbound;
use super::{B2bua, Ignored, Out, Transmit, back};
use crate::driver::endpoint::router::{Decision, Onto, target};
use crate::driver::endpoint::{Arrival, Handled, Role, engine};
use crate::sip::{HeaderName, Message, Method, Uri};
use crate::transport::listener::Way;
use std::time::Instant;

/// What passes from one leg to the other, and what is answered here.
pub(super) const ALLOW: &str =
    "INVITE, ACK, CANCEL, BYE, OPTIONS, PRACK, UPDATE, INFO, MESSAGE, REFER, NOTIFY, SUBSCRIBE, REGISTER";

impl B2bua {
    /// Where a request that begins something goes.
    pub(super) fn onto(&mut self, request: &Message<'_>, way: &Way, now: Instant) -> Decision {
        let uri = Uri::parse(request.uri().unwrap_or_default());
        let is_for_us = self.router.identity.is_responsible(&uri, way.local);
        let is_own = match request.method() {
            Method::Register => true,
            Method::Options => uri.user.is_none() && is_for_us,
            _ => false,
        };
        if is_own {
            return Decision::Own;
        }
        if let (Method::Invite, Some(onto)) = (request.method(), self.known_place(request, way, now)) {
            return Decision::Forward(vec![vec![onto]]);
        }
        let Some(to) = &self.options.to else { return self.router.decide(request, way, now) };
        let text = if to.user.is_some() { to.uri.clone() } else { as_user(&uri, &to.uri) };
        match target(text.as_bytes()) {
            Ok(place) => Decision::Forward(vec![vec![Onto::directly(text.into_bytes(), place)]]),
            Err(refusal) => refusal,
        }
    }

    /// A request that is for the B2BUA itself.
    pub(super) fn own(&mut self, request: &Message<'_>, way: &Way, now: Instant) -> Handled {
        let tag = self.entropy.token();
        let server = self.options.server.clone();
        let arrival = Arrival { request, way, now, tag: &tag, server: &server, back: *way, transaction: 0 };
        if request.method() == Method::Options {
            let mut out = Vec::new();
            arrival
                .reply(200, &mut out)
                .field(HeaderName::Allow, ALLOW)
                .field(HeaderName::Accept, "application/sdp")
                .finish();
            return self.answer_once(request, way, out, now);
        }
        let mut out = Vec::new();
        self.router.registrar.answer(&arrival, &mut out);
        if request.method() == Method::Register && out.starts_with(b"SIP/2.0 200") {
            self.router.note_flows(request, way);
        }
        self.answer_once(request, way, out, now)
    }

    pub(super) fn method_not_allowed(&mut self, request: &Message<'_>, way: &Way, now: Instant) -> Handled {
        let (tag, server) = (self.tag_of(request), self.options.server.clone());
        let arrival = Arrival { request, way, now, tag: &tag, server: &server, back: *way, transaction: 0 };
        let mut out = Vec::new();
        arrival.method_not_allowed(ALLOW, &mut out);
        self.answer_once(request, way, out, now)
    }

    /// Refuses a request without a transaction: a repeat is refused again, alike.
    pub(super) fn refuse(
        &mut self,
        request: &Message<'_>,
        way: &Way,
        status: u16,
        reason: Option<&str>,
        now: Instant,
    ) -> Handled {
        let (tag, server) = (self.tag_of(request), self.options.server.clone());
        let arrival = Arrival { request, way, now, tag: &tag, server: &server, back: *way, transaction: 0 };
        let mut out = Vec::new();
        let mut reply = arrival.reply_saying(status, reason, &mut out);
        if status == 503 {
            reply.field(HeaderName::RetryAfter, "5");
        }
        reply.finish();
        self.answer_once(request, way, out, now)
    }

    fn tag_of(&self, request: &Message<'_>) -> String {
        format!("{:016x}", self.router.identity.mark(request))
    }

    pub(super) fn answer_once(&mut self, request: &Message<'_>, way: &Way, bytes: Vec<u8>, now: Instant) -> Handled {
        if request.method() == Method::Ack {
            return self.ignore(Ignored::Ack);
        }
        let (method, status) = (request.method(), engine::status_of(&bytes));
        let mut line = Vec::new();
        engine::shown(request, &mut line);
        self.tally.answer(method, status);
        let transmit = Transmit { way: back(request, way), bytes, status, method, line, since: now, is_repeat: false };
        self.outbox.push_back(Out { transmit, errand: None, is_request: false });
        Handled::Answered
    }

    /// Sends a response of that status that says nothing more, in the transaction of `inbound`.
    pub(super) fn respond_alone(
        &mut self,
        id: u64,
        number: usize,
        status: u16,
        fields: &[(HeaderName, &str)],
        now: Instant,
    ) {
        let Some(call) = self.calls.get_mut(&id) else { return };
        let tag = call.tag.clone();
        let Some(inbound) = super::inbound(call, number).filter(|i| !i.answered) else { return };
        let request = std::mem::take(&mut inbound.request);
        let way = inbound.way;
        let bytes = super::call::with(&request, |m| self.style().own_response(m, &way, status, &tag, fields));
        let Some(inbound) = self.calls.get_mut(&id).and_then(|call| super::inbound(call, number)) else { return };
        inbound.request = request;
        let method = inbound.method;
        if answer(inbound, bytes, status, now) {
            self.tally.answer(method, status);
        }
    }
}

/// Gives a response to the transaction; whether it was the final one.
pub(super) fn answer(inbound: &mut Inbound, bytes: Vec<u8>, status: u16, now: Instant) -> bool {
    inbound.server.respond(bytes, status, now);
    let is_final = status >= 200 && !inbound.answered;
    inbound.answered |= status >= 200;
    is_final
}

/// The URI `place` with the user of another one.
fn as_user(named: &Uri<'_>, place: &str) -> String {
    let user = named.user.and_then(|user| std::str::from_utf8(user).ok());
    let (scheme, rest) = place.split_once(':').unwrap_or(("sip", place));
    match user.filter(|user| !user.contains(char::is_control)) {
        Some(user) => format!("{scheme}:{user}@{rest}"),
        None => place.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::as_user;
    use crate::sip::Uri;

    #[test]
    fn a_place_without_a_user_takes_that_of_the_call() {
        let told = |uri: &str| as_user(&Uri::parse(uri.as_bytes()), "sips:[2001:db8::1]:5061;transport=tcp");
        assert_eq!(told("sip:bob@192.0.2.1"), "sips:bob@[2001:db8::1]:5061;transport=tcp");
        assert_eq!(told("sip:192.0.2.1"), "sips:[2001:db8::1]:5061;transport=tcp");
    }
}
