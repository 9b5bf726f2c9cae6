//! Options of `sipctl lint`.

use super::decode::FailOn;
use super::output::OutputArgs;
use clap::Args;
use std::path::PathBuf;

/// Options of `sipctl lint`.
#[derive(Clone, Debug, Args)]
#[command(
    after_help = "Try: sipctl lint message.sip\n     sipctl lint full.log capture.pcap\n     xclip -o | sipctl lint -\n\n\
                  Exit codes: 0 no defect as grave as --fail-on, 1 there is one, 2 unreadable input or no message in it."
)]
pub struct LintArgs {
    /// Messages in text, logs, or captures; - for standard input; one or more
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<String>,
    /// Exit with 1 from this severity on
    #[arg(long, value_enum, default_value = "error", value_name = "SEVERITY")]
    pub fail_on: FailOn,
    /// TLS key log (SSLKEYLOGFILE format) that opens TLS in captures (may be repeated)
    #[arg(long, value_name = "FILE")]
    pub keylog: Vec<PathBuf>,
    /// The form of the output.
    #[command(flatten)]
    pub output: OutputArgs,
}
