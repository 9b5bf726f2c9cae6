//! Bindings as a 200 lists them, and which of them is ours. RFC 3261 §10.3, §19.1.4

use crate::sip::uri::unescaped;
use crate::sip::{Address, HeaderName, Message, Uri};

/// Bindings of one response that are kept; what is beyond is counted.
pub const MAX_BINDINGS: usize = 64;

/// One binding of an address of record.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Binding {
    /// Where the AOR is.
    pub uri: Vec<u8>,
    /// Seconds that it has left.
    pub expires_s: Option<u32>,
    /// Its preference, as it stands. RFC 3261 §20.10
    pub q: Option<Vec<u8>>,
    /// `+sip.instance`, without quotes. RFC 5626 §4.1
    pub instance: Option<Vec<u8>>,
    /// `reg-id`. RFC 5626 §4.2
    pub reg_id: Option<u32>,
    /// Whether it is the one that we made.
    pub own: bool,
}

/// How we know our binding again.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Own {
    /// The URI in our Contact.
    pub uri: Vec<u8>,
    /// The user part that nobody else has, where we chose it: some registrars replace the address behind it by the one they see.
    pub unique_user: Option<String>,
    /// Our instance and reg-id, where given: they alone tell a binding. RFC 5626 §6
    pub flow: Option<(String, u32)>,
}

impl Own {
    fn is(&self, binding: &Binding) -> bool {
        if let (Some((instance, reg_id)), Some(there)) = (&self.flow, &binding.instance) {
            return there.eq_ignore_ascii_case(instance.as_bytes()) && binding.reg_id == Some(*reg_id);
        }
        if self.uri.is_empty() {
            return false;
        }
        let theirs = Uri::parse(&binding.uri);
        let by_user = self.unique_user.as_ref().is_some_and(|user| theirs.user == Some(user.as_bytes()));
        by_user || same(&Uri::parse(&self.uri), &theirs)
    }
}

/// The bindings that a response lists, and how many more there were.
#[must_use]
pub fn bindings(response: &Message<'_>, own: &Own) -> (Vec<Binding>, usize) {
    let common = response.header(HeaderName::Expires).and_then(seconds);
    let mut listed = Vec::new();
    let mut more = 0;
    for value in response.values(HeaderName::Contact) {
        if listed.len() >= MAX_BINDINGS {
            more += 1;
            continue;
        }
        let contact = Address::parse(value);
        let text = |name: &str| contact.param(name).map(|p| p.text().into_owned());
        // A registrar that only appends its own expires to the Contact it was sent names two: the shorter one is safe.
        let expires = contact.params().filter(|p| p.name.eq_ignore_ascii_case(b"expires"));
        let mut binding = Binding {
            uri: contact.uri.to_vec(),
            expires_s: expires.filter_map(|p| seconds(&p.text())).min().or(common),
            q: text("q"),
            instance: text("+sip.instance").map(|i| i.trim_ascii().to_vec()),
            reg_id: text("reg-id").and_then(|t| seconds(&t)),
            own: false,
        };
        binding.own = own.is(&binding);
        listed.push(binding);
    }
    (listed, more)
}

/// delta-seconds. What is beyond 32 bits is as long as can be. RFC 3261 §25.1
#[must_use]
pub fn seconds(text: &[u8]) -> Option<u32> {
    let text = text.trim_ascii();
    let end = text.iter().position(|b| !b.is_ascii_digit()).unwrap_or(text.len());
    let digits = text.get(..end).filter(|d| !d.is_empty())?;
    Some(digits.iter().fold(0u32, |n, d| n.saturating_mul(10).saturating_add(u32::from(d - b'0'))))
}

/// Whether two URIs are equal. RFC 3261 §19.1.4
#[must_use]
pub fn same(a: &Uri<'_>, b: &Uri<'_>) -> bool {
    let plain = |part: Option<&[u8]>| part.map(|p| unescaped(p).into_owned());
    if !a.is_sip() || !b.is_sip() {
        return a == b;
    }
    a.is_sips() == b.is_sips()
        && plain(a.user) == plain(b.user)
        && plain(a.password) == plain(b.password)
        && same_host(a, b)
        && a.port == b.port
        && same_params(a, b)
        && same_params(b, a)
        && same_headers(a, b)
}

fn same_host(a: &Uri<'_>, b: &Uri<'_>) -> bool {
    match (a.ip(), b.ip()) {
        (Some(a), Some(b)) => a == b,
        _ => a.host.eq_ignore_ascii_case(b.host),
    }
}

/// Whether what `a` has and `b` must not lack or have otherwise is there alike.
fn same_params(a: &Uri<'_>, b: &Uri<'_>) -> bool {
    a.params().all(|param| {
        let other = Iterator::find(&mut b.params(), |p| p.name.eq_ignore_ascii_case(param.name));
        match other {
            Some(other) => {
                let (mine, theirs) = (param.value.unwrap_or_default(), other.value.unwrap_or_default());
                unescaped(mine).eq_ignore_ascii_case(&unescaped(theirs))
            }
            None => !["user", "ttl", "method", "maddr"].iter().any(|name| param.is(name)),
        }
    })
}

/// Header fields are never ignored, in whatever order they stand.
fn same_headers(a: &Uri<'_>, b: &Uri<'_>) -> bool {
    let has = |uri: &Uri<'_>, name: &[u8], value: &[u8]| {
        uri.headers().any(|h| h.name.eq_ignore_ascii_case(name) && h.value.unwrap_or_default() == value)
    };
    a.headers().count() == b.headers().count() && a.headers().all(|h| has(b, h.name, h.value.unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::{Own, bindings, same, seconds};
    use crate::sip::{Message, Outline, Uri};

    fn equal(a: &str, b: &str) -> bool {
        let (a, b) = (Uri::parse(a.as_bytes()), Uri::parse(b.as_bytes()));
        assert_eq!(same(&a, &b), same(&b, &a));
        same(&a, &b)
    }

    /// The pairs of RFC 3261 §19.1.4.
    #[test]
    fn uris_are_equal_as_the_rfc_lists_them() {
        for (a, b) in [
            ("sip:%61lice@atlanta.com;transport=TCP", "sip:alice@AtLanTa.CoM;Transport=tcp"),
            ("sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5"),
            ("sip:carol@chicago.com", "sip:carol@chicago.com;security=on"),
            ("sip:carol@chicago.com;newparam=5", "sip:carol@chicago.com;security=on"),
            (
                "sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com",
                "sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com",
            ),
            (
                "sip:alice@atlanta.com?subject=project%20x&priority=urgent",
                "sip:alice@atlanta.com?priority=urgent&subject=project%20x",
            ),
        ] {
            assert!(equal(a, b), "{a} {b}");
        }
        for (a, b) in [
            ("SIP:ALICE@AtLanTa.CoM;Transport=udp", "sip:alice@AtLanTa.CoM;Transport=UDP"),
            ("sip:bob@biloxi.com", "sip:bob@biloxi.com:5060"),
            ("sip:bob@biloxi.com", "sip:bob@biloxi.com:6000;transport=tcp"),
            ("sip:carol@chicago.com", "sip:carol@chicago.com?Subject=next%20meeting"),
            ("sip:carol@chicago.com;security=on", "sip:carol@chicago.com;security=off"),
            ("sip:carol@chicago.com", "sips:carol@chicago.com"),
            ("sip:carol@chicago.com", "sip:carol@chicago.com;maddr=192.0.2.1"),
            ("sip:bob@phone21.boxesbybob.com", "sip:bob@192.0.2.4"),
        ] {
            assert!(!equal(a, b), "{a} {b}");
        }
        assert!(equal("sip:a@[2001:db8::1]", "sip:a@[2001:DB8:0::1]"));
    }

    #[test]
    fn numbers_of_seconds_are_bounded() {
        assert_eq!(seconds(b" 60 "), Some(60));
        assert_eq!(seconds(b"60;x"), Some(60));
        assert_eq!(seconds(b"99999999999999999999"), Some(u32::MAX));
        assert_eq!(seconds(b"-1"), None);
        assert_eq!(seconds(b""), None);
    }

    fn listed(fields: &str, own: &Own) -> Vec<(String, Option<u32>, bool)> {
        let bytes = format!("SIP/2.0 200 OK\r\nCSeq: 1 REGISTER\r\n{fields}\r\n");
        let mut outline = Outline::new();
        assert!(outline.read(bytes.as_bytes()));
        let (found, _) = bindings(&Message::new(bytes.as_bytes(), &outline), own);
        found.into_iter().map(|b| (String::from_utf8(b.uri).unwrap(), b.expires_s, b.own)).collect()
    }

    #[test]
    fn our_binding_is_found_among_others() {
        let own = Own { uri: b"sip:u1@192.0.2.1:5060".to_vec(), ..Own::default() };
        let fields = "Contact: <sip:x@192.0.2.9>;expires=30;q=0.5, <sip:u1@192.0.2.1:5060;ob>;expires=60\r\nExpires: 90\r\n\
                      m: sip:u1@192.0.2.1\r\n";
        assert_eq!(
            listed(fields, &own),
            [
                ("sip:x@192.0.2.9".to_owned(), Some(30), false),
                ("sip:u1@192.0.2.1:5060;ob".to_owned(), Some(60), true),
                ("sip:u1@192.0.2.1".to_owned(), Some(90), false),
            ]
        );
        // An expires that a registrar put behind the one it was sent.
        assert_eq!(listed("Contact: <sip:u1@192.0.2.1>;expires=300;expires=60\r\n", &own)[0].1, Some(60));
        // Behind a NAT: the address is another, the user part is still ours alone.
        let fields = "Contact: <sip:u1@203.0.113.1:40000>;expires=60\r\n";
        assert!(!listed(fields, &own)[0].2);
        assert!(listed(fields, &Own { unique_user: Some("u1".to_owned()), ..own.clone() })[0].2);
        // With an instance, the instance and the reg-id tell, whatever the URI.
        let fields = "Contact: <sip:u1@192.0.2.1:5060>;+sip.instance=\"<urn:uuid:A>\";reg-id=2;expires=60\r\n";
        let flow = |reg_id| Own { flow: Some(("<urn:uuid:a>".to_owned(), reg_id)), ..own.clone() };
        assert!(listed(fields, &flow(2))[0].2);
        assert!(!listed(fields, &flow(1))[0].2);
    }

    #[test]
    fn a_list_without_end_is_counted_beyond_its_bound() {
        let bytes = format!("SIP/2.0 200 OK\r\nContact: {}\r\n\r\n", ["<sip:a@b>"; 100].join(","));
        let mut outline = Outline::new();
        assert!(outline.read(bytes.as_bytes()));
        let (found, more) = bindings(&Message::new(bytes.as_bytes(), &outline), &Own::default());
        assert_eq!((found.len(), more), (super::MAX_BINDINGS, 100 - super::MAX_BINDINGS));
    }
}
