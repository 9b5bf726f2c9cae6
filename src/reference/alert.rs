//! TLS alerts (RFC 8446 §6, and the IANA registry for those of older versions), with what to do about them.

use super::topic::{Kind, Part, Topic};

/// Number, name, meaning, what to do.
type Row = (u8, &'static str, &'static str, &'static str);

const ROWS: &[Row] = &[
    (0, "close_notify", "The sender closes the connection properly.", "Nothing: this is the normal end."),
    (
        10,
        "unexpected_message",
        "A message came that does not belong there.",
        "One side speaks no TLS on this port, or a middlebox interferes. Look at the first bytes.",
    ),
    (
        20,
        "bad_record_mac",
        "A record does not fit its checksum.",
        "Damage or tampering on the way, or a broken implementation.",
    ),
    (
        21,
        "decryption_failed",
        "Old name for a record that cannot be decrypted.",
        "Only very old implementations send it: update.",
    ),
    (
        22,
        "record_overflow",
        "A record is longer than allowed.",
        "A broken implementation, or plain text sent to a TLS port.",
    ),
    (
        30,
        "decompression_failure",
        "Compressed data could not be unpacked.",
        "TLS compression is gone for good: update.",
    ),
    (
        40,
        "handshake_failure",
        "No set of parameters was found that both sides accept.",
        "Compare versions and cipher suites. A server without a fitting certificate (RSA against ECDSA) says the same; so does one that wanted a client certificate in TLS 1.2.",
    ),
    (41, "no_certificate", "SSL 3 only: no certificate.", "SSL 3 is broken: update."),
    (
        42,
        "bad_certificate",
        "A certificate is damaged, or its signature is wrong.",
        "Look at the certificate file and its chain: openssl verify.",
    ),
    (
        43,
        "unsupported_certificate",
        "A certificate is of a kind that is not supported.",
        "Use RSA of 2048 bits or P-256, signed with SHA-256; for client certificates mind extendedKeyUsage.",
    ),
    (44, "certificate_revoked", "The certificate was revoked.", "Get a new one."),
    (
        45,
        "certificate_expired",
        "The certificate has expired, or is not valid yet.",
        "Renew it and reload the server; compare the clocks of both sides.",
    ),
    (
        46,
        "certificate_unknown",
        "The certificate is not acceptable for another reason.",
        "Mostly a name that does not fit, or a chain that is not trusted. The log of the side that sent the alert tells.",
    ),
    (
        47,
        "illegal_parameter",
        "A field has a value that makes no sense.",
        "A broken implementation, or one that is too old.",
    ),
    (
        48,
        "unknown_ca",
        "The chain does not lead to a certificate authority that the receiver trusts.",
        "The server has to send its intermediate certificates too; or give the root to the other side (here: --tls-ca FILE).",
    ),
    (
        49,
        "access_denied",
        "The certificate is good, and its owner may not do this.",
        "Look at the access rules of the server.",
    ),
    (
        50,
        "decode_error",
        "A message could not be decoded: a length is wrong.",
        "A broken implementation, or plain text on a TLS port.",
    ),
    (
        51,
        "decrypt_error",
        "A signature or a key exchange could not be verified.",
        "The private key does not belong to the certificate, or a pre-shared key is wrong.",
    ),
    (60, "export_restriction", "A key length that old export rules forbade.", "Update."),
    (
        70,
        "protocol_version",
        "The version that was offered is known and not supported.",
        "Old phones speak TLS 1.0 or 1.1, which servers of today refuse: update the phone, or allow the version on a port of its own.",
    ),
    (
        71,
        "insufficient_security",
        "The server wants stronger ciphers than the client offers.",
        "Update the client, or allow the cipher on the server.",
    ),
    (
        80,
        "internal_error",
        "Something failed that has nothing to do with the other side.",
        "Look at the log of the side that sent it: often a certificate or key file that could not be read.",
    ),
    (
        86,
        "inappropriate_fallback",
        "The client tries an older version although both speak a newer one.",
        "A first attempt failed: find out why.",
    ),
    (90, "user_canceled", "The handshake was given up by its user.", "Nothing by itself; close_notify follows."),
    (100, "no_renegotiation", "A renegotiation was refused.", "Turn renegotiation off at the side that asked."),
    (109, "missing_extension", "An extension that has to be there is not.", "A broken implementation of TLS 1.3."),
    (110, "unsupported_extension", "An extension came in an answer that was not offered.", "A broken server."),
    (
        111,
        "certificate_unobtainable",
        "A certificate could not be fetched from its URL.",
        "Send the certificate itself.",
    ),
    (
        112,
        "unrecognized_name",
        "The server has no certificate for the name that the client asked for (SNI).",
        "Ask for a name the server knows (here: --tls-server-name), or give the server that name.",
    ),
    (
        113,
        "bad_certificate_status_response",
        "The stapled OCSP answer is not acceptable.",
        "Renew the stapling at the server, or turn it off.",
    ),
    (114, "bad_certificate_hash_value", "A certificate from a URL has another hash.", "Send the certificate itself."),
    (
        115,
        "unknown_psk_identity",
        "The name of the pre-shared key is not known.",
        "Compare the names and keys of both sides.",
    ),
    (
        116,
        "certificate_required",
        "A client certificate is wanted, and none came.",
        "Mutual TLS: give a certificate (here: --tls-cert, --tls-key), or turn the demand off.",
    ),
    (
        120,
        "no_application_protocol",
        "No application protocol (ALPN) in common.",
        "SIP over TLS needs none; over WSS it is http/1.1.",
    ),
];

/// What is said of every alert.
pub fn topics() -> impl Iterator<Item = Topic> {
    ROWS.iter().map(|&(number, name, meaning, fix)| Topic {
        kind: Kind::Alert,
        name: format!("TLS {number}"),
        title: name.to_owned(),
        aliases: vec![
            number.to_string(),
            format!("tls {number}"),
            format!("alert {number}"),
            format!("tls alert {number}"),
            name.to_owned(),
            format!("tls {name}"),
        ],
        parts: vec![Part::text("means", meaning), Part::text("to do", fix)],
        rule: "RFC 8446 §6".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::{ROWS, topics};

    #[test]
    fn alerts_stand_once_under_their_registered_number() {
        assert!(ROWS.is_sorted_by(|a, b| a.0 < b.0));
        let number = |name: &str| ROWS.iter().find(|row| row.1 == name).unwrap().0;
        assert_eq!((number("unknown_ca"), number("handshake_failure"), number("certificate_required")), (48, 40, 116));
        assert_eq!(topics().count(), ROWS.len());
    }
}
