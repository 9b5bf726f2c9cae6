//! What is done with a whole record: passed on in the clear, opened, or left to wait.

use super::Version;
use super::event::{Alert, TlsEvent};
use super::keylog::{KeyLog, Label};
use super::opener::Opened;
use super::record::{Header, content};
use super::session::{MAX_WINDOW, Session, Sink, Step};
use super::side::{Framing, Phase};
use crate::net::Reason;

/// Records in a row that do not open before the secret is taken to be wrong.
const MAX_FAILURES: u32 = 8;
/// The same for records that are not expected to open: early data, and a handshake whose secret is not known.
const MAX_EXPECTED_FAILURES: u32 = 256;

/// What a search for a secret in vain costs of the budget for trials: with a server's key it is an RSA operation.
const DERIVATION_COST: u64 = 64 * 1024;

impl Session {
    /// Deals with one record, in front of which `lost` others may be missing.
    pub(super) fn record(
        &mut self,
        direction: usize,
        header: Header,
        fragment: &mut [u8],
        lost: u64,
        keys: &KeyLog,
        sink: &mut Sink<'_>,
    ) -> Step {
        if lost > 0 {
            self.step_over(direction, lost);
        }
        match self.sides[direction].phase {
            Phase::Clear => self.clear_record(direction, header, fragment, keys, sink),
            Phase::Handshake | Phase::Protected if self.info.version == Some(Version::Tls13) => match header.kind {
                content::APPLICATION_DATA => self.protected_record(direction, header, fragment, keys, sink),
                // RFC 8446 §6: an alert before the sender has keys is in the clear.
                content::ALERT if header.len == 2 => self.alert(direction, fragment, false, sink),
                // The ClientHello, when the capture has the server's side first.
                content::HANDSHAKE if self.is_client(direction) => self.handshake(direction, fragment, sink),
                // RFC 8446 §5: a ChangeCipherSpec means nothing; and nothing else may be in the clear.
                _ => Step::Done,
            },
            _ if header.kind == 24 => {
                // A heartbeat is numbered like every record and holds nothing.
                self.step_over(direction, 1);
                Step::Done
            }
            _ => self.protected_record(direction, header, fragment, keys, sink),
        }
    }

    /// `records` at most are missing in front of the next one.
    fn step_over(&mut self, direction: usize, records: u64) {
        let side = &mut self.sides[direction];
        side.messages.clear();
        side.window = side.window.saturating_add(records).min(MAX_WINDOW);
        if let Some(opener) = &mut side.opener {
            opener.records_lost();
        }
    }

    fn clear_record(
        &mut self,
        direction: usize,
        header: Header,
        fragment: &mut [u8],
        keys: &KeyLog,
        sink: &mut Sink<'_>,
    ) -> Step {
        let version = self.negotiation.version();
        match (header.kind, version) {
            (content::HANDSHAKE, _) => self.handshake(direction, fragment, sink),
            (content::ALERT, _) if header.len == 2 => self.alert(direction, fragment, false, sink),
            (content::CHANGE_CIPHER_SPEC, Some(v)) if v < Version::Tls13 => {
                self.change_cipher_spec(direction, sink);
                Step::Done
            }
            // Behind a HelloRetryRequest, or behind early data, it means nothing (RFC 8446 §D.4).
            (content::CHANGE_CIPHER_SPEC, None) if self.negotiation.retried || self.negotiation.early_data() => {
                Step::Done
            }
            (content::CHANGE_CIPHER_SPEC, Some(_)) | (24.., _) => Step::Done,
            (content::APPLICATION_DATA | content::ALERT, Some(v)) if v < Version::Tls13 => {
                // Data without a ChangeCipherSpec: a gap has taken it.
                let window = self.sides[direction].window.max(8);
                self.change_cipher_spec(direction, sink);
                self.sides[direction].window = window;
                self.protected_record(direction, header, fragment, keys, sink)
            }
            _ => Step::Blocked,
        }
    }

    fn protected_record(
        &mut self,
        direction: usize,
        header: Header,
        fragment: &mut [u8],
        keys: &KeyLog,
        sink: &mut Sink<'_>,
    ) -> Step {
        if self.sides[direction].opener.is_none() && !self.derive(direction, keys) {
            return Step::Blocked;
        }
        let side = &mut self.sides[direction];
        let Some(opener) = &mut side.opener else { return Step::Blocked };
        let last = side.seq.saturating_add(side.window);
        let mut opened = opener.open(header, fragment, side.seq, last);
        if matches!(opened, Opened::Failed) && side.phase == Phase::Handshake {
            opened = self.open_past_finished(direction, header, fragment, keys, sink);
        }
        match opened {
            Opened::Record { seq, kind, start, end } => {
                let side = &mut self.sides[direction];
                side.seq = seq.saturating_add(1);
                (side.window, side.failures) = (0, 0);
                if std::mem::take(&mut side.before_data) {
                    self.finished(direction, sink);
                }
                let content = fragment.get(start..end).unwrap_or_default();
                self.content(direction, kind, content, sink)
            }
            Opened::IvMissing => {
                self.sides[direction].window = (self.sides[direction].window + 1).min(MAX_WINDOW);
                Step::Done
            }
            Opened::Failed => self.failed(direction, header, sink),
        }
    }

    /// In TLS 1.3 the Finished message may be lost, or the handshake secret unknown: then data keys are tried.
    fn open_past_finished(
        &mut self,
        direction: usize,
        header: Header,
        fragment: &mut [u8],
        keys: &KeyLog,
        sink: &mut Sink<'_>,
    ) -> Opened {
        let label = if self.is_client(direction) { Label::ClientTraffic } else { Label::ServerTraffic };
        let side = &mut self.sides[direction];
        if side.window == 0 {
            return Opened::Failed;
        }
        let Some((mut opener, secret)) = self.negotiation.traffic_opener(label, keys) else { return Opened::Failed };
        let opened = opener.open(header, fragment, 0, side.window);
        if matches!(opened, Opened::Record { .. }) {
            side.enter(Phase::Protected);
            side.opener = Some(opener);
            side.secret = Some(secret);
            self.finished(direction, sink);
        }
        opened
    }

    /// A record did not open: it is passed over, and the next may have its number or one after it.
    fn failed(&mut self, direction: usize, header: Header, sink: &mut Sink<'_>) -> Step {
        // RFC 8446 §4.2.10: early data is under a key of its own, and comes in front of all else from the client.
        let early = self.is_client(direction) && self.negotiation.early_data();
        let side = &mut self.sides[direction];
        let expected = side.before_data || (early && side.phase == Phase::Handshake);
        let cost = (header.len as u64 + 64).saturating_mul(side.window + 1);
        self.trial_budget = self.trial_budget.saturating_sub(cost);
        // Looking for a record behind a gap is no failure.
        let guessing = side.framing == Framing::Guessed;
        side.failures += u32::from(!guessing);
        if !guessing && !expected {
            side.window = (side.window + 1).min(MAX_WINDOW);
        }
        let most = if expected { MAX_EXPECTED_FAILURES } else { MAX_FAILURES };
        if self.trial_budget == 0 || side.failures >= most {
            self.give_up(direction, Reason::TlsNotOpened, sink);
        } else if !guessing && !expected && side.failures == 1 {
            sink(TlsEvent::Undecryptable { direction, reason: Reason::TlsNotOpened });
        }
        Step::Failed
    }

    /// Makes the opener of the keys that `direction` is under; `false` if a secret is missing.
    fn derive(&mut self, direction: usize, keys: &KeyLog) -> bool {
        let client = self.is_client(direction);
        let (handshake, traffic) = match client {
            true => (Label::ClientHandshake, Label::ClientTraffic),
            false => (Label::ServerHandshake, Label::ServerTraffic),
        };
        let side = &mut self.sides[direction];
        if self.info.version != Some(Version::Tls13) {
            side.opener = self.negotiation.key_block_opener(client, keys);
            if side.opener.is_none() {
                self.trial_budget = self.trial_budget.saturating_sub(DERIVATION_COST);
            }
            return self.sides[direction].opener.is_some();
        }
        let label = if side.phase == Phase::Handshake { handshake } else { traffic };
        let mut found = self.negotiation.traffic_opener(label, keys);
        if found.is_none() && side.phase == Phase::Handshake {
            // The data can be read without the handshake: the first record that opens under its keys is the first.
            found = self.negotiation.traffic_opener(traffic, keys);
            if found.is_some() {
                side.enter(Phase::Protected);
                side.before_data = true;
            }
        }
        let Some((opener, secret)) = found else { return false };
        side.opener = Some(opener);
        side.secret = Some(secret);
        true
    }

    /// Passes on what was inside a record.
    fn content(&mut self, direction: usize, kind: u8, bytes: &[u8], sink: &mut Sink<'_>) -> Step {
        match kind {
            content::APPLICATION_DATA => {
                if !bytes.is_empty() {
                    sink(TlsEvent::Data { direction, bytes });
                }
                Step::Done
            }
            content::HANDSHAKE => self.handshake(direction, bytes, sink),
            content::ALERT => self.alert(direction, bytes, true, sink),
            content::CHANGE_CIPHER_SPEC if self.info.version != Some(Version::Tls13) => {
                self.change_cipher_spec(direction, sink);
                Step::Done
            }
            _ => Step::Done,
        }
    }

    /// From here on the direction is under the keys just agreed on (RFC 5246 §7.1).
    fn change_cipher_spec(&mut self, direction: usize, sink: &mut Sink<'_>) {
        if !self.is_client(direction) {
            // RFC 5246 §7.3: only a session taken up again goes from hello to Finished without ServerHelloDone.
            self.info.resumed = !self.negotiation.server_hello_done;
        }
        self.sides[direction].enter(Phase::Protected);
        self.finished(direction, sink);
    }

    fn alert(&mut self, direction: usize, bytes: &[u8], encrypted: bool, sink: &mut Sink<'_>) -> Step {
        if let &[level, description] = bytes {
            sink(TlsEvent::Alert { direction, alert: Some(Alert { level, description }), encrypted });
        }
        Step::Done
    }
}
