//! Judges the certificate of a server. RFC 5922 §7

use super::Anchors;
use super::certificate::Shown;
use crate::base::Safe;
use crate::transport::line::Certificate;
use crate::transport::{Phase, TransportError};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::verify_server_cert_signed_by_trust_anchor;
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, Error, SignatureScheme};
use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Longest chain that is looked at.
const MAX_CHAIN: usize = 16;

/// What the server showed, and what is wrong with it.
#[derive(Clone, Default)]
pub(super) struct Seen {
    pub chain: Vec<Certificate>,
    pub problem: Option<TransportError>,
}

/// Judges one handshake.
pub(super) struct Verifier {
    pub peer: SocketAddr,
    /// The domain or address that the certificate must be good for.
    pub wanted: String,
    pub wildcards: bool,
    pub insecure: bool,
    pub anchors: Arc<Anchors>,
    pub algorithms: WebPkiSupportedAlgorithms,
    pub seen: Mutex<Seen>,
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verifier").field("peer", &self.peer).field("wanted", &self.wanted).finish_non_exhaustive()
    }
}

/// One thing that is wrong: the word for it, the end of a sentence that begins with the certificate, a hint.
struct Problem {
    kind: &'static str,
    words: String,
    hint: String,
    /// What the server is told.
    alert: CertificateError,
}

impl Verifier {
    pub(super) fn seen(&self) -> Seen {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn judge(&self, leaf: &CertificateDer<'_>, others: &[CertificateDer<'_>], now: UnixTime) -> Vec<Problem> {
        let Some(shown) = Shown::read(leaf) else {
            let words = "cannot be read".to_owned();
            let alert = CertificateError::BadEncoding;
            return vec![Problem { kind: "cert-untrusted", words, hint: String::new(), alert }];
        };
        let mut problems = Vec::new();
        let age = dated(&shown.facts, now);
        let trusted_at = match &age {
            // Whether it would be trusted at all is asked for a time at which it was valid.
            Some(_) => {
                UnixTime::since_unix_epoch(Duration::from_secs(u64::try_from(shown.facts.not_after).unwrap_or(0)))
            }
            None => now,
        };
        problems.extend(age);
        problems.extend(self.distrust(&shown, leaf, others, trusted_at));
        if !shown.is_for(&self.wanted, self.wildcards) {
            problems.push(self.misnamed(&shown));
        }
        problems
    }

    fn misnamed(&self, shown: &Shown) -> Problem {
        let names = shown.listed();
        let words = format!("is for another name: it is for {}; wanted {}", Safe(names.as_bytes()), self.wanted);
        let hint = if !self.wildcards && shown.is_for_by_wildcard(&self.wanted) {
            "SIP knows no wildcards in certificates (RFC 5922 §7.2): strict peers refuse it"
        } else {
            "the name of the target counts, not that of the server behind it; --tls-server-name demands another"
        };
        Problem { kind: "cert-name", words, hint: hint.to_owned(), alert: CertificateError::NotValidForName }
    }

    /// Why the chain is not trusted, if it is not.
    fn distrust(
        &self,
        shown: &Shown,
        leaf: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        at: UnixTime,
    ) -> Option<Problem> {
        // Who names this very certificate trusts it, whoever signed it.
        if self.anchors.certificates.iter().any(|known| known.as_ref() == leaf.as_ref()) {
            return None;
        }
        let parsed = ParsedCertificate::try_from(leaf);
        let error = parsed
            .and_then(|leaf| {
                let algorithms = self.algorithms.all;
                verify_server_cert_signed_by_trust_anchor(&leaf, &self.anchors.roots, others, at, algorithms)
            })
            .err()?;
        if shown.self_issued {
            return Some(Problem {
                kind: "cert-self-signed",
                words: "is self-signed: nobody vouches for it".to_owned(),
                hint: "--tls-ca FILE trusts the certificate in that file".to_owned(),
                alert: CertificateError::UnknownIssuer,
            });
        }
        let whose = &self.anchors.whose;
        let (words, hint) = match &error {
            Error::InvalidCertificate(CertificateError::UnknownIssuer) => {
                let last = others.last().and_then(|last| Shown::read(last));
                let issuer = last.as_ref().map_or(&shown.facts.issuer, |last| &last.facts.issuer);
                let words = format!("is not trusted: {} is not among {whose}", Safe(issuer.as_bytes()));
                let hint = match others.is_empty() {
                    true => {
                        "--tls-ca FILE names the authority; or the server does not send its intermediate certificate"
                    }
                    false => "--tls-ca FILE names the authority to trust",
                };
                (words, hint)
            }
            Error::InvalidCertificate(
                CertificateError::Expired
                | CertificateError::ExpiredContext { .. }
                | CertificateError::NotValidYet
                | CertificateError::NotValidYetContext { .. },
            ) => {
                let outdated = others.iter().filter_map(|c| Shown::read(c)).find(|c| dated(&c.facts, at).is_some());
                let which = outdated.map_or("an authority".to_owned(), |c| c.facts.subject);
                (format!("is not trusted: the certificate of {} is out of date", Safe(which.as_bytes())), "")
            }
            Error::InvalidCertificate(CertificateError::BadSignature) => {
                (format!("is not trusted: its signature is not that of {}", Safe(shown.facts.issuer.as_bytes())), "")
            }
            Error::InvalidCertificate(
                CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. },
            ) => ("is not meant for servers (extended key usage)".to_owned(), ""),
            other => (format!("is not trusted: {other}"), ""),
        };
        let alert = match error {
            Error::InvalidCertificate(alert) => alert,
            _ => CertificateError::UnknownIssuer,
        };
        Some(Problem { kind: "cert-untrusted", words, hint: hint.to_owned(), alert })
    }
}

/// What is wrong with the dates, if anything is.
fn dated(facts: &Certificate, now: UnixTime) -> Option<Problem> {
    let now = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
    let day = |at: i64| jiff::Timestamp::from_second(at).map_or("?".to_owned(), |t| t.strftime("%Y-%m-%d").to_string());
    let hint = || "is the clock of this host right?".to_owned();
    if now > facts.not_after {
        let words = format!("expired {} ago ({})", span(now.saturating_sub(facts.not_after)), day(facts.not_after));
        return Some(Problem { kind: "cert-expired", words, hint: hint(), alert: CertificateError::Expired });
    }
    if now < facts.not_before {
        let from = facts.not_before;
        let words = format!("is not valid yet: it will be in {} ({})", span(from.saturating_sub(now)), day(from));
        return Some(Problem { kind: "cert-not-yet-valid", words, hint: hint(), alert: CertificateError::NotValidYet });
    }
    None
}

/// A span of time in the unit that people would use.
fn span(seconds: i64) -> String {
    let (number, unit) = match seconds {
        172_800.. => (seconds / 86_400, "day"),
        7_200.. => (seconds / 3_600, "hour"),
        120.. => (seconds / 60, "minute"),
        _ => (seconds, "second"),
    };
    format!("{number} {unit}{}", if number == 1 { "" } else { "s" })
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let mut problems = self.judge(leaf, others, now).into_iter();
        let chain = std::iter::once(leaf).chain(others).take(MAX_CHAIN);
        let chain = chain.filter_map(|der| Shown::read(der)).map(|shown| shown.facts).collect();
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        *seen = Seen { chain, problem: None };
        let Some(Problem { kind, mut words, hint, alert }) = problems.next() else {
            return Ok(ServerCertVerified::assertion());
        };
        // The first is what it is about; the others are not kept back.
        for other in problems {
            words.push_str("; it also ");
            words.push_str(&other.words);
        }
        let message = format!("the certificate of {} {words}", self.peer);
        seen.problem = Some(TransportError::new(Phase::Tls, kind, message).with_hint(hint));
        if self.insecure { Ok(ServerCertVerified::assertion()) } else { Err(alert.into()) }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.lenient(cert, verify_tls12_signature(message, cert, dss, &self.algorithms))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.lenient(cert, verify_tls13_signature(message, cert, dss, &self.algorithms))
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

impl Verifier {
    /// Where anything is taken, so is a certificate in a form too old to be read (X.509 version 1): its key cannot be asked.
    fn lenient(
        &self,
        cert: &CertificateDer<'_>,
        result: Result<HandshakeSignatureValid, Error>,
    ) -> Result<HandshakeSignatureValid, Error> {
        match result {
            Err(_) if self.insecure && ParsedCertificate::try_from(cert).is_err() => {
                Ok(HandshakeSignatureValid::assertion())
            }
            other => other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::span;

    #[test]
    fn spans_have_the_unit_that_people_use() {
        let spans = [1, 119, 120, 7_199, 7_200, 172_799, 172_800, 12 * 86_400 + 5].map(span);
        let words = ["1 second", "119 seconds", "2 minutes", "119 minutes", "2 hours", "47 hours", "2 days", "12 days"];
        assert_eq!(spans, words);
    }
}
