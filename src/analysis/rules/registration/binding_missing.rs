//! `binding-missing`: the registrar says 200 to a registration, and the Contact that was registered is not among the bindings that it lists.
//!
//! Registrars behind a NAT or a border element list the address that they will really use: another host for the same user, or another user at the same
//! host, is the same binding rewritten, and no fault. Some (Cisco's call control) list their own address: they hide what they keep.

use crate::analysis::rules::Product::{Asterisk, Kamailio, OpenSips};
use crate::analysis::rules::{Entry, Rule};
use crate::analysis::{Case, Confidence, Finding, Part, Severity};
use crate::base::Safe;
use crate::sip::{Address, HeaderName, Uri};
use crate::trace::registration::asked_expires;
use crate::trace::{Conversation, Facts, Kind};

/// The rule.
pub const RULE: Rule = Rule { judge, entries: &ENTRIES };

static ENTRIES: [Entry; 1] = [Entry {
    code: "binding-missing",
    severity: Severity::Error,
    meaning: "The registrar answered 200, but the list of bindings in it does not hold the address that the phone registered: it says yes and did not take it. Calls will not reach the phone.",
    noticed: "The phone shows that it is registered, and no call comes in. Some phones notice and say that registration failed.",
    causes: &[
        "A proxy or an ALG before the registrar changed or dropped the Contact",
        "A script answers 200 without storing anything (a test server, a broken route)",
        "The registrar keeps one binding for each user and kept another one",
        "The registrar leaves the list out of its 200, against the standard",
    ],
    confirm: "Ask with a REGISTER without Contact (sipctl register --query shows the bindings), and compare with the Contact that the phone sent.",
    fix: "Compare the REGISTER as it leaves the phone with the one that reaches the registrar; see that the registrar's route really saves it.",
    settings: &[
        (
            Kamailio,
            "registrar module: save(\"location\") sends the 200 with the bindings itself; a flag 0x02 keeps it from replying; max_contacts",
        ),
        (
            OpenSips,
            "registrar module: save(\"location\") sends the 200 with the bindings itself; the flag no-reply keeps it from that; max_contacts",
        ),
        (Asterisk, "pjsip.conf: max_contacts= and remove_existing= in type=aor"),
    ],
    rule: "RFC 3261 §10.3",
}];

/// Contacts of one message that are looked at.
const MOST: usize = 32;

fn judge(case: &Case<'_>, findings: &mut Vec<Finding>) {
    let c = case.conversation;
    if c.kind != Kind::Registration {
        return;
    }
    for t in c.transactions.iter().filter(|t| (200..300).contains(&t.final_status)) {
        let (Some(request), Some(response)) = (t.request, t.final_response) else { continue };
        let (Some(asked), Some(granted)) = (c.at(request), c.at(response)) else { continue };
        if asked.head_cut || granted.head_cut || asked_expires(c, asked) == Some(0) {
            continue;
        }
        if let Some(f) = bound_for_nothing(c, (request, asked), (response, granted)) {
            findings.push(f);
            return;
        }
        let Some(missing) = missing(c, asked, granted) else { continue };
        let listed: Vec<String> = contacts(c, granted).map(|a| Safe(a.uri).to_string()).take(4).collect();
        let (who, registrar) = (asked.flow.src, granted.flow.src);
        let contact = Safe(missing.uri).to_string();
        let mut f = ENTRIES[0]
            .finding(format!("{registrar} said {} to {who} and did not list its address {contact}", granted.status));
        f.detail.push(match listed.is_empty() {
            true => {
                format!("The {} has no Contact at all: the registrar says that nothing is registered.", granted.status)
            }
            false => format!("What it lists: {}.", listed.join(", ")),
        });
        f.confidence = if listed.is_empty() { Confidence::Likely } else { Confidence::Certain };
        f.ruled_out.push("a removal: the request asks for a time other than 0".to_owned());
        f.quote(request, Part::text_in(HeaderName::Contact, missing.uri), "what was to be registered");
        match listed.is_empty() {
            true => f.quote(response, Part::Name, "lists nothing"),
            false => f.quote(response, Part::first(HeaderName::Contact), "what is listed"),
        }
        f.positions = vec![request, response];
        findings.push(f);
        return;
    }
}

fn contacts<'a>(c: &'a Conversation, f: &Facts) -> impl Iterator<Item = Address<'a>> + use<'a> {
    c.headers(f, HeaderName::Contact).flat_map(Address::split).take(MOST).map(Address::parse)
}

/// The first Contact of the request that no Contact of the response stands for.
fn missing<'a>(c: &'a Conversation, asked: &Facts, granted: &Facts) -> Option<Address<'a>> {
    let host = Uri::parse(c.text(asked.uri_or_reason)).host;
    let is_own = |b: &Address<'_>| {
        let b = b.uri();
        b.host.eq_ignore_ascii_case(host) || b.ip() == Some(granted.flow.src.ip())
    };
    if contacts(c, granted).any(|b| is_own(&b)) {
        return None;
    }
    contacts(c, asked).filter(|a| a.uri().is_sip()).find(|a| !contacts(c, granted).any(|b| stands_for(&b, a)))
}

/// The registrar lists the address, and gives it no time at all: it is bound no longer. RFC 3261 §10.2.1.1
fn bound_for_nothing(
    c: &Conversation,
    (at, asked): (u32, &Facts),
    (position, granted): (u32, &Facts),
) -> Option<Finding> {
    let is_zero = |a: &Address<'_>| a.param("expires").is_some_and(|p| p.text().trim_ascii() == b"0");
    let wanted = contacts(c, asked).filter(|a| a.uri().is_sip() && !is_zero(a));
    let gone = wanted.into_iter().find(|a| {
        let mut listed =
            contacts(c, granted).filter(|b| b.uri().user == a.uri().user && b.uri().host == a.uri().host).peekable();
        listed.peek().is_some() && listed.all(|b| is_zero(&b))
    })?;
    let (who, registrar, contact) = (asked.flow.src, granted.flow.src, Safe(gone.uri).to_string());
    let title = format!("{registrar} said {} to {who} and bound its address {contact} for 0 s", granted.status);
    let mut f = ENTRIES[0].finding(title);
    f.detail.push("A binding with expires=0 is one that has been removed: nothing reaches the phone.".to_owned());
    f.ruled_out.push("a removal: the request asks for a time other than 0".to_owned());
    f.positions = vec![at, position];
    Some(f)
}

fn stands_for(listed: &Address<'_>, asked: &Address<'_>) -> bool {
    let (a, b) = (asked.uri(), listed.uri());
    let same_instance = || {
        let instance = |x: &Address<'_>| x.param("+sip.instance").map(|p| p.text().into_owned());
        instance(asked).is_some_and(|i| instance(listed) == Some(i))
    };
    a.user == b.user || a.host.eq_ignore_ascii_case(b.host) || same_instance()
}
