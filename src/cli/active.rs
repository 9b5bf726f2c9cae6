//! Options that every active command has. CONTRACT §2

use super::duration;
use crate::transport::Protocol;
use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

/// How to get there, who we are, what is kept of it.
#[derive(Clone, Debug, Args)]
pub struct ActiveArgs {
    /// Transport to use, whatever the target or the DNS says
    #[arg(long, value_name = "TRANSPORT", value_parser = protocols(), help_heading = "Network")]
    pub transport: Option<Protocol>,
    /// Send everything through this proxy
    #[arg(long, value_name = "URI", help_heading = "Network")]
    pub via: Option<String>,
    /// Address (and port) to send from
    #[arg(long, value_name = "ADDR[:PORT]", value_parser = bind, help_heading = "Network")]
    pub bind: Option<(IpAddr, u16)>,
    /// IPv4 only
    #[arg(short = '4', long, conflicts_with = "ipv6", help_heading = "Network")]
    pub ipv4: bool,
    /// IPv6 only
    #[arg(short = '6', long, help_heading = "Network")]
    pub ipv6: bool,
    /// Name server to ask instead of the system's
    #[arg(long, value_name = "ADDR[:PORT]", value_parser = name_server, help_heading = "Network")]
    pub dns: Option<SocketAddr>,
    /// Give up on an answer after this long
    #[arg(long, value_name = "DURATION", value_parser = duration::parse, default_value = "5s", help_heading = "Network")]
    pub timeout: Duration,
    /// T1: first pause before a request is sent again over UDP
    #[arg(long, value_name = "DURATION", value_parser = duration::parse, default_value = "500ms", help_heading = "Network")]
    pub t1: Duration,
    /// From: an address of record, with or without display name
    #[arg(long, value_name = "ADDRESS", help_heading = "Identity")]
    pub from: Option<String>,
    /// User-Agent
    #[arg(long, value_name = "TEXT", help_heading = "Identity")]
    pub user_agent: Option<String>,
    /// Header field to add, or to send instead of the usual one; may be repeated
    #[arg(short = 'H', long = "header", value_name = "NAME: VALUE", value_parser = header, help_heading = "Identity")]
    pub headers: Vec<(String, String)>,
    /// User name for challenges (default: the user part of --from or of the AOR)
    #[arg(long, value_name = "NAME", help_heading = "Identity")]
    pub auth_user: Option<String>,
    /// File whose first line is the password
    #[arg(long, value_name = "FILE", conflicts_with = "password_stdin", help_heading = "Identity")]
    pub password_file: Option<PathBuf>,
    /// Read the password from standard input (else SIPCTL_PASSWORD is used)
    #[arg(long, help_heading = "Identity")]
    pub password_stdin: bool,
    /// Trust these authorities (PEM) instead of the system's
    #[arg(long, value_name = "FILE", help_heading = "TLS")]
    pub tls_ca: Option<PathBuf>,
    /// Our certificate chain (PEM)
    #[arg(long, value_name = "FILE", requires = "tls_key", help_heading = "TLS")]
    pub tls_cert: Option<PathBuf>,
    /// The key of our certificate (PEM)
    #[arg(long, value_name = "FILE", requires = "tls_cert", help_heading = "TLS")]
    pub tls_key: Option<PathBuf>,
    /// Name that the server's certificate must have, instead of the target's domain
    #[arg(long, value_name = "NAME", help_heading = "TLS")]
    pub tls_server_name: Option<String>,
    /// Go on with a certificate that is wrong, and say what is wrong with it
    #[arg(long, help_heading = "TLS")]
    pub tls_insecure: bool,
    /// Append TLS secrets to FILE (else to the file that SSLKEYLOGFILE names)
    #[arg(long, value_name = "FILE", help_heading = "TLS")]
    pub keylog: Option<PathBuf>,
    /// Save our own traffic as pcapng, which decode and Wireshark read
    #[arg(short = 'w', long, value_name = "FILE", help_heading = "Output")]
    pub write: Option<PathBuf>,
    /// Show what is done (*), sent (>) and received (<)
    #[arg(short, long, help_heading = "Output")]
    pub verbose: bool,
    /// Draw the ladder and tell the findings, as decode would
    #[arg(long, help_heading = "Output")]
    pub ladder: bool,
    /// Show secrets in output and saved captures
    #[arg(long, help_heading = "Output")]
    pub show_secrets: bool,
    /// Print the messages that would be sent, and send nothing
    #[arg(long, help_heading = "Output")]
    pub dry_run: bool,
    /// Exit code: sipctl's own, or 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN as monitoring plugins have it
    #[arg(long, value_enum, default_value = "sipctl", value_name = "STYLE", help_heading = "Output")]
    pub exit_style: ExitStyle,
}

/// What the exit code means.
#[derive(Clone, Copy, PartialEq, Eq, Debug, clap::ValueEnum)]
pub enum ExitStyle {
    /// 0 good, 1 unexpected, 2 usage, 3 no answer, 4 unreachable, 5 refused, 6 threshold missed, 130 interrupted
    Sipctl,
    /// 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN
    Nagios,
}

pub(super) fn bind(text: &str) -> Result<(IpAddr, u16), String> {
    if let Ok(address) = text.parse::<SocketAddr>() {
        return Ok((address.ip(), address.port()));
    }
    let bare = text.strip_prefix('[').and_then(|t| t.strip_suffix(']')).unwrap_or(text);
    bare.parse()
        .map(|ip| (ip, 0))
        .map_err(|_| "an address, or an address and a port: 192.0.2.1:5080, [2001:db8::1]:0".to_owned())
}

pub(super) fn name_server(text: &str) -> Result<SocketAddr, String> {
    let (ip, port) = bind(text)?;
    Ok(SocketAddr::new(ip, if port == 0 { 53 } else { port }))
}

/// The names of the transports, so that help and completions list them.
fn protocols() -> impl TypedValueParser<Value = Protocol> {
    PossibleValuesParser::new(Protocol::ALL.map(Protocol::name))
        .try_map(|name| Protocol::of(&name).ok_or("no transport"))
}

pub(super) fn header(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once(':').ok_or("a header field is 'Name: value'")?;
    let name = name.trim();
    let is_token = |c: char| c.is_ascii_alphanumeric() || "-.!%*_+`'~".contains(c);
    if name.is_empty() || !name.chars().all(is_token) {
        return Err(format!("'{name}' is no name of a header field"));
    }
    if value.contains(['\r', '\n', '\0']) {
        return Err("a value stands on one line".to_owned());
    }
    Ok((name.to_owned(), value.trim().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::{bind, header, name_server};

    #[test]
    fn addresses_with_and_without_port() {
        assert_eq!(bind("192.0.2.1").unwrap(), ("192.0.2.1".parse().unwrap(), 0));
        assert_eq!(bind("[2001:db8::1]:5080").unwrap(), ("2001:db8::1".parse().unwrap(), 5080));
        assert_eq!(bind("2001:db8::1").unwrap(), ("2001:db8::1".parse().unwrap(), 0));
        assert!(bind("example.com:5060").is_err());
        assert_eq!(name_server("192.0.2.53").unwrap(), "192.0.2.53:53".parse().unwrap());
        assert_eq!(name_server("192.0.2.53:5353").unwrap().port(), 5353);
    }

    #[test]
    fn header_fields_are_a_name_and_a_value_on_one_line() {
        assert_eq!(header("X-Test:  1 : 2 ").unwrap(), ("X-Test".to_owned(), "1 : 2".to_owned()));
        assert!(header("no colon").is_err());
        assert!(header("a b: c").is_err());
        assert!(header("A: b\r\nEvil: c").is_err());
    }
}
