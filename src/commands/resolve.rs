//! `sipctl resolve`: targets through RFC 3263, each candidate probed where that is asked for.

use super::output::{self, Output};
use super::{Failure, active};
use crate::base::Entropy;
use crate::cli::active::Transport;
use crate::cli::output::Format;
use crate::cli::resolve::ResolveArgs;
use crate::driver::probe::{self, Probed};
use crate::render::{json, ndjson, text};
use crate::report::Exit;
use crate::report::active::{Candidate, Lookup, Resolution, Verdict};
use crate::report::resolve::{CandidateLine, Document, LookupLine, Probe, Report, Reports, SCHEMA, SummaryLine, worst};
use crate::sip::status;
use crate::transport::resolve::Wanted;
use crate::transport::{ConnectOptions, Connector, Plan, Protocol, Resolver, Target};
use anyhow::anyhow;
use futures_util::stream::{self, StreamExt};
use std::io::Write;
use std::time::Duration;

/// Candidates that are probed at once.
const PROBES_AT_ONCE: usize = 16;

/// Runs the command.
///
/// # Errors
/// Whatever keeps it from doing its work, with the exit code for it.
pub fn run(args: &ResolveArgs) -> Result<Exit, Failure> {
    let targets = args.targets.iter().map(|typed| target(typed)).collect::<Result<Vec<_>, _>>()?;
    active::block_on(async {
        let run = Run::of(args)?;
        let mut out = output::open(&args.output)?;
        let mut reports = Vec::new();
        for target in &targets {
            let report = run.target(target).await?;
            run.write(&report, reports.is_empty(), &mut out)?;
            reports.push(report);
        }
        let result = worst(&reports);
        if args.output.form() == Format::Json {
            let document = match <[Report; 1]>::try_from(reports) {
                Ok([report]) => Document::One(report),
                Err(targets) => Document::Several(Reports { schema: SCHEMA, targets, result: result.clone() }),
            };
            json::document(&document, out.is_terminal, &mut out.writer)?;
        }
        out.writer.flush()?;
        Ok(exit(result.code))
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
    resolver: Resolver,
    connector: Option<Connector>,
    wanted: Wanted,
}

impl<'a> Run<'a> {
    fn of(args: &'a ResolveArgs) -> Result<Self, Failure> {
        let usage = |e: crate::transport::TransportError| {
            let hint = e.hint.clone();
            Failure::new(Exit::Usage, e).with_hint(hint)
        };
        let resolver = Resolver::new(args.dns, args.timeout).map_err(usage)?;
        let options = ConnectOptions {
            bind: args.bind,
            tls_ca: args.tls_ca.clone(),
            tls_insecure: args.tls_insecure,
            ..ConnectOptions::default()
        };
        let connector = if args.probe { Some(Connector::new(options).map_err(usage)?) } else { None };
        let v6 = if args.ipv4 { Some(false) } else { args.ipv6.then_some(true) };
        let wanted = Wanted { protocol: args.transport.map(protocol), v6 };
        Ok(Run { args, resolver, connector, wanted })
    }

    async fn target(&self, target: &Target) -> Result<Report, Failure> {
        let mut entropy = Entropy::from_system()?;
        let (plan, result) = match self.resolver.try_plan(target, self.wanted, &mut entropy).await {
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
        let resolution = resolution(&plan);
        let typed = target.typed.trim().to_owned();
        let mut report = Report { schema: SCHEMA, target: typed, resolution, probes: None, dns_ms, result };
        if let Some(connector) = self.connector.as_ref().filter(|_| report.result.ok) {
            self.probe(connector, &plan, target, &mut report).await?;
        }
        Ok(report)
    }

    /// One OPTIONS to each candidate, several at once.
    async fn probe(
        &self,
        connector: &Connector,
        plan: &Plan,
        target: &Target,
        report: &mut Report,
    ) -> Result<(), Failure> {
        let mut asked = Vec::new();
        for candidate in &plan.candidates {
            let mut entropy = Entropy::from_system()?;
            let (uri, timeout) = (target.uri.as_str(), self.args.timeout);
            asked.push(async move { probe::probe(connector, candidate, uri, timeout, &mut entropy).await });
        }
        let probed: Vec<Probed> = stream::iter(asked).buffered(PROBES_AT_ONCE).collect().await;
        let mut probes = Vec::new();
        for (at, (candidate, probed)) in report.resolution.candidates.iter_mut().zip(&probed).enumerate() {
            candidate.outcome = Some(words(probed));
            let (status, rtt_ms) = match probed {
                Probed::Answered { status, rtt } => (Some(*status), Some(ms(*rtt))),
                _ => (None, None),
            };
            let failure = probed.failure().map(str::to_owned);
            probes.push(Probe { candidate: at, alive: status.is_some(), status, rtt_ms, failure });
        }
        report.probes = Some(probes);
        report.judge();
        Ok(())
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

fn protocol(typed: Transport) -> Protocol {
    match typed {
        Transport::Udp => Protocol::Udp,
        Transport::Tcp => Protocol::Tcp,
        Transport::Tls => Protocol::Tls,
        Transport::Ws => Protocol::Ws,
        Transport::Wss => Protocol::Wss,
    }
}

fn ms(took: Duration) -> f64 {
    took.as_secs_f64() * 1e3
}

/// `200 OK 1.2 ms`, `no answer in 5 s`, `dead: …`.
fn words(probed: &Probed) -> String {
    match probed {
        Probed::Answered { status, rtt } => {
            let reason = status::reason(*status);
            format!("{status} {reason} {:.1} ms", ms(*rtt)).replace("  ", " ")
        }
        Probed::Silent(after) => format!("no answer in {} s", after.as_secs_f64()),
        Probed::Dead(error) => format!("dead: {}", error.message),
    }
}

/// The plan as a report has it.
fn resolution(plan: &Plan) -> Resolution {
    let lookup = |l: &crate::transport::resolve::Lookup| Lookup {
        kind: l.kind.to_owned(),
        name: l.name.clone(),
        records: l.records.clone(),
        failure: l.failure.clone(),
        took_ms: ms(l.took),
    };
    let candidate = |c: &crate::transport::Candidate| Candidate {
        transport: c.protocol.name().to_owned(),
        address: c.address.to_string(),
        host: c.host.clone(),
        priority: c.srv.map(|(priority, _)| priority),
        weight: c.srv.map(|(_, weight)| weight),
        how: c.how.clone(),
        outcome: None,
    };
    Resolution {
        lookups: plan.lookups.iter().map(lookup).collect(),
        candidates: plan.candidates.iter().map(candidate).collect(),
        used: None,
        notes: plan.notes.clone(),
    }
}
