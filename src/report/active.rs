//! What ping, register and invite have in common: how the target was found and reached, what came of it. CONTRACT §4

use schemars::JsonSchema;
use serde::Serialize;

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
