//! The table of methods.

/// A SIP method.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Method {
    /// RFC 3261 §13
    Invite,
    /// RFC 3261 §17.1.1.3
    Ack,
    /// RFC 3261 §15
    Bye,
    /// RFC 3261 §9
    Cancel,
    /// RFC 3261 §11
    Options,
    /// RFC 3261 §10
    Register,
    /// RFC 3262 §6
    Prack,
    /// RFC 6665 §8.1.1
    Subscribe,
    /// RFC 6665 §8.1.2
    Notify,
    /// RFC 3903 §11.1
    Publish,
    /// RFC 6086 §4.1
    Info,
    /// RFC 3515 §2.1
    Refer,
    /// RFC 3428 §4
    Message,
    /// RFC 3311 §4
    Update,
    /// Any other: an extension method, or none.
    Other,
}
