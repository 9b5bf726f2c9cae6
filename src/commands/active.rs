//! What every active command sets up from its options, and tears down.

use super::Failure;
use crate::agent::{Account, Identity};
use crate::cli::active::ActiveArgs;
use crate::driver::Recorder;
use crate::report::decode::{Finding, Message, Stream};
use crate::transaction::Timers;
use crate::transport::resolve::Wanted;
use crate::transport::{Connector, Plan, Resolver, Target};
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

impl Setup {
    /// Reads files, secrets and variables that the options name. `decode`: whether the output shows messages (JSON, NDJSON, `--ladder`).
    /// `default_user`: the user part of the AOR, where the command has one.
    ///
    /// # Errors
    /// Usage errors, with hints.
    pub fn of(args: &ActiveArgs, decode: bool, default_user: Option<&str>) -> Result<Self, Failure> {
        let _ = (args, decode, default_user);
        todo!()
    }

    /// The plan for a target: through `--via` where that is given (the plan is then the proxy's).
    ///
    /// # Errors
    /// DNS failures: exit 4.
    pub async fn plan(&self, args: &ActiveArgs, target: &Target) -> Result<Plan, Failure> {
        let _ = (args, target);
        todo!()
    }

    /// Ends the recording: the file is complete, the messages are decoded.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub fn recorded(&self, args: &ActiveArgs) -> Result<Recorded, Failure> {
        let _ = args;
        todo!()
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
