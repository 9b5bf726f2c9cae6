//! Options of `sipctl register`.

use clap::Args;

/// Options of `sipctl register`.
#[derive(Clone, Debug, Args)]
pub struct RegisterArgs {
    #[command(flatten)]
    pub active: super::active::ActiveArgs,
    #[command(flatten)]
    pub output: super::output::OutputArgs,
}
