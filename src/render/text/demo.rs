//! `demo` for people: what is done as it is done, then what it came to.

use super::{Mode, TextOptions};
use crate::base::Safe;
use crate::render::Terminal;
use crate::render::quantity::duration;
use crate::render::style::Tone;
use crate::report::decode::Report as Decoded;
use crate::report::demo::{Happened, Report};
use crate::report::invite::looped::Passed;
use std::io::{self, Write};

/// Width of the first word of a line.
const WORD: usize = 12;

/// One line with its first word in its tone.
///
/// # Errors
/// Those of `out`.
pub fn line(word: &str, tone: Tone, text: &str, terminal: Terminal, out: &mut dyn Write) -> io::Result<()> {
    let pad = WORD.saturating_sub(word.len());
    writeln!(out, "{}{:pad$}{}", terminal.paint(tone, word), "", terminal.spell(Safe(text.as_bytes()).to_string()))
}

/// What this is.
///
/// # Errors
/// Those of `out`.
pub fn heading(terminal: Terminal, out: &mut dyn Write) -> io::Result<()> {
    let title = terminal
        .paint(Tone::Strong, "A SIP network inside this process, on the loopback: nothing leaves this machine.");
    writeln!(out, "{title}\n")
}

/// What has just been done.
///
/// # Errors
/// Those of `out`.
pub fn happened(happened: &Happened, terminal: Terminal, out: &mut dyn Write) -> io::Result<()> {
    match happened {
        Happened::Proxy { address } => {
            line("proxy", Tone::Good, &format!("and registrar of example.com on {address} UDP"), terminal, out)
        }
        Happened::Ping { rtt_ms: Some(ms) } => {
            line("ping", Tone::Good, &format!("OPTIONS to the proxy: answered in {}", duration(*ms)), terminal, out)
        }
        Happened::Ping { rtt_ms: None } => line("ping", Tone::Error, "OPTIONS to the proxy: no answer", terminal, out),
        Happened::Registered => {
            line("register", Tone::Good, "alice and bob, each with digest credentials", terminal, out)?;
            line("call", Tone::Strong, "alice calls bob", terminal, out)
        }
        Happened::Answered { after_ms } => {
            line("answered", Tone::Good, &format!("after {}", duration(*after_ms)), terminal, out)
        }
        // What the call came to is told at the end.
        Happened::Ended => Ok(()),
    }
}

/// What the call came to, its ladder, and the verdict.
///
/// # Errors
/// Those of `out`.
pub fn result(
    report: &Report,
    decoded: &Decoded,
    hint: &str,
    terminal: Terminal,
    out: &mut dyn Write,
) -> io::Result<()> {
    let looped = &report.looped;
    if looped.arrived {
        audio("alice → bob", &looped.to_callee, terminal, out)?;
        audio("bob → alice", &looped.to_caller, terminal, out)?;
    }
    let is_removed = looped.registrations.iter().all(|registration| registration.ok);
    if is_removed {
        line("removed", Tone::Good, "both bindings", terminal, out)?;
    }
    writeln!(out, "\n{}\n", terminal.paint(Tone::Strong, "What passed the proxy, as sipctl decode tells it:"))?;
    super::decode(decoded, &TextOptions { mode: Mode::Auto, ..TextOptions::default() }, terminal, out)?;
    writeln!(out)?;
    let (word, tone) = if report.result.ok { ("ok", Tone::Good) } else { ("FAILED", Tone::Error) };
    let text = format!("{}; all of it took {}", report.result.reason, duration(report.took_ms));
    line(word, tone, &text, terminal, out)?;
    if report.result.ok {
        line("next", Tone::Plain, hint, terminal, out)?;
    }
    Ok(())
}

fn audio(way: &str, passed: &Passed, terminal: Terminal, out: &mut dyn Write) -> io::Result<()> {
    let heard = if passed.ok { "the tone is heard" } else { passed.heard };
    let delay = passed.delay_ms.map(|ms| format!(" after {}", duration(ms))).unwrap_or_default();
    let codec = passed.codec.map(|codec| format!(", {codec}")).unwrap_or_default();
    let tone = if passed.ok { Tone::Good } else { Tone::Error };
    line("audio", tone, &format!("{way}: {heard}{delay}{codec}"), terminal, out)
}
