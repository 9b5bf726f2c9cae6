//! How long a conversation is kept open, and the addresses it passed.

use super::conversation::{Conversation, Kind, Stage};
use super::facts::Facts;
use crate::base::{Endpoint, Flow, Timestamp};
use crate::sip::{Address, HeaderName, Method};

/// How long after its last message a finished conversation may still see a retransmission: 64·T1. RFC 3261 §17.2.2
pub const LINGER_NS: i64 = 33_000_000_000;
/// A ringing call: Timer C runs for more than three minutes, and phones ring on. RFC 3261 §16.6
const RINGING_NS: i64 = 300_000_000_000;
/// A call that is up may say nothing for hours.
const UP_NS: i64 = 12 * 3_600_000_000_000;
/// Who has no password at hand asks a person for it.
const PASSWORD_NS: i64 = 90_000_000_000;
/// Longest life of a binding that is waited for.
const BINDING_CAP_S: u64 = 7_200;

/// Until when a conversation is to be kept open as it stands.
#[must_use]
pub fn open_until(c: &Conversation) -> Timestamp {
    let stay = match c.kind {
        _ if matches!(c.stage, Stage::Told(_)) => LINGER_NS,
        Kind::Exchange => LINGER_NS,
        Kind::Registration => {
            let granted = granted_expires(c).unwrap_or(0).min(BINDING_CAP_S);
            LINGER_NS.saturating_add(granted as i64 * 1_000_000_000)
        }
        Kind::Call if is_up(c) => UP_NS,
        Kind::Call if is_early(c) => RINGING_NS,
        Kind::Call if is_unanswered_challenge(c) => PASSWORD_NS,
        Kind::Call => LINGER_NS,
    };
    Timestamp(c.touched.0.saturating_add(stay))
}

fn is_up(c: &Conversation) -> bool {
    let answered = c.transactions.iter().any(|t| t.method == Method::Invite && (200..300).contains(&t.final_status));
    answered && !c.transactions.iter().any(|t| t.method == Method::Bye)
}

fn is_early(c: &Conversation) -> bool {
    c.transactions.iter().any(|t| t.method == Method::Invite && t.final_status == 0 && t.first_response.is_some())
}

/// Whether nothing followed a challenge yet.
fn is_unanswered_challenge(c: &Conversation) -> bool {
    c.transactions.last().is_some_and(|t| matches!(t.final_status, 401 | 407))
}

/// Whether the last final response of a conversation was a challenge.
#[must_use]
pub fn was_challenged(c: &Conversation) -> bool {
    c.transactions.iter().rev().any(|t| matches!(t.final_status, 401 | 407))
}

/// Seconds that the last 2xx to a REGISTER granted: the longest of its Contacts, else its Expires.
#[must_use]
pub fn granted_expires(c: &Conversation) -> Option<u64> {
    granted_by(c, c.facts.iter().rev().find(|f| f.is_success())?)
}

/// Seconds that one 2xx to a REGISTER granted.
#[must_use]
pub fn granted_by(c: &Conversation, response: &Facts) -> Option<u64> {
    let contacts = c.headers(response, HeaderName::Contact);
    let longest = contacts.flat_map(Address::split).filter_map(expires_param).max();
    longest.or_else(|| c.header(response, HeaderName::Expires).and_then(number))
}

/// The `expires` parameter of a Contact. RFC 3261 §20.10
#[must_use]
pub fn expires_param(contact: &[u8]) -> Option<u64> {
    number(&Address::parse(contact).param("expires")?.text())
}

/// A decimal number in front of anything else, such as an Expires value.
#[must_use]
pub fn number(text: &[u8]) -> Option<u64> {
    let digits = text.trim_ascii().iter().take_while(|b| b.is_ascii_digit()).take(12);
    let mut n = None;
    for digit in digits {
        n = Some(n.unwrap_or(0) * 10 + u64::from(digit - b'0'));
    }
    n
}

/// The addresses that a conversation passed, each host once, in the order of its way: caller first.
///
/// A host that speaks over a stream from a passing port is the same as the one its Via names.
#[derive(Clone, Debug, Default)]
pub struct Path {
    stations: Vec<Endpoint>,
    aliases: Vec<(Endpoint, usize)>,
}

/// Stations that are told apart; what comes later joins the last.
const STATIONS_CAP: usize = 256;
/// Messages among which a request is looked for that was forwarded.
const LOOKED_AT: usize = 256;

impl Path {
    /// The path of a conversation.
    #[must_use]
    pub fn of(c: &Conversation) -> Path {
        let mut path = Path::default();
        // A response follows its request, and adds only what is not known from that. Those without a request add their part last.
        let follows = |f: &&Facts| f.is_request() || c.transaction(f).is_some_and(|t| t.request.is_some());
        for facts in c.facts.iter().filter(follows) {
            path.pass(c, facts);
        }
        for facts in c.facts.iter().filter(|f| !follows(f)) {
            path.pass(c, facts);
        }
        path
    }

    fn pass(&mut self, c: &Conversation, facts: &Facts) {
        let Flow { src, dst } = facts.flow;
        if facts.is_request() {
            let name = self.forwarding(c, facts).unwrap_or_else(|| via_name(c, facts));
            self.place(src, name);
            self.place(dst, dst);
        } else if c.transaction(facts).is_none_or(|t| t.request.is_none()) {
            // The one who asked stands before the one who answers, though only the answer was seen.
            self.place(dst, via_name(c, facts));
            self.place(src, src);
        } else {
            // What a request was sent to answers it, if from another port; what sent it gets the answer.
            let asked = c.transaction(facts).map(|t| t.flow).filter(|asked| !asked.src.same_ip(&asked.dst));
            let known = |path: &Self, end: Option<Endpoint>, seen: Endpoint| {
                let end = end.filter(|end| end.same_ip(&seen))?;
                path.stations.get(path.station(end)?).copied()
            };
            let answering = known(self, asked.map(|a| a.dst), src);
            self.place(src, answering.unwrap_or(src));
            let asking = known(self, asked.map(|a| a.src), dst);
            self.place(dst, asking.unwrap_or_else(|| via_name(c, facts)));
        }
    }

    /// The station that a request was forwarded by, where it came in on another port of the same host: it has one Via more than what came in there.
    fn forwarding(&self, c: &Conversation, sent: &Facts) -> Option<Endpoint> {
        if sent.vias < 2 || self.station(sent.flow.src).is_some() {
            return None;
        }
        let is_received = |f: &&Facts| {
            f.asks(sent.method)
                && f.cseq == sent.cseq
                && f.vias + 1 == sent.vias
                && f.flow.dst.same_ip(&sent.flow.src)
                && c.text(f.from_tag) == c.text(sent.from_tag)
        };
        let received = c.facts.iter().take_while(|f| f.index < sent.index).take(LOOKED_AT).find(is_received)?;
        self.stations.get(self.station(received.flow.dst)?).copied()
    }

    /// Adds a station where it is new.
    fn place(&mut self, seen: Endpoint, name: Endpoint) {
        if self.station(seen).is_some() {
            return;
        }
        let at = match self.stations.iter().position(|&s| s == name) {
            Some(at) => at,
            None if self.stations.len() < STATIONS_CAP => {
                self.stations.push(name);
                self.stations.len() - 1
            }
            None => return,
        };
        if seen != name && self.aliases.len() < STATIONS_CAP {
            self.aliases.push((seen, at));
        }
    }

    /// Other addresses of a station that shares its host with another one: elsewhere the host says enough.
    pub fn other_ports(&self, at: usize) -> impl Iterator<Item = Endpoint> + '_ {
        let own = self.stations.get(at).copied().unwrap_or_default();
        let shared = self.stations.iter().filter(|s| s.same_ip(&own)).count() > 1;
        self.aliases.iter().filter(move |(_, of)| shared && *of == at).map(|&(seen, _)| seen)
    }

    /// The stations in order.
    #[must_use]
    pub fn stations(&self) -> &[Endpoint] {
        &self.stations
    }

    /// Which station an address that was seen belongs to.
    #[must_use]
    pub fn station(&self, seen: Endpoint) -> Option<usize> {
        let own = self.stations.iter().position(|&s| s == seen);
        own.or_else(|| self.aliases.iter().find(|(a, _)| *a == seen).map(|&(_, at)| at))
    }
}

/// The address under which the sender of a request wants to be reached, where its top Via names its own host; else
/// where it was seen. Over streams, and from programs that send on one port and listen on another, the port that was seen is a passing one.
/// RFC 3261 §18.1.1
fn via_name(c: &Conversation, facts: &Facts) -> Endpoint {
    let seen = if facts.is_request() { facts.flow.src } else { facts.flow.dst };
    let Ok(sent_by) = std::str::from_utf8(c.transaction(facts).map_or(&[], |t| c.text(t.sent_by))) else { return seen };
    let default_port = if facts.transport == super::Transport::Tls { 5061 } else { 5060 };
    let named = match sent_by.parse::<std::net::SocketAddr>() {
        Ok(address) => Endpoint::from(address),
        Err(_) => match sent_by.trim_matches(['[', ']']).parse::<std::net::IpAddr>() {
            Ok(ip) if facts.transport.is_reliable() => Endpoint::new(ip, default_port),
            _ => return seen,
        },
    };
    if named.same_ip(&seen) { named } else { seen }
}

#[cfg(test)]
mod tests {
    use super::expires_param;

    #[test]
    fn the_expires_of_a_contact_is_its_own_parameter() {
        let outbound = b"<sip:bob@192.0.2.7;transport=tls>;expires=3600;+sip.instance=\"<urn:uuid:0-1>\";reg-id=1";
        assert_eq!(expires_param(outbound), Some(3600));
        assert_eq!(expires_param(b"<sip:bob@192.0.2.7;expires=9>"), None);
        assert_eq!(expires_param(b"sip:bob@192.0.2.7;Expires=0"), Some(0));
        assert_eq!(expires_param(b"*"), None);
    }
}
