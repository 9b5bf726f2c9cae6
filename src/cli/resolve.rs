//! Options of `sipctl resolve`.

use clap::Args;

/// Options of `sipctl resolve`.
#[derive(Clone, Debug, Args)]
pub struct ResolveArgs {
    #[command(flatten)]
    pub active: super::active::ActiveArgs,
    #[command(flatten)]
    pub output: super::output::OutputArgs,
}
