//! `route-set-ignored`: a request within a dialog goes past the proxies that asked, with Record-Route, to stay in the path.
//!
//! Only a request straight from a user agent is judged (one Via), which has no Route at all and goes to none of the addresses of the route set. Another
//! port of the same host is no proof, nor is a route set of names, nor a strict router, which does not use Route in this way.

use crate::analysis::rules::{Entry, Product, Rule};
use crate::analysis::{Case, Finding, Part, Severity, words};
use crate::base::{Endpoint, Safe};
use crate::sip::{Address, HeaderName, Method};
use crate::trace::{Conversation, Facts, Kind, dialog};

/// The rule.
pub const RULE: Rule = Rule { judge, entries: &ENTRIES };

static ENTRIES: [Entry; 1] = [Entry {
    code: "route-set-ignored",
    severity: Severity::Warning,
    meaning: "A proxy put itself into the path of the dialog with Record-Route, and a later request goes past it, straight to the other side. The proxy \
              misses the ACK or the BYE: its accounting is wrong, it holds media ports for ever, and through NAT the request may not arrive at all.",
    noticed: "Calls in the proxy's dialog list or billing never end; behind NAT, hanging up or hold does not reach the other side.",
    causes: &[
        "The user agent ignores Record-Route, or follows it for some methods only.",
        "A test script lacks [routes] and takes the Contact as the next hop.",
        "A B2BUA or an ALG on the way took the Record-Route out of the response.",
    ],
    confirm: "Look at the response that set the dialog up where the user agent got it: if it has the Record-Route there, the user agent ignores it.",
    fix: "Mend the user agent that is named: every request of the dialog has the Record-Route URIs as its Route, and goes to the first of them.",
    settings: &[
        (
            Product::Asterisk,
            "pjsip.conf, endpoint: outbound_proxy=sip:HOST\\;lr forces requests over the proxy all the same",
        ),
        (
            Product::Kamailio,
            "rr: enable_double_rr=1 where the proxy joins two networks or transports, so that either side gets an address that it reaches",
        ),
        (
            Product::OpenSips,
            "rr: enable_double_rr=1 where the proxy joins two networks or transports, so that either side gets an address that it reaches",
        ),
    ],
    rule: "RFC 3261 §12.2.1.1, §16.12",
}];

/// Requests without a Route that are looked at.
const REQUESTS: usize = 64;
/// Addresses of a route set that are looked at.
const ROUTES: usize = 16;

fn judge(case: &Case<'_>, findings: &mut Vec<Finding>) {
    let c = case.conversation;
    if c.kind != Kind::Call || !case.seen().has(HeaderName::RecordRoute) {
        return;
    }
    let within = |f: &Facts| {
        f.is_request()
            && !f.to_tag.is_empty()
            && f.vias == 1
            && !f.head_cut
            && !f.mirrored
            && f.method != Method::Cancel
    };
    let mut found: Option<Finding> = None;
    let unrouted = c.firsts().filter(|(_, f)| within(f) && c.header(f, HeaderName::Route).is_none());
    for (position, request) in unrouted.take(REQUESTS) {
        // The ACK to a refused re-INVITE goes where that went.
        if request.asks(Method::Ack)
            && c.transaction(request).is_some_and(|t| t.method == Method::Invite && t.final_status >= 300)
        {
            continue;
        }
        if let Some((at, source)) = route_source(c, request)
            && let Some(proxy) = passed_by(c, source, request)
        {
            match &mut found {
                Some(f) if f.positions.len() < 64 => f.positions.push(position),
                Some(_) => {}
                None => found = Some(finding(c, (at, source), (position, request), proxy)),
            }
        }
    }
    findings.extend(found);
}

/// The message by which the sender of a request learned its route set: the 2xx to its INVITE, or the INVITE that it answered.
fn route_source<'a>(c: &'a Conversation, request: &Facts) -> Option<(u32, &'a Facts)> {
    let sender = request.flow.src;
    let is_asker = |f: &Facts| {
        f.method == Method::Invite
            && f.is_success()
            && f.flow.dst.same_ip(&sender)
            && f.vias == 1
            && dialog::is_same_way(c, f, request)
    };
    let is_asked = |f: &Facts| {
        f.asks(Method::Invite)
            && f.to_tag.is_empty()
            && f.flow.dst.same_ip(&sender)
            && c.text(f.from_tag) == c.text(request.to_tag)
    };
    let known = |f: &Facts| !f.head_cut && f.time <= request.time;
    c.firsts().find(|(_, f)| known(f) && (is_asker(f) || is_asked(f)))
}

/// The proxy that a request went past: none of the addresses of the route set is where it went, nor is the hop over which the set came.
fn passed_by(c: &Conversation, source: &Facts, request: &Facts) -> Option<Endpoint> {
    let proxy = source.flow.src;
    let to = request.flow.dst;
    if to.same_ip(&proxy) || proxy.same_ip(&request.flow.src) {
        return None;
    }
    let mut any = false;
    for route in c.headers(source, HeaderName::RecordRoute).flat_map(Address::split).take(ROUTES) {
        let uri = Address::parse(route).uri();
        if uri.param("lr").is_none() || uri.ip()? == to.ip() {
            return None;
        }
        any = true;
    }
    any.then_some(proxy)
}

fn finding(
    c: &Conversation,
    (at, source): (u32, &Facts),
    (position, request): (u32, &Facts),
    proxy: Endpoint,
) -> Finding {
    let (method, from, to) = (words::method(c, request), request.flow.src, request.flow.dst);
    let mut f = ENTRIES[0]
        .finding(format!("{from} sent the {method} straight to {to}, past {proxy}, which asked to stay in the path"));
    let routes: Vec<String> = c.headers(source, HeaderName::RecordRoute).take(4).map(|v| Safe(v).to_string()).collect();
    f.detail.push(format!(
        "The {} that {from} got from {proxy} has Record-Route: {}; the {method} has no Route.",
        words::message(c, source),
        routes.join(", ")
    ));
    f.ruled_out
        .push(format!("A proxy that took its Route away: the {method} comes from {from} itself, it has one Via."));
    f.quote(at, Part::first(HeaderName::RecordRoute), format!("{proxy} asks to stay in the path"));
    f.quote(position, Part::RequestUri, format!("sent there at once, to {to}, without a Route"));
    f.positions = vec![at, position];
    f
}
