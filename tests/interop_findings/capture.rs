//! What passes on the addresses of a row, and what `sipctl decode` finds in it.

// Each test program takes the part that it needs.
#![allow(dead_code)]

use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::net::UdpSocket;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A capture under way.
pub struct Captured {
    tcpdump: Child,
    file: tempfile::TempPath,
    marker: UdpSocket,
}

impl Captured {
    /// Begins with what passes the `filter`, which has to let pass what `own`, an address of this host, sends to itself; `None`, said aloud, where
    /// the system does not allow it. By address, and not by port, since ICMP errors have none.
    pub fn begin(own: &str, filter: &str) -> Option<Captured> {
        // Its own datagram is the last that is waited for.
        let marker = UdpSocket::bind((own, 0)).unwrap();
        let file = tempfile::NamedTempFile::new().unwrap().into_temp_path();
        let mut command = Command::new("tcpdump");
        command.args(["-i", "lo", "-U", "-s", "0", "-B", "4096", "--immediate-mode", "-Z", "root", "-w"]).arg(&file);
        let mut tcpdump = command.arg(filter).stderr(Stdio::piped()).spawn().unwrap();
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

    /// Ends when all that was sent before is in the file.
    pub fn end(mut self) -> tempfile::TempPath {
        const MARK: &[u8] = b"that was all of it";
        let end = Instant::now() + Duration::from_secs(20);
        let has_mark = |file: &Path| std::fs::read(file).unwrap().windows(MARK.len()).any(|part| part == MARK);
        self.marker.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
        while !has_mark(&self.file) {
            assert!(Instant::now() < end, "tcpdump wrote nothing for twenty seconds");
            self.marker.send_to(MARK, self.marker.local_addr().unwrap()).unwrap();
            let _ = self.marker.recv(&mut [0; 64]);
        }
        self.tcpdump.kill().unwrap();
        self.tcpdump.wait().unwrap();
        self.file
    }

    /// Ends it; what `decode` finds in it: `severity:code`, sorted. The captures stay in the folder that `SIPCTL_KEEP_CAPTURES` names, under the
    /// `name` of the row.
    pub fn findings(self, name: &str) -> Vec<String> {
        let file = self.end();
        if let Some(folder) = std::env::var_os("SIPCTL_KEEP_CAPTURES") {
            std::fs::copy(&file, Path::new(&folder).join(format!("{name}.pcap"))).unwrap();
        }
        let done = Command::new(env!("CARGO_BIN_EXE_sipctl")).args(["decode", "--json"]).arg(&file).output().unwrap();
        let json: Value = serde_json::from_slice(&done.stdout).unwrap();
        let word = |f: &Value, name: &str| f[name].as_str().unwrap().to_owned();
        let all = json["findings"].as_array().unwrap();
        let mut found: Vec<String> =
            all.iter().map(|f| format!("{}:{}", word(f, "severity"), word(f, "code"))).collect();
        found.sort();
        found.dedup();
        found
    }
}
