//! A description whose media is to go elsewhere: what a relay tells the other side. RFC 8866 §5, RFC 3264, RFC 8839 §5.1

use super::Connection;
use super::line::{Line, Lines, split_once, words};
use std::io::Write;
use std::net::IpAddr;

/// Where the media of one `m=` line is received from now on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Place {
    /// Address.
    pub address: IpAddr,
    /// Port of RTP, or of whatever the line is for.
    pub rtp: u16,
    /// Port of RTCP.
    pub rtcp: u16,
}

/// How a description is changed.
#[derive(Clone, Copy, Debug)]
pub struct Move<'a> {
    /// The address of the description as a whole: that of its origin, and of media that has no place.
    pub address: IpAddr,
    /// A place for each `m=` line in order; one without stays at its port. Lines beyond them are refused: their port becomes 0.
    pub places: &'a [Option<Place>],
    /// Whether the user name of the origin and ways to reach a person are taken away as well.
    pub hides: bool,
}

/// The description with other addresses and ports: in `o=`, `c=`, `m=`, `a=rtcp` and the candidates, of which one a component is
/// left. An address of zeros (on hold as RFC 2543 had it) and a port of 0 stay. Everything else is as it came.
#[must_use]
pub fn moved(text: &[u8], how: &Move<'_>) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() + 64);
    let mut at: Option<usize> = None;
    let mut components = [false; 2];
    for line in Lines::new(text) {
        if line.kind == b'm' {
            at = Some(at.map_or(0, |n| n + 1));
            components = [false; 2];
        }
        let place = match at {
            Some(n) => how.places.get(n).copied().flatten(),
            None => how.places.iter().copied().flatten().next(),
        };
        let beyond = at.is_some_and(|n| n >= how.places.len());
        match line.kind {
            b'o' => origin(&mut out, line.value, how),
            b'c' => connection(&mut out, line.value, place.map_or(how.address, |p| p.address)),
            b'm' => media(&mut out, line.value, place, beyond),
            b'a' => attribute(&mut out, line, place, &mut components),
            b'u' | b'e' | b'p' | b'i' if how.hides => {}
            _ => whole(&mut out, text, line),
        }
    }
    out
}

fn whole(out: &mut Vec<u8>, text: &[u8], line: Line<'_>) {
    out.extend_from_slice(text.get(line.start..line.end).unwrap_or_default());
    out.extend_from_slice(b"\r\n");
}

fn kind(address: IpAddr) -> &'static str {
    if address.is_ipv4() { "IP4" } else { "IP6" }
}

/// The session stays the same one: its identifier and its version do.
fn origin(out: &mut Vec<u8>, value: &[u8], how: &Move<'_>) {
    let mut fields = words(value);
    let (name, id, version) = (fields.next(), fields.next(), fields.next());
    let name = if how.hides { b"-" } else { name.unwrap_or(b"-") };
    out.extend_from_slice(b"o=");
    for field in [name, id.unwrap_or(b"0"), version.unwrap_or(b"0")] {
        out.extend_from_slice(field);
        out.push(b' ');
    }
    // Writing into memory does not fail.
    let _ = write!(out, "IN {} {}\r\n", kind(how.address), how.address);
}

fn connection(out: &mut Vec<u8>, value: &[u8], address: IpAddr) {
    if Connection::parse(value).is_some_and(|c| c.is_null()) {
        out.extend_from_slice(b"c=");
        out.extend_from_slice(value);
        out.extend_from_slice(b"\r\n");
        return;
    }
    // As above.
    let _ = write!(out, "c=IN {} {address}\r\n", kind(address));
}

fn media(out: &mut Vec<u8>, value: &[u8], place: Option<Place>, beyond: bool) {
    out.extend_from_slice(b"m=");
    for (n, word) in words(value).enumerate() {
        if n > 0 {
            out.push(b' ');
        }
        let refused = split_once(word, b'/').0 == b"0";
        match (n, place) {
            (1, _) if beyond => out.push(b'0'),
            (1, Some(place)) if !refused => out.extend_from_slice(place.rtp.to_string().as_bytes()),
            _ => out.extend_from_slice(word),
        }
    }
    out.extend_from_slice(b"\r\n");
}

fn attribute(out: &mut Vec<u8>, line: Line<'_>, place: Option<Place>, components: &mut [bool; 2]) {
    let (name, value) = split_once(line.value, b':');
    let as_it_came = |out: &mut Vec<u8>| {
        out.extend_from_slice(b"a=");
        out.extend_from_slice(line.value);
        out.extend_from_slice(b"\r\n");
    };
    let Some(place) = place else {
        // A candidate says where somebody really is.
        if !matches!(name, b"candidate" | b"remote-candidates") {
            as_it_came(out);
        }
        return;
    };
    match (name, value) {
        (b"rtcp", Some(_)) => {
            // As above.
            let _ = write!(out, "a=rtcp:{} IN {} {}\r\n", place.rtcp, kind(place.address), place.address);
        }
        (b"candidate", Some(value)) => candidate(out, value, place, components),
        (b"remote-candidates", _) => {}
        _ => as_it_came(out),
    }
}

/// One candidate a component: the relay itself, at which whoever checks it reaches the other side. RFC 8839 §5.1
fn candidate(out: &mut Vec<u8>, value: &[u8], place: Place, components: &mut [bool; 2]) {
    let mut fields = words(value);
    let foundation = fields.next().unwrap_or(b"1");
    let (number, port) = match fields.next() {
        Some(b"1") => (0, place.rtp),
        Some(b"2") => (1, place.rtcp),
        _ => return,
    };
    let (transport, priority) = (fields.next().unwrap_or_default(), fields.next().unwrap_or(b"1"));
    let Some(seen) = components.get_mut(number) else { return };
    if *seen || !transport.eq_ignore_ascii_case(b"udp") {
        return;
    }
    *seen = true;
    out.extend_from_slice(b"a=candidate:");
    out.extend_from_slice(foundation);
    // As above.
    let _ = write!(out, " {} UDP ", number + 1);
    out.extend_from_slice(priority);
    let _ = write!(out, " {} {port} typ host\r\n", place.address);
}

#[cfg(test)]
mod tests {
    use super::{Move, Place, moved};

    fn to(port: u16) -> Option<Place> {
        Some(Place { address: "198.51.100.1".parse().unwrap(), rtp: port, rtcp: port + 1 })
    }

    fn told(text: &str, places: &[Option<Place>], hides: bool) -> String {
        let how = Move { address: "198.51.100.1".parse().unwrap(), places, hides };
        String::from_utf8(moved(text.as_bytes(), &how)).unwrap()
    }

    #[test]
    fn addresses_and_ports_are_the_relays_and_the_rest_stays() {
        let sdp = "v=0\r\no=alice 7 8 IN IP4 10.0.0.1\r\ns=call\r\nc=IN IP4 10.0.0.1\r\nt=0 0\r\na=tool:x\r\n\
            m=audio 4000 RTP/AVP 0 101\r\na=rtpmap:101 telephone-event/8000\r\na=rtcp:4711 IN IP4 10.0.0.1\r\na=sendrecv\r\n\
            m=video 5000/2 RTP/AVP 31\r\nc=IN IP6 2001:db8::1\r\nm=image 0 udptl t38\r\n";
        let expected = "v=0\r\no=alice 7 8 IN IP4 198.51.100.1\r\ns=call\r\nc=IN IP4 198.51.100.1\r\nt=0 0\r\na=tool:x\r\n\
            m=audio 6000 RTP/AVP 0 101\r\na=rtpmap:101 telephone-event/8000\r\na=rtcp:6001 IN IP4 198.51.100.1\r\na=sendrecv\r\n\
            m=video 6002 RTP/AVP 31\r\nc=IN IP4 198.51.100.1\r\nm=image 0 udptl t38\r\n";
        assert_eq!(told(sdp, &[to(6000), to(6002), to(6004)], false), expected);
        // What there was no room for is refused, not left where it is.
        assert!(told(sdp, &[to(6000)], false).contains("m=video 0 RTP/AVP 31\r\n"));
        assert!(told(sdp, &[to(6000)], true).contains("o=- 7 8 IN IP4 198.51.100.1\r\n"));
    }

    #[test]
    fn a_call_on_hold_stays_on_hold() {
        let sdp = "v=0\no=- 1 1 IN IP4 10.0.0.1\nc=IN IP4 0.0.0.0\nm=audio 4000 RTP/AVP 0\na=sendonly\n";
        let expected =
            "v=0\r\no=- 1 1 IN IP4 198.51.100.1\r\nc=IN IP4 0.0.0.0\r\nm=audio 6000 RTP/AVP 0\r\na=sendonly\r\n";
        assert_eq!(told(sdp, &[to(6000)], false), expected);
    }

    #[test]
    fn candidates_shrink_to_the_relay() {
        let sdp = "v=0\r\nm=audio 4000 RTP/AVP 0\r\na=ice-ufrag:x\r\n\
            a=candidate:1 1 UDP 2130706431 10.0.0.1 4000 typ host\r\na=candidate:1 2 UDP 2130706430 10.0.0.1 4001 typ host\r\n\
            a=candidate:2 1 UDP 1694498815 192.0.2.3 45664 typ srflx raddr 10.0.0.1 rport 4000\r\n\
            a=candidate:3 1 TCP 1 10.0.0.1 9 typ host tcptype active\r\n";
        let expected = "v=0\r\nm=audio 6000 RTP/AVP 0\r\na=ice-ufrag:x\r\n\
            a=candidate:1 1 UDP 2130706431 198.51.100.1 6000 typ host\r\na=candidate:1 2 UDP 2130706430 198.51.100.1 6001 typ host\r\n";
        assert_eq!(told(sdp, &[to(6000)], true), expected);
    }
}
