//! `sipctl demo`: a whole SIP network in one process.

use super::{Failure, active, output};
use crate::agent::invite::{Event, Invite, InviteOptions};
use crate::agent::ping::{self, Ping};
use crate::agent::register::{Mode, Register, RegisterOptions};
use crate::agent::{Account, Identity};
use crate::base::Entropy;
use crate::cli::demo::DemoArgs;
use crate::cli::output::Format;
use crate::digest::Secret;
use crate::driver::agent::Watch;
use crate::driver::call::{Means, Sound};
use crate::driver::endpoint::callee::Taking;
use crate::driver::endpoint::intermediary::{self, Dialler};
use crate::driver::endpoint::proxy::Options;
use crate::driver::endpoint::registrar::{Access, Algorithms, Lifetimes};
use crate::driver::endpoint::serve::Limits as ServeLimits;
use crate::driver::endpoint::{self, Identity as Own, Proxy, Registrar, uas};
use crate::driver::media::Clock;
use crate::driver::pair::{End, Paired, Step, call_each_other};
use crate::driver::{self, RecordOptions, Recorder, Stop};
use crate::media::mark::Mark;
use crate::media::negotiator::Wishes;
use crate::media::session::Source;
use crate::render;
use crate::report::active::{Judgement, Verdict, milliseconds};
use crate::report::decode::Report as Decoded;
use crate::report::demo::{Event as Happening, Happened, Report, SCHEMA};
use crate::report::invite::{Gates, Looped, judge, judge_loop, looped};
use crate::report::{Detail, Exit};
use crate::transaction::Timers;
use crate::transport::listener::{Listen, ListenOptions, Listener};
use crate::transport::resolve::Wanted;
use crate::transport::{Candidate, ConnectOptions, Connector, Plan, Protocol, Resolver, Tap};
use std::collections::HashMap;
use std::io::Write;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The domain of the demonstration. RFC 2606 §3
const DOMAIN: &str = "example.com";
const CALLER: &str = "sip:alice@example.com";
const CALLEE: &str = "sip:bob@example.com";
/// How long an answer may take on the loopback.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long the callee rings.
const RING: Duration = Duration::from_millis(300);
/// What to try next.
const NEXT: &str =
    "sipctl serve uas --listen udp:127.0.0.1:5060, and in another window: sipctl invite sip:bob@127.0.0.1 --ladder";

/// Runs the command.
///
/// # Errors
/// Where the loopback or the output cannot be used.
pub fn run(args: &DemoArgs) -> Result<Exit, Failure> {
    let mut out = output::open(&args.output)?;
    let write = args.write.as_ref().map(|path| path.to_string_lossy().into_owned());
    let options = RecordOptions { write: write.clone(), decode: true, show_secrets: false };
    let recorder = Recorder::new(options).map_err(|e| Failure::new(Exit::Usage, e))?;
    let begun = Instant::now();
    let told = active::block_on(network(args, &recorder, &mut out))?;
    let took = begun.elapsed();
    let decoded = active::decoded(&recorder, write, Detail::default())?;
    finish(args, told, decoded, took, &mut out)
}

/// What the network did.
struct Told {
    proxy: SocketAddr,
    ping: Option<Duration>,
    machine: Invite,
    paired: Paired,
    invite: Vec<u8>,
    clock: Clock,
    stopped: bool,
}

/// Watches the call, and says when it begins.
struct Watcher<'a> {
    out: &'a mut output::Output,
    form: Format,
    begun: Instant,
    invite: Vec<u8>,
    rtt: Option<Duration>,
    began: Option<Instant>,
}

impl Watcher<'_> {
    /// Tells what was done as it is done; a pipe that nobody reads any more does not keep the call from being ended.
    fn tell(&mut self, happened: Happened) {
        let out = &mut *self.out;
        let told = match self.form {
            Format::Text => render::text::demo::happened(&happened, out.terminal, &mut out.writer),
            Format::Ndjson => {
                let event = Happening { at_ms: milliseconds(self.begun.elapsed()), happened };
                render::ndjson::Lines::new().line("event", &event, &mut out.writer)
            }
            _ => return,
        };
        let _ = told.and_then(|()| out.writer.flush());
    }
}

impl Watch<Event> for Watcher<'_> {
    fn event(&mut self, event: Event) {
        match event {
            Event::Inviting { .. } => {
                self.began.get_or_insert_with(Instant::now);
            }
            Event::Response { status: 200..=299, .. } => {
                let after = self.began.map_or(Duration::ZERO, |began| began.elapsed());
                self.tell(Happened::Answered { after_ms: milliseconds(after) });
            }
            _ => {}
        }
    }

    fn sent(&mut self, bytes: &[u8]) {
        if bytes.starts_with(b"INVITE ") {
            self.invite = bytes.to_vec();
        }
    }
}

impl Watch<ping::Event> for Watcher<'_> {
    fn event(&mut self, event: ping::Event) {
        if let ping::Event::Reply(reply) = event {
            self.rtt = Some(reply.rtt);
        }
    }
}

/// The proxy says nothing: what passes it is shown by the ladder.
struct Silent;

impl endpoint::Watch for Silent {}

async fn network(args: &DemoArgs, recorder: &Arc<Recorder>, out: &mut output::Output) -> Result<Told, Failure> {
    let unreachable = |error| Failure::new(Exit::Unreachable, anyhow::Error::from(error));
    let tap: Arc<dyn Tap> = Arc::clone(recorder) as Arc<dyn Tap>;
    let mut entropy = Entropy::from_system()?;
    let password = entropy.token();
    let loopback = SocketAddr::from(([127, 0, 0, 1], 0));
    let listen = [Listen { protocol: Protocol::Udp, address: loopback }];
    let mut listener =
        Listener::open(&listen, ListenOptions { tap: Some(Arc::clone(&tap)), ..ListenOptions::default() })
            .await
            .map_err(unreachable)?;
    let places = listener.addresses();
    let address = places.first().map_or(loopback, |place| place.address);
    let mut draw = || Entropy::seeded(entropy.below(u64::MAX));
    let mut machine = proxy_of(places, &password, [draw(), draw()]);
    let connect = ConnectOptions::default();
    let mut dialler = Dialler {
        resolver: Resolver::new(None, PATIENCE).map_err(unreachable)?,
        connector: Connector::new(connect.clone()).map_err(unreachable)?,
        entropy: draw(),
    };
    let stop = Stop::on_signals()?;
    let phones = phones(args, address, &password, [draw(), draw(), draw(), draw(), draw()], tap, stop.clone(), out);
    // The proxy goes on until the phones are done: a wish to stop is theirs, so that their bindings can be removed.
    let (_kept, never) = tokio::sync::watch::channel(0);
    let mut silent = Silent;
    let serving = intermediary::stand(
        &mut machine,
        &mut listener,
        &mut dialler,
        Stop::by(never),
        ServeLimits::default(),
        &mut silent,
    );
    tokio::select! {
        biased;
        told = phones => told,
        ended = serving => {
            ended?;
            Err(Failure::new(Exit::Unreachable, anyhow::anyhow!("the proxy ended before the call did")))
        }
    }
}

fn proxy_of(places: Vec<Listen>, password: &str, [mut of_access, own]: [Entropy; 2]) -> Proxy {
    let users = ["alice", "bob"].map(|user| (user.to_owned(), Secret::Password(password.to_owned())));
    let now = Instant::now();
    let access = Access::new(HashMap::from(users), DOMAIN.to_owned(), Algorithms::default(), &mut of_access, now);
    let registrar = Registrar::new(access, Lifetimes::default(), Vec::new(), now);
    let options = Options {
        record_route: true,
        stateless: false,
        authenticates: true,
        next_hop: None,
        server: Identity::default().user_agent,
        timers: Timers::default(),
    };
    Proxy::new(options, Own::new(places, vec![DOMAIN.to_owned()]), registrar, own)
}

async fn phones(
    args: &DemoArgs,
    proxy: SocketAddr,
    password: &str,
    [of_ping, of_call, of_pair, of_caller, of_callee]: [Entropy; 5],
    tap: Arc<dyn Tap>,
    stop: Stop,
    out: &mut output::Output,
) -> Result<Told, Failure> {
    let unreachable = |error| Failure::new(Exit::Unreachable, anyhow::Error::from(error));
    let connector = Connector::new(ConnectOptions::default()).map_err(unreachable)?;
    let resolver = Resolver::new(None, PATIENCE).map_err(unreachable)?;
    let plan = plan_to(proxy);
    let clock = Clock::start();
    if args.output.form() == Format::Text {
        render::text::demo::heading(out.terminal, &mut out.writer)?;
    }
    let form = args.output.form();
    let mut watcher = Watcher { out, form, begun: Instant::now(), invite: Vec::new(), rtt: None, began: None };
    watcher.tell(Happened::Proxy { address: proxy.to_string() });
    let mut pings = Ping::new(ping_options(proxy), identity(CALLER, None), None, of_ping);
    driver::agent::run(&mut pings, &plan, &connector, stop.clone(), &mut watcher).await;
    let rtt = watcher.rtt;
    watcher.tell(Happened::Ping { rtt_ms: rtt.map(milliseconds) });
    let route = format!("<sip:{proxy};lr>");
    let mut machine = Invite::new(call_options(args, password, &route), of_call);
    let means =
        Means { plan: &plan, connector: &connector, resolver: &resolver, wanted: Wanted::default(), timeout: PATIENCE };
    let sound = Sound { source: Source::Mark, mark: Mark::Caller, clock, ports: None, record: None, tap: Some(tap) };
    let taking = |mark| Taking {
        answering: uas::Plan { ring: RING, ..uas::Plan::default() },
        mark,
        clock,
        // The caller's media is recorded, and it sees both directions.
        tap: None,
        server: Identity::default().user_agent,
    };
    let end = |aor: &str, entropy, mark| End {
        register: Register::new(registration(aor, password, &route), entropy),
        plan: &plan,
        connector: &connector,
        taking: taking(mark),
    };
    let (caller, callee) = (end(CALLER, of_caller, Mark::Caller), end(CALLEE, of_callee, Mark::Callee));
    let paired = call_each_other(
        caller,
        callee,
        &mut machine,
        &means,
        &sound,
        of_pair,
        stop.clone(),
        &mut watcher,
        |watcher: &mut Watcher<'_>, step| {
            watcher.tell(match step {
                Step::Registered => Happened::Registered,
                Step::Called => Happened::Ended,
            });
        },
    )
    .await;
    let invite = std::mem::take(&mut watcher.invite);
    Ok(Told { proxy, ping: rtt, machine, paired, invite, clock, stopped: stop.count() > 0 })
}

/// The way to the proxy.
fn plan_to(proxy: SocketAddr) -> Plan {
    let candidate = Candidate {
        protocol: Protocol::Udp,
        address: proxy,
        domain: DOMAIN.to_owned(),
        host: None,
        srv: None,
        how: "as given".to_owned(),
    };
    Plan { candidates: vec![candidate], ..Plan::default() }
}

fn identity(aor: &str, route: Option<&str>) -> Identity {
    Identity { from: Some(format!("<{aor}>")), route: route.map(ToOwned::to_owned), ..Identity::default() }
}

fn account(aor: &str, password: &str) -> Option<Account> {
    let username = aor.trim_start_matches("sip:").split('@').next().unwrap_or_default().to_owned();
    Some(Account { username, secret: Some(Secret::Password(password.to_owned())), algorithm: None })
}

fn ping_options(proxy: SocketAddr) -> ping::Options {
    ping::Options {
        method: "OPTIONS".to_owned(),
        uri: format!("sip:{proxy}"),
        count: 1,
        interval: Duration::ZERO,
        wait: PATIENCE,
        parallel: 1,
        max_forwards: 70,
        size: None,
        timers: Timers::default(),
        candidates: 1,
    }
}

fn registration(aor: &str, password: &str, route: &str) -> RegisterOptions {
    RegisterOptions {
        aor: aor.to_owned(),
        registrar: format!("sip:{DOMAIN}"),
        mode: Mode::Keep(Duration::from_secs(3600)),
        expires_s: 300,
        contact: None,
        instance: None,
        reg_id: None,
        identity: identity(aor, Some(route)),
        account: account(aor, password),
        timers: Timers::default(),
        timeout: PATIENCE,
        candidates: 1,
    }
}

fn call_options(args: &DemoArgs, password: &str, route: &str) -> InviteOptions {
    InviteOptions {
        uri: CALLEE.to_owned(),
        to: format!("<{CALLEE}>"),
        identity: identity(CALLER, Some(route)),
        account: account(CALLER, password),
        timers: Timers::default(),
        timeout: PATIENCE,
        ring_timeout: PATIENCE,
        duration: args.duration,
        cancel_after: None,
        is_late_offer: false,
        wishes: Wishes::default(),
        has_reliable: true,
        hold: None,
        dtmf: None,
        session_expires: None,
        max_redirects: 0,
        candidates: 1,
    }
}

fn finish(
    args: &DemoArgs,
    told: Told,
    mut decoded: Decoded,
    took: Duration,
    out: &mut output::Output,
) -> Result<Exit, Failure> {
    let record = told.machine.record();
    let found = Looped {
        aors: [CALLER, CALLEE],
        caller: &told.paired.caller,
        callee: &told.paired.callee,
        record,
        sent: &told.invite,
        media: told.paired.media.as_ref(),
        clock: told.clock,
        has_called: told.paired.has_called,
        stopped: told.stopped,
    };
    let both = looped(&found);
    let gates = Gates::default();
    let alone = judge(record, told.paired.media.as_ref().map(|m| &m.report), &gates, told.stopped);
    let judgement: Judgement = judge_loop(&both, &found, alone, &gates);
    let code = judgement.exit.code();
    let answered = record.began.zip(record.answered);
    let mut report = Report {
        schema: SCHEMA,
        proxy: told.proxy.to_string(),
        result: Verdict { ok: code == 0, code, reason: judgement.reason.clone() },
        ping_ms: told.ping.map(milliseconds),
        answer_ms: answered.map(|(from, to)| milliseconds(to.saturating_duration_since(from))),
        took_ms: milliseconds(took),
        looped: both,
        calls: Vec::new(),
        messages: Vec::new(),
        streams: Vec::new(),
        findings: Vec::new(),
    };
    if args.output.form() == Format::Text {
        render::text::demo::result(&report, &decoded, NEXT, out.terminal, &mut out.writer)?;
    } else if args.output.form() == Format::Ndjson {
        let (mut lines, out) = (render::ndjson::Lines::new(), &mut out.writer);
        decoded.messages.iter().try_for_each(|message| lines.message(message, out))?;
        decoded.calls.iter().try_for_each(|call| lines.call(call, out))?;
        decoded.registrations.iter().try_for_each(|registration| lines.registration(registration, out))?;
        decoded.exchanges.iter().try_for_each(|exchange| lines.exchange(exchange, out))?;
        decoded.streams.iter().try_for_each(|stream| lines.stream(stream, out))?;
        decoded.findings.iter().try_for_each(|finding| lines.finding(finding, out))?;
        lines.line("summary", &report.summary(), out)?;
    } else {
        report.calls = std::mem::take(&mut decoded.calls);
        report.messages = std::mem::take(&mut decoded.messages);
        report.streams = std::mem::take(&mut decoded.streams);
        report.findings = std::mem::take(&mut decoded.findings);
        render::json::document(&report, out.is_terminal, &mut out.writer)?;
    }
    out.writer.flush()?;
    if !judgement.hint.is_empty() {
        // Nobody is left to tell when standard error is gone too.
        let _ = writeln!(std::io::stderr().lock(), "  {}", output::one_line(&judgement.hint));
    }
    Ok(judgement.exit)
}
