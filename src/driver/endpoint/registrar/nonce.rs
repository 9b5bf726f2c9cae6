//! Nonces: made so that nothing has to be kept of those that were never used. RFC 7616 §3.3, §5.4

use crate::base::{Entropy, Table};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::time::{Duration, Instant};

/// How long a nonce can be used.
const LIFETIME: Duration = Duration::from_secs(300);
/// Most used nonces that are remembered.
const MOST: usize = 65_536;
/// Bytes of the proof in a nonce.
const PROOF: usize = 16;

/// What a nonce is worth.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Worth {
    /// It can be used.
    Good(u64),
    /// It is ours, but too old or used up.
    Stale,
    /// It is not ours.
    Foreign,
}

#[derive(Clone, Copy, Debug, Default)]
struct Use {
    times: u32,
    last_count: u32,
}

/// Makes nonces and knows them again.
pub(super) struct Nonces {
    key: [u8; 32],
    serial: u64,
    begun: Instant,
    used: Table<u64, Use>,
    /// Nonces up to this one were used and forgotten, or might have been.
    floor: u64,
    /// How often one can be used; `None` for any number.
    stale_after: Option<u32>,
}

impl std::fmt::Debug for Nonces {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Nonces").field("serial", &self.serial).finish_non_exhaustive()
    }
}

impl Nonces {
    pub fn new(stale_after: Option<u32>, entropy: &mut Entropy, now: Instant) -> Self {
        let mut key = [0; 32];
        entropy.fill(&mut key);
        Nonces { key, serial: 0, begun: now, used: Table::new(MOST), floor: 0, stale_after }
    }

    /// Instant and number of the nonce, and the proof that it is ours.
    pub fn make(&mut self, now: Instant) -> String {
        self.serial += 1;
        let head = format!("{:012x}{:012x}", self.age(now), self.serial);
        let proof = self.proof(&head);
        format!("{head}{proof}")
    }

    /// What a nonce is worth to a request that uses it for the `count`th time (`None` without qop, where nobody counts).
    pub fn judge(&mut self, nonce: &str, count: Option<u32>, now: Instant) -> Worth {
        let Some((head, proof)) = nonce.split_at_checked(24) else { return Worth::Foreign };
        if self.proof(head) != proof {
            return Worth::Foreign;
        }
        let number = |text: Option<&str>| text.and_then(|t| u64::from_str_radix(t, 16).ok());
        let (Some(made), Some(serial)) = (number(head.get(..12)), number(head.get(12..))) else {
            return Worth::Foreign;
        };
        let limit = self.age(now).saturating_sub(LIFETIME.as_millis() as u64);
        let forget = i64::try_from(limit).unwrap_or(i64::MAX);
        while self.used.pop_before(forget).is_some() {}
        let known = self.used.get(&serial).copied();
        if made < limit || (known.is_none() && serial <= self.floor) {
            return Worth::Stale;
        }
        let Use { times, last_count } = known.unwrap_or_default();
        let is_used_up = self.stale_after.is_some_and(|most| times >= most);
        // RFC 7616 §3.4: a count that was seen before is a replay.
        if is_used_up || count.is_some_and(|count| count <= last_count) {
            return Worth::Stale;
        }
        Worth::Good(serial)
    }

    /// Notes that a nonce was used rightly. Only who knows a password comes so far: nobody else can fill the table.
    pub fn note(&mut self, serial: u64, count: Option<u32>, now: Instant) {
        let at = i64::try_from(self.age(now)).unwrap_or(i64::MAX);
        let (used, gone) = self.used.touch_or_insert(&serial, at, Use::default);
        used.times = used.times.saturating_add(1);
        used.last_count = count.unwrap_or(used.last_count);
        if let Some((gone, _)) = gone {
            self.floor = self.floor.max(gone);
        }
    }

    fn age(&self, now: Instant) -> u64 {
        u64::try_from(now.saturating_duration_since(self.begun).as_millis()).unwrap_or(u64::MAX)
    }

    fn proof(&self, head: &str) -> String {
        // Any length of key will do: RFC 2104 §3.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.key) else { return String::new() };
        mac.update(head.as_bytes());
        mac.finalize().into_bytes().iter().take(PROOF).map(|byte| format!("{byte:02x}")).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::{LIFETIME, Nonces, Worth};
    use crate::base::Entropy;
    use std::time::{Duration, Instant};

    fn nonces(stale_after: Option<u32>) -> (Nonces, Instant) {
        let now = Instant::now();
        (Nonces::new(stale_after, &mut Entropy::seeded(1), now), now)
    }

    #[test]
    fn a_nonce_is_good_once_a_count_and_for_its_lifetime() {
        let (mut n, now) = nonces(None);
        let nonce = n.make(now);
        let Worth::Good(serial) = n.judge(&nonce, Some(1), now) else { panic!("not good") };
        n.note(serial, Some(1), now);
        assert_eq!(n.judge(&nonce, Some(1), now), Worth::Stale, "a replay");
        assert_eq!(n.judge(&nonce, Some(2), now), Worth::Good(serial));
        assert_eq!(n.judge(&nonce, Some(2), now + LIFETIME), Worth::Good(serial));
        assert_eq!(n.judge(&nonce, Some(2), now + LIFETIME + Duration::from_millis(1)), Worth::Stale);
    }

    #[test]
    fn what_was_not_made_here_is_foreign() {
        let (mut n, now) = nonces(None);
        let nonce = n.make(now);
        let (mut other, _) = (Nonces::new(None, &mut Entropy::seeded(2), now), ());
        assert_eq!(other.judge(&nonce, None, now), Worth::Foreign);
        for wrong in [
            "",
            "x",
            &nonce[1..],
            &nonce.replace('0', "1"),
            "\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}",
        ] {
            assert_eq!(n.judge(wrong, None, now), Worth::Foreign, "{wrong}");
        }
    }

    #[test]
    fn a_nonce_is_used_up_after_so_many_times() {
        let (mut n, now) = nonces(Some(2));
        let nonce = n.make(now);
        for _ in 0..2 {
            let Worth::Good(serial) = n.judge(&nonce, None, now) else { panic!("not good") };
            n.note(serial, None, now);
        }
        assert_eq!(n.judge(&nonce, None, now), Worth::Stale);
        let fresh = n.make(now);
        assert!(matches!(n.judge(&fresh, None, now), Worth::Good(_)));
    }
}
