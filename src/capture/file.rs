//! One capture file, or standard input, as a source.

use super::info::SourceInfo;
use super::input::{Input, WINDOW};
use super::netmon_file::NetmonFile;
use super::pcap_file::PcapFile;
use super::pcapng_file::PcapngFile;
use super::sniff::{self, Kind};
use super::text::{self, TextFile};
use super::{CaptureError, Event, Logged, Source};
use crate::base::Timestamp;
use crate::net::{LinkType, Packet};
use std::fs::File;
use std::io::{self, BufReader, Read};

/// No packet is larger: a length beyond it is damage. USB and D-Bus captures come near, network packets do not.
pub(super) const MAX_PACKET: u32 = 16 << 20;

/// Where the reader's buffer holds what was found, until the reader advances.
#[derive(Clone, Copy, Debug)]
pub(super) enum Found {
    Packet(Record),
    Secrets { at: usize, len: usize },
    Logged(text::Logged),
}

/// A packet in the buffer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Record {
    pub(super) time: Timestamp,
    pub(super) link: LinkType,
    /// Its place in the buffer.
    pub(super) at: usize,
    pub(super) len: usize,
    pub(super) original_len: u32,
}

enum Format {
    Pcap(PcapFile),
    Pcapng(PcapngFile),
    Netmon(NetmonFile),
    Text(Box<TextFile>),
    /// The file ends inside its header.
    Nothing,
}

/// A capture file that is read as a stream, however large it is.
pub struct FileSource {
    input: Input,
    format: Format,
    info: SourceInfo,
    source: u16,
    done: bool,
}

/// Opens a capture file, or standard input where `path` is `-`, as source number `source` of the run.
///
/// # Errors
/// [`CaptureError::Io`] where it cannot be opened or read, [`CaptureError::NotACapture`] where it is something else.
pub fn open(path: &str, source: u16) -> Result<FileSource, CaptureError> {
    open_with_window(path, source, WINDOW)
}

/// [`open`] with a window of `window` bytes, for when there are many at once.
pub(super) fn open_with_window(path: &str, source: u16, window: usize) -> Result<FileSource, CaptureError> {
    if path == "-" {
        return FileSource::from_reader(Box::new(io::stdin()), path, source, window);
    }
    let file = File::open(path).map_err(|e| CaptureError::io("open", path, e))?;
    // Opening a directory works, reading it fails with words that name no reason.
    if file.metadata().is_ok_and(|m| m.is_dir()) {
        return Err(CaptureError::io("open", path, io::Error::other("it is a directory")));
    }
    FileSource::from_reader(Box::new(file), path, source, window)
}

impl FileSource {
    /// Reads a capture from any reader; `path` is how messages name it.
    ///
    /// # Errors
    /// As [`open`].
    pub fn new(reader: Box<dyn Read + Send>, path: &str, source: u16) -> Result<Self, CaptureError> {
        Self::from_reader(reader, path, source, WINDOW)
    }

    fn from_reader(reader: Box<dyn Read + Send>, path: &str, source: u16, window: usize) -> Result<Self, CaptureError> {
        let failed = |e| CaptureError::io("read", path, e);
        let mut input = Input::new(reader, window, false);
        input.need(64).map_err(failed)?;
        let mut packing = "";
        let mut kind = sniff::kind(input.window());
        if matches!(kind, Kind::Gzip | Kind::Zstd) {
            (input, packing) = unpack(input, kind, window).map_err(failed)?;
            input.need(64).map_err(failed)?;
            kind = sniff::kind(input.window());
        }
        let mut info = SourceInfo::new(path, "");
        let format = match kind {
            Kind::Pcap => {
                info.format = format!("pcap{packing}");
                PcapFile::open(&mut input, &mut info).map_err(failed)?.map(Format::Pcap)
            }
            Kind::Pcapng => {
                info.format = format!("pcapng{packing}");
                Some(Format::Pcapng(PcapngFile::default()))
            }
            Kind::Netmon => {
                info.format = format!("netmon{packing}");
                NetmonFile::open(&mut input, &mut info).map_err(failed)?.map(Format::Netmon)
            }
            Kind::Gzip | Kind::Zstd => return Err(not_a_capture(path, "data compressed twice", "unpack it first", "")),
            Kind::Other(..) if text::is_text(&mut input).map_err(failed)? => {
                info.format = format!("text{packing}");
                info.coarse_times = !text::has_fine_times(&input);
                Some(Format::Text(Box::default()))
            }
            Kind::Other(found, hint) => {
                let found = input.broken().map_or(found, |_| "damaged compressed data");
                return Err(not_a_capture(path, found, hint, packing));
            }
        };
        info.truncated |= format.is_none();
        Ok(FileSource { input, format: format.unwrap_or(Format::Nothing), info, source, done: false })
    }

    /// What is known of the file so far.
    #[must_use]
    pub fn info(&self) -> &SourceInfo {
        &self.info
    }

    /// Finds the next event without taking it out of the buffer.
    #[inline]
    pub(super) fn advance(&mut self) -> Result<Option<Found>, CaptureError> {
        if self.done {
            return Ok(None);
        }
        let found = match &mut self.format {
            Format::Pcap(file) => file.advance(&mut self.input, &mut self.info),
            Format::Pcapng(file) => file.advance(&mut self.input, &mut self.info),
            Format::Netmon(file) => Ok(file.advance(&self.input, &mut self.info)),
            Format::Text(file) => file.advance(&mut self.input, &mut self.info).map(|found| found.map(Found::Logged)),
            Format::Nothing => Ok(None),
        };
        match found {
            Ok(Some(found)) => Ok(Some(found)),
            Ok(None) => {
                self.finish();
                Ok(None)
            }
            Err(e) => {
                self.done = true;
                Err(CaptureError::io("read", self.info.path.as_str(), e))
            }
        }
    }

    /// The event that [`FileSource::advance`] found last.
    #[inline]
    pub(super) fn event(&self, found: Found) -> Event<'_> {
        match found {
            Found::Packet(record) => Event::Packet(Packet {
                time: record.time,
                source: self.source,
                frame: self.info.packets,
                link: record.link,
                data: self.input.slice(record.at, record.len),
                original_len: record.original_len,
            }),
            Found::Secrets { at, len } => Event::Secrets(self.input.slice(at, len)),
            Found::Logged(logged) => self.logged(logged),
        }
    }

    fn logged(&self, logged: text::Logged) -> Event<'_> {
        let (bytes, data) = match &self.format {
            Format::Text(file) => (file.message(), file.packet()),
            _ => (&[][..], &[][..]),
        };
        let packet = Packet {
            time: logged.time,
            source: self.source,
            frame: self.info.packets,
            link: LinkType::RAW_IP,
            data,
            original_len: data.len() as u32,
        };
        let text::Logged { flow, over, line, restored, placeholder, .. } = logged;
        Event::Logged(Logged { flow, over, bytes, line, restored, placeholder, packet })
    }

    #[cold]
    fn finish(&mut self) {
        self.done = true;
        if let Some(cause) = self.input.broken() {
            self.info.truncated = true;
            let note = format!("the compressed data ends early or is damaged: {cause}");
            self.info.note(note);
        }
    }
}

impl Source for FileSource {
    #[inline]
    fn next_event(&mut self) -> Result<Option<Event<'_>>, CaptureError> {
        let found = self.advance()?;
        Ok(found.map(|found| self.event(found)))
    }
}

/// Puts a decompressor before what `packed` still holds and reads; both read all members or frames that follow each other.
fn unpack(packed: Input, kind: Kind, window: usize) -> io::Result<(Input, &'static str)> {
    let reader = packed.into_reader();
    let (reader, packing): (Box<dyn Read + Send>, _) = match kind {
        Kind::Zstd => (Box::new(zstd::stream::read::Decoder::with_buffer(BufReader::new(reader))?), " (zstd)"),
        _ => {
            let reader = BufReader::with_capacity(128 << 10, reader);
            (Box::new(flate2::bufread::MultiGzDecoder::new(reader)), " (gzip)")
        }
    };
    Ok((Input::new(reader, window, true), packing))
}

fn not_a_capture(path: &str, found: &str, hint: &str, packing: &str) -> CaptureError {
    CaptureError::NotACapture {
        path: path.to_owned(),
        found: format!("{found}{packing}"),
        hint: if hint.is_empty() { String::new() } else { format!("; {hint}") },
    }
}

#[cfg(test)]
pub(super) mod tests;
