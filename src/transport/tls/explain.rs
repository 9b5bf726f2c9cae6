//! Words for what a TLS connection can die of.

use super::Handshake;
use crate::base::Safe;
use crate::transport::stream::explain_plain;
use crate::transport::{Phase, TransportError};
use rustls::{AlertDescription as Alert, Error};
use std::io;
use std::sync::atomic::Ordering;

/// What an error means. `fresh`: nothing of use has come over the connection yet, so that it may still be about the handshake: a
/// server of TLS 1.3 judges our certificate when we are through already. RFC 8446 §4.4.2.4
pub(in crate::transport) fn explain(
    handshake: &Handshake,
    phase: Phase,
    error: &io::Error,
    fresh: bool,
) -> TransportError {
    let peer = handshake.peer;
    let asked_in_vain = handshake.ours.asked.load(Ordering::Relaxed) && handshake.ours.key.is_none();
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>());
    match inner {
        Some(Error::InvalidCertificate(_)) if handshake.verifier.seen().problem.is_some() => {
            handshake.verifier.seen().problem.unwrap_or_else(|| explain_plain(peer, phase, error))
        }
        Some(Error::AlertReceived(alert)) => explain_alert(handshake, *alert, asked_in_vain),
        Some(Error::InvalidMessage(_)) if fresh && !is_tls(&handshake.first.bytes()) => not_tls(handshake),
        Some(Error::PeerIncompatible(why)) => {
            TransportError::new(Phase::Tls, "tls-version", format!("{peer} speaks no TLS that we do: {why:?}"))
                .with_hint("TLS 1.2 and 1.3 are offered; older versions are broken (RFC 8996)")
        }
        Some(other) => TransportError::new(Phase::Tls, "io", format!("TLS with {peer} failed: {other}")),
        None if fresh && asked_in_vain => {
            let gone = explain_plain(peer, phase, error);
            wanted(format!("{}: it asked for a client certificate and got none", gone.message))
        }
        None if phase == Phase::Tls => interrupted(handshake, error),
        None => explain_plain(peer, phase, error),
    }
}

fn wanted(message: String) -> TransportError {
    TransportError::new(Phase::Tls, "cert-client-wanted", message)
        .with_hint("--tls-cert FILE --tls-key FILE show a certificate of ours")
}

/// Whether bytes begin with a TLS record. RFC 8446 §5.1
fn is_tls(first: &[u8]) -> bool {
    matches!(first, [20..=24, 3, ..])
}

fn not_tls(handshake: &Handshake) -> TransportError {
    let first = handshake.first.bytes();
    let line = first.split(|&b| b == b'\r' || b == b'\n').next().unwrap_or_default();
    let message = format!("{} does not speak TLS: it answered `{}`", handshake.peer, Safe(line));
    TransportError::new(Phase::Tls, "not-tls", message).with_hint("is this the TCP port? TLS usually has 5061")
}

/// The connection ended in the middle of the handshake.
fn interrupted(handshake: &Handshake, error: &io::Error) -> TransportError {
    let first = handshake.first.bytes();
    if !first.is_empty() && !is_tls(&first) {
        return not_tls(handshake);
    }
    let peer = handshake.peer;
    let gone = explain_plain(peer, Phase::Tls, error);
    match gone.kind {
        "closed" | "reset" => {
            let message = format!("{} during the TLS handshake", gone.message);
            TransportError::new(Phase::Tls, gone.kind, message)
                .with_hint("does TLS listen on this port, or is it the one for plain TCP?")
        }
        _ => gone,
    }
}

fn explain_alert(handshake: &Handshake, alert: Alert, asked_in_vain: bool) -> TransportError {
    let (peer, name) = (handshake.peer, alert_name(alert));
    if alert == Alert::CertificateRequired || (asked_in_vain && is_about_certificates(alert)) {
        return wanted(format!("{peer} wants a client certificate: alert {name}"));
    }
    let asked = handshake.ours.asked.load(Ordering::Relaxed);
    let (kind, message, hint) = match alert {
        Alert::ProtocolVersion => (
            "tls-version",
            format!("{peer} refuses TLS 1.2 and 1.3: alert {name}"),
            "it may know only older versions, which are broken (RFC 8996)",
        ),
        _ if asked && is_about_certificates(alert) => {
            ("tls-alert", format!("{peer} refuses our certificate: alert {name}"), "does it trust who signed it?")
        }
        Alert::HandshakeFailure | Alert::InsufficientSecurity => (
            "tls-alert",
            format!("{peer} refuses every cipher that we offer: alert {name}"),
            "offered are the suites of TLS 1.3, and those of TLS 1.2 with forward secrecy and AEAD",
        ),
        Alert::UnrecognisedName => {
            let wanted = &handshake.verifier.wanted;
            let message = format!("{peer} has no certificate for {wanted}: alert {name}");
            ("tls-alert", message, "--tls-server-name asks for another name")
        }
        _ => ("tls-alert", format!("{peer} ended TLS: alert {name}"), ""),
    };
    TransportError::new(Phase::Tls, kind, message).with_hint(hint)
}

/// Alerts that a server gives because of our certificate, or because there is none. RFC 8446 §6.2
fn is_about_certificates(alert: Alert) -> bool {
    matches!(
        alert,
        Alert::CertificateRequired
            | Alert::HandshakeFailure
            | Alert::NoCertificate
            | Alert::BadCertificate
            | Alert::UnsupportedCertificate
            | Alert::CertificateRevoked
            | Alert::CertificateExpired
            | Alert::CertificateUnknown
            | Alert::UnknownCA
            | Alert::AccessDenied
            | Alert::DecryptError
    )
}

/// As RFC 8446 §6 writes it: `handshake_failure`, `unknown_ca`.
fn alert_name(alert: Alert) -> String {
    let mut name = String::new();
    let mut after_small = false;
    for c in format!("{alert:?}").chars() {
        if c.is_ascii_uppercase() && after_small {
            name.push('_');
        }
        after_small = c.is_ascii_lowercase();
        name.push(c.to_ascii_lowercase());
    }
    // The standard spells it with z.
    name.replace("recognised", "recognized")
}

#[cfg(test)]
mod tests {
    use super::{Alert, alert_name, is_tls};

    #[test]
    fn alerts_are_named_as_the_standard_does() {
        let names = [Alert::HandshakeFailure, Alert::UnknownCA, Alert::ProtocolVersion, Alert::UnrecognisedName];
        let expected = ["handshake_failure", "unknown_ca", "protocol_version", "unrecognized_name"];
        assert_eq!(names.map(alert_name), expected);
        assert_eq!(alert_name(Alert::CertificateRequired), "certificate_required");
    }

    #[test]
    fn a_record_is_told_from_text() {
        assert!(is_tls(&[22, 3, 3, 0, 80]) && is_tls(&[21, 3, 1]));
        assert!(!is_tls(b"SIP/2.0 400") && !is_tls(b"HTTP/1.1") && !is_tls(b""));
    }
}
