//! `ack-missing`: a 2xx to an INVITE that was never acknowledged.
//!
//! Three proofs: no ACK with the CSeq number of the INVITE was seen anywhere although the input goes on; the callee keeps repeating the 2xx
//! and no ACK was sent to it, even where one was sent elsewhere on the way; or it keeps repeating although ACKs were captured on their way to it, and so
//! are lost behind the capture point. The repeats of the 2xx belong to this finding.

use crate::analysis::rules::{Entry, Rule};
use crate::analysis::{Case, Finding, Severity, words};
use crate::base::Timestamp;
use crate::sip::Method;
use crate::trace::{Conversation, Facts, Transaction};

/// The rule.
pub const RULE: Rule = Rule { judge, entries: &ENTRIES };

static ENTRIES: [Entry; 1] = [Entry {
    code: "ack-missing",
    severity: Severity::Error,
    meaning: "The callee answered, but the ACK that confirms the answer never came to it. It repeats the 200 and then ends the call, \
              typically after 32 seconds.",
    rule: "RFC 3261 §13.2.2.4, §13.3.1.4",
    fix: "Follow the ACK: it goes to the Contact of the 200 along its Record-Route set. A Contact or Record-Route with a \
          private or wrong address, or a firewall, loses it.",
    ..Entry::BLANK
}];

/// The callee waits T1 before it repeats the 2xx; several repeats without an ACK are proof.
const REPEATS: u32 = 3;
/// Without a repeat (reliable transports, other hops), silence has to last for so long.
const SILENCE_NS: i64 = 5_000_000_000;
/// A repeat that follows an ACK faster than this was on its way already.
const CROSSING_NS: i64 = 200_000_000;

fn judge(case: &Case<'_>, findings: &mut Vec<Finding>) {
    let c = case.conversation;
    let answered = c.transactions.iter().filter(|t| t.method == Method::Invite && (200..300).contains(&t.final_status));
    // The hop nearest to the callee knows best: the last transaction that was answered.
    let mut worst: Option<Finding> = None;
    for t in answered {
        if let Some(f) = finding(case, t)
            && worst.as_ref().is_none_or(|w| w.positions.len() <= f.positions.len())
        {
            worst = Some(f);
        }
    }
    findings.extend(worst);
}

fn finding(case: &Case<'_>, t: &Transaction) -> Option<Finding> {
    let c = case.conversation;
    let position = t.final_response?;
    let response = c.at(position)?;
    let acks: Vec<&Facts> = acks_of(c, t).collect();
    let who = response.flow.src;
    let repeats: Vec<u32> = repeats_of(c, position).collect();
    let sent_to_it = acks.iter().filter(|ack| ack.flow.dst == who).map(|ack| ack.time).min();
    let in_vain = |at: Timestamp| {
        let after = repeats.iter().filter_map(|&p| c.at(p)).filter(|f| f.time.since(at) > CROSSING_NS).count();
        after >= REPEATS as usize
    };
    let proven = match (acks.is_empty(), sent_to_it) {
        (true, _) => t.final_sends >= 2 || case.now.since(response.time) >= SILENCE_NS,
        (false, Some(at)) => in_vain(at),
        (false, None) => t.final_sends >= REPEATS,
    };
    if !proven {
        return None;
    }
    let mut f = ENTRIES[0].finding(format!("no ACK for the {} reached {who}", words::message(c, response)));
    if let Some(last) = repeats.last().and_then(|&p| c.at(p)) {
        let over = words::duration(last.time.since(response.time));
        f.detail.push(format!("It sent the {} {} over {over}.", response.status, words::times(t.final_sends)));
    } else {
        let waited = words::duration(case.now.since(response.time));
        f.detail.push(format!("No ACK followed in the {waited} that were captured after the {}.", response.status));
    }
    f.detail.push(match (sent_to_it, acks.first()) {
        (Some(_), _) => format!(
            "ACKs were captured on their way to {who}, and it went on repeating: they are lost between the place of this capture and the program \
             there, or it does not take them for an answer to its {}.",
            response.status
        ),
        (None, Some(ack)) => format!("An ACK was sent from {} to {}: it was lost behind that.", ack.flow.src, ack.flow.dst),
        (None, None) => "No ACK to it was seen anywhere in the capture.".to_owned(),
    });
    f.positions = std::iter::once(position).chain(repeats).take(64).collect();
    Some(f)
}

fn acks_of<'a>(c: &'a Conversation, t: &Transaction) -> impl Iterator<Item = &'a Facts> + use<'a> {
    let cseq = t.cseq;
    c.requests(Method::Ack).map(|(_, f)| f).filter(move |f| f.cseq == cseq)
}

fn repeats_of(c: &Conversation, position: u32) -> impl Iterator<Item = u32> + '_ {
    c.facts.iter().enumerate().filter(move |(_, f)| f.repeats == Some(position) && !f.copy).map(|(i, _)| i as u32)
}
