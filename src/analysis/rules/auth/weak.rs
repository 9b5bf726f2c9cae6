//! Authentication that protects little: `auth-basic`, a password that travels readable. (`auth-weak` is told once a server: see
//! [`crate::analysis::watch`].)

use super::attempt::{Asked, asked, is_challenged};
use super::entries::{BASIC, WEAK, WEAKNESSES};
use crate::analysis::rules::Rule;
use crate::analysis::{Case, Finding, Part};
use crate::base::{Endpoint, Safe};
use crate::digest::Algorithm;
use crate::sip::HeaderName;
use crate::trace::{Conversation, Facts};

/// The rule.
pub const RULE: Rule = Rule { judge, entries: &WEAKNESSES };

fn judge(case: &Case<'_>, findings: &mut Vec<Finding>) {
    let c = case.conversation;
    if !c.has_basic {
        return;
    }
    let names = [HeaderName::Authorization, HeaderName::ProxyAuthorization];
    let sent = |f: &Facts| names.iter().any(|&name| c.headers(f, name).any(begins_with_basic));
    if let Some((position, f)) = c.firsts().find(|(_, f)| f.is_request() && sent(f)) {
        let title = format!(
            "{} sent its password to {} in Basic credentials, which anybody on the way can read",
            f.flow.src, f.flow.dst
        );
        let mut told = WEAKNESSES[BASIC].finding(title);
        told.detail.push("Basic is the user name and the password in base64, without any protection.".to_owned());
        names.iter().for_each(|&name| told.quote(position, Part::text_in(name, b"Basic"), "a password in the clear"));
        told.positions = vec![position];
        findings.push(told);
        return;
    }
    let offers_no_other = |f: &Facts| {
        let all = asked(c, f);
        !all.is_empty() && all.iter().all(|a| a.challenge.is_none() && a.words.eq_ignore_ascii_case("Basic"))
    };
    if let Some((position, f)) = c.firsts().find(|(_, f)| matches!(f.status, 401 | 407) && offers_no_other(f)) {
        let title = format!("{} asks {} for Basic credentials, which RFC 3261 does not allow", f.flow.src, f.flow.dst);
        let mut told = WEAKNESSES[BASIC].finding(title);
        told.detail.push("No other scheme is offered: a client that follows RFC 3261 gives up, and one that does not tells its password.".to_owned());
        quote_challenge(&mut told, position, f);
        told.positions = vec![position];
        findings.push(told);
    }
}

/// Quotes the challenge of a 401 or a 407.
pub(super) fn quote_challenge(told: &mut Finding, position: u32, f: &Facts) {
    let name = if f.status == 407 { HeaderName::ProxyAuthenticate } else { HeaderName::WwwAuthenticate };
    told.quote(position, Part::first(name), "");
}

fn begins_with_basic(value: &[u8]) -> bool {
    value.trim_ascii_start().get(..5).is_some_and(|start| start.eq_ignore_ascii_case(b"Basic"))
}

/// The first challenge of a conversation, and who gave it: what says whether a server is known already.
pub fn first_challenge(c: &Conversation) -> Option<(u32, Endpoint)> {
    let t = c.transactions.iter().find(|t| is_challenged(t))?;
    let position = t.final_response?;
    Some((position, c.at(position)?.flow.src))
}

/// `auth-weak` on a challenge that offers nothing better than MD5.
pub fn weakness(c: &Conversation, position: u32) -> Option<Finding> {
    let f = c.at(position)?;
    let offers = asked(c, f);
    let is_md5 = |a: &Asked| {
        a.challenge.as_ref().is_some_and(|ch| matches!(ch.algorithm, Some(Algorithm::Md5 | Algorithm::Md5Sess)))
    };
    let first = offers.first()?;
    if !offers.iter().all(is_md5) {
        return None;
    }
    let realm = first.challenge.as_ref().map(|ch| ch.realm.clone()).unwrap_or_default();
    let title = format!("{} offers no better algorithm than MD5 for the realm {}", f.flow.src, Safe(realm.as_bytes()));
    let mut told = WEAKNESSES[WEAK].finding(title);
    told.detail.push("Told once for each server; other challenges of it are alike.".to_owned());
    if offers.iter().any(|a| a.challenge.as_ref().is_some_and(|ch| !ch.has_qop)) {
        told.detail.push("It offers no qop either: a response can be replayed as long as its nonce lives.".to_owned());
    }
    for name in [HeaderName::WwwAuthenticate, HeaderName::ProxyAuthenticate] {
        told.quote(position, Part::text_in(name, b"MD5"), "all that is offered");
    }
    told.positions = vec![position];
    Some(told)
}
