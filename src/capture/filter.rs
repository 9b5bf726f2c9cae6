//! BPF filters for packets of files, compiled for each link type when it is first met.

use super::{CaptureError, libpcap};
use crate::net::{LinkType, Packet};
use pcap::{BpfProgram, Capture, Linktype};

/// Fragments after the first have no ports, so a filter by port would lose them and with them the whole packet. In IPv6
/// not even the first one is recognised by its port.
const FRAGMENTS: &str = "(ip[6:2] & 0x1fff != 0) or (ip6[6] = 44)";

/// A filter keeps programs for at most this many link types; packets of others are let through.
const MAX_PROGRAMS: usize = 64;

/// A filter expression, ready for packets of any link type.
pub struct Filter {
    expression: String,
    widened: Option<String>,
    programs: Vec<(LinkType, Option<BpfProgram>)>,
}

impl Filter {
    /// Takes an expression as `tcpdump` does and widens it so that IP fragments are not lost.
    ///
    /// # Errors
    /// [`CaptureError::Filter`] with libpcap's reason, [`CaptureError::NoLibpcap`] where there is no libpcap.
    pub fn new(expression: &str) -> Result<Filter, CaptureError> {
        libpcap::load()?;
        let filter = Filter { expression: expression.to_owned(), widened: widen(expression), programs: Vec::new() };
        // A wrong expression must be told before the first packet. Not every expression suits Ethernet, so raw IP may judge.
        filter.compile(LinkType(1)).or_else(|e| filter.compile(LinkType(101)).map_err(|_| e))?;
        Ok(filter)
    }

    /// The expression as it is applied.
    #[must_use]
    pub fn text(&self) -> &str {
        self.widened.as_deref().unwrap_or(&self.expression)
    }

    /// Whether the expression was widened so that all IP fragments pass.
    #[must_use]
    pub fn is_widened(&self) -> bool {
        self.widened.is_some()
    }

    /// Whether the packet passes. Where the expression has no meaning for the packet's link type, it does not.
    pub fn accepts(&mut self, packet: &Packet<'_>) -> bool {
        let known = self.programs.iter().position(|(link, _)| *link == packet.link);
        let place = match known {
            Some(place) => place,
            None if self.programs.len() >= MAX_PROGRAMS => return true,
            None => {
                let program = self.compile(packet.link).ok();
                self.programs.push((packet.link, program));
                self.programs.len() - 1
            }
        };
        match self.programs.get(place) {
            Some((_, Some(program))) => program.filter(packet.data),
            _ => false,
        }
    }

    /// The link types met so far for which the expression has no meaning: none of their packets passed.
    pub fn unsuited(&self) -> impl Iterator<Item = LinkType> + '_ {
        self.programs.iter().filter(|(_, program)| program.is_none()).map(|(link, _)| *link)
    }

    fn compile(&self, link: LinkType) -> Result<BpfProgram, CaptureError> {
        let failed =
            |e: pcap::Error| CaptureError::Filter { expression: self.expression.clone(), cause: super::live::plain(e) };
        let handle = Capture::dead(Linktype(data_link(link))).map_err(failed)?;
        if let Some(Ok(program)) = self.widened.as_deref().map(|text| handle.compile(text, true)) {
            return Ok(program);
        }
        handle.compile(&self.expression, true).map_err(failed)
    }
}

/// The expression with all fragments let through, if it looks at anything behind the IP header. Others, as `host A`, see
/// fragments anyway, and would only be blurred.
pub(super) fn widen(expression: &str) -> Option<String> {
    let ports = expression.contains("port") || expression.contains('[');
    (ports && !expression.trim().is_empty()).then(|| format!("({expression}) or {FRAGMENTS}"))
}

/// The number that libpcap's compiler uses on this system for a link type of the file formats.
fn data_link(link: LinkType) -> i32 {
    match link.0 {
        14 | 101 => 12,
        other => i32::from(other),
    }
}

/// The link type of the file formats for a number that libpcap uses on this system.
pub(super) fn link_type(data_link: i32) -> LinkType {
    match u16::try_from(data_link) {
        Ok(12 | 14) => LinkType(101),
        Ok(other) => LinkType(other),
        Err(_) => LinkType(u16::MAX),
    }
}

#[cfg(test)]
mod tests {
    use super::{Filter, widen};
    use crate::base::Timestamp;
    use crate::capture::CaptureError;
    use crate::net::{LinkType, Packet};

    /// An IPv4 packet of UDP between ports 5060, as fragment number `offset`.
    fn ip(offset: u16, port: u16) -> Vec<u8> {
        let mut packet = vec![0x45, 0, 0, 32, 0, 1, 0, 0, 64, 17, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2];
        packet[6..8].copy_from_slice(&offset.to_be_bytes());
        packet.extend([port.to_be_bytes(), port.to_be_bytes()].concat());
        packet.extend([0, 12, 0, 0, 1, 2, 3, 4]);
        packet
    }

    fn packet(link: u16, data: &[u8]) -> Packet<'_> {
        let original_len = data.len() as u32;
        Packet { time: Timestamp(0), source: 0, frame: 1, link: LinkType(link), data, original_len }
    }

    #[test]
    fn a_port_filter_lets_fragments_pass_on_every_link_type() {
        let mut filter = match Filter::new("udp port 5060") {
            Err(CaptureError::NoLibpcap { cause }) => return eprintln!("skipped: no libpcap here ({cause})"),
            other => other.unwrap(),
        };
        assert!(filter.is_widened());
        assert_eq!(filter.text(), "(udp port 5060) or (ip[6:2] & 0x1fff != 0) or (ip6[6] = 44)");
        let ethernet = |ip: Vec<u8>| [&[0; 12][..], &[8, 0], &ip].concat();
        for (offset, port, passes) in [(0, 5060, true), (0, 53, false), (0x2000, 53, false), (0x00b9, 53, true)] {
            assert_eq!(filter.accepts(&packet(101, &ip(offset, port))), passes, "raw {offset} {port}");
            assert_eq!(filter.accepts(&packet(1, &ethernet(ip(offset, port)))), passes, "ethernet {offset} {port}");
        }
        assert_eq!(filter.unsuited().count(), 0);
    }

    #[test]
    fn a_wrong_expression_is_told_with_the_reason() {
        match Filter::new("port sixty") {
            Err(CaptureError::NoLibpcap { cause }) => eprintln!("skipped: no libpcap here ({cause})"),
            Err(e) => assert!(e.to_string().starts_with("filter 'port sixty': "), "{e}"),
            Ok(_) => panic!("port sixty is no port"),
        }
    }

    #[test]
    fn only_what_looks_behind_ip_is_widened() {
        assert_eq!(widen("host 192.0.2.1"), None);
        assert!(widen("host 192.0.2.1 and portrange 5060-5070").is_some());
        assert!(widen("udp[8:4] = 0x53495020").is_some());
        assert_eq!(widen(""), None);
    }
}
