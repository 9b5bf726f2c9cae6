//! `one-way-audio`, `no-audio`: a call that is up, and somebody hears nothing.
//!
//! Silence is proof only where sound would have been captured: the other direction is there, or the other half of the way, or other calls of the same
//! hosts ([`Heard`]). Descriptions that hold a direction back anywhere in the call explain its silence, and ICE sends media where no description says.

use super::{Agreed, agreed, is_voice, talk, way};
use crate::analysis::rules::{Entry, Product, Rule};
use crate::analysis::{Case, Confidence, Finding, Severity, words};
use crate::base::{Endpoint, Table, Timestamp};
use crate::trace::{Kind, MediaStream};

/// The rule.
pub const RULE: Rule = Rule { judge, entries: &ENTRIES };

const ONE_WAY: usize = 0;
const NONE: usize = 1;

static ENTRIES: [Entry; 2] = [
    Entry {
        code: "one-way-audio",
        severity: Severity::Error,
        meaning: "The call is up and both descriptions want sound both ways, but RTP passes in one direction only: one side hears nothing.",
        noticed: "\"I can hear you, but you cannot hear me\": one person speaks into silence, mostly from the first second on.",
        causes: &[
            "The silent side got a private or wrong address in the SDP and sends where nobody is.",
            "A firewall or NAT lets RTP out and not in, or knows no UDP port range for it.",
            "The media relay has the wrong address for one of the two sides, or sits in the wrong direction.",
            "The silent side is muted and sends nothing at all, or its sound device failed.",
        ],
        confirm: "Capture at the side that should send: if its RTP leaves there, it is lost on the way; if not, see where its peer's SDP told it to \
                  send. `sipctl decode --call N` shows each stream as an arrow.",
        fix: "Give each side an address in the SDP that the other can reach, or put a media relay between them; open the RTP ports both ways.",
        settings: &[
            (
                Product::Asterisk,
                "pjsip.conf endpoint: rtp_symmetric=yes, direct_media=no; transport: external_media_address, local_net",
            ),
            (Product::FreeSwitch, "sofia profile: ext-rtp-ip, apply-nat-acl; disable-rtp-auto-adjust=false"),
            (
                Product::Kamailio,
                "rtpengine_manage(\"replace-origin replace-session-connection\"); nathelper fix_nated_sdp()",
            ),
            (
                Product::OpenSips,
                "rtpengine_manage(\"replace-origin replace-session-connection\"); nathelper fix_nated_sdp()",
            ),
        ],
        rule: "RFC 3264 §5.1, RFC 3550 §2.1",
    },
    Entry {
        code: "no-audio",
        severity: Severity::Error,
        meaning: "The call is up and both descriptions want sound both ways, but no RTP comes through in either direction, although this \
                  capture would have seen it.",
        noticed: "Both sides hear silence and hang up after some seconds; a PBX with an RTP timeout ends the call by itself.",
        causes: &[
            "A firewall blocks the UDP ports of RTP, and lets SIP through.",
            "Both sides have private addresses in their SDP and no relay between them.",
            "The media relay is down, or was told the wrong ports.",
        ],
        confirm: "Capture at both ends: see whether either sends RTP at all, and to which address. Compare that with c= and m= of the SDP.",
        fix: "Open the RTP ports, or let both sides send by a relay that both can reach.",
        settings: &[
            (
                Product::Asterisk,
                "rtp.conf: rtpstart, rtpend (open these in the firewall); pjsip.conf endpoint: direct_media=no, rtp_timeout",
            ),
            (
                Product::FreeSwitch,
                "switch.conf: rtp-start-port, rtp-end-port; sofia profile: ext-rtp-ip; variable media_timeout (ms)",
            ),
            (
                Product::Kamailio,
                "rtpengine_manage() on offer and on answer; check the daemon with kamcmd rtpengine.show all",
            ),
            (
                Product::OpenSips,
                "rtpengine_manage() or rtpproxy_engage(); check the daemon with opensips-cli -x mi rtpengine_show",
            ),
        ],
        rule: "RFC 3264 §5.1, RFC 3550 §2.1",
    },
];

/// So long must one direction sound before the silence of the other counts …
const SOUND_MS: f64 = 950.0;
/// … with so many packets.
const SOUND_PACKETS: u64 = 25;
/// So few packets are no sound: what a port check or the opening of a NAT sends.
const SILENCE_PACKETS: u64 = 5;
/// So many packets before it fell silent …
const STOPPED_PACKETS: u64 = 50;
/// … and so long a silence say that a call stopped sounding.
const STOPPED_NS: i64 = 5_000_000_000;
/// A call has to last so long for that nobody sends to mean anything.
const TALK_NS: i64 = 3_000_000_000;

fn judge(case: &Case<'_>, findings: &mut Vec<Finding>) {
    if case.streams.is_empty() || case.conversation.kind != Kind::Call {
        return;
    }
    let Some((from, to)) = talk(case) else { return };
    // What sounds before the answer proves nothing about what follows it.
    let sounds = |to_caller: bool| streams(case, to_caller).any(|s| is_sound(s, from));
    let (heard_by_caller, heard_by_callee) = (sounds(true), sounds(false));
    let Some(agreed) = agreed(case).filter(|a| !a.has_ice) else { return };
    let finding = match (heard_by_caller, heard_by_callee) {
        (true, true) => lost_in_relay(case, &agreed),
        (false, true) => silent(case, &agreed, true, from),
        (true, false) => silent(case, &agreed, false, from),
        (false, false) => stopped(case, &agreed, (from, to)),
    };
    findings.extend(finding);
}

fn streams<'a>(case: &Case<'a>, to_caller: bool) -> impl Iterator<Item = &'a MediaStream> + use<'a> {
    case.streams.iter().filter(move |s| s.to_caller == Some(to_caller))
}

fn is_sound(s: &MediaStream, answered: Timestamp) -> bool {
    let r = s.receiver.statistics();
    r.packets >= SOUND_PACKETS && r.duration_ms >= SOUND_MS && r.last.ms_since(answered) >= SOUND_MS && is_voice(s)
}

/// Nothing comes from one side, though the other sends.
fn silent(case: &Case<'_>, agreed: &Agreed, to_caller: bool, answered: Timestamp) -> Option<Finding> {
    let is_expected = if to_caller { agreed.to_caller } else { agreed.to_callee };
    // A few packets of anything, after the answer, say that the way is open: then the silence is the talker's.
    let some =
        streams(case, to_caller).filter(|s| s.receiver.last() > answered).map(|s| s.receiver.packets()).sum::<u64>();
    if !is_expected || some >= SILENCE_PACKETS {
        return None;
    }
    let other = streams(case, !to_caller).filter(|s| is_sound(s, answered)).max_by_key(|s| s.receiver.packets())?;
    let r = other.receiver.statistics();
    let (from, to) = (other.flow.src, other.flow.dst);
    let (deaf, mute) = if to_caller { ("caller", "callee") } else { ("callee", "caller") };
    let title = format!("one-way audio: RTP goes from {from} to {to} and none comes back, so the {deaf} hears nothing");
    let mut f = ENTRIES[ONE_WAY].finding(title);
    f.confidence = Confidence::Likely;
    f.detail.push(format!(
        "{} packets in {} {}, and {} {}, although both descriptions want sound both ways.",
        r.packets,
        words::duration((r.duration_ms * 1e6) as i64),
        way(!to_caller),
        if some == 0 { "none".to_owned() } else { format!("only {some}") },
        way(to_caller)
    ));
    f.detail.push(format!("The {mute} sends nothing, or it is lost before this point of capture."));
    if other.unreachable > 0 {
        f.detail.push(format!("{} ICMP errors answer the packets to {to}: nobody listens there.", other.unreachable));
    }
    f.ruled_out.push("Neither side put the call on hold or asked for one direction only.".to_owned());
    f.ruled_out.push("The capture sees RTP of this call, so a filter on the SIP port is not the reason.".to_owned());
    agreed.show(&mut f);
    f.stream = Some(other.id);
    Some(f)
}

/// Both sides send to the same relay, and what one of them sends does not come out of it.
fn lost_in_relay(case: &Case<'_>, agreed: &Agreed) -> Option<Finding> {
    let relay = relay(case)?;
    let comes_out = |to_caller: bool| {
        streams(case, to_caller).any(|s| s.flow.src.same_ip(&relay) && s.receiver.packets() >= SILENCE_PACKETS)
    };
    let (to_caller, to_callee) = (comes_out(true), comes_out(false));
    let mut f = match (to_caller || !agreed.to_caller, to_callee || !agreed.to_callee) {
        (true, true) => return None,
        (false, false) => ENTRIES[NONE]
            .finding(format!("no audio: both sides send RTP to {}, and nothing comes out of it", relay.ip())),
        (caller_hears, _) => {
            let deaf = if caller_hears { "callee" } else { "caller" };
            let title = format!(
                "one-way audio: the RTP {} ends at the relay {}, so the {deaf} hears nothing",
                way(!caller_hears),
                relay.ip()
            );
            ENTRIES[ONE_WAY].finding(title)
        }
    };
    f.confidence = Confidence::Likely;
    for s in case.streams.iter().filter(|s| s.flow.dst.same_ip(&relay)).take(2) {
        f.detail.push(format!("{} packets from {} reach {}.", s.receiver.packets(), s.flow.src, s.flow.dst));
    }
    f.ruled_out.push("Both legs of the relay are in the capture, since what each side sends to it is.".to_owned());
    agreed.show(&mut f);
    f.stream = streams(case, !to_caller).find(|s| s.flow.dst.same_ip(&relay)).map(|s| s.id);
    Some(f)
}

/// A host to which both sides send, each for a second at the least.
fn relay(case: &Case<'_>) -> Option<Endpoint> {
    let long = |s: &&MediaStream| s.receiver.packets() >= 2 * SOUND_PACKETS && is_voice(s);
    streams(case, true).filter(long).find_map(|one| {
        let both = streams(case, false).filter(long).any(|s| s.flow.dst.same_ip(&one.flow.dst));
        both.then_some(one.flow.dst)
    })
}

/// There was sound before the answer, or a little after it, and none in the call.
fn stopped(case: &Case<'_>, agreed: &Agreed, (from, to): (Timestamp, Timestamp)) -> Option<Finding> {
    let last = case.streams.iter().filter(|s| is_voice(s)).map(|s| s.receiver.last()).max()?;
    let silent_ns = to.since(last.max(from));
    if !agreed.to_caller || !agreed.to_callee || silent_ns < STOPPED_NS {
        return None;
    }
    // The sender of early media is the one that can be told to have fallen silent; a stray packet is no proof that RTP is captured.
    let heard: u64 = case.streams.iter().map(|s| s.receiver.packets()).sum();
    if heard < STOPPED_PACKETS {
        return None;
    }
    let title = format!(
        "no audio: the last RTP came {}, and the call went on for {} in silence",
        when(last, from),
        words::duration(silent_ns)
    );
    let mut f = ENTRIES[NONE].finding(title);
    f.confidence = Confidence::Likely;
    f.detail.push(format!("{heard} packets were seen until then, so that RTP of this call is captured."));
    f.ruled_out.push("Neither side put the call on hold or asked for one direction only.".to_owned());
    agreed.show(&mut f);
    Some(f)
}

fn when(last: Timestamp, answered: Timestamp) -> String {
    let ns = last.since(answered);
    if ns < 0 { "before the answer".to_owned() } else { format!("{} after the answer", words::duration(ns)) }
}

/// Hosts whose RTP the capture shows: where it does, the silence of a whole call counts.
#[derive(Debug)]
pub struct Heard {
    hosts: Table<Endpoint, ()>,
}

/// Hosts that are remembered; the newest count.
const HOSTS: usize = 4096;

impl Default for Heard {
    fn default() -> Self {
        Heard { hosts: Table::new(HOSTS) }
    }
}

impl Heard {
    /// Notes that RTP of a stream was captured.
    pub fn stream(&mut self, stream: &MediaStream) {
        if stream.receiver.packets() < SOUND_PACKETS {
            return;
        }
        for host in [stream.flow.src, stream.flow.dst] {
            self.hosts.touch_or_insert(&host.with_port(0), stream.receiver.last().0, || ());
        }
    }

    /// Judges a call of which no RTP was captured at all, by what was captured of its hosts otherwise.
    pub fn judge(&mut self, case: &Case<'_>, findings: &mut Vec<Finding>) {
        for stream in case.streams {
            self.stream(stream);
        }
        let c = case.conversation;
        if !case.streams.is_empty() || c.kind != Kind::Call || c.sdps.len() < 2 || self.hosts.is_empty() {
            return;
        }
        let Some((from, to)) = talk(case).filter(|(from, to)| to.since(*from) >= TALK_NS) else { return };
        let Some(agreed) = agreed(case).filter(|a| a.to_caller && a.to_callee && !a.has_ice) else { return };
        // Both hosts have to be known for their RTP: one may be heard elsewhere than the other.
        let host = |position: u32| c.at(position).and_then(|f| c.sdp(f)).and_then(|sdp| sdp.media.first()?.endpoint);
        let (Some(one), Some(other)) = (host(agreed.first.0), host(agreed.first.1)) else { return };
        let is_known = |e: Endpoint| self.hosts.get(&e.with_port(0)).is_some();
        if !is_known(one) || !is_known(other) {
            return;
        }
        let lasted = words::duration(to.since(from));
        let mut f = ENTRIES[NONE]
            .finding(format!("no audio: the call was up for {lasted}, and neither {one} nor {other} sent RTP"));
        f.confidence = Confidence::Likely;
        f.detail.push(
            "Other calls of the same two hosts have RTP in this capture, so that theirs would have been seen."
                .to_owned(),
        );
        agreed.show(&mut f);
        findings.push(f);
    }
}
