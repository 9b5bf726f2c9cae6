//! Methods: what each one is for, who sends it when, and what goes wrong with it.

use super::topic::{Kind, Part, Topic};
use crate::sip::Method;

/// Meaning, who sends it when, what goes wrong with it.
fn words(method: Method) -> [&'static str; 3] {
    match method {
        Method::Invite => [
            "Starts a session, or changes one inside a dialog (re-INVITE: hold, codec, address).",
            "The caller; in a call either side. Answered by 1xx and one final response, which is always acknowledged with ACK.",
            "No answer at all: routing or firewall. 488: no codec in common. Answered, but dead after 32 s: the ACK is lost.",
        ],
        Method::Ack => [
            "Acknowledges the final response to an INVITE. It is never answered itself.",
            "To a 2xx the caller sends it end to end along the route set, as a transaction of its own; to 3xx-6xx it goes hop by hop and belongs to the INVITE.",
            "An ACK to a 2xx that follows a wrong Contact or Record-Route gets lost, and the callee repeats its 200.",
        ],
        Method::Bye => [
            "Ends an established dialog.",
            "Either side, after the 2xx and its ACK.",
            "481 says that the other side has ended already, or that tags or routing are wrong. No BYE at all: the call hangs until a session timer ends it.",
        ],
        Method::Cancel => [
            "Takes back an INVITE that has no final answer yet.",
            "The caller (or a proxy for a branch), only after a 1xx. Same Request-URI, branch, Call-ID, From and CSeq number as the INVITE. The INVITE then ends with 487.",
            "It may cross a 200 OK: then the caller must ACK and send BYE. For other methods it is of no use.",
        ],
        Method::Options => [
            "Asks what a server supports, without any effect.",
            "Anybody, most often as a sign of life between trunks every 30 or 60 s: any answer, even 404 or 483, says that the peer lives.",
            "A trunk marked down because OPTIONS is not answered while calls would work.",
        ],
        Method::Register => [
            "Binds an address-of-record to a Contact at the registrar for a time.",
            "A phone, at start and before each expiry; Expires 0 or a Contact with expires=0 takes the binding away.",
            "401 for ever: credentials. 423: expiry too short. Behind NAT the Contact has to be kept reachable.",
        ],
        Method::Prack => [
            "Acknowledges a reliable provisional response (RSeq), as RAck names it.",
            "The caller, where 100rel was agreed.",
            "Without it the callee repeats the 180 or 183 and gives up after 32 s with a 5xx.",
        ],
        Method::Subscribe => [
            "Asks to be told of a state: presence, message waiting, dialogs, registrations.",
            "The watcher, refreshed before it expires. The answer is followed by a NOTIFY at once.",
            "489: the event package is not known. No NOTIFY: it cannot be routed to the Contact.",
        ],
        Method::Notify => [
            "Tells the state that was subscribed to, or how a transfer goes on.",
            "The notifier, within the dialog of the SUBSCRIBE or REFER; phones also get some without asking (message waiting, check-sync).",
            "481: the watcher has forgotten the subscription; the notifier ends it.",
        ],
        Method::Publish => [
            "Hands the state of a user to a server that others subscribe to.",
            "A phone or presence agent, refreshed with the entity tag of the answer.",
            "412: the tag is no longer known; publish anew.",
        ],
        Method::Info => [
            "Carries application data within a call: DTMF, flash, fast update of a picture.",
            "Either side, in a dialog; with Info-Package where one was agreed.",
            "415 or 469: the other side does not take that body. DTMF sent so and as RFC 4733 arrives twice.",
        ],
        Method::Refer => [
            "Asks the other side to send a request itself, usually an INVITE to the target of a transfer.",
            "Who transfers. NOTIFYs with message/sipfrag tell how it went; Refer-To with Replaces makes it an attended transfer.",
            "403 or 603: transfers are forbidden. A B2BUA that does not know the dialog in Replaces answers 481.",
        ],
        Method::Message => [
            "Carries an instant message in its body, outside or inside a dialog.",
            "Anybody; it stands for itself, nothing is kept.",
            "415: the type of the text. Over UDP at most 1300 bytes.",
        ],
        Method::Update => [
            "Changes a session before or after it is answered, without a three-way handshake.",
            "Either side of an early or confirmed dialog: session timers, early media, preconditions, hold.",
            "491 on glare; 405 where the peer does not list it in Allow.",
        ],
        Method::Other => [""; 3],
    }
}

/// What is said of every registered method.
pub fn topics() -> impl Iterator<Item = Topic> {
    Method::ALL.iter().map(|&method| {
        let [meaning, sent, trouble] = words(method);
        Topic {
            kind: Kind::Method,
            name: method.text().to_owned(),
            title: "method".to_owned(),
            aliases: vec![method.text().to_owned(), format!("method {}", method.text())],
            parts: vec![Part::text("means", meaning), Part::text("sent by", sent), Part::text("trouble", trouble)],
            rule: method.rule().to_owned(),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::topics;
    use crate::sip::Method;

    #[test]
    fn every_registered_method_is_explained() {
        assert_eq!(topics().count(), Method::ALL.len());
        assert!(topics().all(|t| t.parts.iter().all(|p| p.lines[0].len() > 20) && t.rule.starts_with("RFC ")));
    }
}
