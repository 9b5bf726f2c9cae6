//! What a signed caller's number claims, held against the call: `identity-malformed`, `identity-stale`, `identity-number-mismatch`,
//! `identity-unverified`. (`identity-missing` needs many calls: see [`super::unsigned`].)

use super::entries::{ENTRIES, MALFORMED, NUMBER, STALE, UNVERIFIED};
use super::passport::Passport;
use super::signature::Verdict;
use crate::analysis::rules::Rule;
use crate::analysis::rules::attack::numbers::Dialled;
use crate::analysis::{Case, Confidence, Finding, Part, words};
use crate::base::{Safe, Timestamp};
use crate::sip::{Address, HeaderName, Method, Uri};
use crate::trace::{Conversation, Facts, Kind};

/// The rule.
pub const RULE: Rule = Rule { judge, entries: &ENTRIES };

/// A PASSporT is fresh for so long. RFC 8224 §6.2.2
const FRESH_S: i64 = 60;
/// Identity header fields of one request that are looked at.
const MOST: usize = 8;
/// Texts that long may have been cut when they were kept: they prove nothing.
const CUT: usize = 2048;
/// Fewer digits than this are no telephone number that could be told from another.
const NUMBER_DIGITS: usize = 5;

fn judge(case: &Case<'_>, findings: &mut Vec<Finding>) {
    let c = case.conversation;
    if c.kind != Kind::Call {
        return;
    }
    if case.seen().has(HeaderName::Identity)
        && let Some((position, request)) = signed_request(c)
    {
        let before = findings.len();
        for value in c.headers(request, HeaderName::Identity).take(MOST).filter(|v| v.len() < CUT) {
            judge_value(case, position, request, value, findings);
        }
        if findings.len() > before {
            return;
        }
    }
    findings.extend(refused(c).or_else(|| failed_verstat(case)));
}

/// The first INVITE that carries a signature.
fn signed_request(c: &Conversation) -> Option<(u32, &Facts)> {
    c.requests(Method::Invite).find(|(_, f)| !f.head_cut && c.header(f, HeaderName::Identity).is_some())
}

fn judge_value(case: &Case<'_>, position: u32, request: &Facts, value: &[u8], findings: &mut Vec<Finding>) {
    let source = request.flow.src;
    let add = |mut f: Finding| {
        f.quote(position, Part::text_in(HeaderName::Identity, value.get(..40).unwrap_or(value)), "");
        f.positions = vec![position];
        if let Some(response) = refusal(case.conversation) {
            f.detail.push(format!(
                "{} answered {}.",
                response.1.flow.src,
                words::message(case.conversation, response.1)
            ));
            f.positions.push(response.0);
        }
        f
    };
    let passport = match Passport::read(value) {
        Ok(Some(passport)) => passport,
        Ok(None) => return,
        Err(fault) => {
            let mut f = ENTRIES[MALFORMED]
                .finding(format!("the Identity of the INVITE from {source} cannot be read: {}", fault.what));
            f.rule = fault.rule;
            findings.push(add(f));
            return;
        }
    };
    let said = Safe(passport.words().as_bytes()).to_string();
    let mut found = None;
    if let Some(first) = passport.faults.first() {
        let mut f = ENTRIES[MALFORMED]
            .finding(format!("the Identity of the INVITE from {source} is not as it has to be: {}", first.what));
        f.rule = first.rule;
        f.detail
            .extend(passport.faults.iter().skip(1).map(|fault| format!("Besides, {} ({}).", fault.what, fault.rule)));
        found = Some(f);
    }
    let found = found
        .or_else(|| stale(case.conversation, request, &passport))
        .or_else(|| number(case.conversation, request, &passport))
        .or_else(|| unverified(case, source, &passport));
    if let Some(mut f) = found {
        f.detail.push(format!(
            "It says: {said}; signed {}, certificate at {}.",
            Timestamp::from_parts(passport.iat, 0).to_string().get(..19).unwrap_or_default(),
            Safe(passport.x5u.as_bytes())
        ));
        findings.push(add(f));
    }
}

fn stale(c: &Conversation, request: &Facts, passport: &Passport) -> Option<Finding> {
    let seen = request.time.0.div_euclid(1_000_000_000);
    let date = c.header(request, HeaderName::Date).and_then(date);
    let off = |at: i64| at.saturating_sub(passport.iat);
    let source = request.flow.src;
    let spoken = |seconds: i64| words::duration(seconds.saturating_abs().saturating_mul(1_000_000_000));
    let (seconds, by, confidence) = match date {
        Some(date) if off(date).saturating_abs() > FRESH_S => {
            (off(date), "the Date of the request", Confidence::Certain)
        }
        _ if off(seen).saturating_abs() > FRESH_S => {
            // A Date that agrees with the signature speaks against the clock of the capture, unless somebody refused it as stale.
            let confirmed = refusal(c).is_some_and(|(_, f)| f.status == 403);
            let confidence = if confirmed { Confidence::Certain } else { Confidence::Likely };
            (
                off(seen),
                "the clock of the capture",
                if date.is_some() && !confirmed { Confidence::Possible } else { confidence },
            )
        }
        _ => return None,
    };
    let when = if seconds > 0 { "before" } else { "after" };
    let mut f = ENTRIES[STALE]
        .finding(format!("the Identity of the INVITE from {source} was signed {} {when} the call", spoken(seconds)));
    f.confidence = confidence;
    f.detail.push(format!("iat and {by} are {} apart; a verifier takes {FRESH_S} s.", spoken(seconds)));
    if confidence == Confidence::Possible {
        f.severity = crate::analysis::Severity::Warning;
        f.detail.push("The Date of the request agrees with the signature: either the request was sent again later, or the clock of the capture is wrong.".to_owned());
    }
    Some(f)
}

/// Seconds since the epoch of a Date value. RFC 3261 §20.17
fn date(value: &[u8]) -> Option<i64> {
    let text = std::str::from_utf8(value).ok()?.trim();
    let parser = jiff::fmt::rfc2822::DateTimeParser::new();
    parser.parse_timestamp(text).ok().map(jiff::Timestamp::as_second)
}

/// A telephone number in the user part of a URI.
fn telephone(uri: &[u8]) -> Option<String> {
    let dialled = Dialled::of(Uri::parse(uri).user?)?;
    let digits = String::from_utf8_lossy(dialled.digits()).into_owned();
    (digits.len() >= NUMBER_DIGITS).then_some(digits)
}

/// Whether two spellings may be one number: without prefixes for abroad or for the country one ends in the other. RFC 8224 §8.3
fn is_same_number(a: &str, b: &str) -> bool {
    let bare = |n: &str| n.chars().filter(char::is_ascii_digit).collect::<String>().trim_start_matches('0').to_owned();
    let (a, b) = (bare(a), bare(b));
    a.len() < NUMBER_DIGITS || b.len() < NUMBER_DIGITS || a.ends_with(&b) || b.ends_with(&a)
}

fn number(c: &Conversation, request: &Facts, passport: &Passport) -> Option<Finding> {
    let asserted = c.headers(request, HeaderName::PAssertedIdentity).flat_map(Address::split);
    let asserted: Vec<String> = asserted.take(MOST).filter_map(|a| telephone(Address::parse(a).uri)).collect();
    let callers: Vec<String> = telephone(c.text(c.from)).into_iter().chain(asserted).collect();
    let is_caller = |n: &String| is_same_number(n, &passport.orig);
    let (who, source) = (Safe(passport.orig.as_bytes()).to_string(), request.flow.src);
    if !passport.orig.is_empty() && !callers.is_empty() && !callers.iter().any(is_caller) {
        let shown = callers.join(", ");
        let mut f =
            ENTRIES[NUMBER].finding(format!("{source} calls as {shown}, and the Identity was signed for {who}"));
        f.detail.push(format!("orig names {who}; From and P-Asserted-Identity name {shown}."));
        f.ruled_out.push("another spelling of the same number: neither ends in the other, prefixes aside".to_owned());
        return Some(f);
    }
    let called: Vec<String> =
        [telephone(c.text(c.to)), telephone(c.text(request.uri_or_reason))].into_iter().flatten().collect();
    let is_called = |n: &String| passport.dest.iter().any(|d| is_same_number(n, d));
    if passport.dest.is_empty() || called.is_empty() || called.iter().any(is_called) {
        return None;
    }
    let (signed, shown) = (Safe(passport.dest.join(", ").as_bytes()).to_string(), called.join(", "));
    let mut f =
        ENTRIES[NUMBER].finding(format!("{source} calls {shown}, and the Identity was signed for a call to {signed}"));
    f.detail.push(format!("dest names {signed}; To and Request-URI name {shown}."));
    f.ruled_out.push(
        "a call that was diverted: that would carry a second Identity with ppt=div for the new number".to_owned(),
    );
    Some(f)
}

fn unverified(case: &Case<'_>, source: crate::base::Endpoint, passport: &Passport) -> Option<Finding> {
    let Verdict::Bad(why) = case.settings.stir.as_ref()?.verify(passport) else { return None };
    let mut f = ENTRIES[UNVERIFIED]
        .finding(format!("the Identity of the INVITE from {source} cannot be believed: {}", Safe(why.as_bytes())));
    f.detail.push("The signature was verified with the certificates given here.".to_owned());
    Some(f)
}

/// The response of a verifier that did not take an Identity. RFC 8224 §6.2.2
fn refusal(c: &Conversation) -> Option<(u32, &Facts)> {
    c.firsts().find(|(_, f)| {
        f.method == Method::Invite
            && (matches!(f.status, 428 | 436 | 437 | 438)
                || (f.status == 403 && c.text(f.uri_or_reason).eq_ignore_ascii_case(b"Stale Date")))
    })
}

fn refused(c: &Conversation) -> Option<Finding> {
    if !c.transactions.iter().any(|t| matches!(t.final_status, 403 | 436..=438)) {
        return None;
    }
    let (position, f) = refusal(c).filter(|(_, f)| f.status != 428)?;
    let why = match f.status {
        436 => "it could not fetch the certificate",
        437 => "it does not trust the certificate",
        403 => "it is too old",
        _ => "the signature does not fit the request",
    };
    let mut found =
        ENTRIES[UNVERIFIED].finding(format!("{} did not believe the Identity of the caller: {why}", f.flow.src));
    found.detail.push(format!("It answered {}.", words::message(c, f)));
    found.quote(position, Part::Name, "");
    found.positions = c.transaction(f).and_then(|t| t.request).into_iter().chain([position]).collect();
    Some(found)
}

/// A verdict that a verifier on the way has put into the caller's number.
fn failed_verstat(case: &Case<'_>) -> Option<Finding> {
    let c = case.conversation;
    const FAILED: &[u8] = b"TN-Validation-Failed";
    let has_failed = |text: &[u8]| {
        memchr::memmem::find(text, b"verstat=").is_some_and(|at| {
            let verdict = text.get(at + b"verstat=".len()..).unwrap_or_default();
            verdict.get(..FAILED.len()).is_some_and(|v| v.eq_ignore_ascii_case(FAILED))
        })
    };
    let in_from = has_failed(c.text(c.from));
    let asserted = case.seen().has(HeaderName::PAssertedIdentity)
        && c.fields.iter().any(|f| f.name == HeaderName::PAssertedIdentity && has_failed(c.text(f.value)));
    if !in_from && !asserted {
        return None;
    }
    let is_marked = |f: &Facts| in_from || c.headers(f, HeaderName::PAssertedIdentity).any(has_failed);
    let (position, request) = c.requests(Method::Invite).find(|(_, f)| is_marked(f))?;
    let title = format!("a verifier before {} marked the caller's number as not verified", request.flow.dst);
    let mut f = ENTRIES[UNVERIFIED].finding(title);
    let place = if in_from { "From" } else { "P-Asserted-Identity" };
    f.detail.push(format!("{place} carries verstat=TN-Validation-Failed: there was a signature, and it did not hold."));
    f.positions = vec![position];
    Some(f)
}

#[cfg(test)]
mod tests {
    use super::{date, is_same_number, telephone};

    #[test]
    fn numbers_are_one_whatever_was_dialled_before_them() {
        assert!(is_same_number("+1 202-555-1234", "12025551234") && is_same_number("2025551234", "12025551234"));
        assert!(is_same_number("030123456", "4930123456") && is_same_number("0049301234567", "49301234567"));
        assert!(!is_same_number("12025551234", "12025551235") && !is_same_number("17035550000", "12025551234"));
        assert_eq!(
            telephone(b"sip:+1-202-555-1234;verstat=No-TN-Validation@h;user=phone").as_deref(),
            Some("12025551234")
        );
        assert_eq!((telephone(b"sip:anonymous@anonymous.invalid"), telephone(b"tel:112")), (None, None));
    }

    #[test]
    fn the_date_of_rfc_3261_is_read() {
        // date -u -d 'Sat, 13 Nov 2010 23:29:00 GMT' +%s
        assert_eq!(date(b"Sat, 13 Nov 2010 23:29:00 GMT"), Some(1_289_690_940));
        assert_eq!(date(b"yesterday"), None);
    }
}
