//! What a session tells: events as they happen, and what is known of the connection.

use super::{CipherSuite, Version};
use crate::net::Reason;

/// What came out of a connection. Directions are those that the caller pushes with, 0 and 1.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum TlsEvent<'a> {
    /// Application data of one record, verified, in order.
    Data {
        /// Who sent it.
        direction: usize,
        /// The bytes inside.
        bytes: &'a [u8],
    },
    /// An alert, once for each.
    Alert {
        /// Who sent it.
        direction: usize,
        /// What it says; `None` when it is encrypted and could not be opened.
        alert: Option<Alert>,
        /// Whether it was protected.
        encrypted: bool,
    },
    /// The handshake is complete as far as can be seen, once for each connection. A TLS 1.3 handshake that could not
    /// be opened gives none; see [`super::Session::info`] for what its hellos told.
    HandshakeDone {
        /// The version chosen.
        version: Version,
        /// The suite chosen.
        cipher_suite: CipherSuite,
        /// The host name that the client asked for.
        server_name: Option<&'a str>,
    },
    /// Records of this direction were lost to decryption: what follows in the direction does not join on to what came
    /// before. [`Reason::TlsWithoutKeys`] and [`Reason::TlsUnsupported`] come once and end the decryption.
    Undecryptable {
        /// The direction in which it was noticed.
        direction: usize,
        /// Why.
        reason: Reason,
    },
}

/// An alert (RFC 8446 §6).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Alert {
    /// 1 warning, 2 fatal.
    pub level: u8,
    /// The number of the alert in the registry of IANA.
    pub description: u8,
}

impl Alert {
    /// Whether it ends the connection as a failure.
    #[must_use]
    pub fn is_fatal(self) -> bool {
        // RFC 8446 §6: in TLS 1.3 all alerts but close_notify and user_canceled are fatal whatever the level says.
        self.level == 2
    }

    /// The name of the description, as RFC 8446 §6 spells it.
    #[must_use]
    pub fn name(self) -> Option<&'static str> {
        Some(match self.description {
            0 => "close_notify",
            10 => "unexpected_message",
            20 => "bad_record_mac",
            21 => "decryption_failed",
            22 => "record_overflow",
            30 => "decompression_failure",
            40 => "handshake_failure",
            41 => "no_certificate",
            42 => "bad_certificate",
            43 => "unsupported_certificate",
            44 => "certificate_revoked",
            45 => "certificate_expired",
            46 => "certificate_unknown",
            47 => "illegal_parameter",
            48 => "unknown_ca",
            49 => "access_denied",
            50 => "decode_error",
            51 => "decrypt_error",
            60 => "export_restriction",
            70 => "protocol_version",
            71 => "insufficient_security",
            80 => "internal_error",
            86 => "inappropriate_fallback",
            90 => "user_canceled",
            100 => "no_renegotiation",
            109 => "missing_extension",
            110 => "unsupported_extension",
            111 => "certificate_unobtainable",
            112 => "unrecognized_name",
            113 => "bad_certificate_status_response",
            114 => "bad_certificate_hash_value",
            115 => "unknown_psk_identity",
            116 => "certificate_required",
            120 => "no_application_protocol",
            _ => return None,
        })
    }
}

/// What is known of a connection so far; of the last handshake, when there were several.
#[derive(Clone, Default, Debug)]
pub struct Info {
    /// The direction that sent the ClientHello.
    pub client: Option<usize>,
    /// The version chosen by the server.
    pub version: Option<Version>,
    /// The cipher suite chosen by the server.
    pub cipher_suite: Option<CipherSuite>,
    /// The host name that the client asked for (RFC 6066 §3). From the network: escape it before it is shown.
    pub server_name: Option<String>,
    /// The application protocol chosen (RFC 7301). From the network: escape it before it is shown.
    pub alpn: Option<String>,
    /// The server's certificates in DER, its own first. With TLS 1.3 only if the handshake could be opened.
    pub server_certificates: Vec<Vec<u8>>,
    /// The client's certificates in DER, its own first.
    pub client_certificates: Vec<Vec<u8>>,
    /// Whether an earlier session was taken up again, so that no certificate was sent.
    pub resumed: bool,
    /// Whether the handshake was seen to complete.
    pub handshake_done: bool,
}
