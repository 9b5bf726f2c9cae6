//! The media of a trial call: ports, what is sent and recorded, digits.

use crate::base::Entropy;
use crate::driver::media::{Clock, Ended, Media, PortRange, Ports, Recording, WavError};
use crate::media::mark::Mark;
use crate::media::negotiator::{Agreed, Local};
use crate::media::session::{Settings, Source};
use crate::transport::Tap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How often it is looked whether all digits were sent: a packet's time.
const PRESSING: Duration = Duration::from_millis(20);

/// What a call sends and keeps of sound.
#[derive(Clone)]
pub struct Sound {
    /// What is sent.
    pub source: Source,
    /// Our mark.
    pub mark: Mark,
    /// Its clock: both ends of a loop share one.
    pub clock: Clock,
    /// The ports that may be used.
    pub ports: Option<PortRange>,
    /// The WAV file to record to.
    pub record: Option<String>,
    /// Who records what passes.
    pub tap: Option<Arc<dyn Tap>>,
}

/// The media of the call, from the first ports to the end.
pub(super) struct Stage<'a> {
    sound: &'a Sound,
    entropy: Entropy,
    media: Option<Media>,
    is_pressing: bool,
    failed: Option<WavError>,
}

impl<'a> Stage<'a> {
    pub(super) fn new(sound: &'a Sound, entropy: Entropy) -> Self {
        Stage { sound, entropy, media: None, is_pressing: false, failed: None }
    }

    /// Binds ports there, and lets those go that were bound before.
    pub(super) fn open(&mut self, address: IpAddr) -> Option<Local> {
        self.media = None;
        let Sound { source, mark, clock, ports, record, tap } = self.sound;
        let ports = Ports::bind(address, *ports).ok()?;
        let recording = record.as_ref().and_then(|path| match Recording::create(path) {
            Ok(recording) => Some(recording),
            Err(error) => {
                self.failed = Some(error);
                None
            }
        });
        let settings = Settings { source: source.clone(), mark: *mark, ..Settings::default() };
        let media = Media::start(ports, settings, *clock, tap.clone(), recording, &mut self.entropy);
        let local = media.local();
        self.media = Some(media);
        Some(local)
    }

    pub(super) fn agree(&self, agreed: &Agreed) {
        if let Some(media) = &self.media {
            media.agree(agreed);
        }
    }

    pub(super) fn press(&mut self, digits: &str) {
        if let Some(media) = &self.media {
            media.press(digits);
        }
        self.is_pressing = true;
    }

    /// Whether all digits that were to be pressed were sent; said once.
    pub(super) fn has_pressed(&mut self) -> bool {
        let is_done = self.is_pressing && self.media.as_ref().is_none_or(Media::has_pressed);
        self.is_pressing &= !is_done;
        is_done
    }

    /// When it is to be asked for its digits.
    pub(super) fn poll_timeout(&self, now: Instant) -> Option<Instant> {
        self.is_pressing.then(|| now + PRESSING)
    }

    /// The call is over: nothing more is sent.
    pub(super) fn leave(&mut self) {
        self.is_pressing = false;
        if let Some(media) = &self.media {
            media.leave();
        }
    }

    /// What it came to.
    pub(super) async fn end(self) -> Option<Ended> {
        let mut ended = self.media?.end().await;
        ended.recording = ended.recording.or(self.failed);
        Some(ended)
    }
}
