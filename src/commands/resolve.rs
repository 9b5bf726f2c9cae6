//! `sipctl resolve`: targets through RFC 3263, each candidate probed where that is asked for.

use super::active::{self, Setup};
use super::output::{self, Output};
use super::verbose::Watching;
use super::{Failure, dry_run};
use crate::agent::Account;
use crate::agent::ping::{Event, Options, Ping};
use crate::base::Entropy;
use crate::cli::output::Format;
use crate::cli::resolve::ResolveArgs;
use crate::driver::{Stop, agent};
use crate::render::{json, ndjson, text};
use crate::report::Exit;
use crate::report::active::{Resolution, Verdict};
use crate::report::resolve::{CandidateLine, Document, LookupLine, Probe, Report, Reports, SCHEMA, SummaryLine, worst};
use crate::sip::status;
use crate::transport::{Candidate, Phase, Plan, Target, TransportError};
use anyhow::anyhow;
use futures_util::stream::{self, StreamExt};
use std::io::Write;
use std::time::Duration;

/// Candidates that are probed at once.
const PROBES_AT_ONCE: usize = 16;

/// What became of a probe.
enum Probed {
    /// A final response came: its status, and how long after the last sending.
    Answered(u16, Duration),
    /// The request went out, and nothing final came in this time.
    Silent(Duration),
    /// It could not be reached.
    Dead(TransportError),
}

/// Runs the command.
///
/// # Errors
/// Whatever keeps it from doing its work, with the exit code for it.
pub fn run(args: &ResolveArgs) -> Result<Exit, Failure> {
    let targets = args.targets.iter().map(|typed| target(typed)).collect::<Result<Vec<_>, _>>()?;
    let mut setup = Setup::of(&args.active, false, None)?;
    // A name alone, taken from --from, is no wish to log in: a challenge is an answer then.
    let given = args.active.auth_user.is_some();
    let account = setup.account.take().filter(|a| a.secret.is_some() || given);
    active::block_on(async {
        if args.active.dry_run && args.probe {
            let run = Run { args, setup: &setup, account, stop: Stop::on_signals()? };
            return run.dry(&targets).await;
        }
        let mut out = output::open(&args.output)?;
        setup.terminal = out.terminal;
        let run = Run { args, setup: &setup, account, stop: Stop::on_signals()? };
        let mut reports = Vec::new();
        for target in &targets {
            let mut stop = run.stop.clone();
            let report = tokio::select! {
                report = run.target(target) => report?,
                () = stop.after(0) => break,
            };
            run.write(&report, reports.is_empty(), &mut out)?;
            reports.push(report);
        }
        run.finish(reports, &mut out)
    })
}

/// Reads a target.
fn target(typed: &str) -> Result<Target, Failure> {
    Target::parse(typed).map_err(|why| {
        Failure::new(Exit::Usage, anyhow!(why))
            .with_hint("a target is sip:user@host:port;transport=tcp, sips:…, host or host:port")
    })
}

fn exit(code: u8) -> Exit {
    match code {
        0 => Exit::Good,
        3 => Exit::NoAnswer,
        _ => Exit::Unreachable,
    }
}

struct Run<'a> {
    args: &'a ResolveArgs,
    setup: &'a Setup,
    account: Option<Account>,
    stop: Stop,
}

impl Run<'_> {
    /// The probes of all candidates as they would be sent. CONTRACT §2
    async fn dry(&self, targets: &[Target]) -> Result<Exit, Failure> {
        for target in targets {
            let plan = self.setup.plan(&self.args.active, target).await?;
            for candidate in &plan.candidates {
                let mut ping = self.ping(target)?;
                dry_run::show(&mut ping, &only(candidate), self.setup, &self.args.active)?;
            }
        }
        Ok(Exit::Good)
    }

    /// Whatever stands at the end: the document, the ladder, the file of `--write`.
    fn finish(&self, reports: Vec<Report>, out: &mut Output) -> Result<Exit, Failure> {
        let recorded = self.setup.recorded(&self.args.active)?;
        let result = worst(&reports);
        let interrupted = self.stop.count() > 0;
        match self.args.output.form() {
            Format::Json => {
                let document = match <[Report; 1]>::try_from(reports) {
                    Ok([report]) => Document::One(report),
                    Err(targets) => Document::Several(Reports { schema: SCHEMA, targets, result: result.clone() }),
                };
                json::document(&document, out.is_terminal, &mut out.writer)?;
            }
            Format::Text if !recorded.ladder.is_empty() => write!(out.writer, "\n{}", recorded.ladder)?,
            _ => {}
        }
        out.writer.flush()?;
        Ok(if interrupted { Exit::Interrupted } else { exit(result.code) })
    }

    async fn target(&self, target: &Target) -> Result<Report, Failure> {
        let mut entropy = Entropy::from_system()?;
        let (plan, result) = match self.setup.try_plan(target, &mut entropy).await {
            Ok(plan) => {
                let reason = match plan.candidates.len() {
                    1 => "1 candidate".to_owned(),
                    n => format!("{n} candidates"),
                };
                (plan, Verdict { ok: true, code: Exit::Good.code(), reason })
            }
            Err((error, plan)) => {
                let _ = writeln!(std::io::stderr(), "sipctl: {}", output::one_line(&error.message));
                if !error.hint.is_empty() {
                    let _ = writeln!(std::io::stderr(), "  {}", output::one_line(&error.hint));
                }
                (*plan, Verdict { ok: false, code: Exit::Unreachable.code(), reason: error.message })
            }
        };
        let dns_ms = (!plan.lookups.is_empty()).then(|| ms(plan.took));
        let resolution = Resolution::of(&plan);
        let typed = target.typed.trim().to_owned();
        let mut report = Report { schema: SCHEMA, target: typed, resolution, probes: None, dns_ms, result };
        Watching::new(&self.args.active, &plan, |_: Event| {}).tell_plan();
        if self.args.probe && report.result.ok {
            self.probe(&plan, target, &mut report).await?;
        }
        Ok(report)
    }

    /// One OPTIONS to each candidate, several at once.
    async fn probe(&self, plan: &Plan, target: &Target, report: &mut Report) -> Result<(), Failure> {
        let asked = plan.candidates.iter().map(|candidate| self.ask(target, candidate));
        let probed: Vec<Result<Probed, Failure>> = stream::iter(asked).buffered(PROBES_AT_ONCE).collect().await;
        let probed = probed.into_iter().collect::<Result<Vec<_>, _>>()?;
        let mut probes = Vec::new();
        for (at, (candidate, probed)) in report.resolution.candidates.iter_mut().zip(&probed).enumerate() {
            candidate.outcome = Some(words(probed));
            let (status, rtt_ms) = match probed {
                Probed::Answered(status, rtt) => (Some(*status), Some(ms(*rtt))),
                _ => (None, None),
            };
            let failure = probed.failure().map(str::to_owned);
            probes.push(Probe { candidate: at, alive: status.is_some(), status, rtt_ms, failure });
        }
        report.probes = Some(probes);
        report.judge();
        Ok(())
    }

    /// A ping that sends one OPTIONS.
    fn ping(&self, target: &Target) -> Result<Ping, Failure> {
        let options = Options {
            method: "OPTIONS".to_owned(),
            uri: target.uri.clone(),
            count: 1,
            interval: Duration::ZERO,
            wait: self.setup.timeout,
            parallel: 1,
            max_forwards: 70,
            size: None,
            timers: self.setup.timers,
            candidates: 1,
        };
        Ok(Ping::new(options, self.setup.identity.clone(), self.account.clone(), Entropy::from_system()?))
    }

    /// Asks one candidate.
    async fn ask(&self, target: &Target, candidate: &Candidate) -> Result<Probed, Failure> {
        let (mut ping, plan) = (self.ping(target)?, only(candidate));
        let mut probed = Probed::Silent(self.setup.timeout);
        let took_in = |event: Event| match event {
            Event::Reply(reply) => probed = Probed::Answered(reply.status, reply.rtt),
            Event::Failed { error, .. } => probed = Probed::Dead(*error),
            // Silence is what it is taken for until something is told.
            _ => {}
        };
        let mut watching = Watching::new(&self.args.active, &plan, took_in);
        agent::run(&mut ping, &plan, self.setup.connector.as_ref(), self.stop.clone(), &mut watching).await;
        drop(watching);
        Ok(probed)
    }

    /// Writes one target as soon as it is known; JSON waits for all of them.
    fn write(&self, report: &Report, first: bool, out: &mut Output) -> Result<(), Failure> {
        match self.args.output.form() {
            Format::Json => return Ok(()),
            Format::Ndjson => lines(report, &mut out.writer)?,
            Format::Text => {
                if !first {
                    writeln!(out.writer)?;
                }
                text::resolve::resolve(report, out.terminal, &mut out.writer)?;
            }
        }
        out.writer.flush()?;
        Ok(())
    }
}

/// One target as NDJSON: its lookups, its candidates, its summary, each with the target that it belongs to.
fn lines(report: &Report, out: &mut dyn Write) -> std::io::Result<()> {
    let mut lines = ndjson::Lines::new();
    let target = report.target.as_str();
    for lookup in &report.resolution.lookups {
        lines.line("lookup", &LookupLine { target, lookup }, out)?;
    }
    for (at, candidate) in report.resolution.candidates.iter().enumerate() {
        let probe = report.probes.as_ref().and_then(|probes| probes.get(at));
        lines.line("candidate", &CandidateLine { target, candidate, probe }, out)?;
    }
    let (schema, notes, dns_ms, result) = (report.schema, &report.resolution.notes, report.dns_ms, &report.result);
    lines.line("summary", &SummaryLine { schema, target, notes, dns_ms, result }, out)
}

/// A plan of one candidate.
fn only(candidate: &Candidate) -> Plan {
    Plan { candidates: vec![candidate.clone()], ..Plan::default() }
}

fn ms(took: Duration) -> f64 {
    took.as_secs_f64() * 1e3
}

/// `200 OK 1.2 ms`, `no answer in 5 s`, `dead: …`.
fn words(probed: &Probed) -> String {
    match probed {
        Probed::Answered(status, rtt) => {
            let reason = status::reason(*status);
            format!("{status} {reason} {:.1} ms", ms(*rtt)).replace("  ", " ")
        }
        Probed::Silent(after) => format!("no answer in {} s", after.as_secs_f64()),
        Probed::Dead(error) => format!("dead: {}", error.message),
    }
}

impl Probed {
    /// A stable word for what kept it from answering.
    fn failure(&self) -> Option<&'static str> {
        match self {
            Probed::Answered(..) => None,
            Probed::Silent(_) => Some("timeout"),
            // Nobody accepts the connection in time: as silent as a datagram without an answer.
            Probed::Dead(error) if error.kind == "timeout" && error.phase != Phase::Dns => Some("timeout"),
            Probed::Dead(error) => Some(error.kind),
        }
    }
}
