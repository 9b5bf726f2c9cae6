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

    /// The worse of two: the one by which a run over several targets ends. Worst first: interrupted (nothing was brought to
    /// its end), then 2, 4, 3, 5, 1, 6, 0. CONTRACT §3
    #[must_use]
    pub fn worst(self, other: Exit) -> Exit {
        if self.gravity() >= other.gravity() { self } else { other }
    }

    fn gravity(self) -> u8 {
        match self {
            Exit::Good => 0,
            Exit::Missed => 1,
            Exit::Unexpected => 2,
            Exit::Refused => 3,
            Exit::NoAnswer => 4,
            Exit::Unreachable => 5,
            Exit::Usage => 6,
            Exit::Interrupted => 7,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Exit;

    #[test]
    fn the_worst_of_several_is_told() {
        let order =
            [Exit::Usage, Exit::Unreachable, Exit::NoAnswer, Exit::Refused, Exit::Unexpected, Exit::Missed, Exit::Good];
        assert_eq!(order.map(Exit::code), [2, 4, 3, 5, 1, 6, 0]);
        for pair in order.windows(2) {
            assert_eq!(pair[0].worst(pair[1]), pair[0]);
            assert_eq!(pair[1].worst(pair[0]), pair[0]);
        }
        assert_eq!(Exit::Usage.worst(Exit::Interrupted), Exit::Interrupted);
    }
}
