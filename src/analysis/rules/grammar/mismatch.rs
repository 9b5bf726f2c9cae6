//! `response-mismatch`: a response in the transaction of a request, with another From tag, CSeq number or number of Via values than that had. Those are
//! copied (RFC 3261 §8.2.6.2), so that everybody on the way can tell what is answered.

use crate::analysis::rules::{Entry, Product, Rule};
use crate::analysis::{Case, Finding, Part, Severity, words};
use crate::base::{Safe, Span};
use crate::sip::HeaderName;
use crate::trace::{Conversation, Facts};

/// The rule.
pub const RULE: Rule = Rule { judge, entries: &ENTRIES };

static ENTRIES: [Entry; 1] = [Entry {
    code: "response-mismatch",
    severity: Severity::Error,
    meaning: "A response differs from its request in what it has to copy: the From tag, the CSeq number, or the Via values. Whoever asked cannot tell that \
              it is an answer, or finds another hop's route in it.",
    noticed: "The answer is in the capture, and the caller goes on as if there was none: it repeats, gives up after 32 seconds, or never acknowledges. \
              Other phones do not care.",
    causes: &[
        "A hand-written test script or server has a fixed number, tag or Via in its responses",
        "A B2BUA answers one leg with the header fields of the other",
        "A proxy passes a response on without taking its own Via off, or takes off one too many",
        "An ALG changes From or Via in one direction only",
    ],
    confirm: "Compare From, CSeq and the Via values of the two messages: sipctl decode FILE --call N --messages headers.",
    fix: "Mend the program that sends the response: From with its tag, Call-ID, CSeq and every Via are those of the request, in that order.",
    settings: &[(
        Product::Kamailio,
        "topoh, topos: the same settings on every node that the calls of one cluster pass",
    )],
    rule: "RFC 3261 §8.2.6.2, §8.1.3.3",
}];

/// Responses that are looked at.
const LOOKED_AT: usize = 256;

/// What a response has other than its request.
#[derive(Clone, Copy)]
enum Differs {
    FromTag,
    CSeq,
    Vias,
}

fn judge(case: &Case<'_>, findings: &mut Vec<Finding>) {
    let c = case.conversation;
    let responses = c.firsts().filter(|(_, f)| !f.is_request()).take(LOOKED_AT);
    let told = responses.filter_map(|(position, answer)| {
        let request = c.transaction(answer)?.request?;
        Some(((request, c.at(request)?), (position, answer), difference(c, c.at(request)?, answer)?))
    });
    findings.extend(told.map(|(asked, answered, differs)| finding(c, asked, answered, differs)).next());
}

/// In what a response differs. What is cut or malformed says that itself.
fn difference(c: &Conversation, request: &Facts, response: &Facts) -> Option<Differs> {
    if [request, response].iter().any(|f| f.head_cut || f.malformed) {
        return None;
    }
    let tags = (c.text(request.from_tag), c.text(response.from_tag));
    // A copy that a proxy mirrors may be taken before it takes its Via off.
    let is_mirrored = request.mirrored || response.mirrored;
    match () {
        // A request as before RFC 3261 may have none.
        () if !tags.0.is_empty() && tags.0 != tags.1 => Some(Differs::FromTag),
        () if request.has_cseq && response.has_cseq && request.cseq != response.cseq => Some(Differs::CSeq),
        // A 100 goes no further than to who asked, which is where some servers let it end.
        () if !is_mirrored
            && request.vias != response.vias
            && (response.status > 100 || response.vias > request.vias) =>
        {
            Some(Differs::Vias)
        }
        () => None,
    }
}

fn finding(
    c: &Conversation,
    (at, request): (u32, &Facts),
    (position, response): (u32, &Facts),
    differs: Differs,
) -> Finding {
    let (what, part, had, has) = match differs {
        Differs::FromTag => ("From tag", Part::FromTag, tag(c, request.from_tag), tag(c, response.from_tag)),
        Differs::CSeq => ("CSeq number", Part::CSeq, request.cseq.to_string(), response.cseq.to_string()),
        Differs::Vias => {
            let part = Part::first(HeaderName::Via);
            ("number of Via values", part, request.vias.to_string(), response.vias.to_string())
        }
    };
    let (name, said) = (words::method(c, request), words::message(c, response));
    let (asker, answerer) = (request.flow.src, response.flow.src);
    let title = format!("{answerer} answered the {name} with another {what} than it had: {has} instead of {had}");
    let mut f = ENTRIES[0].finding(title);
    f.detail.push(match differs {
        Differs::FromTag | Differs::CSeq => {
            format!("The {said} has the branch of the {name}, and not its {what}: {asker} may drop it unread.")
        }
        Differs::Vias if response.vias > request.vias => format!(
            "Behind its own Via {asker} finds that of somebody else: the {said} was meant for another hop, and is to be dropped."
        ),
        Differs::Vias => format!("Behind {asker} the {said} finds no way to who asked."),
    });
    f.quote(at, part.clone(), format!("the {what} of the request"));
    f.quote(position, part, format!("the {what} of the response"));
    f.positions = vec![at, position];
    f
}

fn tag(c: &Conversation, span: Span) -> String {
    match c.text(span) {
        b"" => "none".to_owned(),
        tag => Safe(tag).to_string(),
    }
}
