//! The elements of a SIP network: what each does, how it is recognised on the wire, and what goes wrong at it.

use super::topic::{Kind, Part, Topic};

/// An element.
struct Row {
    name: &'static str,
    also: &'static [&'static str],
    title: &'static str,
    does: &'static str,
    seen: &'static str,
    trouble: &'static str,
    rule: &'static str,
}

const ROWS: &[Row] = &[
    Row {
        name: "user agent",
        also: &["ua", "uac", "uas", "user agent client", "user agent server", "endpoint", "phone"],
        title: "what makes and takes calls",
        does: "A phone, a softphone, a PBX or a gateway. It is a client (UAC) for a request that it sends, and a server (UAS) for one that it answers: the roles are those of one transaction, not of the device.",
        seen: "A UAC's Via is the only one in its request; a UAS adds a To tag and a Contact of its own.",
        trouble: "A private address in Contact or SDP behind NAT; a registration that lapses; codecs or SRTP that do not fit.",
        rule: "RFC 3261 §6, §8",
    },
    Row {
        name: "proxy",
        also: &["proxy server", "sip proxy", "stateful proxy", "stateless proxy", "outbound proxy", "edge proxy"],
        title: "passes requests on, and their responses back",
        does: "It routes: it may fork to several targets, ask for credentials (407), and stay on the path with Record-Route. A stateful proxy keeps transactions, sends 100 and retransmits; a stateless one only passes on. It never makes up or ends a call.",
        seen: "Call-ID, From and To tags stay as they were; one Via is added, Max-Forwards is one less, and there may be a Record-Route.",
        trouble: "No Record-Route where it has to stay on the path; loops; a fork whose extra answers nobody ends.",
        rule: "RFC 3261 §16",
    },
    Row {
        name: "redirect server",
        also: &["redirect", "redirector"],
        title: "answers where to go instead",
        does: "It answers requests with 3xx and Contacts, and is out of the way from then on. Used for number portability and routing by query.",
        seen: "It answers INVITE with 300 to 305 and sends no request itself.",
        trouble: "A client that does not follow 3xx (many gateways and PBX trunks do not).",
        rule: "RFC 3261 §8.3",
    },
    Row {
        name: "registrar",
        also: &["registration server", "location service", "location server"],
        title: "keeps where users are",
        does: "It takes REGISTER, checks the credentials, and keeps bindings of an address-of-record to Contacts for a time. Proxies of its domain ask it.",
        seen: "It answers REGISTER with 401 and then 200, with the bindings in Contact.",
        trouble: "423 for short expiries; bindings with private addresses; a limit of Contacts that is full.",
        rule: "RFC 3261 §10",
    },
    Row {
        name: "B2BUA",
        also: &["back-to-back user agent", "b2b", "b2b ua", "pbx"],
        title: "two user agents back to back",
        does: "It ends the call on one side and makes a new one on the other: it can change anything, numbers, codecs, media, and can end the call itself. Asterisk and FreeSWITCH are B2BUAs.",
        seen: "Each leg has a Call-ID, tags and CSeq of its own; they are joined by time, numbers, SDP, or by a header field such as Session-ID or X-CID.",
        trouble: "Each leg fails by itself: find the leg that failed first. Transfers with Replaces fail when the dialog is of another leg.",
        rule: "RFC 3261 §6; RFC 7092",
    },
    Row {
        name: "SBC",
        also: &["session border controller", "border controller"],
        title: "a B2BUA at the border of a network",
        does: "It hides the inside, passes media through itself, helps phones behind NAT, repairs what does not fit, and limits what comes in.",
        seen: "As a B2BUA; and the addresses in Contact and SDP become its own, header fields of the inside are gone.",
        trouble: "Header fields or codecs taken out that the other side needs; media anchored although it should flow directly; time-outs of NAT pinholes.",
        rule: "RFC 5853",
    },
];

/// What is said of every element.
pub fn topics() -> impl Iterator<Item = Topic> {
    ROWS.iter().map(|row| Topic {
        kind: Kind::Element,
        name: row.name.to_owned(),
        title: row.title.to_owned(),
        aliases: std::iter::once(row.name).chain(row.also.iter().copied()).map(str::to_owned).collect(),
        parts: vec![Part::text("does", row.does), Part::text("seen by", row.seen), Part::text("trouble", row.trouble)],
        rule: row.rule.to_owned(),
    })
}
