use super::Linger;
use crate::base::{Endpoint, Flow, Timestamp};
use crate::trace::batch::{Examiner, RtpSeen, Sight};
use crate::trace::{Batch, Conversation, Kind, Limits, MediaStream, Observed, Sink, Tracer, Transport};

fn a() -> Endpoint {
    Endpoint::v4([192, 0, 2, 1], 5060)
}
fn b() -> Endpoint {
    Endpoint::v4([192, 0, 2, 2], 5060)
}

/// Notes what it is told: kind, number, messages and streams of each conversation, and how many messages in all.
#[derive(Default)]
struct Told {
    conversations: Vec<(Kind, u64, usize, usize)>,
    messages: usize,
    repeats: usize,
    orphans: usize,
}

impl Sink for Told {
    fn message(&mut self, c: &Conversation, position: u32, _: &Observed<'_>) {
        self.messages += 1;
        self.repeats += usize::from(c.at(position).unwrap().is_repeat());
    }
    fn conversation(&mut self, c: &Conversation, streams: &[MediaStream]) {
        self.conversations.push((c.kind, c.id, c.facts.len(), streams.len()));
    }
    fn orphan(&mut self, _: MediaStream) {
        self.orphans += 1;
    }
}

/// A tracer under a clock that the test moves.
struct Room {
    tracer: Tracer,
    told: Told,
    ms: i64,
    /// How far the clocks of the messages are from that of the room, in milliseconds.
    skew: i64,
}

impl Room {
    fn new(linger: Linger) -> Self {
        let tracer = Tracer::new(Limits { linger, ..Limits::default() });
        Room { tracer, told: Told::default(), ms: 1_000_000, skew: 0 }
    }

    fn sight(&self, flow: Flow) -> Sight {
        let [time, seen] = [self.ms + self.skew, self.ms].map(|ms| Timestamp(ms * 1_000_000));
        Sight { time, seen, source: 0, frame: 1, flow, ip_id: 0, cut: false, fragmented: false, mirrored: false }
    }

    /// A message: `start` is `INVITE`, or `200 INVITE`; the branch tells transactions apart.
    fn say(&mut self, start: &str, branch: &str, cseq: u32) {
        let (line, method, from_a) = match start.split_once(' ') {
            Some((status, method)) => (format!("SIP/2.0 {status} Words"), method, false),
            None => (format!("{start} sip:bob@example.test SIP/2.0"), start, true),
        };
        let dialog = matches!(method, "BYE" | "ACK") || !from_a && !start.starts_with("100");
        let tag = if dialog { ";tag=b" } else { "" };
        let text = format!(
            "{line}\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK{branch}\r\nFrom: <sip:alice@example.test>;tag=a\r\n\
             To: <sip:bob@example.test>{tag}\r\nCall-ID: one@example.test\r\nCSeq: {cseq} {method}\r\nContent-Length: 0\r\n\r\n"
        );
        let flow = if from_a { Flow { src: a(), dst: b() } } else { Flow { src: b(), dst: a() } };
        let mut batch = Batch::default();
        assert!(batch.message(self.sight(flow), Transport::Udp, text.as_bytes(), &mut Examiner::default()));
        self.tracer.take(&batch, &mut self.told);
    }

    /// Time passes without a packet.
    fn quiet(&mut self, ms: i64) {
        for _ in 0..ms / 100 {
            self.ms += 100;
            let mut batch = Batch::default();
            batch.quiet_at = Some(Timestamp(self.ms * 1_000_000));
            self.tracer.take(&batch, &mut self.told);
        }
    }

    fn call(&mut self) {
        for (start, branch, cseq) in
            [("INVITE", "i", 1), ("180 INVITE", "i", 1), ("200 INVITE", "i", 1), ("ACK", "k", 1)]
        {
            self.say(start, branch, cseq);
        }
        self.quiet(5000);
        self.say("BYE", "b", 2);
        self.say("200 BYE", "b", 2);
    }
}

#[test]
fn a_call_is_told_a_moment_after_its_end_and_late_repeats_are_absorbed() {
    let mut room = Room::new(Linger::Prompt);
    room.call();
    room.quiet(900);
    assert!(room.told.conversations.is_empty(), "a repeat may still come");
    room.quiet(400);
    assert_eq!(room.told.conversations, [(Kind::Call, 1, 6, 0)]);
    room.say("BYE", "b", 2);
    room.say("200 BYE", "b", 2);
    room.quiet(60_000);
    room.tracer.finish(&mut room.told);
    assert_eq!(room.told.conversations.len(), 1, "told once, and no exchange for the late BYE");
    assert_eq!((room.told.messages, room.told.repeats), (8, 2));
    assert_eq!((room.tracer.let_go().late, room.tracer.let_go().conversations), (2, 0));
}

#[test]
fn a_repeat_within_the_moment_belongs_to_the_call() {
    let mut room = Room::new(Linger::Prompt);
    room.call();
    room.quiet(600);
    room.say("BYE", "b", 2);
    room.quiet(800);
    assert!(room.told.conversations.is_empty());
    room.quiet(1000);
    assert_eq!((room.told.conversations.clone(), room.tracer.let_go().late), (vec![(Kind::Call, 1, 7, 0)], 0));
}

#[test]
fn of_a_file_nothing_is_told_before_64_t1() {
    let mut room = Room::new(Linger::Whole);
    room.call();
    room.quiet(32_000);
    assert!(room.told.conversations.is_empty());
    room.quiet(4_000);
    assert_eq!(room.told.conversations.len(), 1);
}

#[test]
fn a_refused_call_is_over_with_its_ack_and_a_new_invite_begins_another() {
    let mut room = Room::new(Linger::Prompt);
    room.say("INVITE", "i", 1);
    room.say("486 INVITE", "i", 1);
    room.quiet(5000);
    assert!(room.told.conversations.is_empty(), "without its ACK the 486 is repeated");
    room.say("ACK", "i", 1);
    room.quiet(1500);
    assert_eq!(room.told.conversations, [(Kind::Call, 1, 3, 0)]);
    room.say("INVITE", "j", 2);
    room.say("486 INVITE", "j", 2);
    room.say("ACK", "j", 2);
    room.quiet(1500);
    assert_eq!(room.told.conversations[1..], [(Kind::Call, 2, 3, 0)]);
}

#[test]
fn a_challenge_is_waited_upon() {
    let mut room = Room::new(Linger::Prompt);
    for method in ["INVITE", "REGISTER", "OPTIONS"] {
        room.say(method, method, 1);
        room.say(&format!("401 {method}"), method, 1);
        if method == "INVITE" {
            room.say("ACK", method, 1);
        }
    }
    room.quiet(20_000);
    assert!(room.told.conversations.is_empty(), "a person may be typing a password");
    room.quiet(20_000);
    assert!(!room.told.conversations.is_empty());
}

#[test]
fn an_exchange_and_a_refused_registration_are_over_with_their_answer() {
    let mut room = Room::new(Linger::Prompt);
    room.say("OPTIONS", "o", 7);
    room.say("200 OPTIONS", "o", 7);
    room.say("REGISTER", "r", 8);
    room.say("403 REGISTER", "r", 8);
    room.quiet(1500);
    assert_eq!(room.told.conversations, [(Kind::Exchange, 1, 2, 0), (Kind::Registration, 1, 2, 0)]);
    room.say("REGISTER", "s", 9);
    room.say("403 REGISTER", "s", 9);
    room.quiet(1500);
    assert_eq!(room.told.conversations[2..], [(Kind::Registration, 2, 2, 0)]);
}

#[test]
fn clocks_of_the_messages_may_be_ahead_or_behind() {
    for skew in [-7_200_000, 7_200_000] {
        let mut room = Room { skew, ..Room::new(Linger::Prompt) };
        room.call();
        assert!(room.told.conversations.is_empty(), "the pause in the call did not end it ({skew})");
        room.quiet(1500);
        assert_eq!(room.told.conversations, [(Kind::Call, 1, 6, 0)], "{skew}");
    }
}

#[test]
fn an_agent_with_a_slow_clock_beside_one_with_a_right_one_keeps_its_call_whole() {
    let mut room = Room::new(Linger::Prompt);
    room.say("OPTIONS", "x", 9);
    room.skew = -600_000;
    room.say("INVITE", "i", 1);
    room.quiet(2000);
    room.say("180 INVITE", "i", 1);
    room.quiet(2000);
    room.say("486 INVITE", "i", 1);
    room.say("ACK", "i", 1);
    room.quiet(1500);
    assert_eq!(room.told.conversations, [(Kind::Call, 1, 4, 0)]);
}

#[test]
fn media_that_still_flows_keeps_the_call_open_but_not_for_ever() {
    let mut room = Room::new(Linger::Prompt);
    let media = Flow { src: b().with_port(4000), dst: a().with_port(4002) };
    let sdp = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 4002 RTP/AVP 0\r\n";
    let invite = format!(
        "INVITE sip:bob@example.test SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKi\r\nCall-ID: one@example.test\r\n\
         From: <sip:alice@example.test>;tag=a\r\nTo: <sip:bob@example.test>\r\nCSeq: 1 INVITE\r\n\
         Content-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{sdp}",
        sdp.len()
    );
    let mut batch = Batch::default();
    assert!(batch.message(
        room.sight(Flow { src: a(), dst: b() }),
        Transport::Udp,
        invite.as_bytes(),
        &mut Examiner::default()
    ));
    room.tracer.take(&batch, &mut room.told);
    room.call();
    let rtp = |room: &mut Room, n: u16| {
        let packet = [&[0x80, 0][..], &n.to_be_bytes(), &(u32::from(n) * 160).to_be_bytes(), &[0, 0, 0, 9], &[0; 160]];
        let header = crate::media::rtp::looks_like_rtp(&packet.concat()).unwrap();
        let mut batch = Batch::default();
        batch.rtp(RtpSeen { sight: room.sight(media), header, head: [0; 4] });
        room.tracer.take(&batch, &mut room.told);
    };
    for n in 0..20 {
        rtp(&mut room, n);
        room.quiet(200);
    }
    assert!(room.told.conversations.is_empty(), "its media still flows");
    for n in 20..200 {
        rtp(&mut room, n);
        room.quiet(200);
    }
    assert_eq!(room.told.conversations, [(Kind::Call, 1, 7, 1)], "64·T1 is enough");
}
