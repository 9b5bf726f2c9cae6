//! What a person should notice about one message, in words that a newcomer understands.
//!
//! A note is told once: where a proxy passes the same message on, only what is new there is said again.

use crate::analysis::rules::identity::passport::Passport;
use crate::analysis::words;
use crate::base::Safe;
use crate::media::SdpFacts;
use crate::sip::param::Credentials;
use crate::sip::{HeaderName, Method};
use crate::trace::call::{self, Outcome};
use crate::trace::{Conversation, Facts, Kind, offer, registration};

/// How many messages back the same message on an earlier hop is looked for.
const HOPS_BACK: usize = 64;
/// Signatures of the caller's number that are told.
const SIGNATURES: usize = 4;
/// Codecs named in an offer.
const CODECS: usize = 7;

/// The notes on the message at `position`, most telling first.
#[must_use]
pub fn of(c: &Conversation, position: u32) -> Vec<String> {
    let Some(f) = c.at(position) else { return Vec::new() };
    let mut notes = Vec::new();
    if let Some(original) = f.repeats.and_then(|p| c.at(p)) {
        notes.push(match f.copy {
            true if f.flow == original.flow => format!("the same as message {}, captured again", original.index),
            true => "the same message behind a NAT".to_owned(),
            false => format!("retransmission of message {}", original.index),
        });
    } else {
        notes = own(c, f, position);
        let earlier = earlier_hop(c, f, position);
        if let Some((p, before)) = earlier.filter(|_| !notes.is_empty()) {
            let told = own(c, before, p);
            notes.retain(|note| !told.contains(note));
        }
    }
    for kept in f.defects() {
        notes.push(format!("{}: {}", kept.defect.kind.code(), kept.defect.what));
    }
    notes
}

fn own(c: &Conversation, f: &Facts, position: u32) -> Vec<String> {
    let mut notes = Vec::new();
    if f.is_request() {
        request(c, f, position, &mut notes);
    } else {
        response(c, f, position, &mut notes);
    }
    notes
}

/// The same message on the hop where it was seen first; for an INVITE sent once more with credentials, the one before.
fn earlier_hop<'a>(c: &'a Conversation, f: &Facts, position: u32) -> Option<(u32, &'a Facts)> {
    let same = |o: &Facts| {
        let is_again = o.cseq == f.cseq || (f.asks(Method::Invite) && f.to_tag.is_empty());
        o.status == f.status
            && o.method == f.method
            && is_again
            && o.transaction != f.transaction
            && c.text(o.to_tag) == c.text(f.to_tag)
            && c.text(o.from_tag) == c.text(f.from_tag)
    };
    let from = (position as usize).saturating_sub(HOPS_BACK);
    let before = c.facts.get(from..position as usize)?;
    let earlier = before.iter().zip(from as u32..).find(|(o, _)| !o.is_repeat() && same(o));
    earlier.map(|(o, at)| (at, o))
}

fn request(c: &Conversation, f: &Facts, position: u32, notes: &mut Vec<String>) {
    let credentials = c.header(f, HeaderName::ProxyAuthorization).or_else(|| c.header(f, HeaderName::Authorization));
    // What follows in the same dialog repeats them.
    if let Some(credentials) = credentials.filter(|_| !matches!(f.method, Method::Ack | Method::Bye | Method::Cancel)) {
        match param(credentials, "username") {
            Some(user) => notes.push(format!("credentials of {user}")),
            None => notes.push("with credentials".to_owned()),
        }
    }
    for value in c.headers(f, HeaderName::Identity).take(SIGNATURES) {
        if let Ok(Some(passport)) = Passport::read(value) {
            notes.push(passport.note());
        }
    }
    match f.method {
        Method::Invite if !f.to_tag.is_empty() => notes.extend(reinvite(c, f, position)),
        Method::Bye => {
            notes.push(match (c.kind, call::is_from_caller(c, f)) {
                (Kind::Call, true) => "the caller hangs up".to_owned(),
                (Kind::Call, false) => "the callee hangs up".to_owned(),
                _ => "ends a call that began before the capture".to_owned(),
            });
        }
        Method::Cancel => notes.push(cancelling(c, f, position).to_owned()),
        Method::Register => notes.push(registering(c, f)),
        Method::Refer => {
            if let Some(target) = c.header(f, HeaderName::ReferTo) {
                notes.push(transfer(target));
            }
        }
        Method::Prack => {
            if let Some(rack) = c.header(f, HeaderName::RAck) {
                notes.push(confirmed(rack));
            }
        }
        Method::Notify if !f.fragment().is_empty() => {
            // What became of the call that a REFER asked for. RFC 3515 §2.4.5
            let fragment = c.text(f.fragment());
            let status = fragment.strip_prefix(b"SIP/2.0 ").unwrap_or(fragment);
            notes.push(format!("reports {}", Safe(status)));
        }
        _ => {}
    }
    if f.method == Method::Invite && f.to_tag.is_empty() && f.body_len == 0 {
        notes.push("no SDP: the 200 OK will make the offer".to_owned());
    }
    if f.method != Method::Invite || f.to_tag.is_empty() {
        notes.extend(media(c, f, position));
    }
}

fn reinvite(c: &Conversation, f: &Facts, position: u32) -> Option<String> {
    let held = offer::is_held(c, f);
    let was_held = offer::was_held_before(c, position);
    match (held, was_held) {
        (true, false) => Some("puts the call on hold".to_owned()),
        (true, true) => Some("keeps the call on hold".to_owned()),
        (false, true) => Some("takes the call off hold".to_owned()),
        (false, false) => media(c, f, position),
    }
}

/// Who cancels, and why: a proxy cancels the branches that lost when another one answered. RFC 3261 §16.7
fn cancelling(c: &Conversation, f: &Facts, position: u32) -> &'static str {
    let before = || c.firsts().take_while(|(p, _)| *p < position).map(|(_, o)| o);
    let answered = before().any(|o| o.method == Method::Invite && o.is_success());
    let caller = Outcome::of(c).caller;
    let asked = before().any(|o| o.asks(Method::Cancel)) || caller.is_none_or(|caller| caller.same_ip(&f.flow.src));
    match (asked, answered) {
        (true, _) => "the caller gives up",
        (false, true) => "answered elsewhere: stop ringing",
        (false, false) => "the proxy gives this branch up",
    }
}

/// Whom a REFER asks to call; with Replaces in the URI it hands over a call that is up. RFC 3515 §2.1, RFC 3891 §3
fn transfer(refer_to: &[u8]) -> String {
    let end = memchr::memchr(b'?', refer_to).unwrap_or(refer_to.len());
    let (target, headers) = refer_to.split_at(end);
    let target = Safe(target.trim_ascii()).to_string();
    let target = target.trim_start_matches('<').trim_end_matches('>');
    let attended = headers.get(1..9).is_some_and(|name| name.eq_ignore_ascii_case(b"Replaces"));
    if attended { format!("hands over the call with {target}") } else { format!("asks to call {target}") }
}

/// A header field value in a note: the finding and `--headers` have all of it.
fn clipped(value: &[u8]) -> String {
    const MOST: usize = 80;
    let text = Safe(value).to_string();
    match text.char_indices().nth(MOST) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text,
    }
}

/// `4711 2 INVITE` is the RSeq that is confirmed, and the CSeq of its request. RFC 3262 §7.2
fn confirmed(rack: &[u8]) -> String {
    let rseq = rack.trim_ascii().split(u8::is_ascii_whitespace).next().unwrap_or(rack);
    format!("confirms the provisional response with RSeq {}", Safe(rseq))
}

fn registering(c: &Conversation, f: &Facts) -> String {
    match (c.header(f, HeaderName::Contact), registration::asked_expires(c, f)) {
        (None, _) => "asks for the bindings".to_owned(),
        (Some(contact), Some(0)) if contact.trim_ascii() == b"*" => "removes all bindings".to_owned(),
        (Some(_), Some(0)) => "removes the binding".to_owned(),
        (Some(_), Some(seconds)) => format!("asks for {seconds} s"),
        (Some(_), None) => "asks for a binding".to_owned(),
    }
}

fn response(c: &Conversation, f: &Facts, position: u32, notes: &mut Vec<String>) {
    match f.status {
        401 | 407 => notes.push(challenge(c, f)),
        300..=399 => {
            if let Some(contact) = c.header(f, HeaderName::Contact) {
                notes.push(format!("try {}", clipped(contact)));
            }
        }
        400..=699 => {
            for name in [HeaderName::Warning, HeaderName::Reason, HeaderName::RetryAfter] {
                if let Some(value) = c.header(f, name) {
                    notes.push(format!("{}: {}", name.canonical(), clipped(value)));
                }
            }
        }
        180..=199 => {
            if let Some(rseq) = c.header(f, HeaderName::RSeq) {
                notes.push(format!("reliable, RSeq {}", Safe(rseq.trim_ascii())));
            }
        }
        _ => {}
    }
    if c.kind == Kind::Registration && f.is_success() {
        let request = c.transaction(f).and_then(|t| t.request).and_then(|p| c.at(p));
        let removes = request.is_some_and(|r| registration::asked_expires(c, r) == Some(0));
        match crate::trace::path::granted_by(c, f) {
            Some(0) => notes.push("no binding is left".to_owned()),
            Some(seconds) if removes => notes.push(format!("another binding stays for {seconds} s")),
            Some(seconds) => notes.push(format!("bound for {seconds} s")),
            None if removes => notes.push("no binding is left".to_owned()),
            None => {}
        }
    }
    timing(c, f, position, notes);
    if f.method == Method::Invite || f.sdp.is_some() {
        notes.extend(media(c, f, position));
    }
}

fn timing(c: &Conversation, f: &Facts, position: u32, notes: &mut Vec<String>) {
    let Some(request) = c.transaction(f).and_then(|t| t.request).and_then(|p| c.at(p)) else { return };
    let after = f.time.since(request.time);
    if f.method == Method::Invite && request.to_tag.is_empty() {
        // What takes looking through the call is asked last: most responses tell no time.
        if !matches!(f.status, 180..=183 | 200..=299) {
            return;
        }
        // The caller's own hop tells the time; farther hops repeat it.
        let outcome = Outcome::of(c);
        if outcome.caller.is_some_and(|caller| request.flow.src != caller) {
            return;
        }
        let begun = outcome.invite.and_then(|p| c.at(p)).map_or(request.time, |i| i.time);
        let since = || words::duration(f.time.since(begun));
        match f.status {
            180 if outcome.ringing == Some(f.time) => notes.push(format!("ringing after {}", since())),
            181..=183 if outcome.ringing == Some(f.time) => notes.push(format!("progress after {}", since())),
            200..=299 if outcome.answer == Some(position) => notes.push(format!("answered after {}", since())),
            _ => {}
        }
    } else if after >= 500_000_000 {
        notes.push(format!("after {}", words::duration(after)));
    }
}

/// `challenge: lab.example.test, MD5, qop=auth`
fn challenge(c: &Conversation, f: &Facts) -> String {
    let name = if f.status == 407 { HeaderName::ProxyAuthenticate } else { HeaderName::WwwAuthenticate };
    let mut parts = Vec::new();
    for (at, value) in c.headers(f, name).take(4).enumerate() {
        let scheme_end = value.iter().position(|b| *b == b' ').unwrap_or(value.len());
        let scheme = &value[..scheme_end];
        if at == 0
            && let Some(realm) = param(value, "realm")
        {
            parts.push(realm);
        }
        if scheme.eq_ignore_ascii_case(b"Digest") {
            parts.push(param(value, "algorithm").unwrap_or_else(|| "MD5".to_owned()));
        } else {
            parts.push(Safe(scheme).to_string());
        }
        if let Some(qop) = param(value, "qop") {
            parts.push(format!("qop={qop}"));
        }
        if param(value, "stale").is_some_and(|s| s.eq_ignore_ascii_case("true")) {
            parts.push("the nonce was stale".to_owned());
        }
    }
    if parts.is_empty() { "challenge".to_owned() } else { format!("challenge: {}", parts.join(", ")) }
}

/// A parameter of a challenge or of credentials, without its quotes and made safe to show.
fn param(value: &[u8], name: &str) -> Option<String> {
    Credentials::parse(value).param(name).map(|p| Safe(&p.text()).to_string())
}

/// What an SDP says: `offers PCMU PCMA`, `codec PCMU`.
fn media(c: &Conversation, f: &Facts, position: u32) -> Option<String> {
    let sdp = c.sdp(f)?;
    if !offer::has_names(sdp) {
        return None;
    }
    let early = if f.is_provisional() { "early media, " } else { "" };
    Some(match offer::role(c, position) {
        Some("answer") => format!("{early}{}", answered(sdp)),
        Some(_) => format!("{early}offers {}{}", offer::names(sdp, CODECS), protection(sdp)),
        None => format!("{early}SDP with {}{}", offer::names(sdp, CODECS), protection(sdp)),
    })
}

fn answered(sdp: &SdpFacts) -> String {
    let Some(name) = offer::agreed_name(sdp) else { return "refuses the media".to_owned() };
    let hold = if sdp.media.iter().any(|m| m.port != 0 && !m.direction.sends()) { ", sends nothing" } else { "" };
    format!("codec {name}{}{hold}", protection(sdp))
}

/// SRTP where the media lines ask for it: the one thing beside the codecs over which calls fail. RFC 4568
fn protection(sdp: &SdpFacts) -> &'static str {
    let mut open = sdp.media.iter().filter(|m| m.port != 0);
    if open.any(|m| m.protocol.is_secure()) { ", encrypted" } else { "" }
}
