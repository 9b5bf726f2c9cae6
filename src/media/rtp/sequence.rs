//! Counting by sequence number: what was lost, what came late, twice, or from a source that started over.

/// How far ahead a sequence number may jump before the source is taken to have started over. RFC 3550 §A.1
const MAX_DROPOUT: u16 = 3000;
/// How far behind it may lie and still be late rather than a restart. RFC 3550 §A.1 has 100
const MAX_MISORDER: u16 = 100;
/// Bits of the window of recent arrivals; above `MAX_MISORDER`, so that every late packet has its bit.
const WINDOW: u16 = 128;

/// What a packet was to the count.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Arrival {
    /// The first of its source.
    First,
    /// Further on than any before; `skipped` numbers in between have not come (yet).
    Next {
        /// Sequence numbers passed over.
        skipped: u16,
    },
    /// Behind the newest: reordered.
    Late,
    /// Seen before.
    Duplicate,
    /// Far away from the others; kept aside until a second one shows whether the source started over.
    Stray,
    /// The second packet of a source that started over: counting begins anew with the stray before it.
    Restart,
}

/// The count of one source, in constant memory.
#[derive(Clone, Debug, Default)]
pub(super) struct Sequence {
    /// Extended number of the first and of the newest packet; both 0 before any came.
    base: u64,
    highest: u64,
    /// Bit n tells whether `highest − n` has come.
    window: u128,
    /// The number that a restarted source would send next.
    stray: Option<u16>,
    /// Numbers expected before the last restart.
    closed: u64,
    missing: u64,
    /// Maximal runs of missing numbers.
    runs: u64,
    pub(super) duplicates: u64,
    pub(super) reordered: u64,
    pub(super) restarts: u32,
}

impl Sequence {
    /// Numbers from the first to the newest, over all restarts.
    pub(super) fn expected(&self) -> u64 {
        if self.window == 0 { self.closed } else { self.closed + (self.highest - self.base + 1) }
    }

    /// Numbers that never came.
    pub(super) fn lost(&self) -> u64 {
        self.missing
    }

    /// Runs of consecutive lost numbers.
    pub(super) fn loss_runs(&self) -> u64 {
        self.runs
    }

    /// Extended highest sequence number of the current segment, cycles in the upper half. RFC 3550 §6.4.1
    pub(super) fn highest(&self) -> u64 {
        self.highest
    }

    #[inline]
    pub(super) fn push(&mut self, sequence: u16) -> Arrival {
        if self.window == 0 {
            self.begin(sequence, 1);
            return Arrival::First;
        }
        let ahead = sequence.wrapping_sub(self.highest as u16);
        if ahead != 0 && ahead < MAX_DROPOUT {
            self.advance(ahead);
            return Arrival::Next { skipped: ahead - 1 };
        }
        let behind = ahead.wrapping_neg();
        if behind <= MAX_MISORDER { self.late(behind) } else { self.far(sequence) }
    }

    /// Starts counting with `sequence` as the newest of `count` that have come in a row.
    fn begin(&mut self, sequence: u16, count: u8) {
        // One cycle up, so that a late packet from before the first has a number too.
        self.highest = (1 << 16) + u64::from(sequence);
        self.base = self.highest - u64::from(count - 1);
        self.window = (1 << count) - 1;
        self.stray = None;
    }

    #[inline]
    fn advance(&mut self, ahead: u16) {
        if ahead > 1 {
            self.missing += u64::from(ahead - 1);
            self.runs += 1;
        }
        self.window = if ahead < WINDOW { self.window << ahead | 1 } else { 1 };
        self.highest += u64::from(ahead);
        self.stray = None;
    }

    fn late(&mut self, behind: u16) -> Arrival {
        let number = self.highest - u64::from(behind);
        if self.window >> behind & 1 != 0 {
            self.duplicates += 1;
            return Arrival::Duplicate;
        }
        if number < self.base {
            let between = self.base - number - 1;
            self.missing += between;
            self.runs += u64::from(between > 0);
            self.base = number;
        } else {
            // The number leaves the run of missing ones that it stood in: at its edge, as the whole of it, or splitting it.
            let older_missing = number > self.base && behind + 1 < WINDOW && self.window >> (behind + 1) & 1 == 0;
            let newer_missing = behind > 0 && self.window >> (behind - 1) & 1 == 0;
            match (older_missing, newer_missing) {
                (true, true) => self.runs += 1,
                (false, false) => self.runs = self.runs.saturating_sub(1),
                _ => {}
            }
            self.missing = self.missing.saturating_sub(1);
        }
        self.window |= 1 << behind;
        self.reordered += 1;
        Arrival::Late
    }

    fn far(&mut self, sequence: u16) -> Arrival {
        if self.stray != Some(sequence) {
            self.stray = Some(sequence.wrapping_add(1));
            return Arrival::Stray;
        }
        self.closed = self.expected();
        self.begin(sequence, 2);
        self.restarts = self.restarts.saturating_add(1);
        Arrival::Restart
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(numbers: impl IntoIterator<Item = u16>) -> Sequence {
        let mut s = Sequence::default();
        for n in numbers {
            s.push(n);
        }
        s
    }

    #[test]
    fn loss_is_counted_across_the_wrap_and_by_runs() {
        let s = counted([65533, 65534, 1, 2, 4, 5]);
        // 65535 and 0 are one run, 3 is another.
        assert_eq!((s.expected(), s.lost(), s.loss_runs()), (9, 3, 2));
        let s = counted((0..200_000u32).map(|n| n as u16));
        assert_eq!((s.expected(), s.lost(), s.restarts), (200_000, 0, 0));
    }

    #[test]
    fn a_late_packet_takes_back_its_loss_and_the_run_it_stood_in() {
        let s = counted([10, 14, 12]);
        assert_eq!((s.lost(), s.loss_runs(), s.reordered), (2, 2, 1));
        let s = counted([10, 14, 12, 11, 13]);
        assert_eq!((s.lost(), s.loss_runs(), s.reordered, s.expected()), (0, 0, 3, 5));
    }

    #[test]
    fn a_duplicate_is_neither_loss_nor_gain() {
        let s = counted([1, 2, 2, 3, 1, 5, 5]);
        assert_eq!((s.expected(), s.lost(), s.duplicates, s.reordered), (5, 1, 3, 0));
    }

    #[test]
    fn packets_from_before_the_first_widen_the_count() {
        let s = counted([100, 97, 98]);
        assert_eq!((s.expected(), s.lost(), s.loss_runs(), s.reordered), (4, 1, 1, 2));
        // The same at the wrap.
        let s = counted([0, 65535]);
        assert_eq!((s.expected(), s.lost()), (2, 0));
    }

    #[test]
    fn a_jump_is_a_restart_only_when_a_second_packet_says_so() {
        let mut s = counted([1, 2, 3]);
        assert_eq!(s.push(30_000), Arrival::Stray);
        assert_eq!(s.push(4), Arrival::Next { skipped: 0 });
        assert_eq!((s.restarts, s.lost(), s.expected()), (0, 0, 4));
        assert_eq!(s.push(40_000), Arrival::Stray);
        assert_eq!(s.push(40_001), Arrival::Restart);
        assert_eq!(s.push(40_003), Arrival::Next { skipped: 1 });
        assert_eq!((s.restarts, s.lost(), s.expected()), (1, 1, 8));
    }

    #[test]
    fn counts_agree_with_a_set_of_numbers_under_random_disorder() {
        // The model is a plain set; the generator is a fixed linear congruence.
        let mut state = 7u64;
        let mut random = move |n: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % n
        };
        let mut sent: Vec<u64> = (70_000..75_000).collect();
        sent.retain(|_| random(10) != 0);
        for at in 1..sent.len() {
            if random(8) == 0 {
                let other = at.saturating_sub(random(20) as usize);
                sent.swap(at, other);
            }
        }
        let s = counted(sent.iter().map(|&n| n as u16));
        let set: std::collections::BTreeSet<u64> = sent.iter().copied().collect();
        let (low, high) = (*set.first().unwrap(), *set.last().unwrap());
        let missing: Vec<u64> = (low..=high).filter(|n| !set.contains(n)).collect();
        let runs = missing.iter().filter(|&&n| set.contains(&(n - 1))).count();
        assert_eq!((s.expected(), s.lost(), s.loss_runs()), (high - low + 1, missing.len() as u64, runs as u64));
        assert!(s.lost() > 300 && s.reordered > 300);
    }
}
