//! `sdp-malformed`: a session description that breaks its grammar where a reader needs it.
//!
//! Lines out of their order, empty lines and letters that mean nothing are read past by every implementation met: they are told, not blamed.

use crate::analysis::rules::{Entry, Product, Rule};
use crate::analysis::{Case, Confidence, Evidence, Finding, Severity};
use crate::media::facts::Flaw;
use crate::media::sdp::DefectKind;

/// The code of the finding.
pub const CODE: &str = "sdp-malformed";

/// The rule.
pub const RULE: Rule = Rule { judge, entries: &ENTRIES };

static ENTRIES: [Entry; 1] = [Entry {
    code: CODE,
    severity: Severity::Error,
    meaning: "The session description in a body (what media, where to, in which codecs) breaks its grammar. A strict receiver refuses the \
              message with 400 or 488; a lenient one guesses, and may send the media to the wrong place or not at all.",
    noticed: "Calls through one device or provider fail at once with 400 or 488, or connect without sound, while others work.",
    causes: &[
        "A script or gateway writes the description by hand and leaves out c=, o=, s= or t=.",
        "An application level gateway or a header manipulation rule rewrote the body and damaged a line.",
        "The body was cut: Content-Length is smaller than the body, or a line end got lost.",
    ],
    confirm: "Look at the line under the carets with `sipctl lint FILE`, and capture on both sides of whatever may rewrite bodies to see who \
              wrote it so.",
    fix: "Mend the line on the element that wrote it. The order is v= o= s= c= t= and then, for each medium, m= with its attributes.",
    settings: &[
        (Product::Kamailio, "leave bodies to rtpengine_manage(); do not edit them with subst_body() or replace_body()"),
        (Product::OpenSips, "leave bodies to rtpengine_manage(); do not edit them with subst_body() or replace_body()"),
    ],
    rule: "RFC 8866 §5, §9",
}];

/// Findings of one call.
const MOST: usize = 4;

fn judge(case: &Case<'_>, findings: &mut Vec<Finding>) {
    let c = case.conversation;
    if c.sdps.iter().all(|sdp| sdp.flaws.is_empty()) {
        return;
    }
    for (number, sdp) in c.sdps.iter().enumerate().filter(|(_, sdp)| !sdp.flaws.is_empty()).take(MOST) {
        let carrier = c.facts.iter().zip(0u32..).find(|(f, _)| f.sdp.map(usize::from) == Some(number));
        let Some((f, position)) = carrier.filter(|(f, _)| !f.cut) else { continue };
        let worst = sdp.flaws.iter().map(|flaw| severity(flaw.kind)).max().unwrap_or(Severity::Info);
        let Some(first) = sdp.flaws.iter().find(|flaw| severity(flaw.kind) == worst) else { continue };
        let title = format!("the session description of {} is malformed: {}", f.flow.src, words(first.kind));
        let mut finding = ENTRIES[0].finding(title);
        finding.severity = worst;
        finding.confidence = Confidence::Certain;
        finding.rule = first.kind.rule();
        if worst == Severity::Info {
            finding.detail.push("Receivers read past it; it is worth mending all the same.".to_owned());
        }
        finding.positions.push(position);
        finding.evidence = sdp.flaws.iter().map(|flaw| evidence(flaw, position)).collect();
        findings.push(finding);
    }
}

fn evidence(flaw: &Flaw, position: u32) -> Evidence {
    Evidence {
        position,
        span: flaw.span,
        line: flaw.line.to_vec(),
        line_number: flaw.line_number,
        column: flaw.column,
        label: words(flaw.kind).to_owned(),
    }
}

/// Without a version, an origin, a place or a medium that can be read, no answer can be made; the rest is a matter of taste.
#[must_use]
pub fn severity(kind: DefectKind) -> Severity {
    match kind {
        DefectKind::VersionUnknown
        | DefectKind::VersionMissing
        | DefectKind::OriginMissing
        | DefectKind::OriginMalformed
        | DefectKind::ConnectionMissing
        | DefectKind::ConnectionMalformed
        | DefectKind::MediaMalformed
        | DefectKind::LineMalformed => Severity::Error,
        DefectKind::NameMissing
        | DefectKind::TimeMissing
        | DefectKind::LineUnknown
        | DefectKind::OutOfOrder
        | DefectKind::EmptyLine => Severity::Info,
    }
}

/// What is wrong, in a few words.
#[must_use]
pub fn words(kind: DefectKind) -> &'static str {
    match kind {
        DefectKind::VersionMissing => "it does not begin with v=",
        DefectKind::VersionUnknown => "its version is not 0",
        DefectKind::OriginMissing => "it has no o= line",
        DefectKind::OriginMalformed => "its o= line has not six fields",
        DefectKind::NameMissing => "it has no s= line",
        DefectKind::TimeMissing => "it has no t= line",
        DefectKind::ConnectionMissing => "a medium has no c= line, and neither has the session",
        DefectKind::ConnectionMalformed => "a c= line has no network type, address type and address",
        DefectKind::MediaMalformed => "an m= line lacks media, port, protocol or format",
        DefectKind::LineMalformed => "a line does not begin with a letter and =",
        DefectKind::LineUnknown => "a letter means nothing at this place",
        DefectKind::OutOfOrder => "a line stands after others that it belongs before",
        DefectKind::EmptyLine => "an empty line stands in its middle",
    }
}
