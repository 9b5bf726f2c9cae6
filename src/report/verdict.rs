//! Exit codes: what a run means to a script.

/// How a command ends. The numbers are the contract's.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum Exit {
    /// Asked, and the answer is good.
    Good,
    /// Answered, and not as expected.
    Unexpected,
    /// Usage, configuration or unreadable input.
    Usage,
    /// No answer in time.
    NoAnswer,
    /// Could not get there, or may not: DNS, connect, TLS, the right to capture.
    Unreachable,
    /// Authentication refused.
    Refused,
    /// A threshold was missed.
    Missed,
    /// Interrupted.
    Interrupted,
}

impl Exit {
    /// The number for the operating system.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Exit::Good => 0,
            Exit::Unexpected => 1,
            Exit::Usage => 2,
            Exit::NoAnswer => 3,
            Exit::Unreachable => 4,
            Exit::Refused => 5,
            Exit::Missed => 6,
            Exit::Interrupted => 130,
        }
    }
}
