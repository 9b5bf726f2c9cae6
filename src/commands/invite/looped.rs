//! `sipctl invite --loop`: both ends of the call are ours.

use super::watch::{Dialled, Watcher};
use super::{finish, gates, live, options, sound, tell};
use crate::agent::invite::{Event, Invite};
use crate::agent::register::{Mode, Register, RegisterOptions};
use crate::agent::{Account, Identity};
use crate::base::Entropy;
use crate::cli::invite::InviteArgs;
use crate::cli::output::Format;
use crate::commands::active::{self, Setup};
use crate::commands::register::Who;
use crate::commands::verbose::Watching;
use crate::commands::{Failure, output, password};
use crate::digest::Secret;
use crate::driver::Stop;
use crate::driver::call::Means;
use crate::driver::endpoint::callee::Taking;
use crate::driver::endpoint::uas;
use crate::driver::media::Clock;
use crate::driver::pair::{End, Step, call_each_other};
use crate::driver::record::both_ends::both_ends;
use crate::media::mark::Mark;
use crate::media::negotiator::Wishes;
use crate::report::Exit;
use crate::report::invite::{Looped, Trial, judge, judge_loop, looped, report};
use crate::transport::{Connector, Plan, Tap, Target};
use anyhow::anyhow;
use std::sync::Arc;
use std::time::Duration;

/// Seconds that each end asks its registrar for: longer than any trial.
const EXPIRES: u32 = 300;
/// How long a registration is kept: until the call is over.
const KEPT: Duration = Duration::from_secs(24 * 3600);

/// Both ends, and who they are.
struct Ends {
    caller: Who,
    callee: Who,
    callee_account: Option<Account>,
}

impl Ends {
    fn of(args: &InviteArgs, setup: &Setup, target: &Target) -> Result<Self, Failure> {
        let usage = |why: &str, hint: &str| Failure::new(Exit::Usage, anyhow!(why.to_owned())).with_hint(hint);
        let Some(from) = &setup.identity.from else {
            return Err(usage("--loop registers who calls, and nobody is named", "--from sip:alice@example.com"));
        };
        let address = crate::sip::Address::parse(from.as_bytes());
        let caller = Who::of(&String::from_utf8_lossy(address.uri))?;
        let callee = Who::of(args.callee.as_deref().unwrap_or(&target.uri))?;
        for (who, hint) in [(&caller, "--from sip:alice@example.com"), (&callee, "--callee sip:bob@example.com")] {
            if who.target.user.is_none() {
                return Err(usage(&format!("'{}' names nobody who could register", who.aor), hint));
            }
        }
        let callee_account = callee_account(args, setup, &callee)?;
        Ok(Ends { caller, callee, callee_account })
    }
}

/// Who the callee is to a server that asks: by default its own name with the password of the caller.
fn callee_account(args: &InviteArgs, setup: &Setup, callee: &Who) -> Result<Option<Account>, Failure> {
    let of_file = args.callee_password_file.as_deref().map(password::of_file).transpose()?;
    let secret = match of_file {
        Some(password) => Some(Secret::Password(password)),
        None => match password::of_variable("SIPCTL_CALLEE_PASSWORD")? {
            Some(password) => Some(Secret::Password(password)),
            None => setup.account.as_ref().and_then(|account| account.secret.clone()),
        },
    };
    let username = args.callee_auth_user.clone().or_else(|| callee.target.user.clone());
    Ok(username.map(|username| Account { username, secret, algorithm: None }))
}

fn registration(who: &Who, account: Option<Account>, setup: &Setup, plan: &Plan) -> Result<Register, Failure> {
    let identity = Identity { from: Some(format!("<{}>", who.aor)), ..setup.identity.clone() };
    let options = RegisterOptions {
        aor: who.aor.clone(),
        registrar: who.registrar.clone(),
        mode: Mode::Keep(KEPT),
        expires_s: EXPIRES,
        contact: None,
        instance: None,
        reg_id: None,
        identity,
        account,
        timers: setup.timers,
        timeout: setup.timeout,
        candidates: plan.candidates.len(),
    };
    Ok(Register::new(options, Entropy::from_system()?))
}

fn taking(args: &InviteArgs, setup: &Setup, mark: Mark, clock: Clock, tap: Option<Arc<dyn Tap>>) -> Taking {
    let wishes = Wishes { laws: args.codec.clone(), has_events: true, is_secure: args.srtp };
    let answering = uas::Plan { ring: RING, wishes, timers: setup.timers, ..uas::Plan::default() };
    Taking { answering, mark, clock, tap, server: setup.identity.user_agent.clone() }
}

/// How long our callee rings: so that the ringing is seen, too.
const RING: Duration = Duration::from_millis(300);

/// Where recordings of both ends go.
type Taps = (Option<Arc<dyn Tap>>, Option<Arc<dyn Tap>>);

/// The taps of both ends; what goes from one to the other straight is recorded once.
fn taps(setup: &Setup) -> Taps {
    let recorder = setup.recorder.clone().map(|recorder| recorder as Arc<dyn Tap>);
    recorder.map_or((None, None), |recorder| {
        let (first, second) = both_ends(recorder);
        (Some(first), Some(second))
    })
}

/// Registers both ends, calls one from the other, and tells what each heard.
///
/// # Errors
/// Whatever keeps it from doing its work, with the exit code for it.
pub(super) async fn run(args: &InviteArgs, target: &Target) -> Result<Exit, Failure> {
    let decode = args.output.form() != Format::Text || args.active.ladder;
    let mut setup = Setup::of(&args.active, decode, None)?;
    let ends = Ends::of(args, &setup, target)?;
    if args.active.dry_run {
        let error = anyhow!("--dry-run shows the messages of one end");
        return Err(Failure::new(Exit::Usage, error).with_hint("leave --loop out"));
    }
    let (first, second) = taps(&setup);
    let mut sound = sound(args, &setup)?;
    sound.tap.clone_from(&first);
    let mut entropy = Entropy::from_system()?;
    let plan = setup.plan(&args.active, target).await?;
    let plans =
        [setup.plan(&args.active, &ends.caller.target).await?, setup.plan(&args.active, &ends.callee.target).await?];
    let connectors =
        [active::connector_to(&args.active, first.clone())?, active::connector_to(&args.active, second.clone())?];
    let own = Entropy::seeded(entropy.below(u64::MAX));
    let mut machine = Invite::new(options(args, target, &setup, &plan), own);
    let mut output = output::open(&args.output)?;
    setup.terminal = output.terminal;
    let stop = Stop::on_signals()?;
    let live = live(args, target, &plan, &mut output)?;
    let mut verbose: Watching<'_, fn(Event)> = Watching::new(&args.active, &plan, |_| ());
    verbose.tell_plan();
    let mut watcher = Dialled::new(Watcher::new(verbose, live));
    let means = Means {
        plan: &plan,
        connector: &connectors[0],
        resolver: &setup.resolver,
        wanted: setup.wanted,
        timeout: setup.timeout,
    };
    let caller = end(
        &ends.caller,
        setup.account.clone(),
        &setup,
        &plans[0],
        &connectors[0],
        taking(args, &setup, Mark::Caller, sound.clock, first),
    )?;
    let callee = end(
        &ends.callee,
        ends.callee_account.clone(),
        &setup,
        &plans[1],
        &connectors[1],
        taking(args, &setup, Mark::Callee, sound.clock, second),
    )?;
    let paired = call_each_other(
        caller,
        callee,
        &mut machine,
        &means,
        &sound,
        entropy,
        stop.clone(),
        &mut watcher,
        |watcher, step| {
            if step == Step::Registered {
                watcher.inner.registered(&[&ends.caller.aor, &ends.callee.aor]);
            }
        },
    )
    .await;
    let (line, sent) = (watcher.inner.line.take(), std::mem::take(&mut watcher.invite));
    drop(watcher);
    let record = machine.record();
    let stopped = stop.count() > 0;
    let found = Looped {
        aors: [&ends.caller.aor, &ends.callee.aor],
        caller: &paired.caller,
        callee: &paired.callee,
        record,
        sent: &sent,
        media: paired.media.as_ref(),
        clock: sound.clock,
        has_called: paired.has_called,
        stopped,
    };
    let told = looped(&found);
    let gates = gates(args);
    let alone = judge(record, paired.media.as_ref().map(|e| &e.report), &gates, stopped);
    let judgement = judge_loop(&told, &found, alone, &gates);
    let trial = Trial {
        target: &args.target,
        plan: &plan,
        line: line.as_ref(),
        record,
        media: paired.media.as_ref(),
        clock: sound.clock,
        judgement: &judgement,
    };
    let mut document = report(&trial);
    document.looped = Some(told);
    tell(paired.media.as_ref());
    finish(args, document, &judgement, &setup, &mut output)
}

fn end<'a>(
    who: &Who,
    account: Option<Account>,
    setup: &Setup,
    plan: &'a Plan,
    connector: &'a Connector,
    taking: Taking,
) -> Result<End<'a>, Failure> {
    Ok(End { register: registration(who, account, setup, plan)?, plan, connector, taking })
}
