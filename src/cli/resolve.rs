//! Options of `sipctl resolve`.

use super::active::Transport;
use super::duration;
use clap::Args;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

/// Options of `sipctl resolve`: those of the active commands that have a meaning for it.
#[derive(Clone, Debug, Args)]
#[command(
    after_help = "Exit codes: 0 a plan was found (with --probe: a candidate answered), 3 no candidate answered in time, \
                        4 the DNS did not lead anywhere or no candidate could be reached, 2 usage."
)]
pub struct ResolveArgs {
    /// sip:user@host:port;transport=tcp, sips:…, host, host:port or an address; one or more
    #[arg(required = true, value_name = "TARGET")]
    pub targets: Vec<String>,
    /// Send one OPTIONS to each candidate, and say which answer
    #[arg(long)]
    pub probe: bool,
    /// Transport to use, whatever the target or the DNS says
    #[arg(long, value_enum, value_name = "TRANSPORT", help_heading = "Network")]
    pub transport: Option<Transport>,
    /// IPv4 only
    #[arg(short = '4', long, conflicts_with = "ipv6", help_heading = "Network")]
    pub ipv4: bool,
    /// IPv6 only
    #[arg(short = '6', long, help_heading = "Network")]
    pub ipv6: bool,
    /// Name server to ask instead of the system's
    #[arg(long, value_name = "ADDR[:PORT]", value_parser = super::active::name_server, help_heading = "Network")]
    pub dns: Option<SocketAddr>,
    /// Give up on an answer, of the DNS or of a candidate, after this long
    #[arg(long, value_name = "DURATION", value_parser = duration::parse, default_value = "5s", help_heading = "Network")]
    pub timeout: Duration,
    /// With --probe: address (and port) to send from
    #[arg(long, value_name = "ADDR[:PORT]", value_parser = super::active::bind, requires = "probe", help_heading = "Network")]
    pub bind: Option<(IpAddr, u16)>,
    /// With --probe: trust these authorities (PEM) instead of the system's
    #[arg(long, value_name = "FILE", requires = "probe", help_heading = "TLS")]
    pub tls_ca: Option<PathBuf>,
    /// With --probe: go on with a certificate that is wrong
    #[arg(long, requires = "probe", help_heading = "TLS")]
    pub tls_insecure: bool,
    /// The form of the output.
    #[command(flatten)]
    pub output: super::output::OutputArgs,
}
