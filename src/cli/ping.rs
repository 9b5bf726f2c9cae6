//! Options of `sipctl ping`.

use super::active::ActiveArgs;
use super::duration;
use super::output::OutputArgs;
use crate::report::ping::{HeaderWanted, StatusRange};
use clap::Args;
use std::time::Duration;

/// Options of `sipctl ping`.
#[derive(Clone, Debug, Args)]
#[command(args_override_self = true)]
#[command(after_help = "Examples:
  sipctl ping sip:example.com                       one OPTIONS, found as RFC 3263 says
  sipctl ping -c 10 -i 200ms 192.0.2.1:5070
  sipctl ping -c 0 --max-loss 1 sips:example.com    until Ctrl-C
  sipctl ping --expect 2xx,404 --expect-header 'Allow: INVITE' example.com
  sipctl ping --targets hosts.txt --json | jq '.targets[] | select(.result.ok | not)'
  sipctl ping --size 1400 --transport udp 192.0.2.1   do requests of that size arrive?

Exit codes: 0 answered; 1 not as expected; 2 usage; 3 no answer; 4 no way there (DNS, connect, TLS);
5 credentials refused; 6 a threshold missed; 130 interrupted. Of several targets, the worst counts.")]
pub struct PingArgs {
    /// Whom to ping: sip:user@host:port;transport=tcp, sips:host, host, host:port, 192.0.2.1, [2001:db8::1]:5060
    #[arg(value_name = "TARGET", required_unless_present = "targets")]
    pub target: Vec<String>,
    /// Read further targets from FILE, one a line (# begins a comment); - for standard input
    #[arg(long, value_name = "FILE")]
    pub targets: Option<String>,
    /// How many pings; 0 until interrupted
    #[arg(short, long, value_name = "N", default_value = "1")]
    pub count: u64,
    /// Time from one ping to the next; 0 sends the next as soon as --parallel allows
    #[arg(short, long, value_name = "DURATION", value_parser = duration::parse, default_value = "1s")]
    pub interval: Duration,
    /// Time to wait for each answer (default: --timeout)
    #[arg(short = 'W', long, value_name = "DURATION", value_parser = duration::parse)]
    pub wait: Option<Duration>,
    /// Most pings under way to one target, and most targets at once
    #[arg(long, value_name = "N", default_value = "16", value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub parallel: u16,
    /// Method to send instead of OPTIONS
    #[arg(long, value_name = "METHOD", default_value = "OPTIONS", value_parser = method)]
    pub method: String,
    /// Max-Forwards
    #[arg(long, value_name = "N", default_value = "70")]
    pub max_forwards: u8,
    /// Pad each request to this many bytes (credentials come on top)
    #[arg(long, value_name = "BYTES", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub size: Option<u32>,
    /// Statuses that every answer must have one of: 200, or 2xx,404
    #[arg(long, value_name = "LIST", value_delimiter = ',', help_heading = "Judgement")]
    pub expect: Vec<StatusRange>,
    /// Header field that every answer must have, with these values: 'Allow: INVITE'; may be repeated
    #[arg(long, value_name = "NAME: VALUE", help_heading = "Judgement")]
    pub expect_header: Vec<HeaderWanted>,
    /// Most loss, in percent
    #[arg(long, value_name = "PERCENT", value_parser = percent, help_heading = "Judgement")]
    pub max_loss: Option<f64>,
    /// Longest round trip of all
    #[arg(long, value_name = "DURATION", value_parser = duration::parse, help_heading = "Judgement")]
    pub max_rtt: Option<Duration>,
    /// Longest 95th percentile of the round trips
    #[arg(long, value_name = "DURATION", value_parser = duration::parse, help_heading = "Judgement")]
    pub max_p95: Option<Duration>,
    /// Only the summary
    #[arg(short, long, help_heading = "Output")]
    pub quiet: bool,
    /// How to get there, and who we are.
    #[command(flatten)]
    pub active: ActiveArgs,
    /// The form of the output.
    #[command(flatten)]
    pub output: OutputArgs,
}

pub(super) fn percent(text: &str) -> Result<f64, String> {
    let number = text.strip_suffix('%').unwrap_or(text).trim();
    number
        .parse()
        .ok()
        .filter(|p| (0.0..=100.0).contains(p))
        .ok_or_else(|| format!("'{text}' is no percentage: write 0 to 100"))
}

/// A method that asks for one answer and leaves nothing behind. RFC 3261 §13, §17.1.1.3, §9.1
fn method(text: &str) -> Result<String, String> {
    match text {
        "INVITE" => Err("an INVITE starts a call, which a ping would not end".to_owned()),
        "ACK" => Err("an ACK is never answered".to_owned()),
        "CANCEL" => Err("a CANCEL ends another request".to_owned()),
        _ if text.is_empty() || !text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-.!%*_+`'~".contains(&b)) => {
            Err(format!("'{text}' is no method"))
        }
        _ => Ok(text.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::{method, percent};

    #[test]
    fn percentages_and_methods_are_checked() {
        assert_eq!((percent("5"), percent("0.5%")), (Ok(5.0), Ok(0.5)));
        for wrong in ["", "-1", "101", "NaN", "x"] {
            assert!(percent(wrong).is_err(), "{wrong}");
        }
        assert_eq!(method("MESSAGE").as_deref(), Ok("MESSAGE"));
        for wrong in ["", "INVITE", "ACK", "CANCEL", "A B", "X\r\nY"] {
            assert!(method(wrong).is_err(), "{wrong}");
        }
    }
}
