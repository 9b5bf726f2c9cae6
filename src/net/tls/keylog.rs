//! The secrets that open TLS: key log lines and servers' RSA keys. They are looked up, never shown.

use std::fmt;

use super::server_key::{ServerKey, TlsKeyError, read_pem};
use crate::base::Table;

/// Most secrets kept; beyond it those given first go, and are counted. About 40 MiB at most.
const MAX_SECRETS: usize = 1 << 18;
/// Most server keys kept.
const MAX_SERVER_KEYS: usize = 64;
/// The longest secret: a master secret, or a traffic secret under SHA-384.
const MAX_SECRET: usize = 48;

/// What a secret is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Label {
    /// The master secret of TLS 1.0 to 1.2.
    Master,
    /// The premaster secret, by client random or by the first eight bytes of its encrypted form.
    Premaster,
    ClientHandshake,
    ServerHandshake,
    ClientTraffic,
    ServerTraffic,
}

/// A secret of at most 48 bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Secret {
    bytes: [u8; MAX_SECRET],
    len: u8,
}

impl Secret {
    /// Takes in `bytes`; `None` where there are none or too many.
    pub(super) fn new(from: &[u8]) -> Option<Self> {
        let mut bytes = [0; MAX_SECRET];
        bytes.get_mut(..from.len())?.copy_from_slice(from);
        let len = u8::try_from(from.len()).ok().filter(|&n| n > 0)?;
        Some(Secret { bytes, len })
    }

    pub(super) fn as_slice(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len).min(MAX_SECRET)]
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret({} bytes)", self.len)
    }
}

/// Where a secret is found: what it is, and the client random (or the head of the encrypted premaster secret).
type Key = (Label, [u8; 32]);

/// The secrets at hand: lines of the NSS key log format (RFC 9850) and the RSA keys of servers.
///
/// Its `Debug` form counts and shows no secret.
pub struct KeyLog {
    secrets: Table<Key, Secret>,
    server_keys: Vec<ServerKey>,
    odd_lines: u64,
    generation: u64,
}

impl Default for KeyLog {
    fn default() -> Self {
        KeyLog::new()
    }
}

impl KeyLog {
    /// No secrets.
    #[must_use]
    pub fn new() -> Self {
        KeyLog { secrets: Table::new(MAX_SECRETS), server_keys: Vec::new(), odd_lines: 0, generation: 0 }
    }

    /// Takes in key log text, whole lines at a time, and says how many lines gave a secret.
    ///
    /// Comments, blank lines and known labels that open nothing here are passed over; every other line that gives no
    /// secret is counted by [`KeyLog::odd_lines`].
    pub fn add_text(&mut self, text: &[u8]) -> usize {
        let mut taken = 0;
        for line in text.split(|&b| b == b'\n' || b == b'\r') {
            match read_line(line) {
                Line::Nothing => {}
                Line::Odd => self.odd_lines += 1,
                Line::Secret(key, secret) => {
                    self.secrets.touch_or_insert(&key, 0, || secret).0.clone_from(&secret);
                    taken += 1;
                }
            }
        }
        self.generation += u64::from(taken > 0);
        taken
    }

    /// Takes in the RSA private keys of a PEM file, PKCS#1 or PKCS#8, between certificates and whatever else.
    ///
    /// # Errors
    /// When there is no key in it, when one cannot be read, is encrypted or is not RSA, or when there are too many.
    pub fn add_server_key(&mut self, pem: &[u8]) -> Result<(), TlsKeyError> {
        let keys = read_pem(pem)?;
        if self.server_keys.len() + keys.len() > MAX_SERVER_KEYS {
            return Err(TlsKeyError::TooMany { most: MAX_SERVER_KEYS });
        }
        self.server_keys.extend(keys);
        self.generation += 1;
        Ok(())
    }

    /// Whether there is neither a secret nor a server key.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.secrets.is_empty() && self.server_keys.is_empty()
    }

    /// How many secrets there are (not connections: TLS 1.3 has four for each).
    #[must_use]
    pub fn len(&self) -> usize {
        self.secrets.len()
    }

    /// How many lines were neither secrets nor comments.
    #[must_use]
    pub fn odd_lines(&self) -> u64 {
        self.odd_lines
    }

    /// How many secrets had to go because there were too many.
    #[must_use]
    pub fn evicted(&self) -> u64 {
        self.secrets.evicted()
    }

    /// A number that changes whenever there is more to look up.
    pub(super) fn generation(&self) -> u64 {
        self.generation
    }

    pub(super) fn secret(&self, label: Label, client_random: &[u8; 32]) -> Option<&Secret> {
        self.secrets.get(&(label, *client_random))
    }

    /// The premaster secret of a connection that sent it as `encrypted`: from an `RSA` line, or opened by a server key.
    pub(super) fn premaster_of(&self, encrypted: &[u8]) -> Option<Secret> {
        let mut key = [0; 32];
        key[..8].copy_from_slice(encrypted.get(..8)?);
        if let Some(secret) = self.secrets.get(&(Label::Premaster, key)) {
            return Some(*secret);
        }
        self.server_keys.iter().find_map(|k| k.open(encrypted)).and_then(|s| Secret::new(&s))
    }
}

impl fmt::Debug for KeyLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyLog({} secrets, {} server keys)", self.secrets.len(), self.server_keys.len())
    }
}

enum Line {
    Nothing,
    Odd,
    Secret(Key, Secret),
}

fn read_line(line: &[u8]) -> Line {
    let mut words = line.split(u8::is_ascii_whitespace).filter(|w| !w.is_empty());
    let Some(label) = words.next().filter(|w| w.first() != Some(&b'#')) else { return Line::Nothing };
    let label = match label {
        b"CLIENT_RANDOM" => Label::Master,
        b"RSA" | b"PMS_CLIENT_RANDOM" => Label::Premaster,
        b"CLIENT_HANDSHAKE_TRAFFIC_SECRET" => Label::ClientHandshake,
        b"SERVER_HANDSHAKE_TRAFFIC_SECRET" => Label::ServerHandshake,
        b"CLIENT_TRAFFIC_SECRET_0" => Label::ClientTraffic,
        b"SERVER_TRAFFIC_SECRET_0" => Label::ServerTraffic,
        // RFC 9850 §2.2: known, and of no use to a reader of records.
        b"EXPORTER_SECRET"
        | b"EARLY_EXPORTER_SECRET"
        | b"EARLY_EXPORTER_MASTER_SECRET"
        | b"CLIENT_EARLY_TRAFFIC_SECRET"
        | b"ECH_SECRET"
        | b"ECH_CONFIG" => return Line::Nothing,
        _ => return Line::Odd,
    };
    match (words.next(), words.next(), words.next()) {
        (Some(name), Some(secret), None) => secret_of(label, name, secret).unwrap_or(Line::Odd),
        _ => Line::Odd,
    }
}

fn secret_of(label: Label, name: &[u8], secret: &[u8]) -> Option<Line> {
    let mut random = [0; 32];
    let named = unhex(name, &mut random)?;
    let mut bytes = [0; MAX_SECRET];
    let len = unhex(secret, &mut bytes)?;
    // `RSA` names the first eight bytes of the encrypted premaster secret, all others the client random.
    let name_fits = named == 32 || (named == 8 && label == Label::Premaster);
    let secret_fits = match label {
        Label::Master | Label::Premaster => len == 48,
        _ => len == 32 || len == 48,
    };
    (name_fits && secret_fits).then_some(())?;
    Some(Line::Secret((label, random), Secret::new(bytes.get(..len)?)?))
}

/// Reads hexadecimal of either case into the front of `out` and says how many bytes; `None` if it does not fit.
fn unhex(text: &[u8], out: &mut [u8]) -> Option<usize> {
    let pairs = text.chunks_exact(2);
    if !pairs.remainder().is_empty() {
        return None;
    }
    let digit = |b: u8| char::from(b).to_digit(16);
    let len = pairs.len();
    let places = out.get_mut(..len)?;
    for (place, pair) in places.iter_mut().zip(pairs) {
        let [high, low] = pair else { return None };
        *place = u8::try_from(digit(*high)? << 4 | digit(*low)?).ok()?;
    }
    Some(len)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_whatever_their_ends_and_odd_ones_counted() {
        let (random, master, traffic) = ("ab".repeat(32), "Cd".repeat(48), "01".repeat(32));
        let text = format!(
            "# comment\r\nCLIENT_RANDOM {random} {master}\r\n\r\nSERVER_TRAFFIC_SECRET_0  {random} {traffic}\n\
             EXPORTER_SECRET {random} {traffic}\nCLIENT_RANDOM {random} {traffic}\nnonsense\n\
             RSA 0011223344556677 {master}\nCLIENT_TRAFFIC_SECRET_0 {random} {traffic} more\nCLIENT_RANDOM {random} 0"
        );
        let mut log = KeyLog::new();
        assert_eq!(log.add_text(text.as_bytes()), 3);
        assert_eq!((log.len(), log.odd_lines()), (3, 4));
        assert_eq!(log.secret(Label::Master, &[0xab; 32]).unwrap().as_slice(), [0xcd; 48]);
        assert_eq!(log.secret(Label::ServerTraffic, &[0xab; 32]).unwrap().as_slice(), [1; 32]);
        assert!(log.secret(Label::ClientTraffic, &[0xab; 32]).is_none());
        let encrypted = [0, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88];
        assert_eq!(log.premaster_of(&encrypted).unwrap().as_slice(), [0xcd; 48]);
    }

    #[test]
    fn a_later_line_for_the_same_connection_wins() {
        let mut log = KeyLog::new();
        let line = |s: &str| format!("CLIENT_RANDOM {} {}\n", "07".repeat(32), s.repeat(48));
        log.add_text(line("01").as_bytes());
        let before = log.generation();
        log.add_text(line("02").as_bytes());
        assert_ne!(before, log.generation());
        assert_eq!(log.secret(Label::Master, &[7; 32]).unwrap().as_slice(), [2; 48]);
    }

    #[test]
    fn nothing_secret_is_shown() {
        let mut log = KeyLog::new();
        log.add_text(format!("CLIENT_RANDOM {} {}", "07".repeat(32), "5a".repeat(48)).as_bytes());
        assert_eq!(format!("{log:?}"), "KeyLog(1 secrets, 0 server keys)");
        assert_eq!(format!("{:?}", log.secret(Label::Master, &[7; 32])), "Some(Secret(48 bytes))");
    }
}
