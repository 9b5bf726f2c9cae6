//! `trace` for people: a line a hop, as `traceroute(8)` has it, then the verdict.

use crate::base::Safe;
use crate::render::Terminal;
use crate::render::quantity;
use crate::render::style::Tone;
use crate::report::active::Verdict;
use crate::report::trace::{Hop, Probe};
use std::io::{self, Write};

/// Width of the place: that of an IPv4 address with its port.
const PLACE: usize = 21;

/// What is traced: `TRACE sip:bob@example.com → 192.0.2.1:5060 UDP (as given), 30 hops at most`.
///
/// # Errors
/// Those of `out`.
pub fn heading(target: &str, place: &str, max_hops: u8, terminal: Terminal, out: &mut dyn Write) -> io::Result<()> {
    let arrow = if terminal.unicode { "→" } else { "->" };
    let (target, place) = (Safe(target.as_bytes()), Safe(place.as_bytes()));
    let word = terminal.paint(Tone::Strong, "TRACE");
    writeln!(out, "{word} {target} {arrow} {place}, {} at most", quantity::counted(max_hops.into(), "hop"))
}

/// One hop: ` 1  192.0.2.1:5060  483 Too Many Hops  Kamailio 5.6.3  0.4 ms  0.3 ms  0.4 ms`; `*` for each request without answer.
///
/// # Errors
/// Those of `out`.
pub fn hop(hop: &Hop, terminal: Terminal, out: &mut dyn Write) -> io::Result<()> {
    write!(out, "{:2}", hop.hop)?;
    let Some(first) = hop.probes.iter().find(|p| p.status.is_some()) else {
        for _ in &hop.probes {
            write!(out, "  *")?;
        }
        return writeln!(out, "  {}", terminal.paint(Tone::Faint, "(silent)"));
    };
    write!(out, "  {:PLACE$}  {}", place(hop, first), said(first, terminal))?;
    if let Some(server) = &first.server {
        write!(out, "  {}", Safe(server.bytes()))?;
    }
    for probe in &hop.probes {
        self::probe(probe, first, terminal, out)?;
    }
    if let Some(earlier) = hop.same_as {
        write!(out, "  {}", terminal.paint(Tone::Warning, &format!("same server as hop {earlier}")))?;
    }
    writeln!(out)?;
    if let Some(warning) = &first.warning {
        writeln!(out, "    {}", terminal.paint(Tone::Faint, &format!("Warning: {}", Safe(warning.bytes()))))?;
    }
    Ok(())
}

/// Where it answered: the address of a hop that is not the first shows in no response.
fn place(hop: &Hop, first: &Probe) -> String {
    match (&hop.who, &first.from) {
        (Some(who), _) if hop.hop == 1 || Some(who) != first.server.as_ref() => Safe(who.bytes()).to_string(),
        (_, Some(from)) => format!("behind {from}"),
        (_, None) => String::new(),
    }
}

fn said(probe: &Probe, terminal: Terminal) -> String {
    let status = probe.status.unwrap_or_default();
    let reason = probe.reason.as_ref().map(|r| Safe(r.bytes()).to_string()).unwrap_or_default();
    // 483 is what every hop but the last has to say.
    let tone = if status == 483 { Tone::Plain } else { Tone::of_status(status) };
    terminal.paint(tone, format!("{status} {reason}").trim_end()).to_string()
}

/// ` 0.4 ms`, with what it said where that differs from the first, and how often it had to be sent.
fn probe(probe: &Probe, first: &Probe, terminal: Terminal, out: &mut dyn Write) -> io::Result<()> {
    let Some(rtt) = probe.rtt_ms else { return write!(out, "  *") };
    if probe.status != first.status {
        write!(out, "  {}", said(probe, terminal))?;
    }
    write!(out, "  {}", quantity::duration(rtt))?;
    if probe.sends > 1 {
        write!(out, " ({} sends)", probe.sends)?;
    }
    Ok(())
}

/// How it ended, in a line of its own.
///
/// # Errors
/// Those of `out`.
pub fn verdict(verdict: &Verdict, terminal: Terminal, out: &mut dyn Write) -> io::Result<()> {
    let tone = if verdict.ok { Tone::Good } else { Tone::Error };
    let reason = Safe(verdict.reason.as_bytes()).to_string();
    writeln!(out, "{}", terminal.paint(tone, &reason))
}

#[cfg(test)]
mod tests {
    use super::{heading, hop, verdict};
    use crate::render::Terminal;
    use crate::render::sample::drawn;
    use crate::report::Text;
    use crate::report::active::Verdict;
    use crate::report::trace::{Hop, Probe};

    fn text(bytes: &[u8]) -> Option<Text<'static>> {
        Some(Text::new(bytes).into_owned())
    }

    fn answered(rtt: f64, server: &[u8]) -> Probe {
        let from = Some("192.0.2.1:5060".to_owned());
        let (reason, server) = (text(b"Too Many Hops"), text(server));
        Probe { rtt_ms: Some(rtt), status: Some(483), reason, from, server, sends: 1, ..Probe::default() }
    }

    fn line(what: &Hop) -> String {
        drawn(|out| hop(what, Terminal::default(), out))
    }

    #[test]
    fn a_hop_is_a_line_like_that_of_traceroute() {
        let lost = Probe { sends: 4, ..Probe::default() };
        let late = Probe { sends: 2, ..answered(512.0, b"Kamailio 5.6.3") };
        let probes = vec![answered(0.44, b"Kamailio 5.6.3"), lost, late];
        let mut first = Hop { hop: 1, probes, who: text(b"192.0.2.1:5060"), same_as: None };
        let expected = " 1  192.0.2.1:5060         483 Too Many Hops  Kamailio 5.6.3  0.4 ms  *  512 ms (2 sends)\n";
        assert_eq!(line(&first), expected);
        (first.hop, first.who, first.same_as) = (2, text(b"Kamailio 5.6.3"), Some(1));
        assert_eq!(
            line(&first),
            " 2  behind 192.0.2.1:5060  483 Too Many Hops  Kamailio 5.6.3  0.4 ms  *  512 ms (2 sends)  same server as hop 1\n"
        );
    }

    #[test]
    fn silence_a_second_answer_and_a_warning_are_told() {
        let silent = Hop { hop: 12, probes: vec![Probe::default(); 3], ..Hop::default() };
        assert_eq!(line(&silent), "12  *  *  *  (silent)\n");
        let other = Probe { status: Some(200), reason: text(b"OK"), ..answered(1.0, b"x") };
        let warned = Probe { warning: text(b"399 edge \"no\""), ..answered(2.0, b"a\x1b[2J") };
        let hop = Hop { hop: 3, probes: vec![warned, other], who: text(b"edge"), same_as: None };
        assert_eq!(
            line(&hop),
            " 3  edge                   483 Too Many Hops  a\\x1b[2J  2.0 ms  200 OK  1.0 ms\n    Warning: 399 edge \"no\"\n"
        );
    }

    #[test]
    fn what_is_traced_and_how_it_ended() {
        let plain = Terminal { unicode: false, ..Terminal::default() };
        let shown = drawn(|out| heading("sip:b@example.com", "192.0.2.1:5060 UDP (A)", 30, plain, out));
        assert_eq!(shown, "TRACE sip:b@example.com -> 192.0.2.1:5060 UDP (A), 30 hops at most\n");
        let end = Verdict { ok: true, code: 0, reason: "200 \x1bOK at hop 3".to_owned() };
        assert_eq!(drawn(|out| verdict(&end, plain, out)), "200 \\x1bOK at hop 3\n");
    }
}
