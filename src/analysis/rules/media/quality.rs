//! `rtp-loss`, `rtp-jitter`, `rtp-gap`, `mos-low`: how well a stream came, at this point of capture and, by RTCP, at its receiver.
//!
//! Loss explains what it does to the score and to pauses: those are told with it. A stream that passed a relay is judged where it first shows the
//! loss. What the capture itself dropped is no loss: the receiver's own report tells.

mod entries;
mod reported;

use super::way;
use crate::analysis::rules::Rule;
use crate::analysis::rules::sdp::dtmf_lost::taken_out;
use crate::analysis::rules::sdp::hold::holds;
use crate::analysis::{Case, Confidence, Finding, Severity, words};
use crate::base::Timestamp;
use crate::media::codec::Content;
use crate::media::rtp::Statistics;
use crate::sip::Method;
use crate::trace::MediaStream;
use entries::{ENTRIES, GAP, JITTER, LOSS, MOS};
use reported::Reported;

/// The rule.
pub const RULE: Rule = Rule { judge, entries: &ENTRIES };

/// Packets that a stream should have had for its loss or jitter to mean anything.
const PACKETS: u64 = 50;
/// Percent of loss that speech hides …
const LOSS_WARNING: f64 = 1.0;
/// … and that it does not survive.
const LOSS_ERROR: f64 = 5.0;
/// Fewer lost packets are an accident.
const LOST: u64 = 3;
/// Milliseconds that a usual jitter buffer takes.
const JITTER_MS: f64 = 30.0;
/// A pause in the middle of speech that everybody hears, in milliseconds.
const GAP_MS: f64 = 500.0;
/// Scores below which many users, and nearly all users, are dissatisfied. ITU-T G.107 Annex B
const MOS_WARNING: f64 = 3.6;
const MOS_ERROR: f64 = 3.1;
/// Streams of one call that are told.
const MOST: usize = 8;

fn judge(case: &Case<'_>, findings: &mut Vec<Finding>) {
    let mut told = 0;
    for stream in case.streams {
        if told >= MOST {
            return;
        }
        let s = stream.receiver.statistics();
        // Events alone, and several recordings played one after the other under one source, have no sequence to judge.
        let is_media = !matches!(stream.receiver.content(s.payload_type), Content::Event | Content::Silence);
        if s.expected < PACKETS || u64::from(s.restarts) * 50 > s.packets || !is_media {
            continue;
        }
        let before = findings.len();
        stream_quality(case, stream, &s, findings);
        told += usize::from(findings.len() > before);
    }
}

fn stream_quality(case: &Case<'_>, stream: &MediaStream, s: &Statistics, findings: &mut Vec<Finding>) {
    let reported = Reported::of(stream, s);
    // The loss came in with it, and so did what follows from loss: it is told where it shows first.
    let before = upstream(case, stream).map(|u| u.receiver.statistics());
    if is_lossy(s) && before.is_some_and(|b| b.loss_percent >= s.loss_percent * 0.8) {
        return;
    }
    let events = || upstream(case, stream).and_then(|before| taken_out(case, stream, before));
    let lost = if is_lossy(s) { events() } else { None };
    if let Some(f) = lost.or_else(|| loss(case, stream, s, &reported)) {
        findings.push(f);
        return;
    }
    // A sender or a way that spreads the packets so far makes pauses, too: they are told with it.
    if let Some(f) = jitter(stream, s, &reported) {
        findings.push(f);
    } else {
        findings.extend(gap(case, stream, s));
    }
    findings.extend(mos(stream, s, &reported));
}

fn is_lossy(s: &Statistics) -> bool {
    s.lost >= LOST && s.loss_percent > LOSS_WARNING
}

fn ms(milliseconds: f64) -> String {
    words::duration((milliseconds * 1e6) as i64)
}

fn name(stream: &MediaStream) -> String {
    format!("{} to {}", stream.flow.src, stream.flow.dst)
}

/// The same source on the hop before: a relay received it there.
fn upstream<'a>(case: &Case<'a>, stream: &MediaStream) -> Option<&'a MediaStream> {
    case.streams.iter().find(|u| {
        u.id != stream.id
            && u.to_caller == stream.to_caller
            && u.receiver.ssrc() == stream.receiver.ssrc()
            && u.flow.dst.same_ip(&stream.flow.src)
            && !u.flow.src.same_ip(&stream.flow.src)
    })
}

fn loss(case: &Case<'_>, stream: &MediaStream, s: &Statistics, reported: &Reported) -> Option<Finding> {
    let before = upstream(case, stream);
    let there = before.map(|u| u.receiver.statistics());
    if !is_lossy(s) {
        return reported.loss_behind(s).map(|percent| lost_behind(stream, s, reported, percent));
    }
    let title = format!(
        "{:.1} % of the RTP from {} is lost: {} of {} packets",
        s.loss_percent,
        name(stream),
        s.lost,
        s.expected
    );
    let mut f = ENTRIES[LOSS].finding(title);
    f.severity = if s.loss_percent > LOSS_ERROR { Severity::Error } else { Severity::Warning };
    f.confidence = Confidence::Likely;
    f.stream = Some(stream.id);
    let pattern = if s.burst_ratio >= 2.0 {
        "in bursts, as an outage or a full queue loses them"
    } else {
        "one by one, at random"
    };
    f.detail.push(format!(
        "They are lost {} {pattern}: {} runs, {:.1} packets each on average.",
        stream.to_caller.map_or("", way),
        s.loss_runs,
        s.lost as f64 / s.loss_runs.max(1) as f64
    ));
    if let Some(mos) = s.mos() {
        f.detail.push(format!("Listeners would give it a MOS of {mos:.1}."));
    }
    match (before, &there) {
        (Some(u), Some(t)) => {
            f.confidence = Confidence::Certain;
            f.detail.push(format!(
                "The same source reached {} with {:.1} % lost: the loss is in {} or right behind it.",
                u.flow.dst,
                t.loss_percent,
                stream.flow.src.ip()
            ));
        }
        _ => f.detail.push(format!("They are lost between {} and this point of capture.", stream.flow.src.ip())),
    }
    other_streams(case, stream, s, &mut f);
    f.detail.extend(reported.sentence());
    let misses = |o: &MediaStream| {
        let s = o.receiver.statistics();
        s.loss_percent > LOSS_WARNING && Reported::of(o, &s).contradicts(&s)
    };
    if reported.contradicts(s) || (reported.is_silent() && case.streams.iter().any(misses)) {
        // What the receivers got was not lost: the capture missed it.
        f.severity = Severity::Info;
        f.confidence = Confidence::Likely;
        f.title = format!(
            "the capture misses {:.1} % of the RTP from {}, which its receiver got",
            s.loss_percent,
            name(stream)
        );
    }
    Some(f)
}

/// What the other streams of the call say about where the packets went.
fn other_streams(case: &Case<'_>, stream: &MediaStream, s: &Statistics, f: &mut Finding) {
    let others = || case.streams.iter().filter(|o| o.to_caller != stream.to_caller).map(|o| o.receiver.statistics());
    let Some(best) = others().filter(|o| o.expected >= PACKETS).map(|o| o.loss_percent).min_by(f64::total_cmp) else {
        return;
    };
    if best > s.loss_percent / 2.0 {
        f.confidence = Confidence::Possible;
        f.ruled_out
            .push(format!("The capture may have dropped packets itself: the other direction misses {best:.1} %, too."));
    } else {
        f.ruled_out.push(format!(
            "A capture that drops packets would miss both directions alike; the other one misses {best:.1} %."
        ));
    }
}

/// The capture saw it whole, and its receiver reports loss.
fn lost_behind(stream: &MediaStream, s: &Statistics, reported: &Reported, percent: f64) -> Finding {
    let title = format!("{} reports {percent:.1} % of the RTP from {} as lost", stream.flow.dst, stream.flow.src);
    let mut f = ENTRIES[LOSS].finding(title);
    f.severity = if percent > LOSS_ERROR { Severity::Error } else { Severity::Warning };
    f.confidence = Confidence::Likely;
    f.stream = Some(stream.id);
    f.detail.push(format!(
        "Here {} of {} packets are missing: they are lost between this point of capture and {}.",
        s.lost,
        s.expected,
        stream.flow.dst.ip()
    ));
    f.detail.extend(reported.sentence());
    f
}

fn jitter(stream: &MediaStream, s: &Statistics, reported: &Reported) -> Option<Finding> {
    if s.mean_jitter_ms <= JITTER_MS || s.packets < PACKETS {
        return None;
    }
    let title = format!("RTP from {} comes with a jitter of {}", name(stream), ms(s.mean_jitter_ms));
    let mut f = ENTRIES[JITTER].finding(title);
    f.confidence = Confidence::Likely;
    f.stream = Some(stream.id);
    f.detail.push(format!(
        "Up to {} at worst, over {} packets; {} of them out of order. Usual jitter buffers take 20 to 60 ms.",
        ms(s.max_jitter_ms),
        s.packets,
        s.reordered
    ));
    if s.max_gap_ms >= GAP_MS {
        f.detail.push(format!("The longest pause between two packets is {}.", ms(s.max_gap_ms)));
    }
    f.detail.extend(reported.sentence());
    f.ruled_out.push(format!("Loss is not the reason: {:.1} %.", s.loss_percent));
    Some(f)
}

fn gap(case: &Case<'_>, stream: &MediaStream, s: &Statistics) -> Option<Finding> {
    if s.max_gap_ms < GAP_MS {
        return None;
    }
    let end = s.gap_end;
    let begun = Timestamp(end.0.saturating_sub((s.max_gap_ms * 1e6) as i64));
    if is_meant(case, begun, end) {
        return None;
    }
    let mut f = ENTRIES[GAP].finding(format!("RTP from {} pauses for {}", name(stream), ms(s.max_gap_ms)));
    f.confidence = Confidence::Likely;
    f.stream = Some(stream.id);
    f.detail.push(format!(
        "The pause begins {} after the first packet of the stream.",
        words::duration(begun.since(s.first).max(0))
    ));
    if s.gap_is_meant {
        // A talker who is silent: many senders suppress silence without a mark.
        f.severity = Severity::Info;
        f.detail.push(
            "No number is missing and the timestamp went on: the sender suppressed silence, or stood still.".to_owned(),
        );
    } else {
        let what = match s.gap_lost {
            0 => "No number is missing and the timestamp stood still: the sender stalled, or packets were held up."
                .to_owned(),
            n => format!("{n} packets are missing across it: they were sent, and lost."),
        };
        f.detail.push(what);
        f.ruled_out.push("Silence suppression would leave the numbers whole and move the timestamp on.".to_owned());
    }
    f.ruled_out.push("No hold, re-INVITE or answer falls into the pause.".to_owned());
    let pauses_then = |o: &Statistics| o.gap_end.since(end).abs() < 500_000_000 && o.max_gap_ms >= GAP_MS;
    let others = case.streams.iter().any(|o| o.id != stream.id && pauses_then(&o.receiver.statistics()));
    if others {
        f.detail.push(
            "Another stream of the call pauses at the same time: the capture, or the network, stood still.".to_owned(),
        );
    }
    Some(f)
}

/// Whether signalling explains a pause: a hold, a new offer or answer in it, or the answer of the call.
fn is_meant(case: &Case<'_>, begun: Timestamp, end: Timestamp) -> bool {
    const MARGIN_NS: i64 = 1_000_000_000;
    let c = case.conversation;
    let falls = |at: Timestamp| at.since(begun) > -MARGIN_NS && end.since(at) > -MARGIN_NS;
    let negotiates = c.firsts().any(|(_, f)| {
        let method = matches!(f.method, Method::Invite | Method::Update | Method::Refer | Method::Bye);
        falls(f.time) && (method && (f.sdp.is_some() || f.is_success() || f.asks(Method::Refer)))
    });
    let answered = case.outcome().answered;
    negotiates
        || answered.is_none_or(|at| end.since(at) < MARGIN_NS)
        || holds(c).iter().any(|h| h.from <= end && h.ended.is_none_or(|(_, at)| at >= begun))
}

fn mos(stream: &MediaStream, s: &Statistics, reported: &Reported) -> Option<Finding> {
    let measured = s.mos().filter(|&mos| mos < MOS_WARNING);
    let told = reported.mos().filter(|&mos| mos < MOS_WARNING);
    let worst = measured.into_iter().chain(told).min_by(f64::total_cmp)?;
    let title = match told {
        Some(told) if measured.is_none_or(|m| told < m) => {
            format!("{} rates the RTP from {} with a MOS of {told:.1}", stream.flow.dst, stream.flow.src)
        }
        _ => format!("RTP from {} has a MOS of {worst:.1}", name(stream)),
    };
    let mut f = ENTRIES[MOS].finding(title);
    f.severity = if worst < MOS_ERROR { Severity::Error } else { Severity::Warning };
    f.confidence = Confidence::Likely;
    f.stream = Some(stream.id);
    let codec = stream.codec_name().unwrap_or_else(|| "the codec".to_owned());
    let codec = crate::base::Safe(codec.as_bytes()).to_string();
    if let Some(mos) = s.mos() {
        f.detail.push(format!("{codec} with {:.1} % loss is worth {mos:.1} on a scale to 4.4.", s.loss_percent));
        if measured.is_some() && s.lost == 0 {
            // Nothing went wrong: this is what the codec can do.
            f.severity = Severity::Warning;
            f.detail.push("Nothing is lost: it is the codec that sounds so.".to_owned());
        }
    }
    f.detail.extend(reported.sentence());
    f.ruled_out.push(format!("Loss alone is not the reason: {} of {} packets.", s.lost, s.expected));
    Some(f)
}
