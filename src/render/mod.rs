//! Reports made visible: text, ladders, JSON, NDJSON.
