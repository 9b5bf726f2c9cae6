//! Whether a PASSporT was signed with the key of its certificate, and whether that certificate leads to one that is trusted. RFC 8224 §6.2, RFC 8226

use super::passport::Passport;
use ring::signature::{self, EcdsaVerificationAlgorithm, UnparsedPublicKey};
use std::collections::HashMap;
use x509_parser::prelude::{FromDer, X509Certificate};

/// Certificates between a signer's and a trusted one.
const LONGEST_CHAIN: usize = 6;
/// id-pe-TNAuthList. RFC 8226 §9
const TN_AUTH_LIST: &str = "1.3.6.1.5.5.7.1.26";

/// Certificates that the user gave, in DER.
#[derive(Clone, Debug, Default)]
pub struct Certificates {
    /// Chains by the last part of the URL that names them, the signer's certificate first.
    pub by_name: HashMap<String, Vec<Vec<u8>>>,
    /// Certificates that are trusted; `None` where chains are not to be looked at.
    pub trusted: Option<Vec<Vec<u8>>>,
}

/// What verification says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// Signed by the certificate of this subject.
    Good(String),
    /// The certificate is not among those that were given: nothing is known.
    Unknown,
    /// Why it is not to be believed, in a sentence.
    Bad(String),
}

impl Certificates {
    /// Verifies a PASSporT.
    #[must_use]
    pub fn verify(&self, passport: &Passport) -> Verdict {
        let path = passport.x5u.split(['?', '#']).next().unwrap_or_default();
        let name = path.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
        let Some(chain) = self.by_name.get(name) else { return Verdict::Unknown };
        match self.check(passport, chain) {
            Ok(subject) => Verdict::Good(subject),
            Err(why) => Verdict::Bad(why),
        }
    }

    fn check(&self, passport: &Passport, chain: &[Vec<u8>]) -> Result<String, String> {
        let read = |der: &Vec<u8>| X509Certificate::from_der(der).ok().map(|(_, c)| c).is_some();
        let first = chain.first().filter(|der| read(der)).ok_or("the certificate cannot be read")?;
        let (_, leaf) = X509Certificate::from_der(first).map_err(|_| "the certificate cannot be read")?;
        let key = leaf.public_key().subject_public_key.data.as_ref();
        let verified = UnparsedPublicKey::new(&signature::ECDSA_P256_SHA256_FIXED, key)
            .verify(passport.signed.as_bytes(), &passport.signature);
        verified.map_err(|_| {
            "the signature does not fit the key of its certificate: something was changed, or another key signed"
                .to_owned()
        })?;
        let subject = leaf.subject().to_string();
        let (from, until) = (leaf.validity().not_before.timestamp(), leaf.validity().not_after.timestamp());
        if passport.iat < from || passport.iat > until {
            return Err(format!("the certificate of {subject} was not valid when it was used"));
        }
        may_sign(&leaf, &passport.orig)?;
        self.leads_to_trust(&leaf, chain, passport.iat)?;
        Ok(subject)
    }

    fn leads_to_trust(&self, leaf: &X509Certificate<'_>, chain: &[Vec<u8>], at: i64) -> Result<(), String> {
        let Some(trusted) = &self.trusted else { return Ok(()) };
        let mut current = leaf.clone();
        for _ in 0..LONGEST_CHAIN {
            if trusted.iter().filter_map(|der| parse(der)).any(|anchor| is_issuer(&anchor, &current)) {
                return Ok(());
            }
            let next = chain.iter().skip(1).filter_map(|der| parse(der)).find(|c| {
                let is_valid = (c.validity().not_before.timestamp()..=c.validity().not_after.timestamp()).contains(&at);
                is_valid && c.is_ca() && is_issuer(c, &current)
            });
            match next {
                Some(next) => current = next,
                None => break,
            }
        }
        Err(format!("the certificate was issued by {}, which does not lead to a trusted one", current.issuer()))
    }
}

fn parse(der: &[u8]) -> Option<X509Certificate<'_>> {
    X509Certificate::from_der(der).ok().map(|(_, certificate)| certificate)
}

/// Whether `issuer` signed `certificate`.
fn is_issuer(issuer: &X509Certificate<'_>, certificate: &X509Certificate<'_>) -> bool {
    if issuer.subject().as_raw() != certificate.issuer().as_raw() {
        return false;
    }
    let key = issuer.public_key().subject_public_key.data.as_ref();
    let algorithm: Option<&'static EcdsaVerificationAlgorithm> =
        match (certificate.signature_algorithm.algorithm.to_id_string().as_str(), key.len()) {
            // An uncompressed point of P-256 has 65 bytes, one of P-384 has 97. RFC 5480 §2.2
            ("1.2.840.10045.4.3.2", 65) => Some(&signature::ECDSA_P256_SHA256_ASN1),
            ("1.2.840.10045.4.3.3", 65) => Some(&signature::ECDSA_P256_SHA384_ASN1),
            ("1.2.840.10045.4.3.2", 97) => Some(&signature::ECDSA_P384_SHA256_ASN1),
            ("1.2.840.10045.4.3.3", 97) => Some(&signature::ECDSA_P384_SHA384_ASN1),
            _ => None,
        };
    algorithm.is_some_and(|algorithm| {
        let signed = certificate.tbs_certificate.as_ref();
        UnparsedPublicKey::new(algorithm, key).verify(signed, &certificate.signature_value.data).is_ok()
    })
}

/// Whether a certificate may sign for a number: by its TNAuthList. RFC 8226 §9
fn may_sign(certificate: &X509Certificate<'_>, number: &str) -> Result<(), String> {
    let list = certificate.extensions().iter().find(|e| e.oid.to_id_string() == TN_AUTH_LIST);
    let Some(list) = list else {
        return Err("the certificate has no TNAuthList: it may sign for no number".to_owned());
    };
    let Some((0x30, mut rest, _)) = element(list.value) else {
        return Err("the TNAuthList of the certificate cannot be read".to_owned());
    };
    let mut numbers = Vec::new();
    while let Some((tag, content, after)) = element(rest) {
        // A service provider code, or a range: which numbers are meant only their registers know.
        if tag != 0xa2 {
            return Ok(());
        }
        numbers.extend(element(content).map(|(_, text, _)| text));
        rest = after;
    }
    match numbers.contains(&number.as_bytes()) {
        true => Ok(()),
        false => Err(format!("the certificate may not sign for {number}: its TNAuthList names other numbers")),
    }
}

/// The first DER element: tag, content, what follows.
fn element(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = der.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        0x81..=0x83 => {
            let (digits, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            (digits.iter().fold(0, |n, &d| n << 8 | usize::from(d)), rest)
        }
        _ => return None,
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((tag, content, rest))
}

#[cfg(test)]
mod tests;
