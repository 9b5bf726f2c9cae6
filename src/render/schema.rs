//! JSON Schema of what is written, derived from the report's types, so that it cannot lag behind them.

use crate::report::decode::Report;
use crate::report::{demo, explain, invite, lint, ping, register, resolve, trace};
use schemars::JsonSchema;
use schemars::generate::{SchemaGenerator, SchemaSettings};
use serde_json::{Map, Value, json};

/// Keys that every document has; the others come together or, with `--summary`, not at all.
const ALWAYS: [&str; 3] = ["schema", "sources", "summary"];
/// Types of NDJSON lines with the definition that each one carries.
const LINES: [(&str, &str); 6] = [
    ("message", "Message"),
    ("call", "Call"),
    ("registration", "Registration"),
    ("exchange", "Exchange"),
    ("stream", "Stream"),
    ("finding", "Finding"),
];

/// Makes a schema.
type Maker = fn() -> Value;

/// Commands whose output has a schema, in the order in which they are listed.
const TABLE: [(&str, Maker); 9] = [
    ("decode", decode),
    ("demo", || document::<demo::Report>("demo", |_| ())),
    ("ping", || document::<ping::Report>("ping", |generator| drop(generator.subschema_for::<ping::Line>()))),
    ("register", || document::<register::Report>("register", |_| ())),
    ("invite", || {
        document::<invite::Report>("invite", |generator| drop(generator.subschema_for::<invite::Happened>()))
    }),
    ("resolve", resolve),
    ("trace", || document::<trace::Report>("trace", |_| ())),
    ("explain", || document::<explain::Report>("explain", |_| ())),
    ("lint", || document::<lint::Report>("lint", |_| ())),
];

/// The commands whose output has a schema.
pub fn commands() -> impl Iterator<Item = &'static str> {
    TABLE.iter().map(|(name, _)| *name)
}

/// The schema of a command's output; `None` for a command without one.
#[must_use]
pub fn of(command: &str) -> Option<Value> {
    TABLE.iter().find(|(name, _)| *name == command).map(|(_, schema)| schema())
}

/// The schema of a document derived from its type; `beside` adds definitions that the document itself does not name.
fn document<T: JsonSchema>(command: &str, beside: impl FnOnce(&mut SchemaGenerator)) -> Value {
    // As it is written: what may be left out is what serde leaves out, and nothing else.
    let mut generator = SchemaSettings::draft2020_12().for_serialize().into_generator();
    beside(&mut generator);
    let mut schema = generator.into_root_schema_for::<T>().to_value();
    let id = json!({"const": format!("sipctl.{command}/1")});
    let pin = |object: &mut Value| {
        if let Some(name) = object.get_mut("properties").and_then(|p| p.get_mut("schema")) {
            *name = id.clone();
        }
    };
    pin(&mut schema);
    if let Some(definitions) = schema.get_mut("$defs").and_then(Value::as_object_mut) {
        definitions.values_mut().for_each(pin);
    }
    if let Some(root) = schema.as_object_mut() {
        root.insert("title".into(), json!(format!("sipctl {command}")));
    }
    schema
}

/// The schema of `resolve`'s JSON document. `$defs.Line` is that of a line of its NDJSON.
fn resolve() -> Value {
    let mut schema = document::<resolve::Document>("resolve", |_| ());
    let text = || json!({"type": "string"});
    let typed = |name: &str, definition: &str| {
        json!({
            "allOf": [{"$ref": format!("#/$defs/{definition}")}],
            "properties": {"type": {"const": name}, "target": text(), "probe": {"$ref": "#/$defs/Probe"}},
            "required": ["type", "target"]
        })
    };
    let summary = json!({
        "type": "object",
        "properties": {
            "type": {"const": "summary"},
            "schema": {"const": resolve::SCHEMA},
            "target": text(),
            "notes": {"type": "array", "items": text()},
            "dns_ms": {"type": "number"},
            "result": {"$ref": "#/$defs/Verdict"}
        },
        "required": ["type", "schema", "target", "notes", "result"]
    });
    let kinds = json!([typed("lookup", "Lookup"), typed("candidate", "Candidate"), summary]);
    if let Some(definitions) = schema.get_mut("$defs").and_then(Value::as_object_mut) {
        definitions.insert("Line".into(), json!({"description": "A line of NDJSON.", "oneOf": kinds}));
    }
    schema
}

/// The schema of `decode`'s JSON document. `$defs.Line` is that of a line of its NDJSON.
#[must_use]
pub fn decode() -> Value {
    let schema = SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<Report>();
    let mut schema = schema.to_value();
    let Some(root) = schema.as_object_mut() else { return schema };
    root.insert("title".into(), json!("sipctl decode"));
    let keys: Vec<String> = keys_of(root);
    let rest: Vec<&String> = keys.iter().filter(|key| !ALWAYS.contains(&key.as_str())).collect();
    let together: Map<String, Value> = rest.iter().map(|&key| (key.clone(), json!(rest))).collect();
    root.insert("required".into(), json!(ALWAYS));
    root.insert("dependentRequired".into(), Value::Object(together));
    if let Some(name) = root.get_mut("properties").and_then(|p| p.get_mut("schema")) {
        *name = json!({"const": "sipctl.decode/1"});
    }
    if let Some(definitions) = root.get_mut("$defs").and_then(Value::as_object_mut) {
        definitions.insert("Line".into(), line());
    }
    schema
}

fn keys_of(root: &Map<String, Value>) -> Vec<String> {
    let properties = root.get("properties").and_then(Value::as_object);
    properties.map(|p| p.keys().cloned().collect()).unwrap_or_default()
}

/// A line is one of the objects of the document with its type, or the summary with what was read.
fn line() -> Value {
    let typed = |name: &str, definition: &str| {
        json!({
            "allOf": [{"$ref": format!("#/$defs/{definition}")}],
            "properties": {"type": {"const": name}},
            "required": ["type"]
        })
    };
    let mut kinds: Vec<Value> = LINES.iter().map(|(name, definition)| typed(name, definition)).collect();
    kinds.push(json!({
        "allOf": [{"$ref": "#/$defs/Summary"}],
        "properties": {
            "type": {"const": "summary"},
            "schema": {"const": "sipctl.decode/1"},
            "sources": {"type": "array", "items": {"$ref": "#/$defs/Source"}}
        },
        "required": ["type", "schema", "sources"]
    }));
    json!({"description": "A line of NDJSON.", "oneOf": kinds})
}

#[cfg(test)]
mod tests {
    use super::decode;
    use crate::render::ndjson::Lines;
    use crate::render::sample::{drawn, report};
    use crate::report::Text;
    use serde_json::{Value, json};

    fn document(summary_only: bool) -> Value {
        let mut report = report();
        report.messages[1].reason = Some(Text(std::borrow::Cow::Borrowed(b"\xff")));
        report.messages[2].headers = Some(vec![]);
        serde_json::from_str(&drawn(|out| crate::render::json::decode(&report, summary_only, false, out))).unwrap()
    }

    #[test]
    fn every_command_of_the_table_has_a_schema_that_names_it() {
        let listed: Vec<&str> = super::commands().collect();
        assert_eq!(listed, ["decode", "demo", "ping", "register", "invite", "resolve", "trace", "explain", "lint"]);
        for command in listed {
            let schema = super::of(command).unwrap();
            assert_eq!(schema["title"], format!("sipctl {command}"));
            jsonschema::validator_for(&schema).unwrap();
            let name = format!("{{\"const\":\"sipctl.{command}/1\"}}");
            assert!(schema.to_string().contains(&name), "{command}");
        }
        assert!(super::of("serve").is_none());
    }

    #[test]
    fn documents_are_valid_and_wrong_ones_are_not() {
        let validator = jsonschema::validator_for(&decode()).unwrap();
        let check = |value: &Value| {
            validator.iter_errors(value).map(|e| format!("{e} at {}", e.instance_path())).collect::<Vec<_>>()
        };
        assert_eq!(check(&document(false)), Vec::<String>::new());
        assert_eq!(check(&document(true)), Vec::<String>::new());
        let broken = |change: &dyn Fn(&mut Value)| {
            let mut value = document(false);
            change(&mut value);
            !validator.is_valid(&value)
        };
        assert!(broken(&|v| v["schema"] = json!("sipctl.decode/2")));
        assert!(broken(&|v| v["calls"][0]["state"] = json!("happy")));
        assert!(broken(&|v| v["messages"][0]["time"] = json!(5)));
        assert!(broken(&|v| v["messages"][0]["reason"] = json!({"base65": "x"})));
        assert!(broken(&|v| drop(v.as_object_mut().unwrap().remove("peers"))));
        assert!(broken(&|v| drop(v["summary"].as_object_mut().unwrap().remove("undecoded"))));
    }

    #[test]
    fn lines_are_valid_and_carry_their_type_first() {
        let report = report();
        let mut lines = Lines::new();
        let text = drawn(|out| {
            lines.message(&report.messages[0], out)?;
            lines.call(&report.calls[0], out)?;
            lines.registration(&report.registrations[0], out)?;
            lines.exchange(&report.exchanges[0], out)?;
            lines.stream(&report.streams[2], out)?;
            lines.finding(&report.findings[1], out)?;
            lines.summary(report.schema, &report.sources, &report.summary, out)
        });
        let mut schema = decode();
        let definitions = schema["$defs"].take();
        let validator = jsonschema::validator_for(&json!({"$ref": "#/$defs/Line", "$defs": definitions})).unwrap();
        let kinds = ["message", "call", "registration", "exchange", "stream", "finding", "summary"];
        assert_eq!(text.lines().count(), kinds.len());
        for (line, kind) in text.lines().zip(kinds) {
            assert!(line.starts_with(&format!("{{\"type\":\"{kind}\",\"")), "{line}");
            let mut value: Value = serde_json::from_str(line).unwrap();
            assert!(validator.is_valid(&value), "{line}");
            value["type"] = json!("other");
            assert!(!validator.is_valid(&value), "{line}");
        }
        assert!(
            text.lines()
                .last()
                .unwrap()
                .starts_with(r#"{"type":"summary","schema":"sipctl.decode/1","sources":[{"path""#)
        );
    }
}
