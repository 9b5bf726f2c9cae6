//! What the media of a call came to, each direction for itself.

use crate::base::Timestamp;
use crate::media::Codec;
use crate::media::hearing::Heard;
use crate::media::rtp::Statistics;
use crate::media::srtp::Suite;
use std::net::SocketAddr;

/// Both directions.
#[derive(Clone, PartialEq, Debug)]
pub struct MediaReport {
    /// What we sent.
    pub sent: SentMedia,
    /// What came.
    pub received: ReceivedMedia,
}

/// What we sent.
#[derive(Clone, PartialEq, Debug)]
pub struct SentMedia {
    /// Our source.
    pub ssrc: u32,
    /// Packets.
    pub packets: u64,
    /// Bytes of payload.
    pub octets: u64,
    /// The codec, once one was agreed.
    pub codec: Option<Codec>,
    /// The suite that protects it; `None` in the clear.
    pub suite: Option<Suite>,
    /// Where the last packet went.
    pub to: Option<SocketAddr>,
    /// When the first packet went out.
    pub first: Option<Timestamp>,
    /// The digits sent as telephone events.
    pub digits: String,
    /// How evenly packets went out.
    pub pacing: Pacing,
    /// What the other side last said of it. RFC 3550 §6.4.1
    pub peer: Option<PeerReport>,
    /// When our mark began to be sent.
    pub tone_began: Option<Timestamp>,
}

/// What came.
#[derive(Clone, PartialEq, Debug)]
pub struct ReceivedMedia {
    /// Loss, jitter, gaps and codec of the source with most packets; `None` where nothing came.
    pub statistics: Option<Statistics>,
    /// What was heard.
    pub heard: Heard,
    /// When the first packet came.
    pub first: Option<Timestamp>,
    /// Where the last packet came from.
    pub from: Option<SocketAddr>,
    /// Where the description said that media is wanted, which is where it should come from.
    pub described: Option<SocketAddr>,
    /// How often the address changed that packets came from, the first among them.
    pub addresses: u32,
    /// Sources (SSRC) met.
    pub sources: u32,
    /// The digits that came: as telephone events, behind them those that came by INFO.
    pub digits: String,
    /// RTCP packets that came.
    pub reports: u64,
    /// Datagrams that are no RTP.
    pub malformed: u64,
    /// SRTP packets that the key does not open.
    pub unopened: u64,
    /// SRTP packets that came before.
    pub replayed: u64,
    /// Packets of payload types that were not agreed, or of too many sources.
    pub undescribed: u64,
}

impl ReceivedMedia {
    /// Mean opinion score; see [`Statistics::mos`].
    #[must_use]
    pub fn mos(&self) -> Option<f64> {
        self.statistics.as_ref().and_then(Statistics::mos)
    }

    /// Whether packets come from where the description said; `None` where one of them is not known.
    #[must_use]
    pub fn is_as_described(&self) -> Option<bool> {
        Some(self.from? == self.described?)
    }
}

/// What a reception report of the other side says.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct PeerReport {
    /// Packets lost since the beginning.
    pub lost: i32,
    /// Loss since its last report, in 256ths.
    pub fraction_lost: u8,
    /// Jitter in milliseconds.
    pub jitter_ms: f64,
    /// The way there and back in milliseconds, where it could be told.
    pub round_trip_ms: Option<f64>,
}

/// How evenly packets went out: deviations from the interval wanted, in milliseconds.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Pacing {
    intervals: u64,
    sum: f64,
    squares: f64,
    worst: f64,
}

impl Pacing {
    pub(super) fn push(&mut self, deviation_ms: f64) {
        self.intervals += 1;
        self.sum += deviation_ms;
        self.squares += deviation_ms * deviation_ms;
        self.worst = self.worst.max(deviation_ms.abs());
    }

    /// Intervals measured.
    #[must_use]
    pub fn intervals(&self) -> u64 {
        self.intervals
    }

    /// Standard deviation in milliseconds; `None` before two intervals.
    #[must_use]
    pub fn deviation_ms(&self) -> Option<f64> {
        if self.intervals < 2 {
            return None;
        }
        let n = self.intervals as f64;
        Some(((self.squares - self.sum * self.sum / n) / (n - 1.0)).max(0.0).sqrt())
    }

    /// The furthest from the interval wanted, in milliseconds.
    #[must_use]
    pub fn worst_ms(&self) -> f64 {
        self.worst
    }
}
