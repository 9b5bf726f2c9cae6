//! What passes, as it is shown.

use crate::base::{Safe, Timestamp};
use crate::cli::output::Format;
use crate::cli::serve::EndpointArgs;
use crate::commands::output::Output;
use crate::driver::endpoint::{BindingFacts, Handled, Ignored, Tally, Transfer, Transmit, Watch};
use crate::driver::media::{Ended, Passed, Relayed};
use crate::render::ndjson::Lines;
use crate::render::text;
use crate::report::decode::Instant as Time;
use crate::report::invite::Media;
use crate::report::serve::{Answers, Binding, CallMedia, Exchange, Listening, SCHEMA, Summary};
use crate::report::{self, Text};
use crate::sip::{Method, secrets};
use crate::transport::TransportError;
use crate::transport::listener::Turned;
use crate::transport::listener::Way;
use std::io::{self, Write};
use std::time::{Duration, Instant};

/// Exchanges shown to people within a second; those beyond it are counted in one line.
const MOST_A_SECOND: u64 = 200;

/// Shows what passes.
pub(super) struct Show<'a> {
    args: &'a EndpointArgs,
    out: &'a mut Output,
    form: Format,
    lines: Lines,
    second: Instant,
    shown: u64,
    held_back: u64,
    failure: Option<io::Error>,
}

impl<'a> Show<'a> {
    pub fn new(args: &'a EndpointArgs, out: &'a mut Output, now: Instant) -> Self {
        let form = args.output.form();
        Show { args, out, form, lines: Lines::new(), second: now, shown: 0, held_back: 0, failure: None }
    }

    /// Shows what is left; why nothing could be written, where that was so.
    pub fn finish(mut self) -> Option<io::Error> {
        self.new_second(Instant::now());
        self.failure
    }

    fn wants_exchanges(&self) -> bool {
        !self.args.quiet && self.form != Format::Json && self.failure.is_none()
    }

    /// Whether one more may be shown to a person; programs get all.
    fn may_show(&mut self) -> bool {
        if self.form != Format::Text {
            return true;
        }
        let now = Instant::now();
        if now.saturating_duration_since(self.second) >= Duration::from_secs(1) {
            self.new_second(now);
        }
        self.shown += 1;
        if self.shown > MOST_A_SECOND {
            self.held_back += 1;
            return false;
        }
        true
    }

    fn new_second(&mut self, now: Instant) {
        (self.second, self.shown) = (now, 0);
        let held_back = std::mem::take(&mut self.held_back);
        if held_back > 0 {
            self.write(|out, _| text::serve::held_back(held_back, out.terminal, &mut *out.writer));
        }
    }

    fn exchange(&mut self, exchange: &Exchange<'_>) {
        let form = self.form;
        self.write(|out, lines| match form {
            Format::Text => text::serve::exchange(exchange, out.terminal, &mut *out.writer),
            _ => lines.line("exchange", exchange, &mut *out.writer),
        });
    }

    fn write(&mut self, work: impl FnOnce(&mut Output, &mut Lines) -> io::Result<()>) {
        if self.failure.is_some() {
            return;
        }
        self.failure = work(self.out, &mut self.lines).and_then(|()| self.out.writer.flush()).err();
    }

    /// A message as curl shows it: each line behind its mark, on standard error.
    fn message(&self, mark: char, bytes: &[u8], way: &Way) {
        let hidden = if self.args.show_secrets { bytes.into() } else { secrets::hide(bytes) };
        let mut text = format!("* {} {} {}\n", if mark == '>' { "to" } else { "from" }, way.protocol.name(), way.peer);
        for line in hidden.split(|&b| b == b'\n') {
            text.push_str(&format!("{mark} {}\n", Safe(line.strip_suffix(b"\r").unwrap_or(line))));
        }
        // Nobody is left to tell when standard error is gone.
        let _ = io::stderr().lock().write_all(text.as_bytes());
    }
}

/// Method and Request-URI of a line that holds both.
fn parts(line: &[u8]) -> (Text<'_>, Text<'_>) {
    let (method, uri) = line.split_at(memchr::memchr(b' ', line).unwrap_or(line.len()));
    (Text::new(method), Text::new(uri.trim_ascii()))
}

impl Watch for Show<'_> {
    fn received(&mut self, bytes: &[u8], way: &Way, handled: Handled) {
        if self.args.verbose {
            self.message('<', bytes, way);
        }
        let Handled::Ignored(why) = handled else { return };
        if why == Ignored::KeepAlive || !self.wants_exchanges() || !self.may_show() {
            return;
        }
        let first = bytes.split(|&b| b == b'\r' || b == b'\n').find(|line| !line.is_empty()).unwrap_or_default();
        // What is no SIP is seldom text: its beginning is enough to know it again.
        let most = if why == Ignored::NotSip { 48 } else { 200 };
        let first = first.get(..most).unwrap_or(first);
        let (method, uri) = parts(first.strip_suffix(b" SIP/2.0").unwrap_or(first));
        self.exchange(&Exchange {
            time: Time(Timestamp::now()),
            transport: way.protocol.name(),
            peer: way.peer.to_string(),
            method,
            uri,
            status: None,
            reason: Text::from(why.words()),
            repeat: false,
            took_ms: None,
        });
    }

    fn sent(&mut self, sent: &Transmit, took: Duration) {
        if self.args.verbose {
            self.message('>', &sent.bytes, &sent.way);
        }
        if !self.wants_exchanges() || !self.may_show() {
            return;
        }
        let end = memchr::memchr(b'\r', &sent.bytes).unwrap_or(sent.bytes.len());
        let (method, uri) = parts(&sent.line);
        self.exchange(&Exchange {
            time: Time(Timestamp::now()),
            transport: sent.way.protocol.name(),
            peer: sent.way.peer.to_string(),
            method,
            uri,
            status: Some(sent.status),
            reason: Text::new(sent.bytes.get(12..end).unwrap_or_default()),
            repeat: sent.is_repeat,
            took_ms: Some(took.as_secs_f64() * 1e3),
        });
    }

    fn forwarded(&mut self, sent: &Transmit) {
        if self.args.verbose {
            self.message('>', &sent.bytes, &sent.way);
        }
    }

    fn media_ended(&mut self, call: u64, ended: &Ended) {
        let told = CallMedia { call, media: Media::of(ended) };
        let is_none = told.media.sent.codec.is_none() && told.media.received.packets == 0;
        if is_none || !self.wants_exchanges() || !self.may_show() {
            return;
        }
        let form = self.form;
        self.write(|out, lines| match form {
            Format::Text => text::serve::media(&told, out.terminal, &mut *out.writer),
            _ => lines.line("media", &told, &mut *out.writer),
        });
    }

    fn relayed(&mut self, relayed: &Relayed) {
        if !self.wants_exchanges() || !self.may_show() {
            return;
        }
        let passed = |p: &Passed| report::serve::Passed {
            packets: p.rtp,
            rtcp_packets: p.rtcp,
            refused: p.refused,
            source: p.source.map(|at| at.to_string()),
        };
        let told = report::serve::Relayed {
            call: relayed.call,
            line: relayed.line,
            from_caller: passed(&relayed.from_caller),
            from_callee: passed(&relayed.from_callee),
        };
        let form = self.form;
        self.write(|out, lines| match form {
            Format::Text => text::serve::relayed(&told, out.terminal, &mut *out.writer),
            _ => lines.line("relayed", &told, &mut *out.writer),
        });
    }

    fn transfer(&mut self, transfer: &Transfer) {
        if !self.wants_exchanges() || !self.may_show() {
            return;
        }
        let told = report::serve::Transfer { call: transfer.call, to: Text::new(&transfer.to) };
        let form = self.form;
        self.write(|out, lines| match form {
            Format::Text => text::serve::transfer(&told, out.terminal, &mut *out.writer),
            _ => lines.line("transfer", &told, &mut *out.writer),
        });
    }

    fn unreached(&mut self, error: &TransportError) {
        if self.may_show() {
            // As below.
            let _ = writeln!(io::stderr().lock(), "sipctl: {}", Safe(error.message.as_bytes()));
        }
    }

    fn failed(&mut self, sent: &Transmit, error: &TransportError) {
        if self.may_show() {
            let line = format!("sipctl: no answer to {}: {}\n", sent.way.peer, Safe(error.message.as_bytes()));
            // As above.
            let _ = io::stderr().lock().write_all(line.as_bytes());
        }
    }

    fn table(&mut self, facts: &[BindingFacts]) {
        let bindings = bindings(facts);
        let form = self.form;
        self.write(|out, lines| match form {
            Format::Text => text::serve::bindings(&bindings, out.terminal, &mut *out.writer),
            Format::Ndjson => bindings.iter().try_for_each(|b| lines.line("binding", b, &mut *out.writer)),
            Format::Json => text::serve::bindings(&bindings, out.terminal, &mut io::stderr().lock()),
        });
    }

    fn is_closed(&self) -> bool {
        self.failure.is_some()
    }

    fn wakes_at(&self) -> Option<Instant> {
        (self.held_back > 0).then(|| self.second + Duration::from_secs(1))
    }

    fn idle(&mut self, now: Instant) {
        if now.saturating_duration_since(self.second) >= Duration::from_secs(1) {
            self.new_second(now);
        }
    }
}

/// Bindings as they are told.
pub(super) fn bindings(facts: &[BindingFacts]) -> Vec<Binding> {
    let owned = |bytes: &[u8]| Text::new(bytes).into_owned();
    let told = |f: &BindingFacts| Binding {
        aor: owned(&f.aor),
        contact: owned(&f.contact),
        expires_s: f.expires,
        q: f.q.map(|q| (f64::from(q) / 1000.0).to_string()),
        instance: f.instance.as_deref().map(owned),
        reg_id: f.reg_id,
        path: Some(&f.path[..]).filter(|path| !path.is_empty()).map(owned),
    };
    facts.iter().map(told).collect()
}

/// What it all amounts to.
pub(super) fn summary(
    role: &'static str,
    listening: Vec<Listening>,
    took: Duration,
    tally: &Tally,
    turned: Turned,
    bindings: Vec<Binding>,
) -> Summary {
    let name = |method: Method| if method == Method::Other { "other" } else { method.text() };
    let answers = tally.answers.iter();
    let answers = answers.map(|(&(method, status), &count)| Answers { method: name(method), status, count });
    let ignored = Ignored::ALL.iter().map(|&why| (why.key(), tally.ignored(why))).filter(|(_, n)| *n > 0);
    let closed = [
        ("handshake_failed", turned.handshakes),
        ("idle_too_long", turned.idle),
        ("too_many", turned.evicted),
        ("does_not_read", turned.stalled),
        ("too_much_unfinished", turned.greedy),
    ];
    Summary {
        schema: SCHEMA,
        role,
        listening,
        duration_ms: took.as_secs_f64() * 1e3,
        requests: tally.requests,
        repeats: tally.repeats,
        answers: answers.collect(),
        ignored: ignored.collect(),
        evicted: tally.evicted,
        crowded: tally.crowded,
        unsent: tally.unsent,
        closed: closed.into_iter().filter(|(_, n)| *n > 0).collect(),
        bindings,
    }
}
