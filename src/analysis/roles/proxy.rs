//! What tells a proxy, and whether it keeps transactions. RFC 3261 §16.2, §16.11

use super::Station;
use crate::sip::Method;
use crate::trace::{Facts, Transaction};

/// Requests of a conversation that are looked at.
const LOOKED_AT: usize = 256;
/// A stateless proxy passes on at once what it gets.
const PASSED_ON_NS: i64 = 100_000_000;

/// A request that came in and the same one going out again with more Via values. RFC 3261 §16.6: a proxy adds a Via and leaves the tags alone.
pub(super) fn forwarded<'a>(station: &Station<'a>) -> Option<(&'a Facts, &'a Facts)> {
    let c = station.c;
    let requests = || c.firsts().filter(|(_, f)| f.is_request()).take(LOOKED_AT);
    for (at, received) in requests().filter(|(_, f)| station.receives(f)) {
        let same = |(other, f): &(u32, &Facts)| {
            station.sends(f)
                && f.method == received.method
                && f.cseq == received.cseq
                && f.vias > received.vias
                && c.leg_of(*other) == c.leg_of(at)
                && c.text(f.from_tag) == c.text(received.from_tag)
        };
        if let Some((_, sent)) = requests().find(same) {
            return Some((received, sent));
        }
    }
    None
}

/// Whether a proxy keeps transactions, and all that shows it; `None` where nothing does.
pub(super) fn state(station: &Station<'_>) -> Option<(bool, Vec<String>)> {
    let pairs = pairs(station);
    let mut told: Vec<(bool, String)> = trying(station).into_iter().collect();
    let branches = |up: &Transaction| pairs.iter().filter(|(other, _)| std::ptr::eq(*other, up)).count();
    if let Some((up, _)) = pairs.iter().find(|(up, _)| branches(up) > 1) {
        told.push((true, format!("sent one {} on to {} targets", up.method.text(), branches(up))));
    }
    told.extend(pairs.iter().find_map(|(up, down)| repeats(station, up, down)));
    told.extend(pairs.iter().find_map(|(up, down)| own_ack(station, up, down)).map(|why| (true, why)));
    // One thing that only who keeps transactions does outweighs what looks as if it did not.
    let stateful = told.iter().any(|(stateful, _)| *stateful);
    let why: Vec<String> = told.into_iter().filter(|(s, _)| *s == stateful).map(|(_, why)| why).collect();
    (!why.is_empty()).then_some((stateful, why))
}

/// Only who keeps transactions answers 100, and passes none on. RFC 3261 §16.2, §16.7 and §16.11
fn trying(station: &Station<'_>) -> Option<(bool, String)> {
    let mut received: Option<&Facts> = None;
    for (_, f) in station.c.firsts().filter(|(_, f)| f.status == 100 && f.method == Method::Invite).take(LOOKED_AT) {
        if station.receives(f) {
            received = received.or(Some(f));
        } else if station.sends(f) {
            let passed = received.is_some_and(|r| f.time.since(r.time) < PASSED_ON_NS && r.cseq == f.cseq);
            return Some(match passed {
                false => (true, "answered 100 Trying itself".to_owned()),
                true => (false, "passed a 100 Trying on".to_owned()),
            });
        }
    }
    None
}

/// Transactions that came in with the ones that they were sent on in.
fn pairs<'a>(station: &Station<'a>) -> Vec<(&'a Transaction, &'a Transaction)> {
    let c = station.c;
    let request = |t: &'a Transaction| t.request.and_then(|at| Some((at, c.at(at)?)));
    let all = || c.transactions.iter().take(LOOKED_AT).filter_map(move |t| Some((t, request(t)?)));
    let mut pairs = Vec::new();
    for (up, (at, received)) in all().filter(|(_, (_, f))| station.receives(f) && f.method != Method::Ack) {
        let sent_on = |(_, (other, f)): &(&Transaction, (u32, &Facts))| {
            station.sends(f)
                && f.method == received.method
                && f.cseq == received.cseq
                && f.vias > received.vias
                && c.leg_of(*other) == c.leg_of(at)
                && c.text(f.from_tag) == c.text(received.from_tag)
        };
        pairs.extend(all().filter(sent_on).map(|(down, _)| (up, down)));
    }
    pairs
}

/// What became of a request that was sent more than once: kept back, sent again of its own accord, or passed on each time.
fn repeats(station: &Station<'_>, up: &Transaction, down: &Transaction) -> Option<(bool, String)> {
    let c = station.c;
    let is_udp = |t: &Transaction| t.request.and_then(|at| c.at(at)).is_some_and(|f| !f.transport.is_reliable());
    let method = up.method.text();
    if is_udp(down) && down.sends > up.sends {
        return Some((true, format!("sent {method} again by a timer of its own")));
    }
    if !is_udp(up) || up.sends < 2 {
        return None;
    }
    if down.sends < up.sends {
        return Some((true, format!("kept {} repeated {method} back", up.sends - down.sends)));
    }
    let times = |t: &Transaction| -> Vec<i64> {
        let of = |f: &&Facts| c.transaction(f).is_some_and(|o| std::ptr::eq(o, t)) && f.asks(t.method) && !f.copy;
        c.facts.iter().filter(of).map(|f| f.time.0).collect()
    };
    let (came, went) = (times(up), times(down));
    let is_passed = came.len() == went.len()
        && came.iter().zip(&went).all(|(c, w)| (0..PASSED_ON_NS).contains(&w.saturating_sub(*c)));
    is_passed.then(|| (false, format!("passed a repeated {method} on each time under the same branch")))
}

/// The ACK to a response other than 2xx goes from hop to hop: who sends it before it gets one keeps transactions. RFC 3261 §17.1.1.3
fn own_ack(station: &Station<'_>, up: &Transaction, down: &Transaction) -> Option<String> {
    let at = |position: Option<u32>| position.and_then(|at| station.c.at(at));
    let own = at(down.ack).filter(|f| station.sends(f) && down.final_status >= 300)?;
    let is_first = at(up.ack).is_none_or(|theirs| theirs.index > own.index);
    is_first.then(|| format!("sent the ACK to {} itself", down.final_status))
}
