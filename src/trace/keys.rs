//! Keys by which a message finds its conversation and its transaction, made where its bytes are at hand.

use super::conversation::Kind;
use crate::base::Span;
use crate::sip::{HeaderName, Message, Outline};
use foldhash::fast::FixedState;
use std::hash::{BuildHasher, Hasher};
use std::sync::OnceLock;

/// What a message is found by, and what of it is kept: all that needs its bytes, so that the side that remembers has
/// to look at few of them.
#[derive(Clone, Copy, Debug, Default)]
pub struct Keys {
    /// Key of the call of its Call-ID; 0 without one.
    pub call: u64,
    /// Key of its transaction: see [`transaction`].
    pub transaction: u64,
    /// Its SDP, within the message; empty where there is none.
    pub sdp: Span,
    /// Key of the SDP.
    pub sdp_key: u64,
}

/// A seed that nobody outside knows, so that nobody can choose Call-IDs that collide.
fn hasher() -> &'static FixedState {
    static HASHER: OnceLock<FixedState> = OnceLock::new();
    HASHER.get_or_init(|| FixedState::with_seed(foldhash::fast::RandomState::default().hash_one(0u8)))
}

/// RFC 3261 §8.1.1.7
pub const MAGIC_COOKIE: &[u8] = b"z9hG4bK";

impl Keys {
    /// The keys of a message.
    #[must_use]
    pub fn of(bytes: &[u8], outline: &Outline) -> Keys {
        let sdp = if outline.body.is_empty() { None } else { Message::new(bytes, outline).sdp_body() };
        Keys {
            call: if outline.call_id.is_empty() { 0 } else { conversation(Kind::Call, bytes, outline) },
            transaction: transaction(bytes, outline),
            sdp: sdp.map_or(Span::NONE, |part| Message::new(bytes, outline).span_of(part)),
            sdp_key: sdp.map_or(0, |part| hasher().hash_one(part)),
        }
    }
}

/// Key of the call of a Call-ID.
#[must_use]
pub fn call(call_id: &[u8]) -> u64 {
    let mut h = hasher().build_hasher();
    h.write_u8(Kind::Call as u8);
    h.write(call_id);
    h.finish()
}

/// Key of any text; texts of different `domain`s do not meet. Never 0.
#[must_use]
pub fn of_text(domain: u8, text: &[u8]) -> u64 {
    let mut h = hasher().build_hasher();
    h.write_u8(domain);
    h.write(text);
    h.finish() | 1
}

/// What names a transaction, hashed: the branch where it has the magic cookie (RFC 3261 §17.1.3 and §17.2.3), else what
/// RFC 2543 compared: From tag, CSeq number and top Via. The method is compared beside it, ACK counting as INVITE.
#[must_use]
pub fn transaction(bytes: &[u8], o: &Outline) -> u64 {
    let mut h = hasher().build_hasher();
    let branch = o.branch.of(bytes);
    if branch.len() > MAGIC_COOKIE.len() && branch[..MAGIC_COOKIE.len()].eq_ignore_ascii_case(MAGIC_COOKIE) {
        h.write(branch);
    } else {
        h.write(o.from_tag.of(bytes));
        h.write(o.sent_by.of(bytes));
        h.write(branch);
        h.write_u32(o.cseq.map_or(0, |c| c.number));
    }
    h.finish()
}

/// Key of the conversation of `kind` that a message belongs to.
#[must_use]
pub fn conversation(kind: Kind, bytes: &[u8], o: &Outline) -> u64 {
    let number = o.cseq.as_ref().map(|c| c.number);
    match (kind, number, o.call_id.is_empty()) {
        (Kind::Exchange, Some(number), false) => exchange(number, bytes, o),
        _ => {
            let mut h = hasher().build_hasher();
            h.write_u8(kind as u8);
            h.write(o.call_id.of(bytes));
            match kind {
                Kind::Call if !o.call_id.is_empty() => {}
                Kind::Registration => h.write(o.to_uri.of(bytes)),
                // Without Call-ID or CSeq, what is left to tell conversations apart is the transaction.
                _ => h.write(o.branch.of(bytes)),
            }
            h.finish()
        }
    }
}

fn exchange(number: u32, bytes: &[u8], o: &Outline) -> u64 {
    let mut h = hasher().build_hasher();
    h.write_u8(Kind::Exchange as u8);
    h.write(o.call_id.of(bytes));
    h.write_u32(number);
    h.write(o.cseq.as_ref().map_or(&[], |c| c.method_span.of(bytes)));
    h.finish()
}

/// Key of the exchange that a request with credentials continues: the same one, challenged under the CSeq before.
#[must_use]
pub fn challenged(bytes: &[u8], o: &Outline) -> Option<u64> {
    let credentials = |name| matches!(name, HeaderName::Authorization | HeaderName::ProxyAuthorization);
    let is_request = matches!(o.start, crate::sip::StartLine::Request { .. });
    if !is_request || !o.fields.iter().any(|f| credentials(f.name)) {
        return None;
    }
    Some(exchange(o.cseq.as_ref()?.number.checked_sub(1)?, bytes, o))
}

/// Header fields that rules and reports ask for.
#[inline]
#[must_use]
pub fn is_kept(name: HeaderName) -> bool {
    matches!(
        name,
        HeaderName::Contact
            | HeaderName::RecordRoute
            | HeaderName::Route
            | HeaderName::Require
            | HeaderName::RSeq
            | HeaderName::RAck
            | HeaderName::SessionExpires
            | HeaderName::MinSe
            | HeaderName::Expires
            | HeaderName::MinExpires
            | HeaderName::Warning
            | HeaderName::Reason
            | HeaderName::RetryAfter
            | HeaderName::WwwAuthenticate
            | HeaderName::ProxyAuthenticate
            | HeaderName::Authorization
            | HeaderName::ProxyAuthorization
            | HeaderName::ReferTo
            | HeaderName::Replaces
            | HeaderName::UserAgent
            | HeaderName::Server
            | HeaderName::Event
            | HeaderName::Identity
            | HeaderName::Date
            | HeaderName::PAssertedIdentity
    )
}
