//! Where packets come from and where they are saved: capture files, logs and other text, standard input, a network device, a HEP
//! listener, and the pcapng writer.
//!
//! A source hands over packets as they were captured; what they mean is the business of `net` and of the floors above.
//! Nothing here trusts a number that a file claims: a length becomes memory only after that many bytes were really read.

mod error;
mod event;
pub mod file;
#[cfg(feature = "live")]
mod filter;
pub mod hep;
mod info;
mod input;
#[cfg(feature = "live")]
mod libpcap;
#[cfg(feature = "live")]
pub mod live;
mod merge;
mod netmon_file;
mod pcap_file;
mod pcapng_file;
mod private;
pub mod privilege;
mod resolution;
mod sniff;
mod text;
mod writer;

pub use error::CaptureError;
pub use event::{Event, HepBytes, HepOver, Logged, Over, Source};
pub use file::{FileSource, open};
#[cfg(feature = "live")]
pub use filter::Filter;
pub use hep::HepListener;
pub use info::SourceInfo;
pub use merge::Merged;
pub use private::create_private;
pub use writer::{Rotation, Writer, WriterOptions};
