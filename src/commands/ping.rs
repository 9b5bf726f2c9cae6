//! `sipctl ping`.

use super::Failure;
use crate::cli::ping::PingArgs;
use crate::report::Exit;

/// Runs the command.
///
/// # Errors
/// Whatever keeps it from doing its work, with the exit code for it.
pub fn run(args: &PingArgs) -> Result<Exit, Failure> {
    let _ = args;
    todo!()
}
