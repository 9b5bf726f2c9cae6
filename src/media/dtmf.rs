//! Digits: telephone events in RTP (RFC 4733) as they come and as they are sent, and the INFO bodies that carry them in SIP.

pub mod sender;

use crate::base::Timestamp;

/// Events kept of one stream; what comes after is counted.
const MAX_EVENTS: usize = 256;
/// How many of the newest events a late packet is compared with.
const RECENT: usize = 8;

/// How long after the first packet of an event one from before it may still come, in nanoseconds. Some senders go back in
/// their timestamps from one digit to the next, half a second later: those digits stand in the order in which they came.
const OVERTAKEN_NS: i64 = 200_000_000;

/// One telephone event payload. RFC 4733 §2.3
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Payload {
    /// Event code; 0 to 15 are the digits. RFC 4733 §3.2
    pub event: u8,
    /// Whether the event has ended.
    pub end: bool,
    /// Power level: dBm0 without the sign, 0 to 63.
    pub volume: u8,
    /// How long it has lasted, in units of the RTP clock.
    pub duration: u16,
}

impl Payload {
    /// Reads the first event of a payload; `None` where there are fewer than four bytes.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Option<Payload> {
        let &[event, flags, d0, d1] = bytes.first_chunk::<4>()?;
        let duration = u16::from_be_bytes([d0, d1]);
        Some(Payload { event, end: flags & 0x80 != 0, volume: flags & 0x3f, duration })
    }

    /// Whether a payload of an undescribed type looks like a telephone event: four bytes, a digit or flash, the reserved bit
    /// clear. Needs company (several packets with one timestamp) to be believed.
    #[must_use]
    pub fn looks_like(bytes: &[u8]) -> bool {
        bytes.len() == 4 && Payload::parse(bytes).is_some_and(|p| p.event <= 16) && bytes[1] & 0x40 == 0
    }

    /// The digit, if the event is one.
    #[must_use]
    pub fn digit(&self) -> Option<char> {
        digit(self.event)
    }
}

/// The key of an event code: `0`–`9`, `*`, `#`, `A`–`D`; `None` for all others. RFC 4733 §3.2, table 3
#[must_use]
pub fn digit(event: u8) -> Option<char> {
    b"0123456789*#ABCD".get(usize::from(event)).map(|&key| char::from(key))
}

/// One event as its packets told it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Event {
    /// Event code.
    pub code: u8,
    /// RTP timestamp of its beginning.
    pub timestamp: u32,
    /// When its first packet came.
    pub first: Timestamp,
    /// When its last packet came.
    pub last: Timestamp,
    /// Longest duration told, in units of the RTP clock.
    pub duration: u32,
    /// Whether a packet with the end bit came.
    pub ended: bool,
    /// Packets, the repetitions of the last one among them.
    pub packets: u32,
}

/// Gathers the events of one stream, each once and in the order of their timestamps.
#[derive(Clone, Debug, Default)]
pub struct Collector {
    events: Vec<Event>,
    beyond: u64,
    newest: Option<u32>,
}

impl Collector {
    /// Takes in the payload of one packet of the telephone-event type, with the packet's RTP timestamp.
    ///
    /// An event is known by its timestamp, so that any one of its packets is enough: the end may be lost, and the end bit is
    /// sent three times over. RFC 4733 §2.5.1.4
    pub fn push(&mut self, at: Timestamp, timestamp: u32, payload: &Payload) {
        if let Some(event) = self.segment_of(timestamp, payload.event) {
            let into = timestamp.wrapping_sub(event.timestamp);
            event.duration = event.duration.max(into.saturating_add(u32::from(payload.duration)));
            event.last = event.last.max(at);
            event.ended |= payload.end;
            event.packets = event.packets.saturating_add(1);
            return;
        }
        if self.events.len() >= MAX_EVENTS {
            // Counted once an event, not once a packet.
            self.beyond += u64::from(self.newest != Some(timestamp));
            self.newest = Some(timestamp);
            return;
        }
        let event = Event {
            code: payload.event,
            timestamp,
            first: at,
            last: at,
            duration: u32::from(payload.duration),
            ended: payload.end,
            packets: 1,
        };
        let newer = self.events.iter().rev().take(RECENT);
        let newer = newer.take_while(|e| (timestamp.wrapping_sub(e.timestamp) as i32) < 0 && is_near(e, at)).count();
        self.events.insert(self.events.len() - newer, event);
    }

    /// The event that a packet belongs to: the same code at the same timestamp, or the next segment of an event that outlasts
    /// its 16-bit duration. RFC 4733 §2.5.1.3
    fn segment_of(&mut self, timestamp: u32, code: u8) -> Option<&mut Event> {
        let belongs = |e: &&mut Event| {
            let into = timestamp.wrapping_sub(e.timestamp);
            e.code == code && (into == 0 || !e.ended && into <= e.duration && into >= 0xffff)
        };
        self.events.iter_mut().rev().take(RECENT).find(belongs)
    }

    /// Every event, in order (at most 256).
    #[must_use]
    pub fn events(&self) -> &[Event] {
        &self.events
    }

    /// Events that found no room.
    #[must_use]
    pub fn beyond(&self) -> u64 {
        self.beyond
    }

    /// The digits pressed, in order; events that are no digits are left out.
    #[must_use]
    pub fn digits(&self) -> String {
        self.events.iter().filter_map(|e| digit(e.code)).collect()
    }
}

/// Whether a packet at `at` came soon enough after an event to have been overtaken by it; else its older timestamp means
/// that the source started over.
fn is_near(event: &Event, at: Timestamp) -> bool {
    at.since(event.first) < OVERTAKEN_NS
}

/// The digit in the body of an INFO request: `application/dtmf-relay` (lines `Signal=` and `Duration=`) or
/// `application/dtmf` (the digit alone). `None` for another type, or where there is no digit in it.
#[must_use]
pub fn from_info(content_type: &[u8], body: &[u8]) -> Option<char> {
    let media_type = content_type.split(|&b| b == b';').next().unwrap_or_default().trim_ascii();
    if media_type.eq_ignore_ascii_case(b"application/dtmf-relay") {
        let mut lines = body.split(|&b| b == b'\n' || b == b'\r').take(64);
        return lines.find_map(|line| key(signal(line)?));
    }
    if media_type.eq_ignore_ascii_case(b"application/dtmf") {
        let line = body.split(|&b| b == b'\n' || b == b'\r').next().unwrap_or_default();
        return key(signal(line).unwrap_or(line.trim_ascii()));
    }
    None
}

/// The value of a `Signal=` line.
fn signal(line: &[u8]) -> Option<&[u8]> {
    let at = line.iter().position(|&b| b == b'=')?;
    let (name, value) = line.split_at_checked(at)?;
    name.trim_ascii().eq_ignore_ascii_case(b"signal").then(|| value.get(1..).unwrap_or_default().trim_ascii())
}

/// A key by its face or, as some gateways write `*`, `#` and `A`–`D`, by its event code.
fn key(value: &[u8]) -> Option<char> {
    match *value {
        [one] if one.is_ascii_digit() || matches!(one, b'*' | b'#') => Some(char::from(one)),
        [one] if matches!(one.to_ascii_uppercase(), b'A'..=b'D') => Some(char::from(one.to_ascii_uppercase())),
        [b'1', units @ b'0'..=b'5'] => digit(10 + (units - b'0')),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(n: i64) -> Timestamp {
        Timestamp(n * 1_000_000)
    }

    /// The packets of one press as RFC 4733 §2.5 has them sent: every 20 ms, the last three times.
    fn press(c: &mut Collector, at: i64, timestamp: u32, event: u8, lose_end: bool) {
        for n in 1..=5u16 {
            let p = Payload::parse(&[event, 10, (n * 160).to_be_bytes()[0], (n * 160).to_be_bytes()[1]]).unwrap();
            c.push(ms(at + i64::from(n) * 20), timestamp, &p);
        }
        for _ in 0..if lose_end { 0 } else { 3 } {
            let p = Payload::parse(&[event, 0x80 | 10, 3, 0xc0]).unwrap();
            assert!(p.end && p.volume == 10 && p.duration == 960);
            c.push(ms(at + 120), timestamp, &p);
        }
    }

    #[test]
    fn each_press_is_one_digit_even_when_its_end_is_lost() {
        let mut c = Collector::default();
        press(&mut c, 0, 1000, 1, false);
        press(&mut c, 300, 4000, 1, true);
        press(&mut c, 600, 7000, 11, false);
        press(&mut c, 900, 9000, 10, true);
        press(&mut c, 1200, 12_000, 16, false);
        assert_eq!(c.digits(), "11#*");
        assert_eq!(c.events().len(), 5);
        assert_eq!((c.events()[0].ended, c.events()[0].duration, c.events()[0].packets), (true, 960, 8));
        assert_eq!((c.events()[1].ended, c.events()[1].duration), (false, 800));
        assert_eq!((c.events()[0].first, c.events()[0].last), (ms(20), ms(120)));
    }

    #[test]
    fn a_packet_overtaken_by_the_next_digit_takes_its_place_before_it() {
        let mut c = Collector::default();
        let first = Payload { event: 5, end: false, volume: 0, duration: 160 };
        c.push(ms(0), 8000, &Payload { event: 6, ..first });
        c.push(ms(5), 4000, &first);
        c.push(ms(9), 8000, &Payload { event: 6, ..first });
        assert_eq!(c.digits(), "56");
        // Long after, an older timestamp is a source that started over.
        c.push(ms(700), 100, &Payload { event: 7, ..first });
        assert_eq!(c.digits(), "567");
    }

    #[test]
    fn a_press_of_many_seconds_goes_on_in_segments() {
        let mut c = Collector::default();
        let full = Payload { event: 3, end: false, volume: 0, duration: 0xffff };
        c.push(ms(0), 100, &full);
        c.push(ms(8200), 100 + 0xffff, &Payload { duration: 400, ..full });
        c.push(ms(8300), 100 + 0xffff, &Payload { duration: 800, end: true, ..full });
        assert_eq!(c.digits(), "3");
        assert_eq!(c.events()[0].duration, 0xffff + 800);
    }

    #[test]
    fn what_finds_no_room_is_counted() {
        let mut c = Collector::default();
        for n in 0..300u32 {
            press(&mut c, i64::from(n) * 200, n * 1600, 9, false);
        }
        assert_eq!((c.events().len(), c.beyond()), (256, 44));
    }

    #[test]
    fn info_bodies_of_both_types() {
        assert_eq!(from_info(b"application/dtmf-relay", b"Signal=5\r\nDuration=160\r\n"), Some('5'));
        assert_eq!(from_info(b"Application/DTMF-Relay; charset=x", b"Duration= 250\r\nsignal = *\r\n"), Some('*'));
        assert_eq!(from_info(b"application/dtmf-relay", b"Signal=11\r\nDuration=160"), Some('#'));
        assert_eq!(from_info(b"application/dtmf-relay", b"Signal=flash"), None);
        assert_eq!(from_info(b"application/dtmf", b"d"), Some('D'));
        assert_eq!(from_info(b"application/dtmf", b" 7 \r\n"), Some('7'));
        assert_eq!(from_info(b"text/plain", b"Signal=5"), None);
        assert_eq!(from_info(b"application/dtmf", b""), None);
    }

    #[test]
    fn four_bytes_with_the_reserved_bit_clear_look_like_an_event() {
        assert!(Payload::looks_like(&[5, 0x8a, 1, 64]));
        assert!(!Payload::looks_like(&[5, 0x4a, 1, 64]));
        assert!(!Payload::looks_like(&[200, 0x0a, 1, 64]));
        assert!(!Payload::looks_like(&[5, 0x0a, 1]));
        assert_eq!(Payload::parse(&[1, 2, 3]), None);
    }
}
