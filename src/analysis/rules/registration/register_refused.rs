//! `register-refused`: a registrar refused a registration, or the credentials for it.

use crate::analysis::rules::{Entry, Rule};
use crate::analysis::{Case, Finding, Severity, words};
use crate::trace::{Kind, registration};

/// The rule.
pub const RULE: Rule = Rule { judge, entries: &ENTRIES };

static ENTRIES: [Entry; 1] = [Entry {
    code: "register-refused",
    severity: Severity::Error,
    meaning: "The registrar did not accept the registration: the phone cannot be called.",
    rule: "RFC 3261 §10.3",
    fix: "Compare user name, realm and password with the registrar's; 403 and 404 mean that the account itself is barred or unknown.",
    ..Entry::BLANK
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
        f.detail.push("Credentials were sent and refused: the password or the user name is wrong.".to_owned());
    }
    if response.status / 100 == 5 {
        f.fix = "The registrar is there and does not work: look at its log and configuration. Retry-After, where it is given, says when to try again.";
    }
    f.positions = request.into_iter().chain([position]).collect();
    findings.push(f);
}
