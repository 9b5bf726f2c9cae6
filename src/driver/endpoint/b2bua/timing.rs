//! Timers of a call, what it has to send, and when it is forgotten.

use super::call::Accepted;
use super::{B2bua, OLDEST, Out, Transmit, request_out};
use crate::driver::endpoint::engine::status_of;
use crate::sip::{HeaderName, Message, Method};
use crate::transaction::Client;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

impl B2bua {
    /// Lets the timers of a call that are due fire.
    pub(super) fn fire(&mut self, id: u64, now: Instant) {
        let timers = self.options.timers;
        let Some(call) = self.calls.get_mut(&id) else { return };
        call.inbound.server.handle_timer(now);
        for crossing in &mut call.crossings {
            crossing.inbound.server.handle_timer(now);
        }
        let mut failed = Vec::new();
        for out in &mut call.outs {
            if let Some(cancel) = &mut out.cancel {
                cancel.handle_timer(now);
            }
            let timed_out = out.sent.as_mut().and_then(|(client, _)| client.handle_timer(now)).is_some();
            let is_late = out.status.is_none() && out.given_up_at.is_some_and(|at| at <= now);
            if timed_out && out.status.is_none() {
                failed.push((out.number, 408));
            } else if is_late && out.cancel.is_some() {
                // Nobody answers any more: the transaction would wait for ever.
                out.give_up();
                failed.push((out.number, 487));
            } else if is_late {
                // RFC 3261 §16.8: Timer C, which keeps what rings for ever from doing so.
                out.cancel(timers, now);
                match out.cancel {
                    Some(_) => out.given_up_at = Some(now + timers.give_up()),
                    None => {
                        out.give_up();
                        failed.push((out.number, 408));
                    }
                }
            }
        }
        let repeats: Vec<Transmit> = call.accepted.iter_mut().filter_map(|a| repeat(a, timers.t2, now)).collect();
        let expired = call.expires <= now && call.pairs.iter().any(|p| p.is_confirmed && !p.is_over());
        for transmit in repeats {
            self.outbox.push_back(Out { transmit, errand: None, is_request: false });
        }
        for (number, status) in failed {
            self.out_failed(id, number, status, now);
        }
        self.lose_patience(id, now);
        self.end_unacknowledged(id, now);
        if expired {
            if let Some(call) = self.calls.get_mut(&id) {
                call.expires = now + OLDEST;
            }
            self.end_call(id, 503, now);
        }
        self.after(id, now);
    }

    /// How long the session may go without being refreshed. RFC 4028 §10
    pub(super) fn note_expiry(&mut self, id: u64, response: &Message<'_>, now: Instant) {
        let Some(call) = self.calls.get_mut(&id) else { return };
        let value = response.header(HeaderName::SessionExpires);
        let seconds =
            value.and_then(|v| std::str::from_utf8(v.split(|&b| b == b';').next()?).ok()?.trim().parse::<u32>().ok());
        // RFC 4028 §4: no interval is shorter than 90 seconds.
        let lasts = seconds.map_or(OLDEST, |s| Duration::from_secs(u64::from(s.max(90))).min(OLDEST));
        call.expires = now + lasts;
    }

    /// Sends what a call has to send, and notes when it is due again.
    pub(super) fn after(&mut self, id: u64, now: Instant) {
        self.end_media(id);
        let Some(call) = self.calls.get_mut(&id) else { return };
        let outbox = &mut self.outbox;
        pump(&mut call.inbound, outbox);
        for crossing in &mut call.crossings {
            pump(&mut crossing.inbound, outbox);
        }
        for out in &mut call.outs {
            let Some((client, way)) = &mut out.sent else { continue };
            while let Some(bytes) = client.poll_transmit() {
                outbox.push_back(request_out(bytes, *way, out.method, Some((id, out.number)), now));
            }
            while let Some(bytes) = out.cancel.as_mut().and_then(Client::poll_transmit) {
                outbox.push_back(request_out(bytes, *way, Method::Cancel, None, now));
            }
        }
        if call.is_over() {
            return self.forget(id);
        }
        let (servers, clients) = call.tidy();
        for key in servers {
            self.servers.remove(&key);
        }
        for branch in clients {
            self.clients.remove(&branch);
        }
        let due = call.poll_timeout();
        if due != call.due {
            if let Some(before) = std::mem::replace(&mut call.due, due) {
                self.due.remove(&(before, id));
            }
            self.due.extend(due.map(|at| (at, id)));
        }
    }

    fn forget(&mut self, id: u64) {
        let Some(call) = self.calls.remove(&id) else { return };
        if let Some(before) = call.due {
            self.due.remove(&(before, id));
        }
        let crossings = call.crossings.iter().map(|c| &c.inbound.key);
        for key in crossings.chain([&call.inbound.key]) {
            self.servers.remove(key);
        }
        for (client, _) in call.outs.iter().filter_map(|o| o.sent.as_ref()) {
            self.clients.remove(client.branch());
        }
        for pair in &call.pairs {
            self.dialogs.remove(&pair.caller.key);
            self.dialogs.remove(&pair.callee.key);
        }
    }
}

/// Gives out what a server transaction has to send.
fn pump(inbound: &mut super::Inbound, outbox: &mut VecDeque<Out>) {
    while let Some(bytes) = inbound.server.poll_transmit() {
        let status = status_of(&bytes);
        let transmit = Transmit {
            way: inbound.back,
            bytes,
            status,
            method: inbound.method,
            line: inbound.line.clone(),
            since: inbound.since,
            is_repeat: false,
        };
        outbox.push_back(Out { transmit, errand: None, is_request: false });
    }
}

/// A 2xx goes out again where it is time for it. RFC 3261 §13.3.1.4: over any transport.
fn repeat(accepted: &mut Accepted, t2: Duration, now: Instant) -> Option<Transmit> {
    if accepted.next > now || accepted.end <= now {
        return None;
    }
    accepted.pause = (accepted.pause * 2).min(t2);
    accepted.next = now + accepted.pause;
    Some(Transmit {
        way: accepted.back,
        bytes: accepted.bytes.clone(),
        status: status_of(&accepted.bytes),
        method: Method::Invite,
        line: accepted.line.clone(),
        since: accepted.since,
        is_repeat: true,
    })
}
