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
use crate::sip::{HeaderName, Message, Method};
use crate::transaction::Client;
use crate::transport::LineFacts;
use std::time::Instant;

impl Call {
    /// Whether a refresh may go out now: one at a time.
    pub(super) fn is_refreshable(&self) -> bool {
        self.state == State::Up && self.asking.is_none()
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
        let mut draft = self.dialog.request("UPDATE");
        draft.contact_params = self.contact();
        let fields = [(HeaderName::Allow, ALLOW), (HeaderName::Supported, SUPPORTED)];
        draft.fields.extend(fields.map(|(name, value)| (name, value.to_owned())));
        draft.fields.extend(self.timer.of_request().map(|value| (HeaderName::SessionExpires, value)));
        draft.fields.extend(self.min_se.map(|least| (HeaderName::MinSe, least.to_string())));
        self.ask(draft, plan, entropy, now, out);
    }

    /// Begins the transaction of a request inside the dialog.
    fn ask(&mut self, draft: Draft, plan: &Plan, entropy: &mut Entropy, now: Instant, out: &mut Out) {
        let way = out_way(self.dialog.next_hop(), self.back);
        let from = Some(self.dialog.local().to_owned());
        let identity = Identity { from, user_agent: self.server.clone(), headers: Vec::new(), route: None };
        let (protocol, local, peer) = (way.protocol, way.local, way.peer);
        let line = LineFacts { protocol, local, peer, connect: None, tls_time: None, tls: None };
        let bytes = draft.compose(&identity, &line, &format!("z9hG4bK{}", entropy.token()), &[]);
        self.asking = Some(Client::new(bytes, protocol.is_reliable(), plan.timers, now));
        self.pump(now, out);
    }

    /// Sends what our client transaction has to send.
    fn pump(&mut self, now: Instant, out: &mut Out) {
        let Some(client) = &mut self.asking else { return };
        while let Some(bytes) = client.poll_transmit() {
            let way = out_way(self.dialog.next_hop(), self.back);
            let (method, line) = (Method::Bye, Vec::new());
            out.outgoing.push_back(Outgoing { way, bytes, status: 0, method, line, since: now, transaction: None });
        }
    }

    /// Lets the timers of our request fire. What is never answered has no other side any more.
    pub(super) fn tend_asked(&mut self, plan: &Plan, entropy: &mut Entropy, now: Instant, out: &mut Out) {
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
        self.asking = None;
        match status {
            200..=299 => {
                // RFC 3261 §12.2.1.2
                let _ = self.dialog.refresh_target(response);
                self.timer.handle_response(response, now);
            }
            422 => self.refresh_longer(response, plan, entropy, now, out),
            // RFC 4028 §10, RFC 3261 §12.2.1.2: the other side knows of no call any more.
            408 | 481 => self.bye(plan, entropy, now, out),
            // RFC 4028 §10: what was agreed runs on.
            _ => {}
        }
        true
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
