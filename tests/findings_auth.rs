//! What `decode --credentials` says of refused credentials, and what the other options of the diagnosis take.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, dead_code)]

mod support;

use serde_json::Value;
use sipctl::digest::Algorithm;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use support::message::Message;
use support::room::testdata;
use support::scene::Scene;
use support::scenes::{alice, proxy};

fn decode(options: &[&str], capture: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_sipctl")).arg("decode").args(options).arg(capture).output().unwrap()
}

/// A credentials file that only its owner may read.
fn secrets(folder: &Path, text: &str) -> PathBuf {
    let path = folder.join("secrets");
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    path
}

/// Titles of `auth-wrong-credentials` in a capture, with these lines as credentials file. No password of them is in the output.
fn told(capture: &Path, lines: &str) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let path = secrets(folder.path(), lines);
    let done = decode(&["--json", "--credentials", path.to_str().unwrap()], capture);
    assert_eq!((done.status.code(), String::from_utf8_lossy(&done.stderr).as_ref()), (Some(0), ""));
    let text = String::from_utf8(done.stdout).unwrap();
    for line in lines.lines() {
        let secret = line.rsplit(':').next().unwrap();
        assert!(!text.contains(secret), "{secret} is in the output");
    }
    let json: Value = serde_json::from_str(&text).unwrap();
    let wrong = json["findings"].as_array().unwrap().iter().filter(|f| f["code"] == "auth-wrong-credentials");
    wrong.map(|f| f["title"].as_str().unwrap().rsplit(": ").next().unwrap().to_owned()).collect()
}

/// The capture was made with the password `secred`.
#[test]
fn the_input_that_differs_is_named() {
    let capture = testdata("findings/auth-wrong-credentials.pcap");
    for (lines, title) in [
        ("alice:example.com:hunter2", "the password differs"),
        ("alice::hunter2", "the password differs"),
        ("alice:example.com:SECRED", "the password was typed in lower case"),
        ("bob:example.com:secred", "the user name has to be bob"),
        ("alice:example.org:secred", "the realm of the password is example.org"),
        ("bob:example.com:hunter2", "the credentials file knows no such user in the realm example.com"),
    ] {
        assert_eq!(told(&capture, lines), [title], "{lines}");
    }
    let right = told(&capture, "alice:example.com:secred");
    assert!(right[0].contains("knows another one"), "{right:?}");
    // printf 'alice:example.com:secred' | md5sum
    let ha1 = Algorithm::Md5.hash(b"alice:example.com:secred");
    assert_eq!(told(&capture, &format!("alice:example.com:{ha1}")), right);
    // Of a realm that the file does not speak of nothing is known.
    assert_eq!(told(&capture, "alice:elsewhere:hunter2"), ["the password or the user name is wrong"]);
}

/// MESSAGE with a body under auth-int, refused twice; the hash is that of `signed`.
fn auth_int(signed: &str) -> Vec<u8> {
    let h = |text: String| Algorithm::Md5.hash(text.as_bytes());
    let (a, p) = (alice(), proxy());
    let challenge = "Digest realm=\"example.com\", nonce=\"n1\", algorithm=MD5, qop=\"auth-int\"";
    let ha2 = h(format!("MESSAGE:sip:proxy@example.com:{}", h(signed.to_owned())));
    let ha1 = h("alice:example.com:opensesame".to_owned());
    let response = h(format!("{ha1}:n1:00000001:c1:auth-int:{ha2}"));
    let credentials = format!(
        "Digest username=\"alice\", realm=\"example.com\", nonce=\"n1\", uri=\"sip:proxy@example.com\", \
         response=\"{response}\", algorithm=MD5, cnonce=\"c1\", nc=00000001, qop=auth-int"
    );
    let ask = |cseq| Message::request("MESSAGE", &a, &p, "int@192.0.2.10", cseq).body("text/plain", "hello");
    let mut s = Scene::new();
    s.at(0).send(&a, &p, &ask(1));
    s.at(3).send(&p, &a, &ask(1).reply(401, "Unauthorized", &p).with("WWW-Authenticate", challenge));
    let second = ask(2).with("Authorization", &credentials);
    s.at(6).send(&a, &p, &second);
    s.at(9).send(&p, &a, &second.reply(401, "Unauthorized", &p).with("WWW-Authenticate", challenge));
    s.pcap()
}

#[test]
fn a_body_is_part_of_the_proof_under_auth_int() {
    let folder = tempfile::tempdir().unwrap();
    let capture = folder.path().join("int.pcap");
    for (signed, title) in [
        ("hello", "or refuses for another reason"),
        ("", "the body that was hashed is not the one that came"),
        ("good bye", "the password differs"),
    ] {
        std::fs::write(&capture, auth_int(signed)).unwrap();
        let titles = told(&capture, "alice:example.com:opensesame");
        assert!(titles.len() == 1 && titles[0].ends_with(title), "{signed}: {titles:?}");
    }
}

#[test]
fn what_cannot_be_used_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let capture = testdata("findings/auth-wrong-credentials.pcap");
    let wrong = secrets(folder.path(), "hunter2\n");
    let empty = folder.path().to_str().unwrap();
    for (options, what) in [
        (vec!["--credentials", wrong.to_str().unwrap()], "no line user:realm:password"),
        (vec!["--credentials", "/nonexistent"], "cannot read /nonexistent"),
        (vec!["--home-country", "de"], "no calling code"),
        (vec!["--stir-certs", "/nonexistent"], "cannot read /nonexistent"),
        (vec!["--stir-certs", empty], "there is no certificate in it"),
        (vec!["--stir-ca", "x"], "--stir-certs"),
    ] {
        let done = decode(&options, &capture);
        let stderr = String::from_utf8_lossy(&done.stderr).into_owned();
        assert_eq!(done.status.code(), Some(2), "{options:?}");
        assert!(stderr.contains(what) && !stderr.contains("hunter2"), "{options:?}: {stderr}");
    }
}

#[test]
fn a_credentials_file_that_others_may_read_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = secrets(folder.path(), "alice:example.com:hunter2\n");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    let capture = testdata("findings/auth-wrong-credentials.pcap");
    let done = decode(&["--summary", "--credentials", path.to_str().unwrap()], &capture);
    let stderr = String::from_utf8_lossy(&done.stderr).into_owned();
    assert!(stderr.contains("others than its owner may read the passwords (mode 644)"), "{stderr}");
    assert_eq!(done.status.code(), Some(0));
}

/// Code, severity and title of the findings of weight in a scene.
fn grave(scene: &Scene) -> Vec<(String, String, String)> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("scene.pcap");
    std::fs::write(&path, scene.pcap()).unwrap();
    let json: Value = serde_json::from_slice(&decode(&["--json"], &path).stdout).unwrap();
    let word = |f: &Value, key: &str| f[key].as_str().unwrap().to_owned();
    let all = json["findings"].as_array().unwrap().iter().filter(|f| f["severity"] != "info");
    all.map(|f| (word(f, "code"), word(f, "severity"), word(f, "title"))).collect()
}

/// Credentials whose response nobody can check.
fn answer(nonce: &str, nc: u32) -> String {
    format!(
        "Digest username=\"alice\", realm=\"example.com\", nonce=\"{nonce}\", uri=\"sip:example.com\", \
         response=\"0123456789abcdef0123456789abcdef\", algorithm=MD5, cnonce=\"c\", nc={nc:08x}, qop=auth"
    )
}

fn challenge(nonce: &str, more: &str) -> String {
    format!("Digest realm=\"example.com\", nonce=\"{nonce}\", algorithm=MD5, qop=\"auth\"{more}")
}

/// REGISTER again and again: field and value of the credentials of each, status and challenge of its answer.
fn registers(rounds: &[(&str, String, u16, String)]) -> Scene {
    let (a, p) = (alice(), proxy());
    let mut s = Scene::new();
    for (n, (field, credentials, status, challenge)) in rounds.iter().enumerate() {
        let ms = 20 * n as u64;
        let mut request = Message::request("REGISTER", &a, &a, "rounds@192.0.2.10", 1 + n as u32);
        request = request.at_uri("sip:example.com").with("Expires", "600");
        if !credentials.is_empty() {
            request = request.with(field, credentials);
        }
        s.at(ms).send(&a, &p, &request);
        let asks = if *status == 407 { "Proxy-Authenticate" } else { "WWW-Authenticate" };
        let reply = request.reply(*status, if *status == 200 { "OK" } else { "Asked" }, &p);
        let reply = match status {
            200 => reply.with("Contact", &format!("{};expires=600", a.contact())),
            _ => reply.with(asks, challenge),
        };
        s.at(ms + 3).send(&p, &a, &reply);
    }
    let later = Message::request("OPTIONS", &a, &p, "later@192.0.2.10", 1);
    s.at(300_000).send(&a, &p, &later);
    s.at(300_002).send(&p, &a, &later.reply(200, "OK", &p));
    s
}

fn only(scene: &Scene, code: &str, says: &str) {
    let found = grave(scene);
    assert_eq!(found.len(), 1, "{found:#?}");
    assert!(found[0].0 == code && found[0].1 == "error" && found[0].2.contains(says), "{found:#?}");
}

#[test]
fn stale_nonces_in_a_circle_are_a_fault() {
    let round =
        |n: u32, nonce: &str| ("Authorization", answer(nonce, 1), 401, challenge(&format!("n{n}"), ", stale=true"));
    let begin = ("Authorization", String::new(), 401, challenge("n1", ""));
    let circle = [begin.clone(), round(2, "n1"), round(3, "n2"), round(4, "n3")];
    only(&registers(&circle), "auth-stale", "stale 3 times in a row");
    // However often, in the end it was accepted.
    let ended = [&circle[..], &[("Authorization", answer("n4", 1), 200, String::new())]].concat();
    assert!(grave(&registers(&ended)).is_empty());
}

#[test]
fn credentials_in_the_field_of_the_other_are_none() {
    let rounds = [
        ("Authorization", String::new(), 407, challenge("n1", "")),
        ("Authorization", answer("n1", 1), 407, challenge("n2", "")),
    ];
    only(&registers(&rounds), "auth-no-credentials", "did not answer the challenge");
}

#[test]
fn a_count_that_was_used_before_is_a_nonce_used_again() {
    let rounds = |nc| {
        [
            ("Authorization", String::new(), 401, challenge("n1", "")),
            ("Authorization", answer("n1", 1), 200, String::new()),
            ("Authorization", String::new(), 401, challenge("n1", "")),
            ("Authorization", answer("n1", nc), 401, challenge("n2", "")),
        ]
    };
    only(&registers(&rounds(1)), "auth-nonce-reused", "nc=00000001");
    // A count that grew is no replay: then the password is wrong.
    only(&registers(&rounds(2)), "auth-wrong-credentials", "the password or the user name is wrong");
}

#[test]
fn an_algorithm_that_nobody_knows_leaves_the_challenge_unanswered() {
    let asked = "Digest realm=\"example.com\", nonce=\"n1\", algorithm=AKAv1-MD5".to_owned();
    let found = grave(&registers(&[("Authorization", String::new(), 401, asked)]));
    assert!(found.len() == 1 && found[0].0 == "auth-no-credentials", "{found:#?}");
}

/// An INVITE with these header fields that is refused.
fn signed(fields: &[(&str, &str)], status: u16, reason: &str) -> Scene {
    let (a, p) = (alice(), proxy());
    let mut s = Scene::new();
    let mut invite = Message::request("INVITE", &a, &p, "verified@192.0.2.10", 1);
    for (name, value) in fields {
        invite = invite.with(name, value);
    }
    s.at(0).send(&a, &p, &invite);
    s.at(2).send(&p, &a, &invite.reply(100, "Trying", &p));
    let refused = invite.reply(status, reason, &p);
    s.at(40).send(&p, &a, &refused);
    s.at(42).send(&a, &p, &invite.ack_to(&refused));
    s
}

#[test]
fn what_verifiers_say_is_told() {
    only(&signed(&[], 437, "Unsupported Credential"), "identity-unverified", "it does not trust the certificate");
    let asserted = "<sip:+12025550123;verstat=TN-Validation-Failed@example.com>";
    let marked = signed(&[("P-Asserted-Identity", asserted)], 486, "Busy Here");
    only(&marked, "identity-unverified", "marked the caller's number as not verified");
    let passed = asserted.replace("Failed", "Passed");
    assert!(grave(&signed(&[("P-Asserted-Identity", &passed)], 486, "Busy Here")).is_empty());
    only(
        &signed(&[("Identity", "a.b;info=<https://x>")], 438, "Invalid Identity Header"),
        "identity-malformed",
        "cannot be read",
    );
}
