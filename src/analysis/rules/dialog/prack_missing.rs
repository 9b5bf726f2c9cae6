//! `prack-missing`: a provisional response that asked for a PRACK and got none.
//!
//! As with the ACK of a 2xx, the sender's repeats prove it; without them, only silence on a hop on which the PRACK would have to pass.

use crate::analysis::rules::{Entry, Product, Rule};
use crate::analysis::{Case, Confidence, Finding, Part, Severity, words};
use crate::base::Safe;
use crate::sip::{HeaderName, Method};
use crate::trace::path::number;
use crate::trace::{Conversation, Facts, Kind, dialog};

/// The rule.
pub const RULE: Rule = Rule { judge, entries: &ENTRIES };

static ENTRIES: [Entry; 1] = [Entry {
    code: "prack-missing",
    severity: Severity::Error,
    meaning: "The callee sent a 18x reliably (Require: 100rel, RSeq) and waits for a PRACK that confirms it. None came: it repeats the response, and after \
              32 seconds refuses the call.",
    noticed: "It rings, often with early media, and the call fails with 5xx after half a minute, or is answered late.",
    causes: &[
        "The caller says 100rel in Supported or Require, and does not send PRACK.",
        "The PRACK is lost, or goes to a wrong place: it is sent to the Contact of the 18x along its Record-Route set.",
        "A proxy or SBC between the two lets Supported: 100rel pass and not the PRACK, or has no route for it.",
        "The PRACK names another RSeq or CSeq in RAck than the response had.",
    ],
    confirm: "Capture at the caller: does it send a PRACK, to which address, and does its RAck repeat RSeq and CSeq of the 18x?",
    fix: "Where PRACK is not needed, switch 100rel off at the caller or the callee; else mend Contact or Record-Route of the 18x, or the caller.",
    settings: &[
        (Product::Asterisk, "pjsip.conf, endpoint: 100rel=no (or peer_supported) in place of required"),
        (Product::FreeSwitch, "sofia profile: <param name=\"enable-100rel\" value=\"false\"/>"),
        (
            Product::Kamailio,
            "route PRACK like every request within a dialog: loose_route() before t_relay(); rr: record_route() for INVITE",
        ),
        (
            Product::OpenSips,
            "route PRACK like every request within a dialog: loose_route() before t_relay(); rr: record_route() for INVITE",
        ),
    ],
    rule: "RFC 3262 §3, §4",
}];

/// Reliable responses that are looked at.
const RESPONSES: usize = 64;
/// The response is repeated after T1; so many repeats are proof by themselves. RFC 3262 §3
const REPEATS: usize = 3;
/// Where nothing is repeated, this much has to pass without a PRACK.
const SILENCE_NS: i64 = 2_000_000_000;
/// A repeat that follows a PRACK faster than this was on its way already.
const CROSSING_NS: i64 = 200_000_000;

fn judge(case: &Case<'_>, findings: &mut Vec<Finding>) {
    let c = case.conversation;
    if c.kind != Kind::Call || !case.seen().has(HeaderName::RSeq) {
        return;
    }
    let reliable = |f: &Facts| f.method == Method::Invite && f.is_provisional() && is_reliable(c, f);
    let asking = c.firsts().filter(|(_, f)| reliable(f)).take(RESPONSES);
    let worst = asking.filter_map(|(p, f)| Unconfirmed::of(case, p, f)).max_by_key(|u| u.repeats.len());
    findings.extend(worst.map(|u| u.finding(case)));
}

/// A reliable response without its PRACK.
struct Unconfirmed<'a> {
    position: u32,
    response: &'a Facts,
    rseq: u64,
    repeats: Vec<(u32, &'a Facts)>,
    /// A PRACK that was seen: too late, lost behind the place of capture, or with another RAck.
    prack: Option<(u32, &'a Facts)>,
}

/// Whether a message has `100rel` in Require.
fn is_reliable(c: &Conversation, f: &Facts) -> bool {
    let mut required = c.headers(f, HeaderName::Require).flat_map(|value| value.split(|&b| b == b','));
    required.any(|tag| tag.trim_ascii().eq_ignore_ascii_case(b"100rel"))
}

/// Whether a PRACK confirms the response with this RSeq to the INVITE with this CSeq number. RFC 3262 §7.2
fn confirms(c: &Conversation, prack: &Facts, rseq: u64, cseq: u32) -> bool {
    let Some(rack) = c.header(prack, HeaderName::RAck) else { return prack.head_cut };
    let mut parts = rack.split(u8::is_ascii_whitespace).filter(|part| !part.is_empty()).map(number);
    parts.next().flatten() == Some(rseq) && parts.next().flatten() == Some(u64::from(cseq))
}

impl<'a> Unconfirmed<'a> {
    fn of(case: &Case<'a>, position: u32, response: &'a Facts) -> Option<Self> {
        let c = case.conversation;
        let rseq = number(c.header(response, HeaderName::RSeq)?)?;
        let mut pracks = c.requests(Method::Prack);
        let is_its = |p: &Facts| p.head_cut || dialog::is_same_side(c, p, response);
        let confirming = pracks.find(|(_, p)| is_its(p) && confirms(c, p, rseq, response.cseq));
        let mut repeats: Vec<(u32, &Facts)> = c.repeats_of(position).collect();
        let proven = if let Some((_, prack)) = confirming {
            let in_vain = |f: &Facts| f.time.since(prack.time) > CROSSING_NS;
            repeats.iter().filter(|(_, f)| in_vain(f)).count() >= REPEATS
        } else if repeats.len() >= REPEATS {
            true
        } else {
            let last = repeats.last().map_or(response.time, |(_, f)| f.time);
            let end = Self::ended(c, response).unwrap_or(case.now);
            end.since(last) >= SILENCE_NS && dialog::stays_on_hop(c, response)
        };
        if !proven {
            return None;
        }
        let wrong =
            || c.requests(Method::Prack).find(|(_, p)| p.time >= response.time && dialog::is_same_side(c, p, response));
        let prack = confirming.or_else(wrong);
        repeats.truncate(60);
        Some(Unconfirmed { position, response, rseq, repeats, prack })
    }

    /// When the INVITE was refused or cancelled: nothing has to be confirmed after that.
    fn ended(c: &Conversation, response: &Facts) -> Option<crate::base::Timestamp> {
        let over = |f: &&Facts| {
            f.time >= response.time
                && f.cseq == response.cseq
                && (f.asks(Method::Cancel) || (f.method == Method::Invite && f.status >= 300))
        };
        c.facts.iter().find(over).map(|f| f.time)
    }

    fn finding(self, case: &Case<'_>) -> Finding {
        let c = case.conversation;
        let (said, who) = (words::message(c, self.response), self.response.flow.src);
        let asker = self.response.flow.dst;
        let mut f = ENTRIES[0].finding(format!("no PRACK for the {said} (RSeq {}) reached {who}", self.rseq));
        match self.repeats.last() {
            Some((_, last)) => {
                let over = words::duration(last.time.since(self.response.time));
                let sends = words::times(self.repeats.len() as u32 + 1);
                f.detail.push(format!("{who} sent it {sends} over {over}: it waits for the PRACK."));
            }
            None => {
                f.confidence = Confidence::Likely;
                f.detail.push(format!("It asks for one with Require: 100rel, and {asker} sent none on this hop."));
            }
        }
        f.quote(self.position, Part::first(HeaderName::RSeq), "asks for a PRACK that names this number");
        if let Some((at, prack)) = self.prack {
            f.quote(at, Part::first(HeaderName::RAck), "what the PRACK confirms");
            let rack = c.header(prack, HeaderName::RAck).map(|value| Safe(value.trim_ascii()).to_string());
            let rack = rack.unwrap_or_else(|| "no RAck".to_owned());
            f.detail.push(match confirms(c, prack, self.rseq, self.response.cseq) {
                true => format!(
                    "A PRACK was sent from {} to {}: it was lost behind the place of this capture, or not accepted.",
                    prack.flow.src, prack.flow.dst
                ),
                false => format!(
                    "A PRACK was sent with RAck {rack}; RAck {} {} INVITE confirms this one.",
                    self.rseq, self.response.cseq
                ),
            });
            f.positions.push(at);
        } else if self.response.flow.dst.same_ip(&asker) {
            f.detail.push("No PRACK for it was seen anywhere in the capture.".to_owned());
        }
        let final_response = c.transaction(self.response).and_then(|t| c.at(t.final_response?));
        if let Some(end) = final_response.filter(|f| f.status >= 300 && f.time >= self.response.time) {
            let after = words::duration(end.time.since(self.response.time));
            f.detail.push(format!("The call ended {after} later with {}.", words::message(c, end)));
            f.positions.extend(c.transaction(self.response).and_then(|t| t.final_response));
        }
        f.positions.push(self.position);
        f.positions.extend(self.repeats.iter().map(|(p, _)| *p));
        f.positions.sort_unstable();
        f
    }
}
