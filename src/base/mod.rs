//! Vocabulary that knows no protocol: spans, instants, endpoints, safe text, bounded tables.
//!
//! Nothing here may name another folder of the crate.

pub mod cursor;
pub mod endpoint;
pub mod entropy;
pub mod scan;
pub mod span;
pub mod table;
pub mod text;
pub mod time;

pub use cursor::Cursor;
pub use endpoint::{Endpoint, Flow};
pub use entropy::Entropy;
pub use span::Span;
pub use table::Table;
pub use text::Safe;
pub use time::Timestamp;
