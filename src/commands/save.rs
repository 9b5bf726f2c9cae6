//! `--write` and `--filter`: which packets are taken, and which are saved.
//!
//! What belongs to a selection is known only when the input has been read. Files are then read a second time; standard
//! input is kept in a private file until then. A live capture saves every packet as it comes.

use super::Failure;
use crate::capture::{CaptureError, Event, Merged, Rotation, Source, Writer, WriterOptions};
use crate::cli::decode::DecodeArgs;
use crate::driver::{Input, Tap};
use crate::net::{Packet, Stack};
use crate::report::select::Chosen;
use crate::report::{Exit, Selection};
use std::collections::HashSet;
use std::path::PathBuf;

#[cfg(feature = "live")]
type Filter = crate::capture::Filter;

/// How the packets of a run are filtered and saved.
pub struct Plan {
    #[cfg(feature = "live")]
    filter: Option<Filter>,
    target: Option<String>,
    rotation: Option<Rotation>,
    files: Vec<String>,
    spool: Option<Spool>,
    writer: Option<Writer>,
    /// Whether the second reading decides what is saved.
    selects: bool,
}

/// Standard input, kept until it is known what is to be saved.
struct Spool {
    path: PathBuf,
}

impl Drop for Spool {
    fn drop(&mut self) {
        // It may be gone already; there is nothing more to do about it.
        let _ = std::fs::remove_file(&self.path);
    }
}

impl Plan {
    /// What the options ask for.
    ///
    /// # Errors
    /// A filter that does not compile, or options that do not go together.
    pub fn of(args: &DecodeArgs, _: &Selection) -> Result<Plan, Failure> {
        let target = args.write.as_ref().map(|p| p.to_string_lossy().into_owned());
        let on_device = args.interface.is_some();
        let mega = |mb: u64| Rotation { mb, files: args.rotate_files.map_or(usize::MAX, |n| n as usize) };
        let plan = Plan {
            #[cfg(feature = "live")]
            filter: match (&args.filter, on_device) {
                (Some(expression), false) => {
                    let filter = Filter::new(expression).map_err(|e| Failure::new(Exit::Usage, e))?;
                    if filter.is_widened() {
                        eprintln!("sipctl: the filter was widened so that IP fragments are read: {}", filter.text());
                    }
                    Some(filter)
                }
                _ => None,
            },
            target,
            rotation: args.rotate_mb.map(mega),
            files: args.files.clone(),
            spool: None,
            writer: None,
            selects: !on_device,
        };
        #[cfg(not(feature = "live"))]
        if args.filter.is_some() {
            return Err(super::decode::no_live());
        }
        Ok(plan)
    }

    /// Opens what has to be open before the first packet comes.
    ///
    /// # Errors
    /// When the file to write cannot be made.
    pub fn begin(&mut self, input: &Input) -> Result<(), Failure> {
        let usage = |e: CaptureError| Failure::new(Exit::Usage, e);
        let Some(target) = &self.target else { return Ok(()) };
        if let Input::Hep(_) = input {
            let error = anyhow::anyhow!("--write needs packets, and HEP brings messages without them");
            return Err(Failure::new(Exit::Usage, error).with_hint("capture on a device with -i to save packets"));
        }
        let options = WriterOptions { rotation: self.rotation, ..WriterOptions::default() };
        if !self.selects {
            self.writer = Some(Writer::create(target, options).map_err(usage)?);
        } else if self.files.iter().any(|f| f == "-") {
            let path = std::env::temp_dir().join(format!(
                "sipctl-{}-{:x}.pcapng",
                std::process::id(),
                crate::base::Timestamp::now().0
            ));
            let spool = Spool { path };
            self.writer = Some(Writer::create(&spool.path.to_string_lossy(), WriterOptions::default()).map_err(usage)?);
            self.spool = Some(spool);
        }
        Ok(())
    }

    /// Whether the packets of a selection are to be noted.
    #[must_use]
    pub fn needs_chosen(&self) -> bool {
        self.target.is_some() && self.selects
    }

    /// What sees the packets on the way, if anything has to.
    pub fn tap(&mut self) -> Option<Box<dyn Tap + '_>> {
        #[cfg(feature = "live")]
        let filter = self.filter.as_mut();
        #[cfg(feature = "live")]
        let wanted = filter.is_some() || self.writer.is_some();
        #[cfg(not(feature = "live"))]
        let wanted = self.writer.is_some();
        wanted.then(|| {
            Box::new(Gate {
                #[cfg(feature = "live")]
                filter,
                writer: self.writer.as_mut(),
            }) as Box<dyn Tap + '_>
        })
    }

    /// Saves what was chosen, in a second reading.
    ///
    /// # Errors
    /// When the input cannot be read again, or the file cannot be written.
    pub fn end(mut self, chosen: &Chosen) -> Result<(), Failure> {
        let usage = |e: CaptureError| Failure::new(Exit::Usage, e);
        if let Some(writer) = self.writer.take() {
            writer.close().map_err(usage)?;
        }
        let (Some(target), true) = (self.target.clone(), self.selects) else { return Ok(()) };
        let files = match &self.spool {
            Some(spool) => vec![spool.path.to_string_lossy().into_owned()],
            None => self.files.clone(),
        };
        let frames = frames(&files, chosen).map_err(usage)?;
        let options = WriterOptions { rotation: self.rotation, ..WriterOptions::default() };
        let mut writer = Writer::create(&target, options).map_err(usage)?;
        let mut merged = Merged::open(&files).map_err(usage)?;
        while let Some(event) = merged.next_event().map_err(usage)? {
            match event {
                Event::Packet(packet) if frames.contains(&(packet.source, packet.frame)) => {
                    writer.write_packet(&packet).map_err(usage)?;
                }
                Event::Secrets(secrets) => writer.write_secrets(secrets).map_err(usage)?,
                _ => {}
            }
        }
        let saved = writer.packets();
        writer.close().map_err(usage)?;
        eprintln!("sipctl: {saved} packets saved in {}", super::output::one_line(&target));
        Ok(())
    }
}

/// The frames that belong to what was chosen, fragments of datagrams included.
fn frames(files: &[String], chosen: &Chosen) -> Result<HashSet<(u16, u64)>, CaptureError> {
    let mut stack = Stack::new();
    let mut frames = HashSet::new();
    let mut merged = Merged::open(files)?;
    while let Some(event) = merged.next_event()? {
        let Event::Packet(packet) = event else { continue };
        stack.decode(&packet, &mut |carried| {
            if chosen.has(carried.source, carried.frame, carried.time, Some(carried.flow)) {
                frames.insert((carried.source, carried.frame));
                frames.extend(carried.fragments.iter().map(|&frame| (carried.source, frame)));
            }
        });
    }
    Ok(frames)
}

/// Filters and saves packets on their way.
struct Gate<'a> {
    #[cfg(feature = "live")]
    filter: Option<&'a mut Filter>,
    writer: Option<&'a mut Writer>,
}

impl Tap for Gate<'_> {
    fn packet(&mut self, packet: &Packet<'_>) -> Result<bool, CaptureError> {
        #[cfg(feature = "live")]
        if let Some(filter) = self.filter.as_mut()
            && !filter.accepts(packet)
        {
            return Ok(false);
        }
        if let Some(writer) = self.writer.as_mut() {
            writer.write_packet(packet)?;
        }
        Ok(true)
    }

    fn secrets(&mut self, secrets: &[u8]) -> Result<(), CaptureError> {
        self.writer.as_mut().map_or(Ok(()), |writer| writer.write_secrets(secrets))
    }

    fn finish(&mut self) -> Result<(), CaptureError> {
        self.writer.as_mut().map_or(Ok(()), |writer| writer.flush())
    }
}
