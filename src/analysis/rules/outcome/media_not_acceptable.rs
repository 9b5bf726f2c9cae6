//! `media-not-acceptable`: a call that was refused for its session description: 488, 606, 415.

use super::cause;
use crate::analysis::rules::{Entry, Product, Rule};
use crate::analysis::{Case, Confidence, Finding, Part, Severity, words};
use crate::media::SdpFacts;
use crate::sip::{HeaderName, Method};
use crate::trace::call::{State, deciding_transaction};
use crate::trace::{Conversation, Facts, Kind, offer};

/// The rule.
pub const RULE: Rule = Rule { judge, entries: &ENTRIES };

static ENTRIES: [Entry; 1] = [Entry {
    code: "media-not-acceptable",
    severity: Severity::Error,
    meaning: "The callee understood the call and refused its media: no codec in common, encryption that one side demands and the other does not offer, or a \
              body of a type that it does not read.",
    noticed: "The call fails at once, always between the same two kinds of phone or trunk.",
    causes: &[
        "No codec in common: one side allows only G.729 or Opus, the other only G.711.",
        "One side demands SRTP (RTP/SAVP, a=crypto or DTLS), the other offers plain RTP, or the reverse.",
        "Video, fax (T.38) or a data channel is offered as the only media.",
        "415: the body is no SDP, or is compressed or wrapped in a way that the callee does not read.",
    ],
    confirm: "Compare the m= lines and the encryption of the offer with what the callee is set to accept; the Warning code says which part it did not like \
              (304 media type, 305 format).",
    fix: "Allow one codec, and the same encryption, on both sides; or let the server between them transcode.",
    settings: &[
        (
            Product::Asterisk,
            "pjsip.conf, endpoint: disallow=all, allow=ulaw,alaw,…; media_encryption=no|sdes|dtls, media_encryption_optimistic=yes",
        ),
        (
            Product::FreeSwitch,
            "sofia profile: inbound-codec-prefs, outbound-codec-prefs, inbound-codec-negotiation; variable rtp_secure_media",
        ),
        (
            Product::Kamailio,
            "sdpops: sdp_keep_codecs_by_name() and the like must leave one codec; rtpengine flags such as RTP/AVP or RTP/SAVP bridge encryption",
        ),
        (
            Product::OpenSips,
            "codec functions of sipmsgops (codec_delete(), …) must leave one codec; rtpengine flags RTP/AVP or RTP/SAVP bridge encryption",
        ),
    ],
    rule: "RFC 3261 §21.4.26, §21.6.4, §21.4.13",
}];

/// Names of codecs in a sentence.
const CODECS: usize = 12;

fn judge(case: &Case<'_>, findings: &mut Vec<Finding>) {
    let c = case.conversation;
    if c.kind != Kind::Call || !c.transactions.iter().any(|t| matches!(t.final_status, 415 | 488 | 606)) {
        return;
    }
    let outcome = case.outcome();
    let is_media = matches!(outcome.final_status, Some(415 | 488 | 606)) && outcome.state == State::Rejected;
    // What is known to be wrong with the description is the cause; this is its consequence.
    let known = ["sdp-malformed", "codec-none-common", "srtp-mismatch", "crypto-missing", "dtls-missing"];
    if !is_media || findings.iter().any(|f| f.severity == Severity::Error && known.contains(&f.code)) {
        return;
    }
    findings.extend(finding(case));
}

fn finding(case: &Case<'_>) -> Option<Finding> {
    let c = case.conversation;
    let outcome = case.outcome();
    let status = outcome.final_status?;
    // Seen first on the farthest hop: there it was decided.
    let refused = |f: &Facts| f.status == status && f.method == Method::Invite;
    let (position, origin) = c.firsts().find(|(_, f)| refused(f))?;
    let request = c.transaction(origin).and_then(|t| t.request);
    let who = origin.flow.src;
    let invite = request.and_then(|p| c.at(p));
    let offered = invite.and_then(|f| c.sdp(f));
    let said = words::message(c, origin);
    let mut f =
        ENTRIES[0].finding(match offered.map(|sdp| offer::names(sdp, CODECS)).filter(|names| !names.is_empty()) {
            Some(names) => format!("{who} refused the media: {said}; offered were {names}"),
            None => format!("{who} refused the media: {said}"),
        });
    f.detail.extend(c.headers(origin, HeaderName::Warning).take(3).map(|v| format!("Warning: {}.", cause::warning(v))));
    f.detail.extend(c.headers(origin, HeaderName::Reason).take(3).map(|v| format!("Reason: {}.", cause::reason(v))));
    match (offered, c.sdp(origin)) {
        (Some(offered), Some(wanted)) => {
            f.detail.push(format!(
                "Offered: {}. The refusal says what {who} takes: {}.",
                media(offered),
                media(wanted)
            ));
        }
        (Some(offered), None) => {
            f.detail.push(format!("Offered: {}.", media(offered)));
            f.detail.push(would_fit(offered, c, origin));
            f.confidence = Confidence::Likely;
        }
        (None, _) => f.detail.push(match invite.map(|i| i.body_len) {
            Some(0) => "The INVITE has no offer: it is the callee's turn to make one, and it did not.".to_owned(),
            Some(_) => format!(
                "The body of the INVITE is {}, not a session description that can be read.",
                crate::base::Safe(invite.map_or(&[], |i| c.text(i.content_type)))
            ),
            None => "The INVITE was not captured.".to_owned(),
        }),
    }
    // A transcoder on the way may have been asked for more.
    let deciding = deciding_transaction(c, outcome.caller).and_then(|t| t.request).and_then(|p| c.at(p));
    if let Some(first) = deciding.filter(|d| d.sdp != invite.and_then(|i| i.sdp)).and_then(|d| c.sdp(d)) {
        f.detail.push(format!("The caller had offered {}; it was changed on the way.", media(first)));
    }
    if let Some(asked) = request {
        f.quote(asked, Part::BodyLine(b"m=".to_vec()), "what was offered");
    }
    f.quote(position, Part::Name, "");
    f.quote(position, Part::first(HeaderName::Warning), "what was wrong with it");
    f.positions = [request, Some(position), outcome.final_response].into_iter().flatten().collect();
    f.positions.dedup();
    Some(f)
}

/// `audio over RTP/AVP with PCMU PCMA`, for each media line.
fn media(sdp: &SdpFacts) -> String {
    let lines = sdp.media.iter().take(4).map(|m| {
        let mut names: Vec<&str> = m.formats.iter().filter_map(|f| f.name()).take(CODECS).collect();
        names.dedup();
        let crypto = match (m.has_fingerprint, m.suites.is_empty()) {
            (true, _) => " and a DTLS fingerprint",
            (false, false) => " and a=crypto",
            (false, true) => "",
        };
        format!("{} over {} with {}{crypto}", m.kind.name(), m.protocol.name(), names.join(" "))
    });
    words::list(&lines.collect::<Vec<_>>())
}

/// What speaks for codecs and what for encryption, as the refusal does not say it.
fn would_fit(offered: &SdpFacts, c: &Conversation, origin: &Facts) -> String {
    let code = c.header(origin, HeaderName::Warning).and_then(cause::warning_code);
    let secure = offered.media.iter().any(|m| m.protocol.is_secure());
    let usual = ["PCMU", "PCMA"];
    let names = |m: &crate::media::facts::MediaFacts| {
        m.formats.iter().filter_map(|f| f.name().map(str::to_owned)).collect::<Vec<_>>()
    };
    let has_usual = offered.media.iter().any(|m| names(m).iter().any(|n| usual.contains(&n.as_str())));
    match (code, secure, has_usual) {
        (Some(302), true, _) => "It is the encryption: plain RTP/AVP would fit.".to_owned(),
        (Some(302), false, _) => "It is the transport of the media: RTP/SAVP (SRTP) would fit, if the callee demands encryption.".to_owned(),
        (_, true, _) => "What would fit is not said: plain RTP/AVP, or another codec.".to_owned(),
        (_, false, true) => {
            "PCMU or PCMA, which all phones have, were among them: the callee demands something else, such as SRTP, or allows few codecs.".to_owned()
        }
        (_, false, false) => "PCMU and PCMA, which all phones have, were not among them: offering one of these would fit most callees.".to_owned(),
    }
}
