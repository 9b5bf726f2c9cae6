//! What a REFER asks of us, and what it is told: we place no calls for others. RFC 3515 §2.4

use crate::sip::{Address, HeaderName, Message};

/// What every REFER gets that can be understood. No subscription comes of it, with `Refer-Sub: false` or without.
/// RFC 3515 §2.4.2, RFC 4488 §4
pub const DECLINED: u16 = 603;

/// Whom a REFER asks us to call: the URI of its Refer-To.
///
/// # Errors
/// The status that it gets instead of [`DECLINED`]: 400 where it has no Refer-To or more than one. RFC 3515 §2.4.2
pub fn asked<'a>(refer: &Message<'a>) -> Result<&'a [u8], u16> {
    let mut values = refer.headers(HeaderName::ReferTo);
    let (Some(value), None) = (values.next(), values.next()) else { return Err(400) };
    Some(Address::parse(value).uri).filter(|uri| !uri.is_empty()).ok_or(400)
}

#[cfg(test)]
mod tests {
    use super::asked;
    use crate::sip::{Message, Outline};

    #[test]
    fn a_refer_names_one_whom_to_call() {
        let told = |fields: &str| {
            let text = format!(
                "REFER sip:b@h SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nFrom: <sip:a@h>;tag=1\r\nTo: <sip:b@h>;tag=2\r\n\
                 Call-ID: c\r\nCSeq: 2 REFER\r\n{fields}Content-Length: 0\r\n\r\n"
            );
            let mut outline = Outline::new();
            assert!(outline.read(text.as_bytes()));
            asked(&Message::new(text.as_bytes(), &outline)).map(|uri| String::from_utf8_lossy(uri).into_owned())
        };
        assert_eq!(told("Refer-To: <sip:carol@h>\r\n"), Ok("sip:carol@h".to_owned()));
        // RFC 3515 §2.1: the compact form.
        assert_eq!(told("r: \"Carol\" <sip:carol@h?Replaces=x>\r\n"), Ok("sip:carol@h?Replaces=x".to_owned()));
        for wrong in ["", "Refer-To: <sip:c@h>\r\nRefer-To: <sip:d@h>\r\n", "Refer-To: <>\r\n"] {
            assert_eq!(told(wrong), Err(400), "{wrong}");
        }
    }
}
