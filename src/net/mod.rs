//! From the bytes of one captured packet to datagrams and in-order streams.
//!
//! Knows link layers, tunnels, IP, TCP, SCTP, TLS records, WebSocket frames and HEP. Refuses to know SIP: what a payload
//! means is decided above. Nothing here keeps more than its caps allow, whatever the input claims.

pub mod assemble;
mod esp;
mod fragment;
pub mod hep;
mod icmp;
mod ip;
mod layer;
pub mod link;
pub mod packet;
mod sctp;
pub mod stack;
pub mod tcp;
pub mod tls;
mod tunnel;
pub mod undecoded;
pub mod websocket;

pub use fragment::Lost;
pub use packet::{Carried, LinkType, Packet, Payload, Quoted, Segment};
pub use stack::Stack;
pub use undecoded::{Reason, Undecoded};
