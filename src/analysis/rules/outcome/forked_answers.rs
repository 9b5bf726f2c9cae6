//! `forked-answers`: two phones picked up, and the caller got two answers to one INVITE.
//!
//! Counted are answers with different To tags that came over one hop, or that one proxy got from several phones: a B2BUA, which gives the answer a tag of
//! its own, forks nothing.

use crate::analysis::rules::{Entry, Product, Rule};
use crate::analysis::{Case, Finding, Part, Severity, words};
use crate::base::Endpoint;
use crate::sip::Method;
use crate::trace::call::is_initial;
use crate::trace::{Conversation, Facts, Kind, dialog};

/// The rule.
pub const RULE: Rule = Rule { judge, entries: &ENTRIES };

static ENTRIES: [Entry; 1] = [Entry {
    code: "forked-answers",
    severity: Severity::Warning,
    meaning: "The call was forked to several phones and more than one of them answered, each with its own 2xx. The caller has to acknowledge every one and \
              to end all but one with BYE; what is not ended stands as a call to nobody.",
    noticed: "Two people pick up at once; one of them hears nothing, and that phone stays in the call.",
    causes: &[
        "Two users of a ring group picked up in the same moment: rare, and nobody's fault.",
        "Voicemail, a mobile's announcement or an automatic answer takes the call at once, beside the phones.",
        "The proxy does not cancel the other branches when one has answered, or the CANCEL does not reach them.",
    ],
    confirm: "See when each 2xx was sent and whether the proxy had sent a CANCEL to that branch before; then whether ACK and BYE follow for each To tag.",
    fix: "Let only one branch answer by itself (voicemail after a time-out, not in parallel); a caller that leaves an answer standing needs an update.",
    settings: &[
        (Product::Asterisk, "dial plan: Dial(PJSIP/a&PJSIP/b) answers once for all, as it is a B2BUA"),
        (Product::FreeSwitch, "ignore_early_media=true and group_confirm_key for ring groups with mobiles"),
        (
            Product::Kamailio,
            "t_on_branch() and serial forking (t_load_contacts(), t_next_contacts()) in place of parallel",
        ),
        (Product::OpenSips, "serial forking (serialize_branches(), next_branches()) in place of parallel"),
    ],
    rule: "RFC 3261 §13.2.2.4, §16.7",
}];

/// A caller gets so long to end what it does not want.
const PATIENCE_NS: i64 = 5_000_000_000;
/// Branches that are told apart.
const BRANCHES: usize = 16;

/// One answer, with what became of its dialog.
struct Branch<'a> {
    position: u32,
    answer: &'a Facts,
    acked: bool,
    bye: Option<u32>,
}

fn judge(case: &Case<'_>, findings: &mut Vec<Finding>) {
    let c = case.conversation;
    if c.kind != Kind::Call {
        return;
    }
    let initial = |f: &Facts| c.transaction(f).is_some_and(|t| is_initial(c, t)) && !f.to_tag.is_empty();
    let mut answers = dialog::answers(c).filter(|(_, f)| initial(f));
    let Some((first_at, first)) = answers.next() else { return };
    // Most calls have one answer, or the same on each hop.
    if answers.all(|(_, f)| c.text(f.to_tag) == c.text(first.to_tag)) {
        return;
    }
    let mut branches: Vec<Branch<'_>> = vec![branch(c, first_at, first)];
    for (position, answer) in dialog::answers(c).filter(|(_, f)| initial(f)) {
        let known = branches.iter().any(|b| c.text(b.answer.to_tag) == c.text(answer.to_tag));
        let forks = branches.iter().any(|b| is_forked(c, b.answer, answer));
        if !known && forks && branches.len() < BRANCHES {
            branches.push(branch(c, position, answer));
        }
    }
    if branches.len() > 1 {
        findings.push(finding(case, &branches));
    }
}

fn branch<'a>(c: &'a Conversation, position: u32, answer: &'a Facts) -> Branch<'a> {
    Branch {
        position,
        answer,
        acked: c.requests(Method::Ack).any(|(_, f)| f.cseq == answer.cseq && dialog::is_same_way(c, f, answer)),
        bye: c.requests(Method::Bye).find(|(_, f)| dialog::is_same(c, f, answer)).map(|(p, _)| p),
    }
}

/// Whether two answers are those of two branches of one INVITE.
fn is_forked(c: &Conversation, a: &Facts, b: &Facts) -> bool {
    let asked_by = |f: &Facts| c.transaction(f).map_or_else(Endpoint::default, |t| t.flow.src);
    a.cseq == b.cseq
        && dialog::is_same_side(c, a, b)
        && c.text(a.to_tag) != c.text(b.to_tag)
        && (a.transaction == b.transaction || asked_by(a) == asked_by(b))
}

fn finding(case: &Case<'_>, branches: &[Branch<'_>]) -> Finding {
    let c = case.conversation;
    let who: Vec<String> = branches.iter().map(|b| b.answer.flow.src.to_string()).collect();
    let mut distinct = who.clone();
    distinct.dedup();
    let last = branches.iter().map(|b| b.answer.time).max().unwrap_or_default();
    let up: Vec<&Branch<'_>> = branches.iter().filter(|b| b.bye.is_none()).collect();
    // One of them is the call; the others have to go.
    let left = up.len() > 1 && case.now.since(last) >= PATIENCE_NS;
    let n = branches.len();
    let mut f = ENTRIES[0].finding(match left {
        true => format!("{n} branches answered the call, and {} of them were never ended", up.len()),
        false => format!("{n} branches answered the call: {}", words::list(&distinct)),
    });
    if left {
        f.severity = Severity::Error;
    }
    for b in branches {
        let tag = crate::base::Safe(c.text(b.answer.to_tag)).to_string();
        let acked = if b.acked { "acknowledged" } else { "not acknowledged" };
        let ended = match b.bye.and_then(|p| c.at(p)) {
            Some(bye) => format!("ended by BYE after {}", words::duration(bye.time.since(b.answer.time))),
            None => "not ended".to_owned(),
        };
        f.detail.push(format!("The one from {} with To tag {tag} was {acked}, and {ended}.", b.answer.flow.src));
        f.quote(b.position, Part::ToTag, format!("the answer of {}", b.answer.flow.src));
        f.positions.push(b.position);
        f.positions.extend(b.bye);
    }
    f.ruled_out.push("A repeat of one answer: the To tags differ.".to_owned());
    f.positions.sort_unstable();
    f
}
