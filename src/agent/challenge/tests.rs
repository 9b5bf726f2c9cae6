use super::{Account, Answered, Authenticator, MAX_ROUNDS, MAX_STALE};
use crate::base::Entropy;
use crate::digest::{Algorithm, Secret};
use crate::sip::{Credentials, HeaderName, Message, Outline};

/// A user agent under test: what it says to responses made of a status code and header fields.
struct Bench {
    authenticator: Authenticator,
    entropy: Entropy,
}

impl Bench {
    fn new() -> Self {
        Bench::with(Some("secret"), None)
    }

    fn with(password: Option<&str>, algorithm: Option<Algorithm>) -> Self {
        let secret = password.map(|p| Secret::Password(p.to_owned()));
        let account = Account { username: "alice".to_owned(), secret, algorithm };
        Bench { authenticator: Authenticator::new(Some(account)), entropy: Entropy::seeded(7) }
    }

    fn told(&mut self, status: u16, fields: &str) -> Answered {
        self.heard(status, fields, |authenticator, message, entropy| {
            authenticator.answer(message, "REGISTER", "sip:example.com", b"", entropy)
        })
    }

    fn accepted(&mut self, fields: &str) {
        self.heard(200, fields, |authenticator, message, _| authenticator.handle_success(message));
    }

    fn again(&mut self) -> Vec<(HeaderName, String)> {
        self.authenticator.again("REGISTER", "sip:example.com", b"", &mut self.entropy)
    }

    fn heard<T>(
        &mut self,
        status: u16,
        fields: &str,
        what: impl FnOnce(&mut Authenticator, &Message<'_>, &mut Entropy) -> T,
    ) -> T {
        let fields: String = fields.lines().map(|line| format!("{}\r\n", line.trim())).collect();
        let bytes = format!("SIP/2.0 {status} x\r\nCSeq: 1 REGISTER\r\n{fields}\r\n");
        let mut outline = Outline::new();
        assert!(outline.read(bytes.as_bytes()));
        what(&mut self.authenticator, &Message::new(bytes.as_bytes(), &outline), &mut self.entropy)
    }
}

/// The one credential that was given.
fn one(answered: &Answered) -> (HeaderName, &str) {
    match answered {
        Answered::Credentials(fields) if fields.len() == 1 => (fields[0].0, &fields[0].1),
        other => panic!("{other:?}"),
    }
}

/// A parameter of credentials, as it stands.
fn param(field: &str, name: &str) -> Option<String> {
    let param = Credentials::parse(field.as_bytes()).param(name)?;
    Some(String::from_utf8_lossy(param.value.unwrap_or_default()).into_owned())
}

#[test]
fn a_401_is_answered_in_authorization_and_a_407_in_proxy_authorization() {
    let mut bench = Bench::new();
    let answered = bench.told(401, "WWW-Authenticate: Digest realm=\"example.com\", nonce=\"n1\", qop=\"auth\"");
    let (name, field) = one(&answered);
    assert_eq!(name, HeaderName::Authorization);
    assert_eq!(param(field, "username").unwrap(), "\"alice\"");
    assert_eq!(param(field, "uri").unwrap(), "\"sip:example.com\"");
    assert_eq!(param(field, "nc").unwrap(), "00000001");
    assert_eq!(param(field, "algorithm"), None);
    assert_eq!(bench.authenticator.describe(), "MD5, qop=auth, realm \"example.com\"");
    let mut bench = Bench::new();
    let answered = bench.told(407, "Proxy-Authenticate: Digest realm=\"example.com\", nonce=\"n1\"");
    assert_eq!(one(&answered).0, HeaderName::ProxyAuthorization);
    assert_eq!(bench.authenticator.describe(), "MD5, no qop, realm \"example.com\"");
}

#[test]
fn a_challenge_reads_however_it_is_quoted() {
    // Each is a way in which servers in the field write the same challenge.
    for value in [
        "Digest realm=\"a b\",nonce=\"n1\",algorithm=MD5,qop=\"auth\"",
        "digest realm = \"a b\" , nonce = \"n1\" , algorithm = \"md5\" , qop = auth",
        "DIGEST  REALM=a b, NONCE=n1, ALGORITHM=Md5, QOP=\"auth,auth-int\"",
        "Digest realm=\"a b\",nonce=\"n1\",stale=\"FALSE\",algorithm=\"MD5\",qop=\" auth-int , auth \"",
        "Digest realm=\"a b\", realm=\"other\", nonce=\"n1\", nonce=\"n2\", qop=\"auth\", algorithm=MD5,",
        "Digest ,realm=\"a b\",, nonce=\"n1\", qop=\"auth,token\", algorithm=MD5, domain=\"sip:a, b\", stale",
        "Digest, realm=\"a b\", nonce=\"n1\", qop=auth, qop=\"auth-int\", algorithm=MD5",
    ] {
        let mut bench = Bench::new();
        let answered = bench.told(401, &format!("WWW-Authenticate: {value}"));
        let (_, field) = one(&answered);
        let shown = |name| param(field, name).unwrap_or_default();
        assert_eq!([shown("realm"), shown("nonce")], ["\"a b\"", "\"n1\""], "{value}");
        assert_eq!([shown("algorithm"), shown("qop")], ["MD5", "auth"], "{value}");
    }
}

#[test]
fn the_strongest_is_chosen_wherever_it_stands() {
    let one_field = "WWW-Authenticate: Bearer realm=\"r\", scope=\"x\", Digest realm=\"r\", nonce=\"a\", algorithm=MD5, \
                     qop=\"auth\", Digest realm=\"r\", nonce=\"b\", algorithm=SHA-256, qop=\"auth\", Negotiate, Basic realm=\"r\"";
    let several = "WWW-Authenticate: Digest realm=\"r\", nonce=\"c\", algorithm=SHA-512-256, qop=\"auth\"
                   WWW-Authenticate: Bearer realm=\"r\", authz_server=\"https://x.example\"
                   WWW-Authenticate: Digest realm=\"r\", nonce=\"d\", algorithm=AKAv1-MD5, qop=\"auth\"
                   WWW-Authenticate: Digest realm=\"r\", nonce=\"a\", algorithm=MD5, qop=\"auth\"";
    for (fields, algorithm, nonce) in [(one_field, "SHA-256", "\"b\""), (several, "SHA-512-256", "\"c\"")] {
        let answered = Bench::new().told(401, fields);
        let (_, field) = one(&answered);
        assert_eq!(
            (param(field, "algorithm").unwrap(), param(field, "nonce").unwrap()),
            (algorithm.into(), nonce.into())
        );
        let answered = Bench::with(Some("secret"), Some(Algorithm::Md5)).told(401, fields);
        assert_eq!(param(one(&answered).1, "nonce").unwrap(), "\"a\"");
    }
    let answered = Bench::with(Some("secret"), Some(Algorithm::Sha256)).told(401, several);
    let Answered::Unsupported(words) = answered else { panic!("{answered:?}") };
    assert_eq!(words, "Digest SHA-512-256, Bearer, Digest AKAv1-MD5, Digest MD5 (and --algorithm wants SHA-256)");
}

#[test]
fn what_cannot_be_answered_is_named() {
    let told = |value: &str| Bench::new().told(401, &format!("WWW-Authenticate: {value}"));
    let unsupported = |words: &str| Answered::Unsupported(words.to_owned());
    assert_eq!(told("Basic realm=\"r\""), unsupported("Basic"));
    assert_eq!(told("Digest realm=\"r\", nonce=\"n\", algorithm=MD6"), unsupported("Digest MD6"));
    assert_eq!(told("Digest realm=\"r\", qop=\"auth\""), unsupported("Digest without a nonce"));
    assert_eq!(told("Digest realm=\"r\", nonce=\"n\", qop=\"x\""), unsupported("Digest MD5 with an unknown qop"));
    assert_eq!(told("realm=\"r\", nonce=\"n\""), unsupported("a challenge without a scheme"));
    assert_eq!(told("\u{1b}[2J x=1"), unsupported("\\x1b[2J"));
    assert_eq!(Bench::new().told(401, "Server: x"), Answered::NoChallenge);
    let asked = "WWW-Authenticate: Digest realm=\"r\", nonce=\"n\"";
    assert_eq!(Bench::with(None, None).told(401, asked), Answered::NoPassword);
    let mut nobody = Bench { authenticator: Authenticator::new(None), entropy: Entropy::seeded(1) };
    assert_eq!(nobody.told(401, asked), Answered::NoPassword);
    assert_eq!(nobody.again(), []);
}

#[test]
fn a_wrong_password_is_tried_once() {
    let mut bench = Bench::new();
    one(&bench.told(401, "WWW-Authenticate: Digest realm=\"r\", nonce=\"n1\""));
    let second = bench.told(401, "WWW-Authenticate: Digest realm=\"r\", nonce=\"n2\"");
    assert_eq!(second, Answered::Refused);
    assert_eq!(bench.told(401, "WWW-Authenticate: Digest realm=\"r\", nonce=\"n3\", stale=false"), Answered::Refused);
}

#[test]
fn a_stale_nonce_is_replaced_but_not_for_ever() {
    let mut bench = Bench::new();
    one(&bench.told(401, "WWW-Authenticate: Digest realm=\"r\", nonce=\"n0\", qop=\"auth\""));
    for turn in 1..=MAX_STALE {
        let fields = format!("WWW-Authenticate: Digest realm=\"r\", nonce=\"n{turn}\", qop=\"auth\", stale=\"True\"");
        let answered = bench.told(401, &fields);
        let (_, field) = one(&answered);
        assert_eq!(param(field, "nonce").unwrap(), format!("\"n{turn}\""));
        assert_eq!(param(field, "nc").unwrap(), "00000001");
    }
    let last = bench.told(401, "WWW-Authenticate: Digest realm=\"r\", nonce=\"nx\", qop=\"auth\", stale=true");
    assert_eq!(last, Answered::TooOften);
}

#[test]
fn realms_without_end_are_not_followed() {
    let mut bench = Bench::new();
    for turn in 0..MAX_ROUNDS {
        let fields = format!("WWW-Authenticate: Digest realm=\"r{turn}\", nonce=\"n\"");
        assert!(matches!(bench.told(401, &fields), Answered::Credentials(_)));
    }
    assert_eq!(bench.told(401, "WWW-Authenticate: Digest realm=\"one more\", nonce=\"n\""), Answered::TooOften);
    let crowd: String = (0..100).map(|n| format!("WWW-Authenticate: Digest realm=\"{n}\", nonce=\"n\"\n")).collect();
    assert_eq!(Bench::new().told(401, &crowd), Answered::TooOften);
}

#[test]
fn proxies_and_the_server_behind_them_are_answered_together() {
    let mut bench = Bench::new();
    one(&bench.told(407, "Proxy-Authenticate: Digest realm=\"p\", nonce=\"p1\", qop=\"auth\""));
    let answered = bench.told(401, "WWW-Authenticate: Digest realm=\"s\", nonce=\"s1\", qop=\"auth\"");
    let Answered::Credentials(fields) = answered else { panic!("{answered:?}") };
    let told: Vec<_> = fields.iter().map(|(n, f)| (*n, param(f, "realm").unwrap(), param(f, "nc").unwrap())).collect();
    assert_eq!(
        told,
        [
            (HeaderName::ProxyAuthorization, "\"p\"".to_owned(), "00000002".to_owned()),
            (HeaderName::Authorization, "\"s\"".to_owned(), "00000001".to_owned()),
        ]
    );
    // The proxy let the request pass, so that its next nonce is no refusal; a third would be.
    let answered = bench.told(407, "Proxy-Authenticate: Digest realm=\"p\", nonce=\"p2\", qop=\"auth\"");
    assert!(matches!(answered, Answered::Credentials(ref fields) if fields.len() == 2), "{answered:?}");
    assert_eq!(bench.told(407, "Proxy-Authenticate: Digest realm=\"p\", nonce=\"p3\""), Answered::Refused);

    let both =
        "Proxy-Authenticate: Digest realm=\"a\", nonce=\"1\"\nProxy-Authenticate: Digest realm=\"b\", nonce=\"2\"";
    let answered = Bench::new().told(407, both);
    assert!(matches!(answered, Answered::Credentials(ref fields) if fields.len() == 2), "{answered:?}");
}

#[test]
fn a_nonce_is_counted_and_replaced_by_nextnonce() {
    let mut bench = Bench::new();
    assert_eq!(bench.again(), []);
    let answered = bench.told(401, "WWW-Authenticate: Digest realm=\"r\", nonce=\"n1\", qop=\"auth\", opaque=\"o\"");
    let first = one(&answered).1.to_owned();
    bench.accepted("Server: x");
    let second = bench.again();
    assert_eq!(param(&second[0].1, "nc").unwrap(), "00000002");
    assert_eq!(param(&second[0].1, "opaque").unwrap(), "\"o\"");
    assert_ne!(param(&second[0].1, "cnonce"), param(&first, "cnonce"));
    bench.accepted("Authentication-Info: qop=auth, rspauth=\"0\", nextnonce=\"n2\", nc=00000002");
    let third = bench.again();
    assert_eq!(param(&third[0].1, "nonce").unwrap(), "\"n2\"");
    assert_eq!(param(&third[0].1, "nc").unwrap(), "00000001");
    // Accepted before: a server that forgot its nonces may ask anew, once.
    one(&bench.told(401, "WWW-Authenticate: Digest realm=\"r\", nonce=\"n3\", qop=\"auth\""));
    assert_eq!(bench.told(401, "WWW-Authenticate: Digest realm=\"r\", nonce=\"n4\", qop=\"auth\""), Answered::Refused);
}

#[test]
fn a_session_keeps_its_cnonce_for_the_life_of_its_nonce() {
    let mut bench = Bench::new();
    let fields = "WWW-Authenticate: Digest realm=\"r\", nonce=\"n1\", qop=\"auth\", algorithm=MD5-sess";
    let first = one(&bench.told(401, fields)).1.to_owned();
    let second = bench.again();
    assert_eq!(param(&second[0].1, "cnonce"), param(&first, "cnonce"));
    assert_ne!(param(&second[0].1, "response"), param(&first, "response"));
}

#[test]
fn no_challenge_brings_it_down() {
    // Cuts and wild bytes of a field that has everything in it.
    let whole = b"Digest realm=\"a\\\"b\", nonce=\"n,=\", qop=\"auth,auth-int\", stale=true, Basic, Digest x=\"";
    let mut entropy = Entropy::seeded(11);
    for cut in 0..whole.len() {
        for _ in 0..4 {
            let mut bytes = b"SIP/2.0 401 x\r\nWWW-Authenticate: ".to_vec();
            bytes.extend_from_slice(&whole[..cut]);
            let at = bytes.len() - 1 - usize::try_from(entropy.below(cut.max(1) as u64)).unwrap();
            bytes[at] = u8::try_from(entropy.below(256)).unwrap();
            bytes.extend_from_slice(b"\r\n\r\n");
            let mut outline = Outline::new();
            if outline.read(&bytes) {
                let mut bench = Bench::new();
                let message = Message::new(&bytes, &outline);
                let _ = bench.authenticator.answer(&message, "REGISTER", "sip:h", b"", &mut entropy);
            }
        }
    }
}

#[test]
fn nothing_shows_the_password() {
    let mut bench = Bench::new();
    bench.told(401, "WWW-Authenticate: Digest realm=\"r\", nonce=\"n1\"");
    assert!(!format!("{:?}", bench.authenticator).contains("secret\""));
    assert!(!format!("{:?}", bench.authenticator).contains("\"secret"));
}
