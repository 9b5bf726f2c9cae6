//! The payload types of a stream: how many packets of each, and what they mean.

use crate::media::codec::{Codec, Content, StaticType};

/// How many payload types are told apart: a stream uses one to three, its description may list a dozen.
const ROOM: usize = 16;

/// One payload type of a stream.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PayloadType {
    /// Its number, 0 to 127.
    pub number: u8,
    /// Its codec, if known.
    pub codec: Option<Codec>,
    /// What it is for; audio where nothing is known.
    pub content: Content,
    /// RTP clock in Hz; 0 while unknown.
    pub clock_rate: u32,
    /// Packets.
    pub packets: u64,
}

impl PayloadType {
    /// What the number alone says.
    fn new(number: u8) -> Self {
        let known = StaticType::of(number);
        let codec = known.map(|k| k.codec);
        let content = codec.map_or(Content::Audio, Codec::content);
        PayloadType { number, codec, content, clock_rate: known.map_or(0, |k| k.clock_rate), packets: 0 }
    }
}

/// At most [`ROOM`] payload types, and a count of what found no room.
#[derive(Clone, Debug)]
pub(super) struct PayloadTypes {
    all: [PayloadType; ROOM],
    len: u8,
    /// Where the last packet's type stands: the next one's is nearly always the same.
    current: u8,
    others: PayloadType,
}

impl Default for PayloadTypes {
    fn default() -> Self {
        let none = PayloadType { number: 0, codec: None, content: Content::Audio, clock_rate: 0, packets: 0 };
        PayloadTypes { all: [none; ROOM], len: 0, current: 0, others: none }
    }
}

impl PayloadTypes {
    fn known(&self) -> &[PayloadType] {
        self.all.get(..usize::from(self.len)).unwrap_or(&[])
    }

    fn find(&self, number: u8) -> Option<usize> {
        self.known().iter().position(|t| t.number == number)
    }

    fn add(&mut self, number: u8) -> Option<usize> {
        let at = usize::from(self.len);
        *self.all.get_mut(at)? = PayloadType::new(number);
        self.len += 1;
        Some(at)
    }

    /// The place of a type that has come: one that was only described gives way to it.
    #[cold]
    fn place(&mut self, number: u8) -> Option<usize> {
        self.find(number).or_else(|| self.add(number)).or_else(|| {
            let at = self.known().iter().rposition(|t| t.packets == 0)?;
            *self.all.get_mut(at)? = PayloadType::new(number);
            Some(at)
        })
    }

    /// Counts a packet of `number`, and says what is known of it.
    #[inline]
    pub(super) fn count(&mut self, number: u8) -> &PayloadType {
        let current = usize::from(self.current);
        let at = match self.known().get(current) {
            Some(t) if t.number == number => Some(current),
            _ => self.place(number),
        };
        let entry = match at.and_then(|at| self.all.get_mut(at).map(|entry| (at, entry))) {
            Some((at, entry)) => {
                self.current = at as u8;
                entry
            }
            None => &mut self.others,
        };
        entry.packets += 1;
        entry
    }

    pub(super) fn describe(&mut self, number: u8, codec: Option<Codec>, clock_rate: u32) {
        let Some(entry) = self.find(number).or_else(|| self.add(number)).and_then(|at| self.all.get_mut(at)) else {
            return;
        };
        if let Some(codec) = codec {
            (entry.codec, entry.content) = (Some(codec), codec.content());
        }
        let usual = || codec.and_then(Codec::clock_rate);
        if let Some(rate) = Some(clock_rate).filter(|&rate| rate != 0).or_else(usual) {
            entry.clock_rate = rate;
        }
    }

    pub(super) fn rate_of(&self, number: u8) -> Option<u32> {
        self.known().iter().find(|t| t.number == number).map(|t| t.clock_rate).filter(|&rate| rate != 0)
    }

    pub(super) fn content_of(&self, number: u8) -> Content {
        self.known().iter().find(|t| t.number == number).map_or_else(|| PayloadType::new(number).content, |t| t.content)
    }

    /// Described types without packets stand among the met ones with a count of 0.
    pub(super) fn met(&self) -> &[PayloadType] {
        self.known()
    }

    pub(super) fn others(&self) -> u64 {
        self.others.packets
    }

    /// The most used type that carries content, else the most used one; the first of equals.
    pub(super) fn main(&self) -> PayloadType {
        let weight =
            |t: &PayloadType| (t.packets > 0 && !matches!(t.content, Content::Event | Content::Silence), t.packets);
        self.known().iter().rev().max_by_key(|t| weight(t)).copied().unwrap_or(self.others)
    }
}
