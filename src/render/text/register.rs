//! `register` for people: a line for each thing that happened, then the verdict.

use super::table::{self, Field};
use crate::agent::challenge::described;
use crate::agent::register::{Binding, Event, Purpose, Step};
use crate::agent::{Answered, Outcome};
use crate::base::Safe;
use crate::render::Terminal;
use crate::render::style::Tone;
use crate::report::register::{Judgement, Report};
use crate::sip::{HeaderName, Message, Outline};
use std::io::{self, Write};
use std::time::Duration;

/// Width of the first word of a line.
const WORD: usize = 11;
/// Bindings that are listed.
const MOST_BINDINGS: usize = 20;

/// One line with its first word in its tone.
fn line(word: &str, tone: Tone, text: &str, terminal: Terminal, out: &mut dyn Write) -> io::Result<()> {
    let pad = WORD.saturating_sub(word.len());
    writeln!(out, "{}{:pad$}{text}", terminal.paint(tone, word), "")
}

/// What is asked, and of whom: `REGISTER sip:alice@example.com → 192.0.2.1:5060 UDP (as given)`.
///
/// # Errors
/// Those of `out`.
pub fn heading(aor: &str, place: &str, terminal: Terminal, out: &mut dyn Write) -> io::Result<()> {
    let arrow = if terminal.unicode { "→" } else { "->" };
    let (aor, place) = (Safe(aor.as_bytes()), Safe(place.as_bytes()));
    writeln!(out, "{} {aor} {arrow} {place}", terminal.paint(Tone::Strong, "REGISTER"))
}

/// What happened. `places` names the candidates.
///
/// # Errors
/// Those of `out`.
pub fn event(event: &Event, places: &[String], terminal: Terminal, out: &mut dyn Write) -> io::Result<()> {
    match event {
        Event::Asking { .. } | Event::Ignored => Ok(()),
        Event::Failed { candidate, error } => {
            let place = places.get(*candidate).map(String::as_str).unwrap_or_default();
            let text = format!("{}: {}", Safe(place.as_bytes()), Safe(error.message.as_bytes()));
            line("failed", Tone::Error, &text, terminal, out)
        }
        Event::Waiting(pause) => {
            line("waiting", Tone::Faint, &format!("{} before the next request", span(*pause)), terminal, out)
        }
        Event::Done(step) => self::step(step, terminal, out),
    }
}

fn step(step: &Step, terminal: Terminal, out: &mut dyn Write) -> io::Result<()> {
    if let (true, Some((challenge, by_proxy))) = (step.attempts.len() > 1, step.challenges.last()) {
        let by = if *by_proxy { "by a proxy: " } else { "" };
        line("challenge", Tone::Plain, &format!("{by}{}", described(challenge)), terminal, out)?;
    }
    let took = step.attempts.first().zip(step.attempts.last().and_then(|a| a.final_response));
    let took = took.map(|(first, (at, _))| format!(" in {}", span(at.saturating_duration_since(first.first_sent))));
    let took = took.unwrap_or_default();
    let sends: u32 = step.attempts.iter().map(|a| a.sends.saturating_sub(1)).sum();
    let again = if sends > 0 { format!(" ({sends} sent again)") } else { String::new() };
    let response = match &step.outcome {
        Outcome::Timeout => {
            let sends = step.attempts.last().map_or(0, |a| a.sends);
            let text = format!("{}: sent {sends} {}", doing(step.purpose), if sends == 1 { "time" } else { "times" });
            return line("no answer", Tone::Error, &text, terminal, out);
        }
        Outcome::Failed(error) => {
            return line("failed", Tone::Error, &Safe(error.message.as_bytes()).to_string(), terminal, out);
        }
        Outcome::Final { response, .. } => response,
    };
    let mut outline = Outline::new();
    let message = outline.read(response).then(|| Message::new(response, &outline));
    let status = step.status().unwrap_or_default();
    let reason = message.map(|m| Safe(m.reason().unwrap_or_default()).to_string()).unwrap_or_default();
    let software = message.and_then(|m| m.header(HeaderName::Server)).map(|s| format!("  {}", Safe(s)));
    let said = format!("{status} {reason}");
    let said = said.trim_end();
    if !step.is_success() {
        let words = match (&step.refused, step.min_expires) {
            (Some(Answered::Refused), _) => " (the credentials were refused)".to_owned(),
            (_, Some(least)) if status == 423 => {
                format!(" ({} s is too brief, {least} s is the least)", step.expires_s)
            }
            _ => String::new(),
        };
        let tone = Tone::of_status(status);
        return line(word_refused(status), tone, &format!("{said}{words}{took}{again}"), terminal, out);
    }
    let mut text = format!("{said}{took}{again}");
    if let (true, Some(own)) = (step.purpose.binds(), step.own()) {
        text.push_str(&own.expires_s.map(|s| format!(", for {s} s")).unwrap_or_default());
    }
    if step.purpose == Purpose::Check {
        text = left(step);
    }
    text.push_str(&software.filter(|_| step.purpose != Purpose::Check).unwrap_or_default());
    line(word_done(step.purpose), Tone::Good, &text, terminal, out)?;
    if matches!(step.purpose, Purpose::Register | Purpose::Query) {
        bindings(step, terminal, out)?;
    }
    for name in [HeaderName::Path, HeaderName::ServiceRoute] {
        let shown = message.filter(|_| step.purpose == Purpose::Register || step.purpose == Purpose::Query);
        for value in shown.iter().flat_map(|m| m.values(name)).take(MOST_BINDINGS) {
            line("", Tone::Plain, &format!("{}: {}", name.canonical(), Safe(value)), terminal, out)?;
        }
    }
    Ok(())
}

/// What the check after a removal found.
fn left(step: &Step) -> String {
    let others = step.bindings.iter().filter(|b| !b.own).count() + step.more_bindings;
    let others = match others {
        0 => "no binding is left".to_owned(),
        1 => "one other binding is left".to_owned(),
        n => format!("{n} other bindings are left"),
    };
    match step.own() {
        Some(_) => format!("our binding is STILL THERE; {others}"),
        None => format!("our binding is gone; {others}"),
    }
}

fn bindings(step: &Step, terminal: Terminal, out: &mut dyn Write) -> io::Result<()> {
    if step.bindings.is_empty() {
        return line("", Tone::Plain, "no bindings", terminal, out);
    }
    for binding in step.bindings.iter().take(MOST_BINDINGS) {
        line("", Tone::Plain, &binding_text(binding), terminal, out)?;
    }
    let more = step.bindings.len().saturating_sub(MOST_BINDINGS) + step.more_bindings;
    if more > 0 {
        line("", Tone::Faint, &format!("and {more} more"), terminal, out)?;
    }
    Ok(())
}

fn binding_text(binding: &Binding) -> String {
    let mut text = format!("<{}>", Safe(&binding.uri));
    if let Some(seconds) = binding.expires_s {
        text.push_str(&format!("  expires {seconds} s"));
    }
    if let Some(q) = &binding.q {
        text.push_str(&format!("  q={}", Safe(q)));
    }
    if let Some(instance) = &binding.instance {
        text.push_str(&format!("  instance {}", Safe(instance)));
    }
    if let Some(reg_id) = binding.reg_id {
        text.push_str(&format!("  reg-id {reg_id}"));
    }
    text.push_str(if binding.own { "  (ours)" } else { "" });
    text
}

fn word_done(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::Register => "registered",
        Purpose::Refresh => "refreshed",
        Purpose::Query => "bindings",
        Purpose::Remove | Purpose::RemoveAll => "removed",
        Purpose::Check => "checked",
    }
}

fn word_refused(status: u16) -> &'static str {
    match status {
        300..=399 => "redirected",
        401 | 403 | 407 => "refused",
        423 => "too brief",
        _ => "rejected",
    }
}

fn doing(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::Register => "to REGISTER",
        Purpose::Refresh => "to the refresh",
        Purpose::Query | Purpose::Check => "to the query",
        Purpose::Remove | Purpose::RemoveAll => "to the removal",
    }
}

/// `2.3 ms`, `4.5 s`.
fn span(time: Duration) -> String {
    match time.as_secs_f64() {
        s if s < 1.0 => format!("{:.1} ms", s * 1e3),
        s => format!("{s:.1} s"),
    }
}

/// The verdict, and where a redirection leads.
///
/// # Errors
/// Those of `out`.
pub fn verdict(report: &Report, judgement: &Judgement, terminal: Terminal, out: &mut dyn Write) -> io::Result<()> {
    for target in &report.redirects {
        line("", Tone::Plain, &format!("Contact: {}", Safe(target.bytes())), terminal, out)?;
    }
    let (word, tone) = if report.result.ok { ("ok", Tone::Good) } else { ("FAILED", Tone::Error) };
    line(word, tone, &judgement.reason, terminal, out)
}

/// The accounts of `--users` as a table, with a line that sums them up.
///
/// # Errors
/// Those of `out`.
pub fn accounts(report: &Report, terminal: Terminal, out: &mut dyn Write) -> io::Result<()> {
    let fields = [
        Field::left("account").least(16),
        Field::left("result"),
        Field::right("status").spare(1),
        Field::left("challenge").spare(2),
        Field::right("expires").spare(3),
        Field::right("ms").spare(3),
        Field::left("why").least(20),
    ];
    let plain = |text: String| (text, Tone::Plain);
    let rows = report.accounts.iter().map(|a| {
        let (word, tone) = if a.result.ok { ("ok", Tone::Good) } else { ("FAILED", Tone::Error) };
        vec![
            plain(Safe(a.target.as_bytes()).to_string()),
            (word.to_owned(), tone),
            plain(a.status.map(|s| s.to_string()).unwrap_or_default()),
            plain(a.challenges.last().map(|c| Safe(c.algorithm.as_bytes()).to_string()).unwrap_or_default()),
            plain(a.expires_s.map(|s| format!("{s} s")).unwrap_or_default()),
            plain(a.final_ms.map(|ms| format!("{ms:.1}")).unwrap_or_default()),
            plain(if a.result.ok { String::new() } else { a.result.reason.clone() }),
        ]
    });
    let rows: Vec<_> = rows.collect();
    table::write(&fields, &rows, terminal, out)?;
    let good = report.accounts.iter().filter(|a| a.result.ok).count();
    let all = report.accounts.len();
    writeln!(out, "\n{all} {}: {good} ok, {} failed", if all == 1 { "account" } else { "accounts" }, all - good)
}

/// Text for a place to try: `192.0.2.1:5060 UDP (SRV)`.
#[must_use]
pub fn place(candidate: &crate::transport::Candidate) -> String {
    format!("{} {} ({})", candidate.address, candidate.protocol, candidate.how)
}
