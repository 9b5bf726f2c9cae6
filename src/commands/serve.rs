//! `sipctl serve`.

use super::Failure;
use crate::cli::serve::ServeArgs;
use crate::report::Exit;

/// Runs the command.
///
/// # Errors
/// Whatever keeps it from doing its work, with the exit code for it.
pub fn run(args: &ServeArgs) -> Result<Exit, Failure> {
    let _ = args;
    todo!()
}
