//! All messages of one Call-ID that belong together, as facts.

use super::batch::IcmpSeen;
use super::facts::{Facts, KeptField};
use super::join::Joined;
use super::texts::Texts;
use super::transaction::Transaction;
use crate::base::{Span, Timestamp};
use crate::media::SdpFacts;
use crate::sip::{HeaderName, Method};

/// What a conversation is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// Everything that an INVITE started.
    Call,
    /// REGISTER of one AOR.
    Registration,
    /// One request outside a call, with its responses.
    Exchange,
}

/// Messages that belong together: a call, a registration or an exchange.
#[derive(Clone, Debug)]
pub struct Conversation {
    /// What it is.
    pub kind: Kind,
    /// 1, 2, … among its kind, in order of first message.
    pub id: u64,
    /// Every text that a span of it names.
    pub texts: Texts,
    /// Call-ID.
    pub call_id: Span,
    /// URI, display name of From in the first message.
    pub from: Span,
    /// Display part of From (quotes as they stand).
    pub from_display: Span,
    /// URI of To in the first message.
    pub to: Span,
    /// Display part of To.
    pub to_display: Span,
    /// Its messages, in order.
    pub facts: Vec<Facts>,
    /// Its transactions, in order.
    pub transactions: Vec<Transaction>,
    /// Their keys, side by side so that looking for one touches little memory.
    pub transaction_keys: Vec<u64>,
    /// Header field values that were kept.
    pub fields: Vec<KeptField>,
    /// The different SDP bodies that were seen.
    pub sdps: Vec<SdpFacts>,
    /// Hashes of the bodies of `sdps`, so that a repeated body is not read again.
    pub sdp_keys: Vec<u64>,
    /// Whole messages, where an output asks for them: one for each of `facts`.
    pub raw: Vec<Box<[u8]>>,
    /// Whether a challenge or credentials of it begin with `Basic`: noted while they are at hand.
    pub has_basic: bool,
    /// ICMP errors that quoted a message of it.
    pub unreachable: Vec<Unreachable>,
    /// The run's clock when its last message came. Where messages bring times of their own (HEP), those may differ.
    pub touched: Timestamp,
    /// How far it is on its way out.
    pub stage: Stage,
    /// The calls that it was put together from, where it was.
    pub joined: Option<Box<Joined>>,
}

/// Memory of conversations, passed on as it is.
pub type Spare = Vec<Box<Conversation>>;

/// How far a conversation is on its way out.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Stage {
    /// More is to be expected.
    #[default]
    Open,
    /// It seems to be over, and waits for a moment of quiet.
    Settling,
    /// It was handed over, with so many messages, and only takes late repeats in.
    Told(usize),
}

/// An ICMP error that answered a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unreachable {
    /// When.
    pub time: Timestamp,
    /// Who says so.
    pub from: crate::base::Endpoint,
    /// Who could not be reached.
    pub to: crate::base::Endpoint,
    /// ICMP type.
    pub kind: u8,
    /// ICMP code.
    pub code: u8,
    /// Whether it is ICMPv6.
    pub v6: bool,
    /// Position of the transaction whose message it quotes, where that is known.
    pub transaction: Option<u32>,
    /// Whether it quotes a response.
    pub of_response: bool,
}

impl Unreachable {
    /// What an ICMP error says of the datagram that it quotes.
    #[must_use]
    pub fn of(seen: &IcmpSeen) -> Self {
        Unreachable {
            time: seen.sight.time,
            from: seen.sight.flow.src.with_port(0),
            to: seen.quoted.dst,
            kind: seen.kind,
            code: seen.code,
            v6: seen.v6,
            transaction: None,
            of_response: false,
        }
    }
}

impl Conversation {
    /// An empty conversation.
    #[must_use]
    pub fn new(kind: Kind, id: u64) -> Self {
        Conversation {
            kind,
            id,
            texts: Texts::default(),
            call_id: Span::NONE,
            from: Span::NONE,
            from_display: Span::NONE,
            to: Span::NONE,
            to_display: Span::NONE,
            facts: Vec::with_capacity(if kind == Kind::Call { 16 } else { 4 }),
            // Two hops with a challenge: three INVITEs, two ACKs, two BYEs.
            transactions: Vec::with_capacity(if kind == Kind::Call { 7 } else { 2 }),
            transaction_keys: Vec::with_capacity(if kind == Kind::Call { 8 } else { 2 }),
            fields: Vec::with_capacity(if kind == Kind::Call { 16 } else { 4 }),
            sdps: Vec::new(),
            sdp_keys: Vec::new(),
            raw: Vec::new(),
            has_basic: false,
            unreachable: Vec::new(),
            touched: Timestamp::default(),
            stage: Stage::Open,
            joined: None,
        }
    }

    /// Forgets everything but the memory, to be the conversation `id` of `kind`.
    pub fn reset(&mut self, kind: Kind, id: u64) {
        (self.kind, self.id) = (kind, id);
        self.texts.clear();
        self.facts.clear();
        self.transactions.clear();
        self.transaction_keys.clear();
        self.fields.clear();
        self.sdps.clear();
        self.sdp_keys.clear();
        self.raw.clear();
        self.unreachable.clear();
        self.has_basic = false;
        self.stage = Stage::Open;
        self.joined = None;
    }

    /// Number of the leg that a message belongs to: 0, unless calls were joined.
    #[must_use]
    pub fn leg_of(&self, position: u32) -> usize {
        let joined = self.joined.as_ref().and_then(|j| j.of.get(position as usize));
        joined.copied().map_or(0, usize::from)
    }

    /// The Call-ID of a message.
    #[must_use]
    pub fn call_id_of(&self, position: u32) -> &[u8] {
        let leg = self.joined.as_ref().and_then(|j| j.legs.get(self.leg_of(position)));
        self.text(leg.map_or(self.call_id, |leg| leg.call_id))
    }

    /// Its Call-IDs: more than one where calls were joined.
    pub fn call_ids(&self) -> impl Iterator<Item = &[u8]> {
        let others = self.joined.iter().flat_map(|j| j.legs.iter().skip(1)).map(|leg| leg.call_id);
        std::iter::once(self.call_id).chain(others).map(|span| self.text(span))
    }

    /// About how many bytes it keeps.
    #[must_use]
    pub fn weight(&self) -> usize {
        let raw: usize = self.raw.iter().map(|message| message.len()).sum();
        self.texts.len() + self.facts.len() * size_of::<Facts>() + raw
    }

    /// How many of them came with its last message, where its texts had `before` bytes until then.
    #[must_use]
    pub fn weight_of_last(&self, before: usize) -> usize {
        let raw = self.raw.last().map_or(0, |message| message.len());
        self.texts.len().saturating_sub(before) + size_of::<Facts>() + raw
    }

    /// The bytes of one of its texts.
    #[must_use]
    pub fn text(&self, span: Span) -> &[u8] {
        self.texts.of(span)
    }

    /// First kept value of a header field of a message.
    #[must_use]
    pub fn header(&self, facts: &Facts, name: HeaderName) -> Option<&[u8]> {
        self.headers(facts, name).next()
    }

    /// Every kept value of a header field of a message, in wire order.
    pub fn headers<'a>(&'a self, facts: &Facts, name: HeaderName) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let start = facts.fields_start as usize;
        let kept = self.fields.get(start..start + usize::from(facts.fields_len)).unwrap_or(&[]);
        kept.iter().filter(move |f| f.name == name).map(|f| self.texts.of(f.value))
    }

    /// The SDP of a message.
    #[must_use]
    pub fn sdp(&self, facts: &Facts) -> Option<&SdpFacts> {
        self.sdps.get(facts.sdp? as usize)
    }

    /// The transaction of a message.
    #[must_use]
    pub fn transaction(&self, facts: &Facts) -> Option<&Transaction> {
        self.transactions.get(facts.transaction as usize)
    }

    /// A message by its position.
    #[must_use]
    pub fn at(&self, position: u32) -> Option<&Facts> {
        self.facts.get(position as usize)
    }

    /// Messages that are neither retransmissions nor copies, with their positions.
    pub fn firsts(&self) -> impl DoubleEndedIterator<Item = (u32, &Facts)> {
        self.facts.iter().enumerate().filter(|(_, f)| !f.is_repeat()).map(|(i, f)| (i as u32, f))
    }

    /// What was sent again of the message at `position`, in order; captured copies are not in it.
    pub fn repeats_of(&self, position: u32) -> impl DoubleEndedIterator<Item = (u32, &Facts)> {
        let repeats = self.facts.iter().enumerate().filter(move |(_, f)| f.repeats == Some(position) && !f.copy);
        repeats.map(|(i, f)| (i as u32, f))
    }

    /// First sights of requests of `method`.
    pub fn requests(&self, method: Method) -> impl DoubleEndedIterator<Item = (u32, &Facts)> {
        self.firsts().filter(move |(_, f)| f.asks(method))
    }

    /// Time of its first message.
    #[must_use]
    pub fn start(&self) -> Timestamp {
        self.facts.first().map(|f| f.time).unwrap_or_default()
    }

    /// Time of its last message.
    #[must_use]
    pub fn end(&self) -> Timestamp {
        self.facts.iter().map(|f| f.time).max().unwrap_or_default()
    }
}
