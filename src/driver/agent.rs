//! An agent joined to a line and the clock.

use crate::agent::Machine;
use crate::transport::{Connector, LineFacts, Plan, TransportError};
use std::net::SocketAddr;

/// What passes between an agent and its line, for `-v`.
pub trait Watch<E> {
    /// The agent tells something.
    fn event(&mut self, event: E);
    /// A line is being opened to the candidate of that number.
    fn connecting(&mut self, candidate: usize) {
        let _ = candidate;
    }
    /// A line is open.
    fn connected(&mut self, line: &LineFacts) {
        let _ = line;
    }
    /// A message was sent.
    fn sent(&mut self, bytes: &[u8]) {
        let _ = bytes;
    }
    /// A message came.
    fn received(&mut self, bytes: &[u8], from: SocketAddr) {
        let _ = (bytes, from);
    }
    /// The line broke or could not be opened.
    fn failed(&mut self, error: &TransportError) {
        let _ = error;
    }
}

/// Runs an agent to its end. `stop` becomes true where somebody wants to stop (see [`super::stop`]): the agent is told once and given time to
/// clean up; a second wish ends it at once.
pub async fn run<M: Machine>(
    machine: &mut M,
    plan: &Plan,
    connector: &Connector,
    stop: super::stop::Stop,
    watch: &mut impl Watch<M::Event>,
) {
    let _ = (machine, plan, connector, stop, watch);
    todo!()
}
