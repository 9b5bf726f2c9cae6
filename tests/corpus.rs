//! Captures that other people's software made, against what another dissector found in them: messages by method and status, Call-IDs, RTP streams.
//! The captures are not ours: where they are not, the tests say so and pass.
//!
//! Where that dissector is not the last word, the bytes were looked at by hand; what was found stands beside the numbers.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod shared;

use serde_json::{Map, Value, json};
use shared::{decode, folder, list};
use std::collections::BTreeSet;
use std::path::Path;

/// A capture on which the dissector is not the last word, and what it holds: messages, requests, responses, different Call-IDs, copies.
struct Disputed {
    name: &'static str,
    messages: u64,
    requests: &'static [(&'static str, u64)],
    responses: &'static [(&'static str, u64)],
    call_ids: usize,
    /// Messages that are a second sight of another one.
    copies: usize,
}

/// Looked at with `tshark -x` packet by packet; "the other" is the dissector behind the truth.
const DISPUTED: &[Disputed] = &[
    // Two HEP packets (version 3 with a SIP payload of 673 bytes, version 1 with one of 519), each a 200. The other knows no HEP on port 9060 and
    // takes the second for CIGI.
    Disputed {
        name: "derived/hep-heplify-server-vectors.pcap",
        messages: 2,
        requests: &[],
        responses: &[("200", 2)],
        call_ids: 2,
        copies: 0,
    },
    // The 49 messages of RFC 4475, one a packet: all are there. The other leaves five out: badvers (version 7.0), bigcode (status 4294967301),
    // lwsruri and lwsstart (white space in the start line) and trws (white space after it). It has one more Call-ID, the second of multi01;
    // we hold to the first, as a receiver that does not refuse it would. insuf has none.
    Disputed {
        name: "derived/rfc4475-udp4.pcap",
        messages: 49,
        requests: &[
            ("!interesting-Method0123456789_*+`.%indeed'~", 1),
            ("INVITE", 17),
            ("MESSAGE", 1),
            ("NEWMETHOD", 1),
            ("OPTIONS", 14),
            ("RE%47IST%45R", 1),
            ("REGISTER", 9),
        ],
        responses: &[("1", 1), ("100", 1), ("200", 2), ("503", 1)],
        call_ids: 48,
        copies: 0,
    },
    // One registration over two hops, TCP to the gateway and UDP behind it, challenged once. Nine start lines stand in the packets; frame 38 is the
    // segment of frame 36 sent again: eight messages.
    Disputed {
        name: "heplify-negbie/sip_ipv4_tcp_retrans.pcap",
        messages: 8,
        requests: &[("REGISTER", 4)],
        responses: &[("200", 2), ("401", 2)],
        call_ids: 1,
        copies: 0,
    },
    // Eleven messages in WebSocket frames, 28 over UDP behind the gateway.
    Disputed {
        name: "heplify-negbie/sip_tcp_websocket.pcap",
        messages: 39,
        requests: &[("ACK", 5), ("BYE", 4), ("INVITE", 5), ("OPTIONS", 1)],
        responses: &[("100", 4), ("180", 2), ("183", 8), ("200", 9), ("407", 1)],
        call_ids: 3,
        copies: 0,
    },
    // A capture whose bytes were changed at random. Frames 108, 274, 346, 348 and 441 are messages to us and not to the other: a NUL in the reason
    // or in the URI, and a status code "40 ". Frame 247 is one to the other and not to us: its start line ends in CR and '7', so that no line ends in a
    // version. Call-IDs differ where theirs was written down with U+FFFD for bytes that are not UTF-8, or cut at a NUL.
    Disputed {
        name: "ndpi/fuzz-2006-06-26-2594.pcap",
        messages: 56,
        requests: &[("ACK", 4), ("CANCEL", 7), ("INVITE", 7), ("REGISTER", 10), ("REGIStER", 1)],
        responses: &[
            ("1", 1),
            ("100", 3),
            ("183", 1),
            ("200", 3),
            ("401", 11),
            ("403", 3),
            ("407", 3),
            ("408", 1),
            ("480", 1),
        ],
        call_ids: 27,
        copies: 2,
    },
    // Recorded on the device `any` of a host that carries the phone's traffic in a GTP-U tunnel: what goes to or from the phone is seen three times, in
    // the tunnel and on both sides of it, part of it in ESP without encryption. Twenty of the 48 are second and third sights, and told as such.
    Disputed {
        name: "open5gs/ipsec_reg.pcapng",
        messages: 48,
        requests: &[("NOTIFY", 4), ("OPTIONS", 6), ("REGISTER", 8), ("SUBSCRIBE", 4)],
        responses: &[("100", 6), ("200", 15), ("401", 5)],
        call_ids: 4,
        copies: 20,
    },
    // The same set-up. 70 start lines stand in the packets: large messages come in IP fragments, and those of one datagram are captured more than
    // once as well, but make it once. Twenty of the 62 are second and third sights.
    Disputed {
        name: "open5gs/ipsec_to_nonipsec_call.pcapng",
        messages: 62,
        requests: &[("ACK", 10), ("CANCEL", 1), ("INVITE", 12), ("OPTIONS", 6)],
        responses: &[("100", 9), ("180", 8), ("200", 15), ("487", 1)],
        call_ids: 3,
        copies: 20,
    },
    // Three start lines of the 47 are those of the sipfrag bodies in NOTIFY.
    Disputed {
        name: "russo-collab/sip/sip_cpa.pcapng",
        messages: 44,
        requests: &[
            ("ACK", 2),
            ("BYE", 2),
            ("INVITE", 2),
            ("NOTIFY", 8),
            ("REFER", 1),
            ("SUBSCRIBE", 4),
            ("UPDATE", 2),
        ],
        responses: &[("100", 2), ("180", 1), ("183", 1), ("200", 17), ("202", 1), ("481", 1)],
        call_ids: 2,
        copies: 0,
    },
];

/// Streams whose packets we count otherwise: capture, SSRC, theirs, ours.
const PACKETS: &[(&str, &str, u64, u64)] = &[
    // One packet is a header without a byte of payload: no media.
    ("bruteshark/h223-over-rtp.cap", "0x1fd5f813", 375, 374),
    ("wireshark-wiki/sip-and-rtp/h223-over-rtp.pcap.gz", "0x1fd5f813", 375, 374),
    // After the re-INVITE to T.38, which was refused with 488, the other takes RTP for T.38. The numbers go on without a gap: 0 to 3847.
    ("heplify-negbie/FAX-Call-t38-CA-TDM-SIP-FB-1.pcap", "0x0eaf0eaf", 1838, 3848),
    ("wireshark-wiki/sip-and-rtp/FAX-Call-t38-CA-TDM-SIP-FB-1.pcap", "0x0eaf0eaf", 1838, 3848),
    ("ndpi/FAX-Call-t38-CA-TDM-SIP-FB-1.pcap", "0x0eaf0eaf", 132, 159),
    // Music on hold to a multicast group: the other begins with the SDP that announces it, 2147 packets late.
    ("russo-collab/rtp/rtp_mcast_moh.pcapng", "0x214ef3eb", 7880, 10027),
];

/// Streams that the other does not see, since no SDP that it read announces them: capture, how many.
const MORE_STREAMS: &[(&str, usize)] = &[
    ("asterisk-testsuite/tests/codecs/opus/fec/16_bit_48khz_60_fec_rtp.pcapng", 1),
    ("bruteshark/SIP_CALL_RTP_G711.pcap", 2),
    ("goffinet/sip.pcapng", 2),
    ("derived/aaa-snaplen200.pcap", 1),
    ("misc-michalcab/sip.pcap", 1),
    ("ndpi/rtp.pcapng", 5),
    ("ndpi/stun_dtls_rtp.pcapng", 1),
    ("russo-collab/fax/fax_sip_passthru_tgw.pcapng", 2),
    ("russo-collab/fax/fax_t38_h323_ogw.pcapng", 2),
    ("russo-collab/rtp/rtp_sip_g722_h264.pcapng", 4),
    ("russo-collab/sip/sip_xmf_recording_cube.pcapng", 1),
    ("trex/scripts/avl/video_rtp_1588_0.pcap", 2),
    ("wireshark-wiki/general-unsorted/RTP_L16_monaural_sample.pcapng", 1),
    ("wireshark-wiki/sip-and-rtp/rtp-opus-only.pcap", 1),
];

fn truth(folder: &Path) -> Map<String, Value> {
    let text = std::fs::read(folder.join("truth.json")).unwrap();
    serde_json::from_slice(&text).unwrap()
}

fn read(folder: &Path, name: &str, truth: &Value) -> Value {
    let keylog = truth["keylog"].as_str().map(|keylog| folder.join(keylog));
    decode(&folder.join(name), keylog.as_deref())
}

fn call_ids(document: &Value) -> BTreeSet<String> {
    let given = list(document, "messages").iter().map(|m| &m["call_id"]).filter(|id| !id.is_null());
    given.map(|id| id.as_str().map_or_else(|| id.to_string(), str::to_owned)).collect()
}

fn short(name: &str) -> &str {
    name.strip_prefix("captures/").unwrap_or(name)
}

#[test]
fn messages_and_call_ids_are_those_that_another_dissector_found() {
    let Some(folder) = folder("corpus") else { return };
    let mut wrong = Vec::new();
    for (name, truth) in truth(&folder).iter().filter(|(_, t)| t["disputed"] == false) {
        let found = read(&folder, name, truth);
        for key in ["messages", "requests", "responses"] {
            if found["summary"][key] != truth[key] {
                wrong.push(format!("{name}: {key}: {} instead of {}", found["summary"][key], truth[key]));
            }
        }
        let expected: BTreeSet<String> =
            list(truth, "call_ids").iter().map(|id| id.as_str().unwrap().to_owned()).collect();
        let got = call_ids(&found);
        if got != expected {
            wrong.push(format!("{name}: Call-IDs: {:?}", got.symmetric_difference(&expected).collect::<Vec<_>>()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn disputed_captures_are_read_as_a_look_at_their_bytes_says() {
    let Some(folder) = folder("corpus") else { return };
    let truth = truth(&folder);
    for (name, truth) in truth.iter().filter(|(_, t)| t["disputed"] == true) {
        let expected = DISPUTED.iter().find(|d| d.name == short(name));
        let expected = expected.unwrap_or_else(|| panic!("nobody looked at {name}"));
        let found = read(&folder, name, truth);
        let counts =
            |told: &[(&str, u64)]| told.iter().map(|(k, n)| ((*k).to_owned(), json!(n))).collect::<Map<_, _>>();
        let summary = &found["summary"];
        assert_eq!(summary["messages"], expected.messages, "{name}");
        assert_eq!(summary["requests"], Value::Object(counts(expected.requests)), "{name}");
        assert_eq!(summary["responses"], Value::Object(counts(expected.responses)), "{name}");
        assert_eq!(call_ids(&found).len(), expected.call_ids, "{name}");
        let copies = list(&found, "messages").iter().filter(|m| shared::is_copy(m)).count();
        assert_eq!(copies, expected.copies, "{name}");
    }
    assert!(DISPUTED.iter().all(|d| truth.contains_key(&format!("captures/{}", d.name))));
}

/// SSRC, from, to: as the truth names a stream and as we do.
fn key(ssrc: &Value, src: String, dst: String) -> (String, String, String) {
    (ssrc.as_str().unwrap().to_ascii_lowercase(), src, dst)
}

fn end(address: &Value, port: &Value) -> String {
    let address = address.as_str().unwrap();
    if address.contains(':') { format!("[{address}]:{port}") } else { format!("{address}:{port}") }
}

#[test]
fn streams_have_the_packets_that_another_dissector_counts() {
    let Some(folder) = folder("corpus") else { return };
    let mut wrong = Vec::new();
    // The changed bytes of the fuzzed capture give streams of one to three packets: fewer than make one.
    for (name, truth) in truth(&folder).iter().filter(|(name, _)| !name.contains("fuzz-2006")) {
        let found = read(&folder, name, truth);
        let mut ours: Vec<_> = list(&found, "streams")
            .iter()
            .map(|s| {
                let end = |key: &str| s[key].as_str().unwrap().to_owned();
                (key(&s["ssrc"], end("src"), end("dst")), s["packets"].as_u64().unwrap())
            })
            .collect();
        for stream in list(truth, "rtp_streams") {
            let of = key(&stream["ssrc"], end(&stream["src"], &stream["sport"]), end(&stream["dst"], &stream["dport"]));
            let theirs = stream["packets"].as_u64().unwrap();
            let told = PACKETS.iter().find(|p| p.0 == short(name) && p.1 == of.0 && p.2 == theirs);
            let expected = told.map_or(theirs, |p| p.3);
            match ours.iter().position(|(o, _)| *o == of).map(|at| ours.swap_remove(at).1) {
                Some(packets) if packets == expected => {}
                other => wrong.push(format!("{name}: {of:?}: {other:?} instead of {expected}")),
            }
        }
        let more = MORE_STREAMS.iter().find(|m| m.0 == short(name)).map_or(0, |m| m.1);
        if ours.len() != more {
            wrong.push(format!("{name}: {} more streams instead of {more}: {ours:?}", ours.len()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Hosts and parts of a call's participants.
fn path(document: &Value, call: usize) -> Vec<(String, String)> {
    let told = list(&document["calls"][call], "participants").iter();
    told.map(|p| (p["address"].as_str().unwrap().to_owned(), p["role"].as_str().unwrap_or("").to_owned())).collect()
}

/// Calls that other people's B2BUAs made two legs of, and what weighs most for each: a name, or what the descriptions and hosts say.
#[test]
fn the_legs_of_other_peoples_calls_are_joined() {
    let Some(folder) = folder("corpus") else { return };
    let expected = [
        ("russo-collab/dtmf_relay/dtmf_relay_digitdrop.pcapng", 1, "session_id"),
        ("russo-collab/dtmf_relay/dtmf_relay_sip_rfc4733.pcapng", 1, "shared_value"),
        ("russo-collab/sip/sip_recording_ora.pcapng", 1, "shared_value"),
        ("jnetpcap/tests/tc_TC_IDPRE_EXT0140.pcap", 1, "charging_vector"),
        ("heplify-negbie/erspan_sip_ipv4_udp.pcapng", 2, "media_address"),
        ("heplify-negbie/sip_tcp_websocket.pcap", 1, "same_socket"),
        ("voipshark/SIP-SRTP-Normal_Call_two_parties.pcap", 1, "same_socket"),
    ];
    for (name, calls, gravest) in expected {
        let document = decode(&folder.join("captures").join(name), None);
        assert_eq!(list(&document, "calls").len(), calls, "{name}");
        let legs = list(&document, "calls").iter().flat_map(|call| list(call, "legs"));
        let joined: Vec<&Value> = legs.map(|leg| &leg["joined"]).filter(|j| !j.is_null()).collect();
        assert!(joined.iter().any(|j| j["evidence"][0]["kind"] == gravest), "{name}: {joined:?}");
        // What was not needed to join them bears it out.
        let is_borne_out = |j: &&Value| list(j, "evidence").iter().any(|e| e["kind"] == "ended_together");
        assert!(joined.iter().all(is_borne_out), "{name}: {joined:?}");
    }
}

#[test]
fn a_host_with_several_ports_is_one_participant() {
    let Some(folder) = folder("corpus") else { return };
    let path = |name: &str, call| path(&decode(&folder.join("captures").join(name), None), call);
    let expected = |told: &[(&str, &str)]| -> Vec<(String, String)> {
        told.iter().map(|(a, r)| ((*a).to_owned(), (*r).to_owned())).collect()
    };
    // Gateways that send on one port and listen on another.
    assert_eq!(
        path("russo-collab/dtmf_relay/dtmf_relay_noasymm.pcapng", 0),
        expected(&[("10.10.223.123:5060", "uac"), ("10.10.223.107:5060", "sbc"), ("10.10.223.47:5060", "uas")])
    );
    // A proxy between WebSocket on one port and UDP on another.
    assert_eq!(
        path("heplify-negbie/sip_tcp_websocket.pcap", 0),
        expected(&[
            ("10.243.17.55:43380", "uac"),
            ("10.243.0.157:8080", "proxy"),
            ("10.243.0.143:5060", "sbc"),
            ("10.243.1.36:5090", "uas"),
            ("18.214.104.248:5090", "uas"),
        ])
    );
    // Four programs on one host that forward to each other stay four.
    let ims = path("open5gs/ipsec_to_nonipsec_call.pcapng", 0);
    let on_the_core = ims.iter().filter(|(address, _)| address.starts_with("10.4.128.21:"));
    assert!(on_the_core.clone().count() >= 3 && on_the_core.clone().all(|(_, role)| role == "proxy"), "{ims:?}");
    // Only responses were captured: the one who asked stands left all the same.
    assert_eq!(
        path("pcapplusplus/sip_resp.pcap", 0),
        expected(&[("200.57.7.195:5060", "uac"), ("200.57.7.204:5061", "uas")])
    );
}
