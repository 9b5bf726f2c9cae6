//! Captures that prove the findings of the group `reach`, and near misses.

use super::Proof;
use crate::support::message::{Host, Message};
use crate::support::scene::{Connection, Scene};
use crate::support::scenes::{alice, bob, calls, proxy};
use crate::support::{tls, wire};
use scenes::*;

pub mod scenes;

/// The proofs of the group.
pub const PROOFS: &[Proof] = &[
    Proof {
        code: "no-response",
        shows: "an INVITE that nobody answers, repeated seven times by Timer A",
        make: calls::no_response,
        near_shows: "the capture ends a second after the INVITE",
        near: || {
            let (a, b) = (alice(), bob());
            let mut s = Scene::new();
            s.at(0).send(&a, &b, &invite(&a, &b, "early-end@192.0.2.10"));
            s.at(1000).send(&b, &a, &ping(&b, &a, "later@192.0.2.10"));
            s.pcap()
        },
        near_yields: &[],
        options: &[],
    },
    Proof {
        code: "retransmission",
        shows: "an INVITE of which the first two are lost",
        make: || repeated(&[0, 500, 1500], 1502),
        near_shows: "the same packet captured three times: nothing was sent again",
        near: || {
            let (a, b) = (alice(), bob());
            let request = invite(&a, &b, "thrice@192.0.2.10");
            let mut s = Scene::new();
            let packet = s.udp_packet(a.at, b.at, &request.bytes());
            for at in [0, 1, 2] {
                s.at(at).frame(wire::ethernet(&packet));
            }
            rest(&mut s, 4, &a, &b, &request);
            s.pcap()
        },
        near_yields: &[],
        options: &[],
    },
    Proof {
        code: "timer-violation",
        shows: "an INVITE repeated every 100 ms until it is answered",
        make: || repeated(&[0, 100, 200, 300, 400], 402),
        near_shows: "an INVITE repeated by Timer A",
        near: || repeated(&[0, 500, 1500], 1502),
        near_yields: &["retransmission"],
        options: &[],
    },
    Proof {
        code: "slow-response",
        shows: "an OPTIONS over TCP that is answered after 0.8 s",
        make: || over_tcp(800),
        near_shows: "one that is answered after 0.4 s",
        near: || over_tcp(400),
        near_yields: &[],
        options: &[],
    },
    Proof {
        code: "post-dial-delay",
        shows: "100 Trying at once and ringing after 6.2 s",
        make: || ringing_after(6200),
        near_shows: "ringing after 4.5 s",
        near: || ringing_after(4500),
        near_yields: &[],
        options: &[],
    },
    Proof {
        code: "udp-too-large",
        shows: "an INVITE of 1301 bytes over UDP",
        make: || sized(1301),
        near_shows: "one of 1300 bytes",
        near: || sized(1300),
        near_yields: &[],
        options: &[],
    },
    Proof {
        code: "fragment-lost",
        shows: "OPTIONS is answered, an INVITE in fragments is not, and ICMP says that the rest of it did not come",
        make: || fragments(false),
        near_shows: "an INVITE in fragments that all arrive",
        near: || fragments(true),
        near_yields: &[],
        options: &[],
    },
    Proof {
        code: "tcp-refused",
        shows: "an RST answers the SYN",
        make: || {
            let mut s = Scene::new();
            Connection::refused(&mut s, client(), bob().at);
            s.pcap()
        },
        near_shows: "the connection is accepted, used and closed",
        near: || over_tcp(20),
        near_yields: &[],
        options: &[],
    },
    Proof {
        code: "tcp-unanswered",
        shows: "a SYN that is sent four times over seven seconds, and nothing comes back",
        make: || {
            let mut s = Scene::new();
            Connection::unanswered(&mut s, client(), bob().at, &[0, 1000, 3000, 7000]);
            s.pcap()
        },
        near_shows: "the second SYN is answered, and the connection used",
        near: || {
            let (a, b) = (Host { at: client(), ..alice() }, bob());
            let mut s = Scene::new();
            let mut c = Connection::unanswered(&mut s, a.at, b.at, &[0, 1000]);
            s.at(1002);
            c.accept(&mut s);
            let request = ping(&a, &b, "second-syn@192.0.2.10").over("TCP");
            c.send(&mut s, 0, &request.bytes());
            c.send(&mut s, 1, &request.reply(200, "OK", &b).bytes());
            s.at(9000);
            c.close(&mut s);
            s.pcap()
        },
        near_yields: &[],
        options: &[],
    },
    Proof {
        code: "tcp-reset",
        shows: "the server resets the connection instead of answering an INVITE",
        make: || {
            let (a, b) = (Host { at: client(), ..alice() }, bob());
            let mut s = Scene::new();
            let mut c = Connection::open(&mut s, a.at, b.at);
            s.at(10);
            c.send(&mut s, 0, &invite(&a, &b, "reset@192.0.2.10").over("TCP").bytes());
            s.at(900);
            c.reset(&mut s, 1);
            later(&mut s, 8000);
            s.pcap()
        },
        near_shows: "the connection is closed after the last answer",
        near: || over_tcp(20),
        near_yields: &[],
        options: &[],
    },
    Proof {
        code: "tcp-closed",
        shows: "the server closes the connection within its answer to an INVITE",
        make: || closed_after(|invite, b| invite.reply(404, "Not Found", b).bytes().split_at(90).0.to_vec()),
        near_shows: "an answer without Content-Length, whose end is that of the connection",
        near: || closed_after(|invite, b| invite.reply(404, "Not Found", b).without("Content-Length").bytes()),
        near_yields: &["call-rejected"],
        options: &[],
    },
    Proof {
        code: "tls-failed",
        shows: "the server's certificate has expired, and the client says so",
        make: || secure(&[tls::alert(45)], "251201000000Z"),
        near_shows: "a handshake that comes to its end, and data",
        near: || secure(&[tls::finished(), tls::data(400)], "270101000000Z"),
        near_yields: &[],
        options: &[],
    },
    Proof {
        code: "tls-certificate",
        shows: "the server's certificate has expired, and the client talks to it all the same",
        make: || secure(&[tls::finished(), tls::data(400)], "251201000000Z"),
        near_shows: "the same with a certificate that is good",
        near: || secure(&[tls::finished(), tls::data(400)], "270101000000Z"),
        near_yields: &[],
        options: &[],
    },
    Proof {
        code: "tls-on-plain-port",
        shows: "a ClientHello to port 5060 is answered by a 400 in plain text",
        make: || hello_to(5060, b"SIP/2.0 400 Bad Request\r\nContent-Length: 0\r\n\r\n"),
        near_shows: "a ClientHello to port 5061 is answered by a ServerHello",
        near: || secure(&[tls::finished(), tls::data(400)], "270101000000Z"),
        near_yields: &[],
        options: &[],
    },
    Proof {
        code: "plain-on-tls-port",
        shows: "an OPTIONS in plain text to port 5061 is answered by a TLS alert",
        make: || plain_to_tls(&tls::alert(10)),
        near_shows: "port 5061 speaks plain SIP",
        near: || {
            let (a, b) = hosts_at(5061);
            plain_to_tls(&ping(&a, &b, "plain@192.0.2.10").over("TCP").reply(200, "OK", &b).bytes())
        },
        near_yields: &[],
        options: &[],
    },
    Proof {
        code: "icmp-unreachable",
        shows: "each REGISTER is answered by ICMP port unreachable",
        make: || {
            let (a, p) = (alice(), proxy());
            let request = Message::request("REGISTER", &a, &p, "closed@192.0.2.10", 1);
            let mut s = Scene::new();
            for at in [0, 500, 1500, 3500] {
                s.at(at).undeliverable(&a, &p, &request, (3, 3));
            }
            s.pcap()
        },
        near_shows: "RTP that comes after the BYE is refused, as it is by every phone",
        near: || media(false),
        near_yields: &[],
        options: &[],
    },
    Proof {
        code: "capture-duplicate",
        shows: "each packet of a call is captured twice, as the device any does",
        make: || whole(2),
        near_shows: "the same call captured once",
        near: || whole(1),
        near_yields: &[],
        options: &[],
    },
    Proof {
        code: "loop",
        shows: "two proxies send an INVITE to each other until Max-Forwards is used up",
        make: || round_trip(false),
        near_shows: "the INVITE comes back with another Request-URI, and is answered: a spiral",
        near: || round_trip(true),
        near_yields: &[],
        options: &[],
    },
    Proof {
        code: "max-forwards-low",
        shows: "a call whose INVITE comes with Max-Forwards 9",
        make: || counted(9),
        near_shows: "one with 10",
        near: || counted(10),
        near_yields: &[],
        options: &[],
    },
    Proof {
        code: "max-forwards-kept",
        shows: "a proxy that leaves Max-Forwards at 70",
        make: || forwarded("70"),
        near_shows: "one that takes one off",
        near: || forwarded("69"),
        near_yields: &[],
        options: &[],
    },
];
