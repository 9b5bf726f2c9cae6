//! What handshake messages change: who is the client, what was agreed on, which keys come next.

use super::Version;
use super::hello;
use super::messages::{Message, handshake};
use super::negotiation::Negotiation;
use super::session::{Session, Sink, Step};
use super::side::Phase;
use crate::net::Reason;

impl Session {
    /// Takes in the content of a handshake record.
    pub(super) fn handshake(&mut self, direction: usize, fragment: &[u8], sink: &mut Sink<'_>) -> Step {
        self.sides[direction].messages.push(fragment);
        while let Some(message) = self.sides[direction].messages.next() {
            self.message(direction, &message, sink);
            if self.is_given_up() {
                break;
            }
        }
        Step::Done
    }

    fn message(&mut self, direction: usize, message: &Message, sink: &mut Sink<'_>) {
        let tls13 = self.negotiation.version() == Some(Version::Tls13);
        match message.kind() {
            handshake::CLIENT_HELLO => self.client_hello(direction, message),
            handshake::SERVER_HELLO => self.server_hello(direction, message, sink),
            handshake::FINISHED if tls13 && self.sides[direction].phase == Phase::Handshake => {
                self.sides[direction].enter(Phase::Protected);
                self.finished(direction, sink);
                self.progress += 1;
            }
            handshake::KEY_UPDATE if tls13 && self.sides[direction].phase == Phase::Protected => {
                self.key_update(direction);
            }
            handshake::ENCRYPTED_EXTENSIONS if tls13 => {
                self.info.alpn = hello::encrypted_extensions(message.body());
            }
            handshake::CERTIFICATE => self.certificate(direction, message),
            handshake::SERVER_HELLO_DONE => {
                self.negotiation.record(false, message.raw());
                self.negotiation.server_done();
            }
            handshake::CLIENT_KEY_EXCHANGE if !tls13 => {
                self.negotiation.record(true, message.raw());
                self.negotiation.key_exchange(hello::encrypted_premaster(message.body()));
            }
            _ if self.sides[direction].phase != Phase::Handshake => {
                self.negotiation.record(self.is_client(direction), message.raw());
            }
            _ => {}
        }
    }

    fn client_hello(&mut self, direction: usize, message: &Message) {
        let Some(hello) = hello::client_hello(message.body()) else { return };
        self.info.client = Some(direction);
        self.info.server_name.clone_from(&hello.server_name);
        self.progress += 1;
        let tls13 = self.negotiation.version() == Some(Version::Tls13);
        if self.negotiation.server_hello.is_some() && (tls13 || self.negotiation.client_hello.is_none()) {
            // The capture has the server's side first.
            self.negotiation.precede(hello, message.raw());
            return;
        }
        let retried = self.negotiation.retried;
        self.negotiation = Negotiation::begin(hello, message.raw());
        self.negotiation.retried = retried;
    }

    fn server_hello(&mut self, direction: usize, message: &Message, sink: &mut Sink<'_>) {
        let Some(hello) = hello::server_hello(message.body()) else { return };
        self.info.client = Some(1 - direction);
        if hello.is_retry() {
            // RFC 8446 §4.1.4: the client begins again, with the same random.
            self.negotiation.retried = true;
            self.progress += 1;
            return;
        }
        self.info.version = hello.version;
        self.info.cipher_suite = Some(hello.suite);
        let offered = self.negotiation.client_hello.as_ref().map(|c| c.session_id.clone()).unwrap_or_default();
        self.info.resumed = match hello.version {
            Some(Version::Tls13) => hello.pre_shared_key,
            _ => !offered.is_empty() && offered == hello.session_id,
        };
        self.info.alpn.clone_from(&hello.alpn);
        let readable = hello.version.is_some_and(|v| {
            let aead_of_tls13 = hello.suite.0 >> 8 == 0x13;
            hello.suite.protection().is_some() && aead_of_tls13 == (v == Version::Tls13)
        });
        if !readable || hello.compression != 0 || hello.truncated_hmac {
            self.give_up(direction, Reason::TlsUnsupported, sink);
            return;
        }
        let tls13 = hello.version == Some(Version::Tls13);
        self.negotiation.answer(hello, message.raw());
        if tls13 {
            for side in &mut self.sides {
                side.enter(Phase::Handshake);
            }
        }
        self.progress += 1;
    }

    fn certificate(&mut self, direction: usize, message: &Message) {
        let Some(version) = self.negotiation.version() else { return };
        let chain = hello::certificates(message.body(), version);
        if self.is_client(direction) {
            self.info.client_certificates = chain;
        } else {
            self.info.server_certificates = chain;
        }
        if version != Version::Tls13 {
            self.negotiation.record(self.is_client(direction), message.raw());
        }
    }

    /// The sender's next record is under the next secret (RFC 8446 §4.6.3).
    fn key_update(&mut self, direction: usize) {
        let next = self.sides[direction].secret.as_ref().and_then(|s| self.negotiation.updated(s));
        if let Some((opener, secret)) = next {
            let side = &mut self.sides[direction];
            side.enter(Phase::Protected);
            side.opener = Some(opener);
            side.secret = Some(secret);
        }
    }
}
