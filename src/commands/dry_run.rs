//! `--dry-run`: the messages that would be sent first, composed for where they would go, and nothing sent. The DNS alone is asked.

use super::active::{Setup, failure};
use super::{Failure, output};
use crate::agent::{Action, Machine};
use crate::base::Safe;
use crate::cli::active::ActiveArgs;
use crate::report::Exit;
use crate::sip::secrets;
use crate::transport::{LineFacts, Plan};
use std::borrow::Cow;
use std::io::{IsTerminal, Write};
use std::time::Instant;

/// Most actions that are looked at: an agent that wants more before an answer comes would never stop.
const MOST_ACTIONS: usize = 1000;

/// Shows what `machine` would send first, on standard output: byte for byte, or escaped where that is a terminal.
///
/// # Errors
/// Where there is no way to the first candidate, or the output cannot be written.
pub fn show(machine: &mut impl Machine, plan: &Plan, setup: &Setup, args: &ActiveArgs) -> Result<Exit, Failure> {
    let local = |peer| setup.connector.local_address(peer);
    print(&first_messages(machine, plan, local).map_err(failure)?, args)
}

/// Shows messages that are not sent, with where each would go.
///
/// # Errors
/// Where the output cannot be written.
pub fn print(messages: &[(LineFacts, Vec<u8>)], args: &ActiveArgs) -> Result<Exit, Failure> {
    let mut out = std::io::stdout().lock();
    let escapes = out.is_terminal();
    for (facts, bytes) in messages {
        let line = format!("not sent: {} bytes to {} over {}", bytes.len(), facts.peer, facts.protocol);
        // Nobody is left to tell where standard error is closed.
        let _ = writeln!(std::io::stderr(), "sipctl: {}", output::one_line(&line));
        let bytes = if args.show_secrets { Cow::Borrowed(&bytes[..]) } else { secrets::hide(bytes) };
        if escapes {
            for line in bytes.split(|&b| b == b'\n') {
                writeln!(out, "{}", Safe(line.strip_suffix(b"\r").unwrap_or(line)))?;
            }
        } else {
            out.write_all(&bytes)?;
        }
    }
    out.flush()?;
    Ok(Exit::Good)
}

/// What an agent sends on a line that is open at once and over which nothing comes back.
fn first_messages<E>(
    machine: &mut impl Machine,
    plan: &Plan,
    local: impl Fn(std::net::SocketAddr) -> Result<std::net::SocketAddr, E>,
) -> Result<Vec<(LineFacts, Vec<u8>)>, E> {
    let (mut messages, mut line) = (Vec::new(), None);
    for _ in 0..MOST_ACTIONS {
        let now = Instant::now();
        match machine.poll_action(now) {
            None => break,
            Some(Action::Tell(_)) => {}
            Some(Action::Connect(number)) => {
                let Some(candidate) = plan.candidates.get(number) else { break };
                let facts = LineFacts {
                    protocol: candidate.protocol,
                    local: local(candidate.address)?,
                    peer: candidate.address,
                    connect: None,
                    tls_time: None,
                    tls: None,
                };
                machine.handle_connected(&facts, now);
                line = Some(facts);
            }
            Some(Action::Send(bytes)) => messages.extend(line.clone().map(|facts| (facts, bytes))),
        }
    }
    Ok(messages)
}
