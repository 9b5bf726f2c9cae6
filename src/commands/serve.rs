//! `sipctl serve`: a role from its options, run until it is stopped.

mod accounts;
mod b2bua;
mod between;
mod proxy;
mod show;

use super::output::{self, Output};
use super::{Failure, active, password};
use crate::analysis::Settings;
use crate::base::Entropy;
use crate::cli::output::Format;
use crate::cli::serve::{
    CallArgs, EndpointArgs, FaultArgs, QopChoice, RedirectArgs, RegistrarArgs, Role, ServeArgs, UasArgs,
};
use crate::digest::{Qop, Secret};
use crate::driver::endpoint::registrar::{Access, Algorithms, Lifetimes};
use crate::driver::endpoint::serve::Limits;
use crate::driver::endpoint::studio;
use crate::driver::endpoint::uas::{Calls, Plan};
use crate::driver::endpoint::{self, Ending, Endpoint, Redirect, Registrar, Uas};
use crate::driver::media::read_wav;
use crate::driver::{RecordOptions, Recorder, Stop};
use crate::media::negotiator::Wishes;
use crate::media::session::Source;
use crate::render::{json, ndjson, text};
use crate::report::serve::{Listening, Summary};
use crate::report::{Collector, Detail, Exit, Selection, collect::Quiet};
use crate::trace;
use crate::transport::Tap;
use crate::transport::listener::{Listen, ListenOptions, Listener};
use anyhow::{Context, anyhow};
use show::Show;
use std::collections::HashMap;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

/// Runs the command.
///
/// # Errors
/// Whatever keeps it from doing its work, with the exit code for it.
pub fn run(args: &ServeArgs) -> Result<Exit, Failure> {
    let mut entropy = Entropy::from_system().context("cannot get randomness from the system").map_err(usage)?;
    match &args.role {
        Role::Uas(args) => {
            let role = uas(args, &mut entropy)?;
            serve(role, &args.endpoint, &args.faults, entropy)
        }
        Role::Registrar(args) => {
            let role = registrar(args, &mut entropy)?;
            serve(role, &args.endpoint, &args.faults, entropy)
        }
        Role::Redirect(args) => serve(redirect(args)?, &args.endpoint, &args.faults, entropy),
        Role::Proxy(args) => proxy::serve(args, entropy),
        Role::B2bua(args) => b2bua::serve(args, entropy),
    }
}

fn usage(error: anyhow::Error) -> Failure {
    Failure::new(Exit::Usage, error)
}

fn uas(args: &UasArgs, entropy: &mut Entropy) -> Result<Uas, Failure> {
    let (users, realm) = callers(args)?;
    if args.auth_proxy && users.is_empty() {
        return Err(
            usage(anyhow!("--auth-proxy: nobody is asked")).with_hint("name who may call: --auth alice:example.com")
        );
    }
    let access = (!users.is_empty()).then(|| {
        let mut offer = Algorithms::default();
        if !args.accounts.algorithm.is_empty() {
            offer.algorithms.clone_from(&args.accounts.algorithm);
        }
        Access::new(users, realm, offer, entropy, Instant::now())
    });
    let own = Entropy::from_system().context("cannot get randomness from the system").map_err(usage)?;
    Ok(Uas {
        calls: Some(Calls::new(plan(&args.calls)?, own)),
        access,
        asks_as_proxy: args.auth_proxy,
        status: args.status,
        reason: args.reason.clone(),
        retry_after: args.retry_after.map(|after| after.as_secs()),
        headers: args.headers.clone(),
        status_after: args.status_after,
        methods: args.method.iter().map(|m| m.as_bytes().to_vec()).collect(),
        ..Uas::default()
    })
}

/// Who may call, and of which realm.
fn callers(args: &UasArgs) -> Result<(HashMap<String, Secret>, String), Failure> {
    let Some((user, realm)) = &args.auth else {
        return Ok((accounts::of(&args.accounts)?, args.accounts.realm.clone()));
    };
    let password = password::of(args.password_file.as_deref(), args.password_stdin)?.ok_or_else(|| {
        usage(anyhow!("--auth {user}:{realm}: no password to ask for"))
            .with_hint("give it by --password-file, --password-stdin or SIPCTL_PASSWORD")
    })?;
    Ok((HashMap::from([(user.clone(), Secret::Password(password))]), realm.clone()))
}

/// How calls are answered.
fn plan(args: &CallArgs) -> Result<Plan, Failure> {
    let source = match &args.play {
        _ if args.echo => Source::Echo,
        Some(path) => Source::Samples(read_wav(&path.to_string_lossy()).map_err(|e| Failure::new(Exit::Usage, e))?),
        None => Source::Mark,
    };
    Ok(Plan {
        answer_after: args.answer_after,
        ring: args.ring,
        early_media: args.early_media,
        reliable: args.reliable,
        first_rseq: args.first_rseq,
        hangup_after: args.hangup_after,
        wishes: Wishes { is_secure: args.srtp, ..Wishes::default() },
        studio: studio::Options {
            source,
            record: args.record.as_ref().map(|path| path.to_string_lossy().into_owned()),
            ports: None,
        },
        ..Plan::default()
    })
}

fn registrar(args: &RegistrarArgs, entropy: &mut Entropy) -> Result<Registrar, Failure> {
    let users = accounts::of(&args.accounts)?;
    let mut offer = Algorithms { stale_after: args.stale_after, ..Algorithms::default() };
    if !args.accounts.algorithm.is_empty() {
        offer.algorithms.clone_from(&args.accounts.algorithm);
    }
    let none = args.qop.contains(&QopChoice::None);
    if none && args.qop.len() > 1 {
        return Err(usage(anyhow!("--qop none stands alone: a challenge has a qop or it has none")));
    }
    let qop = |choice: &QopChoice| match choice {
        QopChoice::Auth => Some(Qop::Auth),
        QopChoice::AuthInt => Some(Qop::AuthInt),
        QopChoice::None => None,
    };
    offer.qop = args.qop.iter().filter_map(qop).collect();
    if args.min_expires > args.max_expires {
        return Err(usage(anyhow!("--min-expires is above --max-expires: no registration could be accepted")));
    }
    let now = Instant::now();
    let access = Access::new(users, args.accounts.realm.clone(), offer, entropy, now);
    let lifetimes = Lifetimes { min: args.min_expires, max: args.max_expires };
    Ok(Registrar::new(access, lifetimes, args.service_route.clone(), now))
}

fn redirect(args: &RedirectArgs) -> Result<Redirect, Failure> {
    let mut role = Redirect::new();
    for (user, place) in &args.map {
        role.add(user, place).map_err(|e| usage(anyhow!("--map: {e}")))?;
    }
    let Some(path) = &args.map_file else { return Ok(role) };
    let lines = read(path)?;
    let is_map = |line: &str| !line.is_empty() && !line.starts_with('#');
    for (n, line) in lines.lines().map(str::trim).enumerate().filter(|(_, line)| is_map(line)) {
        let added = match line.split_once('=') {
            Some((user, place)) => role.add(user.trim(), place.trim()),
            None => Err(format!("'{line}' is no map: write bob=sip:bob@192.0.2.5")),
        };
        added.map_err(|e| usage(anyhow!("{}, line {}: {e}", path.display(), n + 1)))?;
    }
    Ok(role)
}

fn read(path: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display())).map_err(usage)
}

fn serve<R: endpoint::Role>(
    role: R,
    args: &EndpointArgs,
    faults: &FaultArgs,
    entropy: Entropy,
) -> Result<Exit, Failure> {
    let mut out = output::open(&args.output)?;
    let recorder = recorder(args)?;
    let server = server_field(args);
    let options = endpoint::Options { delay: faults.delay, drop_per_million: faults.drop, seed: faults.seed, server };
    let mut endpoint = Endpoint::new(role, options, entropy, Instant::now());
    let exit = active::block_on(run_endpoint(&mut endpoint, args, recorder.clone(), &mut out))?;
    saved(recorder)?;
    Ok(exit)
}

/// The Server header field.
fn server_field(args: &EndpointArgs) -> String {
    args.server.clone().unwrap_or_else(|| concat!("sipctl/", env!("CARGO_PKG_VERSION")).to_owned())
}

/// Brings what was recorded to its end.
fn saved(recorder: Option<Arc<Recorder>>) -> Result<(), Failure> {
    if let Some(recorder) = recorder {
        let mut quiet = Quiet;
        let selection = Selection::default();
        let settings = Settings::default();
        let mut collector = Collector::new(&mut quiet, &selection, Detail::default(), &settings);
        recorder.finish(trace::Limits::default(), &mut collector).map_err(|e| Failure::new(Exit::Usage, e))?;
    }
    Ok(())
}

fn recorder(args: &EndpointArgs) -> Result<Option<Arc<Recorder>>, Failure> {
    let Some(path) = &args.write else { return Ok(None) };
    let write = Some(path.to_string_lossy().into_owned());
    let options = RecordOptions { write, decode: false, show_secrets: args.show_secrets };
    Recorder::new(options).map(Some).map_err(|e| Failure::new(Exit::Usage, e))
}

async fn run_endpoint<R: endpoint::Role>(
    endpoint: &mut Endpoint<R>,
    args: &EndpointArgs,
    recorder: Option<Arc<Recorder>>,
    out: &mut Output,
) -> Result<Exit, Failure> {
    let begun = Instant::now();
    let stop = Stop::on_signals()?;
    let mut listener = open(args, recorder).await?;
    let listening: Vec<Listening> = listener
        .addresses()
        .iter()
        .map(|l| Listening { transport: l.protocol.name(), address: l.address.to_string() })
        .collect();
    tell_listening(&listening, args, out)?;
    let limits = Limits { duration: args.duration, count: args.count };
    let mut show = Show::new(args, out, Instant::now());
    let ending = endpoint::serve(endpoint, &mut listener, stop, limits, &mut show).await?;
    listener.finish().await;
    let failure = show.finish();
    if let Some(failure) = failure {
        return Err(failure.into());
    }
    let now = Instant::now();
    let bindings = show::bindings(&endpoint.role().bindings(now));
    let role = endpoint.role().name();
    let took = now.saturating_duration_since(begun);
    let summary = show::summary(role, listening, took, &endpoint.tally, listener.turned(), bindings);
    tell_summary(&summary, args, out)?;
    Ok(if ending == Ending::Limit { Exit::Good } else { Exit::Interrupted })
}

async fn open(args: &EndpointArgs, recorder: Option<Arc<Recorder>>) -> Result<Listener, Failure> {
    let places: Vec<Listen> = args.listen.iter().flat_map(|place| place.0.iter().cloned()).collect();
    let options = ListenOptions {
        tls_cert: args.tls_cert.clone(),
        tls_key: args.tls_key.clone(),
        names: vec!["localhost".to_owned()],
        tap: recorder.map(|recorder| recorder as Arc<dyn Tap>),
    };
    Listener::open(&places, options).await.map_err(|error| {
        let hint = error.hint.clone();
        let failure = Failure::new(Exit::Unreachable, error);
        if hint.is_empty() { failure } else { failure.with_hint(hint) }
    })
}

/// Where it listens, at once: who started it waits for these lines to know the ports.
fn tell_listening(listening: &[Listening], args: &EndpointArgs, out: &mut Output) -> Result<(), Failure> {
    for place in listening {
        match args.output.form() {
            Format::Text => text::serve::listening(place, &mut *out.writer)?,
            Format::Ndjson => ndjson::Lines::new().line("listening", place, &mut *out.writer)?,
            // One document at the end leaves no room for it there.
            Format::Json => text::serve::listening(place, &mut std::io::stderr().lock())?,
        }
    }
    out.writer.flush()?;
    Ok(())
}

fn tell_summary(summary: &Summary, args: &EndpointArgs, out: &mut Output) -> Result<(), Failure> {
    match args.output.form() {
        Format::Text => {
            writeln!(out.writer)?;
            text::serve::summary(summary, out.terminal, &mut *out.writer)?;
        }
        Format::Ndjson => ndjson::Lines::new().line("summary", summary, &mut *out.writer)?,
        Format::Json => json::document(summary, out.is_terminal, &mut *out.writer)?,
    }
    out.writer.flush()?;
    Ok(())
}
