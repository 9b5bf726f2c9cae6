//! `--write` and `--filter`: which packets are taken, and which are saved.
//!
//! What belongs to a selection is known only when the input has been read. Files are then read a second time; standard
//! input and pipes are kept in private files until then. A live capture saves every packet as it comes.

use super::spool::Spool;
use super::{Failure, output};
use crate::capture::{CaptureError, Event, Merged, Rotation, Source, Writer, WriterOptions};
use crate::cli::decode::DecodeArgs;
use crate::driver::{Input, Tap};
use crate::net::{Carried, Packet, Stack};
use crate::report::Exit;
use crate::report::select::Chosen;
use std::collections::HashSet;
use std::path::Path;

#[cfg(feature = "live")]
type Filter = crate::capture::Filter;

/// How the packets of a run are filtered and saved.
pub struct Plan {
    #[cfg(feature = "live")]
    filter: Option<Filter>,
    target: Option<String>,
    rotation: Option<Rotation>,
    files: Vec<String>,
    spool: Spool,
    writer: Option<Writer>,
    /// Whether the second reading decides what is saved.
    selects: bool,
}

impl Plan {
    /// What the options ask for.
    ///
    /// # Errors
    /// A filter that does not compile, or options that do not go together.
    pub fn of(args: &DecodeArgs) -> Result<Plan, Failure> {
        refuse_collisions(args)?;
        let target = args.write.as_ref().map(|p| p.to_string_lossy().into_owned());
        let on_device = args.interface.is_some();
        let mega = |mb: u64| Rotation { mb, files: args.rotate_files.map_or(usize::MAX, |n| n as usize) };
        let plan = Plan {
            #[cfg(feature = "live")]
            filter: match (&args.filter, on_device) {
                (Some(expression), false) => {
                    let filter = Filter::new(expression).map_err(filter_failure)?;
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
            spool: Spool::default(),
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
        } else {
            self.spool = Spool::of(&self.files).map_err(|e| Failure::new(Exit::Usage, e))?;
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
        let wanted = filter.is_some() || self.writer.is_some() || !self.spool.is_empty();
        #[cfg(not(feature = "live"))]
        let wanted = self.writer.is_some() || !self.spool.is_empty();
        wanted.then(|| {
            Box::new(Gate {
                #[cfg(feature = "live")]
                filter,
                writer: self.writer.as_mut(),
                spool: &mut self.spool,
            }) as Box<dyn Tap + '_>
        })
    }

    /// Saves what was chosen, in a second reading.
    ///
    /// # Errors
    /// When the input cannot be read again, or the file cannot be written.
    pub fn end(mut self, mut chosen: Chosen) -> Result<(), Failure> {
        let usage = |e: CaptureError| Failure::new(Exit::Usage, e);
        if let Some(writer) = self.writer.take() {
            writer.close().map_err(usage)?;
        }
        let (Some(target), true) = (self.target.clone(), self.selects) else { return Ok(()) };
        let files = self.spool.instead_of(&self.files).map_err(usage)?;
        if chosen.needs_connections() {
            each_carried(&files, |carried| chosen.add_connection(carried)).map_err(usage)?;
        }
        let frames = frames(&files, &chosen).map_err(usage)?;
        let options = WriterOptions { rotation: self.rotation, ..WriterOptions::default() };
        let mut writer = Writer::create(&target, options).map_err(usage)?;
        let mut merged = Merged::open(&files).map_err(usage)?;
        while let Some(event) = merged.next_event().map_err(usage)? {
            if let Event::Secrets(secrets) = event {
                writer.write_secrets(secrets).map_err(usage)?;
            }
            if let Some(packet) = event.packet().filter(|p| frames.contains(&(p.source, p.frame))) {
                writer.write_packet(&packet).map_err(usage)?;
            }
        }
        let saved = writer.packets();
        writer.close().map_err(usage)?;
        eprintln!("sipctl: {saved} packets saved in {}", output::one_line(&target));
        Ok(())
    }
}

/// The frames that belong to what was chosen, fragments of datagrams included.
fn frames(files: &[String], chosen: &Chosen) -> Result<HashSet<(u16, u64)>, CaptureError> {
    let mut frames = HashSet::new();
    each_carried(files, |carried| {
        if chosen.has(carried) {
            frames.insert((carried.source, carried.frame));
            frames.extend(carried.fragments.iter().map(|&frame| (carried.source, frame)));
        }
    })?;
    Ok(frames)
}

/// Reads the files and shows what each packet carries.
fn each_carried(files: &[String], mut see: impl FnMut(&Carried<'_>)) -> Result<(), CaptureError> {
    let mut stack = Stack::new();
    let mut merged = Merged::open(files)?;
    while let Some(event) = merged.next_event()? {
        if let Some(packet) = event.packet() {
            stack.decode(&packet, &mut |carried| see(&carried));
        }
    }
    Ok(())
}

/// Whether two names lead to the same file.
fn is_same_file(a: &Path, b: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let of = |path: &Path| std::fs::metadata(path).ok().filter(|m| m.is_file()).map(|m| (m.dev(), m.ino()));
    of(a).is_some_and(|a| Some(a) == of(b))
}

/// A wrong expression is the person's, an absent libpcap the machine's.
#[cfg(feature = "live")]
fn filter_failure(error: CaptureError) -> Failure {
    let exit = if matches!(error, CaptureError::NoLibpcap { .. }) { Exit::Unreachable } else { Exit::Usage };
    Failure::new(exit, error)
}

/// Refuses options that would destroy what they are about to read, or mix two outputs.
fn refuse_collisions(args: &DecodeArgs) -> Result<(), Failure> {
    let refuse = |words: String| Err(Failure::new(Exit::Usage, anyhow::anyhow!(words)));
    let targets = args.write.iter().chain(args.output.output.iter());
    for target in targets {
        let inputs = args.files.iter().map(Path::new);
        if let Some(input) = inputs.chain(args.keylog.iter().map(|p| p.as_path())).find(|i| is_same_file(i, target)) {
            return refuse(format!("{} is read: it cannot be written at the same time", input.display()));
        }
    }
    match (&args.write, &args.output.output) {
        (Some(write), None) if write == Path::new("-") => {
            refuse("--write - and the report cannot both go to standard output: give the report a file with -o".into())
        }
        (Some(write), Some(output)) if write == output => {
            refuse(format!("--write and --output both name {}", write.display()))
        }
        _ => Ok(()),
    }
}

/// Filters and saves packets on their way.
struct Gate<'a> {
    #[cfg(feature = "live")]
    filter: Option<&'a mut Filter>,
    writer: Option<&'a mut Writer>,
    spool: &'a mut Spool,
}

impl Tap for Gate<'_> {
    fn packet(&mut self, packet: &Packet<'_>) -> Result<bool, CaptureError> {
        self.spool.packet(packet)?;
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
        self.spool.secrets(secrets)?;
        self.writer.as_mut().map_or(Ok(()), |writer| writer.write_secrets(secrets))
    }

    fn finish(&mut self) -> Result<(), CaptureError> {
        self.writer.as_mut().map_or(Ok(()), |writer| writer.flush())
    }
}
