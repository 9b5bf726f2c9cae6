//! What SIP sets up and does not carry: session descriptions and their negotiation, RTP and RTCP as they are seen on the
//! wire, codecs, digits, and how good it must have sounded.
//!
//! Everything here is bytes and numbers in, facts out. Nothing here knows a socket, a packet header below UDP or a SIP
//! message, keeps a packet, or decides which stream belongs to which call: that is for the floors above.

pub mod codec;
pub mod dtmf;
pub mod emodel;
pub mod facts;
pub mod g711;
pub mod hearing;
pub mod mark;
pub mod negotiation;
pub mod negotiator;
pub mod rtcp;
pub mod rtp;
pub mod sdp;
pub mod session;
pub mod srtp;

pub use codec::Codec;
pub use facts::SdpFacts;
pub use hearing::Heard;
pub use mark::Mark;
pub use negotiator::Negotiator;
pub use sdp::Session;
pub use session::{MediaReport, MediaSession};
