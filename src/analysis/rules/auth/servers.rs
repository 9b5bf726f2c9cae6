//! `auth-weak` is told once for each server that asks for credentials: what thousands of its challenges have in common is one thing to know.

use super::weak;
use crate::analysis::Finding;
use crate::base::Table;
use crate::trace::Conversation;
use std::net::IpAddr;

/// Servers that are remembered.
const SERVERS: usize = 1024;

/// Servers whose challenges were looked at.
#[derive(Debug)]
pub struct Servers(Table<IpAddr, ()>);

impl Default for Servers {
    fn default() -> Self {
        Servers(Table::new(SERVERS))
    }
}

impl Servers {
    /// Looks at the first challenge of a server in the conversation that brings it.
    pub fn conversation(&mut self, c: &Conversation, findings: &mut Vec<Finding>) {
        let Some((position, server)) = weak::first_challenge(c) else { return };
        if self.0.get(&server.ip()).is_some() {
            return;
        }
        let now = c.at(position).map_or(0, |f| f.time.0);
        self.0.touch_or_insert(&server.ip(), now, || ());
        findings.extend(weak::weakness(c, position));
    }
}
