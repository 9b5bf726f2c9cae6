//! From a target to its candidates. RFC 3263 §4.1 and §4.2

use super::ask::{Answer, Asker, Failed, host_name};
use super::{Candidate, Lookup, Plan, Wanted, draw};
use crate::base::{Entropy, Safe};
use crate::transport::{Phase, Protocol, Target, TransportError};
use futures_util::stream::{self, StreamExt};
use hickory_resolver::proto::rr::rdata::{NAPTR, SRV};
use hickory_resolver::proto::rr::{RData, RecordType};
use std::collections::HashMap;
use std::net::{IpAddr, UdpSocket};

/// NAPTR records that are followed.
const MOST_SERVICES: usize = 8;
/// Host names that are looked up.
const MOST_HOSTS: usize = 32;
/// Candidates of a plan.
const MOST_CANDIDATES: usize = 64;
/// Questions that are under way at once.
const AT_ONCE: usize = 8;

/// A way to go on from a NAPTR record or from the rules: SRV records to ask for, or a host.
struct Route {
    protocol: Protocol,
    how: String,
    step: Step,
}

enum Step {
    Srv(String),
    Host(String, u16),
}

/// A host to be looked up, in the order in which it is tried.
struct Hop {
    protocol: Protocol,
    host: String,
    port: u16,
    srv: Option<(u16, u16)>,
    how: String,
}

/// What SRV records there were.
#[derive(Default)]
struct Services {
    /// Whether there was any.
    any: bool,
    /// Whether one had the target "." (RFC 2782: decidedly not available).
    refused: Option<String>,
}

/// A plan in the making.
pub(super) struct Walk<'a> {
    target: &'a Target,
    wanted: Wanted,
    entropy: &'a mut Entropy,
    plan: Plan,
    failures: Vec<(Failed, usize)>,
    addresses: HashMap<String, Vec<IpAddr>>,
}

impl<'a> Walk<'a> {
    pub fn new(target: &'a Target, wanted: Wanted, entropy: &'a mut Entropy) -> Self {
        let (plan, failures, addresses) = (Plan::default(), Vec::new(), HashMap::new());
        Walk { target, wanted, entropy, plan, failures, addresses }
    }

    pub fn into_plan(self) -> Plan {
        self.plan
    }

    /// A numeric host asks nothing. RFC 3263 §4.1, §4.2
    pub fn numeric(&mut self, ip: IpAddr) -> Result<(), TransportError> {
        if self.wanted.v6.is_some_and(|v6| v6 != ip.is_ipv6()) {
            let family = if ip.is_ipv6() { "IPv4" } else { "IPv6" };
            let words = format!("cannot send to {ip}: only {family} is allowed");
            return Err(TransportError::new(Phase::Dns, "no-records", words).with_hint("leave out -4 or -6"));
        }
        let protocol = self.named_protocol().unwrap_or(self.usual_protocol());
        let port = self.target.port.unwrap_or(protocol.default_port());
        let hop = Hop { protocol, host: String::new(), port, srv: None, how: "as given".to_owned() };
        self.candidate(&hop, ip);
        Ok(())
    }

    /// A name. RFC 3263 §4.1, §4.2
    pub async fn named(&mut self, asker: &Asker, name: &str) -> Result<(), TransportError> {
        let named = self.named_protocol();
        let mut services = Services::default();
        if let Some(port) = self.target.port {
            let protocol = named.unwrap_or(self.usual_protocol());
            self.follow(asker, vec![host(protocol, name, port)]).await;
        } else {
            let mut last = named.unwrap_or(self.usual_protocol());
            let routes = match named {
                Some(protocol) => vec![srv(protocol, name)],
                None => {
                    let found = self.naptr(asker, name).await;
                    if let Some(first) = found.first() {
                        last = first.protocol;
                        found
                    } else {
                        // RFC 3263 §4.1: without NAPTR records, SRV for each transport that we support.
                        let all = [Protocol::Udp, Protocol::Tcp, Protocol::Tls];
                        let usable = all.into_iter().filter(|p| p.is_secure() || !self.target.secure);
                        usable.map(|p| srv(p, name)).collect()
                    }
                }
            };
            services = self.follow(asker, routes).await;
            // RFC 3263 §4.2: without SRV records, the addresses of the domain itself.
            if !services.any && self.plan.candidates.is_empty() {
                self.follow(asker, vec![host(last, name, last.default_port())]).await;
            }
        }
        if self.plan.candidates.is_empty() { Err(self.failure(asker, name, services)) } else { Ok(()) }
    }

    /// The transport that the command line or the URI names. RFC 3263 §4.1; sips over TCP is TLS (RFC 3261 §26.2.2).
    fn named_protocol(&mut self) -> Option<Protocol> {
        if let Some(wanted) = self.wanted.protocol {
            if self.target.secure && !wanted.is_secure() {
                self.note(format!("a sips target asks for TLS; {} was demanded instead", wanted.name()));
            }
            return Some(wanted);
        }
        let named = self.target.transport?;
        Some(match named {
            Protocol::Tcp if self.target.secure => Protocol::Tls,
            Protocol::Ws if self.target.secure => Protocol::Wss,
            other => other,
        })
    }

    /// The transport where nothing names one. RFC 3263 §4.1
    fn usual_protocol(&self) -> Protocol {
        if self.target.secure { Protocol::Tls } else { Protocol::Udp }
    }

    /// The NAPTR records of a domain that we can follow, best first.
    async fn naptr(&mut self, asker: &Asker, name: &str) -> Vec<Route> {
        let mut answer = asker.ask(RecordType::NAPTR, name).await;
        let data = std::mem::take(&mut answer.data).into_iter();
        let mut records: Vec<NAPTR> =
            data.filter_map(|d| if let RData::NAPTR(r) = d { Some(r) } else { None }).collect();
        // RFC 3403 §4.1: order first, preference among those of one order.
        records.sort_by_key(|r| (r.order, r.preference));
        answer.lookup.records = records.iter().map(naptr_text).collect();
        self.take(&answer);
        self.lookup(answer);
        let mut routes = Vec::new();
        for record in &records {
            match self.service(record) {
                Ok(route) if routes.len() < MOST_SERVICES => routes.push(route),
                Ok(_) => {
                    self.note(format!("more than {MOST_SERVICES} NAPTR records can be used: the others are left out"));
                    break;
                }
                Err(why) => self.note(format!("NAPTR {} is passed over: {why}", text(&record.services))),
            }
        }
        routes
    }

    /// What one NAPTR record leads to, or why to nothing. RFC 3263 §4.1
    fn service(&self, record: &NAPTR) -> Result<Route, String> {
        let services = text(&record.services);
        let protocol = match services.to_ascii_uppercase().as_str() {
            "SIP+D2U" => Protocol::Udp,
            "SIP+D2T" => Protocol::Tcp,
            "SIPS+D2T" => Protocol::Tls,
            "SIP+D2W" => Protocol::Ws,
            "SIPS+D2W" => Protocol::Wss,
            "SIP+D2S" | "SIPS+D2S" => return Err("SCTP is not spoken here".to_owned()),
            other if other.starts_with("SIP+") || other.starts_with("SIPS+") => {
                return Err("this transport is not spoken here".to_owned());
            }
            _ => return Err("it is no service of SIP".to_owned()),
        };
        if self.target.secure && !protocol.is_secure() {
            return Err("a sips target goes over TLS alone".to_owned());
        }
        if !record.regexp.is_empty() {
            return Err("it has a regular expression instead of a replacement".to_owned());
        }
        if record.replacement.is_root() {
            return Err("it has no replacement".to_owned());
        }
        let name = host_name(&record.replacement);
        let how = format!("NAPTR {services}");
        match text(&record.flags).to_ascii_lowercase().as_str() {
            "s" => Ok(Route { protocol, how, step: Step::Srv(name) }),
            "a" => Ok(Route { protocol, how, step: Step::Host(name, protocol.default_port()) }),
            flags => Err(format!("its flags are '{flags}', and only s and a lead on")),
        }
    }

    /// Follows routes in their order: all SRV questions at once, then all hosts at once.
    async fn follow(&mut self, asker: &Asker, routes: Vec<Route>) -> Services {
        let names = routes.iter().filter_map(|r| if let Step::Srv(name) = &r.step { Some(name.clone()) } else { None });
        let asked: Vec<_> = names.map(|name| async move { asker.ask(RecordType::SRV, &name).await }).collect();
        let mut answers = stream::iter(asked).buffered(AT_ONCE).collect::<Vec<Answer>>().await.into_iter();
        let mut services = Services::default();
        let mut hops = Vec::new();
        for route in routes {
            match route.step {
                Step::Host(host, port) => {
                    hops.push(Hop { protocol: route.protocol, host, port, srv: None, how: route.how });
                }
                Step::Srv(_) => {
                    if let Some(answer) = answers.next() {
                        self.srv(answer, route.protocol, &route.how, &mut hops, &mut services);
                    }
                }
            }
        }
        self.addresses_of(asker, &hops).await;
        for hop in &hops {
            for ip in self.addresses.get(&hop.host).cloned().unwrap_or_default() {
                self.candidate(hop, ip);
            }
        }
        services
    }

    /// Takes the SRV records of one name. RFC 2782
    fn srv(&mut self, mut answer: Answer, protocol: Protocol, how: &str, hops: &mut Vec<Hop>, services: &mut Services) {
        let data = std::mem::take(&mut answer.data).into_iter();
        let records: Vec<SRV> = data.filter_map(|d| if let RData::SRV(r) = d { Some(r) } else { None }).collect();
        let records = draw::order(records, |r| (r.priority, r.weight), self.entropy);
        answer.lookup.records =
            records.iter().map(|r| format!("{} {} {} {}", r.priority, r.weight, r.port, r.target.to_ascii())).collect();
        let name = answer.lookup.name.clone();
        if records.is_empty() && !how.is_empty() {
            let why = answer.lookup.failure.clone().unwrap_or_default();
            self.note(format!("{how} leads to {name}, which has no SRV record ({why})"));
        }
        self.take(&answer);
        self.lookup(answer);
        services.any |= !records.is_empty();
        for record in records {
            if record.target.is_root() {
                self.note(format!("SRV {name} has the target \".\": this service is not offered (RFC 2782)"));
                services.refused = Some(name.clone());
            } else if record.port == 0 {
                self.note(format!("SRV {name} names port 0: passed over"));
            } else {
                let host = host_name(&record.target);
                let arrow = if how.is_empty() { String::new() } else { format!("{how} → ") };
                let (how, srv) = (format!("{arrow}SRV {host}"), Some((record.priority, record.weight)));
                hops.push(Hop { protocol, host, port: record.port, srv, how });
            }
        }
    }

    /// Looks up every host once, A and AAAA side by side.
    async fn addresses_of(&mut self, asker: &Asker, hops: &[Hop]) {
        let mut names: Vec<&str> = Vec::new();
        for hop in hops {
            if !names.contains(&hop.host.as_str()) && !self.addresses.contains_key(&hop.host) {
                names.push(&hop.host);
            }
        }
        if names.len() > MOST_HOSTS {
            self.note(format!(
                "{} host names are named: the last {} are left out",
                names.len(),
                names.len() - MOST_HOSTS
            ));
            names.truncate(MOST_HOSTS);
        }
        let kinds = match self.wanted.v6 {
            Some(true) => &[RecordType::AAAA][..],
            Some(false) => &[RecordType::A],
            None => &[RecordType::A, RecordType::AAAA],
        };
        let questions = names.iter().flat_map(|&name| kinds.iter().map(move |&kind| (name, kind)));
        let asked: Vec<_> = questions.map(|(name, kind)| asker.ask(kind, name)).collect();
        let mut answers = stream::iter(asked).buffered(AT_ONCE).collect::<Vec<Answer>>().await.into_iter();
        for name in names {
            let (mut found, mut alias) = (Vec::new(), None);
            for mut answer in answers.by_ref().take(kinds.len()) {
                alias = alias.or(answer.alias.take());
                let data = std::mem::take(&mut answer.data);
                let ips: Vec<IpAddr> = data.iter().filter_map(ip_of).collect();
                answer.lookup.records = ips.iter().map(IpAddr::to_string).collect();
                found.extend(ips);
                self.take(&answer);
                self.lookup(answer);
            }
            let from_srv = hops.iter().any(|hop| hop.host == name && hop.srv.is_some());
            if let Some(alias) = alias {
                let forbidden = if from_srv { ", which RFC 2782 forbids of an SRV target" } else { "" };
                self.note(format!("{name} is an alias (CNAME) of {alias}{forbidden}"));
            }
            if from_srv && found.is_empty() {
                self.note(format!("SRV target {name} has no address: passed over"));
            }
            let found = self.ordered(found);
            self.addresses.insert(name.to_owned(), found);
        }
    }

    /// The addresses of a host as `getaddrinfo` orders them. RFC 6724 §6, rules 1 (avoid what has no route) and 6 (IPv6 first)
    fn ordered(&mut self, mut found: Vec<IpAddr>) -> Vec<IpAddr> {
        found.sort_by_key(IpAddr::is_ipv4);
        let mixed = found.iter().any(IpAddr::is_ipv4) && found.iter().any(IpAddr::is_ipv6);
        if mixed {
            let last: Vec<IpAddr> = found.iter().copied().filter(|&ip| !has_route(ip)).collect();
            if !last.is_empty() && last.len() < found.len() {
                found.retain(|ip| !last.contains(ip));
                let family = if last.iter().all(IpAddr::is_ipv6) { "IPv6 addresses" } else { "addresses" };
                self.note(format!("{family} to which there is no route come last"));
                found.extend(last);
            }
        }
        found
    }

    fn candidate(&mut self, hop: &Hop, ip: IpAddr) {
        let address = (ip, hop.port).into();
        if self.plan.candidates.iter().any(|c| c.address == address && c.protocol == hop.protocol) {
            return;
        }
        if self.plan.candidates.len() >= MOST_CANDIDATES {
            self.note(format!("there are more than {MOST_CANDIDATES} candidates: the others are left out"));
            return;
        }
        let how = match (hop.how.is_empty(), ip.is_ipv6()) {
            (false, _) => hop.how.clone(),
            (true, true) => "AAAA".to_owned(),
            (true, false) => "A".to_owned(),
        };
        self.plan.candidates.push(Candidate {
            protocol: hop.protocol,
            address,
            domain: self.target.domain().to_ascii_lowercase(),
            host: Some(hop.host.clone()).filter(|h| !h.is_empty()),
            srv: hop.srv,
            how,
        });
    }

    /// Notes what an answer lacks.
    fn take(&mut self, answer: &Answer) {
        let Lookup { kind, name, .. } = &answer.lookup;
        if let Some(failed) = answer.failed {
            self.failures.push((failed, self.plan.lookups.len()));
        }
        if answer.cut > 0 {
            self.note(format!("{kind} {name}: {} records beyond the first are left out", answer.cut));
        }
        if matches!(answer.failed, Some(Failed::Code | Failed::Unusable | Failed::Timeout)) {
            let why = answer.lookup.failure.clone().unwrap_or_default();
            self.note(format!("{kind} {name}: {why}: taken as if there were no records"));
        }
    }

    fn lookup(&mut self, answer: Answer) {
        self.plan.lookups.push(answer.lookup);
    }

    /// A note, once.
    fn note(&mut self, note: String) {
        if !self.plan.notes.contains(&note) {
            self.plan.notes.push(note);
        }
    }

    /// Why there is no candidate: what was asked of whom, and the gravest of what came back.
    fn failure(&self, asker: &Asker, name: &str, services: Services) -> TransportError {
        let error =
            |kind, words: String| TransportError::new(Phase::Dns, kind, format!("cannot resolve {name}: {words}"));
        if let Some(service) = services.refused {
            let words = format!("SRV {service} has the target \".\"");
            return error("no-records", words)
                .with_hint("the domain says that it does not offer this service (RFC 2782)");
        }
        let Some(gravest) = self.failures.iter().map(|(failed, _)| *failed).max_by_key(|failed| grave(*failed)) else {
            return error("no-records", "its records name no usable address".to_owned());
        };
        let alike = self.failures.iter().filter(|(failed, _)| *failed == gravest);
        let lookups: Vec<&Lookup> = alike.filter_map(|(_, at)| self.plan.lookups.get(*at)).collect();
        let Some(last) = lookups.last() else { return error("no-records", "nothing was found".to_owned()) };
        let kinds: Vec<&str> = lookups.iter().filter(|l| l.name == last.name).map(|l| l.kind).collect();
        let word = last.failure.as_deref().unwrap_or_default();
        let words = format!("asked {} for {} {}: {word}", asker.server, kinds.join(" and "), last.name);
        match gravest {
            Failed::Timeout => {
                error("timeout", words).with_hint("is the name server reachable? --dns ADDR asks another")
            }
            Failed::Unusable => error("io", words).with_hint("--dns ADDR asks another name server"),
            Failed::Code => error("dns-refused", words)
                .with_hint("this name server does not answer for the name; --dns ADDR asks another"),
            Failed::NxDomain if last.name == name => error("nxdomain", words).with_hint(
                "the name does not exist: check how it is written, or ask another name server with --dns ADDR",
            ),
            Failed::NxDomain => {
                error("no-records", words).with_hint("a record of the domain names a host that does not exist")
            }
            Failed::NoRecords if self.wanted.v6.is_some() => error("no-records", words)
                .with_hint("the name exists, without an address of the family that -4 or -6 demands"),
            Failed::NoRecords => {
                error("no-records", words).with_hint("the name exists, and no record leads to an address")
            }
        }
    }
}

/// A missing address is graver than a missing SRV record only by coming later; what keeps us from knowing is gravest.
fn grave(failed: Failed) -> u8 {
    match failed {
        Failed::NxDomain | Failed::NoRecords => 0,
        Failed::Code => 1,
        Failed::Unusable => 2,
        Failed::Timeout => 3,
    }
}

fn host(protocol: Protocol, name: &str, port: u16) -> Route {
    Route { protocol, how: String::new(), step: Step::Host(name.to_owned(), port) }
}

/// RFC 3263 §4.2; the WebSocket labels are not in RFC 7118, and in use.
fn srv(protocol: Protocol, name: &str) -> Route {
    let label = match protocol {
        Protocol::Udp => "_sip._udp",
        Protocol::Tcp => "_sip._tcp",
        Protocol::Tls => "_sips._tcp",
        Protocol::Ws => "_sip._ws",
        Protocol::Wss => "_sips._ws",
    };
    Route { protocol, how: String::new(), step: Step::Srv(format!("{label}.{name}")) }
}

fn ip_of(data: &RData) -> Option<IpAddr> {
    match data {
        RData::A(a) => Some(IpAddr::V4(a.0)),
        RData::AAAA(a) => Some(IpAddr::V6(a.0)),
        _ => None,
    }
}

fn text(bytes: &[u8]) -> String {
    Safe(bytes).to_string()
}

fn naptr_text(r: &NAPTR) -> String {
    let [flags, services, regexp] = [&r.flags, &r.services, &r.regexp].map(|field| text(field));
    format!("{} {} \"{flags}\" \"{services}\" \"{regexp}\" {}", r.order, r.preference, r.replacement.to_ascii())
}

/// Whether packets to the address would leave at all. A UDP socket that is connected sends nothing.
fn has_route(ip: IpAddr) -> bool {
    let any: IpAddr = if ip.is_ipv4() { [0, 0, 0, 0].into() } else { [0u16; 8].into() };
    UdpSocket::bind((any, 0)).and_then(|socket| socket.connect((ip, 9))).is_ok()
}
