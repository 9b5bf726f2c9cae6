//! What is said of the ways in which a call ends.

use crate::analysis::Severity;
use crate::analysis::rules::{Entry, Product};

pub(super) const REJECTED: usize = 0;
pub(super) const BUSY: usize = 1;
pub(super) const CANCELLED: usize = 2;
pub(super) const UNANSWERED: usize = 3;
pub(super) const REDIRECTED: usize = 4;
pub(super) const OPEN: usize = 5;

/// The entries of [`super::ending`].
pub(super) static ENTRIES: [Entry; 6] = [
    Entry {
        code: "call-rejected",
        severity: Severity::Error,
        meaning: "The call was refused with a final response; the one who sent it first is the one who decided. The status says of what kind the refusal is, \
                  Reason and Warning often say why.",
        noticed: "The caller hears a tone or an announcement at once; the called phone mostly never rang.",
        causes: &[
            "404, 484, 604: the number or user is not known there: dial plan, domain, number format (with or without + and area code).",
            "403, 603: not allowed: the account may not call there, the source address is not trusted, or the called user declined.",
            "480: the called user is not registered (any more).",
            "500, 503: the server that answered has a failure of its own, or its trunk or gateway is down or full.",
            "401, 407 to the end: credentials are missing or wrong.",
        ],
        confirm: "Look at the element that is named, at the time of the refusal, in its log; sipctl explain STATUS says what the status means.",
        fix: "Look at the status, and at Reason and Warning, on the element that is named: it decided.",
        settings: &[
            (
                Product::Asterisk,
                "dial plan of the endpoint's context=; pjsip set logger on and core set verbose 3 show which extension was not found; identify: match= for trunks",
            ),
            (
                Product::FreeSwitch,
                "dial plan of the profile's context; sofia global siptrace on; apply-inbound-acl for trunks",
            ),
            (
                Product::Kamailio,
                "lookup(\"location\") and the failure routes of the script; permissions: allow_trusted() / allow_source_address()",
            ),
            (
                Product::OpenSips,
                "lookup(\"location\") and the failure routes of the script; permissions: check_address()",
            ),
        ],
        rule: "RFC 3261 §21.4, §21.5, §21.6",
    },
    Entry {
        code: "call-busy",
        severity: Severity::Info,
        meaning: "The called side is busy, on this phone (486) or everywhere (600).",
        noticed: "The caller hears the busy tone.",
        causes: &[
            "The called user is in a call, and has no call waiting.",
            "Do not disturb is switched on: many phones answer 486 then.",
            "A limit of calls on the account or trunk is reached, and the server tells it as busy.",
        ],
        confirm: "See who sent the 486 first: the phone itself, or a server before it. A Reason with Q.850 cause 17 is the user, 34 a trunk that is full.",
        fix: "Nothing is broken. Call waiting, a second binding or voicemail would take such calls.",
        settings: &[
            (
                Product::Asterisk,
                "pjsip.conf, endpoint: device_state_busy_at; dial plan: GROUP() and GROUP_COUNT() for limits",
            ),
            (Product::FreeSwitch, "dial plan: the limit application"),
            (Product::Kamailio, "dialog: dlg_manage() with profiles (get_profile_size()) where the script answers 486"),
        ],
        rule: "RFC 3261 §21.4.24, §21.6.1",
    },
    Entry {
        code: "call-cancelled",
        severity: Severity::Info,
        meaning: "The caller gave up before anybody answered; 487 is the expected end of a cancelled INVITE.",
        noticed: "The called phone stops ringing; it shows a missed call.",
        causes: &[
            "The caller hung up.",
            "A server that rings several phones, or one for a limited time, gave this one up (dial time-out, answered elsewhere).",
            "It took too long until it rang, and the caller lost patience.",
        ],
        confirm: "See how long it had rung, and whether the CANCEL has a Reason (SIP;cause=200 is: answered elsewhere).",
        fix: "Nothing is broken. Where callers give up early, look at how long it rings and where.",
        settings: &[
            (Product::Asterisk, "dial plan: the time-out of Dial()"),
            (Product::FreeSwitch, "call_timeout, leg_timeout and originate_timeout"),
            (Product::Kamailio, "tm: fr_inv_timer"),
            (Product::OpenSips, "tm: fr_inv_timeout"),
        ],
        rule: "RFC 3261 §9.1, §21.4.25",
    },
    Entry {
        code: "call-unanswered",
        severity: Severity::Warning,
        meaning: "The call ran into a time-out: nobody picked up, or the called side is not there.",
        noticed: "It rings until the network gives up, or there is silence for half a minute and then an error.",
        causes: &[
            "Nobody is at the phone, and no voicemail or forward takes the call.",
            "The binding that the registrar has is stale: the phone is gone, or behind a NAT whose mapping has closed.",
            "The next hop (trunk, gateway, phone) is down or not reachable from the server that is named.",
        ],
        confirm: "If it never rang: is the called user registered, and does it answer an OPTIONS at that address (sipctl ping)? If it rang: nothing is wrong.",
        fix: "See whether the called user is registered and rings; a forward on no answer would take such calls.",
        settings: &[
            (
                Product::Asterisk,
                "pjsip.conf, aor: qualify_frequency finds dead phones; dial plan: the time-out of Dial(), then VoiceMail()",
            ),
            (Product::FreeSwitch, "directory: call_timeout; sofia profile: all-reg-options-ping, nat-options-ping"),
            (
                Product::Kamailio,
                "nathelper: natping_interval and sipping_bflag; tm: fr_timer (no answer at all), fr_inv_timer (rings)",
            ),
            (
                Product::OpenSips,
                "nathelper: natping_interval and sipping_bflag; tm: fr_timeout (no answer at all), fr_inv_timeout (rings)",
            ),
        ],
        rule: "RFC 3261 §21.4.9, §21.4.18",
    },
    Entry {
        code: "call-redirected",
        severity: Severity::Info,
        meaning: "The call was sent elsewhere with a 3xx response; its Contact says where.",
        noticed: "Nobody, if the caller follows; else the call ends with an error at the caller.",
        causes: &[
            "A call forward on the called phone.",
            "A redirect server that spreads calls or knows where the number is served (routing, number portability).",
        ],
        confirm: "See whether an INVITE to the Contact follows, from the caller or from the proxy, also under another Call-ID.",
        fix: "Nothing is broken if the caller follows the Contact.",
        settings: &[
            (Product::Asterisk, "pjsip.conf, endpoint: redirect_method=user|uri_core|uri_pjsip"),
            (Product::FreeSwitch, "sofia profile: manual-redirect"),
            (Product::Kamailio, "uac_redirect: get_redirects() in a failure route follows it on the proxy"),
            (Product::OpenSips, "uac_redirect: get_redirects() in a failure route follows it on the proxy"),
        ],
        rule: "RFC 3261 §8.1.3.4, §21.3",
    },
    Entry {
        code: "call-open",
        severity: Severity::Info,
        meaning: "The capture ends while the call is up: there is no BYE in it.",
        noticed: "Nobody: it says that the end of this call cannot be judged.",
        causes: &[
            "The capture was stopped before the call ended.",
            "The BYE took another way, past the place of capture (a proxy without Record-Route).",
        ],
        confirm: "Capture until the call ends, at one of the two user agents.",
        fix: "Capture for longer to see how the call ends.",
        settings: &[],
        rule: "RFC 3261 §15",
    },
];
