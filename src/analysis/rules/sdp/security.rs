//! `srtp-mismatch`, `crypto-missing`, `dtls-missing`: media that one side wants encrypted and the other cannot open.

use super::{Pair, pairs};
use crate::analysis::rules::{Entry, Product, Rule, is_explained};
use crate::analysis::{Case, Confidence, Finding, Part, Severity, words};
use crate::media::SdpFacts;
use crate::media::facts::MediaFacts;
use crate::sip::{HeaderName, Method};
use crate::trace::call;

/// The rule.
pub const RULE: Rule = Rule { judge, entries: &ENTRIES };

const MISMATCH: usize = 0;
const CRYPTO: usize = 1;
const DTLS: usize = 2;

static ENTRIES: [Entry; 3] = [
    Entry {
        code: "srtp-mismatch",
        severity: Severity::Error,
        meaning: "One side wants its media encrypted (RTP/SAVP) and the other in the clear (RTP/AVP). An answer has to keep the transport of the \
                  offer; where it does not, each side plays the other's packets as noise or drops them.",
        noticed: "The call connects with silence or loud noise, or is refused with 488.",
        causes: &[
            "SRTP is required on one side and switched off on the other.",
            "An SBC encrypts one leg and forwards the description of the other unchanged.",
            "The answerer ignores the transport of the m= line and always answers RTP/AVP.",
        ],
        confirm: "Compare the m= lines of offer and answer: the third word has to be the same in both.",
        fix: "Set both sides to SRTP or both to plain RTP, or let the element between them translate.",
        settings: &[
            (
                Product::Asterisk,
                "pjsip.conf endpoint: media_encryption=sdes (or dtls, no), media_encryption_optimistic=yes",
            ),
            (
                Product::FreeSwitch,
                "variables rtp_secure_media=optional, rtp_secure_media_inbound, rtp_secure_media_outbound",
            ),
            (
                Product::Kamailio,
                "rtpengine_manage(\"RTP/SAVP\") or rtpengine_manage(\"RTP/AVP\") towards the side that needs it",
            ),
            (
                Product::OpenSips,
                "rtpengine_manage(\"RTP/SAVP\") or rtpengine_manage(\"RTP/AVP\") towards the side that needs it",
            ),
        ],
        rule: "RFC 3264 §6.1, RFC 4568 §5.1.2",
    },
    Entry {
        code: "crypto-missing",
        severity: Severity::Error,
        meaning: "A description says RTP/SAVP, which is encrypted media, and gives no key: no a=crypto (SDES), no a=fingerprint (DTLS), no \
                  a=key-mgmt (MIKEY). Nobody can decrypt what is sent.",
        noticed: "The call is refused with 488, or connects in silence.",
        causes: &[
            "A B2BUA or a script changed the transport of the m= line and did not add a key.",
            "A proxy or firewall removed the a=crypto lines, because the signalling is not encrypted.",
            "The phone has SRTP on, and no suite chosen.",
        ],
        confirm: "Look for a=crypto in the body; capture at the sender to see whether it was there.",
        fix: "Let whoever says RTP/SAVP give a key, and carry the signalling over TLS, since the key stands in it.",
        settings: &[
            (Product::Asterisk, "pjsip.conf endpoint: media_encryption=sdes; transport with protocol=tls"),
            (Product::FreeSwitch, "variables rtp_secure_media=mandatory, rtp_secure_media_suites"),
            (Product::Kamailio, "rtpengine_manage(\"RTP/SAVP SDES-on\") makes the key"),
        ],
        rule: "RFC 4568 §5.1.1",
    },
    Entry {
        code: "dtls-missing",
        severity: Severity::Error,
        meaning: "A description says UDP/TLS/RTP/SAVPF (as browsers do), and the fingerprint of a certificate is missing: the peer must not trust \
                  the DTLS handshake that agrees on the media keys.",
        noticed: "Calls from a browser end at once or stay silent; its console speaks of a missing fingerprint.",
        causes: &[
            "The PBX has DTLS on for this endpoint, and no certificate.",
            "A proxy or SBC between WebRTC and telephony changed the transport of the m= line only.",
            "A script that shortens the body removed a=fingerprint or a=setup.",
        ],
        confirm: "Look for a=fingerprint and a=setup in the session or under the m= line; see whether DTLS packets go over the media ports.",
        fix: "Give the endpoint a certificate, or let a media relay end DTLS.",
        settings: &[
            (
                Product::Asterisk,
                "pjsip.conf endpoint: webrtc=yes, or media_encryption=dtls with dtls_auto_generate_cert=yes",
            ),
            (Product::FreeSwitch, "sofia profile with wss-binding; variable media_webrtc=true"),
            (Product::Kamailio, "rtpengine_manage(\"UDP/TLS/RTP/SAVPF ICE=force\") towards the browser"),
            (Product::OpenSips, "rtpengine_manage(\"UDP/TLS/RTP/SAVPF ICE=force\") towards the browser"),
        ],
        rule: "RFC 5763 §5, RFC 8122 §5",
    },
];

fn judge(case: &Case<'_>, findings: &mut Vec<Finding>) {
    let c = case.conversation;
    // Nothing secure is spoken of: nothing can be at odds.
    if !c.sdps.iter().any(|sdp| sdp.media.iter().any(|m| m.protocol.is_secure())) {
        return;
    }
    for (code, is_unkeyed) in [(CRYPTO, lacks_crypto as fn(&MediaFacts) -> bool), (DTLS, lacks_fingerprint)] {
        findings.extend(unkeyed(case, code, is_unkeyed));
    }
    let mismatch = pairs(case).find_map(|pair| mismatch(&pair)).or_else(|| refused(case));
    findings.extend(
        mismatch
            .filter(|f| !f.positions.iter().any(|&p| is_explained(findings, &["crypto-missing", "dtls-missing"], p))),
    );
}

/// SDES without a key: a profile that DTLS could serve as well gives a fingerprint instead.
fn lacks_crypto(m: &MediaFacts) -> bool {
    m.protocol.is_secure()
        && !m.protocol.is_dtls()
        && m.suites.is_empty()
        && !m.has_fingerprint
        && !m.has_key_management
}

fn lacks_fingerprint(m: &MediaFacts) -> bool {
    m.protocol.is_dtls() && !m.has_fingerprint
}

/// The first description with a medium that is wanted and has no key.
fn unkeyed(case: &Case<'_>, code: usize, is_unkeyed: fn(&MediaFacts) -> bool) -> Option<Finding> {
    let c = case.conversation;
    let carries = |sdp: &SdpFacts| sdp.media.iter().any(|m| m.port != 0 && is_unkeyed(m));
    let (position, f) = c.firsts().filter(|(_, f)| !f.cut).find(|(_, f)| c.sdp(f).is_some_and(carries))?;
    let media = c.sdp(f)?.media.iter().find(|m| m.port != 0 && is_unkeyed(m))?;
    let what = if code == CRYPTO { "no key (a=crypto)" } else { "no a=fingerprint" };
    let (kind, profile) = (media.kind.name(), media.protocol.name());
    let mut finding = ENTRIES.get(code)?.finding(format!("{} says {profile} for {kind} and gives {what}", f.flow.src));
    finding.detail.push(format!(
        "The {} carries the description; neither the session nor the medium has it.",
        words::message(c, f)
    ));
    finding.quote(position, Part::BodyLine(format!("m={kind}").into_bytes()), format!("{what} for this"));
    finding.positions.push(position);
    Some(finding)
}

fn mismatch(pair: &Pair<'_>) -> Option<Finding> {
    let is_mismatch = |(o, a): &(&MediaFacts, &MediaFacts)| {
        // Keys beside a plain profile make it as good as secure: best-effort SRTP.
        let is_secured = |m: &MediaFacts| m.protocol.is_secure() || !m.suites.is_empty() || m.has_fingerprint;
        o.protocol.is_rtp()
            && a.protocol.is_rtp()
            && o.protocol.is_secure() != a.protocol.is_secure()
            && is_secured(o) != is_secured(a)
    };
    let (offered, answered) = pair.accepted().find(is_mismatch)?;
    let (theirs, ours) = (answered.protocol.name(), offered.protocol.name());
    let title = format!("{} answers {theirs} to the {ours} that {} offered", pair.answerer, pair.offerer);
    let mut f = ENTRIES[MISMATCH].finding(title);
    let secure = if offered.protocol.is_secure() { pair.offerer } else { pair.answerer };
    f.detail
        .push(format!("{secure} encrypts what it sends and expects the same; its peer sends and expects plain RTP."));
    pair.quote(offered.kind.name(), &mut f);
    f.positions = vec![pair.at.offer, pair.at.answer];
    Some(f)
}

/// An offer of encrypted audio alone that was refused as not acceptable.
fn refused(case: &Case<'_>) -> Option<Finding> {
    let c = case.conversation;
    let t = call::initial_invites(c).map(|(_, t)| t).find(|t| matches!(t.final_status, 488 | 606))?;
    let request = c.at(t.request?).filter(|r| r.method == Method::Invite)?;
    let offer = c.sdp(request)?;
    if offer.media.is_empty() || !offer.media.iter().all(|m| m.protocol.is_secure()) {
        return None;
    }
    let response = c.at(t.final_response?)?;
    let profile = offer.media.first()?.protocol.name();
    let said = words::message(c, response);
    let title = format!(
        "{} refuses the encrypted media ({profile}) that {} insists on: {said}",
        response.flow.src, request.flow.src
    );
    let mut f = ENTRIES[MISMATCH].finding(title);
    f.confidence = Confidence::Likely;
    f.detail.push("The offer has no medium in the clear to fall back to.".to_owned());
    f.ruled_out.push(
        "A codec in common may be missing as well: an offer in the clear with the same codecs would tell.".to_owned(),
    );
    if let (Some(asked), Some(answered)) = (t.request, t.final_response) {
        f.quote(asked, Part::BodyLine(b"m=".to_vec()), "nothing in the clear is offered");
        f.quote(answered, Part::Name, "");
        f.quote(answered, Part::first(HeaderName::Warning), "what was wrong with it");
    }
    f.positions = t.request.into_iter().chain(t.final_response).collect();
    Some(f)
}
