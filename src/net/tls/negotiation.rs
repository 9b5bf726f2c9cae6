//! One handshake: what the hellos agreed on, and the keys that follow from it and the secrets at hand.

use super::hello::{ClientHello, ServerHello};
use super::keylog::{KeyLog, Label, Secret};
use super::messages::MAX_MESSAGE;
use super::opener::{Keys, Opener};
use super::schedule::{Hash, MAX_HASH, expand_label, prf};
use super::{CipherSuite, Version};

/// Two MAC keys, cipher keys and implicit nonces at their longest.
const MAX_KEY_BLOCK: usize = 2 * (MAX_HASH + 32 + 16);

/// The messages of one sender that go into the session hash.
#[derive(Default)]
struct Transcript {
    bytes: Vec<u8>,
    closed: bool,
    too_long: bool,
}

impl Transcript {
    fn add(&mut self, raw: &[u8]) {
        if self.closed || self.too_long {
        } else if self.bytes.len() + raw.len() > MAX_MESSAGE {
            self.too_long = true;
            self.bytes = Vec::new();
        } else {
            self.bytes.extend_from_slice(raw);
        }
    }
}

/// One handshake, from ClientHello on.
#[derive(Default)]
pub(super) struct Negotiation {
    pub client_hello: Option<ClientHello>,
    pub server_hello: Option<ServerHello>,
    pub retried: bool,
    pub server_hello_done: bool,
    encrypted_premaster: Option<Vec<u8>>,
    /// ClientHello, the server's flight, the client's second flight: kept apart, since they may arrive out of turn.
    transcripts: [Transcript; 3],
    master: Option<Secret>,
    tried: Option<u64>,
}

impl Negotiation {
    pub(super) fn begin(hello: ClientHello, raw: &[u8]) -> Negotiation {
        let mut n = Negotiation { client_hello: Some(hello), ..Negotiation::default() };
        n.transcripts[0].add(raw);
        n
    }

    /// Takes in the ClientHello behind the ServerHello.
    pub(super) fn precede(&mut self, hello: ClientHello, raw: &[u8]) {
        self.client_hello = Some(hello);
        self.transcripts[0].add(raw);
        self.tried = None;
    }

    /// Takes in the ServerHello; the messages are kept on only where a premaster secret may have to be bound to them.
    pub(super) fn answer(&mut self, hello: ServerHello, raw: &[u8]) {
        let bound =
            hello.version != Some(Version::Tls13) && hello.extended_master_secret && hello.suite.is_rsa_key_exchange();
        self.server_hello = Some(hello);
        if bound {
            self.transcripts[1].add(raw);
        } else {
            for t in &mut self.transcripts {
                *t = Transcript { closed: true, ..Transcript::default() };
            }
        }
    }

    /// Notes a message between the ServerHello and the key exchange.
    pub(super) fn record(&mut self, from_client: bool, raw: &[u8]) {
        self.transcripts[if from_client { 2 } else { 1 }].add(raw);
    }

    /// Notes the end of the server's flight.
    pub(super) fn server_done(&mut self) {
        self.server_hello_done = true;
        self.transcripts[1].closed = true;
    }

    /// Takes in the client's key exchange, the last message of the session hash (RFC 7627 §3).
    pub(super) fn key_exchange(&mut self, encrypted: Option<&[u8]>) {
        self.transcripts[2].closed = true;
        if self.suite().is_some_and(CipherSuite::is_rsa_key_exchange) {
            self.encrypted_premaster = encrypted.map(<[u8]>::to_vec);
        }
    }

    pub(super) fn version(&self) -> Option<Version> {
        self.server_hello.as_ref().and_then(|h| h.version)
    }

    fn suite(&self) -> Option<CipherSuite> {
        self.server_hello.as_ref().map(|h| h.suite)
    }

    pub(super) fn early_data(&self) -> bool {
        self.client_hello.as_ref().is_some_and(|h| h.early_data)
    }

    /// Whether both hellos are known, so that only a secret can be missing.
    pub(super) fn is_agreed(&self) -> bool {
        self.client_hello.is_some() && self.server_hello.is_some()
    }

    /// The opener for TLS up to 1.2; `None` as long as a secret is missing.
    pub(super) fn key_block_opener(&mut self, from_client: bool, keys: &KeyLog) -> Option<Opener> {
        let master = self.master(keys)?;
        let (client, server) = (self.client_hello.as_ref()?, self.server_hello.as_ref()?);
        let (version, protection) = (server.version?, server.suite.protection()?);
        let (mac, cipher, iv) = protection.key_lengths(version == Version::Tls10);
        let mut block = [0; MAX_KEY_BLOCK];
        let block = block.get_mut(..2 * (mac + cipher + iv))?;
        let seed: [&[u8]; 3] = [b"key expansion", &server.random, &client.random];
        prf(version, server.suite.hash(), master.as_slice(), &seed, block)?;
        // RFC 5246 §6.3: client MAC, server MAC, client key, server key, client IV, server IV.
        let side = usize::from(!from_client);
        let part = |start: usize, len: usize| block.get(start + side * len..start + (side + 1) * len);
        let keys = Keys { mac: part(0, mac)?, cipher: part(2 * mac, cipher)?, iv: part(2 * (mac + cipher), iv)? };
        Opener::from_key_block(version, protection, &keys, server.encrypt_then_mac)
    }

    /// The opener for a traffic secret of TLS 1.3, and the secret; `None` as long as it is missing.
    pub(super) fn traffic_opener(&self, label: Label, keys: &KeyLog) -> Option<(Opener, Secret)> {
        let secret = *keys.secret(label, &self.client_hello.as_ref()?.random)?;
        Some((self.opener_of(&secret)?, secret))
    }

    /// The traffic secret after `secret` and its opener (RFC 8446 §7.2).
    pub(super) fn updated(&self, secret: &Secret) -> Option<(Opener, Secret)> {
        let hash = self.suite()?.hash();
        let mut next = [0; MAX_HASH];
        let next = next.get_mut(..hash.len())?;
        expand_label(hash, secret.as_slice(), "traffic upd", next)?;
        let next = Secret::new(next)?;
        Some((self.opener_of(&next)?, next))
    }

    fn opener_of(&self, secret: &Secret) -> Option<Opener> {
        let suite = self.suite()?;
        Opener::from_traffic_secret(suite.protection()?, suite.hash(), secret.as_slice())
    }

    fn master(&mut self, keys: &KeyLog) -> Option<Secret> {
        if self.master.is_none() && self.tried != Some(keys.generation()) {
            self.tried = Some(keys.generation());
            let random = self.client_hello.as_ref()?.random;
            self.master =
                keys.secret(Label::Master, &random).copied().or_else(|| self.master_of_premaster(&random, keys));
            if self.master.is_some() {
                self.transcripts = Default::default();
            }
        }
        self.master
    }

    fn master_of_premaster(&self, random: &[u8; 32], keys: &KeyLog) -> Option<Secret> {
        let opened = || self.encrypted_premaster.as_deref().and_then(|e| keys.premaster_of(e));
        let premaster = keys.secret(Label::Premaster, random).copied().or_else(opened)?;
        let server = self.server_hello.as_ref()?;
        let (version, hash) = (server.version?, server.suite.hash());
        let mut master = [0; 48];
        if server.extended_master_secret {
            if self.transcripts.iter().any(|t| t.too_long || t.bytes.is_empty()) {
                return None;
            }
            let parts = [&*self.transcripts[0].bytes, &self.transcripts[1].bytes, &self.transcripts[2].bytes];
            let session_hash = session_hash(version, hash, &parts);
            prf(version, hash, premaster.as_slice(), &[b"extended master secret", &session_hash], &mut master)?;
        } else {
            prf(version, hash, premaster.as_slice(), &[b"master secret", random, &server.random], &mut master)?;
        }
        Secret::new(&master)
    }
}

/// The hash of the handshake messages (RFC 7627 §3): MD5 and SHA-1 together before TLS 1.2.
fn session_hash(version: Version, hash: Hash, parts: &[&[u8]]) -> Vec<u8> {
    if version >= Version::Tls12 {
        return hash.digest(parts).as_slice().to_vec();
    }
    [Hash::Md5.digest(parts).as_slice(), Hash::Sha1.digest(parts).as_slice()].concat()
}
