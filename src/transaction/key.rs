//! Which requests belong to a server transaction. RFC 3261 §17.2.3

use crate::sip::{MAGIC_COOKIE, Message, Method};

/// What the requests of a server transaction have in common.
#[derive(Debug)]
pub(super) struct Key {
    method: Method,
    method_text: Vec<u8>,
    rest: Rest,
}

#[derive(Debug)]
enum Rest {
    /// The branch names the transaction; sent-by keeps two clients apart that chose the same.
    Branch { branch: Vec<u8>, sent_by: Vec<u8> },
    /// From a client of RFC 2543: all that it repeats.
    Fields(Box<Fields>),
}

#[derive(Debug)]
struct Fields {
    uri: Vec<u8>,
    via: Vec<u8>,
    to_tag: Vec<u8>,
    /// The To tag of the response, which the ACK has.
    ack_tag: Option<Vec<u8>>,
    from_tag: Vec<u8>,
    call_id: Vec<u8>,
    number: Option<u32>,
}

impl Key {
    /// The key of the transaction that `request` starts.
    pub(super) fn of(request: &Message<'_>) -> Self {
        let rest = if is_unique(request.branch()) {
            Rest::Branch { branch: request.branch().to_vec(), sent_by: request.sent_by().to_vec() }
        } else {
            Rest::Fields(Box::new(Fields {
                uri: request.uri().unwrap_or_default().to_vec(),
                via: request.text(request.outline.via).to_vec(),
                to_tag: request.to_tag().to_vec(),
                ack_tag: None,
                from_tag: request.from_tag().to_vec(),
                call_id: request.call_id().to_vec(),
                number: request.cseq().map(|c| c.number),
            }))
        };
        Key { method: request.method(), method_text: request.method_text().to_vec(), rest }
    }

    /// Whether the transaction is that of an INVITE.
    pub(super) fn is_invite(&self) -> bool {
        self.method == Method::Invite
    }

    /// Notes the To tag of the final response, by which the ACK of a client of RFC 2543 is known.
    pub(super) fn expect_ack(&mut self, to_tag: &[u8]) {
        if let Rest::Fields(fields) = &mut self.rest {
            fields.ack_tag = Some(to_tag.to_vec());
        }
    }

    /// Whether a request belongs to it.
    pub(super) fn matches(&self, request: &Message<'_>) -> bool {
        let is_ack = self.is_invite() && request.method() == Method::Ack;
        if !request.is_request() || !(is_ack || request.method_text() == self.method_text) {
            return false;
        }
        match &self.rest {
            Rest::Branch { branch, sent_by } => {
                request.branch() == branch && request.sent_by().eq_ignore_ascii_case(sent_by)
            }
            Rest::Fields(fields) => {
                let to_tag = match is_ack {
                    true => fields.ack_tag.as_deref(),
                    false => Some(&fields.to_tag[..]),
                };
                to_tag == Some(request.to_tag())
                    && request.uri() == Some(&fields.uri)
                    && request.text(request.outline.via) == fields.via
                    && request.from_tag() == fields.from_tag
                    && request.call_id() == fields.call_id
                    && request.cseq().map(|c| c.number) == fields.number
            }
        }
    }
}

/// Whether a branch names a transaction: of RFC 3261 §8.1.1.7, and not the cookie alone.
fn is_unique(branch: &[u8]) -> bool {
    branch.strip_prefix(MAGIC_COOKIE).is_some_and(|rest| !rest.is_empty())
}
