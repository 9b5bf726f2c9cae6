//! SIP as it stands on the wire: message views, their parts, their defects, and where one message ends and the next begins.
//!
//! Everything is a borrowed view over bytes, in wire order, spelling kept, without asking for UTF-8. What is wrong becomes a
//! [`Defect`] with a span; one bad field never hides another. Refuses to know transports, transactions or time.

pub mod address;
pub mod challenge;
pub mod check;
pub mod compose;
pub mod defect;
pub mod forward;
pub mod framer;
pub mod header;
mod lex;
pub mod message;
pub mod method;
pub mod multipart;
pub mod outline;
pub mod param;
mod read;
pub mod recognise;
pub mod reply;
pub mod secrets;
pub mod status;
pub mod uri;
mod usual;
pub mod via;

pub use address::{Address, Fault};
pub use challenge::challenges;
pub use compose::Composer;
pub use defect::{Defect, DefectKind};
pub use framer::{Frame, Framer, Limits};
pub use header::{HeaderName, Occurrence};
pub use message::Message;
pub use method::Method;
pub use multipart::{Bodies, Part};
pub use outline::{CSeq, Field, Outline, StartLine};
pub use param::{Credentials, Param, Params, unquoted};
pub use read::{MAX_DEFECTS, MAX_FIELDS};
pub use recognise::is_sip;
pub use reply::Reply;
pub use uri::Uri;
pub use via::{MAGIC_COOKIE, Via};
