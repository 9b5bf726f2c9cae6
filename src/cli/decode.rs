//! `sipctl decode`: its options.

use super::duration;
use super::output::OutputArgs;
use crate::report::expect::Expectation;
use crate::report::select::StatusPattern;
use clap::{Args, ValueEnum};
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

/// How much of each message a ladder shows.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum Messages {
    /// Its header fields
    Headers,
    /// The whole message
    Full,
}

/// From which severity on a finding fails the run.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum FailOn {
    /// Errors
    Error,
    /// Errors and warnings
    Warning,
    /// Any finding
    Info,
}

/// Options of `sipctl decode`.
#[derive(Clone, Debug, Args)]
// Said twice, the last one counts, so that an alias can be overruled.
#[command(args_override_self = true)]
#[command(after_help = "Examples:
  sipctl decode capture.pcap                        ladders of every call
  sipctl decode capture.pcap --call 3 --messages full
  sipctl decode *.pcapng.gz --list                  several files as one timeline
  sipctl decode capture.pcap --json | jq '.calls[] | select(.state == \"rejected\")'
  sipctl decode capture.pcap --fail-on error --expect 'summary.calls_by_state.completed >= 10'
  sudo sipctl decode -i any --duration 1m           live")]
pub struct DecodeArgs {
    /// Capture files (pcap, pcapng, NetMon), logs with SIP messages (Asterisk, FreeSWITCH, Kamailio, OpenSIPS, SIPp, sngrep) or pasted
    /// messages, also compressed with gzip or zstd; - for standard input
    #[arg(value_name = "FILE", required_unless_present_any = ["interface", "hep_listen", "list_devices"])]
    pub files: Vec<String>,

    /// Capture live on DEVICE; any for all of them
    #[arg(short, long, value_name = "DEVICE", conflicts_with_all = ["files", "hep_listen"], help_heading = "Live")]
    pub interface: Option<String>,
    /// Receive HEP (Homer encapsulation) on ADDR:PORT, over UDP and TCP
    #[arg(long, value_name = "ADDR:PORT", conflicts_with_all = ["files"], help_heading = "Live")]
    pub hep_listen: Option<SocketAddr>,
    /// List the devices that can be captured on
    #[arg(long, conflicts_with_all = ["files", "interface", "hep_listen"], help_heading = "Live")]
    pub list_devices: bool,
    /// Stop after this time (exit 0)
    #[arg(long, value_name = "TIME", value_parser = duration::parse, help_heading = "Live")]
    pub duration: Option<Duration>,
    /// Stop after this many packets
    #[arg(long, value_name = "N", help_heading = "Live")]
    pub count: Option<u64>,
    /// User to become after the device is open, when started as root (default: nobody, unless --write or -o is given)
    #[arg(long, value_name = "USER", help_heading = "Live")]
    pub user_id: Option<String>,
    /// Begin a new --write file after so many megabytes
    #[arg(long, value_name = "MB", requires = "write", value_parser = clap::value_parser!(u64).range(1..), help_heading = "Live")]
    pub rotate_mb: Option<u64>,
    /// Keep only the last so many --write files
    #[arg(long, value_name = "N", requires = "rotate_mb", value_parser = clap::value_parser!(u32).range(1..), help_heading = "Live")]
    pub rotate_files: Option<u32>,

    /// Only packets that this BPF expression takes (fragments are always taken)
    #[arg(long, value_name = "BPF", help_heading = "Input")]
    pub filter: Option<String>,
    /// Only SIP from or to this port (may be repeated)
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..), help_heading = "Input")]
    pub port: Vec<u16>,
    /// TLS key log (SSLKEYLOGFILE format) that opens TLS 1.0 to 1.3 (may be repeated)
    #[arg(long, value_name = "FILE", help_heading = "Input")]
    pub keylog: Vec<PathBuf>,
    /// Private key of the server (PEM) that opens TLS with RSA key exchange (may be repeated)
    #[arg(long, value_name = "FILE", help_heading = "Input")]
    pub server_key: Vec<PathBuf>,
    /// Keep calls apart that are legs of one, joined across a B2BUA
    #[arg(long, help_heading = "Input")]
    pub no_join: bool,

    /// Passwords (lines user:realm:password or user:realm:HA1, # for remarks) with which refused credentials are computed again to say which input is wrong
    #[arg(long, value_name = "FILE", help_heading = "Diagnosis")]
    pub credentials: Option<PathBuf>,
    /// Calling code of the country in which calls usually stay (49, 1): many calls elsewhere are told as toll fraud
    #[arg(long, value_name = "CODE", value_parser = calling_code, help_heading = "Diagnosis")]
    pub home_country: Option<String>,
    /// Certificates (PEM or DER) that sign callers' numbers (STIR), each named like the last part of its x5u
    #[arg(long, value_name = "DIR", help_heading = "Diagnosis")]
    pub stir_certs: Option<PathBuf>,
    /// Certificates (PEM) that those of --stir-certs have to lead to
    #[arg(long, value_name = "FILE", requires = "stir_certs", help_heading = "Diagnosis")]
    pub stir_ca: Option<PathBuf>,

    /// Only the table of calls, registrations and exchanges
    #[arg(long, conflicts_with_all = ["summary", "all"], help_heading = "Show")]
    pub list: bool,
    /// Only the overview
    #[arg(long, conflicts_with_all = ["all"], help_heading = "Show")]
    pub summary: bool,
    /// One call in full, by its number or its Call-ID
    #[arg(long, value_name = "N|CALL-ID", help_heading = "Show")]
    pub call: Option<String>,
    /// Also draw registrations and exchanges, and every call however many there are
    #[arg(long, help_heading = "Show")]
    pub all: bool,
    /// Show the header fields, or the whole message, under each arrow
    #[arg(long, value_enum, value_name = "HOW", help_heading = "Show")]
    pub messages: Option<Messages>,
    /// Add every header field to each message of the JSON
    #[arg(long, help_heading = "Show")]
    pub headers: bool,
    /// Add the whole message to each message of the JSON
    #[arg(long, help_heading = "Show")]
    pub raw: bool,
    /// Show passwords, tokens and media keys in header fields and bodies instead of stars (Basic and Bearer
    /// credentials, SDES, MIKEY)
    #[arg(long, help_heading = "Show")]
    pub show_secrets: bool,

    /// Only this Call-ID (may be repeated)
    #[arg(long, value_name = "CALL-ID", help_heading = "Select (whole calls)")]
    pub call_id: Vec<String>,
    /// Only this user in From or To: alice, alice@example.com or a whole URI (may be repeated)
    #[arg(long, value_name = "USER", help_heading = "Select (whole calls)")]
    pub user: Vec<String>,
    /// Only what passed this address (may be repeated)
    #[arg(long, value_name = "ADDR", help_heading = "Select (whole calls)")]
    pub ip: Vec<IpAddr>,
    /// Only what holds a request of this method (may be repeated)
    #[arg(long, value_name = "METHOD", help_heading = "Select (whole calls)")]
    pub method: Vec<String>,
    /// Only what holds this status: 486, 4xx (may be repeated)
    #[arg(long, value_name = "STATUS", help_heading = "Select (whole calls)")]
    pub status: Vec<StatusPattern>,
    /// Only this state: completed, busy, rejected … (may be repeated)
    #[arg(long, value_name = "STATE", help_heading = "Select (whole calls)", value_parser = STATES)]
    pub state: Vec<String>,
    /// Only what has this finding (may be repeated)
    #[arg(long, value_name = "CODE", value_parser = finding, help_heading = "Select (whole calls)")]
    pub finding: Vec<String>,
    /// Only what ends at or after this instant (RFC 3339)
    #[arg(long, value_name = "TIME", value_parser = instant, help_heading = "Select (whole calls)")]
    pub after: Option<crate::base::Timestamp>,
    /// Only what starts before this instant (RFC 3339)
    #[arg(long, value_name = "TIME", value_parser = instant, help_heading = "Select (whole calls)")]
    pub before: Option<crate::base::Timestamp>,
    /// Save the packets of what was selected, media included, as pcapng: as they were captured, secrets and all. A
    /// device's packets are all saved, as they come
    #[arg(short, long, value_name = "FILE", help_heading = "Select (whole calls)")]
    pub write: Option<PathBuf>,

    /// Exit with 1 when there is a finding this grave or graver
    #[arg(long, value_enum, value_name = "SEVERITY", help_heading = "Gate")]
    pub fail_on: Option<FailOn>,
    /// Exit with 1 unless this holds of the JSON: 'summary.calls_by_state.completed >= 10' (may be repeated)
    #[arg(long, value_name = "CONDITION", help_heading = "Gate")]
    pub expect: Vec<Expectation>,

    /// Form of the output.
    #[command(flatten)]
    pub output: OutputArgs,
}

const STATES: [&str; 16] = [
    "trying",
    "ringing",
    "answered",
    "completed",
    "busy",
    "cancelled",
    "rejected",
    "redirected",
    "unanswered",
    "unauthorized",
    "failed",
    "registered",
    "removed",
    "queried",
    "refused",
    "challenged",
];

/// Reads a finding's code: one of the catalogue, since a misspelt one would select nothing and say nothing.
fn finding(code: &str) -> Result<String, String> {
    if crate::analysis::rules::entry(code).is_some() {
        return Ok(code.to_owned());
    }
    let entries = crate::analysis::rules::entries();
    let mut codes: Vec<&str> = entries.map(|entry| entry.code).collect();
    codes.sort_unstable();
    Err(format!("there is no such finding; there are {}", codes.join(", ")))
}

/// Reads a country's calling code. ITU-T E.164 has one to three digits.
fn calling_code(text: &str) -> Result<String, String> {
    let digits = text.strip_prefix('+').unwrap_or(text);
    let is_code = (1..=3).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
    let code = is_code.then(|| digits.trim_start_matches('0')).filter(|code| !code.is_empty());
    code.map(str::to_owned).ok_or_else(|| format!("'{text}' is no calling code: write 49 or +49"))
}

/// Reads an instant: RFC 3339, with any offset.
fn instant(text: &str) -> Result<crate::base::Timestamp, String> {
    let read: jiff::Timestamp = text
        .parse()
        .map_err(|_| format!("'{text}' is no instant: write 2026-11-22T14:05:11Z or with an offset, +01:00"))?;
    i64::try_from(read.as_nanosecond()).map(crate::base::Timestamp).map_err(|_| format!("'{text}' is out of range"))
}

#[cfg(test)]
mod tests {
    use super::{calling_code, instant};

    #[test]
    fn calling_codes_have_one_to_three_digits() {
        assert_eq!((calling_code("+49"), calling_code("1")), (Ok("49".to_owned()), Ok("1".to_owned())));
        assert!(["", "+", "de", "4930", "00"].iter().all(|t| calling_code(t).is_err()));
    }

    #[test]
    fn instants_are_rfc_3339_with_any_offset() {
        assert_eq!(instant("1970-01-01T01:00:00.5+01:00").map(|t| t.0), Ok(500_000_000));
        assert!(instant("yesterday").is_err() && instant("2026-11-22").is_err());
    }
}
