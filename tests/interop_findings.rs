//! What is found in calls between real SIP software: SIPp's scenarios with each other and through Kamailio, captured on the loopback. A table says what
//! is found in each, and nothing of weight beside.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod lab;

use lab::{Lab, lab};
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::net::UdpSocket;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A capture under way, of the ports that a test uses.
struct Captured {
    tcpdump: Child,
    file: tempfile::TempPath,
    marker: UdpSocket,
}

impl Captured {
    /// Begins; `None`, said aloud, where the system does not allow it.
    fn begin(ports: &[String]) -> Option<Captured> {
        // Its own datagram is the last that is waited for.
        let marker = UdpSocket::bind("127.0.0.1:0").unwrap();
        let own = marker.local_addr().unwrap().port().to_string();
        let filter: Vec<String> = ports.iter().chain([&own]).map(|port| format!("port {port}")).collect();
        let file = tempfile::NamedTempFile::new().unwrap().into_temp_path();
        let mut command = Command::new("tcpdump");
        command.args(["-i", "lo", "-U", "-s", "0", "-B", "4096", "--immediate-mode", "-Z", "root", "-w"]).arg(&file);
        let mut tcpdump = command.arg(filter.join(" or ")).stderr(Stdio::piped()).spawn().unwrap();
        let mut said = String::new();
        let mut errors = BufReader::new(tcpdump.stderr.take().unwrap());
        while !said.contains("listening on") {
            if errors.read_line(&mut said).unwrap() == 0 {
                eprintln!("skipped: tcpdump cannot capture: {said}");
                tcpdump.wait().unwrap();
                return None;
            }
        }
        Some(Captured { tcpdump, file, marker })
    }

    /// Ends when all that was sent before is in the file; what `decode` finds in it: severity and code.
    fn findings(mut self, more: &[&str]) -> Vec<String> {
        const MARK: &[u8] = b"that was all of it";
        let end = Instant::now() + Duration::from_secs(20);
        let has_mark = |file: &Path| std::fs::read(file).unwrap().windows(MARK.len()).any(|part| part == MARK);
        while !has_mark(&self.file) {
            assert!(Instant::now() < end, "tcpdump wrote nothing for twenty seconds");
            self.marker.send_to(MARK, self.marker.local_addr().unwrap()).unwrap();
            self.marker.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
            let _ = self.marker.recv(&mut [0; 64]);
        }
        self.tcpdump.kill().unwrap();
        self.tcpdump.wait().unwrap();
        if let Some(folder) = std::env::var_os("SIPCTL_KEEP_CAPTURES") {
            let name = std::thread::current().name().unwrap_or("x").to_owned() + &more.concat() + ".pcap";
            std::fs::copy(&self.file, Path::new(&folder).join(name)).unwrap();
        }
        let done =
            Command::new(env!("CARGO_BIN_EXE_sipctl")).args(["decode", "--json"]).arg(&self.file).output().unwrap();
        let json: Value = serde_json::from_slice(&done.stdout).unwrap();
        let mut found: Vec<String> = json["findings"]
            .as_array()
            .unwrap()
            .iter()
            .map(|f| format!("{} {}", f["severity"].as_str().unwrap(), f["code"].as_str().unwrap()))
            .collect();
        found.sort();
        found.dedup();
        found
    }
}

/// Ports of a SIPp with its media.
fn ports(lab: &Lab, name: &str) -> Vec<String> {
    let media: u16 = lab.setting(&format!("SIPP_{name}_RTP")).parse().unwrap();
    let media = (0..4).map(|n| (media + n).to_string());
    [lab.setting(&format!("SIPP_{name}"))].into_iter().chain(media).collect()
}

/// What is found beside the table: nothing that is an error or a warning, and nothing that is missing.
fn difference(name: &str, found: &[String], expected: &[&str]) -> Option<String> {
    let is_told = |f: &&String| !f.starts_with("info ") || expected.contains(&f.as_str());
    let grave: Vec<&str> = found.iter().filter(is_told).map(String::as_str).collect();
    let mut wanted: Vec<&str> = expected.to_vec();
    wanted.sort_unstable();
    (grave != wanted).then(|| format!("{name}: expected {wanted:?}, found {found:?}"))
}

/// Callee, caller, and what is found.
type Pair = (&'static str, &'static str, &'static [&'static str]);

/// Two SIPps by themselves.
const PAIRS: &[Pair] = &[
    ("uas_accept_reinvite", "uac_hold_noauth", &[]),
    ("uas_answer", "uac_call_audio_noauth", &[]),
    ("uas_answer_pcma", "uac_call_audio_noauth", &[]),
    ("uas_auth407", "uac_call", &[]),
    ("uas_auth401", "uac_call", &["error call-rejected"]),
    ("uas_callee_bye", "uac_wait_bye_noauth", &[]),
    ("uas_cancel", "uac_cancel_noauth", &[]),
    ("uas_early_media", "uac_call_audio_noauth", &[]),
    ("uas_early_media_then_reject", "uac_get404_noauth", &["error call-rejected"]),
    ("uas_ignore_first", "uac_call_noauth", &["warning retransmission"]),
    ("uas_info_dtmf", "uac_dtmf_info_noauth", &[]),
    ("uas_late_offer", "uac_late_offer_noauth", &[]),
    ("uas_message", "uac_message_noauth", &[]),
    ("uas_no_180", "uac_call_noauth", &[]),
    ("uas_options", "uac_options", &[]),
    ("uas_prack", "uac_prack_noauth", &[]),
    ("uas_reinvite_hold", "uac_wait_hold_noauth", &[]),
    ("uas_reinvite_glare", "uac_hold_noauth", &[]),
    ("uas_silent_media", "uac_call_audio_noauth", &[]),
    ("uas_t38_refused", "uac_t38_refuse_noauth", &["warning reinvite-rejected"]),
    ("sdp_inactive", "uac_call_audio_noauth", &[]),
    ("sdp_missing", "uac_call_audio_noauth", &[]),
    ("sdp_no_common_codec", "uac_call_audio_noauth", &["error codec-none-common"]),
    ("sdp_port_zero", "uac_call_audio_noauth", &["warning media-rejected"]),
    ("sdp_private", "uac_call_audio_noauth", &["error codec-not-offered"]),
    ("sdp_pt_swap", "uac_call_audio_noauth", &[]),
    ("sdp_ptime60", "uac_call_audio_noauth", &[]),
    ("sdp_sendonly", "uac_call_audio_noauth", &[]),
    ("sdp_video_extra", "uac_call_audio_noauth", &["warning sdp-answer-shape"]),
    ("sdp_zero_addr", "uac_call_audio_noauth", &[]),
    ("bad_no_contact", "uac_call_noauth", &["error contact-missing"]),
    ("bad_version", "uac_call_noauth", &["error version-unknown"]),
];

fn run_pairs(part: usize) {
    let Some(lab) = lab(&["sipp", "ss", "tcpdump"], &[("SIPP_TIMEOUT", "20")]) else { return };
    let mut wrong = Vec::new();
    for &(callee, caller, expected) in PAIRS.iter().skip(part).step_by(2) {
        let started = lab.run(&["sipp", "uas", "callee", callee], &[]);
        assert!(started.status.success(), "{callee}: {}", String::from_utf8_lossy(&started.stderr));
        // The caller's ports are chosen with its first run.
        let mut all = ports(&lab, "CALLEE");
        if lab.settings().contains_key("SIPP_UAC_PORT") {
            all.push(lab.setting("SIPP_UAC_PORT"));
        }
        let Some(captured) = Captured::begin(&all) else { return };
        let to = format!("127.0.0.1:{}", lab.setting("SIPP_CALLEE"));
        lab.run(&["sipp", "uac", caller, &to, "-d", "500"], &[]);
        let found = captured.findings(&[callee]);
        lab.run(&["sipp", "stop", "callee"], &[]);
        wrong.extend(difference(&format!("{callee} with {caller}"), &found, expected));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn calls_between_two_sipps_one() {
    run_pairs(0);
}

#[test]
fn calls_between_two_sipps_two() {
    run_pairs(1);
}

/// Whom alice calls, by which scenario, and what is found.
const THROUGH_KAMAILIO: &[Pair] = &[
    ("alice", "uac_register", &[]),
    ("alice", "uac_register_refresh", &[]),
    ("alice", "uac_register_wrong", &["error auth-wrong-credentials"]),
    ("ping", "uac_options_hops0", &[]),
    ("ping", "uac_options_server", &[]),
    ("bob", "uac_call", &[]),
    ("bob", "uac_call_audio", &[]),
    ("bob", "uac_large", &[]),
    ("nobody", "uac_get404", &["error call-rejected"]),
    ("barred", "uac_get403", &["error call-rejected"]),
    ("busy", "uac_get486", &[]),
    ("offline", "uac_get480", &["error call-rejected"]),
    ("decline", "uac_get603", &["error call-rejected"]),
    ("down", "uac_get503", &["error call-rejected"]),
    ("wrongcodec", "uac_get488", &["error media-not-acceptable"]),
    ("moved", "uac_get302", &[]),
    ("fork", "uac_call", &[]),
    ("late404", "uac_get404", &["error call-rejected"]),
    ("silent", "uac_call", &["error no-response"]),
];

#[test]
fn calls_through_kamailio() {
    let programs = ["kamailio", "openssl", "ss", "sipp", "tcpdump"];
    let Some(mut lab) = lab(&programs, &[("SIPP_TIMEOUT", "20"), ("LAB_IP6", "")]) else { return };
    lab.start(&["kamailio", "start"], &["kamailio", "stop"], &[]);
    lab.start(&["sipp", "uas", "bob", "uas_answer", "-rtp_echo"], &["sipp", "stop", "bob"], &[]);
    let kamailio = format!("127.0.0.1:{}", lab.setting("KAM_PORT"));
    let bob = lab.setting("SIPP_BOB");
    let registered = lab.run(
        &["sipp", "uac", "uac_register", &kamailio],
        &[("SIPP_USER", "bob"), ("SIPP_CONTACT_PORT", &bob), ("SIPP_EXPIRES", "3000")],
    );
    assert!(registered.status.success(), "{}", String::from_utf8_lossy(&registered.stderr));
    let mut wrong = Vec::new();
    for &(to, caller, expected) in THROUGH_KAMAILIO {
        let mut all = ports(&lab, "BOB");
        all.extend([lab.setting("KAM_PORT"), lab.setting("SIPP_UAC_PORT"), lab.setting("SIPP_UAC_RTP")]);
        let Some(captured) = Captured::begin(&all) else { return };
        let password = if caller == "uac_register_wrong" { "wrong" } else { "secret" };
        lab.run(&["sipp", "uac", caller, &kamailio, "-d", "500"], &[("SIPP_TO", to), ("SIPP_PASS", password)]);
        let found = captured.findings(&[to, caller]);
        wrong.extend(difference(&format!("{to} with {caller}"), &found, expected));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
