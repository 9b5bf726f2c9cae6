//! What a TCP connection shows beside its messages: which protocol each side began with, TLS records and alerts, and how it ended.
//!
//! Looks at the first bytes of each side and at the headers of TLS records, and keeps a few bytes; opens nothing.

use super::incident::{Answer, Close, Reset, TlsFailure, What};
use super::ports::Ports;
use crate::base::{Endpoint, Flow, Timestamp};
use crate::net::tls::{self, Alert};
use crate::sip::recognise;

/// Bytes of a line that are kept.
const LINE: usize = 80;
/// An answer that is still due after so long does not come.
const SILENCE_NS: i64 = 3_000_000_000;
/// Bytes of a protected alert of TLS 1.3: two, their content type, and the tag. RFC 8446 §5.2
const PROTECTED_ALERT: u16 = 19;

/// What a side began with.
#[derive(Clone, Debug, Default)]
enum Said {
    #[default]
    Nothing,
    /// A ClientHello, and whether it asks for another protocol than SIP by ALPN.
    Hello {
        other: bool,
    },
    /// Another TLS record.
    Record,
    /// Text: its first line.
    Text(Box<[u8]>),
    Other,
}

/// The TLS records of one side, by their headers.
#[derive(Clone, Debug, Default)]
struct Records {
    header: [u8; 5],
    have: u8,
    left: u16,
    kind: u8,
    len: u16,
    content: [u8; 2],
    /// Records of application data, which in TLS 1.3 hold the rest of the handshake too.
    data: u32,
    /// Bytes of the first of them.
    first_data: u16,
    alert: Option<Alert>,
    protected_alert: bool,
    /// Whether it changed to the keys that were agreed on.
    changed_cipher: bool,
    lost: bool,
}

impl Records {
    fn push(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() && !self.lost {
            if self.left == 0 {
                let (Some(place), Some((&first, rest))) =
                    (self.header.get_mut(usize::from(self.have)), bytes.split_first())
                else {
                    return;
                };
                *place = first;
                bytes = rest;
                self.have += 1;
                if usize::from(self.have) == self.header.len() {
                    self.begin();
                }
                continue;
            }
            let taken = usize::from(self.left).min(bytes.len());
            let (now, rest) = bytes.split_at(taken);
            let at = usize::from(self.len - self.left);
            for (place, byte) in self.content.iter_mut().skip(at).zip(now) {
                *place = *byte;
            }
            self.left -= taken as u16;
            bytes = rest;
            if self.left == 0 {
                self.end();
            }
        }
    }

    fn begin(&mut self) {
        let [kind, major, _, high, low] = self.header;
        (self.kind, self.len, self.have) = (kind, u16::from_be_bytes([high, low]), 0);
        self.left = self.len;
        self.lost = major != 3 || !(20..=24).contains(&kind);
        self.changed_cipher |= kind == 20;
        if kind == 23 {
            self.data = self.data.saturating_add(1);
            if self.data == 1 {
                self.first_data = self.len;
            }
        }
    }

    fn end(&mut self) {
        if self.kind != 21 {
            return;
        }
        let [level, description] = self.content;
        // What is longer than an alert is protected.
        match self.len {
            2 => self.alert = self.alert.or(Some(Alert { level, description })),
            _ => self.protected_alert = true,
        }
    }
}

/// What was noticed of a connection.
#[derive(Clone, Debug, Default)]
pub struct Witness {
    said: [Said; 2],
    records: Option<Box<[Records; 2]>>,
    opened_alert: Option<(usize, Alert)>,
    begun: Timestamp,
    /// Frame of what decides: an alert, or an answer in another protocol.
    decided: Option<u64>,
    ended: Option<End>,
    /// Whether a message was found in it.
    pub carried_sip: bool,
}

#[derive(Clone, Copy, Debug)]
struct End {
    by: Endpoint,
    reset: bool,
    time: Timestamp,
    frame: u64,
}

impl Witness {
    /// Notes the next bytes of a side.
    pub fn data(&mut self, direction: usize, bytes: &[u8], time: Timestamp, frame: u64) {
        let Some(said) = self.said.get_mut(direction) else { return };
        if matches!(said, Said::Nothing) {
            *said = first_words(bytes);
            if self.begun == Timestamp::default() {
                self.begun = time;
            }
            if direction == 1 && matches!(said, Said::Text(_)) && self.records.is_some() {
                self.decided.get_or_insert(frame);
            }
            if matches!(said, Said::Hello { .. } | Said::Record) && self.records.is_none() {
                self.records = Some(Box::default());
            }
        }
        if matches!(said, Said::Hello { .. } | Said::Record)
            && let Some(records) = self.records.as_mut().and_then(|r| r.get_mut(direction))
        {
            records.push(bytes);
            if records.alert.is_some() || records.protected_alert {
                self.decided.get_or_insert(frame);
            }
        }
    }

    /// Whether both sides of a TLS connection sent records of data.
    #[must_use]
    pub fn has_exchanged_data(&self) -> bool {
        self.records.as_deref().is_some_and(|sides| sides.iter().all(|side| side.data > 0))
    }

    /// The frame that shows what the verdict says, where one does.
    #[must_use]
    pub fn frame(&self) -> Option<u64> {
        self.decided
    }

    /// Notes an alert that was opened.
    pub fn alert(&mut self, direction: usize, alert: Alert) {
        self.opened_alert.get_or_insert((direction, alert));
    }

    /// Notes that a side ended, or that the connection was reset by it. The first end counts.
    pub fn end(&mut self, by: Endpoint, reset: bool, time: Timestamp, frame: u64) {
        self.ended.get_or_insert(End { by, reset, time, frame });
    }

    /// That a connection with SIP was closed by the side that was spoken to, or by the other one within a message of it, of which `left` bytes had
    /// come.
    #[must_use]
    pub fn closed(&self, first: Flow, left: usize) -> Option<Close> {
        let end = self.ended.filter(|end| !end.reset && (end.by == first.dst || left > 0) && self.carried_sip)?;
        Some(Close { by: end.by, at: end.time, frame: end.frame, left })
    }

    /// What the connection amounts to beside its messages, when it is over at `now`. `first` is the direction that spoke first.
    #[must_use]
    pub fn verdict(
        &self,
        first: Flow,
        info: Option<&tls::Info>,
        cut_message: [bool; 2],
        ports: &Ports,
        now: Timestamp,
    ) -> Option<What> {
        let port = first.dst.port;
        match &self.said {
            [Said::Hello { other: false }, answer] if ports.may_be_sip(port) => {
                self.hello(answer, first, info, ports, now)
            }
            [Said::Text(_), Said::Record] if ports.is_sip(port) || self.is_sip_text() => {
                let alert = self.records.as_ref().and_then(|r| r.get(1)).and_then(|r| r.alert);
                alert.map(|alert| What::PlainOnTls(Answer::Alert(alert)))
            }
            [Said::Text(_), Said::Nothing] if ports.is_tls(port) && !ports.is_plain(port) && self.is_sip_text() => {
                self.unanswered(first, now).map(What::PlainOnTls)
            }
            _ => self.reset(first, cut_message),
        }
    }

    /// Whether the side that spoke first spoke SIP.
    fn is_sip_text(&self) -> bool {
        matches!(&self.said, [Said::Text(line), _] if line.ends_with(b"SIP/2.0"))
    }

    fn reset(&self, first: Flow, cut_message: [bool; 2]) -> Option<What> {
        let end = self.ended.filter(|end| end.reset && self.carried_sip)?;
        let [of_first, of_second] = cut_message;
        let cut_message = if end.by == first.src { of_second } else { of_first };
        Some(What::Reset(Reset { by: end.by, cut_message }))
    }

    /// How the side that was spoken to met what it did not answer; `None` where the other one gave up too soon to tell.
    fn unanswered(&self, first: Flow, now: Timestamp) -> Option<Answer> {
        match self.ended {
            Some(end) if end.by == first.dst && end.reset => Some(Answer::Reset),
            Some(end) if end.by == first.dst => Some(Answer::Closed),
            Some(end) => (end.time.since(self.begun) >= SILENCE_NS).then_some(Answer::Silence),
            None => (now.since(self.begun) >= SILENCE_NS).then_some(Answer::Silence),
        }
    }

    /// What came of a ClientHello.
    fn hello(
        &self,
        answer: &Said,
        first: Flow,
        info: Option<&tls::Info>,
        ports: &Ports,
        now: Timestamp,
    ) -> Option<What> {
        let port = first.dst.port;
        match answer {
            Said::Text(line) => Some(What::TlsOnPlain(Answer::Line(line.clone()))),
            Said::Nothing if ports.is_plain(port) && !ports.is_tls(port) => {
                self.unanswered(first, now).map(What::TlsOnPlain)
            }
            Said::Nothing if ports.is_sip(port) => {
                let answer = self.unanswered(first, now)?;
                let by = if answer == Answer::Silence { first.dst } else { self.ended.map_or(first.dst, |end| end.by) };
                Some(self.failure(by, answer == Answer::Reset, false, info, ports.is_sip(port)))
            }
            Said::Record => self.handshake(first, info, ports),
            _ => None,
        }
    }

    fn handshake(&self, first: Flow, info: Option<&tls::Info>, ports: &Ports) -> Option<What> {
        let [client, server] = self.records.as_deref()?;
        let on_sip_port = ports.is_sip(first.dst.port);
        let side = |direction: usize| if direction == 0 { first.src } else { first.dst };
        let is_13 = info.and_then(|i| i.version) == Some(tls::Version::Tls13);
        // Up to TLS 1.2 a warning lets the connection go on. RFC 5246 §7.2
        let fatal = |alert: Alert| (alert.is_fatal() || is_13) && !matches!(alert.description, 0 | 90 | 100);
        let told = [(0, client.alert), (1, server.alert)].into_iter().find_map(|(d, alert)| Some((d, alert?)));
        if let Some((direction, alert)) = told.or(self.opened_alert).filter(|(_, alert)| fatal(*alert)) {
            let What::TlsFailed(mut failure) = self.failure(side(direction), false, true, info, on_sip_port) else {
                return None;
            };
            failure.alert = Some(alert);
            return Some(What::TlsFailed(failure));
        }
        let ended = self.ended?;
        // In TLS 1.3 the rest of the handshake travels as data: an alert in the place of the client's Finished is known by its length.
        let protected =
            if is_13 { client.first_data == PROTECTED_ALERT } else { client.protected_alert || server.protected_alert };
        let had_data = if is_13 { client.data > 0 && !protected } else { client.data + server.data > 0 };
        if self.carried_sip || had_data || client.lost || server.lost {
            return self.reset(first, [false; 2]);
        }
        Some(self.failure(ended.by, ended.reset, true, info, on_sip_port))
    }

    fn failure(&self, by: Endpoint, reset: bool, answered: bool, info: Option<&tls::Info>, on_sip_port: bool) -> What {
        let protected = |r: &Records| r.protected_alert || r.first_data == PROTECTED_ALERT;
        let certificate =
            info.and_then(|i| i.server_certificates.first()).filter(|der| der.len() <= MOST_OF_CERTIFICATE);
        What::TlsFailed(Box::new(TlsFailure {
            by,
            alert: None,
            encrypted_alert: self.records.as_deref().is_some_and(|r| r.iter().any(protected)),
            reset,
            answered,
            completed: self.records.as_deref().is_some_and(|r| r.iter().all(|side| side.changed_cipher)),
            version: info.and_then(|i| i.version),
            server_name: info.and_then(|i| i.server_name.as_deref()).map(Box::from),
            certificate: certificate.map(|der| der.as_slice().into()).unwrap_or_default(),
            on_sip_port,
        }))
    }
}

/// Bytes of a certificate that is kept to be read.
const MOST_OF_CERTIFICATE: usize = 16 * 1024;

fn first_words(bytes: &[u8]) -> Said {
    if tls::looks_like_client_hello(bytes) == Some(true) {
        return Said::Hello { other: asks_for_other(bytes) };
    }
    if tls::looks_like_record(bytes) == Some(true) {
        return Said::Record;
    }
    // Keep-alives come before anything else. RFC 5626 §3.5.1
    let text = bytes.trim_ascii_start();
    if text.is_empty() {
        return Said::Nothing;
    }
    let line = text.split(|b| matches!(b, b'\r' | b'\n')).next().unwrap_or_default();
    let is_text = line.len() >= 3 && line.iter().all(|b| (0x20..0x7f).contains(b));
    match is_text {
        true if line.len() <= LINE => Said::Text(line.into()),
        // A start line ends in its version, wherever that is.
        true if recognise::is_sip(text) => {
            Said::Text([line.get(..LINE - 8).unwrap_or_default(), b" SIP/2.0"].concat().into())
        }
        true => Said::Text(line.get(..LINE).unwrap_or_default().into()),
        false => Said::Other,
    }
}

/// Whether a ClientHello offers protocols by ALPN, and SIP is none of them: a browser or another program of the web. RFC 7301 §3.1
fn asks_for_other(hello: &[u8]) -> bool {
    const WEB: [&[u8]; 4] = [b"\x02h2", b"\x08http/1.1", b"\x02h3", b"\x08http/1.0"];
    let has = |what: &[u8]| memchr::memmem::find(hello, what).is_some();
    WEB.iter().any(|name| has(name)) && !has(b"\x03sip")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(kind: u8, content: &[u8]) -> Vec<u8> {
        [&[kind, 3, 3, 0, content.len() as u8][..], content].concat()
    }

    #[test]
    fn records_are_read_wherever_the_segments_end() {
        let stream = [record(22, &[1; 9]), record(20, &[1]), record(21, &[2, 48]), record(23, &[7; 30])].concat();
        for cut in 0..=stream.len() {
            let mut records = Records::default();
            let (a, b) = stream.split_at(cut);
            records.push(a);
            records.push(b);
            assert_eq!(records.alert, Some(Alert { level: 2, description: 48 }), "{cut}");
            assert_eq!((records.data, records.first_data, records.changed_cipher, records.lost), (1, 30, true, false));
        }
    }

    #[test]
    fn what_is_no_record_is_given_up() {
        let mut records = Records::default();
        records.push(b"SIP/2.0 400 Bad Request\r\n");
        assert!(records.lost && records.alert.is_none() && records.data == 0);
    }

    /// A connection of TLS 1.3, of which the rest of the handshake travels as data. RFC 8446 §5.1
    fn thirteen(client_says: &[u8]) -> Option<What> {
        let end = |last: u8| Endpoint::v4([192, 0, 2, last], if last == 1 { 40_000 } else { 5061 });
        let first = Flow { src: end(1), dst: end(2) };
        let mut hello = record(22, &[0; 60]);
        hello[5..11].copy_from_slice(&[1, 0, 0, 56, 3, 3]);
        let mut witness = Witness::default();
        witness.data(0, &hello, Timestamp(1), 1);
        witness.data(1, &[record(22, &[2; 40]), record(20, &[1]), record(23, &[5; 90])].concat(), Timestamp(2), 2);
        witness.data(0, client_says, Timestamp(3), 3);
        witness.end(first.src, false, Timestamp(4), 1);
        let info = tls::Info { version: Some(tls::Version::Tls13), ..tls::Info::default() };
        witness.verdict(first, Some(&info), [false; 2], &Ports::new(&[], false), Timestamp(5))
    }

    #[test]
    fn in_tls_13_an_alert_in_the_place_of_finished_is_known_by_its_length() {
        let alert = thirteen(&[record(20, &[1]), record(23, &[6; 19])].concat());
        let Some(What::TlsFailed(failure)) = alert else { panic!("{alert:?}") };
        assert!(failure.encrypted_alert && failure.alert.is_none() && failure.answered && failure.on_sip_port);
        let finished = thirteen(&[record(20, &[1]), record(23, &[6; 53]), record(23, &[6; 80])].concat());
        assert!(finished.is_none(), "{finished:?}");
    }

    #[test]
    fn a_browser_is_told_from_a_phone_by_the_protocols_that_it_offers() {
        assert!(asks_for_other(b"\x00\x10\x00\x0e\x00\x0c\x02h2\x08http/1.1"));
        assert!(!asks_for_other(b"\x00\x10\x00\x0e\x00\x0c\x08http/1.1\x03sip"));
        assert!(!asks_for_other(b"no such extension"));
    }
}
