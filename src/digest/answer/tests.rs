use super::{Answer, Secret, answer, verify};
use crate::digest::{Algorithm, Challenge, Qop};

fn challenge(realm: &str, nonce: &str, algorithm: Algorithm, qop: &[Qop]) -> Challenge {
    Challenge {
        realm: realm.to_owned(),
        nonce: nonce.to_owned(),
        algorithm: Some(algorithm),
        algorithm_text: algorithm.name().to_owned(),
        qop: qop.to_vec(),
        has_qop: !qop.is_empty(),
        ..Challenge::default()
    }
}

fn password(text: &str) -> Secret {
    Secret::Password(text.to_owned())
}

#[test]
fn the_example_of_rfc_2617() {
    // RFC 2617 §3.5
    let mut asked = challenge("testrealm@host.com", "dcd98b7102dd2f0e8b11d0f600bfb0c093", Algorithm::Md5, &[Qop::Auth]);
    asked.qop.push(Qop::AuthInt);
    asked.algorithm_text = String::new();
    asked.opaque = Some("5ccc069c403ebaf9f0171e9517f40e41".to_owned());
    let secret = password("Circle Of Life");
    let given = answer(&asked, "Mufasa", &secret, "GET", "/dir/index.html", b"", "0a4f113b", 1).unwrap();
    assert_eq!(given.response, "6629fae49393a05397450978507c4ef1");
    assert_eq!(
        given.field(),
        "Digest username=\"Mufasa\", realm=\"testrealm@host.com\", nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\", \
         uri=\"/dir/index.html\", response=\"6629fae49393a05397450978507c4ef1\", \
         opaque=\"5ccc069c403ebaf9f0171e9517f40e41\", cnonce=\"0a4f113b\", qop=auth, nc=00000001"
    );
}

#[test]
fn the_examples_of_rfc_7616() {
    // RFC 7616 §3.9.1
    let nonce = "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v";
    let cnonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ";
    let secret = password("Circle of Life");
    for (algorithm, response) in [
        (Algorithm::Md5, "8ca523f5e9506fed4657c9700eebdbec"),
        (Algorithm::Sha256, "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ] {
        let asked = challenge("http-auth@example.org", nonce, algorithm, &[Qop::Auth]);
        let given = answer(&asked, "Mufasa", &secret, "GET", "/dir/index.html", b"", cnonce, 1).unwrap();
        assert_eq!(given.response, response);
        assert!(given.field().contains(&format!(", algorithm={}, qop=auth, nc=00000001", algorithm.name())));
    }
    // RFC 7616 §3.9.2 as errata 4897 corrects it: the value that was printed cuts SHA-512 short.
    let nonce = "5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK";
    let asked = challenge("api@example.org", nonce, Algorithm::Sha512t256, &[Qop::Auth]);
    let cnonce = "NTg6RKcb9boFIAS3KrFK9BGeh+iDa/sm6jUMp2wds69v";
    let secret = password("Secret, or not?");
    let given = answer(&asked, "J\u{e4}s\u{f8}n Doe", &secret, "GET", "/doe.json", b"", cnonce, 1).unwrap();
    assert_eq!(given.response, "3798d4131c277846293534c3edc11bd8a5e4cdcbff78b05db9d95eeb1cec68a5");
}

/// Response values by `openssl dgst` over the strings that RFC 7616 §3.4.1 names, piece by piece: without qop, `auth`, `auth-int`.
const BY_OPENSSL: [(Algorithm, [&str; 3]); 6] = [
    (
        Algorithm::Md5,
        ["3a3271f71dfd670aaf658215893460e7", "b3c071f700250dbcba96208fde1144df", "5047144fb58eab0476b2de4cc1a8b688"],
    ),
    (
        Algorithm::Md5Sess,
        ["bdbe5fa1a02a15ad78c20d5c65b25ae9", "c1fd46ddad3d430a5167b42172a71a5a", "8837fd6a00ad43ca0d7d5ecca527b815"],
    ),
    (
        Algorithm::Sha256,
        [
            "88ecde2b6cb02c2a97556e9bd0fc2992bbf0f64f08f3c8eb4f953785f69d7bef",
            "32d3466883947034412025ba3567240bea7dc545540b91171602f33d32a07fad",
            "2340831117eeb54ffdcf25679dd9a151acd2c5e1a258810e78eb30c9cf0d5d1b",
        ],
    ),
    (
        Algorithm::Sha256Sess,
        [
            "57b13036e9e3ab7e44bb26801271491fdabdfd3f28b2b9dfb686bda77aeb389e",
            "97dfbfbdf33fdaf3d46e6182177abb427cf6d40abade12d0aea73c1eb8268f82",
            "eff51ae1ef7e545fc7ef999075713138a93ddc9c2fd7e72c0afa099a928084d6",
        ],
    ),
    (
        Algorithm::Sha512t256,
        [
            "e6856b96949c5927e52300d8809f9943a62e0d99704be2e8092bbf4e33c2e661",
            "767a954ec76a942a7324cf618f868c9fff37ac0c9013f75b2229eb3cfb50ef0c",
            "8a77f0ebe7cb98a106e1093e6908d113c996400e053354a01d441647527bbb38",
        ],
    ),
    (
        Algorithm::Sha512t256Sess,
        [
            "69c6b50fce9fbfb8742014f91f85cbea656c3b61006fb3019b56084cf6ac3955",
            "8e2d91d866f655e8b36d7e01e5529b20241b1ad67d1cd6353676af9b6a212ac8",
            "6692c56ba37f41e509b495498a1327d450e38c2bd2228e1019661d645bdae606",
        ],
    ),
];

fn ours(algorithm: Algorithm, qop: &[Qop], secret: &Secret) -> Answer {
    let asked = challenge("lab.example.test", "n0", algorithm, qop);
    answer(&asked, "alice", secret, "REGISTER", "sip:lab.example.test", b"hi", "c0", 10).unwrap()
}

#[test]
fn every_algorithm_and_qop_is_as_openssl_has_it() {
    for (algorithm, expected) in BY_OPENSSL {
        let offers: [&[Qop]; 3] = [&[], &[Qop::Auth], &[Qop::AuthInt]];
        for (qop, expected) in offers.into_iter().zip(expected) {
            let given = ours(algorithm, qop, &password("secret"));
            assert_eq!(given.response, expected, "{algorithm:?} {qop:?}");
            assert_eq!(given.qop, qop.first().copied());
            // The hash that a server keeps does as well as the password.
            let ha1 = Secret::Ha1(algorithm.hash(b"alice:lab.example.test:secret"));
            assert_eq!(ours(algorithm, qop, &ha1), given);
        }
    }
}

#[test]
fn auth_is_preferred_and_an_unknown_offer_gets_no_answer() {
    let both = ours(Algorithm::Md5, &[Qop::AuthInt, Qop::Auth], &password("secret"));
    assert_eq!(both.qop, Some(Qop::Auth));
    let mut asked = challenge("r", "n", Algorithm::Md5, &[]);
    let try_it = |asked: &Challenge| answer(asked, "u", &password("p"), "REGISTER", "sip:h", b"", "c", 1);
    assert!(try_it(&asked).is_some());
    asked.has_qop = true;
    assert_eq!(try_it(&asked), None);
    asked.has_qop = false;
    asked.algorithm = None;
    assert_eq!(try_it(&asked), None);
}

#[test]
fn fields_quote_what_is_quoted_and_leave_tokens_bare() {
    let mut asked = challenge("a \"b\" \\c", "n", Algorithm::Sha256, &[Qop::Auth]);
    asked.opaque = Some(String::new());
    let given = answer(&asked, "dom\\u\"er", &password("p"), "REGISTER", "sip:h", b"", "c", 0x1f).unwrap();
    assert_eq!(
        given.field(),
        format!(
            "Digest username=\"dom\\\\u\\\"er\", realm=\"a \\\"b\\\" \\\\c\", nonce=\"n\", uri=\"sip:h\", \
             response=\"{}\", opaque=\"\", cnonce=\"c\", algorithm=SHA-256, qop=auth, nc=0000001f",
            given.response
        )
    );
    let old = ours(Algorithm::Md5, &[], &password("secret")).field();
    assert!(
        !old.contains("cnonce") && !old.contains("nc=") && !old.contains("qop") && !old.contains("opaque"),
        "{old}"
    );
    assert!(ours(Algorithm::Md5Sess, &[], &password("secret")).field().contains("cnonce=\"c0\""));
}

#[test]
fn verification_takes_the_right_answer_and_no_other() {
    for (algorithm, _) in BY_OPENSSL {
        let secret = password("secret");
        let mut given = ours(algorithm, &[Qop::AuthInt], &secret);
        assert!(verify(&given, &secret, "REGISTER", b"hi"));
        assert!(!verify(&given, &password("Secret"), "REGISTER", b"hi"));
        assert!(!verify(&given, &secret, "OPTIONS", b"hi"));
        assert!(!verify(&given, &secret, "REGISTER", b"ho"));
        given.response = given.response.to_ascii_uppercase();
        assert!(verify(&given, &secret, "REGISTER", b"hi"));
        given.response.pop();
        assert!(!verify(&given, &secret, "REGISTER", b"hi"));
        given.response.clear();
        assert!(!verify(&given, &secret, "REGISTER", b"hi"));
    }
}

#[test]
fn secrets_are_not_shown() {
    let shown = format!("{:?} {:?}", password("hunter2"), Secret::Ha1("abcdef".to_owned()));
    assert!(!shown.contains("hunter2") && !shown.contains("abcdef"), "{shown}");
}
