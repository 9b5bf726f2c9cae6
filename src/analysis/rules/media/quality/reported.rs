//! What the receiver of a stream reports of it by RTCP, beside what was measured.

use crate::media::rtp::Statistics;
use crate::trace::MediaStream;

/// The receiver's last reports on a stream.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Reported {
    /// Packets lost since the beginning, where a report that covers most of the stream says so.
    lost: Option<u64>,
    /// Loss since the report before, in percent.
    recent: Option<f64>,
    /// In milliseconds.
    jitter: Option<f64>,
    /// Listening quality by the receiver's own judgement.
    mos: Option<f64>,
    /// In percent: what its jitter buffer threw away.
    discarded: Option<f64>,
    /// Packets of telephone events: some receivers count them as lost, since they take them out before they count.
    events: u64,
}

/// Of the packets expected, in parts of this, a report may leave out the last.
const COVERS: u64 = 5;
/// Percent, and packets, of loss that a receiver has to report to be believed where nothing is missing here.
const BEHIND_PERCENT: f64 = 1.0;
const BEHIND_PACKETS: u64 = 5;

impl Reported {
    pub(super) fn of(stream: &MediaStream, s: &Statistics) -> Reported {
        let events = stream.dtmf.events().iter().map(|e| u64::from(e.packets)).sum();
        let mut told = Reported { events, ..Reported::default() };
        if let Some(report) = &stream.report {
            // Cycles are counted from where each began to listen: only the numbers themselves can be compared.
            let behind = (stream.receiver.highest_sequence() as u16).wrapping_sub(report.highest_sequence as u16);
            let is_near = u64::from(behind) * COVERS <= s.expected;
            let lost = u64::try_from(report.cumulative_lost.max(0)).unwrap_or_default();
            told.lost = Some(lost).filter(|&lost| is_near && lost <= s.expected);
            told.recent = Some(f64::from(report.fraction_lost) / 2.56);
            let rate = s.clock_rate.filter(|&rate| rate > 0);
            told.jitter =
                rate.map(|rate| f64::from(report.jitter) * 1000.0 / f64::from(rate)).filter(|&ms| ms < 10_000.0);
        }
        if let Some(metrics) = &stream.voip_metrics {
            told.mos = metrics
                .mos_lq_tenths
                .filter(|tenths| (10..=50).contains(tenths))
                .map(|tenths| f64::from(tenths) / 10.0);
            told.discarded = Some(f64::from(metrics.discard_rate) / 2.56);
        }
        told
    }

    pub(super) fn mos(&self) -> Option<f64> {
        self.mos
    }

    /// Whether the receiver says nothing of its losses.
    pub(super) fn is_silent(&self) -> bool {
        self.lost.is_none()
    }

    /// Whether the receiver got what is missing here.
    pub(super) fn contradicts(&self, s: &Statistics) -> bool {
        self.lost.is_some_and(|lost| lost * 5 < s.lost)
    }

    /// Percent lost by the receiver's count, where nearly nothing is missing here.
    pub(super) fn loss_behind(&self, s: &Statistics) -> Option<f64> {
        let lost = self.lost.map(|lost| lost.saturating_sub(self.events))?;
        if lost < BEHIND_PACKETS || lost <= s.lost.saturating_mul(4) {
            return None;
        }
        let percent = lost as f64 * 100.0 / s.expected.max(1) as f64;
        (percent > BEHIND_PERCENT).then_some(percent)
    }

    /// What the receiver says, in a sentence; `None` where it says nothing.
    pub(super) fn sentence(&self) -> Option<String> {
        let mut parts = Vec::new();
        parts.extend(self.lost.map(|lost| format!("{lost} packets lost in all")));
        parts.extend(self.recent.map(|percent| format!("{percent:.1} % lost since the report before")));
        parts.extend(self.jitter.map(|ms| format!("a jitter of {ms:.1} ms")));
        parts.extend(self.discarded.map(|percent| format!("{percent:.1} % discarded by its jitter buffer")));
        parts.extend(self.mos.map(|mos| format!("a MOS of {mos:.1}")));
        (!parts.is_empty()).then(|| format!("Its receiver reports by RTCP: {}.", parts.join(", ")))
    }
}
