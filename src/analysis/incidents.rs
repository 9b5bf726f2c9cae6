//! Incidents until it is known whom they concern.
//!
//! A connection that is refused or reset, or TLS that fails, is told of the run, once for each pair of hosts, unless a request on the same flow stayed
//! unanswered: then it is the cause of that, and told there in the place of the silence. Conversations are complete half a minute after their last
//! message, so that an incident waits for so long.

use super::rules::reach::{self, certificate, icmp_unreachable};
use super::{Case, Finding, words};
use crate::base::{Endpoint, Flow, Table, Timestamp};
use crate::trace::incident::{Shown, What};
use crate::trace::{Conversation, Facts, Incident};

/// Incidents that wait; the oldest goes, and is told, when there are more.
const WAITING: usize = 1024;
/// How long one waits: a conversation is handed over 64·T1 after its last message.
const WAIT_NS: i64 = 60_000_000_000;
/// An incident explains the silence after a request that was sent so long before it, at most: Timer B and F. RFC 3261 §17.1.1.2
const BEFORE_NS: i64 = 40_000_000_000;

/// What is the same about incidents that are told as one: the client's host, the server's address, and what happened.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
struct Key {
    client: Endpoint,
    server: Endpoint,
    what: u8,
}

/// One or more of the same.
#[derive(Clone, Debug)]
pub struct Occurrences {
    /// The first.
    pub first: Incident,
    /// How often it happened.
    pub count: u32,
    /// When it happened last.
    pub last: Timestamp,
    /// Whether requests between the same hosts were answered all the same, over another transport or later.
    pub recovered: bool,
    /// Whether a conversation told it.
    told: bool,
}

/// The incidents of a run.
#[derive(Debug)]
pub struct Incidents {
    waiting: Table<Key, Occurrences>,
    /// Servers whose certificates were told.
    certificates: Table<Endpoint, ()>,
}

impl Default for Incidents {
    fn default() -> Self {
        Incidents { waiting: Table::new(WAITING), certificates: Table::new(WAITING) }
    }
}

/// A number for each kind of incident.
fn number(what: &What) -> u8 {
    match what {
        What::Refused => 0,
        What::Reset(_) => 1,
        What::TlsFailed(_) => 2,
        What::TlsOnPlain(_) => 3,
        What::PlainOnTls(_) => 4,
        What::FragmentLost(_) => 5,
        What::Unreachable(_) => UNREACHABLE,
        What::Unanswered(_) => UNANSWERED,
        What::Certificate(_) => CERTIFICATE,
        What::Closed(_) => CLOSED,
    }
}
const UNREACHABLE: u8 = 6;
const UNANSWERED: u8 = 7;
const CLOSED: u8 = 8;
const CERTIFICATE: u8 = 9;
/// Those that may be why a request has no answer.
const NUMBERS: std::ops::Range<u8> = 0..9;

impl Key {
    fn of(flow: Flow, what: u8) -> Key {
        Key { client: flow.src.with_port(0), server: flow.dst, what }
    }
}

impl Incidents {
    /// Takes an incident in; gives what had to go for it.
    pub fn take(&mut self, incident: &Incident) -> Option<Finding> {
        if matches!(&incident.what, What::Unreachable(u) if !icmp_unreachable::is_refusal(u)) {
            return None;
        }
        if let What::Certificate(shown) = &incident.what {
            return self.certificate(incident, shown);
        }
        let key = Key::of(incident.flow, number(&incident.what));
        // What is known to be unreachable answers nothing.
        let other = |what| Key { what, ..key };
        match key.what {
            UNANSWERED if self.waiting.get(&other(UNREACHABLE)).is_some() => return None,
            UNREACHABLE => drop(self.waiting.remove(&other(UNANSWERED))),
            _ => {}
        }
        let begin =
            || Occurrences { first: incident.clone(), count: 0, last: incident.time, recovered: false, told: false };
        let (known, gone) = self.waiting.touch_or_insert(&key, incident.time.0, begin);
        known.count = known.count.saturating_add(1);
        known.last = known.last.max(incident.time);
        gone.and_then(|(_, gone)| told(&gone))
    }

    /// What is wrong with a certificate is told at once, and once for each server: connections last for hours.
    fn certificate(&mut self, incident: &Incident, shown: &Shown) -> Option<Finding> {
        certificate::problems(shown, incident.time).first()?;
        let server = incident.flow.dst;
        if self.certificates.touch(&server, incident.time.0).is_some() {
            return None;
        }
        self.certificates.touch_or_insert(&server, incident.time.0, || ());
        let (first, time) = (incident.clone(), incident.time);
        Some(reach::of_incident(&Occurrences { first, count: 1, last: time, recovered: false, told: true }))
    }

    /// What has waited long enough by `now`.
    pub fn due(&mut self, now: Timestamp) -> Vec<Finding> {
        let limit = now.0.saturating_sub(WAIT_NS);
        let due = std::iter::from_fn(|| self.waiting.pop_before(limit));
        due.filter_map(|(_, waited)| told(&waited)).collect()
    }

    /// Everything that still waits: nothing follows.
    pub fn finish(&mut self) -> Vec<Finding> {
        let mut rest: Vec<Occurrences> = std::iter::from_fn(|| self.waiting.pop_oldest()).map(|(_, r)| r).collect();
        rest.sort_by_key(|r| r.first.time);
        rest.iter().filter_map(told).collect()
    }

    /// Puts an incident in the place of the silence that it explains, and notes what got through.
    pub fn conversation(&mut self, case: &Case<'_>, findings: &mut Vec<Finding>) {
        if self.waiting.is_empty() {
            return;
        }
        let c = case.conversation;
        let before = std::mem::take(findings);
        findings.extend(before.into_iter().map(|f| if f.code == "no-response" { self.explain(c, f) } else { f }));
        self.fragments(c, findings);
        self.note_answers(c);
    }

    /// A silence, or the incident that it comes from.
    fn explain(&mut self, c: &Conversation, silence: Finding) -> Finding {
        let request = silence.positions.first().and_then(|&p| c.at(p));
        let Some(cause) = request.and_then(|request| self.cause(request)) else { return silence };
        cause.told = true;
        // That TCP got no answer either does not say why UDP got none.
        if matches!(cause.first.what, What::Unanswered(_)) && request.is_some_and(|r| !r.transport.is_reliable()) {
            let mut silence = silence;
            silence.detail.push(
                "TCP connections to it got no answer either: it is down, or something drops all of it.".to_owned(),
            );
            return silence;
        }
        // Who had enough of waiting closed the connection: that is not why.
        if let What::Closed(close) = &cause.first.what
            && close.by != cause.first.flow.dst
        {
            let mut silence = silence;
            silence.detail.push(format!(
                "An answer had begun: {} bytes of it came and its end never did, as where a Content-Length is too large.",
                close.left
            ));
            return silence;
        }
        let mut finding = reach::of_incident(cause);
        if let (What::Closed(close), Some(request)) = (&cause.first.what, request) {
            let after = words::duration(close.at.since(request.time));
            finding.detail.push(format!("It came {after} after the request was sent first."));
        }
        explained(finding, &silence)
    }

    /// The incident on the flow of a request, of either direction, that explains why it has no answer.
    fn cause(&mut self, request: &Facts) -> Option<&mut Occurrences> {
        let (flow, time) = (request.flow, request.time);
        let keys = NUMBERS.flat_map(|what| [Key::of(flow, what), Key::of(flow.reversed(), what)]);
        let found = keys.into_iter().find(|key| {
            let near = |r: &Occurrences| r.last >= time && r.first.time.since(time) <= BEFORE_NS;
            self.waiting.get(key).is_some_and(|r| near(r) && may_be_of(r, request))
        })?;
        self.waiting.get_mut(&found)
    }

    /// A message of this conversation that came only in part, told with it.
    fn fragments(&mut self, c: &Conversation, findings: &mut [Finding]) {
        let own = |incident: &Incident| match &incident.what {
            What::FragmentLost(lost) => lost.conversation == Some((c.kind, c.id)),
            _ => false,
        };
        let Some(silence) = findings.iter_mut().find(|f| f.code == "no-response") else { return };
        let key = self.waiting.iter().find(|(_, r)| own(&r.first)).map(|(key, _)| *key);
        if let Some(cause) = key.and_then(|key| self.waiting.get_mut(&key)) {
            cause.told = true;
            *silence = explained(reach::of_incident(cause), silence);
        }
    }

    /// A refused connection harms nobody when the same hosts then speak over another transport, or over the next connection. RFC 3261 §18.1.1
    fn note_answers(&mut self, c: &Conversation) {
        const LOOKED_AT: usize = 64;
        for t in c.transactions.iter().take(LOOKED_AT).filter(|t| t.first_response.is_some()) {
            for what in [number(&What::Refused), UNANSWERED] {
                if let Some(known) = self.waiting.get_mut(&Key::of(t.flow, what)) {
                    known.recovered |= t.last_send >= known.first.time;
                }
            }
        }
    }
}

/// The finding of an incident that no conversation told.
fn told(waited: &Occurrences) -> Option<Finding> {
    // What quotes no message, on ports that are not those of SIP, concerns somebody else.
    let concerns = match &waited.first.what {
        What::Unreachable(u) => matches!(u.to.port, 5060 | 5061),
        // That a connection ends is no finding where nobody waited for anything.
        What::Closed(close) => close.left > 0 && close.by == waited.first.flow.dst,
        _ => true,
    };
    (!waited.told && concerns).then(|| reach::of_incident_alone(waited))
}

/// Whether a connection that was closed is that of a request: connections come and go in good order beside whatever else goes wrong.
fn may_be_of(r: &Occurrences, request: &Facts) -> bool {
    let What::Closed(close) = &r.first.what else { return true };
    let is_its_own = r.count > 1 || r.first.flow.src == request.flow.src;
    // Who closes without an answer is who was asked; who gave up waiting for the end of one is who asked.
    let has_closed = if close.left > 0 { r.first.flow.dst } else { close.by };
    request.transport.is_reliable() && is_its_own && has_closed == request.flow.dst
}

/// A cause in the place of the silence that it explains.
fn explained(mut cause: Finding, silence: &Finding) -> Finding {
    cause.severity = silence.severity;
    cause.detail.push(format!("It explains why {}.", silence.title));
    cause.positions.clone_from(&silence.positions);
    cause.quotes.extend(silence.quotes.iter().cloned());
    cause
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(host: u16, at: i64) -> Incident {
        let [high, low] = host.to_be_bytes();
        let flow = Flow { src: Endpoint::v4([10, 0, high, low], 40_000), dst: Endpoint::v4([192, 0, 2, 1], 5060) };
        Incident { what: What::Refused, time: Timestamp(at), frame: 1, flow }
    }

    #[test]
    fn the_same_is_told_once_and_when_it_has_waited() {
        let mut incidents = Incidents::default();
        for second in 0..3 {
            assert!(incidents.take(&refused(1, second * 1_000_000_000)).is_none());
        }
        assert!(incidents.due(Timestamp(WAIT_NS)).is_empty());
        let told = incidents.due(Timestamp(WAIT_NS + 3_000_000_000));
        assert_eq!(told.len(), 1);
        assert!(told[0].detail.iter().any(|line| line.contains("3 times")), "{told:?}");
        assert!(incidents.finish().is_empty());
    }

    #[test]
    fn a_flood_fills_no_more_than_the_table_and_nothing_goes_untold() {
        let mut incidents = Incidents::default();
        let mut told = 0;
        for host in 0..5000u16 {
            told += usize::from(incidents.take(&refused(host, i64::from(host))).is_some());
        }
        assert_eq!(incidents.waiting.len(), WAITING);
        assert_eq!(told + incidents.finish().len(), 5000);
    }
}
