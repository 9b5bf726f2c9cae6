//! A started sipctl whose lines are waited for with a deadline.

// Each test program takes the part that it needs.
#![allow(dead_code)]

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

/// Longer than anything takes on a busy machine; only a failing test waits for it.
const DEADLINE: Duration = Duration::from_secs(40);

/// A sipctl that runs.
pub struct Running {
    child: Child,
    /// Its process.
    pub pid: u32,
    out: Receiver<String>,
    err: Receiver<String>,
    /// What was said so far, for the message of a failing test.
    said: Vec<String>,
}

fn lines(from: impl std::io::Read + Send + 'static) -> Receiver<String> {
    let (send, receive) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(from).lines() {
            let Ok(line) = line else { return };
            if send.send(line).is_err() {
                return;
            }
        }
    });
    receive
}

impl Running {
    /// Starts `sipctl decode` with these arguments.
    pub fn decode(args: &[&str]) -> Running {
        let mut command = Command::new(assert_cmd::cargo::cargo_bin!("sipctl"));
        command.arg("decode").args(args);
        Running::start(command)
    }

    /// Starts a command.
    pub fn start(mut command: Command) -> Running {
        let mut child =
            command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("sipctl starts");
        let out = lines(child.stdout.take().expect("piped"));
        let err = lines(child.stderr.take().expect("piped"));
        Running { pid: child.id(), child, out, err, said: Vec::new() }
    }

    /// Starts `sipctl serve` on UDP, and gives where it listens. Who asks callers for a password asks for that of the lab.
    pub fn serve(args: &[&str]) -> (Running, String) {
        Running::serve_at("127.0.0.1", args)
    }

    /// The same at an address of its own: `[::1]`.
    pub fn serve_at(address: &str, args: &[&str]) -> (Running, String) {
        let mut command = Command::new(assert_cmd::cargo::cargo_bin!("sipctl"));
        let listen = format!("udp:{address}:0");
        command.arg("serve").args(args).args(["--listen", &listen]).env("SIPCTL_PASSWORD", "secret");
        let mut running = Running::start(command);
        let place = running.line("listening on ");
        (running, place.rsplit_once("udp:").expect("a place").1.to_owned())
    }

    /// Ends it as Ctrl-C does; what it had still to say.
    pub fn interrupted(self) -> Vec<String> {
        self.signal(nix::sys::signal::Signal::SIGINT);
        let (code, out, err) = self.end();
        assert!(code == Some(130) && err.is_empty(), "{code:?} {out:?} {err:?}");
        out
    }

    fn wait_for(said: &mut Vec<String>, from: &Receiver<String>, what: &str) -> String {
        let end = Instant::now() + DEADLINE;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            match from.recv_timeout(left) {
                Ok(line) => {
                    said.push(line.clone());
                    if line.contains(what) {
                        return line;
                    }
                }
                Err(_) => panic!("no line with '{what}'; said so far:\n{}", said.join("\n")),
            }
        }
    }

    /// The next line of its standard output that holds `what`.
    pub fn line(&mut self, what: &str) -> String {
        Self::wait_for(&mut self.said, &self.out, what)
    }

    /// The next line of its standard error that holds `what`.
    pub fn error_line(&mut self, what: &str) -> String {
        Self::wait_for(&mut self.said, &self.err, what)
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: nix::sys::signal::Signal) {
        let pid = nix::unistd::Pid::from_raw(self.pid as i32);
        nix::sys::signal::kill(pid, signal).expect("it runs");
    }

    /// Waits for its end: exit code, what was left of its output, of its errors.
    pub fn end(mut self) -> (Option<i32>, Vec<String>, Vec<String>) {
        let end = Instant::now() + DEADLINE;
        let rest = |from: &Receiver<String>| {
            let mut lines = Vec::new();
            loop {
                match from.recv_timeout(end.saturating_duration_since(Instant::now())) {
                    Ok(line) => lines.push(line),
                    Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => return lines,
                    Err(_) => panic!("it does not end; said so far:\n{}", lines.join("\n")),
                }
            }
        };
        let (out, err) = (rest(&self.out), rest(&self.err));
        let status = self.child.wait().expect("it ends");
        (status.code(), out, err)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It has ended already, unless the test failed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A message of call `call_id`: `INVITE`, `200 INVITE` …; `b` is the callee's tag.
pub fn message(start: &str, branch: &str, cseq: u32, call_id: &str) -> Vec<u8> {
    let (line, method) = match start.split_once(' ') {
        Some((status, method)) => (format!("SIP/2.0 {status} Words"), method),
        None => (format!("{start} sip:bob@example.test SIP/2.0"), start),
    };
    let tag = if start == "INVITE" || start == "OPTIONS" { "" } else { ";tag=b" };
    format!(
        "{line}\r\nVia: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK{branch}\r\nMax-Forwards: 70\r\n\
         From: <sip:alice@example.test>;tag=a\r\nTo: <sip:bob@example.test>{tag}\r\nCall-ID: {call_id}\r\n\
         CSeq: {cseq} {method}\r\nContact: <sip:x@192.0.2.1>\r\nContent-Length: 0\r\n\r\n"
    )
    .into_bytes()
}

/// The messages of a completed call, with whether the caller sends each.
pub fn call(call_id: &str) -> Vec<(bool, Vec<u8>)> {
    [
        (true, "INVITE", "i", 1),
        (false, "180 INVITE", "i", 1),
        (false, "200 INVITE", "i", 1),
        (true, "ACK", "k", 1),
        (true, "BYE", "b", 2),
        (false, "200 BYE", "b", 2),
    ]
    .map(|(forth, start, branch, cseq)| (forth, message(start, &format!("{branch}{call_id}"), cseq, call_id)))
    .into()
}
