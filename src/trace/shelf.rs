//! Where open conversations stand: found by key, let go when nothing more is to be expected of them.

use super::conversation::Conversation;
use super::keys::Keys;
use crate::base::Timestamp;
use std::collections::{BTreeMap, HashMap};
use std::hint::black_box;

/// A conversation's place on the shelf; good until the conversation leaves it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub struct Place(u32);

#[derive(Debug)]
struct Slot {
    /// Boxed, so that a place is small, and nothing is copied when it goes on to whoever judges it.
    conversation: Option<Box<Conversation>>,
    /// Keys under which it is found, the first its own.
    keys: smallvec::SmallVec<[u64; 2]>,
    due: i64,
}

/// Length of an ageing step.
const STEP_NS: i64 = 1_000_000_000;

/// Open conversations under a cap, each with the instant at which it is looked at again.
///
/// The instants are sorted into steps of a second, and a conversation is moved to a later step only when its own comes
/// up: a message costs no more than a look-up, whatever the number of conversations.
#[derive(Debug)]
pub struct Shelf {
    places: HashMap<u64, Place, foldhash::fast::RandomState>,
    slots: Vec<Slot>,
    free: Vec<u32>,
    due: BTreeMap<i64, Vec<u32>>,
    cap: usize,
    open: usize,
    /// Places that are looked at ahead of time, each with the key of a transaction there.
    known: Vec<(Place, u64)>,
    /// The step whose conversations were looked at last.
    near: Option<i64>,
    /// The places that were filled last, in a ring.
    latest: [Place; LATEST],
    /// How many were ever filled.
    filled: usize,
}

/// Conversations among which one is looked for that has no key for what came.
const LATEST: usize = 64;

/// Looks at the ends of a conversation's lists, where the next message is put.
fn look_at_ends(c: &Conversation, _: u64) -> u64 {
    let latest = c.facts.last().map_or(0, |f| f.index.wrapping_add(u64::from(f.size)));
    let kept = c.transaction_keys.last().copied().unwrap_or(0);
    let field = c.fields.last().map_or(0, |f| u64::from(f.value.start));
    [kept, c.texts.latest(), field].into_iter().fold(latest, u64::wrapping_add)
}

/// Looks at the transaction of the next message, and at the message before it there. Tags and type are compared with those of the last message.
fn look_at_transaction(c: &Conversation, key: u64) -> u64 {
    let at = c.transaction_keys.iter().rposition(|&k| k == key).unwrap_or(c.transaction_keys.len().saturating_sub(1));
    let before = c.transactions.get(at).map_or(0, |t| t.latest);
    let status = c.at(before).map_or(0, |f| u64::from(f.status));
    let first = |span| c.text(span).first().copied().map_or(0, u64::from);
    let texts = c.facts.last().map_or(0, |f| first(f.from_tag) + first(f.to_tag) + first(f.content_type));
    status + texts
}

impl Shelf {
    /// An empty shelf for `cap` conversations.
    #[must_use]
    pub fn new(cap: usize) -> Self {
        Shelf {
            places: HashMap::default(),
            slots: Vec::new(),
            free: Vec::new(),
            due: BTreeMap::new(),
            cap: cap.max(1),
            open: 0,
            known: Vec::new(),
            near: None,
            latest: [Place(u32::MAX); LATEST],
            filled: 0,
        }
    }

    /// How many conversations are open.
    #[must_use]
    pub fn len(&self) -> usize {
        self.open
    }

    /// Whether none is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.open == 0
    }

    /// Whether one must go before another comes.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.open >= self.cap
    }

    /// Where the conversation of `key` stands.
    #[must_use]
    pub fn find(&self, key: u64) -> Option<Place> {
        self.places.get(&key).copied()
    }

    /// The conversation at `place`.
    #[must_use]
    pub fn at(&mut self, place: Place) -> Option<&mut Conversation> {
        self.slots.get_mut(place.0 as usize)?.conversation.as_deref_mut()
    }

    /// Looks at what the messages with these keys will touch, so that it is near by then. Each round looks at what the one before it has brought near:
    /// within a round nothing waits for anything else.
    pub fn warm<'k>(&mut self, keys: impl Iterator<Item = &'k Keys>) {
        let mut known = std::mem::take(&mut self.known);
        known.clear();
        known.extend(keys.filter_map(|key| Some((*self.places.get(&key.call)?, key.transaction))));
        let conversations = || known.iter().filter_map(|(place, key)| Some((self.peek(*place)?, *key)));
        let looks: [fn(&Conversation, u64) -> u64; 3] = [
            |c, _| u64::from(c.id as u32) + c.facts.len() as u64 + c.texts.len() as u64 + c.touched.0 as u64,
            look_at_ends,
            look_at_transaction,
        ];
        for look in looks {
            black_box(conversations().map(|(c, key)| look(c, key)).fold(0, u64::wrapping_add));
        }
        self.known = known;
    }

    /// The conversation at `place`, only to be looked at.
    #[must_use]
    pub fn peek(&self, place: Place) -> Option<&Conversation> {
        self.slots.get(place.0 as usize)?.conversation.as_deref()
    }

    /// The conversation, among those put here last, that waits for the answer to a transaction. A response is looked for there that has the Call-ID and
    /// the branch of its request, and otherwise not what it should.
    #[must_use]
    pub fn waiting_for(&self, transaction: u64, call_id: &[u8]) -> Option<Place> {
        let newest_first = (0..self.filled.min(LATEST)).map(|back| self.latest[(self.filled - 1 - back) % LATEST]);
        let waits = |c: &Conversation| {
            let asked = c.transaction_keys.iter().zip(&c.transactions);
            let mut asked = asked.filter(|(key, t)| **key == transaction && t.request.is_some() && t.final_status == 0);
            asked.next().is_some() && c.text(c.call_id) == call_id
        };
        newest_first.into_iter().find(|&place| self.peek(place).is_some_and(waits))
    }

    /// Puts a conversation on the shelf, to be looked at again at `due`.
    pub fn put(&mut self, key: u64, conversation: Box<Conversation>, due: Timestamp) -> Place {
        let slot = Slot { conversation: Some(conversation), keys: smallvec::smallvec![key], due: due.0 };
        let at = match self.free.pop() {
            Some(at) => {
                self.slots[at as usize] = slot;
                at
            }
            None => {
                self.slots.push(slot);
                (self.slots.len() - 1) as u32
            }
        };
        self.open += 1;
        self.latest[self.filled % LATEST] = Place(at);
        self.filled += 1;
        self.places.insert(key, Place(at));
        self.due.entry(due.0.div_euclid(STEP_NS)).or_default().push(at);
        Place(at)
    }

    /// Lets the conversation at `place` be found by `key` too.
    pub fn also(&mut self, key: u64, place: Place) {
        let Some(slot) = self.slots.get_mut(place.0 as usize) else { return };
        if slot.conversation.is_some() && slot.keys.len() < 64 && self.places.insert(key, place).is_none() {
            slot.keys.push(key);
        }
    }

    /// Takes the conversation of a slot that is in no step any more.
    fn take(&mut self, at: u32) -> Option<Box<Conversation>> {
        let slot = self.slots.get_mut(at as usize)?;
        let conversation = slot.conversation.take()?;
        for key in slot.keys.drain(..) {
            self.places.remove(&key);
        }
        self.free.push(at);
        self.open -= 1;
        Some(conversation)
    }

    /// Takes the conversation at `place` off the shelf before it is due.
    pub fn take_now(&mut self, place: Place) -> Option<Box<Conversation>> {
        let step = self.slots.get(place.0 as usize)?.due.div_euclid(STEP_NS);
        if let Some(bucket) = self.due.get_mut(&step) {
            bucket.retain(|&at| at != place.0);
        }
        self.take(place.0)
    }

    /// Takes the next conversation that is over by `now`: `end_of` says until when one is to be kept.
    pub fn pop_due(
        &mut self,
        now: Timestamp,
        end_of: impl Fn(&Conversation) -> Timestamp,
    ) -> Option<Box<Conversation>> {
        loop {
            let step = *self.due.keys().next()?;
            if (step + 1).saturating_mul(STEP_NS) > now.0 {
                return None;
            }
            if self.near != Some(step) {
                self.near = Some(step);
                self.look_at_step(step);
            }
            let Some(at) = self.due.get_mut(&step).and_then(Vec::pop) else {
                self.due.remove(&step);
                continue;
            };
            let Some(slot) = self.slots.get_mut(at as usize) else { continue };
            let Some(conversation) = slot.conversation.as_ref() else { continue };
            let end = end_of(conversation);
            if end.0 > now.0 {
                slot.due = end.0;
                self.due.entry(end.0.div_euclid(STEP_NS)).or_default().push(at);
                continue;
            }
            return self.take(at);
        }
    }

    /// Looks at the conversations of a step, all of them together, since none was touched for long: see [`Shelf::warm`].
    fn look_at_step(&self, step: i64) {
        let places = self.due.get(&step).map_or(&[][..], Vec::as_slice);
        let conversations = || places.iter().filter_map(|&at| self.peek(Place(at)));
        black_box(conversations().map(|c| c.touched.0 as u64 + c.transactions.len() as u64).fold(0, u64::wrapping_add));
        let all = conversations().flat_map(|c| &c.transactions);
        black_box(all.map(|t| u64::from(t.final_status)).fold(0, u64::wrapping_add));
    }

    /// Takes the conversation that is due first, whenever that is.
    pub fn pop_first(&mut self) -> Option<Box<Conversation>> {
        loop {
            let mut bucket = self.due.first_entry()?;
            match bucket.get_mut().pop() {
                Some(at) => {
                    if let Some(conversation) = self.take(at) {
                        return Some(conversation);
                    }
                }
                None => {
                    bucket.remove();
                }
            }
        }
    }

    /// The places of all that are open, by kind and number. Their instants are forgotten: each is to be taken by [`Shelf::take_last`].
    pub fn rest(&mut self) -> Vec<Place> {
        self.due.clear();
        let all = self.slots.iter().enumerate();
        let mut rest: Vec<_> =
            all.filter_map(|(at, s)| s.conversation.as_ref().map(|c| (c.kind, c.id, at as u32))).collect();
        rest.sort_unstable();
        rest.into_iter().map(|(_, _, at)| Place(at)).collect()
    }

    /// Takes a conversation of [`Shelf::rest`].
    pub fn take_last(&mut self, place: Place) -> Option<Box<Conversation>> {
        self.take(place.0)
    }

    /// Every open conversation, in no order.
    pub fn iter(&self) -> impl Iterator<Item = &Conversation> {
        self.slots.iter().filter_map(|s| s.conversation.as_deref())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::Kind;

    fn secs(n: i64) -> Timestamp {
        Timestamp(n * STEP_NS)
    }

    #[test]
    fn what_is_due_leaves_and_what_was_prolonged_stays() {
        let mut shelf = Shelf::new(8);
        for id in 1..=3 {
            shelf.put(id, Box::new(Conversation::new(Kind::Call, id)), secs(10));
        }
        let end = |c: &Conversation| if c.id == 2 { secs(50) } else { secs(10) };
        assert!(shelf.pop_due(secs(9), end).is_none());
        let mut gone: Vec<u64> = std::iter::from_fn(|| shelf.pop_due(secs(20), end)).map(|c| c.id).collect();
        gone.sort_unstable();
        assert_eq!((gone, shelf.len()), (vec![1, 3], 1));
        assert!(shelf.find(1).is_none() && shelf.find(2).is_some());
        assert_eq!(shelf.pop_due(secs(60), end).map(|c| c.id), Some(2));
    }

    #[test]
    fn a_conversation_is_found_by_all_its_keys_until_it_leaves() {
        let mut shelf = Shelf::new(1);
        let place = shelf.put(7, Box::new(Conversation::new(Kind::Exchange, 1)), secs(1));
        shelf.also(8, place);
        assert!(shelf.is_full());
        assert_eq!(shelf.find(8), Some(place));
        assert_eq!(shelf.pop_first().map(|c| c.id), Some(1));
        assert!(shelf.find(7).is_none() && shelf.find(8).is_none() && shelf.is_empty());
    }
}
