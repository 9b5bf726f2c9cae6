//! A user agent server that does as it is told. RFC 3261 §8.2, §11.2

mod call;
mod calls;

#[cfg(test)]
mod calls_tests;

pub use calls::{Calls, Plan, Refusal};

use super::registrar::{Access, Verdict};
use super::{Answer, Arrival, Outgoing, Role, Transfer, studio};
use crate::agent::transfer;
use crate::media::negotiator::Local;
use crate::sip::{HeaderName, Message, Method};
use std::time::Instant;

/// What the user agent server says.
#[derive(Debug, Default)]
pub struct Uas {
    /// Answer with this status instead of what is right.
    pub status: Option<u16>,
    /// Its reason phrase; `None` for the registered one.
    pub reason: Option<String>,
    /// Retry-After, in seconds.
    pub retry_after: Option<u64>,
    /// Header fields that such an answer has beside the usual ones.
    pub headers: Vec<(String, String)>,
    /// Only from the request after so many on; those before are answered rightly.
    pub status_after: u64,
    /// Only to these methods; empty for all.
    pub methods: Vec<Vec<u8>>,
    /// How many requests of these methods came so far.
    pub seen: u64,
    /// The calls; `None` refuses them.
    pub calls: Option<Calls>,
    /// Who may call; `None` for everybody.
    pub access: Option<Access>,
    /// Callers are asked as a proxy asks: 407 instead of 401. RFC 3261 §22.3
    pub asks_as_proxy: bool,
}

/// What it takes without calls. An INVITE is understood and refused: there is no session to be had here.
const ALLOW: &str = "INVITE, ACK, CANCEL, BYE, OPTIONS, REGISTER, MESSAGE, PRACK, UPDATE, INFO, NOTIFY, REFER";

impl Uas {
    /// The status that was asked for, where this request gets it. An INVITE never gets a 2xx, which would have to hold an
    /// answer to its offer (RFC 3261 §13.3.1.4).
    fn told(&mut self, arrival: &Arrival<'_>) -> Option<u16> {
        let status = self.status?;
        let text = arrival.request.method_text();
        if !self.methods.is_empty() && !self.methods.iter().any(|m| m == text) {
            return None;
        }
        self.seen = self.seen.saturating_add(1);
        let invited = arrival.request.method() == Method::Invite && (200..300).contains(&status);
        (self.seen > self.status_after && !invited).then_some(status)
    }

    /// The refusal of an INVITE that rings first: what waits is left to the calls.
    fn refusal(&self, arrival: &Arrival<'_>, status: u16) -> Option<Refusal> {
        let rings = self.calls.as_ref().is_some_and(|calls| calls.plan().takes_time());
        let begins = arrival.request.method() == Method::Invite && arrival.request.to_tag().is_empty();
        (rings && begins && status >= 300).then(|| Refusal {
            status,
            reason: self.reason.clone(),
            retry_after: self.retry_after,
            headers: self.headers.clone(),
        })
    }

    fn misbehave(&self, arrival: &Arrival<'_>, status: u16, out: &mut Vec<u8>) -> Answer {
        let mut reply = arrival.reply_saying(status, self.reason.as_deref(), out);
        if status == 405 {
            reply.field(HeaderName::Allow, ALLOW);
        }
        if let Some(seconds) = self.retry_after {
            reply.field(HeaderName::RetryAfter, seconds.to_string());
        }
        for (name, value) in &self.headers {
            reply.named(name, value);
        }
        reply.finish();
        Answer::Now
    }
}

impl Role for Uas {
    fn name(&self) -> &'static str {
        "uas"
    }

    fn answer(&mut self, arrival: &Arrival<'_>, out: &mut Vec<u8>) -> Answer {
        let told = self.told(arrival);
        let refusal = told.and_then(|status| self.refusal(arrival, status));
        if let Some(status) = told.filter(|_| refusal.is_none()) {
            return self.misbehave(arrival, status, out);
        }
        let known: &[&str] = if self.calls.is_some() { &["path", "100rel", "timer"] } else { &["path"] };
        if let Some(refused) = arrival.refuse_unknown(known, out) {
            return refused;
        }
        let request = arrival.request;
        let method = request.method();
        // RFC 3261 §12.2.2: a tag that we gave would name a dialog, and there is none.
        let is_inside = !request.to_tag().is_empty() && method != Method::Register;
        if let Some(calls) = &mut self.calls {
            if is_inside {
                return calls.inside(arrival, out);
            }
            if method == Method::Invite {
                return challenged(self.access.as_mut(), self.asks_as_proxy, arrival, out)
                    .unwrap_or_else(|| calls.invite(arrival, refusal, out));
            }
        }
        let (allow, supported) = match self.calls {
            Some(_) => (call::ALLOW, "path, 100rel, timer"),
            None => (ALLOW, "path"),
        };
        match method {
            // RFC 6665 §4.1.3, RFC 6086 §4.2.1: these, too, belong to something that is not there.
            Method::Bye | Method::Prack | Method::Update | Method::Info | Method::Notify => arrival.just(481, out),
            _ if is_inside => arrival.just(481, out),
            Method::Options => {
                let mut reply = arrival.reply(200, out);
                reply.field(HeaderName::Allow, allow).field(HeaderName::Accept, "*/*");
                reply.field(HeaderName::AcceptEncoding, "identity").field(HeaderName::AcceptLanguage, "en");
                reply.field(HeaderName::Supported, supported).finish();
                Answer::Now
            }
            Method::Message => arrival.just(200, out),
            Method::Refer => {
                arrival.just(transfer::asked(request).map_or_else(|status| status, |_| transfer::DECLINED), out)
            }
            Method::Register => registered(arrival, out),
            Method::Invite => {
                let mut reply = arrival.reply(488, out);
                reply
                    .field(HeaderName::Allow, ALLOW)
                    .field(HeaderName::Warning, "399 sipctl \"no session is made here\"");
                reply.finish();
                Answer::Now
            }
            _ => arrival.method_not_allowed(allow, out),
        }
    }

    fn crowded(&self) -> u64 {
        self.calls.as_ref().map_or(0, Calls::crowded)
    }

    fn acknowledged(&mut self, ack: &Message<'_>, now: Instant) -> bool {
        self.calls.as_mut().is_some_and(|calls| calls.acknowledged(ack, now))
    }

    fn cancelled(&mut self, transaction: u64, now: Instant) -> bool {
        self.calls.as_mut().is_some_and(|calls| calls.cancelled(transaction, now))
    }

    fn response(&mut self, response: &Message<'_>, now: Instant) -> bool {
        self.calls.as_mut().is_some_and(|calls| calls.response(response, now))
    }

    fn poll_transmit(&mut self) -> Option<Outgoing> {
        self.calls.as_mut().and_then(Calls::poll_transmit)
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.calls.as_ref().and_then(Calls::poll_timeout)
    }

    fn handle_timer(&mut self, now: Instant) {
        if let Some(calls) = &mut self.calls {
            calls.handle_timer(now);
        }
    }

    fn is_busy(&self) -> bool {
        self.calls.as_ref().is_some_and(|calls| !calls.is_empty())
    }

    fn close(&mut self, now: Instant) {
        if let Some(calls) = &mut self.calls {
            calls.close(now);
        }
    }

    fn studio(&self) -> Option<&studio::Options> {
        self.calls.as_ref().map(|calls| &calls.plan().studio)
    }

    fn poll_media(&mut self) -> Option<studio::Wish> {
        self.calls.as_mut().and_then(Calls::poll_media)
    }

    fn poll_transfer(&mut self) -> Option<Transfer> {
        self.calls.as_mut().and_then(Calls::poll_transfer)
    }

    fn media_opened(&mut self, call: u64, local: Option<Local>, now: Instant) {
        if let Some(calls) = &mut self.calls {
            calls.media_opened(call, local, now);
        }
    }
}

/// Asks who calls for credentials; `None` where there is nothing to ask. RFC 3261 §22.2
fn challenged(access: Option<&mut Access>, as_proxy: bool, arrival: &Arrival<'_>, out: &mut Vec<u8>) -> Option<Answer> {
    let (status, asks, answers) = match as_proxy {
        true => (407, HeaderName::ProxyAuthenticate, HeaderName::ProxyAuthorization),
        false => (401, HeaderName::WwwAuthenticate, HeaderName::Authorization),
    };
    match access?.check_field(arrival, answers) {
        Verdict::Open | Verdict::Known(_) => return None,
        Verdict::Unknown => arrival.reply(403, out).finish(),
        Verdict::Challenge(challenges) => {
            let mut reply = arrival.reply(status, out);
            for challenge in &challenges {
                reply.field(asks, challenge);
            }
            reply.finish();
        }
    }
    Some(Answer::Now)
}

/// Says yes to a registration and keeps nothing: the contacts come back as they were given, unless they are taken away.
fn registered(arrival: &Arrival<'_>, out: &mut Vec<u8>) -> Answer {
    let request = arrival.request;
    let mut reply = arrival.reply(200, out);
    let asked = request.header(HeaderName::Expires).unwrap_or(b"3600");
    for value in request.values(HeaderName::Contact).filter(|value| *value != b"*") {
        let contact = crate::sip::Address::parse(value);
        let own = contact.param("expires").and_then(|p| p.value);
        if own.unwrap_or(asked) == b"0" {
            continue;
        }
        let mut line = [b"<", contact.uri, b">", contact.params].concat();
        if own.is_none() {
            line.extend_from_slice(b";expires=");
            line.extend_from_slice(if asked.iter().all(u8::is_ascii_digit) { asked } else { b"3600" });
        }
        reply.field(HeaderName::Contact, line);
    }
    request.headers(HeaderName::Path).for_each(|value| {
        reply.field(HeaderName::Path, value);
    });
    reply.finish();
    Answer::Now
}

#[cfg(test)]
mod tests {
    use super::Uas;
    use crate::driver::endpoint::engine::tests::{Bench, request};

    #[test]
    fn options_are_answered_with_what_is_understood() {
        let answer = Bench::new(Uas::default()).ask(&request("OPTIONS", ""));
        assert!(answer.starts_with("SIP/2.0 200 OK\r\nVia: "), "{answer}");
        for line in [
            "Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, REGISTER, MESSAGE, PRACK, UPDATE, INFO, NOTIFY, REFER",
            "Accept: */*",
            "Supported: path",
        ] {
            assert!(answer.contains(&format!("\r\n{line}\r\n")), "{line} in {answer}");
        }
        assert!(
            answer.contains("\r\nServer: test/1\r\n") && answer.ends_with("\r\nContent-Length: 0\r\n\r\n"),
            "{answer}"
        );
    }

    #[test]
    fn each_method_by_its_rule() {
        let mut bench = Bench::new(Uas::default());
        for (method, expected) in [
            ("MESSAGE", "200 OK"),
            ("REGISTER", "200 OK"),
            ("INVITE", "488 Not Acceptable Here"),
            ("BYE", "481 Call/Transaction Does Not Exist"),
            ("SUBSCRIBE", "405 Method Not Allowed"),
            ("NEWMETHOD", "405 Method Not Allowed"),
        ] {
            let answer = bench.ask(&request(method, ""));
            assert!(answer.starts_with(&format!("SIP/2.0 {expected}\r\n")), "{method}: {answer}");
            assert_eq!(answer.contains("\r\nAllow: "), matches!(&expected[..3], "405" | "488"), "{answer}");
        }
    }

    #[test]
    fn a_request_inside_no_dialog_is_refused() {
        let inside = request("MESSAGE", "").replace("To: <sip:bob@example.com>", "To: <sip:bob@example.com>;tag=x");
        assert!(Bench::new(Uas::default()).ask(&inside).starts_with("SIP/2.0 481 "));
    }

    #[test]
    fn extensions_that_are_not_known_are_named() {
        let answer = Bench::new(Uas::default()).ask(&request("OPTIONS", "Require: path, foo\r\nRequire: bar\r\n"));
        assert!(
            answer.starts_with("SIP/2.0 420 Bad Extension\r\n") && answer.contains("\r\nUnsupported: foo, bar\r\n")
        );
    }

    #[test]
    fn a_status_that_is_asked_for_comes_after_the_first_so_many_and_to_its_methods() {
        let uas = Uas {
            status: Some(503),
            reason: Some("Away".to_owned()),
            retry_after: Some(7),
            headers: vec![("X-Why".to_owned(), "test".to_owned())],
            status_after: 2,
            methods: vec![b"OPTIONS".to_vec()],
            ..Uas::default()
        };
        let mut bench = Bench::new(uas);
        let firsts: Vec<String> = (0..4).map(|_| bench.ask(&request("OPTIONS", ""))[8..11].to_owned()).collect();
        assert_eq!(firsts, ["200", "200", "503", "503"]);
        let answer = bench.ask(&request("OPTIONS", ""));
        assert!(answer.starts_with("SIP/2.0 503 Away\r\n"), "{answer}");
        assert!(answer.contains("\r\nRetry-After: 7\r\n") && answer.contains("\r\nX-Why: test\r\n"), "{answer}");
        assert!(bench.ask(&request("MESSAGE", "")).starts_with("SIP/2.0 200 "));
    }

    #[test]
    fn an_invite_never_gets_a_2xx() {
        let ok = Uas { status: Some(200), ..Uas::default() };
        assert!(Bench::new(ok).ask(&request("INVITE", "")).starts_with("SIP/2.0 488 "));
        let busy = Uas { status: Some(486), ..Uas::default() };
        assert!(Bench::new(busy).ask(&request("INVITE", "")).starts_with("SIP/2.0 486 Busy Here\r\n"));
    }

    #[test]
    fn contacts_come_back_unless_they_are_removed() {
        let ask = |more: &str| Bench::new(Uas::default()).ask(&request("REGISTER", more));
        let answer = ask("Contact: <sip:a@h>;q=0.5, <sip:b@h>;expires=0\r\nExpires: 60\r\nPath: <sip:p;lr>\r\n");
        assert!(answer.contains("\r\nContact: <sip:a@h>;q=0.5;expires=60\r\nPath: <sip:p;lr>\r\n"), "{answer}");
        assert!(!answer.contains("sip:b@h"), "{answer}");
        assert!(!ask("Contact: *\r\nExpires: 0\r\n").contains("Contact"));
    }
}
