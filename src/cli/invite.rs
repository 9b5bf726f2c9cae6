//! Options of `sipctl invite`.

use super::active::ActiveArgs;
use super::duration;
use super::output::OutputArgs;
use crate::driver::media::PortRange;
use crate::media::g711::Law;
use crate::report::invite::Direction;
use crate::report::ping::StatusRange;
use clap::{Args, ValueEnum};
use std::path::PathBuf;
use std::time::Duration;

/// Options of `sipctl invite`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
It calls, sends a marked tone, hangs up, and tells what was heard. Without --expect-audio silence is told and not judged:
the exit code then says whether the call was set up and ended as planned.

Examples:
  sipctl invite sip:bob@192.0.2.10                               three seconds, and what was heard
  SIPCTL_PASSWORD=secret sipctl invite sip:bob@example.com --from sip:alice@example.com
  sipctl invite sip:600@pbx.example.com --expect-audio both --min-mos 4 --duration 10s
  sipctl invite sip:ivr@example.com --dtmf 123# --record ivr.wav
  sipctl invite sip:busy@example.com --expect 486
  sipctl invite sip:bob@example.com --ladder -w call.pcapng

Exit codes: 0 as expected; 1 rejected, or not as expected; 2 usage; 3 nobody answered; 4 no way there;
5 credentials refused; 6 a threshold missed; 130 interrupted (the call is cancelled or hung up first).")]
pub struct InviteArgs {
    /// Whom to call: sip:user@host:port;transport=tcp, sips:user@host, user@host
    #[arg(value_name = "TARGET")]
    pub target: String,
    /// How long the call stands, from its answer
    #[arg(short, long, value_name = "DURATION", value_parser = duration::parse, default_value = "3s", help_heading = "Call")]
    pub duration: Duration,
    /// Cancel the call where nobody answers for so long
    #[arg(long, value_name = "DURATION", value_parser = duration::parse, default_value = "30s", help_heading = "Call")]
    pub ring_timeout: Duration,
    /// Cancel the call so long after its INVITE
    #[arg(long, value_name = "DURATION", value_parser = duration::parse, help_heading = "Call")]
    pub cancel_after: Option<Duration>,
    /// Let the other side make the offer
    #[arg(long, help_heading = "Call")]
    pub late_offer: bool,
    /// Put the other side on hold for so long, in the middle of the call, then resume
    #[arg(long, value_name = "DURATION", value_parser = duration::parse, help_heading = "Call")]
    pub hold: Option<Duration>,
    /// Redirections to follow
    #[arg(long, value_name = "N", default_value = "5", value_parser = clap::value_parser!(u32).range(0..=50), help_heading = "Call")]
    pub max_redirects: u32,
    /// Ask for a session timer: refreshes, and an end where they stay away
    #[arg(long, value_name = "DURATION", value_parser = session_expires, help_heading = "Call")]
    pub session_expires: Option<u32>,
    /// Do not offer reliable provisional responses (PRACK)
    #[arg(long = "no-100rel", help_heading = "Call")]
    pub no_100rel: bool,
    /// Digits to send once the call stands: 0-9 * # A-D
    #[arg(long, value_name = "DIGITS", value_parser = digits, help_heading = "Media")]
    pub dtmf: Option<String>,
    /// How digits are sent
    #[arg(long, value_enum, value_name = "MODE", default_value = "rtp", requires = "dtmf", help_heading = "Media")]
    pub dtmf_mode: DtmfChoice,
    /// Play this WAV file, again and again, instead of a marked tone
    #[arg(long, value_name = "FILE", help_heading = "Media")]
    pub play: Option<PathBuf>,
    /// Record what is heard to this WAV file
    #[arg(long, value_name = "FILE", help_heading = "Media")]
    pub record: Option<PathBuf>,
    /// Codecs to offer, the preferred one first
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_parser = law, default_value = "pcmu,pcma", help_heading = "Media")]
    pub codec: Vec<Law>,
    /// Protect media (SRTP with SDES), and take nothing else
    #[arg(long, help_heading = "Media")]
    pub srtp: bool,
    /// Ports for media, both ends included
    #[arg(long, value_name = "A-B", value_parser = ports, help_heading = "Media")]
    pub media_ports: Option<PortRange>,
    /// Statuses that the call must end its set-up with: 486, or 2xx,404
    #[arg(long, value_name = "LIST", value_delimiter = ',', help_heading = "Judgement")]
    pub expect: Vec<StatusRange>,
    /// Directions in which sound must have passed: receive is judged by what was heard, send by the other side's reports or by our
    /// own tone come back
    #[arg(long, value_enum, value_name = "DIRECTION", help_heading = "Judgement")]
    pub expect_audio: Option<AudioChoice>,
    /// Lowest mean opinion score of what comes
    #[arg(long, value_name = "MOS", value_parser = mos, help_heading = "Judgement")]
    pub min_mos: Option<f64>,
    /// Most loss of what comes, in percent
    #[arg(long, value_name = "PERCENT", value_parser = super::ping::percent, help_heading = "Judgement")]
    pub max_loss: Option<f64>,
    /// Longest time from the INVITE to the answer
    #[arg(long, value_name = "DURATION", value_parser = duration::parse, help_heading = "Judgement")]
    pub max_setup: Option<Duration>,
    /// Be the other end, too: register both, call one from the other, tell what each heard and what was changed on the way
    #[arg(long = "loop", requires = "from", conflicts_with_all = ["cancel_after", "play", "late_offer"], help_heading = "Both ends")]
    pub r#loop: bool,
    /// Address of record of the end that is called (default: TARGET)
    #[arg(long, value_name = "AOR", requires = "loop", help_heading = "Both ends")]
    pub callee: Option<String>,
    /// Its user name for challenges (default: the user part of its AOR)
    #[arg(long, value_name = "NAME", requires = "loop", help_heading = "Both ends")]
    pub callee_auth_user: Option<String>,
    /// File whose first line is its password (else SIPCTL_CALLEE_PASSWORD, else the caller's)
    #[arg(long, value_name = "FILE", requires = "loop", help_heading = "Both ends")]
    pub callee_password_file: Option<PathBuf>,
    /// Only the verdict
    #[arg(short, long, help_heading = "Output")]
    pub quiet: bool,
    /// How to get there, and who we are.
    #[command(flatten)]
    pub active: ActiveArgs,
    /// The form of the output.
    #[command(flatten)]
    pub output: OutputArgs,
}

/// How digits are sent, as typed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum DtmfChoice {
    /// As telephone events in RTP
    Rtp,
    /// One INFO a digit
    Info,
}

/// Directions in which sound must have passed, as typed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum AudioChoice {
    /// Both ways
    Both,
    /// From them to us
    Receive,
    /// From us to them
    Send,
    /// Nothing may be heard
    None,
}

impl AudioChoice {
    /// What it means.
    #[must_use]
    pub fn direction(self) -> Direction {
        match self {
            AudioChoice::Both => Direction::Both,
            AudioChoice::Receive => Direction::Receive,
            AudioChoice::Send => Direction::Send,
            AudioChoice::None => Direction::None,
        }
    }
}

/// Seconds of a session timer. RFC 4028 §5: at least 90
fn session_expires(text: &str) -> Result<u32, String> {
    let seconds = duration::parse(text)?.as_secs_f64().round();
    if (90.0..=4_294_967_295.0).contains(&seconds) {
        Ok(seconds as u32)
    } else {
        Err("at least 90 s: no shorter session timer is allowed".to_owned())
    }
}

fn digits(text: &str) -> Result<String, String> {
    let typed = text.to_ascii_uppercase();
    match typed.chars().all(|c| matches!(c, '0'..='9' | '*' | '#' | 'A'..='D')) && (1..=64).contains(&typed.len()) {
        true => Ok(typed),
        false => Err(format!("'{text}' are no digits: 0-9 * # A-D, 64 at most")),
    }
}

fn law(text: &str) -> Result<Law, String> {
    match text.to_ascii_lowercase().as_str() {
        "pcmu" | "ulaw" | "g711u" => Ok(Law::Mu),
        "pcma" | "alaw" | "g711a" => Ok(Law::A),
        _ => Err(format!("'{text}' is no codec of ours: pcmu, pcma")),
    }
}

/// An even port and the one behind it have to fit.
fn ports(text: &str) -> Result<PortRange, String> {
    let range: Option<(u16, u16)> =
        text.split_once('-').and_then(|(a, b)| Some((a.trim().parse().ok()?, b.trim().parse().ok()?)));
    match range {
        Some((first, last)) if first > 0 && last > first.saturating_add(first & 1) => Ok(PortRange { first, last }),
        _ => Err(format!("'{text}' is no range of ports with room for two: write 40000-40099")),
    }
}

fn mos(text: &str) -> Result<f64, String> {
    let number: Option<f64> = text.parse().ok();
    number.filter(|n| (1.0..=4.5).contains(n)).ok_or_else(|| format!("'{text}' is no score: 1 to 4.5"))
}

#[cfg(test)]
mod tests {
    use super::{digits, law, mos, ports, session_expires};
    use crate::cli::{Cli, Command};
    use crate::media::g711::Law;
    use clap::Parser;

    fn parsed(words: &[&str]) -> Result<super::InviteArgs, String> {
        let all = ["sipctl", "invite"].iter().chain(words);
        match Cli::try_parse_from(all).map_err(|e| e.to_string())?.command {
            Command::Invite(args) => Ok(*args),
            _ => Err("another command".to_owned()),
        }
    }

    #[test]
    fn values_are_checked_where_they_are_typed() {
        assert_eq!((digits("12*#d"), session_expires("30m")), (Ok("12*#D".to_owned()), Ok(1800)));
        assert!(digits("").is_err() && digits("12E").is_err() && digits(&"1".repeat(65)).is_err());
        assert!(session_expires("89").is_err() && session_expires("1e20").is_err());
        assert_eq!((law("PCMA"), law("ulaw")), (Ok(Law::A), Ok(Law::Mu)));
        assert!(law("opus").is_err());
        let range = |text| ports(text).map(|r| (r.first, r.last)).ok();
        assert_eq!(range("40000-40001"), Some((40_000, 40_001)));
        assert_eq!(range("40001-40003"), Some((40_001, 40_003)));
        for wrong in ["40000", "40001-40002", "40000-40000", "2-1", "0-9", "1-70000", "a-b", ""] {
            assert_eq!(range(wrong), None, "{wrong}");
        }
        assert_eq!(mos("4.2"), Ok(4.2));
        assert!(mos("5").is_err() && mos("NaN").is_err() && mos("").is_err());
    }

    #[test]
    fn options_that_need_each_other() {
        let args = parsed(&["sip:b@h"]).unwrap();
        assert_eq!((args.duration.as_secs(), args.ring_timeout.as_secs(), args.max_redirects), (3, 30, 5));
        assert_eq!(args.codec, [Law::Mu, Law::A]);
        assert_eq!(parsed(&["sip:b@h", "--codec", "pcma"]).unwrap().codec, [Law::A]);
        assert!(parsed(&["sip:b@h", "--dtmf-mode", "info"]).is_err());
        assert!(parsed(&["sip:b@h", "--dtmf", "1", "--dtmf-mode", "info"]).is_ok());
        assert!(parsed(&["sip:b@h", "--expect-audio", "sideways"]).is_err());
        assert!(parsed(&[]).is_err());
    }
}
