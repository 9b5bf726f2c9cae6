//! A redirect server: whom it knows is elsewhere. RFC 3261 §8.3

use super::{Answer, Arrival, Role};
use crate::sip::uri::unescaped;
use crate::sip::{Address, HeaderName, Method, Uri};
use std::collections::BTreeMap;

/// Where users are.
#[derive(Clone, Debug, Default)]
pub struct Redirect {
    /// Contacts by user part, the most wanted first.
    places: BTreeMap<Vec<u8>, Vec<String>>,
}

/// What it takes: any method is sent elsewhere, but there is nothing to register at.
const ALLOW: &str = "INVITE, ACK, CANCEL, OPTIONS, MESSAGE";

impl Redirect {
    /// One that knows nobody.
    #[must_use]
    pub fn new() -> Self {
        Redirect::default()
    }

    /// Adds a place of a user: `sip:bob@192.0.2.5;q=0.5` or `<sip:bob@192.0.2.5;transport=tcp>;q=0.5`. Of the first form a
    /// `;q=` at its end is a parameter of the Contact, all else belongs to the URI.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn add(&mut self, user: &str, place: &str) -> Result<(), String> {
        if user.is_empty() || place.contains(['\r', '\n', '\0']) {
            return Err(format!("'{user}={place}' is no map: write USER=URI"));
        }
        let contact = match place.rsplit_once(";q=") {
            _ if place.starts_with(['<', '"']) => place.to_owned(),
            Some((uri, q)) => format!("<{uri}>;q={q}"),
            None => format!("<{place}>"),
        };
        let parsed = Address::parse(contact.as_bytes());
        if parsed.fault.is_some() || parsed.uri().scheme.is_empty() {
            return Err(format!("'{place}' is no URI: write {user}=sip:{user}@192.0.2.5"));
        }
        if thousandths(&contact).is_none() {
            return Err(format!("the q of '{place}' is no number from 0 to 1"));
        }
        let places = self.places.entry(user.as_bytes().to_vec()).or_default();
        places.push(contact);
        // RFC 3261 §20.10: q is preference; those without it come first, in the order given.
        places.sort_by_key(|contact| std::cmp::Reverse(thousandths(contact)));
        Ok(())
    }
}

/// The q of a Contact in thousandths, 1000 where it has none; `None` where it is no qvalue. RFC 3261 §25.1
fn thousandths(contact: &str) -> Option<u16> {
    let Some(q) = Address::parse(contact.as_bytes()).param("q") else { return Some(1000) };
    qvalue(q.value.unwrap_or_default())
}

/// A qvalue in thousandths: up to three digits after the point, 1 at most. RFC 3261 §25.1
#[must_use]
pub fn qvalue(text: &[u8]) -> Option<u16> {
    let (whole, rest) = match text.split_first()? {
        (b'0', rest) => (0, rest),
        (b'1', rest) => (1000, rest),
        _ => return None,
    };
    let digits = match rest.split_first() {
        None => &[][..],
        Some((b'.', digits)) if digits.len() <= 3 && digits.iter().all(u8::is_ascii_digit) => digits,
        Some(_) => return None,
    };
    let part = [100, 10, 1].iter().zip(digits).map(|(place, digit)| place * u16::from(digit - b'0')).sum::<u16>();
    (whole + part <= 1000).then_some(whole + part)
}

impl Role for Redirect {
    fn name(&self) -> &'static str {
        "redirect"
    }

    fn answer(&mut self, arrival: &Arrival<'_>, out: &mut Vec<u8>) -> Answer {
        if let Some(refused) = arrival.refuse_unknown(&[], out) {
            return refused;
        }
        let uri = Uri::parse(arrival.request.uri().unwrap_or_default());
        let user = unescaped(uri.user.unwrap_or_default());
        if user.is_empty() && arrival.request.method() == Method::Options {
            arrival.reply(200, out).field(HeaderName::Allow, ALLOW).field(HeaderName::Accept, "*/*").finish();
            return Answer::Now;
        }
        if arrival.request.method() == Method::Register {
            return arrival.method_not_allowed(ALLOW, out);
        }
        let Some(places) = self.places.get(&*user) else { return arrival.just(404, out) };
        let mut reply = arrival.reply(302, out);
        for contact in places {
            reply.field(HeaderName::Contact, contact);
        }
        reply.finish();
        Answer::Now
    }
}

#[cfg(test)]
mod tests {
    use super::{Redirect, qvalue};
    use crate::driver::endpoint::engine::tests::{Bench, request};

    fn bench() -> Bench<Redirect> {
        let mut redirect = Redirect::new();
        redirect.add("bob", "sip:bob@192.0.2.5;q=0.5").unwrap();
        redirect.add("bob", "<sip:bob@192.0.2.6;transport=tcp>;q=0.75").unwrap();
        redirect.add("bob", "sip:bob@192.0.2.7;transport=udp").unwrap();
        Bench::new(redirect)
    }

    #[test]
    fn whom_it_knows_is_elsewhere_the_most_wanted_place_first() {
        let answer = bench().ask(&request("INVITE", ""));
        assert!(answer.starts_with("SIP/2.0 302 Moved Temporarily\r\n"), "{answer}");
        let contacts: Vec<&str> = answer.lines().filter_map(|l| l.strip_prefix("Contact: ")).collect();
        let expected = [
            "<sip:bob@192.0.2.7;transport=udp>",
            "<sip:bob@192.0.2.6;transport=tcp>;q=0.75",
            "<sip:bob@192.0.2.5>;q=0.5",
        ];
        assert_eq!(contacts, expected);
    }

    #[test]
    fn others_are_not_found_and_nobody_registers() {
        let ask = |method: &str, uri: &str| bench().ask(&request(method, "").replacen("sip:bob@example.com", uri, 1));
        assert!(ask("INVITE", "sip:carol@example.com").starts_with("SIP/2.0 404 Not Found\r\n"));
        assert!(ask("MESSAGE", "sip:%62ob@example.com").starts_with("SIP/2.0 302 "));
        assert!(ask("REGISTER", "sip:example.com").starts_with("SIP/2.0 405 "));
        assert!(ask("OPTIONS", "sip:example.com").starts_with("SIP/2.0 200 OK\r\n"));
    }

    #[test]
    fn what_is_no_map_is_told() {
        let mut redirect = Redirect::new();
        for (user, place) in
            [("", "sip:a@b"), ("a", "b@c"), ("a", "sip:a@b;q=2"), ("a", "sip:a@b\r\nEvil: 1"), ("a", "<sip:b")]
        {
            assert!(redirect.add(user, place).is_err(), "{user}={place}");
        }
    }

    #[test]
    fn qvalues_as_the_grammar_has_them() {
        let values =
            [("0", Some(0)), ("1", Some(1000)), ("0.5", Some(500)), ("0.123", Some(123)), ("1.000", Some(1000))];
        for (text, value) in
            values.into_iter().chain([("1.1", None), ("0.1234", None), (".5", None), ("", None), ("0,5", None)])
        {
            assert_eq!(qvalue(text.as_bytes()), value, "{text}");
        }
    }
}
