//! ICMP and ICMPv6 errors with the packet that they quote.

use super::Quoted;
use super::ip;
use super::layer::{Bytes, Stop};

/// Extension headers of a quoted packet that are passed over.
const MAX_EXTENSIONS: usize = 8;

/// The packet that an error quotes; `Err(Nothing)` for a message that is not an error.
///
/// RFC 792: destination unreachable, source quench, redirect, time exceeded, parameter problem. RFC 4443 §3: types below 128,
/// of which 1 to 4 are in use.
pub(super) fn quoted(bytes: Bytes<'_>, v6: bool) -> Result<Quoted<'_>, Stop> {
    let [kind, code] = bytes.at::<2>(0)?;
    let is_error = if v6 { matches!(kind, 1..=4) } else { matches!(kind, 3 | 4 | 5 | 11 | 12) };
    if !is_error {
        return Err(Stop::Nothing);
    }
    let quote = bytes.skip(8)?;
    // RFC 4884 §4.1, §4.2: where extensions follow, a length in words of four or eight bytes says where the quote ends.
    let quote = match (v6, bytes.u8(4)?, bytes.u8(5)?) {
        (true, words @ 1.., _) => quote.limit_within(usize::from(words) * 8),
        (false, _, words @ 1..) if kind != 4 && kind != 5 => quote.limit_within(usize::from(words) * 4),
        _ => quote,
    };
    let header = ip::header(quote)?;
    let (mut protocol, mut rest, mut place) = (header.protocol, header.payload, header.place);
    for _ in 0..MAX_EXTENSIONS {
        match protocol {
            ip::FRAGMENT if place.is_none() => (protocol, _, place, rest) = ip::fragment(rest)?,
            _ if ip::is_extension(protocol) && !header.path.flow.src.is_v4() => {
                protocol = rest.u8(0)?;
                rest = rest.skip((usize::from(rest.u8(1)?) + 1) * 8)?;
            }
            _ => break,
        }
    }
    // Only the first fragment has ports.
    if place.is_some_and(|p| p.offset > 0) || !matches!(protocol, ip::UDP | ip::TCP | ip::SCTP) {
        return Err(Stop::Nothing);
    }
    let flow = header.path.with_ports(rest.u16(0)?, rest.u16(2)?);
    Ok(Quoted { kind, code, v6, flow, protocol, payload: transport_payload(protocol, rest) })
}

/// What is quoted behind the transport header, which need not be quoted whole.
fn transport_payload(protocol: u8, rest: Bytes<'_>) -> &[u8] {
    let header = match protocol {
        ip::UDP => 8,
        ip::TCP => rest.u8(12).map_or(usize::MAX, |b| usize::from(b >> 4).max(5) * 4),
        // Common header and, where the first chunk carries the start of a message, that of its DATA chunk.
        _ if rest.at::<2>(12).is_ok_and(|[kind, flags]| kind == 0 && flags & 2 != 0) => 12 + 16,
        _ => usize::MAX,
    };
    rest.data.get(header..).unwrap_or(&[])
}
