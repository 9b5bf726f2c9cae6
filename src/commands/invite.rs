//! `sipctl invite`.

mod looped;
mod watch;

use super::active::{self, Setup, failure};
use super::verbose::Watching;
use super::{Failure, dry_run, output};
use crate::agent::invite::{Action, Dtmf, DtmfMode, Event, Invite, InviteOptions, Place};
use crate::base::Entropy;
use crate::cli::invite::{AudioChoice, DtmfChoice, InviteArgs};
use crate::cli::output::Format;
use crate::driver::Stop;
use crate::driver::call::{self, Means, Sound};
use crate::driver::media::{Clock, Ended, Ports, Recording, read_wav};
use crate::media::mark::Mark;
use crate::media::negotiator::Wishes;
use crate::media::session::Source;
use crate::render;
use crate::report::Exit;
use crate::report::active::Judgement;
use crate::report::invite::{Gates, Report, Trial, judge, report};
use crate::sip::Uri;
use crate::transport::{LineFacts, Plan, Tap, Target};
use anyhow::anyhow;
use std::io::Write;
use std::sync::Arc;
use std::time::Instant;
use watch::{Live, Watcher};

/// Most actions that a dry run looks at.
const MOST_ACTIONS: usize = 1000;

/// Runs the command.
///
/// # Errors
/// Whatever keeps it from doing its work, with the exit code for it.
pub fn run(args: &InviteArgs) -> Result<Exit, Failure> {
    let target = Target::parse(&args.target).map_err(|why| {
        Failure::new(Exit::Usage, anyhow!("'{}' is nobody to call: {why}", args.target))
            .with_hint("for example sip:bob@example.com")
    })?;
    match args.r#loop {
        true => active::block_on(looped::run(args, &target)),
        false => active::block_on(one(args, &target)),
    }
}

/// To: the URI without its parameters. RFC 3261 §20.39, table 1
fn to(target: &Target) -> String {
    let uri = Uri::parse(target.uri.as_bytes());
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let scheme = if target.secure { "sips" } else { "sip" };
    let user = uri.user.map(|user| format!("{}@", text(user))).unwrap_or_default();
    let port = uri.port.map(|port| format!(":{}", text(port))).unwrap_or_default();
    format!("<{scheme}:{user}{}{port}>", text(uri.host))
}

fn options(args: &InviteArgs, target: &Target, setup: &Setup, plan: &Plan) -> InviteOptions {
    let mode = match args.dtmf_mode {
        DtmfChoice::Rtp => DtmfMode::Rtp,
        DtmfChoice::Info => DtmfMode::Info,
    };
    InviteOptions {
        uri: target.uri.clone(),
        to: to(target),
        identity: setup.identity.clone(),
        account: setup.account.clone(),
        timers: setup.timers,
        timeout: setup.timeout,
        ring_timeout: args.ring_timeout,
        duration: args.duration,
        cancel_after: args.cancel_after,
        is_late_offer: args.late_offer,
        wishes: Wishes { laws: args.codec.clone(), has_events: true, is_secure: args.srtp },
        has_reliable: !args.no_100rel,
        hold: args.hold,
        dtmf: args.dtmf.as_ref().map(|digits| Dtmf { digits: digits.clone(), mode }),
        session_expires: args.session_expires,
        max_redirects: args.max_redirects,
        candidates: plan.candidates.len(),
    }
}

fn gates(args: &InviteArgs) -> Gates {
    Gates {
        statuses: args.expect.clone(),
        audio: args.expect_audio.map(AudioChoice::direction),
        min_mos: args.min_mos,
        max_loss: args.max_loss,
        max_setup: args.max_setup,
        cancels: args.cancel_after.is_some(),
    }
}

/// What is played and recorded. Files that cannot be used are known before anybody is called.
fn sound(args: &InviteArgs, setup: &Setup) -> Result<Sound, Failure> {
    let usage = |error| Failure::new(Exit::Usage, anyhow::Error::from(error));
    let source = match &args.play {
        Some(path) => Source::Samples(read_wav(&path.to_string_lossy()).map_err(usage)?),
        None => Source::Mark,
    };
    let record = args.record.as_ref().map(|path| path.to_string_lossy().into_owned());
    if let Some(path) = record.as_ref().filter(|_| !args.active.dry_run) {
        Recording::create(path).and_then(Recording::close).map_err(usage)?;
    }
    let tap = setup.recorder.clone().map(|recorder| recorder as Arc<dyn Tap>);
    Ok(Sound { source, mark: Mark::Caller, clock: Clock::start(), ports: args.media_ports, record, tap })
}

async fn one(args: &InviteArgs, target: &Target) -> Result<Exit, Failure> {
    let form = args.output.form();
    let decode = form != Format::Text || args.active.ladder;
    let mut setup = Setup::of(&args.active, decode, None)?;
    let sound = sound(args, &setup)?;
    let plan = setup.plan(&args.active, target).await?;
    let mut entropy = Entropy::from_system()?;
    let own = Entropy::seeded(entropy.below(u64::MAX));
    let mut machine = Invite::new(options(args, target, &setup, &plan), own);
    if args.active.dry_run {
        let messages = rehearse(&mut machine, &plan, &setup, &sound)?;
        return dry_run::print(&messages, &args.active);
    }
    let mut output = output::open(&args.output)?;
    setup.terminal = output.terminal;
    let stop = Stop::on_signals()?;
    let live = live(args, target, &plan, &mut output)?;
    let mut verbose: Watching<'_, fn(Event)> = Watching::new(&args.active, &plan, |_| ());
    verbose.tell_plan();
    let mut watcher = Watcher::new(verbose, live);
    let means = Means {
        plan: &plan,
        connector: &setup.connector,
        resolver: &setup.resolver,
        wanted: setup.wanted,
        timeout: setup.timeout,
    };
    let ended = call::run(&mut machine, &means, &sound, entropy, stop.clone(), &mut watcher).await;
    let line = watcher.line.take();
    drop(watcher);
    let record = machine.record();
    let judgement = judge(record, ended.as_ref().map(|e| &e.report), &gates(args), stop.count() > 0);
    let trial = Trial {
        target: &args.target,
        plan: &plan,
        line: line.as_ref(),
        record,
        media: ended.as_ref(),
        clock: sound.clock,
        judgement: &judgement,
    };
    let document = report(&trial);
    tell(ended.as_ref());
    finish(args, document, &judgement, &setup, &mut output)
}

/// Where the call is told as it happens; a person is told first who is called.
fn live<'a>(
    args: &InviteArgs,
    target: &Target,
    plan: &Plan,
    output: &'a mut output::Output,
) -> Result<Option<Live<'a>>, Failure> {
    let terminal = output.terminal;
    match args.output.form() {
        _ if args.quiet => Ok(None),
        Format::Json => Ok(None),
        Format::Ndjson => Ok(Some(Live::Lines(&mut *output.writer))),
        Format::Text => {
            let place = plan.candidates.first().map(render::text::register::place).unwrap_or_default();
            render::text::invite::heading(&target.uri, &place, terminal, &mut output.writer)?;
            output.writer.flush()?;
            Ok(Some(Live::Text(&mut *output.writer, terminal)))
        }
    }
}

/// A recording that is not whole is told of in any form.
fn tell(ended: Option<&Ended>) {
    if let Some(error) = ended.and_then(|ended| ended.recording.as_ref()) {
        // Nobody is left to tell where standard error is closed.
        let _ = writeln!(std::io::stderr().lock(), "sipctl: {}", output::one_line(&error.to_string()));
    }
}

fn finish(
    args: &InviteArgs,
    mut document: Report,
    judgement: &Judgement,
    setup: &Setup,
    output: &mut output::Output,
) -> Result<Exit, Failure> {
    let recorded = setup.recorded(&args.active)?;
    let (terminal, out) = (output.terminal, &mut output.writer);
    match args.output.form() {
        Format::Text => {
            render::text::invite::verdict(&document, judgement, terminal, out)?;
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
    if !judgement.hint.is_empty() {
        // Nobody is left to tell when standard error is gone too.
        let _ = writeln!(std::io::stderr().lock(), "  {}", output::one_line(&judgement.hint));
    }
    Ok(judgement.exit)
}

/// What would be sent first on a way that is open at once and over which nothing comes back. Ports for media are bound and let go.
fn rehearse(
    machine: &mut Invite,
    plan: &Plan,
    setup: &Setup,
    sound: &Sound,
) -> Result<Vec<(LineFacts, Vec<u8>)>, Failure> {
    let (mut messages, mut line) = (Vec::new(), None);
    for _ in 0..MOST_ACTIONS {
        let now = Instant::now();
        match machine.poll_action(now) {
            None => break,
            Some(Action::Reach { way, place: Place::Candidate(number) }) => {
                let Some(candidate) = plan.candidates.get(number) else { break };
                let facts = LineFacts {
                    protocol: candidate.protocol,
                    local: setup.connector.local_address(candidate.address).map_err(failure)?,
                    peer: candidate.address,
                    connect: None,
                    tls_time: None,
                    tls: None,
                };
                machine.handle_reached(way, &facts, now);
                line = Some(facts);
            }
            Some(Action::OpenMedia(address)) => {
                let local = Ports::bind(address, sound.ports).ok().map(|ports| ports.local());
                machine.handle_media(local, now);
            }
            Some(Action::Send { bytes, .. }) => messages.extend(line.clone().map(|facts| (facts, bytes))),
            Some(_) => {}
        }
    }
    Ok(messages)
}

#[cfg(test)]
mod tests {
    use super::to;
    use crate::transport::Target;

    #[test]
    fn to_is_the_uri_without_its_parameters() {
        let to = |typed| to(&Target::parse(typed).unwrap());
        assert_eq!(to("sip:bob@example.com:5070;transport=tcp"), "<sip:bob@example.com:5070>");
        assert_eq!(to("sips:bob@example.com"), "<sips:bob@example.com>");
        assert_eq!(to("[2001:db8::1]"), "<sip:[2001:db8::1]>");
    }
}
