//! Opens lines.

use super::line::Carrier;
use super::socket::{self, Opening};
use super::stream::{Explain, Stream, explain_plain};
use super::tapped::{Duplex, Tapped};
use super::tls;
use super::udp::Udp;
use super::websocket::WebSocket;
use super::{Candidate, Line, LineFacts, Phase, Protocol, Tap, TransportError, Wire};
use crate::sip::framer::Limits;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

/// How lines are opened.
#[derive(Clone, Default)]
pub struct ConnectOptions {
    /// Address and port to send from; port 0 for any.
    pub bind: Option<(IpAddr, u16)>,
    /// Trust anchors (PEM) instead of the system's.
    pub tls_ca: Option<PathBuf>,
    /// Our certificate chain (PEM).
    pub tls_cert: Option<PathBuf>,
    /// Its key (PEM).
    pub tls_key: Option<PathBuf>,
    /// The name to ask for and to check instead of the domain.
    pub tls_server_name: Option<String>,
    /// Whether a certificate that is wrong is told of and taken.
    pub tls_insecure: bool,
    /// Where TLS secrets are appended (`--keylog`, `SSLKEYLOGFILE`).
    pub keylog: Option<PathBuf>,
    /// Who records.
    pub tap: Option<Arc<dyn Tap>>,
}

/// Opens lines.
pub struct Connector {
    options: ConnectOptions,
    tls: tls::Client,
}

/// Longest WebSocket message that is taken, in bytes.
const LONGEST: usize = 1 << 20;

impl Connector {
    /// Reads the certificates and keys that the options name.
    ///
    /// # Errors
    /// What cannot be read, or is no certificate or key.
    pub fn new(options: ConnectOptions) -> Result<Self, TransportError> {
        let tls = tls::Client::new(&options)?;
        Ok(Connector { options, tls })
    }

    /// Opens a line to a candidate: a socket, a connection with its handshakes.
    ///
    /// # Errors
    /// Which step failed and why; `timeout` where it took longer than that.
    pub async fn open(&self, candidate: &Candidate, timeout: Duration) -> Result<Line, TransportError> {
        let peer = candidate.address;
        if candidate.protocol == Protocol::Udp {
            let udp = Udp::open(self.options.bind, peer, self.options.tap.clone())?;
            return Ok(Line::new(facts(candidate, udp.local), Carrier::Udp(udp)));
        }
        // Where it stopped, should the time be up.
        let step = Mutex::new(Phase::Connect);
        match tokio::time::timeout(timeout, self.connect(candidate, &step)).await {
            Ok(done) => done,
            Err(_) => Err(timed_out(*step.lock().unwrap_or_else(PoisonError::into_inner), peer, timeout)),
        }
    }

    async fn connect(&self, candidate: &Candidate, step: &Mutex<Phase>) -> Result<Line, TransportError> {
        let peer = candidate.address;
        let begun = Instant::now();
        let tapped = self.connect_tcp(peer).await?;
        let mut facts = facts(candidate, tapped.local);
        facts.connect = Some(begun.elapsed());
        let now = |phase| *step.lock().unwrap_or_else(PoisonError::into_inner) = phase;
        let first = (!candidate.protocol.is_secure()).then(|| tapped.first());
        let (io, explain): (Box<dyn Duplex>, Explain) = if candidate.protocol.is_secure() {
            now(Phase::Tls);
            let begun = Instant::now();
            let (stream, tls, handshake) = self.tls.connect(tapped, candidate).await?;
            facts.tls_time = Some(begun.elapsed());
            facts.tls = Some(tls);
            (Box::new(stream), Box::new(move |phase, error, fresh| tls::explain(&handshake, phase, error, fresh)))
        } else {
            (Box::new(tapped), Box::new(move |phase, error, _| explain_plain(peer, phase, error)))
        };
        let carrier = match candidate.protocol {
            Protocol::Ws | Protocol::Wss => {
                now(Phase::WebSocket);
                let domain = &candidate.domain;
                Carrier::WebSocket(WebSocket::connect(io, peer, domain, first, LONGEST, explain).await?)
            }
            _ => Carrier::Stream(Stream::new(io, peer, Limits::default(), explain)),
        };
        Ok(Line::new(facts, carrier))
    }

    /// A TCP connection, recorded.
    async fn connect_tcp(&self, peer: SocketAddr) -> Result<Tapped, TransportError> {
        let opening = Opening::begin(self.options.bind, peer)?;
        let local = opening.local;
        match opening.finish(peer).await {
            Ok(stream) => Ok(Tapped::new(stream, local, peer, self.options.tap.clone(), true)),
            Err(e) => {
                if e.kind == "refused"
                    && let Some(tap) = &self.options.tap
                {
                    tap.wire(SystemTime::now(), Wire::Refused { src: peer, dst: local, tcp: true });
                }
                Err(e)
            }
        }
    }

    /// The address that packets to `peer` would leave from: as `--bind` says, else as the route does. Port 0 where none is bound.
    ///
    /// # Errors
    /// Where there is no route.
    pub fn local_address(&self, peer: SocketAddr) -> Result<SocketAddr, TransportError> {
        socket::local_address(self.options.bind, peer)
    }
}

fn facts(candidate: &Candidate, local: SocketAddr) -> LineFacts {
    LineFacts { protocol: candidate.protocol, local, peer: candidate.address, connect: None, tls_time: None, tls: None }
}

fn timed_out(step: Phase, peer: SocketAddr, timeout: Duration) -> TransportError {
    let after = format!("within {} s", timeout.as_secs_f64());
    match step {
        Phase::Tls => {
            TransportError::new(step, "timeout", format!("the TLS handshake with {peer} did not end {after}"))
                .with_hint("does TLS listen on this port, or does it wait for plain SIP?")
        }
        Phase::WebSocket => {
            TransportError::new(step, "timeout", format!("the WebSocket handshake with {peer} did not end {after}"))
        }
        _ => TransportError::new(step, "timeout", format!("cannot connect to {peer}: no answer {after}"))
            .with_hint("a firewall may drop what is sent there, or the host is down"),
    }
}
