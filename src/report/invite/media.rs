//! What the media of a call came to.

use super::heard::proof;
use crate::driver::media::Clock;
use crate::media::hearing::Heard;
use crate::media::session::{MediaReport, ReceivedMedia, SentMedia};
use schemars::JsonSchema;
use serde::Serialize;
use std::time::Instant;

/// Both directions.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Media {
    /// What we sent.
    pub sent: Sent,
    /// What came.
    pub received: Received,
    /// Why the recording is not whole, if it is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recording_error: Option<String>,
}

/// What we sent.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Sent {
    /// `PCMU`, `PCMA`; absent where none was agreed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub codec: Option<&'static str>,
    /// Suite of SRTP.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub srtp: Option<&'static str>,
    /// `0x1a2b3c4d`
    pub ssrc: String,
    /// Packets.
    pub packets: u64,
    /// Bytes of payload.
    pub bytes: u64,
    /// Packets that the system would not send.
    pub unsent: u64,
    /// Where the last packet went.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// Milliseconds from the first INVITE to the first packet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_ms: Option<f64>,
    /// Digits sent as telephone events.
    pub dtmf: String,
    /// Standard deviation of the time between packets from what was wanted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pacing_stddev_ms: Option<f64>,
    /// The furthest from it.
    pub pacing_worst_ms: f64,
    /// What proves that it arrived: `report` (the other side's RTCP), `own_tone` (it came back); absent where nothing does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proof: Option<&'static str>,
    /// What the other side's last RTCP report says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peer: Option<Peer>,
}

/// What the other side reports of what we sent. RFC 3550 §6.4.1
#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Peer {
    /// Packets lost since the beginning.
    pub lost: i32,
    /// Loss since its report before.
    pub loss_percent: f64,
    /// Jitter.
    pub jitter_ms: f64,
    /// There and back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub round_trip_ms: Option<f64>,
}

/// What came.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Received {
    /// The codec used most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub codec: Option<&'static str>,
    /// Packets of the main source.
    pub packets: u64,
    /// Packets lost, by sequence numbers.
    pub lost: u64,
    /// Lost of expected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub loss_percent: Option<f64>,
    /// Packets that came again.
    pub duplicates: u64,
    /// Packets that came after a later one.
    pub reordered: u64,
    /// Interarrival jitter, mean. RFC 3550 §6.4.1
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jitter_ms: Option<f64>,
    /// The highest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_jitter_ms: Option<f64>,
    /// Longest time between two packets that silence suppression does not explain.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_gap_ms: Option<f64>,
    /// Mean opinion score by the E-model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mos: Option<f64>,
    /// From the first to the last packet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<f64>,
    /// Milliseconds from the first INVITE to the first packet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_ms: Option<f64>,
    /// Where the last packet came from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// Where their description wants media, from where it should come.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub described: Option<String>,
    /// Whether it came from there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub as_described: Option<bool>,
    /// What was heard: `nothing`, `silence`, `comfort-noise`, `own-tone`, `mark`, `audio`.
    pub heard: &'static str,
    /// Whose mark: `caller`, `callee`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mark: Option<&'static str>,
    /// How late our own tone came back, modulo 3100 ms.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delay_ms: Option<f64>,
    /// Digits that came as telephone events.
    pub dtmf: String,
    /// Sources (SSRC) met.
    pub sources: u32,
    /// How often the address changed that packets came from, the first among them.
    pub addresses: u32,
    /// RTCP packets.
    pub reports: u64,
    /// Datagrams that are no RTP.
    pub malformed: u64,
    /// SRTP packets that the key does not open.
    pub unopened: u64,
    /// SRTP packets that came before.
    pub replayed: u64,
    /// Packets of payload types that were not agreed.
    pub undescribed: u64,
}

/// How times of media are told: milliseconds since an instant.
#[derive(Clone, Copy)]
pub(super) struct Since {
    pub clock: Clock,
    pub began: Option<Instant>,
}

impl Since {
    fn ms(self, at: Option<crate::base::Timestamp>) -> Option<f64> {
        let at = self.clock.instant(at?);
        Some(at.saturating_duration_since(self.began?).as_secs_f64() * 1e3)
    }
}

impl Media {
    /// What the media of a call came to; times since its beginning are left out.
    #[must_use]
    pub fn of(ended: &crate::driver::media::Ended) -> Media {
        let error = ended.recording.as_ref().map(ToString::to_string);
        media(&ended.report, ended.unsent, error, Since { clock: Clock::start(), began: None })
    }
}

/// The report of a call's media in plain data.
pub(super) fn media(report: &MediaReport, unsent: u64, recording_error: Option<String>, since: Since) -> Media {
    Media { sent: sent(report, unsent, since), received: received(&report.received, since), recording_error }
}

fn sent(report: &MediaReport, unsent: u64, since: Since) -> Sent {
    let told: &SentMedia = &report.sent;
    Sent {
        codec: told.codec.map(|codec| codec.name()),
        srtp: told.suite.map(|suite| suite.name()),
        ssrc: format!("{:#010x}", told.ssrc),
        packets: told.packets,
        bytes: told.octets,
        unsent,
        to: told.to.map(|to| to.to_string()),
        first_ms: since.ms(told.first),
        dtmf: told.digits.clone(),
        pacing_stddev_ms: told.pacing.deviation_ms(),
        pacing_worst_ms: told.pacing.worst_ms(),
        proof: proof(report).map(super::Proof::word),
        peer: told.peer.map(|peer| Peer {
            lost: peer.lost,
            loss_percent: f64::from(peer.fraction_lost) / 2.56,
            jitter_ms: peer.jitter_ms,
            round_trip_ms: peer.round_trip_ms,
        }),
    }
}

fn received(told: &ReceivedMedia, since: Since) -> Received {
    let statistics = told.statistics.as_ref();
    let (mark, delay_ms) = match told.heard {
        Heard::Own { delay_ms } => (None, delay_ms),
        Heard::Mark { mark, .. } => (Some(mark.name()), None),
        _ => (None, None),
    };
    Received {
        codec: statistics.and_then(|s| s.codec).map(|codec| codec.name()),
        packets: statistics.map_or(0, |s| s.packets),
        lost: statistics.map_or(0, |s| s.lost),
        loss_percent: statistics.map(|s| s.loss_percent),
        duplicates: statistics.map_or(0, |s| s.duplicates),
        reordered: statistics.map_or(0, |s| s.reordered),
        jitter_ms: statistics.map(|s| s.mean_jitter_ms),
        max_jitter_ms: statistics.map(|s| s.max_jitter_ms),
        max_gap_ms: statistics.map(|s| s.max_gap_ms),
        mos: told.mos(),
        duration_ms: statistics.map(|s| s.duration_ms),
        first_ms: since.ms(told.first),
        from: told.from.map(|from| from.to_string()),
        described: told.described.map(|described| described.to_string()),
        as_described: told.is_as_described(),
        heard: told.heard.name(),
        mark,
        delay_ms,
        dtmf: told.digits.clone(),
        sources: told.sources,
        addresses: told.addresses,
        reports: told.reports,
        malformed: told.malformed,
        unopened: told.unopened,
        replayed: told.replayed,
        undescribed: told.undescribed,
    }
}
