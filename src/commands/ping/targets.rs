//! Whom to ping: arguments, and lists in files.

use crate::cli::ping::PingArgs;
use crate::commands::Failure;
use crate::report::Exit;
use crate::transport::Target;
use anyhow::{Context, anyhow};
use std::fs::File;
use std::io::{BufRead, BufReader, Read};

/// Targets of one run.
const MOST: usize = 100_000;
/// Bytes of a list.
const MOST_BYTES: u64 = 16 << 20;

/// All targets in the order in which they were named.
///
/// # Errors
/// Usage errors that say which target, in which line, is none.
pub fn read(args: &PingArgs) -> Result<Vec<Target>, Failure> {
    let mut targets = Vec::new();
    for typed in &args.target {
        targets.push(parse(typed, "")?);
    }
    if let Some(path) = &args.targets {
        list(args, path, &mut targets)?;
    }
    match targets.len() {
        0 => Err(usage(anyhow!("there is no target in {}", args.targets.as_deref().unwrap_or("the arguments")))),
        n if n > MOST => Err(usage(anyhow!("{n} targets: at most {MOST} can be pinged in one run"))),
        _ => Ok(targets),
    }
}

fn usage(error: anyhow::Error) -> Failure {
    Failure::new(Exit::Usage, error)
}

fn parse(typed: &str, place: &str) -> Result<Target, Failure> {
    Target::parse(typed).map_err(|why| {
        usage(anyhow!("{place}{why}"))
            .with_hint("write sip:user@host:port;transport=tcp, host, host:port, 192.0.2.1 or [2001:db8::1]:5060")
    })
}

fn list(args: &PingArgs, path: &str, targets: &mut Vec<Target>) -> Result<(), Failure> {
    let source: Box<dyn Read> = match path {
        "-" if args.active.password_stdin => {
            return Err(usage(anyhow!("--targets - and --password-stdin both read standard input"))
                .with_hint("--password-file FILE leaves it to the targets"));
        }
        "-" => Box::new(std::io::stdin()),
        path => Box::new(File::open(path).with_context(|| format!("cannot read {path}")).map_err(usage)?),
    };
    for (line, number) in BufReader::new(source.take(MOST_BYTES)).lines().zip(1..) {
        let line = line.with_context(|| format!("cannot read line {number} of {path}")).map_err(usage)?;
        // A fragment is no part of a SIP URI: what follows # is a comment, at the start or behind white space.
        let typed = line.split_once(" #").map_or(line.as_str(), |(before, _)| before);
        let typed = typed.split_once("\t#").map_or(typed, |(before, _)| before).trim();
        if !typed.is_empty() && !typed.starts_with('#') {
            targets.push(parse(typed, &format!("line {number} of {path}: "))?);
        }
    }
    Ok(())
}
