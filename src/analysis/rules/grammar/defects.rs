//! Findings that are defects of a message: each kind of defect is one code, shown where it stands in the message.

use crate::analysis::rules::{Entry, Rule};
use crate::analysis::{Case, Evidence, Finding, Severity, words};
use crate::sip::DefectKind;

/// The rule.
pub const RULE: Rule = Rule { judge, entries: &ENTRIES };

macro_rules! entries {
    ($($kind:ident $severity:ident $code:literal $rule:literal $meaning:literal $fix:literal;)*) => {
        static ENTRIES: [Entry; [$(DefectKind::$kind),*].len()] = [$(Entry {
            code: $code, severity: Severity::$severity, meaning: $meaning, rule: $rule, fix: $fix, ..Entry::BLANK
        }),*];
        static KINDS: [DefectKind; [$(DefectKind::$kind),*].len()] = [$(DefectKind::$kind),*];
    };
}

entries! {
    HeaderMissing Error "header-missing" "RFC 3261 §8.1.1"
        "A header field that every message must have is not there: To, From, Call-ID, CSeq, Via (or, as a warning, Max-Forwards)."
        "Look at the program that made the message; a receiver has to refuse it with 400.";
    HeaderDuplicate Error "header-duplicate" "RFC 3261 §7.3.1"
        "A header field that may be there only once is there more than once: receivers differ in which one they believe."
        "Look at the program that made the message, or at a proxy that adds header fields.";
    HeaderMalformed Error "header-malformed" "RFC 3261 §25.1"
        "A header field value breaks its grammar: receivers may ignore the field, or refuse the message."
        "Look at the program that made the value; quote what is not a token.";
    ContentLengthMismatch Error "content-length-mismatch" "RFC 3261 §18.3, §20.14"
        "The body has more or fewer bytes than Content-Length says: over a stream, the next message is cut at the wrong place."
        "Look for what changed the body without the length: an ALG that rewrites SDP, a script, line ends that were converted.";
    CseqMethodMismatch Error "cseq-method-mismatch" "RFC 3261 §8.1.1.5"
        "The method in CSeq is not the method of the request: the transaction cannot be matched."
        "Look at the program that made the request.";
    StartLineMalformed Error "start-line-malformed" "RFC 3261 §7.1, §7.2"
        "The first line is neither a proper request line nor a proper status line."
        "Look at the program that made the message.";
    UriMalformed Error "uri-malformed" "RFC 3261 §19.1.1"
        "A URI breaks its grammar: it cannot be routed to."
        "Escape what a URI may not hold, and put a URI with parameters between angle brackets.";
    BranchWithoutCookie Info "branch-without-cookie" "RFC 3261 §8.1.1.7"
        "The branch does not start with z9hG4bK: the sender follows RFC 2543, the specification before RFC 3261."
        "Nothing is broken, but an element that old deserves an update.";
    BareLineFeed Warning "bare-line-feed" "RFC 3261 §7"
        "Lines end with LF alone instead of CRLF: some receivers do not see any message in it."
        "Look at the script or template that made the message: it needs \\r\\n.";
    VersionUnknown Error "version-unknown" "RFC 3261 §7.1, §21.5.6"
        "The version is not SIP/2.0: a receiver answers 505, or nothing."
        "Look at the program that made the message.";
    MessageTruncated Warning "message-truncated" "RFC 3261 §18.3"
        "The message is cut before its end: by the snap length of the capture, or by the sender."
        "Capture again with a larger snap length (tcpdump -s 0).";
}

/// Findings of one kind in one conversation; the rest are told as a number.
const MOST: usize = 8;

fn judge(case: &Case<'_>, findings: &mut Vec<Finding>) {
    let c = case.conversation;
    for (position, facts) in c.firsts().filter(|(_, f)| f.malformed) {
        for kept in facts.defects() {
            let Some(at) = KINDS.iter().position(|&k| k == kept.defect.kind) else { continue };
            let entry = &ENTRIES[at];
            let same = findings.iter_mut().filter(|f| f.code == entry.code);
            let mut known = 0;
            let mut told = None;
            for f in same {
                known += 1;
                if f.title == kept.defect.what {
                    told = Some(f);
                }
            }
            match told {
                // The same fault of the same program in message after message is one finding.
                Some(f) if f.positions.len() < 64 => f.positions.push(position),
                Some(_) => {}
                None if known < MOST => findings.push(finding(case, position, entry, kept)),
                None => {}
            }
        }
    }
}

fn finding(case: &Case<'_>, position: u32, entry: &'static Entry, kept: &crate::trace::facts::KeptDefect) -> Finding {
    let mut f = entry.finding(kept.defect.what.to_owned());
    if entry.code == "header-missing" && kept.defect.what.contains("Max-Forwards") {
        f.severity = Severity::Warning;
    }
    f.rule = kept.defect.rule;
    if let Some(facts) = case.conversation.at(position) {
        f.detail.push(format!("In the {} from {}.", words::message(case.conversation, facts), facts.flow.src));
    }
    f.positions = vec![position];
    f.evidence = vec![Evidence {
        position,
        span: kept.defect.span,
        line: kept.line.to_vec(),
        line_number: kept.line_number,
        column: kept.column,
        label: kept.defect.what.to_owned(),
    }];
    f
}
