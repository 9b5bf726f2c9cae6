//! Options of `sipctl register`.

use super::active::ActiveArgs;
use super::duration;
use super::output::OutputArgs;
use crate::digest::Algorithm;
use clap::{ArgGroup, Args};
use std::path::PathBuf;
use std::time::Duration;

/// Options of `sipctl register`.
#[derive(Clone, Debug, Args)]
#[command(group = ArgGroup::new("mode").multiple(false))]
#[command(after_help = "\
Without --query, --remove, --remove-all or --keep it is a trial: register, see that the binding is there, remove it, see that it is gone.

Examples:
  SIPCTL_PASSWORD=secret sipctl register sip:alice@example.com
  sipctl register sip:alice@example.com --password-file pw --query
  sipctl register sip:alice@192.0.2.10:5060 --password-file pw --keep 10m
  sipctl register sip:example.com --users accounts.csv")]
pub struct RegisterArgs {
    /// Address of record: sip:alice@example.com (with --users the domain is enough)
    #[arg(value_name = "AOR")]
    pub aor: String,
    /// How long the binding is to last
    #[arg(long, value_name = "DURATION", value_parser = expires, default_value = "5m")]
    pub expires: u32,
    /// Contact to register instead of the address that we send from
    #[arg(long, value_name = "URI", value_parser = contact)]
    pub contact: Option<String>,
    /// List the bindings, change nothing
    #[arg(long, group = "mode")]
    pub query: bool,
    /// Remove the binding of --contact
    #[arg(long, group = "mode", requires = "contact")]
    pub remove: bool,
    /// Remove every binding, those of other devices too
    #[arg(long, group = "mode")]
    pub remove_all: bool,
    /// Register, refresh in time for this long, then remove the binding
    #[arg(long, value_name = "DURATION", value_parser = duration::parse, group = "mode")]
    pub keep: Option<Duration>,
    /// Name of this device: +sip.instance (made up where --reg-id is given without it)
    #[arg(long, value_name = "URN", value_parser = instance)]
    pub instance: Option<String>,
    /// Number of this way to the registrar: reg-id, for SIP outbound
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=0x7fff_ffff))]
    pub reg_id: Option<u32>,
    /// Answer challenges with this digest algorithm alone
    #[arg(long, value_name = "NAME", value_parser = algorithm, help_heading = "Identity")]
    pub algorithm: Option<Algorithm>,
    /// Try every account of a CSV file: user,password[,auth-user]
    #[arg(long, value_name = "FILE", conflicts_with_all = ["contact", "remove", "auth_user"], help_heading = "Accounts")]
    pub users: Option<PathBuf>,
    /// How many accounts are tried at a time
    #[arg(long, value_name = "N", default_value = "16", value_parser = clap::value_parser!(u16).range(1..=1000), help_heading = "Accounts")]
    pub parallel: u16,
    /// How to get there, and who we are.
    #[command(flatten)]
    pub active: ActiveArgs,
    /// The form of the output.
    #[command(flatten)]
    pub output: OutputArgs,
}

/// Seconds, as a duration is written.
fn expires(text: &str) -> Result<u32, String> {
    let seconds = duration::parse(text)?.as_secs_f64().round();
    // RFC 3261 §25.1, delta-seconds; 0 would remove what --remove removes.
    if (1.0..=4_294_967_295.0).contains(&seconds) {
        Ok(seconds as u32)
    } else {
        Err("from 1 s to 4294967295 s (--remove takes a binding away)".to_owned())
    }
}

fn contact(text: &str) -> Result<String, String> {
    let uri = text.trim_start_matches('<');
    let has_scheme =
        ["sip:", "sips:", "tel:"].iter().any(|s| uri.get(..s.len()).is_some_and(|u| u.eq_ignore_ascii_case(s)));
    if !has_scheme {
        return Err("a Contact is a URI: sip:alice@192.0.2.5:5060".to_owned());
    }
    if text.chars().any(|c| c.is_control() || c == ' ') {
        return Err("a Contact has no spaces or control characters".to_owned());
    }
    Ok(text.to_owned())
}

/// The URN with the brackets that `+sip.instance` has. RFC 5626 §4.1
fn instance(text: &str) -> Result<String, String> {
    let urn = text.strip_prefix('<').and_then(|t| t.strip_suffix('>')).unwrap_or(text);
    let is_urn = urn.get(..4).is_some_and(|u| u.eq_ignore_ascii_case("urn:"));
    if !is_urn || urn.chars().any(|c| c.is_control() || matches!(c, ' ' | '"' | '<' | '>' | '\\')) {
        return Err("a URN: urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6".to_owned());
    }
    Ok(format!("<{urn}>"))
}

fn algorithm(text: &str) -> Result<Algorithm, String> {
    let names = || Algorithm::ALL.map(Algorithm::name).join(", ");
    Algorithm::of(text).ok_or_else(|| format!("one of {}", names()))
}

#[cfg(test)]
mod tests {
    use super::{contact, expires, instance};
    use crate::cli::{Cli, Command};
    use clap::Parser;

    fn parsed(words: &[&str]) -> Result<super::RegisterArgs, String> {
        let all = ["sipctl", "register"].iter().chain(words);
        match Cli::try_parse_from(all).map_err(|e| e.to_string())?.command {
            Command::Register(args) => Ok(*args),
            _ => Err("another command".to_owned()),
        }
    }

    #[test]
    fn values_are_checked_where_they_are_typed() {
        assert_eq!(expires("2m"), Ok(120));
        assert_eq!(expires("3600"), Ok(3600));
        assert!(expires("0").is_err());
        assert!(expires("5000000000").is_err());
        assert!(contact("sip:a@b").is_ok() && contact("<sips:a@b>;q=0.5").is_ok());
        assert!(contact("a@b").is_err() && contact("sip:a@b\r\nX: y").is_err());
        assert_eq!(instance("urn:uuid:1"), Ok("<urn:uuid:1>".to_owned()));
        assert_eq!(instance("<urn:uuid:1>"), Ok("<urn:uuid:1>".to_owned()));
        assert!(instance("uuid:1").is_err() && instance("urn:a\"b").is_err());
    }

    #[test]
    fn modes_exclude_each_other() {
        assert!(parsed(&["sip:a@b", "--query"]).unwrap().query);
        assert!(parsed(&["sip:a@b", "--query", "--remove-all"]).is_err());
        assert!(parsed(&["sip:a@b", "--keep", "1m", "--query"]).is_err());
        assert!(parsed(&["sip:a@b", "--remove"]).is_err());
        assert!(parsed(&["sip:a@b", "--remove", "--contact", "sip:a@c"]).unwrap().remove);
        assert!(parsed(&["sip:b", "--users", "x.csv", "--contact", "sip:a@c"]).is_err());
        assert!(parsed(&["sip:a@b", "--algorithm", "md6"]).is_err());
        assert!(parsed(&[]).is_err());
    }
}
