use super::{Dialog, Refused};
use crate::sip::{HeaderName, Message, Outline};

fn read<T>(text: &str, then: impl FnOnce(&Message<'_>) -> T) -> T {
    let bytes = text.replace('\n', "\r\n").into_bytes();
    let mut outline = Outline::new();
    assert!(outline.read(&bytes));
    then(&Message::new(&bytes, &outline))
}

fn message(start: &str, to: &str, cseq: &str, more: &str) -> String {
    format!(
        "{start}\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\nFrom: <sip:a@example.com>;tag=a\nTo: <sip:b@example.com>{to}\n\
         Call-ID: c1\nCSeq: {cseq}\n{more}Content-Length: 0\n\n"
    )
}

fn ok(more: &str) -> String {
    message("SIP/2.0 200 OK", ";tag=b", "5 INVITE", more)
}

fn routes(dialog: &Dialog) -> Vec<String> {
    let fields = dialog.ack(5).fields;
    fields.into_iter().filter(|(name, _)| *name == HeaderName::Route).map(|(_, value)| value).collect()
}

#[test]
fn a_caller_turns_the_record_routes_round_and_sends_to_the_contact() {
    let text = ok("Record-Route: <sip:p2;lr>, <sip:p1;lr>\nContact: <sip:b@192.0.2.9:5070>\n");
    let mut dialog = read(&text, Dialog::caller).unwrap();
    assert!(dialog.is_confirmed());
    assert_eq!(routes(&dialog), ["<sip:p1;lr>", "<sip:p2;lr>"]);
    let ack = dialog.ack(5);
    assert_eq!((ack.uri.as_str(), ack.cseq, ack.to.as_str()), ("sip:b@192.0.2.9:5070", 5, "<sip:b@example.com>;tag=b"));
    let bye = dialog.request("BYE");
    assert_eq!((bye.cseq, bye.call_id.as_str(), bye.from_tag.as_str()), (6, "c1", "a"));
}

#[test]
fn a_strict_router_stands_in_the_request_uri() {
    let text = ok("Record-Route: <sip:p2;lr>, <sip:p1>\nContact: <sip:b@192.0.2.9>\n");
    let dialog = read(&text, Dialog::caller).unwrap();
    assert_eq!(dialog.ack(5).uri, "sip:p1");
    assert_eq!(routes(&dialog), ["<sip:p2;lr>", "<sip:b@192.0.2.9>"]);
}

#[test]
fn a_callee_keeps_the_order_and_refuses_old_numbers() {
    let more = "Record-Route: <sip:p2;lr>, <sip:p1;lr>\nContact: <sip:a@192.0.2.1>\n";
    let invite = message("INVITE sip:b@example.com SIP/2.0", "", "7 INVITE", more);
    let mut dialog = read(&invite, |invite| Dialog::callee(invite, "mine")).unwrap();
    assert_eq!(routes(&dialog), ["<sip:p2;lr>", "<sip:p1;lr>"]);
    assert_eq!(dialog.local(), "<sip:b@example.com>;tag=mine");
    // RFC 3261 §12.2.2: only what is lower is out of order.
    assert!(dialog.handle_request(7) && dialog.handle_request(9) && !dialog.handle_request(8));
    let bye = message("BYE sip:b@192.0.2.9 SIP/2.0", ";tag=mine", "10 BYE", "");
    assert!(read(&bye, |bye| dialog.owns(bye)));
}

#[test]
fn forks_are_told_apart_and_the_2xx_decides_the_routes() {
    let early = message("SIP/2.0 180 Ringing", ";tag=b", "5 INVITE", "Contact: <sip:b@192.0.2.9>\n");
    let mut dialog = read(&early, Dialog::caller).unwrap();
    assert!(!dialog.is_confirmed());
    let other = message("SIP/2.0 180 Ringing", ";tag=other", "5 INVITE", "");
    assert!(!read(&other, |other| dialog.owns(other)));
    let last = ok("Record-Route: <sip:p1;lr>\nContact: <sip:b@192.0.2.8>\n");
    assert!(read(&last, |last| dialog.owns(last)));
    read(&last, |last| dialog.confirm(last)).unwrap();
    assert!(dialog.is_confirmed());
    assert_eq!((dialog.target(), routes(&dialog).len()), ("sip:b@192.0.2.8", 1));
}

#[test]
fn what_makes_no_dialog_is_refused_with_its_reason() {
    assert_eq!(read(&ok(""), Dialog::caller), Err(Refused::NoContact));
    let untagged = message("SIP/2.0 180 Ringing", "", "5 INVITE", "Contact: <sip:b@h>\n");
    assert_eq!(read(&untagged, Dialog::caller), Err(Refused::Incomplete));
    let many = format!("Contact: <sip:b@h>\n{}", "Record-Route: <sip:p;lr>\n".repeat(33));
    assert_eq!(read(&ok(&many), Dialog::caller), Err(Refused::TooManyRoutes));
    // A strict router is written into the Request-URI: what cannot stand there is no route.
    for route in ["<>", "<sip:p 1;lr>", ";lr", "<sip:p\"1\">"] {
        let text = ok(&format!("Record-Route: <sip:p2;lr>, {route}\nContact: <sip:b@h>\n"));
        assert_eq!(read(&text, Dialog::caller), Err(Refused::Unwritable), "{route}");
    }
    assert_eq!(read(&ok("Contact: <sip:b@h x>\n"), Dialog::caller), Err(Refused::NoContact));
}

#[test]
fn a_callee_takes_what_an_old_or_odd_caller_says() {
    let contact = "Contact: <sip:a@192.0.2.1>\n";
    let invite = message("INVITE sip:b@example.com SIP/2.0", "", "7 INVITE", contact);
    // RFC 2543 had no From tag. RFC 3261 §12.1.1
    let untagged = invite.replace(";tag=a", "");
    let dialog = read(&untagged, |invite| Dialog::callee(invite, "mine")).unwrap();
    assert_eq!((dialog.remote_tag(), dialog.ack(7).to.as_str()), ("", "<sip:a@example.com>"));
    let bye = message("BYE sip:b@192.0.2.9 SIP/2.0", ";tag=mine", "8 BYE", "").replace(";tag=a", "");
    assert!(read(&bye, |bye| dialog.owns(bye)));
    // RFC 3261 §7.3.1: a folded line means one with spaces.
    let folded = invite.replace("From: <sip:a@example.com>", "From: \"Alice\"\n\t<sip:a@example.com>");
    let dialog = read(&folded, |invite| Dialog::callee(invite, "mine")).unwrap();
    assert_eq!(dialog.ack(7).to.split_whitespace().collect::<Vec<_>>(), ["\"Alice\"", "<sip:a@example.com>;tag=a"]);
    // A display name in Latin-1 is left out.
    let mut bytes = invite.replace("From: <", "From: \"Ren#\" <").replace('\n', "\r\n").into_bytes();
    let at = bytes.iter().position(|b| *b == b'#').unwrap();
    bytes[at] = 0xe9;
    let mut outline = Outline::new();
    assert!(outline.read(&bytes));
    let dialog = Dialog::callee(&Message::new(&bytes, &outline), "mine").unwrap();
    assert_eq!((dialog.ack(7).to.as_str(), dialog.remote_tag()), ("<sip:a@example.com>;tag=a", "a"));
}
