//! The tables of calls, registrations, exchanges, streams and peers.

use super::table::{self, Cell, Field};
use crate::render::Terminal;
use crate::render::name::party;
use crate::render::quantity::{clock, count, duration};
use crate::render::style::Tone;
use crate::report::decode::{
    Call, CallState, Exchange, ExchangeState, Finding, Message, Peer, Registration, RegistrationState, Severity, Stream,
};
use std::io::{self, Write};

/// Peers listed: those with most attempts.
const MOST_PEERS: usize = 20;

fn plain(text: impl Into<String>) -> Cell {
    (text.into(), Tone::Plain)
}

fn time_cell(ms: Option<f64>) -> Cell {
    plain(ms.map(duration).unwrap_or_default())
}

/// Codes of findings, each once, the gravest first; its tone is that of the gravest.
fn findings_cell(findings: &[&Finding], terminal: Terminal) -> Cell {
    let mut codes: Vec<(Severity, &'static str)> = findings.iter().map(|f| (f.severity, f.code)).collect();
    codes.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(b.1)));
    codes.dedup();
    let Some(&(gravest, _)) = codes.first() else { return plain("") };
    let sign = if gravest == Severity::Info { "△" } else { "▲" };
    let names = codes.iter().map(|(_, code)| *code).collect::<Vec<_>>().join(", ");
    (terminal.spell(format!("{sign} {names}")), Tone::of_severity(gravest))
}

/// Writes the table of calls.
///
/// # Errors
/// Those of `out`.
pub fn calls_table<'a>(
    calls: &[&Call],
    findings: &dyn Fn(&Call) -> Vec<&'a Finding>,
    terminal: Terminal,
    out: &mut dyn Write,
) -> io::Result<()> {
    if calls.is_empty() {
        return writeln!(out, "no calls");
    }
    const FIELDS: [Field; 9] = [
        Field::right("call"),
        Field::left("time").spare(2),
        Field::left("from → to").least(14),
        Field::left("state"),
        Field::right("status"),
        Field::right("set-up").spare(3),
        Field::right("talk").spare(1),
        Field::left("codec").least(5).spare(4),
        Field::left("findings").least(10),
    ];
    let rows: Vec<Vec<Cell>> = calls
        .iter()
        .map(|call| {
            let parties = format!("{} → {}", party(&call.from, terminal), party(&call.to, terminal));
            let tone = Tone::of_state(call.state);
            // Codecs of a call that nobody answered were only offered.
            let succeeded = matches!(call.state, CallState::Completed | CallState::Answered);
            let codecs = if succeeded { call.codecs.join(" ") } else { String::new() };
            vec![
                plain(call.id.to_string()),
                (clock(call.start), Tone::Faint),
                plain(terminal.spell(parties)),
                (call.state.as_str().to_owned(), tone),
                (call.final_status.map(|s| s.to_string()).unwrap_or_default(), tone),
                time_cell(call.answered_ms),
                time_cell(call.duration_ms),
                plain(terminal.show(codecs.as_bytes())),
                findings_cell(&findings(call), terminal),
            ]
        })
        .collect();
    table::write(&spelled(FIELDS, terminal), &rows, terminal, out)
}

/// Titles that hold an arrow, in the terminal's characters.
fn spelled<const N: usize>(mut fields: [Field; N], terminal: Terminal) -> [Field; N] {
    for field in fields.iter_mut().filter(|f| !terminal.unicode && f.title == "from → to") {
        field.title = "from -> to";
    }
    fields
}

/// Writes the table of registrations.
///
/// # Errors
/// Those of `out`.
pub fn registrations_table<'a>(
    registrations: &[Registration],
    messages: &dyn Fn(&[u64]) -> Vec<&'a Message<'a>>,
    findings: &dyn Fn(&[u64]) -> Vec<&'a Finding>,
    terminal: Terminal,
    out: &mut dyn Write,
) -> io::Result<()> {
    const FIELDS: [Field; 7] = [
        Field::right("#"),
        Field::left("time").spare(3),
        Field::left("address-of-record").least(14),
        Field::left("state"),
        Field::right("expires"),
        Field::left("contacts").least(14).spare(2),
        Field::left("findings").least(10),
    ];
    let row = |registration: &Registration| {
        let (state, tone) = registration_state(registration.state);
        let first = first_message(&registration.messages, messages);
        let contacts: Vec<String> = registration.contacts.iter().take(4).map(|c| terminal.show(c.bytes())).collect();
        vec![
            plain(registration.id.to_string()),
            (first.map(|m| clock(m.time)).unwrap_or_default(), Tone::Faint),
            plain(registration.aor.as_ref().map(|aor| terminal.show(aor.bytes())).unwrap_or_default()),
            (state.to_owned(), tone),
            plain(registration.expires_s.map(|s| format!("{s} s")).unwrap_or_default()),
            plain(contacts.join(", ")),
            findings_cell(&findings(&registration.findings), terminal),
        ]
    };
    let rows: Vec<Vec<Cell>> = registrations.iter().map(row).collect();
    table::write(&FIELDS, &rows, terminal, out)
}

fn registration_state(state: RegistrationState) -> (&'static str, Tone) {
    match state {
        RegistrationState::Registered => ("registered", Tone::Good),
        RegistrationState::Removed => ("removed", Tone::Good),
        RegistrationState::Queried => ("queried", Tone::Good),
        RegistrationState::Refused => ("refused", Tone::Error),
        RegistrationState::Challenged => ("challenged", Tone::Warning),
        RegistrationState::Unanswered => ("unanswered", Tone::Error),
    }
}

fn first_message<'a>(indices: &[u64], messages: &dyn Fn(&[u64]) -> Vec<&'a Message<'a>>) -> Option<&'a Message<'a>> {
    messages(indices.get(..1).unwrap_or_default()).first().copied()
}

/// Writes the table of exchanges.
///
/// # Errors
/// Those of `out`.
pub fn exchanges_table<'a>(
    exchanges: &[Exchange],
    messages: &dyn Fn(&[u64]) -> Vec<&'a Message<'a>>,
    findings: &dyn Fn(&[u64]) -> Vec<&'a Finding>,
    terminal: Terminal,
    out: &mut dyn Write,
) -> io::Result<()> {
    const FIELDS: [Field; 8] = [
        Field::right("#"),
        Field::left("time").spare(3),
        Field::left("method").least(8),
        Field::left("from → to").least(20),
        Field::left("state"),
        Field::right("status"),
        Field::right("reply").spare(2),
        Field::left("findings").least(10),
    ];
    let row = |exchange: &Exchange| {
        let (state, tone) = match exchange.state {
            ExchangeState::Answered => ("answered", Tone::Good),
            ExchangeState::Rejected => ("rejected", Tone::Error),
            ExchangeState::Unanswered => ("unanswered", Tone::Error),
        };
        let first = first_message(&exchange.messages, messages);
        let way = first.map(|m| format!("{} → {}", m.src, m.dst)).unwrap_or_default();
        vec![
            plain(exchange.id.to_string()),
            (first.map(|m| clock(m.time)).unwrap_or_default(), Tone::Faint),
            plain(terminal.show(exchange.method.bytes())),
            plain(terminal.show(way.as_bytes())),
            (state.to_owned(), tone),
            (exchange.status.map(|s| s.to_string()).unwrap_or_default(), tone),
            time_cell(exchange.reply_ms),
            findings_cell(&findings(&exchange.findings), terminal),
        ]
    };
    let rows: Vec<Vec<Cell>> = exchanges.iter().map(row).collect();
    table::write(&spelled(FIELDS, terminal), &rows, terminal, out)
}

/// Writes a table of streams.
///
/// # Errors
/// Those of `out`.
pub fn streams_table(streams: &[&Stream], terminal: Terminal, out: &mut dyn Write) -> io::Result<()> {
    const FIELDS: [Field; 9] = [
        Field::right("#"),
        Field::left("from → to").least(20),
        Field::left("SSRC").spare(2),
        Field::left("codec").least(8),
        Field::right("packets"),
        Field::right("time").spare(1),
        Field::right("loss"),
        Field::right("jitter"),
        Field::right("MOS"),
    ];
    let row = |stream: &&Stream| {
        let codec = stream.codec.clone().unwrap_or_else(|| format!("type {}", stream.payload_type));
        let tone = if stream.loss_percent >= 1.0 { Tone::Warning } else { Tone::Plain };
        vec![
            plain(stream.id.to_string()),
            plain(terminal.show(format!("{} → {}", stream.src, stream.dst).as_bytes())),
            (terminal.show(stream.ssrc.as_bytes()), Tone::Faint),
            plain(terminal.show(codec.as_bytes())),
            plain(count(stream.packets)),
            plain(duration(stream.duration_ms)),
            (format!("{:.1} %", stream.loss_percent), tone),
            plain(duration(stream.jitter_ms)),
            plain(stream.mos.map(|mos| format!("{mos:.1}")).unwrap_or_default()),
        ]
    };
    let rows: Vec<Vec<Cell>> = streams.iter().map(row).collect();
    table::write(&spelled(FIELDS, terminal), &rows, terminal, out)
}

/// Writes how the addresses answered, those with most attempts first; nothing where there are none.
///
/// # Errors
/// Those of `out`.
pub fn peers_table(peers: &[Peer], terminal: Terminal, out: &mut dyn Write) -> io::Result<()> {
    if peers.is_empty() {
        return Ok(());
    }
    const FIELDS: [Field; 6] = [
        Field::left("address").least(21),
        Field::right("requests"),
        Field::right("answered"),
        Field::right("no reply"),
        Field::right("median reply").spare(1),
        Field::left("final responses").least(10).spare(2),
    ];
    let mut order: Vec<&Peer> = peers.iter().collect();
    order.sort_by(|a, b| b.attempts.cmp(&a.attempts).then_with(|| a.address.cmp(&b.address)));
    let row = |peer: &&Peer| {
        let codes: Vec<String> = peer.codes.iter().take(12).map(|(code, n)| format!("{code} {}", count(*n))).collect();
        let tone = if peer.no_reply > 0 { Tone::Warning } else { Tone::Plain };
        vec![
            plain(terminal.show(peer.address.as_bytes())),
            plain(count(peer.attempts)),
            plain(count(peer.answered)),
            (count(peer.no_reply), tone),
            time_cell(peer.median_reply_ms),
            plain(terminal.show(codes.join(" · ").as_bytes())),
        ]
    };
    let rows: Vec<Vec<Cell>> = order.iter().take(MOST_PEERS).map(row).collect();
    writeln!(out)?;
    table::write(&FIELDS, &rows, terminal, out)?;
    if peers.len() > MOST_PEERS {
        writeln!(out, "{}", terminal.spell(format!("… {} more addresses", peers.len() - MOST_PEERS)))?;
    }
    Ok(())
}
