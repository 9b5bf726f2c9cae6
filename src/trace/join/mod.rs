//! Calls that are legs of one: what a B2BUA receives under one Call-ID and sends on under another.
//!
//! Decided once, when the INVITE of the later leg is seen: what ties it to an open call is [weighed](Evidence), and the leg takes the number of the
//! call that it joins. Nothing is joined where two calls would fit about as well. The legs are handed over as one conversation when the last of
//! them is complete. Every table is bounded, and an INVITE costs the same whatever their size.

mod evidence;
mod find;
mod merge;
mod traits;

#[cfg(test)]
mod tests;

pub use evidence::{Evidence, Weighed};

use super::batch::Observed;
use super::conversation::{Conversation, Stage};
use super::shelf::{Place, Shelf};
use crate::base::{Endpoint, Flow, Span, Table, Timestamp};
use crate::sip::{HeaderName, Message};
use smallvec::SmallVec;
use std::collections::{HashMap, VecDeque};
use traits::{Names, Naming, Traits};

/// Points from which on two calls are legs of one.
pub const JOINED_AT: u16 = 80;
/// Points by which one call has to fit better than any other.
const MARGIN: u16 = 20;
/// Legs of one call.
const LEGS_CAP: usize = 16;
/// A call that a B2BUA makes for another follows it within this time, unless something names that other call.
const WINDOW_NS: i64 = 10_000_000_000;
/// Hosts whose latest INVITEs are remembered, INVITEs of one host, and of all.
const HOSTS_CAP: usize = 4_096;
const HOST_CAP: usize = 128;
const SEEN_CAP: usize = 65_536;
/// Names under which calls are known.
const NAMES_CAP: usize = 32_768;
/// REFERs that wait for their call, and how long.
const REFERRALS_CAP: usize = 256;
const REFERRAL_NS: i64 = 64_000_000_000;

/// A leg: where it stands while it is open, and the run's number of its first message, which tells it from what may stand there later.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct LegId {
    place: Place,
    begun: u64,
}

impl LegId {
    /// The leg's conversation, while it is open.
    fn of(self, shelf: &Shelf) -> Option<&Conversation> {
        let c = shelf.peek(self.place)?;
        let is_it = c.facts.first().is_some_and(|f| f.index == self.begun);
        (is_it && !matches!(c.stage, Stage::Told(_))).then_some(c)
    }
}

/// An INVITE as one host received it.
#[derive(Clone, Copy, Debug)]
struct Seen {
    leg: LegId,
    position: u32,
    time: Timestamp,
    flow: Flow,
    /// Worked out when somebody asks: most INVITEs come from phones that never received one.
    traits: Option<Traits>,
}

/// Who is known under a name: the first INVITE of a leg, of which the leg itself has the rest.
#[derive(Clone, Copy, Debug)]
struct Named {
    leg: LegId,
    /// Whether calls that do not belong together had it: then it says nothing.
    is_common: bool,
}

/// A REFER: somebody was asked to call somebody.
#[derive(Clone, Copy, Debug)]
struct Referral {
    leg: LegId,
    time: Timestamp,
    asked: Endpoint,
    target: u64,
    /// Key of the call whose place the new one is to take; 0 where it is to take none. RFC 3891 §6.1
    replaces: u64,
}

/// What ties a leg to an earlier one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Link {
    /// Number of the leg that it follows.
    pub to: usize,
    /// Sum of the weights.
    pub score: u16,
    /// The evidence, gravest first.
    pub evidence: Vec<Evidence>,
}

/// One of the calls that were joined.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct JoinedLeg {
    /// Its Call-ID, in the texts of the conversation.
    pub call_id: Span,
    /// What ties it to an earlier leg; the first has none.
    pub link: Option<Link>,
}

/// The calls that a conversation was put together from.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Joined {
    /// The legs in order of their first message.
    pub legs: Vec<JoinedLeg>,
    /// The leg of each message, by position.
    pub of: Vec<u8>,
}

/// A leg of an open group.
#[derive(Clone, Debug)]
struct Member {
    leg: LegId,
    /// The first message of the leg that it follows, and what says so.
    link: Option<(u64, Weighed)>,
}

/// The legs of one call, open or complete.
#[derive(Debug, Default)]
struct Group {
    members: SmallVec<[Member; 4]>,
    complete: Vec<Conversation>,
    held: usize,
}

/// What became of a conversation that is complete.
#[derive(Debug)]
pub enum Completed {
    /// It belongs to no other.
    Alone(Box<Conversation>),
    /// It waits for its other legs.
    Held,
    /// It was the last leg: all of them as one, and how many bytes they had kept.
    Whole(Box<Conversation>, usize),
}

/// Finds the legs of calls, and keeps those that are complete until the others are.
#[derive(Debug)]
pub struct Joiner {
    /// Latest INVITEs by the host that received them (port 0).
    received: Table<Endpoint, VecDeque<Seen>>,
    remembered: usize,
    named: Table<u64, Named>,
    referrals: VecDeque<Referral>,
    groups: HashMap<u64, Group, foldhash::fast::RandomState>,
}

impl Default for Joiner {
    fn default() -> Self {
        Joiner {
            received: Table::new(HOSTS_CAP),
            remembered: 0,
            named: Table::new(NAMES_CAP),
            referrals: VecDeque::new(),
            groups: HashMap::default(),
        }
    }
}

impl Joiner {
    /// Takes in an INVITE that begins a call, the message at `position` of the call at `place`; gives the number of the call that it belongs to,
    /// where it turns out to be a leg of another.
    pub fn invite(&mut self, shelf: &Shelf, place: Place, position: u32, observed: &Observed<'_>) -> Option<u64> {
        let c = shelf.peek(place)?;
        let (first, invite) = (c.facts.first()?, c.at(position)?);
        let leg = LegId { place, begun: first.index };
        let mut seen = Seen { leg, position, time: invite.time, flow: invite.flow, traits: None };
        let mut adopted = None;
        if position == 0 {
            let names = Names::of(observed.bytes, observed.outline, traits::origin(c, invite));
            let found = find::Search { joiner: self, shelf }.run(c, &mut seen, &names);
            if let Some(found) = found {
                adopted = self.adopt(shelf, leg, found);
            }
            self.name(shelf, &seen, &names, adopted.unwrap_or(c.id));
        }
        self.remember(seen);
        adopted
    }

    /// Takes in a REFER within the call at `place`. RFC 3515 §2.1
    pub fn refer(&mut self, shelf: &Shelf, place: Place, observed: &Observed<'_>) {
        let Some(first) = shelf.peek(place).and_then(|c| c.facts.first()) else { return };
        let view = Message::new(observed.bytes, observed.outline);
        let Some(target) = view.header(HeaderName::ReferTo) else { return };
        let uri = crate::sip::Address::parse(target).uri;
        let (target, replaces) = (traits::user(uri), traits::replaced_by(uri));
        if target == 0 && replaces == 0 {
            return;
        }
        let leg = LegId { place, begun: first.index };
        let (time, asked) = (observed.sight.time, observed.sight.flow.dst);
        self.referrals.retain(|r| time.since(r.time).abs() < REFERRAL_NS);
        if self.referrals.len() >= REFERRALS_CAP {
            self.referrals.pop_front();
        }
        self.referrals.push_back(Referral { leg, time, asked, target, replaces });
    }

    /// Puts a leg into the group of the one that it follows, and gives the number of that call.
    fn adopt(&mut self, shelf: &Shelf, leg: LegId, (parent, weighed): (LegId, Weighed)) -> Option<u64> {
        let id = parent.of(shelf)?.id;
        let group = self.groups.entry(id).or_default();
        if group.members.len() >= LEGS_CAP {
            return None;
        }
        if group.members.is_empty() {
            group.members.push(Member { leg: parent, link: None });
        }
        group.members.push(Member { leg, link: Some((parent.begun, weighed.sorted())) });
        Some(id)
    }

    /// Lets a call be found by its names.
    fn name(&mut self, shelf: &Shelf, seen: &Seen, names: &Names, id: u64) {
        for &(key, naming) in &names.keys {
            let entry = Named { leg: seen.leg, is_common: false };
            let known = self.named.touch_or_insert(&key, seen.time.0, || entry).0;
            if known.leg == seen.leg {
                continue;
            }
            // An origin line that all calls of a generator have stays known as such while calls with it come.
            let is_foreign = known.leg.of(shelf).is_some_and(|other| other.id != id);
            let is_common = is_foreign || (known.is_common && matches!(naming, Naming::Origin));
            *known = Named { leg: seen.leg, is_common };
        }
    }

    /// Remembers an INVITE with the host that received it.
    fn remember(&mut self, seen: Seen) {
        let oldest = seen.time.0.saturating_sub(WINDOW_NS);
        while let Some((_, gone)) = self.received.pop_before(oldest) {
            self.remembered -= gone.len();
        }
        if self.remembered >= SEEN_CAP
            && let Some((_, gone)) = self.received.pop_oldest()
        {
            self.remembered -= gone.len();
        }
        let host = seen.flow.dst.with_port(0);
        let (queue, gone) = self.received.touch_or_insert(&host, seen.time.0, VecDeque::new);
        if queue.len() >= HOST_CAP {
            queue.pop_front();
        } else {
            self.remembered += 1;
        }
        queue.push_back(seen);
        self.remembered -= gone.map_or(0, |(_, gone)| gone.len());
    }

    /// Takes a call that is complete.
    pub fn complete(&mut self, leg: Box<Conversation>) -> Completed {
        if self.groups.is_empty() {
            return Completed::Alone(leg);
        }
        let Some(group) = self.groups.get_mut(&leg.id) else { return Completed::Alone(leg) };
        let id = leg.id;
        group.held += leg.weight();
        group.complete.push(*leg);
        if group.complete.len() < group.members.len() {
            return Completed::Held;
        }
        match self.groups.remove(&id) {
            Some(group) => Completed::Whole(Box::new(merge::merge(group.complete, &group.members)), group.held),
            None => Completed::Held,
        }
    }

    /// Whether a call has other legs.
    #[must_use]
    pub fn is_joined(&self, id: u64) -> bool {
        !self.groups.is_empty() && self.groups.contains_key(&id)
    }
}
