//! The lines of a description. RFC 8866 §5

use super::Local;
use super::slot::Slot;
use std::fmt::Write as _;

/// Everything below the session's lines; what it says decides whether the version grows.
pub(super) fn body(local: &Local, slots: &[Slot]) -> String {
    let mut out = String::new();
    let family = family(local);
    let _ = write!(out, "s=-\r\nc=IN {family} {}\r\nt=0 0\r\n", local.address);
    for slot in slots {
        let port = if slot.is_refused() { 0 } else { local.rtp };
        let _ = write!(out, "m={} {port} {} {}\r\n", slot.kind, slot.protocol, slot.formats.join(" "));
        for line in &slot.attributes {
            let _ = write!(out, "a={line}\r\n");
        }
        // Only where it is not the next port. RFC 3605 §2.1
        if !slot.is_refused() && !slot.has_mux && local.rtcp != local.rtp.wrapping_add(1) {
            let _ = write!(out, "a=rtcp:{}\r\n", local.rtcp);
        }
    }
    out
}

/// The whole description.
pub(super) fn whole(local: &Local, session: u64, version: u64, body: &str) -> String {
    let family = family(local);
    format!("v=0\r\no=- {session} {version} IN {family} {}\r\n{body}", local.address)
}

fn family(local: &Local) -> &'static str {
    if local.address.is_ipv4() { "IP4" } else { "IP6" }
}
