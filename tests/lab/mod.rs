//! Real SIP servers on loopback for a test: started from the lab beside the project, stopped when the test ends.

// Each test takes what it needs of it.
#![allow(dead_code, clippy::expect_used, clippy::panic, clippy::unwrap_used)]

use std::collections::HashMap;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

/// A running part of the lab, with a folder of its own.
pub struct Lab {
    scripts: PathBuf,
    work: tempfile::TempDir,
    settings: Vec<(String, String)>,
    started: Vec<Vec<String>>,
}

/// The lab, where its scripts and the programs that are needed are there; `None`, said aloud, where they are not.
pub fn lab(programs: &[&str], settings: &[(&str, &str)]) -> Option<Lab> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared");
    let scripts = std::env::var_os("SIPCTL_SHARED").map_or_else(beside, PathBuf::from).join("lab");
    if !scripts.is_dir() {
        eprintln!("skipped: {} is not there (SIPCTL_SHARED names its parent)", scripts.display());
        return None;
    }
    for program in programs {
        let found = Command::new("sh").args(["-c", &format!("command -v {program}")]).stdout(Stdio::null()).status();
        if !found.expect("there is a shell").success() {
            eprintln!("skipped: {program} is not installed");
            return None;
        }
    }
    let work = tempfile::tempdir().expect("a temporary folder");
    let mut settings: Vec<_> = settings.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    if std::net::UdpSocket::bind("[::1]:0").is_err() {
        eprintln!("left out: this host has no IPv6");
        settings.push(("LAB_IP6".to_owned(), String::new()));
    }
    let scripts = scripts.canonicalize().expect("the scripts lie somewhere");
    Some(Lab { scripts, work, settings, started: Vec::new() })
}

impl Lab {
    /// Runs a script of the lab to its end: `["kamailio", "rpc", "ul.dump"]`.
    pub fn run(&self, words: &[&str], settings: &[(&str, &str)]) -> Output {
        // The servers that a script leaves behind hold its outputs open: so they go into files.
        let said = tempfile::NamedTempFile::new_in(&self.work).expect("a file");
        let errors = tempfile::NamedTempFile::new_in(&self.work).expect("a file");
        let status = Command::new("bash")
            .arg(self.scripts.join(format!("{}.sh", words[0])))
            .args(&words[1..])
            .env("WORK", self.work.path())
            .envs(self.settings.iter().map(|(k, v)| (k, v)))
            .envs(settings.iter().copied())
            .stdin(Stdio::null())
            .stdout(said.reopen().expect("it is there"))
            .stderr(errors.reopen().expect("it is there"))
            .status()
            .expect("bash runs");
        let read = |file: &tempfile::NamedTempFile| std::fs::read(file.path()).expect("it is there");
        Output { status, stdout: read(&said), stderr: read(&errors) }
    }

    /// Starts a part, to be stopped by `stop` when the lab goes: `start(&["kamailio", "start"], &["kamailio", "stop"], &[])`.
    pub fn start(&mut self, words: &[&str], stop: &[&str], settings: &[(&str, &str)]) {
        let done = self.run(words, settings);
        self.started.push(stop.iter().map(|w| (*w).to_owned()).collect());
        assert!(
            done.status.success(),
            "{words:?}: {}{}",
            String::from_utf8_lossy(&done.stdout),
            String::from_utf8_lossy(&done.stderr)
        );
    }

    /// The ports and addresses that the lab chose.
    pub fn settings(&self) -> HashMap<String, String> {
        let text = std::fs::read_to_string(self.work.path().join("lab.env")).unwrap_or_default();
        // What the scripts take for granted, they do not write down.
        let assumed = [("LAB_IP", "127.0.0.1"), ("LAB_IP6", "::1"), ("LAB_DOMAIN", "lab.example.test")];
        let written = text.lines().filter_map(|l| l.split_once('='));
        let known = assumed.into_iter().chain(written).map(|(k, v)| (k.to_owned(), v.to_owned()));
        known.chain(self.settings.iter().cloned()).collect()
    }

    /// One of them.
    pub fn setting(&self, name: &str) -> String {
        self.settings().remove(name).unwrap_or_else(|| panic!("the lab has no {name}"))
    }

    /// A caller of SIPp that has to be content.
    pub fn sipp(&self, scenario: &str, at: &str, more: &[&str]) {
        let done = self.run(&[&["sipp", "uac", scenario, at][..], more].concat(), &[]);
        let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        assert!(done.status.success(), "{scenario}: {}{}", said(&done.stdout), said(&done.stderr));
    }

    /// A server of raw bytes (rawuas.py), and its port: another is tried where somebody else took the first.
    pub fn raw_server(&self, mode: &str, tcp: bool) -> (Child, String) {
        for _ in 0..10 {
            // The socket is gone at the end of the line: the port is to be had again.
            let free = std::net::UdpSocket::bind("127.0.0.1:0").and_then(|socket| socket.local_addr());
            let port = free.expect("a free port").port().to_string();
            let mut command = Command::new("python3");
            command.arg(self.scripts.join("rawuas.py")).args(["--mode", mode, "--port", &port]);
            if tcp {
                command.arg("--tcp");
            }
            let mut server = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("python3 runs");
            let mut ready = String::new();
            let said = server.stdout.take().expect("piped");
            BufReader::new(said).read_line(&mut ready).expect("it can be read");
            if ready.starts_with("ready") {
                return (server, port);
            }
            // It may have ended by itself.
            server.kill().ok();
            server.wait().expect("it ends");
        }
        panic!("rawuas.py found no free port for {mode} in ten attempts");
    }

    /// The folder of this run: certificates are in `tls/`.
    pub fn folder(&self) -> &Path {
        self.work.path()
    }

    /// The folder of the scripts.
    pub fn scripts(&self) -> &Path {
        &self.scripts
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        for stop in std::mem::take(&mut self.started).iter().rev() {
            let words: Vec<&str> = stop.iter().map(String::as_str).collect();
            self.run(&words, &[]);
        }
    }
}
