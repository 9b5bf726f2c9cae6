//! Packets saved as pcapng: nanoseconds, an interface for each link type, TLS secrets beside what they open.

use super::CaptureError;
use super::private::create_private;
use crate::base::Timestamp;
use crate::net::{LinkType, Packet};
use std::collections::VecDeque;
use std::io::{self, BufWriter, Write};

/// Secrets repeated at the start of every file of a rotation may take this many bytes; the oldest go.
const MAX_SECRETS: usize = 4 << 20;

/// When to begin a new file, and how many to keep.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rotation {
    /// A file is closed when it has this many megabytes (10^6 bytes).
    pub mb: u64,
    /// Older files than the last so many are removed; 0 keeps all.
    pub files: usize,
}

/// How to write.
#[derive(Clone, Copy, Debug, Default)]
pub struct WriterOptions {
    /// The snap length under which the packets were captured; 0 where there was none, or none is known.
    pub snaplen: u32,
    /// Whether to write several files instead of one.
    pub rotation: Option<Rotation>,
}

/// A pcapng file, or a rotation of them, being written.
pub struct Writer {
    out: BufWriter<Box<dyn Write + Send>>,
    /// The path as it was given: what the files of a rotation are named after.
    path: String,
    /// The path of the file that is open.
    current: String,
    options: WriterOptions,
    /// Link types of the interfaces described so far, by interface number.
    interfaces: Vec<LinkType>,
    /// Bytes written to the open file.
    written: u64,
    packets: u64,
    /// Files opened so far.
    opened: u64,
    kept: VecDeque<String>,
    secrets: VecDeque<Vec<u8>>,
    secrets_len: usize,
}

impl Writer {
    /// Creates the file (`-` for standard output) and writes its header. Under a rotation, `calls.pcapng` becomes
    /// `calls_00001_20261122140511.pcapng` and so on, the time being that of opening in UTC.
    ///
    /// # Errors
    /// [`CaptureError::SymbolicLink`], or [`CaptureError::Io`] where the file cannot be created or written.
    pub fn create(path: &str, options: WriterOptions) -> Result<Writer, CaptureError> {
        let mut writer = Writer {
            out: BufWriter::new(Box::new(io::sink())),
            path: path.to_owned(),
            current: path.to_owned(),
            options,
            interfaces: Vec::new(),
            written: 0,
            packets: 0,
            opened: 0,
            kept: VecDeque::new(),
            secrets: VecDeque::new(),
            secrets_len: 0,
        };
        writer.open()?;
        Ok(writer)
    }

    /// Appends a packet.
    ///
    /// # Errors
    /// [`CaptureError::Io`] where the file cannot be written, or the next of a rotation not be created.
    pub fn write_packet(&mut self, packet: &Packet<'_>) -> Result<(), CaptureError> {
        if self.options.rotation.is_some_and(|r| self.written >= r.mb.saturating_mul(1_000_000)) {
            self.rotate()?;
        }
        let interface = match self.interfaces.iter().position(|&link| link == packet.link) {
            Some(interface) => interface,
            None => self.describe_interface(packet.link)?,
        };
        let units = packet.time.0.max(0) as u64;
        let (high, low) = ((units >> 32) as u32, units as u32);
        let len = u32::try_from(packet.data.len()).unwrap_or(u32::MAX);
        let mut head = [0; 20];
        for (place, n) in head.chunks_exact_mut(4).zip([interface as u32, high, low, len, packet.original_len.max(len)])
        {
            place.copy_from_slice(&n.to_le_bytes());
        }
        self.packets += 1;
        self.block(6, &head, packet.data)
    }

    /// Appends lines of a TLS key log, which open the packets that follow; under a rotation, in every later file as well.
    ///
    /// # Errors
    /// As [`Writer::write_packet`].
    pub fn write_secrets(&mut self, key_log: &[u8]) -> Result<(), CaptureError> {
        if self.options.rotation.is_some() && key_log.len() <= MAX_SECRETS {
            self.secrets.push_back(key_log.to_vec());
            self.secrets_len += key_log.len();
            while self.secrets_len > MAX_SECRETS {
                self.secrets_len -= self.secrets.pop_front().map_or(0, |gone| gone.len());
            }
        }
        self.secrets_block(key_log)
    }

    /// Packets written so far.
    #[must_use]
    pub fn packets(&self) -> u64 {
        self.packets
    }

    /// The path of the file that is open: under a rotation, the newest.
    #[must_use]
    pub fn current_path(&self) -> &str {
        &self.current
    }

    /// Gives what is still buffered to the system, for readers that follow the file.
    ///
    /// # Errors
    /// [`CaptureError::Io`].
    pub fn flush(&mut self) -> Result<(), CaptureError> {
        self.out.flush().map_err(|e| CaptureError::io("write", self.current.as_str(), e))
    }

    /// Ends the file. Without it the last packets may be missing, and nobody learns of a full disk.
    ///
    /// # Errors
    /// [`CaptureError::Io`].
    pub fn close(mut self) -> Result<(), CaptureError> {
        self.flush()
    }

    /// Opens the (next) file and writes what every file begins with.
    fn open(&mut self) -> Result<(), CaptureError> {
        self.opened += 1;
        let out: Box<dyn Write + Send> = if self.path == "-" {
            Box::new(io::stdout())
        } else {
            if self.options.rotation.is_some() {
                self.current = numbered(&self.path, self.opened, Timestamp::now());
            }
            Box::new(create_private(&self.current)?)
        };
        self.out = BufWriter::with_capacity(256 << 10, out);
        self.interfaces.clear();
        self.written = 0;
        let mut body = vec![0x4d, 0x3c, 0x2b, 0x1a, 1, 0, 0, 0];
        body.extend([0xff; 8]);
        // shb_userappl
        option(&mut body, 4, concat!("sipctl ", env!("CARGO_PKG_VERSION")).as_bytes());
        option(&mut body, 0, b"");
        self.block(0x0a0d_0d0a, &body, b"")
    }

    fn rotate(&mut self) -> Result<(), CaptureError> {
        // Standard output is one stream: there is nothing to rotate.
        if self.path == "-" {
            return Ok(());
        }
        self.flush()?;
        self.kept.push_back(self.current.clone());
        self.open()?;
        let files = self.options.rotation.map_or(0, |r| r.files);
        while files > 0 && self.kept.len() >= files {
            let Some(old) = self.kept.pop_front() else { break };
            match std::fs::remove_file(&old) {
                Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(CaptureError::io("remove", old, e)),
                _ => {}
            }
        }
        for key_log in std::mem::take(&mut self.secrets) {
            self.secrets_block(&key_log)?;
            self.secrets.push_back(key_log);
        }
        Ok(())
    }

    fn describe_interface(&mut self, link: LinkType) -> Result<usize, CaptureError> {
        let mut body = link.0.to_le_bytes().to_vec();
        body.extend([0; 2]);
        body.extend(self.options.snaplen.to_le_bytes());
        // if_tsresol: nanoseconds
        option(&mut body, 9, &[9]);
        option(&mut body, 0, b"");
        self.block(1, &body, b"")?;
        self.interfaces.push(link);
        Ok(self.interfaces.len() - 1)
    }

    fn secrets_block(&mut self, key_log: &[u8]) -> Result<(), CaptureError> {
        let mut head = 0x544c_534bu32.to_le_bytes().to_vec();
        head.extend(u32::try_from(key_log.len()).unwrap_or(u32::MAX).to_le_bytes());
        self.block(10, &head, key_log)
    }

    /// Writes a block whose body is `head` (a multiple of four bytes) and `tail`.
    fn block(&mut self, kind: u32, head: &[u8], tail: &[u8]) -> Result<(), CaptureError> {
        let padding = tail.len().next_multiple_of(4) - tail.len();
        let total = head.len().saturating_add(tail.len()).saturating_add(padding).saturating_add(12);
        let failed = |e| CaptureError::io("write", self.current.as_str(), e);
        let length = u32::try_from(total).map_err(|_| failed(io::Error::other("a block above 4 GiB")))?.to_le_bytes();
        let mut write = |bytes: &[u8]| self.out.write_all(bytes).map_err(failed);
        write(&kind.to_le_bytes())?;
        write(&length)?;
        write(head)?;
        write(tail)?;
        write(&[0; 3][..padding.min(3)])?;
        write(&length)?;
        self.written += total as u64;
        Ok(())
    }
}

/// Appends an option with its padding.
fn option(body: &mut Vec<u8>, code: u16, value: &[u8]) {
    body.extend(code.to_le_bytes());
    body.extend((value.len() as u16).to_le_bytes());
    body.extend(value);
    body.resize(body.len().next_multiple_of(4), 0);
}

/// The name of file number `n` of a rotation, opened at `time`.
fn numbered(path: &str, n: u64, time: Timestamp) -> String {
    let digits: String = time.to_string().chars().filter(char::is_ascii_digit).take(14).collect();
    let name_at = path.rfind('/').map_or(0, |slash| slash + 1);
    match path.rfind('.').filter(|&dot| dot > name_at) {
        Some(dot) => format!("{}_{n:05}_{digits}{}", &path[..dot], &path[dot..]),
        None => format!("{path}_{n:05}_{digits}"),
    }
}

#[cfg(test)]
mod tests;
