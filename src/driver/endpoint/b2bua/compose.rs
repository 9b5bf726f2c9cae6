//! What of a message goes over to the other leg, and what is the B2BUA's own. RFC 7092, RFC 7989

use crate::agent::{Dialog, Draft};
use crate::driver::endpoint::Identity;
use crate::sip::{Address, Composer, HeaderName, Message, Reply};
use crate::transport::Protocol;
use crate::transport::listener::Way;

/// Option tags that say something of one hop only, and would be wrong on the other leg. RFC 5626, RFC 5627, RFC 3327
const OF_ONE_LEG: [&[u8]; 3] = [b"outbound", b"gruu", b"path"];

/// What is the same for all that one B2BUA composes.
#[derive(Clone, Copy)]
pub(super) struct Style<'a> {
    pub identity: &'a Identity,
    /// Whether nothing of one leg is to be seen on the other that it could be known by.
    pub hides: bool,
    /// User-Agent and Server of its own; empty for none.
    pub server: &'a str,
}

/// A request for the other leg.
pub(super) struct Onward<'a> {
    /// What the dialog, or the beginning of one, says.
    pub draft: &'a Draft,
    /// From with its tag.
    pub from: &'a str,
    /// The message that it goes on from; `None` for a request of the B2BUA's own.
    pub source: Option<&'a Message<'a>>,
    /// The body, changed where media is relayed.
    pub body: &'a [u8],
    /// RAck with the number of this leg's INVITE.
    pub rack: Option<String>,
    /// Session-ID, where the source has none.
    pub session_id: Option<String>,
    /// Header fields that say something else than in `source`.
    pub changed: &'a [(HeaderName, Vec<u8>)],
}

impl Style<'_> {
    /// The request as it leaves by `way`.
    pub fn request(&self, onward: &Onward<'_>, way: &Way, branch: &str) -> Vec<u8> {
        let Onward { draft, source, .. } = onward;
        let mut out = Composer::request(&draft.method, &draft.uri);
        out.field(HeaderName::Via, self.identity.via(way, branch));
        for (name, value) in &draft.fields {
            out.field(*name, value);
        }
        out.field(HeaderName::MaxForwards, draft.max_forwards.to_string());
        out.field(HeaderName::From, onward.from).field(HeaderName::To, &draft.to);
        out.field(HeaderName::CallId, &draft.call_id);
        out.field(HeaderName::CSeq, format!("{} {}", draft.cseq, draft.method));
        if has_contact(&draft.method) {
            let secure = draft.uri.get(..5).is_some_and(|s| s.eq_ignore_ascii_case("sips:"));
            out.field(HeaderName::Contact, self.contact(*source, way, secure));
        }
        if let Some(rack) = &onward.rack {
            out.field(HeaderName::RAck, rack);
        }
        match source {
            Some(source) => self.fields(source, onward.changed, |name, value| {
                out.named(name, value);
            }),
            None if !self.server.is_empty() => {
                out.field(HeaderName::UserAgent, self.server);
            }
            None => {}
        }
        if let Some(id) = onward.session_id.as_ref().filter(|_| !self.hides) {
            out.field(HeaderName::SessionId, id);
        }
        if self.hides && source.is_some() && !self.server.is_empty() {
            out.field(HeaderName::UserAgent, self.server);
        }
        let kind = source.map_or("", content_type);
        out.finish(if onward.body.is_empty() { "" } else { kind }, onward.body)
    }

    /// The response to `request`, which came by `way`, that says what `source` says; `others` are the Contacts of a redirection.
    pub fn response(
        &self,
        request: &Message<'_>,
        way: &Way,
        source: &Message<'_>,
        tag: &str,
        body: &[u8],
        others: &[Vec<u8>],
    ) -> Vec<u8> {
        let mut out = Vec::new();
        let status = source.status().unwrap_or(500);
        let reason = String::from_utf8_lossy(source.reason().unwrap_or_default()).into_owned();
        let mut reply = Reply::to(request, way.peer, status, Some(&reason), tag, &mut out);
        if (300..400).contains(&status) || status == 485 {
            // Others to try are not ours.
            for value in others {
                reply.field(HeaderName::Contact, value);
            }
        } else if has_contact(&String::from_utf8_lossy(request.method_text())) && (101..300).contains(&status) {
            let secure = request.uri().is_some_and(|u| u.get(..5).is_some_and(|s| s.eq_ignore_ascii_case(b"sips:")));
            reply.field(HeaderName::Contact, self.contact(Some(source), way, secure));
        }
        self.fields(source, &[], |name, value| {
            reply.named(name, value);
        });
        if self.hides && !self.server.is_empty() && status > 100 {
            reply.field(HeaderName::Server, self.server);
        }
        match body.is_empty() {
            true => reply.finish(),
            false => reply.finish_with(content_type(source), body),
        }
        out
    }

    /// A response of the B2BUA's own.
    pub fn own_response(
        &self,
        request: &Message<'_>,
        way: &Way,
        status: u16,
        tag: &str,
        fields: &[(HeaderName, &str)],
    ) -> Vec<u8> {
        let mut out = Vec::new();
        let mut reply = Reply::to(request, way.peer, status, None, tag, &mut out);
        for (name, value) in fields {
            reply.field(*name, value);
        }
        if !self.server.is_empty() && status > 100 {
            reply.field(HeaderName::Server, self.server);
        }
        reply.finish();
        out
    }

    /// Where the leg behind `way` reaches the B2BUA: under the user of the other side, unless that is hidden.
    fn contact(&self, source: Option<&Message<'_>>, way: &Way, secure: bool) -> Vec<u8> {
        let contact = source.and_then(Message::contact).map(|c| c.uri()).filter(|_| !self.hides);
        let user = contact.and_then(|uri| uri.user).filter(|user| user.iter().all(|b| b.is_ascii_graphic()));
        [b"<", &self.address(user.unwrap_or(b"sipctl"), way, secure)[..], b">"].concat()
    }

    /// A user of ours, as the leg behind `way` reaches it.
    pub fn address(&self, user: &[u8], way: &Way, secure: bool) -> Vec<u8> {
        let scheme: &[u8] = if secure { b"sips:" } else { b"sip:" };
        let transport: &[u8] = match (way.protocol, secure) {
            (Protocol::Udp, _) | (Protocol::Tls, true) => b"",
            (Protocol::Tcp, _) => b";transport=tcp",
            (Protocol::Tls, false) => b";transport=tls",
            // RFC 7118 §5.2.2
            (Protocol::Ws | Protocol::Wss, _) => b";transport=ws",
        };
        let at = self.identity.sent_by(way).to_string();
        [scheme, user, b"@", at.as_bytes(), transport].concat()
    }

    /// The header fields that go over, in order.
    fn fields(&self, source: &Message<'_>, changed: &[(HeaderName, Vec<u8>)], mut put: impl FnMut(&str, &[u8])) {
        for (field, (name, value)) in source.outline.fields.iter().zip(source.fields()) {
            if !self.passes(field.name) {
                continue;
            }
            // A name that is no text was refused before.
            let name = String::from_utf8_lossy(name);
            if matches!(field.name, HeaderName::Supported | HeaderName::Require) {
                let is_left = |tag: &&[u8]| !OF_ONE_LEG.iter().any(|of| of.eq_ignore_ascii_case(tag));
                let tags: Vec<&[u8]> = value.split(|&b| b == b',').map(<[u8]>::trim_ascii).filter(is_left).collect();
                if !tags.is_empty() {
                    put(&name, &tags.join(&b", "[..]));
                }
                continue;
            }
            put(&name, changed.iter().find(|(changed, _)| *changed == field.name).map_or(value, |(_, new)| new));
        }
    }

    fn passes(&self, name: HeaderName) -> bool {
        use HeaderName as H;
        let is_of_a_leg = matches!(
            name,
            H::Via
                | H::Route
                | H::RecordRoute
                | H::MaxForwards
                | H::From
                | H::To
                | H::CallId
                | H::CSeq
                | H::Contact
                | H::ContentLength
                | H::ContentType
                | H::RAck
                | H::Timestamp
                | H::Path
                | H::ServiceRoute
        );
        let tells = matches!(
            name,
            H::Other
                | H::UserAgent
                | H::Server
                | H::SessionId
                | H::Warning
                | H::Organization
                | H::HistoryInfo
                | H::Diversion
                | H::InReplyTo
                | H::CallInfo
                | H::ErrorInfo
                | H::PChargingVector
                | H::PChargingFunctionAddresses
                | H::PAccessNetworkInfo
                | H::PVisitedNetworkId
                | H::CellularNetworkInfo
        );
        !(is_of_a_leg || self.hides && tells)
    }
}

/// Requests with a Contact: those that begin a dialog or say anew where its peer is. RFC 3261 §12.2.1.1, RFC 6665, RFC 3515
fn has_contact(method: &str) -> bool {
    matches!(method, "INVITE" | "UPDATE" | "SUBSCRIBE" | "REFER" | "NOTIFY")
}

fn content_type<'a>(source: &Message<'a>) -> &'a str {
    std::str::from_utf8(source.text(source.outline.content_type)).unwrap_or_default()
}

/// An address without its parameters: display name and URI. `None` where it cannot be written again.
pub(super) fn bare(value: &[u8]) -> Option<String> {
    let address = Address::parse(value);
    let uri = std::str::from_utf8(address.uri).ok().filter(|uri| !uri.is_empty())?;
    let needle = [b"<", address.uri].concat();
    let text = match memchr::memmem::rfind(value, &needle) {
        Some(at) => format!("{}<{uri}>", std::str::from_utf8(value.get(..at)?).ok()?),
        None => format!("<{uri}>"),
    };
    (!text.contains(char::is_control)).then_some(text)
}

/// RAck for the other leg: the number of the INVITE is that leg's. RFC 3262 §7.2
pub(super) fn rack(value: &[u8], onto: u32) -> Option<String> {
    let text = std::str::from_utf8(value).ok()?;
    let mut words = text.split_ascii_whitespace();
    let (number, _, method) = (words.next()?, words.next()?, words.next()?);
    let number: u32 = number.parse().ok()?;
    method.bytes().all(|b| b.is_ascii_graphic()).then(|| format!("{number} {onto} {method}"))
}

/// Max-Forwards of what goes on. RFC 3261 §16.6, the third step
pub(super) fn max_forwards(source: &Message<'_>) -> u8 {
    let left = source.outline.max_forwards.map_or(70, |n| n.saturating_sub(1));
    u8::try_from(left).unwrap_or(u8::MAX)
}

/// The next request inside a dialog.
pub(super) fn inside(dialog: &mut Dialog, source: &Message<'_>) -> Draft {
    let method = String::from_utf8_lossy(source.method_text()).into_owned();
    Draft { max_forwards: max_forwards(source), ..dialog.request(&method) }
}

#[cfg(test)]
mod tests {
    use super::{bare, rack};

    #[test]
    fn an_address_loses_its_parameters_alone() {
        let told = |text: &str| bare(text.as_bytes()).unwrap();
        assert_eq!(told("\"A <x>\" <sip:a@x;lr>;tag=1;y"), "\"A <x>\" <sip:a@x;lr>");
        assert_eq!(told("sip:a@x;tag=1"), "<sip:a@x>");
        assert_eq!(told("Bob <sip:b@x>"), "Bob <sip:b@x>");
        assert_eq!(bare(b""), None);
        assert_eq!(bare(b"\xff<sip:a@x>"), None);
    }

    #[test]
    fn a_rack_names_the_invite_of_its_leg() {
        assert_eq!(rack(b"776656 1 INVITE", 7).as_deref(), Some("776656 7 INVITE"));
        assert_eq!(rack(b"x 1 INVITE", 7), None);
        assert_eq!(rack(b"1 1", 7), None);
    }
}
