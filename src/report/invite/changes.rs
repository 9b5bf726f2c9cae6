//! What lay between two ends changed in a message: sent beside received.

use crate::report::text::Text;
use crate::sip::{HeaderName, Message, Outline};
use schemars::JsonSchema;
use serde::Serialize;

/// Changes that are told of one message.
const MOST: usize = 200;

/// Something that arrived otherwise than it was sent.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Change {
    /// `INVITE` or `200`
    pub message: &'static str,
    /// `uri`, `header`, `sdp`
    pub part: &'static str,
    /// The header field, or the line of SDP with its place: `audio c=`, `audio a=rtpmap`.
    pub name: String,
    /// As it was sent; absent where it was added on the way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sent: Option<Text<'static>>,
    /// As it arrived; absent where it was taken away on the way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub received: Option<Text<'static>>,
}

/// Header fields that every hop changes by its office: they tell nothing. RFC 3261 §16.6
const BY_OFFICE: [HeaderName; 6] = [
    HeaderName::Via,
    HeaderName::MaxForwards,
    HeaderName::Route,
    HeaderName::RecordRoute,
    HeaderName::ProxyAuthorization,
    HeaderName::ContentLength,
];

/// What changed from `sent` to `received`, both whole messages; nothing where one of them is no SIP.
#[must_use]
pub fn changes(message: &'static str, sent: &[u8], received: &[u8]) -> Vec<Change> {
    let (mut of_sent, mut of_received) = (Outline::new(), Outline::new());
    if !of_sent.read(sent) || !of_received.read(received) {
        return Vec::new();
    }
    let (sent, received) = (Message::new(sent, &of_sent), Message::new(received, &of_received));
    let mut found = Vec::new();
    if sent.uri() != received.uri() {
        let text = |m: &Message<'_>| m.uri().map(|uri| Text::new(uri).into_owned());
        let (sent, received) = (text(&sent), text(&received));
        found.push(Change { message, part: "uri", name: "Request-URI".to_owned(), sent, received });
    }
    compare(message, "header", &headers(&sent), &headers(&received), &mut found);
    let body = |m: &Message<'_>| lines(m.sdp_body().unwrap_or_default());
    compare(message, "sdp", &body(&sent), &body(&received), &mut found);
    found.truncate(MOST);
    found
}

/// A part of a message under its name.
type Named = (String, Vec<u8>);

fn headers(message: &Message<'_>) -> Vec<Named> {
    let told = message.fields().filter(|(name, _)| !BY_OFFICE.contains(&HeaderName::of(name)));
    told.map(|(name, value)| (written(name), value.trim_ascii().to_vec())).collect()
}

/// The name of a header field in the spelling of its standard, so that compact forms are no changes.
fn written(name: &[u8]) -> String {
    match HeaderName::of(name) {
        HeaderName::Other => String::from_utf8_lossy(name).into_owned(),
        known => known.canonical().to_owned(),
    }
}

/// The lines of a description, each under the media that it belongs to: `c=`, `audio m=`, `audio a=rtpmap`.
fn lines(body: &[u8]) -> Vec<Named> {
    let mut media = String::new();
    let mut found = Vec::new();
    for line in body.split(|&b| b == b'\n').map(<[u8]>::trim_ascii).filter(|line| line.len() > 1) {
        let (kind, value) = line.split_at(2);
        if kind == b"m=" {
            let word = value.split(|&b| b == b' ').next().unwrap_or_default();
            media = format!("{} ", String::from_utf8_lossy(word));
        }
        let mut name = format!("{media}{}", String::from_utf8_lossy(kind));
        if kind == b"a=" {
            let attribute = value.split(|&b| b == b':').next().unwrap_or_default();
            name.push_str(&String::from_utf8_lossy(attribute));
        }
        found.push((name, value.to_vec()));
    }
    found
}

/// Tells what one list has and the other has not; what stands under one name in both stands beside each other.
fn compare(message: &'static str, part: &'static str, sent: &[Named], received: &[Named], found: &mut Vec<Change>) {
    let mut arrived: Vec<Option<&Named>> = received.iter().map(Some).collect();
    let mut gone: Vec<&Named> = Vec::new();
    for one in sent {
        match arrived.iter_mut().find(|other| **other == Some(one)) {
            Some(other) => *other = None,
            None => gone.push(one),
        }
    }
    let text = |value: &[u8]| Some(Text::new(value).into_owned());
    for (name, value) in gone {
        let other = arrived.iter_mut().find(|other| other.is_some_and(|(n, _)| n == name)).and_then(Option::take);
        let received = other.and_then(|(_, value)| text(value));
        found.push(Change { message, part, name: name.clone(), sent: text(value), received });
    }
    for (name, value) in arrived.into_iter().flatten() {
        found.push(Change { message, part, name: name.clone(), sent: None, received: text(value) });
    }
}

#[cfg(test)]
mod tests {
    use super::changes;

    const SENT: &str = "INVITE sip:bob@example.com SIP/2.0\r\nVia: SIP/2.0/UDP a;branch=z9hG4bK1\r\nMax-Forwards: 70\r\n\
        From: <sip:a@example.com>;tag=1\r\nTo: <sip:bob@example.com>\r\nCall-ID: 1\r\nCSeq: 1 INVITE\r\nContact: <sip:a@192.0.2.1>\r\n\
        Subject: test\r\nContent-Type: application/sdp\r\n\r\n\
        v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0 8\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\n";

    fn told(received: &str) -> Vec<String> {
        let show = |text: &Option<crate::report::text::Text<'_>>| {
            text.as_ref().map_or_else(|| "-".to_owned(), |text| String::from_utf8_lossy(text.bytes()).into_owned())
        };
        let found = changes("INVITE", SENT.as_bytes(), received.as_bytes());
        found.iter().map(|c| format!("{} {}: {} > {}", c.part, c.name, show(&c.sent), show(&c.received))).collect()
    }

    #[test]
    fn what_every_hop_changes_is_not_told() {
        let received = SENT
            .replace("Max-Forwards: 70", "Max-Forwards: 69")
            .replace("Via: ", "Via: SIP/2.0/UDP p;branch=z9hG4bK2\r\nRecord-Route: <sip:p;lr>\r\nVia: ");
        assert_eq!(told(&received), Vec::<String>::new());
    }

    #[test]
    fn what_is_rewritten_stands_beside_what_was_sent() {
        let received = SENT
            .replace("sip:bob@example.com SIP", "sip:bob@192.0.2.7:5070 SIP")
            .replace("Call-ID: 1\r\n", "Call-ID: other\r\n")
            .replace("Subject: test\r\n", "P-Asserted-Identity: <sip:a@example.com>\r\n")
            .replace("c=IN IP4 192.0.2.1", "c=IN IP4 198.51.100.1")
            .replace("audio 4000 RTP/AVP 0 8", "audio 30000 RTP/AVP 8")
            .replace("a=rtpmap:0 PCMU/8000\r\n", "");
        assert_eq!(
            told(&received),
            [
                "uri Request-URI: sip:bob@example.com > sip:bob@192.0.2.7:5070",
                "header Call-ID: 1 > other",
                "header Subject: test > -",
                "header P-Asserted-Identity: - > <sip:a@example.com>",
                "sdp c=: IN IP4 192.0.2.1 > IN IP4 198.51.100.1",
                "sdp audio m=: audio 4000 RTP/AVP 0 8 > audio 30000 RTP/AVP 8",
                "sdp audio a=rtpmap: rtpmap:0 PCMU/8000 > -",
            ]
        );
        assert!(changes("INVITE", b"nothing", SENT.as_bytes()).is_empty());
    }
}
