//! Options of `sipctl trace`.

use clap::Args;

/// Options of `sipctl trace`.
#[derive(Clone, Debug, Args)]
pub struct TraceArgs {
    #[command(flatten)]
    pub active: super::active::ActiveArgs,
    #[command(flatten)]
    pub output: super::output::OutputArgs,
}
