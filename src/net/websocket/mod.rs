//! WebSocket (RFC 6455) as a bystander reads it: the HTTP/1.1 upgrade, then frames put together to messages, inflated
//! where permessage-deflate (RFC 7692) was agreed.
//!
//! Nothing is allocated by what a frame claims, and a hole in the stream costs the message it falls into. Where the
//! upgrade was not captured, [`looks_like_frame`] and [`peek_payload`] let the caller find out what it looks at.

mod frames;
mod handshake;
mod header;
mod inflate;
#[cfg(test)]
mod tests;

pub use frames::{Event, Frames, Sender};
pub use handshake::{Deflate, Handshake, Upgrade, upgrade_request, upgrade_response};

use header::{Header, Opcode};
use smallvec::SmallVec;

/// The longest message that is put together or inflated, in bytes.
pub const MAX_MESSAGE: usize = 1 << 20;

/// How many bytes of a payload [`peek_payload`] shows at most.
const PEEK: usize = 32;

/// Whether `bytes` start with a frame header that begins a message, as a sensible endpoint writes it.
#[must_use]
pub fn looks_like_frame(bytes: &[u8]) -> bool {
    start_of_message(bytes).is_some()
}

/// The first bytes, 32 at most, of the payload of a frame that begins a message: unmasked, and inflated where they are
/// compressed and need no earlier message for that. `None` where no such frame starts here or nothing of its payload is there.
#[must_use]
pub fn peek_payload(bytes: &[u8]) -> Option<SmallVec<[u8; PEEK]>> {
    let (header, len) = start_of_message(bytes)?;
    let wanted = header.length.min(if header.rsv1 { 8 * PEEK as u64 } else { PEEK as u64 }) as usize;
    let rest = bytes.get(len..)?;
    let mut payload: SmallVec<[u8; PEEK]> = SmallVec::from_slice(rest.get(..wanted.min(rest.len()))?);
    header.unmask(&mut payload, 0);
    if header.rsv1 {
        payload = inflate::first_bytes(&payload);
    }
    (!payload.is_empty()).then_some(payload)
}

fn start_of_message(bytes: &[u8]) -> Option<(Header, usize)> {
    let (header, len) = Header::parse(bytes).ok()??;
    let begins = matches!(header.opcode, Opcode::Text | Opcode::Binary) && header.is_sound();
    (begins && header.length > 0 && header.length <= MAX_MESSAGE as u64).then_some((header, len))
}
