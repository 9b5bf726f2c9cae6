//! `cseq-method-mismatch` of a response: its Via is that of a request, and its CSeq names another method. Whoever asked has to drop it.
//!
//! A CANCEL has the branch of the INVITE that it cancels, and an ACK that of the INVITE that was refused: their answers are told by the method, and are
//! none of this.

use super::entries::{ENTRIES, KINDS};
use crate::analysis::rules::Rule;
use crate::analysis::{Case, Finding, words};
use crate::sip::{DefectKind, MAGIC_COOKIE, Method};
use crate::trace::{Conversation, Transaction};

/// The rule; what it says is listed with the other defects.
pub const RULE: Rule = Rule { judge, entries: &[] };

/// Transactions that are looked at.
const LOOKED_AT: usize = 64;

fn judge(case: &Case<'_>, findings: &mut Vec<Finding>) {
    let c = case.conversation;
    let found = c.transactions.iter().take(LOOKED_AT).find_map(|t| Some((t, asked(c, t)?)));
    findings.extend(found.and_then(|(answered, asked)| finding(c, answered, asked)));
}

/// The transaction whose request an answer brings back under another method.
fn asked<'a>(c: &'a Conversation, t: &Transaction) -> Option<&'a Transaction> {
    let branch = c.text(t.branch);
    let is_told = t.first_response.and_then(|p| c.at(p)).is_some_and(|r| r.has_cseq && !r.head_cut);
    if !is_told
        || t.request.is_some()
        || branch.len() <= MAGIC_COOKIE.len()
        || !branch.starts_with(MAGIC_COOKIE)
        || is_twin(t.method)
    {
        return None;
    }
    let is_asked = |o: &&Transaction| {
        o.request.is_some()
            && o.method != t.method
            && !is_twin(o.method)
            && o.flow.dst == t.flow.dst
            && c.text(o.branch) == branch
    };
    c.transactions.iter().take(LOOKED_AT).find(is_asked)
}

/// Whether requests of the method share the branch of another. RFC 3261 §9.1, §17.1.1.3
fn is_twin(method: Method) -> bool {
    matches!(method, Method::Cancel | Method::Ack)
}

fn finding(c: &Conversation, answered: &Transaction, asked: &Transaction) -> Option<Finding> {
    let (request, response) = (asked.request?, answered.first_response?);
    let (question, answer) = (c.at(request)?, c.at(response)?);
    let entry = KINDS.iter().position(|&kind| kind == DefectKind::CseqMethodMismatch).and_then(|at| ENTRIES.get(at))?;
    let (name, named) = (words::method(c, question), words::method(c, answer));
    let mut f = entry.finding(format!("{} answered the {name} with the CSeq of {named}", answer.flow.src));
    f.detail.push(format!(
        "The {} has the Via of the {name}, and its CSeq says {} {named}: no answer to anything that was asked, so {} has to drop it.",
        words::message(c, answer),
        answer.cseq,
        question.flow.src
    ));
    f.rule = "RFC 3261 §17.1.3, §8.2.6.2";
    f.positions = vec![request, response];
    Some(f)
}
