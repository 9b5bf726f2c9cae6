//! From what the trace hands over to the plain data of a report.

use super::decode::{
    Body, Call, CallState, Cseq, EvidenceSpan, Exchange, ExchangeState, Finding, Instant, Kind, Message, Party,
    Registration, RegistrationState, Sdp, SdpMedia, Severity, Stream,
};
use super::legs;
use super::notes;
use super::text::Text;
use crate::analysis;
use crate::base::{Span, Timestamp};
use crate::media::facts::Format;
use crate::sip::{HeaderName, Message as View, Method};
use crate::trace::{Conversation, Facts, MediaStream, call, dialog, exchange, registration};

fn owned(bytes: &[u8]) -> Option<Text<'static>> {
    (!bytes.is_empty()).then(|| Text::new(bytes).into_owned())
}

fn some(bytes: &[u8]) -> Option<Text<'_>> {
    (!bytes.is_empty()).then(|| Text::new(bytes))
}

/// The message at `position`, as it is told; `origin` is the time that offsets count from.
#[must_use]
pub fn message<'a>(c: &'a Conversation, position: u32, origin: Timestamp) -> Option<Message<'a>> {
    let f = c.at(position)?;
    let text = |span: Span| some(c.text(span));
    let method = method_text(c, f, f.method);
    let (uri, reason) = if f.is_request() { (text(f.uri_or_reason), None) } else { (None, text(f.uri_or_reason)) };
    let repeated = f.repeats.and_then(|p| c.at(p)).map(|o| o.index);
    let body = (f.body_len > 0).then(|| Body {
        content_type: text(f.content_type),
        length: u64::from(f.body_len),
        sdp: c.sdp(f).map(|facts| sdp(facts, crate::trace::offer::role(c, position))),
    });
    Some(Message {
        index: f.index,
        frame: f.frame,
        source: f.source,
        time: Instant(f.time),
        offset_ms: f.time.ms_since(origin),
        src: f.flow.src.to_string(),
        dst: f.flow.dst.to_string(),
        transport: f.transport.as_str(),
        kind: if f.is_request() { Kind::Request } else { Kind::Response },
        method: method.clone(),
        uri,
        status: (!f.is_request()).then_some(f.status),
        reason,
        // A header section that is not all there vouches for nothing; the call still lists the message.
        call_id: some(c.call_id_of(position)).filter(|_| !f.head_cut),
        cseq: f.has_cseq.then(|| Cseq { number: f.cseq, method: method_text(c, f, f.cseq_method).unwrap_or_default() }),
        from_tag: text(f.from_tag),
        to_tag: text(f.to_tag),
        branch: c.transaction(f).and_then(|t| text(t.branch)),
        retransmission_of: repeated.filter(|_| !f.copy),
        copy_of: repeated.filter(|_| f.copy),
        size: u64::from(f.size),
        body,
        notes: notes::of(c, position),
        headers: None,
        raw: None,
    })
}

fn method_text<'a>(c: &'a Conversation, f: &Facts, method: Method) -> Option<Text<'a>> {
    match method {
        Method::Other => some(c.text(f.method_text())),
        known => Some(Text::from(known.text())),
    }
}

/// Every header field of a message, in wire order.
#[must_use]
pub fn headers<'a>(view: &View<'a>) -> Vec<super::decode::Header<'a>> {
    let told =
        view.fields().map(|(name, value)| super::decode::Header { name: Text::new(name), value: Text::new(value) });
    told.collect()
}

fn sdp(facts: &crate::media::SdpFacts, role: Option<&'static str>) -> Sdp {
    Sdp {
        role,
        origin: owned(facts.origin_line()),
        media: facts
            .media
            .iter()
            .map(|m| SdpMedia {
                kind: Text::from(m.kind.name().to_owned()),
                address: m.endpoint.map(|e| e.to_string()),
                port: m.port,
                protocol: Text::from(m.protocol.name().to_owned()),
                codecs: m.formats.iter().filter_map(Format::name).map(str::to_owned).collect(),
                direction: m.direction.name(),
            })
            .collect(),
    }
}

/// A party: one side's URI, display name and tag.
fn party(c: &Conversation, uri: Span, display: Span, tag: &[u8]) -> Party {
    Party { uri: owned(c.text(uri)), display: owned(c.text(display)), tag: owned(tag) }
}

fn indices(c: &Conversation) -> Vec<u64> {
    c.facts.iter().map(|f| f.index).collect()
}

/// A call.
#[must_use]
pub fn call(c: &Conversation, streams: &[MediaStream], findings: Vec<u64>) -> Call {
    let outcome = call::Outcome::of(c);
    let invite = outcome.invite.and_then(|p| c.at(p)).or(c.facts.first());
    let begun = invite.map(|f| f.time).unwrap_or_default();
    let after = |t: Option<Timestamp>| t.map(|t| t.ms_since(begun));
    let dialogs = dialog::dialogs(c);
    let mut own = dialogs.iter().filter(|d| d.leg == 0);
    let to_tag = own.find(|d| d.state >= dialog::DialogState::Confirmed).or(dialogs.first()).map(|d| d.to_tag);
    let talk = call::talk_ns(c, &outcome).map(|ns| ns as f64 / 1e6);
    Call {
        id: c.id,
        call_ids: c.call_ids().filter_map(owned).collect(),
        from: party(c, c.from, c.from_display, invite.map_or(&[], |f| c.text(f.from_tag))),
        to: party(c, c.to, c.to_display, to_tag.map_or(&[], |t| c.text(t))),
        state: outcome.state.into(),
        final_status: outcome.final_status,
        start: Instant(c.start()),
        trying_ms: after(outcome.trying),
        ringing_ms: after(outcome.ringing),
        answered_ms: after(outcome.answered),
        duration_ms: talk,
        ended_by: outcome.ended_by_caller.map(|caller| if caller { "caller" } else { "callee" }),
        participants: legs::participants(c),
        legs: legs::legs(c, &dialogs),
        codecs: crate::trace::offer::codecs(c),
        messages: indices(c),
        streams: streams.iter().map(|s| s.id).collect(),
        findings,
    }
}

/// A registration.
#[must_use]
pub fn registration(c: &Conversation, findings: Vec<u64>) -> Registration {
    use registration::State;
    let outcome = registration::Outcome::of(c);
    let bindings = outcome.bindings.and_then(|p| c.at(p));
    let contacts = bindings.into_iter().flat_map(|f| c.headers(f, HeaderName::Contact).take(16));
    Registration {
        id: c.id,
        aor: owned(c.text(c.to)),
        call_id: owned(c.text(c.call_id)),
        state: match outcome.state {
            State::Registered => RegistrationState::Registered,
            State::Removed => RegistrationState::Removed,
            State::Queried => RegistrationState::Queried,
            State::Refused => RegistrationState::Refused,
            State::Challenged => RegistrationState::Challenged,
            State::Unanswered => RegistrationState::Unanswered,
        },
        contacts: contacts.filter_map(owned).collect(),
        expires_s: outcome.expires_s,
        participants: legs::participants(c),
        messages: indices(c),
        findings,
    }
}

/// An exchange.
#[must_use]
pub fn exchange(c: &Conversation, findings: Vec<u64>) -> Exchange {
    let outcome = exchange::Outcome::of(c);
    let method = c.facts.first().and_then(|f| method_text(c, f, f.method)).unwrap_or_default();
    Exchange {
        id: c.id,
        method: method.into_owned(),
        call_id: owned(c.text(c.call_id)),
        state: match outcome.state {
            exchange::State::Answered => ExchangeState::Answered,
            exchange::State::Rejected => ExchangeState::Rejected,
            exchange::State::Unanswered => ExchangeState::Unanswered,
        },
        status: outcome.status,
        reply_ms: outcome.reply_ns.map(|ns| ns as f64 / 1e6),
        participants: legs::participants(c),
        messages: indices(c),
        findings,
    }
}

/// A media stream.
#[must_use]
pub fn stream(s: &MediaStream) -> Stream {
    let r = s.receiver.statistics();
    Stream {
        id: s.id,
        call: s.call,
        ssrc: format!("0x{:08x}", r.ssrc),
        src: s.flow.src.to_string(),
        dst: s.flow.dst.to_string(),
        codec: s.codec_name(),
        payload_type: r.payload_type,
        packets: r.packets,
        lost: r.lost,
        loss_percent: rounded(r.loss_percent),
        jitter_ms: rounded(r.mean_jitter_ms),
        max_gap_ms: rounded(r.max_gap_ms),
        mos: r.mos().map(rounded),
        duration_ms: rounded(r.duration_ms),
        dtmf: s.dtmf.digits(),
        direction: s.to_caller.map(|to_caller| if to_caller { "callee_to_caller" } else { "caller_to_callee" }),
        start: Instant(s.start),
    }
}

/// Thousandths are more than a capture can tell.
fn rounded(x: f64) -> f64 {
    (x * 1000.0).round() / 1000.0
}

/// A finding about conversation `c`; without one, about the run as a whole.
#[must_use]
pub fn finding(c: Option<&Conversation>, f: analysis::Finding) -> Finding {
    use crate::trace::Kind;
    let index = |position: u32| c.and_then(|c| c.at(position)).map(|m| m.index);
    let of = |kind: Kind| c.filter(|c| c.kind == kind).map(|c| c.id);
    Finding {
        code: f.code,
        severity: f.severity.into(),
        confidence: match f.confidence {
            analysis::Confidence::Certain => "certain",
            analysis::Confidence::Likely => "likely",
            analysis::Confidence::Possible => "possible",
        },
        title: f.title,
        detail: f.detail.join("\n"),
        ruled_out: f.ruled_out,
        update: f.is_update,
        fix: f.fix.to_owned(),
        rule: f.rule.to_owned(),
        call: of(Kind::Call),
        registration: of(Kind::Registration),
        exchange: of(Kind::Exchange),
        stream: f.stream,
        messages: f.positions.iter().filter_map(|&p| index(p)).chain(f.indices).collect(),
        spans: f
            .evidence
            .into_iter()
            .filter_map(|e| {
                Some(EvidenceSpan {
                    message: index(e.position)?,
                    start: e.span.start,
                    end: e.span.end,
                    // A line is shown for its defect, wherever that is: what in it is secret is not shown with it.
                    line: crate::sip::secrets::hide(&e.line).into_owned(),
                    line_number: e.line_number,
                    column: e.column,
                    label: e.label,
                })
            })
            .collect(),
    }
}

impl From<analysis::Severity> for Severity {
    fn from(severity: analysis::Severity) -> Self {
        match severity {
            analysis::Severity::Info => Severity::Info,
            analysis::Severity::Warning => Severity::Warning,
            analysis::Severity::Error => Severity::Error,
        }
    }
}

impl From<call::State> for CallState {
    fn from(state: call::State) -> Self {
        use call::State;
        match state {
            State::Trying => CallState::Trying,
            State::Ringing => CallState::Ringing,
            State::Answered => CallState::Answered,
            State::Completed => CallState::Completed,
            State::Busy => CallState::Busy,
            State::Cancelled => CallState::Cancelled,
            State::Rejected => CallState::Rejected,
            State::Redirected => CallState::Redirected,
            State::Unanswered => CallState::Unanswered,
            State::Unauthorized => CallState::Unauthorized,
            State::Failed => CallState::Failed,
        }
    }
}
