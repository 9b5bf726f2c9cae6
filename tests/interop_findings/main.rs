//! What is found in calls between real SIP software: every scenario of SIPp with each other and through Kamailio, every mode of the raw callee, every
//! special user, captured on the loopback. Tables say what is found in each, and nothing of weight beside.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod capture;
#[path = "../lab/mod.rs"]
mod lab;
mod table;

use capture::Captured;
use lab::{Lab, lab};
use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use table::{Row, rows};

/// Calls between two SIPps, ping and registration.
const CALLS: &str = include_str!("calls.txt");
/// Broken answers.
const ANSWERS: &str = include_str!("answers.txt");
/// Registrars.
const REGISTRARS: &str = include_str!("registrars.txt");
/// Answers that SIPp cannot give.
const RAW: &str = include_str!("raw.txt");
/// Calls and registrations through Kamailio.
const KAMAILIO: &str = include_str!("kamailio.txt");

/// Rows of a table that run side by side: they wait more than they work.
const SIDE_BY_SIDE: usize = 12;
/// Rows that get a second look, by themselves: on a busy machine a healthy server is slow.
const AGAIN: usize = 8;

/// Two addresses of the loopback that nobody else uses, so that no two rows share a port, and a capture by address holds a row and nothing else.
fn addresses() -> (String, String) {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let n = NEXT.fetch_add(1, Ordering::Relaxed);
    let process = std::process::id() as usize;
    let net = format!("127.{}.{}", 64 + process % 128, process / 128 % 128 + n / 120 % 2 * 128);
    (format!("{net}.{}", n % 120 * 2 + 2), format!("{net}.{}", n % 120 * 2 + 3))
}

/// The rows that this run is of: those whose name holds `SIPCTL_ROW`, all without it.
fn chosen(table: &str) -> Vec<Row> {
    let word = std::env::var("SIPCTL_ROW").unwrap_or_default();
    rows(table).into_iter().filter(|row| row.name().contains(&word)).collect()
}

/// Runs `work` for each row, several at once, those that differ once more alone; says which differ from the table still.
fn compare(table: &str, lanes: usize, work: impl Fn(&Row) -> Option<Vec<String>> + Sync) {
    let all = chosen(table);
    let next = AtomicUsize::new(0);
    let differing = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..lanes {
            scope.spawn(|| {
                while let Some(row) = all.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let difference = work(row).and_then(|found| row.difference(&found));
                    if let Some(difference) = difference {
                        eprintln!("{difference}");
                        differing.lock().unwrap().push(row);
                    }
                }
            });
        }
    });
    let differing = differing.into_inner().unwrap();
    assert!(differing.len() <= AGAIN, "{} rows differ from the table", differing.len());
    let again = differing.iter().filter_map(|row| row.difference(&work(row)?));
    let wrong: Vec<String> = again.collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// SIPp ends a scenario that went astray with a BYE of its own, for calls that never were up: not here.
const QUIET: [&str; 2] = ["-default_behaviors", "all,-bye"];

/// What a row tells the scripts of the lab.
fn settings(row: &Row) -> Vec<(&str, &str)> {
    row.settings.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
}

/// Lets a row's caller call `to`.
fn call(lab: &Lab, row: &Row, own: &str, to: &str) {
    let words = row.caller_words.iter().map(String::as_str);
    if let Some(command) = row.caller.strip_prefix("sipctl-") {
        let mut sipctl = Command::new(env!("CARGO_BIN_EXE_sipctl"));
        let user = row.settings.iter().find(|(name, _)| name == "SIPP_USER").map_or("alice", |(_, user)| user);
        match command {
            "ping" => sipctl.args(["ping", to]),
            _ => sipctl.args(["register", &format!("sip:{user}@lab.example.test"), "--via", &format!("sip:{to}")]),
        };
        sipctl.args(words).env("SIPCTL_PASSWORD", "secret").stdin(Stdio::null());
        sipctl.output().unwrap();
    } else {
        let mut all = vec!["sipp", "uac", &row.caller, to, "-d", "500", "-ci", own];
        all.extend(QUIET.into_iter().chain(words));
        lab.run(&all, &[&settings(row)[..], &[("SIPP_IP", own)]].concat());
    }
    std::thread::sleep(Duration::from_secs(row.linger));
}

/// Two SIPps, or a SIPp and sipctl, by themselves.
fn pair(row: &Row) -> Option<Vec<String>> {
    let (own, other) = addresses();
    let lab = lab(&["sipp", "ss", "tcpdump"], &[("SIPP_TIMEOUT", "40"), ("LAB_IP", &own)])?;
    let mut words = vec!["sipp", "uas", "callee", &row.callee, "-ci", &own];
    words.extend(QUIET);
    words.extend(row.callee_words.iter().map(String::as_str));
    let started = lab.run(&words, &settings(row));
    assert!(started.status.success(), "{}: {}", row.name(), String::from_utf8_lossy(&started.stderr));
    let captured = Captured::begin(&own, &format!("host {own} or host {other}"))?;
    call(&lab, row, &own, &format!("{own}:{}", lab.setting("SIPP_CALLEE")));
    let found = captured.findings(&row.name());
    lab.run(&["sipp", "stop", "callee"], &[]);
    Some(found)
}

#[test]
fn calls_between_two_sipps() {
    compare(CALLS, SIDE_BY_SIDE, pair);
}

#[test]
fn broken_answers() {
    compare(ANSWERS, SIDE_BY_SIDE, pair);
}

#[test]
fn registrars() {
    compare(REGISTRARS, SIDE_BY_SIDE, pair);
}

/// A raw callee and a caller.
fn raw(row: &Row) -> Option<Vec<String>> {
    let (own, other) = addresses();
    let lab = lab(&["python3", "sipp", "ss", "tcpdump"], &[("SIPP_TIMEOUT", "40"), ("LAB_IP", &own)])?;
    let mut python = Command::new("python3");
    python.arg(lab.scripts().join("rawuas.py")).args(["--mode", &row.callee, "--bind", &own, "--other-ip", &other]);
    let mut callee = python.args(&row.callee_words).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut said = String::new();
    BufReader::new(callee.stdout.take().unwrap()).read_line(&mut said).unwrap();
    let port = said.trim().strip_prefix("ready ").unwrap().to_owned();
    let found = Captured::begin(&own, &format!("host {own} or host {other}")).map(|captured| {
        call(&lab, row, &own, &format!("{own}:{port}"));
        captured.findings(&row.name())
    });
    callee.kill().unwrap();
    callee.wait().unwrap();
    found
}

#[test]
fn answers_that_sipp_cannot_give() {
    compare(RAW, SIDE_BY_SIDE, raw);
}

/// A Kamailio with bob, who answers, and carol, who is busy.
struct Lane {
    lab: Lab,
    own: String,
    to: String,
}

impl Lane {
    fn begin() -> Option<Lane> {
        let (own, _) = addresses();
        // A connection that is refused is told of ports that are those of SIP.
        let settings = [("SIPP_TIMEOUT", "40"), ("LAB_IP", &own), ("LAB_IP6", ""), ("DEAD_PORT", "5060")];
        let mut lab = lab(&["kamailio", "openssl", "ss", "sipp", "tcpdump"], &settings)?;
        lab.start(&["kamailio", "start"], &["kamailio", "stop"], &[]);
        let to = format!("{own}:{}", lab.setting("KAM_PORT"));
        for (name, scenario) in [("bob", "uas_answer"), ("carol", "uas_reject")] {
            lab.start(&["sipp", "uas", name, scenario, "-rtp_echo", "-ci", &own], &["sipp", "stop", name], &[]);
            let port = lab.setting(&format!("SIPP_{}", name.to_uppercase()));
            let bound = [("SIPP_USER", name), ("SIPP_CONTACT_PORT", &port), ("SIPP_EXPIRES", "3000")];
            let done = lab.run(&["sipp", "uac", "uac_register", &to, "-ci", &own], &bound);
            assert!(done.status.success(), "{name}: {}", String::from_utf8_lossy(&done.stderr));
        }
        Some(Lane { lab, own, to })
    }

    /// What is found when the row's caller calls the user, or registers as the user. The caller has an address of its own: what is still sent to the one
    /// of the row before is not captured.
    fn findings(&self, row: &Row) -> Option<Vec<String>> {
        let (caller, _) = addresses();
        let own = &self.own;
        if let Some(scenario) = &row.behind {
            let port = self.lab.setting("SIPP_UAS");
            let words = [&["sipp", "uas", "behind", scenario, "-ci", own], &QUIET[..]].concat();
            let done = self.lab.run(&words, &[&settings(row)[..], &[("SIPP_PORT", port.as_str())]].concat());
            assert!(done.status.success(), "{}: {}", row.name(), String::from_utf8_lossy(&done.stderr));
        }
        // Kamailio and its callees among themselves, and what it sends without choosing an address for itself.
        let inside = format!("(src host {own} and dst host {own}) or (host {own} and host 127.0.0.1)");
        let captured = Captured::begin(&caller, &format!("host {caller} or {inside}"))?;
        let mut told = row.clone();
        let user = if row.registers() { "SIPP_USER" } else { "SIPP_TO" };
        told.settings.push((user.to_owned(), row.callee.clone()));
        call(&self.lab, &told, &caller, &self.to);
        let found = captured.findings(&row.name());
        self.lab.run(&["sipp", "stop", "behind"], &[]);
        Some(found)
    }
}

#[test]
fn through_kamailio() {
    const LANES: usize = 5;
    let lanes: Mutex<Vec<Lane>> = Mutex::default();
    compare(KAMAILIO, LANES, |row| {
        let lane = lanes.lock().unwrap().pop();
        let lane = lane.or_else(Lane::begin)?;
        let found = lane.findings(row);
        lanes.lock().unwrap().push(lane);
        found
    });
}

/// A scenario, a mode or a user that the lab has and no row names is one that nobody has looked at.
#[test]
fn nothing_of_the_lab_is_left_out() {
    let Some(lab) = lab(&["python3"], &[]) else { return };
    let tables: Vec<Row> = [CALLS, ANSWERS, REGISTRARS, KAMAILIO].into_iter().flat_map(rows).collect();
    let used: BTreeSet<String> =
        tables.iter().flat_map(|row| [&row.callee, &row.caller].into_iter().chain(&row.behind)).cloned().collect();
    let files = std::fs::read_dir(lab.scripts().join("sipp")).unwrap();
    let scenarios = files.map(|file| file.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned());
    let mut missing: Vec<String> = scenarios.filter(|scenario| !used.contains(scenario)).collect();

    let listed = Command::new("python3").arg(lab.scripts().join("rawuas.py")).arg("--list").output().unwrap();
    let modes: BTreeSet<String> = rows(RAW).into_iter().map(|row| row.callee).collect();
    let listed = String::from_utf8(listed.stdout).unwrap();
    let listed = listed.lines().filter_map(|line| line.split_whitespace().next());
    missing.extend(listed.filter(|mode| !modes.contains(*mode)).map(str::to_owned));

    // Each user that Kamailio's configuration treats by name: those of REGISTER, then those of calls.
    let configuration = std::fs::read_to_string(lab.scripts().join("kamailio/kamailio.cfg.in")).unwrap();
    let mut registers = false;
    for line in configuration.lines().map(str::trim) {
        registers = if line.starts_with("route[") { line.starts_with("route[REGISTER]") } else { registers };
        let named = line.strip_prefix("case \"").or_else(|| line.strip_prefix("if ($tU == \""));
        let Some(user) = named.and_then(|rest| rest.split('"').next()) else { continue };
        let is_row = |row: &Row| row.callee == user && row.registers() == registers;
        if !rows(KAMAILIO).iter().any(is_row) {
            missing.push(format!("{user} ({})", if registers { "REGISTER" } else { "calls" }));
        }
    }
    assert!(missing.is_empty(), "no row for {missing:?}");
}
