use super::{Completed, JOINED_AT, Joiner, LEGS_CAP};
use crate::base::{Endpoint, Flow, Timestamp};
use crate::sip::Method;
use crate::trace::batch::{Examiner, Sight};
use crate::trace::{Batch, Conversation, Kind, Limits, Linger, MediaStream, Observed, Sink, Tracer, Transport};

/// Keeps the calls that it is told of.
#[derive(Default)]
struct Told(Vec<Conversation>);

impl Sink for Told {
    fn message(&mut self, _: &Conversation, _: u32, _: &Observed<'_>) {}
    fn conversation(&mut self, c: &Conversation, _: &[MediaStream]) {
        if c.kind == Kind::Call {
            self.0.push(c.clone());
        }
    }
    fn orphan(&mut self, _: MediaStream) {}
}

fn host(n: u8) -> Endpoint {
    Endpoint::v4([192, 0, 2, n], 5060)
}

struct Room {
    tracer: Tracer,
    told: Told,
    ms: i64,
}

impl Room {
    fn new(limits: Limits) -> Room {
        Room { tracer: Tracer::new(limits), told: Told::default(), ms: 1_000_000 }
    }

    /// `INVITE` or `200 INVITE` of the call `id` from one host to another, with more header fields and a body.
    fn say(&mut self, (from, to): (u8, u8), start: &str, id: &str, more: &str, body: &str) {
        let (line, method) = match start.split_once(' ') {
            Some((status, method)) => (format!("SIP/2.0 {status} Words"), method),
            None => (format!("{start} sip:bob@example.test SIP/2.0"), start),
        };
        let (asking, asked) = if line.starts_with("SIP") { (to, from) } else { (from, to) };
        let tag = if method == "INVITE" && !line.starts_with("SIP") { "" } else { ";tag=b" };
        let cseq = if method == "BYE" { 2 } else { 1 };
        let text = format!(
            "{line}\r\nVia: SIP/2.0/UDP 192.0.2.{asking}:5060;branch=z9hG4bK-{id}-{asking}-{asked}-{method}\r\n\
             Max-Forwards: 70\r\nFrom: <sip:alice@example.test>;tag=a{id}\r\nTo: <sip:bob@example.test>{tag}\r\n\
             Call-ID: {id}\r\nCSeq: {cseq} {method}\r\n{more}Content-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let time = Timestamp(self.ms * 1_000_000);
        let flow = Flow { src: host(from), dst: host(to) };
        let sight = Sight {
            time,
            seen: time,
            source: 0,
            frame: 1,
            flow,
            ip_id: 0,
            cut: false,
            mirrored: false,
            fragmented: false,
        };
        let mut batch = Batch::default();
        assert!(batch.message(sight, Transport::Udp, text.as_bytes(), &mut Examiner::default()));
        batch.last_time = time;
        self.tracer.take(&batch, &mut self.told);
    }

    fn wait(&mut self, ms: i64) {
        self.ms += ms;
        let mut batch = Batch::default();
        (batch.last_time, batch.packets) = (Timestamp(self.ms * 1_000_000), 1);
        self.tracer.take(&batch, &mut self.told);
    }

    /// INVITE, 200, ACK.
    fn set_up(&mut self, ends: (u8, u8), id: &str, more: &str) {
        self.say(ends, "INVITE", id, more, "");
        self.ms += 20;
        self.say((ends.1, ends.0), "200 INVITE", id, "", "");
        self.say(ends, "ACK", id, "", "");
    }

    fn hang_up(&mut self, ends: (u8, u8), id: &str) {
        self.say(ends, "BYE", id, "", "");
        self.say((ends.1, ends.0), "200 BYE", id, "", "");
    }

    fn finish(mut self) -> Vec<Conversation> {
        self.tracer.finish(&mut self.told);
        self.told.0
    }
}

/// A call from 1 through the B2BUA 2 to 3, its INVITEs repeated.
fn bridged(room: &mut Room) {
    room.say((1, 2), "INVITE", "first", "", "");
    room.ms += 5;
    room.say((2, 3), "INVITE", "second", "X-CID: first\r\n", "");
    room.ms += 500;
    room.say((1, 2), "INVITE", "first", "", "");
    room.say((2, 3), "INVITE", "second", "X-CID: first\r\n", "");
    room.say((3, 2), "180 INVITE", "second", "", "");
    room.say((2, 1), "180 INVITE", "first", "", "");
    room.ms += 500;
    room.say((3, 2), "200 INVITE", "second", "", "");
    room.say((2, 1), "200 INVITE", "first", "", "");
    room.say((1, 2), "ACK", "first", "", "");
    room.say((2, 3), "ACK", "second", "", "");
    room.ms += 3000;
    room.hang_up((1, 2), "first");
    room.hang_up((2, 3), "second");
}

#[test]
fn everything_that_names_a_place_moves_along() {
    let mut room = Room::new(Limits { keep_raw: true, ..Limits::default() });
    bridged(&mut room);
    let calls = room.finish();
    assert_eq!(calls.len(), 1);
    let c = &calls[0];
    assert!(c.facts.is_sorted_by_key(|f| f.index) && c.facts.len() == 14 && c.raw.len() == 14);
    for (at, f) in (0u32..).zip(&c.facts) {
        let id = String::from_utf8_lossy(c.call_id_of(at)).into_owned();
        assert!(String::from_utf8_lossy(&c.raw[at as usize]).contains(&format!("Call-ID: {id}\r\n")));
        let t = c.transaction(f).unwrap();
        assert_eq!((t.method, String::from_utf8_lossy(c.text(t.branch)).contains(&id)), (f.method, true));
        assert_eq!(c.text(f.from_tag), format!("a{id}").as_bytes());
        assert_eq!(f.repeats.map(|r| c.at(r).unwrap().flow), f.repeats.map(|_| f.flow));
        assert!(f.before <= at && c.at(f.before).unwrap().transaction == f.transaction);
        assert_eq!(c.transaction_keys.len(), c.transactions.len());
    }
    for t in &c.transactions {
        let places = [t.request, t.first_response, t.first_progress, t.final_response, t.ack, Some(t.latest)];
        for f in places.into_iter().flatten().map(|at| c.at(at).unwrap()) {
            assert!(f.method == t.method || f.method == Method::Ack);
        }
        assert_eq!(t.request.map(|at| c.at(at).unwrap().is_request()), Some(true));
        assert!(t.final_response.is_none_or(|at| c.at(at).unwrap().status == t.final_status));
    }
    let begins: Vec<u32> = c.transactions.iter().filter_map(|t| t.request).collect();
    assert!(begins.is_sorted(), "{begins:?}");
    assert_eq!(c.facts.iter().filter(|f| f.is_repeat()).count(), 2);
}

#[test]
fn who_watches_is_told_of_a_call_once_when_its_last_leg_has_ended() {
    let mut room = Room::new(Limits { linger: Linger::Prompt, ..Limits::default() });
    room.set_up((1, 2), "first", "");
    room.set_up((2, 3), "second", "X-CID: first\r\n");
    room.wait(5_000);
    room.hang_up((1, 2), "first");
    room.wait(10_000);
    assert!(room.told.0.is_empty(), "the second leg is still up");
    room.hang_up((2, 3), "second");
    room.wait(2_500);
    assert_eq!(room.told.0.len(), 1);
    assert_eq!(room.told.0[0].call_ids().collect::<Vec<_>>(), [&b"first"[..], b"second"]);
    // Another call after it is the second, though three Call-IDs have come.
    room.set_up((1, 2), "third", "");
    let calls = room.finish();
    assert_eq!(calls.iter().map(|c| c.id).collect::<Vec<_>>(), [1, 2]);
}

#[test]
fn what_the_held_legs_keep_is_given_back() {
    let mut room = Room::new(Limits::default());
    bridged(&mut room);
    assert!(room.tracer.held() > 0);
    room.wait(60_000);
    assert_eq!((room.told.0.len(), room.tracer.held()), (1, 0));
}

#[test]
fn a_full_shelf_hands_the_legs_over_as_one() {
    let mut room = Room::new(Limits { conversations: 2, ..Limits::default() });
    room.set_up((1, 2), "first", "");
    room.set_up((2, 3), "second", "X-CID: first\r\n");
    for n in 0..4 {
        room.set_up((7, 8), &format!("other{n}"), "");
    }
    let calls = room.finish();
    let legs: Vec<usize> = calls.iter().map(|c| c.call_ids().count()).collect();
    assert_eq!(legs.iter().sum::<usize>(), 6, "{legs:?}");
    assert_eq!(legs.iter().filter(|n| **n == 2).count(), 1, "{legs:?}");
}

/// A generator whose calls all describe themselves alike, over a server that answers itself, with the busiest names there are.
#[test]
fn calls_of_a_generator_are_not_joined_with_each_other() {
    let body = "v=0\r\no=user1 53655765 2353687637 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n\
                m=audio 6000 RTP/AVP 0\r\n";
    let mut room = Room::new(Limits::default());
    for n in 0..300 {
        let id = format!("{n}-24725@192.0.2.1");
        room.say((1, 2), "INVITE", &id, "Session-ID: 0123456789abcdef0123456789abcdef\r\n", body);
        room.ms += 3;
        room.say((2, 1), "200 INVITE", &id, "", body);
    }
    assert_eq!(room.finish().len(), 300);
}

#[test]
fn a_flood_of_legs_is_bounded() {
    let mut room = Room::new(Limits::default());
    room.say((1, 2), "INVITE", "first", "", "");
    for n in 0..40 {
        room.say((2, 3), "INVITE", &format!("leg{n}"), "X-CID: first\r\n", "");
    }
    let calls = room.finish();
    assert_eq!(calls.iter().map(|c| c.call_ids().count()).max(), Some(LEGS_CAP));
    assert_eq!(calls.iter().map(|c| c.call_ids().count()).sum::<usize>(), 41);
}

#[test]
fn what_names_a_call_is_enough_and_what_is_alike_is_not() {
    let joined = |more: &str, ends: (u8, u8)| {
        let mut room = Room::new(Limits::default());
        let own = "Session-ID: ab30317f1a784dc48ff824d0d3715d86;remote=00000000000000000000000000000000\r\n\
                   P-Charging-Vector: icid-value=\"PCSF-1a2b3c4d\";icid-generated-at=192.0.2.2\r\nCisco-Guid: 1-2-3-4-5\r\n";
        room.say((1, 2), "INVITE", "0123456789abcdef@192.0.2.1", own, "");
        room.ms += 30_000;
        room.say(ends, "INVITE", "another", more, "");
        let calls = room.finish();
        calls[0].joined.as_ref().map(|j| j.legs[1].link.as_ref().unwrap().score)
    };
    // Another host than the one that was called, half a minute later: only a name can tell.
    let named = [
        "Session-ID: AB30317F1A784DC48FF824D0D3715D86;remote=1\r\n",
        "P-Charging-Vector: icid-value=PCSF-1a2b3c4d\r\n",
        "Cisco-Guid: 1-2-3-4-5\r\n",
        "X-Call-ID: 0123456789abcdef@192.0.2.1\r\n",
        "Replaces: 0123456789abcdef@192.0.2.1;to-tag=b;from-tag=a\r\n",
    ];
    for more in named {
        assert!(joined(more, (8, 9)).is_some_and(|score| score >= JOINED_AT), "{more}");
    }
    let alike = ["", "Session-ID: 00000000000000000000000000000000\r\n", "X-Call-ID: nobody\r\n", "Cisco-Guid: 1\r\n"];
    for more in alike {
        assert_eq!(joined(more, (8, 9)), None, "{more}");
    }
    // Who called first does not begin the second leg.
    assert_eq!(joined(named[0], (1, 2)), None);
}

#[test]
fn a_call_of_its_own_goes_through_untouched() {
    let mut joiner = Joiner::default();
    assert!(matches!(joiner.complete(Box::new(Conversation::new(Kind::Call, 1))), Completed::Alone(c) if c.id == 1));
    assert!(!joiner.is_joined(1));
}
