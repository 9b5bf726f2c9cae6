//! `request-refused`: a request that is neither a call nor a registration, a MESSAGE or a SUBSCRIBE, was refused.
//!
//! A message that is refused is lost, and that is a warning. A subscription that is refused is mostly one that a phone tries by itself, with a server
//! that has no such thing: worth knowing. A probe (OPTIONS) has its answer, whatever that says.

use super::cause;
use crate::analysis::rules::{Entry, Product, Rule};
use crate::analysis::{Case, Finding, Part, Severity, words};
use crate::base::Safe;
use crate::reference;
use crate::sip::{HeaderName, Method};
use crate::trace::{Conversation, Facts, Kind, Transaction, dialog};

/// The rule.
pub const RULE: Rule = Rule { judge, entries: &ENTRIES };

static ENTRIES: [Entry; 1] = [Entry {
    code: "request-refused",
    severity: Severity::Warning,
    meaning: "A MESSAGE, a SUBSCRIBE, a PUBLISH or another request outside a call was refused. What it asked for does not come about: a message is not \
              delivered, a lamp does not show who is busy, a mailbox does not tell of its messages.",
    noticed: "A text message is reported as failed; busy lamps and message lamps of a phone stay dark. Calls are not touched.",
    causes: &[
        "489: the server does not know the event package that was subscribed to (presence, dialog, message-summary).",
        "404, 480: the user is not known, or not registered at the moment.",
        "405, 501: the server does not take this method at all.",
        "403: the sender may not do that.",
    ],
    confirm: "Look at the status, and at Warning and Allow-Events of the response: sipctl decode FILE --all --messages headers.",
    fix: "Allow the event package or the method on the server that is named, or switch the feature off in the phone that asks for it.",
    settings: &[
        (
            Product::Asterisk,
            "pjsip.conf, endpoint: allow_subscribe=yes, subscribe_context=, message_context=; type=aor mailboxes= for message-summary",
        ),
        (Product::FreeSwitch, "sofia profile: manage-presence=true, enable-chat=true"),
        (
            Product::Kamailio,
            "presence: handle_subscribe(), handle_publish(); presence_xml, presence_dialoginfo, presence_mwi; msilo for messages",
        ),
        (
            Product::OpenSips,
            "presence: handle_subscribe(), handle_publish(); presence_xml, presence_dialoginfo, presence_mwi; msilo for messages",
        ),
    ],
    rule: "RFC 6665 §4.2.1, RFC 3428 §7, RFC 3261 §21.4",
}];

/// Findings of one conversation.
const MOST: usize = 2;

fn judge(case: &Case<'_>, findings: &mut Vec<Finding>) {
    let c = case.conversation;
    // What is known to be wrong with it is the cause.
    if c.kind != Kind::Exchange || findings.iter().any(|f| f.severity == Severity::Error) {
        return;
    }
    let mut told: Vec<Method> = Vec::new();
    for t in c.transactions.iter().filter(|t| is_refused(t)) {
        let Some(request) = t.request.and_then(|p| c.at(p)) else { continue };
        if told.len() >= MOST || told.contains(&request.method) || was_accepted(c, request) {
            continue;
        }
        told.push(request.method);
        findings.extend(finding(c, t, request));
    }
}

fn is_refused(t: &Transaction) -> bool {
    let is_asked = !matches!(t.method, Method::Options | Method::Cancel | Method::Ack | Method::Bye | Method::Invite);
    // Challenges, intervals that are too short, and dialogs that are not known have findings of their own, or are no refusal.
    is_asked && t.final_status >= 400 && !matches!(t.final_status, 401 | 407 | 412 | 423 | 481 | 491)
}

/// Whether the same side got what it asked for, before or after.
fn was_accepted(c: &Conversation, request: &Facts) -> bool {
    let accepted = |t: &Transaction| t.method == request.method && (200..300).contains(&t.final_status);
    c.transactions
        .iter()
        .filter(|t| accepted(t))
        .filter_map(|t| c.at(t.request?))
        .any(|f| dialog::is_same_side(c, f, request))
}

fn finding(c: &Conversation, t: &Transaction, request: &Facts) -> Option<Finding> {
    // Seen first where it was decided: a response passes back over every hop.
    let same = |f: &Facts| f.status == t.final_status && f.method == request.method && f.cseq == request.cseq;
    let (position, response) = c.firsts().find(|(_, f)| same(f))?;
    let (who, said, method) = (response.flow.src, words::message(c, response), words::method(c, request));
    let event = c.header(request, HeaderName::Event).map(|v| v.split(|&b| b == b';').next().unwrap_or(v));
    let of = event.map_or(String::new(), |event| format!(" for {}", Safe(event.trim_ascii())));
    let mut f = ENTRIES[0].finding(format!("{who} refused the {method}{of} from {}: {said}", request.flow.src));
    if request.method != Method::Message {
        f.severity = Severity::Info;
    }
    if let Some((meaning, behind)) = reference::status::told(response.status) {
        f.detail.push(format!("A {} says: {meaning} Usually behind it: {behind}", response.status));
    }
    f.detail
        .extend(c.headers(response, HeaderName::Warning).take(2).map(|v| format!("Warning: {}.", cause::warning(v))));
    if let Some(asked) = t.request {
        f.quote(asked, Part::first(HeaderName::Event), "what was asked for");
        f.positions.push(asked);
    }
    f.quote(position, Part::Name, "");
    f.quote(position, Part::first(HeaderName::Warning), "");
    f.positions.push(position);
    Some(f)
}
