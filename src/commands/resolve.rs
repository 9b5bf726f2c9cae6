//! `sipctl resolve`.

use super::Failure;
use crate::cli::resolve::ResolveArgs;
use crate::report::Exit;

/// Runs the command.
///
/// # Errors
/// Whatever keeps it from doing its work, with the exit code for it.
pub fn run(args: &ResolveArgs) -> Result<Exit, Failure> {
    let _ = args;
    todo!()
}
