//! Which open call an INVITE continues.

use super::traits::{Names, Naming, Traits};
use super::{Evidence, JOINED_AT, Joiner, LegId, MARGIN, Seen, WINDOW_NS, Weighed};
use crate::base::{Endpoint, Flow};
use crate::sip::Method;
use crate::trace::shelf::Shelf;
use crate::trace::{Conversation, Transaction};
use smallvec::SmallVec;

/// A leg that follows another so soon was sent because of it.
const AT_ONCE_NS: i64 = 500_000_000;
/// A leg that follows another within this time was sent because of it, if there is more to say so.
const SOON_NS: i64 = 2_000_000_000;
/// Branches of a fork leave within this time of each other.
const FORK_NS: i64 = 200_000_000;
/// Points that a call loses that has its other leg already.
const HAS_LEG: u16 = 30;
/// Calls that are weighed for one INVITE.
const CANDIDATES_CAP: usize = 64;

/// How far a call is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Standing {
    Waiting,
    Answered,
    Over,
}

fn standing(c: &Conversation) -> Standing {
    let invites = || c.transactions.iter().filter(|t| t.method == Method::Invite);
    let is_answered = |t: &Transaction| (200..300).contains(&t.final_status);
    if c.transactions.iter().any(|t| t.method == Method::Bye) {
        Standing::Over
    } else if invites().any(is_answered) {
        Standing::Answered
    } else if invites().any(|t| t.final_status == 0) && !c.transactions.iter().any(|t| t.method == Method::Cancel) {
        Standing::Waiting
    } else {
        Standing::Over
    }
}

/// A call that an INVITE may continue.
struct Candidate {
    leg: LegId,
    weighed: Weighed,
}

/// Calls that are weighed.
type Candidates = SmallVec<[Candidate; 4]>;

/// A look for the call that an INVITE continues.
pub(super) struct Search<'a> {
    pub joiner: &'a mut Joiner,
    pub shelf: &'a Shelf,
}

impl Search<'_> {
    /// The leg that the first INVITE of `c` follows, if there is one beyond doubt.
    pub(super) fn run(mut self, c: &Conversation, own: &mut Seen, names: &Names) -> Option<(LegId, Weighed)> {
        let mut found = Candidates::new();
        self.by_name(c, own, names, &mut found);
        self.by_call_id(names, &mut found);
        self.by_referral(c, own, names, &mut found);
        self.by_host(c, own, names, &mut found);
        found.retain(|candidate| candidate.leg != own.leg);
        self.best(c, found)
    }

    /// Calls that the sender of the INVITE was called with.
    fn by_host(&mut self, c: &Conversation, own: &mut Seen, names: &Names, found: &mut Candidates) {
        let Some(queue) = self.joiner.received.get_mut(&own.flow.src.with_port(0)) else { return };
        let traits = *own.traits.get_or_insert_with(|| Traits::at(c, own.position));
        let origin = Some(traits.origin).filter(|key| self.joiner.named.get(key).is_some_and(|n| !n.is_common));
        for seen in queue.iter_mut().rev() {
            let since = own.time.since(seen.time);
            if since > WINDOW_NS {
                return;
            }
            let Some(socket) = sent_from(seen.flow, own) else { continue };
            let Some(parent) = seen.leg.of(self.shelf) else { continue };
            let theirs = *seen.traits.get_or_insert_with(|| Traits::at(parent, seen.position));
            let mut weighed = Weighed::default();
            compare(&traits, &theirs, names, &mut weighed);
            if origin == Some(theirs.origin) {
                weighed.add(Evidence::Origin);
            }
            // A host that was called calls others, too: it takes more to say that it does so for that call.
            if !weighed.evidence.is_empty() || found.iter().any(|f| f.leg == seen.leg) {
                weighed.add(socket);
                add_time(since, &mut weighed);
                note(found, seen.leg, &weighed);
            }
        }
    }

    /// Calls that have a name in common with the INVITE.
    fn by_name(&mut self, c: &Conversation, own: &mut Seen, names: &Names, found: &mut Candidates) {
        for &(key, naming) in &names.keys {
            if matches!(naming, Naming::Stem { looks_derived: false }) {
                continue;
            }
            let Some(named) = self.joiner.named.get(&key).filter(|n| !n.is_common) else { continue };
            let Some(parent) = named.leg.of(self.shelf) else { continue };
            let Some(invite) = parent.facts.first() else { continue };
            let mut weighed = Weighed::default();
            weighed.add(match naming {
                Naming::Session => Evidence::SessionId,
                Naming::Charging => Evidence::ChargingVector,
                Naming::Shared(name) => Evidence::SharesValue(name),
                Naming::Stem { .. } => Evidence::CallIdDerived,
                Naming::Origin => Evidence::Origin,
            });
            let traits = *own.traits.get_or_insert_with(|| Traits::at(c, own.position));
            compare(&traits, &Traits::of(parent, invite), names, &mut weighed);
            add_time(own.time.since(invite.time), &mut weighed);
            if let Some(socket) = sent_from(invite.flow, own) {
                weighed.add(socket);
            }
            note(found, named.leg, &weighed);
        }
    }

    /// Calls whose Call-ID the INVITE gives.
    fn by_call_id(&self, names: &Names, found: &mut Candidates) {
        let named = names.calls.iter().map(|&(key, name)| (key, Evidence::NamesCallId(name)));
        let others = [(names.replaces, Evidence::Replaces), (names.joins, Evidence::Join)];
        for (key, evidence) in named.chain(others).filter(|(key, _)| *key != 0) {
            let Some(place) = self.shelf.find(key) else { continue };
            let Some(begun) = self.shelf.peek(place).and_then(|c| c.facts.first()).map(|f| f.index) else { continue };
            let mut weighed = Weighed::default();
            weighed.add(evidence);
            note(found, LegId { place, begun }, &weighed);
        }
    }

    /// Calls in which the sender of the INVITE was asked for it.
    fn by_referral(&self, c: &Conversation, own: &mut Seen, names: &Names, found: &mut Candidates) {
        if self.joiner.referrals.is_empty() {
            return;
        }
        let traits = *own.traits.get_or_insert_with(|| Traits::at(c, own.position));
        let is_asked = |asked: Endpoint| {
            asked == own.flow.src || (asked.same_ip(&own.flow.src) && asked.port != own.flow.dst.port)
        };
        for referral in self.joiner.referrals.iter().rev() {
            let since = own.time.since(referral.time);
            let is_attended = referral.replaces != 0 && referral.replaces == names.replaces;
            let is_target = |user: u64| user != 0 && (user == traits.called || user == traits.to);
            // Who asks for one call to be replaced does not ask for an INVITE that replaces another, or none.
            let is_other = names.replaces != referral.replaces && names.replaces != 0;
            let is_it = is_attended || (is_target(referral.target) && is_asked(referral.asked) && !is_other);
            if !is_it || since >= super::REFERRAL_NS {
                continue;
            }
            let mut weighed = Weighed::default();
            weighed.add(Evidence::Refer);
            if is_attended {
                weighed.add(Evidence::ReplacesAsAsked);
                // The call that is replaced is no other one to choose from: both sides say that it goes.
                found.retain(|candidate| {
                    !candidate.weighed.has(|e| e == Evidence::Replaces) || candidate.leg == referral.leg
                });
            }
            if is_asked(referral.asked) {
                weighed.add(if referral.asked == own.flow.src { Evidence::SameSocket } else { Evidence::SameHost });
            }
            add_time(since, &mut weighed);
            note(found, referral.leg, &weighed);
        }
    }

    /// The one that fits best, unless another call fits about as well.
    fn best(&self, c: &Conversation, found: Candidates) -> Option<(LegId, Weighed)> {
        let mut best: Option<(u16, u64, Candidate)> = None;
        let mut second: Option<(u16, u64)> = None;
        for mut candidate in found {
            let Some(parent) = candidate.leg.of(self.shelf) else { continue };
            if !self.may_follow(c, parent, &candidate.weighed) {
                continue;
            }
            if standing(parent) == Standing::Waiting {
                candidate.weighed.add(Evidence::Waiting);
            }
            let score = candidate.weighed.score().saturating_sub(self.has_leg(&candidate, parent, c));
            let id = parent.id;
            match &best {
                Some((most, of, _)) if score <= *most => {
                    if *of != id && second.is_none_or(|(s, _)| score > s) {
                        second = Some((score, id));
                    }
                }
                _ => {
                    if let Some((most, of, _)) = best.take()
                        && of != id
                    {
                        second = Some((most, of));
                    }
                    best = Some((score, id, candidate));
                }
            }
        }
        let (score, id, candidate) = best?;
        let rival = second.filter(|(_, of)| *of != id).map_or(0, |(s, _)| s);
        let is_clear = score.saturating_sub(rival) >= MARGIN;
        (score >= JOINED_AT && is_clear && is_enough(&candidate.weighed)).then_some((candidate.leg, candidate.weighed))
    }

    /// Whether the call that `c` begins may be a later leg of `parent` at all.
    fn may_follow(&self, c: &Conversation, parent: &Conversation, weighed: &Weighed) -> bool {
        if weighed.has(Evidence::is_transfer) {
            return true;
        }
        if standing(parent) == Standing::Over {
            return false;
        }
        // Who began the call does not begin its later legs: a caller that is busy makes call after call.
        let Some(own) = c.facts.first() else { return false };
        let group = self.joiner.groups.get(&parent.id);
        let root = group.and_then(|g| g.members.first()).and_then(|m| m.leg.of(self.shelf)).unwrap_or(parent);
        let is_root = |of: &Conversation| {
            let begun = of.facts.first().map(|f| f.flow).unwrap_or_default();
            begun.src == own.flow.src || (begun.src.same_ip(&own.flow.src) && !begun.dst.same_ip(&begun.src))
        };
        !is_root(root)
    }

    /// What is taken from the score of a call that has a leg behind it already: it needs no other, unless a fork sends one at once, or the earlier
    /// one has failed.
    fn has_leg(&self, candidate: &Candidate, parent: &Conversation, c: &Conversation) -> u16 {
        // Who hands a call over has both of its legs by then.
        if candidate.weighed.has(Evidence::is_transfer) {
            return 0;
        }
        let Some(group) = self.joiner.groups.get(&parent.id) else { return 0 };
        let follows = |m: &&super::Member| m.link.as_ref().is_some_and(|(to, _)| *to == candidate.leg.begun);
        let mut legs = group.members.iter().filter(follows).map(|m| m.leg.of(self.shelf));
        let is_other = |leg: Option<&Conversation>| match leg {
            None => false,
            Some(leg) => match standing(leg) {
                Standing::Over => false,
                Standing::Answered => true,
                Standing::Waiting => c.start().since(leg.start()) > FORK_NS,
            },
        };
        if legs.any(is_other) { HAS_LEG } else { 0 }
    }
}

/// Whether there is more than numbers and times: the host that the other INVITE went to, a name, or the description itself.
fn is_enough(weighed: &Weighed) -> bool {
    let is_host = |e| matches!(e, Evidence::SameSocket | Evidence::SameHost);
    let is_number = |e| matches!(e, Evidence::Called | Evidence::Caller);
    let is_soon = |e| matches!(e, Evidence::AtOnce | Evidence::SoonAfter);
    weighed.has(is_host)
        || weighed.has(Evidence::names_call)
        || (weighed.has(|e| e == Evidence::Origin) && weighed.has(is_number) && weighed.has(is_soon))
}

/// Whether the INVITE `own` left the host at which one with the flow `seen` came in. Where both ends of a hop are one host, only the port tells.
fn sent_from(seen: Flow, own: &Seen) -> Option<Evidence> {
    let (came_to, left) = (seen.dst, own.flow.src);
    if came_to == left {
        return Some(Evidence::SameSocket);
    }
    let apart = !seen.src.same_ip(&came_to) && !own.flow.dst.same_ip(&left);
    (apart && came_to.same_ip(&left)).then_some(Evidence::SameHost)
}

/// Adds what two INVITEs have in common.
fn compare(own: &Traits, theirs: &Traits, names: &Names, weighed: &mut Weighed) {
    if own.calls_same(theirs) {
        weighed.add(Evidence::Called);
    }
    if own.is_from_same(theirs) {
        weighed.add(Evidence::Caller);
    }
    if names.diverted.iter().any(|user| *user == theirs.called || *user == theirs.to) {
        weighed.add(Evidence::Diverted);
    }
    if own.media.is_some() && own.media == theirs.media {
        weighed.add(Evidence::Media);
    }
}

/// Adds how soon the INVITE followed the other.
fn add_time(since: i64, weighed: &mut Weighed) {
    match since.abs() {
        0..=AT_ONCE_NS => weighed.add(Evidence::AtOnce),
        ..=SOON_NS => weighed.add(Evidence::SoonAfter),
        _ => {}
    }
}

/// Adds a candidate, or what is new about one.
fn note(found: &mut Candidates, leg: LegId, weighed: &Weighed) {
    if let Some(known) = found.iter_mut().find(|f| f.leg == leg) {
        weighed.evidence.iter().for_each(|&e| known.weighed.add(e));
    } else if found.len() < CANDIDATES_CAP {
        found.push(Candidate { leg, weighed: weighed.clone() });
    }
}
