//! What is said of the quality findings.

use crate::analysis::Severity;
use crate::analysis::rules::{Entry, Product};

pub(super) const LOSS: usize = 0;
pub(super) const JITTER: usize = 1;
pub(super) const GAP: usize = 2;
pub(super) const MOS: usize = 3;

pub(super) static ENTRIES: [Entry; 4] = [
    Entry {
        code: "rtp-loss",
        severity: Severity::Warning,
        meaning: "Packets of a stream are missing by their sequence numbers: more than 1 % is heard, more than 5 % cuts words off.",
        noticed: "Crackling, metallic or chopped speech; missing syllables; keys that are not recognised.",
        causes: &[
            "A full link or queue on the way: no priority for voice on the access line.",
            "Wi-Fi or mobile radio on one side.",
            "A duplex mismatch or a faulty cable or port.",
            "A policer or a firewall with a limit for UDP.",
            "The capture itself dropped packets (then both directions miss alike, and RTCP says otherwise).",
        ],
        confirm: "Capture at both ends and compare; look at the RTCP reports in the detail; `ping -s 172 -i 0.02` and `mtr` along the same way.",
        fix: "Find the hop between the last clean capture and the first lossy one; give voice priority there (DSCP EF), or mend the line.",
        settings: &[
            (
                Product::Asterisk,
                "pjsip.conf endpoint: tos_audio=ef, cos_audio=5; dialplan: Set(JITTERBUFFER(adaptive)=default)",
            ),
            (Product::FreeSwitch, "variable jitterbuffer_msec=60:200; codec opus with useinbandfec"),
            (Product::Kamailio, "rtpengine: --tos=184"),
        ],
        rule: "RFC 3550 §6.4.1, Appendix A.3",
    },
    Entry {
        code: "rtp-jitter",
        severity: Severity::Warning,
        meaning: "Packets come much earlier or later than they were sent apart: over 30 ms on average. A jitter buffer has to hold speech back, \
                  or throw late packets away.",
        noticed: "Chopped speech, delay, two people talking over each other.",
        causes: &[
            "A loaded access line or Wi-Fi: packets wait in a queue.",
            "A busy virtual machine sends or relays in bursts.",
            "The sender's clock or packetisation is off: packets leave in pairs.",
        ],
        confirm: "Look at whether the sender's own packets leave evenly (capture at the sender), and where the spread begins.",
        fix: "Give voice priority where the queue is; give the relay a processor of its own; enlarge the jitter buffer as a stopgap.",
        settings: &[
            (Product::Asterisk, "dialplan: Set(JITTERBUFFER(adaptive)=200,1500); pjsip.conf endpoint: tos_audio=ef"),
            (Product::FreeSwitch, "variable jitterbuffer_msec=60:200; sofia profile: auto-jitterbuffer-msec"),
        ],
        rule: "RFC 3550 §6.4.1, Appendix A.8",
    },
    Entry {
        code: "rtp-gap",
        severity: Severity::Warning,
        meaning: "A stream pauses in its middle for half a second or longer, and neither silence suppression nor a hold explains it.",
        noticed: "Speech stops dead and goes on later; once, or at every roaming or fail-over.",
        causes: &[
            "A device moved between Wi-Fi cells, or a route changed.",
            "A relay, a virtual machine or a disk stood still for a moment.",
            "The sender changed its source of sound (announcement, bridge) without a new negotiation.",
        ],
        confirm: "See whether other streams pause at the same moment, and whether numbers are missing after the pause (lost) or not (not sent).",
        fix: "Where numbers go on unbroken, look at the sender; where they are missing, at the network.",
        settings: &[
            (Product::Asterisk, "pjsip.conf endpoint: rtp_keepalive, rtp_timeout"),
            (Product::FreeSwitch, "variable media_timeout (ms); sofia profile: suppress-cng"),
        ],
        rule: "RFC 3550 §5.1",
    },
    Entry {
        code: "mos-low",
        severity: Severity::Warning,
        meaning: "The mean opinion score that codec and loss are worth (ITU-T G.107), or that the receiver reports, is low: below 3.6 many \
                  users are dissatisfied, below 3.1 nearly all.",
        noticed: "\"The line is bad\": tiring to listen to, words have to be repeated.",
        causes: &[
            "A low-rate codec, with a little loss on top.",
            "The receiver's jitter buffer throws packets away that came late.",
            "The call is transcoded more than once.",
        ],
        confirm: "Compare the score without loss (the codec's own) with the one here; look at the RTCP XR report in the detail.",
        fix: "Prefer a better codec where the bandwidth is there (G.711, G.722, Opus), and mend loss and jitter.",
        settings: &[
            (Product::Asterisk, "pjsip.conf endpoint: allow=opus,g722,alaw (in order of preference)"),
            (
                Product::FreeSwitch,
                "sofia profile: inbound-codec-prefs, outbound-codec-prefs; variable jitterbuffer_msec",
            ),
        ],
        rule: "RFC 3611 §4.7.5",
    },
];
