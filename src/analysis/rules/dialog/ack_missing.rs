//! `ack-missing`: a 2xx to an INVITE that was never acknowledged.
//!
//! Three proofs: no ACK with the CSeq number of the INVITE was seen anywhere, though it would have to pass here; the callee keeps repeating the 2xx
//! and no ACK was sent to it, even where one was sent elsewhere on the way; or it keeps repeating although ACKs were captured on their way to it, and so
//! are lost behind the capture point. The repeats of the 2xx belong to this finding.

use crate::analysis::rules::{Entry, Product, Rule, is_explained};
use crate::analysis::{Case, Confidence, Finding, Part, Quote, Severity, words};
use crate::base::Timestamp;
use crate::sip::{Address, HeaderName, Method};
use crate::trace::{Conversation, Facts, Transaction, dialog};

/// The rule.
pub const RULE: Rule = Rule { judge, entries: &ENTRIES };

static ENTRIES: [Entry; 1] = [Entry {
    code: "ack-missing",
    severity: Severity::Error,
    meaning: "The callee answered, but the ACK that confirms the answer never came to it. It repeats the 200 and then ends the call, \
              typically after 32 seconds.",
    noticed: "Both talk, and the call breaks off after about 32 seconds, each time.",
    causes: &[
        "The Contact or a Record-Route of the 200 has a private or wrong address: the caller sends the ACK there, and it never arrives.",
        "A firewall or NAT lets the INVITE pass and not the ACK, which goes to another address or port.",
        "A proxy without Record-Route: the ACK goes straight to a phone that only the proxy can reach.",
        "The ACK comes to a proxy that has no route for it, as it does not handle requests within a dialog (loose routing).",
        "The caller never got the 200: it is repeated, and the way back is broken.",
    ],
    confirm: "Capture at the caller: does it send an ACK, and where to? Compare that with the Contact and the last Record-Route of the 200. Then capture on \
              that hop and the next until the ACK is missing.",
    fix: "Follow the ACK: it goes to the Contact of the 200 along its Record-Route set. A Contact or Record-Route with a \
          private or wrong address, or a firewall, loses it.",
    settings: &[
        (
            Product::Asterisk,
            "pjsip.conf, transport: external_signaling_address and local_net; endpoint: rewrite_contact=yes for phones behind NAT",
        ),
        (Product::FreeSwitch, "sofia profile: ext-sip-ip; apply-nat-acl and NDLB-force-rport for phones behind NAT"),
        (
            Product::Kamailio,
            "rr: record_route() on INVITE and loose_route() on ACK; nathelper: fix_nated_contact() or set_contact_alias(); advertise in listen=",
        ),
        (
            Product::OpenSips,
            "rr: record_route() on INVITE and loose_route() on ACK; nathelper: fix_nated_contact(); advertised_address",
        ),
    ],
    rule: "RFC 3261 §13.2.2.4, §13.3.1.4",
}];

/// Answers that are looked at.
const ANSWERS: usize = 256;
/// The callee waits T1 before it repeats the 2xx; several repeats without an ACK are proof.
const REPEATS: u32 = 3;
/// Where the ACK need not pass here, it takes more: by then it has waited 3.5 s. RFC 3261 §13.3.1.4
const REPEATS_ELSEWHERE: u32 = 4;
/// Without a repeat (reliable transports, other hops), silence has to last for so long.
const SILENCE_NS: i64 = 5_000_000_000;
/// After a single repeat the ACK may still be under way for so long.
const UNDER_WAY_NS: i64 = 1_000_000_000;
/// A repeat that follows an ACK faster than this was on its way already.
const CROSSING_NS: i64 = 200_000_000;

fn judge(case: &Case<'_>, findings: &mut Vec<Finding>) {
    let c = case.conversation;
    let answered = c.transactions.iter().filter(|t| t.method == Method::Invite && (200..300).contains(&t.final_status));
    // The hop nearest to the callee knows best: the last transaction that was answered.
    let mut worst: Option<Finding> = None;
    for t in answered.take(ANSWERS) {
        // An ACK that fits no answer leaves this one without.
        let mismatched = t.final_response.is_some_and(|p| is_explained(findings, &["ack-mismatch"], p));
        if let Some(f) = finding(case, t, mismatched)
            && worst.as_ref().is_none_or(|w| w.positions.len() <= f.positions.len())
        {
            worst = Some(f);
        }
    }
    findings.extend(worst);
}

/// What is known of the ACK to an answer.
struct Seen<'a> {
    /// Those with its CSeq number, on any hop.
    acks: Vec<&'a Facts>,
    /// When the first of them was sent to the one who answered.
    arrived: Option<Timestamp>,
    /// The repeats of the answer.
    repeats: Vec<u32>,
}

impl<'a> Seen<'a> {
    fn of(c: &'a Conversation, position: u32, response: &Facts) -> Self {
        let acks: Vec<&Facts> = acks_of(c, response).collect();
        let arrived = acks.iter().filter(|ack| ack.flow.dst == response.flow.src).map(|ack| ack.time).min();
        Seen { acks, arrived, repeats: c.repeats_of(position).map(|(p, _)| p).collect() }
    }

    fn proves(&self, case: &Case<'_>, t: &Transaction, response: &Facts) -> bool {
        let c = case.conversation;
        // Where the call ends at once, nobody waits for the ACK any more.
        let over = c.requests(Method::Bye).find(|(_, f)| dialog::is_same(c, f, response)).map(|(_, f)| f.time);
        let waited = over.map_or(case.now, |over| over.min(case.now)).since(response.time);
        let in_vain = |at: Timestamp| {
            let after = self.repeats.iter().filter_map(|&p| c.at(p)).filter(|f| f.time.since(at) > CROSSING_NS).count();
            after >= REPEATS as usize
        };
        match (self.acks.is_empty(), self.arrived) {
            // Where the caller may send it another way, only the callee's repeats say that it did not come.
            (true, _) if t.final_sends >= REPEATS_ELSEWHERE => true,
            (true, _) if t.final_sends < 2 && waited < SILENCE_NS => false,
            (true, _) => waited >= UNDER_WAY_NS && dialog::stays_on_hop(c, response),
            (false, Some(at)) => in_vain(at),
            (false, None) => t.final_sends >= REPEATS,
        }
    }
}

fn finding(case: &Case<'_>, t: &Transaction, mismatched: bool) -> Option<Finding> {
    let c = case.conversation;
    let position = t.final_response?;
    let response = c.at(position).filter(|f| f.has_cseq)?;
    // The usual case, without a list: an ACK follows, and the answer is not repeated.
    if !mismatched && t.final_sends < 2 && acks_of(c, response).next().is_some() {
        return None;
    }
    let seen = Seen::of(c, position, response);
    if !mismatched && !seen.proves(case, t, response) {
        return None;
    }
    let who = response.flow.src;
    let mut f = ENTRIES[0].finding(format!("no ACK for the {} reached {who}", words::message(c, response)));
    if let Some(last) = seen.repeats.last().and_then(|&p| c.at(p)) {
        let over = words::duration(last.time.since(response.time));
        f.detail.push(format!("It sent the {} {} over {over}.", response.status, words::times(t.final_sends)));
    } else {
        let waited = words::duration(case.now.since(response.time));
        f.detail.push(format!("No ACK followed in the {waited} that were captured after the {}.", response.status));
        f.confidence = Confidence::Likely;
    }
    f.detail.push(match (seen.arrived, seen.acks.first()) {
        (Some(_), _) => format!(
            "ACKs were captured on their way to {who}, and it went on repeating: they are lost between the place of this capture and the program \
             there, or it does not take them for an answer to its {}.",
            response.status
        ),
        (None, Some(ack)) => format!("An ACK was sent from {} to {}: it was lost behind that.", ack.flow.src, ack.flow.dst),
        (None, None) => "No ACK to it was seen anywhere in the capture.".to_owned(),
    });
    f.quote(position, Part::Name, "no ACK for this");
    f.quotes.extend(stop_of(c, position, response));
    f.detail.extend(target(c, response));
    if seen.arrived.is_none() && !seen.acks.is_empty() {
        f.ruled_out.push("A caller that sends no ACK: it sent one.".to_owned());
    }
    f.positions = std::iter::once(position).chain(seen.repeats).take(64).collect();
    Some(f)
}

/// The value that says where the ACK has to go: see [`dialog::first_stop`].
fn stop_of(c: &Conversation, position: u32, response: &Facts) -> Option<Quote> {
    let label = "the ACK has to go there".to_owned();
    let routes = c.headers(response, HeaderName::RecordRoute).flat_map(Address::split);
    let part = match routes.last() {
        Some(route) => Part::text_in(HeaderName::RecordRoute, route),
        None => Part::text_in(HeaderName::Contact, c.header(response, HeaderName::Contact)?),
    };
    Some(Quote { position, part, label })
}

/// Where the ACK has to go, as the answer says.
fn target(c: &Conversation, response: &Facts) -> Option<String> {
    let stop = dialog::first_stop(c, response)?;
    let ip = stop.ip()?;
    if ip == response.flow.src.ip() {
        return None;
    }
    Some(format!(
        "The {} came from {}, and names {ip} as the place to which the ACK has to go: see whether {} can reach that.",
        response.status, response.flow.src, response.flow.dst
    ))
}

fn acks_of<'a>(c: &'a Conversation, response: &Facts) -> impl Iterator<Item = &'a Facts> + use<'a> {
    // The request may have been cut before its CSeq. The legs of a B2BUA count each for itself.
    let (cseq, from_tag) = (response.cseq, response.from_tag);
    let is_its = move |f: &&Facts| f.cseq == cseq && (f.head_cut || c.text(f.from_tag) == c.text(from_tag));
    c.requests(Method::Ack).map(|(_, f)| f).filter(is_its)
}
