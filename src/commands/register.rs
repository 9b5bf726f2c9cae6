//! `sipctl register`.

use super::Failure;
use crate::cli::register::RegisterArgs;
use crate::report::Exit;

/// Runs the command.
///
/// # Errors
/// Whatever keeps it from doing its work, with the exit code for it.
pub fn run(args: &RegisterArgs) -> Result<Exit, Failure> {
    let _ = args;
    todo!()
}
