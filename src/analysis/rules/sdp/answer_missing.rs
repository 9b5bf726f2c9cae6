//! `sdp-answer-missing`: an INVITE with an offer that was accepted without an answer.

use crate::analysis::rules::{Entry, Product, Rule};
use crate::analysis::{Case, Finding, Part, Severity};
use crate::sip::Method;
use crate::trace::{Conversation, Facts};

/// The rule.
pub const RULE: Rule = Rule { judge, entries: &ENTRIES };

static ENTRIES: [Entry; 1] = [Entry {
    code: "sdp-answer-missing",
    severity: Severity::Error,
    meaning: "An INVITE that offers media has to be answered: the 2xx carries the answer, unless a reliable provisional response had it before. \
              Here the call was accepted, and nothing was said of where media go or which codec is used.",
    noticed: "The call is answered and stays silent, or the caller ends it within moments and logs a missing body.",
    causes: &[
        "The answerer sent its description in a 183 that was not reliable and takes that for the answer.",
        "A B2BUA or SBC accepted one leg before it knew the answer of the other.",
        "A firewall or a script removed the body, and set Content-Length to fit.",
    ],
    confirm: "Look at the body of the 2xx where it leaves the answerer: what is missing there was never sent; what is missing only here was taken out.",
    fix: "Let the answerer put its answer into the 2xx, also where an early response had the same description.",
    settings: &[
        (
            Product::Asterisk,
            "pjsip.conf endpoint: 100rel = yes lets a 183 carry the answer reliably; a dialplan that answers needs an endpoint with allow = codecs",
        ),
        (Product::Kamailio, "textops: remove_body() or set_body() in an onreply_route that also sees 2xx to INVITE"),
    ],
    rule: "RFC 3261 §13.2.1",
}];

fn judge(case: &Case<'_>, findings: &mut Vec<Finding>) {
    let c = case.conversation;
    if c.sdps.is_empty() {
        return;
    }
    let Some((offer, answer)) = c.firsts().find_map(|(at, f)| Some((unanswered(c, at, f)?, at))) else { return };
    let lies = |f: &Finding| matches!(f.code, "content-length-mismatch" | "message-truncated");
    if findings.iter().any(|f| lies(f) && f.positions.contains(&answer)) {
        return;
    }
    let (Some(offered), Some(answered)) = (c.at(offer), c.at(answer)) else { return };
    let (offerer, answerer) = (offered.flow.src, answered.flow.src);
    let mut f = ENTRIES[0].finding(format!("{answerer} accepted the offer of {offerer} without an answer to it"));
    f.detail.push(format!(
        "The INVITE offers media, the {} has no body, and no response before it had an answer.",
        answered.status
    ));
    f.ruled_out.push("The response is whole in the capture: nothing was cut.".to_owned());
    f.quote(offer, Part::BodyLine(b"m=".to_vec()), "the offer");
    f.quote(answer, Part::Name, "no description");
    f.positions = vec![offer, answer];
    findings.push(f);
}

/// The offer that a 2xx at `at` leaves without an answer.
fn unanswered(c: &Conversation, at: u32, f: &Facts) -> Option<u32> {
    if f.is_request() || f.method != Method::Invite || !f.is_success() || f.body_len > 0 || f.cut || f.malformed {
        return None;
    }
    let offer = c.transaction(f)?.request?;
    let request = c.at(offer).filter(|r| r.sdp.is_some() && !r.cut)?;
    // An early description is taken for the answer by most callers, reliable or not. After an exchange in PRACK or UPDATE the last word was said.
    let was_said = |p: u32, r: &Facts| {
        p > offer
            && p < at
            && r.sdp.is_some()
            && r.flow.src == f.flow.src
            && (r.to_tag == f.to_tag || c.text(r.to_tag) == c.text(f.to_tag))
    };
    let is_said = c.firsts().any(|(p, r)| was_said(p, r));
    (!is_said && request.flow.src == f.flow.dst).then_some(offer)
}
