//! SIP as it stands on the wire: message views, their parts, their defects, and where one message ends and the next begins.
//!
//! Everything is a borrowed view over bytes, in wire order, spelling kept, without asking for UTF-8. What is wrong becomes a
//! [`Defect`] with a span; one bad field never hides another. Refuses to know transports, transactions or time.

pub mod defect;
pub mod header;
pub mod method;
pub mod outline;

pub use defect::{Defect, DefectKind};
pub use header::HeaderName;
pub use method::Method;
pub use outline::{CSeq, Field, Outline, StartLine};
