//! Every capture and message of `testdata/`: its name, what it shows, and how it is made.

pub mod calls;
pub mod faults;
pub mod findings;
pub mod legs;
pub mod messages;
pub mod requests;
pub mod wrapped;

use super::capture;
use super::message::Host;

/// A file of `testdata/`.
pub struct Fixture {
    /// Its name.
    pub name: &'static str,
    /// The one situation that it shows.
    pub shows: &'static str,
    /// Makes its bytes.
    pub make: fn() -> Vec<u8>,
    /// How the bytes are packed into the file.
    pub packing: Packing,
}

/// A file may be compressed. Then its contents are compared, since another version of a library compresses otherwise.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Packing {
    /// As they are.
    Plain,
    /// With gzip.
    Gzip,
    /// With zstd.
    Zstd,
}

const fn plain(name: &'static str, shows: &'static str, make: fn() -> Vec<u8>) -> Fixture {
    Fixture { name, shows, make, packing: Packing::Plain }
}

/// The captures.
pub const CAPTURES: &[Fixture] = &[
    plain(
        "basic-call.pcap",
        "a call through a record-routing proxy: 407, credentials, a 200 OK that is lost twice, RTP both ways",
        calls::basic,
    ),
    plain("busy.pcap", "486 Busy Here with a Reason", calls::busy),
    plain("cancelled.pcap", "the caller gives up while it rings: CANCEL, 200, 487, ACK", calls::cancelled),
    plain("redirected.pcap", "302 with two Contacts", calls::redirected),
    plain("rejected-488.pcap", "488 Not Acceptable Here with a Warning: no codec in common", calls::rejected),
    plain("no-response.pcap", "an INVITE that nobody answers, repeated seven times by Timer A", calls::no_response),
    plain("ack-missing.pcap", "a 200 OK repeated until Timer H because no ACK comes, then BYE", calls::ack_missing),
    plain("hold.pcap", "a call put on hold (sendonly) and taken back by re-INVITE", calls::hold),
    plain("prack.pcap", "183 and 180 sent reliably, each acknowledged by PRACK", calls::prack),
    plain("fork.pcap", "a proxy forks to two phones: one answers, the other is cancelled", calls::fork),
    plain(
        "late-offer.pcap",
        "an INVITE without SDP: the offer comes in the 200 OK, the answer in the ACK",
        calls::late_offer,
    ),
    plain("dtmf.pcap", "the digits 1 9 # as telephone events (RFC 4733)", calls::dtmf),
    plain("rtp-loss.pcap", "a call of which one direction loses 5 % of its RTP packets", calls::rtp_loss),
    plain("ipv6.pcap", "a call between IPv6 addresses", calls::ipv6),
    plain("still-up.pcap", "a call that is still up when the capture ends", calls::still_up),
    plain("many-calls.pcap", "25 calls in a row, every fifth of them busy", calls::many),
    plain("registration.pcap", "REGISTER challenged with 401, then accepted, later removed", requests::registration),
    plain("register-refused.pcap", "REGISTER whose credentials are refused", requests::refused),
    plain("options.pcap", "OPTIONS answered, and one that is not", requests::options),
    plain(
        "tcp-split.pcap",
        "messages cut across TCP segments, two in one segment, keep-alives between, a segment sent twice",
        wrapped::tcp_split,
    ),
    plain(
        "websocket.pcap",
        "SIP over WebSocket: handshake, masked frames, two messages in one segment",
        wrapped::websocket,
    ),
    plain(
        "fragments.pcap",
        "a datagram in IP fragments that are all there, and one that lacks its last",
        wrapped::fragments,
    ),
    plain("hep3.pcap", "a call as a capture agent sends it on in HEP 3", wrapped::hep3),
    plain("vlan-gre-vxlan.pcap", "three calls: in two VLAN tags, in GRE, in VXLAN", wrapped::tunnels),
    plain("snap-length.pcap", "a call captured with a snap length of 320 bytes", wrapped::snap_length),
    plain("truncated.pcap", "a capture file that ends in the middle of its last packet", wrapped::truncated),
    plain("two-interfaces.pcapng", "one call seen on an Ethernet and on a raw IP interface", wrapped::two_interfaces),
    Fixture {
        name: "busy.pcap.gz",
        shows: "busy.pcap, compressed with gzip",
        make: calls::busy,
        packing: Packing::Gzip,
    },
    Fixture {
        name: "busy.pcap.zst",
        shows: "busy.pcap, compressed with zstd",
        make: calls::busy,
        packing: Packing::Zstd,
    },
    plain("malformed.pcap", "every message of messages/, each in a datagram of its own", faults::malformed),
    plain(
        "legs-b2bua.pcap",
        "a B2BUA passes a call on under another Call-ID, which X-CID ties to the first",
        legs::b2bua,
    ),
    plain(
        "legs-sbc.pcap",
        "an SBC with an address on each side relays media; only Session-ID stays the same",
        legs::sbc,
    ),
    plain(
        "legs-hunting.pcap",
        "a B2BUA tries a second phone where the first is busy: three legs, tied by numbers, host and time",
        legs::hunting,
    ),
    plain(
        "legs-two-calls.pcap",
        "two calls at once through one B2BUA to the same number, told apart by their callers",
        legs::two_told_apart,
    ),
    plain(
        "legs-ambiguous.pcap",
        "the same with the callers hidden: which leg belongs to which call cannot be known",
        legs::two_alike,
    ),
    plain(
        "legs-unrelated.pcap",
        "calls that follow each other and have nothing to do with each other",
        legs::unrelated,
    ),
    plain("legs-transfer.pcap", "a blind transfer: REFER, and the call that it asks for", legs::transfer),
    plain("legs-attended.pcap", "an attended transfer: REFER and INVITE with Replaces", legs::attended),
    plain(
        "hostile-names.pcap",
        "escape sequences, a title change and bidirectional controls in From, Call-ID, reason and User-Agent",
        faults::hostile_names,
    ),
];

/// A file of `testdata/` that is no capture at all.
pub const NOT_A_CAPTURE: &str = "This is not a capture.\n";

/// Hosts that several scenes use.
pub fn alice() -> Host {
    Host::new("alice", "192.0.2.10:5060", "ExamplePhone 2.1")
}

/// Who is called.
pub fn bob() -> Host {
    Host::new("bob", "198.51.100.20:5060", "ExampleDesk 7")
}

/// A second phone.
pub fn carol() -> Host {
    Host::new("carol", "198.51.100.30:5060", "ExampleDesk 7")
}

/// The proxy and registrar between them.
pub fn proxy() -> Host {
    Host::new("proxy", "192.0.2.1:5060", "ExampleProxy 5")
}

/// Raw packets of a scene as a pcap file of some link type.
pub fn file(link: u16, packets: &[capture::Packet]) -> Vec<u8> {
    capture::pcap(link, 262_144, packets)
}
