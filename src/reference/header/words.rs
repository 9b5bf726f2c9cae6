//! A sentence or two on each header field.

use crate::sip::HeaderName;

/// What it says.
pub(super) fn meaning(name: HeaderName) -> &'static str {
    use HeaderName::*;
    match name {
        Accept => "Which types of body the sender takes; without it, application/sdp.",
        AcceptContact => "Which of the callee's devices the caller wants (mobile, with video, attended …).",
        AcceptEncoding => "Which encodings of a body (gzip …) the sender takes.",
        AcceptLanguage => "Which languages the person behind the sender reads, for reasons and bodies.",
        AcceptResourcePriority => "Which priorities a server that answered 417 would take.",
        AdditionalIdentity => "A further identity of the caller, from its network to the callee's.",
        AlertInfo => "Which ring tone or tone to play, as a URI or a name that both sides know.",
        AlertMsgError => "What was wrong with an alert message that was refused with 425.",
        Allow => "Which methods the sender understands in this dialog.",
        AllowEvents => "Which event packages the sender can be subscribed to.",
        AnswerMode => "Asks the callee to answer by itself, or not to: intercom and push to talk.",
        AttestationInfo => "How far the network vouches for the caller's number, for signing later.",
        AuthenticationInfo => "The server proves that it knows the password too, and gives the next nonce.",
        Authorization => "Credentials for a user agent or registrar that challenged with 401.",
        CallId => {
            "Names the dialog or the series of registrations together with the tags. Chosen by who starts it, the same at both ends of every hop except across a B2BUA."
        }
        CallInfo => "Where to find more on the caller or callee: picture, card, purpose.",
        CellularNetworkInfo => "Which mobile cell the device is in while it uses other access.",
        Contact => {
            "Where later requests of the dialog go directly; in REGISTER, where the user can be reached; in 3xx, where to try."
        }
        ContentDisposition => {
            "What to do with a body: session, render, early-session; and whether it must be understood."
        }
        ContentEncoding => "How the body is packed, as gzip.",
        ContentId => "A name by which the body can be pointed to from a header field.",
        ContentLanguage => "Language of the body.",
        ContentLength => "Bytes of the body. Over TCP, TLS it says where the next message starts.",
        ContentType => "Type of the body: application/sdp, multipart/mixed …",
        CSeq => {
            "A number that grows with each request of a dialog, and the method. ACK and CANCEL keep the number of their INVITE."
        }
        Date => "When the message was made, in GMT. STIR signatures count from it.",
        DcInfo => "Tells of a data channel beside the call (IMS).",
        Diversion => {
            "Who forwarded the call and why, the latest first. Never standardised beyond information, and sent by most gateways; History-Info is its successor."
        }
        Encryption => "Encryption in RFC 2543: gone.",
        ErrorInfo => "A URI with more on the failure, such as an announcement to play.",
        Event => "Which event package a SUBSCRIBE, NOTIFY or PUBLISH is about.",
        Expires => {
            "How many seconds a registration, subscription, state or invitation lasts. In REGISTER an expires parameter of the Contact wins."
        }
        FeatureCaps => "What the proxies and B2BUAs on the way can do.",
        FlowTimer => "How often the registered phone has to send keep-alives, in seconds.",
        From => "Who the request is from, with the tag of its sender: the logical caller, not where it came from.",
        Geolocation => "Where the caller is, or a URI to ask: emergency calls.",
        GeolocationError => "Why a location was of no use.",
        GeolocationRouting => "Whether proxies may look at the location to route.",
        Hide => "Hiding of Via in RFC 2543: gone.",
        HistoryInfo => "All the addresses that a request was sent on to, in order, with the reasons.",
        Identity => {
            "A signed statement on caller, callee and time: PASSporT of STIR/SHAKEN, with the URI of its certificate."
        }
        IdentityInfo => "Where the certificate was in the first version of SIP identity: gone.",
        InReplyTo => "Call-IDs that this call answers, as a call back does.",
        InfoPackage => "To which agreed package an INFO belongs.",
        Join => "The dialog that this INVITE joins, as a conference does.",
        MaxBreadth => "How many branches the request may be forked into at once.",
        MaxForwards => {
            "How many more hops the request may take; each proxy takes one off. 70 at the start. At 0 it ends with 483."
        }
        MimeVersion => "Version of MIME, 1.0.",
        MinExpires => "The shortest expiry that a registrar takes; comes with 423.",
        MinSe => "The shortest session interval that a hop takes; comes with 422 or in the request.",
        Organization => "Name of the organisation that sender or callee belong to.",
        OriginationId => "A number for the origin of a call, for the callee's network.",
        PAccessNetworkInfo => {
            "By which access the device is in the network: cell, Wi-Fi, line. Only within a network that is trusted."
        }
        PAnswerState => "Whether a push to talk server answered for the user, or the user did.",
        PAssertedIdentity => "Who the caller is, as a trusted network has verified it; shown in place of From.",
        PAssertedService => "Which service the call belongs to, as the network has verified it.",
        PAssociatedUri => "Further URIs of the user that were registered with it.",
        PCalledPartyId => "The URI that was called before the proxy put the Contact into the Request-URI.",
        PChargeInfo => "The number to be charged.",
        PChargingFunctionAddresses => "Which charging servers of the network to tell.",
        PChargingVector => {
            "Names the call for charging: its icid is the same on every leg, and joins them across a B2BUA."
        }
        PDcsBillingInfo => "Billing in cable networks.",
        PDcsLaes => "Lawful interception in cable networks.",
        PDcsOsps => "Operator services in cable networks.",
        PDcsRedirect => "What was redirected, in cable networks.",
        PDcsTracePartyId => "Asks a cable network to trace a nuisance call.",
        PEarlyMedia => "Whether early media is allowed, and in which direction.",
        PMediaAuthorization => "A token that allows media to be reserved in the network.",
        PPreferredIdentity => "Which of its identities the user wants the network to assert.",
        PPreferredService => "Which service the user wants the network to assert.",
        PPrivateNetworkIndication => "The call belongs to a private network that the carrier's one carries.",
        PProfileKey => "Key of a service profile in the subscriber database.",
        PRefusedUriList => "Members of a list that push to talk refuses.",
        PServedUser => "For which user, and for which case of calling or being called, an application server is asked.",
        PUserDatabase => "Which subscriber database holds the user.",
        PVisitedNetworkId => "In which network a roaming user registers.",
        Path => "Through which proxies requests to the registered phone have to go: kept by the registrar.",
        PermissionMissing => "Which recipients have not consented; comes with 470.",
        PolicyContact => "Where to ask for the policy of a session.",
        PolicyId => "Which policy the session follows.",
        Priority => "How urgent it is to the caller: emergency, urgent, normal, non-urgent.",
        PriorityShare => "Whether resources may be shared between sessions by priority.",
        PriorityVerstat => "What became of verifying the priority of a call.",
        PrivAnswerMode => "As Answer-Mode, and may override what the callee set.",
        Privacy => "What of the caller is to be hidden: id, header, session, user, critical, none.",
        ProxyAuthenticate => "The challenge of a proxy; comes with 407.",
        ProxyAuthorization => "Credentials for the proxy that challenged with 407.",
        ProxyRequire => "Extensions that every proxy on the way has to know, or else answers 420.",
        RAck => "Which reliable provisional response a PRACK acknowledges: its RSeq, and the CSeq.",
        RSeq => "Number of a provisional response that has to be acknowledged with PRACK.",
        Reason => "Why a request or response is sent, in another protocol's words: Q.850;cause=16, SIP;cause=200.",
        ReasonPhrase => "The reason phrase where the start line cannot carry it.",
        RecordRoute => "Put in by each proxy that stays on the path; turned into Route by both ends.",
        RecvInfo => "Which packages of INFO the sender takes.",
        ReferEventsAt => "Where to subscribe for what became of a REFER.",
        ReferSub => "Whether a REFER makes a subscription; false wants no NOTIFYs.",
        ReferTo => "Where to transfer to; with Replaces inside, which call to take over.",
        ReferredBy => "Who asked for the transfer.",
        RejectContact => "Which of the callee's devices the caller does not want.",
        RelayedCharge => "Charging information passed on between networks.",
        Replaces => "The dialog that this INVITE takes the place of: attended transfer, call pickup.",
        ReplyTo => "Where to call back.",
        RequestDisposition => "How proxies are to treat the request: fork or not, in parallel or not, redirect, queue.",
        Require => "Extensions that the other side has to know, or else answers 420.",
        ResourcePriority => "Priority in networks that have it, as namespace.value.",
        ResourceShare => "Whether media resources may be shared between sessions.",
        ResponseKey => "Encryption in RFC 2543: gone.",
        ResponseSource => "Which element of the network made the response.",
        RestorationInfo => "Tells that a part of an IMS network has lost its data and must be restored.",
        RetryAfter => "When to try again, in seconds; comes with 503, 480, 486, 413, 500, 600, 603.",
        Route => "The proxies that the request still has to pass, the next one first; each takes itself off.",
        SecurityClient => "Which security mechanisms the client offers.",
        SecurityServer => "Which security mechanisms the server offers.",
        SecurityVerify => "The server's list, sent back so that nobody can have changed it on the way.",
        Server => "Software of who answers.",
        ServiceInteractInfo => "Which services ran already, so that they do not work against each other.",
        ServiceRoute => "Through which proxies a registered phone has to send its requests.",
        SessionExpires => "How long a session lasts without a refresh, and who refreshes.",
        SessionId => {
            "An identifier that stays the same across B2BUAs, of either end: made for finding the legs of a call."
        }
        SipETag => "Names the state that a server keeps after PUBLISH.",
        SipIfMatch => "Which published state a PUBLISH refreshes, changes or removes.",
        Subject => "What the call is about.",
        SubscriptionState => "Whether a subscription is active, pending or terminated, why, and for how long.",
        Supported => "Extensions that the sender knows: 100rel, timer, replaces, outbound, path …",
        SuppressIfMatch => "Send no NOTIFY if the state is the one that the watcher knows.",
        TargetDialog => "Names a dialog that the sender has part in: proof that it may ask.",
        Timestamp => "When the client sent the request; the server sends it back with its own delay.",
        To => "Whom the request is for at the logical level; the callee adds its tag.",
        TriggerConsent => "Where to ask for the consent of a recipient.",
        Unsupported => "Extensions that the server does not know; comes with 420.",
        UserAgent => "Software of who sends the request.",
        UserToUser => "Data of an application that passes along with a call, as call centres use it.",
        Via => {
            "One for each hop of a request: the response goes back the same way. branch names the transaction, received and rport say where it really came from."
        }
        WwwAuthenticate => "The challenge of a user agent or registrar; comes with 401.",
        Warning => "Three digits and a text on why something was refused, above all with 488 and 606.",
        HeaderName::Other => "",
    }
}

/// What usually goes wrong with it; empty for most.
pub(super) fn trouble(name: HeaderName) -> &'static str {
    use HeaderName::*;
    match name {
        Authorization | ProxyAuthorization => {
            "Refused again: compare username, realm, nonce, uri, algorithm and qop with the challenge; then the password."
        }
        CSeq => "A number that does not grow is answered with 500, or taken for a repeat.",
        Contact => "A private address behind NAT: the ACK, re-INVITE or BYE of the other side does not arrive.",
        ContentLength => {
            "Wrong after something changed the body on the way: over a stream, everything after it is misread."
        }
        Expires => {
            "Shorter than the registrar wants: 423. Longer than a NAT keeps its binding: calls in do not arrive."
        }
        From => "A changed tag is another dialog: 481.",
        MaxForwards => "A loop ends with 483 when it has counted to 0.",
        PAssertedIdentity => "Not believed outside a trusted network; taken out by an SBC.",
        PrivAnswerMode | AnswerMode => "Ignored by phones whose settings do not allow it.",
        RecordRoute => "Missing: later requests pass the proxy by. A private address in it: they get lost.",
        Require => "420 lists in Unsupported what the other side does not know.",
        Route => {
            "Missing or in the wrong order: the request goes to the wrong place, or round a proxy that has to see it."
        }
        SessionExpires => "No refresh in time: one side ends the call, often after exactly 15 or 30 minutes.",
        To => "A response other than 100 without a tag breaks the dialog.",
        Via => {
            "A branch that does not start with z9hG4bK is of RFC 2543. Without rport, responses to a client behind NAT go to the wrong port."
        }
        WwwAuthenticate | ProxyAuthenticate => {
            "Only MD5 offered is weak; several challenges: the client takes the first it knows."
        }
        ReferTo => "Replaces in it has to be escaped, and its dialog has to exist where the INVITE arrives.",
        _ => "",
    }
}
