//! An IP address with a port, small enough to be kept by the million.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// An IP address and port in 18 bytes. IPv4 is held as its IPv4-mapped form, and shown as IPv4.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Endpoint {
    ip: [u8; 16],
    /// Port number; 0 where the protocol has none.
    pub port: u16,
}

const V4_PREFIX: [u8; 12] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff];

impl Endpoint {
    /// An IPv4 endpoint from the four bytes of its address.
    #[inline]
    #[must_use]
    pub fn v4(address: [u8; 4], port: u16) -> Self {
        let mut ip = [0; 16];
        ip[..12].copy_from_slice(&V4_PREFIX);
        ip[12..].copy_from_slice(&address);
        Endpoint { ip, port }
    }

    /// An IPv6 endpoint from the sixteen bytes of its address.
    #[inline]
    #[must_use]
    pub fn v6(address: [u8; 16], port: u16) -> Self {
        Endpoint { ip: address, port }
    }

    /// An endpoint of either family.
    #[must_use]
    pub fn new(ip: IpAddr, port: u16) -> Self {
        match ip {
            IpAddr::V4(v4) => Endpoint::v4(v4.octets(), port),
            IpAddr::V6(v6) => Endpoint::v6(v6.octets(), port),
        }
    }

    /// The address.
    #[must_use]
    pub fn ip(&self) -> IpAddr {
        match self.ip {
            [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, a, b, c, d] => IpAddr::V4(Ipv4Addr::new(a, b, c, d)),
            octets => IpAddr::V6(Ipv6Addr::from(octets)),
        }
    }

    /// The same address with another port.
    #[must_use]
    pub fn with_port(self, port: u16) -> Self {
        Endpoint { port, ..self }
    }

    /// Whether the address is of IPv4.
    #[inline]
    #[must_use]
    pub fn is_v4(&self) -> bool {
        self.ip[..12] == V4_PREFIX
    }

    /// Whether the address stands for one that a log leaves out: 0.0.0.0/8 and 100::/64 are no host's. RFC 1122 §3.2.1.3, RFC 6666
    #[must_use]
    pub fn is_placeholder(&self) -> bool {
        match self.ip() {
            IpAddr::V4(v4) => v4.octets()[0] == 0,
            IpAddr::V6(v6) => v6.octets()[..8] == [1, 0, 0, 0, 0, 0, 0, 0],
        }
    }

    /// Whether both have the same address, whatever their ports.
    #[inline]
    #[must_use]
    pub fn same_ip(&self, other: &Endpoint) -> bool {
        self.ip == other.ip
    }
}

impl From<SocketAddr> for Endpoint {
    fn from(address: SocketAddr) -> Self {
        Endpoint::new(address.ip(), address.port())
    }
}

/// Puts the digits of `number` at `at`, and gives the place after them.
fn put(text: &mut [u8], at: usize, number: u16) -> usize {
    let count = number.checked_ilog10().map_or(1, |log| log as usize + 1);
    let mut rest = number;
    for place in text[at..at + count].iter_mut().rev() {
        *place = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    at + count
}

impl fmt::Display for Endpoint {
    /// `192.0.2.1:5060`, `[2001:db8::1]:5060`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.is_v4() {
            return SocketAddr::new(self.ip(), self.port).fmt(f);
        }
        // Two for each line of a long output: digit by digit takes a tenth of what the library needs.
        let mut text = [0; "255.255.255.255:65535".len()];
        let mut at = 0;
        for (&octet, after) in self.ip[12..].iter().zip(b"...:") {
            at = put(&mut text, at, u16::from(octet));
            text[at] = *after;
            at += 1;
        }
        at = put(&mut text, at, self.port);
        f.pad(str::from_utf8(&text[..at]).unwrap_or_default())
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Where a datagram or segment came from and where it went.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Flow {
    /// The sender.
    pub src: Endpoint,
    /// The receiver.
    pub dst: Endpoint,
}

impl Flow {
    /// The other direction.
    #[must_use]
    pub fn reversed(self) -> Flow {
        Flow { src: self.dst, dst: self.src }
    }
}

#[cfg(test)]
mod tests {
    use super::Endpoint;

    #[test]
    fn shows_both_families_as_the_contract_does() {
        assert_eq!(Endpoint::v4([192, 0, 2, 1], 5060).to_string(), "192.0.2.1:5060");
        let six = Endpoint::new("2001:db8::1".parse().unwrap(), 5060);
        assert_eq!(six.to_string(), "[2001:db8::1]:5060");
        assert!(!six.is_v4() && !six.is_placeholder());
        assert!(
            Endpoint::v4([0, 0, 0, 1], 5060).is_placeholder() && !Endpoint::v4([10, 0, 0, 1], 5060).is_placeholder()
        );
        assert!(Endpoint::new("100::1".parse().unwrap(), 5060).is_placeholder());
    }

    #[test]
    fn an_address_is_shown_as_the_library_shows_it() {
        for n in 0..=255u8 {
            let own = Endpoint::v4([n, n.wrapping_mul(7), 255 - n, n / 3], u16::from(n) * 257);
            let library = std::net::SocketAddr::new(own.ip(), own.port);
            assert_eq!(own.to_string(), library.to_string());
            assert_eq!(format!("{own:>24}|{own:<3}"), format!("{library:>24}|{library:<3}"));
        }
    }
}
