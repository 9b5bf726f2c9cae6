//! Real output of every capture against the JSON Schema that `sipctl schema decode` prints; no key twice in an object.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

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
