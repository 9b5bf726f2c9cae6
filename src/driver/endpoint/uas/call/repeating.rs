//! Responses that go out until they are acknowledged. RFC 3261 §13.3.1.4, RFC 3262 §3

use crate::driver::endpoint::Outgoing;
use crate::driver::endpoint::uas::Plan;
use crate::sip::Method;
use crate::transport::listener::Way;
use std::time::{Duration, Instant};

/// A response that goes out until it is acknowledged.
#[derive(Debug)]
pub(super) struct Repeating {
    bytes: Vec<u8>,
    status: u16,
    way: Way,
    pause: Duration,
    at: Instant,
    pub(super) end: Instant,
}

impl Repeating {
    pub(super) fn new(bytes: Vec<u8>, status: u16, way: Way, plan: &Plan, now: Instant) -> Self {
        let pause = plan.timers.t1;
        Repeating { bytes, status, way, pause, at: now + pause, end: now + plan.timers.give_up() }
    }

    pub(super) fn next(&self) -> Instant {
        self.at.min(self.end)
    }

    /// Sends it once more where it is due; pauses double up to `most`.
    pub(super) fn tick(&mut self, line: &[u8], now: Instant, most: Option<Duration>) -> Option<Outgoing> {
        if self.at > now || self.end <= now {
            return None;
        }
        self.pause *= 2;
        if let Some(most) = most {
            self.pause = self.pause.min(most);
        }
        self.at = now + self.pause;
        let (way, bytes, status) = (self.way, self.bytes.clone(), self.status);
        let line = line.to_vec();
        Some(Outgoing { way, bytes, status, method: Method::Invite, line, since: now, transaction: None })
    }
}

/// The 2xx of an INVITE whose ACK is awaited. RFC 3261 §13.3.1.4
#[derive(Debug)]
pub(super) struct Accepted {
    pub(super) repeating: Repeating,
    pub(super) cseq: u32,
    /// It holds our offer, and the ACK the answer to it.
    pub(super) offers: bool,
}

/// A reliable provisional response whose PRACK is awaited. RFC 3262 §3
#[derive(Debug)]
pub(super) struct Reliable {
    pub(super) repeating: Repeating,
    pub(super) number: u32,
    pub(super) status: u16,
}
