//! Challenges that were not answered, or not so that the server took it: `auth-no-credentials`, `auth-wrong-credentials`,
//! `auth-algorithm-mismatch`, `auth-realm-mismatch`, `auth-uri-mismatch`, `auth-nonce-reused`, `auth-stale`.
//!
//! A challenge that is answered and accepted is healthy, however many went before it. Only how a chain of requests ends is judged: what is
//! wrong with the last answer when it is held against the challenge that it answers.

use super::attempt::{Asked, asked, chains, ends, given, has_credentials, is_challenged};
use super::entries::{ALGORITHM, ENTRIES, NONCE, NONE, REALM, STALE, URI};
use super::forensics;
use crate::analysis::rules::Rule;
use crate::analysis::{Case, Confidence, Finding, Part, Severity, words};
use crate::base::Safe;
use crate::digest::Given;
use crate::sip::{HeaderName, Method, Uri};
use crate::trace::call::State;
use crate::trace::{Conversation, Facts, Kind, Transaction};

/// The rule.
pub const RULE: Rule = Rule { judge, entries: &ENTRIES };

/// A client answers a challenge at once; so long without an answer says that none will come.
const PATIENCE_NS: i64 = 3_000_000_000;

fn judge(case: &Case<'_>, findings: &mut Vec<Finding>) {
    let c = case.conversation;
    if !c.transactions.iter().any(is_challenged) {
        return;
    }
    for chain in chains(c) {
        findings.extend(judge_chain(case, &chain));
    }
}

fn judge_chain(case: &Case<'_>, chain: &[&Transaction]) -> Option<Finding> {
    let c = case.conversation;
    let (&last, before) = chain.split_last()?;
    let (_, request, _, response) = match last.final_status {
        0 => return None,
        400 | 401 | 403 | 407 => ends(c, last)?,
        _ => return stale(case, chain, None),
    };
    let with_credentials = has_credentials(c, request);
    if !is_challenged(last) {
        // A refusal for good: only what is visibly wrong with the credentials explains it.
        let previous = before.iter().rev().find(|t| is_challenged(t)).filter(|_| with_credentials)?;
        return Answered::of(c, last, previous)?.mismatch(case).or_else(|| forensics::of_refusal(case, last, before));
    }
    if !with_credentials {
        return no_credentials(case, last, None);
    }
    let new = asked(c, response);
    if new.iter().any(|a| a.challenge.as_ref().is_some_and(|ch| ch.stale)) {
        return stale(case, chain, Some(last));
    }
    let Some(previous) = before.iter().rev().find(|t| is_challenged(t)) else {
        // Credentials from an earlier time, and the new challenge was left alone.
        return forensics::of_refusal(case, last, before).or_else(|| no_credentials(case, last, None));
    };
    let answered = Answered::of(c, last, previous)?;
    if !new.iter().any(|n| answered.asked.iter().any(|a| a.is_like(n)) || answered.answers(n)) {
        return answered.mismatch(case).or_else(|| no_credentials(case, last, None));
    }
    if answered.is_in_the_wrong_field() {
        return no_credentials(case, last, Some(&answered));
    }
    answered.mismatch(case).or_else(|| Some(forensics::wrong(case, last, before)))
}

/// A request with credentials, held against the challenge before it.
struct Answered<'a> {
    c: &'a Conversation,
    positions: [u32; 3],
    request: &'a Facts,
    response: &'a Facts,
    asker: &'a Facts,
    asked: Vec<Asked>,
    given: Vec<(bool, Given)>,
}

impl<'a> Answered<'a> {
    fn of(c: &'a Conversation, t: &Transaction, previous: &Transaction) -> Option<Self> {
        let (at, request, refused, response) = ends(c, t)?;
        let (_, _, challenged, asker) = ends(c, previous)?;
        let positions = [challenged, at, refused];
        Some(Answered { c, positions, request, response, asker, asked: asked(c, asker), given: given(c, request) })
    }

    /// Whether there are credentials for this realm.
    fn answers(&self, asked: &Asked) -> bool {
        let Some(challenge) = &asked.challenge else { return false };
        self.given.iter().any(|(by_proxy, g)| *by_proxy == asked.by_proxy && g.realm == challenge.realm)
    }

    /// Credentials for a proxy where a server asked, or the other way round. RFC 3261 §22.3
    fn is_in_the_wrong_field(&self) -> bool {
        let wanted = |by_proxy: bool| self.asked.iter().any(|a| a.by_proxy == by_proxy);
        !self.given.is_empty() && self.given.iter().all(|(by_proxy, _)| !wanted(*by_proxy))
    }

    fn finding(&self, code: usize, title: String, detail: String) -> Finding {
        let mut f = ENTRIES[code].finding(title);
        let answer = words::message(self.c, self.response);
        f.detail = vec![detail, format!("{} refused it: {answer}.", self.response.flow.src)];
        f.positions = self.positions.to_vec();
        f
    }

    /// Quotes a value of the challenge, and what the credentials have in its place.
    fn quote(&self, f: &mut Finding, by_proxy: bool, asked: Option<&str>, given: &str) {
        let [challenged, at, _] = self.positions;
        let (challenge, credentials) = match by_proxy {
            true => (HeaderName::ProxyAuthenticate, HeaderName::ProxyAuthorization),
            false => (HeaderName::WwwAuthenticate, HeaderName::Authorization),
        };
        f.quote(challenged, Part::text_in(challenge, asked.unwrap_or_default().as_bytes()), "what was asked for");
        f.quote(at, Part::text_in(credentials, given.as_bytes()), "what was given");
    }

    /// What is visibly wrong with the credentials, whatever the password.
    fn mismatch(&self, case: &Case<'_>) -> Option<Finding> {
        self.realm().or_else(|| self.nonce(case)).or_else(|| self.algorithm()).or_else(|| self.uri())
    }

    fn realm(&self) -> Option<Finding> {
        let wanted = self.asked.iter().find(|a| a.challenge.is_some())?;
        let is_any = self.asked.iter().any(|a| self.answers(a));
        let (_, given) = self.given.iter().find(|(by_proxy, _)| *by_proxy == wanted.by_proxy).filter(|_| !is_any)?;
        let realm = wanted.challenge.as_ref().map(|ch| ch.realm.as_str()).unwrap_or_default();
        let who = self.request.flow.src;
        let (named, realm) = (Safe(given.realm.as_bytes()).to_string(), Safe(realm.as_bytes()).to_string());
        let title =
            format!("{who} answered for the realm \"{named}\", and {} asked for \"{realm}\"", self.asker.flow.src);
        let detail = format!(
            "The {} of the challenge names realm=\"{realm}\", the credentials say realm=\"{named}\".",
            self.asker.status
        );
        let mut f = self.finding(REALM, title, detail);
        self.quote(&mut f, wanted.by_proxy, wanted.challenge.as_ref().map(|ch| ch.realm.as_str()), &given.realm);
        f.ruled_out
            .push("a wrong password: it was not even looked at, as the server keeps passwords by realm".to_owned());
        Some(f)
    }

    fn nonce(&self, case: &Case<'_>) -> Option<Finding> {
        let is_current =
            |g: &Given| self.asked.iter().filter_map(|a| a.challenge.as_ref()).any(|ch| ch.nonce == g.nonce);
        let who = self.request.flow.src;
        let (_, given) = self.given.iter().find(|(p, g)| {
            self.asked.iter().any(|a| a.by_proxy == *p && a.challenge.as_ref().is_some_and(|ch| ch.realm == g.realm))
        })?;
        if !is_current(given) {
            let shown = Safe(short(&given.nonce)).to_string();
            let title =
                format!("{who} answered with an old nonce after {} had given it a new one", self.asker.flow.src);
            let detail =
                format!("The credentials are for nonce \"{shown}\", which is not in the challenge that they answer.");
            let mut f = self.finding(NONCE, title, detail);
            let by_proxy = self.asked.first().is_some_and(|a| a.by_proxy);
            self.quote(
                &mut f,
                by_proxy,
                self.asked.iter().find_map(|a| Some(a.challenge.as_ref()?.nonce.as_str())),
                &given.nonce,
            );
            f.ruled_out
                .push("a wrong password: a response for another nonce is refused whatever the password".to_owned());
            return Some(f);
        }
        // RFC 7616 §3.4: nc counts how often the client used the nonce.
        let count = |text: &str| u32::from_str_radix(text, 16).ok();
        let own = count(&given.nc).filter(|_| given.qop.is_some())?;
        let earlier = case.conversation.requests(self.request.method).take(MOST_REQUESTS).find(|(p, f)| {
            *p < self.positions[1]
                && f.cseq < self.request.cseq
                && f.flow.src.same_ip(&self.request.flow.src)
                && super::attempt::given(self.c, f)
                    .iter()
                    .any(|(_, g)| g.nonce == given.nonce && count(&g.nc) >= Some(own))
        });
        let (position, _) = earlier?;
        let title = format!("{who} used a nonce again with nc={}, which it had used before", Safe(given.nc.as_bytes()));
        let detail = "With qop the count has to grow with every use of a nonce: a server takes a count that it has seen for a replay.".to_owned();
        let mut f = self.finding(NONCE, title, detail);
        f.positions.insert(1, position);
        Some(f)
    }

    fn algorithm(&self) -> Option<Finding> {
        for (by_proxy, given) in &self.given {
            let offered: Vec<&Asked> = self
                .asked
                .iter()
                .filter(|a| a.by_proxy == *by_proxy && a.challenge.as_ref().is_some_and(|ch| ch.realm == given.realm))
                .collect();
            let used = given.algorithm();
            let fits =
                |a: &&Asked| a.challenge.as_ref().is_some_and(|ch| ch.algorithm.is_none() || ch.algorithm == used);
            if offered.is_empty() || offered.iter().any(fits) {
                continue;
            }
            let named = given.algorithm.as_deref().unwrap_or("MD5");
            let named = Safe(named.as_bytes()).to_string();
            let names: Vec<String> =
                offered.iter().map(|a| Safe(a.words.replacen("Digest ", "", 1).as_bytes()).to_string()).collect();
            let who = self.request.flow.src;
            let title =
                format!("{who} answered with {named}, and {} had offered {}", self.asker.flow.src, words::list(&names));
            let says = if given.algorithm.is_some() {
                format!("algorithm={named}")
            } else {
                "no algorithm, which means MD5".to_owned()
            };
            let mut f = self.finding(ALGORITHM, title, format!("The credentials name {says}; the challenge does not."));
            self.quote(
                &mut f,
                *by_proxy,
                names.first().map(String::as_str),
                given.algorithm.as_deref().unwrap_or_default(),
            );
            f.ruled_out.push("a wrong password: a hash of another kind cannot fit, whatever the password".to_owned());
            return Some(f);
        }
        None
    }

    /// Held against each other only where no proxy can have changed the Request-URI in between.
    fn uri(&self) -> Option<Finding> {
        if self.request.vias != 1 {
            return None;
        }
        let requested = self.c.text(self.request.uri_or_reason);
        // Old phones name their own address, and servers let them: only a 400 is an answer to that. RFC 2617 §3.2.2.5
        let own = |g: &Given| Uri::parse(g.uri.as_bytes()).ip() == Some(self.request.flow.src.ip());
        if self.response.status != 400 && self.given.iter().any(|(_, g)| own(g)) {
            return None;
        }
        let (_, given) = self.given.iter().find(|(_, g)| !is_same_uri(g.uri.as_bytes(), requested))?;
        let (named, requested) = (Safe(given.uri.as_bytes()).to_string(), Safe(requested).to_string());
        let who = self.request.flow.src;
        let title = format!("{who} proved itself for {named}, and asked for {requested}");
        let detail = format!(
            "uri=\"{named}\" in the credentials, {requested} as Request-URI: a server that compares them refuses the request."
        );
        let mut f = self.finding(URI, title, detail);
        let names = [HeaderName::Authorization, HeaderName::ProxyAuthorization];
        let uri = given.uri.as_bytes();
        names.iter().for_each(|&name| f.quote(self.positions[1], Part::text_in(name, uri), "what the proof is for"));
        f.quote(self.positions[1], Part::RequestUri, "what is asked for");
        f.confidence = Confidence::Likely;
        f.ruled_out
            .push("another realm, nonce or algorithm than was asked for: they are those of the challenge".to_owned());
        Some(f)
    }
}

/// Requests among which an earlier use of a nonce is looked for.
const MOST_REQUESTS: usize = 64;

/// The start of a nonce: enough to find it by.
fn short(nonce: &str) -> &[u8] {
    nonce.as_bytes().get(..24).unwrap_or(nonce.as_bytes())
}

/// Whether two URIs name the same user and host; what else differs, servers do not mind. RFC 3261 §19.1.4
fn is_same_uri(a: &[u8], b: &[u8]) -> bool {
    let (x, y) = (Uri::parse(a), Uri::parse(b));
    let is_plain = x.is_sip() && y.is_sip();
    !is_plain || (x.user == y.user && x.host.eq_ignore_ascii_case(y.host)) || a == b
}

/// Nothing answers the challenge of `last`.
fn no_credentials(case: &Case<'_>, last: &Transaction, wrong_field: Option<&Answered<'_>>) -> Option<Finding> {
    let c = case.conversation;
    let (at, request, challenged, response) = ends(c, last)?;
    let waited = case.now.since(response.time);
    let was_answered = c.kind == Kind::Call && matches!(case.outcome().state, State::Answered | State::Completed);
    if waited < PATIENCE_NS || (was_answered && last.method == Method::Invite) {
        return None;
    }
    let (who, asker) = (request.flow.src, response.flow.src);
    let title = format!("{who} did not answer the challenge of {asker} to its {}", words::method(c, request));
    let mut f = ENTRIES[NONE].finding(title);
    let asked = asked(c, response);
    let offers: Vec<String> = asked.iter().map(|a| Safe(a.words.as_bytes()).to_string()).collect();
    let seconds = words::duration(waited);
    f.detail.push(match (wrong_field, has_credentials(c, request)) {
        (Some(_), _) if response.status == 407 => {
            "The credentials came in Authorization, and a 407 asks for Proxy-Authorization.".to_owned()
        }
        (Some(_), _) => "The credentials came in Proxy-Authorization, and a 401 asks for Authorization.".to_owned(),
        (None, true) => {
            format!("The request had credentials, but none for this challenge; nothing followed in {seconds}.")
        }
        (None, false) => format!(
            "No request with credentials followed in the {seconds} that were captured after the {}.",
            response.status
        ),
    });
    match asked.iter().any(|a| a.challenge.as_ref().is_some_and(|ch| ch.algorithm.is_some())) {
        true => f.detail.push(format!("It asks for {}, which a client can answer.", words::list(&offers))),
        false if offers.is_empty() => {
            f.detail.push(format!("The {} has no challenge in it: nobody can answer that.", response.status))
        }
        false => f.detail.push(format!("It asks for {} alone, which few clients can answer.", words::list(&offers))),
    }
    f.confidence = if wrong_field.is_some() { Confidence::Certain } else { Confidence::Likely };
    if last.ack.is_some() {
        f.ruled_out.push(format!("a {} that was lost on its way: an ACK confirms it", response.status));
    } else if last.sends > 1 {
        f.confidence = Confidence::Possible;
        f.detail.push(format!(
            "The request was sent {}: perhaps the {} never arrived.",
            words::times(last.sends),
            response.status
        ));
    } else if last.method != Method::Invite && wrong_field.is_none() {
        f.ruled_out.push(format!("a {} that was lost on its way: the request was not sent again", response.status));
    }
    // A probe that is answered with a challenge has been answered: who sends it wants no more.
    if matches!(last.method, Method::Options | Method::Notify) {
        f.severity = Severity::Info;
    }
    super::weak::quote_challenge(&mut f, challenged, response);
    f.positions = vec![at, challenged];
    Some(f)
}

/// Nonces that had grown old. `refused` is the last transaction where even that was not accepted.
fn stale(case: &Case<'_>, chain: &[&Transaction], refused: Option<&Transaction>) -> Option<Finding> {
    let c = case.conversation;
    let is_stale = |t: &&&Transaction| {
        is_challenged(t)
            && ends(c, t).is_some_and(|(_, request, _, response)| {
                has_credentials(c, request)
                    && asked(c, response).iter().any(|a| a.challenge.as_ref().is_some_and(|ch| ch.stale))
            })
    };
    let all: Vec<&&Transaction> = chain.iter().filter(is_stale).collect();
    let (_, request, _, response) = ends(c, all.last()?)?;
    let (who, asker) = (request.flow.src, response.flow.src);
    let positions = all.iter().filter_map(|t| t.final_response).take(64).collect();
    let Some(last) = refused else {
        let mut f = ENTRIES[STALE]
            .finding(format!("the nonce of {who} had grown old; it answered the new one of {asker} and was accepted"));
        f.detail.push(format!(
            "stale=true {}: the password was right, only the nonce was not.",
            words::times(all.len() as u32)
        ));
        quote_stale(&mut f, &all);
        f.positions = positions;
        return Some(f);
    };
    let gave_up = case.now.since(response.time) >= PATIENCE_NS;
    if all.len() < 2 && !gave_up {
        return None;
    }
    let title = match all.len() {
        1 => format!("{who} did not answer the new nonce that {asker} gave it"),
        n => format!("{asker} called the nonce of {who} stale {} in a row", words::times(n as u32)),
    };
    let mut f = ENTRIES[STALE].finding(title);
    f.severity = Severity::Error;
    f.confidence = Confidence::Likely;
    let nonces = all
        .iter()
        .filter_map(|t| ends(c, t))
        .map(|(_, q, ..)| given(c, q).into_iter().map(|(_, g)| g.nonce).collect::<Vec<_>>());
    let mut used: Vec<String> = nonces.flatten().collect();
    used.sort_unstable();
    used.dedup();
    f.detail.push(match (all.len(), used.len()) {
        (1, _) => "A client has to take the nonce of a challenge with stale=true and send its request again; it needs to ask nobody.".to_owned(),
        (_, 1) => "It sent the same old nonce each time instead of the one in the challenge: the client does not take new nonces in.".to_owned(),
        (n, _) => format!("It answered a fresh nonce each time, {n} of them, and each was called old within one round trip: the server does not know the nonces that it gives out."),
    });
    if used.len() > 1 {
        f.ruled_out.push("a wrong password: stale=true says that the response was right for its nonce".to_owned());
    }
    quote_stale(&mut f, &all);
    f.positions = positions;
    f.positions.extend(last.final_response.filter(|p| !f.positions.contains(p)));
    Some(f)
}

/// The challenges that call a nonce stale.
fn quote_stale(f: &mut Finding, all: &[&&Transaction]) {
    const QUOTED: usize = 3;
    for position in all.iter().filter_map(|t| t.final_response).take(QUOTED) {
        for name in [HeaderName::WwwAuthenticate, HeaderName::ProxyAuthenticate] {
            f.quote(position, Part::text_in(name, b"stale=true"), "the nonce before is too old");
        }
    }
}
