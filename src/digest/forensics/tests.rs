use super::{Context, Given, Input, Known, Verdict, explain};
use crate::digest::Algorithm;

fn md5(text: &str) -> String {
    Algorithm::Md5.hash(text.as_bytes())
}

/// The example of RFC 2617 §3.5.
fn mufasa() -> Given {
    Given {
        username: "Mufasa".into(),
        realm: "testrealm@host.com".into(),
        nonce: "dcd98b7102dd2f0e8b11d0f600bfb0c093".into(),
        uri: "/dir/index.html".into(),
        response: "6629fae49393a05397450978507c4ef1".into(),
        algorithm: None,
        qop: Some("auth".into()),
        nc: "00000001".into(),
        cnonce: "0a4f113b".into(),
    }
}

fn known(user: &str, realm: &str, secret: &str) -> Known {
    Known { user: user.into(), realm: realm.into(), secret: secret.into() }
}

const GET: Context<'_> =
    Context { method: "GET", request_uri: "/dir/index.html", body_hash: None, realms: &[], nonces: &[] };

fn told(given: &Given, context: &Context<'_>, secret: &str) -> Verdict {
    explain(given, context, &[known("Mufasa", "testrealm@host.com", secret)]).unwrap()
}

#[test]
fn the_response_of_rfc_2617_fits_by_password_and_by_hash() {
    assert_eq!(told(&mufasa(), &GET, "Circle Of Life"), Verdict::Fits);
    // printf 'Mufasa:testrealm@host.com:Circle Of Life' | md5sum
    assert_eq!(told(&mufasa(), &GET, "939e7578ed9e3c518a452acee763bce9"), Verdict::Fits);
    assert_eq!(told(&mufasa(), &GET, "939E7578ED9E3C518A452ACEE763BCE9"), Verdict::Fits);
}

#[test]
fn each_input_that_differs_is_named() {
    let secret = "Circle Of Life";
    let differs = |input, value: &str| Verdict::Differs(input, value.to_owned());
    let other_method = Context { method: "POST", ..GET };
    // The client hashed GET, which no SIP client would: nothing fits, and the password is blamed.
    assert_eq!(told(&mufasa(), &other_method, secret), Verdict::OtherPassword);
    assert_eq!(told(&Given { uri: "/other".into(), ..mufasa() }, &GET, secret), differs(Input::Uri, "/dir/index.html"));
    assert_eq!(told(&Given { qop: None, ..mufasa() }, &GET, secret), differs(Input::Qop, "auth"));
    assert_eq!(told(&Given { nc: "00000002".into(), ..mufasa() }, &GET, secret), differs(Input::Count, "00000001"));
    let named = Given { algorithm: Some("SHA-256".into()), ..mufasa() };
    assert_eq!(told(&named, &GET, secret), differs(Input::Algorithm, "MD5"));
    let nonces = ["new", "dcd98b7102dd2f0e8b11d0f600bfb0c093"];
    let renewed = Given { nonce: "new".into(), ..mufasa() };
    assert_eq!(told(&renewed, &Context { nonces: &nonces, ..GET }, secret), differs(Input::Nonce, nonces[1]));
    assert_eq!(told(&mufasa(), &GET, "circle of life"), Verdict::OtherPassword);
    let upper = known("MUFASA", "testrealm@host.com", secret);
    assert_eq!(explain(&mufasa(), &GET, &[upper]), Some(differs(Input::Username, "MUFASA")));
    let elsewhere = known("Mufasa", "other", secret);
    assert_eq!(explain(&mufasa(), &GET, &[elsewhere]), Some(differs(Input::Realm, "other")));
    assert_eq!(explain(&mufasa(), &GET, &[known("Simba", "", "x")]), Some(Verdict::UnknownUser));
}

#[test]
fn how_a_password_was_typed_is_told_and_never_the_password() {
    let typed = |secret: &str| {
        let ha2 = md5("GET:/dir/index.html");
        let ha1 = md5(&format!("Mufasa:testrealm@host.com:{secret}"));
        let response = md5(&format!("{ha1}:dcd98b7102dd2f0e8b11d0f600bfb0c093:00000001:0a4f113b:auth:{ha2}"));
        told(&Given { response, ..mufasa() }, &GET, "Secret")
    };
    for (secret, how) in
        [("Secret ", "with a space behind it"), ("secret", "in lower case"), ("Mufasa", "the same as the user name")]
    {
        assert_eq!(typed(secret), Verdict::Differs(Input::Password, how.to_owned()));
    }
    assert!(!format!("{:?}", known("a", "b", "hunter2")).contains("hunter2"));
}

#[test]
fn a_body_that_was_changed_under_auth_int_is_told_where_it_can_be() {
    let ha1 = md5("Mufasa:testrealm@host.com:Circle Of Life");
    let response = |body: &str| {
        let ha2 = md5(&format!("GET:/dir/index.html:{}", md5(body)));
        md5(&format!("{ha1}:dcd98b7102dd2f0e8b11d0f600bfb0c093:00000001:0a4f113b:auth-int:{ha2}"))
    };
    let given = |body: &str| Given { qop: Some("auth-int".into()), response: response(body), ..mufasa() };
    let hash = md5("v=0");
    let context = Context { body_hash: Some(&hash), ..GET };
    assert_eq!(told(&given("v=0"), &context, "Circle Of Life"), Verdict::Fits);
    let differs = Verdict::Differs(Input::Body, "empty".to_owned());
    assert_eq!(told(&given(""), &context, "Circle Of Life"), differs);
}

#[test]
fn an_unknown_algorithm_is_nobodys_to_explain() {
    let given = Given { algorithm: Some("AKAv1-MD5".into()), ..mufasa() };
    assert_eq!(explain(&given, &GET, &[]), None);
}
