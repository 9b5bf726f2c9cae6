//! `sipctl trace`.

use super::Failure;
use crate::cli::trace::TraceArgs;
use crate::report::Exit;

/// Runs the command.
///
/// # Errors
/// Whatever keeps it from doing its work, with the exit code for it.
pub fn run(args: &TraceArgs) -> Result<Exit, Failure> {
    let _ = args;
    todo!()
}
