//! Where the columns stand: the roomiest layout that the width can hold.
//!
//! Tried in this order: names over the columns and notes on the right; addresses broken before their port; notes under the
//! arrows; letters with a legend instead of names; and for a crowd a plain list of `A → B`.

use super::Ladder;
use super::entries::{Entry, What};
use crate::render::Terminal;
use crate::render::glyph::{fit, width};
use crate::render::style::Tone;
use crate::report::decode::Participant;
use std::collections::{HashMap, HashSet};

/// Columns given to addresses that no participant has; one more stands for all others.
const MOST_STRANGERS: usize = 12;
/// Least room for notes on the right: narrower ones go under their arrow.
const LEAST_NOTES: usize = 22;
/// Room that notes get before arrows are made longer: where there is plenty, and where there is enough.
const WIDE_NOTES: usize = 48;
const FAIR_NOTES: usize = 34;
/// Columns between the last lifeline and the notes.
const NOTES_GAP: usize = 3;
/// An arrow's length beyond its label: `── ` before it, ` ──▶` behind.
pub(super) const ARROW_REST: usize = 7;

/// How the columns are named.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Heading {
    /// Address, role and software over each.
    Names,
    /// A letter over each, and a legend.
    Letters,
    /// No columns: a legend, and letters in each line.
    List,
}

/// One participant.
pub(super) struct Column {
    pub address: String,
    pub role: String,
    pub letter: String,
    /// Column of the lifeline.
    pub x: usize,
    /// Lines over it.
    pub lines: Vec<(String, Tone)>,
}

/// The layout.
pub(super) struct Columns {
    pub columns: Vec<Column>,
    pub heading: Heading,
    /// Where notes start; `None` puts them under their arrow.
    pub notes: Option<usize>,
    /// Width of the longest time.
    time: usize,
    by_address: HashMap<String, usize>,
    by_host: HashMap<String, usize>,
}

impl Columns {
    /// Finds the layout.
    pub(super) fn lay_out(ladder: &Ladder<'_>, entries: &[Entry<'_>], terminal: Terminal) -> Columns {
        let mut columns = Columns {
            columns: Vec::with_capacity(ladder.participants.len()),
            heading: Heading::List,
            notes: None,
            time: entries.iter().map(|e| width(&e.time)).max().unwrap_or(0),
            by_address: HashMap::new(),
            by_host: HashMap::new(),
        };
        for participant in ladder.participants {
            columns.add(participant, terminal);
        }
        columns.add_media(entries);
        columns.add_strangers(entries, terminal);
        columns.place(&Wish::of(entries), terminal);
        columns
    }

    /// The column behind the time labels.
    pub(super) fn time_end(&self) -> usize {
        self.time + 2
    }

    /// The column of an address: its own, else that of its host, else the last.
    pub(super) fn of(&self, address: &str) -> usize {
        let known = self.by_address.get(address).or_else(|| self.by_host.get(host(address)));
        known.copied().unwrap_or_else(|| self.columns.len().saturating_sub(1))
    }

    fn knows(&self, address: &str) -> bool {
        self.by_address.contains_key(address) || self.by_host.contains_key(host(address))
    }

    fn add(&mut self, participant: &Participant, terminal: Terminal) {
        let at = self.columns.len();
        let mut first_host = None;
        for part in participant.address.split(',').map(str::trim) {
            let own_host = *first_host.get_or_insert_with(|| host(part));
            // A bare port belongs to the host named before it.
            let address = if part.contains(':') { part.to_owned() } else { format!("{own_host}:{part}") };
            self.by_host.entry(host(&address).to_owned()).or_insert(at);
            self.by_address.entry(address).or_insert(at);
        }
        let role = [
            participant.role.as_ref().map(|role| role_in_words(role, participant, terminal)),
            participant.software.as_ref().map(|software| fit(&terminal.show(software.bytes()), 40, terminal)),
        ];
        let role = role.into_iter().flatten().filter(|text| !text.is_empty()).collect::<Vec<_>>().join(" · ");
        self.columns.push(Column {
            address: terminal.show(participant.address.as_bytes()),
            role: terminal.spell(role),
            letter: letter(at),
            x: 0,
            lines: Vec::new(),
        });
    }

    /// Where participants share a host, its media belongs to who first described it: the host alone does not tell.
    fn add_media(&mut self, entries: &[Entry<'_>]) {
        let mut hosts: HashMap<String, usize> = HashMap::new();
        let mut shared: HashSet<String> = HashSet::new();
        for (address, at) in &self.by_address {
            let other = hosts.insert(host(address).to_owned(), *at);
            if other.is_some_and(|other| other != *at) {
                shared.insert(host(address).to_owned());
            }
        }
        for entry in entries {
            let What::Message(message) = entry.what else { continue };
            let Some(&at) = self.by_address.get(message.src.as_str()) else { continue };
            let described = message.body.as_ref().and_then(|body| body.sdp.as_ref());
            for address in described.into_iter().flat_map(|sdp| &sdp.media).filter_map(|media| media.address.as_ref()) {
                if shared.contains(host(address)) {
                    self.by_address.entry(address.clone()).or_insert(at);
                }
            }
        }
    }

    /// Gives addresses without a participant a column: media relays, private addresses in SDP.
    fn add_strangers(&mut self, entries: &[Entry<'_>], terminal: Terminal) {
        let participants = self.columns.len();
        for entry in entries {
            for address in [entry.ends().0, entry.ends().1] {
                if self.knows(address) || self.columns.len() > participants + MOST_STRANGERS {
                    continue;
                }
                let media = matches!(entry.what, What::Stream(_));
                let full = self.columns.len() == participants + MOST_STRANGERS;
                let shown = if full {
                    "others"
                } else if media {
                    host(address)
                } else {
                    address
                };
                self.add(
                    &Participant {
                        address: shown.to_owned(),
                        role: Some(if media { "media only" } else { "" }.to_owned()),
                        ..Participant::default()
                    },
                    terminal,
                );
            }
        }
    }

    fn place(&mut self, wish: &Wish, terminal: Terminal) {
        let total = terminal.columns();
        let least_notes = wish.notes.min(LEAST_NOTES);
        let fair_notes = wish.notes.min(FAIR_NOTES);
        let whole = self.widest(false);
        let broken = self.widest(true);
        // Heading, addresses broken or not, least step, room kept on the right.
        let attempts = [
            (Heading::Names, whole, false, (whole + 2).max(23), Some(wish.notes.min(WIDE_NOTES))),
            (Heading::Names, whole, false, (whole + 2).max(18), Some(fair_notes)),
            (Heading::Names, whole, false, (whole + 2).max(18), Some(least_notes)),
            (Heading::Names, broken, true, (broken + 2).max(18), Some(least_notes)),
            (Heading::Names, whole, false, (whole + 2).max(14), None),
            (Heading::Names, broken, true, (broken + 2).max(13), None),
            (Heading::Letters, 2, false, 16, Some(least_notes)),
            (Heading::Letters, 2, false, 12, None),
        ];
        for (heading, name, is_broken, least, notes) in attempts {
            let first = (self.time_end() + 2).max(name / 2 + 1);
            // One participant alone needs room for messages to itself.
            let steps = self.columns.len().saturating_sub(1).max(1);
            let behind = match notes {
                Some(room) if wish.notes > 0 => (NOTES_GAP + room).max(name / 2 + 1),
                _ => name / 2 + 2,
            };
            let Some(room) = total.checked_sub(first + behind) else { continue };
            let most = room / steps;
            if most < least {
                continue;
            }
            let step = most.min(wish.step(total).max(self.role_step(heading)).max(least));
            self.set(first, step, heading, is_broken, terminal);
            let end = first + steps * step + NOTES_GAP;
            self.notes = notes.map(|_| end);
            return;
        }
    }

    fn set(&mut self, first: usize, step: usize, heading: Heading, broken: bool, terminal: Terminal) {
        self.heading = heading;
        for (at, column) in self.columns.iter_mut().enumerate() {
            column.x = first + at * step;
            // Names are centred, but nothing stands left of the first column: a long one there reaches towards the second.
            let room = step.saturating_sub(2).min(column.x + (step / 2).saturating_sub(1));
            column.lines = name_lines(column, broken, room, terminal);
        }
    }

    /// Columns of the longest address, whole or broken before its port.
    fn widest(&self, broken: bool) -> usize {
        let wide = |column: &Column| match column.address.rsplit_once(':') {
            Some((host, port)) if broken => width(host).max(width(port) + 1),
            _ => width(&column.address),
        };
        self.columns.iter().map(wide).max().unwrap_or(0)
    }

    /// The step at which roles and software are not shortened, within reason.
    fn role_step(&self, heading: Heading) -> usize {
        let wide = self.columns.iter().map(|c| width(&c.role)).max().unwrap_or(0);
        if heading == Heading::Names { wide.min(26) + 2 } else { 0 }
    }
}

/// What the entries would like to have.
struct Wish {
    /// Columns of the longest label.
    label: usize,
    /// Columns of the longest line of notes; 0 where there are none.
    notes: usize,
}

impl Wish {
    fn of(entries: &[Entry<'_>]) -> Wish {
        let notes = |entry: &Entry<'_>| entry.notes.iter().map(|(note, _)| width(note) + 3).sum::<usize>();
        Wish {
            label: entries.iter().map(|e| e.label.width()).max().unwrap_or(0),
            notes: entries.iter().map(notes).max().unwrap_or(0).saturating_sub(3),
        }
    }

    /// The distance of lifelines at which no label is shortened, within what looks well in `total` columns.
    fn step(&self, total: usize) -> usize {
        (self.label + ARROW_REST + 1).min(if total >= 160 { 42 } else { 27 })
    }
}

/// The host of `192.0.2.1:5060` or `[2001:db8::1]:5060`; the whole where there is no port.
fn host(address: &str) -> &str {
    match address.rsplit_once(':') {
        Some((host, port))
            if port.bytes().all(|b| b.is_ascii_digit()) && (!host.contains(':') || host.ends_with(']')) =>
        {
            host
        }
        _ => address,
    }
}

fn name_lines(column: &Column, broken: bool, room: usize, terminal: Terminal) -> Vec<(String, Tone)> {
    let mut lines = Vec::with_capacity(4);
    match column.address.rsplit_once(':') {
        Some((host, port)) if broken => {
            lines.push((fit(host, room, terminal), Tone::Strong));
            lines.push((format!(":{port}"), Tone::Strong));
        }
        _ => lines.push((fit(&column.address, room, terminal), Tone::Strong)),
    }
    let separator = terminal.spell(" · ".to_owned());
    for part in broken_at(&column.role, &separator, room) {
        lines.push((fit(&part, room, terminal), Tone::Faint));
    }
    lines
}

/// What a participant is: `proxy · record-routing`, `stateless proxy`, `uac`.
fn role_in_words(role: &str, participant: &Participant, terminal: Terminal) -> String {
    let state = if participant.stateful == Some(false) { "stateless " } else { "" };
    let routing = if participant.record_routing == Some(true) { " · record-routing" } else { "" };
    format!("{state}{}{routing}", terminal.show(role.as_bytes()))
}

/// A text in as few lines of `room` columns as it needs, parted where `separator` stands.
fn broken_at(text: &str, separator: &str, room: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for part in text.split(separator).filter(|part| !part.is_empty()) {
        match lines.last_mut() {
            Some(line) if width(line) + width(separator) + width(part) <= room => {
                line.push_str(separator);
                line.push_str(part);
            }
            _ => lines.push(part.to_owned()),
        }
    }
    lines
}

/// A, B, … Z, AA, AB, …
fn letter(at: usize) -> String {
    let mut rest = at;
    let mut out = Vec::new();
    loop {
        out.push(b'A' + u8::try_from(rest % 26).unwrap_or(0));
        match (rest / 26).checked_sub(1) {
            Some(next) => rest = next,
            None => break,
        }
    }
    out.iter().rev().map(|&b| char::from(b)).collect()
}

#[cfg(test)]
mod unit {
    use super::{host, letter};

    #[test]
    fn hosts_of_both_families() {
        assert_eq!(host("192.0.2.1:5060"), "192.0.2.1");
        assert_eq!(host("[2001:db8::1]:5060"), "[2001:db8::1]");
        assert_eq!(host("2001:db8::1"), "2001:db8::1");
        assert_eq!(host(""), "");
    }

    #[test]
    fn letters_go_on_after_z() {
        assert_eq!([0, 25, 26, 51, 52, 701, 702].map(letter), ["A", "Z", "AA", "AZ", "BA", "ZZ", "AAA"]);
    }
}
