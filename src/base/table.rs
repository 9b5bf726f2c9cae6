//! A keyed table that cannot grow past its cap: what the network keys, the network must not be able to fill.

use std::collections::HashMap;
use std::hash::Hash;

/// A map with at most `cap` entries. When it is full the oldest-touched entry goes, and the loss is counted.
///
/// Entries are linked in order of last touch, so that both eviction and ageing cost the same whatever the size.
#[derive(Debug)]
pub struct Table<K, V> {
    places: HashMap<K, u32, foldhash::fast::RandomState>,
    slots: Vec<Slot<K, V>>,
    free: Vec<u32>,
    oldest: u32,
    newest: u32,
    cap: usize,
    evicted: u64,
}

#[derive(Debug)]
struct Slot<K, V> {
    entry: Option<(K, V)>,
    older: u32,
    newer: u32,
    touched: i64,
}

const END: u32 = u32::MAX;

impl<K: Hash + Eq + Clone, V> Table<K, V> {
    /// An empty table for at most `cap` entries (at least one).
    #[must_use]
    pub fn new(cap: usize) -> Self {
        Table {
            places: HashMap::default(),
            slots: Vec::new(),
            free: Vec::new(),
            oldest: END,
            newest: END,
            cap: cap.clamp(1, END as usize - 1),
            evicted: 0,
        }
    }

    /// How many entries there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether there is no entry.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// How many entries had to go because the table was full.
    #[must_use]
    pub fn evicted(&self) -> u64 {
        self.evicted
    }

    /// The entry of `key`, left where it is in the order of touch.
    #[must_use]
    pub fn get(&self, key: &K) -> Option<&V> {
        let slot = *self.places.get(key)?;
        self.slots[slot as usize].entry.as_ref().map(|(_, v)| v)
    }

    /// The entry of `key`, to be changed, left where it is in the order of touch.
    pub fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        let slot = *self.places.get(key)?;
        self.slots.get_mut(slot as usize)?.entry.as_mut().map(|(_, v)| v)
    }

    /// The entry of `key`, touched at `now` (any monotone number).
    pub fn touch(&mut self, key: &K, now: i64) -> Option<&mut V> {
        let slot = *self.places.get(key)?;
        self.unlink(slot);
        self.link_newest(slot, now);
        self.slots[slot as usize].entry.as_mut().map(|(_, v)| v)
    }

    /// The entry of `key`, made by `make` where there is none; touched at `now`. The second is what had to go for it.
    pub fn touch_or_insert(&mut self, key: &K, now: i64, make: impl FnOnce() -> V) -> (&mut V, Option<(K, V)>) {
        let mut gone = None;
        let slot = match self.places.get(key) {
            Some(&slot) => {
                self.unlink(slot);
                slot
            }
            None => {
                if self.places.len() >= self.cap {
                    gone = self.pop_oldest();
                    self.evicted += u64::from(gone.is_some());
                }
                let slot = self.free.pop().unwrap_or_else(|| {
                    self.slots.push(Slot { entry: None, older: END, newer: END, touched: now });
                    (self.slots.len() - 1) as u32
                });
                self.places.insert(key.clone(), slot);
                slot
            }
        };
        self.link_newest(slot, now);
        let entry = &mut self.slots[slot as usize].entry;
        (&mut entry.get_or_insert_with(|| (key.clone(), make())).1, gone)
    }

    /// Takes the entry of `key` out.
    pub fn remove(&mut self, key: &K) -> Option<V> {
        let slot = self.places.remove(key)?;
        self.unlink(slot);
        self.free.push(slot);
        self.slots[slot as usize].entry.take().map(|(_, v)| v)
    }

    /// Takes out the entry that has gone longest without a touch, if that was before `limit`.
    pub fn pop_before(&mut self, limit: i64) -> Option<(K, V)> {
        if self.oldest == END || self.slots[self.oldest as usize].touched >= limit {
            return None;
        }
        self.pop_oldest()
    }

    /// Takes out the entry that has gone longest without a touch.
    pub fn pop_oldest(&mut self) -> Option<(K, V)> {
        if self.oldest == END {
            return None;
        }
        let slot = self.oldest;
        self.unlink(slot);
        self.free.push(slot);
        let entry = self.slots[slot as usize].entry.take()?;
        self.places.remove(&entry.0);
        Some(entry)
    }

    /// Every entry, oldest touch first.
    pub fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        let mut at = self.oldest;
        std::iter::from_fn(move || {
            let slot = self.slots.get(at as usize)?;
            at = slot.newer;
            slot.entry.as_ref().map(|(k, v)| (k, v))
        })
    }

    fn unlink(&mut self, slot: u32) {
        let (older, newer) = (self.slots[slot as usize].older, self.slots[slot as usize].newer);
        match self.slots.get_mut(older as usize) {
            Some(o) => o.newer = newer,
            None => self.oldest = newer,
        }
        match self.slots.get_mut(newer as usize) {
            Some(n) => n.older = older,
            None => self.newest = older,
        }
    }

    fn link_newest(&mut self, slot: u32, now: i64) {
        let newest = self.newest;
        let s = &mut self.slots[slot as usize];
        (s.older, s.newer, s.touched) = (newest, END, now);
        match self.slots.get_mut(newest as usize) {
            Some(n) => n.newer = slot,
            None => self.oldest = slot,
        }
        self.newest = slot;
    }
}

#[cfg(test)]
mod tests {
    use super::Table;

    #[test]
    fn a_full_table_lets_the_oldest_touched_go_and_counts_it() {
        let mut t = Table::new(2);
        assert!(t.touch_or_insert(&1, 10, || 'a').1.is_none());
        assert!(t.touch_or_insert(&2, 11, || 'b').1.is_none());
        assert_eq!(t.touch(&1, 12), Some(&mut 'a'));
        assert_eq!(t.touch_or_insert(&3, 13, || 'c').1, Some((2, 'b')));
        assert_eq!((t.len(), t.evicted()), (2, 1));
        assert_eq!(t.iter().map(|(k, _)| *k).collect::<Vec<_>>(), [1, 3]);
    }

    #[test]
    fn ageing_takes_only_what_was_not_touched_since() {
        let mut t = Table::new(9);
        for k in 0..4 {
            t.touch_or_insert(&k, k, || k);
        }
        t.touch(&0, 9);
        assert_eq!(t.pop_before(3), Some((1, 1)));
        assert_eq!(t.pop_before(3), Some((2, 2)));
        assert_eq!(t.pop_before(3), None);
        assert_eq!(t.remove(&0), Some(0));
        assert_eq!(t.pop_oldest(), Some((3, 3)));
        assert!(t.is_empty());
    }
}
