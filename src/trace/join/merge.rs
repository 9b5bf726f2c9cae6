//! Legs put together to one conversation: messages in order of the run, everything that names a place moved along.

use super::{Evidence, Joined, JoinedLeg, Link, Member};
use crate::base::{Span, Timestamp};
use crate::sip::Method;
use crate::trace::{Conversation, Facts, Transaction};

/// ICMP errors kept of a call.
const UNREACHABLE_CAP: usize = 64;
/// Answers, and ends, of two legs that belong together follow each other within this time.
const TOGETHER_NS: i64 = 1_000_000_000;

/// What changes place when legs are put together: for each leg, old position to new.
struct Moves {
    facts: Vec<Vec<u32>>,
    transactions: Vec<Vec<u32>>,
}

impl Moves {
    fn fact(&self, leg: usize, at: u32) -> u32 {
        self.facts.get(leg).and_then(|moved| moved.get(at as usize)).copied().unwrap_or(at)
    }

    fn transaction(&self, leg: usize, at: u32) -> u32 {
        self.transactions.get(leg).and_then(|moved| moved.get(at as usize)).copied().unwrap_or(at)
    }
}

/// The legs as one conversation, which keeps the names of the first. `members` says what ties them.
pub(super) fn merge(mut legs: Vec<Conversation>, members: &[Member]) -> Conversation {
    let begun = |c: &Conversation| c.facts.first().map_or(u64::MAX, |f| f.index);
    legs.sort_by_key(begun);
    let links: Vec<Option<Link>> = legs.iter().map(|c| link(c, &legs, members)).collect();
    let (facts, order) = moved_facts(&legs);
    let mut moves = Moves { facts, transactions: Vec::new() };
    moves.transactions = moved_transactions(&legs, &moves);
    let mut whole = Conversation::new(crate::trace::Kind::Call, legs.first().map_or(0, |c| c.id));
    let mut joined = Joined { legs: Vec::with_capacity(legs.len()), of: order };
    for ((number, mut leg), link) in legs.into_iter().enumerate().zip(links) {
        let by = whole.texts.absorb(&leg.texts);
        let moved = |span: Span| if span.is_empty() { Span::NONE } else { span.shifted(by) };
        if number == 0 {
            (whole.call_id, whole.from, whole.to) = (leg.call_id, leg.from, leg.to);
            (whole.from_display, whole.to_display) = (leg.from_display, leg.to_display);
        }
        joined.legs.push(JoinedLeg { call_id: moved(leg.call_id), link });
        let fields = whole.fields.len() as u32;
        whole.fields.extend(leg.fields.iter().map(|f| crate::trace::facts::KeptField { value: moved(f.value), ..*f }));
        let sdps = take_sdps(&mut whole, &mut leg);
        for facts in &mut leg.facts {
            move_facts(facts, &moved, number, &moves);
            facts.fields_start += fields;
            facts.sdp = facts.sdp.and_then(|at| sdps.get(usize::from(at)).copied().flatten());
        }
        for transaction in &mut leg.transactions {
            move_transaction(transaction, &moved, number, &moves);
        }
        whole.facts.append(&mut leg.facts);
        whole.raw.append(&mut leg.raw);
        whole.transactions.append(&mut leg.transactions);
        whole.transaction_keys.append(&mut leg.transaction_keys);
        whole.unreachable.append(&mut leg.unreachable);
        whole.has_basic |= leg.has_basic;
        whole.touched = whole.touched.max(leg.touched);
    }
    sort(&mut whole, &moves);
    whole.unreachable.truncate(UNREACHABLE_CAP);
    whole.joined = Some(Box::new(joined));
    whole
}

/// What ties a leg to an earlier one.
fn link(c: &Conversation, legs: &[Conversation], members: &[Member]) -> Option<Link> {
    let begun = c.facts.first()?.index;
    let (to, weighed) = members.iter().find(|m| m.leg.begun == begun)?.link.as_ref()?;
    let to = legs.iter().position(|leg| leg.facts.first().is_some_and(|f| f.index == *to))?;
    let mut evidence = weighed.evidence.to_vec();
    if let Some(parent) = legs.get(to) {
        evidence.extend(seen_later(c, parent));
    }
    Some(Link { to, score: weighed.score(), evidence })
}

/// What the legs have in common that was not known when they were joined.
fn seen_later(c: &Conversation, parent: &Conversation) -> impl Iterator<Item = Evidence> {
    let answered = |c: &Conversation| {
        let is_answer = |f: &&Facts| !f.is_request() && f.cseq_method == Method::Invite && f.is_success();
        c.facts.iter().find(is_answer).map(|f| f.time)
    };
    let ended = |c: &Conversation| c.facts.iter().find(|f| f.asks(Method::Bye)).map(|f| f.time);
    let together = |a: Option<Timestamp>, b: Option<Timestamp>, in_order: bool| {
        let apart = a.zip(b).map(|(a, b)| b.since(a));
        apart.is_some_and(|ns| ns.abs() < TOGETHER_NS && (!in_order || ns >= 0))
    };
    let answers = together(answered(c), answered(parent), true).then_some(Evidence::AnsweredTogether);
    let ends = together(ended(c), ended(parent), false).then_some(Evidence::EndedTogether);
    answers.into_iter().chain(ends)
}

/// Where each message goes, and the leg of each message in the new order.
fn moved_facts(legs: &[Conversation]) -> (Vec<Vec<u32>>, Vec<u8>) {
    let mut all: Vec<(u64, u8, u32)> = Vec::new();
    for (leg, number) in legs.iter().zip(0u8..) {
        all.extend(leg.facts.iter().zip(0u32..).map(|(f, at)| (f.index, number, at)));
    }
    all.sort_unstable();
    let mut moved: Vec<Vec<u32>> = legs.iter().map(|c| vec![0; c.facts.len()]).collect();
    for (&(_, leg, at), new) in all.iter().zip(0u32..) {
        if let Some(slot) = moved.get_mut(usize::from(leg)).and_then(|m| m.get_mut(at as usize)) {
            *slot = new;
        }
    }
    (moved, all.into_iter().map(|(_, leg, _)| leg).collect())
}

/// Where each transaction goes: in order of its first message.
fn moved_transactions(legs: &[Conversation], moves: &Moves) -> Vec<Vec<u32>> {
    let mut all: Vec<(u32, usize, u32)> = Vec::new();
    for (number, leg) in legs.iter().enumerate() {
        let begin =
            |t: &Transaction| t.request.into_iter().chain(t.first_response).chain([t.latest]).min().unwrap_or(0);
        all.extend(leg.transactions.iter().zip(0u32..).map(|(t, at)| (moves.fact(number, begin(t)), number, at)));
    }
    all.sort_unstable();
    let mut moved: Vec<Vec<u32>> = legs.iter().map(|c| vec![0; c.transactions.len()]).collect();
    for (&(_, leg, at), new) in all.iter().zip(0u32..) {
        if let Some(slot) = moved.get_mut(leg).and_then(|m| m.get_mut(at as usize)) {
            *slot = new;
        }
    }
    moved
}

/// Moves the descriptions over, each different one once; gives the new place of each.
fn take_sdps(whole: &mut Conversation, leg: &mut Conversation) -> Vec<Option<u8>> {
    let own = leg.sdps.drain(..).zip(leg.sdp_keys.drain(..));
    let place = |(sdp, key)| {
        let known = whole.sdp_keys.iter().position(|&k| k == key);
        let at = known.unwrap_or(whole.sdps.len());
        let place = u8::try_from(at).ok()?;
        if known.is_none() {
            whole.sdps.push(sdp);
            whole.sdp_keys.push(key);
        }
        Some(place)
    };
    own.map(place).collect()
}

fn move_facts(facts: &mut Facts, moved: &impl Fn(Span) -> Span, leg: usize, moves: &Moves) {
    for span in [&mut facts.uri_or_reason, &mut facts.from_tag, &mut facts.to_tag, &mut facts.content_type] {
        *span = moved(*span);
    }
    if let Some(rare) = facts.rare.as_mut() {
        rare.method_text = moved(rare.method_text);
        rare.fragment = moved(rare.fragment);
    }
    facts.transaction = moves.transaction(leg, facts.transaction);
    facts.before = moves.fact(leg, facts.before);
    facts.repeats = facts.repeats.map(|at| moves.fact(leg, at));
}

fn move_transaction(t: &mut Transaction, moved: &impl Fn(Span) -> Span, leg: usize, moves: &Moves) {
    t.branch = moved(t.branch);
    t.sent_by = moved(t.sent_by);
    t.latest = moves.fact(leg, t.latest);
    for at in [&mut t.request, &mut t.first_response, &mut t.first_progress, &mut t.final_response, &mut t.ack] {
        *at = at.map(|at| moves.fact(leg, at));
    }
}

/// Brings messages and transactions, which stand leg by leg, into their new order.
fn sort(whole: &mut Conversation, moves: &Moves) {
    let facts = moves.facts.iter().flatten().copied();
    if !whole.raw.is_empty() && whole.raw.len() == whole.facts.len() {
        whole.raw = ordered(std::mem::take(&mut whole.raw), facts.clone());
    }
    whole.facts = ordered(std::mem::take(&mut whole.facts), facts);
    let transactions = || moves.transactions.iter().flatten().copied();
    whole.transaction_keys = ordered(std::mem::take(&mut whole.transaction_keys), transactions());
    whole.transactions = ordered(std::mem::take(&mut whole.transactions), transactions());
}

fn ordered<T>(items: Vec<T>, places: impl Iterator<Item = u32>) -> Vec<T> {
    let mut all: Vec<(u32, T)> = places.zip(items).collect();
    all.sort_unstable_by_key(|(place, _)| *place);
    all.into_iter().map(|(_, item)| item).collect()
}
