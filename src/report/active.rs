//! What ping, register and invite have in common: how the target was found and reached, what came of it. CONTRACT §4

use super::Exit;
use crate::digest;
use crate::transport::line::TlsFacts;
use crate::transport::{LineFacts, Plan};
use schemars::JsonSchema;
use serde::Serialize;
use std::time::Duration;

/// The RFC 3263 plan, and what of it was used.
#[derive(Clone, Debug, Default, PartialEq, Serialize, JsonSchema)]
pub struct Resolution {
    /// What the DNS was asked, in order.
    pub lookups: Vec<Lookup>,
    /// What is tried, in order.
    pub candidates: Vec<Candidate>,
    /// Position in `candidates` of the one that answered, or was tried last.
    pub used: Option<usize>,
    /// What a person should know.
    pub notes: Vec<String>,
}

/// A question to the DNS.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Lookup {
    /// `NAPTR`, `SRV`, `A`, `AAAA`
    pub kind: String,
    /// Name asked for.
    pub name: String,
    /// The records, as zone files write them.
    pub records: Vec<String>,
    /// Why there were none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    /// Milliseconds.
    pub took_ms: f64,
}

/// A place to try.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Candidate {
    /// `udp`, `tcp`, `tls`, `ws`, `wss`
    pub transport: String,
    /// `192.0.2.1:5060`
    pub address: String,
    /// Host name whose address it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// Priority of the SRV record.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority: Option<u16>,
    /// Weight of the SRV record.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weight: Option<u16>,
    /// How it was found.
    pub how: String,
    /// What became of it: absent where it was not tried.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<String>,
}

/// How it ended.
#[derive(Clone, Debug, Default, PartialEq, Serialize, JsonSchema)]
pub struct Verdict {
    /// Whether the exit code is 0.
    pub ok: bool,
    /// The exit code. CONTRACT §3
    pub code: u8,
    /// One line for people.
    pub reason: String,
}

/// The verdict of a trial, with a hint for people.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Judgement {
    /// The exit code.
    pub exit: Exit,
    /// One line.
    pub reason: String,
    /// What to do next; empty where there is nothing to say.
    pub hint: String,
}

impl Judgement {
    pub(super) fn new(exit: Exit, reason: impl Into<String>, hint: impl Into<String>) -> Self {
        Judgement { exit, reason: reason.into(), hint: hint.into() }
    }
}

/// A challenge that was answered.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Challenge {
    /// `registrar`, `server` or `proxy`
    pub by: &'static str,
    /// `MD5`, `SHA-256`, …
    pub algorithm: String,
    /// Realm.
    pub realm: String,
    /// `auth` or `auth-int`; absent for the form without qop.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub qop: Option<&'static str>,
    /// Whether the last one said that the nonce was too old.
    pub stale: bool,
}

impl Challenge {
    /// A challenge as it is reported: `server` is what one is called that no proxy asked.
    #[must_use]
    pub fn of(challenge: &digest::Challenge, by_proxy: bool, server: &'static str) -> Self {
        Challenge {
            by: if by_proxy { "proxy" } else { server },
            algorithm: challenge.algorithm.map_or_else(|| challenge.algorithm_text.clone(), |a| a.name().to_owned()),
            realm: challenge.realm.clone(),
            qop: match challenge.qop.as_slice() {
                [] => None,
                offered if offered.contains(&digest::Qop::Auth) => Some("auth"),
                _ => Some("auth-int"),
            },
            stale: challenge.stale,
        }
    }
}

/// Where the time went; milliseconds, absent where a step was not needed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, JsonSchema)]
pub struct Timing {
    /// All questions to the DNS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dns_ms: Option<f64>,
    /// The TCP connection.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connect_ms: Option<f64>,
    /// The TLS handshake.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_ms: Option<f64>,
    /// From the request to its first response.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_response_ms: Option<f64>,
    /// From the request to its final response, challenges included.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub final_ms: Option<f64>,
}

/// What TLS agreed on.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Tls {
    /// `TLS 1.3`
    pub version: String,
    /// `TLS_AES_256_GCM_SHA384`
    pub cipher: String,
    /// The peer's chain, its own certificate first.
    pub chain: Vec<Certificate>,
    /// What is wrong with it, where `--tls-insecure` let it pass.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ignored: Option<String>,
}

/// A certificate.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Certificate {
    /// `CN=sip.example.com`
    pub subject: String,
    /// Who signed it.
    pub issuer: String,
    /// Subject alternative names: `DNS:…`, `URI:…`, `IP:…`
    pub names: Vec<String>,
    /// RFC 3339.
    pub not_before: String,
    /// RFC 3339.
    pub not_after: String,
}

impl Resolution {
    /// A plan as it is reported, nothing tried yet.
    #[must_use]
    pub fn of(plan: &Plan) -> Self {
        let lookups = plan.lookups.iter().map(|lookup| Lookup {
            kind: lookup.kind.to_owned(),
            name: lookup.name.clone(),
            records: lookup.records.clone(),
            failure: lookup.failure.clone(),
            took_ms: milliseconds(lookup.took),
        });
        let candidates = plan.candidates.iter().map(|candidate| Candidate {
            transport: candidate.protocol.name().to_owned(),
            address: candidate.address.to_string(),
            host: candidate.host.clone(),
            priority: candidate.srv.map(|(priority, _)| priority),
            weight: candidate.srv.map(|(_, weight)| weight),
            how: candidate.how.clone(),
            outcome: None,
        });
        Resolution {
            lookups: lookups.collect(),
            candidates: candidates.collect(),
            used: None,
            notes: plan.notes.clone(),
        }
    }
}

impl Timing {
    /// What the plan and the line took; the responses come later. No time for the DNS where it was not asked.
    #[must_use]
    pub fn of(plan: &Plan, line: Option<&LineFacts>) -> Self {
        Timing {
            dns_ms: (!plan.lookups.is_empty()).then(|| milliseconds(plan.took)),
            connect_ms: line.and_then(|line| line.connect).map(milliseconds),
            tls_ms: line.and_then(|line| line.tls_time).map(milliseconds),
            ..Timing::default()
        }
    }
}

impl Tls {
    /// What a handshake agreed on.
    #[must_use]
    pub fn of(facts: &TlsFacts) -> Self {
        let chain = facts.chain.iter().map(|certificate| Certificate {
            subject: certificate.subject.clone(),
            issuer: certificate.issuer.clone(),
            names: certificate.names.clone(),
            not_before: instant(certificate.not_before),
            not_after: instant(certificate.not_after),
        });
        Tls {
            version: facts.version.clone(),
            cipher: facts.cipher.clone(),
            chain: chain.collect(),
            ignored: facts.ignored.as_ref().map(|error| error.message.clone()),
        }
    }
}

/// A duration in milliseconds, to the nanosecond.
#[must_use]
pub fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

/// Unix seconds as RFC 3339 in UTC. Certificates are valid for longer than the nanoseconds of captures reach: to the year 9999.
#[must_use]
pub fn instant(seconds: i64) -> String {
    jiff::Timestamp::from_second(seconds).map_or_else(|_| format!("@{seconds}"), |instant| format!("{instant:.9}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::{Protocol, TransportError};

    #[test]
    fn instants_reach_as_far_as_certificates() {
        // date -u -d @253402300799 +%FT%TZ
        assert_eq!(instant(253_402_207_200), "9999-12-30T22:00:00.000000000Z");
        assert_eq!(instant(1_700_000_000), "2023-11-14T22:13:20.000000000Z");
        assert_eq!(instant(i64::MAX), format!("@{}", i64::MAX));
    }

    #[test]
    fn a_plan_and_a_line_are_told_in_the_words_of_the_contract() {
        let plan = Plan {
            lookups: vec![crate::transport::resolve::Lookup {
                kind: "SRV",
                name: "_sip._udp.a".to_owned(),
                records: vec!["1 2 5060 b".to_owned()],
                failure: None,
                took: Duration::from_micros(1500),
            }],
            candidates: vec![crate::transport::Candidate {
                protocol: Protocol::Wss,
                address: "[2001:db8::1]:443".parse().unwrap(),
                domain: "a".to_owned(),
                host: Some("b".to_owned()),
                srv: Some((1, 2)),
                how: "SRV".to_owned(),
            }],
            notes: Vec::new(),
            took: Duration::from_millis(2),
        };
        let told = Resolution::of(&plan);
        assert_eq!((told.lookups[0].took_ms, told.candidates[0].address.as_str()), (1.5, "[2001:db8::1]:443"));
        assert_eq!((told.candidates[0].priority, told.candidates[0].weight), (Some(1), Some(2)));
        assert_eq!(told.candidates[0].transport, "wss");
        assert_eq!(Timing::of(&plan, None).dns_ms, Some(2.0));
        assert_eq!(Timing::of(&Plan::default(), None), Timing::default());

        let ignored = Some(TransportError::new(crate::transport::Phase::Tls, "cert-expired", "expired"));
        let facts = TlsFacts { version: "TLS 1.3".to_owned(), cipher: "C".to_owned(), chain: Vec::new(), ignored };
        assert_eq!(Tls::of(&facts).ignored.as_deref(), Some("expired"));
    }
}
