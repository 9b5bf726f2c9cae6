//! The ACK of a refused INVITE: the one message that is a transaction's own. RFC 3261 §17.1.1.3

use crate::sip::{Composer, HeaderName, Message, Outline};

/// The ACK of `response`, built from the INVITE: same Request-URI, top Via, Call-ID, From, Route and CSeq number; the To of the
/// response, whose tag the server added.
pub(super) fn of(invite: &[u8], response: &Message<'_>) -> Vec<u8> {
    let mut outline = Outline::new();
    outline.read(invite);
    let request = Message::new(invite, &outline);
    let uri = String::from_utf8_lossy(request.uri().unwrap_or_default());
    let mut ack = Composer::request("ACK", &uri);
    ack.field(HeaderName::Via, request.text(outline.via));
    for route in request.headers(HeaderName::Route) {
        ack.field(HeaderName::Route, route);
    }
    // RFC 3261 §8.1.1.6: it goes no further than the hop that refused, whatever the INVITE's was.
    ack.field(HeaderName::MaxForwards, "70");
    ack.field(HeaderName::From, request.header(HeaderName::From).unwrap_or_default());
    let to = response.header(HeaderName::To).or_else(|| request.header(HeaderName::To));
    ack.field(HeaderName::To, to.unwrap_or_default());
    ack.field(HeaderName::CallId, request.call_id());
    let number = request.cseq().map_or(0, |c| c.number);
    ack.field(HeaderName::CSeq, format!("{number} ACK"));
    ack.finish("", b"")
}

#[cfg(test)]
mod tests {
    use super::of;
    use crate::sip::{Message, Outline};

    #[test]
    fn it_is_the_ack_of_rfc_3261_17_1_1_3() {
        // The INVITE and the ACK of the example in RFC 3261 §17.1.1.3, with a Route and a To tag.
        let invite = b"INVITE sip:bob@biloxi.com SIP/2.0\r\n\
            Via: SIP/2.0/UDP pc33.atlanta.com;branch=z9hG4bKkjshdyff\r\nRoute: <sip:p1.example.com;lr>\r\n\
            Route: <sip:p2.example.com;lr>\r\nTo: Bob <sip:bob@biloxi.com>\r\n\
            From: Alice <sip:alice@atlanta.com>;tag=88sja8x\r\nMax-Forwards: 0\r\nCall-ID: 987asjd97y7atg\r\n\
            CSeq: 986759 INVITE\r\nContent-Length: 0\r\n\r\n";
        let response = b"SIP/2.0 486 Busy Here\r\nVia: SIP/2.0/UDP pc33.atlanta.com;branch=z9hG4bKkjshdyff\r\n\
            To: Bob <sip:bob@biloxi.com>;tag=a6c85cf\r\nFrom: Alice <sip:alice@atlanta.com>;tag=88sja8x\r\n\
            Call-ID: 987asjd97y7atg\r\nCSeq: 986759 INVITE\r\n\r\n";
        let mut outline = Outline::new();
        assert!(outline.read(response));
        let expected = "ACK sip:bob@biloxi.com SIP/2.0\r\nVia: SIP/2.0/UDP pc33.atlanta.com;branch=z9hG4bKkjshdyff\r\n\
            Route: <sip:p1.example.com;lr>\r\nRoute: <sip:p2.example.com;lr>\r\nMax-Forwards: 70\r\n\
            From: Alice <sip:alice@atlanta.com>;tag=88sja8x\r\nTo: Bob <sip:bob@biloxi.com>;tag=a6c85cf\r\n\
            Call-ID: 987asjd97y7atg\r\nCSeq: 986759 ACK\r\nContent-Length: 0\r\n\r\n";
        assert_eq!(String::from_utf8(of(invite, &Message::new(response, &outline))).unwrap(), expected);
    }
}
