use super::{SOURCES, Sources};
use crate::analysis::{Case, Finding, Settings};
use crate::base::{Endpoint, Flow, Timestamp};
use crate::trace::batch::{Examiner, Sight};
use crate::trace::{Batch, Conversation, Limits, Linger, MediaStream, Observed, Sink, Tracer, Transport};

const SERVER: [u8; 4] = [192, 0, 2, 1];

/// Judges every conversation that the tracer tells.
struct Judge {
    sources: Sources,
    findings: Vec<Finding>,
    /// What was told before the end.
    early: Vec<Finding>,
    most: usize,
}

impl Sink for Judge {
    fn message(&mut self, c: &Conversation, position: u32, _: &Observed<'_>) {
        if c.at(position).is_some_and(|f| f.status == 180) {
            self.sources.promising(c.facts[0].flow.src.ip(), c.end());
        }
    }
    fn conversation(&mut self, c: &Conversation, streams: &[MediaStream]) {
        let settings = Settings::default();
        self.sources.conversation(&Case::new(c, streams, c.end(), &settings), &mut self.findings);
        self.most = self.most.max(self.sources.len());
        self.early.extend(self.sources.established());
    }
    fn orphan(&mut self, _: MediaStream) {}
}

/// Requests to one server and its answers.
struct Room {
    tracer: Tracer,
    judge: Judge,
    ms: i64,
    count: u32,
}

impl Room {
    fn new(home: Option<&str>) -> Room {
        let judge = Judge { sources: Sources::new(home), findings: Vec::new(), early: Vec::new(), most: 0 };
        Room { tracer: Tracer::new(Limits::default()), judge, ms: 1_000_000, count: 0 }
    }

    fn say(&mut self, flow: Flow, text: &str) {
        let time = Timestamp(self.ms * 1_000_000);
        let sight = Sight {
            time,
            seen: time,
            source: 0,
            frame: 1,
            flow,
            ip_id: 0,
            cut: false,
            fragmented: false,
            mirrored: false,
        };
        let mut batch = Batch::default();
        assert!(batch.message(sight, Transport::Udp, text.as_bytes(), &mut Examiner::default()));
        self.tracer.take(&batch, &mut self.judge);
    }

    /// A request from `ip` for `user`, and the answer with `status`, each in a conversation of its own.
    fn ask(&mut self, ip: [u8; 4], method: &str, user: &str, status: u16) {
        self.count += 1;
        let (n, flow) = (self.count, Flow { src: Endpoint::v4(ip, 5060), dst: Endpoint::v4(SERVER, 5060) });
        let fields = format!(
            "Via: SIP/2.0/UDP 198.51.100.1;branch=z9hG4bK{n}\r\nFrom: <sip:{user}@example.test>;tag=a\r\nTo: <sip:{user}@example.test>\r\n\
             Call-ID: {n}@example.test\r\nCSeq: 1 {method}\r\nContent-Length: 0\r\n\r\n"
        );
        self.say(flow, &format!("{method} sip:{user}@example.test SIP/2.0\r\n{fields}"));
        self.say(flow.reversed(), &format!("SIP/2.0 {status} Words\r\n{fields}"));
    }

    fn codes(mut self) -> Vec<&'static str> {
        self.tracer.finish(&mut self.judge);
        self.judge.sources.finish().iter().map(|f| f.code).collect()
    }
}

const STRANGER: [u8; 4] = [198, 51, 100, 66];

#[test]
fn a_flood_of_addresses_fills_no_memory() {
    let mut room = Room::new(None);
    for n in 0..3 * SOURCES as u32 {
        let [a, b, c, d] = n.to_be_bytes();
        room.ms += 1;
        room.ask([10, a | b, c, d], "OPTIONS", "x", 404);
    }
    room.tracer.finish(&mut room.judge);
    assert_eq!(room.judge.most, SOURCES);
    assert!(room.judge.sources.finish().is_empty());
}

#[test]
fn many_users_of_one_address_fill_no_memory_and_are_a_scan() {
    let mut room = Room::new(None);
    for n in 100..1100 {
        room.ms += 20;
        room.ask(STRANGER, "OPTIONS", &n.to_string(), 404);
    }
    room.tracer.finish(&mut room.judge);
    let told = room.judge.sources.finish();
    assert_eq!(told.iter().map(|f| f.code).collect::<Vec<_>>(), ["extension-scan"]);
    assert!(told[0].indices.len() <= super::super::source::NAMED && told[0].title.contains("24 and more"), "{told:?}");
}

#[test]
fn what_is_mostly_accepted_is_nobodys_attack() {
    let mut room = Room::new(None);
    for n in 100..400 {
        room.ask(STRANGER, "OPTIONS", &n.to_string(), if n % 4 == 0 { 404 } else { 200 });
    }
    assert!(room.codes().is_empty());
}

#[test]
fn telephone_numbers_that_are_refused_are_no_extensions() {
    let mut room = Room::new(None);
    for n in 0..50 {
        room.ms += 100;
        room.ask(STRANGER, "OPTIONS", &format!("0301234{n:03}"), 404);
    }
    assert!(room.codes().is_empty());
}

#[test]
fn a_hundred_a_second_that_are_refused_are_a_flood() {
    let mut room = Room::new(None);
    for n in 0..200 {
        room.ms += i64::from(n % 10 == 0) * 50;
        room.ask(STRANGER, "OPTIONS", "0301234567", 503);
    }
    assert_eq!(room.codes(), ["flood"]);
    let mut slow = Room::new(None);
    for _ in 0..200 {
        slow.ms += 20;
        slow.ask(STRANGER, "OPTIONS", "0301234567", 503);
    }
    assert!(slow.codes().is_empty());
}

#[test]
fn calls_abroad_count_only_where_a_home_is_told() {
    for (home, told) in [(Some("49"), true), (Some("44"), false), (None, false)] {
        let mut room = Room::new(home);
        for n in 0..12 {
            room.ms += 3_000;
            room.ask(STRANGER, "INVITE", &format!("+44207946{:04}", n * 7), 403);
        }
        assert_eq!(room.codes().contains(&"toll-fraud"), told, "{home:?}");
    }
}

/// A room in which somebody reads along.
fn read_along() -> Room {
    let mut room = Room::new(None);
    room.judge.sources.read_along = true;
    room.tracer = Tracer::new(Limits { linger: Linger::Prompt, ..Limits::default() });
    room
}

#[test]
fn an_attack_is_told_once_when_it_is_established_and_again_with_all_of_it() {
    let mut room = read_along();
    for n in 0..60 {
        room.ms += 1_000;
        room.ask(STRANGER, "OPTIONS", &(100 + n).to_string(), 404);
        if n == 20 {
            let codes: Vec<_> = room.judge.early.iter().map(|f| (f.code, f.is_update)).collect();
            assert_eq!(codes, [("extension-scan", false)], "it is not waited for the end");
        }
    }
    room.tracer.finish(&mut room.judge);
    assert_eq!(room.judge.early.len(), 1);
    let last = room.judge.sources.finish();
    assert_eq!(last.iter().map(|f| (f.code, f.is_update)).collect::<Vec<_>>(), [("extension-scan", true)]);
    assert!(room.judge.early[0].title.contains("asked for 10 ") && last[0].title.contains("24 and more"), "{last:?}");
}

#[test]
fn calls_that_are_refused_end_sooner_than_those_that_ring() {
    let mut room = read_along();
    for n in 0..60 {
        room.ms += 1_000;
        room.ask(STRANGER, "INVITE", &(100 + n).to_string(), if n % 2 == 0 { 180 } else { 404 });
    }
    assert!(room.judge.early.is_empty(), "{:?}", room.judge.early);
}

#[test]
fn a_flood_of_scanners_is_told_source_by_source_and_nothing_is_kept_of_it() {
    let mut room = read_along();
    for n in 0..300u32 {
        let [a, b, c, d] = n.to_be_bytes();
        room.ms += 40;
        for user in 0..10 {
            room.ms += 1;
            room.ask([10, a | b, c, d], "OPTIONS", &user.to_string(), 404);
        }
    }
    room.tracer.finish(&mut room.judge);
    assert_eq!((room.judge.early.len(), room.judge.sources.ready.len()), (300, 0), "each once");
}
