//! What a person should notice about one message, in words that a newcomer understands.

use crate::analysis::words;
use crate::base::Safe;
use crate::sip::param::Credentials;
use crate::sip::{HeaderName, Method};
use crate::trace::call::{self, Outcome};
use crate::trace::{Conversation, Facts, Kind, offer};

/// The notes on the message at `position`, most telling first.
#[must_use]
pub fn of(c: &Conversation, position: u32) -> Vec<String> {
    let Some(f) = c.at(position) else { return Vec::new() };
    let mut notes = Vec::new();
    if let Some(original) = f.repeats.and_then(|p| c.at(p)) {
        notes.push(if f.copy {
            format!("the same as message {}, captured again", original.index)
        } else {
            format!("retransmission of message {}", original.index)
        });
    } else if f.is_request() {
        request(c, f, position, &mut notes);
    } else {
        response(c, f, position, &mut notes);
    }
    for kept in f.defects.iter().flatten() {
        notes.push(format!("{}: {}", kept.defect.kind.code(), kept.defect.what));
    }
    notes
}

fn request(c: &Conversation, f: &Facts, position: u32, notes: &mut Vec<String>) {
    if let Some(credentials) =
        c.header(f, HeaderName::ProxyAuthorization).or_else(|| c.header(f, HeaderName::Authorization))
    {
        match param(credentials, "username") {
            Some(user) => notes.push(format!("credentials of {user}")),
            None => notes.push("with credentials".to_owned()),
        }
    }
    match f.method {
        Method::Invite if !f.to_tag.is_empty() => notes.push(reinvite(c, f, position)),
        Method::Bye => {
            let who = if call::is_from_caller(c, f) { "the caller" } else { "the callee" };
            notes.push(format!("{who} hangs up"));
        }
        Method::Cancel => notes.push("the caller gives up".to_owned()),
        Method::Register => notes.push(registering(c, f)),
        Method::Refer => {
            if let Some(target) = c.header(f, HeaderName::ReferTo) {
                notes.push(format!("asks to call {}", Safe(target)));
            }
        }
        Method::Prack => {
            if let Some(rack) = c.header(f, HeaderName::RAck) {
                notes.push(format!("confirms the provisional response {}", Safe(rack)));
            }
        }
        _ => {}
    }
    if f.method == Method::Invite && f.to_tag.is_empty() && f.body_len == 0 {
        notes.push("no SDP: the answer will make the offer".to_owned());
    }
    if f.method != Method::Invite || f.to_tag.is_empty() {
        notes.extend(media(c, f, position));
    }
}

fn reinvite(c: &Conversation, f: &Facts, position: u32) -> String {
    let held = offer::is_held(c, f);
    let was_held = offer::was_held_before(c, position);
    match (held, was_held) {
        (true, false) => "re-INVITE: hold".to_owned(),
        (false, true) => "re-INVITE: resumes".to_owned(),
        _ => match media(c, f, position) {
            Some(media) => format!("re-INVITE: {media}"),
            None => "re-INVITE".to_owned(),
        },
    }
}

fn registering(c: &Conversation, f: &Facts) -> String {
    let contact = c.header(f, HeaderName::Contact);
    let expires = c.header(f, HeaderName::Expires).map(<[u8]>::trim_ascii);
    match (contact, expires) {
        (None, _) => "asks for the bindings".to_owned(),
        (Some(_), Some(b"0")) => "removes the binding".to_owned(),
        (Some(contact), _) if memchr::memmem::find(contact, b"expires=0").is_some() => "removes the binding".to_owned(),
        (Some(_), Some(seconds)) => format!("asks for {} s", Safe(seconds)),
        (Some(_), None) => "asks for a binding".to_owned(),
    }
}

fn response(c: &Conversation, f: &Facts, position: u32, notes: &mut Vec<String>) {
    match f.status {
        401 | 407 => notes.push(challenge(c, f)),
        300..=399 => {
            if let Some(contact) = c.header(f, HeaderName::Contact) {
                notes.push(format!("try {}", Safe(contact)));
            }
        }
        400..=699 => {
            for name in [HeaderName::Warning, HeaderName::Reason, HeaderName::RetryAfter] {
                if let Some(value) = c.header(f, name) {
                    notes.push(format!("{}: {}", name.canonical(), Safe(value)));
                }
            }
        }
        _ => {}
    }
    if c.kind == Kind::Registration && f.is_success() {
        match crate::trace::path::granted_expires(c) {
            Some(0) => notes.push("no binding is left".to_owned()),
            Some(seconds) => notes.push(format!("bound for {seconds} s")),
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
        // The caller's own hop tells the time; farther hops repeat it.
        let outcome = Outcome::of(c);
        let own_hop = outcome.caller.is_none_or(|caller| request.flow.src == caller);
        let begun = outcome.invite.and_then(|p| c.at(p)).map_or(request.time, |i| i.time);
        let since = words::duration(f.time.since(begun));
        match f.status {
            180..=183 if own_hop && outcome.ringing == Some(f.time) => notes.push(format!("ringing after {since}")),
            200..=299 if own_hop && outcome.answer == Some(position) => notes.push(format!("answered after {since}")),
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

/// What an SDP says: `offers PCMU PCMA`, `PCMU`.
fn media(c: &Conversation, f: &Facts, position: u32) -> Option<String> {
    let sdp = c.sdp(f)?;
    let codecs = offer::names(sdp);
    if codecs.is_empty() {
        return None;
    }
    Some(match offer::role(c, position) {
        Some("answer") => offer::agreed_name(sdp).unwrap_or(codecs),
        _ => format!("offers {codecs}"),
    })
}
