//! `sipctl serve proxy`.

use super::show::{self, Show};
use super::{accounts, recorder, saved, server_field, tell_listening, tell_summary, usage};
use crate::base::Entropy;
use crate::cli::serve::ProxyArgs;
use crate::commands::{Failure, active, output, output::Output};
use crate::driver::endpoint::intermediary::Dialler;
use crate::driver::endpoint::proxy::Options;
use crate::driver::endpoint::registrar::{Access, Algorithms, Lifetimes};
use crate::driver::endpoint::serve::Limits;
use crate::driver::endpoint::{Ending, Identity, Proxy, Registrar, Role, stand};
use crate::driver::{Recorder, Stop};
use crate::report::Exit;
use crate::report::serve::Listening;
use crate::transaction::Timers;
use crate::transport::{ConnectOptions, Connector, Resolver, Tap};
use anyhow::Context;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long a question to the DNS may take.
const DNS_PATIENCE: Duration = Duration::from_secs(3);

/// Runs a proxy until it is stopped.
pub(super) fn serve(args: &ProxyArgs, entropy: Entropy) -> Result<Exit, Failure> {
    let mut out = output::open(&args.endpoint.output)?;
    let recorder = recorder(&args.endpoint)?;
    let exit = active::block_on(run(args, entropy, recorder.clone(), &mut out))?;
    saved(recorder)?;
    Ok(exit)
}

fn registrar(args: &ProxyArgs, entropy: &mut Entropy, now: Instant) -> Result<Registrar, Failure> {
    let users = accounts::of(&args.accounts)?;
    if args.auth && users.is_empty() {
        return Err(usage(anyhow::anyhow!("--auth asks for credentials, and there is no account"))
            .with_hint("give accounts with --user NAME:PASSWORD or --users FILE"));
    }
    let mut offer = Algorithms::default();
    if !args.accounts.algorithm.is_empty() {
        offer.algorithms.clone_from(&args.accounts.algorithm);
    }
    let access = Access::new(users, args.accounts.realm.clone(), offer, entropy, now);
    Ok(Registrar::new(access, Lifetimes::default(), Vec::new(), now))
}

async fn run(
    args: &ProxyArgs,
    mut entropy: Entropy,
    recorder: Option<Arc<Recorder>>,
    out: &mut Output,
) -> Result<Exit, Failure> {
    let begun = Instant::now();
    let stop = Stop::on_signals()?;
    let registrar = registrar(args, &mut entropy, begun)?;
    let tap = recorder.clone().map(|recorder| recorder as Arc<dyn Tap>);
    let connect = ConnectOptions {
        tls_ca: args.tls_ca.clone(),
        tls_insecure: args.tls_insecure,
        tap,
        ..ConnectOptions::default()
    };
    let failed = |error: crate::transport::TransportError| Failure::new(Exit::Usage, error);
    let mut dialler = Dialler {
        resolver: Resolver::new(args.dns, DNS_PATIENCE).map_err(failed)?,
        connector: Connector::new(connect).map_err(failed)?,
        entropy: Entropy::from_system().context("cannot get randomness from the system").map_err(usage)?,
    };
    let mut listener = super::open(&args.endpoint, recorder).await?;
    let places = listener.addresses();
    let listening: Vec<Listening> =
        places.iter().map(|l| Listening { transport: l.protocol.name(), address: l.address.to_string() }).collect();
    tell_listening(&listening, &args.endpoint, out)?;
    let options = Options {
        record_route: !args.no_record_route,
        stateless: args.stateless,
        authenticates: args.auth,
        next_hop: args.next_hop.clone(),
        server: server_field(&args.endpoint),
        timers: Timers::with_t1(args.t1),
    };
    let mut machine = Proxy::new(options, Identity::new(places, args.domain.clone()), registrar, entropy);
    let limits = Limits { duration: args.endpoint.duration, count: args.endpoint.count };
    let mut show = Show::new(&args.endpoint, out, Instant::now());
    let ending = stand(&mut machine, &mut listener, &mut dialler, stop, limits, &mut show).await?;
    listener.finish().await;
    if let Some(failure) = show.finish() {
        return Err(failure.into());
    }
    let now = Instant::now();
    let bindings = show::bindings(&machine.registrar().bindings(now));
    let took = now.saturating_duration_since(begun);
    let summary = show::summary("proxy", listening, took, &machine.tally, listener.turned(), bindings);
    tell_summary(&summary, &args.endpoint, out)?;
    Ok(if ending == Ending::Limit { Exit::Good } else { Exit::Interrupted })
}
