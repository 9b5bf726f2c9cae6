//! One question to the DNS, and what came back in words.

use super::Lookup;
use crate::base::Safe;
use crate::transport::{Phase, TransportError};
use hickory_resolver::TokioResolver;
use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolveHosts, ResolverConfig, ResolverOpts};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::op::ResponseCode;
use hickory_resolver::proto::rr::{Name, RData, RecordType};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// Records of one answer that are looked at: more are counted and passed over.
const MOST_RECORDS: usize = 64;

/// Why a question brought no records.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Failed {
    /// The name has none of this type.
    NoRecords,
    /// There is no such name.
    NxDomain,
    /// The server said no: REFUSED, SERVFAIL and their kin.
    Code,
    /// No server could be asked, or its answer could not be read.
    Unusable,
    /// Nothing came in time.
    Timeout,
}

/// What a question brought.
#[derive(Debug)]
pub(super) struct Answer {
    /// For the plan; its records are filled in by who orders them.
    pub lookup: Lookup,
    /// The records of the type asked for.
    pub data: Vec<RData>,
    /// Why there are none.
    pub failed: Option<Failed>,
    /// The canonical name, where the name asked for is an alias.
    pub alias: Option<String>,
    /// Records beyond [`MOST_RECORDS`].
    pub cut: usize,
}

/// Asks one server, or those of the system.
pub(super) struct Asker {
    inner: TokioResolver,
    timeout: Duration,
    /// Who is asked, for people.
    pub server: String,
}

impl Asker {
    /// Reads the system's configuration, unless a server is given. One that cannot be read is told of when a question
    /// needs it: names of the hosts file are found without.
    pub fn new(server: Option<SocketAddr>, timeout: Duration) -> Result<Self, TransportError> {
        let (config, mut options, server) = match server {
            Some(address) => (only(address), ResolverOpts::default(), address.to_string()),
            None => system(),
        };
        options.use_hosts_file = if server.contains("system") { ResolveHosts::Always } else { ResolveHosts::Never };
        // Two attempts in the time for one question; each of them repeats its datagram by itself.
        options.timeout = (timeout / 2).max(Duration::from_millis(1));
        options.attempts = 1;
        options.cache_size = 256;
        // Without EDNS answers that are too long come with the TC bit, and then over TCP: every server knows that.
        options.edns0 = false;
        let mut builder = TokioResolver::builder_with_config(config, TokioRuntimeProvider::default());
        *builder.options_mut() = options;
        let inner = builder
            .build()
            .map_err(|e| TransportError::new(Phase::Dns, "io", format!("cannot set up the resolver: {}", short(&e))))?;
        Ok(Asker { inner, timeout, server })
    }

    /// Asks for records of a type. A name with a dot is complete; one without may be completed by the search list.
    pub async fn ask(&self, kind: RecordType, name: &str) -> Answer {
        let begun = Instant::now();
        let found = match Name::from_ascii(name) {
            Ok(mut full) => {
                full.set_fqdn(name.contains('.'));
                let asked = self.inner.lookup(full, kind);
                tokio::time::timeout(self.timeout, asked).await.unwrap_or(Err(NetError::Timeout))
            }
            Err(_) => Err(NetError::Message("no name that the DNS can hold")),
        };
        let mut answer = Answer {
            lookup: Lookup {
                kind: word(kind),
                name: shown(name),
                records: Vec::new(),
                failure: None,
                took: begun.elapsed(),
            },
            data: Vec::new(),
            failed: None,
            alias: None,
            cut: 0,
        };
        match found {
            Ok(found) => {
                for record in found.answers() {
                    match &record.data {
                        RData::CNAME(target) => answer.alias = Some(host_name(&target.0)),
                        data if record.record_type() == kind && answer.data.len() < MOST_RECORDS => {
                            answer.data.push(data.clone());
                        }
                        _ if record.record_type() == kind => answer.cut += 1,
                        _ => {}
                    }
                }
                if answer.data.is_empty() {
                    answer.fails(Failed::NoRecords, "no records".to_owned());
                }
            }
            Err(error) => {
                let (failed, words) = reason(&error);
                answer.fails(failed, words);
            }
        }
        answer
    }
}

impl Answer {
    fn fails(&mut self, failed: Failed, words: String) {
        self.failed = Some(failed);
        self.lookup.failure = Some(words);
    }
}

/// The name of a record type.
fn word(kind: RecordType) -> &'static str {
    match kind {
        RecordType::NAPTR => "NAPTR",
        RecordType::SRV => "SRV",
        RecordType::AAAA => "AAAA",
        _ => "A",
    }
}

/// A name without its final dot, in characters that can be shown: what a label holds else is escaped as `\065`.
pub(super) fn host_name(name: &Name) -> String {
    let ascii = name.to_ascii();
    let bare = ascii.strip_suffix('.').filter(|n| !n.is_empty()).unwrap_or(&ascii);
    shown(bare)
}

fn shown(name: &str) -> String {
    Safe(name.as_bytes()).to_string()
}

/// One server, over UDP and TCP on its port.
fn only(address: SocketAddr) -> ResolverConfig {
    let connections = [ConnectionConfig::udp(), ConnectionConfig::tcp()].map(|mut connection| {
        connection.port = address.port();
        connection
    });
    let server = NameServerConfig::new(address.ip(), true, connections.into());
    ResolverConfig::from_parts(None, Vec::new(), vec![server])
}

/// The system's configuration, and who is asked by it.
fn system() -> (ResolverConfig, ResolverOpts, String) {
    match hickory_resolver::system_conf::read_system_conf() {
        Ok((config, options)) => {
            let addresses: Vec<String> = config.name_servers.iter().map(|s| s.ip.to_string()).collect();
            let server = format!("the system's name servers ({})", addresses.join(", "));
            (config, options, server)
        }
        Err(error) => {
            let config = ResolverConfig::from_parts(None, Vec::new(), Vec::new());
            let server = format!("nobody (no name server of the system is known: {})", short(&error));
            (config, ResolverOpts::default(), server)
        }
    }
}

fn reason(error: &NetError) -> (Failed, String) {
    match error {
        NetError::Timeout => (Failed::Timeout, "timed out".to_owned()),
        _ if error.is_nx_domain() => (Failed::NxDomain, "NXDOMAIN".to_owned()),
        _ if error.is_no_records_found() => (Failed::NoRecords, "no records".to_owned()),
        NetError::Dns(DnsError::ResponseCode(code)) => (Failed::Code, code_word(*code)),
        NetError::NoConnections => (Failed::Unusable, "no name server could be reached".to_owned()),
        NetError::Truncated => (Failed::Unusable, "truncated, and TCP does not help".to_owned()),
        other => (Failed::Unusable, short(other)),
    }
}

fn code_word(code: ResponseCode) -> String {
    match code {
        ResponseCode::Refused => "REFUSED".to_owned(),
        ResponseCode::ServFail => "SERVFAIL".to_owned(),
        ResponseCode::FormErr => "FORMERR".to_owned(),
        ResponseCode::NotImp => "NOTIMP".to_owned(),
        other => other.to_string(),
    }
}

/// An error on one line, without the number that Rust puts behind the system's words.
fn short(error: &NetError) -> String {
    let text = match error {
        NetError::Io(io) => io.to_string(),
        other => other.to_string(),
    };
    let text = text.split(" (os error").next().unwrap_or_default();
    Safe(text.as_bytes()).to_string().chars().take(120).collect()
}
