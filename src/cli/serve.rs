//! Options of `sipctl serve`.

use clap::Args;

/// Options of `sipctl serve`.
#[derive(Clone, Debug, Args)]
pub struct ServeArgs {
    #[command(flatten)]
    pub output: super::output::OutputArgs,
}
