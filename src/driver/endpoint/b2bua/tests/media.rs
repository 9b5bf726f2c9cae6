//! Descriptions that name the relay.

use super::*;
use crate::driver::media::{Passed, Relayed};
use crate::media::sdp::Place as Port;
use std::cell::RefCell;
use std::net::IpAddr;
use std::rc::Rc;

type Aimed = Rc<RefCell<Vec<(usize, Side, Option<SocketAddr>, Option<SocketAddr>)>>>;

/// Ports by number, and a note of where media is aimed.
struct Fake(Aimed);

impl Relays for Fake {
    fn open(&mut self, _: u64, line: usize, caller: IpAddr, callee: IpAddr) -> Option<(Port, Port)> {
        let at = |address, port| Port { address, rtp: port, rtcp: port + 1 };
        let line = u16::try_from(line).unwrap();
        (line < 2).then(|| (at(caller, 10_000 + 10 * line), at(callee, 20_000 + 10 * line)))
    }

    fn aim(&mut self, _: u64, line: usize, side: Side, rtp: Option<SocketAddr>, rtcp: Option<SocketAddr>) {
        self.0.borrow_mut().push((line, side, rtp, rtcp));
    }

    fn end(&mut self, call: u64) -> Vec<Relayed> {
        let passed = Passed::default();
        vec![Relayed { call, line: 0, from_caller: Passed { rtp: 5, ..passed }, from_callee: passed }]
    }
}

fn sdp(address: &str, ports: &[u16]) -> String {
    let media: String = ports.iter().map(|p| format!("m=audio {p} RTP/AVP 0\r\n")).collect();
    format!("v=0\r\no=- 1 1 IN IP4 {address}\r\ns=-\r\nc=IN IP4 {address}\r\nt=0 0\r\n{media}")
}

#[test]
fn both_sides_are_told_of_the_relay_and_it_of_both() {
    let aimed = Aimed::default();
    let mut b = Bench::with_relays(options(), Some(Box::new(Fake(Rc::clone(&aimed)))));
    let out = b.take(ALICE, &invite("1", &sdp("192.0.2.10", &[4000, 4010, 4020])))[1].1.clone();
    // A third line finds no room.
    assert_eq!(body(&out), sdp("192.0.2.1", &[20_000, 20_010, 0]));
    assert_eq!(field(&out, "Content-Length"), body(&out).len().to_string());
    let ok = b.take(BOB, &reply(&out, 200, "b1", &sdp("192.0.2.20", &[6000, 0, 0])))[0].1.clone();
    assert_eq!(body(&ok), sdp("192.0.2.1", &[10_000, 0, 0]));
    let at = |text: &str| Some(text.parse::<SocketAddr>().unwrap());
    assert_eq!(
        *aimed.borrow(),
        [
            (0, Side::Caller, at("192.0.2.10:4000"), at("192.0.2.10:4001")),
            (1, Side::Caller, at("192.0.2.10:4010"), at("192.0.2.10:4011")),
            (0, Side::Callee, at("192.0.2.20:6000"), at("192.0.2.20:6001")),
        ]
    );
    b.take(ALICE, &inside("ACK", 1, &ok, "k", ""));
    // Bob moves his media.
    let more = format!("Content-Type: application/sdp\r\n\r\n{}", sdp("192.0.2.20", &[7000, 0]));
    let moved = b.take(BOB, &inside_of_bob("INVITE", 9, &out, "b1", "m", &more));
    assert_eq!(body(&moved[0].1), sdp("192.0.2.1", &[10_000, 0]));
    assert_eq!(aimed.borrow().last().unwrap().2, at("192.0.2.20:7000"));
    assert_eq!(b.b2bua.poll_relayed(), None);
    b.take(ALICE, &inside("BYE", 2, &ok, "y", ""));
    let relayed = b.b2bua.poll_relayed().unwrap();
    assert_eq!((relayed.from_caller.rtp, relayed.from_callee.rtp), (5, 0));
}

#[test]
fn a_description_among_other_parts_is_changed_in_its_place() {
    let mut b = Bench::with_relays(options(), Some(Box::new(Fake(Aimed::default()))));
    let part = |sdp: &str| {
        format!(
            "--x\r\nContent-Type: application/sdp\r\n\r\n{sdp}\r\n--x\r\nContent-Type: text/plain\r\n\r\nhi\r\n--x--\r\n"
        )
    };
    let (before, after) = (part(&sdp("192.0.2.10", &[4000])), part(&sdp("192.0.2.1", &[20_000])));
    let asked = invite("1", &before)
        .replace("application/sdp\r\nContent-Length", "multipart/mixed;boundary=x\r\nContent-Length");
    let out = b.take(ALICE, &asked)[1].1.clone();
    assert_eq!((field(&out, "Content-Type"), body(&out)), ("multipart/mixed;boundary=x".to_owned(), &after[..]));
}

#[test]
fn a_call_that_fails_gives_its_ports_back() {
    let mut b = Bench::with_relays(options(), Some(Box::new(Fake(Aimed::default()))));
    let out = b.take(ALICE, &invite("1", &sdp("192.0.2.10", &[4000])))[1].1.clone();
    assert_eq!(b.b2bua.poll_relayed(), None);
    b.take(BOB, &reply(&out, 486, "b1", ""));
    assert!(b.b2bua.poll_relayed().is_some());
    b.is_clean();
}
