//! The lines that logs put before, between and behind messages, and what they tell of the message that follows.

use super::stamp::{self, Stamp};
use crate::base::Endpoint;
use crate::capture::event::Over;
use std::net::{IpAddr, SocketAddr};

/// What is known of the next message.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Heading {
    /// When it was.
    pub time: Option<Stamp>,
    /// Who sent it.
    pub src: Option<Endpoint>,
    /// To whom.
    pub dst: Option<Endpoint>,
    /// The other side, as seen from the program that logged; which side that is, `sent` says.
    pub peer: Option<Endpoint>,
    /// Whether the program that logged sent it.
    pub sent: Option<bool>,
    /// Over what.
    pub over: Option<Over>,
    /// Whether the log tells a message that it has told already.
    pub repeats: bool,
}

impl Heading {
    /// Takes over whatever `later` knows.
    pub fn add(&mut self, later: Heading) {
        self.time = later.time.or(self.time);
        self.src = joined(self.src, later.src);
        self.dst = joined(self.dst, later.dst);
        self.peer = later.peer.or(self.peer);
        self.sent = later.sent.or(self.sent);
        self.over = later.over.or(self.over);
        self.repeats |= later.repeats;
    }
}

/// A later endpoint; one without an address only gives the port to the earlier.
fn joined(earlier: Option<Endpoint>, later: Option<Endpoint>) -> Option<Endpoint> {
    match (earlier, later) {
        (Some(earlier), Some(later)) if later.same_ip(&Endpoint::default()) => Some(earlier.with_port(later.port)),
        (earlier, later) => later.or(earlier),
    }
}

/// What a line is to a log.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Line {
    /// It tells of the message that follows, and ends one before it.
    Heading(Heading),
    /// It only ends a message.
    End,
}

/// The longest line that is looked at for what it tells.
const MOST: usize = 1024;

/// From so many dashes on a line is no part of a message.
const RULE: usize = 40;

/// Judges a line. `in_block`: whether it stands in the block of `name: value` that Kamailio's sipdump puts before a message.
pub(super) fn read(line: &[u8], in_block: bool) -> Option<Line> {
    let trimmed = uncoloured(line.trim_ascii());
    if trimmed.len() > MOST || trimmed.is_empty() {
        return None;
    }
    if in_block && let Some(heading) = block_line(trimmed) {
        return Some(Line::Heading(heading));
    }
    match trimmed.first()? {
        b'=' | b'~' if is_rule(trimmed, 20) => Some(Line::Heading(Heading::default())),
        b'|' if is_rule(trimmed, 20) => Some(Line::End),
        // FreeSWITCH around each message, SIPp before one that it repeats, other logs behind each.
        b'-' if trimmed.len() >= RULE && is_rule(trimmed, trimmed.len()) => Some(Line::Heading(Heading::default())),
        b'-' => sipp_rule(trimmed),
        _ => arrow(trimmed)
            .or_else(|| sofia(trimmed))
            .or_else(|| sipp(trimmed))
            .or_else(|| chan_sip(trimmed))
            .or_else(|| pair(trimmed)),
    }
}

/// The line without the colour that a console switched on before it and off behind it.
fn uncoloured(line: &[u8]) -> &[u8] {
    let line = match memchr::memrchr(0x1b, line) {
        Some(at) if at > 0 && line.ends_with(b"m") => &line[..at],
        _ => line,
    };
    match (line.first(), memchr::memchr(b'm', line)) {
        (Some(0x1b), Some(end)) => line[end + 1..].trim_ascii(),
        _ => line.trim_ascii(),
    }
}

/// Whether a line opens the block of sipdump.
pub(super) fn opens_block(line: &[u8]) -> bool {
    let line = line.trim_ascii();
    line.first() == Some(&b'=') && is_rule(line, 20)
}

/// A line of exactly `count` equal characters.
fn is_rule(line: &[u8], count: usize) -> bool {
    line.len() == count && line.iter().all(|b| Some(b) == line.first())
}

/// `----------------------------------------------- 2026-11-23 02:15:46.774892`, of SIPp.
fn sipp_rule(line: &[u8]) -> Option<Line> {
    let dashes = line.iter().take_while(|&&b| b == b'-').count();
    let rest = line.get(dashes..)?.trim_ascii();
    let time = stamp::date_and_time(rest)?;
    (dashes >= 20).then_some(Line::Heading(Heading { time: Some(time), ..Heading::default() }))
}

/// `Unexpected UDP message received:`, behind the same message; `UDP message sent (244 bytes):` and `UDP message received [292] bytes :`, of SIPp.
fn sipp(line: &[u8]) -> Option<Line> {
    let told = line.strip_prefix(b"Unexpected ");
    let (word, rest) = word(told.unwrap_or(line));
    let over = over(word)?;
    let rest = rest.strip_prefix(b"message ")?;
    let sent = match rest {
        _ if rest.starts_with(b"sent") => true,
        _ if rest.starts_with(b"received") => false,
        _ => return None,
    };
    Some(Line::Heading(Heading { over: Some(over), sent: Some(sent), repeats: told.is_some(), ..Heading::default() }))
}

/// `<--- Received SIP request (912 bytes) from UDP:192.0.2.10:5060 --->` of Asterisk's pjsip logger, and what chan_sip wrote:
/// `<--- SIP read from UDP:192.0.2.10:5060 --->`, `<--- Transmitting (NAT) to 192.0.2.10:5060 --->`, `<------------->`.
fn arrow(line: &[u8]) -> Option<Line> {
    let at = memchr::memmem::find(line, b"<---")?;
    let inside = line.get(at + 4..)?.strip_suffix(b"--->")?.trim_ascii();
    if inside.iter().all(|&b| b == b'-') {
        return Some(Line::End);
    }
    let sent =
        ["Transmitting", "Retransmitting", "Reliably Transmitting"].iter().any(|w| inside.starts_with(w.as_bytes()));
    let received = ["Received SIP", "SIP read from"].iter().any(|w| inside.starts_with(w.as_bytes()));
    if !sent && !received {
        return None;
    }
    let last = inside.rsplit(|&b| b == b' ').next()?;
    let (transport, address) = match memchr::memchr(b':', last) {
        Some(colon) if over(&last[..colon]).is_some() => (over(&last[..colon]), &last[colon + 1..]),
        _ => (None, last),
    };
    let time = stamp::leading(&line[..at]);
    Some(Line::Heading(Heading {
        time,
        over: transport,
        sent: Some(sent),
        peer: endpoint(address),
        ..Heading::default()
    }))
}

/// `Reliably Transmitting (NAT) to 192.0.2.10:5060:` and `Retransmitting #1 (no NAT) to …:` of chan_sip; `---` behind them.
fn chan_sip(line: &[u8]) -> Option<Line> {
    let begins = ["Transmitting (", "Reliably Transmitting (", "Retransmitting #"]
        .iter()
        .any(|w| line.starts_with(w.as_bytes()));
    if !begins {
        return None;
    }
    let last = line.strip_suffix(b":")?.rsplit(|&b| b == b' ').next()?;
    Some(Line::Heading(Heading { sent: Some(true), peer: Some(endpoint(last)?), ..Heading::default() }))
}

/// `recv 903 bytes from udp/[192.168.7.101]:52110 at 20:07:57.811303:`, of FreeSWITCH.
fn sofia(line: &[u8]) -> Option<Line> {
    let at = [&b"recv "[..], b"send "].iter().find_map(|w| memchr::memmem::find(line, w))?;
    let sent = line.get(at..)?.starts_with(b"send");
    let (bytes, rest) = word(line.get(at + 5..)?);
    if bytes.is_empty() || !bytes.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let rest = rest.strip_prefix(if sent { &b"bytes to "[..] } else { b"bytes from " })?;
    let slash = memchr::memchr(b'/', rest)?;
    let over = over(&rest[..slash]);
    let (address, rest) = word(&rest[slash + 1..]);
    let time = rest.strip_prefix(b"at ").and_then(stamp::leading);
    Some(Line::Heading(Heading { time, over, sent: Some(sent), peer: endpoint(address), ..Heading::default() }))
}

/// `2026/11/22 14:05:11.123456 192.0.2.10:5060 -> 192.0.2.1:5060`, of sngrep and ngrep, and whatever log writes
/// `address -> address`.
fn pair(line: &[u8]) -> Option<Line> {
    let time = stamp::leading(line).or_else(|| line.strip_prefix(b"U ").and_then(stamp::leading));
    let arrow = memchr::memmem::find(line, b" -> ");
    let ends = arrow.and_then(|at| {
        let before = line.get(..at)?.trim_ascii_end().rsplit(|&b| b == b' ').next()?;
        let after = word(line.get(at + 4..)?.trim_ascii_start()).0;
        let (first, src) = with_transport(before)?;
        let (second, dst) = with_transport(after)?;
        Some((src, dst, first.or(second)))
    });
    match (time, ends) {
        (None, None) => None,
        (time, None) => Some(Line::Heading(Heading { time, ..Heading::default() })),
        (time, Some((src, dst, over))) => {
            Some(Line::Heading(Heading { time, src: Some(src), dst: Some(dst), over, ..Heading::default() }))
        }
    }
}

/// `udp:192.0.2.1:5060`, with or without its first part.
fn with_transport(text: &[u8]) -> Option<(Option<Over>, Endpoint)> {
    if let Some(colon) = memchr::memchr(b':', text)
        && let Some(over) = over(&text[..colon])
    {
        return Some((Some(over), endpoint(&text[colon + 1..])?));
    }
    Some((None, endpoint(text)?))
}

/// `time: 1795400146.774944`, `proto: udp ipv4`, `srcip: 192.0.2.10`, `srcport: 5060` …, of Kamailio's sipdump.
fn block_line(line: &[u8]) -> Option<Heading> {
    let colon = memchr::memchr(b':', line)?;
    let value = line.get(colon + 1..)?.trim_ascii();
    let text = || std::str::from_utf8(value).ok();
    let ip = || Some(Endpoint::new(text()?.trim_matches(['[', ']']).parse::<IpAddr>().ok()?, 0));
    let port = || text()?.parse::<u16>().ok();
    let mut heading = Heading::default();
    match &line[..colon] {
        b"time" => heading.time = stamp::epoch(value),
        b"tag" => heading.sent = Some(value == b"snd"),
        b"proto" => heading.over = over(word(value).0),
        b"srcip" => heading.src = ip(),
        b"dstip" => heading.dst = ip(),
        // The address stands in the line before: an endpoint without address carries the port to it.
        b"srcport" => heading.src = port().map(|port| Endpoint::default().with_port(port)),
        b"dstport" => heading.dst = port().map(|port| Endpoint::default().with_port(port)),
        b"pid" | b"process" | b"date" | b"af" => {}
        _ => return None,
    }
    Some(heading)
}

/// The first word, and what follows the blanks behind it.
fn word(text: &[u8]) -> (&[u8], &[u8]) {
    let end = memchr::memchr(b' ', text).unwrap_or(text.len());
    (&text[..end], text[end..].trim_ascii_start())
}

/// The transport that a word names.
fn over(word: &[u8]) -> Option<Over> {
    let known = [
        ("udp", Over::Udp),
        ("udp6", Over::Udp),
        ("tcp", Over::Tcp),
        ("tcp6", Over::Tcp),
        ("tls", Over::Tls),
        ("tls6", Over::Tls),
        ("ws", Over::Ws),
        ("wss", Over::Wss),
        ("sctp", Over::Sctp),
    ];
    known.iter().find(|(name, _)| name.as_bytes().eq_ignore_ascii_case(word)).map(|&(_, over)| over)
}

/// `192.0.2.1:5060`, `[2001:db8::1]:5060`, and a bare address, whose port is taken as 5060.
fn endpoint(text: &[u8]) -> Option<Endpoint> {
    let text = std::str::from_utf8(text).ok()?.trim_end_matches([':', ',', ';', ')']);
    if let Ok(address) = text.parse::<SocketAddr>() {
        return Some(address.into());
    }
    if let Ok(ip) = text.trim_matches(['[', ']']).parse::<IpAddr>() {
        return Some(Endpoint::new(ip, 5060));
    }
    // FreeSWITCH brackets IPv4 too, and old Asterisk writes IPv6 without brackets.
    let (ip, port) = text.rsplit_once(':')?;
    Some(Endpoint::new(ip.trim_matches(['[', ']']).parse().ok()?, port.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::{Heading, Line, Over, Stamp, read};

    fn heading(line: &str) -> Heading {
        match read(line.as_bytes(), false) {
            Some(Line::Heading(heading)) => heading,
            other => panic!("{line}: {other:?}"),
        }
    }

    fn peer(line: &str) -> (Option<bool>, String, Option<Over>) {
        let h = heading(line);
        (h.sent, h.peer.map(|p| p.to_string()).unwrap_or_default(), h.over)
    }

    #[test]
    fn asterisk_names_the_other_side() {
        let from = "<--- Received SIP request (912 bytes) from UDP:192.0.2.10:5060 --->";
        assert_eq!(peer(from), (Some(false), "192.0.2.10:5060".to_owned(), Some(Over::Udp)));
        let to = "[Nov 22 14:05:11] VERBOSE[12] res_pjsip_logger.c: <--- Transmitting SIP response (9 bytes) to TLS:[2001:db8::1]:5061 --->";
        assert_eq!(peer(to), (Some(true), "[2001:db8::1]:5061".to_owned(), Some(Over::Tls)));
        assert!(matches!(heading(to).time, Some(Stamp::OfYear(_))));
        assert_eq!(peer("<--- SIP read from UDP:192.0.2.10:5060 --->").0, Some(false));
        assert_eq!(peer("Reliably Transmitting (NAT) to 192.0.2.10:5062:").1, "192.0.2.10:5062");
        assert_eq!(read(b"<------------->", false), Some(Line::End));
        let coloured = "\x1b[0;36m<--- Transmitting (NAT) to 192.0.2.10:5060 --->\x1b[0m";
        assert_eq!(peer(coloured), (Some(true), "192.0.2.10:5060".to_owned(), None));
    }

    #[test]
    fn freeswitch_sipp_and_sngrep() {
        let line = "recv 903 bytes from udp/[192.168.7.101]:52110 at 20:07:57.811303:";
        assert_eq!(peer(line), (Some(false), "192.168.7.101:52110".to_owned(), Some(Over::Udp)));
        assert_eq!(heading(line).time, Some(Stamp::OfDay(72_477_811_303_000)));
        assert_eq!(peer("send 9 bytes to tcp/[2001:db8::1]:5060 at 20:07:57.811303:").1, "[2001:db8::1]:5060");
        assert_eq!(peer("UDP message sent (244 bytes):"), (Some(true), String::new(), Some(Over::Udp)));
        assert_eq!(peer("TCP message received [292] bytes :"), (Some(false), String::new(), Some(Over::Tcp)));
        let h = heading("2026/11/22 14:05:11.123456 192.0.2.10:5060 -> 192.0.2.1:5080");
        assert_eq!((h.src.unwrap().port, h.dst.unwrap().port), (5060, 5080));
        let h = heading(" 1(21905) NOTICE: <script>: received udp:127.0.0.1:15072 -> 127.0.0.1:15071");
        assert_eq!((h.src.unwrap().port, h.over), (15072, Some(Over::Udp)));
    }

    #[test]
    fn header_fields_and_prose_tell_nothing() {
        for line in [
            "Via: SIP/2.0/UDP 192.0.2.1",
            "--boundary",
            "a=candidate:1 1 udp 1 192.0.2.1 5000 typ host",
            "x -> y",
            "v=0",
            "--------------------",
            "====",
        ] {
            assert_eq!(read(line.as_bytes(), false), None, "{line}");
        }
        assert_eq!(read(b"srcip: 192.0.2.1", false), None, "outside of a block it is text");
    }
}
