//! What is kept of one direction of a connection.

use super::keylog::Secret;
use super::messages::Messages;
use super::opener::Opener;

/// Which keys the records of a direction are under.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Phase {
    /// None yet.
    Clear,
    /// The handshake keys of TLS 1.3.
    Handshake,
    /// Those of a completed key exchange.
    Protected,
}

/// How sure it is that the input stands at the start of a record.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Framing {
    /// Records have followed each other without a gap.
    Certain,
    /// Bytes were lost: a header has to be looked for.
    Lost,
    /// What looks like a header was found, and nothing has verified since.
    Guessed,
}

/// One direction of a connection.
pub(super) struct Side {
    /// Bytes that do not make a whole record yet.
    pub input: Vec<u8>,
    pub framing: Framing,
    /// Bytes of a damaged record that are still to come.
    pub skip: usize,
    /// How many records may have been lost in front of the next one.
    pub lost: u64,
    pub phase: Phase,
    pub messages: Messages,
    pub opener: Option<Opener>,
    /// The traffic secret of TLS 1.3 that the opener was made from.
    pub secret: Option<Secret>,
    /// The sequence number that the next record has if none was lost.
    pub seq: u64,
    /// How many sequence numbers after `seq` the next record may have.
    pub window: u64,
    /// Records that have not opened since the last that did.
    pub failures: u32,
    /// The handshake secret is unknown and the data secret in use: what does not open yet is the handshake.
    pub before_data: bool,
    /// Whether this side is done with its handshake.
    pub finished: bool,
    /// Records of this direction wait for a secret or for a hello.
    pub blocked: bool,
    /// Bytes of this direction that wait.
    pub waiting: usize,
}

impl Side {
    pub(super) fn new() -> Side {
        Side {
            input: Vec::new(),
            framing: Framing::Certain,
            skip: 0,
            lost: 0,
            phase: Phase::Clear,
            messages: Messages::default(),
            opener: None,
            secret: None,
            seq: 0,
            window: 0,
            failures: 0,
            before_data: false,
            finished: false,
            blocked: false,
            waiting: 0,
        }
    }

    /// The records from here on are under other keys, numbered from nought.
    pub(super) fn enter(&mut self, phase: Phase) {
        self.phase = phase;
        self.opener = None;
        self.secret = None;
        (self.seq, self.window, self.failures) = (0, 0, 0);
        self.messages.clear();
    }
}
