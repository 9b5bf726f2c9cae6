//! What each example holds: the text beside it, and the counts of another dissector.

/// From host, to host, codec, packets, lost, call.
pub type Rtp = (&'static str, &'static str, &'static str, u64, u64, u64);

/// What one capture holds.
pub struct Row {
    /// File.
    pub name: &'static str,
    /// Messages.
    pub messages: u64,
    /// States of calls, how many.
    pub calls: &'static [(&'static str, u64)],
    /// States of registrations.
    pub registrations: &'static [&'static str],
    /// Exchanges: method, state, how many.
    pub exchanges: &'static [(&'static str, &'static str, u64)],
    /// Streams.
    pub streams: &'static [Rtp],
    /// Codes of findings that are an error or a warning, how many.
    pub grave: &'static [(&'static str, u64)],
    /// Hosts of the first call with their parts, caller first.
    pub path: &'static [(&'static str, &'static str)],
}

const NONE: Row =
    Row { name: "", messages: 0, calls: &[], registrations: &[], exchanges: &[], streams: &[], grave: &[], path: &[] };

const ALICE: &str = "10.20.0.10";
/// The proxy.
pub const PROXY: &str = "10.20.0.1";
/// The callee.
pub const BOB: &str = "10.20.0.20";
const CAROL: &str = "10.20.0.30";
const COMPLETED: &[(&str, u64)] = &[("completed", 1)];
const OVER_PROXY: &[(&str, &str)] = &[(ALICE, "uac"), (PROXY, "proxy"), (BOB, "uas")];

/// Every example.
pub const ROWS: &[Row] = &[
    Row {
        name: "ack_never_arrives.pcap",
        messages: 65,
        calls: COMPLETED,
        registrations: &["removed"],
        streams: &[(ALICE, BOB, "speex", 1600, 0, 1), (BOB, ALICE, "speex", 1600, 0, 1)],
        grave: &[("ack-missing", 1)],
        path: OVER_PROXY,
        ..NONE
    },
    Row {
        name: "b2bua_two_legs.pcap",
        messages: 13,
        calls: COMPLETED,
        streams: &[(ALICE, BOB, "PCMA", 101, 0, 1), (BOB, ALICE, "PCMA", 117, 0, 1)],
        path: &[(ALICE, "uac"), ("10.20.0.40", "b2bua"), (BOB, "uas")],
        ..NONE
    },
    Row { name: "busy_486.pcap", messages: 10, calls: &[("busy", 1)], path: OVER_PROXY, ..NONE },
    Row { name: "call_basic_proxy.pcap", messages: 17, calls: COMPLETED, path: OVER_PROXY, ..NONE },
    Row {
        name: "call_media_private_addr.pcap",
        messages: 16,
        calls: COMPLETED,
        streams: &[(ALICE, "192.168.77.5", "PCMU", 151, 0, 1)],
        grave: &[("nat-sdp", 1)],
        path: OVER_PROXY,
        ..NONE
    },
    Row {
        name: "call_oneway_audio.pcap",
        messages: 16,
        calls: COMPLETED,
        streams: &[(ALICE, BOB, "PCMA", 134, 0, 1)],
        grave: &[("one-way-audio", 1)],
        path: OVER_PROXY,
        ..NONE
    },
    Row { name: "cancel.pcap", messages: 17, calls: &[("cancelled", 1)], path: OVER_PROXY, ..NONE },
    Row {
        name: "codec_mismatch_488.pcap",
        messages: 10,
        calls: &[("rejected", 1)],
        grave: &[("media-not-acceptable", 1)],
        path: OVER_PROXY,
        ..NONE
    },
    Row {
        name: "dead_next_hop.pcap",
        messages: 7,
        calls: &[("unanswered", 1)],
        grave: &[("call-unanswered", 1)],
        path: &[(ALICE, "uac"), (PROXY, "proxy")],
        ..NONE
    },
    // Four recordings of one key each, played with their own numbers: what lies between them was never sent.
    Row {
        name: "dtmf_rfc4733.pcap",
        messages: 17,
        calls: COMPLETED,
        streams: &[(ALICE, BOB, "telephone-event", 40, 428, 1)],
        path: OVER_PROXY,
        ..NONE
    },
    Row {
        name: "early_media.pcap",
        messages: 17,
        calls: COMPLETED,
        streams: &[(ALICE, BOB, "PCMA", 251, 0, 1), (BOB, ALICE, "PCMA", 196, 0, 1)],
        path: OVER_PROXY,
        ..NONE
    },
    Row {
        name: "fork_parallel.pcap",
        messages: 33,
        calls: COMPLETED,
        registrations: &["removed"],
        streams: &[(ALICE, CAROL, "speex", 101, 0, 1), (CAROL, ALICE, "speex", 101, 0, 1)],
        path: &[(ALICE, "uac"), (PROXY, "proxy"), (BOB, "uas"), (CAROL, "uas")],
        ..NONE
    },
    // 17 messages, and 18 mirrored by HEP.
    Row { name: "hep3.pcap", messages: 35, calls: COMPLETED, path: OVER_PROXY, ..NONE },
    Row {
        name: "ipv6_call.pcap",
        messages: 17,
        calls: COMPLETED,
        streams: &[
            ("[2001:db8:20::10]", "[2001:db8:20::20]", "PCMA", 67, 0, 1),
            ("[2001:db8:20::20]", "[2001:db8:20::10]", "PCMA", 67, 0, 1),
        ],
        path: &[("[2001:db8:20::10]", "uac"), ("[2001:db8:20::1]", "proxy"), ("[2001:db8:20::20]", "uas")],
        ..NONE
    },
    Row { name: "late_offer.pcap", messages: 6, calls: COMPLETED, path: &[(ALICE, "uac"), (BOB, "uas")], ..NONE },
    Row {
        name: "loss_invite.pcap",
        messages: 19,
        calls: COMPLETED,
        grave: &[("retransmission", 1)],
        path: OVER_PROXY,
        ..NONE
    },
    // The called of the 480 is not registered and never rang: refused like the 404.
    Row {
        name: "many_calls.pcap",
        messages: 960,
        calls: &[("busy", 10), ("completed", 40), ("redirected", 10), ("rejected", 20)],
        exchanges: &[("OPTIONS", "answered", 20)],
        grave: &[("call-rejected", 20)],
        path: OVER_PROXY,
        ..NONE
    },
    Row {
        name: "nat_call_no_audio_in_outside.pcap",
        messages: 25,
        calls: COMPLETED,
        registrations: &["removed"],
        streams: &[(ALICE, "192.168.50.100", "PCMA", 134, 0, 1), ("10.20.0.99", ALICE, "PCMA", 201, 0, 1)],
        grave: &[("nat-contact", 1), ("nat-sdp", 1)],
        path: &[(ALICE, "uac"), (PROXY, "proxy"), ("10.20.0.99", "uas")],
        ..NONE
    },
    Row {
        name: "nat_register_outside.pcap",
        messages: 8,
        registrations: &["removed"],
        grave: &[("nat-contact", 1)],
        ..NONE
    },
    Row {
        name: "not_found_404.pcap",
        messages: 6,
        calls: &[("rejected", 1)],
        grave: &[("call-rejected", 1)],
        path: &[(ALICE, "uac"), (PROXY, "proxy")],
        ..NONE
    },
    Row { name: "options_ping.pcap", messages: 2, exchanges: &[("OPTIONS", "answered", 1)], ..NONE },
    Row { name: "prack_100rel.pcap", messages: 26, calls: COMPLETED, path: OVER_PROXY, ..NONE },
    Row {
        name: "redirect_302_followed.pcap",
        messages: 20,
        calls: COMPLETED,
        streams: &[(ALICE, BOB, "PCMU", 101, 0, 1), (BOB, ALICE, "PCMU", 101, 0, 1)],
        path: OVER_PROXY,
        ..NONE
    },
    Row {
        name: "register_no_answer.pcap",
        messages: 4,
        registrations: &["unanswered"],
        grave: &[("icmp-unreachable", 1)],
        ..NONE
    },
    Row { name: "register_ok.pcap", messages: 4, registrations: &["registered"], ..NONE },
    Row { name: "register_refresh.pcap", messages: 16, registrations: &["removed"], ..NONE },
    Row {
        name: "register_wrong_password.pcap",
        messages: 4,
        registrations: &["refused"],
        grave: &[("auth-wrong-credentials", 1)],
        ..NONE
    },
    Row {
        name: "reinvite_hold_rtp.pcap",
        messages: 39,
        calls: COMPLETED,
        registrations: &["removed"],
        streams: &[(ALICE, BOB, "speex", 278, 0, 1), (BOB, ALICE, "speex", 202, 0, 1)],
        path: OVER_PROXY,
        ..NONE
    },
    Row {
        name: "rtp_loss_5.pcap",
        messages: 25,
        calls: COMPLETED,
        registrations: &["removed"],
        streams: &[(ALICE, BOB, "speex", 501, 0, 1), (BOB, ALICE, "speex", 478, 23, 1)],
        grave: &[("rtp-loss", 1)],
        path: OVER_PROXY,
        ..NONE
    },
    Row {
        name: "rtpengine_relay.pcap",
        messages: 25,
        calls: COMPLETED,
        registrations: &["removed"],
        streams: &[
            (PROXY, ALICE, "speex", 151, 0, 1),
            (PROXY, BOB, "speex", 152, 0, 1),
            (ALICE, PROXY, "speex", 152, 0, 1),
            (BOB, PROXY, "speex", 151, 0, 1),
        ],
        path: OVER_PROXY,
        ..NONE
    },
    Row {
        name: "srtp_mismatch.pcap",
        messages: 10,
        calls: &[("rejected", 1)],
        grave: &[("media-not-acceptable", 1)],
        path: OVER_PROXY,
        ..NONE
    },
    Row { name: "t38_reinvite.pcap", messages: 23, calls: COMPLETED, path: OVER_PROXY, ..NONE },
    // Six requests, each answered, and one that is cut off.
    Row {
        name: "tcp_pipelined_split.pcap",
        messages: 12,
        calls: &[("busy", 1)],
        exchanges: &[("OPTIONS", "answered", 5)],
        ..NONE
    },
    Row {
        name: "tls13_call_dsb.pcapng",
        messages: 24,
        calls: COMPLETED,
        registrations: &["registered", "registered"],
        streams: &[(ALICE, BOB, "PCMU", 151, 0, 1), (BOB, ALICE, "PCMU", 153, 0, 1)],
        path: OVER_PROXY,
        ..NONE
    },
    Row { name: "tls_expired_cert.pcap", grave: &[("tls-failed", 1)], ..NONE },
    Row {
        name: "transfer_refer.pcap",
        messages: 54,
        calls: COMPLETED,
        registrations: &["removed"],
        streams: &[
            (ALICE, BOB, "speex", 201, 0, 1),
            (BOB, ALICE, "speex", 201, 0, 1),
            (BOB, CAROL, "PCMU", 102, 0, 1),
            (CAROL, BOB, "PCMU", 102, 0, 1),
        ],
        path: &[(ALICE, "uac"), (PROXY, "proxy"), (BOB, "uas"), (CAROL, "uas")],
        ..NONE
    },
    Row {
        name: "udp_fragments_lost.pcap",
        messages: 7,
        calls: &[("failed", 1)],
        exchanges: &[("OPTIONS", "answered", 1)],
        grave: &[("fragment-lost", 1)],
        path: &[(ALICE, "uac"), (BOB, "uas")],
        ..NONE
    },
    Row {
        name: "wss_call_dsb.pcapng",
        messages: 33,
        calls: COMPLETED,
        registrations: &["removed", "removed"],
        path: OVER_PROXY,
        ..NONE
    },
];
