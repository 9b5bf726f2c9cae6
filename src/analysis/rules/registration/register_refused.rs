//! `register-refused`: a registrar refused a registration, or the credentials for it.

use crate::analysis::rules::Product::{Asterisk, FreeSwitch, Kamailio, OpenSips};
use crate::analysis::rules::auth::attempt::asked;
use crate::analysis::rules::{Entry, Rule};
use crate::analysis::{Case, Finding, Part, Severity, words};
use crate::sip::HeaderName;
use crate::trace::{Kind, registration};

/// The rule.
pub const RULE: Rule = Rule { judge, entries: &ENTRIES };

static ENTRIES: [Entry; 1] = [Entry {
    code: "register-refused",
    severity: Severity::Error,
    meaning: "The registrar did not accept the registration: the phone cannot be called.",
    noticed: "The phone shows that it is not registered; callers hear that the user is not available.",
    causes: &[
        "403: the account is barred, registers from an address that it may not use, or its password is wrong (many registrars say 403 then)",
        "404: the registrar knows no such user, or not under this domain",
        "400, 420, 421: it does not understand what the client sent or asks for",
        "5xx: its database or the server behind it does not work",
    ],
    confirm: "sipctl register sip:USER@DOMAIN --password-file FILE -v from the same network; the registrar's log at the time of the message.",
    fix: "Compare user name, realm and password with the registrar's; 403 and 404 mean that the account itself is barred or unknown.",
    settings: &[
        (
            Asterisk,
            "pjsip.conf: the endpoint's aors= names the type=aor of the user in To; max_contacts=0 (the default) lets nobody register; acl= and contact_acl=",
        ),
        (
            FreeSwitch,
            "the user in the directory under the domain of To; force-register-domain, apply-register-acl, multiple-registrations in the profile",
        ),
        (
            Kamailio,
            "registrar module: save() and max_contacts; domain module and multidomain in auth_db and usrloc (use_domain)",
        ),
        (OpenSips, "registrar module: save() and max_contacts; use_domain in usrloc and auth_db"),
    ],
    rule: "RFC 3261 §10.3",
}];

fn judge(case: &Case<'_>, findings: &mut Vec<Finding>) {
    let c = case.conversation;
    if c.kind != Kind::Registration || registration::Outcome::of(c).state != registration::State::Refused {
        return;
    }
    let Some((position, response)) = c.firsts().rfind(|(_, f)| f.is_final()) else { return };
    let request = c.transaction(response).and_then(|t| t.request);
    let with_credentials = request.and_then(|p| c.at(p)).is_some_and(|f| registration::has_credentials(c, f));
    let said = words::message(c, response);
    let mut f = ENTRIES[0].finding(format!("{} refused the registration: {said}", response.flow.src));
    if matches!(response.status, 401 | 407) && with_credentials {
        let is_stale = asked(c, response).iter().any(|a| a.challenge.as_ref().is_some_and(|ch| ch.stale));
        f.detail.push(match is_stale {
            true => "Credentials were sent with a nonce that had grown old (stale=true): the registrar gave a new one and waits for the same with that.".to_owned(),
            false => "Credentials were sent and refused: the password or the user name is wrong.".to_owned(),
        });
    }
    if response.status / 100 == 5 {
        f.fix = "The registrar is there and does not work: look at its log and configuration. Retry-After, where it is given, says when to try again.";
    }
    f.quote(position, Part::Name, "");
    for name in [HeaderName::Warning, HeaderName::Reason, HeaderName::RetryAfter] {
        f.quote(position, Part::first(name), "");
    }
    f.positions = request.into_iter().chain([position]).collect();
    findings.push(f);
}
