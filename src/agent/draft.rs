//! A request before its Via is known: what stays the same when it is sent again elsewhere or with credentials.

use super::address;
use crate::base::Entropy;
use crate::sip::{Composer, HeaderName, Uri};
use crate::transport::{LineFacts, Protocol};

/// Who we are, in every request. CONTRACT §2: `--from`, `--user-agent`, `-H`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Identity {
    /// From without its tag: `"Alice" <sip:alice@example.com>`; `None` for `<sip:sipctl@LOCAL-ADDRESS>`.
    pub from: Option<String>,
    /// User-Agent.
    pub user_agent: String,
    /// Further header fields, by name; one that the request has already is replaced (Via, CSeq and Content-Length are not).
    pub headers: Vec<(String, String)>,
    /// The outbound proxy that `--via` names: a URI, or the value of a Route header field. RFC 3261 §8.1.2
    pub route: Option<String>,
}

impl Default for Identity {
    fn default() -> Self {
        let user_agent = concat!("sipctl/", env!("CARGO_PKG_VERSION")).to_owned();
        Identity { from: None, user_agent, headers: Vec::new(), route: None }
    }
}

/// A request before its Via is known.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Draft {
    /// Method.
    pub method: String,
    /// Request-URI.
    pub uri: String,
    /// To, with its tag inside a dialog.
    pub to: String,
    /// The From tag.
    pub from_tag: String,
    /// Call-ID.
    pub call_id: String,
    /// CSeq number.
    pub cseq: u32,
    /// Max-Forwards.
    pub max_forwards: u8,
    /// User part of our Contact; `None` for a request without Contact.
    pub contact_user: Option<String>,
    /// Parameters behind our Contact (`;expires=60`, `;+sip.instance="<…>"`), or the whole value where it starts with `*` or `<`.
    pub contact_params: String,
    /// Further header fields in order.
    pub fields: Vec<(HeaderName, String)>,
    /// Content-Type; empty for none.
    pub content_type: String,
    /// Body.
    pub body: Vec<u8>,
}

impl Draft {
    /// A request outside a dialog, with fresh Call-ID and tag.
    #[must_use]
    pub fn new(method: &str, uri: &str, to: &str, entropy: &mut Entropy) -> Self {
        Draft {
            method: method.to_owned(),
            uri: uri.to_owned(),
            to: to.to_owned(),
            from_tag: entropy.token(),
            call_id: format!("{}{}", entropy.token(), entropy.token()),
            cseq: 1,
            max_forwards: 70,
            contact_user: Some("sipctl".to_owned()),
            contact_params: String::new(),
            fields: Vec::new(),
            content_type: String::new(),
            body: Vec::new(),
        }
    }

    /// The message as it goes over `line` under `branch`, with the header fields that answer a challenge.
    ///
    /// What [`Identity::headers`] has replaces what stands here under the same name, so that broken requests can be tried;
    /// Via, CSeq and Content-Length are the transaction's and the framing's: they are left out there.
    #[must_use]
    pub fn compose(
        &self,
        identity: &Identity,
        line: &LineFacts,
        branch: &str,
        credentials: &[(HeaderName, String)],
    ) -> Vec<u8> {
        let mut composer = Composer::request(&self.method, &self.uri);
        composer.field(HeaderName::Via, via(line, branch));
        let mut fields = Fields { composer, replaced: &identity.headers, given: vec![false; identity.headers.len()] };
        if let Some(route) = &identity.route {
            fields.put(HeaderName::Route, || loose_route(route));
        }
        fields.put(HeaderName::MaxForwards, || self.max_forwards.to_string());
        fields.put(HeaderName::From, || self.from(identity, line));
        fields.put(HeaderName::To, || address::name_addr(&self.to));
        fields.put(HeaderName::CallId, || self.call_id.clone());
        fields.composer.field(HeaderName::CSeq, format!("{} {}", self.cseq, self.method));
        if let Some(contact) = self.contact(line) {
            fields.put(HeaderName::Contact, || contact);
        }
        for (name, value) in credentials.iter().chain(&self.fields) {
            fields.put(*name, || value.clone());
        }
        if !identity.user_agent.is_empty() {
            fields.put(HeaderName::UserAgent, || identity.user_agent.clone());
        }
        if !self.content_type.is_empty() {
            fields.put(HeaderName::ContentType, || self.content_type.clone());
        }
        fields.finish(&self.body)
    }

    /// From with our tag (unless it was given one).
    fn from(&self, identity: &Identity, line: &LineFacts) -> String {
        let address = match &identity.from {
            Some(from) => address::name_addr(from),
            None => format!("<sip:sipctl@{}>", address::host(line.local)),
        };
        if address::has_tag(&address) { address } else { format!("{address};tag={}", self.from_tag) }
    }

    /// Our Contact. RFC 3261 §8.1.1.8
    pub(super) fn contact(&self, line: &LineFacts) -> Option<String> {
        if self.contact_params.starts_with(['*', '<']) {
            return Some(self.contact_params.clone());
        }
        let user = self.contact_user.as_ref()?;
        // RFC 3261 §8.1.1.8: a sips Request-URI demands a sips Contact.
        let secure = self.uri.get(..5).is_some_and(|scheme| scheme.eq_ignore_ascii_case("sips:"));
        let transport = match (line.protocol, secure) {
            // RFC 3263 §4.1: what an address with a port means anyway.
            (Protocol::Udp, _) | (Protocol::Tls, true) => "",
            (Protocol::Tcp, _) => ";transport=tcp",
            (Protocol::Tls, false) => ";transport=tls",
            // RFC 7118 §5.2.2: one value for both; the scheme tells them apart.
            (Protocol::Ws | Protocol::Wss, _) => ";transport=ws",
        };
        let scheme = if secure { "sips" } else { "sip" };
        let place = address::host_port(line.local);
        Some(format!("<{scheme}:{user}@{place}{transport}>{}", self.contact_params))
    }
}

/// Our Via: with rport, so that the response comes back through a NAT. RFC 3261 §18.1.1, RFC 3581 §3
///
/// Over WebSocket too sent-by is our address: the `.invalid` names in the examples of RFC 7118 §8 stand for one that a browser
/// cannot know, and we know ours.
fn via(line: &LineFacts, branch: &str) -> String {
    format!("SIP/2.0/{} {};branch={branch};rport", line.protocol.via(), address::host_port(line.local))
}

/// A Route to an outbound proxy: loose, for else it would have to become the Request-URI. RFC 3261 §16.12
fn loose_route(route: &str) -> String {
    if route.contains('<') {
        return route.to_owned();
    }
    let uri = Uri::parse(route.as_bytes());
    let scheme = if uri.scheme.is_empty() { "sip:" } else { "" };
    let loose = if uri.param("lr").is_some() { "" } else { ";lr" };
    let whole = route.split_once('?').map_or(route, |(before, _)| before);
    format!("<{scheme}{whole}{loose}>")
}

/// The header fields as they are written: ours, or those that replace them.
struct Fields<'a> {
    composer: Composer,
    replaced: &'a [(String, String)],
    given: Vec<bool>,
}

impl Fields<'_> {
    /// Appends a field, or what replaces it: all fields of that name, in its place, once.
    fn put(&mut self, name: HeaderName, value: impl FnOnce() -> String) {
        let mut replaced = false;
        for ((other, text), given) in self.replaced.iter().zip(&mut self.given) {
            if HeaderName::of(other.as_bytes()) == name {
                replaced = true;
                if !std::mem::replace(given, true) {
                    self.composer.named(other, text);
                }
            }
        }
        if !replaced {
            self.composer.field(name, value());
        }
    }

    /// Appends the fields that replaced none, and the body.
    fn finish(mut self, body: &[u8]) -> Vec<u8> {
        for ((name, text), _) in self.replaced.iter().zip(&self.given).filter(|(_, given)| !**given) {
            let ours = [HeaderName::Via, HeaderName::CSeq, HeaderName::ContentLength];
            if !ours.contains(&HeaderName::of(name.as_bytes())) {
                self.composer.named(name, text);
            }
        }
        self.composer.finish("", body)
    }
}

#[cfg(test)]
mod tests;
