//! Where the output goes.

use super::Failure;
use crate::base::Safe;
use crate::capture::create_private;
use crate::cli::output::OutputArgs;
use crate::render::Terminal;
use crate::report::Exit;
use std::io::{BufWriter, IsTerminal, Write};

/// Standard output or a file, buffered.
pub struct Output {
    /// Where to write.
    pub writer: Box<dyn Write + Send>,
    /// What the text form is laid out for.
    pub terminal: Terminal,
    /// Whether a person reads it as it comes.
    pub is_terminal: bool,
}

/// Width of text that goes into a file or a pipe.
const PIPE_WIDTH: usize = 120;

/// Opens the output that the options ask for. A file is private and not reached through a symbolic link.
///
/// # Errors
/// When the file cannot be made.
pub fn open(args: &OutputArgs) -> Result<Output, Failure> {
    let is_terminal = args.output.is_none() && std::io::stdout().is_terminal();
    let writer: Box<dyn Write + Send> = match &args.output {
        None => Box::new(BufWriter::with_capacity(1 << 16, std::io::stdout())),
        Some(path) => {
            let file = create_private(&path.to_string_lossy()).map_err(|e| Failure::new(Exit::Usage, e))?;
            Box::new(BufWriter::with_capacity(1 << 16, file))
        }
    };
    let colour = args.colours(is_terminal);
    // Decided once, here, and not again by the library's own look at the environment.
    colored::control::set_override(colour);
    let seen = if is_terminal { terminal_size::terminal_size().map(|(w, _)| usize::from(w.0)) } else { None };
    let width = args.width.map(usize::from).or(seen).unwrap_or(PIPE_WIDTH);
    Ok(Output { writer, terminal: Terminal { width, unicode: !args.ascii, colour }, is_terminal })
}

/// A text on one line, safe to show.
#[must_use]
pub fn one_line(text: &str) -> String {
    let joined = text.lines().map(str::trim).filter(|l| !l.is_empty()).collect::<Vec<_>>().join(" ");
    Safe(joined.as_bytes()).to_string()
}
