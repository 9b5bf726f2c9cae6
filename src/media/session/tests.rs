//! Two sessions in virtual time, with a network between them that loses, delays and turns packets round.

use super::*;
use crate::media::Codec;
use crate::media::hearing::Heard;
use crate::media::negotiator::{Local, Negotiator, Wishes};
use crate::media::sdp::Direction;

const A: &str = "192.0.2.1:4000";
const B: &str = "192.0.2.2:5000";

fn address(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

fn ms(n: u64) -> Timestamp {
    Timestamp(1_700_000_000_000_000_000 + n as i64 * 1_000_000)
}

struct Side {
    session: MediaSession,
    negotiator: Negotiator,
    at: SocketAddr,
}

impl Side {
    fn new(at: &str, seed: u64, settings: Settings, wishes: Wishes) -> Side {
        let mut entropy = Entropy::seeded(seed);
        let at = address(at);
        let local = Local { address: at.ip(), rtp: at.port(), rtcp: at.port() + 1 };
        let negotiator = Negotiator::new(local, wishes, &mut entropy);
        Side { session: MediaSession::new(settings, &mut entropy), negotiator, at }
    }

    /// What is sent until then: when, what, and where.
    fn sent(&mut self, until: Timestamp) -> Vec<(Timestamp, Transmit, Vec<u8>)> {
        let mut all = Vec::new();
        while let Some(at) = self.session.poll_timeout().filter(|at| *at <= until) {
            let at = at.max(ms(0));
            let mut out = Vec::new();
            while let Some(transmit) = self.session.poll_transmit(at, &mut out) {
                all.push((at, transmit, out.clone()));
            }
        }
        all
    }
}

/// Two sides that agreed at `ms(0)`.
fn pair(callee: Source, wishes: Wishes) -> (Side, Side) {
    let mut a = Side::new(A, 1, Settings { records: true, ..Settings::default() }, wishes);
    let settings = Settings { source: callee, mark: Mark::Callee, ..Settings::default() };
    let mut b = Side::new(B, 2, settings, Wishes::default());
    let (answer, agreed) = b.negotiator.answer(&a.negotiator.offer()).unwrap();
    b.session.agree(ms(0), &agreed);
    let agreed = a.negotiator.conclude(&answer).unwrap();
    a.session.agree(ms(0), &agreed);
    (a, b)
}

/// Lets both run, each packet `delay` ms on its way; `lose` says which of those from b to a never come.
fn run(a: &mut Side, b: &mut Side, from: u64, until: u64, delay: u64, lose: impl Fn(usize) -> bool) {
    let mut lost = 0;
    for step in (from..until).step_by(20) {
        let there = a.sent(ms(step));
        for (at, transmit, bytes) in there {
            deliver(b, at.after(Duration::from_millis(delay)), a.at, transmit, &bytes);
        }
        for (at, transmit, bytes) in b.sent(ms(step)) {
            let at = if at.0 < ms(from).0 { ms(step) } else { at };
            lost += 1;
            if !lose(lost) {
                deliver(a, at.after(Duration::from_millis(delay)), b.at, transmit, &bytes);
            }
        }
    }
}

fn deliver(to: &mut Side, at: Timestamp, from: SocketAddr, transmit: Transmit, bytes: &[u8]) {
    match transmit.channel {
        Channel::Rtp => to.session.handle_rtp(at, from, bytes),
        Channel::Rtcp => to.session.handle_rtcp(at, SocketAddr::new(from.ip(), from.port() + 1), bytes),
    }
}

#[test]
fn frames_go_out_at_absolute_instants_whenever_they_are_asked_for() {
    let (mut a, _) = pair(Source::Mark, Wishes::default());
    let mut out = Vec::new();
    let mut seen = Vec::new();
    // Asked late by a growing part of the frame: the deadlines do not move.
    for n in 0..50u64 {
        assert_eq!(a.session.poll_timeout(), Some(ms(n * 20)));
        let late = ms(n * 20 + n % 15);
        let transmit = a.session.poll_transmit(late, &mut out).unwrap();
        assert_eq!((transmit.channel, transmit.to), (Channel::Rtp, address(B)));
        let header = crate::media::rtp::Header::parse(&out).unwrap();
        seen.push((header.marker, header.sequence, header.timestamp, header.payload_len()));
        assert!(a.session.poll_transmit(late, &mut out).is_none());
    }
    assert_eq!(seen.iter().filter(|s| s.0).count(), 1);
    assert!(seen[0].0 && seen.iter().all(|s| s.3 == 160));
    assert!(seen.windows(2).all(|w| w[1].1 == w[0].1.wrapping_add(1) && w[1].2 == w[0].2.wrapping_add(160)));
    let pacing = a.session.report().sent.pacing;
    assert_eq!((pacing.intervals(), pacing.worst_ms()), (49, 14.0));
}

#[test]
fn loss_delay_marks_and_reports_of_both_sides() {
    for wishes in [Wishes::default(), Wishes { is_secure: true, ..Wishes::default() }] {
        let (mut a, mut b) = pair(Source::Mark, wishes);
        run(&mut a, &mut b, 0, 9000, 40, |n| n % 10 == 5);
        let (a, b) = (a.session.report(), b.session.report());
        let statistics = a.received.statistics.as_ref().unwrap();
        assert!((9.0..11.0).contains(&statistics.loss_percent), "{}", statistics.loss_percent);
        assert_eq!((statistics.codec, a.received.undescribed, a.received.unopened), (Some(Codec::Pcmu), 0, 0));
        assert!(a.received.mos().unwrap() < 3.5 && b.received.mos().unwrap() > 4.3);
        assert_eq!((a.received.first, a.received.from), (Some(ms(40)), Some(address(B))));
        let Heard::Mark { mark: Mark::Callee, began: Some(began) } = a.received.heard else {
            panic!("{:?}", a.received.heard)
        };
        let late = began.since(b.sent.tone_began.unwrap()).rem_euclid(3_100_000_000);
        assert!((38_000_000..42_000_000).contains(&late), "{late}");
        assert!(b.received.heard.is_audio());
        // Each told the other: a lost every tenth, and the way there and back takes 80 ms.
        let told = b.sent.peer.unwrap();
        assert!(told.lost > 10 && told.fraction_lost > 15, "{told:?}");
        assert!((told.round_trip_ms.unwrap() - 80.0).abs() < 25.0, "{told:?}");
        assert!(a.received.reports >= 1 && a.sent.peer.unwrap().lost == 0);
    }
}

#[test]
fn what_is_echoed_is_our_own_tone_with_the_delay_of_both_ways() {
    let (mut a, mut b) = pair(Source::Echo, Wishes::default());
    for step in (0..4000).step_by(20) {
        for (at, _, bytes) in a.sent(ms(step)) {
            b.session.handle_rtp(at.after(Duration::from_millis(30)), address(A), &bytes);
            for (_, _, back) in b.sent(ms(step)).iter().filter(|(_, t, _)| t.channel == Channel::Rtp) {
                a.session.handle_rtp(at.after(Duration::from_millis(70)), address(B), back);
            }
        }
    }
    let Heard::Own { delay_ms: Some(delay) } = a.session.report().received.heard else { panic!() };
    assert!((delay - 70.0).abs() <= 2.0, "{delay}");
    assert_eq!(a.session.take_recording().len(), 200 * 160);
}

#[test]
fn digits_take_the_place_of_audio_and_come_once() {
    let (mut a, mut b) = pair(Source::Silence, Wishes::default());
    assert_eq!(a.session.press("19#"), 3);
    run(&mut a, &mut b, 0, 1500, 10, |_| false);
    assert!(a.session.has_pressed());
    let report = b.session.report();
    assert_eq!((report.received.digits.as_str(), a.session.report().sent.digits.as_str()), ("19#", "19#"));
    assert_eq!(report.received.statistics.unwrap().lost, 0);
    // Where events were not agreed on, nothing is pressed.
    let (mut a, _) = pair(Source::Mark, Wishes { has_events: false, ..Wishes::default() });
    assert_eq!(a.session.press("1"), 0);
}

#[test]
fn media_follows_where_packets_come_from_once_their_source_is_silent_or_alone() {
    let (mut a, mut b) = pair(Source::Mark, Wishes::default());
    let nat = address("203.0.113.9:1234");
    let packets = a.sent(ms(2000));
    let packet = |n: usize| packets.iter().filter(|(_, t, _)| t.channel == Channel::Rtp).nth(n).unwrap().2.clone();
    let goes_to = |b: &mut Side, at: u64| b.sent(ms(at)).last().unwrap().1.to;
    assert_eq!(goes_to(&mut b, 0), address(A));
    b.session.handle_rtp(ms(10), nat, &packet(0));
    assert_eq!(goes_to(&mut b, 20), nat);
    // Another one does not take it over while the first speaks.
    b.session.handle_rtp(ms(30), address("203.0.113.66:66"), &packet(1));
    assert_eq!(goes_to(&mut b, 40), nat);
    b.session.handle_rtp(ms(1500), address(A), &packet(2));
    assert_eq!(goes_to(&mut b, 1500), address(A));
    let report = b.session.report();
    assert_eq!((report.received.is_as_described(), report.received.addresses), (Some(true), 3));
    // What no key opens moves nothing.
    let (_, mut b) = pair(Source::Mark, Wishes { is_secure: true, ..Wishes::default() });
    b.session.handle_rtp(ms(10), nat, &packet(0));
    assert_eq!(goes_to(&mut b, 20), address(A));
    assert_eq!(b.session.report().received.unopened, 1);
}

#[test]
fn hold_stops_sending_and_resuming_opens_a_talkspurt() {
    let (mut a, mut b) = pair(Source::Mark, Wishes::default());
    run(&mut a, &mut b, 0, 1000, 5, |_| false);
    a.negotiator.set_direction(Direction::SendOnly);
    let (answer, held) = b.negotiator.answer(&a.negotiator.offer()).unwrap();
    b.session.agree(ms(1000), &held);
    a.session.agree(ms(1000), &a.negotiator.conclude(&answer).unwrap());
    let rtp = |sent: Vec<(Timestamp, Transmit, Vec<u8>)>| -> Vec<Vec<u8>> {
        sent.into_iter().filter(|(_, t, _)| t.channel == Channel::Rtp).map(|(_, _, bytes)| bytes).collect()
    };
    assert!(rtp(b.sent(ms(3000))).is_empty());
    let before = b.session.report().sent.packets;
    a.negotiator.set_direction(Direction::SendRecv);
    let (_, resumed) = b.negotiator.answer(&a.negotiator.offer()).unwrap();
    b.session.agree(ms(3000), &resumed);
    let sent = rtp(b.sent(ms(3100)));
    assert_eq!(b.session.report().sent.packets, before + sent.len() as u64);
    let first = crate::media::rtp::Header::parse(&sent[0]).unwrap();
    assert!(first.marker);
    // Two seconds on, the clock has gone on.
    assert_eq!(sent.len(), 6);
}

#[test]
fn a_hold_does_not_shift_the_rhythm_by_which_delay_is_told() {
    let (mut a, mut b) = pair(Source::Mark, Wishes::default());
    run(&mut a, &mut b, 0, 2000, 40, |_| false);
    for (direction, from, until) in [(Direction::SendOnly, 2000, 3330), (Direction::SendRecv, 3330, 12_000)] {
        a.negotiator.set_direction(direction);
        let (answer, agreed) = b.negotiator.answer(&a.negotiator.offer()).unwrap();
        b.session.agree(ms(from), &agreed);
        a.session.agree(ms(from), &a.negotiator.conclude(&answer).unwrap());
        run(&mut a, &mut b, from, until, 40, |_| false);
    }
    let Heard::Mark { began: Some(began), .. } = a.session.report().received.heard else { panic!("no mark is heard") };
    let sent = b.session.report().sent;
    assert_eq!(sent.tone_began, sent.first);
    let late = began.since(sent.tone_began.unwrap()).rem_euclid(3_100_000_000);
    assert!((30_000_000..50_000_000).contains(&late), "{late}");
}

#[test]
fn the_last_report_takes_its_leave_and_nothing_follows() {
    let (mut a, mut b) = pair(Source::Mark, Wishes::default());
    run(&mut a, &mut b, 0, 500, 5, |_| false);
    a.session.leave(ms(500));
    let sent = a.sent(ms(60_000));
    assert_eq!(sent.len(), 1);
    let (_, transmit, bytes) = &sent[0];
    assert_eq!((transmit.channel, transmit.to), (Channel::Rtcp, address("192.0.2.2:5001")));
    let compound = rtcp::parse(bytes).unwrap();
    assert_eq!(compound.leaving.as_slice(), [a.session.report().sent.ssrc]);
    assert!(compound.sender.is_some() && compound.cname.is_some());
}

#[test]
fn nothing_that_comes_makes_it_grow_or_fall() {
    let (mut a, _) = pair(Source::Echo, Wishes::default());
    let mut entropy = Entropy::seeded(9);
    for n in 0..20_000u64 {
        let mut bytes = vec![0; entropy.below(200) as usize];
        entropy.fill(&mut bytes);
        if let Some(first) = bytes.first_mut().filter(|_| n % 2 == 0) {
            *first = 0x80;
        }
        a.session.handle_rtp(ms(n), address(B), &bytes);
        a.session.handle_rtcp(ms(n), address(B), &bytes);
    }
    let report = a.session.report();
    assert!(report.received.sources <= 8 && report.received.malformed > 0 && report.received.undescribed > 0);
    assert!(a.session.take_recording().len() <= 60 * 8000 + 200_000);
}

#[test]
fn the_wall_clock_is_told_as_ntp_has_it() {
    // 2000-01-01T00:00:00.5Z is 3 155 673 600 s after 1900.
    assert_eq!(ntp(Timestamp(946_684_800_500_000_000)), 3_155_673_600 << 32 | 1 << 31);
    let then = (ntp(ms(0)) >> 16) as u32;
    assert!((round_trip_ms(ms(150), then, 65_536 / 10).unwrap() - 50.0).abs() < 0.1);
    assert_eq!(round_trip_ms(ms(150), 0, 5), None);
    assert_eq!(round_trip_ms(ms(0), then, 65_536), None);
}

#[test]
fn digits_that_signalling_told_stand_behind_those_that_were_heard() {
    let mut receiving = super::receiving::Receiving::new(&Settings::default());
    "5#".chars().for_each(|digit| receiving.signal(digit));
    assert_eq!(receiving.report(None, None).digits, "5#");
    (0..1000).for_each(|_| receiving.signal('1'));
    assert_eq!(receiving.report(None, None).digits.len(), 256);
}
