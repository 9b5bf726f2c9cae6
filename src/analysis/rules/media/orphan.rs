//! `rtp-orphan`: RTP that belongs to no call of the input. [`Orphans::judge`] is asked by the watch over the whole run.

use crate::analysis::rules::{Entry, Product, Rule};
use crate::analysis::{Case, Confidence, Finding, Severity, words};
use crate::trace::MediaStream;

/// The rule; what it says, [`Orphans`] finds.
pub const RULE: Rule = Rule { judge, entries: &ENTRIES };

static ENTRIES: [Entry; 1] = [Entry {
    code: "rtp-orphan",
    severity: Severity::Info,
    meaning: "RTP passes by that no SDP in the input announced: its call was set up elsewhere, earlier, encrypted, or not by SIP.",
    noticed: "Streams without a call in the list; where a call hears a stranger's sound, this may be it.",
    causes: &[
        "The capture began after the call, or does not see its signalling.",
        "The signalling is encrypted and no keys are given.",
        "ICE or a relay moved the media to an address that no SDP names.",
        "A device goes on sending after its call has ended.",
    ],
    confirm: "Look for the address in the SDP of calls before the capture; give `--keylog` where the signalling is TLS.",
    fix: "Capture the signalling as well, from before the call on.",
    settings: &[
        (Product::Asterisk, "rtp set debug ip ADDRESS shows which channel an address belongs to"),
        (Product::FreeSwitch, "uuid_dump shows remote_media_ip and remote_media_port of each channel"),
        (Product::Kamailio, "kamcmd rtpengine.show all; rtpengine-ctl list sessions all"),
    ],
    rule: "RFC 3550 §5.1",
}];

fn judge(_: &Case<'_>, _: &mut Vec<Finding>) {}

/// Orphans that are told one by one; the others are counted.
const TOLD: u64 = 50;

/// Counts the streams without a call.
#[derive(Debug, Default)]
pub struct Orphans {
    seen: u64,
    packets: u64,
}

impl Orphans {
    /// The finding on a stream without a call, while there are not too many of them.
    #[must_use]
    pub fn judge(&mut self, stream: &MediaStream) -> Option<Finding> {
        self.seen += 1;
        if self.seen > TOLD {
            self.packets += stream.receiver.packets();
            return None;
        }
        let r = stream.receiver.statistics();
        let codec = stream.codec_name().unwrap_or_else(|| format!("payload type {}", r.payload_type));
        let (src, dst) = (stream.flow.src, stream.flow.dst);
        let mut f = ENTRIES[0].finding(format!("RTP from {src} to {dst} belongs to no call that was seen"));
        f.confidence = Confidence::Likely;
        let lasted = words::duration((r.duration_ms * 1e6) as i64);
        f.detail.push(format!("{} packets of {} in {lasted}.", r.packets, crate::base::Safe(codec.as_bytes())));
        f.stream = Some(stream.id);
        Some(f)
    }

    /// What became of those that were not told one by one.
    #[must_use]
    pub fn rest(&self) -> Option<Finding> {
        let beyond = self.seen.checked_sub(TOLD).filter(|&n| n > 0)?;
        let mut f = ENTRIES[0].finding(format!("{beyond} more RTP streams belong to no call that was seen"));
        f.detail.push(format!("They have {} packets together.", self.packets));
        Some(f)
    }
}
