//! Digits sent as telephone events. RFC 4733 §2.5

use std::collections::VecDeque;

/// How often the last packet of an event is sent. RFC 4733 §2.5.1.4
const ENDS: u8 = 3;
/// Level: 10 dB below 1 mW.
const VOLUME: u8 = 10;
/// Digits that wait at most.
const MAX_DIGITS: usize = 256;

/// How long digits and the pauses between them are, in milliseconds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Timing {
    /// Of a digit.
    pub digit_ms: u32,
    /// Between two.
    pub pause_ms: u32,
}

impl Default for Timing {
    /// 100 ms each: receivers must take 40 ms, and gateways often want more. ITU-T Q.24
    fn default() -> Self {
        Timing { digit_ms: 100, pause_ms: 100 }
    }
}

/// One packet of an event.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Packet {
    /// The payload.
    pub payload: [u8; 4],
    /// The marker bit: set on the first packet of an event. RFC 4733 §2.5.1.1
    pub marker: bool,
    /// The RTP timestamp: that of the beginning, in all packets of the event.
    pub timestamp: u32,
}

#[derive(Clone, Copy, Debug)]
enum Phase {
    Idle,
    /// A digit sounds since this RTP timestamp.
    Sounding {
        code: u8,
        since: u32,
        is_first: bool,
    },
    /// The last packet goes out so many times more.
    Ending {
        code: u8,
        since: u32,
        duration: u16,
        left: u8,
        until: u32,
    },
    /// Until this RTP timestamp nothing is pressed.
    Pausing {
        until: u32,
    },
}

/// Sends digits, one packet each time that one is due. Without clock: time is the RTP timestamp of the packet due.
#[derive(Clone, Debug)]
pub struct Sender {
    timing: Timing,
    waiting: VecDeque<u8>,
    phase: Phase,
    sent: String,
}

impl Sender {
    /// A sender with nothing to send.
    #[must_use]
    pub fn new(timing: Timing) -> Self {
        Sender { timing, waiting: VecDeque::new(), phase: Phase::Idle, sent: String::new() }
    }

    /// Queues digits; characters that are no key are left out. Returns how many were taken.
    pub fn press(&mut self, digits: &str) -> usize {
        let codes = digits.bytes().filter_map(code);
        let room = MAX_DIGITS.saturating_sub(self.waiting.len());
        let before = self.waiting.len();
        self.waiting.extend(codes.take(room));
        self.waiting.len() - before
    }

    /// Whether everything was sent.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.waiting.is_empty() && matches!(self.phase, Phase::Idle)
    }

    /// The digits whose last packet was sent.
    #[must_use]
    pub fn sent(&self) -> &str {
        &self.sent
    }

    /// The packet due at the RTP timestamp `now`, `step` after the one before; `None` where audio goes out instead.
    pub fn next(&mut self, now: u32, step: u32) -> Option<Packet> {
        if let Phase::Pausing { until } = self.phase
            && now.wrapping_sub(until) as i32 >= 0
        {
            self.phase = Phase::Idle;
        }
        if let Phase::Idle = self.phase {
            let code = self.waiting.pop_front()?;
            self.phase = Phase::Sounding { code, since: now, is_first: true };
        }
        match self.phase {
            Phase::Sounding { code, since, is_first } => {
                // A packet tells what will have sounded at its end. RFC 4733 §2.5.1.2
                let duration = now.wrapping_sub(since).wrapping_add(step);
                let whole = self.timing.digit_ms.saturating_mul(8).clamp(step, 0xffff);
                if duration < whole {
                    self.phase = Phase::Sounding { code, since, is_first: false };
                    return Some(packet(code, false, duration as u16, since, is_first));
                }
                let until = since.wrapping_add(whole).wrapping_add(self.timing.pause_ms.saturating_mul(8));
                self.phase = Phase::Ending { code, since, duration: whole as u16, left: ENDS - 1, until };
                self.sent.extend(super::digit(code));
                Some(packet(code, true, whole as u16, since, is_first))
            }
            Phase::Ending { code, since, duration, left, until } => {
                self.phase = match left {
                    0 | 1 => Phase::Pausing { until },
                    more => Phase::Ending { code, since, duration, left: more - 1, until },
                };
                Some(packet(code, true, duration, since, false))
            }
            Phase::Idle | Phase::Pausing { .. } => None,
        }
    }
}

/// RFC 4733 §2.3
fn packet(code: u8, end: bool, duration: u16, timestamp: u32, marker: bool) -> Packet {
    let [high, low] = duration.to_be_bytes();
    Packet { payload: [code, u8::from(end) << 7 | VOLUME, high, low], marker, timestamp }
}

/// The event code of a key. RFC 4733 §3.2
#[must_use]
pub fn code(key: u8) -> Option<u8> {
    let at = b"0123456789*#ABCD".iter().position(|&k| k == key.to_ascii_uppercase())?;
    u8::try_from(at).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 300 below the wrap: the timestamps of the first event run over it.
    const BASE: u32 = u32::MAX - 300;

    #[test]
    fn an_event_starts_with_a_mark_grows_and_ends_three_times() {
        let mut sender = Sender::new(Timing { digit_ms: 100, pause_ms: 60 });
        assert_eq!(sender.press("5x#"), 2);
        let mut now = BASE;
        let mut seen = Vec::new();
        for _ in 0..20 {
            seen.push(sender.next(now, 160));
            now = now.wrapping_add(160);
        }
        let first: Vec<Packet> = seen[..7].iter().map(|p| p.unwrap()).collect();
        assert!(first.iter().all(|p| p.timestamp == BASE && p.payload[0] == 5));
        assert_eq!(
            first.iter().map(|p| p.marker).collect::<Vec<_>>(),
            [true, false, false, false, false, false, false]
        );
        let durations: Vec<u16> = first.iter().map(|p| u16::from_be_bytes([p.payload[2], p.payload[3]])).collect();
        assert_eq!(durations, [160, 320, 480, 640, 800, 800, 800]);
        let ends: Vec<u8> = first.iter().map(|p| p.payload[1] >> 7).collect();
        assert_eq!(ends, [0, 0, 0, 0, 1, 1, 1]);
        // 100 ms of digit and 60 of pause: the next begins with the ninth packet.
        assert_eq!(seen[7], None);
        let next = seen[8].unwrap();
        assert_eq!((next.payload[0], next.marker, next.timestamp), (11, true, BASE.wrapping_add(8 * 160)));
        assert_eq!(sender.sent(), "5#");
        assert!(sender.is_idle());
    }

    #[test]
    fn what_is_sent_is_gathered_again() {
        use crate::base::Timestamp;
        use crate::media::dtmf::{Collector, Payload};
        let mut collector = Collector::default();
        let mut sender = Sender::new(Timing::default());
        sender.press("0123456789*#abcd");
        for n in 0..400u32 {
            if let Some(packet) = sender.next(n * 160, 160) {
                let payload = Payload::parse(&packet.payload).unwrap();
                collector.push(Timestamp(i64::from(n) * 20_000_000), packet.timestamp, &payload);
            }
        }
        assert_eq!(collector.digits(), "0123456789*#ABCD");
        assert!(collector.events().iter().all(|e| e.ended && e.packets == 7 && e.duration == 800));
        assert!(sender.is_idle());
    }

    #[test]
    fn what_waits_is_bounded() {
        let mut sender = Sender::new(Timing::default());
        assert_eq!(sender.press(&"1".repeat(1000)), 256);
    }
}
