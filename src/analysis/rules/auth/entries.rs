//! What is said of the findings on authentication, whatever the case.

use crate::analysis::Severity;
use crate::analysis::rules::Entry;
use crate::analysis::rules::Product::{Asterisk, FreeSwitch, Kamailio, OpenSips};

pub(super) const NONE: usize = 0;
pub(super) const WRONG: usize = 1;
pub(super) const ALGORITHM: usize = 2;
pub(super) const REALM: usize = 3;
pub(super) const URI: usize = 4;
pub(super) const NONCE: usize = 5;
pub(super) const STALE: usize = 6;

/// Challenges and their answers.
pub(super) static ENTRIES: [Entry; 7] = [
    Entry {
        code: "auth-no-credentials",
        severity: Severity::Error,
        meaning: "A server or proxy asked for credentials (401, 407), and the client sent none: the request stays undone. As in HTTP, the first refusal is normal; \
                  what is missing is the second attempt.",
        noticed: "The user sees a failed registration or call at once; the server's log shows a challenge and then nothing.",
        causes: &[
            "The client has no user name or password for this server, as with a trunk that was meant to be known by its address",
            "The realm in the challenge is not the one that the client's account is tied to",
            "The challenge offers only an algorithm or a scheme that the client does not know, such as SHA-256 alone",
            "The 401 or 407 never reached the client",
        ],
        confirm: "sipctl register sip:USER@DOMAIN --password-file FILE -v shows whether an account is accepted. Compare the realm and the algorithms of the challenge (--messages headers) with the client's account.",
        fix: "Give the client a user name and password for this realm, or let the server trust the client's address if it is a trunk.",
        settings: &[
            (
                Asterisk,
                "pjsip.conf: outbound_auth= in the endpoint and the registration names an auth section with username= and password=; type=identify with match= trusts an address",
            ),
            (
                FreeSwitch,
                "gateway params username, password and realm; in a profile, apply-inbound-acl trusts addresses and auth-calls=false asks nobody",
            ),
            (
                Kamailio,
                "uac module: auth_username_avp, auth_password_avp, auth_realm_avp and uac_auth() in failure_route answer a challenge; permissions: allow_source_address()",
            ),
            (
                OpenSips,
                "uac_auth module: credential=user:realm:password; uac module: uac_auth() in failure_route, then t_relay(); permissions: check_source_address()",
            ),
        ],
        rule: "RFC 3261 §22.2, §22.3",
    },
    Entry {
        code: "auth-wrong-credentials",
        severity: Severity::Error,
        meaning: "The client answered the challenge for the right realm, nonce and algorithm, and was challenged again: what it hashed is not what the server hashed. \
                  Nearly always the password differs, or the user name that goes with it.",
        noticed: "The phone says that registration failed or asks for the password; many servers block the address after some attempts.",
        causes: &[
            "A wrong password on either side (typed wrongly, changed on one side only, white space copied with it)",
            "The authentication user name is not the extension (many providers give out both)",
            "The server keeps a hash that was made for another realm or user name",
            "Something on the way rewrote the Request-URI or the uri of the credentials",
        ],
        confirm: "sipctl decode FILE --credentials SECRETS computes the response again (lines user:realm:password) and names the input that differs.",
        fix: "Set the same password, user name and realm on both sides; where the server stores a hash, make it anew for its realm.",
        settings: &[
            (
                Asterisk,
                "pjsip.conf: type=auth with username=, password= (or password_digest=); the name that a peer sends must be that username",
            ),
            (FreeSwitch, "directory user params password or a1-hash; gateway params username, auth-username, password"),
            (
                Kamailio,
                "auth_db: calculate_ha1, password_column, user_column; a ha1 column is MD5 of user:realm:password",
            ),
            (
                OpenSips,
                "auth_db: calculate_ha1, password_column, user_column; a ha1 column is MD5 of user:realm:password",
            ),
        ],
        rule: "RFC 3261 §22.4",
    },
    Entry {
        code: "auth-algorithm-mismatch",
        severity: Severity::Error,
        meaning: "The client answered with a hash algorithm that the challenge did not offer: no password makes that fit.",
        noticed: "Registration or call is refused again and again, although the password is right.",
        causes: &[
            "The server asks for SHA-256, and the client knows MD5 alone and says so",
            "The client reads the first of several challenges and answers with the algorithm of another",
            "The client leaves the algorithm out, which means MD5",
        ],
        confirm: "Compare algorithm= in WWW-Authenticate and Authorization (--messages headers). sipctl register --algorithm MD5 shows whether the server takes it.",
        fix: "Let the server offer an algorithm that the client knows, as a second challenge behind the stronger one, or update the client.",
        settings: &[
            (
                Asterisk,
                "pjsip.conf: supported_algorithms_uas= and supported_algorithms_uac= in type=auth (20.12, 21.7, 22.2 and later)",
            ),
            (
                FreeSwitch,
                "mod_sofia offers MD5 as it comes: set the phone to MD5, or to the algorithm of the challenge",
            ),
            (Kamailio, "auth module: modparam(\"auth\", \"algorithm\", \"MD5\") or \"SHA-256\""),
            (OpenSips, "www_challenge() and proxy_challenge() take the algorithms to offer as their last parameter"),
        ],
        rule: "RFC 7616 §3.4, RFC 8760 §2.4",
    },
    Entry {
        code: "auth-realm-mismatch",
        severity: Severity::Error,
        meaning: "The credentials are for another realm than the challenge names: the server looks for a password under its own realm and finds that nothing fits.",
        noticed: "Registration or call is refused again and again, although the password is right.",
        causes: &[
            "A realm is fixed in the client's account and the server's was changed",
            "The client answers the challenge of a proxy with the account of the registrar behind it",
            "Two servers with different realms stand behind one name",
        ],
        confirm: "Compare realm= in the challenge and in the credentials (--messages headers).",
        fix: "Let the client take the realm from the challenge (an empty or * realm in its account), or give both servers the same realm.",
        settings: &[
            (
                Asterisk,
                "pjsip.conf: realm= in the type=auth of outbound_auth, left empty or * takes any; default_realm= in type=global is what Asterisk offers",
            ),
            (FreeSwitch, "gateway param realm; profile param challenge-realm (auto_from, auto_to or a name)"),
            (Kamailio, "the first parameter of www_challenge(), auth_check() and proxy_authorize() is the realm"),
            (OpenSips, "the first parameter of www_challenge() and www_authorize() is the realm"),
        ],
        rule: "RFC 3261 §22.1, §22.4",
    },
    Entry {
        code: "auth-uri-mismatch",
        severity: Severity::Error,
        meaning: "The uri that the client hashed into its credentials is not the Request-URI of its request: a server that compares them refuses the request.",
        noticed: "Registration or call is refused although the password is right, often only behind one particular proxy or ALG.",
        causes: &[
            "The client hashes the URI of the account, and sends to another one (an outbound proxy, a number with a prefix)",
            "An ALG or a proxy rewrote the Request-URI and left the credentials",
            "The client took over a redirect or a Route and kept the credentials",
        ],
        confirm: "Compare uri= in the credentials with the first line of the request, at the client and at the server: if they are alike at the client, something on the way changed one.",
        fix: "Let the client hash the Request-URI that it sends; switch SIP ALG off on the way.",
        settings: &[
            (
                Asterisk,
                "Asterisk compares neither as server; as client it hashes the Request-URI that it sends (contact= of the AOR, or the dialled URI)",
            ),
            (
                Kamailio,
                "auth module: with 1 in auth_checks_register, auth_checks_no_dlg or auth_checks_in_dlg a nonce is good for one Request-URI only",
            ),
        ],
        rule: "RFC 3261 §22.4",
    },
    Entry {
        code: "auth-nonce-reused",
        severity: Severity::Error,
        meaning: "The client answered with a nonce that was no longer to be used: an old one although a new one had just been given, or the same one with a count that it had used before. \
                  Servers take that for a replay.",
        noticed: "The first call or registration works, later ones are refused; or it fails after the server was restarted.",
        causes: &[
            "The client keeps a nonce from an earlier dialog and does not look at the new challenge",
            "The client does not count nc up",
            "Two programs share one account and one cache of nonces",
            "The server gives each nonce out for one use, and the client expects to use it again",
        ],
        confirm: "Follow nonce= and nc= through the messages (--messages headers): each challenge's nonce should be in the answer to it, and nc should grow by one with each use.",
        fix: "Update the client, or let the server give out nonces that may be used for some time.",
        settings: &[
            (
                Kamailio,
                "auth module: nonce_expire (seconds), nonce_count=1 lets a nonce be used again with a growing nc, one_time_nonce=0 or 1",
            ),
            (
                OpenSips,
                "auth module: nonce_expire (seconds), disable_nonce_check=1 lets a nonce be used more than once",
            ),
            (FreeSwitch, "profile param nonce-ttl (seconds)"),
            (Asterisk, "pjsip.conf: nonce_lifetime= in type=auth (seconds)"),
        ],
        rule: "RFC 7616 §3.3, §3.4",
    },
    Entry {
        code: "auth-stale",
        severity: Severity::Info,
        meaning: "The server says stale=true: the password was right and only the nonce too old. The client takes the new nonce and asks nobody. Once is normal; in a circle it is a fault.",
        noticed: "Nobody, when it is once. In a circle the client never gets in although its password is right, and the server's load grows.",
        causes: &[
            "Nonces live for a short time and registrations are refreshed after it",
            "Several servers behind one name do not know each other's nonces: each calls those of the others stale",
            "The server's clock jumps, or its secret changes at each start",
            "The client sends the old nonce again instead of the new one",
        ],
        confirm: "See which server gave out the nonce and which one called it stale: the source address of both responses, and whether the client's answer carries the newest nonce.",
        fix: "Nothing, when it is once. Else give servers that share a name the same secret for nonces, or keep a client with the server that challenged it.",
        settings: &[
            (Kamailio, "auth module: secret= the same on every node; nonce_expire"),
            (OpenSips, "auth module: secret= the same on every node; nonce_expire"),
            (Asterisk, "pjsip.conf: nonce_lifetime= in type=auth (seconds)"),
            (FreeSwitch, "profile param nonce-ttl (seconds)"),
        ],
        rule: "RFC 7616 §3.3",
    },
];

pub(super) const BASIC: usize = 0;
pub(super) const WEAK: usize = 1;

/// Authentication that protects little.
pub(super) static WEAKNESSES: [Entry; 2] = [
    Entry {
        code: "auth-basic",
        severity: Severity::Error,
        meaning: "Basic authentication: the password travels as it is, in base64. SIP does not allow it: a server must not ask for it, a client must not answer.",
        noticed: "Nobody, until the account is abused. A client that follows the rules refuses to register.",
        causes: &[
            "A server or gateway that took HTTP's habits over",
            "A client set to Basic by its provisioning",
            "Somebody tries to make clients tell their passwords",
        ],
        confirm: "sipctl decode FILE --messages headers shows the scheme of WWW-Authenticate and Authorization.",
        fix: "Let the server ask for Digest, best with SHA-256, and change passwords that were sent.",
        settings: &[],
        rule: "RFC 3261 §22.1",
    },
    Entry {
        code: "auth-weak",
        severity: Severity::Info,
        meaning: "The server offers MD5 alone. Who records the exchange can try billions of passwords a second against it.",
        noticed: "Nobody: it works. It matters when somebody records the traffic of an account with a short password.",
        causes: &["MD5 is what most servers are set to, and all that many phones know"],
        confirm: "algorithm= of each WWW-Authenticate or Proxy-Authenticate value: none means MD5.",
        fix: "Offer SHA-256 in front of MD5 where the server can, use long random passwords, and carry SIP over TLS.",
        settings: &[
            (Asterisk, "pjsip.conf: supported_algorithms_uas=SHA-256,MD5 in type=auth (20.12, 21.7, 22.2 and later)"),
            (Kamailio, "auth module: modparam(\"auth\", \"algorithm\", \"SHA-256\")"),
            (OpenSips, "the algorithms parameter of www_challenge(): \"MD5,SHA-256\""),
        ],
        rule: "RFC 8760 §2",
    },
];
