//! `-v`: what is done (`*`), each line sent (`>`) and received (`<`), as `curl -v` shows it, on standard error.

use crate::base::Safe;
use crate::cli::active::ActiveArgs;
use crate::driver::agent::Watch;
use crate::sip::{is_sip, secrets};
use crate::transport::{Candidate, LineFacts, Plan, TransportError};
use std::borrow::Cow;
use std::io::Write;
use std::net::SocketAddr;

/// Watches an agent: events go to `F`, everything else to standard error where `-v` asks for it.
pub struct Watching<'a, F> {
    plan: &'a Plan,
    event: F,
    verbose: bool,
    shows_secrets: bool,
    out: Box<dyn Write + 'a>,
}

impl<'a, F> Watching<'a, F> {
    /// For an agent that follows `plan`, whose events `event` takes.
    pub fn new(args: &ActiveArgs, plan: &'a Plan, event: F) -> Self {
        Watching {
            plan,
            event,
            verbose: args.verbose,
            shows_secrets: args.show_secrets,
            out: Box::new(std::io::stderr()),
        }
    }

    /// The same, shown elsewhere.
    #[must_use]
    pub fn shown_on(mut self, out: impl Write + 'a) -> Self {
        self.out = Box::new(out);
        self
    }

    /// Says something with a star before it.
    pub fn note(&mut self, text: &str) {
        if self.verbose {
            // Nobody is left to tell where standard error is closed.
            let _ = self.out.write_all(format!("* {}\n", Safe(text.as_bytes())).as_bytes());
        }
    }

    /// What the DNS was asked and said, and what will be tried.
    pub fn tell_plan(&mut self) {
        let plan = self.plan;
        for lookup in &plan.lookups {
            let took = lookup.took.as_secs_f64() * 1e3;
            let said = match &lookup.failure {
                Some(failure) => failure.clone(),
                None => lookup.records.join(", "),
            };
            self.note(&format!("{} {} → {said} ({took:.1} ms)", lookup.kind, lookup.name));
        }
        for note in &plan.notes {
            self.note(note);
        }
    }

    fn message(&mut self, mark: char, bytes: &[u8]) {
        if !self.verbose {
            return;
        }
        let shown = match self.shows_secrets {
            true => Cow::Borrowed(bytes),
            false => secrets::hide(bytes),
        };
        // One write a message: several agents may speak at once.
        let _ = self.out.write_all(lines(mark, &shown).as_bytes());
    }
}

/// Each line of a message behind its mark, safe for a terminal. What is no text is not shown at all.
fn lines(mark: char, bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() + 128);
    if !is_sip(bytes)
        && bytes.iter().filter(|b| b.is_ascii_graphic() || b.is_ascii_whitespace()).count() * 2 < bytes.len()
    {
        return format!("{mark} ({} bytes that are no text)\n", bytes.len());
    }
    let whole = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    for line in whole.split(|&b| b == b'\n') {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        text.push(mark);
        if !line.is_empty() {
            text.push(' ');
        }
        text.push_str(&Safe(line).to_string());
        text.push('\n');
    }
    text
}

impl<E, F: FnMut(E)> Watch<E> for Watching<'_, F> {
    fn event(&mut self, event: E) {
        (self.event)(event);
    }

    fn connecting(&mut self, candidate: usize) {
        if let Some(Candidate { protocol, address, how, .. }) = self.plan.candidates.get(candidate) {
            let text = format!("trying {address} over {protocol} ({how})");
            self.note(&text);
        }
    }

    fn reaching(&mut self, uri: &str) {
        self.note(&format!("looking for a way to {uri}"));
    }

    fn connected(&mut self, line: &LineFacts) {
        let mut took = Vec::new();
        took.extend(line.connect.map(|t| format!("connect {:.1} ms", t.as_secs_f64() * 1e3)));
        took.extend(line.tls_time.map(|t| format!("tls {:.1} ms", t.as_secs_f64() * 1e3)));
        let took = if took.is_empty() { String::new() } else { format!(" ({})", took.join(", ")) };
        self.note(&format!("{} {} → {}{took}", line.protocol, line.local, line.peer));
        let Some(tls) = &line.tls else { return };
        self.note(&format!("{} with {}", tls.version, tls.cipher));
        for certificate in &tls.chain {
            let until = crate::report::active::instant(certificate.not_after);
            let names = certificate.names.join(", ");
            self.note(&format!(
                "certificate {} [{names}] by {}, valid until {until}",
                certificate.subject, certificate.issuer
            ));
        }
        if let Some(ignored) = &tls.ignored {
            self.note(&format!("taken although wrong (--tls-insecure): {}", ignored.message));
        }
    }

    fn sent(&mut self, bytes: &[u8]) {
        self.message('>', bytes);
    }

    fn received(&mut self, bytes: &[u8], from: SocketAddr) {
        let _ = from;
        self.message('<', bytes);
    }

    fn failed(&mut self, error: &TransportError) {
        self.note(&error.message);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::Protocol;

    fn shown(verbose: bool, shows_secrets: bool, act: impl FnOnce(&mut Watching<'_, fn(u8)>)) -> String {
        let candidate = Candidate {
            protocol: Protocol::Udp,
            address: "192.0.2.1:5060".parse().unwrap(),
            domain: "a".to_owned(),
            host: None,
            srv: None,
            how: "as given".to_owned(),
        };
        let plan = Plan { candidates: vec![candidate], ..Plan::default() };
        let mut out = Vec::new();
        let event: fn(u8) = |_| {};
        let mut watching =
            Watching { plan: &plan, event, verbose, shows_secrets, out: Box::new(std::io::sink()) }.shown_on(&mut out);
        act(&mut watching);
        drop(watching);
        String::from_utf8(out).unwrap()
    }

    const REQUEST: &[u8] = b"OPTIONS sip:a SIP/2.0\r\nAuthorization: Basic c2VjcmV0\r\nX: \x1b[31m\r\n\r\nbody";

    #[test]
    fn lines_are_marked_escaped_and_without_secrets() {
        let text = shown(true, false, |w| {
            Watch::connecting(w, 0);
            Watch::sent(w, REQUEST);
            Watch::received(w, b"SIP/2.0 200 OK\r\n\r\n", "192.0.2.1:5060".parse().unwrap());
            Watch::failed(w, &TransportError::new(crate::transport::Phase::Receive, "closed", "closed\x1b"));
        });
        let expected = "* trying 192.0.2.1:5060 over UDP (as given)\n> OPTIONS sip:a SIP/2.0\n> Authorization: Basic ********\n> X: \\x1b[31m\n>\n> body\n< SIP/2.0 200 OK\n<\n* closed\\x1b\n";
        assert_eq!(text, expected);
        assert!(shown(true, true, |w| Watch::sent(w, REQUEST)).contains("c2VjcmV0"));
    }

    #[test]
    fn without_the_option_nothing_is_said() {
        assert_eq!(shown(false, false, |w| Watch::sent(w, REQUEST)), "");
    }

    #[test]
    fn what_is_no_text_is_counted() {
        assert_eq!(lines('<', &[0; 40]), "< (40 bytes that are no text)\n");
    }
}
