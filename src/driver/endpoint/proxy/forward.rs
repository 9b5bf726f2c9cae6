//! Requests on their way out, and responses on their way back. RFC 3261 §16.6, §16.7, §16.11

use super::context::{Branch, Context, Sent, TIMER_C, event_of};
use super::{Out, Pending, Proxy};
use crate::driver::endpoint::router::{Decision, Onto};
use crate::driver::endpoint::{Arrival, Handled, Ignored, Transmit};
use crate::sip::forward::{self, Onward};
use crate::sip::{Composer, HeaderName, Message, Method, Outline};
use crate::transaction::{Client, client};
use crate::transport::listener::Way;
use std::time::Instant;

/// A request that goes on without a transaction: an ACK of a 2xx, or anything of a stateless proxy.
#[derive(Debug)]
pub(super) struct Passing {
    request: Vec<u8>,
    from: Way,
    onto: Onto,
    branch: String,
}

impl Proxy {
    /// Sends to the group that is next. RFC 3261 §16.6
    pub(super) fn next_group(&mut self, id: u64, now: Instant) {
        let Some(context) = self.contexts.get_mut(&id) else { return };
        let Some(group) = context.later.pop() else { return };
        let first = context.branches.len();
        context.branches.extend(group.into_iter().map(Branch::new));
        let places: Vec<_> = context.branches.iter().skip(first).map(|b| b.onto.place.clone()).collect();
        for (at, place) in places.into_iter().enumerate() {
            if !self.ask(Pending::Branch(id, first + at), place) {
                self.branch_failed(id, first + at, 503, now);
            }
        }
    }

    /// Where something goes is known (or why it cannot be).
    pub(super) fn placed(&mut self, question: u64, found: Option<Way>, now: Instant) {
        match (self.pending.remove(&question), found) {
            (Some(Pending::Branch(id, at)), Some(way)) => self.send_branch(id, at, way, now),
            // RFC 3261 §16.9: what cannot be sent counts as answered with 503.
            (Some(Pending::Branch(id, at)), None) => self.branch_failed(id, at, 503, now),
            (Some(Pending::Pass(passing)), Some(way)) => self.send_passing(&passing, way, now),
            (Some(Pending::Pass(passing)), None) => self.passing_failed(&passing, now),
            (None, _) => {}
        }
    }

    /// A request of a branch could not be sent. RFC 3261 §16.9
    pub(super) fn unsent(&mut self, (id, at): (u64, usize), now: Instant) {
        if let Some(sent) = self.contexts.get_mut(&id).and_then(|c| c.branches.get_mut(at)?.sent.as_mut()) {
            sent.client.handle_transport_error();
        }
        self.branch_failed(id, at, 503, now);
    }

    fn send_branch(&mut self, id: u64, at: usize, way: Way, now: Instant) {
        let token = self.entropy.token();
        let Some(context) = self.contexts.get_mut(&id) else { return };
        let Some(branch) = context.branches.get_mut(at).filter(|b| b.status.is_none()) else { return };
        let name = format!("z9hG4bK{token}.{:016x}", context.mark);
        let records = match self.options.record_route && may_record(context.method) {
            true => self.router.identity.record_routes(&context.from, &way),
            false => Vec::new(),
        };
        let via = self.router.identity.via(&way, &name);
        let bytes = composed(&context.request, &branch.onto, &via, &context.from, &records);
        let timers = self.options.timers;
        let client = Client::new(bytes, way.protocol.is_reliable(), timers, now);
        if client.is_invite() {
            branch.give_up = Some(now + TIMER_C);
        }
        branch.sent = Some(Sent { client, way });
        self.clients.insert(name.into_bytes(), (id, at));
        self.after(id, now);
    }

    /// A branch ended without a response of its own.
    pub(super) fn branch_failed(&mut self, id: u64, at: usize, status: u16, now: Instant) {
        let tag = self.entropy.token();
        let server = self.options.server.clone();
        let Some(context) = self.contexts.get_mut(&id) else { return };
        let Some(branch) = context.branches.get_mut(at).filter(|b| b.status.is_none()) else { return };
        branch.status = Some(status);
        let mut outline = Outline::new();
        outline.read(&context.request);
        let request = Message::new(&context.request, &outline);
        let from = context.from;
        let arrival =
            Arrival { request: &request, way: &from, now, tag: &tag, server: &server, back: from, transaction: 0 };
        let mut response = Vec::new();
        arrival.reply(status, &mut response).finish();
        context.note(status, response);
        self.settle(id, now);
        self.after(id, now);
    }

    /// A response. RFC 3261 §16.7
    pub(super) fn response(&mut self, response: &Message<'_>, now: Instant) -> Handled {
        let found = self.clients.get(response.branch()).copied();
        let Some((id, at)) = found else { return self.pass_back(response) };
        let timers = self.options.timers;
        let Some(context) = self.contexts.get_mut(&id) else { return self.pass_back(response) };
        let Some(branch) = context.branches.get_mut(at) else { return self.ignore(Ignored::Response) };
        if response.method() == Method::Cancel && context.method != Method::Cancel {
            if let Some(cancel) = &mut branch.cancel {
                let _ = event_of(cancel, response, now);
            }
            self.after(id, now);
            return Handled::Waiting;
        }
        let event = branch.sent.as_mut().and_then(|sent| event_of(&mut sent.client, response, now));
        let status = response.status().unwrap_or_default();
        match event {
            Some(client::Event::Provisional) => {
                branch.is_proceeding = true;
                if branch.give_up.is_some() && branch.cancel.is_none() && status > 100 {
                    branch.give_up = Some(now + TIMER_C);
                }
                if branch.cancel_wanted {
                    branch.cancel(timers, now);
                }
                // RFC 3261 §16.7, the fifth step: a 100 is each hop's own.
                if status > 100 && !context.answered {
                    back_to_client(context, response, status, now);
                }
            }
            Some(client::Event::Final) => {
                branch.status = Some(status);
                self.branch_ended(id, response, status, now);
            }
            _ => {}
        }
        self.after(id, now);
        Handled::Waiting
    }

    /// A branch has its final response.
    fn branch_ended(&mut self, id: u64, response: &Message<'_>, status: u16, now: Instant) {
        let timers = self.options.timers;
        let Some(context) = self.contexts.get_mut(&id) else { return };
        if (200..300).contains(&status) {
            // RFC 3261 §16.7, the fifth step: every 2xx to an INVITE goes back at once.
            if !context.answered {
                self.tally.answer(context.method, status);
            }
            back_to_client(context, response, status, now);
            context.answered = true;
            context.cancel_all(timers, now);
            return;
        }
        context.keep_challenges(response);
        if let Some(onwards) = forward::response(response) {
            context.note(status, onwards);
        }
        if status >= 600 {
            context.cancel_all(timers, now);
        }
        self.settle(id, now);
    }

    /// When all branches have ended: the next group, or the best answer goes back. RFC 3261 §16.7
    pub(super) fn settle(&mut self, id: u64, now: Instant) {
        let Some(context) = self.contexts.get_mut(&id).filter(|c| !c.answered && !c.is_open()) else { return };
        let is_decided = context.best.as_ref().is_some_and(|best| best.status >= 600);
        if !context.later.is_empty() && !is_decided {
            return self.next_group(id, now);
        }
        let Some(best) = context.best.take() else {
            return self.cancelled_unsent(id, now);
        };
        // RFC 3261 §16.7, the sixth step: that a server further on is overloaded says nothing of this one.
        let status = if best.status == 503 { 500 } else { best.status };
        let response = finished(best.response, status, &context.challenges);
        context.answered = true;
        context.trying = None;
        self.tally.answer(context.method, status);
        context.server.respond(response, status, now);
    }

    /// Nothing was ever sent of a request that was cancelled.
    fn cancelled_unsent(&mut self, id: u64, now: Instant) {
        let tag = self.entropy.token();
        let server = self.options.server.clone();
        let Some(context) = self.contexts.get_mut(&id) else { return };
        let mut outline = Outline::new();
        outline.read(&context.request);
        let request = Message::new(&context.request, &outline);
        let from = context.from;
        let mut response = Vec::new();
        let arrival =
            Arrival { request: &request, way: &from, now, tag: &tag, server: &server, back: from, transaction: 0 };
        arrival.reply(487, &mut response).finish();
        (context.answered, context.trying) = (true, None);
        self.tally.answer(context.method, 487);
        context.server.respond(response, 487, now);
    }

    /// Lets the timers that are due fire.
    pub(super) fn fire_due(&mut self, now: Instant) {
        while let Some(&(at, id)) = self.due.first().filter(|(at, _)| *at <= now) {
            self.due.remove(&(at, id));
            if let Some(context) = self.contexts.get_mut(&id) {
                context.due = None;
            }
            self.fire(id, now);
        }
    }

    fn fire(&mut self, id: u64, now: Instant) {
        let timers = self.options.timers;
        let Some(context) = self.contexts.get_mut(&id) else { return };
        context.server.handle_timer(now);
        let mut given_up = Vec::new();
        for (at, branch) in context.branches.iter_mut().enumerate() {
            if let Some(cancel) = &mut branch.cancel {
                cancel.handle_timer(now);
            }
            let timed_out = branch.sent.as_mut().and_then(|sent| sent.client.handle_timer(now)).is_some();
            let is_late = branch.status.is_none() && branch.give_up.is_some_and(|at| at <= now);
            if timed_out && branch.status.is_none() {
                given_up.push((at, 408));
            } else if is_late && branch.cancel.is_some() {
                // Nobody answers any more: the transaction would wait for ever.
                branch.give_up_now();
                given_up.push((at, 487));
            } else if is_late {
                // RFC 3261 §16.8: Timer C
                branch.cancel(timers, now);
                match branch.cancel {
                    Some(_) => branch.give_up = Some(now + timers.give_up()),
                    None => {
                        branch.give_up_now();
                        given_up.push((at, 408));
                    }
                }
            }
        }
        if context.trying.is_some_and(|at| at <= now) {
            context.trying = None;
            if !context.answered {
                let trying = trying(context);
                context.server.respond(trying, 100, now);
            }
        }
        for (at, status) in given_up {
            self.branch_failed(id, at, status, now);
        }
        self.after(id, now);
    }

    /// Sends what a context has to send, and notes when it is due again.
    pub(super) fn after(&mut self, id: u64, now: Instant) {
        let Some(context) = self.contexts.get_mut(&id) else { return };
        if context.trying.is_some_and(|at| at <= now) && !context.answered {
            context.trying = None;
            let trying = trying(context);
            context.server.respond(trying, 100, now);
        }
        while let Some(bytes) = context.server.poll_transmit() {
            let status = super::super::engine::status_of(&bytes);
            let transmit = Transmit {
                way: context.back,
                bytes,
                status,
                method: context.method,
                line: context.line.clone(),
                since: context.since,
                is_repeat: false,
            };
            self.outbox.push_back(Out { transmit, errand: None, is_request: false });
        }
        for (at, branch) in context.branches.iter_mut().enumerate() {
            let Branch { sent, cancel, .. } = branch;
            let Some(Sent { client, way }) = sent else { continue };
            while let Some(bytes) = client.poll_transmit() {
                self.outbox.push_back(request_out(bytes, *way, context.method, Some((id, at)), now));
            }
            while let Some(bytes) = cancel.as_mut().and_then(Client::poll_transmit) {
                self.outbox.push_back(request_out(bytes, *way, Method::Cancel, None, now));
            }
        }
        if context.is_over() {
            return self.forget(id);
        }
        let due = context.poll_timeout();
        if due != context.due {
            if let Some(before) = std::mem::replace(&mut context.due, due) {
                self.due.remove(&(before, id));
            }
            self.due.extend(due.map(|at| (at, id)));
        }
    }

    fn forget(&mut self, id: u64) {
        let Some(context) = self.contexts.remove(&id) else { return };
        let mut outline = Outline::new();
        outline.read(&context.request);
        let key = super::key(&Message::new(&context.request, &outline), &context.from, context.method);
        self.servers.remove(&key);
        for branch in context.branches.iter().filter_map(|b| b.sent.as_ref()) {
            self.clients.remove(branch.client.branch());
        }
    }

    /// Forwards a request without a transaction.
    pub(super) fn pass_on(&mut self, request: &Message<'_>, way: &Way, now: Instant) -> Handled {
        let method = request.method();
        if request.outline.max_forwards == Some(0) {
            return self.ignore(Ignored::Unanswerable);
        }
        let mark = self.router.identity.mark(request);
        match self.router.decide(request, way, now) {
            Decision::Forward(groups) => match groups.into_iter().flatten().next() {
                Some(onto) => self.pass(request, way, onto, mark),
                None => self.ignore(Ignored::Unanswerable),
            },
            // Nobody answers an ACK. RFC 3261 §17.2.1
            _ if method == Method::Ack => self.ignore(Ignored::Ack),
            _ => self.refuse(request, way, 481, None, now),
        }
    }

    pub(super) fn pass(&mut self, request: &Message<'_>, way: &Way, onto: Onto, mark: u64) -> Handled {
        let branch = self.router.identity.stateless_branch(request, way, mark);
        let place = onto.place.clone();
        let passing = Passing { request: request.bytes.to_vec(), from: *way, onto, branch };
        if self.ask(Pending::Pass(Box::new(passing)), place) { Handled::Waiting } else { self.ignore(Ignored::TooMany) }
    }

    fn send_passing(&mut self, passing: &Passing, way: Way, now: Instant) {
        let mut outline = Outline::new();
        outline.read(&passing.request);
        let method = Message::new(&passing.request, &outline).method();
        let records = match self.options.record_route && may_record(method) {
            true => self.router.identity.record_routes(&passing.from, &way),
            false => Vec::new(),
        };
        let via = self.router.identity.via(&way, &passing.branch);
        let bytes = composed(&passing.request, &passing.onto, &via, &passing.from, &records);
        self.outbox.push_back(request_out(bytes, way, method, None, now));
    }

    fn passing_failed(&mut self, passing: &Passing, now: Instant) {
        let mut outline = Outline::new();
        outline.read(&passing.request);
        let request = Message::new(&passing.request, &outline);
        if request.method() != Method::Ack {
            self.refuse(&request, &passing.from, 500, Some("Server Internal Error (next hop not reached)"), now);
        }
    }

    /// A response to what was forwarded without state. RFC 3261 §16.11
    fn pass_back(&mut self, response: &Message<'_>) -> Handled {
        let Some(connection) = self.router.identity.stateless_flow(response) else {
            return self.ignore(Ignored::Response);
        };
        let Some(bytes) = forward::response(response) else { return self.ignore(Ignored::Response) };
        self.outbox_response(bytes, connection)
    }

    /// Sends a response to where its top Via says. RFC 3261 §18.2.2
    fn outbox_response(&mut self, bytes: Vec<u8>, connection: u64) -> Handled {
        let mut outline = Outline::new();
        outline.read(&bytes);
        let response = Message::new(&bytes, &outline);
        let Some(way) = self.router.identity.way_back(&response, connection) else {
            return self.ignore(Ignored::Response);
        };
        let (status, method) = (response.status().unwrap_or_default(), response.method());
        let mut line = response.method_text().to_vec();
        line.push(b' ');
        let since = Instant::now();
        let transmit = Transmit { way, bytes, status, method, line, since, is_repeat: false };
        self.tally.answer(method, status);
        self.outbox.push_back(Out { transmit, errand: None, is_request: false });
        Handled::Waiting
    }
}

/// Requests that may begin a dialog, in which the proxy wants to stay. RFC 3261 §16.6, the fourth step
fn may_record(method: Method) -> bool {
    !matches!(method, Method::Register | Method::Ack | Method::Cancel | Method::Options | Method::Message)
}

/// The request as a branch sends it.
fn composed(request: &[u8], onto: &Onto, via: &[u8], from: &Way, records: &[Vec<u8>]) -> Vec<u8> {
    let mut outline = Outline::new();
    outline.read(request);
    let message = Message::new(request, &outline);
    let routes_on: Vec<&[u8]> = onto.routes_on.iter().map(Vec::as_slice).collect();
    forward::request(
        &message,
        &Onward {
            uri: &onto.uri,
            via,
            source: from.peer,
            // RFC 3261 §16.6, the third step
            max_forwards: outline.max_forwards.map_or(70, |n| n.saturating_sub(1)),
            routes_off: onto.routes_off,
            routes_off_end: onto.routes_off_end,
            routes_on: &routes_on,
            route_last: onto.route_last.as_deref(),
            record_routes: records,
        },
    )
}

fn back_to_client(context: &mut Context, response: &Message<'_>, status: u16, now: Instant) {
    if let Some(onwards) = forward::response(response) {
        context.trying = None;
        context.server.respond(onwards, status, now);
    }
}

/// 100 to the one who sent the INVITE.
fn trying(context: &Context) -> Vec<u8> {
    let mut outline = Outline::new();
    outline.read(&context.request);
    let request = Message::new(&context.request, &outline);
    let mut out = Vec::new();
    crate::sip::Reply::to(&request, context.from.peer, 100, None, "", &mut out).finish();
    out
}

/// The response with its status, and with the challenges of all branches. RFC 3261 §16.7, the seventh step
fn finished(response: Vec<u8>, status: u16, challenges: &[(HeaderName, Vec<u8>)]) -> Vec<u8> {
    let mut outline = Outline::new();
    outline.read(&response);
    let message = Message::new(&response, &outline);
    let own = message.status().unwrap_or_default();
    let is_challenge = matches!(own, 401 | 407) && challenges.len() > 1;
    if own == status && !is_challenge {
        return response;
    }
    let reason = if own == status {
        String::from_utf8_lossy(message.reason().unwrap_or_default()).into_owned()
    } else {
        crate::sip::status::reason(status).to_owned()
    };
    let mut out = Composer::response(status, &reason);
    for (field, (name, value)) in outline.fields.iter().zip(message.fields()) {
        let is_replaced =
            matches!(field.name, HeaderName::WwwAuthenticate | HeaderName::ProxyAuthenticate) && is_challenge;
        let is_end = matches!(field.name, HeaderName::ContentLength | HeaderName::ContentType);
        if !is_replaced && !is_end {
            out.named(&String::from_utf8_lossy(name), value);
        }
    }
    if is_challenge {
        for (name, value) in challenges {
            out.field(*name, value);
        }
    }
    let kind = String::from_utf8_lossy(message.header(HeaderName::ContentType).unwrap_or_default()).into_owned();
    out.finish(&kind, message.body())
}

fn request_out(bytes: Vec<u8>, way: Way, method: Method, branch: Option<(u64, usize)>, now: Instant) -> Out {
    let transmit = Transmit { way, bytes, status: 0, method, line: Vec::new(), since: now, is_repeat: false };
    Out { transmit, errand: branch, is_request: true }
}
