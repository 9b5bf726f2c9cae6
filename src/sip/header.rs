//! The table of header fields.

/// A registered header field name.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum HeaderName {
    /// Via
    Via,
    /// Any other.
    Other,
}
