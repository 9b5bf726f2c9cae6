//! Which calls, registrations and exchanges are asked for, and which packets belong to them.

use crate::analysis::Finding;
use crate::base::{Endpoint, Flow, Timestamp};
use crate::net::{Carried, Payload};
use crate::sip::Method;
use crate::trace::{Conversation, Kind, MediaStream, Transport};
use std::collections::{HashMap, HashSet};
use std::net::IpAddr;

/// `4xx`, `486`: a status code or a class of them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct StatusPattern {
    low: u16,
    high: u16,
}

impl StatusPattern {
    /// Whether a status code fits.
    #[must_use]
    pub fn fits(self, status: u16) -> bool {
        (self.low..=self.high).contains(&status)
    }
}

impl std::str::FromStr for StatusPattern {
    type Err = String;

    fn from_str(s: &str) -> Result<Self, String> {
        let wrong = || format!("'{s}' is no status code: write 486 or 4xx");
        let class = s.strip_suffix("xx").or_else(|| s.strip_suffix("XX"));
        if let Some(class) = class {
            let digit: u16 = class.parse().ok().filter(|d| (1..=6).contains(d)).ok_or_else(wrong)?;
            return Ok(StatusPattern { low: digit * 100, high: digit * 100 + 99 });
        }
        let status: u16 = s.parse().ok().filter(|n| (100..700).contains(n)).ok_or_else(wrong)?;
        Ok(StatusPattern { low: status, high: status })
    }
}

/// What is asked for. Values of one field are alternatives; the fields all have to fit. A conversation is taken whole.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// `--call N`: the number of the call, or a Call-ID that looks like one.
    pub call: Option<u64>,
    /// `--call-id`, and `--call CALL-ID`
    pub call_ids: Vec<String>,
    /// `--user`: user part, or whole URI, of From or To.
    pub users: Vec<String>,
    /// `--ip`
    pub ips: Vec<IpAddr>,
    /// `--method`
    pub methods: Vec<String>,
    /// `--status`
    pub statuses: Vec<StatusPattern>,
    /// `--state`
    pub states: Vec<String>,
    /// `--finding`
    pub findings: Vec<String>,
    /// `--after`: the last message is not before.
    pub after: Option<Timestamp>,
    /// `--before`: the first message is before.
    pub before: Option<Timestamp>,
}

impl Selection {
    /// Whether nothing is left out.
    #[must_use]
    pub fn is_everything(&self) -> bool {
        self.call.is_none()
            && self.call_ids.is_empty()
            && self.users.is_empty()
            && self.ips.is_empty()
            && self.methods.is_empty()
            && self.statuses.is_empty()
            && self.states.is_empty()
            && self.findings.is_empty()
            && self.after.is_none()
            && self.before.is_none()
    }

    /// Whether a conversation is asked for.
    #[must_use]
    pub fn takes(&self, c: &Conversation, streams: &[MediaStream], findings: &[Finding]) -> bool {
        self.is_everything()
            || (self.call.is_none_or(|n| c.kind == Kind::Call && (c.id == n || has_call_id(c, &n.to_string())))
                && any(&self.call_ids, |id| has_call_id(c, id))
                && any(&self.users, |user| is_user(c.text(c.from), user) || is_user(c.text(c.to), user))
                && any(&self.ips, |ip| {
                    let touches = |flow: &Flow| flow.src.ip() == *ip || flow.dst.ip() == *ip;
                    c.facts.iter().any(|f| touches(&f.flow)) || streams.iter().any(|s| touches(&s.flow))
                })
                && any(&self.methods, |m| has_method(c, m))
                && any(&self.statuses, |s| c.facts.iter().any(|f| s.fits(f.status)))
                && any(&self.states, |s| super::state_word(c).eq_ignore_ascii_case(s))
                && any(&self.findings, |code| findings.iter().any(|f| f.code == code))
                && self.after.is_none_or(|t| c.end() >= t)
                && self.before.is_none_or(|t| c.start() < t))
    }
}

fn any<T>(asked: &[T], fits: impl Fn(&T) -> bool) -> bool {
    asked.is_empty() || asked.iter().any(fits)
}

/// Whether one of the legs has that Call-ID.
fn has_call_id(c: &Conversation, call_id: &str) -> bool {
    c.call_ids().any(|id| id == call_id.as_bytes())
}

/// Whether a URI is of `user`: `alice`, `alice@example.test`, or the whole URI.
fn is_user(uri: &[u8], user: &str) -> bool {
    let user = user.as_bytes();
    let rest = uri.iter().position(|&b| b == b':').map_or(uri, |at| &uri[at + 1..]);
    let rest = &rest[..rest.iter().position(|&b| b == b';' || b == b'?').unwrap_or(rest.len())];
    let part = &rest[..rest.iter().position(|&b| b == b'@').unwrap_or(rest.len())];
    uri == user || rest == user || part == user
}

fn has_method(c: &Conversation, asked: &str) -> bool {
    let named = Method::of(asked.to_ascii_uppercase().as_bytes());
    c.facts.iter().filter(|f| f.is_request()).any(|f| match named {
        Method::Other => f.method == Method::Other && c.text(f.method_text()).eq_ignore_ascii_case(asked.as_bytes()),
        known => f.method == known,
    })
}

/// The packets that belong to what was selected: frames of datagrams, whole connections, media flows while they last, and
/// the ICMP errors that answered any of them.
///
/// A connection is taken whole, since its messages cannot be cut out of it: other calls on it come along.
#[derive(Clone, Debug, Default)]
pub struct Chosen {
    /// Whether packets are to be noted at all.
    pub wanted: bool,
    frames: HashSet<(u16, u64)>,
    connections: HashSet<Flow>,
    media: HashMap<Flow, (Timestamp, Timestamp)>,
    errors: HashSet<(Timestamp, Endpoint)>,
    mirrored: bool,
}

/// RTCP is sent before the first and after the last packet of its stream, as far apart as its reports. RFC 3550 §6.2
const RTCP_AROUND_NS: i64 = 10_000_000_000;

impl Chosen {
    /// Nothing yet; packets are noted where that is wanted.
    #[must_use]
    pub fn wanted(wanted: bool) -> Self {
        Chosen { wanted, ..Chosen::default() }
    }

    /// Notes the packets of a conversation and of its streams.
    pub fn add(&mut self, c: &Conversation, streams: &[MediaStream]) {
        if !self.wanted {
            return;
        }
        for f in &c.facts {
            // Of what a mirroring protocol brought, the packet is that of the mirror: the flow inside was not captured.
            if f.mirrored || matches!(f.transport, Transport::Udp | Transport::Sctp) {
                self.frames.insert((f.source, f.frame));
                self.mirrored |= f.mirrored;
            } else {
                self.connections.insert(f.flow);
                self.connections.insert(f.flow.reversed());
            }
        }
        self.errors.extend(c.unreachable.iter().map(|u| (u.time, u.to)));
        for stream in streams {
            self.stream(stream, c.start(), c.end());
        }
    }

    /// Notes the packets of a stream without a call.
    pub fn add_stream(&mut self, stream: &MediaStream) {
        if self.wanted {
            self.stream(stream, stream.start, stream.start);
        }
    }

    /// Notes the packets of a stream, and what else was sent between its ends from `start` to `end`.
    fn stream(&mut self, s: &MediaStream, start: Timestamp, end: Timestamp) {
        let (start, end) = (start.min(s.start), end.max(s.receiver.last()));
        let mut note = |flow: Flow, around: i64| {
            let (start, end) = (Timestamp(start.0.saturating_sub(around)), Timestamp(end.0.saturating_add(around)));
            let span = self.media.entry(flow).or_insert((start, end));
            *span = (span.0.min(start), span.1.max(end));
        };
        let above = |e: Endpoint| e.with_port(e.port.saturating_add(1));
        let beside = Flow { src: above(s.flow.src), dst: above(s.flow.dst) };
        note(s.flow, 0);
        note(s.flow.reversed(), 0);
        note(beside, RTCP_AROUND_NS);
        note(beside.reversed(), RTCP_AROUND_NS);
    }

    /// Whether connections have to be found by the frames in which their messages ended: see [`Chosen::add_connection`].
    #[must_use]
    pub fn needs_connections(&self) -> bool {
        self.mirrored
    }

    /// Takes the connection of a segment, if a message that was chosen ended in it.
    pub fn add_connection(&mut self, carried: &Carried<'_>) {
        if matches!(carried.payload, Payload::Tcp(_)) && self.frames.contains(&(carried.source, carried.frame)) {
            self.connections.insert(carried.flow);
            self.connections.insert(carried.flow.reversed());
        }
    }

    /// Whether what a packet carries belongs.
    #[must_use]
    pub fn has(&self, carried: &Carried<'_>) -> bool {
        let has_media = |flow: &Flow| self.media.get(flow).is_some_and(|(a, b)| (*a..=*b).contains(&carried.time));
        if let Payload::IcmpError(quoted) = carried.payload {
            return self.errors.contains(&(carried.time, quoted.flow.dst)) || has_media(&quoted.flow);
        }
        self.frames.contains(&(carried.source, carried.frame))
            || self.connections.contains(&carried.flow)
            || has_media(&carried.flow)
    }
}

#[cfg(test)]
mod tests {
    use super::{StatusPattern, is_user};

    #[test]
    fn status_patterns_are_a_code_or_a_class() {
        let fits = |p: &str, s: u16| p.parse::<StatusPattern>().unwrap().fits(s);
        assert!(fits("4xx", 486) && !fits("4xx", 503) && fits("200", 200) && !fits("200", 202));
        for wrong in ["", "xx", "7xx", "99", "700", "4x", "ok"] {
            assert!(wrong.parse::<StatusPattern>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_user_is_named_by_its_part_its_address_or_its_uri() {
        let uri = b"sip:alice@example.test:5060;transport=tcp";
        assert!(is_user(uri, "alice") && is_user(uri, "alice@example.test:5060"));
        assert!(is_user(b"tel:+1234", "+1234") && !is_user(uri, "alic"));
    }
}
