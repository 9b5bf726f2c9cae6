//! The order of SRV records. RFC 2782, "Usage rules" and the definition of Weight

use crate::base::Entropy;

/// Puts records in the order in which they are tried: by priority, and within one priority by a draw in which a record
/// comes next in proportion to its weight.
pub(super) fn order<T>(mut records: Vec<T>, rank: impl Fn(&T) -> (u16, u16), entropy: &mut Entropy) -> Vec<T> {
    // RFC 2782: records of weight 0 stand before the others, so that they have a very small chance to come first.
    records.sort_by_key(|record| {
        let (priority, weight) = rank(record);
        (priority, weight != 0)
    });
    let mut ordered = Vec::with_capacity(records.len());
    while let Some(first) = records.first() {
        let priority = rank(first).0;
        let alike = records.iter().take_while(|record| rank(record).0 == priority);
        let total: u64 = alike.map(|record| u64::from(rank(record).1)).sum();
        // A number from 0 to the sum of weights, both included; the first whose running sum reaches it is next.
        let drawn = entropy.below(total + 1);
        let mut running = 0;
        let at = records.iter().position(|record| {
            running += u64::from(rank(record).1);
            running >= drawn
        });
        ordered.push(records.remove(at.unwrap_or(0)));
    }
    ordered
}

#[cfg(test)]
mod tests {
    use super::order;
    use crate::base::Entropy;

    /// Draws of RFC 2782 for weights 60, 30, 10 and 0: of the 101 numbers from 0 to 100, 60 fall to the first, 30 to the
    /// second, 10 to the third and one (the 0) to the last.
    #[test]
    fn weights_are_met_over_ten_thousand_draws() {
        let mut entropy = Entropy::seeded(2782);
        let mut firsts = [0u32; 4];
        let weights = [60u16, 30, 10, 0];
        let draws = 10_000;
        for _ in 0..draws {
            let ordered = order(vec![0usize, 1, 2, 3], |&at| (10, weights[at]), &mut entropy);
            firsts[ordered[0]] += 1;
            let mut all = ordered;
            all.sort_unstable();
            assert_eq!(all, [0, 1, 2, 3]);
        }
        for (seen, share) in firsts.into_iter().zip([60.0, 30.0, 10.0, 1.0]) {
            let p = share / 101.0;
            let expected = f64::from(draws) * p;
            let deviation = (f64::from(draws) * p * (1.0 - p)).sqrt();
            assert!((f64::from(seen) - expected).abs() < 4.5 * deviation, "{firsts:?}");
        }
    }

    #[test]
    fn the_second_is_drawn_from_what_is_left() {
        let mut entropy = Entropy::seeded(1);
        let weights = [1u16, 3, 1000];
        let mut seconds = [0u32; 3];
        for _ in 0..4000 {
            let ordered = order(vec![0usize, 1, 2], |&at| (1, weights[at]), &mut entropy);
            if ordered[0] == 2 {
                seconds[ordered[1]] += 1;
            }
        }
        // Of 0..=4: 0 and 1 fall to the first, 2, 3 and 4 to the second.
        let share = f64::from(seconds[1]) / f64::from(seconds[0] + seconds[1]);
        assert!((share - 0.6).abs() < 0.05, "{seconds:?}");
    }

    #[test]
    fn priority_comes_before_weight() {
        let mut entropy = Entropy::seeded(7);
        for _ in 0..200 {
            let records = vec![(20u16, 65535u16), (10, 0), (10, 65535), (5, 1), (20, 0)];
            let ordered = order(records, |&r| r, &mut entropy);
            let priorities: Vec<u16> = ordered.iter().map(|r| r.0).collect();
            assert_eq!(priorities, [5, 10, 10, 20, 20]);
        }
        assert_eq!(order(Vec::<(u16, u16)>::new(), |&r| r, &mut entropy), []);
    }
}
