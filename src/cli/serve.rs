//! Options of `sipctl serve`.

use super::duration;
use super::output::OutputArgs;
use crate::digest::Algorithm;
use crate::transport::listener::Listen;
use crate::transport::{Protocol, Target};
use clap::{Args, Subcommand, ValueEnum};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

/// Options of `sipctl serve`.
#[derive(Clone, Debug, Args)]
pub struct ServeArgs {
    /// What to be.
    #[command(subcommand)]
    pub role: Role,
}

/// What to be.
#[derive(Clone, Debug, Subcommand)]
pub enum Role {
    /// User agent server: answers calls, OPTIONS, REGISTER and MESSAGE, rightly or as it is told
    Uas(UasArgs),
    /// Registrar: challenges, keeps bindings, shows them
    Registrar(RegistrarArgs),
    /// Redirect server: says where users are
    Redirect(RedirectArgs),
    /// Proxy: forwards to who registered with it, to its next hop, or to where the Request-URI leads
    Proxy(ProxyArgs),
    /// Back-to-back user agent: ends the call that comes, and makes one of its own for it; with a media relay, a small SBC
    B2bua(B2buaArgs),
}

/// Options of `sipctl serve uas`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  sipctl serve uas --listen udp:127.0.0.1:5070
  sipctl serve uas --status 503 --retry-after 30s --status-after 3
  sipctl serve uas --drop 30% --delay 200ms --seed 1
  sipctl serve uas --ring 2s --echo --hangup-after 30s
  sipctl serve uas --user alice:secret --play announcement.wav --record call.wav")]
pub struct UasArgs {
    /// How calls are answered.
    #[command(flatten)]
    pub calls: CallArgs,
    /// Who may call.
    #[command(flatten)]
    pub accounts: AccountArgs,
    /// Ask callers for the password of this user in this realm, which is given by --password-file, --password-stdin or
    /// SIPCTL_PASSWORD
    #[arg(long, value_name = "USER:REALM", value_parser = auth, conflicts_with_all = ["user", "users", "realm"], help_heading = "Calls")]
    pub auth: Option<(String, String)>,
    /// Ask as a proxy does: 407 instead of 401
    #[arg(long, help_heading = "Calls")]
    pub auth_proxy: bool,
    /// File whose first line is the password of --auth
    #[arg(long, value_name = "FILE", requires = "auth", conflicts_with = "password_stdin", help_heading = "Calls")]
    pub password_file: Option<PathBuf>,
    /// Read the password of --auth from standard input
    #[arg(long, requires = "auth", help_heading = "Calls")]
    pub password_stdin: bool,
    /// Answer with this status instead of what is right (an INVITE gets its 2xx only by being answered, and its refusal after
    /// --answer-after and --ring)
    #[arg(long, value_name = "CODE", value_parser = clap::value_parser!(u16).range(100..=699))]
    pub status: Option<u16>,
    /// Reason phrase of --status (default: the registered one)
    #[arg(long, value_name = "TEXT", requires = "status", value_parser = one_line)]
    pub reason: Option<String>,
    /// Retry-After of --status
    #[arg(long, value_name = "DURATION", requires = "status", value_parser = duration::parse)]
    pub retry_after: Option<Duration>,
    /// Header field that answers with --status have; may be repeated
    #[arg(short = 'H', long = "header", value_name = "NAME: VALUE", requires = "status", value_parser = super::active::header)]
    pub headers: Vec<(String, String)>,
    /// Answer the first N requests rightly, and those after them with --status
    #[arg(long, value_name = "N", requires = "status", default_value = "0")]
    pub status_after: u64,
    /// Answer only this method with --status; may be repeated
    #[arg(long, value_name = "METHOD", requires = "status")]
    pub method: Vec<String>,
    /// Faults on purpose.
    #[command(flatten)]
    pub faults: FaultArgs,
    /// What all roles have.
    #[command(flatten)]
    pub endpoint: EndpointArgs,
}

/// How `sipctl serve uas` answers calls.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Calls")]
pub struct CallArgs {
    /// Say nothing but 100 for so long
    #[arg(long, value_name = "DURATION", value_parser = duration::parse, default_value = "0")]
    pub answer_after: Duration,
    /// Then ring (180) for so long before the answer
    #[arg(long, value_name = "DURATION", value_parser = duration::parse, default_value = "0")]
    pub ring: Duration,
    /// Let media flow before the answer (183 with a description)
    #[arg(long)]
    pub early_media: bool,
    /// Have provisional responses acknowledged by PRACK where the caller can
    #[arg(long)]
    pub reliable: bool,
    /// First RSeq of each call (default: drawn)
    #[arg(long, value_name = "N", requires = "reliable", value_parser = clap::value_parser!(u32).range(1..=0x7fff_ffff))]
    pub first_rseq: Option<u32>,
    /// Send back what is heard, instead of a marked tone
    #[arg(long, conflicts_with = "play")]
    pub echo: bool,
    /// Play this WAV file, again and again, instead of a marked tone
    #[arg(long, value_name = "FILE")]
    pub play: Option<PathBuf>,
    /// Record what is heard to this WAV file (calls after the first have their number before the suffix)
    #[arg(long, value_name = "FILE")]
    pub record: Option<PathBuf>,
    /// Hang up so long after the answer
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    pub hangup_after: Option<Duration>,
    /// Take calls only where their media is protected (SRTP with SDES)
    #[arg(long)]
    pub srtp: bool,
}

/// Options of `sipctl serve registrar`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Without --user and --users everybody may register as anybody. --user is for test accounts: what stands on a command
line can be read by every user of the machine.

Examples:
  sipctl serve registrar --user alice:secret
  sipctl serve registrar --users accounts.csv --realm example.com --algorithm MD5")]
pub struct RegistrarArgs {
    /// Who may register.
    #[command(flatten)]
    pub accounts: AccountArgs,
    /// Quality of protection to offer; may be repeated
    #[arg(long, value_enum, value_name = "QOP", default_value = "auth")]
    pub qop: Vec<QopChoice>,
    /// Call a nonce stale when it was used so often
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub stale_after: Option<u32>,
    /// Refuse a shorter Expires with 423
    #[arg(long, value_name = "DURATION", value_parser = duration::parse, default_value = "0")]
    pub min_expires: Duration,
    /// Shorten a longer Expires to this
    #[arg(long, value_name = "DURATION", value_parser = duration::parse, default_value = "1h")]
    pub max_expires: Duration,
    /// Service-Route to tell who registers; may be repeated
    #[arg(long, value_name = "ROUTE", value_parser = one_line)]
    pub service_route: Vec<String>,
    /// Faults on purpose.
    #[command(flatten)]
    pub faults: FaultArgs,
    /// What all roles have.
    #[command(flatten)]
    pub endpoint: EndpointArgs,
}

/// Options of `sipctl serve redirect`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  sipctl serve redirect --map bob=sip:bob@192.0.2.5 --map 'bob=sip:bob@192.0.2.6;q=0.5'")]
pub struct RedirectArgs {
    /// Where a user is; may be repeated, also for one user
    #[arg(long, value_name = "USER=URI[;q=Q]", value_parser = place)]
    pub map: Vec<(String, String)>,
    /// The same from a file: one a line, # starts a comment
    #[arg(long, value_name = "FILE")]
    pub map_file: Option<PathBuf>,
    /// Faults on purpose.
    #[command(flatten)]
    pub faults: FaultArgs,
    /// What all roles have.
    #[command(flatten)]
    pub endpoint: EndpointArgs,
}

/// Options of `sipctl serve proxy`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
It forwards what is for others to where the Request-URI leads: let only those reach it whom you trust.

Examples:
  sipctl serve proxy --user alice:secret --user bob:secret --domain example.com
  sipctl serve proxy --listen udp:127.0.0.1:5060 --listen tls:127.0.0.1:5061 --next-hop sip:192.0.2.1;transport=tls
  sipctl serve proxy --stateless --no-record-route")]
pub struct ProxyArgs {
    /// Who may register, and (with --auth) who may call.
    #[command(flatten)]
    pub accounts: AccountArgs,
    /// A domain whose users register here; may be repeated (without it: whatever domain they register with)
    #[arg(long, value_name = "NAME", value_parser = one_line)]
    pub domain: Vec<String>,
    /// Ask for credentials of who calls, too (407)
    #[arg(long)]
    pub auth: bool,
    /// Where requests go that are for nobody here (default: where their Request-URI leads)
    #[arg(long, value_name = "URI", value_parser = target)]
    pub next_hop: Option<Target>,
    /// Keep no transactions: forward each message by itself
    #[arg(long)]
    pub stateless: bool,
    /// Leave the way of a dialog after its first request
    #[arg(long)]
    pub no_record_route: bool,
    /// T1, the estimate of the round trip
    #[arg(long, value_name = "DURATION", value_parser = duration::parse, default_value = "500ms")]
    pub t1: Duration,
    /// DNS server to ask instead of the system's
    #[arg(long, value_name = "ADDR[:PORT]", value_parser = super::active::name_server, help_heading = "Network")]
    pub dns: Option<SocketAddr>,
    /// Trust anchors for next hops over TLS (PEM) instead of the system's
    #[arg(long, value_name = "FILE", help_heading = "TLS")]
    pub tls_ca: Option<PathBuf>,
    /// Take any certificate of a next hop
    #[arg(long, help_heading = "TLS")]
    pub tls_insecure: bool,
    /// What all roles have.
    #[command(flatten)]
    pub endpoint: EndpointArgs,
}

/// Options of `sipctl serve b2bua`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
It makes calls for whoever reaches it: let only those reach it whom you trust.

Examples:
  sipctl serve b2bua --to sip:192.0.2.7
  sipctl serve b2bua --listen udp:127.0.0.1:5060 --listen tls:127.0.0.1:5061 --to 'sip:192.0.2.7;transport=tls'
  sipctl serve b2bua --hide-topology --to carrier.example.com")]
pub struct B2buaArgs {
    /// Where every call goes: with a user to that one, else to the user that was called (default: where the Request-URI leads, or
    /// its user registered)
    #[arg(long, value_name = "URI|HOST:PORT", value_parser = target)]
    pub to: Option<Target>,
    /// Let media pass through ports of its own
    #[arg(long)]
    pub relay_media: bool,
    /// Show nothing of one leg on the other: no addresses (media is relayed, too), no names of software, no unknown header fields
    #[arg(long)]
    pub hide_topology: bool,
    /// Follow redirections instead of passing them on
    #[arg(long)]
    pub follow_redirects: bool,
    /// Who may register.
    #[command(flatten)]
    pub accounts: AccountArgs,
    /// A domain whose users register here; may be repeated (without it: whatever domain they register with)
    #[arg(long, value_name = "NAME", value_parser = one_line)]
    pub domain: Vec<String>,
    /// T1, the estimate of the round trip
    #[arg(long, value_name = "DURATION", value_parser = duration::parse, default_value = "500ms")]
    pub t1: Duration,
    /// DNS server to ask instead of the system's
    #[arg(long, value_name = "ADDR[:PORT]", value_parser = super::active::name_server, help_heading = "Network")]
    pub dns: Option<SocketAddr>,
    /// Trust anchors for next hops over TLS (PEM) instead of the system's
    #[arg(long, value_name = "FILE", help_heading = "TLS")]
    pub tls_ca: Option<PathBuf>,
    /// Take any certificate of a next hop
    #[arg(long, help_heading = "TLS")]
    pub tls_insecure: bool,
    /// What all roles have.
    #[command(flatten)]
    pub endpoint: EndpointArgs,
}

/// Accounts.
#[derive(Clone, Debug, Args)]
pub struct AccountArgs {
    /// Test account; may be repeated
    #[arg(long, value_name = "NAME:PASSWORD", value_parser = account)]
    pub user: Vec<Account>,
    /// Accounts from a CSV file: user,password
    #[arg(long, value_name = "FILE")]
    pub users: Option<PathBuf>,
    /// Whose passwords are asked for
    #[arg(long, value_name = "TEXT", default_value = "sipctl", value_parser = one_line)]
    pub realm: String,
    /// Digest algorithm to offer, in this order; may be repeated (default: SHA-256, MD5)
    #[arg(long, value_name = "NAME", value_parser = algorithm)]
    pub algorithm: Vec<Algorithm>,
}

/// Faults on purpose.
#[derive(Clone, Debug, Args)]
pub struct FaultArgs {
    /// Let every answer wait
    #[arg(long, value_name = "DURATION", value_parser = duration::parse, default_value = "0", help_heading = "Faults")]
    pub delay: Duration,
    /// Let so many of a hundred requests fall unanswered, repeats too
    #[arg(long, value_name = "PERCENT", value_parser = percent, default_value = "0%", help_heading = "Faults")]
    pub drop: u32,
    /// Repeat the draws of an earlier run
    #[arg(long, value_name = "N", help_heading = "Faults")]
    pub seed: Option<u64>,
}

/// What all roles have.
#[derive(Clone, Debug, Args)]
pub struct EndpointArgs {
    /// Where to listen: udp:127.0.0.1:5060, tls:[::1]:0, 0.0.0.0:5060 or 5060 (both UDP and TCP, on 127.0.0.1); may be repeated
    #[arg(long, value_name = "[TRANSPORT:]ADDR:PORT", value_parser = listen, default_value = "127.0.0.1:5060", help_heading = "Network")]
    pub listen: Vec<Where>,
    /// Certificate chain for TLS and WSS (PEM); without it one is made at start
    #[arg(long, value_name = "FILE", requires = "tls_key", help_heading = "TLS")]
    pub tls_cert: Option<PathBuf>,
    /// The key of the certificate (PEM)
    #[arg(long, value_name = "FILE", requires = "tls_cert", help_heading = "TLS")]
    pub tls_key: Option<PathBuf>,
    /// Server header field (empty for none)
    #[arg(long, value_name = "TEXT", value_parser = one_line, help_heading = "Identity")]
    pub server: Option<String>,
    /// Stop after this long
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    pub duration: Option<Duration>,
    /// Stop after so many requests, repeats apart
    #[arg(long, value_name = "N")]
    pub count: Option<u64>,
    /// Save the traffic as pcapng, which decode and Wireshark read
    #[arg(short = 'w', long, value_name = "FILE", help_heading = "Output")]
    pub write: Option<PathBuf>,
    /// Show secrets in output and saved captures
    #[arg(long, help_heading = "Output")]
    pub show_secrets: bool,
    /// Show each line sent (>) and received (<)
    #[arg(short, long, conflicts_with = "quiet", help_heading = "Output")]
    pub verbose: bool,
    /// Show no exchanges, only where it listens and the summary
    #[arg(short, long, help_heading = "Output")]
    pub quiet: bool,
    /// The form of the output.
    #[command(flatten)]
    pub output: OutputArgs,
}

/// Where to listen: one or two sockets.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Where(pub Vec<Listen>);

/// A quality of protection, as typed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum QopChoice {
    /// The request line
    Auth,
    /// The body, too
    AuthInt,
    /// As RFC 2069, without qop
    None,
}

/// A test account. Its Debug form does not show the password.
#[derive(Clone, PartialEq, Eq)]
pub struct Account {
    /// Who.
    pub name: String,
    /// Its password.
    pub password: String,
}

impl std::fmt::Debug for Account {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Account({:?}, …)", self.name)
    }
}

/// `udp:127.0.0.1:5060`, `tcp:5060`, `[::1]:5060`, `:5060`, `5060`; without a port that of the transport.
fn listen(text: &str) -> Result<Where, String> {
    let named = text.split_once(':').and_then(|(name, rest)| Some((Protocol::of(name)?, rest)));
    let (protocols, rest) = match named.or_else(|| Protocol::of(text).map(|protocol| (protocol, ""))) {
        Some((protocol, rest)) => (vec![protocol], rest),
        None => (vec![Protocol::Udp, Protocol::Tcp], text),
    };
    let local = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let port = protocols.first().map_or(5060, |p| p.default_port());
    let bare = rest.strip_prefix('[').and_then(|r| r.strip_suffix(']')).unwrap_or(rest);
    let address = if rest.is_empty() {
        Some(SocketAddr::new(local, port))
    } else if let Ok(port) = rest.strip_prefix(':').unwrap_or(rest).parse::<u16>() {
        Some(SocketAddr::new(local, port))
    } else {
        rest.parse().ok().or_else(|| bare.parse().ok().map(|ip| SocketAddr::new(ip, port)))
    };
    let address = address
        .ok_or_else(|| format!("'{text}' is no place to listen: write udp:127.0.0.1:5060, tls:[::1]:5061 or 5060"))?;
    Ok(Where(protocols.into_iter().map(|protocol| Listen { protocol, address }).collect()))
}

/// `30%`, `0.5%`, `30`: of a million.
fn percent(text: &str) -> Result<u32, String> {
    let number: Option<f64> = text.strip_suffix('%').unwrap_or(text).trim().parse().ok();
    match number.filter(|n| (0.0..=100.0).contains(n)) {
        Some(number) => Ok((number * 10_000.0).round() as u32),
        None => Err(format!("'{text}' is no share from 0% to 100%")),
    }
}

fn account(text: &str) -> Result<Account, String> {
    // What is wrong is not repeated: it may hold the password.
    match text.split_once(':') {
        Some((name, password)) if !name.is_empty() => {
            Ok(Account { name: name.to_owned(), password: password.to_owned() })
        }
        _ => Err("a test account is written NAME:PASSWORD".to_owned()),
    }
}

/// `alice:example.com`
fn auth(text: &str) -> Result<(String, String), String> {
    let parted = one_line(text)?;
    match parted.split_once(':').filter(|(user, realm)| !user.is_empty() && !realm.is_empty()) {
        Some((user, realm)) => Ok((user.to_owned(), realm.to_owned())),
        None => Err("it is written USER:REALM; the password stands elsewhere".to_owned()),
    }
}

fn place(text: &str) -> Result<(String, String), String> {
    let parted = text.split_once('=').filter(|(user, uri)| !user.is_empty() && !uri.is_empty());
    let (user, uri) = parted.ok_or_else(|| format!("'{text}' is no map: write bob=sip:bob@192.0.2.5"))?;
    Ok((user.trim().to_owned(), uri.trim().to_owned()))
}

fn target(text: &str) -> Result<Target, String> {
    Target::parse(text)
}

fn algorithm(text: &str) -> Result<Algorithm, String> {
    let names = || Algorithm::ALL.map(Algorithm::name).join(", ");
    Algorithm::of(text).ok_or_else(|| format!("'{text}' is none of {}", names()))
}

fn one_line(text: &str) -> Result<String, String> {
    if text.contains(['\r', '\n', '\0']) { Err("a value stands on one line".to_owned()) } else { Ok(text.to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::{Account, account, auth, listen, percent, place};

    fn places(text: &str) -> Vec<String> {
        let Ok(places) = listen(text) else { return Vec::new() };
        places.0.iter().map(|l| format!("{}:{}", l.protocol.name(), l.address)).collect()
    }

    #[test]
    fn places_to_listen_in_all_their_forms() {
        assert_eq!(places("udp:127.0.0.1:5070"), ["udp:127.0.0.1:5070"]);
        assert_eq!(places("TLS:[::1]:0"), ["tls:[::1]:0"]);
        for both in ["5060", ":5060", "127.0.0.1", "127.0.0.1:5060"] {
            assert_eq!(places(both), ["udp:127.0.0.1:5060", "tcp:127.0.0.1:5060"], "{both}");
        }
        assert_eq!(places("0.0.0.0:0"), ["udp:0.0.0.0:0", "tcp:0.0.0.0:0"]);
        assert_eq!(places("tls"), ["tls:127.0.0.1:5061"]);
        assert_eq!(places("tcp:5080"), ["tcp:127.0.0.1:5080"]);
        assert_eq!(places("ws:[::1]"), ["ws:[::1]:80"]);
        for wrong in ["", "host:5060", "99999", "sctp:127.0.0.1:5060", "udp:127.0.0.1:x"] {
            assert_eq!(places(wrong).is_empty(), !wrong.is_empty(), "{wrong}");
        }
    }

    #[test]
    fn shares_of_a_hundred() {
        assert_eq!([percent("30%"), percent("0.5%"), percent("100")], [Ok(300_000), Ok(5_000), Ok(1_000_000)]);
        for wrong in ["", "%", "-1%", "101%", "NaN", "x"] {
            assert!(percent(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn accounts_and_maps_are_two_parts() {
        let alice = Account { name: "alice".to_owned(), password: "a:b".to_owned() };
        assert_eq!(account("alice:a:b"), Ok(alice.clone()));
        assert_eq!(format!("{alice:?}"), "Account(\"alice\", …)");
        assert!(account("topsecret").is_err_and(|e| !e.contains("topsecret")));
        assert_eq!(auth("alice:example.com"), Ok(("alice".to_owned(), "example.com".to_owned())));
        assert!(["alice", "alice:", ":realm", "a:b\nc"].iter().all(|wrong| auth(wrong).is_err()));
        assert_eq!(place("bob=sip:b@h;x=1"), Ok(("bob".to_owned(), "sip:b@h;x=1".to_owned())));
        assert!(place("bob").is_err() && place("=sip:b").is_err() && place("bob=").is_err());
    }
}
