//! Capturing on the loopback device, where the machine allows it.

use super::{LiveOptions, LiveSource, devices, open_error};
use crate::capture::{CaptureError, Event, Source};
use std::net::UdpSocket;

fn open(filter: &str) -> Option<LiveSource> {
    let options = LiveOptions {
        device: "lo".to_owned(),
        filter: Some(filter.to_owned()),
        buffer_mb: 2,
        ..LiveOptions::default()
    };
    match LiveSource::open(&options, 0) {
        Ok(source) => Some(source),
        Err(
            e
            @ (CaptureError::NoLibpcap { .. } | CaptureError::NotPermitted { .. } | CaptureError::NoSuchDevice { .. }),
        ) => {
            eprintln!("skipped: {e}");
            None
        }
        Err(e) => panic!("{e}"),
    }
}

#[test]
fn packets_of_the_loopback_device_arrive_with_time_and_count_and_stop_ends_it() {
    let receiver = UdpSocket::bind("127.0.0.1:0").unwrap();
    let to = receiver.local_addr().unwrap();
    let Some(mut source) = open(&format!("udp dst port {}", to.port())) else { return };
    assert!(source.widened_filter().is_some_and(|f| f.contains("0x1fff")));
    let sender = UdpSocket::bind("127.0.0.1:0").unwrap();
    let before = crate::base::Timestamp::now();
    for n in 0..20u8 {
        sender.send_to(&[b"loopback test ", &[n][..]].concat(), to).unwrap();
    }
    let (mut seen, mut idle) = (0u8, 0);
    while seen < 20 {
        match source.next_event().unwrap().expect("it has not been stopped") {
            Event::Packet(p) if p.data.ends_with(&[b"loopback test ", &[seen][..]].concat()) => {
                assert!((0..60_000_000_000).contains(&p.time.since(before)), "{} {before}", p.time);
                assert_eq!(p.original_len as usize, p.data.len());
                seen += 1;
            }
            Event::Packet(_) => {}
            _ => idle += 1,
        }
        assert!(idle < 300, "only {seen} packets came");
    }
    source.stop_handle().stop();
    while source.next_event().unwrap().is_some() {}
    assert!(source.info().packets >= 20);
    let stats = source.stats();
    assert!(stats.received >= 20 && stats.dropped == 0, "{stats:?}");
}

#[test]
fn what_cannot_be_opened_says_why() {
    let Ok(known) = devices() else { return eprintln!("skipped: no libpcap here") };
    assert!(known.iter().any(|d| d.name == "any" || d.loopback), "{known:?}");
    let options = LiveOptions { device: "nosuchdevice0".to_owned(), ..LiveOptions::default() };
    match LiveSource::open(&options, 0) {
        Err(CaptureError::NotPermitted { .. }) => eprintln!("skipped: not allowed to capture"),
        Err(e @ CaptureError::NoSuchDevice { .. }) => {
            assert!(e.to_string().starts_with("no device named nosuchdevice0; devices here: "), "{e}");
        }
        other => panic!("{:?}", other.err()),
    }
    if let Some(wrong) = open("udp").map(|_| LiveOptions {
        device: "lo".to_owned(),
        filter: Some("port port".to_owned()),
        ..LiveOptions::default()
    }) {
        assert!(matches!(LiveSource::open(&wrong, 0), Err(CaptureError::Filter { .. })));
    }
}

#[test]
fn a_refused_capture_says_how_to_allow_it() {
    let words = "eth0: You don't have permission to perform this capture on that device";
    let error = open_error(pcap::Error::PcapError(words.to_owned()), "eth0").to_string();
    assert!(error.contains("sudo setcap cap_net_raw,cap_net_admin=eip"), "{error}");
}
