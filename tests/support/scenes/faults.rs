//! Messages that break rules, on the wire.

use super::messages::MESSAGES;
use super::{alice, bob};
use crate::support::message::{Host, Message};
use crate::support::scene::Scene;

/// Each message of `testdata/messages/` in a datagram of its own, half a second apart.
pub fn malformed() -> Vec<u8> {
    let (a, b) = (alice(), bob());
    let mut s = Scene::new();
    for (n, message) in MESSAGES.iter().enumerate() {
        s.at(n as u64 * 500).udp(a.at, b.at, message.bytes);
    }
    s.pcap()
}

/// Names that would move the cursor, change the title of the window, or read backwards.
pub fn hostile_names() -> Vec<u8> {
    let a = Host::new("alice", "192.0.2.10:5060", "Phone\x1b]0;owned\x07 1.0");
    let b = Host::new("bob", "198.51.100.20:5060", "Desk\u{202e}7");
    let mut s = Scene::new();
    let invite = Message::request("INVITE", &a, &b, "call\x1b[2J\x1b[H@192.0.2.10", 1)
        .set("From", "\"\x1b[31mroot\u{202e}\u{2066}\" <sip:alice@example.com>;tag=alice-1");
    s.at(0).send(&a, &b, &invite);
    let no = invite.reply(603, "Decl\x1b[1Aine\x08\u{9b}31m", &b).with("Reason", "SIP;cause=603;text=\"\x1b[5mno\"");
    s.at(20).send(&b, &a, &no);
    s.at(24).send(&a, &b, &invite.ack_to(&no));
    s.pcap()
}
