//! The transports of SIP. RFC 3261 §18, RFC 7118

use std::fmt;

/// How a message travels.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub enum Protocol {
    /// Datagrams.
    Udp,
    /// A TCP connection.
    Tcp,
    /// TLS over TCP.
    Tls,
    /// WebSocket over TCP. RFC 7118
    Ws,
    /// WebSocket over TLS. RFC 7118
    Wss,
}

impl Protocol {
    /// All of them.
    pub const ALL: [Protocol; 5] = [Protocol::Udp, Protocol::Tcp, Protocol::Tls, Protocol::Ws, Protocol::Wss];

    /// As the `transport` parameter and the command line write it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Protocol::Udp => "udp",
            Protocol::Tcp => "tcp",
            Protocol::Tls => "tls",
            Protocol::Ws => "ws",
            Protocol::Wss => "wss",
        }
    }

    /// As Via writes it. RFC 3261 §20.42, RFC 7118 §5.2
    #[must_use]
    pub fn via(self) -> &'static str {
        match self {
            Protocol::Udp => "UDP",
            Protocol::Tcp => "TCP",
            Protocol::Tls => "TLS",
            Protocol::Ws => "WS",
            Protocol::Wss => "WSS",
        }
    }

    /// The protocol of that name, whatever its case.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        Protocol::ALL.into_iter().find(|p| p.name().eq_ignore_ascii_case(name))
    }

    /// The port where nothing else is said. RFC 3261 §19.1.2, RFC 7118 §5.1
    #[must_use]
    pub fn default_port(self) -> u16 {
        match self {
            Protocol::Udp | Protocol::Tcp => 5060,
            Protocol::Tls => 5061,
            Protocol::Ws => 80,
            Protocol::Wss => 443,
        }
    }

    /// Whether TLS protects it.
    #[must_use]
    pub fn is_secure(self) -> bool {
        matches!(self, Protocol::Tls | Protocol::Wss)
    }

    /// Whether nothing has to be sent twice over it. RFC 3261 §17
    #[must_use]
    pub fn is_reliable(self) -> bool {
        self != Protocol::Udp
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.via())
    }
}
