//! From where to where a logged message went, and the packet that such a message would have been.

use super::heading::Heading;
use crate::base::{Endpoint, Flow};
use crate::capture::event::Over;
use crate::net::assemble::{self, Segment, flag};
use crate::sip::{Message, Outline};
use std::collections::HashMap;
use std::net::SocketAddr;

/// Dialogs and connections that are remembered at once; then all are forgotten.
const MOST: usize = 4096;

/// Stands for the program that logged, or for who sent the first request. RFC 1122 §3.2.1.3: no host has it.
const HERE: Endpoint4 = ([0, 0, 0, 1], 5060);
/// Stands for the other side.
const THERE: Endpoint4 = ([0, 0, 0, 2], 5060);
/// The same for IPv6. RFC 6666
const HERE_V6: [u8; 16] = [1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];

type Endpoint4 = ([u8; 4], u16);

/// What is remembered to place messages.
#[derive(Debug, Default)]
pub(super) struct Places {
    /// The From tag of the first request of a Call-ID.
    callers: HashMap<Vec<u8>, Vec<u8>>,
    /// The next sequence number of a direction.
    numbers: HashMap<(Endpoint, Endpoint), u32>,
    /// Whether the other side alone was named, or nobody.
    pub without_local: bool,
    pub without_any: bool,
}

impl Places {
    /// From where to where a message went.
    pub fn flow(&mut self, heading: &Heading, message: &[u8], outline: &mut Outline) -> Flow {
        if let (Some(src), Some(dst)) = (heading.src, heading.dst) {
            return Flow { src, dst };
        }
        let sent = match heading.sent {
            Some(sent) => sent,
            None => self.is_callers(message, outline),
        };
        let (here, there) = match heading.peer {
            Some(peer) => {
                self.without_local = true;
                (if peer.is_v4() { Endpoint::v4(HERE.0, HERE.1) } else { Endpoint::v6(HERE_V6, HERE.1) }, peer)
            }
            None => {
                self.without_any = true;
                (Endpoint::v4(HERE.0, HERE.1), Endpoint::v4(THERE.0, THERE.1))
            }
        };
        let flow = Flow { src: here, dst: there };
        if sent { flow } else { flow.reversed() }
    }

    /// Whether a message comes from the side that sent the first request of its Call-ID.
    fn is_callers(&mut self, bytes: &[u8], outline: &mut Outline) -> bool {
        if !outline.read(bytes) {
            return true;
        }
        let message = Message::new(bytes, outline);
        if self.callers.len() >= MOST {
            self.callers.clear();
        }
        let from = message.from_tag();
        let first = self.callers.entry(message.call_id().to_vec()).or_insert_with(|| from.to_vec());
        (first.as_slice() == from) == message.is_request()
    }

    /// Writes the packet of a message: a datagram, or the next segment of a connection in the clear. `false` where none can hold it.
    pub fn packet(&mut self, flow: Flow, over: Over, message: &[u8], out: &mut Vec<u8>) -> bool {
        out.clear();
        let (src, dst) = (address(flow.src), address(flow.dst));
        if matches!(over, Over::Udp | Over::Sctp) {
            return assemble::udp(src, dst, message, out);
        }
        if self.numbers.len() >= MOST {
            self.numbers.clear();
        }
        let ack = self.numbers.get(&(flow.dst, flow.src)).copied().unwrap_or(1);
        let next = self.numbers.entry((flow.src, flow.dst)).or_insert(1);
        let segment = Segment { seq: *next, ack, flags: flag::ACK | flag::PSH };
        *next = next.wrapping_add(message.len() as u32);
        assemble::tcp(src, dst, segment, message, out)
    }
}

fn address(endpoint: Endpoint) -> SocketAddr {
    SocketAddr::new(endpoint.ip(), endpoint.port)
}
