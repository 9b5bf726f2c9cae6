//! What every agent is to the driver.

use crate::transport::{LineFacts, TransportError};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// What an agent wants done.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Action<E> {
    /// Open a line to the candidate of that number; an open line to another is closed. Answered by
    /// [`Machine::handle_connected`] or [`Machine::handle_transport_error`].
    Connect(usize),
    /// Send these bytes on the open line.
    Send(Vec<u8>),
    /// Tell this to whoever watches.
    Tell(E),
}

/// An agent: one target, from its first message to its last.
///
/// The driver's loop: do every [`Machine::poll_action`] until there is none; end if [`Machine::is_finished`]; then wait for a
/// message, the instant of [`Machine::poll_timeout`], or the wish to stop, and hand it in.
pub trait Machine {
    /// What it tells.
    type Event;

    /// The line that was asked for is open.
    fn handle_connected(&mut self, line: &LineFacts, now: Instant);
    /// A message (or what came in its place) arrived on the line.
    fn handle_message(&mut self, bytes: &[u8], from: SocketAddr, now: Instant);
    /// A timer is due.
    fn handle_timer(&mut self, now: Instant);
    /// The line could not be opened, or broke.
    fn handle_transport_error(&mut self, error: &TransportError, now: Instant);
    /// Somebody wants to stop (Ctrl-C): clean up what is left on the network, then finish.
    fn handle_stop(&mut self, now: Instant);
    /// The next thing to do.
    fn poll_action(&mut self, now: Instant) -> Option<Action<Self::Event>>;
    /// When [`Machine::handle_timer`] is due.
    fn poll_timeout(&self) -> Option<Instant>;
    /// Whether there is nothing more to do.
    fn is_finished(&self) -> bool;
    /// How long opening a line may take.
    fn connect_timeout(&self) -> Duration;
}
