//! What `serve proxy` and `serve b2bua` share: sockets, next hops, the summary.

use super::show::{self, Show};
use super::{accounts, recorder, saved, tell_listening, tell_summary, usage};
use crate::base::Entropy;
use crate::cli::serve::{AccountArgs, EndpointArgs};
use crate::commands::{Failure, active, output, output::Output};
use crate::driver::endpoint::intermediary::Dialler;
use crate::driver::endpoint::registrar::{Access, Algorithms, Lifetimes};
use crate::driver::endpoint::serve::Limits;
use crate::driver::endpoint::{Ending, Intermediary, Registrar, stand};
use crate::driver::{Recorder, Stop};
use crate::report::Exit;
use crate::report::serve::Listening;
use crate::transport::listener::{Listen, Listener};
use crate::transport::{ConnectOptions, Connector, Resolver, Tap};
use anyhow::Context;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long a question to the DNS may take.
const DNS_PATIENCE: Duration = Duration::from_secs(3);

/// What is the same for all who stand between two others.
pub(super) struct Between<'a> {
    /// `proxy`, `b2bua`
    pub role: &'static str,
    pub endpoint: &'a EndpointArgs,
    pub dns: Option<SocketAddr>,
    pub tls_ca: Option<&'a Path>,
    pub tls_insecure: bool,
}

/// The registrar in it.
pub(super) fn registrar(args: &AccountArgs, entropy: &mut Entropy, now: Instant) -> Result<Registrar, Failure> {
    let users = accounts::of(args)?;
    let mut offer = Algorithms::default();
    if !args.algorithm.is_empty() {
        offer.algorithms.clone_from(&args.algorithm);
    }
    let access = Access::new(users, args.realm.clone(), offer, entropy, now);
    Ok(Registrar::new(access, Lifetimes::default(), Vec::new(), now))
}

impl Between<'_> {
    /// Runs until it is stopped. The machine is made for where it listens, and who records.
    pub fn serve<I: Intermediary>(
        &self,
        make: impl FnOnce(Vec<Listen>, Option<Arc<dyn Tap>>) -> I,
    ) -> Result<Exit, Failure> {
        let mut out = output::open(&self.endpoint.output)?;
        let recorder = recorder(self.endpoint)?;
        let exit = active::block_on(self.run(make, recorder.clone(), &mut out))?;
        saved(recorder)?;
        Ok(exit)
    }

    async fn run<I: Intermediary>(
        &self,
        make: impl FnOnce(Vec<Listen>, Option<Arc<dyn Tap>>) -> I,
        recorder: Option<Arc<Recorder>>,
        out: &mut Output,
    ) -> Result<Exit, Failure> {
        let begun = Instant::now();
        let stop = Stop::on_signals()?;
        let mut dialler = self.dialler(recorder.clone())?;
        let mut listener = super::open(self.endpoint, recorder).await?;
        let places = listener.addresses();
        let listening: Vec<Listening> =
            places.iter().map(|l| Listening { transport: l.protocol.name(), address: l.address.to_string() }).collect();
        tell_listening(&listening, self.endpoint, out)?;
        let mut machine = make(places, listener.tap());
        let limits = Limits { duration: self.endpoint.duration, count: self.endpoint.count };
        let mut show = Show::new(self.endpoint, out, Instant::now());
        let ending = stand(&mut machine, &mut listener, &mut dialler, stop, limits, &mut show).await?;
        listener.finish().await;
        if let Some(failure) = show.finish() {
            return Err(failure.into());
        }
        self.tell(&mut machine, &listener, listening, begun, out)?;
        Ok(if ending == Ending::Limit { Exit::Good } else { Exit::Interrupted })
    }

    fn dialler(&self, recorder: Option<Arc<Recorder>>) -> Result<Dialler, Failure> {
        let connect = ConnectOptions {
            tls_ca: self.tls_ca.map(Path::to_path_buf),
            tls_insecure: self.tls_insecure,
            tap: recorder.map(|recorder| recorder as Arc<dyn Tap>),
            ..ConnectOptions::default()
        };
        let failed = |error: crate::transport::TransportError| Failure::new(Exit::Usage, error);
        Ok(Dialler {
            resolver: Resolver::new(self.dns, DNS_PATIENCE).map_err(failed)?,
            connector: Connector::new(connect).map_err(failed)?,
            entropy: Entropy::from_system().context("cannot get randomness from the system").map_err(usage)?,
        })
    }

    fn tell<I: Intermediary>(
        &self,
        machine: &mut I,
        listener: &Listener,
        listening: Vec<Listening>,
        begun: Instant,
        out: &mut Output,
    ) -> Result<(), Failure> {
        let now = Instant::now();
        let bindings = show::bindings(&machine.bindings(now));
        let took = now.saturating_duration_since(begun);
        let summary = show::summary(self.role, listening, took, machine.tally(), listener.turned(), bindings);
        tell_summary(&summary, self.endpoint, out)
    }
}
