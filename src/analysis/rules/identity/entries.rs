//! What is said of the findings on signed callers' numbers, whatever the case.

use crate::analysis::Severity;
use crate::analysis::rules::Entry;
use crate::analysis::rules::Product::{Asterisk, Kamailio, OpenSips};

pub(super) const MISSING: usize = 0;
pub(super) const MALFORMED: usize = 1;
pub(super) const STALE: usize = 2;
pub(super) const NUMBER: usize = 3;
pub(super) const UNVERIFIED: usize = 4;

/// The findings of this group.
pub(super) static ENTRIES: [Entry; 5] = [
    Entry {
        code: "identity-missing",
        severity: Severity::Info,
        meaning: "A call carries no signature for the caller's number (no Identity header field), though this caller signs other calls, or the called network asks for one (428). Networks that check \
                  numbers show such a call as unverified, or refuse it.",
        noticed: "Called people see the call marked as spam or without a tick; some networks refuse it.",
        causes: &[
            "Only some routes or trunks go through the signing service",
            "The signing service was not reachable and the call was let through without",
            "A proxy or an SBC on the way drops Identity, or the request grew too large with it",
        ],
        confirm: "sipctl decode FILE --messages headers before and behind each hop: where Identity is lost, or was never there.",
        fix: "Send every call with a telephone number through the signing service, and let no hop drop Identity; use TCP or TLS, as Identity makes requests large.",
        settings: &[
            (
                Asterisk,
                "stir_shaken.conf: [attestation], type=tn for each number, type=profile with endpoint_behavior=attest; pjsip.conf, endpoint: stir_shaken_profile=",
            ),
            (Kamailio, "stirshaken module: stirshaken_add_identity(); or secsipid: secsipid_add_identity()"),
            (OpenSips, "stir_shaken module: stir_shaken_auth()"),
        ],
        rule: "RFC 8224 §6.1, §6.2.2",
    },
    Entry {
        code: "identity-malformed",
        severity: Severity::Error,
        meaning: "The Identity header field of a call cannot be read, or lacks what it has to say: a verifier takes it for no signature, or refuses the call with 438.",
        noticed: "Called people see the call as unverified; some networks refuse it with 400, 436 or 438.",
        causes: &[
            "The signing service was set up wrongly (parameters, algorithm, claims)",
            "A hop cut, folded or changed the header field",
            "info names another certificate than the one that was signed (x5u)",
        ],
        confirm: "The finding names the part. By hand: each of the first two parts is base64url of JSON (basenc --base64url -d).",
        fix: "Mend the signing service; where Identity is whole at the sender and not here, mend the hop between.",
        settings: &[
            (
                Asterisk,
                "stir_shaken.conf: public_cert_url= and attest_level= in [attestation] or a section with type=tn",
            ),
            (Kamailio, "stirshaken_add_identity(x5u, attest, origtn, desttn, origid)"),
            (OpenSips, "stir_shaken_auth(attest, origid, cert, pkey, x5u)"),
        ],
        rule: "RFC 8224 §4",
    },
    Entry {
        code: "identity-stale",
        severity: Severity::Error,
        meaning: "The signature is older (or newer) than a verifier takes: more than a minute lies between its time and that of the call. It may be a replay; a verifier answers 403 Stale Date.",
        noticed: "Called people see the call as unverified; some networks refuse it with 403.",
        causes: &[
            "The clock of the signing server is wrong (no NTP)",
            "A signature is kept and used again, as for a second attempt or a diverted call",
            "Somebody copied the signature of another call",
            "The clock of the capture is wrong",
        ],
        confirm: "Compare iat with Date and with the time of the capture; chronyc tracking on the signing server.",
        fix: "Set the clock of the signing server by NTP, and sign each attempt anew.",
        settings: &[
            (Asterisk, "stir_shaken.conf: max_iat_age= in [verification] (seconds)"),
            (Kamailio, "stirshaken module: vs_identity_expire_s; secsipid module: expire (seconds)"),
            (OpenSips, "stir_shaken module: verify_date_freshness (seconds)"),
        ],
        rule: "RFC 8224 §6.2.2",
    },
    Entry {
        code: "identity-number-mismatch",
        severity: Severity::Error,
        meaning: "The number that was signed is not the number that calls, or the signature is for a call to somebody else: what is shown to the called person is not vouched for.",
        noticed: "Called people see the call as unverified; some networks refuse it with 438. Fraud looks like this, too.",
        causes: &[
            "From or P-Asserted-Identity was rewritten after the call was signed",
            "The called number was rewritten (a prefix, a diversion) without a new signature",
            "A signature of another call was copied",
        ],
        confirm: "Compare orig and dest with From, P-Asserted-Identity, To and the Request-URI at the signer and here.",
        fix: "Sign last, after all rewriting of numbers, with the number in full international form; diverting servers add a div PASSporT.",
        settings: &[
            (Asterisk, "stir_shaken.conf signs the caller ID of the channel: set CALLERID(num) before Dial"),
            (
                Kamailio,
                "call stirshaken_add_identity() or secsipid_add_identity() in the branch route, after uac_replace_from() and rewriting",
            ),
            (
                OpenSips,
                "give stir_shaken_auth() orig and dest as they leave: by itself it takes P-Asserted-Identity or From, and To, as they came in",
            ),
        ],
        rule: "RFC 8224 §6.2, RFC 8946 §3",
    },
    Entry {
        code: "identity-unverified",
        severity: Severity::Error,
        meaning: "The signature of a caller's number did not hold: a verifier said so (verstat, 436 to 438), or it does not fit the certificates given with --stir-certs and --stir-ca.",
        noticed: "Called people see the call as unverified or as spam; some networks refuse it.",
        causes: &[
            "The request was changed after it was signed",
            "The certificate cannot be fetched, has expired, or comes from an authority that the verifier does not trust",
            "The signer's key and the certificate that it names do not belong together",
            "A forged signature",
        ],
        confirm: "Fetch the certificate at x5u, and run sipctl decode FILE --stir-certs DIR --stir-ca FILE: it says which step fails.",
        fix: "Renew the certificate and see that x5u can be fetched from outside; sign with the key that belongs to it.",
        settings: &[
            (
                Asterisk,
                "stir_shaken.conf: ca_file=, ca_path=, failure_action= in [verification]; private_key_file=, public_cert_url= in [attestation]",
            ),
            (Kamailio, "stirshaken module: vs_verify_x509_cert_path, vs_ca_dir; stirshaken_check_identity()"),
            (OpenSips, "stir_shaken module: ca_list, ca_dir; stir_shaken_verify()"),
        ],
        rule: "RFC 8224 §6.2.2",
    },
];
