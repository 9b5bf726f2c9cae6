//! A connection: bytes of both directions in, events out. Here the streams are cut into records, records that cannot
//! be opened yet are kept in order, and the start of a record is found again behind a gap.

use std::collections::VecDeque;

use super::Version;
use super::event::{Info, TlsEvent};
use super::keylog::KeyLog;
use super::negotiation::Negotiation;
use super::record::{HEADER, Header, MAX_FRAGMENT, content};
use super::side::{Framing, Phase, Side};
use crate::net::Reason;

/// Bytes of each direction that wait for a secret before they are given up.
const MAX_WAITING: usize = 64 * 1024;
/// The same, when there is no secret at all and so little hope.
const MAX_WAITING_WITHOUT_SECRETS: usize = 16 * 1024;
/// What a waiting record costs beside its bytes, so that many small ones are bounded too.
const WAITING_COST: usize = 64;
/// Input is taken in by pieces of this size, so that the buffer stays small whatever is pushed.
const PIECE: usize = 32 * 1024;
/// The fewest bytes of a protected record, from which a gap's bytes bound its records.
const LEAST_RECORD: usize = 22;
/// Most records that a gap is taken to have swallowed.
pub(super) const MAX_WINDOW: u64 = 1024;
/// How large a gap of unknown size is taken to be.
const UNKNOWN_GAP: u64 = 4096;
/// Bytes that may be spent on trial decryption in a connection.
const TRIAL_BUDGET: u64 = 64 << 20;

/// A sink for events.
pub(super) type Sink<'a> = dyn FnMut(TlsEvent<'_>) + 'a;

/// A record that waits.
struct Waiting {
    direction: usize,
    header: Header,
    fragment: Vec<u8>,
    lost: u64,
}

/// What came of a record.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Step {
    /// It was dealt with.
    Done,
    /// It has to wait.
    Blocked,
    /// It did not open.
    Failed,
}

/// One TLS connection, seen from outside.
pub struct Session {
    pub(super) sides: [Side; 2],
    pub(super) negotiation: Negotiation,
    pub(super) info: Info,
    /// Changes whenever waiting records may have become readable.
    pub(super) progress: u64,
    pub(super) trial_budget: u64,
    waiting: VecDeque<Waiting>,
    drained_at: (u64, u64),
    dead: bool,
}

impl Default for Session {
    fn default() -> Self {
        Session::new()
    }
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session").field("info", &self.info).field("dead", &self.dead).finish_non_exhaustive()
    }
}

impl Session {
    /// A connection of which nothing has been seen.
    #[must_use]
    pub fn new() -> Self {
        Session {
            sides: [Side::new(), Side::new()],
            negotiation: Negotiation::default(),
            info: Info::default(),
            progress: 0,
            trial_budget: TRIAL_BUDGET,
            waiting: VecDeque::new(),
            drained_at: (0, 0),
            dead: false,
        }
    }

    /// What is known of the connection.
    #[must_use]
    pub fn info(&self) -> &Info {
        &self.info
    }

    /// Whether nothing more will come of this connection: it was given up.
    #[must_use]
    pub fn is_given_up(&self) -> bool {
        self.dead
    }

    /// Takes in the next bytes of `direction` (0 or 1) and tells `sink` what they gave. Who is the client is found
    /// from the ClientHello. Bytes that need a secret which `keys` does not have yet wait, up to a bound.
    pub fn push(&mut self, direction: usize, bytes: &[u8], keys: &KeyLog, sink: &mut Sink<'_>) {
        let direction = direction & 1;
        self.drain(keys, sink);
        for piece in bytes.chunks(PIECE) {
            if self.dead {
                return;
            }
            let side = &mut self.sides[direction];
            let skipped = side.skip.min(piece.len());
            side.skip -= skipped;
            let piece = piece.get(skipped..).unwrap_or_default();
            let mut input = std::mem::take(&mut side.input);
            input.extend_from_slice(piece);
            let consumed = self.consume(direction, &mut input, keys, sink);
            input.drain(..consumed.min(input.len()));
            self.sides[direction].input = input;
            self.drain(keys, sink);
        }
    }

    /// Says that `bytes` bytes of `direction` are missing from the capture at this place; 0 where it is not known how
    /// many.
    pub fn gap(&mut self, direction: usize, bytes: u64) {
        let side = &mut self.sides[direction & 1];
        let pending = match (side.framing, Header::parse(&side.input)) {
            _ if side.skip > 0 => Some(side.skip),
            (Framing::Certain, Some(header)) => Some((HEADER + header.len).saturating_sub(side.input.len())),
            (Framing::Certain, None) if side.input.is_empty() => Some(0),
            _ => None,
        };
        let had_record = side.skip == 0 && !side.input.is_empty();
        side.input.clear();
        side.lost += u64::from(had_record);
        // A gap inside one record leaves it known where the next begins.
        let pending = pending.filter(|_| bytes > 0);
        let bytes = if bytes > 0 { bytes } else { UNKNOWN_GAP };
        match pending.and_then(|p| u64::try_from(p).ok()).and_then(|p| p.checked_sub(bytes)) {
            Some(rest) => side.skip = usize::try_from(rest).unwrap_or(0),
            None => {
                side.skip = 0;
                side.framing = Framing::Lost;
                side.lost = side.lost.saturating_add(bytes / LEAST_RECORD as u64 + 1);
            }
        }
        side.lost = side.lost.min(MAX_WINDOW);
    }

    /// Says that the connection is over: what still waits is reported as lost.
    pub fn finish(&mut self, sink: &mut Sink<'_>) {
        if let Some(first) = self.waiting.front().map(|w| w.direction) {
            let reason = self.reason_to_wait(true);
            self.give_up(first, reason, sink);
        } else if let Some(direction) = self.sides.iter().position(|s| s.before_data && s.failures > 0) {
            self.give_up(direction, Reason::TlsNotOpened, sink);
        }
    }

    /// Deals with the whole records at the front of `input` and says how many bytes they were.
    fn consume(&mut self, direction: usize, input: &mut [u8], keys: &KeyLog, sink: &mut Sink<'_>) -> usize {
        let mut at = 0;
        while !self.dead {
            if self.sides[direction].framing == Framing::Lost {
                let found = self.find_header(input.get(at..).unwrap_or_default());
                at += found.unwrap_or_else(|kept_from| kept_from);
                if found.is_err() {
                    break;
                }
                self.sides[direction].framing = Framing::Guessed;
            }
            let rest = input.get_mut(at..).unwrap_or_default();
            if rest.len() < HEADER {
                break;
            }
            let Some(header) = Header::parse(rest) else {
                self.not_a_record(direction, sink);
                continue;
            };
            let Some(fragment) = rest.get_mut(HEADER..HEADER + header.len) else { break };
            if self.sides[direction].framing == Framing::Guessed {
                if self.guessed(direction, header, fragment, keys, sink) == Step::Failed {
                    self.sides[direction].framing = Framing::Lost;
                    at += 1;
                    continue;
                }
                self.sides[direction].framing = Framing::Certain;
            } else {
                let lost = std::mem::take(&mut self.sides[direction].lost);
                self.offer(direction, header, fragment, lost, keys, sink);
            }
            at += HEADER + header.len;
        }
        if self.dead { input.len() } else { at }
    }

    /// The bytes do not make a record: as after a gap, the next header is looked for.
    fn not_a_record(&mut self, direction: usize, sink: &mut Sink<'_>) {
        let side = &mut self.sides[direction];
        side.framing = Framing::Lost;
        side.lost = (side.lost + 1).min(MAX_WINDOW);
        sink(TlsEvent::Undecryptable { direction, reason: Reason::TlsNotOpened });
    }

    /// Where the next plausible header is; the error is from where on the bytes may still become one.
    fn find_header(&self, bytes: &[u8]) -> Result<usize, usize> {
        // RFC 8446 §5.1: records of TLS 1.3 are marked as TLS 1.2.
        let minor = self.info.version.map(|v| match v {
            Version::Tls10 => 1,
            Version::Tls11 => 2,
            Version::Tls12 | Version::Tls13 => 3,
        });
        let plausible = |at: usize| {
            let rest = bytes.get(at..).unwrap_or_default();
            let header = Header::parse(rest).filter(|h| h.kind != 24 && h.len > 0)?;
            let next = rest.get(HEADER + header.len..).filter(|next| next.len() >= HEADER);
            let fits = minor.is_none_or(|m| m == header.minor) && next.is_none_or(|n| Header::parse(n).is_some());
            fits.then_some(())
        };
        let last = bytes.len().saturating_sub(HEADER - 1);
        (0..last).find(|&at| plausible(at).is_some()).ok_or(last)
    }

    /// Tries a record whose header may be chance: on a copy, since opening may spoil what has to be looked at again.
    fn guessed(
        &mut self,
        direction: usize,
        header: Header,
        fragment: &[u8],
        keys: &KeyLog,
        sink: &mut Sink<'_>,
    ) -> Step {
        let lost = std::mem::take(&mut self.sides[direction].lost);
        self.offer(direction, header, &mut fragment.to_vec(), lost, keys, sink)
    }

    /// Hands a record on, or lets it wait behind others of its direction.
    fn offer(
        &mut self,
        direction: usize,
        header: Header,
        fragment: &mut [u8],
        lost: u64,
        keys: &KeyLog,
        sink: &mut Sink<'_>,
    ) -> Step {
        if !self.sides[direction].blocked {
            match self.record(direction, header, fragment, lost, keys, sink) {
                Step::Blocked => {}
                step => return step,
            }
        }
        let side = &mut self.sides[direction];
        side.blocked = true;
        side.waiting += fragment.len() + WAITING_COST;
        let too_many = side.waiting > if keys.is_empty() { MAX_WAITING_WITHOUT_SECRETS } else { MAX_WAITING };
        self.waiting.push_back(Waiting { direction, header, fragment: fragment.to_vec(), lost });
        if too_many {
            let reason = self.reason_to_wait(keys.is_empty());
            self.give_up(direction, reason, sink);
        }
        Step::Blocked
    }

    /// Tries the waiting records again, in the order in which they came, if anything has changed.
    fn drain(&mut self, keys: &KeyLog, sink: &mut Sink<'_>) {
        while !self.waiting.is_empty() && self.drained_at != (self.progress, keys.generation()) {
            self.drained_at = (self.progress, keys.generation());
            // Hellos without end must not have the same records tried without end.
            let cost: usize = self.sides.iter().map(|s| s.waiting).sum();
            self.trial_budget = self.trial_budget.saturating_sub(cost as u64);
            if let Some(first) = self.waiting.front().filter(|_| self.trial_budget == 0).map(|w| w.direction) {
                let reason = self.reason_to_wait(keys.is_empty());
                self.give_up(first, reason, sink);
                return;
            }
            for side in &mut self.sides {
                side.blocked = false;
                side.waiting = 0;
            }
            let waiting = std::mem::take(&mut self.waiting);
            for mut w in waiting {
                if !self.dead {
                    self.offer(w.direction, w.header, &mut w.fragment, w.lost, keys, sink);
                }
            }
        }
    }

    /// Why records wait: for a secret, or for hellos that are not in the capture.
    fn reason_to_wait(&self, no_secrets: bool) -> Reason {
        if no_secrets || self.negotiation.is_agreed() { Reason::TlsWithoutKeys } else { Reason::TlsNotOpened }
    }

    /// Ends the decryption of this connection and lets go of what it keeps.
    pub(super) fn give_up(&mut self, direction: usize, reason: Reason, sink: &mut Sink<'_>) {
        if self.dead {
            return;
        }
        self.dead = true;
        for w in std::mem::take(&mut self.waiting) {
            if w.header.kind == content::ALERT {
                sink(TlsEvent::Alert { direction: w.direction, alert: None, encrypted: true });
            }
        }
        self.sides = [Side::new(), Side::new()];
        self.negotiation = Negotiation::default();
        sink(TlsEvent::Undecryptable { direction, reason });
    }

    /// Whether `direction` is the client's.
    pub(super) fn is_client(&self, direction: usize) -> bool {
        self.info.client == Some(direction)
    }

    /// The handshake of both sides is over.
    pub(super) fn finished(&mut self, direction: usize, sink: &mut Sink<'_>) {
        self.sides[direction].finished = true;
        let all = self.sides.iter().all(|s| s.finished && s.phase == Phase::Protected);
        let (Some(version), Some(cipher_suite)) = (self.info.version, self.info.cipher_suite) else { return };
        if all && !self.info.handshake_done {
            self.info.handshake_done = true;
            let server_name = self.info.server_name.as_deref();
            sink(TlsEvent::HandshakeDone { version, cipher_suite, server_name });
        }
    }
}

/// A fragment is bounded by the header's check; the buffer holds a record and a piece.
const _: () = assert!(MAX_FRAGMENT + HEADER < PIECE);
