//! How each address answered what was sent to it.

use super::decode::Peer;
use crate::base::Endpoint;
use crate::sip::Method;
use crate::trace::Conversation;
use std::collections::BTreeMap;

/// Addresses that are told apart.
const PEERS_CAP: usize = 16_384;
/// Reply times that are kept of one address.
const TIMES_CAP: usize = 4_096;

#[derive(Clone, Debug, Default)]
struct Account {
    attempts: u64,
    answered: u64,
    no_reply: u64,
    replies_ns: Vec<i64>,
    codes: BTreeMap<u16, u64>,
}

/// Every address that requests were sent to.
#[derive(Clone, Debug, Default)]
pub struct Peers {
    accounts: BTreeMap<Endpoint, Account>,
    /// Transactions that are not told because there are too many addresses.
    pub left_out: u64,
}

impl Peers {
    /// Takes the transactions of a conversation in.
    pub fn add(&mut self, c: &Conversation) {
        for t in c.transactions.iter().filter(|t| t.method != Method::Ack && t.request.is_some()) {
            if self.accounts.len() >= PEERS_CAP && !self.accounts.contains_key(&t.flow.dst) {
                self.left_out += 1;
                continue;
            }
            let account = self.accounts.entry(t.flow.dst).or_default();
            account.attempts += 1;
            account.no_reply += u64::from(t.first_response.is_none());
            if t.final_status != 0 {
                account.answered += 1;
                *account.codes.entry(t.final_status).or_default() += 1;
            }
            let times = (t.request.and_then(|p| c.at(p)), t.first_response.and_then(|p| c.at(p)));
            if let (Some(request), Some(response)) = times
                && account.replies_ns.len() < TIMES_CAP
            {
                account.replies_ns.push(response.time.since(request.time).max(0));
            }
        }
    }

    /// All of them, by address.
    #[must_use]
    pub fn told(mut self) -> Vec<Peer> {
        let accounts = std::mem::take(&mut self.accounts);
        let told = accounts.into_iter().map(|(address, mut a)| Peer {
            address: address.to_string(),
            attempts: a.attempts,
            answered: a.answered,
            no_reply: a.no_reply,
            median_reply_ms: median(&mut a.replies_ns).map(|ns| ns / 1e6),
            codes: a.codes.into_iter().map(|(code, n)| (code.to_string(), n)).collect(),
        });
        told.collect()
    }
}

fn median(all: &mut [i64]) -> Option<f64> {
    all.sort_unstable();
    let middle = all.len() / 2;
    let upper = *all.get(middle)? as f64;
    match all.len() % 2 {
        1 => Some(upper),
        _ => Some((upper + *all.get(middle.checked_sub(1)?)? as f64) / 2.0),
    }
}

#[cfg(test)]
mod tests {
    use super::median;

    #[test]
    fn the_median_of_an_even_number_lies_between_the_middle_two() {
        assert_eq!(median(&mut [5, 1, 3]), Some(3.0));
        assert_eq!(median(&mut [4, 1, 3, 2]), Some(2.5));
        assert_eq!(median(&mut []), None);
    }
}
