//! The timers of RFC 3261 §17, Table 4 of its Appendix A, and those of RFC 6026.

use super::topic::{Kind, Part, Topic};

/// A timer.
struct Row {
    name: &'static str,
    title: &'static str,
    waits: &'static str,
    udp: &'static str,
    reliable: &'static str,
    ends: &'static str,
    rule: &'static str,
}

const ROWS: &[Row] = &[
    Row {
        name: "T1",
        title: "estimate of the round-trip time",
        waits: "Nothing by itself: the other timers are counted in it.",
        udp: "500 ms",
        reliable: "500 ms",
        ends: "All timeouts are 64 times T1: lowering it makes a client give up sooner.",
        rule: "RFC 3261 §17.1.1.1",
    },
    Row {
        name: "T2",
        title: "longest interval between retransmissions",
        waits: "Caps the doubling of Timer E and Timer G.",
        udp: "4 s",
        reliable: "not used",
        ends: "From then on a request other than INVITE, or a final response to INVITE, is repeated every 4 s.",
        rule: "RFC 3261 §17.1.2.2",
    },
    Row {
        name: "T4",
        title: "longest life of a message in the network",
        waits: "Gives late retransmissions time to arrive.",
        udp: "5 s",
        reliable: "not used",
        ends: "Timers I and K last so long.",
        rule: "RFC 3261 §17.1.2.2",
    },
    Row {
        name: "A",
        title: "INVITE client: next retransmission",
        waits: "For any response to the INVITE.",
        udp: "T1, then doubled each time (0.5, 1, 2, 4, 8, 16 s), without a cap",
        reliable: "not used",
        ends: "The INVITE is sent again. A 1xx stops it.",
        rule: "RFC 3261 §17.1.1.2",
    },
    Row {
        name: "B",
        title: "INVITE client: give up",
        waits: "For any response to the INVITE.",
        udp: "64 × T1 = 32 s",
        reliable: "64 × T1 = 32 s",
        ends: "The transaction fails as if 408 had come: after seven sends over UDP.",
        rule: "RFC 3261 §17.1.1.2",
    },
    Row {
        name: "C",
        title: "proxy: INVITE without an end",
        waits: "For a final response after a 1xx; each 101-199 starts it anew.",
        udp: "more than 3 min",
        reliable: "more than 3 min",
        ends: "The proxy cancels the branch, or takes it for 408.",
        rule: "RFC 3261 §16.6, §16.8",
    },
    Row {
        name: "D",
        title: "INVITE client: absorb repeated final responses",
        waits: "For retransmissions of a 3xx-6xx, each of which is acknowledged again.",
        udp: "at least 32 s",
        reliable: "0",
        ends: "The transaction is forgotten.",
        rule: "RFC 3261 §17.1.1.2",
    },
    Row {
        name: "E",
        title: "non-INVITE client: next retransmission",
        waits: "For a final response.",
        udp: "T1, doubled up to T2 (0.5, 1, 2, 4, 4, 4 s …); T2 once a 1xx has come",
        reliable: "not used",
        ends: "The request is sent again.",
        rule: "RFC 3261 §17.1.2.2",
    },
    Row {
        name: "F",
        title: "non-INVITE client: give up",
        waits: "For a final response.",
        udp: "64 × T1 = 32 s",
        reliable: "64 × T1 = 32 s",
        ends: "The transaction fails as if 408 had come: after eleven sends over UDP.",
        rule: "RFC 3261 §17.1.2.2",
    },
    Row {
        name: "G",
        title: "INVITE server: next retransmission of the final response",
        waits: "For the ACK.",
        udp: "T1, doubled up to T2",
        reliable: "not used (a 2xx is repeated by the user agent all the same, over any transport)",
        ends: "The 3xx-6xx is sent again; the callee repeats a 2xx in the same rhythm.",
        rule: "RFC 3261 §17.2.1, §13.3.1.4",
    },
    Row {
        name: "H",
        title: "INVITE server: give up waiting for the ACK",
        waits: "For the ACK.",
        udp: "64 × T1 = 32 s",
        reliable: "64 × T1 = 32 s",
        ends: "The transaction fails; after a 2xx the callee ends the call with BYE. That is the call that dies after half a minute.",
        rule: "RFC 3261 §17.2.1",
    },
    Row {
        name: "I",
        title: "INVITE server: absorb repeated ACKs",
        waits: "For further ACKs.",
        udp: "T4 = 5 s",
        reliable: "0",
        ends: "The transaction is forgotten.",
        rule: "RFC 3261 §17.2.1",
    },
    Row {
        name: "J",
        title: "non-INVITE server: absorb repeated requests",
        waits: "For retransmissions of the request, each of which is answered again.",
        udp: "64 × T1 = 32 s",
        reliable: "0",
        ends: "The transaction is forgotten.",
        rule: "RFC 3261 §17.2.2",
    },
    Row {
        name: "K",
        title: "non-INVITE client: absorb repeated responses",
        waits: "For retransmissions of the final response.",
        udp: "T4 = 5 s",
        reliable: "0",
        ends: "The transaction is forgotten.",
        rule: "RFC 3261 §17.1.2.2",
    },
    Row {
        name: "L",
        title: "INVITE server: state Accepted",
        waits: "For repeated INVITEs after a 2xx was sent, which are absorbed.",
        udp: "64 × T1 = 32 s",
        reliable: "64 × T1 = 32 s",
        ends: "The transaction is forgotten.",
        rule: "RFC 6026 §7.1",
    },
    Row {
        name: "M",
        title: "INVITE client: state Accepted",
        waits: "For further 2xx, repeated or of other branches of a fork, which all go up to the user agent.",
        udp: "64 × T1 = 32 s",
        reliable: "64 × T1 = 32 s",
        ends: "The transaction is forgotten.",
        rule: "RFC 6026 §7.2",
    },
    Row {
        name: "N",
        title: "subscriber: first NOTIFY",
        waits: "For a NOTIFY after a SUBSCRIBE.",
        udp: "64 × T1 = 32 s",
        reliable: "64 × T1 = 32 s",
        ends: "The subscription is taken as failed, whatever the SUBSCRIBE was answered with.",
        rule: "RFC 6665 §4.1.2.4",
    },
];

/// What is said of every timer.
pub fn topics() -> impl Iterator<Item = Topic> {
    ROWS.iter().map(|row| {
        let name = if row.name.len() == 1 { format!("Timer {}", row.name) } else { row.name.to_owned() };
        Topic {
            kind: Kind::Timer,
            title: row.title.to_owned(),
            aliases: vec![
                name.clone(),
                row.name.to_owned(),
                format!("timer {}", row.name),
                format!("timer{}", row.name),
            ],
            name,
            parts: vec![
                Part::text("waits", row.waits),
                Part::text("over UDP", row.udp),
                Part::text("reliable", row.reliable),
                Part::text("then", row.ends),
            ],
            rule: row.rule.to_owned(),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::topics;

    #[test]
    fn the_timers_are_those_of_the_rfcs() {
        let names: Vec<String> = topics().map(|t| t.name.replace("Timer ", "")).collect();
        assert_eq!(names.join(" "), "T1 T2 T4 A B C D E F G H I J K L M N");
        let b = topics().find(|t| t.name == "Timer B").unwrap();
        assert_eq!(b.parts[1].lines, ["64 × T1 = 32 s"]);
    }
}
