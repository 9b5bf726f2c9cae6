//! Status codes: what each one says, and what usually is behind it. Names and sections stand in [`crate::sip::status`].

use super::topic::{Kind, Part, Topic};
use crate::sip::status;

/// Code, meaning, usual cause.
type Row = (u16, &'static str, &'static str);

const ROWS: &[Row] = &[
    (
        100,
        "The next hop has the request and works on it: the sender stops repeating it. It goes one hop only and has no To tag.",
        "Sent by a proxy or a server that will not have an answer within 200 ms. Silence after it means trouble further on, not here.",
    ),
    (180, "The called user is being alerted.", "The phone rings. Without SDP the caller's side plays the tone itself."),
    (
        181,
        "The call is being forwarded to another destination.",
        "A call forwarding or a hunt group on the called side; History-Info or Diversion tells where it went.",
    ),
    (
        182,
        "The callee is not free now and the call waits instead of being refused.",
        "A queue of a call centre; the reason phrase often tells the place in it.",
    ),
    (
        183,
        "Something is to be heard or known before the call is answered. With SDP there is early media.",
        "Announcements and ring tones of the network come so. If the caller hears nothing, look whether its side takes the early media, and whether 183 and 180 differ in SDP.",
    ),
    (
        199,
        "One early dialog of a forked request has ended, while others go on.",
        "A proxy tells so that the caller lets go of what it held for that branch.",
    ),
    (
        200,
        "The request has succeeded. After INVITE: the call is answered and has to be acknowledged with ACK.",
        "If the call ends half a minute later all the same, the ACK did not arrive: look at Contact and Record-Route.",
    ),
    (
        202,
        "The request was taken, what comes of it is told later. Deprecated for REFER and SUBSCRIBE, where 200 says the same.",
        "A transfer that was taken: the NOTIFYs that follow tell whether it worked.",
    ),
    (
        204,
        "The subscription stands, and no NOTIFY follows because nothing changed.",
        "The subscriber sent the entity tag of the state that it knows already.",
    ),
    (300, "There are several places to try; they stand in Contact.", "A redirect server, or an ambiguous number."),
    (
        301,
        "The user has moved for good; the new place stands in Contact.",
        "The stored number or URI wants to be changed.",
    ),
    (
        302,
        "For now, try the places in Contact.",
        "Call forwarding in the phone or a redirect server. A proxy or B2BUA in between has to follow it or pass it on, and many gateways do neither.",
    ),
    (305, "The resource has to be reached through the proxy named in Contact.", "Rare: an old redirect server."),
    (
        380,
        "The call cannot be made, and the body describes other services.",
        "In mobile networks: an emergency call that has to be made in another way.",
    ),
    (
        400,
        "The request could not be understood: its syntax is broken.",
        "Look at the reason phrase and Warning, then at the bytes: sipctl lint shows them. Often a header field was cut or spoilt by a script or an ALG.",
    ),
    (
        401,
        "The server wants credentials: WWW-Authenticate holds the challenge.",
        "Normal for the first request. Coming again after credentials: wrong password, user name or realm, or a nonce that changes in between.",
    ),
    (402, "Reserved for payment.", "Some carriers send it for an account without credit."),
    (
        403,
        "The server understood and refuses. Credentials will not help.",
        "An address that is not allowed, a caller number that may not be used, a destination that is barred, or, with some registrars, a wrong password.",
    ),
    (
        404,
        "There is no such user in this domain.",
        "A number that is not assigned or not in the dial plan, a wrong prefix, or a user that never registered with a server that knows only registered users.",
    ),
    (
        405,
        "The method is known, but not allowed for this address; Allow lists those that are.",
        "A PBX that takes no SUBSCRIBE, MESSAGE or UPDATE from this peer.",
    ),
    (406, "The answer would have to be of a kind that Accept does not allow.", "A wrong Accept; rare."),
    (
        407,
        "The proxy wants credentials: Proxy-Authenticate holds the challenge.",
        "Normal for the first request. Again and again: wrong credentials, or two proxies with the same realm and different passwords.",
    ),
    (
        408,
        "No answer came in the time the server waits.",
        "The next hop does not answer: down, unreachable, or its answer does not find the way back. A UA makes it up itself when Timer B or F ends.",
    ),
    (
        410,
        "The user was here, is gone for good, and nothing is known of a new place.",
        "A number that was given up or ported away.",
    ),
    (
        412,
        "The entity tag in SIP-If-Match is not, or no longer, known.",
        "A PUBLISH that refreshes state which has expired: publish it anew without the tag.",
    ),
    (413, "The body is larger than the server wants.", "Many codecs and candidates in SDP, or a large MESSAGE."),
    (
        414,
        "The Request-URI is longer than the server wants.",
        "A service that puts much into the URI, or a loop that lets it grow.",
    ),
    (
        415,
        "The body is of a type, or in an encoding, that the server does not take; Accept lists what it does.",
        "A multipart body, ISUP, or INFO with DTMF for a server that knows neither.",
    ),
    (416, "The scheme of the Request-URI is not understood.", "A tel: URI sent to something that knows sip: alone."),
    (
        417,
        "None of the Resource-Priority values is known, though they were required.",
        "Priority services between networks that have different namespaces.",
    ),
    (
        420,
        "Require or Proxy-Require names an extension that the server lacks; Unsupported lists it.",
        "100rel, timer, precondition or replaces required where they should only be supported.",
    ),
    (
        421,
        "The server needs an extension that the request did not list in Supported; Require names it.",
        "A peer that insists on timer, 100rel or path.",
    ),
    (
        422,
        "The session interval asked for is shorter than this side takes; Min-SE tells the least.",
        "Harmless: the caller repeats the INVITE with a longer Session-Expires. Trouble where it does not.",
    ),
    (
        423,
        "The expiry asked for is too short; Min-Expires tells the least.",
        "A phone that registers for 60 s with a registrar that wants more: it has to repeat with that value.",
    ),
    (
        424,
        "The location information is malformed or of no use.",
        "Emergency calls: look at Geolocation and the PIDF-LO in the body.",
    ),
    (
        425,
        "The alert message in the request cannot be taken.",
        "Non-interactive emergency calls with a CAP body that is broken.",
    ),
    (
        428,
        "The server wants an Identity header field, and there is none.",
        "A caller without STIR signature in a network that demands one.",
    ),
    (429, "The server wants a Referred-By with a signature.", "A transfer whose target asks who asked for it."),
    (
        430,
        "The edge proxy has lost the connection to the registered phone.",
        "SIP outbound: the flow over which the user registered is gone; the registrar should try another.",
    ),
    (433, "Anonymous requests are not taken.", "A callee that blocks withheld numbers."),
    (
        436,
        "The certificate that the Identity header field points to could not be fetched.",
        "The x5u of the PASSporT cannot be reached, or is no certificate.",
    ),
    (
        437,
        "The certificate of the signature is not one that the server believes.",
        "An unknown or expired STI certificate authority.",
    ),
    (
        438,
        "The signature in Identity is not valid for this request.",
        "A number or date that was changed after signing, or a wrong key.",
    ),
    (
        439,
        "The first proxy on the way does not know SIP outbound, which the phone asked for.",
        "An edge proxy without Path; the phone registers without outbound then.",
    ),
    (
        440,
        "The request would be forked into more branches than Max-Breadth allows.",
        "A protection against forking loops; look at the loop.",
    ),
    (
        469,
        "The Info-Package is not one that the receiver asked for; Recv-Info lists those.",
        "INFO of a package that was not agreed.",
    ),
    (
        470,
        "The sender needs the recipient's consent first.",
        "Request lists (RFC 5360): Permission-Missing names who has to agree.",
    ),
    (
        480,
        "The callee is known, and cannot be reached now.",
        "Not registered, do not disturb, no answer until the time was up, or, from gateways, no circuit. Reason with a Q.850 cause tells more.",
    ),
    (
        481,
        "The dialog or transaction that the request belongs to is not known here.",
        "The other side has restarted or given up already; wrong tags or Call-ID; a request that reached another node of a cluster; a CANCEL that came too late.",
    ),
    (
        482,
        "The request came back to a server that has seen it.",
        "Two proxies that route to each other, or a forwarding in a circle.",
    ),
    (483, "Max-Forwards reached 0.", "A loop that nobody detects, or a Max-Forwards that starts too low."),
    (484, "The number is not complete.", "Overlap dialling, or a dial plan that wants more digits."),
    (485, "The URI fits several users; Contact may list them.", "A directory that was asked with half a name."),
    (
        486,
        "The callee is busy and will not take another call.",
        "A call in progress, or a refusal by button (some phones send 486 for that, others 603).",
    ),
    (
        487,
        "The request was ended by CANCEL or BYE before it was answered.",
        "The caller hung up, or another branch of a fork answered. It is the proper end of a cancelled INVITE and no failure.",
    ),
    (
        488,
        "The description of the session is not acceptable here.",
        "No codec in common, SRTP demanded or refused, a media line that is not supported. Warning tells which. 606 says the same for everywhere.",
    ),
    (
        489,
        "The event package is not known; Allow-Events lists those that are.",
        "A subscription to presence, dialog or message-summary that the server does not offer.",
    ),
    (
        491,
        "Another request that changes the session is under way: glare.",
        "Both sides sent re-INVITE at once. Each waits a time of its own and tries again; nothing is wrong.",
    ),
    (493, "The body is encrypted with a key that the receiver does not have.", "S/MIME; hardly ever seen."),
    (
        494,
        "The security mechanism has to be agreed first; Security-Server lists those offered.",
        "IMS: the phone has to register with sec-agree.",
    ),
    (
        500,
        "The server failed at something inside.",
        "Its log tells. Often a script error, a database that is away, or a CSeq that went backwards.",
    ),
    (501, "The server does not know the method at all.", "A method that it was never made for; compare with 405."),
    (
        502,
        "A gateway got a broken answer from the system behind it.",
        "Trouble between a gateway and the telephone network or application behind it.",
    ),
    (
        503,
        "The server cannot work now: overloaded, in maintenance, or its next hop is away. Retry-After may tell how long.",
        "A trunk out of channels, a gateway that is down, or a rate limit. The caller should try another server.",
    ),
    (504, "A server that this one asked gave no answer in time.", "DNS, or a system behind it, that does not answer."),
    (505, "The version of SIP is not supported.", "A start line that was spoilt: there is only SIP/2.0."),
    (
        513,
        "The message is larger than the server can take.",
        "Bodies of many kilobytes, or a header that grows with each hop.",
    ),
    (
        555,
        "The push service that the phone asked for is not supported by the proxy.",
        "Push parameters in Contact that no proxy on the way serves.",
    ),
    (580, "A precondition of the session cannot be met.", "Mobile networks: no radio resources for the call's media."),
    (
        600,
        "The callee is busy everywhere, and no other place is to be tried.",
        "As 486, but a fork ends at once: other phones of the user stop ringing.",
    ),
    (
        603,
        "The callee does not want the call, anywhere.",
        "Refused by button, or by a service that blocks callers. In networks with call blocking the reason phrase may say that it was blocked.",
    ),
    (604, "Whoever was asked exists nowhere.", "As 404, but final for all branches."),
    (
        606,
        "The session is acceptable nowhere: bandwidth, media or kind of address.",
        "As 488, but final for all branches. Some stacks send it for a NAT address in SDP.",
    ),
    (
        607,
        "The callee does not want calls from this caller.",
        "A person marked the caller as unwanted; analytics learn from it.",
    ),
    (
        608,
        "A machine in the network blocked the call.",
        "Call blocking by analytics: Call-Info should tell where to object.",
    ),
];

/// What is said of every registered status code, in order of code.
pub fn topics() -> impl Iterator<Item = Topic> {
    status::all().map(topic)
}

/// What a status code says, and what usually is behind it; `None` for one that is not registered.
#[must_use]
pub fn told(code: u16) -> Option<(&'static str, &'static str)> {
    let row = ROWS.binary_search_by_key(&code, |row| row.0).ok().and_then(|at| ROWS.get(at));
    row.map(|&(_, meaning, cause)| (meaning, cause))
}

fn topic(code: u16) -> Topic {
    let (meaning, cause) = told(code).unwrap_or_default();
    Topic {
        kind: Kind::Status,
        name: code.to_string(),
        title: status::reason(code).to_owned(),
        aliases: vec![
            code.to_string(),
            format!("status {code}"),
            format!("{code} {}", status::reason(code)),
            status::reason(code).to_owned(),
        ],
        parts: vec![Part::text("class", class(code)), Part::text("means", meaning), Part::text("usually", cause)],
        rule: status::rule(code).to_owned(),
    }
}

/// What the first digit says. RFC 3261 §7.2
fn class(code: u16) -> &'static str {
    match code {
        100..=199 => "provisional: the request is being worked on, a final response follows",
        200..=299 => "success: final",
        300..=399 => "redirection: final here, to be tried elsewhere",
        400..=499 => "client error: final here, another server or another request may succeed",
        500..=599 => "server error: final here, another server may succeed",
        _ => "global failure: final, no other server will do better",
    }
}

#[cfg(test)]
mod tests {
    use super::{ROWS, topics};
    use crate::sip::status;

    #[test]
    fn every_registered_code_is_explained_and_no_other() {
        let said: Vec<u16> = ROWS.iter().map(|row| row.0).collect();
        assert_eq!(said, status::all().collect::<Vec<_>>());
        for topic in topics() {
            assert!(topic.parts.iter().all(|part| part.lines[0].len() > 10), "{}", topic.name);
            assert!(topic.rule.starts_with("RFC "), "{}", topic.name);
        }
    }
}
