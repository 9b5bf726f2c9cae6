//! `sipctl register`.

mod accounts;
mod watch;

use super::active::{self, Setup};
use super::verbose::Watching;
use super::{Failure, output};
use crate::agent::register::{Event, Mode, Register, RegisterOptions};
use crate::agent::{Account, Machine};
use crate::base::Entropy;
use crate::cli::output::Format;
use crate::cli::register::RegisterArgs;
use crate::driver::{self, Stop};
use crate::render;
use crate::report::Exit;
use crate::report::active::{Resolution, Timing, Tls};
use crate::report::register::{Report, Trial, account, judge, report};
use crate::sip::Uri;
use crate::transport::{LineFacts, Plan, Target};
use anyhow::anyhow;
use futures_util::StreamExt;
use std::collections::BTreeMap;
use std::io::Write;
use watch::{Live, Watcher};

/// Runs the command.
///
/// # Errors
/// Whatever keeps it from doing its work, with the exit code for it.
pub fn run(args: &RegisterArgs) -> Result<Exit, Failure> {
    let who = Who::of(&args.aor)?;
    if args.users.is_some() {
        return active::block_on(many(args, &who));
    }
    if who.target.user.is_none() {
        let error = anyhow!("'{}' names nobody: an address of record has a user part", args.aor);
        return Err(Failure::new(Exit::Usage, error).with_hint("for example sip:alice@example.com"));
    }
    active::block_on(one(args, &who))
}

/// An address of record, and where it is registered.
pub(super) struct Who {
    /// Where it is registered.
    pub target: Target,
    /// `sip:alice@example.com`, without parameters.
    pub aor: String,
    /// `sip:example.com`. RFC 3261 §10.2: the Request-URI has no user part.
    pub registrar: String,
}

impl Who {
    /// Of what was typed: an address of record.
    ///
    /// # Errors
    /// Where it is none.
    pub fn of(typed: &str) -> Result<Self, Failure> {
        let target = Target::parse(typed).map_err(|why| {
            Failure::new(Exit::Usage, anyhow!("'{typed}' is no address of record: {why}"))
                .with_hint("for example sip:alice@example.com")
        })?;
        let uri = Uri::parse(target.uri.as_bytes());
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let scheme = if target.secure { "sips" } else { "sip" };
        let port = uri.port.map(|p| format!(":{}", text(p))).unwrap_or_default();
        let place = format!("{}{port}", text(uri.host));
        let user = uri.user.map(|u| format!("{}@", text(u))).unwrap_or_default();
        Ok(Who { aor: format!("{scheme}:{user}{place}"), registrar: format!("{scheme}:{place}"), target })
    }
}

fn mode(args: &RegisterArgs) -> Mode {
    match args.keep {
        Some(period) => Mode::Keep(period),
        None if args.query => Mode::Query,
        None if args.remove => Mode::Remove,
        None if args.remove_all => Mode::RemoveAll,
        None => Mode::Trial,
    }
}

fn machine(
    args: &RegisterArgs,
    who: &Who,
    account: Option<Account>,
    setup: &Setup,
    plan: &Plan,
) -> Result<Register, Failure> {
    let mut entropy = Entropy::from_system()?;
    let mut identity = setup.identity.clone();
    // RFC 3261 §10.2: From is who registers, the AOR itself unless somebody else does it.
    identity.from.get_or_insert_with(|| format!("<{}>", who.aor));
    let instance = args.instance.clone().or_else(|| args.reg_id.map(|_| made_up_instance(&mut entropy)));
    let options = RegisterOptions {
        aor: who.aor.clone(),
        registrar: who.registrar.clone(),
        mode: mode(args),
        expires_s: args.expires,
        contact: args.contact.clone(),
        instance,
        reg_id: args.reg_id,
        identity,
        account,
        timers: setup.timers,
        timeout: setup.timeout,
        candidates: plan.candidates.len(),
    };
    Ok(Register::new(options, entropy))
}

/// A UUID of random numbers as a URN. RFC 4122 §4.4, RFC 5626 §4.1
fn made_up_instance(entropy: &mut Entropy) -> String {
    let mut bytes = [0; 16];
    entropy.fill(&mut bytes);
    let number = u128::from_be_bytes(bytes) & !(0xf000 << 64 | 0xc000 << 48) | 0x4000 << 64 | 0x8000 << 48;
    let hex = format!("{number:032x}");
    let part = |range: std::ops::Range<usize>| hex.get(range).unwrap_or_default().to_owned();
    format!("<urn:uuid:{}-{}-{}-{}-{}>", part(0..8), part(8..12), part(12..16), part(16..20), part(20..32))
}

/// The account, with the algorithm that `--algorithm` demands.
fn account_of(args: &RegisterArgs, setup: &Setup) -> Option<Account> {
    setup.account.clone().map(|account| Account { algorithm: args.algorithm, ..account })
}

/// What a run told, and the line that it used last.
struct Run {
    trial: Trial,
    line: Option<LineFacts>,
    used: Option<usize>,
}

async fn drive(
    args: &RegisterArgs,
    who: &Who,
    mut machine: Register,
    plan: &Plan,
    setup: &Setup,
    stop: Stop,
    mut watcher: Watcher<'_>,
) -> Run {
    driver::agent::run(&mut machine, plan, &*setup.connector, stop, &mut watcher).await;
    // A run that was cut off by a second wish has not removed what it made.
    let stopped = machine.is_stopped() || !machine.is_finished();
    let judgement = judge(mode(args), &watcher.events, stopped, machine.may_be_bound());
    let trial = Trial {
        aor: who.aor.clone(),
        mode: mode(args),
        refreshes: watcher.refreshes,
        events: watcher.events,
        contact: machine.contact().to_vec(),
        judgement,
    };
    Run { trial, line: watcher.line, used: watcher.used }
}

async fn one(args: &RegisterArgs, who: &Who) -> Result<Exit, Failure> {
    let form = args.output.form();
    let decode = form != Format::Text || args.active.ladder;
    let mut setup = Setup::of(&args.active, decode, who.target.user.as_deref())?;
    let plan = setup.plan(&args.active, &who.target).await?;
    let mut machine = machine(args, who, account_of(args, &setup), &setup, &plan)?;
    if args.active.dry_run {
        return super::dry_run::show(&mut machine, &plan, &setup, &args.active);
    }
    let mut output = output::open(&args.output)?;
    let terminal = output.terminal;
    setup.terminal = terminal;
    let stop = Stop::on_signals()?;
    let places: Vec<String> = plan.candidates.iter().map(render::text::register::place).collect();
    if form == Format::Text {
        let place = places.first().map(String::as_str).unwrap_or_default();
        render::text::register::heading(&who.aor, place, terminal, &mut output.writer)?;
        output.writer.flush()?;
    }
    let live = match form {
        Format::Text => Some(Live::Text(&mut *output.writer, terminal)),
        Format::Ndjson => Some(Live::Lines(&mut *output.writer)),
        Format::Json => None,
    };
    let mut verbose: Watching<'_, fn(Event)> = Watching::new(&args.active, &plan, |_| ());
    verbose.tell_plan();
    let watcher = Watcher::new(verbose, places, live);
    let run = drive(args, who, machine, &plan, &setup, stop, watcher).await;
    let mut document = report(&run.trial);
    fill(&mut document, &plan, &run);
    finish(args, document, &run.trial, &setup, &mut output)
}

/// What the agent does not know: the plan, the times of the line, and TLS.
fn fill(document: &mut Report, plan: &Plan, run: &Run) {
    document.resolution = Resolution::of(plan);
    document.resolution.used = run.used;
    for (at, candidate) in document.resolution.candidates.iter_mut().enumerate() {
        candidate.outcome = watch::outcome(&run.trial.events, at);
    }
    let timing = Timing::of(plan, run.line.as_ref());
    document.timing.dns_ms = timing.dns_ms;
    document.timing.connect_ms = timing.connect_ms;
    document.timing.tls_ms = timing.tls_ms;
    document.tls = run.line.as_ref().and_then(|line| line.tls.as_ref()).map(Tls::of);
}

fn finish(
    args: &RegisterArgs,
    mut document: Report,
    trial: &Trial,
    setup: &Setup,
    output: &mut output::Output,
) -> Result<Exit, Failure> {
    let recorded = setup.recorded(&args.active)?;
    let exit = trial.judgement.exit;
    let (terminal, out) = (output.terminal, &mut output.writer);
    match args.output.form() {
        Format::Text => {
            if args.users.is_some() {
                render::text::register::accounts(&document, terminal, out)?;
            } else {
                render::text::register::verdict(&document, &trial.judgement, terminal, out)?;
            }
            if !recorded.ladder.is_empty() {
                write!(out, "\n{}", recorded.ladder)?;
            }
        }
        Format::Json => {
            document.messages = recorded.messages;
            document.streams = recorded.streams;
            document.findings = recorded.findings;
            render::json::document(&document, output.is_terminal, out)?;
        }
        Format::Ndjson => {
            let mut lines = render::ndjson::Lines::new();
            recorded.lines(&mut lines, out)?;
            lines.line("summary", &document, out)?;
        }
    }
    out.flush()?;
    if !trial.judgement.hint.is_empty() {
        // Nobody is left to tell when standard error is gone too.
        let _ = writeln!(std::io::stderr().lock(), "  {}", output::one_line(&trial.judgement.hint));
    }
    Ok(exit)
}

/// Every account of `--users`, some at a time.
async fn many(args: &RegisterArgs, who: &Who) -> Result<Exit, Failure> {
    let Some(path) = &args.users else { return Ok(Exit::Usage) };
    let entries = accounts::read(path, &who.registrar, args.algorithm)?;
    let decode = args.output.form() != Format::Text || args.active.ladder;
    let mut setup = Setup::of(&args.active, decode, None)?;
    let mut jobs = Vec::new();
    let mut plans: BTreeMap<String, Plan> = BTreeMap::new();
    for entry in entries {
        let who = Who::of(&entry.aor)?;
        if !plans.contains_key(&who.registrar) {
            plans.insert(who.registrar.clone(), setup.plan(&args.active, &who.target).await?);
        }
        jobs.push((who, entry.account));
    }
    if args.active.dry_run {
        return rehearse(args, &jobs, &plans, &setup);
    }
    let stop = Stop::on_signals()?;
    let mut output = output::open(&args.output)?;
    setup.terminal = output.terminal;
    let (setup, plans, stop) = (&setup, &plans, &stop);
    let nowhere = Plan::default();
    let nowhere = &nowhere;
    let trials = futures_util::stream::iter(jobs).map(|(who, account)| async move {
        if stop.count() > 0 {
            return Ok(None);
        }
        let plan = plans.get(&who.registrar).unwrap_or(nowhere);
        let machine = machine(args, &who, Some(account), setup, plan)?;
        let watcher = Watcher::new(Watching::new(&args.active, plan, |_| ()), Vec::new(), None);
        Ok(Some(drive(args, &who, machine, plan, setup, stop.clone(), watcher).await.trial))
    });
    let mut trials = trials.buffered(usize::from(args.parallel).max(1));
    let mut told = Vec::new();
    while let Some(trial) = trials.next().await {
        let trial: Result<Option<Trial>, Failure> = trial;
        told.extend(trial?);
    }
    let Some(summary) = summed(&told, who, mode(args)) else { return Ok(Exit::Interrupted) };
    let mut document = report(&summary);
    document.accounts = told.iter().map(account).collect();
    if let Some(plan) = plans.values().next() {
        document.resolution = Resolution::of(plan);
    }
    finish(args, document, &summary, setup, &mut output)
}

/// `--dry-run`: the first message of each account.
fn rehearse(
    args: &RegisterArgs,
    jobs: &[(Who, Account)],
    plans: &BTreeMap<String, Plan>,
    setup: &Setup,
) -> Result<Exit, Failure> {
    for (who, account) in jobs {
        let Some(plan) = plans.get(&who.registrar) else { continue };
        let mut machine = machine(args, who, Some(account.clone()), setup, plan)?;
        super::dry_run::show(&mut machine, plan, setup, &args.active)?;
    }
    Ok(Exit::Good)
}

/// The worst of all accounts as one verdict.
fn summed(told: &[Trial], who: &Who, mode: Mode) -> Option<Trial> {
    let worst = told.iter().map(|t| t.judgement.exit).reduce(Exit::worst)?;
    let good = told.iter().filter(|t| t.judgement.exit == Exit::Good).count();
    let mut summary = told.iter().find(|t| t.judgement.exit == worst)?.clone();
    summary.events.clear();
    summary.contact.clear();
    summary.aor.clone_from(&who.registrar);
    summary.mode = mode;
    summary.judgement.reason = format!("{good} of {} accounts are good", told.len());
    Some(summary)
}

#[cfg(test)]
mod tests {
    use super::{Who, made_up_instance};
    use crate::base::Entropy;

    #[test]
    fn the_registrar_is_the_domain_without_user() {
        let who = Who::of("sip:alice@example.com:5070;transport=tcp").unwrap();
        assert_eq!((who.aor.as_str(), who.registrar.as_str()), ("sip:alice@example.com:5070", "sip:example.com:5070"));
        let who = Who::of("alice@[2001:db8::1]").unwrap();
        assert_eq!((who.aor.as_str(), who.registrar.as_str()), ("sip:alice@[2001:db8::1]", "sip:[2001:db8::1]"));
        assert_eq!(Who::of("sips:bob@example.com").unwrap().registrar, "sips:example.com");
    }

    #[test]
    fn an_instance_is_a_random_uuid() {
        let mut entropy = Entropy::seeded(1);
        let (a, b) = (made_up_instance(&mut entropy), made_up_instance(&mut entropy));
        assert_ne!(a, b);
        assert!(a.starts_with("<urn:uuid:") && a.len() == 47, "{a}");
        assert_eq!(a.as_bytes()[24], b'4', "{a}");
        assert!(b"89ab".contains(&a.as_bytes()[29]), "{a}");
    }
}
