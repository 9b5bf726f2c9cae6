//! `auth-wrong-credentials`: credentials that answer the challenge as they should, and were refused. With passwords at hand the response is computed
//! again and says which input differs.

use super::attempt::{asked, ends, given};
use super::entries::{ENTRIES, WRONG};
use crate::analysis::{Case, Confidence, Finding, Part, words};
use crate::base::Safe;
use crate::digest::Given;
use crate::digest::forensics::{Context, Input, Verdict, explain};
use crate::sip::HeaderName;
use crate::trace::{Facts, Transaction};

/// Nonces and realms that are tried in place of those that were named.
const MOST: usize = 16;

/// The finding on the refused `last`; `before` are the requests before it.
pub fn wrong(case: &Case<'_>, last: &Transaction, before: &[&Transaction]) -> Finding {
    computed(case, last, before).unwrap_or_else(|| plain(case, last, before))
}

/// The same where only a computation proves that the credentials are wrong.
pub fn of_refusal(case: &Case<'_>, last: &Transaction, before: &[&Transaction]) -> Option<Finding> {
    computed(case, last, before).filter(|f| f.confidence == Confidence::Certain)
}

/// Without a password, by elimination.
fn plain(case: &Case<'_>, last: &Transaction, before: &[&Transaction]) -> Finding {
    let c = case.conversation;
    let Some((_, request, _, response)) = ends(c, last) else {
        return ENTRIES[WRONG].finding("credentials were refused".to_owned());
    };
    let all = given(c, request);
    let name = user(&all);
    let (who, by) = (request.flow.src, response.flow.src);
    let mut f = ENTRIES[WRONG]
        .finding(format!("{by} refused the credentials of {who} for {name}: the password or the user name is wrong"));
    f.confidence = Confidence::Likely;
    let refused = before.iter().filter(|t| matches!(t.final_status, 401 | 407)).count();
    f.detail.push(format!(
        "The {} carried credentials and was challenged again ({}), after {refused} challenge{} before it.",
        words::method(c, request),
        words::message(c, response),
        if refused == 1 { "" } else { "s" }
    ));
    let uri = all.iter().map(|(_, g)| g.uri.as_str()).find(|uri| uri.as_bytes() != c.text(request.uri_or_reason));
    if let Some(uri) = uri.filter(|uri| !uri.is_empty()) {
        f.detail.push(format!(
            "Their uri is {}, not the Request-URI: most servers do not mind, one that compares refuses that.",
            Safe(uri.as_bytes())
        ));
    }
    f.ruled_out = vec![
        "an old nonce: the credentials are for the nonce that was just given, and the new challenge does not say stale=true".to_owned(),
        "another realm or algorithm than was asked for: both are those of the challenge".to_owned(),
    ];
    if let (Some(asked), Some(refused)) = (last.request, last.final_response) {
        quote_user(&mut f, asked, &name_of(&all), refused);
    }
    f.positions = positions(last, before);
    f
}

/// Whom the credentials are for, and what came back.
fn quote_user(f: &mut Finding, asked: u32, user: &[u8], refused: u32) {
    for name in [HeaderName::Authorization, HeaderName::ProxyAuthorization] {
        f.quote(asked, Part::text_in(name, user), "refused");
    }
    f.quote(refused, Part::Name, "");
}

/// The user name of the first credentials, as it stands.
fn name_of(all: &[(bool, Given)]) -> Vec<u8> {
    all.first().map(|(_, g)| g.username.as_bytes().to_vec()).unwrap_or_default()
}

/// What a computation with the known passwords says; `None` where nothing is known of the user.
fn computed(case: &Case<'_>, last: &Transaction, before: &[&Transaction]) -> Option<Finding> {
    let c = case.conversation;
    let known = &case.settings.credentials;
    if known.is_empty() {
        return None;
    }
    let (_, request, _, response) = ends(c, last)?;
    let all = given(c, request);
    let nonces: Vec<String> = before
        .iter()
        .rev()
        .filter_map(|t| ends(c, t))
        .flat_map(|(.., r)| asked(c, r))
        .filter_map(|a| a.challenge)
        .flat_map(|ch| [ch.nonce, ch.realm])
        .take(2 * MOST)
        .collect();
    let (nonces, realms): (Vec<_>, Vec<_>) =
        nonces.chunks(2).filter_map(|p| Some((p.first()?.as_str(), p.get(1)?.as_str()))).unzip();
    let context = Context {
        method: &words::method(c, request),
        request_uri: std::str::from_utf8(c.text(request.uri_or_reason)).unwrap_or_default(),
        body_hash: request.body_hash(),
        realms: &realms,
        nonces: &nonces,
    };
    let (given, verdict) = all.iter().find_map(|(_, g)| Some((g, explain(g, &context, known)?)))?;
    if verdict == Verdict::UnknownUser && !known.iter().any(|k| k.realm.is_empty() || k.realm == given.realm) {
        return None;
    }
    Some(told(case, (request, response), given, &verdict, positions(last, before)))
}

fn told(
    case: &Case<'_>,
    (request, response): (&Facts, &Facts),
    given: &Given,
    verdict: &Verdict,
    positions: Vec<u32>,
) -> Finding {
    let c = case.conversation;
    let (who, by) = (request.flow.src, response.flow.src);
    let name = Safe(given.username.as_bytes()).to_string();
    let start = format!("{by} refused the credentials of {who} for {name}");
    let (title, detail) = match verdict {
        Verdict::Fits => (
            format!("{start}, and they are right for the password given here: {by} knows another one, or refuses for another reason"),
            "The response was computed again with the credentials file and fits to the last digit.".to_owned(),
        ),
        Verdict::OtherPassword => (
            format!("{start}: the password differs"),
            "The response was computed again with the credentials file. No change of user name, realm, uri, method, qop, nc, cnonce, nonce or algorithm makes it fit: \
             it was made with another password."
                .to_owned(),
        ),
        Verdict::UnknownUser => (
            format!("{start}: the credentials file knows no such user in the realm {}", Safe(given.realm.as_bytes())),
            "No password of the file, under any name, makes the response fit.".to_owned(),
        ),
        Verdict::Differs(input, value) => {
            let value = Safe(value.as_bytes()).to_string();
            (format!("{start}: {}", title_of(*input, &value)), format!("The response was computed again with the credentials file: {}", fits_with(*input, &value, given)))
        }
    };
    let mut f = ENTRIES[WRONG].finding(title);
    f.detail = vec![detail, format!("The refusal was {}.", words::message(c, response))];
    if *verdict == Verdict::UnknownUser {
        f.confidence = Confidence::Likely;
    } else if *verdict != Verdict::OtherPassword && *verdict != Verdict::Fits {
        f.ruled_out
            .push("another password: with the known one the response fits once this one input is changed".to_owned());
    }
    if let [.., asked, refused] = positions[..] {
        quote_user(&mut f, asked, given.username.as_bytes(), refused);
    }
    f.positions = positions;
    f
}

fn title_of(input: Input, value: &str) -> String {
    match input {
        Input::Password => format!("the password was typed {value}"),
        Input::Username => format!("the user name has to be {value}"),
        Input::Realm => format!("the realm of the password is {value}"),
        Input::Nonce => "they are for another nonce".to_owned(),
        Input::Uri => "the uri in them is not the one that was hashed".to_owned(),
        Input::Method => format!("the method that was hashed is {value}"),
        Input::Qop => "the qop in them is not the one that was hashed".to_owned(),
        Input::Count => "the nc in them is not the one that was hashed".to_owned(),
        Input::Cnonce => "the cnonce in them is not the one that was hashed".to_owned(),
        Input::Algorithm => format!("they were hashed with {value}, whatever they say"),
        Input::Body => "the body that was hashed is not the one that came".to_owned(),
    }
}

fn fits_with(input: Input, value: &str, given: &Given) -> String {
    let shown = |text: &str| Safe(text.as_bytes()).to_string();
    match input {
        Input::Password => format!("it fits with the password {value}."),
        Input::Username => format!("it fits the user {value} and not username=\"{}\".", shown(&given.username)),
        Input::Realm => format!("it fits with the realm \"{value}\"; the credentials say realm=\"{}\".", shown(&given.realm)),
        Input::Nonce => format!("it fits with the nonce \"{value}\"; the credentials say nonce=\"{}\".", shown(&given.nonce)),
        Input::Uri => format!("it fits with {value}; the credentials say uri=\"{}\".", shown(&given.uri)),
        Input::Method => format!("it fits with the method {value}, which is not the one of the request."),
        Input::Qop => format!("it fits with qop {value}; the credentials say {}.", given.qop.as_deref().map_or("none".to_owned(), shown)),
        Input::Count => format!("it fits with nc {value}; the credentials say {}.", shown(&given.nc)),
        Input::Cnonce if value.is_empty() => "it fits without the cnonce that the credentials name.".to_owned(),
        Input::Cnonce => format!("it fits with cnonce {value}; the credentials say {}.", shown(&given.cnonce)),
        Input::Algorithm => format!("it fits with {value}; the credentials say {}.", given.algorithm.as_deref().map_or("none, which means MD5".to_owned(), shown)),
        Input::Body => "it fits with an empty body, and the request has one: something added or changed it after the client had hashed it.".to_owned(),
    }
}

fn user(given: &[(bool, Given)]) -> String {
    given.first().map_or_else(|| "an unnamed user".to_owned(), |(_, g)| Safe(g.username.as_bytes()).to_string())
}

fn positions(last: &Transaction, before: &[&Transaction]) -> Vec<u32> {
    let challenge = before.iter().rev().find_map(|t| t.final_response);
    challenge.into_iter().chain(last.request).chain(last.final_response).collect()
}
