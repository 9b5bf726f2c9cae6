//! Options of `sipctl ping`.

use clap::Args;

/// Options of `sipctl ping`.
#[derive(Clone, Debug, Args)]
pub struct PingArgs {
    #[command(flatten)]
    pub active: super::active::ActiveArgs,
    #[command(flatten)]
    pub output: super::output::OutputArgs,
}
