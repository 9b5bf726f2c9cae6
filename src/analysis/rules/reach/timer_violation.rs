//! `timer-violation`: repeats that come when no timer of the standard would send them.
//!
//! Three proofs: repeats faster than T1, repeats at one fixed interval below T2, and requests repeated over a transport that loses nothing. Packets
//! that were lost before the place of capture only make the intervals longer, never shorter and never equal, so that loss cannot look like any of them.

use super::repeats::{self, Repeated};
use crate::analysis::rules::{Entry, Product, Rule, is_explained};
use crate::analysis::{Case, Confidence, Finding, Part, Severity, words};
use crate::sip::Method;
use crate::trace::{Conversation, Facts};

/// The rule.
pub const RULE: Rule = Rule { judge, entries: &ENTRIES };

static ENTRIES: [Entry; 1] = [Entry {
    code: "timer-violation",
    severity: Severity::Warning,
    meaning: "A sender repeats its message at intervals that the standard does not have. Over UDP a message is repeated after T1 (500 ms), then after \
              twice that, and so on (requests other than INVITE and final responses at most every T2, 4 s). What comes faster, or at one fixed \
              interval, is a broken or misconfigured timer and says nothing about the network.",
    noticed: "Servers see the same message many times within a second; load rises, rate limits and scanners' blocks fire. Users notice little.",
    causes: &[
        "T1 was set to a few milliseconds, often because a number in seconds was taken for one in milliseconds",
        "the program repeats messages by a loop of its own instead of the transaction layer",
        "a script or a test tool sends the same bytes again (same branch) instead of beginning a new transaction",
        "a program keeps repeating over TCP or TLS, where only a 2xx to an INVITE may be repeated",
    ],
    confirm: "Print the times of the one message at its sender: tcpdump -ttt -n udp port 5060, or sipctl decode FILE --call N, and compare the \
              distances with 0.5, 1, 2, 4 s. The same distances at the sender and at the receiver mean that nothing on the way makes them.",
    fix: "Set T1 to 500 ms (or to the round trip of the network where that is longer), T2 to 4 s, and let the transaction layer do the repeating.",
    settings: &[
        (Product::Asterisk, "pjsip.conf, [system] type=system: timer_t1=500, timer_b=32000"),
        (
            Product::FreeSwitch,
            "sofia profile: <param name=\"timer-T1\" value=\"500\"/>, timer-T2, timer-T4, timer-T1X64",
        ),
        (Product::Kamailio, "modparam(\"tm\", \"retr_timer1\", 500), modparam(\"tm\", \"retr_timer2\", 4000)"),
        (Product::OpenSips, "modparam(\"tm\", \"T1_timer\", 500), modparam(\"tm\", \"T2_timer\", 4000)"),
    ],
    rule: "RFC 3261 §17.1.1.2, §17.1.2.2, §17.2.1",
}];

/// T1, less what clocks and capture may be off by. RFC 3261 §17.1.1.1
const FASTEST_NS: i64 = 400_000_000;
/// T2, less the same. RFC 3261 §17.1.2.2
const LONGEST_NS: i64 = 3_400_000_000;
/// Intervals in a row that have to be equal, to a tenth.
const EQUAL: usize = 3;

fn judge(case: &Case<'_>, findings: &mut Vec<Finding>) {
    let c = case.conversation;
    if !case.seen().sent_again {
        return;
    }
    let all = repeats::of(c);
    for r in &all {
        let Some(first) = c.at(r.original).filter(|f| repeats::tells(f)) else { continue };
        // What a proxy only passed on is told of who began it.
        let explained = is_explained(findings, super::SILENCE, r.original);
        if !explained && repeats::passed_from(c, &all, r).is_none() {
            findings.extend(finding(c, first, r));
        }
    }
}

fn finding(c: &Conversation, first: &Facts, r: &Repeated) -> Option<Finding> {
    let r = repeats::by_timer(c, r);
    let gaps = r.gaps(c);
    let (src, dst) = (first.flow.src, first.flow.dst);
    let name = words::message(c, first);
    let may_repeat = first.is_success() && first.method == Method::Invite;
    let fast: Vec<i64> = gaps.iter().copied().filter(|&gap| gap < FASTEST_NS).collect();
    let mut f = if first.transport.is_reliable() && !may_repeat && !gaps.is_empty() {
        let over = first.transport.as_str().to_uppercase();
        let mut f = ENTRIES[0].finding(format!("{src} repeats the {name} to {dst} over {over}, which loses nothing"));
        f.detail.push(format!(
            "{over} delivers what it was given, or breaks: only a 2xx to an INVITE is repeated over it."
        ));
        f
    } else if let Some(&fastest) = fast.iter().min() {
        let after = words::duration(fastest);
        let mut f =
            ENTRIES[0].finding(format!("{src} repeats the {name} after {after}: {} begins at 500 ms", timer(first)));
        f.confidence = if fast.len() > 1 { Confidence::Certain } else { Confidence::Likely };
        f
    } else if let Some(interval) = fixed(&gaps) {
        let every = words::duration(interval);
        let mut f = ENTRIES[0].finding(format!("{src} repeats the {name} every {every}: {} doubles", timer(first)));
        f.detail
            .push(format!("{} doubles from 500 ms with each repeat; here the interval stays the same.", timer(first)));
        f
    } else {
        return None;
    };
    f.detail.push(format!(
        "It was sent {}, at intervals of {}.",
        words::times(r.repeats.len() as u32 + 1),
        shown(&gaps)
    ));
    if !fast.is_empty() && doubles(&gaps) {
        f.detail.push("The intervals double as they should: it is T1 that is set too low.".to_owned());
    }
    f.ruled_out.push(
        "Loss on the way: a lost packet makes the interval that is seen longer, and cannot make it shorter or keep it the same.".to_owned(),
    );
    if r.all(c).all(|m| m.ip_id != 0) {
        f.ruled_out.push(
            "Packets doubled by the network: each has an IP identification of its own, so each was sent.".to_owned(),
        );
    }
    f.positions = r.positions();
    if let Some(&position) = f.positions.first() {
        f.quote(position, Part::Name, "the first of them");
    }
    Some(f)
}

/// The timer that repeats a message. RFC 3261 §17, Appendix A
fn timer(f: &Facts) -> &'static str {
    match (f.is_request(), f.method) {
        (true, Method::Invite) => "Timer A",
        (true, _) => "Timer E",
        (false, _) => "Timer G",
    }
}

/// The interval of a run of equal ones below T2, unless it was reached by doubling: then T2 is only set lower.
fn fixed(gaps: &[i64]) -> Option<i64> {
    let near = |a: i64, b: i64| a.saturating_sub(b).saturating_abs().saturating_mul(10) <= a.max(b);
    let run = gaps.windows(EQUAL).find(|run| {
        let first = run.first().copied().unwrap_or_default();
        first < LONGEST_NS && run.iter().all(|&gap| near(gap, first))
    })?;
    let interval = *run.first()?;
    let is_doubled = gaps.iter().any(|&gap| near(gap.saturating_mul(2), interval));
    (!is_doubled).then_some(interval)
}

/// Whether each interval is about twice the one before.
fn doubles(gaps: &[i64]) -> bool {
    let twice = |pair: &[i64]| matches!(*pair, [a, b] if b.saturating_sub(a.saturating_mul(2)).saturating_abs().saturating_mul(4) <= b);
    gaps.len() >= 2 && gaps.windows(2).all(twice)
}

fn shown(gaps: &[i64]) -> String {
    const MOST: usize = 6;
    let told: Vec<String> = gaps.iter().take(MOST).map(|&gap| words::duration(gap)).collect();
    if gaps.len() > MOST { format!("{}, …", told.join(", ")) } else { words::list(&told) }
}

#[cfg(test)]
mod tests {
    use super::{doubles, fixed};

    fn ms(gaps: &[i64]) -> Vec<i64> {
        gaps.iter().map(|gap| gap * 1_000_000).collect()
    }

    #[test]
    fn an_interval_that_stays_the_same_is_no_timer_of_the_standard() {
        assert_eq!(fixed(&ms(&[1000, 1010, 990])), Some(1_000_000_000));
        // T2, reached and kept; a lower T2; what was lost before the place of capture; too few to say.
        for fine in
            [&[500, 1000, 2000, 4000, 4000, 4000][..], &[500, 1000, 2000, 2000, 2000], &[1500, 2000, 4000], &[700, 700]]
        {
            assert_eq!(fixed(&ms(fine)), None, "{fine:?}");
        }
    }

    #[test]
    fn doubling_is_seen_whatever_it_starts_from() {
        assert!(doubles(&ms(&[100, 200, 410, 790])));
        assert!(!doubles(&ms(&[100, 100, 100])) && !doubles(&ms(&[100])));
    }
}
