//! The receiver against `tshark -q -z rtp,streams` on captures of other software, where both are present.
//!
//! tshark also hands out the payloads, so that nothing of the capture code stands in between.

use super::receiver::PayloadType;
use super::*;
use crate::base::Timestamp;
use crate::media::codec::{Codec, Content};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Captures with streams of many kinds: clean, lossy, wideband, with events, on IPv6, encrypted.
const CAPTURES: [&str; 9] = [
    "examples/rtp_loss_5.pcap",
    "corpus/captures/russo-collab/dtmf_relay/dtmf_relay_sip_rfc4733.pcapng",
    "examples/ipv6_call.pcap",
    "examples/reinvite_hold_rtp.pcap",
    "corpus/captures/wireshark-wiki/sip-and-rtp/sip-rtp-gsm.pcap",
    "corpus/captures/wireshark-wiki/sip-and-rtp/sip-rtp-g722.pcap",
    "corpus/captures/wireshark-wiki/sip-and-rtp/SIP_DTMF2.cap",
    "corpus/captures/voipshark/SIP-SRTP-Normal_Call_two_parties.pcap",
    "corpus/captures/misc-michalcab/sip.pcap",
];

fn shared() -> Option<PathBuf> {
    let told = std::env::var_os("SIPCTL_SHARED").map(PathBuf::from);
    let root = told.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared"));
    root.join("examples").is_dir().then_some(root)
}

fn tshark(capture: &Path, arguments: &[&str]) -> Option<String> {
    let output = Command::new("tshark").arg("-r").arg(capture).args(arguments).output().ok()?;
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}

type Key = (String, String, u32);

/// One line of tshark's table.
#[derive(Debug)]
struct Expected {
    codec: String,
    packets: u64,
    lost: i64,
    max_delta: f64,
    mean_jitter: f64,
    max_jitter: f64,
}

fn expected(table: &str) -> BTreeMap<Key, Expected> {
    let mut all = BTreeMap::new();
    for line in table.lines().filter(|l| l.contains(" 0x")) {
        let words: Vec<&str> = line.split_whitespace().collect();
        // The codec's name may have spaces; the packets follow it, then the loss and its share in parentheses.
        let share = words.iter().position(|w| w.starts_with('(')).unwrap();
        let number = |at: usize| words[at].parse::<f64>().unwrap();
        let ssrc = u32::from_str_radix(words[6].trim_start_matches("0x"), 16).unwrap();
        let key = (format!("{} {}", words[2], words[3]), format!("{} {}", words[4], words[5]), ssrc);
        let found = Expected {
            codec: words[7..share - 2].join(" "),
            packets: words[share - 2].parse().unwrap(),
            lost: words[share - 1].parse().unwrap(),
            max_delta: number(share + 3),
            mean_jitter: number(share + 5),
            max_jitter: number(share + 6),
        };
        all.insert(key, found);
    }
    all
}

fn instant(epoch: &str) -> Timestamp {
    let (seconds, fraction) = epoch.split_once('.').unwrap();
    Timestamp::from_parts(seconds.parse().unwrap(), format!("{fraction:0<9}")[..9].parse().unwrap())
}

const FIELDS: [&str; 9] = [
    "frame.time_epoch",
    "ip.src",
    "ipv6.src",
    "udp.srcport",
    "ip.dst",
    "ipv6.dst",
    "udp.dstport",
    "rtp.ssrc",
    "udp.payload",
];

fn received(capture: &Path, codecs: &BTreeMap<Key, Expected>) -> Option<BTreeMap<Key, Receiver>> {
    let mut arguments = vec!["-Y", "rtp and not icmp", "-T", "fields", "-E", "occurrence=l", "-E", "separator=;"];
    FIELDS.iter().for_each(|field| arguments.extend(["-e", field]));
    let mut all: BTreeMap<Key, Receiver> = BTreeMap::new();
    for line in tshark(capture, &arguments)?.lines() {
        let f: Vec<&str> = line.split(';').collect();
        let payload = f
            .get(8)
            .copied()
            .unwrap_or_default()
            .as_bytes()
            .chunks_exact(2)
            .map(|pair| std::str::from_utf8(pair).unwrap());
        let payload: Vec<u8> = payload.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect();
        let Some(header) = Header::parse(&payload) else { continue };
        let key = (format!("{}{} {}", f[1], f[2], f[3]), format!("{}{} {}", f[4], f[5], f[6]), header.ssrc);
        let receiver = all.entry(key.clone()).or_insert_with(|| {
            let mut receiver = Receiver::new(header.ssrc);
            let name = codecs.get(&key).map_or("", |e| e.codec.as_str());
            let codec = Codec::from_name(name.split([',', ' ']).next().unwrap_or_default().as_bytes());
            if let Some(codec) = codec.filter(|_| header.payload_type >= 96) {
                let rate = if codec == Codec::Speex { 16_000 } else { 0 };
                receiver.describe(header.payload_type, Some(codec), rate);
            }
            receiver.describe(101, Some(Codec::TelephoneEvent), 8000);
            receiver
        });
        receiver.push(instant(f[0]), &header);
    }
    Some(all)
}

/// Where both mean the same, both must say the same. They do not where packets came twice (tshark takes a duplicate off the
/// loss and lets it smooth the jitter) or where events interrupted the audio (it measures the next packet against the event).
#[test]
fn streams_are_counted_as_tshark_counts_them() {
    let Some(root) = shared() else {
        eprintln!("skipped: no captures of other software here (SIPCTL_SHARED)");
        return;
    };
    let mut compared = 0;
    for name in CAPTURES {
        let capture = root.join(name);
        let Some(table) = tshark(&capture, &["-q", "-z", "rtp,streams"]) else {
            eprintln!("skipped: no tshark here");
            return;
        };
        let expected = expected(&table);
        let received = received(&capture, &expected).unwrap();
        for (key, e) in &expected {
            let receiver = &received[key];
            let s = receiver.statistics();
            assert_eq!((s.packets, s.lost as i64), (e.packets, e.lost), "{name} {key:?}");
            let beside = |t: &PayloadType| t.packets > 0 && (t.content == Content::Event || t.clock_rate == 0);
            let events = receiver.payload_types().iter().any(beside);
            if events || s.duplicates > 0 || s.restarts > 0 {
                continue;
            }
            let near = |ours: f64, theirs: f64, within: f64| (ours - theirs).abs() <= within;
            assert!(near(s.max_delta_ms, e.max_delta, 0.002), "{name} {e:?} {s:?}");
            assert!(near(s.mean_jitter_ms, e.mean_jitter, 0.02 + e.mean_jitter * 0.01), "{name} {e:?} {s:?}");
            assert!(near(s.max_jitter_ms, e.max_jitter, 0.002), "{name} {e:?} {s:?}");
            compared += 1;
        }
    }
    assert!(compared >= 8, "only {compared} streams were compared");
}
