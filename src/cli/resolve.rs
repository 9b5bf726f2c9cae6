//! Options of `sipctl resolve`.

use super::active::ActiveArgs;
use super::output::OutputArgs;
use clap::Args;

/// Options of `sipctl resolve`.
#[derive(Clone, Debug, Args)]
#[command(
    after_help = "Exit codes: 0 a plan was found (with --probe: a candidate answered), 3 no candidate answered in time, \
                        4 the DNS did not lead anywhere or no candidate could be reached, 2 usage, 130 interrupted."
)]
pub struct ResolveArgs {
    /// sip:user@host:port;transport=tcp, sips:…, host, host:port or an address; one or more
    #[arg(required = true, value_name = "TARGET")]
    pub targets: Vec<String>,
    /// Send one OPTIONS to each candidate, and say which answer
    #[arg(long)]
    pub probe: bool,
    /// How to get there, and who we are: beyond the DNS it counts with --probe.
    #[command(flatten)]
    pub active: ActiveArgs,
    /// The form of the output.
    #[command(flatten)]
    pub output: OutputArgs,
}
