//! JSON Schema of what is written, derived from the report's types, so that it cannot lag behind them.

use crate::report::decode::Report;
use schemars::generate::SchemaSettings;
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
