//! `tcp-refused`, `tcp-unanswered`, `tcp-reset` and `tcp-closed`: a connection that was not let in, or ended too soon.
//!
//! Connections are told once for each pair of hosts. One that is reset while nothing is under way harms nobody, and is only worth knowing; one that
//! leaves a request unanswered is told with that request.

use crate::analysis::incidents::Occurrences;
use crate::analysis::rules::{Entry, Product, Rule};
use crate::analysis::{Finding, Severity, words};
use crate::trace::incident::{Close, Opening, Reset};

/// The rule: what it says is gathered by [`crate::analysis::incidents`].
pub const RULE: Rule = Rule { judge: super::judged_by_watch, entries: &ENTRIES };

const REFUSED: usize = 0;
const RESET: usize = 1;
const UNANSWERED: usize = 2;
const CLOSED: usize = 3;

static ENTRIES: [Entry; 4] = [
    Entry {
        code: "tcp-refused",
        severity: Severity::Error,
        meaning: "The other host answered the opening of a TCP connection with a reset: nothing listens on that port, or a firewall rejects it.",
        noticed: "Registrations and calls over TCP or TLS fail at once; a client that may use UDP falls back to it and nobody notices.",
        causes: &[
            "the server has no TCP (or TLS) listener on that port: SIP over UDP on a port says nothing about TCP",
            "the program was stopped, or listens on another address of the host",
            "a firewall rejects with a reset",
            "a UDP request over 1300 bytes made the client try TCP",
        ],
        confirm: "On the server: ss -ltnp | grep :5060. From the client: sipctl ping --transport tcp TARGET.",
        fix: "Let the server listen on TCP (every SIP server has to), or correct port and transport in the DNS records, the Contact or the gateway.",
        settings: &[
            (Product::Asterisk, "pjsip.conf: [transport-tcp] type=transport protocol=tcp bind=0.0.0.0:5060"),
            (
                Product::FreeSwitch,
                "sofia profile: listens on TCP of sip-port too unless bind-params says otherwise; TLS: tls=true, tls-sip-port",
            ),
            (
                Product::Kamailio,
                "listen=tcp:ADDRESS:5060 and disable_tcp=no; TLS: enable_tls=yes, loadmodule \"tls.so\"",
            ),
            (
                Product::OpenSips,
                "loadmodule \"proto_tcp.so\", socket=tcp:ADDRESS:5060; TLS: proto_tls.so, socket=tls:ADDRESS:5061",
            ),
        ],
        rule: "RFC 3261 §18, RFC 9293 §3.5.2",
    },
    Entry {
        code: "tcp-reset",
        severity: Severity::Error,
        meaning: "A TCP connection that carried SIP was broken off by a reset. What was under way in either direction is lost, and requests on it get \
                  no answer.",
        noticed: "A call hangs in setting up, or a phone behind NAT cannot be reached until it registers again, since its only way in is gone.",
        causes: &[
            "the program at the side that sent the reset crashed, was restarted, or closed the socket with data unread",
            "a firewall or NAT forgot the idle connection and resets what comes later",
            "the server has a limit for connections or for their idle time",
            "a message that was too long or malformed made the receiver close",
        ],
        confirm: "See whether the side that is named really sent it: capture there. The TTL of the reset differs from that of the connection's other \
                  packets when something between made it (tshark -T fields -e ip.ttl).",
        fix: "Keep connections alive (CRLF keep-alives of RFC 5626 below the idle time of the NAT), and let the client reconnect and register again.",
        settings: &[
            (
                Product::Asterisk,
                "pjsip.conf: type=global keep_alive_interval=90; type=transport tcp_keepalive_enable=yes (18.23, 20.8, 21.3 and later)",
            ),
            (Product::FreeSwitch, "sofia profile: <param name=\"tcp-keepalive\" value=\"20000\"/>"),
            (
                Product::Kamailio,
                "tcp_connection_lifetime=3605 (longer than the registrations), tcp_keepalive=yes, tcp_keepidle=30",
            ),
            (Product::OpenSips, "tcp_connection_lifetime=3605, tcp_keepalive=1, tcp_keepidle=30"),
        ],
        rule: "RFC 3261 §18.4, RFC 9293 §3.5.2",
    },
    Entry {
        code: "tcp-unanswered",
        severity: Severity::Error,
        meaning: "The opening of a TCP connection was sent again and again, and nothing came back: no acceptance, no refusal, no ICMP error. No SIP \
                  could be sent over it.",
        noticed: "Registrations and calls over TCP or TLS hang for half a minute or longer before they fail, or until the next server is tried.",
        causes: &[
            "a firewall (a security group, a packet filter) drops TCP to that port without a word, and often lets UDP pass",
            "the address is wrong or that of a host that is down, and no router on the way says so",
            "the answers take another way and are dropped there: asymmetric routing, a stateful firewall that did not see the opening",
            "the server is overloaded, and its queue of half-open connections is full",
        ],
        confirm: "Capture at the server: if the SYNs arrive there, it is the server or its own packet filter; if not, something before it drops them. \
                  sipctl ping --transport tcp TARGET against --transport udp TARGET shows whether it is TCP alone.",
        fix: "Open the port for TCP in both directions on whatever drops it, or correct the address in the DNS records, the route or the gateway.",
        settings: &[],
        rule: "RFC 9293 §3.8.3, RFC 3261 §18.1.1",
    },
    Entry {
        code: "tcp-closed",
        severity: Severity::Error,
        meaning: "The side that was asked closed the TCP connection, in good order, before it had answered or within its answer. The answer cannot come \
                  on this connection any more.",
        noticed: "The client waits until its timer fires, or fails at once with a transport error, although the server is up and lets connections in.",
        causes: &[
            "the server does not speak SIP on that port, or not without TLS",
            "the server, or a load balancer before it, takes connections of nobody it knows: an access list, a limit, a health check port",
            "the program that had the request ended, or was restarted",
            "the answer says by Content-Length that it is longer than it is, and the rest never comes",
        ],
        confirm: "Look at the log of the server at the time of the FIN. sipctl ping --transport tcp TARGET, and the same from a host that the server \
                  knows. sipctl decode shows how many bytes of an answer came.",
        fix: "Let the server take connections of this client, or correct port and transport; where an answer is cut, mend the Content-Length of who \
              sends it.",
        settings: &[
            (
                Product::Kamailio,
                "tcp_accept_no_cl, tcp_connection_lifetime, and any tcp_close_connection() or drop in the script",
            ),
            (Product::OpenSips, "tcp_connection_lifetime, and any drop() or exit before an answer in the script"),
        ],
        rule: "RFC 3261 §18.2.2, RFC 3261 §18.3",
    },
];

/// A SYN that was answered by RST.
pub(super) fn refused(r: &Occurrences) -> Finding {
    let (client, server) = (r.first.flow.src, r.first.flow.dst);
    let mut f = ENTRIES[REFUSED].finding(format!("{server} refused the TCP connection from {}", client.ip()));
    f.detail.push(format!(
        "An RST answered the SYN in frame {}: the host is up, and nothing listens on TCP port {}.",
        r.first.frame, server.port
    ));
    again(r, "It was tried", &mut f);
    if r.recovered {
        f.severity = Severity::Info;
        f.detail.push("The same two got through over another transport afterwards.".to_owned());
    }
    f.ruled_out.push(format!(
        "{server} being down or unreachable: then nothing at all, or an ICMP error, would have come back."
    ));
    f
}

/// SYNs that nothing answered.
pub(super) fn unanswered(r: &Occurrences, opening: &Opening) -> Finding {
    let (client, server) = (r.first.flow.src, r.first.flow.dst);
    let title = format!("{server} did not answer the TCP connection from {}", client.ip());
    let mut f = ENTRIES[UNANSWERED].finding(title);
    let over = words::duration(r.first.time.since(opening.since));
    f.detail.push(format!(
        "The SYN was sent {} over {over}, the last of these in frame {}, and nothing came back.",
        words::times(opening.syns),
        r.first.frame
    ));
    again(r, "It was tried", &mut f);
    if r.recovered {
        f.severity = Severity::Info;
        f.detail.push("The same two got through over another transport, or later.".to_owned());
    }
    f.ruled_out.push("A port on which nothing listens: the host would have answered with an RST.".to_owned());
    f
}

/// A connection with SIP that was reset.
pub(super) fn reset(r: &Occurrences, reset: &Reset) -> Finding {
    let (client, server) = (r.first.flow.src, r.first.flow.dst);
    let mut f = ENTRIES[RESET].finding(format!("{} reset the TCP connection between {client} and {server}", reset.by));
    f.detail.push(format!("The RST is in frame {}.", r.first.frame));
    again(r, "That happened", &mut f);
    if reset.cut_message {
        f.detail.push("A message to it was under way, and is lost.".to_owned());
    }
    f
}

/// A connection that its server closed before an answer was whole.
pub(super) fn closed(r: &Occurrences, close: &Close) -> Finding {
    let client = r.first.flow.src;
    let what = if close.left > 0 { "within an answer" } else { "without an answer" };
    let mut f = ENTRIES[CLOSED].finding(format!("{} closed the TCP connection from {client} {what}", close.by));
    f.detail.push(format!("The FIN is in frame {}.", close.frame));
    if close.left > 0 {
        f.detail.push(format!("{} bytes of a message had come by then, and its end never did.", close.left));
    }
    again(r, "That happened", &mut f);
    f.ruled_out
        .push(format!("{} being down, and packets being lost: it took the connection, and ended it itself.", close.by));
    f
}

/// What is said of a reset that left nothing unanswered: a connection that was idle harms nobody by its end.
pub(super) fn idle(f: &mut Finding) {
    f.severity = Severity::Info;
    f.detail.push("No request was under way, and no message was cut off by it.".to_owned());
}

/// How often it happened, where that is more than once.
pub(super) fn again(r: &Occurrences, how: &str, f: &mut Finding) {
    if r.count > 1 {
        f.detail.push(format!("{how} {} in {}.", words::times(r.count), words::duration(r.last.since(r.first.time))));
    }
}
