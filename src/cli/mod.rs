//! What was typed and what it means. The only folder that names clap.

pub mod active;
pub mod decode;
pub mod demo;
pub mod duration;
pub mod explain;
pub mod invite;
pub mod lint;
pub mod output;
pub mod ping;
pub mod register;
pub mod resolve;
pub mod serve;
pub mod trace;

use clap::{Parser, Subcommand};

/// Pings, registers, calls, decodes and explains SIP.
#[derive(Debug, Parser)]
#[command(name = "sipctl", version, about, max_term_width = 100, propagate_version = true)]
#[command(after_help = "Try: sipctl demo\n     sipctl decode capture.pcap\n     sipctl help decode")]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands that work.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// A whole SIP network on the loopback: registrar, proxy, two phones, a call with audio, and its ladder
    Demo(Box<demo::DemoArgs>),
    /// Capture files, standard input or a live device: calls, ladders, findings, JSON
    Decode(Box<decode::DecodeArgs>),
    /// OPTIONS ping: reachability, loss, round trips, who answers and what it supports
    Ping(Box<ping::PingArgs>),
    /// Trial REGISTER: challenge, credentials, bindings, expiry, and the binding taken away again
    Register(Box<register::RegisterArgs>),
    /// Trial call: INVITE to BYE with SDP, RTP both ways, and what was heard
    Invite(Box<invite::InviteArgs>),
    /// The RFC 3263 plan of a target: NAPTR, SRV, addresses, in the order they would be tried
    Resolve(Box<resolve::ResolveArgs>),
    /// Max-Forwards traceroute: one line a hop
    Trace(Box<trace::TraceArgs>),
    /// A test endpoint: user agent server, registrar, redirect server, proxy
    Serve(Box<serve::ServeArgs>),
    /// What a finding, status code, method, header field, timer, release cause or TLS alert means
    Explain(Box<explain::ExplainArgs>),
    /// Messages in text, logs or captures against the grammar, with carets under the bytes at fault
    Lint(Box<lint::LintArgs>),
    /// The JSON Schema of a command's output
    Schema {
        /// Command whose schema is wanted; without it, the commands that have one are listed
        command: Option<String>,
    },
    /// Shell completions on standard output
    Completions {
        /// Shell to complete for
        shell: clap_complete::Shell,
    },
    /// Manual pages: sipctl(1) on standard output, or all of them into a directory
    Man {
        /// Directory to write sipctl.1, sipctl-decode.1 … into
        #[arg(long, value_name = "DIR")]
        out: Option<std::path::PathBuf>,
        /// Command whose page is wanted
        command: Option<String>,
    },
}

impl Command {
    /// What the exit code of this run means.
    #[must_use]
    pub fn exit_style(&self) -> active::ExitStyle {
        match self {
            Command::Ping(args) => args.active.exit_style,
            Command::Register(args) => args.active.exit_style,
            Command::Invite(args) => args.active.exit_style,
            Command::Resolve(args) => args.active.exit_style,
            Command::Trace(args) => args.active.exit_style,
            _ => active::ExitStyle::Sipctl,
        }
    }
}

/// Reads the command line.
///
/// # Errors
/// What clap has to say: usage errors, and the texts of `--help` and `--version`.
pub fn parse() -> Result<Cli, clap::Error> {
    Cli::try_parse()
}

/// The exit style that was typed in a line that could not be read: a monitoring system has to see UNKNOWN then, too.
pub fn style_typed(words: impl Iterator<Item = std::ffi::OsString>) -> active::ExitStyle {
    let mut after_name = false;
    for word in words {
        if word == "--exit-style=nagios" || after_name && word == "nagios" {
            return active::ExitStyle::Nagios;
        }
        after_name = word == "--exit-style";
    }
    active::ExitStyle::Sipctl
}

/// Shell completions.
pub fn completions(shell: clap_complete::Shell, out: &mut dyn std::io::Write) {
    let mut command = <Cli as clap::CommandFactory>::command();
    clap_complete::generate(shell, &mut command, "sipctl", &mut { out });
}

/// Manual pages by name: `sipctl`, and `sipctl-COMMAND` for each command.
///
/// # Errors
/// When a page cannot be written into memory, which does not happen.
pub fn manual_pages() -> std::io::Result<Vec<(String, Vec<u8>)>> {
    let mut command = <Cli as clap::CommandFactory>::command();
    command.build();
    let mut pages = vec![page(&command, "sipctl")?];
    for sub in command.get_subcommands().filter(|c| c.get_name() != "help") {
        pages.push(page(sub, &format!("sipctl-{}", sub.get_name()))?);
    }
    Ok(pages)
}

fn page(command: &clap::Command, name: &str) -> std::io::Result<(String, Vec<u8>)> {
    let mut bytes = Vec::new();
    clap_mangen::Man::new(command.clone()).title(name.to_uppercase()).render(&mut bytes)?;
    Ok((name.to_owned(), bytes))
}

#[cfg(test)]
mod tests {
    use super::Cli;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
