//! The REGISTER requests of one run: one Call-ID, a CSeq that rises, one Contact. RFC 3261 §10.2

use super::{Mode, Own};
use crate::agent::{Account, Draft, Identity, address};
use crate::base::Entropy;
use crate::sip::{Address, HeaderName};
use crate::transaction::Timers;
use crate::transport::{LineFacts, Protocol};
use std::time::Duration;

/// What a REGISTER is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Purpose {
    /// Make a binding.
    Register,
    /// Make it last longer.
    Refresh,
    /// List the bindings.
    Query,
    /// Remove ours.
    Remove,
    /// Remove all.
    RemoveAll,
    /// See that a binding is gone.
    Check,
}

impl Purpose {
    /// Whether a binding may come of it.
    #[must_use]
    pub fn binds(self) -> bool {
        matches!(self, Purpose::Register | Purpose::Refresh)
    }

    /// In a word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Purpose::Register => "register",
            Purpose::Refresh => "refresh",
            Purpose::Query => "query",
            Purpose::Remove => "remove",
            Purpose::RemoveAll => "remove_all",
            Purpose::Check => "check",
        }
    }
}

/// What is registered, and how.
#[derive(Clone, Debug)]
pub struct RegisterOptions {
    /// The address of record: `sip:alice@example.com`.
    pub aor: String,
    /// The Request-URI: the domain of the AOR, without a user part. RFC 3261 §10.2
    pub registrar: String,
    /// What is wanted.
    pub mode: Mode,
    /// Seconds that are asked for.
    pub expires_s: u32,
    /// Our Contact (`sip:…`, or a whole value with `<…>`); `None` for the address of the line.
    pub contact: Option<String>,
    /// `+sip.instance` without quotes: `<urn:uuid:…>`. RFC 5626 §4.1
    pub instance: Option<String>,
    /// `reg-id`. RFC 5626 §4.2
    pub reg_id: Option<u32>,
    /// Who we are in every request.
    pub identity: Identity,
    /// Who we are to a registrar that asks.
    pub account: Option<Account>,
    /// T1, T2, T4.
    pub timers: Timers,
    /// How long each request may take, challenges included; also how long opening a line may take.
    pub timeout: Duration,
    /// How many candidates the plan has.
    pub candidates: usize,
}

/// What the requests of one run share.
#[derive(Debug)]
pub(super) struct Dialogue {
    first: Draft,
    /// CSeq number of the last request.
    pub cseq: u32,
    /// How our binding is known again.
    pub own: Own,
    /// Our Contact without its parameters: `<sip:…>`.
    contact: String,
    /// Parameters that were given with it.
    contact_params: String,
}

impl Dialogue {
    pub fn new(options: &RegisterOptions, entropy: &mut Entropy) -> Self {
        let first = Draft::new("REGISTER", &options.registrar, &format!("<{}>", options.aor), entropy);
        let token = entropy.token();
        let unique_user = options.contact.is_none().then(|| format!("sipctl-{}", token.get(..8).unwrap_or(&token)));
        let flow = options.instance.clone().zip(options.reg_id);
        let own = Own { unique_user, flow, ..Own::default() };
        Dialogue { first, cseq: 0, own, contact: String::new(), contact_params: String::new() }
    }

    /// A line is open: our Contact is its address, unless another was given.
    pub fn connected(&mut self, options: &RegisterOptions, line: &LineFacts) {
        match &options.contact {
            Some(given) => {
                let address = Address::parse(given.as_bytes());
                // Without brackets the parameters belong to the URI: nobody types them for the header field.
                let uri = if address.bracketed { address.uri } else { given.trim().as_bytes() };
                let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
                self.own.uri = uri.to_vec();
                self.contact = format!("<{}>", text(uri));
                self.contact_params = if address.bracketed { text(address.params) } else { String::new() };
            }
            None => {
                let user = self.own.unique_user.as_deref().unwrap_or("sipctl");
                let scheme = if options.registrar.starts_with("sips:") { "sips" } else { "sip" };
                // Behind sips the transport is TLS whatever it says. RFC 3261 §26.2.2
                let transport = match line.protocol {
                    Protocol::Udp => "",
                    Protocol::Tls if scheme == "sips" => "",
                    Protocol::Tcp => ";transport=tcp",
                    Protocol::Tls => ";transport=tls",
                    // RFC 7118 §5: over a secure WebSocket, too, it is "ws".
                    Protocol::Ws | Protocol::Wss => ";transport=ws",
                };
                let uri = format!("{scheme}:{user}@{}{transport}", address::host_port(line.local));
                self.own.uri = uri.as_bytes().to_vec();
                self.contact = format!("<{uri}>");
            }
        }
    }

    /// The next request.
    pub fn draft(&mut self, purpose: Purpose, expires_s: u32, options: &RegisterOptions, _line: &LineFacts) -> Draft {
        self.cseq += 1;
        let mut draft = self.first.clone();
        draft.cseq = self.cseq;
        let expires = match purpose {
            Purpose::Register | Purpose::Refresh => Some(expires_s),
            Purpose::Remove | Purpose::RemoveAll => Some(0),
            Purpose::Query | Purpose::Check => None,
        };
        match (purpose, expires) {
            (Purpose::RemoveAll, _) => draft.contact_params = "*".to_owned(),
            (_, Some(expires)) => draft.contact_params = self.contact_value(options, expires),
            (_, None) => draft.contact_user = None,
        }
        if let Some(expires) = expires {
            draft.fields.push((HeaderName::Expires, expires.to_string()));
        }
        // RFC 3327 §5.1, RFC 5626 §4.2.1
        let outbound = options.reg_id.is_some() && options.instance.is_some();
        let supported = if outbound { "path, outbound" } else { "path" };
        draft.fields.push((HeaderName::Supported, supported.to_owned()));
        draft
    }

    fn contact_value(&self, options: &RegisterOptions, expires: u32) -> String {
        let mut value = format!("{}{}", self.contact, self.contact_params);
        let has = |name: &str| Address::parse(self.contact_params.as_bytes()).param(name).is_some();
        if let Some(instance) = options.instance.as_ref().filter(|_| !has("+sip.instance")) {
            value.push_str(&format!(";+sip.instance=\"{instance}\""));
            if let Some(reg_id) = options.reg_id {
                value.push_str(&format!(";reg-id={reg_id}"));
            }
        }
        value.push_str(&format!(";expires={expires}"));
        value
    }
}
