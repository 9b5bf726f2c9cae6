//! `to-tag-missing`: a response other than 100 whose To has no tag.

use crate::analysis::rules::{Entry, Rule, is_explained};
use crate::analysis::{Case, Finding, Part, Severity, words};
use crate::sip::Method;
use crate::trace::{Conversation, Facts};

/// The rule.
pub const RULE: Rule = Rule { judge, entries: &ENTRIES };

static ENTRIES: [Entry; 1] = [Entry {
    code: "to-tag-missing",
    severity: Severity::Error,
    meaning: "A response has no tag in its To. The tags are the name of the dialog: without this half the two sides, and every proxy, cannot tell to which \
              dialog later requests belong, and forked answers cannot be told apart.",
    noticed: "Calls are set up and cannot be ended: the BYE gets 481, or the caller ignores the answer and it rings on.",
    causes: &[
        "The program that answers was written for RFC 2543, or by hand, and copies To as it came.",
        "A proxy or an ALG on the way removed the parameter.",
        "A test script answers with the To of the request and forgot the tag.",
    ],
    confirm: "Capture next to the one who answers: if the tag is missing there, it is that program; if it is there, something on the way takes it.",
    fix: "Update or mend the program that answers: every response but 100 has to add a tag to To where the request had none.",
    settings: &[],
    rule: "RFC 3261 §8.2.6.2",
}];

fn judge(case: &Case<'_>, findings: &mut Vec<Finding>) {
    let c = case.conversation;
    if !case.seen().untagged {
        return;
    }
    let lacks = |f: &Facts| !f.is_request() && f.status > 100 && f.to_tag.is_empty() && !f.head_cut;
    let mut untagged = c.firsts().filter(|(_, f)| lacks(f));
    let Some((first, response)) = untagged.next() else { return };
    // A To that is not there or cannot be read has no tag either.
    let defects = ["header-missing", "header-malformed", "header-duplicate", "message-truncated"];
    if is_explained(findings, &defects, first) || !super::knows_rfc3261(c, response) {
        return;
    }
    let who = response.flow.src;
    let said = words::message(c, response);
    let mut f = match tagged_before(c, response) {
        Some((at, before)) => {
            let mut f = ENTRIES[0].finding(format!("{who} took the To tag out of the {said}"));
            f.detail.push(format!("The {said} came to it from {} with a tag, and left without.", before.flow.src));
            f.quote(at, Part::ToTag, "it came with this tag");
            f
        }
        None => ENTRIES[0].finding(format!("{who} answered {said} without a To tag")),
    };
    f.quote(first, Part::ToTag, "no tag");
    f.severity = c.firsts().filter(|(_, f)| lacks(f)).map(|(_, f)| weight(f)).max().unwrap_or(Severity::Info);
    if response.method == Method::Invite && response.status < 300 {
        f.detail.push("No dialog can be told from this answer: ACK and BYE have only half a name for it.".to_owned());
    }
    f.positions = std::iter::once(first).chain(untagged.map(|(p, _)| p)).take(64).collect();
    let others = f.positions.len() - 1;
    if others > 0 {
        f.detail.push(format!("{others} more responses lack it."));
    }
    findings.push(f);
}

/// What it costs: a dialog that is set up has half a name; after a refusal nothing follows that would need the tag.
fn weight(response: &Facts) -> Severity {
    let forms_dialog = matches!(response.method, Method::Invite | Method::Subscribe | Method::Refer);
    match response.status {
        200..=299 if forms_dialog => Severity::Error,
        101..=199 if forms_dialog => Severity::Warning,
        _ => Severity::Info,
    }
}

/// The same response on the hop before, where it still had its tag.
fn tagged_before<'a>(c: &'a Conversation, response: &Facts) -> Option<(u32, &'a Facts)> {
    let same = |f: &&Facts| {
        f.status == response.status
            && f.method == response.method
            && f.cseq == response.cseq
            && f.flow.dst == response.flow.src
            && f.time <= response.time
            && !f.to_tag.is_empty()
    };
    (0u32..).zip(&c.facts).find(|(_, f)| same(f))
}
