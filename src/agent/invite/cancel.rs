//! CANCEL: only after a provisional response, and what crosses it is ended by BYE. RFC 3261 §9.1

use super::{Cancelled, EndedBy, Event, Invite};
use crate::sip::{Composer, HeaderName, Message, Outline};
use crate::transaction::{self, Client, Timers};
use std::time::Instant;

/// Our CANCEL: a transaction of its own, with the branch of the INVITE.
#[derive(Debug)]
pub(super) struct Cancel {
    client: Client,
    /// When the INVITE is given up, had it no final response by then.
    give_up: Option<Instant>,
    is_told: bool,
}

impl Cancel {
    fn new(invite: &[u8], is_reliable: bool, timers: Timers, now: Instant) -> Self {
        // RFC 3261 §9.1: 64*T1 after the CANCEL the INVITE is as good as cancelled.
        let give_up = now.checked_add(timers.give_up());
        Cancel { client: Client::new(request(invite), is_reliable, timers, now), give_up, is_told: false }
    }

    pub(super) fn poll_transmit(&mut self) -> Option<Vec<u8>> {
        self.client.poll_transmit()
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.client.poll_timeout().into_iter().chain(self.give_up).min()
    }
}

/// The CANCEL of an INVITE: same Request-URI, top Via, Route, Call-ID, From, To and CSeq number. RFC 3261 §9.1
fn request(invite: &[u8]) -> Vec<u8> {
    let mut outline = Outline::new();
    outline.read(invite);
    let message = Message::new(invite, &outline);
    let mut cancel = Composer::request("CANCEL", &String::from_utf8_lossy(message.uri().unwrap_or_default()));
    cancel.field(HeaderName::Via, message.text(outline.via));
    for route in message.headers(HeaderName::Route) {
        cancel.field(HeaderName::Route, route);
    }
    cancel.field(HeaderName::MaxForwards, "70");
    for name in [HeaderName::From, HeaderName::To, HeaderName::CallId] {
        cancel.field(name, message.header(name).unwrap_or_default());
    }
    cancel.field(HeaderName::CSeq, format!("{} CANCEL", message.cseq().map_or(0, |cseq| cseq.number)));
    if let Some(software) = message.header(HeaderName::UserAgent) {
        cancel.field(HeaderName::UserAgent, software);
    }
    cancel.finish("", b"")
}

impl Invite {
    /// The call is not wanted any more, and was not answered yet.
    pub(super) fn cancel(&mut self, by: EndedBy, now: Instant) {
        self.why.get_or_insert(by);
        for at in 0..self.callings.len() {
            self.send_cancel(at, now);
        }
    }

    /// Cancels an INVITE as soon as it may be: now, or with its first provisional response.
    pub(super) fn send_cancel(&mut self, at: usize, now: Instant) {
        let Some(calling) = self.callings.get_mut(at) else { return };
        let is_reliable = self.ways.line(calling.way).is_some_and(|line| line.protocol.is_reliable());
        if calling.cancel.is_some() || !calling.is_proceeding() {
            return;
        }
        calling.cancel = Some(Cancel::new(calling.exchange.request(), is_reliable, self.options.timers, now));
        if !calling.is_left {
            self.record.cancelled.get_or_insert(Cancelled { at: now, status: None, invite_status: None });
        }
        self.tell(Event::Asking { method: "CANCEL".to_owned(), purpose: String::new() });
    }

    /// A response to a CANCEL of ours; `false` where it is none.
    pub(super) fn handle_cancel_response(&mut self, message: &Message<'_>, now: Instant) -> bool {
        for calling in &mut self.callings {
            let is_left = calling.is_left;
            let Some(cancel) = &mut calling.cancel else { continue };
            match cancel.client.handle_message(message, now) {
                Ok(event) => {
                    if event != transaction::Event::Final || std::mem::replace(&mut cancel.is_told, true) {
                        return true;
                    }
                    let status = message.status();
                    if let Some(cancelled) = self.record.cancelled.as_mut().filter(|_| !is_left) {
                        cancelled.status = status;
                    }
                    self.tell(Event::Asked { method: "CANCEL".to_owned(), status });
                    return true;
                }
                Err(transaction::Ignored::Repeat) => return true,
                Err(_) => {}
            }
        }
        false
    }

    /// Lets the timers of CANCELs fire.
    pub(super) fn tend_cancels(&mut self, now: Instant) {
        for at in 0..self.callings.len() {
            let Some(calling) = self.callings.get_mut(at).filter(|calling| !calling.is_over) else { continue };
            let Some(cancel) = &mut calling.cancel else { continue };
            let unanswered = cancel.client.handle_timer(now) == Some(transaction::Event::Timeout);
            let is_given_up = cancel.give_up.is_some_and(|by| by <= now);
            if unanswered && !std::mem::replace(&mut cancel.is_told, true) {
                self.tell(Event::Asked { method: "CANCEL".to_owned(), status: None });
            }
            if is_given_up && let Some(calling) = self.callings.get_mut(at) {
                (calling.is_over, calling.is_left) = (true, true);
                // Nobody said that it stopped ringing.
                self.record.may_be_up = true;
                if let Some(by) = self.why {
                    self.finish(by, now);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::request;

    /// F10 of RFC 3665 §3.8, from its F1 (Authorization and Contact left out here, as there).
    #[test]
    fn it_is_the_cancel_of_rfc_3665() {
        let invite = b"INVITE sip:bob@biloxi.example.com SIP/2.0\r\n\
            Via: SIP/2.0/UDP client.atlanta.example.com:5060;branch=z9hG4bK74bf9\r\nMax-Forwards: 70\r\n\
            Route: <sip:ss1.atlanta.example.com;lr>\r\nFrom: Alice <sip:alice@atlanta.example.com>;tag=9fxced76sl\r\n\
            To: Bob <sip:bob@biloxi.example.com>\r\nCall-ID: 2xTb9vxSit55XU7p8@atlanta.example.com\r\nCSeq: 1 INVITE\r\n\
            Contact: <sip:alice@client.atlanta.example.com>\r\nProxy-Authorization: Digest username=\"alice\"\r\n\
            Content-Type: application/sdp\r\nContent-Length: 3\r\n\r\nv=0";
        let cancel = "CANCEL sip:bob@biloxi.example.com SIP/2.0\r\n\
            Via: SIP/2.0/UDP client.atlanta.example.com:5060;branch=z9hG4bK74bf9\r\nRoute: <sip:ss1.atlanta.example.com;lr>\r\n\
            Max-Forwards: 70\r\nFrom: Alice <sip:alice@atlanta.example.com>;tag=9fxced76sl\r\n\
            To: Bob <sip:bob@biloxi.example.com>\r\nCall-ID: 2xTb9vxSit55XU7p8@atlanta.example.com\r\nCSeq: 1 CANCEL\r\n\
            Content-Length: 0\r\n\r\n";
        assert_eq!(String::from_utf8(request(invite)).unwrap(), cancel);
    }
}
