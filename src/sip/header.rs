//! The table of header fields.

/// How often a header field may stand in a message, and how. RFC 3261 §7.3.1
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Occurrence {
    /// At most once, with one value.
    Once,
    /// Any number of times, and each may hold several values parted by commas.
    List,
    /// Any number of times, with one value each: a comma is part of the value (as in a challenge).
    Repeated,
}

struct Row {
    name: &'static str,
    compact: u8,
    occurrence: Occurrence,
    rule: &'static str,
}

macro_rules! header_fields {
    ($($variant:ident $name:literal $compact:literal $occurrence:ident $rule:literal,)+) => {
        /// A header field name: those of the IANA registry "Session Initiation Protocol (SIP) Parameters", and
        /// Diversion (RFC 5806), which the registry lacks and gateways send.
        #[derive(Clone, Copy, PartialEq, Eq, Debug, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum HeaderName {
            $(#[doc = concat!($name, ", ", $rule)] $variant,)+
            /// Any other.
            Other,
        }

        impl HeaderName {
            /// Every header field of the table, in its order.
            pub const ALL: &'static [HeaderName] = &[$(HeaderName::$variant,)+];
        }

        const ROWS: &[Row] = &[$(
            Row { name: $name, compact: $compact, occurrence: Occurrence::$occurrence, rule: $rule },
        )+];
    };
}

header_fields! {
    Accept "Accept" 0 List "RFC 3261 §20.1",
    AcceptContact "Accept-Contact" b'a' List "RFC 3841",
    AcceptEncoding "Accept-Encoding" 0 List "RFC 3261 §20.2",
    AcceptLanguage "Accept-Language" 0 List "RFC 3261 §20.3",
    AcceptResourcePriority "Accept-Resource-Priority" 0 List "RFC 4412",
    AdditionalIdentity "Additional-Identity" 0 List "3GPP TS 24.229",
    AlertInfo "Alert-Info" 0 List "RFC 3261 §20.4",
    AlertMsgError "AlertMsg-Error" 0 Once "RFC 8876",
    Allow "Allow" 0 List "RFC 3261 §20.5",
    AllowEvents "Allow-Events" b'u' List "RFC 6665",
    AnswerMode "Answer-Mode" 0 Once "RFC 5373",
    AttestationInfo "Attestation-Info" 0 Once "3GPP TS 24.229",
    AuthenticationInfo "Authentication-Info" 0 Repeated "RFC 3261 §20.6",
    Authorization "Authorization" 0 Repeated "RFC 3261 §20.7",
    CallId "Call-ID" b'i' Once "RFC 3261 §20.8",
    CallInfo "Call-Info" 0 List "RFC 3261 §20.9",
    CellularNetworkInfo "Cellular-Network-Info" 0 List "3GPP TS 24.229",
    Contact "Contact" b'm' List "RFC 3261 §20.10",
    ContentDisposition "Content-Disposition" 0 Once "RFC 3261 §20.11",
    ContentEncoding "Content-Encoding" b'e' List "RFC 3261 §20.12",
    ContentId "Content-ID" 0 Once "RFC 8262",
    ContentLanguage "Content-Language" 0 List "RFC 3261 §20.13",
    ContentLength "Content-Length" b'l' Once "RFC 3261 §20.14",
    ContentType "Content-Type" b'c' Once "RFC 3261 §20.15",
    CSeq "CSeq" 0 Once "RFC 3261 §20.16",
    Date "Date" 0 Once "RFC 3261 §20.17",
    DcInfo "DC-Info" 0 List "3GPP TS 24.186",
    Diversion "Diversion" 0 List "RFC 5806",
    Encryption "Encryption" 0 Repeated "RFC 2543",
    ErrorInfo "Error-Info" 0 List "RFC 3261 §20.18",
    Event "Event" b'o' Once "RFC 6665",
    Expires "Expires" 0 Once "RFC 3261 §20.19",
    FeatureCaps "Feature-Caps" 0 List "RFC 6809",
    FlowTimer "Flow-Timer" 0 Once "RFC 5626",
    From "From" b'f' Once "RFC 3261 §20.20",
    Geolocation "Geolocation" 0 List "RFC 6442",
    GeolocationError "Geolocation-Error" 0 Once "RFC 6442",
    GeolocationRouting "Geolocation-Routing" 0 Once "RFC 6442",
    Hide "Hide" 0 Repeated "RFC 2543",
    HistoryInfo "History-Info" 0 List "RFC 7044",
    Identity "Identity" b'y' Repeated "RFC 8224",
    IdentityInfo "Identity-Info" 0 Repeated "RFC 4474",
    InReplyTo "In-Reply-To" 0 List "RFC 3261 §20.21",
    InfoPackage "Info-Package" 0 Once "RFC 6086",
    Join "Join" 0 Once "RFC 3911",
    MaxBreadth "Max-Breadth" 0 Once "RFC 5393",
    MaxForwards "Max-Forwards" 0 Once "RFC 3261 §20.22",
    MimeVersion "MIME-Version" 0 Once "RFC 3261 §20.24",
    MinExpires "Min-Expires" 0 Once "RFC 3261 §20.23",
    MinSe "Min-SE" 0 Once "RFC 4028",
    Organization "Organization" 0 Once "RFC 3261 §20.25",
    OriginationId "Origination-Id" 0 Once "3GPP TS 24.229",
    PAccessNetworkInfo "P-Access-Network-Info" 0 List "RFC 7315",
    PAnswerState "P-Answer-State" 0 Once "RFC 4964",
    PAssertedIdentity "P-Asserted-Identity" 0 List "RFC 3325",
    PAssertedService "P-Asserted-Service" 0 List "RFC 6050",
    PAssociatedUri "P-Associated-URI" 0 List "RFC 7315",
    PCalledPartyId "P-Called-Party-ID" 0 Once "RFC 7315",
    PChargeInfo "P-Charge-Info" 0 Once "RFC 8496",
    PChargingFunctionAddresses "P-Charging-Function-Addresses" 0 List "RFC 7315",
    PChargingVector "P-Charging-Vector" 0 Once "RFC 7315",
    PDcsBillingInfo "P-DCS-Billing-Info" 0 Once "RFC 5503",
    PDcsLaes "P-DCS-LAES" 0 Once "RFC 5503",
    PDcsOsps "P-DCS-OSPS" 0 Once "RFC 5503",
    PDcsRedirect "P-DCS-Redirect" 0 Once "RFC 5503",
    PDcsTracePartyId "P-DCS-Trace-Party-ID" 0 Once "RFC 5503",
    PEarlyMedia "P-Early-Media" 0 Once "RFC 5009",
    PMediaAuthorization "P-Media-Authorization" 0 List "RFC 3313",
    PPreferredIdentity "P-Preferred-Identity" 0 List "RFC 3325",
    PPreferredService "P-Preferred-Service" 0 List "RFC 6050",
    PPrivateNetworkIndication "P-Private-Network-Indication" 0 Once "RFC 7316",
    PProfileKey "P-Profile-Key" 0 Once "RFC 5002",
    PRefusedUriList "P-Refused-URI-List" 0 List "RFC 5318",
    PServedUser "P-Served-User" 0 Once "RFC 5502",
    PUserDatabase "P-User-Database" 0 Once "RFC 4457",
    PVisitedNetworkId "P-Visited-Network-ID" 0 List "RFC 7315",
    Path "Path" 0 List "RFC 3327",
    PermissionMissing "Permission-Missing" 0 List "RFC 5360",
    PolicyContact "Policy-Contact" 0 List "RFC 6794",
    PolicyId "Policy-ID" 0 List "RFC 6794",
    Priority "Priority" 0 Once "RFC 3261 §20.26",
    PriorityShare "Priority-Share" 0 Once "3GPP TS 24.229",
    PriorityVerstat "Priority-Verstat" 0 Once "3GPP TS 24.229",
    PrivAnswerMode "Priv-Answer-Mode" 0 Once "RFC 5373",
    Privacy "Privacy" 0 Once "RFC 3323",
    ProxyAuthenticate "Proxy-Authenticate" 0 Repeated "RFC 3261 §20.27",
    ProxyAuthorization "Proxy-Authorization" 0 Repeated "RFC 3261 §20.28",
    ProxyRequire "Proxy-Require" 0 List "RFC 3261 §20.29",
    RAck "RAck" 0 Once "RFC 3262",
    RSeq "RSeq" 0 Once "RFC 3262",
    Reason "Reason" 0 List "RFC 3326",
    ReasonPhrase "Reason-Phrase" 0 Once "RFC 6873",
    RecordRoute "Record-Route" 0 List "RFC 3261 §20.30",
    RecvInfo "Recv-Info" 0 List "RFC 6086",
    ReferEventsAt "Refer-Events-At" 0 Once "RFC 7614",
    ReferSub "Refer-Sub" 0 Once "RFC 4488",
    ReferTo "Refer-To" b'r' Once "RFC 3515",
    ReferredBy "Referred-By" b'b' Once "RFC 3892",
    RejectContact "Reject-Contact" b'j' List "RFC 3841",
    RelayedCharge "Relayed-Charge" 0 Once "3GPP TS 24.229",
    Replaces "Replaces" 0 Once "RFC 3891",
    ReplyTo "Reply-To" 0 Once "RFC 3261 §20.31",
    RequestDisposition "Request-Disposition" b'd' List "RFC 3841",
    Require "Require" 0 List "RFC 3261 §20.32",
    ResourcePriority "Resource-Priority" 0 List "RFC 4412",
    ResourceShare "Resource-Share" 0 Once "3GPP TS 24.229",
    ResponseKey "Response-Key" 0 Repeated "RFC 2543",
    ResponseSource "Response-Source" 0 Once "3GPP TS 24.229",
    RestorationInfo "Restoration-Info" 0 Once "3GPP TS 24.229",
    RetryAfter "Retry-After" 0 Once "RFC 3261 §20.33",
    Route "Route" 0 List "RFC 3261 §20.34",
    SecurityClient "Security-Client" 0 List "RFC 3329",
    SecurityServer "Security-Server" 0 List "RFC 3329",
    SecurityVerify "Security-Verify" 0 List "RFC 3329",
    Server "Server" 0 Once "RFC 3261 §20.35",
    ServiceInteractInfo "Service-Interact-Info" 0 Once "3GPP TS 24.229",
    ServiceRoute "Service-Route" 0 List "RFC 3608",
    SessionExpires "Session-Expires" b'x' Once "RFC 4028",
    SessionId "Session-ID" 0 Once "RFC 7989",
    SipETag "SIP-ETag" 0 Once "RFC 3903",
    SipIfMatch "SIP-If-Match" 0 Once "RFC 3903",
    Subject "Subject" b's' Once "RFC 3261 §20.36",
    SubscriptionState "Subscription-State" 0 Once "RFC 6665",
    Supported "Supported" b'k' List "RFC 3261 §20.37",
    SuppressIfMatch "Suppress-If-Match" 0 Once "RFC 5839",
    TargetDialog "Target-Dialog" 0 Once "RFC 4538",
    Timestamp "Timestamp" 0 Once "RFC 3261 §20.38",
    To "To" b't' Once "RFC 3261 §20.39",
    TriggerConsent "Trigger-Consent" 0 List "RFC 5360",
    Unsupported "Unsupported" 0 List "RFC 3261 §20.40",
    UserAgent "User-Agent" 0 Once "RFC 3261 §20.41",
    UserToUser "User-to-User" 0 List "RFC 7433",
    Via "Via" b'v' List "RFC 3261 §20.42",
    WwwAuthenticate "WWW-Authenticate" 0 Repeated "RFC 3261 §20.44",
    Warning "Warning" 0 List "RFC 3261 §20.43",
}

impl HeaderName {
    /// The header field of that name, in whatever case and in full or compact form.
    #[inline]
    #[must_use]
    pub fn of(name: &[u8]) -> HeaderName {
        if let [letter] = name {
            return by_letter(*letter);
        }
        let key = key(name);
        let slot = place(key);
        if SLOTS[slot].key == key && name.len() <= WHOLE_KEY {
            return SLOTS[slot].name;
        }
        by_probing(slot, key, name)
    }

    /// As the standard spells it; empty for [`HeaderName::Other`].
    #[must_use]
    pub fn canonical(self) -> &'static str {
        ROWS.get(self as usize).map_or("", |row| row.name)
    }

    /// The compact form, where there is one. RFC 3261 §7.3.3
    #[must_use]
    pub fn compact(self) -> Option<char> {
        ROWS.get(self as usize).map(|row| row.compact).filter(|&c| c != 0).map(char::from)
    }

    /// How often it may be there. What is not registered may be there any number of times.
    #[inline]
    #[must_use]
    pub fn occurrence(self) -> Occurrence {
        ROWS.get(self as usize).map_or(Occurrence::Repeated, |row| row.occurrence)
    }

    /// Whether a comma in its value parts two values. RFC 3261 §7.3.1
    #[must_use]
    pub fn is_list(self) -> bool {
        self.occurrence() == Occurrence::List
    }

    /// The document that defines it; empty for [`HeaderName::Other`].
    #[must_use]
    pub fn rule(self) -> &'static str {
        ROWS.get(self as usize).map_or("", |row| row.rule)
    }
}

/// Number of names in the table; also the number of [`HeaderName::Other`].
pub(super) const COUNT: usize = ROWS.len();

/// Letters of the longest name that its key holds all of.
const WHOLE_KEY: usize = 16;

/// First and last letters of a name without their case, and its length: all of a name of up to [`WHOLE_KEY`] letters.
type Key = (u64, u64, u32);

#[derive(Clone, Copy)]
struct Slot {
    key: Key,
    /// [`HeaderName::Other`] in a slot without a name.
    name: HeaderName,
}

/// The names hashed by their keys; a taken slot passes a name on to the next one.
static SLOTS: [Slot; 512] = {
    let mut slots = [Slot { key: (0, 0, 0), name: HeaderName::Other }; 512];
    let mut row = 0;
    while row < ROWS.len() {
        let key = key(ROWS[row].name.as_bytes());
        let mut slot = place(key);
        while slots[slot].name as usize != COUNT {
            slot = (slot + 1) % slots.len();
        }
        slots[slot] = Slot { key, name: HeaderName::ALL[row] };
        row += 1;
    }
    slots
};

/// The key of a name: eight letters at a time, since names are looked up by the million.
#[inline]
const fn key(name: &[u8]) -> Key {
    let (first, last) = match (name.first_chunk::<8>(), name.last_chunk::<8>()) {
        (Some(first), Some(last)) => (u64::from_le_bytes(*first), u64::from_le_bytes(*last)),
        _ => match (name.first_chunk::<4>(), name.last_chunk::<4>()) {
            (Some(first), Some(last)) => (u32::from_le_bytes(*first) as u64, u32::from_le_bytes(*last) as u64),
            _ => match *name {
                [a, b] => (a as u64, b as u64),
                [a, b, c] => (a as u64 | (b as u64) << 8, c as u64),
                _ => (0, 0),
            },
        },
    };
    (lower(first), lower(last), name.len() as u32)
}

/// Sets the bit of lower case in every byte from `@` on: no two names of the table are mixed up by that, and `-` stays.
#[inline]
const fn lower(letters: u64) -> u64 {
    letters | (letters & 0x4040_4040_4040_4040) >> 1
}

/// Where a key's search starts.
#[inline]
const fn place((first, last, length): Key) -> usize {
    let mixed = (first ^ last.rotate_left(29) ^ length as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed >> 55) as usize
}

/// The name with that key from `slot` on. The key leaves out the middle of long names.
fn by_probing(mut slot: usize, key: Key, name: &[u8]) -> HeaderName {
    loop {
        let Slot { key: there, name: found } = SLOTS[slot];
        let is_whole = || name.len() <= WHOLE_KEY || found.canonical().as_bytes().eq_ignore_ascii_case(name);
        if found == HeaderName::Other || (there == key && is_whole()) {
            return found;
        }
        slot = (slot + 1) % SLOTS.len();
    }
}

/// Compact forms by letter, `a` to `z`.
const LETTERS: [HeaderName; 26] = {
    let mut letters = [HeaderName::Other; 26];
    let mut at = 0;
    while at < ROWS.len() {
        if ROWS[at].compact != 0 {
            letters[(ROWS[at].compact - b'a') as usize] = HeaderName::ALL[at];
        }
        at += 1;
    }
    letters
};

fn by_letter(letter: u8) -> HeaderName {
    let at = letter.to_ascii_lowercase().wrapping_sub(b'a');
    LETTERS.get(at as usize).copied().unwrap_or(HeaderName::Other)
}

#[cfg(test)]
mod tests {
    use super::{HeaderName, Occurrence};

    #[test]
    fn every_name_is_found_in_any_case() {
        for &name in HeaderName::ALL {
            let canonical = name.canonical();
            assert_eq!(HeaderName::of(canonical.as_bytes()), name);
            assert_eq!(HeaderName::of(canonical.to_ascii_uppercase().as_bytes()), name);
            assert_eq!(HeaderName::of(canonical.to_ascii_lowercase().as_bytes()), name);
            assert_eq!(HeaderName::of(format!("{canonical}x").as_bytes()), HeaderName::Other);
        }
        // The registry of 2026-01-07 has 134, and Diversion is added to them.
        assert_eq!(HeaderName::ALL.len(), 135);
    }

    #[test]
    fn the_compact_forms_are_those_of_the_registry() {
        let letters: String = ('a'..='z').filter(|&c| HeaderName::of(&[c as u8]) != HeaderName::Other).collect();
        assert_eq!(letters, "abcdefijklmorstuvxy");
        assert_eq!(HeaderName::of(b"I"), HeaderName::CallId);
        assert_eq!(HeaderName::of(b"x"), HeaderName::SessionExpires);
        assert_eq!(HeaderName::of(b""), HeaderName::Other);
        assert_eq!(HeaderName::of(b"1"), HeaderName::Other);
        assert_eq!(HeaderName::Via.compact(), Some('v'));
        assert_eq!(HeaderName::Date.compact(), None);
    }

    #[test]
    fn a_challenge_is_no_comma_list() {
        assert_eq!(HeaderName::WwwAuthenticate.occurrence(), Occurrence::Repeated);
        assert!(HeaderName::Route.is_list());
        assert_eq!(HeaderName::CSeq.occurrence(), Occurrence::Once);
        assert!(!HeaderName::Date.is_list());
        assert_eq!(HeaderName::Other.occurrence(), Occurrence::Repeated);
    }
}
