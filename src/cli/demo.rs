//! Options of `sipctl demo`.

use super::duration;
use super::output::OutputArgs;
use clap::Args;
use std::path::PathBuf;
use std::time::Duration;

/// Options of `sipctl demo`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
A registrar, a proxy and two phones run inside this one process, on free ports of the loopback: nothing has to be set up, and nothing
leaves this machine. The phones register, one pings the proxy and calls the other, each listens for the other's tone, and what passed
the proxy is shown as decode would show a capture of it.

Examples:
  sipctl demo
  sipctl demo --write demo.pcapng && sipctl decode demo.pcapng --messages full
  sipctl demo --json | jq .loop")]
pub struct DemoArgs {
    /// How long the call stands
    #[arg(short, long, value_name = "DURATION", value_parser = call_duration, default_value = "2s")]
    pub duration: Duration,
    /// Save what passed the proxy, and the media, as pcapng
    #[arg(short = 'w', long, value_name = "FILE", help_heading = "Output")]
    pub write: Option<PathBuf>,
    /// The form of the output.
    #[command(flatten)]
    pub output: OutputArgs,
}

/// A tone of less than a second tells nothing; a minute is more than enough to see.
fn call_duration(text: &str) -> Result<Duration, String> {
    let duration = duration::parse(text)?;
    match (Duration::from_secs(1)..=Duration::from_secs(60)).contains(&duration) {
        true => Ok(duration),
        false => Err("from 1s to 60s".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::call_duration;

    #[test]
    fn the_call_is_long_enough_to_hear_and_short_enough_to_wait_for() {
        assert!(call_duration("2s").is_ok() && call_duration("60").is_ok());
        assert!(call_duration("500ms").is_err() && call_duration("2m").is_err());
    }
}
