//! One SIP message: its outline, its defects, and every view of its parts. No span leaves the message.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sipctl::sip::{Address, Credentials, HeaderName, Message, Outline, Params, Uri, Via, check, is_sip, unquoted};

fuzz_target!(|data: &[u8]| {
    let _ = is_sip(data);
    let mut outline = Outline::new();
    // What was read before must not show through.
    outline.read(b"SIP/2.0 200 OK\r\nCSeq: 1 INVITE\r\n\r\nbody");
    for cut in [false, true] {
        let read = if cut { outline.read_cut(data) } else { outline.read(data) };
        if read {
            look(data, &outline);
        }
    }
    uri(&Uri::parse(data));
});

fn look(data: &[u8], outline: &Outline) {
    let message = Message::new(data, outline);
    let mut defects = Vec::new();
    check::defects(&message, &mut defects);
    for defect in &defects {
        assert!(defect.span.start <= defect.span.end && defect.span.end as usize <= data.len(), "{defect:?}");
    }
    for field in &outline.fields {
        assert!(field.name_span.end as usize <= data.len() && field.value.end as usize <= data.len());
    }
    let parts: usize = message.bodies().map(|part| part.bytes.len()).sum();
    assert!(parts <= data.len());
    let _ = (message.method_text(), message.status(), message.reason(), message.cseq(), message.sdp_body());
    let _ = (message.call_id(), message.branch(), message.sent_by(), message.contact());
    address(&message.from());
    address(&message.to());
    for &name in HeaderName::ALL {
        for value in message.values(name) {
            assert!(value.is_empty() || message.text(message.span_of(value)) == value);
        }
        for value in message.headers(name) {
            views(name, value);
        }
    }
}

fn views(name: HeaderName, value: &[u8]) {
    match name {
        HeaderName::Via => {
            let via = Via::parse(value);
            let _ = (via.host(), via.port(), via.branch(), via.received(), via.rport(), via.ttl(), via.maddr());
            params(via.params());
        }
        HeaderName::WwwAuthenticate
        | HeaderName::ProxyAuthenticate
        | HeaderName::Authorization
        | HeaderName::ProxyAuthorization => params(Credentials::parse(value).params()),
        _ => address(&Address::parse(value)),
    }
}

fn address(address: &Address<'_>) {
    let _ = (address.display_name(), address.tag());
    uri(&address.uri());
    params(address.params());
}

fn uri(uri: &Uri<'_>) {
    let _ = (uri.is_sip(), uri.is_sips(), uri.is_tel(), uri.port_number(), uri.ip(), uri.param("transport"));
    params(uri.params());
    let _ = uri.headers().count();
}

fn params(params: Params<'_>) {
    for param in params {
        let _ = (param.text(), unquoted(param.text().as_ref()).len());
    }
}
