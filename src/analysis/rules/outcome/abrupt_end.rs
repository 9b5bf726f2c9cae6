//! `abrupt-end`: the media of a call stopped long before its BYE, or there is no BYE although the input goes on.
//!
//! Silence alone is not enough: on hold, after a transfer, with fax, or when the media moved elsewhere, packets stop as they should; with silence
//! suppression they pause. What is looked for is a call that had media in the usual density until it stopped for good, in every direction.

use crate::analysis::rules::{Entry, Product, Rule};
use crate::analysis::{Case, Confidence, Finding, Part, Severity, words};
use crate::base::{Safe, Timestamp};
use crate::media::facts::Kind as Media;
use crate::sip::{HeaderName, Method};
use crate::trace::call::State;
use crate::trace::{Conversation, Facts, Kind, MediaStream, offer};

/// The rule.
pub const RULE: Rule = Rule { judge, entries: &ENTRIES };

static ENTRIES: [Entry; 1] = [Entry {
    code: "abrupt-end",
    severity: Severity::Warning,
    meaning: "The call did not end in the usual way: its media stopped in every direction, and the BYE came long after, or never. One side, or the network \
              between, went away without saying so.",
    noticed: "The voice is gone in the middle of the call; the other phone stays in the call until somebody hangs up or a timer does.",
    causes: &[
        "A phone or softphone crashed, lost power or changed its network (Wi-Fi to mobile).",
        "A NAT binding or a firewall session closed in the middle of the call, for signalling as well as media.",
        "A media relay (rtpengine, rtpproxy, an SBC) ended its session: a time-out, a restart.",
        "The BYE was sent and lost, or took another way than the place of capture.",
    ],
    confirm: "See which direction stopped first, and at which hop; ping the phone, look at its log and at that of the media relay for that second.",
    fix: "Let a timer find dead calls: session timers (RFC 4028) for signalling, an RTP time-out on the PBX or relay for media; mend the network that broke.",
    settings: &[
        (Product::Asterisk, "pjsip.conf, endpoint: rtp_timeout, rtp_timeout_hold, rtp_keepalive, timers=yes"),
        (
            Product::FreeSwitch,
            "variables media_timeout and media_hold_timeout (older: rtp-timeout-sec, rtp-hold-timeout-sec); sofia profile: enable-timer",
        ),
        (
            Product::Kamailio,
            "dialog: ka_timer and ka_interval with dlg_set_property(\"ka-src\") and (\"ka-dst\"); rtpengine: timeout and silent-timeout",
        ),
        (
            Product::OpenSips,
            "dialog: options_ping_interval, with the flags of create_dialog() that ping either side; rtpengine: timeout and silent-timeout",
        ),
    ],
    rule: "RFC 3261 §15",
}];

/// Media that stopped so long before the BYE stopped for another reason.
const STOPPED_NS: i64 = 10_000_000_000;
/// A call without BYE is left behind when its media stopped so long before the end of the input.
const LEFT_NS: i64 = 60_000_000_000;
/// Fewer packets than this say little of a stream.
const PACKETS: u64 = 100;
/// A stream that paused for so long before uses silence suppression, or was captured in part.
const PAUSES_MS: f64 = 1_000.0;

fn judge(case: &Case<'_>, findings: &mut Vec<Finding>) {
    let c = case.conversation;
    if c.kind != Kind::Call || case.streams.is_empty() {
        return;
    }
    let outcome = case.outcome();
    let answered = matches!(outcome.state, State::Completed | State::Answered);
    let Some(stopped) = last_media(case.streams).filter(|_| answered) else { return };
    let bye = outcome.bye.and_then(|p| c.at(p));
    let (end, least) = bye.map_or((case.now, LEFT_NS), |f| (f.time, STOPPED_NS));
    let silence = end.since(stopped);
    if silence < least || outcome.answered.is_none_or(|at| stopped < at) || is_explained(case, stopped) {
        return;
    }
    findings.push(finding(case, bye.zip(outcome.bye), stopped, silence));
}

/// When the last packet of any stream came, where there is enough of them to judge by.
fn last_media(streams: &[MediaStream]) -> Option<Timestamp> {
    let dense = streams.iter().any(|s| s.receiver.packets() >= PACKETS);
    streams.iter().map(|s| s.receiver.last()).max().filter(|_| dense)
}

/// Whether something else explains that media stopped then.
fn is_explained(case: &Case<'_>, stopped: Timestamp) -> bool {
    let c = case.conversation;
    // A stream that went on to the last moment of the call had its pauses before.
    let pauses = |s: &MediaStream| s.receiver.statistics().max_gap_ms >= PAUSES_MS;
    let ended_last = case.streams.iter().filter(|s| stopped.since(s.receiver.last()) < STOPPED_NS);
    if ended_last.into_iter().any(pauses) {
        return true;
    }
    let agreed = |f: &Facts| {
        f.sdp.is_some() && matches!(f.method, Method::Invite | Method::Update | Method::Ack | Method::Prack)
    };
    // Hold and fax, as the last descriptions say; a change close to the end of the media moved it elsewhere.
    let moved = |f: &Facts| {
        !f.to_tag.is_empty() && f.time.since(stopped).saturating_abs() < STOPPED_NS && f.asks(Method::Invite)
    };
    let mut silent = false;
    for (_, f) in c.firsts().rev().filter(|(_, f)| agreed(f)).take(4) {
        silent |= offer::is_held(c, f) || !offer_has_audio(c, f);
    }
    let transferred = || c.requests(Method::Refer).next().is_some();
    silent || transferred() || c.firsts().any(|(_, f)| moved(f))
}

fn offer_has_audio(c: &Conversation, f: &Facts) -> bool {
    c.sdp(f).is_some_and(|sdp| sdp.media.iter().any(|m| m.port != 0 && matches!(m.kind, Media::Audio | Media::Video)))
}

fn finding(case: &Case<'_>, bye: Option<(&Facts, u32)>, stopped: Timestamp, silence: i64) -> Finding {
    let c = case.conversation;
    let long = words::duration(silence);
    let first = case.streams.iter().filter(|s| s.receiver.packets() >= PACKETS).min_by_key(|s| s.receiver.last());
    let mut f = ENTRIES[0].finding(match bye {
        Some((bye, _)) => format!("the media stopped {long} before {} ended the call", bye.flow.src),
        None => format!("the media stopped, and no BYE followed in the {long} after that"),
    });
    f.confidence = Confidence::Likely;
    if let Some(s) = first {
        let apart = stopped.since(s.receiver.last());
        f.detail.push(match apart {
            0..1_000_000_000 => {
                "All directions stopped in the same second: the network or a relay between, or both ends at once."
                    .to_owned()
            }
            _ => format!(
                "The stream from {} stopped first, {} before the last one: look there.",
                s.flow.src,
                words::duration(apart)
            ),
        });
        f.stream = Some(s.id);
    }
    if let Some((bye, position)) = bye {
        let reasons = c.headers(bye, HeaderName::Reason).take(2);
        f.detail.extend(reasons.map(|v| format!("The BYE says: Reason: {}.", Safe(v.trim_ascii()))));
        f.quote(position, Part::Name, "the call was ended only here");
        f.quote(position, Part::first(HeaderName::Reason), "why");
        f.positions.push(position);
    } else {
        if let Some(answer) = case.outcome().answer {
            f.quote(answer, Part::Name, "no BYE followed");
        }
        f.ruled_out.push("The end of the capture: it goes on after the media had stopped.".to_owned());
        f.positions.extend(case.outcome().answer);
    }
    f.ruled_out.push("Hold, fax or a transfer: no message of the call asks for it.".to_owned());
    f
}
