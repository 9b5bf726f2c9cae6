//! `glare` and `reinvite-rejected`: a change of a call that is up was refused, as both sides changed it at once (491) or for another reason.

use super::cause;
use crate::analysis::rules::reach::silence_behind;
use crate::analysis::rules::{Entry, Product, Rule};
use crate::analysis::{Case, Finding, Part, Severity, words};
use crate::media::facts::Kind as Media;
use crate::sip::{HeaderName, Method};
use crate::trace::{Conversation, Facts, Kind, Transaction, dialog, offer};

/// The rule.
pub const RULE: Rule = Rule { judge, entries: &ENTRIES };

const GLARE: usize = 0;
const REJECTED: usize = 1;

static ENTRIES: [Entry; 2] = [
    Entry {
        code: "glare",
        severity: Severity::Info,
        meaning: "Both sides changed the call at the same moment, and one or both answered 491: a request of its own was pending. After a random time, between \
                  0 and 2 s for the callee and 2.1 to 4 s for the caller, they try again.",
        noticed: "Nobody, or hold and transfer take a few seconds longer.",
        causes: &[
            "Both ends lock a codec, refresh the session or move the media directly after the answer.",
            "A user pressed hold while the PBX moved the media.",
        ],
        confirm: "See whether a request of the same kind follows and is accepted.",
        fix: "Nothing is broken if it is tried again. Where it happens in each call, let only one side re-INVITE after the answer.",
        settings: &[
            (
                Product::Asterisk,
                "pjsip.conf, endpoint: direct_media_glare_mitigation=outgoing|incoming, or direct_media=no",
            ),
            (Product::FreeSwitch, "sofia profile: enable-timer=false where the other side refreshes the session"),
        ],
        rule: "RFC 3261 §14.1, §14.2, §21.4.27",
    },
    Entry {
        code: "reinvite-rejected",
        severity: Severity::Warning,
        meaning: "A re-INVITE or UPDATE that wanted to change a call that is up was refused. The call goes on as it was before: hold, transfer, fax or the new \
                  codec does not come about.",
        noticed: "Hold has no effect, a fax fails, video does not start, or the call breaks off some minutes later, as its refresh was refused.",
        causes: &[
            "488: the other side does not take the new media: T.38, a codec, encryption, or an address that it does not like.",
            "408, 500, 503: the other side or a proxy on the way did not handle the request.",
            "403, 404, 478: a proxy took it for a new call (no loose routing).",
            "405, 501: the other side does not know UPDATE.",
        ],
        confirm: "Compare the SDP of the refused request with that of the call; see who answered (source address, Server).",
        fix: "For 488: allow on both sides what was asked for, or stop asking (T.38, session timers, direct media). For others: routing within the dialog.",
        settings: &[
            (
                Product::Asterisk,
                "pjsip.conf, endpoint: t38_udptl=yes|no, direct_media=no, timers=no, refresh by connected_line_method=invite|update",
            ),
            (Product::FreeSwitch, "variables t38_passthru, fax_enable_t38; sofia profile: disable-hold, enable-timer"),
            (
                Product::Kamailio,
                "route requests with has_totag() by loose_route(); rtpengine_offer() on re-INVITE as well",
            ),
            (
                Product::OpenSips,
                "route requests with has_totag() by loose_route(); rtpengine_offer() on re-INVITE as well",
            ),
        ],
        rule: "RFC 3261 §14.1, RFC 3311 §5.2",
    },
];

/// Findings of one call.
const MOST: usize = 4;

fn judge(case: &Case<'_>, findings: &mut Vec<Finding>) {
    let c = case.conversation;
    if c.kind != Kind::Call {
        return;
    }
    let changes = |t: &&Transaction| t.final_status >= 300 && matches!(t.method, Method::Invite | Method::Update);
    // The same refusal is seen on each hop that it passed.
    let mut told: Vec<(&Facts, usize)> = Vec::new();
    for t in c.transactions.iter().filter(changes) {
        let Some(request) = t.request.and_then(|p| c.at(p)).filter(|r| !r.to_tag.is_empty()) else { continue };
        let known =
            |o: &Facts| o.cseq == request.cseq && o.method == request.method && dialog::is_same_side(c, o, request);
        if told.len() >= MOST || told.iter().any(|(o, _)| known(o)) {
            continue;
        }
        // Tried again and refused again is the same story.
        let again = |o: &Facts| {
            let status = c.transaction(o).map_or(0, |t| t.final_status);
            status == t.final_status && o.method == request.method && dialog::is_same_side(c, o, request)
        };
        if let Some(&(_, at)) = told.iter().find(|(o, _)| again(o)) {
            told.push((request, at));
            if let Some(f) = findings.get_mut(at) {
                f.detail.push(format!("It was tried and refused again {} later.", since_first(c, f, request)));
                f.positions.extend([t.request, t.final_response].into_iter().flatten());
            }
            continue;
        }
        let found = match t.final_status {
            491 => glare(c, request),
            // Challenges, the cancelled, and what other rules speak of.
            401 | 407 | 422 | 481 | 487 => None,
            status => refused(case, request, status),
        };
        // A proxy says 408 for the one behind it that says nothing.
        let answered = t.final_response.and_then(|p| c.at(p)).filter(|r| r.status == 408);
        let silence = answered.and_then(|r| silence_behind(c, request, r.time, findings));
        if let Some(f) = found {
            if let Some(silence) = silence {
                silence.detail.push(format!("It explains, too: {}.", f.title));
                continue;
            }
            told.push((request, findings.len()));
            findings.push(f);
        }
    }
}

/// How long after the first message of a finding a request came.
fn since_first(c: &Conversation, f: &Finding, request: &Facts) -> String {
    let first = f.positions.first().and_then(|&p| c.at(p)).map_or(request.time, |first| first.time);
    words::duration(request.time.since(first))
}

/// The refusal where it began: the first sight of it, on the farthest hop.
fn origin<'a>(c: &'a Conversation, request: &Facts, status: u16) -> Option<(u32, &'a Facts)> {
    let same = |f: &Facts| {
        f.status == status
            && f.method == request.method
            && f.cseq == request.cseq
            && dialog::is_same_side(c, f, request)
    };
    c.firsts().find(|(_, f)| same(f))
}

/// The next request of the same kind by the same side, and whether it was accepted.
fn next_try<'a>(c: &'a Conversation, request: &Facts) -> Option<(u32, &'a Facts, bool)> {
    let again = |f: &Facts| f.asks(request.method) && f.cseq > request.cseq && dialog::is_same_side(c, f, request);
    let (position, f) = c.firsts().find(|(_, f)| again(f))?;
    Some((position, f, c.transaction(f).is_some_and(|t| (200..300).contains(&t.final_status))))
}

fn glare(c: &Conversation, request: &Facts) -> Option<Finding> {
    let (position, response) = origin(c, request, 491)?;
    let (asker, who, method) = (request.flow.src, response.flow.src, words::method(c, request));
    let mut f =
        ENTRIES[GLARE].finding(format!("{asker} and {who} changed the call at the same moment: 491 to the {method}"));
    let own = |f: &Facts| {
        f.is_request()
            && matches!(f.method, Method::Invite | Method::Update)
            && f.time <= response.time
            && c.text(f.from_tag) == c.text(request.to_tag)
    };
    let crossing = c.firsts().rev().find(|(_, f)| own(f));
    if let Some((at, other)) = crossing {
        let apart = words::duration(request.time.since(other.time).saturating_abs());
        f.detail.push(format!("{} had sent {} of its own {apart} apart.", other.flow.src, words::method(c, other)));
        f.quote(at, Part::CSeq, "asked by one side");
        f.positions.push(at);
    }
    f.detail.push(match next_try(c, request) {
        Some((_, again, true)) => {
            format!(
                "{asker} tried again {} later, and that was accepted.",
                words::duration(again.time.since(response.time))
            )
        }
        Some((_, _, false)) => format!("{asker} tried again, and that was not accepted."),
        None => format!("{asker} was not seen to try again."),
    });
    if let Some(asked) = c.transaction(request).and_then(|t| t.request) {
        f.quote(asked, Part::CSeq, "asked by the other");
    }
    f.quote(position, Part::Name, "");
    f.positions.extend(c.transaction(request).and_then(|t| t.request));
    f.positions.push(position);
    f.positions.sort_unstable();
    Some(f)
}

fn refused(case: &Case<'_>, request: &Facts, status: u16) -> Option<Finding> {
    let c = case.conversation;
    let (position, response) = origin(c, request, status)?;
    let (asker, who) = (request.flow.src, response.flow.src);
    let name = if request.method == Method::Invite { "re-INVITE" } else { "UPDATE" };
    let purpose = purpose(c, request);
    let said = words::message(c, response);
    let mut f = ENTRIES[REJECTED].finding(format!("{who} refused the {name} from {asker}{purpose}: {said}"));
    f.detail
        .extend(c.headers(response, HeaderName::Warning).take(3).map(|v| format!("Warning: {}.", cause::warning(v))));
    f.detail.extend(c.headers(response, HeaderName::Reason).take(3).map(|v| format!("Reason: {}.", cause::reason(v))));
    if let Some(sdp) = c.sdp(request).filter(|sdp| offer::has_names(sdp)) {
        f.detail.push(format!("It offered {}.", offer::names(sdp, 12)));
    }
    f.detail.push(match (next_try(c, request), status) {
        (Some((_, _, true)), _) => format!("{asker} tried again with another {name}, and that was accepted."),
        // RFC 3261 §14.1
        (_, 408) => "After a 408 the one who asked is to end the call.".to_owned(),
        _ => "The call goes on as it was agreed before.".to_owned(),
    });
    let asked = c.transaction(request).and_then(|t| t.request);
    if let Some(asked) = asked {
        f.quote(asked, Part::BodyLine(b"m=".to_vec()), "what was asked for");
    }
    f.quote(position, Part::Name, "");
    for name in [HeaderName::Warning, HeaderName::Reason] {
        f.quote(position, Part::first(name), "");
    }
    f.positions = asked.into_iter().chain([position]).collect();
    Some(f)
}

/// What a request wanted, as its description says.
fn purpose(c: &Conversation, request: &Facts) -> &'static str {
    let Some(sdp) = c.sdp(request) else { return "" };
    let has = |test: fn(&Media) -> bool| sdp.media.iter().any(|m| m.port != 0 && test(&m.kind));
    if has(|k| *k == Media::Image) {
        " to T.38 fax"
    } else if offer::is_held(c, request) {
        " to hold the call"
    } else if has(|k| *k == Media::Video) {
        " with video"
    } else {
        ""
    }
}
