//! Input that cannot be read twice, kept until it is known what of it is to be saved.

use crate::capture::{CaptureError, Writer, WriterOptions};
use crate::net::Packet;
use anyhow::{Context, Result};
use std::path::{Path, PathBuf};

/// Standard input and pipes among the inputs, each kept in a private file that is gone when this is.
#[derive(Default)]
pub struct Spool {
    room: Option<Room>,
    kept: Vec<(u16, PathBuf, Option<Writer>)>,
}

/// A folder that only its owner can enter, under a name that nobody can foresee.
struct Room(PathBuf);

impl Drop for Room {
    fn drop(&mut self) {
        // It may be gone already; there is nothing more to do about it.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

impl Spool {
    /// Room for those of `paths` that give their bytes only once.
    ///
    /// # Errors
    /// When the folder or a file in it cannot be made.
    pub fn of(paths: &[String]) -> Result<Spool> {
        let passing: Vec<usize> = (0..paths.len()).filter(|&n| paths.get(n).is_some_and(|p| passes(p))).collect();
        if passing.is_empty() {
            return Ok(Spool::default());
        }
        let pattern = std::env::temp_dir().join("sipctl-XXXXXX");
        let made = nix::unistd::mkdtemp(&pattern).map_err(std::io::Error::from);
        let room = Room(made.with_context(|| format!("cannot make a folder like {}", pattern.display()))?);
        let mut kept = Vec::new();
        for source in passing {
            let path = room.0.join(format!("{source}.pcapng"));
            let writer = Writer::create(&path.to_string_lossy(), WriterOptions::default())?;
            kept.push((u16::try_from(source).unwrap_or(u16::MAX), path, Some(writer)));
        }
        Ok(Spool { room: Some(room), kept })
    }

    /// Whether nothing has to be kept.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.room.is_none()
    }

    /// Keeps a packet, if it is of an input that has to be kept. Every one is, so that their numbers stay the same.
    ///
    /// # Errors
    /// When it cannot be written.
    #[inline]
    pub fn packet(&mut self, packet: &Packet<'_>) -> Result<(), CaptureError> {
        for (source, _, writer) in &mut self.kept {
            if *source == packet.source
                && let Some(writer) = writer
            {
                writer.write_packet(packet)?;
            }
        }
        Ok(())
    }

    /// Keeps secrets. It is not known which input they stood in; they open what they open.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn secrets(&mut self, secrets: &[u8]) -> Result<(), CaptureError> {
        match self.kept.first_mut() {
            Some((_, _, Some(writer))) => writer.write_secrets(secrets),
            _ => Ok(()),
        }
    }

    /// Ends the files and says what to read instead of `paths`.
    ///
    /// # Errors
    /// When what is buffered cannot be written.
    pub fn instead_of(&mut self, paths: &[String]) -> Result<Vec<String>, CaptureError> {
        let mut paths = paths.to_vec();
        for (source, path, writer) in &mut self.kept {
            if let Some(writer) = writer.take() {
                writer.close()?;
            }
            if let Some(named) = paths.get_mut(usize::from(*source)) {
                *named = path.to_string_lossy().into_owned();
            }
        }
        Ok(paths)
    }
}

/// Whether what stands under a name can be read only once.
fn passes(path: &str) -> bool {
    path == "-" || std::fs::metadata(Path::new(path)).is_ok_and(|m| !m.is_file())
}
