//! The JSON document.

use super::escape::Escaping;
use crate::report::decode::{Report, Source, Summary};
use serde::Serialize;
use std::io::{self, BufWriter, Write};

/// The document that `--summary` asks for.
#[derive(Serialize)]
struct SummaryDocument<'a> {
    schema: &'static str,
    sources: &'a [Source],
    summary: &'a Summary,
}

/// Writes the whole report, or with `summary_only` its schema, sources and summary: indented by two spaces where `pretty`
/// (for a terminal), else in one line. Keys stand in the order of the report's fields; a line feed ends the document.
///
/// # Errors
/// Those of `out`.
pub fn decode(report: &Report, summary_only: bool, pretty: bool, out: &mut dyn Write) -> io::Result<()> {
    if summary_only {
        let (schema, sources, summary) = (report.schema, &report.sources[..], &report.summary);
        document(&SummaryDocument { schema, sources, summary }, pretty, out)
    } else {
        document(report, pretty, out)
    }
}

/// Writes any document the same way.
///
/// # Errors
/// Those of `out`.
pub fn document<T: Serialize + ?Sized>(value: &T, pretty: bool, out: &mut dyn Write) -> io::Result<()> {
    let mut out = BufWriter::with_capacity(1 << 16, out);
    let text = Escaping(&mut out);
    let written = if pretty { serde_json::to_writer_pretty(text, value) } else { serde_json::to_writer(text, value) };
    written.map_err(io::Error::from)?;
    out.write_all(b"\n")?;
    out.flush()
}

#[cfg(test)]
mod tests {
    use super::decode;
    use crate::render::sample::{drawn, report};
    use serde_json::Value;

    #[test]
    fn keys_stand_in_the_order_of_the_contract() {
        let text = drawn(|out| decode(&report(), false, false, out));
        assert!(text.starts_with("{\"schema\":\"sipctl.decode/1\",\"sources\":[{\"path\":\"capture.pcap\""));
        assert_eq!(text.lines().count(), 1);
        let mut from = 0;
        for key in ["summary", "calls", "registrations", "exchanges", "messages", "streams", "findings", "peers"] {
            from += text[from..].find(&format!("\"{key}\":")).unwrap();
        }
        let pretty = drawn(|out| decode(&report(), false, true, out));
        assert!(pretty.starts_with("{\n  \"schema\": \"sipctl.decode/1\",\n"));
        let parse = |text: &str| serde_json::from_str::<Value>(text).unwrap();
        assert_eq!(parse(&pretty), parse(&text));
        assert_eq!(parse(&text)["messages"][0]["time"], "2026-11-22T14:05:11.000000000Z");
    }

    #[test]
    fn the_summary_alone_has_three_keys() {
        let text = drawn(|out| decode(&report(), true, false, out));
        let value: Value = serde_json::from_str(&text).unwrap();
        let keys: Vec<&String> = value.as_object().unwrap().keys().collect();
        assert_eq!(keys, ["schema", "sources", "summary"]);
        assert!(value["summary"].get("hints").is_none());
    }
}
