//! A dialog: what both sides must remember so that requests inside it find their way. RFC 3261 §12

use super::Draft;
use crate::sip::{Address, HeaderName, Message, Uri};

/// Routes of one dialog: more than any sane path has.
const MAX_ROUTES: usize = 32;

/// Why no dialog could come of a message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refused {
    /// It has no Contact with a URI: nobody to send to. RFC 3261 §12.1.1
    NoContact,
    /// The peer gave no tag, or it has no CSeq.
    Incomplete,
    /// A value that cannot be written again: not UTF-8, with control characters, or a route without a URI that leads anywhere.
    Unwritable,
    /// More than 32 values of Record-Route.
    TooManyRoutes,
}

/// The state of one dialog, early or confirmed. RFC 3261 §12
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Dialog {
    call_id: String,
    local: String,
    local_tag: String,
    remote: String,
    remote_tag: String,
    target: String,
    routes: Vec<String>,
    local_cseq: u32,
    remote_cseq: Option<u32>,
    confirmed: bool,
}

impl Dialog {
    /// The caller's side, from a response with a To tag to our INVITE. RFC 3261 §12.1.2
    ///
    /// # Errors
    /// Why the response makes no dialog.
    pub fn caller(response: &Message<'_>) -> Result<Self, Refused> {
        let mut routes = routes(response)?;
        routes.reverse();
        let cseq = response.cseq().ok_or(Refused::Incomplete)?.number;
        let (local, remote) = (field(response, HeaderName::From)?, field(response, HeaderName::To)?);
        let confirmed = response.status().is_some_and(|status| (200..300).contains(&status));
        let tags = (response.from_tag(), response.to_tag());
        if tags.1.is_empty() {
            return Err(Refused::Incomplete);
        }
        Self::build(response, (local, remote), tags, routes, (cseq, None), confirmed)
    }

    /// The caller's side, of a response that need not be whole: `otherwise` stands for a Contact that is missing or cannot be
    /// written, and a To without tag is taken as RFC 3261 §12.1.2 demands. `true` where `otherwise` was needed.
    ///
    /// # Errors
    /// Why the response makes no dialog all the same.
    pub fn caller_otherwise(response: &Message<'_>, otherwise: &str) -> Result<(Self, bool), Refused> {
        let mut routes = routes(response)?;
        routes.reverse();
        let cseq = response.cseq().ok_or(Refused::Incomplete)?.number;
        let named = target(response).ok().flatten();
        let dialog = Dialog {
            call_id: written(response.call_id())?,
            local: field(response, HeaderName::From)?,
            local_tag: written(response.from_tag())?,
            remote: field(response, HeaderName::To)?,
            remote_tag: written(response.to_tag())?,
            target: named.clone().unwrap_or_else(|| otherwise.to_owned()),
            routes,
            local_cseq: cseq,
            remote_cseq: None,
            confirmed: response.status().is_some_and(|status| (200..300).contains(&status)),
        };
        Ok((dialog, named.is_none()))
    }

    /// The callee's side, from the INVITE and the tag that our responses to it have. A caller without a tag is one of RFC 2543,
    /// whose tag is null. RFC 3261 §12.1.1
    ///
    /// # Errors
    /// Why the request makes no dialog.
    pub fn callee(invite: &Message<'_>, local_tag: &str) -> Result<Self, Refused> {
        let routes = routes(invite)?;
        let cseq = invite.cseq().ok_or(Refused::Incomplete)?.number;
        let local = format!("{};tag={local_tag}", field(invite, HeaderName::To)?);
        let remote = field(invite, HeaderName::From)?;
        let tags = (local_tag.as_bytes(), invite.from_tag());
        Self::build(invite, (local, remote), tags, routes, (0, Some(cseq)), false)
    }

    fn build(
        message: &Message<'_>,
        (local, remote): (String, String),
        (local_tag, remote_tag): (&[u8], &[u8]),
        routes: Vec<String>,
        (local_cseq, remote_cseq): (u32, Option<u32>),
        confirmed: bool,
    ) -> Result<Self, Refused> {
        Ok(Dialog {
            call_id: written(message.call_id())?,
            local,
            local_tag: written(local_tag)?,
            remote,
            remote_tag: written(remote_tag)?,
            target: target(message)?.ok_or(Refused::NoContact)?,
            routes,
            local_cseq,
            remote_cseq,
            confirmed,
        })
    }

    /// Whether the message, a request or response that the peer sent, belongs to this dialog. RFC 3261 §12
    #[must_use]
    pub fn owns(&self, message: &Message<'_>) -> bool {
        let (from, to) = (message.from_tag(), message.to_tag());
        let (local, remote) = if message.is_request() { (to, from) } else { (from, to) };
        message.call_id() == self.call_id.as_bytes()
            && local == self.local_tag.as_bytes()
            && remote == self.remote_tag.as_bytes()
    }

    /// Takes the 2xx to our INVITE: the dialog is confirmed, and its route set is that of this response.
    /// RFC 3261 §13.2.2.4
    ///
    /// # Errors
    /// Why it could not be taken; the dialog is then as it was.
    pub fn confirm(&mut self, response: &Message<'_>) -> Result<(), Refused> {
        let mut routes = routes(response)?;
        routes.reverse();
        let target = target(response)?;
        self.routes = routes;
        self.target = target.unwrap_or_else(|| std::mem::take(&mut self.target));
        self.confirmed = true;
        Ok(())
    }

    /// Whether a final response or an ACK has confirmed it.
    #[must_use]
    pub fn is_confirmed(&self) -> bool {
        self.confirmed
    }

    /// Takes a request that the peer sent: `false` where its CSeq is lower than the last one's, to be answered with 500.
    /// An ACK or CANCEL has the number of its INVITE and moves nothing. RFC 3261 §12.2.2
    pub fn handle_request(&mut self, cseq: u32) -> bool {
        let in_order = self.remote_cseq.is_none_or(|last| cseq >= last);
        if in_order {
            self.remote_cseq = Some(cseq);
        }
        in_order
    }

    /// Takes the Contact of a target refresh (re-INVITE, UPDATE, or the 2xx to one of ours); without one nothing changes.
    /// RFC 3261 §12.2.1.2
    ///
    /// # Errors
    /// Why the Contact could not be taken.
    pub fn refresh_target(&mut self, message: &Message<'_>) -> Result<(), Refused> {
        if let Some(target) = target(message)? {
            self.target = target;
        }
        Ok(())
    }

    /// Our address with our tag: From of what we send inside the dialog.
    #[must_use]
    pub fn local(&self) -> &str {
        &self.local
    }

    /// Its Call-ID.
    #[must_use]
    pub fn call_id(&self) -> &str {
        &self.call_id
    }

    /// Our tag.
    #[must_use]
    pub fn local_tag(&self) -> &str {
        &self.local_tag
    }

    /// The peer's tag; empty where it gave none.
    #[must_use]
    pub fn remote_tag(&self) -> &str {
        &self.remote_tag
    }

    /// The URI that requests are for: the peer's last Contact.
    #[must_use]
    pub fn target(&self) -> &str {
        &self.target
    }

    /// The URI that says where requests go: of the first of the route set, be it a strict router, else the remote target.
    /// RFC 3261 §12.2.1.1, §8.1.2
    #[must_use]
    pub fn next_hop(&self) -> &str {
        let Some(first) = self.routes.first() else { return &self.target };
        // Cut out of a string at ASCII characters, so that it is a string.
        std::str::from_utf8(Address::parse(first.as_bytes()).uri).unwrap_or(&self.target)
    }

    /// The next request inside the dialog. Its identity needs [`Dialog::local`] as From and no route of its own.
    /// RFC 3261 §12.2.1.1
    #[must_use]
    pub fn request(&mut self, method: &str) -> Draft {
        self.local_cseq = self.local_cseq.saturating_add(1);
        self.draft(method, self.local_cseq)
    }

    /// Takes a number that a request inside the dialog had: those that follow have higher ones. A request that is sent again with
    /// credentials takes a number of its own. RFC 3261 §22.2
    pub fn count_from(&mut self, cseq: u32) {
        self.local_cseq = self.local_cseq.max(cseq);
    }

    /// The ACK for a 2xx to the INVITE with that CSeq number: of the dialog's route set, and a transaction of its own.
    /// RFC 3261 §13.2.2.4
    #[must_use]
    pub fn ack(&self, cseq: u32) -> Draft {
        self.draft("ACK", cseq)
    }

    fn draft(&self, method: &str, cseq: u32) -> Draft {
        let mut routes = self.routes.clone();
        let mut uri = self.target.clone();
        if let Some(first) = self.routes.first() {
            let address = Address::parse(first.as_bytes());
            if Uri::parse(address.uri).param("lr").is_none() {
                // RFC 3261 §12.2.1.1: a strict router wants itself in the Request-URI, and the target at the end.
                let strict = String::from_utf8_lossy(address.uri).into_owned();
                routes.remove(0);
                routes.push(format!("<{}>", std::mem::replace(&mut uri, strict)));
            }
        }
        Draft {
            method: method.to_owned(),
            uri,
            to: self.remote.clone(),
            from_tag: self.local_tag.clone(),
            call_id: self.call_id.clone(),
            cseq,
            max_forwards: 70,
            contact_user: matches!(method, "INVITE" | "UPDATE").then(|| "sipctl".to_owned()),
            contact_params: String::new(),
            fields: routes.into_iter().map(|route| (HeaderName::Route, route)).collect(),
            content_type: String::new(),
            body: Vec::new(),
        }
    }
}

/// The values of Record-Route, in the order of the message.
fn routes(message: &Message<'_>) -> Result<Vec<String>, Refused> {
    let values: Vec<_> = message.values(HeaderName::RecordRoute).take(MAX_ROUTES + 1).collect();
    if values.len() > MAX_ROUTES {
        return Err(Refused::TooManyRoutes);
    }
    let leads = |value: &&[u8]| is_place(Address::parse(value).uri);
    values.into_iter().map(|value| Some(value).filter(leads).ok_or(Refused::Unwritable).and_then(written)).collect()
}

/// Whether a URI can stand in a request line: a strict router and the remote target may have to. RFC 3261 §12.2.1.1
fn is_place(uri: &[u8]) -> bool {
    !uri.is_empty() && !uri.iter().any(|b| b.is_ascii_whitespace() || b"<>\"".contains(b))
}

fn target(message: &Message<'_>) -> Result<Option<String>, Refused> {
    let contact = message.contact().filter(|contact| is_place(contact.uri));
    contact.map(|contact| written(contact.uri)).transpose()
}

/// From or To as we write it again; a display name that cannot be written says nothing that a dialog needs.
fn field(message: &Message<'_>, name: HeaderName) -> Result<String, Refused> {
    let value = message.header(name).ok_or(Refused::Incomplete)?;
    written(value).or_else(|refused| {
        let address = Address::parse(value);
        if address.uri.is_empty() {
            return Err(refused);
        }
        written(&[b"<", address.uri, b">", address.params].concat())
    })
}

/// A value of the peer's as we write it again: none that could start a header field of its own.
fn written(value: &[u8]) -> Result<String, Refused> {
    let text = std::str::from_utf8(value).map_err(|_| Refused::Unwritable)?;
    // RFC 3261 §7.3.1: a folded line means one with spaces.
    let text = text.replace(['\r', '\n', '\t'], " ");
    if text.contains(char::is_control) { Err(Refused::Unwritable) } else { Ok(text) }
}

#[cfg(test)]
mod tests;
