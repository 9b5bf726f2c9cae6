//! `sipctl trace`.

use super::active::{self, Setup};
use super::verbose::Watching;
use super::{Failure, dry_run, output};
use crate::agent::trace::{Event, Options, Trace};
use crate::base::Entropy;
use crate::cli::output::Format;
use crate::cli::trace::TraceArgs;
use crate::driver::{Stop, agent};
use crate::render::ndjson::Lines;
use crate::render::{json, text};
use crate::report::Exit;
use crate::report::active::{Resolution, Timing, Tls};
use crate::report::trace::{Gather, Report};
use crate::transport::{Plan, Target};
use std::io::Write;

/// Runs the command.
///
/// # Errors
/// Whatever keeps it from doing its work, with the exit code for it.
pub fn run(args: &TraceArgs) -> Result<Exit, Failure> {
    let wrong = |why: String| {
        Failure::new(Exit::Usage, anyhow::anyhow!(why))
            .with_hint("write sip:bob@example.com, sip.example.com, 192.0.2.1:5070 or [2001:db8::1]:5060")
    };
    let target = Target::parse(&args.target).map_err(wrong)?;
    active::block_on(trace(args, &target))
}

async fn trace(args: &TraceArgs, target: &Target) -> Result<Exit, Failure> {
    let form = args.output.form();
    let mut setup = Setup::of(&args.active, form != Format::Text, None)?;
    let plan = setup.plan(&args.active, target).await?;
    let options = Options {
        method: args.method.clone(),
        uri: target.uri.clone(),
        max_hops: args.max_hops,
        probes: args.probes,
        timeout: setup.timeout,
        timers: setup.timers,
        candidates: plan.candidates.len(),
    };
    let mut machine = Trace::new(options, setup.identity.clone(), setup.account.clone(), Entropy::from_system()?);
    if args.active.dry_run {
        return dry_run::show(&mut machine, &plan, &setup, &args.active);
    }
    let mut out = output::open(&args.output)?;
    setup.terminal = out.terminal;
    let mut gather = Gather::default();
    let failed = follow(args, &plan, &setup, &mut machine, &mut gather, &mut out).await?;
    let line = Timing::of(&plan, machine.line());
    let tls = machine.line().and_then(|line| line.tls.as_ref()).map(Tls::of);
    let report = gather.report(&args.target, &args.method, Resolution::of(&plan), line, tls);
    tell_ignored(args, &gather);
    let recorded = setup.recorded(&args.active)?;
    if let Some(error) = failed {
        return Err(error.into());
    }
    finish(args, report, recorded, &mut out)?;
    Ok(gather.exit())
}

/// Runs the machine to its end, and shows each hop as soon as it is complete. What could not be written is given back.
async fn follow(
    args: &TraceArgs,
    plan: &Plan,
    setup: &Setup,
    machine: &mut Trace,
    gather: &mut Gather,
    out: &mut output::Output,
) -> Result<Option<std::io::Error>, Failure> {
    let form = args.output.form();
    let terminal = out.terminal;
    let mut lines = Lines::new();
    if form == Format::Text {
        let place = plan.candidates.first().map(|c| format!("{} {} ({})", c.address, c.protocol, c.how));
        text::trace::heading(&args.target, &place.unwrap_or_default(), args.max_hops, terminal, &mut out.writer)?;
        out.writer.flush()?;
    }
    let (close, stop) = closing()?;
    let mut failed = None;
    let mut show = |event: Event| {
        let Some(hop) = gather.note(&event).filter(|_| failed.is_none()) else { return };
        let written = match form {
            Format::Text => text::trace::hop(hop, terminal, &mut out.writer),
            Format::Ndjson => lines.line("hop", hop, &mut out.writer),
            Format::Json => return,
        };
        if let Err(error) = written.and_then(|()| out.writer.flush()) {
            failed = Some(error);
            close.send_modify(|wishes| *wishes += 1);
        }
    };
    let mut watching = Watching::new(&args.active, plan, &mut show);
    watching.tell_plan();
    agent::run(machine, plan, setup.connector.as_ref(), stop, &mut watching).await;
    drop(watching);
    Ok(failed)
}

/// The wish to stop: of the user, or ours where nobody reads the output any more.
fn closing() -> Result<(tokio::sync::watch::Sender<u32>, Stop), Failure> {
    let (ours, wishes) = tokio::sync::watch::channel(0);
    let mut users = Stop::on_signals()?;
    let teller = ours.clone();
    tokio::spawn(async move {
        let mut seen = 0;
        loop {
            tokio::select! {
                () = users.after(seen) => {}
                () = teller.closed() => return,
            }
            seen = users.count();
            teller.send_modify(|wishes| *wishes += 1);
        }
    });
    Ok((ours, Stop::by(wishes)))
}

/// Messages that were not ours are told under `-v`.
fn tell_ignored(args: &TraceArgs, gather: &Gather) {
    if args.active.verbose && gather.ignored > 0 {
        // Nobody is left to tell where standard error is closed.
        let _ = writeln!(std::io::stderr(), "* {} messages were no answer to what was asked", gather.ignored);
    }
}

fn finish(
    args: &TraceArgs,
    mut report: Report,
    recorded: active::Recorded,
    out: &mut output::Output,
) -> Result<(), Failure> {
    match args.output.form() {
        Format::Text => {
            text::trace::verdict(&report.result, out.terminal, &mut out.writer)?;
            if !recorded.ladder.is_empty() {
                write!(out.writer, "\n{}", recorded.ladder)?;
            }
        }
        Format::Json => {
            (report.messages, report.findings) = (recorded.messages, recorded.findings);
            json::document(&report, out.is_terminal, &mut out.writer)?;
        }
        Format::Ndjson => {
            let mut lines = Lines::new();
            recorded.lines(&mut lines, &mut out.writer)?;
            lines.line("summary", &report.summary(), &mut out.writer)?;
        }
    }
    out.writer.flush()?;
    Ok(())
}
