//! `contact-missing`: a message that forms a dialog and does not say where its sender is reached.

use crate::analysis::rules::{Entry, Product, Rule, is_explained};
use crate::analysis::{Case, Finding, Part, Severity, words};
use crate::sip::{HeaderName, Method};
use crate::trace::{Conversation, Facts, Kind};

/// The rule.
pub const RULE: Rule = Rule { judge, entries: &ENTRIES };

static ENTRIES: [Entry; 1] = [Entry {
    code: "contact-missing",
    severity: Severity::Error,
    meaning: "A message that sets up a dialog has no Contact. The Contact is the address to which the other side sends everything that follows: ACK, BYE, \
              re-INVITE. Without it they have nowhere to go.",
    noticed: "The call is answered and breaks off after 32 seconds, because the ACK cannot be sent; or one side can never hang up.",
    causes: &[
        "The program that sends the message leaves it out: a test script, a gateway, a home-made server.",
        "A header filter on an SBC or a script on a proxy removes it.",
        "The message was built from a response template that had none (such as that of a 404).",
    ],
    confirm: "Capture next to the sender that is named: if the Contact is missing there, it is that program; if it is there, something on the way takes it.",
    fix: "Let the sender add Contact with an address at which it can be reached; let no element on the way remove it.",
    settings: &[
        (Product::Kamailio, "remove_hf(\"Contact\") or remove_hf_re() in the script must not touch INVITE and its 200"),
        (
            Product::OpenSips,
            "remove_hf(\"Contact\") in the script must not touch INVITE and its 200; topology_hiding() writes its own",
        ),
    ],
    rule: "RFC 3261 §8.1.1.8, §12.1.1, §13.2.1",
}];

fn judge(case: &Case<'_>, findings: &mut Vec<Finding>) {
    let c = case.conversation;
    if c.kind == Kind::Registration {
        return;
    }
    let mut without = c.firsts().filter(|(_, f)| needs_contact(c, f) && c.header(f, HeaderName::Contact).is_none());
    let Some((first, message)) = without.next() else { return };
    let broken = ["header-missing", "header-malformed", "message-truncated"];
    if is_explained(findings, &broken, first) || !super::knows_rfc3261(c, message) {
        return;
    }
    let said = match message.is_request() {
        true => words::message(c, message),
        false => format!("{} to the {}", words::message(c, message), words::method(c, message)),
    };
    let who = message.flow.src;
    let mut f = ENTRIES[0].finding(format!("the {said} from {who} has no Contact"));
    f.detail.push(match message.is_request() {
        true => format!("{} does not know where to send requests of its own, such as a BYE.", message.flow.dst),
        false => format!("{} does not know where to send the ACK, or a BYE.", message.flow.dst),
    });
    f.quote(first, Part::Name, "has no Contact");
    if let Some((at, before)) = passed_with(c, message) {
        f.detail.push(format!("It came to {who} from {} with one: {who} removed it.", before.flow.src));
        f.quote(at, Part::first(HeaderName::Contact), "it had this one before");
    }
    f.positions = std::iter::once(first).chain(without.map(|(p, _)| p)).take(64).collect();
    findings.push(f);
}

/// INVITE, SUBSCRIBE and REFER, their 2xx (a REFER's may lack it), and a reliable provisional response.
fn needs_contact(c: &Conversation, f: &Facts) -> bool {
    if f.head_cut {
        return false;
    }
    match (f.method, f.status) {
        (Method::Invite | Method::Subscribe | Method::Refer, 0) => true,
        (Method::Invite | Method::Subscribe, 200..=299) => true,
        (Method::Invite, 101..=199) => !f.to_tag.is_empty() && c.header(f, HeaderName::RSeq).is_some(),
        _ => false,
    }
}

/// The same message on the hop before, where it still had its Contact.
fn passed_with<'a>(c: &'a Conversation, message: &Facts) -> Option<(u32, &'a Facts)> {
    let same = |f: &&Facts| {
        f.status == message.status
            && f.method == message.method
            && f.cseq == message.cseq
            && f.flow.dst == message.flow.src
            && f.time <= message.time
            && c.header(f, HeaderName::Contact).is_some()
    };
    (0u32..).zip(&c.facts).find(|(_, f)| same(f))
}
