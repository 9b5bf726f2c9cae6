//! The plan of a target: what was asked, what is tried in which order, and what a person should know.

use super::table::{self, Cell, Field};
use crate::render::Terminal;
use crate::render::glyph::wrap;
use crate::render::quantity::{counted, duration};
use crate::render::style::Tone;
use crate::report::active::Lookup;
use crate::report::resolve::Report;
use std::io::{self, Write};

const LOOKUPS: [Field; 4] = [
    Field::left("ASKED"),
    Field::left("NAME").least(16),
    Field::left("ANSWER").least(20),
    Field::right("TOOK").spare(1),
];

const CANDIDATES: [Field; 8] = [
    Field::right("#"),
    Field::left("VIA"),
    Field::left("ADDRESS"),
    Field::left("HOST").least(12).spare(1),
    Field::right("PRIO").spare(3),
    Field::right("WEIGHT").spare(3),
    Field::left("PROBE").least(16),
    Field::left("HOW").least(12).spare(2),
];

/// Writes one target: a heading, its lookups, its candidates, its notes.
///
/// # Errors
/// Those of `out`.
pub fn resolve(report: &Report, terminal: Terminal, out: &mut dyn Write) -> io::Result<()> {
    let resolution = &report.resolution;
    let target = terminal.show(report.target.as_bytes());
    let asked = match (resolution.lookups.len() as u64, report.dns_ms) {
        (0, _) => "nothing to look up".to_owned(),
        (n, took) => format!("{} in {}", counted(n, "question"), duration(took.unwrap_or_default())),
    };
    let places = counted(resolution.candidates.len() as u64, "candidate");
    let head = terminal.spell(format!("{asked} · {places}"));
    writeln!(out, "{}  {head}", terminal.paint(Tone::Strong, &target))?;
    if !resolution.lookups.is_empty() {
        let rows: Vec<Vec<Cell>> = resolution.lookups.iter().flat_map(|l| lookup(l, terminal)).collect();
        writeln!(out)?;
        table::write(&LOOKUPS, &rows, terminal, out)?;
    }
    if !resolution.candidates.is_empty() {
        writeln!(out)?;
        table::write(&CANDIDATES, &candidates(report, terminal), terminal, out)?;
    }
    if !resolution.notes.is_empty() {
        writeln!(out)?;
    }
    for note in &resolution.notes {
        let text = terminal.show(format!("note: {note}").as_bytes());
        for (at, line) in wrap(&text, terminal.columns().saturating_sub(2)).iter().enumerate() {
            writeln!(out, "{}{line}", if at == 0 { "" } else { "  " })?;
        }
    }
    if report.probes.is_some() || !report.result.ok {
        let tone = if report.result.ok { Tone::Good } else { Tone::Error };
        let reason = terminal.show(report.result.reason.as_bytes());
        writeln!(out, "\n{}", terminal.paint(tone, &reason))?;
    }
    Ok(())
}

/// A row for each record, or one that says why there is none.
fn lookup(lookup: &Lookup, terminal: Terminal) -> Vec<Vec<Cell>> {
    let show = |text: &str| terminal.show(text.as_bytes());
    let took = || (duration(lookup.took_ms), Tone::Faint);
    let first =
        |answer: Cell| vec![(lookup.kind.clone(), Tone::Plain), (show(&lookup.name), Tone::Plain), answer, took()];
    let mut records = lookup.records.iter();
    let Some(record) = records.next() else {
        let why = lookup.failure.as_deref().unwrap_or("no records");
        let tone = if why == "no records" || why == "NXDOMAIN" { Tone::Faint } else { Tone::Warning };
        return vec![first((show(why), tone))];
    };
    let mut rows = vec![first((show(record), Tone::Plain))];
    let empty = || (String::new(), Tone::Plain);
    rows.extend(records.map(|record| vec![empty(), empty(), (show(record), Tone::Plain), empty()]));
    rows
}

fn candidates(report: &Report, terminal: Terminal) -> Vec<Vec<Cell>> {
    let show = |text: &str| terminal.show(text.as_bytes());
    let number = |n: Option<u16>| (n.map(|n| n.to_string()).unwrap_or_default(), Tone::Plain);
    let row = |(at, c): (usize, &crate::report::active::Candidate)| {
        let probe = report.probes.as_ref().and_then(|probes| probes.iter().find(|p| p.candidate == at));
        let tone = match probe {
            Some(p) if p.alive => p.status.map_or(Tone::Good, Tone::of_status),
            _ => Tone::Error,
        };
        vec![
            ((at + 1).to_string(), Tone::Plain),
            (show(&c.transport.to_ascii_uppercase()), Tone::Plain),
            (show(&c.address), Tone::Strong),
            (show(c.host.as_deref().unwrap_or_default()), Tone::Plain),
            number(c.priority),
            number(c.weight),
            (show(c.outcome.as_deref().unwrap_or_default()), tone),
            (show(&c.how), Tone::Faint),
        ]
    };
    report.resolution.candidates.iter().enumerate().map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::resolve;
    use crate::render::Terminal;
    use crate::render::sample::drawn;
    use crate::report::active::{Candidate, Lookup, Resolution, Verdict};
    use crate::report::resolve::{Probe, Report, SCHEMA};

    fn report() -> Report {
        let lookup = |kind: &str, name: &str, records: &[&str], failure: Option<&str>| Lookup {
            kind: kind.to_owned(),
            name: name.to_owned(),
            records: records.iter().map(|&r| r.to_owned()).collect(),
            failure: failure.map(str::to_owned),
            took_ms: 0.4,
        };
        let candidate = |address: &str, outcome: &str| Candidate {
            transport: "udp".to_owned(),
            address: address.to_owned(),
            host: Some("sip.example.com".to_owned()),
            priority: Some(10),
            weight: Some(60),
            how: "NAPTR SIP+D2U → SRV sip.example.com".to_owned(),
            outcome: Some(outcome.to_owned()),
        };
        let srv = ["10 60 5060 sip.example.com.", "20 0 5060 \u{1b}[2Jevil."];
        Report {
            schema: SCHEMA,
            target: "sip:example.com".to_owned(),
            resolution: Resolution {
                lookups: vec![
                    lookup("NAPTR", "example.com", &[], Some("no records")),
                    lookup("SRV", "_sip._udp.example.com", &srv, None),
                ],
                candidates: vec![
                    candidate("192.0.2.1:5060", "200 OK 1.2 ms"),
                    candidate("[2001:db8::1]:5060", "dead: connection refused"),
                ],
                used: None,
                notes: vec!["NAPTR SIP+D2S is passed over: SCTP is not spoken here".to_owned()],
            },
            probes: Some(vec![Probe { candidate: 0, alive: true, status: Some(200), ..Probe::default() }]),
            dns_ms: Some(0.8),
            result: Verdict { ok: true, code: 0, reason: "1 of 2 answered".to_owned() },
        }
    }

    #[test]
    fn the_plan_is_a_table_under_what_was_asked() {
        let text = drawn(|out| resolve(&report(), Terminal::default(), out));
        assert!(text.starts_with("sip:example.com  2 questions in 0.8 ms · 2 candidates\n\nASKED  NAME"), "{text}");
        assert!(text.contains("NAPTR  example.com            no records"), "{text}");
        assert!(text.contains("\n#  VIA  ADDRESS             HOST             PRIO  WEIGHT  PROBE"), "{text}");
        assert!(text.contains("\n1  UDP  192.0.2.1:5060      sip.example.com    10      60  200 OK 1.2 ms"), "{text}");
        assert!(text.contains("\nnote: NAPTR SIP+D2S is passed over"), "{text}");
        assert!(text.ends_with("\n1 of 2 answered\n"), "{text}");
        assert!(!text.contains('\u{1b}'), "{text}");
        assert!(text.contains("\\x1b[2Jevil."), "{text}");
    }

    #[test]
    fn it_fits_a_narrow_terminal_and_ascii() {
        let terminal = Terminal { width: 60, unicode: false, colour: false };
        let text = drawn(|out| resolve(&report(), terminal, out));
        assert!(text.is_ascii(), "{text}");
        assert!(text.lines().all(|line| line.len() <= 60), "{text}");
        assert!(text.contains("[2001:db8::1]:5060"), "{text}");
    }
}
