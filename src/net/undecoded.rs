//! Why something could not be decoded, counted. Nothing is dropped without a number here.

use std::collections::BTreeMap;

/// A reason for not decoding a packet, a stream or a part of one. The name is what the JSON shows.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// The snap length cut the packet before its payload was complete.
    CutBySnapLength,
    /// A fragment of an IP packet never came.
    FragmentMissing,
    /// Fragments were given up because too many were waiting.
    FragmentsEvicted,
    /// The link layer is not one that is known.
    UnknownLinkType,
    /// A header is shorter than it must be, or a length in it points outside.
    MalformedPacket,
    /// A tunnel or encapsulation that cannot be opened.
    UnknownTunnel,
    /// More encapsulation than is followed.
    TooManyLayers,
    /// ESP with real encryption.
    EspEncrypted,
    /// TLS for which no key was given.
    TlsWithoutKeys,
    /// TLS whose records did not open with the key at hand.
    TlsNotOpened,
    /// TLS that uses a version or cipher suite that cannot be opened here.
    TlsUnsupported,
    /// Bytes of a TCP stream are missing from the capture.
    TcpGap,
    /// A TCP connection was given up because too many were open.
    ConnectionsEvicted,
    /// Data of a stream was given up because too much was waiting.
    StreamBufferFull,
    /// A WebSocket message that could not be put together or inflated.
    WebSocketBroken,
    /// A HEP packet that could not be read.
    HepMalformed,
    /// A message larger than is accepted.
    MessageTooLarge,
    /// The last message of a stream was not complete.
    MessageIncomplete,
    /// A message quoted in an ICMP error: not a message that was sent.
    SipInIcmpError,
    /// An SCTP message with missing fragments.
    SctpIncomplete,
    /// Calls, registrations or exchanges handed over before their end because too many were open.
    ConversationsEvicted,
    /// Media streams or announced media endpoints given up because there were too many.
    StreamsEvicted,
}

impl Reason {
    /// The key under which the JSON counts it.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Reason::CutBySnapLength => "cut_by_snap_length",
            Reason::FragmentMissing => "fragment_missing",
            Reason::FragmentsEvicted => "fragments_evicted",
            Reason::UnknownLinkType => "unknown_link_type",
            Reason::MalformedPacket => "malformed_packet",
            Reason::UnknownTunnel => "unknown_tunnel",
            Reason::TooManyLayers => "too_many_layers",
            Reason::EspEncrypted => "esp_encrypted",
            Reason::TlsWithoutKeys => "tls_without_keys",
            Reason::TlsNotOpened => "tls_not_opened",
            Reason::TlsUnsupported => "tls_unsupported",
            Reason::TcpGap => "tcp_gap",
            Reason::ConnectionsEvicted => "connections_evicted",
            Reason::StreamBufferFull => "stream_buffer_full",
            Reason::WebSocketBroken => "websocket_broken",
            Reason::HepMalformed => "hep_malformed",
            Reason::MessageTooLarge => "message_too_large",
            Reason::MessageIncomplete => "message_incomplete",
            Reason::SipInIcmpError => "sip_in_icmp_error",
            Reason::SctpIncomplete => "sctp_incomplete",
            Reason::ConversationsEvicted => "conversations_evicted",
            Reason::StreamsEvicted => "streams_evicted",
        }
    }

    /// What a person can do about it.
    #[must_use]
    pub fn hint(self) -> &'static str {
        match self {
            Reason::CutBySnapLength => "capture again with a larger snap length (tcpdump -s 0)",
            Reason::FragmentMissing => {
                "capture without a port filter: later fragments have no ports (or add 'or ip[6:2] & 0x1fff != 0')"
            }
            Reason::FragmentsEvicted
            | Reason::ConnectionsEvicted
            | Reason::StreamBufferFull
            | Reason::ConversationsEvicted
            | Reason::StreamsEvicted => "too much was open at once: narrow the input with --filter or --port",
            Reason::UnknownLinkType => "convert the capture to Ethernet or raw IP (editcap -T)",
            Reason::MalformedPacket => "the packets may be damaged or of another link type than the file says",
            Reason::UnknownTunnel => "capture behind the tunnel's end, or say which tunnel it is in an issue",
            Reason::TooManyLayers => "capture nearer to the SIP servers, where fewer tunnels are nested",
            Reason::EspEncrypted => "capture behind the IPsec gateway; only NULL encryption can be read",
            Reason::TlsWithoutKeys => {
                "give the key log of either side with --keylog, or --server-key for RSA key exchange"
            }
            Reason::TlsNotOpened => "the secrets belong to another connection, or records are missing from the capture",
            Reason::TlsUnsupported => {
                "only AES-GCM, ChaCha20-Poly1305 and AES-CBC suites of TLS 1.0 to 1.3 can be opened"
            }
            Reason::TcpGap => {
                "packets are missing from the capture: look at the capture drops of the machine that made it"
            }
            Reason::WebSocketBroken => "the start of the WebSocket connection may be missing from the capture",
            Reason::HepMalformed => "look at the agent that sends HEP",
            Reason::MessageTooLarge => "more than 64 KiB header or 16 MiB body: hardly a SIP message",
            Reason::MessageIncomplete => "the capture or the connection ends, or has a gap, in the middle of a message",
            Reason::SipInIcmpError => "an ICMP error quotes a SIP message that could not be delivered",
            Reason::SctpIncomplete => "packets are missing from the capture",
        }
    }
}

/// How often each reason was met.
#[derive(Clone, Default, Debug, PartialEq, Eq)]
pub struct Undecoded {
    counts: BTreeMap<Reason, u64>,
}

impl Undecoded {
    /// Counts one.
    pub fn count(&mut self, reason: Reason) {
        self.add(reason, 1);
    }

    /// Counts `n`.
    pub fn add(&mut self, reason: Reason, n: u64) {
        if n > 0 {
            *self.counts.entry(reason).or_default() += n;
        }
    }

    /// Takes in the counts of `other`.
    pub fn merge(&mut self, other: &Undecoded) {
        for (&reason, &n) in &other.counts {
            self.add(reason, n);
        }
    }

    /// How often `reason` was met.
    #[must_use]
    pub fn of(&self, reason: Reason) -> u64 {
        self.counts.get(&reason).copied().unwrap_or(0)
    }

    /// Every reason that was met.
    pub fn iter(&self) -> impl Iterator<Item = (Reason, u64)> + '_ {
        self.counts.iter().map(|(&r, &n)| (r, n))
    }

    /// Whether everything was decoded.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.counts.is_empty()
    }
}
