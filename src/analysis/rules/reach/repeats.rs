//! Messages that were sent again, gathered once for the rules that ask why.

use crate::sip::Method;
use crate::trace::{Conversation, Facts};
use std::collections::HashMap;

/// Originals that are looked at in one conversation; one that repeats more shows nothing new.
const ORIGINALS: usize = 256;
/// Repeats of one message that are looked at.
const REPEATS: usize = 64;
/// Messages among which the next hop of a repeated one is looked for.
const LOOKED_AT: usize = 1024;
/// What follows a request faster than this answers it.
const ANSWER_NS: i64 = 60_000_000;

/// A message and its repeats; captured copies are none.
#[derive(Clone, Debug)]
pub(super) struct Repeated {
    /// Position of the first.
    pub original: u32,
    /// Positions of the repeats, in order.
    pub repeats: Vec<u32>,
}

impl Repeated {
    /// The first and its repeats.
    pub(super) fn all<'a>(&'a self, c: &'a Conversation) -> impl Iterator<Item = &'a Facts> + 'a {
        std::iter::once(self.original).chain(self.repeats.iter().copied()).filter_map(|p| c.at(p))
    }

    /// Positions of all, the first in front.
    pub(super) fn positions(&self) -> Vec<u32> {
        std::iter::once(self.original).chain(self.repeats.iter().copied()).collect()
    }

    /// Time from each to the next, in nanoseconds.
    pub(super) fn gaps(&self, c: &Conversation) -> Vec<i64> {
        let times: Vec<_> = self.all(c).map(|f| f.time).collect();
        times.windows(2).filter_map(|pair| Some(pair.get(1)?.since(*pair.first()?))).collect()
    }
}

/// Every message that was sent again, in order of its first repeat.
pub(super) fn of(c: &Conversation) -> Vec<Repeated> {
    let mut places: HashMap<u32, usize> = HashMap::new();
    let mut all: Vec<Repeated> = Vec::new();
    for (f, position) in c.facts.iter().zip(0u32..) {
        let Some(original) = f.repeats.filter(|_| !f.copy) else { continue };
        let at = match places.get(&original) {
            Some(&at) => at,
            None if all.len() < ORIGINALS => {
                all.push(Repeated { original, repeats: Vec::new() });
                places.insert(original, all.len() - 1);
                all.len() - 1
            }
            None => continue,
        };
        if let Some(known) = all.get_mut(at).filter(|known| known.repeats.len() < REPEATS) {
            known.repeats.push(position);
        }
    }
    all
}

/// Whether repeats of this message say anything: a provisional response is repeated by design, an ACK answers each final response, and a final
/// response to another request than INVITE is repeated because the request was. RFC 3261 §13.2.2.4, §17.2.2
pub(super) fn tells(f: &Facts) -> bool {
    let is_echo = f.is_final() && f.method != Method::Invite;
    !f.is_provisional() && !f.asks(Method::Ack) && !is_echo
}

/// Without the repeats of a final response that only answer a request that came again: no timer sent those. RFC 3261 §17.2.1
pub(super) fn by_timer(c: &Conversation, r: &Repeated) -> Repeated {
    let Some(first) = c.at(r.original).filter(|f| f.is_final()) else { return r.clone() };
    let asked: Vec<_> = c
        .facts
        .iter()
        .skip(r.original as usize)
        .filter(|f| f.transaction == first.transaction && f.asks(first.method) && !f.copy)
        .map(|f| f.time)
        .take(REPEATS)
        .collect();
    let answers = |f: &Facts| asked.iter().any(|at| (0..ANSWER_NS).contains(&f.time.since(*at)));
    let repeats = r.repeats.iter().copied().filter(|&p| c.at(p).is_some_and(|f| !answers(f))).collect();
    Repeated { original: r.original, repeats }
}

/// The same message on the next hop, where that repeats it as often: a proxy passed each repeat on, and what is lost is lost behind it.
pub(super) fn passed_on<'a>(c: &'a Conversation, all: &[Repeated], r: &Repeated) -> Option<&'a Facts> {
    let first = c.at(r.original)?;
    let as_often = |f: &&Facts| {
        let position = all.iter().find(|o| c.at(o.original).is_some_and(|o| o.index == f.index));
        position.is_some_and(|o| o.repeats.len() >= r.repeats.len())
    };
    next_hop(c, first).filter(as_often)
}

/// Who repeated the message before it came to this hop.
pub(super) fn passed_from<'a>(c: &'a Conversation, all: &[Repeated], r: &Repeated) -> Option<&'a Facts> {
    let own = c.at(r.original)?.index;
    let before = all.iter().find(|o| passed_on(c, all, o).is_some_and(|f| f.index == own))?;
    c.at(before.original)
}

/// The same message as its receiver sent it on, where that was captured.
pub(super) fn next_hop<'a>(c: &'a Conversation, first: &Facts) -> Option<&'a Facts> {
    let same = |f: &&Facts| {
        f.status == first.status
            && f.method == first.method
            && f.cseq == first.cseq
            && f.flow.src.same_ip(&first.flow.dst)
            && f.flow.dst != first.flow.src
            && f.transaction != first.transaction
            && c.text(f.from_tag) == c.text(first.from_tag)
            && (first.is_request() || c.text(f.to_tag) == c.text(first.to_tag))
    };
    c.firsts().map(|(_, f)| f).take(LOOKED_AT).find(same)
}

/// T1 and T2. RFC 3261 §17.1.1.1, §17.1.2.2
const T1_NS: i64 = 500_000_000;
const T2_NS: i64 = 4_000_000_000;
/// 64·T1: nobody repeats a message for longer. RFC 3261 §17.1.1.2
const LONGEST_NS: i64 = 32_000_000_000;

/// How many more sends the intervals between those that were seen have room for: a timer that doubles leaves no other gaps, so that what is missing was
/// lost before the place of capture. `None` where the intervals are not those of such a timer, from T1 on.
pub(super) fn missing(gaps: &[i64]) -> Option<usize> {
    let near = |a: i64, b: i64| (a - b).abs() * 8 <= b;
    let (mut due, mut missing) = (T1_NS, 0);
    for &gap in gaps.iter().take(REPEATS) {
        if gap > LONGEST_NS {
            return None;
        }
        // Timer A goes on doubling, the others stop at T2: what fits either was not interrupted.
        if let Some(interval) = [due, due.min(T2_NS)].into_iter().find(|&interval| near(gap, interval)) {
            due = 2 * interval;
            continue;
        }
        let (mut sum, mut interval, mut steps) = (0, due.min(T2_NS), 0);
        while sum < gap && !near(gap, sum) {
            sum += interval;
            interval = (2 * interval).min(T2_NS);
            steps += 1;
        }
        if !near(gap, sum) {
            return None;
        }
        due = interval;
        missing += steps - 1;
    }
    Some(missing)
}

#[cfg(test)]
mod tests {
    use super::missing;

    fn of(ms: &[i64]) -> Option<usize> {
        missing(&ms.iter().map(|gap| gap * 1_000_000).collect::<Vec<_>>())
    }

    #[test]
    fn what_a_doubling_timer_sent_between_is_counted() {
        assert_eq!(of(&[500, 1000, 2000, 4000, 4000]), Some(0));
        assert_eq!(of(&[502, 1003, 2004]), Some(0));
        assert_eq!(of(&[500, 1000, 2000, 4000, 8000, 16_000]), Some(0));
        // The third was not seen; the second and third; the last but one.
        assert_eq!(of(&[500, 3000]), Some(1));
        assert_eq!(of(&[3500]), Some(2));
        assert_eq!(of(&[500, 1000, 6000]), Some(1));
        assert_eq!(of(&[i64::MAX / 1_000_000]), None);
        // T1 of a second, or a first one that was not seen: nothing is said.
        assert_eq!(of(&[1000, 2000]), None);
        assert_eq!(of(&[100, 200]), None);
        assert_eq!(of(&[]), Some(0));
    }
}
