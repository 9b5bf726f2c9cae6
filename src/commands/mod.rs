//! One file a subcommand: build, run, report, render.

pub mod active;
pub mod background;
pub mod decode;
pub mod demo;
pub mod devices;
pub mod dry_run;
mod evidence;
pub mod explain;
pub mod invite;
pub mod lint;
pub mod outlet;
pub mod output;
pub mod password;
pub mod ping;
pub mod register;
pub mod resolve;
pub mod save;
pub mod serve;
pub mod spool;
pub mod trace;
pub mod verbose;

use crate::cli::{self, Command};
use crate::render;
use crate::report::Exit;
use anyhow::Context;
use std::io::Write;
use std::process::ExitCode;

/// Reads the command line, does what it says, and tells how it went.
#[must_use]
pub fn run() -> ExitCode {
    let cli = match cli::parse() {
        Ok(cli) => cli,
        Err(error) => {
            // A closed pipe while help is shown is no failure.
            let _ = error.print();
            let exit = if error.use_stderr() { Exit::Usage } else { Exit::Good };
            return ExitCode::from(active::exit_code(exit, cli::style_typed(std::env::args_os())));
        }
    };
    let style = cli.command.exit_style();
    let exit = dispatch(cli.command).unwrap_or_else(|failure| failure.tell());
    ExitCode::from(active::exit_code(exit, style))
}

fn dispatch(command: Command) -> Result<Exit, Failure> {
    match command {
        Command::Decode(args) => decode::run(&args),
        Command::Demo(args) => demo::run(&args),
        Command::Ping(args) => ping::run(&args),
        Command::Register(args) => register::run(&args),
        Command::Invite(args) => invite::run(&args),
        Command::Resolve(args) => resolve::run(&args),
        Command::Trace(args) => trace::run(&args),
        Command::Serve(args) => serve::run(&args),
        Command::Explain(args) => explain::run(&args),
        Command::Lint(args) => lint::run(&args),
        Command::Schema { command } => schema(command.as_deref()),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            cli::completions(shell, &mut script);
            to_stdout(&script)
        }
        Command::Man { out, command } => manual(out.as_deref(), command.as_deref()),
    }
}

/// Why a command could not do its work: what is said, what to do next, and the exit code.
#[derive(Debug)]
pub struct Failure {
    error: anyhow::Error,
    hint: Option<String>,
    exit: Exit,
}

impl Failure {
    /// A failure with its exit code.
    #[must_use]
    pub fn new(exit: Exit, error: impl Into<anyhow::Error>) -> Self {
        Failure { error: error.into(), hint: None, exit }
    }

    /// The same with a hint on what to do next.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Says it on standard error: one line, then the hint. A closed pipe ends quietly.
    fn tell(&self) -> Exit {
        let mut causes = self.error.chain();
        if causes
            .any(|c| c.downcast_ref::<std::io::Error>().is_some_and(|e| e.kind() == std::io::ErrorKind::BrokenPipe))
        {
            return Exit::Good;
        }
        let mut stderr = std::io::stderr().lock();
        // Nobody is left to tell when standard error is gone too.
        let _ = writeln!(stderr, "sipctl: {}", output::one_line(&without_numbers(&format!("{:#}", self.error))));
        if let Some(hint) = &self.hint {
            let _ = writeln!(stderr, "  {}", output::one_line(hint));
        }
        self.exit
    }
}

/// The system's words without the number that Rust puts behind them.
fn without_numbers(text: &str) -> String {
    let mut parts = text.split(" (os error ");
    let mut words = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        words.push_str(part.trim_start_matches(|c: char| c.is_ascii_digit()).trim_start_matches(')'));
    }
    words
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Failure::new(Exit::Usage, anyhow::Error::new(error).context("cannot write the output"))
    }
}

fn to_stdout(bytes: &[u8]) -> Result<Exit, Failure> {
    let mut out = std::io::stdout().lock();
    out.write_all(bytes)?;
    out.flush()?;
    Ok(Exit::Good)
}

fn schema(command: Option<&str>) -> Result<Exit, Failure> {
    let Some(command) = command else {
        let names: String = render::schema::commands().map(|name| format!("{name}\n")).collect();
        return to_stdout(names.as_bytes());
    };
    let Some(schema) = render::schema::of(command) else {
        return Err(Failure::new(Exit::Usage, anyhow::anyhow!("there is no schema for '{command}'"))
            .with_hint("sipctl schema lists the commands that have one"));
    };
    let text = serde_json::to_vec_pretty(&schema).map_err(|e| Failure::new(Exit::Usage, e))?;
    to_stdout(&[&text[..], b"\n"].concat())
}

fn manual(out: Option<&std::path::Path>, command: Option<&str>) -> Result<Exit, Failure> {
    let pages = cli::manual_pages()?;
    if let Some(dir) = out {
        for (name, page) in &pages {
            let path = dir.join(format!("{name}.1"));
            let written = crate::capture::create_private(&path.to_string_lossy())
                .map_err(anyhow::Error::from)
                .and_then(|mut file| file.write_all(page).with_context(|| format!("cannot write {}", path.display())));
            written.map_err(|e| Failure::new(Exit::Usage, e))?;
        }
        return Ok(Exit::Good);
    }
    let wanted = command.map_or_else(|| "sipctl".to_owned(), |c| format!("sipctl-{c}"));
    match pages.iter().find(|(name, _)| *name == wanted) {
        Some((_, page)) => to_stdout(page),
        None => {
            Err(Failure::new(Exit::Usage, anyhow::anyhow!("there is no command '{}'", command.unwrap_or_default()))
                .with_hint("sipctl --help lists the commands"))
        }
    }
}
