//! `sipctl register` as a user runs it, against a registrar that answers by a script: exit codes, words, JSON, what is sent.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::io::Write;
use std::net::{SocketAddr, UdpSocket};
use std::process::{Command, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

/// What the registrar says to a request: status and header fields; `None` for silence.
type Answer = Option<(u16, String)>;

/// A registrar on loopback that answers by a rule, and hands on what it is asked. Ends with the test's process.
struct Registrar {
    address: SocketAddr,
    asked: Receiver<String>,
}

impl Registrar {
    fn new(rule: impl Fn(&str) -> Answer + Send + 'static) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let address = socket.local_addr().unwrap();
        let (tell, asked) = channel();
        std::thread::spawn(move || {
            let mut buffer = [0; 65_535];
            while let Ok((length, from)) = socket.recv_from(&mut buffer) {
                let request = String::from_utf8_lossy(&buffer[..length]).into_owned();
                if let Some((status, fields)) = rule(&request) {
                    let kept = |l: &&str| ["Via:", "From:", "Call-ID:", "CSeq:"].iter().any(|n| l.starts_with(n));
                    let mut response = format!("SIP/2.0 {status} Said\r\n");
                    request.lines().filter(kept).for_each(|l| response.push_str(&format!("{l}\r\n")));
                    response.push_str(&format!("To: {};tag=t\r\n", field(&request, "To").unwrap()));
                    response.push_str(&format!("{fields}Content-Length: 0\r\n\r\n"));
                    socket.send_to(response.as_bytes(), from).unwrap();
                }
                if tell.send(request).is_err() {
                    return;
                }
            }
        });
        Registrar { address, asked }
    }

    /// One that asks for credentials, and keeps a binding.
    fn good() -> Self {
        Registrar::new(|request| {
            if field(request, "Authorization").is_none() {
                return Some((401, CHALLENGE.to_owned()));
            }
            let contact = field(request, "Contact").filter(|_| field(request, "Expires").is_some_and(|e| e != "0"));
            Some((200, contact.map(|c| format!("Contact: {c}\r\nServer: Script\r\n")).unwrap_or_default()))
        })
    }

    fn aor(&self) -> String {
        format!("sip:alice@{}", self.address)
    }

    fn requests(&self) -> Vec<String> {
        // What was sent has been answered before the program ended, and told just after that.
        let mut requests = Vec::new();
        while let Ok(request) = self.asked.recv_timeout(Duration::from_millis(200)) {
            requests.push(request);
        }
        requests
    }
}

const CHALLENGE: &str = "WWW-Authenticate: Digest realm=\"here\", nonce=\"n1\", qop=\"auth\", algorithm=MD5\r\n";

fn field<'a>(message: &'a str, name: &str) -> Option<&'a str> {
    message.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
}

fn sipctl(words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sipctl"));
    command.arg("register").args(words).env("SIPCTL_PASSWORD", "open sesame").env_remove("SSLKEYLOGFILE");
    command.stdin(Stdio::null());
    command
}

/// Runs it to its end: exit code, standard output, standard error. The password is in neither.
fn run(command: &mut Command) -> (i32, String, String) {
    let Output { status, stdout, stderr } = command.output().unwrap();
    let (out, err) = (String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap());
    assert!(!out.contains("sesame") && !err.contains("sesame"), "{out}{err}");
    (status.code().unwrap(), out, err)
}

#[test]
fn a_trial_registers_and_takes_the_binding_away_again() {
    let registrar = Registrar::good();
    let (code, out, err) = run(&mut sipctl(&[&registrar.aor()]));
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    for words in [
        "REGISTER sip:alice@127.0.0.1",
        "challenge",
        "MD5, qop=auth, realm \"here\"",
        "registered",
        "for 300 s",
        "removed",
        "our binding is gone",
    ] {
        assert!(out.contains(words), "{words} in {out}");
    }
    let requests = registrar.requests();
    assert_eq!(requests.len(), 4, "{requests:#?}");
    assert!(requests[0].starts_with(&format!("REGISTER sip:{} SIP/2.0\r\n", registrar.address)), "{}", requests[0]);
    let sequence: Vec<_> = requests.iter().map(|r| field(r, "CSeq").unwrap()).collect();
    assert_eq!(sequence, ["1 REGISTER", "2 REGISTER", "3 REGISTER", "4 REGISTER"]);
    let expires: Vec<_> = requests.iter().map(|r| field(r, "Expires")).collect();
    assert_eq!(expires, [Some("300"), Some("300"), Some("0"), None]);
    assert!(requests.iter().all(|r| field(r, "Call-ID") == field(&requests[0], "Call-ID")));
}

/// The query at the end changes nothing, so it is not what became of the registration.
#[test]
fn the_ladder_calls_a_trial_removed_and_a_query_queried() {
    for (option, state) in [("--expires=5m", "removed"), ("--query", "queried")] {
        let registrar = Registrar::good();
        let (code, out, err) = run(&mut sipctl(&[&registrar.aor(), option, "--ladder"]));
        assert_eq!(code, 0, "{err}");
        let row = out.lines().skip_while(|l| !l.starts_with("#  time")).nth(1).unwrap();
        assert!(row.contains(&format!("  {state}")), "{option}: {row}");
    }
}

#[test]
fn json_says_it_all_and_fits_its_schema() {
    let registrar = Registrar::good();
    let (code, out, err) = run(&mut sipctl(&[&registrar.aor(), "--json"]));
    assert_eq!(code, 0, "{err}");
    assert!(out.starts_with("{\"schema\":\"sipctl.register/1\""), "{out}");
    let told: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!((&told["result"]["ok"], &told["removed"]), (&true.into(), &true.into()));
    assert_eq!(told["messages"].as_array().unwrap().len(), 8);
    assert_eq!(told["challenges"][0]["algorithm"], "MD5");
    assert_eq!(told["bindings"][0]["own"], true);
    let schema = Command::new(env!("CARGO_BIN_EXE_sipctl")).args(["schema", "register"]).output().unwrap();
    let schema: serde_json::Value = serde_json::from_slice(&schema.stdout).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let faults: Vec<_> = validator.iter_errors(&told).map(|e| format!("{e} at {}", e.instance_path())).collect();
    assert_eq!(faults, Vec::<String>::new());
}

#[test]
fn ndjson_tells_each_transaction_as_it_ends_and_then_the_summary() {
    let registrar = Registrar::good();
    let (code, out, _) = run(&mut sipctl(&[&registrar.aor(), "--format", "ndjson"]));
    assert_eq!(code, 0);
    let kinds: Vec<serde_json::Value> = out.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert_eq!(kinds.last().unwrap()["type"], "summary");
    assert_eq!(kinds.iter().filter(|k| k["type"] == "message").count(), 8);
    let attempts: Vec<_> = kinds.iter().take_while(|k| k["type"] == "attempt").map(|k| k["status"].clone()).collect();
    assert_eq!(attempts, [401, 200, 200, 200]);
}

/// A binding that is kept for an hour is told of when it is made, not an hour later.
#[test]
fn ndjson_does_not_wait_for_the_end() {
    let registrar = Registrar::good();
    let mut child = sipctl(&[&registrar.aor(), "--keep", "1h", "--format", "ndjson"])
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(child.stdout.take().unwrap()));
    for status in [401, 200] {
        let line: serde_json::Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
        assert_eq!((&line["type"], &line["status"]), (&"attempt".into(), &status.into()));
    }
    let pid = nix::unistd::Pid::from_raw(i32::try_from(child.id()).unwrap());
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGINT).unwrap();
    let rest: Vec<String> = lines.map(Result::unwrap).collect();
    assert!(rest.last().unwrap().contains("\"type\":\"summary\""), "{rest:?}");
    assert_eq!(child.wait().unwrap().code(), Some(130));
}

#[test]
fn a_wrong_password_is_tried_once_and_is_exit_5() {
    let registrar = Registrar::new(|_| Some((401, CHALLENGE.replace("n1", "n2"))));
    let (code, out, err) = run(&mut sipctl(&[&registrar.aor()]));
    assert_eq!(code, 5);
    assert!(out.contains("the credentials were refused") && err.contains("--auth-user"), "{out}{err}");
    assert_eq!(registrar.requests().len(), 2);
}

#[test]
fn a_challenge_without_a_password_is_exit_5_with_a_hint() {
    let registrar = Registrar::good();
    let (code, out, err) = run(sipctl(&[&registrar.aor()]).env_remove("SIPCTL_PASSWORD"));
    assert_eq!(code, 5);
    assert!(out.contains("there is no password") && err.contains("--password-file"), "{out}{err}");
    assert_eq!(registrar.requests().len(), 1);
}

#[test]
fn other_rejections_and_missing_bindings_are_exit_1() {
    let registrar = Registrar::new(|_| Some((404, String::new())));
    let (code, out, _) = run(&mut sipctl(&[&registrar.aor()]));
    assert_eq!((code, out.contains("404 Said")), (1, true), "{out}");
    let registrar = Registrar::new(|_| Some((200, "Contact: <sip:else@192.0.2.1>;expires=9\r\n".to_owned())));
    let (code, out, err) = run(&mut sipctl(&[&registrar.aor()]));
    assert_eq!((code, out.contains("does not list our binding")), (1, true), "{out}");
    assert!(err.contains("--contact"), "{err}");
    let registrar = Registrar::new(|_| Some((302, "Contact: <sip:r2.example.com>\r\n".to_owned())));
    let (code, out, _) = run(&mut sipctl(&[&registrar.aor()]));
    assert_eq!((code, out.contains("Contact: <sip:r2.example.com>")), (1, true), "{out}");
}

#[test]
fn silence_is_exit_3_after_the_timeout() {
    let registrar = Registrar::new(|_| None);
    let begun = Instant::now();
    let (code, out, _) = run(&mut sipctl(&[&registrar.aor(), "--timeout", "400ms", "--t1", "100ms"]));
    assert_eq!((code, out.contains("no answer")), (3, true), "{out}");
    assert!(begun.elapsed() >= Duration::from_millis(400));
    // At 0, 100 and 300 ms. RFC 3261 §17.1.2.2
    assert_eq!(registrar.requests().len(), 3);
}

#[test]
fn a_closed_port_is_exit_4() {
    let closed = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (code, out, _) = run(&mut sipctl(&[&format!("sip:alice@{closed}")]));
    assert_eq!((code, out.contains("FAILED")), (4, true), "{out}");
}

#[test]
fn usage_errors_are_exit_2() {
    for (words, said) in [
        (&["sip:127.0.0.1"][..], "names nobody"),
        (&["sip:alice@127.0.0.1:0x"][..], "no address of record"),
        (&["sip:alice@127.0.0.1", "--query", "--remove-all"][..], "cannot be used with"),
        (&["sip:127.0.0.1", "--users", "/nonexistent/users.csv"][..], "cannot read /nonexistent/users.csv"),
    ] {
        let (code, out, err) = run(&mut sipctl(words));
        assert_eq!((code, out.as_str()), (2, ""), "{err}");
        assert!(err.contains(said), "{said} in {err}");
    }
}

#[test]
fn an_interrupted_keeper_removes_its_binding() {
    let registrar = Registrar::good();
    let mut child =
        sipctl(&[&registrar.aor(), "--keep", "10m"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // The second request is the one with credentials.
    for _ in 0..2 {
        registrar.asked.recv_timeout(Duration::from_secs(20)).unwrap();
    }
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(child.id() as i32), nix::sys::signal::Signal::SIGINT).unwrap();
    let removal = registrar.asked.recv_timeout(Duration::from_secs(20)).unwrap();
    assert_eq!(field(&removal, "Expires"), Some("0"), "{removal}");
    assert_eq!(child.wait().unwrap().code(), Some(130));
}

#[test]
fn a_dry_run_shows_the_request_and_sends_nothing() {
    let registrar = Registrar::good();
    let (code, out, _) = run(&mut sipctl(&[&registrar.aor(), "--dry-run"]));
    assert_eq!(code, 0);
    assert!(out.contains("REGISTER sip:127.0.0.1") && out.contains("Expires: 300"), "{out}");
    assert_eq!(registrar.requests().len(), 0);
}

#[test]
fn many_accounts_are_summed_up() {
    let registrar = Registrar::new(|request| {
        if request.contains("sip:mallory@") {
            return Some((403, String::new()));
        }
        let contact = field(request, "Contact").filter(|_| field(request, "Expires").is_some_and(|e| e != "0"));
        Some((200, contact.map(|c| format!("Contact: {c}\r\n")).unwrap_or_default()))
    });
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(b"user,password\nalice,one\nmallory,two\nbob,three,bob-auth\n").unwrap();
    let path = file.path().to_str().unwrap();
    let place = format!("sip:{}", registrar.address);
    let (code, out, _) = run(&mut sipctl(&[&place, "--users", path]));
    assert_eq!((code, out.contains("3 accounts: 2 ok, 1 failed")), (1, true), "{out}");
    assert!(out.contains("403 Said") && !out.contains("two"), "{out}");
    let (code, out, _) = run(&mut sipctl(&[&place, "--users", path, "--json"]));
    let told: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, told["accounts"].as_array().unwrap().len()), (1, 3));
    assert_eq!(told["accounts"][1]["result"]["code"], 1);
}
