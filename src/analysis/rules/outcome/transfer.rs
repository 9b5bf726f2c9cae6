//! `transfer`: a REFER within a call, and what became of it. RFC 3515, RFC 5589

use crate::analysis::rules::{Entry, Product, Rule};
use crate::analysis::{Case, Finding, Part, Severity, words};
use crate::base::Safe;
use crate::sip::uri::unescaped;
use crate::sip::{Address, HeaderName, Method};
use crate::trace::{Conversation, Facts, Kind, dialog};

/// The rule.
pub const RULE: Rule = Rule { judge, entries: &ENTRIES };

static ENTRIES: [Entry; 1] = [Entry {
    code: "transfer",
    severity: Severity::Info,
    meaning: "One side asked the other, with REFER, to call somebody else: a transfer, blind, or attended where Refer-To carries Replaces. NOTIFYs report, \
              as a piece of a SIP message, how the new call goes.",
    noticed: "The call moves to somebody else; if it fails, the user is back with the first one, or with nobody.",
    causes: &[
        "A user pressed transfer.",
        "A PBX or IVR hands the call on.",
        "If it failed: the one who was asked does not take REFER (405, 501, 603), or the new call was refused (see the status in the NOTIFY).",
    ],
    confirm: "Follow the new INVITE (its own Call-ID, often with Referred-By or Replaces) from the one who was asked to the target.",
    fix: "Nothing is broken if it succeeded. Else allow REFER on the side that refused, or see why the target refused the new call.",
    settings: &[
        (
            Product::Asterisk,
            "pjsip.conf, endpoint: allow_transfer=yes, refer_blind_progress=yes; dial plan: TRANSFER_CONTEXT",
        ),
        (Product::FreeSwitch, "sofia profile: disable-transfer=false; variable force_transfer_context"),
        (Product::Kamailio, "let REFER pass as a request within the dialog: loose_route() before t_relay()"),
        (Product::OpenSips, "let REFER pass as a request within the dialog: loose_route() before t_relay()"),
    ],
    rule: "RFC 3515 §2.4, RFC 5589 §6, §7",
}];

/// Transfers of one call that are told.
const MOST: usize = 8;

fn judge(case: &Case<'_>, findings: &mut Vec<Finding>) {
    let c = case.conversation;
    if c.kind != Kind::Call || !case.seen().asks(Method::Refer) {
        return;
    }
    let mut told: Vec<&Facts> = Vec::new();
    for (position, refer) in c.requests(Method::Refer) {
        let known = |o: &&Facts| o.cseq == refer.cseq && dialog::is_same_side(c, o, refer);
        let challenged = c.transaction(refer).is_some_and(|t| matches!(t.final_status, 401 | 407));
        if challenged || told.len() >= MOST || told.iter().any(known) {
            continue;
        }
        told.push(refer);
        findings.push(finding(c, position, refer));
    }
}

fn finding(c: &Conversation, position: u32, refer: &Facts) -> Finding {
    // A proxy passes it on; who got it last was asked.
    let last_hop = c.requests(Method::Refer).rfind(|(_, f)| f.cseq == refer.cseq && dialog::is_same_side(c, f, refer));
    let (asker, asked) = (refer.flow.src, last_hop.map_or(refer.flow.dst, |(_, f)| f.flow.dst));
    let refer_to = c.header(refer, HeaderName::ReferTo).unwrap_or_default();
    let uri = Address::parse(refer_to).uri();
    let attended = uri.headers().any(|h| h.is("Replaces"));
    let to = match (uri.user, uri.host) {
        (_, []) => "nobody".to_owned(),
        (Some(user), host) => format!("{}@{}", Safe(user), Safe(host)),
        (None, host) => Safe(host).to_string(),
    };
    let kind = if attended { "attended" } else { "blind" };
    let refused = final_of(c, refer).filter(|(_, f)| f.status >= 300);
    let reports = reports(c, position, refer);
    let last = reports.last().map(|&(at, _)| at);
    let status = last.and_then(|at| c.at(at)).and_then(|f| fragment_status(c.text(f.fragment())));
    let result = match (refused, status) {
        (Some((_, f)), _) => format!("refused with {}", words::message(c, f)),
        (None, Some(200..=299)) => "it succeeded".to_owned(),
        (None, Some(status @ 300..)) => format!("it failed with {status}"),
        (None, Some(status)) => format!("its result was not reported, the last word was {status}"),
        (None, None) => "its result was not reported".to_owned(),
    };
    let mut f = ENTRIES[0].finding(format!("{asker} transferred {asked} to {to} ({kind}): {result}"));
    if refused.is_some() || status.is_some_and(|s| s >= 300) {
        f.severity = Severity::Warning;
    }
    if !reports.is_empty() {
        let words: Vec<String> = reports.iter().map(|(_, text)| text.clone()).collect();
        f.detail.push(format!("The NOTIFYs reported {}.", words::list(&words)));
    }
    if attended {
        let named = uri.headers().find(|h| h.is("Replaces")).and_then(|h| h.value).map(unescaped).unwrap_or_default();
        let call_id = named.split(|&b| b == b';').next().unwrap_or_default();
        f.detail.push(format!(
            "Refer-To carries Replaces: the new call takes the place of the one with the Call-ID {}.",
            Safe(call_id)
        ));
    }
    f.quote(position, Part::first(HeaderName::ReferTo), "whom to call");
    if let Some((at, _)) = refused {
        f.quote(at, Part::Name, "");
    }
    if let Some(at) = last {
        f.quote(at, Part::BodyLine(b"SIP/2.0".to_vec()), "the last word on the new call");
    }
    f.positions = std::iter::once(position).chain(refused.map(|(p, _)| p)).chain(last).collect();
    f.positions.sort_unstable();
    f
}

fn final_of<'a>(c: &'a Conversation, refer: &Facts) -> Option<(u32, &'a Facts)> {
    let position = c.transaction(refer)?.final_response?;
    Some((position, c.at(position)?))
}

/// What the NOTIFYs of a transfer said: each line once, with the position of its first NOTIFY.
fn reports(c: &Conversation, position: u32, refer: &Facts) -> Vec<(u32, String)> {
    let next =
        c.requests(Method::Refer).find(|(p, f)| *p > position && f.cseq != refer.cseq).map_or(u32::MAX, |(p, _)| p);
    let mut all: Vec<(u32, String)> = Vec::new();
    for (at, f) in c.requests(Method::Notify).filter(|(p, f)| (position..next).contains(p) && !f.fragment().is_empty())
    {
        let fragment = c.text(f.fragment());
        let text = Safe(fragment.strip_prefix(b"SIP/2.0 ").unwrap_or(fragment)).to_string();
        if all.len() < 16 && all.iter().all(|(_, known)| *known != text) {
            all.push((at, text));
        }
    }
    all
}

/// `SIP/2.0 200 OK` → 200
fn fragment_status(line: &[u8]) -> Option<u16> {
    let rest = line.strip_prefix(b"SIP/2.0 ")?;
    let digits = rest.get(..3)?;
    std::str::from_utf8(digits).ok()?.parse().ok().filter(|s| (100..700).contains(s))
}

#[cfg(test)]
mod tests {
    use super::fragment_status;

    #[test]
    fn the_status_of_a_fragment_is_read() {
        assert_eq!(fragment_status(b"SIP/2.0 200 OK"), Some(200));
        assert_eq!(fragment_status(b"SIP/2.0 486"), Some(486));
        assert_eq!(fragment_status(b"SIP/2.0 2"), None);
        assert_eq!(fragment_status(b"INVITE sip:a SIP/2.0"), None);
    }
}
