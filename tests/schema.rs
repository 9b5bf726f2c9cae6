//! Real output of every capture against the JSON Schema that `sipctl schema decode` prints; no key twice in an object.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod running;
mod support;

use running::Running;
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use std::collections::HashSet;
use support::room::Room;
use support::scenes::CAPTURES;

/// Any JSON in which no object has a key twice.
struct Unique;

impl<'de> Deserialize<'de> for Unique {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        d.deserialize_any(UniqueVisitor)
    }
}

struct UniqueVisitor;

macro_rules! accept {
    ($($visit:ident $kind:ty),*) => { $(fn $visit<E>(self, _: $kind) -> Result<Unique, E> { Ok(Unique) })* };
}

impl<'de> Visitor<'de> for UniqueVisitor {
    type Value = Unique;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("JSON")
    }
    accept!(visit_bool bool, visit_i64 i64, visit_u64 u64, visit_f64 f64, visit_str &str);
    fn visit_unit<E>(self) -> Result<Unique, E> {
        Ok(Unique)
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Unique, A::Error> {
        while seq.next_element::<Unique>()?.is_some() {}
        Ok(Unique)
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Unique, A::Error> {
        let mut keys = HashSet::new();
        while let Some(key) = map.next_key::<String>()? {
            map.next_value::<Unique>()?;
            if !keys.insert(key.clone()) {
                return Err(serde::de::Error::custom(format!("the key {key} is there twice")));
            }
        }
        Ok(Unique)
    }
}

fn unique(text: &str) -> Result<(), String> {
    serde_json::from_str::<Unique>(text).map(|_| ()).map_err(|e| e.to_string())
}

#[test]
fn a_key_that_is_there_twice_is_noticed() {
    assert!(unique("{\"a\":[{\"b\":1,\"c\":null}],\"b\":true}").is_ok());
    assert!(unique("[{\"a\":{\"b\":1,\"b\":2}}]").is_err());
}

#[test]
fn every_output_fulfils_the_schema() {
    let room = Room::new();
    let schema = room.run(&["schema", "decode"]).json();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let mut of_line = schema.clone();
    let root = of_line.as_object_mut().unwrap();
    root.retain(|key, _| key == "$schema" || key == "$defs");
    root.insert("$ref".to_owned(), "#/$defs/Line".into());
    let of_line = jsonschema::validator_for(&of_line).unwrap();
    let check = |validator: &jsonschema::Validator, text: &str, what: &str| {
        unique(text).unwrap_or_else(|e| panic!("{what}: {e}"));
        let value = serde_json::from_str(text).unwrap();
        let faults: Vec<String> =
            validator.iter_errors(&value).map(|e| format!("{} at {}", e, e.instance_path())).collect();
        assert!(faults.is_empty(), "{what}: {faults:#?}");
    };
    for fixture in CAPTURES {
        for args in [
            &["--json"][..],
            &["--json", "--summary"],
            &["--json", "--headers", "--raw"],
            &["--json", "--status", "4xx"],
        ] {
            let ran = room.decode(&[&[fixture.name], args].concat());
            check(&validator, &ran.stdout, &format!("{} {args:?}", fixture.name));
        }
        for line in room.decode(&[fixture.name, "--format", "ndjson", "--headers", "--raw"]).stdout.lines() {
            check(&of_line, line, &format!("{} as ndjson", fixture.name));
        }
    }
    // A schema that takes everything would prove nothing.
    assert!(!validator.is_valid(&serde_json::json!({"schema": "sipctl.decode/1"})));
    assert!(!validator.is_valid(&serde_json::json!({"type": "call"})));
    assert!(!of_line.is_valid(&serde_json::json!({"type": "call"})));
}

/// `sipctl serve` on a free port, and its address.
fn served(words: &[&str]) -> (Running, String) {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_sipctl"));
    command.arg("serve").args(words).args(["--listen", "udp:127.0.0.1:0"]);
    let mut running = Running::start(command);
    let said = running.line("listening on");
    (running, said.rsplit_once("udp:").unwrap().1.to_owned())
}

#[test]
fn every_command_that_sends_fulfils_its_schema() {
    let (_uas, uas) = served(&["uas"]);
    let (_registrar, registrar) = served(&["registrar", "--user", "alice:secret"]);
    let (_proxy, proxy) = served(&["proxy", "--domain", "example.com"]);
    let via = format!("sip:{proxy}");
    let closed = std::net::UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let room = Room::new().with("SIPCTL_PASSWORD", "secret");
    let accounts = room.path("accounts.csv");
    std::fs::write(&accounts, "alice,secret\nmallory,secret\n").unwrap();
    let [alice, mallory] = ["alice", "mallory"].map(|name| format!("sip:{name}@{registrar}"));
    let table: [(&[&str], i32); 25] = [
        (&["ping", &uas, "-c", "2", "-i", "0"], 0),
        (&["ping", &uas, &closed], 4),
        (&["ping", &uas, "--expect", "404"], 1),
        (&["register", &alice], 0),
        (&["register", &alice, "--query"], 0),
        (&["register", &alice, "--remove-all"], 0),
        (&["register", &mallory], 1),
        (&["register", &format!("sip:alice@{closed}")], 4),
        (&["register", &format!("sip:{registrar}"), "--users", accounts.to_str().unwrap()], 1),
        (&["invite", &uas, "--duration", "0"], 0),
        (&["invite", &uas, "--duration", "500ms", "--dtmf", "1", "--late-offer"], 0),
        (&["invite", &uas, "--duration", "500ms", "--min-mos", "4.5"], 6),
        (&["invite", &registrar, "--expect", "2xx"], 1),
        (&["invite", &closed], 4),
        (&["invite", "--loop", "sip:bob@example.com", "--from", "sip:alice@example.com", "--via", &via, "-d", "2s"], 0),
        (&["demo", "--duration", "2s"], 0),
        (&["resolve", &uas], 0),
        (&["resolve", &uas, &closed, "--probe"], 4),
        (&["trace", &uas], 0),
        (&["trace", &closed], 4),
        (&["explain", "b"], 0),
        (&["explain", "--list"], 0),
        (&["lint", "malformed.pcap"], 1),
        (&["lint", "hostile-names.pcap"], 1),
        (&["lint", "messages/bare-line-feed.sip", "logs/sipp.log"], 0),
    ];
    let mut seen = HashSet::new();
    for (words, code) in table {
        let schema = room.run(&["schema", words[0]]).json();
        let validator = jsonschema::validator_for(&schema).unwrap();
        let ran = room.run(&[words, &["--json"]].concat());
        assert_eq!(ran.code, Some(code), "{words:?}: {ran:?}");
        unique(&ran.stdout).unwrap_or_else(|e| panic!("{words:?}: {e}"));
        let value = serde_json::from_str(&ran.stdout).unwrap();
        let faults: Vec<String> =
            validator.iter_errors(&value).map(|e| format!("{e} at {}", e.instance_path())).collect();
        assert!(faults.is_empty(), "{words:?}: {faults:#?}\n{}", ran.stdout);
        assert!(
            ran.stdout.starts_with(&format!("{{\"schema\":\"sipctl.{}/1\",", words[0])),
            "{words:?}: {}",
            ran.stdout
        );
        assert!(!validator.is_valid(&serde_json::json!({"schema": format!("sipctl.{}/1", words[0])})));
        for line in room.run(&[words, &["--format", "ndjson"]].concat()).stdout.lines() {
            unique(line).unwrap_or_else(|e| panic!("{words:?}: {e}"));
            assert!(line.starts_with("{\"type\":\""), "{words:?}: {line}");
        }
        seen.insert(words[0].to_owned());
    }
    let listed = room.run(&["schema"]).stdout;
    assert_eq!(listed.lines().filter(|name| *name != "decode").map(str::to_owned).collect::<HashSet<_>>(), seen);
}
