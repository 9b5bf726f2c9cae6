//! `capture-duplicate`: the capture holds packets twice.
//!
//! Said once for the whole input: how many messages are second sights of others, and what made them. None of them counts as sent again.

use crate::analysis::rules::{Entry, Product, Rule};
use crate::analysis::{Finding, Severity};
use crate::trace::{Conversation, Facts};

/// The rule: what it says is gathered by [`Copies`].
pub const RULE: Rule = Rule { judge: super::judged_by_watch, entries: &ENTRIES };

static ENTRIES: [Entry; 1] = [Entry {
    code: "capture-duplicate",
    severity: Severity::Info,
    meaning: "The capture holds messages more than once: the same packet on two interfaces, from a span port that mirrors both directions, or before \
              and behind a NAT. They were sent once, and are counted once here.",
    noticed: "Whoever reads the capture with a tool that takes the copies for retransmissions, or RTP streams for lossy and doubled.",
    causes: &[
        "tcpdump -i any on a host that routes or bridges: each packet is seen on its way in and on its way out",
        "a span port that mirrors two ports between which the packet travels",
        "several captures of one call merged into one file",
        "a HEP agent on each of two hosts, or HEP beside the capture of the traffic itself",
    ],
    confirm: "The same IP identification (tshark -T fields -e frame.number -e ip.id), the same bytes, less than 5 ms apart.",
    fix: "Nothing is wrong with the calls. For a smaller capture: name one interface (-i eth0), mirror one direction, or take copies out with editcap -d.",
    settings: &[(Product::Kamailio, "siptrace: modparam(\"siptrace\", \"trace_mode\", …) on one of the hosts only")],
    rule: "RFC 791 §3.2, RFC 3261 §17.1.3",
}];

/// Messages that are named as evidence.
const SHOWN: usize = 16;

/// Copies of messages, counted over the whole input.
#[derive(Debug, Default)]
pub struct Copies {
    messages: u64,
    mirrored: u64,
    sources: u64,
    addresses: u64,
    conversations: u64,
    shown: Vec<u64>,
}

impl Copies {
    /// Takes the copies of a conversation in.
    pub fn add(&mut self, c: &Conversation) {
        self.conversations += 1;
        for f in c.facts.iter().filter(|f| f.copy) {
            self.messages += 1;
            if let Some(original) = f.repeats.and_then(|p| c.at(p)) {
                self.sort(f, original);
            }
        }
    }

    fn sort(&mut self, f: &Facts, original: &Facts) {
        self.mirrored += u64::from(f.mirrored != original.mirrored);
        self.sources += u64::from(f.mirrored == original.mirrored && f.source != original.source);
        self.addresses += u64::from(f.mirrored == original.mirrored && f.flow != original.flow);
        if self.shown.len() < SHOWN {
            self.shown.extend(
                [original.index, f.index]
                    .iter()
                    .filter(|index| !self.shown.contains(index))
                    .copied()
                    .collect::<Vec<_>>(),
            );
        }
    }

    /// What they amount to.
    #[must_use]
    pub fn finding(&mut self) -> Option<Finding> {
        if self.messages == 0 {
            return None;
        }
        let (n, of) = (self.messages, self.conversations);
        let mut f =
            ENTRIES[0].finding(format!("{n} messages are in the capture more than once, and were sent only once"));
        f.detail.push(format!("They belong to {of} of its conversations."));
        for (count, why) in [
            (self.mirrored, "came by HEP beside the packet itself"),
            (self.sources, "came from another source of this run"),
            (self.addresses, "have other addresses: both sides of a NAT"),
        ] {
            if count > 0 {
                f.detail.push(format!("{count} of them {why}."));
            }
        }
        f.ruled_out.push(
            "Retransmissions: those come T1 (500 ms) or more apart, with an IP identification of their own.".to_owned(),
        );
        f.indices = std::mem::take(&mut self.shown);
        f.indices.sort_unstable();
        Some(f)
    }
}
