//! `session-expired`: nobody refreshed the session in the time that both sides had agreed on. RFC 4028
//!
//! A BYE that gives the expiry as its Reason proves it; so does one at the very moment at which the interval ends, when no refresh was seen before. A call
//! that goes on past that moment is only told of where the capture shows that it went on.

use crate::analysis::rules::{Entry, Product, Rule};
use crate::analysis::{Case, Confidence, Finding, Part, Severity, words};
use crate::base::{Safe, Timestamp};
use crate::sip::param::Params;
use crate::sip::{HeaderName, Method};
use crate::trace::path::number;
use crate::trace::{Conversation, Facts, Kind, dialog};

/// The rule.
pub const RULE: Rule = Rule { judge, entries: &ENTRIES };

static ENTRIES: [Entry; 1] = [Entry {
    code: "session-expired",
    severity: Severity::Error,
    meaning: "Both sides agreed, with Session-Expires, that the call ends unless one of them refreshes it in time with a re-INVITE or UPDATE. No refresh \
              came through, and the call was (or should have been) ended by that.",
    noticed: "Calls break off after the same time again and again: 90 s, 15 min, 30 min.",
    causes: &[
        "The refresh is lost: a firewall or NAT binding has closed, or the Contact or Record-Route of the dialog is wrong, so that nothing within the dialog \
         arrives any more.",
        "The side that has to refresh (refresher=uac or uas) does not: it does not support session timers, or both believe that it is the other.",
        "The refresh was refused (481, 488, 500), for instance because the SDP in it was not accepted.",
        "An SBC or proxy changed Session-Expires or refresher on one side only.",
    ],
    confirm: "Look at Session-Expires in the 200 to the INVITE: seconds and refresher. A re-INVITE or UPDATE has to come from that side at half of that time.",
    fix: "See why the refresh is not sent or does not arrive; as a test switch session timers off on the side that refreshes, or let the other one refresh.",
    settings: &[
        (
            Product::Asterisk,
            "pjsip.conf, endpoint: timers=yes|no|required|always, timers_sess_expires=1800, timers_min_se=90",
        ),
        (Product::FreeSwitch, "sofia profile: enable-timer, session-timeout (seconds), minimum-session-expires"),
        (
            Product::Kamailio,
            "sst: timeout_avp, min_se and sst_flag; dialog: default_timeout has to be longer than Session-Expires",
        ),
        (
            Product::OpenSips,
            "sst: sst_interval, min_se and sst_flag; dialog: default_timeout has to be longer than Session-Expires",
        ),
    ],
    rule: "RFC 4028 §7.2, §10",
}];

/// How far a BYE may lie from the moment of expiry to be taken for its consequence.
const EARLY_NS: i64 = 1_500_000_000;
const LATE_NS: i64 = 5_000_000_000;
/// A call that is seen for so long after its expiry has outlived it.
const OUTLIVED_NS: i64 = 10_000_000_000;
const SECOND_NS: i64 = 1_000_000_000;

/// What the last refresh (or the answer) agreed on.
#[derive(Clone, Copy)]
struct Agreed<'a> {
    position: u32,
    response: &'a Facts,
    seconds: u64,
    /// Whether the side that sent the request is to refresh; `None` where it is not told.
    by_requester: Option<bool>,
}

fn judge(case: &Case<'_>, findings: &mut Vec<Finding>) {
    let c = case.conversation;
    let may_tell = || case.seen().has(HeaderName::SessionExpires) || case.seen().has(HeaderName::Reason);
    if c.kind != Kind::Call || !may_tell() {
        return;
    }
    let bye = c.requests(Method::Bye).next();
    let until = bye.map_or(case.now, |(_, f)| f.time);
    let agreed = agreed(c, until, bye.map(|(_, f)| f));
    if let Some((position, bye)) = bye
        && let Some(reason) = c.headers(bye, HeaderName::Reason).find(|value| tells_expiry(value))
    {
        findings.push(told(c, (position, bye), reason, agreed));
        return;
    }
    findings.extend(agreed.and_then(|agreed| silent(case, agreed, bye)));
}

/// Whether a Reason says that a session timer ran out, as several programs word it. RFC 3326 §2
fn tells_expiry(reason: &[u8]) -> bool {
    let text = reason.to_ascii_lowercase();
    let has = |word: &[u8]| memchr::memmem::find(&text, word).is_some();
    has(b"recovery_on_timer_expire") && !has(b"q.850;cause=16")
        || (has(b"session") && (has(b"expire") || has(b"timer") || has(b"timeout") || has(b"refresh")))
}

/// The agreement that holds at `until`: that of the last 2xx to an INVITE or UPDATE, in the dialog that `bye` ends. The legs of a B2BUA have a timer each.
fn agreed<'a>(c: &'a Conversation, until: Timestamp, bye: Option<&Facts>) -> Option<Agreed<'a>> {
    let mut last: Option<Agreed<'_>> = None;
    let refreshes = |f: &Facts| {
        let is_refresh = f.is_success() && matches!(f.method, Method::Invite | Method::Update) && f.time < until;
        is_refresh && bye.is_none_or(|bye| dialog::is_same(c, f, bye))
    };
    for (position, response) in c.firsts().filter(|(_, f)| refreshes(f)) {
        // The same response on the next hop agrees on nothing new.
        if last.is_some_and(|l| l.response.cseq == response.cseq && dialog::is_same_way(c, l.response, response)) {
            continue;
        }
        last = c.header(response, HeaderName::SessionExpires).and_then(|value| {
            let params =
                Params::new(value.iter().position(|&b| b == b';').and_then(|at| value.get(at..)).unwrap_or_default());
            let refresher = params.find("refresher").map(|p| p.text().eq_ignore_ascii_case(b"uac"));
            let seconds = number(value).filter(|&s| (1..=86_400).contains(&s))?;
            Some(Agreed { position, response, seconds, by_requester: refresher })
        });
    }
    last
}

impl Agreed<'_> {
    fn expiry(&self) -> Timestamp {
        Timestamp(self.response.time.0.saturating_add(self.seconds as i64 * SECOND_NS))
    }

    /// Who has to refresh, as far as it is told.
    fn refresher(&self) -> Option<crate::base::Endpoint> {
        self.by_requester.map(|by| if by { self.response.flow.dst } else { self.response.flow.src })
    }

    /// The message that agreed on it is evidence.
    fn tell(&self, f: &mut Finding) {
        f.positions.push(self.position);
        f.quote(self.position, Part::first(HeaderName::SessionExpires), "the session has to be refreshed within this");
    }

    fn sentence(&self, c: &Conversation) -> String {
        let by = match self.by_requester {
            Some(true) => ", refreshed by the side that asked (uac)",
            Some(false) => ", refreshed by the side that answered (uas)",
            None => "",
        };
        format!(
            "The {} to the {} agreed on {} s{by}.",
            self.response.status,
            words::method(c, self.response),
            self.seconds
        )
    }
}

/// An attempt at a refresh after the agreement that did not succeed, with its position.
fn failed_refresh<'a>(c: &'a Conversation, agreed: &Agreed<'_>) -> Option<(u32, &'a Facts)> {
    let tries = |f: &Facts| {
        f.is_request()
            && matches!(f.method, Method::Invite | Method::Update)
            && !f.to_tag.is_empty()
            && f.time > agreed.response.time
    };
    let failed = |f: &Facts| c.transaction(f).is_some_and(|t| !matches!(t.final_status, 200..=299 | 401 | 407));
    c.firsts().rev().find(|(_, f)| tries(f) && failed(f))
}

/// What is said of the refresh that did not come, or failed.
fn tell_refresh(c: &Conversation, agreed: &Agreed<'_>, f: &mut Finding) {
    match failed_refresh(c, agreed) {
        Some((position, request)) => {
            let t = c.transaction(request);
            let (method, to) = (words::method(c, request), request.flow.dst);
            let status = t.map_or(0, |t| t.final_status);
            f.detail.push(match status {
                0 => format!(
                    "A refresh was tried: {} sent {method} to {to}, and no final response came.",
                    request.flow.src
                ),
                _ => format!(
                    "A refresh was tried: {} sent {method} to {to}, and it was refused with {status}.",
                    request.flow.src
                ),
            });
            f.positions.push(position);
            f.positions.extend(t.and_then(|t| t.final_response));
        }
        None => f.detail.push("No re-INVITE or UPDATE was seen after it.".to_owned()),
    }
}

/// A BYE that says itself why it came.
fn told(c: &Conversation, (position, bye): (u32, &Facts), reason: &[u8], agreed: Option<Agreed<'_>>) -> Finding {
    let who = bye.flow.src;
    let mut f = ENTRIES[0].finding(format!("{who} ended the call because the session was not refreshed in time"));
    f.detail.push(format!("Its BYE says: Reason: {}.", Safe(reason)));
    f.quote(position, Part::text_in(HeaderName::Reason, reason), "why the call was ended");
    if let Some(agreed) = agreed {
        agreed.tell(&mut f);
        f.detail.push(agreed.sentence(c));
        tell_refresh(c, &agreed, &mut f);
    }
    f.positions.push(position);
    f
}

/// A call that ended at the moment of expiry without saying why, or went on past it.
fn silent(case: &Case<'_>, agreed: Agreed<'_>, bye: Option<(u32, &Facts)>) -> Option<Finding> {
    let c = case.conversation;
    let expiry = agreed.expiry();
    let refresher = agreed.refresher().map_or_else(|| "either side".to_owned(), |who| who.to_string());
    // Who waits for the refresh gives up that much before the end. RFC 4028 §10
    let ahead = (agreed.seconds / 3).min(32) as i64 * SECOND_NS;
    if let Some((position, bye)) = bye {
        let off = bye.time.since(expiry);
        let at_expiry =
            (-EARLY_NS..=LATE_NS).contains(&off) || (-EARLY_NS..=EARLY_NS).contains(&off.saturating_add(ahead));
        if at_expiry {
            let who = bye.flow.src;
            let after = words::duration(bye.time.since(agreed.response.time));
            let mut f = ENTRIES[0].finding(format!(
                "{who} ended the call when the session expired: {refresher} did not refresh it in time"
            ));
            f.detail.push(agreed.sentence(c));
            agreed.tell(&mut f);
            tell_refresh(c, &agreed, &mut f);
            f.detail.push(format!("The BYE came {after} after that, at the moment at which the interval asks for it."));
            f.positions.push(position);
            f.confidence = Confidence::Likely;
            f.ruled_out.push(
                "Somebody hanging up just then: a refresh was due at half of the time, and was not there.".to_owned(),
            );
            return Some(f);
        }
    }
    // What shows that the call went on, and that its signalling passes here.
    let media = case.streams.iter().map(|s| s.receiver.last()).max();
    let shown = bye.map(|(_, f)| f.time).into_iter().chain(media).max()?;
    if shown.since(expiry) < OUTLIVED_NS {
        return None;
    }
    let over = words::duration(shown.since(expiry));
    let mut f = ENTRIES[0].finding(format!(
        "{refresher} did not refresh the session, and the call went on for {over} after it had expired"
    ));
    f.severity = Severity::Warning;
    f.confidence = Confidence::Likely;
    f.detail.push(agreed.sentence(c));
    agreed.tell(&mut f);
    tell_refresh(c, &agreed, &mut f);
    f.detail.push("An element that keeps to the timer, a proxy or an SBC, would have ended it.".to_owned());
    f.positions.extend(bye.map(|(p, _)| p));
    Some(f)
}
