//! What every active command sets up from its options, and tears down.

use super::outlet::{Gather, Hold};
use super::{Failure, output, password};
use crate::agent::{Account, Identity};
use crate::analysis::Settings;
use crate::base::Entropy;
use crate::capture::CaptureError;
use crate::cli::active::{ActiveArgs, ExitStyle};
use crate::digest::Secret;
use crate::driver::{RecordOptions, Recorder, Totals};
use crate::render::Terminal;
use crate::render::ndjson::Lines;
use crate::render::text::{self, Mode, TextOptions};
use crate::report::decode::{Finding, Instant, Message, Report, Source, Stream};
use crate::report::{Collector, Detail, Exit, Selection};
use crate::sip::{Address, Uri};
use crate::trace::Limits;
use crate::transaction::Timers;
use crate::transport::resolve::Wanted;
use crate::transport::{ConnectOptions, Connector, Phase, Plan, Resolver, Tap, Target, TransportError};
use anyhow::anyhow;
use futures_util::StreamExt;
use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

/// What the options mean.
pub struct Setup {
    /// Who we are in every request.
    pub identity: Identity,
    /// Who we are to a server that asks; `None` where neither user nor password is known.
    pub account: Option<Account>,
    /// T1, T2, T4.
    pub timers: Timers,
    /// How long an answer may take.
    pub timeout: Duration,
    /// What narrows the plan.
    pub wanted: Wanted,
    /// Asks the DNS.
    pub resolver: Resolver,
    /// Opens lines.
    pub connector: Arc<Connector>,
    /// Records; `None` where nobody wants to see messages again (plain text output).
    pub recorder: Option<Arc<Recorder>>,
    /// What ladders are laid out for: a command sets it to that of its output.
    pub terminal: Terminal,
    /// The outbound proxy.
    via: Option<Target>,
    decodes: bool,
}

/// The recorded traffic as `decode` tells it.
#[derive(Debug, Default)]
pub struct Recorded {
    /// All messages.
    pub messages: Vec<Message<'static>>,
    /// Media streams.
    pub streams: Vec<Stream>,
    /// Findings.
    pub findings: Vec<Finding>,
    /// The ladders and findings as text, where `--ladder` asked for them.
    pub ladder: String,
}

impl Recorded {
    /// Writes it as lines of NDJSON: messages, streams, findings.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn lines(&self, lines: &mut Lines, out: &mut dyn Write) -> std::io::Result<()> {
        self.messages.iter().try_for_each(|message| lines.message(message, out))?;
        self.streams.iter().try_for_each(|stream| lines.stream(stream, out))?;
        self.findings.iter().try_for_each(|finding| lines.finding(finding, out))
    }
}

impl Setup {
    /// Reads files, secrets and variables that the options name. `decode`: whether the output shows messages (JSON, NDJSON, `--ladder`).
    /// `default_user`: the user part of the AOR, where the command has one.
    ///
    /// # Errors
    /// Usage errors, with hints.
    pub fn of(args: &ActiveArgs, decode: bool, default_user: Option<&str>) -> Result<Self, Failure> {
        let from = args.from.as_deref().map(name_addr).transpose()?;
        let account = account(args, from.as_deref(), default_user)?;
        let via = args.via.as_deref().map(proxy).transpose()?;
        let decode = (decode || args.ladder) && !args.dry_run;
        let write = args.write.as_ref().filter(|_| !args.dry_run).map(|path| path.to_string_lossy().into_owned());
        let recorder = match decode || write.is_some() {
            true => {
                let options = RecordOptions { write, decode, show_secrets: args.show_secrets };
                Some(Recorder::new(options).map_err(|e| Failure::new(Exit::Usage, e))?)
            }
            false => None,
        };
        let own = Identity::default();
        Ok(Setup {
            identity: Identity {
                from,
                user_agent: args.user_agent.clone().unwrap_or(own.user_agent),
                headers: args.headers.clone(),
                route: via.as_ref().map(route),
            },
            account,
            timers: Timers::with_t1(args.t1),
            timeout: args.timeout,
            wanted: Wanted { protocol: args.transport, v6: args.ipv6.then_some(true).or(args.ipv4.then_some(false)) },
            resolver: Resolver::new(args.dns, args.timeout).map_err(failure)?,
            connector: Arc::new(connector(args, recorder.clone())?),
            recorder,
            terminal: Terminal::default(),
            via,
            decodes: decode,
        })
    }

    /// The same as [`Setup::plan`]; a failure comes with the plan as far as it got, so that what was asked can be shown.
    ///
    /// # Errors
    /// DNS failures, and the lookups made.
    pub async fn try_plan(&self, target: &Target, entropy: &mut Entropy) -> Result<Plan, (TransportError, Box<Plan>)> {
        let next = self.via.as_ref().unwrap_or(target);
        self.resolver.try_plan(next, self.wanted, entropy).await
    }

    /// The plan for a target: through `--via` where that is given (the plan is then the proxy's).
    ///
    /// # Errors
    /// DNS failures: exit 4.
    pub async fn plan(&self, args: &ActiveArgs, target: &Target) -> Result<Plan, Failure> {
        let _ = args;
        let mut entropy = Entropy::from_system()?;
        let next = self.via.as_ref().unwrap_or(target);
        self.resolver.plan(next, self.wanted, &mut entropy).await.map_err(failure)
    }

    /// Ends the recording: the file is complete, the messages are decoded.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub fn recorded(&self, args: &ActiveArgs) -> Result<Recorded, Failure> {
        let Some(recorder) = &self.recorder else { return Ok(Recorded::default()) };
        let detail = Detail { headers: false, raw: false, secrets: args.show_secrets };
        let path = args.write.as_ref().map(|path| path.to_string_lossy().into_owned());
        let mut report = decoded(recorder, path, detail)?;
        self.tell(args, recorder);
        if !self.decodes {
            return Ok(Recorded::default());
        }
        let mut ladder = Vec::new();
        if args.ladder {
            let options = TextOptions { mode: Mode::All, ..TextOptions::default() };
            text::decode(&report, &options, self.terminal, &mut ladder)?;
        }
        let ladder = String::from_utf8_lossy(&ladder).into_owned();
        Ok(Recorded {
            messages: std::mem::take(&mut report.messages),
            streams: std::mem::take(&mut report.streams),
            findings: std::mem::take(&mut report.findings),
            ladder,
        })
    }

    /// What a person should know of the recording.
    fn tell(&self, args: &ActiveArgs, recorder: &Recorder) {
        let recorded = recorder.recorded();
        let mut stderr = std::io::stderr().lock();
        // Nobody is left to tell where standard error is closed.
        if recorded.let_go > 0 {
            let _ = writeln!(
                stderr,
                "sipctl: {} of {} packets were not decoded: more than 64 MiB waited for it",
                recorded.let_go, recorded.packets
            );
        }
        if recorded.unrecordable > 0 {
            let _ = writeln!(stderr, "sipctl: {} datagrams are in no packet of the recording", recorded.unrecordable);
        }
        if let Some(path) = args.write.as_ref().filter(|_| recorded.holds_keys && !args.show_secrets) {
            let path = output::one_line(&path.to_string_lossy());
            let _ = writeln!(
                stderr,
                "sipctl: {path} holds the secrets of its TLS connections: who has it reads all that they carried, credentials included"
            );
        }
    }
}

/// Ends a recording, and tells what it holds as `decode` would. `path`: the file that it was saved to, where it was.
///
/// # Errors
/// Where the file cannot be written.
pub fn decoded(recorder: &Recorder, path: Option<String>, detail: Detail) -> Result<Report, Failure> {
    let mut gather = Gather::new(Hold::Every);
    let (everything, settings) = (Selection::default(), Settings::default());
    let mut collector = Collector::new(&mut gather, &everything, detail, &settings);
    let totals =
        recorder.finish(Limits::default(), &mut collector).map_err(|e: CaptureError| Failure::new(Exit::Usage, e))?;
    let summary = super::decode::summary(&collector.tally, &totals);
    let peers = collector.peers.told();
    Ok(Report { summary, peers, sources: vec![source(path, &totals)], ..gather.finished() })
}

/// The recording as a source of a report.
fn source(path: Option<String>, totals: &Totals) -> Source {
    Source {
        path: path.unwrap_or_else(|| "own traffic".to_owned()),
        format: "pcapng".to_owned(),
        link_types: vec!["raw_ip".to_owned()],
        packets: totals.packets,
        bytes: 0,
        first_time: totals.first_time.map(Instant),
        last_time: totals.last_time.map(Instant),
        truncated: false,
        dropped: None,
    }
}

fn connector(args: &ActiveArgs, recorder: Option<Arc<Recorder>>) -> Result<Connector, Failure> {
    connector_to(args, recorder.map(|recorder| recorder as Arc<dyn Tap>))
}

/// What opens lines as the options say; what passes them is told to `tap`.
///
/// # Errors
/// Certificates and keys that cannot be used.
pub fn connector_to(args: &ActiveArgs, tap: Option<Arc<dyn Tap>>) -> Result<Connector, Failure> {
    let named = || std::env::var_os("SSLKEYLOGFILE").filter(|name| !name.is_empty()).map(Into::into);
    let options = ConnectOptions {
        bind: args.bind,
        tls_ca: args.tls_ca.clone(),
        tls_cert: args.tls_cert.clone(),
        tls_key: args.tls_key.clone(),
        tls_server_name: args.tls_server_name.clone(),
        tls_insecure: args.tls_insecure,
        keylog: if args.dry_run { None } else { args.keylog.clone().or_else(named) },
        tap,
    };
    // Nothing was tried yet: files that cannot be used are a matter of the command line.
    Connector::new(options).map_err(|e| with_hint(Failure::new(Exit::Usage, anyhow!(e.message.clone())), &e))
}

/// Who we are to a server that asks: `--auth-user`, else the user part of `--from`, else of the AOR. CONTRACT §2
fn account(args: &ActiveArgs, from: Option<&str>, default_user: Option<&str>) -> Result<Option<Account>, Failure> {
    let of_from = from.and_then(|from| Address::parse(from.as_bytes()).uri().user);
    let of_from = of_from.map(|user| String::from_utf8_lossy(user).into_owned());
    let username = args.auth_user.clone().or(of_from).or_else(|| default_user.map(ToOwned::to_owned));
    let password = password::read(args)?;
    let is_asked = args.password_file.is_some() || args.password_stdin;
    match (username, password) {
        (Some(username), password) => {
            Ok(Some(Account { username, secret: password.map(Secret::Password), algorithm: None }))
        }
        (None, Some(_)) if is_asked => {
            let error = anyhow!("there is a password, and no user that it belongs to");
            Err(Failure::new(Exit::Usage, error)
                .with_hint("--auth-user NAME or --from sip:NAME@DOMAIN says whose it is"))
        }
        _ => Ok(None),
    }
}

/// `--from` as a name-addr. RFC 3261 §20.20
fn name_addr(text: &str) -> Result<String, Failure> {
    let text = text.trim();
    let whole = match (text.contains('<'), text.contains(':')) {
        (true, _) => text.to_owned(),
        (false, true) => format!("<{text}>"),
        (false, false) => format!("<sip:{text}>"),
    };
    let address = Address::parse(whole.as_bytes());
    let uri = address.uri();
    let is_one_line = !whole.contains(|c: char| c.is_control());
    if is_one_line
        && address.fault.is_none()
        && (uri.is_tel() || (uri.is_sip() || uri.is_sips()) && !uri.host.is_empty())
    {
        return Ok(whole);
    }
    Err(Failure::new(Exit::Usage, anyhow!("--from '{text}' is no address"))
        .with_hint("write sip:alice@example.com or '\"Alice\" <sip:alice@example.com>'"))
}

fn proxy(text: &str) -> Result<Target, Failure> {
    let hint = "write sip:proxy.example.com, sip:192.0.2.1:5070;transport=tcp";
    let wrong = |why: String| Failure::new(Exit::Usage, anyhow!("--via '{text}': {why}")).with_hint(hint);
    let target = Target::parse(text).map_err(wrong)?;
    match target.uri.contains(['?', '<', '>', ',']) {
        true => Err(wrong("a Route holds no such URI".to_owned())),
        false => Ok(target),
    }
}

/// The Route that leads through a proxy by loose routing. RFC 3261 §8.1.2
fn route(via: &Target) -> String {
    let loose = Uri::parse(via.uri.as_bytes()).param("lr").is_some();
    format!("<{}{}>", via.uri, if loose { "" } else { ";lr" })
}

/// What could not be reached as the failure of a command: exit 4. CONTRACT §3
#[must_use]
pub fn failure(error: TransportError) -> Failure {
    let exit = if error.phase == Phase::Dns && error.kind == "io" { Exit::Usage } else { Exit::Unreachable };
    with_hint(Failure::new(exit, anyhow!(error.message.clone())), &error)
}

fn with_hint(failure: Failure, error: &TransportError) -> Failure {
    if error.hint.is_empty() { failure } else { failure.with_hint(error.hint.clone()) }
}

/// The number for the operating system. Of monitoring plugins: a threshold that was missed warns; what answers wrongly, not
/// at all, or lets nobody in is critical; where nothing was learned (usage, an interruption) it is unknown.
#[must_use]
pub fn exit_code(exit: Exit, style: ExitStyle) -> u8 {
    match (style, exit) {
        (ExitStyle::Sipctl, exit) => exit.code(),
        (ExitStyle::Nagios, Exit::Good) => 0,
        (ExitStyle::Nagios, Exit::Missed) => 1,
        (ExitStyle::Nagios, Exit::Unexpected | Exit::NoAnswer | Exit::Unreachable | Exit::Refused) => 2,
        (ExitStyle::Nagios, Exit::Usage | Exit::Interrupted) => 3,
    }
}

/// Runs a future on a runtime of one thread.
///
/// # Errors
/// What the future says, or where the system gives no runtime.
pub fn block_on<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    tokio::task::LocalSet::new().block_on(&runtime, work)
}

/// Runs many pieces of work, at most `parallel` at a time, begun in order; `done` is told of each as it ends, by its position.
pub async fn run_all<R>(
    works: impl IntoIterator<Item = impl Future<Output = R>>,
    parallel: usize,
    mut done: impl FnMut(usize, R),
) {
    let numbered = works.into_iter().enumerate().map(|(n, work)| async move { (n, work.await) });
    let mut running = std::pin::pin!(futures_util::stream::iter(numbered).buffer_unordered(parallel.max(1)));
    while let Some((n, result)) = running.next().await {
        done(n, result);
    }
}

#[cfg(test)]
mod tests;
