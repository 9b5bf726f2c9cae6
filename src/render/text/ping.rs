//! Pings as `ping(8)` tells them: what was found, a line an answer, the summary.

use crate::base::Timestamp;
use crate::render::Terminal;
use crate::render::glyph::width;
use crate::render::quantity::{count, counted, duration};
use crate::render::style::Tone;
use crate::report::Text;
use crate::report::active::{Tls, Verdict};
use crate::report::ping::{Line, LineError, LineLost, LineReply, Target};
use std::io::{self, Write};

#[cfg(test)]
mod tests;

/// Columns that the first part of a line may grow to; longer ones stand out.
const MOST_FIRST: usize = 60;
/// Answers that were ignored, of which each is told; further ones are counted in the summary.
const IGNORED_TOLD: u32 = 10;

/// Writes lines as they happen, their columns below each other.
#[derive(Debug)]
pub struct Lines {
    terminal: Terminal,
    /// Whether each line says which target it is about.
    many: bool,
    first: usize,
    name: usize,
    ignored: u32,
}

impl Lines {
    /// Lines on one target, or on `many`.
    #[must_use]
    pub fn new(terminal: Terminal, many: bool) -> Self {
        Lines { terminal, many, first: 0, name: 0, ignored: 0 }
    }

    /// Which candidate is asked, and how it was found.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn header(&mut self, target: &Target, out: &mut dyn Write) -> io::Result<()> {
        let t = self.terminal;
        let name = t.show(target.target.as_bytes());
        let used = target.resolution.candidates.get(target.resolution.used.unwrap_or(0));
        let Some(used) = used else { return writeln!(out, "PING {}", t.paint(Tone::Strong, &name)) };
        // So that the first lines stand below each other from the start.
        self.first = self.first.max(width(&format!("200 OK from {}", used.address)));
        self.name = self.name.max(width(&name));
        let how = match used.how.as_str() {
            "" | "as given" => String::new(),
            how => t.show(format!(" ({how})").as_bytes()),
        };
        let method = match target.method.as_str() {
            "OPTIONS" => String::new(),
            method => t.show(format!(" {method}").as_bytes()),
        };
        let way = format!("{} {}", used.address, used.transport.to_uppercase());
        let arrow = t.spell("→".to_owned());
        writeln!(out, "PING{method} {} {arrow} {way}{how}", t.paint(Tone::Strong, &name))
    }

    /// What happened.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn line(&mut self, line: &Line, out: &mut dyn Write) -> io::Result<()> {
        match line {
            Line::Reply(reply) => self.reply(reply, out),
            Line::Lost(lost) => self.lost(lost, out),
            Line::Error(error) => self.error(error, out),
            Line::Moved(moved) => {
                let words =
                    format!("{}: {}; next {} {}", moved.from, moved.why, moved.to, moved.transport.to_uppercase());
                self.note(&moved.target, &words, out)
            }
            Line::Ignored(ignored) => {
                self.ignored += 1;
                let more = match self.ignored {
                    n if n > IGNORED_TOLD => return Ok(()),
                    IGNORED_TOLD => "; further ones are counted only",
                    _ => "",
                };
                let of = ignored.seq.map(|seq| format!(" (seq={seq})")).unwrap_or_default();
                let words = format!("ignored: {} from {}{of}{more}", ignored.detail, ignored.from);
                self.note(&ignored.target, &words, out)
            }
        }
    }

    fn name(&mut self, target: &str, out: &mut dyn Write) -> io::Result<()> {
        if self.many {
            let name = self.terminal.show(target.as_bytes());
            self.name = self.name.max(width(&name)).min(MOST_FIRST);
            let gap = self.name.saturating_sub(width(&name)) + 2;
            write!(out, "{}{:gap$}", self.terminal.paint(Tone::Faint, &name), "")?;
        }
        Ok(())
    }

    fn note(&mut self, target: &str, words: &str, out: &mut dyn Write) -> io::Result<()> {
        self.name(target, out)?;
        let words = self.terminal.show(words.as_bytes());
        writeln!(out, "{}", self.terminal.paint(Tone::Warning, &words))
    }

    /// The first part of a line, filled up to its column.
    fn first(&mut self, tone: Tone, text: &str, out: &mut dyn Write) -> io::Result<()> {
        self.first = self.first.max(width(text).min(MOST_FIRST));
        let gap = self.first.saturating_sub(width(text)) + 2;
        write!(out, "{}{:gap$}", self.terminal.paint(tone, text), "")
    }

    fn reply(&mut self, reply: &LineReply, out: &mut dyn Write) -> io::Result<()> {
        let t = self.terminal;
        self.name(&reply.target, out)?;
        let reason = t.show(reply.reason.bytes());
        let status = format!("{} {reason}", reply.status);
        let text = format!("{} from {}", status.trim_end(), reply.from);
        let tone = if reply.unexpected.is_some() { Tone::Error } else { Tone::of_status(reply.status) };
        self.first(tone, &text, out)?;
        write!(out, "seq={}  rtt={}", reply.seq, duration(reply.rtt_ms))?;
        let mut notes = Vec::new();
        if reply.sends_of_request > 1 {
            let since = duration(reply.rtt_first_send_ms);
            notes.push(format!("after {} sends, {since} since the first", reply.sends_of_request));
        }
        if reply.requests > 1 {
            notes.push(format!("{} requests, {} together", reply.requests, duration(reply.final_ms)));
        }
        notes.extend(reply.challenge.iter().chain(&reply.unexpected).map(|words| t.show(words.as_bytes())));
        if let Some(server) = &reply.server {
            write!(out, "  {}", t.show(server.bytes()))?;
        }
        if !notes.is_empty() {
            write!(out, "  {}", t.paint(Tone::Warning, &format!("({})", notes.join("; "))))?;
        }
        writeln!(out)
    }

    fn lost(&mut self, lost: &LineLost, out: &mut dyn Write) -> io::Result<()> {
        self.name(&lost.target, out)?;
        self.first(Tone::Error, if lost.provisional { "no final answer" } else { "no answer" }, out)?;
        writeln!(out, "seq={}  after {} ({})", lost.seq, duration(lost.after_ms), counted(lost.sends.into(), "send"))
    }

    fn error(&mut self, error: &LineError, out: &mut dyn Write) -> io::Result<()> {
        self.name(&error.target, out)?;
        let message = self.terminal.show(error.message.as_bytes());
        if error.seq == 0 {
            return writeln!(out, "{}", self.terminal.paint(Tone::Error, &message));
        }
        self.first(Tone::Error, "unreachable", out)?;
        writeln!(out, "seq={}  {message}", error.seq)
    }
}

/// The summary of one target. `details`: also who answered and what it supports. `now` is what the days of a certificate are counted from.
///
/// # Errors
/// Those of `out`.
pub fn summary(
    target: &Target,
    details: bool,
    now: Timestamp,
    terminal: Terminal,
    out: &mut dyn Write,
) -> io::Result<()> {
    let t = terminal;
    let name = t.show(target.target.as_bytes());
    writeln!(out, "\n--- {} ---", t.paint(Tone::Strong, &name))?;
    let mut parts = vec![format!(
        "{} sent, {} answered, {:.1} % loss",
        count(target.sent),
        count(target.received),
        target.loss_percent
    )];
    if target.abandoned > 0 {
        parts.push(format!("{} not waited for", count(target.abandoned)));
    }
    match target.rtt_ms {
        Some(rtt) if target.received - target.answered_after_retransmission > 1 => {
            let [min, avg, max, stddev] = [rtt.min, rtt.avg, rtt.max, rtt.stddev].map(|v| format!("{v:.1}"));
            parts.push(format!("rtt min/avg/max/stddev {min}/{avg}/{max}/{stddev} ms"));
            parts.push(format!("p50/p95/p99 {:.1}/{:.1}/{:.1} ms", rtt.p50, rtt.p95, rtt.p99));
            parts.extend(target.jitter_ms.map(|jitter| format!("jitter {jitter:.1} ms")));
        }
        Some(rtt) => parts.push(format!("rtt {:.1} ms", rtt.avg)),
        None => {}
    }
    joined(&parts, t, out)?;
    repeats(target, t, out)?;
    joined(&phases(target, now), t, out)?;
    if target.statuses.len() > 1 {
        let told: Vec<String> = target.statuses.iter().map(|(status, n)| format!("{status} ×{}", count(*n))).collect();
        joined(&[format!("answers {}", told.join(", "))], t, out)?;
    }
    if !target.ignored.is_empty() {
        let told: Vec<String> = target.ignored.iter().map(|(reason, n)| format!("{reason} ×{}", count(*n))).collect();
        joined(&[format!("ignored {}", told.join(", "))], t, out)?;
    }
    if details { self::details(target, t, out) } else { Ok(()) }
}

/// Parts of a line, broken between two where it gets too long.
fn joined(parts: &[String], terminal: Terminal, out: &mut dyn Write) -> io::Result<()> {
    let mut line = String::new();
    for part in parts {
        let part = terminal.show(part.as_bytes());
        let separator = terminal.spell(" · ".to_owned());
        if !line.is_empty() && width(&line) + width(&separator) + width(&part) > terminal.columns() {
            writeln!(out, "{line}")?;
            line.clear();
        }
        if !line.is_empty() {
            line.push_str(&separator);
        }
        line.push_str(&part);
    }
    if line.is_empty() { Ok(()) } else { writeln!(out, "{line}") }
}

/// What was sent again; the round trip of a ping that took a repeat is unknown, so that it is told apart.
fn repeats(target: &Target, terminal: Terminal, out: &mut dyn Write) -> io::Result<()> {
    if target.retransmissions == 0 {
        return Ok(());
    }
    let mut parts = vec![counted(target.retransmissions, "retransmission")];
    if target.answered_after_retransmission > 0 {
        let late = count(target.answered_after_retransmission);
        parts.push(format!("{late} answered only after a repeat, not in the round trips"));
    }
    joined(&parts, terminal, out)
}

/// Where the time went.
fn phases(target: &Target, now: Timestamp) -> Vec<String> {
    let timing = &target.timing;
    let mut parts = Vec::new();
    let mut part = |name: &str, ms: Option<f64>, more: String| {
        if let Some(ms) = ms {
            parts.push(format!("{name} {}{more}", duration(ms)));
        }
    };
    part("dns", timing.dns_ms.filter(|_| !target.resolution.lookups.is_empty()), String::new());
    part("connect", timing.connect_ms, String::new());
    let tls = target.tls.as_ref().map(|tls| format!(" ({})", tls_words(tls, now))).unwrap_or_default();
    part("tls", timing.tls_ms, tls);
    let differs = |a: f64, b: f64| (a - b).abs() >= 0.05;
    let first = timing.first_response_ms.filter(|f| timing.final_ms.is_some_and(|l| differs(*f, l)));
    part("first response", first, String::new());
    part("final", first.and(timing.final_ms), String::new());
    parts
}

fn tls_words(tls: &Tls, now: Timestamp) -> String {
    let mut words = tls.version.clone();
    if let Some(leaf) = tls.chain.first()
        && let Ok(until) = leaf.not_after.parse::<jiff::Timestamp>()
    {
        let left = until.as_second() - now.0.div_euclid(1_000_000_000);
        let days = left.unsigned_abs() / 86_400;
        words += &match days {
            // What was let pass tells of it.
            _ if left < 0 && tls.ignored.is_some() => String::new(),
            _ if left < 0 => format!(", certificate expired {} ago", counted(days, "day")),
            0 => ", certificate good for less than a day".to_owned(),
            _ => format!(", certificate good for {}", counted(days, "day")),
        };
    }
    if let Some(ignored) = &tls.ignored {
        words += &format!(", accepted all the same: {ignored}");
    }
    words
}

/// Who answered, what it supports, and what it saw of us.
fn details(target: &Target, terminal: Terminal, out: &mut dyn Write) -> io::Result<()> {
    let list = |values: &[Text<'_>]| values.iter().map(|v| terminal.show(v.bytes())).collect::<Vec<_>>().join(", ");
    let mut rows = Vec::new();
    if let Some(server) = &target.server {
        rows.push(("server", terminal.show(server.bytes())));
    }
    rows.push(("allow", list(&target.allow)));
    rows.push(("supported", list(&target.supported)));
    rows.push(("accept", list(&target.accept)));
    if let Some(nat) = &target.nat {
        let host = nat.received.as_ref().map(|r| terminal.show(r.bytes()));
        let (local_host, local_port) = nat.local.rsplit_once(':').unwrap_or((&nat.local, ""));
        let host = host.unwrap_or_else(|| local_host.to_owned());
        let port = nat.rport.map_or_else(|| local_port.to_owned(), |port| port.to_string());
        let host = if host.contains(':') && !host.starts_with('[') { format!("[{host}]") } else { host };
        let words = if nat.mapped {
            format!("{host}:{port} is your address as the server saw it (sent from {}: translated)", nat.local)
        } else {
            format!("{host}:{port} is your address as the server saw it: not translated")
        };
        rows.push(("nat", words));
    }
    for (name, text) in rows.iter().filter(|(_, text)| !text.is_empty()) {
        writeln!(out, "{}{:gap$}{text}", terminal.paint(Tone::Faint, name), "", gap = 11 - name.len())?;
    }
    Ok(())
}

/// The last line where there were several targets.
///
/// # Errors
/// Those of `out`.
pub fn total(targets: &[&Target], result: &Verdict, terminal: Terminal, out: &mut dyn Write) -> io::Result<()> {
    let answered = targets.iter().filter(|t| t.received > 0).count() as u64;
    let all = counted(targets.len() as u64, "target");
    let words = terminal.show(format!("{all}, {} answered: {}", count(answered), result.reason).as_bytes());
    writeln!(out, "\n{}", terminal.paint(if result.ok { Tone::Good } else { Tone::Error }, &words))
}
