//! `sipctl ping`.

mod screen;
mod targets;

use super::active::{Setup, block_on, run_all};
use super::verbose::Watching;
use super::{Failure, dry_run, output};
use crate::agent::Account;
use crate::agent::ping::{Event, Options, Ping};
use crate::base::Entropy;
use crate::cli::output::Format;
use crate::cli::ping::PingArgs;
use crate::driver::Stop;
use crate::driver::agent::{self, Watch};
use crate::report::Exit;
use crate::report::active::milliseconds;
use crate::report::ping::{Expectation, Finished, Gather, Thresholds, worst};
use crate::transport::{LineFacts, Phase, Target, TransportError};
use screen::Screen;
use std::cell::RefCell;
use std::io::Write;
use std::net::SocketAddr;
use tokio::sync::watch;

/// Runs the command.
///
/// # Errors
/// Whatever keeps it from doing its work, with the exit code for it.
pub fn run(args: &PingArgs) -> Result<Exit, Failure> {
    let targets = targets::read(args)?;
    let mut setup = Setup::of(&args.active, args.output.form() != Format::Text, None)?;
    let given = args.active.auth_user.is_some();
    // A name alone, taken from --from, is no wish to log in: a challenge is an answer then.
    let account = setup.account.take().filter(|a| a.secret.is_some() || given);
    if args.active.dry_run {
        return block_on(dry(args, &setup, account, &targets));
    }
    let output = output::open(&args.output)?;
    setup.terminal = output.terminal;
    let (teller, wishes) = watch::channel(0);
    let screen = RefCell::new(Screen::new(output, args, targets.len() > 1, teller.clone()));
    let run = Run { args, setup: &setup, account, screen: &screen };
    let finished = block_on(async {
        forward(Stop::on_signals()?, teller);
        Ok(run.all(&targets, &Stop::by(wishes)).await)
    })?;
    let recorded = setup.recorded(&args.active)?;
    let (exit, result) = worst(&finished);
    let mut screen = screen.into_inner();
    tell(&finished);
    screen.end(finished, result, recorded)?;
    Ok(exit)
}

/// Passes the wishes of the user on to what is also told when nobody reads the output any more.
fn forward(mut signals: Stop, teller: watch::Sender<u32>) {
    tokio::task::spawn_local(async move {
        let mut seen = 0;
        loop {
            signals.after(seen).await;
            seen = signals.count();
            teller.send_modify(|n| *n += 1);
        }
    });
}

/// Why it is not well, for who reads only standard error.
fn tell(finished: &[Finished]) {
    let mut stderr = std::io::stderr().lock();
    for f in finished.iter().filter(|f| !matches!(f.exit, Exit::Good | Exit::Interrupted)) {
        let (target, reason) = (&f.target.target, &f.target.result.reason);
        let line = if reason.contains(target) { reason.clone() } else { format!("{target}: {reason}") };
        // Nobody is left to tell where standard error is closed.
        let _ = writeln!(stderr, "sipctl: {}", output::one_line(&line));
        if !f.hint.is_empty() {
            let _ = writeln!(stderr, "  {}", output::one_line(&f.hint));
        }
    }
}

fn options(args: &PingArgs, setup: &Setup, target: &Target, candidates: usize) -> Options {
    Options {
        method: args.method.clone(),
        uri: target.uri.clone(),
        count: args.count,
        interval: args.interval,
        wait: args.wait.unwrap_or(setup.timeout),
        parallel: usize::from(args.parallel),
        max_forwards: args.max_forwards,
        size: args.size.and_then(|size| usize::try_from(size).ok()),
        timers: setup.timers,
        candidates,
    }
}

async fn dry(args: &PingArgs, setup: &Setup, account: Option<Account>, targets: &[Target]) -> Result<Exit, Failure> {
    for target in targets {
        let plan = setup.plan(&args.active, target).await?;
        // One of each is enough to see.
        let options = Options { count: 1, ..options(args, setup, target, plan.candidates.len()) };
        let mut ping = Ping::new(options, setup.identity.clone(), account.clone(), Entropy::from_system()?);
        dry_run::show(&mut ping, &plan, setup, &args.active)?;
    }
    Ok(Exit::Good)
}

/// What the pings of all targets share.
struct Run<'a> {
    args: &'a PingArgs,
    setup: &'a Setup,
    account: Option<Account>,
    screen: &'a RefCell<Screen>,
}

impl Run<'_> {
    /// Pings all targets, as many at once as the options allow; the results in the order of the targets.
    async fn all(&self, targets: &[Target], stop: &Stop) -> Vec<Finished> {
        let mut ended: Vec<(usize, Finished)> = Vec::with_capacity(targets.len());
        let works = targets.iter().map(|target| self.one(target, stop.clone()));
        run_all(works, usize::from(self.args.parallel), |n, finished| {
            self.screen.borrow_mut().summary(&finished.target);
            ended.push((n, finished));
        })
        .await;
        ended.sort_by_key(|(n, _)| *n);
        ended.into_iter().map(|(_, finished)| finished).collect()
    }

    async fn one(&self, target: &Target, mut stop: Stop) -> Finished {
        let args = self.args;
        let expectation = Expectation { statuses: args.expect.clone(), headers: args.expect_header.clone() };
        let thresholds = Thresholds {
            loss_percent: args.max_loss,
            rtt_ms: args.max_rtt.map(milliseconds),
            p95_ms: args.max_p95.map(milliseconds),
        };
        let gather = Gather::new(&target.typed, &args.method, expectation, thresholds);
        let mut gather = gather.with_credentials(self.account.is_some());
        let planned = tokio::select! {
            planned = self.setup.plan(&args.active, target) => planned,
            () = stop.after(0) => return gather.finish(true),
        };
        let (plan, entropy) = match (planned, Entropy::from_system()) {
            (Ok(plan), Ok(entropy)) => (plan, entropy),
            (Err(failure), _) => return self.unreachable(gather, failure),
            (_, Err(error)) => return self.unreachable(gather, Failure::from(error)),
        };
        gather.planned(&plan);
        self.screen.borrow_mut().header(gather.target());
        let options = options(args, self.setup, target, plan.candidates.len());
        let mut ping = Ping::new(options, self.setup.identity.clone(), self.account.clone(), entropy);
        let mut speaks = Watching::new(&args.active, &plan, |_: Event| {});
        speaks.tell_plan();
        let mut watching = Pinging { gather, screen: self.screen, speaks };
        agent::run(&mut ping, &plan, &*self.setup.connector, stop.clone(), &mut watching).await;
        watching.gather.finish(stop.count() > 0)
    }

    /// There is no plan.
    fn unreachable(&self, mut gather: Gather, failure: Failure) -> Finished {
        let error = TransportError::new(Phase::Dns, "no-plan", format!("{:#}", failure.error));
        let line = gather.unreachable(&error.with_hint(failure.hint.unwrap_or_default()));
        self.screen.borrow_mut().line(&line);
        let mut finished = gather.finish(false);
        // What the system could not read is no matter of the target.
        if failure.exit == Exit::Usage {
            finished.exit = Exit::Usage;
            finished.target.result.code = Exit::Usage.code();
        }
        finished
    }
}

/// Takes in what one target's machine tells.
struct Pinging<'a, F> {
    gather: Gather,
    screen: &'a RefCell<Screen>,
    speaks: Watching<'a, F>,
}

impl<F: FnMut(Event)> Watch<Event> for Pinging<'_, F> {
    fn event(&mut self, event: Event) {
        if let Some(line) = self.gather.absorb(event) {
            self.screen.borrow_mut().line(&line);
        }
    }

    fn connecting(&mut self, candidate: usize) {
        self.gather.connecting(candidate);
        Watch::<Event>::connecting(&mut self.speaks, candidate);
    }

    fn connected(&mut self, line: &LineFacts) {
        self.gather.connected(line);
        Watch::<Event>::connected(&mut self.speaks, line);
    }

    fn sent(&mut self, bytes: &[u8]) {
        Watch::<Event>::sent(&mut self.speaks, bytes);
    }

    fn received(&mut self, bytes: &[u8], from: SocketAddr) {
        Watch::<Event>::received(&mut self.speaks, bytes, from);
    }

    fn failed(&mut self, error: &TransportError) {
        Watch::<Event>::failed(&mut self.speaks, error);
    }
}
