//! A request before its Via is known: what stays the same when it is sent again elsewhere or with credentials.

use crate::base::Entropy;
use crate::sip::{Composer, HeaderName};
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
    /// The outbound proxy that `--via` names: a Route header field. RFC 3261 §8.1.2
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
    #[must_use]
    pub fn compose(
        &self,
        identity: &Identity,
        line: &LineFacts,
        branch: &str,
        credentials: &[(HeaderName, String)],
    ) -> Vec<u8> {
        let _ = (identity, line, branch, credentials, Composer::request("", ""), Protocol::Udp);
        todo!()
    }
}
