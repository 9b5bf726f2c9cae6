use super::{Access, Algorithms, Lifetimes, Registrar};
use crate::base::Entropy;
use crate::digest::{Algorithm, Challenge, Qop, Secret, answer};
use crate::driver::endpoint::Role;
use crate::driver::endpoint::engine::tests::Bench;
use crate::sip::Credentials;
use std::collections::HashMap;
use std::time::{Duration, Instant};

fn bench(users: &[(&str, &str)], offer: Algorithms, lifetimes: Lifetimes) -> Bench<Registrar> {
    let now = Instant::now();
    let secret = |(name, word): &(&str, &str)| ((*name).to_owned(), Secret::Password((*word).to_owned()));
    let users: HashMap<String, Secret> = users.iter().map(secret).collect();
    let access = Access::new(users, "example.com".to_owned(), offer, &mut Entropy::seeded(3), now);
    Bench::new(Registrar::new(access, lifetimes, vec!["<sip:edge.example.com;lr>".to_owned()], now))
}

fn open() -> Bench<Registrar> {
    bench(&[], Algorithms::default(), Lifetimes::default())
}

fn closed(offer: Algorithms) -> Bench<Registrar> {
    bench(&[("alice", "secret"), ("bob", "secret")], offer, Lifetimes::default())
}

fn register(cseq: u32, more: &str) -> String {
    format!(
        "REGISTER sip:example.com SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:5070;branch=z9hG4bK1;rport\r\nMax-Forwards: 70\r\n\
         From: <sip:alice@example.com>;tag=1\r\nTo: <sip:alice@EXAMPLE.com>\r\nCall-ID: i@x\r\nCSeq: {cseq} REGISTER\r\n\
         {more}Content-Length: 0\r\n\r\n"
    )
}

fn fields<'a>(answer: &'a str, name: &str) -> Vec<&'a str> {
    answer.lines().filter_map(|l| l.strip_prefix(name)?.strip_prefix(": ")).collect()
}

fn challenge(text: &str) -> Challenge {
    let c = Credentials::parse(text.as_bytes());
    let get = |name: &str| c.param(name).map(|p| String::from_utf8(p.text().into_owned()).unwrap());
    let qop: Vec<Qop> = get("qop")
        .map(|list| list.split(',').map(|q| if q == "auth" { Qop::Auth } else { Qop::AuthInt }).collect())
        .unwrap_or_default();
    Challenge {
        realm: get("realm").unwrap(),
        nonce: get("nonce").unwrap(),
        opaque: get("opaque"),
        stale: get("stale").is_some_and(|s| s == "true"),
        algorithm: get("algorithm").and_then(|a| Algorithm::of(&a)),
        algorithm_text: get("algorithm").unwrap_or_default(),
        has_qop: !qop.is_empty(),
        qop,
    }
}

fn proof(challenge: &Challenge, user: &str, word: &str, nc: u32) -> String {
    let secret = Secret::Password(word.to_owned());
    let answered = answer(challenge, user, &secret, "REGISTER", "sip:example.com", b"", "cn", nc).unwrap();
    format!("Authorization: {}\r\n", answered.field())
}

#[test]
fn bindings_are_kept_told_and_taken_away() {
    let mut bench = open();
    let answer = bench.ask(&register(1, "Contact: <sip:a@h1>;q=0.5, <sip:a@h2>;expires=7200\r\nExpires: 60\r\n"));
    assert!(answer.starts_with("SIP/2.0 200 OK\r\n"), "{answer}");
    assert_eq!(fields(&answer, "Contact"), ["<sip:a@h1>;q=0.500;expires=60", "<sip:a@h2>;expires=3600"]);
    assert_eq!(fields(&answer, "Service-Route"), ["<sip:edge.example.com;lr>"]);
    bench.now += Duration::from_millis(30_500);
    let answer = bench.ask(&register(2, ""));
    assert_eq!(fields(&answer, "Contact"), ["<sip:a@h1>;q=0.500;expires=30", "<sip:a@h2>;expires=3570"]);
    bench.now += Duration::from_secs(30);
    assert_eq!(fields(&bench.ask(&register(3, "")), "Contact").len(), 1, "the first has expired");
    let answer = bench.ask(&register(4, "Contact: <sip:a@H2>;expires=0\r\n"));
    assert!(fields(&answer, "Contact").is_empty(), "{answer}");
}

#[test]
fn a_star_takes_all_away_and_stands_alone() {
    let mut bench = open();
    bench.ask(&register(1, "Contact: <sip:a@h1>, <sip:a@h2>\r\n"));
    for wrong in ["Contact: *\r\n", "Contact: *\r\nExpires: 5\r\n", "Contact: *, <sip:a@h>\r\nExpires: 0\r\n"] {
        assert!(bench.ask(&register(2, wrong)).starts_with("SIP/2.0 400 "), "{wrong}");
    }
    let now = bench.now;
    assert_eq!(bench.endpoint.role().bindings(now).len(), 2);
    assert!(fields(&bench.ask(&register(3, "Contact: *\r\nExpires: 0\r\n")), "Contact").is_empty());
}

/// RFC 3261 §10.3, the seventh step
#[test]
fn an_older_request_of_the_same_call_changes_nothing() {
    let mut bench = open();
    bench.ask(&register(5, "Contact: <sip:a@h1>\r\n"));
    assert!(bench.ask(&register(5, "Contact: <sip:a@h1>;expires=0, <sip:a@new>\r\n")).starts_with("SIP/2.0 500 "));
    let now = bench.now;
    let contacts: Vec<_> = bench.endpoint.role().bindings(now).into_iter().map(|b| b.contact).collect();
    assert_eq!(contacts, [b"sip:a@h1"]);
    let other_call = register(1, "Contact: <sip:a@h1>;expires=0\r\n").replace("i@x", "j@x");
    assert!(fields(&bench.ask(&other_call), "Contact").is_empty());
}

#[test]
fn a_wish_that_is_too_short_is_told_what_is_long_enough() {
    let lifetimes = Lifetimes { min: Duration::from_secs(120), max: Duration::from_secs(600) };
    let mut bench = bench(&[], Algorithms::default(), lifetimes);
    let answer = bench.ask(&register(1, "Contact: <sip:a@h>;expires=60\r\n"));
    assert!(answer.starts_with("SIP/2.0 423 Interval Too Brief\r\n"), "{answer}");
    assert_eq!(fields(&answer, "Min-Expires"), ["120"]);
    let answer = bench.ask(&register(2, "Contact: <sip:a@h>;expires=99999999999999999999\r\n"));
    assert_eq!(fields(&answer, "Contact"), ["<sip:a@h>;expires=600"]);
}

/// RFC 5626 §6, RFC 3327 §5.3
#[test]
fn the_same_flow_of_an_instance_replaces_its_binding_and_path_comes_back() {
    let mut bench = open();
    let flow = |cseq, host: &str| {
        let instance = "+sip.instance=\"<urn:uuid:1>\";reg-id=1";
        register(
            cseq,
            &format!("Contact: <sip:a@{host}>;{instance}\r\nSupported: path, outbound\r\nPath: <sip:p;lr;ob>\r\n"),
        )
    };
    bench.ask(&flow(1, "h1"));
    let answer = bench.ask(&flow(2, "h2"));
    assert_eq!(fields(&answer, "Contact"), ["<sip:a@h2>;expires=3600;+sip.instance=\"<urn:uuid:1>\";reg-id=1"]);
    assert_eq!((fields(&answer, "Path"), fields(&answer, "Require")), (vec!["<sip:p;lr;ob>"], vec!["outbound"]));
    let now = bench.now;
    assert_eq!(bench.endpoint.role().bindings(now)[0].path, b"<sip:p;lr;ob>");
}

#[test]
fn what_one_address_may_bind_is_bounded() {
    let mut bench = open();
    for n in 0..64 {
        assert!(bench.ask(&register(n, &format!("Contact: <sip:a{n}@h>\r\n"))).starts_with("SIP/2.0 200 "));
    }
    assert!(bench.ask(&register(65, "Contact: <sip:more@h>\r\n")).starts_with("SIP/2.0 503 "));
    let many: String = (0..33).map(|n| format!("Contact: <sip:b{n}@h>\r\n")).collect();
    assert!(bench.ask(&register(66, &many)).starts_with("SIP/2.0 400 "));
}

#[test]
fn every_algorithm_is_challenged_and_its_answer_taken() {
    for algorithm in Algorithm::ALL {
        for qop in [vec![], vec![Qop::Auth], vec![Qop::AuthInt]] {
            let mut bench = closed(Algorithms { algorithms: vec![algorithm], qop, stale_after: None });
            let answer = bench.ask(&register(1, "Contact: <sip:a@h>\r\n"));
            assert!(answer.starts_with("SIP/2.0 401 Unauthorized\r\n"), "{answer}");
            let asked = fields(&answer, "WWW-Authenticate");
            assert_eq!(asked.len(), 1);
            let more = format!("Contact: <sip:a@h>\r\n{}", proof(&challenge(asked[0]), "alice", "secret", 1));
            let answer = bench.ask(&register(2, &more));
            assert!(answer.starts_with("SIP/2.0 200 OK\r\n"), "{algorithm:?}: {answer}");
        }
    }
}

#[test]
fn the_offer_stands_in_its_order() {
    let answer = closed(Algorithms::default()).ask(&register(1, ""));
    let algorithms: Vec<_> = fields(&answer, "WWW-Authenticate").into_iter().map(|c| challenge(c).algorithm).collect();
    assert_eq!(algorithms, [Some(Algorithm::Sha256), Some(Algorithm::Md5)]);
}

#[test]
fn a_wrong_password_is_challenged_anew_and_others_are_told_apart() {
    let mut bench = closed(Algorithms::default());
    let answer = bench.ask(&register(1, ""));
    let asked = challenge(fields(&answer, "WWW-Authenticate")[0]);
    let wrong = bench.ask(&register(2, &proof(&asked, "alice", "wrong", 1)));
    assert!(wrong.starts_with("SIP/2.0 401 "), "{wrong}");
    let again = challenge(fields(&wrong, "WWW-Authenticate")[0]);
    assert!(!again.stale && again.nonce != asked.nonce);
    assert!(bench.ask(&register(3, &proof(&asked, "mallory", "secret", 1))).starts_with("SIP/2.0 404 "));
    assert!(bench.ask(&register(4, &proof(&asked, "bob", "secret", 1))).starts_with("SIP/2.0 403 "));
    let nobody = register(5, &proof(&asked, "bob", "secret", 2)).replace("To: <sip:alice", "To: <sip:nobody");
    assert!(bench.ask(&nobody).starts_with("SIP/2.0 404 "));
}

#[test]
fn a_nonce_that_is_used_up_is_stale_and_a_replay_proves_nothing() {
    let mut bench = closed(Algorithms { stale_after: Some(2), ..Algorithms::default() });
    let answer = bench.ask(&register(1, ""));
    let asked = challenge(fields(&answer, "WWW-Authenticate")[0]);
    assert!(bench.ask(&register(2, &proof(&asked, "alice", "secret", 1))).starts_with("SIP/2.0 200 "));
    let replayed = bench.ask(&register(3, &proof(&asked, "alice", "secret", 1)));
    assert!(replayed.starts_with("SIP/2.0 401 "), "{replayed}");
    assert!(challenge(fields(&replayed, "WWW-Authenticate")[0]).stale);
    assert!(bench.ask(&register(4, &proof(&asked, "alice", "secret", 2))).starts_with("SIP/2.0 200 "));
    let worn = bench.ask(&register(5, &proof(&asked, "alice", "secret", 3)));
    let fresh = challenge(fields(&worn, "WWW-Authenticate")[0]);
    assert!(fresh.stale);
    assert!(bench.ask(&register(6, &proof(&fresh, "alice", "secret", 1))).starts_with("SIP/2.0 200 "));
}

#[test]
fn what_was_not_offered_proves_nothing() {
    let mut bench = closed(Algorithms { algorithms: vec![Algorithm::Sha256], ..Algorithms::default() });
    let answer = bench.ask(&register(1, ""));
    let mut asked = challenge(fields(&answer, "WWW-Authenticate")[0]);
    asked.algorithm = Some(Algorithm::Md5);
    asked.algorithm_text = "MD5".to_owned();
    assert!(bench.ask(&register(2, &proof(&asked, "alice", "secret", 1))).starts_with("SIP/2.0 401 "));
    for broken in ["Digest", "Digest username=\"alice\"", "Basic YWxpY2U6c2VjcmV0", "Digest nc=zz, qop=x, ,,="] {
        assert!(
            bench.ask(&register(3, &format!("Authorization: {broken}\r\n"))).starts_with("SIP/2.0 401 "),
            "{broken}"
        );
    }
}
