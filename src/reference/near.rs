//! Which known words are near to one that is not known.

/// Longest word that is compared.
const MOST: usize = 40;

/// Up to `count` of `known` that are near `typed`, the nearest first: few letters changed, or one the start of the other.
pub fn near<'a>(typed: &str, known: impl Iterator<Item = &'a str>, count: usize) -> Vec<&'a str> {
    let typed: Vec<char> = typed.to_lowercase().chars().take(MOST).collect();
    let most = (typed.len() / 3).clamp(1, 4);
    let mut found: Vec<(usize, &str)> = Vec::new();
    for word in known {
        let letters: Vec<char> = word.to_lowercase().chars().take(MOST).collect();
        // A word begun, or gone beyond by less than its own length.
        let is_begun = typed.len() >= 3 && letters.starts_with(&typed);
        let begins = is_begun || (letters.len() >= 3 && letters.len() * 2 > typed.len() && typed.starts_with(&letters));
        let away = if begins { 1 } else { distance(&typed, &letters) };
        if away <= most && !found.iter().any(|&(_, other)| other == word) {
            found.push((away, word));
        }
    }
    found.sort_by_key(|&(away, _)| away);
    found.into_iter().take(count).map(|(_, word)| word).collect()
}

/// How many letters have to be put in, taken out, changed or swapped with their neighbour (Damerau and Levenshtein).
fn distance(a: &[char], b: &[char]) -> usize {
    let mut before: Vec<usize> = vec![0; b.len() + 1];
    let mut above: Vec<usize> = (0..=b.len()).collect();
    for (i, &from) in a.iter().enumerate() {
        let mut row = vec![i + 1; b.len() + 1];
        for (j, &to) in b.iter().enumerate() {
            let change = above[j] + usize::from(from != to);
            row[j + 1] = change.min(above[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && from == b[j - 1] && a[i - 1] == to {
                row[j + 1] = row[j + 1].min(before[j - 1] + 1);
            }
        }
        before = std::mem::replace(&mut above, row);
    }
    above[b.len()]
}

#[cfg(test)]
mod tests {
    use super::{distance, near};

    #[test]
    fn near_words_come_nearest_first() {
        let known = ["INVITE", "INFO", "Via", "retransmission", "rtp-loss", "Contact"];
        let near = |typed: &str| near(typed, known.into_iter(), 3);
        assert_eq!(near("INVTIE"), ["INVITE"]);
        assert_eq!(near("retransmissions"), ["retransmission"]);
        assert_eq!(near("contcat"), ["Contact"]);
        assert_eq!(near("rtp-los"), ["rtp-loss"]);
        assert_eq!(near("frobnicate"), [""; 0]);
        assert_eq!(near(""), [""; 0]);
    }

    #[test]
    fn letters_are_counted_as_changed_swapped_or_missing() {
        let of = |a: &str, b: &str| distance(&a.chars().collect::<Vec<_>>(), &b.chars().collect::<Vec<_>>());
        assert_eq!((of("abc", "acb"), of("abc", "abd"), of("abc", "ab"), of("", "abc")), (1, 1, 1, 3));
        assert_eq!(of("kitten", "sitting"), 3);
    }
}
