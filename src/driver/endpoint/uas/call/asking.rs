//! What we ask inside the dialog of a call: that it ends, and that its session goes on. RFC 3261 §12.2.1, §15.1.1, RFC 4028 §10

use super::way::out_way;
use super::{ALLOW, Call, SUPPORTED, State};
use crate::agent::session_timer::{SessionTimer, seconds};
use crate::agent::{Draft, Identity};
use crate::base::Entropy;
use crate::driver::endpoint::Outgoing;
use crate::driver::endpoint::studio::Wish;
use crate::driver::endpoint::uas::Plan;
use crate::driver::endpoint::uas::calls::Out;
use crate::media::Negotiator;
use crate::sip::{HeaderName, Message, Method};
use crate::transaction::Client;
use crate::transaction::client::Ignored;
use crate::transport::LineFacts;
use crate::transport::listener::Way;
use std::time::{Duration, Instant};

/// A re-INVITE of ours that has its final response. What repeats that is acknowledged again. RFC 3261 §13.2.2.4, §17.1.1.2
#[derive(Debug)]
pub(super) struct Settled {
    client: Client,
    /// The ACK of a 2xx; empty where the transaction acknowledges.
    ack: Vec<u8>,
}

impl Settled {
    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.client.poll_timeout()
    }
}

/// Whether a request lists UPDATE among what its sender takes.
pub(super) fn lists_update(request: &Message<'_>) -> bool {
    request.values(HeaderName::Allow).any(|method| method == b"UPDATE")
}

impl Call {
    /// Whether a refresh may go out now: nothing of ours and no offer of either side waits for its answer. RFC 3261 §14.1
    pub(super) fn is_refreshable(&self) -> bool {
        let is_free = self.accepted.is_none() && !self.negotiator.as_ref().is_some_and(Negotiator::has_offered);
        self.state == State::Up && self.asking.is_none() && is_free
    }

    /// Ends what was answered and acknowledged, or never was acknowledged. RFC 3261 §15
    pub(super) fn bye(&mut self, plan: &Plan, entropy: &mut Entropy, now: Instant, out: &mut Out) {
        if self.state != State::Up {
            return;
        }
        self.state = State::Leaving;
        (self.hangup_at, self.accepted) = (None, None);
        self.timer = SessionTimer::default();
        out.wishes.push_back(Wish::End { call: self.id });
        let draft = self.dialog.request("BYE");
        self.ask(draft, plan, entropy, now, out);
    }

    /// Refreshes the session. RFC 4028 §7.4
    pub(super) fn refresh(&mut self, plan: &Plan, entropy: &mut Entropy, now: Instant, out: &mut Out) {
        self.timer.refreshing();
        let mut draft = self.dialog.request(if self.takes_update { "UPDATE" } else { "INVITE" });
        if let Some(negotiator) = self.negotiator.as_mut().filter(|_| !self.takes_update) {
            // What stands is offered again, so that nothing changes. RFC 4028 §7.4
            draft.body = negotiator.offer();
            draft.content_type = "application/sdp".to_owned();
        }
        draft.contact_params = self.contact();
        let fields = [(HeaderName::Allow, ALLOW), (HeaderName::Supported, SUPPORTED)];
        draft.fields.extend(fields.map(|(name, value)| (name, value.to_owned())));
        draft.fields.extend(self.timer.of_request().map(|value| (HeaderName::SessionExpires, value)));
        draft.fields.extend(self.min_se.map(|least| (HeaderName::MinSe, least.to_string())));
        self.ask(draft, plan, entropy, now, out);
    }

    /// Begins the transaction of a request inside the dialog.
    fn ask(&mut self, draft: Draft, plan: &Plan, entropy: &mut Entropy, now: Instant, out: &mut Out) {
        let bytes = self.composed(&draft, entropy);
        self.asking = Some(Client::new(bytes, self.back.protocol.is_reliable(), plan.timers, now));
        self.pump(now, out);
    }

    fn composed(&self, draft: &Draft, entropy: &mut Entropy) -> Vec<u8> {
        let way = out_way(self.dialog.next_hop(), self.back);
        let from = Some(self.dialog.local().to_owned());
        let identity = Identity { from, user_agent: self.server.clone(), headers: Vec::new(), route: None };
        let (protocol, local, peer) = (way.protocol, way.local, way.peer);
        let line = LineFacts { protocol, local, peer, connect: None, tls_time: None, tls: None };
        draft.compose(&identity, &line, &format!("z9hG4bK{}", entropy.token()), &[])
    }

    /// Sends what our client transaction has to send.
    fn pump(&mut self, now: Instant, out: &mut Out) {
        let Some(client) = &mut self.asking else { return };
        let way = out_way(self.dialog.next_hop(), self.back);
        while let Some(bytes) = client.poll_transmit() {
            out.outgoing.push_back(asked(way, bytes, now));
        }
    }

    /// Acknowledges the final response of our re-INVITE.
    fn acknowledge(&mut self, now: Instant, out: &mut Out) {
        let Some(settled) = &mut self.settled else { return };
        let way = out_way(self.dialog.next_hop(), self.back);
        let ack = Some(settled.ack.clone()).filter(|ack| !ack.is_empty()).or_else(|| settled.client.poll_transmit());
        out.outgoing.extend(ack.map(|bytes| asked(way, bytes, now)));
    }

    /// Lets the timers of our request fire. What is never answered has no other side any more.
    pub(super) fn tend_asked(&mut self, plan: &Plan, entropy: &mut Entropy, now: Instant, out: &mut Out) {
        if let Some(settled) = &mut self.settled {
            let _ = settled.client.handle_timer(now);
        }
        self.settled.take_if(|settled| settled.client.is_terminated());
        let Some(client) = &mut self.asking else { return };
        let _ = client.handle_timer(now);
        self.pump(now, out);
        if self.asking.take_if(|client| client.is_terminated()).is_none() {
            return;
        }
        match self.state {
            State::Leaving => self.state = State::Over,
            // RFC 4028 §10
            _ => self.bye(plan, entropy, now, out),
        }
    }

    /// A response to our request came.
    pub(in crate::driver::endpoint::uas) fn answered(
        &mut self,
        response: &Message<'_>,
        plan: &Plan,
        entropy: &mut Entropy,
        now: Instant,
        out: &mut Out,
    ) -> bool {
        let repeated = self.settled.as_mut().map(|settled| settled.client.handle_message(response, now));
        if let Some(Ok(_) | Err(Ignored::Repeat)) = repeated {
            self.acknowledge(now, out);
            return true;
        }
        let Some(client) = &mut self.asking else { return false };
        if client.handle_message(response, now).is_err() {
            return false;
        }
        let status = response.status().unwrap_or(0);
        if status < 200 {
            return true;
        }
        if self.state == State::Leaving {
            // Whatever it says: the dialog is over. RFC 3261 §15.1.1
            self.state = State::Over;
            return true;
        }
        self.settle(response, status, entropy, now, out);
        match status {
            200..=299 => self.timer.handle_response(response, now),
            422 => self.refresh_longer(response, plan, entropy, now, out),
            // RFC 3261 §14.1: who does not own the Call-ID waits for up to 2 seconds, in steps of 10 ms.
            491 => self.timer.again(now + Duration::from_millis(10 * entropy.below(201))),
            405 | 501 if std::mem::replace(&mut self.takes_update, false) => self.timer.again(now),
            // RFC 4028 §10, RFC 3261 §12.2.1.2: the other side knows of no call any more.
            408 | 481 => self.bye(plan, entropy, now, out),
            // RFC 4028 §10: what was agreed runs on.
            _ => {}
        }
        true
    }

    /// Our refresh has its final response: a 2xx says where the other side is and, to a re-INVITE, has its answer.
    fn settle(&mut self, response: &Message<'_>, status: u16, entropy: &mut Entropy, now: Instant, out: &mut Out) {
        let Some(client) = self.asking.take() else { return };
        let is_taken = (200..300).contains(&status);
        if is_taken {
            // RFC 3261 §12.2.1.2; a Contact that cannot be taken leaves the target as it was.
            let _ = self.dialog.refresh_target(response);
        }
        if !client.is_invite() {
            return;
        }
        let number = response.cseq().map_or(0, |cseq| cseq.number);
        let ack = if is_taken { self.composed(&self.dialog.ack(number), entropy) } else { Vec::new() };
        self.settled = Some(Settled { client, ack });
        self.acknowledge(now, out);
        let Some(negotiator) = &mut self.negotiator else { return };
        match response.sdp_body().filter(|_| is_taken).map(|answer| negotiator.conclude(answer)) {
            Some(Ok(agreed)) => self.agree(agreed, out),
            // RFC 3264 §8: the session stays as it was.
            _ => negotiator.withdraw(),
        }
    }

    /// RFC 4028 §7.3: a refresh that asked for too little, once more with what is the least.
    fn refresh_longer(
        &mut self,
        response: &Message<'_>,
        plan: &Plan,
        entropy: &mut Entropy,
        now: Instant,
        out: &mut Out,
    ) {
        let least = response.header(HeaderName::MinSe).and_then(seconds);
        match least.filter(|least| self.min_se.is_none_or(|so_far| *least > so_far)) {
            Some(least) => {
                self.min_se = Some(least);
                self.timer.lengthen(least, now);
                self.refresh(plan, entropy, now, out);
            }
            None => self.bye(plan, entropy, now, out),
        }
    }
}

/// A request of ours, as it goes out.
fn asked(way: Way, bytes: Vec<u8>, now: Instant) -> Outgoing {
    // Neither is shown of a request.
    let (method, line) = (Method::Other, Vec::new());
    Outgoing { way, bytes, status: 0, method, line, since: now, transaction: None }
}
