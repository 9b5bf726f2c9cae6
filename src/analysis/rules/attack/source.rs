//! What is remembered of one address that begins conversations: numbers and a few prints, always the same few bytes.

use super::numbers::{Dialled, print};
use crate::base::Timestamp;
use smallvec::SmallVec;

/// Messages that a finding names.
pub(super) const NAMED: usize = 24;
/// Users, targets or numbers that are told apart; more are counted as so many.
const TOLD_APART: usize = 24;
/// Refused users that make a scan of extensions.
pub(super) const SCANNED: usize = 10;
/// Digits from which on a user is somebody's telephone number rather than an extension.
const LONG: usize = 7;
/// Refusals within a minute that make guessing.
pub(super) const GUESSES: usize = 10;
/// Conversations begun within one second that make a flood …
pub(super) const FLOOD_PEAK: u32 = 100;
/// … if there are so many in all.
pub(super) const FLOOD_ALL: u32 = 120;
/// Calls abroad within a minute that make a fraud.
pub(super) const ABROAD: usize = 10;
/// Prefixes before one number that make a fraud.
pub(super) const PREFIXES: usize = 5;

const MINUTE_NS: i64 = 60_000_000_000;
/// A scan pauses no longer than this.
const PAUSE_NS: i64 = 300_000_000_000;
/// Accounts of one source whose refusals are counted.
const ACCOUNTS: usize = 8;

/// One address.
#[derive(Debug, Default)]
pub(super) struct Source {
    pub first: Timestamp,
    pub last: Timestamp,
    /// Conversations that it began.
    pub begun: u32,
    /// Those of them that got a 2xx.
    pub accepted: u32,
    /// Name of the scanner that it says it is.
    pub scanner: Option<&'static str>,
    pub targets: Prints,
    /// Indices of messages that show it, by what they show.
    pub scan_shown: Named,
    pub user_shown: Named,
    pub guess_shown: Named,
    pub flood_shown: Named,
    pub toll_shown: Named,
    pub users: Prints,
    last_user: Timestamp,
    /// Refused credentials in all.
    pub guesses: u32,
    pub is_guessing: bool,
    guess_times: Recent,
    pub accounts: SmallVec<[Account; 2]>,
    second: i64,
    in_second: u32,
    pub peak: u32,
    pub abroad: u32,
    pub is_abroad: bool,
    abroad_times: Recent,
    tail: u32,
    prefixes: Prints,
    /// A number that was dialled behind many prefixes, as it was last dialled.
    pub probed: Option<Dialled>,
    /// What of it was told already, a bit for each finding.
    pub told: u8,
    /// How many conversations it had begun when something was told last.
    pub told_at: u32,
    /// Its calls that ring or are answered, as far as somebody reads along: they end later than those that are refused.
    pub promising: u32,
}

/// Indices of messages.
pub(super) type Named = SmallVec<[u64; 2]>;

/// An account that credentials were for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Account {
    name: u32,
    /// Refusals.
    pub refused: u32,
    times: Recent,
    is_guessed: bool,
}

/// Different texts, told apart by their prints.
#[derive(Debug, Default)]
pub(super) struct Prints {
    known: SmallVec<[u32; 2]>,
    /// How many more there were than are told apart.
    pub more: u32,
}

impl Prints {
    fn add(&mut self, text: &[u8]) -> bool {
        let print = print(text);
        if self.known.contains(&print) {
            return false;
        }
        if self.known.len() < TOLD_APART {
            self.known.push(print);
        } else {
            self.more = self.more.saturating_add(1);
        }
        true
    }

    /// How many different ones there were, as far as they are told apart.
    pub fn len(&self) -> usize {
        self.known.len()
    }

    fn clear(&mut self) {
        self.known.clear();
        self.more = 0;
    }
}

/// Times of the last few events, to see whether they came within a minute.
#[derive(Clone, Copy, Debug, Default)]
struct Recent {
    times: [i64; GUESSES],
    at: u8,
    full: bool,
}

impl Recent {
    /// Notes one, and says whether this and those before it came within a minute.
    fn note(&mut self, time: Timestamp) -> bool {
        let at = usize::from(self.at) % GUESSES;
        if let Some(slot) = self.times.get_mut(at) {
            *slot = time.0;
        }
        self.at = ((at + 1) % GUESSES) as u8;
        self.full |= self.at == 0;
        let oldest = self.times.get(usize::from(self.at)).copied().unwrap_or_default();
        self.full && time.0.saturating_sub(oldest).abs() <= MINUTE_NS
    }
}

/// Adds an index where there is room for one more.
pub(super) fn name(named: &mut Named, index: u64) {
    if named.len() < NAMED {
        named.push(index);
    }
}

impl Source {
    /// A conversation that it began.
    pub fn begin(&mut self, time: Timestamp, target: &[u8], index: u64) {
        if self.begun == 0 {
            self.first = time;
        }
        self.first = self.first.min(time);
        self.last = self.last.max(time);
        self.begun = self.begun.saturating_add(1);
        self.targets.add(target);
        let second = time.0.div_euclid(1_000_000_000);
        // Conversations are told as they end; one that ended late belongs to a second that is over.
        if second > self.second {
            (self.second, self.in_second) = (second, 0);
        }
        if second == self.second {
            self.in_second = self.in_second.saturating_add(1);
            self.peak = self.peak.max(self.in_second);
        }
        name(&mut self.flood_shown, index);
    }

    /// A user whom it asked for and was refused.
    pub fn refuse_user(&mut self, time: Timestamp, user: &[u8], index: u64) {
        if user.is_empty() || (user.len() >= LONG && user.iter().filter(|b| b.is_ascii_digit()).count() >= LONG) {
            return;
        }
        if time.since(self.last_user) > PAUSE_NS && !self.is_scanning() {
            self.users.clear();
            self.user_shown.clear();
        }
        self.last_user = time;
        if self.users.add(user) {
            name(&mut self.user_shown, index);
        }
    }

    /// Whether so many users were refused that it looks for some.
    pub fn is_scanning(&self) -> bool {
        self.is_scanning_beside(self.accepted)
    }

    /// The same where `accepted` of its conversations come to something.
    pub fn is_scanning_beside(&self, accepted: u32) -> bool {
        let refused = self.users.len() as u32 + self.users.more;
        self.users.len() >= SCANNED && u64::from(accepted) * 5 <= u64::from(refused)
    }

    /// Credentials that were refused.
    pub fn refuse_credentials(&mut self, time: Timestamp, account: &[u8], index: u64) {
        self.guesses = self.guesses.saturating_add(1);
        self.is_guessing |= self.guess_times.note(time);
        name(&mut self.guess_shown, index);
        let print = print(account);
        if let Some(known) = self.accounts.iter_mut().find(|a| a.name == print) {
            known.refused = known.refused.saturating_add(1);
            known.is_guessed |= known.times.note(time);
            return;
        }
        if self.accounts.len() >= ACCOUNTS {
            self.accounts.remove(0);
        }
        let mut times = Recent::default();
        times.note(time);
        self.accounts.push(Account { name: print, refused: 1, times, is_guessed: false });
    }

    /// Credentials that were accepted: how many had been refused before, if they were guesses.
    pub fn accept_credentials(&mut self, account: &[u8]) -> Option<u32> {
        let print = print(account);
        let at = self.accounts.iter().position(|a| a.name == print)?;
        let known = self.accounts.remove(at);
        known.is_guessed.then_some(known.refused)
    }

    /// A call to a number.
    pub fn dial(&mut self, time: Timestamp, dialled: Dialled, home: Option<&str>, index: u64) {
        if home.is_some_and(|home| dialled.is_abroad(home)) {
            self.abroad = self.abroad.saturating_add(1);
            self.is_abroad |= self.abroad_times.note(time);
            name(&mut self.toll_shown, index);
        }
        let Some(tail) = dialled.tail().filter(|_| self.probed.is_none()) else { return };
        let print = print(tail);
        if print != self.tail {
            self.tail = print;
            self.prefixes.clear();
            if home.is_none() {
                self.toll_shown.clear();
            }
        }
        if self.prefixes.add(dialled.digits()) && home.is_none() {
            name(&mut self.toll_shown, index);
        }
        if self.prefixes.len() >= PREFIXES {
            self.probed = Some(dialled);
        }
    }

    /// Whether it begins far more than anybody answers.
    pub fn is_flooding(&self) -> bool {
        self.is_flooding_beside(self.accepted)
    }

    /// The same where `accepted` of its conversations come to something.
    pub fn is_flooding_beside(&self, accepted: u32) -> bool {
        self.peak >= FLOOD_PEAK && self.begun >= FLOOD_ALL && u64::from(accepted) * 10 < u64::from(self.begun)
    }
}

const _: () = assert!(ABROAD == GUESSES, "both are counted by the same ring");
