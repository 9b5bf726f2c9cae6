//! `invite` for people: a line for each thing that happens, then the verdict and what was heard.

use super::table::{self, Field};
use crate::agent::invite::Event;
use crate::base::Safe;
use crate::render::Terminal;
use crate::render::quantity;
use crate::render::style::Tone;
use crate::report::active::Judgement;
use crate::report::invite::media::{Media, Received, Sent};
use crate::report::invite::{Loop, Report};
use crate::report::text::Text;
use std::io::{self, Write};
use std::time::Duration;

/// Width of the first word of a line.
const WORD: usize = 11;
/// Forks and problems that are listed.
const MOST_LINES: usize = 20;

/// One line with its first word in its tone.
fn line(word: &str, tone: Tone, text: &str, terminal: Terminal, out: &mut dyn Write) -> io::Result<()> {
    let pad = WORD.saturating_sub(word.len());
    writeln!(out, "{}{:pad$}{text}", terminal.paint(tone, word), "")
}

/// Who is called, and where: `INVITE sip:bob@example.com → 192.0.2.1:5060 UDP (as given)`.
///
/// # Errors
/// Those of `out`.
pub fn heading(uri: &str, place: &str, terminal: Terminal, out: &mut dyn Write) -> io::Result<()> {
    let arrow = if terminal.unicode { "→" } else { "->" };
    let (uri, place) = (Safe(uri.as_bytes()), Safe(place.as_bytes()));
    writeln!(out, "{} {uri} {arrow} {place}", terminal.paint(Tone::Strong, "INVITE"))
}

/// Both ends are registered: `registered  sip:alice@example.com, sip:bob@example.com`.
///
/// # Errors
/// Those of `out`.
pub fn registered(aors: &[&str], terminal: Terminal, out: &mut dyn Write) -> io::Result<()> {
    line("registered", Tone::Good, &Safe(aors.join(", ").as_bytes()).to_string(), terminal, out)
}

/// What happened, `after` the first INVITE.
///
/// # Errors
/// Those of `out`.
pub fn event(event: &Event, after: Duration, terminal: Terminal, out: &mut dyn Write) -> io::Result<()> {
    let at = format!("after {}", quantity::duration(after.as_secs_f64() * 1e3));
    let safe = |text: &str| Safe(text.as_bytes()).to_string();
    match event {
        Event::Inviting { why: None, .. } | Event::Ended(_) | Event::Ignored => Ok(()),
        Event::Inviting { uri, why: Some(why), .. } => {
            line("again", Tone::Request, &format!("INVITE {} ({why})", safe(uri)), terminal, out)
        }
        Event::Response { status, reason, is_reliable, has_sdp, fork } => {
            let mut text = format!("{status} {}", Safe(reason)).trim_end().to_owned();
            text.push_str(&format!(" {at}"));
            let reliable = if *is_reliable { ", reliable" } else { "" };
            let media = if *has_sdp && *status < 200 { ", early media" } else { "" };
            let fork = fork.filter(|fork| *fork > 0).map(|fork| format!(", branch {}", fork + 1)).unwrap_or_default();
            text.push_str(&format!("{reliable}{media}{fork}"));
            line(word(*status), Tone::of_status(*status), &text, terminal, out)
        }
        Event::Asking { method, purpose } => match method.as_str() {
            "ACK" | "PRACK" | "BYE" => Ok(()),
            "CANCEL" => line("cancel", Tone::Warning, &format!("CANCEL sent {at}"), terminal, out),
            _ if purpose.is_empty() => Ok(()),
            method => {
                line("asking", Tone::Request, &format!("{} ({}) {at}", safe(method), safe(purpose)), terminal, out)
            }
        },
        Event::Asked { method, status } => asked(method, *status, terminal, out),
        Event::Request { method, status } => match method.as_str() {
            "ACK" => Ok(()),
            "BYE" => line("hung up", Tone::Plain, &format!("by them {at}: BYE, answered {status}"), terminal, out),
            method => {
                line("request", Tone::Request, &format!("{} from them, answered {status}", safe(method)), terminal, out)
            }
        },
        Event::Failed { error, .. } => line("failed", Tone::Error, &safe(&error.message), terminal, out),
    }
}

fn asked(method: &str, status: Option<u16>, terminal: Terminal, out: &mut dyn Write) -> io::Result<()> {
    let is_good = status.is_some_and(|status| (200..300).contains(&status));
    let said = status.map_or_else(|| "was not answered".to_owned(), |status| format!("answered {status}"));
    let text = format!("{} {said}", Safe(method.as_bytes()));
    match (method, is_good) {
        ("PRACK" | "CANCEL" | "ACK", true) => Ok(()),
        ("BYE", true) => line("hung up", Tone::Plain, &text, terminal, out),
        (_, true) => line("", Tone::Plain, &text, terminal, out),
        (_, false) => line("refused", Tone::Warning, &text, terminal, out),
    }
}

fn word(status: u16) -> &'static str {
    match status {
        100 => "trying",
        180 => "ringing",
        181 => "forwarded",
        182 => "queued",
        101..=199 => "progress",
        200..=299 => "answered",
        300..=399 => "redirected",
        401 | 407 => "challenge",
        486 | 600 => "busy",
        487 => "cancelled",
        _ => "rejected",
    }
}

/// The media, what was odd, and the verdict.
///
/// # Errors
/// Those of `out`.
pub fn verdict(report: &Report, judgement: &Judgement, terminal: Terminal, out: &mut dyn Write) -> io::Result<()> {
    if report.forks.len() > 1 {
        for (at, fork) in report.forks.iter().take(MOST_LINES).enumerate() {
            let said = fork.responses.iter().map(|r| r.status.to_string()).collect::<Vec<_>>().join(" ");
            let who = fork.contact.as_ref().map(|c| format!(" <{}>", Safe(c.bytes()))).unwrap_or_default();
            let kept = if fork.kept { ", the call" } else { "" };
            line("branch", Tone::Plain, &format!("{}{who}: {said}{kept}", at + 1), terminal, out)?;
        }
    }
    for target in report.transfers.iter().take(MOST_LINES) {
        let text = format!("asked to call {}: declined", Safe(target.bytes()));
        line("transfer", Tone::Plain, &text, terminal, out)?;
    }
    // What the verdict says is not said twice.
    let notes = report.problems.iter().filter(|problem| !judgement.reason.contains(&problem.detail));
    for problem in notes.take(MOST_LINES) {
        line("note", Tone::Warning, &Safe(problem.detail.as_bytes()).to_string(), terminal, out)?;
    }
    if let Some(media) = report.media.as_ref().filter(|m| m.sent.codec.is_some() || m.received.packets > 0) {
        self::media(media, terminal, out)?;
    }
    if let Some(looped) = &report.looped {
        self::looped(looped, terminal, out)?;
    }
    let (word, tone) = if report.result.ok { ("ok", Tone::Good) } else { ("FAILED", Tone::Error) };
    line(word, tone, &judgement.reason, terminal, out)
}

/// What the other end heard, and what arrived otherwise than it was sent.
fn looped(looped: &Loop, terminal: Terminal, out: &mut dyn Write) -> io::Result<()> {
    if !looped.arrived {
        return Ok(());
    }
    let arrow = if terminal.unicode { "→" } else { "->" };
    for (from, to, passed) in [("caller", "callee", &looped.to_callee), ("callee", "caller", &looped.to_caller)] {
        let heard = if passed.ok { "heard" } else { passed.heard };
        let delay = passed.delay_ms.map(|ms| format!(" after {ms:.0} ms")).unwrap_or_default();
        let codec = passed.codec.map(|codec| format!(", {codec}")).unwrap_or_default();
        let tone = if passed.ok { Tone::Good } else { Tone::Error };
        line("audio", tone, &format!("{from} {arrow} {to}: {heard}{delay}{codec}"), terminal, out)?;
    }
    if !looped.dtmf_sent.is_empty() {
        let (sent, arrived) = (&looped.dtmf_sent, &looped.dtmf_arrived);
        let text = format!("sent {}, arrived {}", Safe(sent.as_bytes()), Safe(arrived.as_bytes()));
        line("digits", if sent == arrived { Tone::Good } else { Tone::Error }, &text, terminal, out)?;
    }
    for change in looped.changes.iter().take(MOST_LINES) {
        let side = |text: &Option<Text<'_>>| {
            text.as_ref().map_or_else(|| "(absent)".to_owned(), |t| Safe(t.bytes()).to_string())
        };
        let name = Safe(change.name.as_bytes());
        let text = format!("{} {name}: {} {arrow} {}", change.message, side(&change.sent), side(&change.received));
        line("changed", Tone::Plain, &text, terminal, out)?;
    }
    let more = looped.changes.len().saturating_sub(MOST_LINES);
    if more > 0 {
        line("changed", Tone::Plain, &format!("and {more} more (--json has all)"), terminal, out)?;
    }
    Ok(())
}

/// Both directions of the media as a table.
fn media(media: &Media, terminal: Terminal, out: &mut dyn Write) -> io::Result<()> {
    let fields = [
        Field::left("media"),
        Field::left("codec"),
        Field::right("packets"),
        Field::right("lost"),
        Field::right("jitter").spare(2),
        Field::right("longest gap").spare(3),
        Field::right("MOS").spare(1),
        Field::left("where").least(15).spare(4),
        Field::left("what").least(20),
    ];
    table::write(&fields, &[sent(&media.sent), received(&media.received)], terminal, out)?;
    if let Some(error) = &media.recording_error {
        line("note", Tone::Warning, &Safe(error.as_bytes()).to_string(), terminal, out)?;
    }
    Ok(())
}

fn plain(text: String) -> (String, Tone) {
    (text, Tone::Plain)
}

fn sent(sent: &Sent) -> Vec<(String, Tone)> {
    let secure = if sent.srtp.is_some() { " (SRTP)" } else { "" };
    let what = match sent.proof {
        _ if sent.packets == 0 => ("nothing was sent".to_owned(), Tone::Warning),
        _ if sent.unsent > 0 => {
            (format!("the system refused to send {}", quantity::counted(sent.unsent, "packet")), Tone::Warning)
        }
        Some("report") => ("arrived: they report it".to_owned(), Tone::Good),
        Some(_) => ("arrived: it came back".to_owned(), Tone::Good),
        None => ("not known whether it arrived".to_owned(), Tone::Plain),
    };
    let digits = if sent.dtmf.is_empty() { String::new() } else { format!(", DTMF {}", Safe(sent.dtmf.as_bytes())) };
    vec![
        ("sent".to_owned(), Tone::Media),
        plain(sent.codec.map(|codec| format!("{codec}{secure}")).unwrap_or_default()),
        plain(quantity::count(sent.packets)),
        plain(sent.peer.map(|peer| peer.lost.max(0).to_string()).unwrap_or_default()),
        plain(sent.peer.map(|peer| quantity::duration(peer.jitter_ms)).unwrap_or_default()),
        plain(String::new()),
        plain(String::new()),
        plain(sent.to.as_ref().map(|to| format!("to {to}")).unwrap_or_default()),
        (format!("{}{digits}", what.0), what.1),
    ]
}

fn received(received: &Received) -> Vec<(String, Tone)> {
    let tone = match received.heard {
        "own-tone" | "mark" | "audio" => Tone::Good,
        _ => Tone::Warning,
    };
    let mut what = match (received.heard, received.delay_ms, received.mark) {
        ("own-tone", Some(delay), _) => format!("our own tone, {delay:.0} ms late"),
        ("own-tone", None, _) => "our own tone".to_owned(),
        ("mark", _, Some(whose)) => format!("the mark of a {whose}"),
        (word, ..) => word.replace('-', " "),
    };
    if !received.dtmf.is_empty() {
        what.push_str(&format!(", DTMF {}", Safe(received.dtmf.as_bytes())));
    }
    if let (Some(false), Some(described)) = (received.as_described, &received.described) {
        what.push_str(&format!(", and not from {described} as their SDP says"));
    }
    vec![
        ("received".to_owned(), Tone::Media),
        plain(received.codec.unwrap_or_default().to_owned()),
        plain(quantity::count(received.packets)),
        plain(if received.packets > 0 { quantity::count(received.lost) } else { String::new() }),
        plain(received.jitter_ms.map(quantity::duration).unwrap_or_default()),
        plain(received.max_gap_ms.map(quantity::duration).unwrap_or_default()),
        plain(received.mos.map(|mos| format!("{mos:.2}")).unwrap_or_default()),
        plain(received.from.as_ref().map(|from| format!("from {from}")).unwrap_or_default()),
        (what, tone),
    ]
}

#[cfg(test)]
mod tests;
