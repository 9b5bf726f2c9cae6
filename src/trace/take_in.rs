//! One message into its conversation: facts, transaction, repeats.

use super::batch::Observed;
use super::conversation::{Conversation, Kind};
use super::description::line_at;
use super::facts::{Facts, KeptDefect, KeptField, Rare};
use super::transaction::{Repeat, Transaction, repeat};
use crate::base::Span;
use crate::digest::Algorithm;
use crate::media::{SdpFacts, dtmf};
use crate::sip::{Credentials, HeaderName, Method, Outline, StartLine};
use memchr::memmem::Finder;
use std::sync::LazyLock;

/// Prepared once: they are looked for in every message.
static RPORT: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"rport"));
static AUTH_INT: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"auth-int"));
/// How many transactions back a message looks for its own.
const TRANSACTIONS_BACK: usize = 128;
/// How many messages back a message looks for what it repeats.
const MESSAGES_BACK: usize = 64;
/// Kept defects of one message.
const DEFECTS_CAP: usize = 16;
/// Kept different SDP bodies of one conversation; what a message has of it is a `u8`.
const SDP_CAP: usize = 64;
/// Kept bytes of one text.
const TEXT_CAP: usize = 2048;
/// Kept bytes of a method outside the table: told apart by its text, however long it is.
const METHOD_CAP: usize = 16 * 1024;

/// Lets `c` begin with `observed`.
pub fn begin(c: &mut Conversation, kind: Kind, id: u64, observed: &Observed<'_>) {
    let (o, bytes) = (observed.outline, observed.bytes);
    c.reset(kind, id);
    let texts = &mut c.texts;
    let mut keep = |span: Span| texts.intern(capped(span.of(bytes)));
    c.call_id = keep(o.call_id);
    c.from = keep(o.from_uri);
    c.to = keep(o.to_uri);
    c.from_display = keep(display_of(o.from, o.from_uri, bytes));
    c.to_display = keep(display_of(o.to, o.to_uri, bytes));
}

fn capped(text: &[u8]) -> &[u8] {
    text.get(..TEXT_CAP).unwrap_or(text)
}

/// The display name before `<`, without its quotes. RFC 3261 §25.1
fn display_of(value: Span, uri: Span, bytes: &[u8]) -> Span {
    if uri.is_empty() || uri.start <= value.start {
        return Span::NONE;
    }
    let before = Span { start: value.start, end: uri.start };
    let text = before.of(bytes);
    let is_edge = |b: &u8| matches!(b, b'<' | b' ' | b'\t' | b'\r' | b'\n' | b'"');
    let Some(first) = text.iter().position(|b| !is_edge(b)) else { return Span::NONE };
    let last = text.iter().rposition(|b| !is_edge(b)).unwrap_or(first);
    Span::new(before.start as usize + first, before.start as usize + last + 1)
}

/// What became of a message. What was just written is not read again: it is on its way to memory, and who asks for it waits.
#[derive(Clone, Copy, Debug)]
pub struct Taken {
    /// Its position in the conversation.
    pub position: u32,
    /// Whether it is no first sight: a retransmission or a captured copy.
    pub is_repeat: bool,
}

/// Takes a message in.
pub fn message(c: &mut Conversation, observed: &Observed<'_>, index: u64, keep_raw: bool) -> Taken {
    let key = observed.keys.transaction;
    let position = c.facts.len() as u32;
    let found = find_transaction(c, observed.outline, key);
    let mut facts = facts_of(c, observed, index, position);
    join_transaction(c, &mut facts, observed, position, found);
    keep_fields(c, observed, &mut facts);
    if let Some(sdp) = observed.sdp {
        facts.sdp = keep_sdp(c, observed.keys.sdp_key, sdp);
    }
    let is_repeat = facts.is_repeat();
    c.facts.push(facts);
    if keep_raw {
        c.raw.push(observed.bytes.into());
    }
    Taken { position, is_repeat }
}

fn facts_of(c: &mut Conversation, observed: &Observed<'_>, index: u64, position: u32) -> Facts {
    let (o, bytes, sight) = (observed.outline, observed.bytes, &observed.sight);
    let (method, method_span, status, uri_or_reason) = match o.start {
        StartLine::Request { method, method_span, uri, .. } => (method, method_span, 0, uri),
        StartLine::Response { status, reason, .. } => {
            let (method, span) = o.cseq.as_ref().map_or((Method::Other, Span::NONE), |c| (c.method, c.method_span));
            (method, span, status.max(1), reason)
        }
    };
    let texts = &mut c.texts;
    let odd_method = method_span.of(bytes);
    let method_text = match method {
        Method::Other => texts.intern(odd_method.get(..METHOD_CAP).unwrap_or(odd_method)),
        _ => Span::NONE,
    };
    // The tags are mostly those of the message before.
    let (last_from, last_to, last_type) =
        c.facts.last().map_or((Span::NONE, Span::NONE, Span::NONE), |f| (f.from_tag, f.to_tag, f.content_type));
    let mut keep = |guess: Span, span: Span| texts.intern_like(guess, capped(span.of(bytes)));
    let fragment = if o.body.is_empty() { Span::NONE } else { keep(Span::NONE, fragment_of(observed)) };
    let digit = if method == Method::Info && status == 0 {
        dtmf::from_info(o.content_type.of(bytes), o.body.of(bytes))
    } else {
        None
    };
    let (defects, body_hash) = (keep_defects(observed), body_hash(observed));
    let rare = Rare { method_text, fragment, digit, defects, body_hash }.kept();
    Facts {
        index,
        frame: sight.frame,
        time: sight.time,
        flow: sight.flow,
        source: sight.source,
        transport: observed.transport,
        method,
        status,
        ip_id: sight.ip_id,
        cseq: o.cseq.as_ref().map_or(0, |c| c.number),
        has_cseq: o.cseq.is_some(),
        cseq_method: o.cseq.as_ref().map_or(Method::Other, |c| c.method),
        mirrored: sight.mirrored,
        copy: false,
        malformed: !o.defects.is_empty(),
        cut: sight.cut,
        fragmented: sight.fragmented,
        head_cut: sight.cut && !matches!(bytes.get(o.head.end as usize), Some(b'\r' | b'\n')),
        uri_or_reason: keep(Span::NONE, uri_or_reason),
        vias: o.vias,
        max_forwards: o.max_forwards.map(|n| u8::try_from(n).unwrap_or(u8::MAX)),
        from_tag: keep(last_from, o.from_tag),
        to_tag: keep(last_to, o.to_tag),
        content_type: keep(last_type, o.content_type),
        size: bytes.len() as u32,
        body_len: o.body.len() as u32,
        sdp: None,
        transaction: 0,
        before: position,
        repeats: None,
        fields_start: 0,
        fields_len: 0,
        rare,
    }
}

/// The start line in a body that is a piece of a SIP message. RFC 3420 §2.1
fn fragment_of(observed: &Observed<'_>) -> Span {
    const TYPE: &[u8] = b"message/sipfrag";
    let (o, bytes) = (observed.outline, observed.bytes);
    let is_fragment = o.content_type.of(bytes).get(..TYPE.len()).is_some_and(|t| t.eq_ignore_ascii_case(TYPE));
    if !is_fragment {
        return Span::NONE;
    }
    let body = o.body.of(bytes);
    let line = body.iter().position(|b| matches!(b, b'\r' | b'\n')).unwrap_or(body.len());
    Span { start: o.body.start, end: o.body.start.saturating_add(line as u32) }
}

/// Hash of the body where credentials vouch for it: the body itself is not kept. RFC 7616 §3.4.3
fn body_hash(observed: &Observed<'_>) -> Option<Box<str>> {
    let is_vouching = |f: &&KeptField| {
        matches!(f.name, HeaderName::Authorization | HeaderName::ProxyAuthorization)
            && AUTH_INT.find(f.value.of(observed.bytes)).is_some()
    };
    let field = observed.kept.iter().find(is_vouching)?;
    let credentials = Credentials::parse(field.value.of(observed.bytes));
    let named = credentials.param("algorithm").map(|p| p.text());
    let algorithm = named.map_or(Some(Algorithm::Md5), |name| Algorithm::of(std::str::from_utf8(&name).ok()?))?;
    Some(algorithm.hash(observed.outline.body.of(observed.bytes)).into())
}

/// The transaction that a message belongs to.
fn find_transaction(c: &Conversation, o: &Outline, key: u64) -> Option<usize> {
    let from = c.transaction_keys.len().saturating_sub(TRANSACTIONS_BACK);
    let find = |method: Method| {
        let recent = c.transaction_keys.get(from..)?.iter().enumerate().rev();
        let same = recent.filter(|(_, k)| **k == key).map(|(at, _)| at + from);
        same.into_iter().find(|&at| c.transactions.get(at).is_some_and(|t| t.method == method))
    };
    match o.start {
        // The ACK to a response other than 2xx is part of the INVITE transaction. RFC 3261 §17.1.1.3
        StartLine::Request { method: Method::Ack, .. } => find(Method::Invite).or_else(|| find(Method::Ack)),
        StartLine::Request { method, .. } => find(method),
        StartLine::Response { .. } => find(o.cseq.as_ref().map_or(Method::Other, |c| c.method)),
    }
}

/// Puts a message into its transaction, or begins one with it, and notes whether the message is a repeat.
fn join_transaction(
    c: &mut Conversation,
    facts: &mut Facts,
    observed: &Observed<'_>,
    position: u32,
    found: Option<usize>,
) {
    let Some(at) = found else {
        facts.transaction = c.transactions.len() as u32;
        let (o, bytes) = (observed.outline, observed.bytes);
        let sent_by = c.transactions.last().map_or(Span::NONE, |t| t.sent_by);
        let via =
            (c.texts.append(capped(o.branch.of(bytes))), c.texts.intern_like(sent_by, capped(o.sent_by.of(bytes))));
        let mut transaction = Transaction::begin(facts, via, position);
        transaction.asks_rport = RPORT.find(o.via.of(bytes)).is_some();
        if !facts.is_request() {
            transaction.respond(facts, position);
        }
        c.transactions.push(transaction);
        c.transaction_keys.push(observed.keys.transaction);
        return;
    };
    facts.transaction = at as u32;
    facts.before = c.transactions.get(at).map_or(position, |t| t.latest);
    let earlier = last_like(c, facts, position);
    if let Some(earlier) = earlier {
        let like = &c.facts[earlier];
        facts.copy = repeat(like, facts) == Repeat::Copy;
        facts.repeats = Some(like.repeats.unwrap_or(earlier as u32));
    }
    let Some(transaction) = c.transactions.get_mut(at) else { return };
    transaction.latest = position;
    match (facts.is_request(), earlier.is_some()) {
        (true, _) if facts.method == Method::Ack && transaction.method == Method::Invite => {
            transaction.ack.get_or_insert(position);
        }
        (true, false) => {
            // First seen by its response, as after a disorder: now the request is known.
            transaction.request.get_or_insert(position);
            transaction.flow = facts.flow;
            transaction.sends = transaction.sends.saturating_add(1);
            transaction.last_send = facts.time;
        }
        (true, true) if !facts.copy => {
            transaction.sends = transaction.sends.saturating_add(1);
            transaction.last_send = facts.time;
        }
        (false, false) => transaction.respond(facts, position),
        (false, true) if !facts.copy && facts.is_final() => {
            transaction.final_sends = transaction.final_sends.saturating_add(1);
        }
        _ => {}
    }
}

/// The latest earlier message of the same transaction that says the same.
fn last_like(c: &Conversation, facts: &Facts, position: u32) -> Option<usize> {
    let (mut at, mut last) = (facts.before, position);
    for _ in 0..MESSAGES_BACK {
        if at == last {
            return None;
        }
        let f = c.at(at)?;
        let is_like = f.status == facts.status
            && f.method == facts.method
            && is_same(c, f.to_tag, facts.to_tag)
            && (!facts.is_provisional() || f.size == facts.size);
        if is_like {
            return Some(at as usize);
        }
        (at, last) = (f.before, at);
    }
    None
}

/// Equal texts share their span only while they follow each other closely.
fn is_same(c: &Conversation, a: Span, b: Span) -> bool {
    a == b || c.text(a) == c.text(b)
}

/// Whether a challenge or credentials are of the scheme that RFC 3261 §22 does not allow any more.
fn is_basic(name: HeaderName, value: &[u8]) -> bool {
    matches!(
        name,
        HeaderName::Authorization
            | HeaderName::ProxyAuthorization
            | HeaderName::WwwAuthenticate
            | HeaderName::ProxyAuthenticate
    ) && value.get(..5).is_some_and(|scheme| scheme.eq_ignore_ascii_case(b"Basic"))
}

fn keep_fields(c: &mut Conversation, observed: &Observed<'_>, facts: &mut Facts) {
    let start = c.fields.len();
    for field in observed.kept.iter().take(usize::from(u16::MAX)) {
        let text = capped(field.value.of(observed.bytes));
        c.has_basic |= is_basic(field.name, text);
        let value = c.texts.intern(text);
        c.fields.push(KeptField { name: field.name, value });
    }
    facts.fields_start = start as u32;
    facts.fields_len = (c.fields.len() - start) as u16;
}

/// Keeps the SDP of a message, unless the same body was kept before.
fn keep_sdp(c: &mut Conversation, key: u64, sdp: &SdpFacts) -> Option<u8> {
    if let Some(at) = c.sdp_keys.iter().position(|&k| k == key) {
        return u8::try_from(at).ok();
    }
    if c.sdps.len() >= SDP_CAP {
        return None;
    }
    if c.sdps.capacity() == 0 {
        // An offer and its answer: most calls have no more.
        c.sdps.reserve_exact(2);
    }
    c.sdps.push(sdp.clone());
    c.sdp_keys.push(key);
    u8::try_from(c.sdps.len() - 1).ok()
}

fn keep_defects(observed: &Observed<'_>) -> Box<[KeptDefect]> {
    let kept = observed.outline.defects.iter().take(DEFECTS_CAP).map(|&defect| {
        let (line, line_number, column) = line_at(observed.bytes, defect.span.start as usize);
        KeptDefect { defect, line, line_number, column }
    });
    kept.collect()
}
