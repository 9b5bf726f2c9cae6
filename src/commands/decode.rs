//! `sipctl decode`: sources through the trace into the form that is asked for.

use super::background::Background;
use super::outlet::{Both, Gather, Hold, LiveText, Ndjson};
use super::output::{self, Output};
use super::save::Plan;
use super::{Failure, devices, evidence};
use crate::analysis::Settings;
use crate::capture::{CaptureError, HepListener, Merged};
use crate::cli::decode::{DecodeArgs, FailOn, Messages};
use crate::cli::output::Format;
use crate::driver::{self, Control, Input, Totals};
use crate::net::link;
use crate::net::tls::KeyLog;
use crate::render::text::{self, Bodies, Mode, TextOptions};
use crate::render::{json, ndjson};
use crate::report::apart::{self, Collected};
use crate::report::collect::{self, Quiet};
use crate::report::decode::{FindingCounts, Instant, Report, Source, Summary};
use crate::report::select::Chosen;
use crate::report::{Collector, Detail, Exit, Outlet, Selection};
use crate::trace::{Intake, Limits, Linger, Tracer, intake};
use anyhow::{Context, anyhow};
use std::io::Write;
use std::path::PathBuf;

/// Runs the command.
///
/// # Errors
/// Whatever keeps it from doing its work, with the exit code for it.
pub fn run(args: &DecodeArgs) -> Result<Exit, Failure> {
    if args.list_devices {
        return devices::list(&args.output);
    }
    let selection = selection(args);
    let keys = keys(&args.keylog, &args.server_key)?;
    let mut settings = evidence::settings(args)?;
    let mut plan = Plan::of(args)?;
    let mut input = open(args)?;
    settings.read_along =
        input.is_live() || (args.output.form() == Format::Ndjson && !args.summary && args.expect.is_empty());
    settings.coarse_times = input.infos().iter().any(|(info, _)| info.coarse_times);
    plan.begin(&input)?;
    let mut out = output::open(&args.output)?;
    give_up_root(args, &input)?;
    let run = Run { args, selection: &selection, settings: &settings };
    let (result, chosen) = run.decode(&mut input, keys, &mut plan, &mut out)?;
    out.writer.flush()?;
    plan.end(chosen)?;
    result.verdict(args)
}

/// What is left of a run when its output is written.
struct Done {
    findings: FindingCounts,
    document: Option<serde_json::Value>,
    interrupted: bool,
    nothing_found: Option<String>,
    /// Why the input could not be read to its end: told when what was read has been shown.
    failed: Option<CaptureError>,
}

struct Run<'a> {
    args: &'a DecodeArgs,
    selection: &'a Selection,
    settings: &'a Settings,
}

impl Run<'_> {
    fn decode(
        &self,
        input: &mut Input,
        keys: KeyLog,
        plan: &mut Plan,
        out: &mut Output,
    ) -> Result<(Done, crate::report::select::Chosen), Failure> {
        let form = self.args.output.form();
        let needs_report = self.args.expect.iter().any(|e| e.needs_details());
        let live = input.is_live();
        let bodies = self.bodies();
        match form {
            Format::Ndjson if !self.args.summary => {
                if !live {
                    let direct = std::mem::replace(&mut out.writer, Box::new(std::io::sink()));
                    out.writer = Box::new(Background::new(direct)?);
                }
                let (lines, told) = {
                    let outlet = Ndjson::new(&mut *out.writer, live);
                    self.feed_gathering(input, keys, plan, outlet, needs_report, |outlet| outlet.failure.take())?
                };
                if let Some(failure) = lines {
                    return Err(failure.into());
                }
                let Told { report, done, chosen } = told;
                ndjson::Lines::new().summary(report.schema, &report.sources, &report.summary, &mut out.writer)?;
                Ok((done, chosen))
            }
            Format::Text if live && !self.args.summary && !self.args.list => {
                let (failure, told) = {
                    let outlet = LiveText::new(&mut *out.writer, out.terminal, bodies);
                    self.feed_gathering(input, keys, plan, outlet, needs_report, |outlet| outlet.failure.take())?
                };
                if let Some(failure) = failure {
                    return Err(failure.into());
                }
                writeln!(out.writer)?;
                text::overview(&told.report.sources, &told.report.summary, out.terminal, &mut out.writer)?;
                Ok((told.done, told.chosen))
            }
            _ if self.args.summary && !needs_report => {
                let told = self.feed(input, keys, plan, &mut Quiet)?;
                self.write(&told.report, out)?;
                Ok((told.done, told.chosen))
            }
            _ => {
                let mut gather = Gather::new(self.hold(form, needs_report));
                let mut told = self.feed(input, keys, plan, &mut gather)?;
                told.gathered(gather);
                if needs_report {
                    told.done.document = serde_json::to_value(&told.report).ok();
                }
                told.done.nothing_found = self.missing_call(&told.report);
                if told.done.nothing_found.is_none() {
                    self.write(&told.report, out)?;
                }
                Ok((told.done, told.chosen))
            }
        }
    }

    /// Feeds the input to an outlet that writes as things happen, and gives its failure. Where a condition asks for more than
    /// the summary, everything is gathered beside.
    fn feed_gathering<O: Outlet + Send>(
        &self,
        input: &mut Input,
        keys: KeyLog,
        plan: &mut Plan,
        mut outlet: O,
        gathers: bool,
        failure: impl Fn(&mut O) -> Option<std::io::Error>,
    ) -> Result<(Option<std::io::Error>, Told), Failure> {
        if !gathers {
            let told = self.feed(input, keys, plan, &mut outlet)?;
            return Ok((failure(&mut outlet), told));
        }
        let mut both = Both(outlet, Gather::new(Hold::Every));
        let mut told = self.feed(input, keys, plan, &mut both)?;
        let Both(mut outlet, gather) = both;
        told.gathered(gather);
        told.done.document = serde_json::to_value(&told.report).ok();
        Ok((failure(&mut outlet), told))
    }

    /// Feeds the input to an outlet, and gives the report of what is known beside: sources, summary, peers.
    fn feed(
        &self,
        input: &mut Input,
        keys: KeyLog,
        plan: &mut Plan,
        outlet: &mut (dyn Outlet + Send),
    ) -> Result<Told, Failure> {
        let detail = Detail {
            headers: self.args.headers || self.bodies() == Bodies::Headers,
            raw: self.args.raw || self.bodies() == Bodies::Full,
            secrets: self.args.show_secrets,
        };
        let raw = (detail.headers || detail.raw) && (!self.selection.is_everything() || self.bodies() != Bodies::None);
        // Who watches live traffic wants a call when it has ended, not half a minute later.
        let linger = if input.is_live() { Linger::Prompt } else { Linger::Whole };
        let limits = Limits { keep_raw: raw, linger, join: !self.args.no_join, ..Limits::default() };
        let stop = driver::signal::stop_flag()?;
        let options = intake::Options { ports: self.args.port.clone(), own: false };
        let needs_chosen = plan.needs_chosen();
        let control = Control { stop: &stop, duration: self.args.duration, count: self.args.count, tap: plan.tap() };
        let chosen = Chosen::wanted(needs_chosen);
        let (intake, tracer) = (Intake::new(options, keys), Tracer::new(limits));
        let judged_by = (self.selection, detail, self.settings);
        let scribe = match outlet.messages() {
            collect::Messages::OneByOne => None,
            // Who watches wants to see each thing when it happens.
            _ if input.is_live() => None,
            collect::Messages::No => Some(None),
            collect::Messages::Written(scribe) => Some(Some(scribe)),
        };
        let (mut totals, collected) = match scribe {
            Some(scribe) => apart::judge(outlet, scribe, judged_by, chosen, |front| {
                driver::decode::run(input, intake, tracer, front, control)
            })
            .map_err(|e| Failure::new(Exit::Usage, anyhow!("cannot start a thread: {e}")))?,
            None => {
                let mut collector = Collector::new(outlet, self.selection, detail, self.settings);
                collector.chosen = chosen;
                let totals = driver::decode::run(input, intake, tracer, &mut collector, control);
                let Collector { tally, peers, chosen, .. } = collector;
                (totals, Collected { tally, peers, chosen })
            }
        };
        let Collected { tally, peers, chosen } = collected;
        let failed = totals.failed.take();
        let report = Report {
            schema: "sipctl.decode/1",
            sources: sources(input, &totals),
            summary: summary(&tally, &totals),
            peers: peers.told(),
            ..Report::default()
        };
        self.notes(input, &totals);
        let document = self.small_document(&report);
        let done =
            Done { findings: tally.findings, document, interrupted: totals.interrupted, nothing_found: None, failed };
        Ok(Told { report, done, chosen })
    }

    /// The document that conditions on the summary need.
    fn small_document(&self, report: &Report) -> Option<serde_json::Value> {
        if self.args.expect.is_empty() {
            return None;
        }
        Some(serde_json::json!({"schema": report.schema, "sources": report.sources, "summary": report.summary}))
    }

    fn write(&self, report: &Report, out: &mut Output) -> Result<(), Failure> {
        match self.args.output.form() {
            Format::Json => json::decode(report, self.args.summary, out.is_terminal, &mut out.writer)?,
            Format::Ndjson => {
                ndjson::Lines::new().summary(report.schema, &report.sources, &report.summary, &mut out.writer)?
            }
            Format::Text => {
                let options = TextOptions { mode: self.mode(report), bodies: self.bodies() };
                text::decode(report, &options, out.terminal, &mut out.writer)?;
            }
        }
        Ok(())
    }

    fn mode(&self, report: &Report) -> Mode {
        match (&self.args.call, report.calls.first()) {
            (Some(_), Some(call)) => Mode::Call(call.id),
            _ if self.args.list => Mode::List,
            _ if self.args.summary => Mode::Summary,
            _ if self.args.all => Mode::All,
            _ => Mode::Auto,
        }
    }

    fn hold(&self, form: Format, needs_report: bool) -> Hold {
        match form {
            Format::Json | Format::Ndjson => Hold::Every,
            Format::Text if needs_report => Hold::Every,
            Format::Text if self.args.all || self.args.call.is_some() => Hold::Whole,
            Format::Text if self.args.list => Hold::Listed,
            Format::Text => Hold::Drawn,
        }
    }

    fn bodies(&self) -> Bodies {
        match self.args.messages {
            None => Bodies::None,
            Some(Messages::Headers) => Bodies::Headers,
            Some(Messages::Full) => Bodies::Full,
        }
    }

    fn missing_call(&self, report: &Report) -> Option<String> {
        let wanted = self.args.call.as_ref()?;
        report.calls.is_empty().then(|| format!("there is no call '{wanted}' in it"))
    }

    /// What a person should know about the sources themselves.
    fn notes(&self, input: &Input, totals: &Totals) {
        let mut stderr = std::io::stderr().lock();
        let late = totals.let_go.late;
        if late > 0 {
            let what = if late == 1 { "message" } else { "messages" };
            let _ = writeln!(stderr, "sipctl: {late} {what} came after the call or exchange had been told as ended");
        }
        for (info, dropped) in input.infos() {
            for note in &info.notes {
                let _ = writeln!(stderr, "sipctl: {}: {}", output::one_line(&info.path), output::one_line(note));
            }
            if info.truncated {
                let _ = writeln!(
                    stderr,
                    "sipctl: {}: ends in the middle of a packet; all {} whole packets were read",
                    output::one_line(&info.path),
                    info.packets
                );
            }
            if let Some(dropped) = dropped.filter(|n| *n > 0) {
                let _ = writeln!(
                    stderr,
                    "sipctl: {}: {dropped} packets were dropped before they could be read",
                    output::one_line(&info.path)
                );
            }
        }
    }
}

struct Told {
    report: Report,
    done: Done,
    chosen: crate::report::select::Chosen,
}

impl Told {
    /// Completes the report with what was gathered.
    fn gathered(&mut self, gather: Gather) {
        let Report { sources, summary, peers, .. } = std::mem::take(&mut self.report);
        self.report = Report { sources, summary, peers, ..gather.finished() };
    }
}

impl Done {
    fn verdict(self, args: &DecodeArgs) -> Result<Exit, Failure> {
        if let Some(error) = self.failed {
            return Err(Failure::new(Exit::Usage, error));
        }
        if let Some(missing) = self.nothing_found {
            return Err(
                Failure::new(Exit::Usage, anyhow!(missing)).with_hint("sipctl decode FILE --list shows the calls")
            );
        }
        let mut good = true;
        let mut stderr = std::io::stderr().lock();
        for expectation in &args.expect {
            let document = self.document.as_ref().unwrap_or(&serde_json::Value::Null);
            if !expectation.holds(document) {
                let found = expectation.found(document).join(", ");
                let line = format!("expected {}, found {found}", expectation.text());
                let _ = writeln!(stderr, "sipctl: {}", output::one_line(&line));
                good = false;
            }
        }
        let FindingCounts { error, warning, info } = self.findings;
        let counted = match args.fail_on {
            None => 0,
            Some(FailOn::Error) => error,
            Some(FailOn::Warning) => error + warning,
            Some(FailOn::Info) => error + warning + info,
        };
        Ok(match (good && counted == 0, self.interrupted) {
            (_, true) => Exit::Interrupted,
            (true, false) => Exit::Good,
            (false, false) => Exit::Unexpected,
        })
    }
}

fn selection(args: &DecodeArgs) -> Selection {
    let number = args.call.as_ref().and_then(|c| c.parse().ok());
    let mut call_ids = args.call_id.clone();
    if let (Some(call), None) = (&args.call, number) {
        call_ids.push(call.clone());
    }
    Selection {
        call: number,
        call_ids,
        users: args.user.clone(),
        ips: args.ip.clone(),
        methods: args.method.clone(),
        statuses: args.status.clone(),
        states: args.state.clone(),
        findings: args.finding.clone(),
        after: args.after,
        before: args.before,
    }
}

/// The secrets of key logs and of private keys.
pub(super) fn keys(keylogs: &[PathBuf], server_keys: &[PathBuf]) -> Result<KeyLog, Failure> {
    let mut keys = KeyLog::new();
    let read = |path: &std::path::Path| {
        std::fs::read(path)
            .with_context(|| format!("cannot read {}", path.display()))
            .map_err(|e| Failure::new(Exit::Usage, e))
    };
    for path in keylogs {
        if keys.add_text(&read(path)?) == 0 {
            let error = anyhow!("{}: there is no TLS secret in it", path.display());
            return Err(
                Failure::new(Exit::Usage, error).with_hint("a key log has lines like: CLIENT_RANDOM 52fd… 8a41…")
            );
        }
    }
    for path in server_keys {
        let added = keys.add_server_key(&read(path)?);
        added.map_err(|e| Failure::new(Exit::Usage, anyhow!("{}: {e}", path.display())))?;
    }
    Ok(keys)
}

fn open(args: &DecodeArgs) -> Result<Input, Failure> {
    if let Some(address) = args.hep_listen {
        let listener = HepListener::bind(address, 0).map_err(|e| Failure::new(Exit::Unreachable, e))?;
        let _ = writeln!(std::io::stderr(), "sipctl: waiting for HEP on {} (UDP and TCP)", listener.address());
        return Ok(Input::Hep(Box::new(listener)));
    }
    if let Some(device) = &args.interface {
        return open_device(args, device);
    }
    Merged::open(&args.files).map(|files| Input::Files(Box::new(files))).map_err(|e| Failure::new(Exit::Usage, e))
}

#[cfg(feature = "live")]
fn open_device(args: &DecodeArgs, device: &str) -> Result<Input, Failure> {
    use crate::capture::live::{LiveOptions, LiveSource};
    let options = LiveOptions { device: device.to_owned(), filter: args.filter.clone(), ..LiveOptions::default() };
    let source = LiveSource::open(&options, 0).map_err(|e| {
        let exit = if matches!(e, CaptureError::Filter { .. }) { Exit::Usage } else { Exit::Unreachable };
        let is_unknown = matches!(e, CaptureError::NoSuchDevice { .. });
        let failure = Failure::new(exit, e);
        if is_unknown { failure.with_hint("sipctl decode --list-devices lists them") } else { failure }
    })?;
    let mut stderr = std::io::stderr().lock();
    if let Some(widened) = source.widened_filter() {
        let _ = writeln!(stderr, "sipctl: the filter was widened so that IP fragments arrive: {widened}");
    }
    let _ = writeln!(stderr, "sipctl: capturing on {device} ({}); Ctrl-C stops", link::name(source.link_type()));
    Ok(Input::Device(Box::new(source)))
}

#[cfg(not(feature = "live"))]
fn open_device(_: &DecodeArgs, _: &str) -> Result<Input, Failure> {
    Err(no_live())
}

/// This build was made without live capture.
#[cfg(not(feature = "live"))]
pub fn no_live() -> Failure {
    Failure::new(Exit::Unreachable, anyhow!("this sipctl was built without live capture"))
        .with_hint("build it with the feature 'live', which is on by default")
}

/// Root opens the device; nobody reads what it brings.
fn give_up_root(args: &DecodeArgs, input: &Input) -> Result<(), Failure> {
    if !input.is_live() {
        return Ok(());
    }
    let user = match (&args.user_id, args.write.is_some() || args.output.output.is_some()) {
        (Some(user), _) => user.as_str(),
        (None, true) => return Ok(()),
        (None, false) => "nobody",
    };
    crate::capture::privilege::drop_to(user).map(|_| ()).map_err(|e| Failure::new(Exit::Usage, e))
}

fn sources(input: &Input, totals: &Totals) -> Vec<Source> {
    // What a listener receives are reads; how many HEP packets they held only the trace knows.
    let listened = matches!(input, Input::Hep(_)).then_some(totals.packets);
    let told = input.infos().into_iter().map(|(info, dropped)| Source {
        path: info.path,
        format: info.format,
        link_types: info.link_types.iter().map(|&l| link::name(l).to_owned()).collect(),
        packets: listened.unwrap_or(info.packets),
        bytes: info.bytes,
        first_time: info.first_time.map(Instant),
        last_time: info.last_time.map(Instant),
        truncated: info.truncated,
        dropped,
    });
    told.collect()
}

/// The counts of a run.
pub(super) fn summary(tally: &crate::report::tally::Tally, totals: &Totals) -> Summary {
    let undecoded = || totals.undecoded.iter();
    Summary {
        packets: totals.packets,
        messages: tally.messages,
        requests: tally.requests(),
        responses: tally.responses(),
        transports: tally.transports(),
        calls: tally.calls,
        registrations: tally.registrations,
        exchanges: tally.exchanges,
        streams: tally.streams,
        rtp_packets: tally.rtp_packets,
        calls_by_state: tally.calls_by_state.iter().map(|(k, v)| ((*k).to_owned(), *v)).collect(),
        findings: tally.findings,
        malformed: tally.malformed,
        undecoded: undecoded().map(|(r, n)| (r.key().to_owned(), n)).collect(),
        hints: undecoded().map(|(r, _)| (r.key().to_owned(), r.hint().to_owned())).collect(),
        first_time: totals.first_time.map(Instant),
        last_time: totals.last_time.map(Instant),
    }
}
