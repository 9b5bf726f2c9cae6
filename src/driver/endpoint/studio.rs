//! The media of the calls that an endpoint answers.

use super::Role;
use crate::base::Entropy;
use crate::driver::media::{Clock, Ended, Media, PortRange, Ports, Recording};
use crate::media::mark::Mark;
use crate::media::negotiator::Agreed;
use crate::media::session::{Settings, Source};
use crate::transport::Tap;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

/// How media is opened.
#[derive(Clone, Debug)]
pub struct Options {
    /// What is sent.
    pub source: Source,
    /// The file that the first call is recorded to; those after it have their number before the suffix.
    pub record: Option<String>,
    /// The ports that may be used.
    pub ports: Option<PortRange>,
}

impl Default for Options {
    fn default() -> Self {
        Options { source: Source::Mark, record: None, ports: None }
    }
}

/// What a role wants of the media of a call.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Wish {
    /// Ports, at this address.
    Open {
        /// The call.
        call: u64,
        /// Ours, where the other side reaches us.
        address: IpAddr,
    },
    /// This was agreed.
    Agree {
        /// The call.
        call: u64,
        /// What offer and answer came to.
        agreed: Box<Agreed>,
    },
    /// A digit came by INFO.
    Digit {
        /// The call.
        call: u64,
        /// `0` to `9`, `*`, `#`, `A` to `D`
        digit: char,
    },
    /// The call is over.
    End {
        /// The call.
        call: u64,
    },
}

/// Opens and closes media as it is wished.
pub(super) struct Studio {
    options: Options,
    tap: Option<Arc<dyn Tap>>,
    clock: Clock,
    calls: HashMap<u64, Media>,
    recordings: u64,
}

impl Studio {
    pub(super) fn new(options: Options, tap: Option<Arc<dyn Tap>>) -> Self {
        Studio { options, tap, clock: Clock::start(), calls: HashMap::new(), recordings: 0 }
    }

    /// Does what is wished; the media of a call that ended so.
    pub(super) async fn fulfil<R: Role>(&mut self, wish: Wish, role: &mut R, now: Instant) -> Option<(u64, Ended)> {
        match wish {
            Wish::Open { call, address } => {
                let media = self.open(address);
                role.media_opened(call, media.as_ref().map(Media::local), now);
                if let Some(media) = media {
                    self.calls.insert(call, media);
                }
            }
            Wish::Agree { call, agreed } => {
                if let Some(media) = self.calls.get(&call) {
                    media.agree(&agreed);
                }
            }
            Wish::Digit { call, digit } => {
                if let Some(media) = self.calls.get(&call) {
                    media.signal(digit);
                }
            }
            Wish::End { call } => {
                if let Some(media) = self.calls.remove(&call) {
                    return Some((call, media.end().await));
                }
            }
        }
        None
    }

    fn open(&mut self, address: IpAddr) -> Option<Media> {
        let mut entropy = Entropy::from_system().ok()?;
        let ports = Ports::bind(address, self.options.ports).ok()?;
        let recording = match &self.options.record {
            Some(path) => {
                self.recordings += 1;
                Some(Recording::create(&numbered(path, self.recordings)).ok()?)
            }
            None => None,
        };
        let settings = Settings { source: self.options.source.clone(), mark: Mark::Callee, ..Settings::default() };
        Some(Media::start(ports, settings, self.clock, self.tap.clone(), recording, &mut entropy))
    }

    /// Ends what still runs, so that recordings are whole; what it came to, by call.
    pub(super) async fn close(self) -> Vec<(u64, Ended)> {
        let mut ended = Vec::new();
        for (call, media) in self.calls {
            ended.push((call, media.end().await));
        }
        ended.sort_by_key(|(call, _)| *call);
        ended
    }
}

/// `call.wav` for the first call, `call-2.wav` for the second.
fn numbered(path: &str, number: u64) -> String {
    if number < 2 {
        return path.to_owned();
    }
    match path.rsplit_once('.').filter(|(_, suffix)| !suffix.contains('/')) {
        Some((stem, suffix)) => format!("{stem}-{number}.{suffix}"),
        None => format!("{path}-{number}"),
    }
}

#[cfg(test)]
mod tests {
    use super::numbered;

    #[test]
    fn recordings_after_the_first_are_numbered() {
        assert_eq!(numbered("a/call.wav", 1), "a/call.wav");
        assert_eq!(numbered("a/call.wav", 2), "a/call-2.wav");
        assert_eq!(numbered("a.d/call", 3), "a.d/call-3");
    }
}
