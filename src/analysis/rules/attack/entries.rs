//! What is said of the findings on attacks, whatever the case.

use crate::analysis::Severity;
use crate::analysis::rules::Entry;
use crate::analysis::rules::Product::{Asterisk, FreeSwitch, Kamailio, OpenSips};

pub(super) const SCANNER: usize = 0;
pub(super) const FLOOD: usize = 1;
pub(super) const EXTENSIONS: usize = 2;
pub(super) const GUESSING: usize = 3;
pub(super) const COMPROMISED: usize = 4;
pub(super) const TOLL: usize = 5;

/// The findings of this group.
pub(super) static ENTRIES: [Entry; 6] = [
    Entry {
        code: "scanner",
        severity: Severity::Warning,
        meaning: "Somebody looks for SIP servers with a tool that is made for that, and says so in User-Agent. It is the knock on the door; what follows is guessing of extensions and passwords.",
        noticed: "Nobody, or an administrator who reads logs. Phones that are reachable from outside may ring at night.",
        causes: &[
            "A server or phone that can be reached from the whole Internet: every such address is scanned within hours",
            "A test by your own security people",
        ],
        confirm: "sipctl decode FILE --ip ADDRESS --list shows all that this address sent, and what was answered.",
        fix: "Drop such requests without any answer, let only known addresses reach port 5060 where possible, and answer unknown users as known ones are answered.",
        settings: &[
            (
                Kamailio,
                "if ($ua =~ \"friendly-scanner|sipvicious|sipcli\") drop; — and secfilter or pike with htable for what does not say its name",
            ),
            (OpenSips, "if ($ua =~ \"friendly-scanner|sipvicious|sipcli\") drop; — and pike"),
            (
                Asterisk,
                "logger.conf: a security channel, read by fail2ban's asterisk filter; type=acl and type=identify in pjsip.conf",
            ),
            (
                FreeSwitch,
                "mod_fail2ban or fail2ban's freeswitch filter; apply-inbound-acl and apply-register-acl in the profile",
            ),
        ],
        rule: "RFC 3261 §26.1.5",
    },
    Entry {
        code: "flood",
        severity: Severity::Warning,
        meaning: "One address sends far more requests than anybody answers: a hundred and more in one second, hardly any accepted. Servers spend their time on refusing them.",
        noticed: "Calls take long to set up or fail for everybody; the server's load and its log grow.",
        causes: &[
            "A scan or a guessing attack at full speed",
            "A client in a loop: refused, it tries again at once",
            "A load test against a server that refuses it",
        ],
        confirm: "sipctl decode FILE --ip ADDRESS --list; look whether the requests differ in users (a scan) or are one request again and again (a loop).",
        fix: "Limit requests by source address before anything else looks at them; mend the client if it is one of yours.",
        settings: &[
            (Kamailio, "pike module: sampling_time_unit, reqs_density_per_unit and pike_check_req(); or ratelimit"),
            (OpenSips, "pike module: sampling_time_unit, reqs_density_per_unit and pike_check_req(); or ratelimit"),
            (FreeSwitch, "sessions-per-second in switch.conf.xml bounds calls; a firewall has to bound the rest"),
        ],
        rule: "RFC 3261 §26.1.5",
    },
    Entry {
        code: "extension-scan",
        severity: Severity::Warning,
        meaning: "One address asks for one user after the other and is refused: it finds out which extensions exist, by whether the answer is 404 or 401.",
        noticed: "Nobody, or a log full of unknown users. Extensions that exist are then tried with passwords.",
        causes: &[
            "A scanner (svwar and the like) that counts extensions up",
            "A dial plan or an import that calls users who are not there any more",
        ],
        confirm: "sipctl decode FILE --ip ADDRESS --list: users in ascending order, or names out of a dictionary, within seconds.",
        fix: "Answer unknown users exactly as known ones (a challenge), and block addresses that ask for many.",
        settings: &[
            (
                Asterisk,
                "chan_pjsip challenges unknown users like known ones (an artificial endpoint); with auth_username in endpoint_identifier_order=, unidentified_request_count= and unidentified_request_period= in type=global log a security event; fail2ban reads those",
            ),
            (
                Kamailio,
                "challenge before looking the user up: www_challenge() before lookup(); htable to count refusals by address",
            ),
            (
                OpenSips,
                "challenge before looking the user up: www_challenge() before lookup(); cache_add() or pike to count by address",
            ),
            (FreeSwitch, "log-auth-failures=true in the profile, for fail2ban"),
        ],
        rule: "RFC 3261 §26.1.1",
    },
    Entry {
        code: "password-guessing",
        severity: Severity::Warning,
        meaning: "One address sends credentials again and again and is refused each time, ten times within one minute and more: it tries passwords.",
        noticed: "Log lines about wrong passwords; sometimes the account is locked and its owner cannot call.",
        causes: &[
            "A tool that tries passwords (svcrack and the like)",
            "A phone with a wrong or outdated password that retries without waiting",
        ],
        confirm: "sipctl decode FILE --ip ADDRESS --list; a phone of yours uses one user name and its own User-Agent, a guesser often many or a made-up one.",
        fix: "Block the address after a few refusals, give every account a long random password, and do not use the extension as user name.",
        settings: &[
            (
                Asterisk,
                "fail2ban with the asterisk filter on the security log (InvalidPassword, ChallengeResponseFailed)",
            ),
            (FreeSwitch, "log-auth-failures=true in the profile and fail2ban's freeswitch filter"),
            (Kamailio, "htable: count refusals by $si after www_authorize() returns -2, and drop above a limit"),
            (OpenSips, "cache_add() counts refusals by $si after www_authorize() fails; drop above a limit"),
        ],
        rule: "RFC 3261 §26.1.1",
    },
    Entry {
        code: "account-compromised",
        severity: Severity::Error,
        meaning: "After many refused attempts at the speed of a program, credentials for the same account were accepted: the password was found. What follows is usually calls to expensive numbers.",
        noticed: "Often only the bill. The owner's phone may lose its registration, or calls show up that nobody made.",
        causes: &[
            "A short or common password, or one that is the extension number",
            "A phone of yours that retried without waiting until somebody corrected its password",
        ],
        confirm: "See what came after: sipctl decode FILE --ip ADDRESS --list. Ask the owner whether this address and User-Agent are theirs.",
        fix: "Change the password at once, remove bindings from that address, block it, and look through the calls of the account since then.",
        settings: &[
            (Asterisk, "CLI: pjsip show contacts; remove_existing=yes and a new password= in the account's auth"),
            (FreeSwitch, "CLI: sofia profile NAME flush_inbound_reg USER@DOMAIN reboot"),
            (Kamailio, "kamcmd ul.rm location AOR"),
            (OpenSips, "opensips-cli -x mi ul_rm location AOR"),
        ],
        rule: "RFC 3261 §26.1.1",
    },
    Entry {
        code: "toll-fraud",
        severity: Severity::Warning,
        meaning: "One address calls abroad at a rate that no person has, or dials one number behind ever other prefixes to find one that leads out. Somebody earns on those calls and you pay for them.",
        noticed: "The bill; a provider that blocks the account; lines that are busy at night.",
        causes: &[
            "An account whose password was found",
            "A server that routes calls of anybody to the provider (an open relay)",
            "A dialler of your own that calls abroad: then --home-country is not the right one for it",
        ],
        confirm: "sipctl decode FILE --ip ADDRESS --list: the numbers, whether they were answered and how long. Compare with the owner's usual calls.",
        fix: "Block the address and the account; allow calls abroad only to who needs them, with a limit of calls at once and a limit of cost at the provider.",
        settings: &[
            (
                Asterisk,
                "a context for unknown callers that reaches no trunk; device_state_busy_at= in the endpoint, GROUP_COUNT() in the dial plan bound calls at once",
            ),
            (
                FreeSwitch,
                "toll_allow in the directory and a condition on it in the dial plan; limit application for calls at once",
            ),
            (
                Kamailio,
                "permissions and dialplan modules for what may be dialled; dialog: get_profile_size() for calls at once",
            ),
            (
                OpenSips,
                "fraud_detection module: check_fraud() with profiles by number prefix; dialog profiles for calls at once",
            ),
        ],
        rule: "RFC 3261 §26.1.1, RFC 5039 §3",
    },
];
