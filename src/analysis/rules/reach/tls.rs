//! `tls-failed`, `tls-on-plain-port`, `plain-on-tls-port`: TLS that did not come about.
//!
//! Alerts are read where they are in the clear, and by their length where they are not. The server's certificate is in the clear up to TLS 1.2: its
//! dates and issuer say why a client ended the handshake without a word.

use super::certificate;
use super::connection::again;
use crate::analysis::incidents::Occurrences;
use crate::analysis::rules::{Entry, Product, Rule};
use crate::analysis::{Confidence, Finding, Severity};
use crate::base::Safe;
use crate::net::tls::{Alert, Version};
use crate::trace::incident::{Answer, TlsFailure};
use x509_parser::prelude::{FromDer, X509Certificate};

/// The rule: what it says is gathered by [`crate::analysis::incidents`].
pub const RULE: Rule = Rule { judge: super::judged_by_watch, entries: &ENTRIES };

const FAILED: usize = 0;
const ON_PLAIN: usize = 1;
const ON_TLS: usize = 2;

static ENTRIES: [Entry; 3] = [
    Entry {
        code: "tls-failed",
        severity: Severity::Error,
        meaning: "A TLS handshake ended without a connection: one side sent an alert, or closed. The alert, or the certificate that was shown, says why. \
                  No SIP was exchanged.",
        noticed: "Phones do not register over TLS, trunks stay down; the log of the side that ended it names the reason, that of the other does not.",
        causes: &[
            "certificate_expired: the server's certificate was not renewed, or not loaded after its renewal",
            "unknown_ca, bad_certificate, certificate_unknown: the client does not trust who signed it, or the chain is sent without its intermediate \
             certificate, or the name is not that of the SIP domain",
            "protocol_version, handshake_failure, insufficient_security: no TLS version, cipher or curve that both have",
            "certificate_required: the server wants a client certificate (mutual TLS) and got none",
            "unrecognized_name: the server has no certificate for the name that was asked for",
        ],
        confirm: "openssl s_client -connect HOST:5061 -servername DOMAIN -showcerts shows chain, dates and version; sipctl ping --transport tls TARGET \
                  says in words what is wrong with the certificate.",
        fix: "Renew or complete the certificate chain, reload it in the server, and let both sides have TLS 1.2 or 1.3. The clocks have to be right.",
        settings: &[
            (
                Product::Asterisk,
                "pjsip.conf, type=transport protocol=tls: cert_file (with the chain), priv_key_file, ca_list_file, verify_server, method=tlsv1_2",
            ),
            (
                Product::FreeSwitch,
                "sofia profile: tls-cert-dir (agent.pem, cafile.pem), tls-version=tlsv1.2, tls-verify-policy, tls-verify-date",
            ),
            (
                Product::Kamailio,
                "tls.cfg: certificate, private_key, ca_list, method=TLSv1.2+, verify_certificate, require_certificate; kamcmd tls.reload",
            ),
            (
                Product::OpenSips,
                "tls_mgm: certificate, private_key, ca_list, tls_method, verify_cert, require_cert; opensips-cli -x mi tls_reload (domains of the database)",
            ),
        ],
        rule: "RFC 3261 §26.3.2.1, RFC 8446 §6.2, RFC 5922 §7",
    },
    Entry {
        code: "tls-on-plain-port",
        severity: Severity::Error,
        meaning: "A client began TLS on a port where the server speaks plain SIP over TCP. The server reads the handshake as a broken message.",
        noticed: "Registration over TLS fails or hangs, while the same server answers over TCP.",
        causes: &[
            "the client was set to TLS and the port left at 5060: TLS usually has 5061",
            "a DNS SRV record _sips._tcp names the plain port",
            "TLS is not enabled on the server",
        ],
        confirm: "sipctl ping --transport tls HOST:5061 and --transport tcp HOST:5060 show which port speaks what; sipctl resolve DOMAIN shows the \
                  SRV records.",
        fix: "Let the client use the TLS port (5061), or switch TLS on for the port that it uses.",
        settings: &[
            (Product::Asterisk, "pjsip.conf: [transport-tls] type=transport protocol=tls bind=0.0.0.0:5061"),
            (Product::FreeSwitch, "sofia profile: tls=true, tls-sip-port=5061"),
            (Product::Kamailio, "enable_tls=yes, listen=tls:ADDRESS:5061"),
            (Product::OpenSips, "loadmodule \"proto_tls.so\", socket=tls:ADDRESS:5061"),
        ],
        rule: "RFC 3261 §18.1.1, §26.2.2",
    },
    Entry {
        code: "plain-on-tls-port",
        severity: Severity::Error,
        meaning: "A client sent plain SIP over TCP to a port where the server speaks TLS. The server takes it for a broken handshake, sends an alert or \
                  closes.",
        noticed: "Requests get no answer, or the connection closes at once.",
        causes: &[
            "the client was set to port 5061 and its transport left at TCP",
            "a Contact, Route or Record-Route names port 5061 without transport=tls or sips:",
            "a load balancer ends TLS before the server, and passes plain text to the TLS port",
        ],
        confirm: "sipctl ping --transport tls HOST:5061; openssl s_client -connect HOST:5061 shows that TLS is spoken there.",
        fix: "Let the client use TLS for that port, or the plain port (5060) for TCP.",
        settings: &[
            (
                Product::Asterisk,
                "pjsip.conf: type=endpoint transport=transport-tls, contact sip:HOST:5061;transport=tls",
            ),
            (
                Product::FreeSwitch,
                "gateway: <param name=\"register-transport\" value=\"tls\"/>; ;transport=tls in the dial string",
            ),
            (Product::Kamailio, "$du = \"sip:HOST:5061;transport=tls\""),
            (Product::OpenSips, "$du = \"sip:HOST:5061;transport=tls\""),
        ],
        rule: "RFC 3261 §18.1.1, §26.2.2",
    },
];

/// A ClientHello to a port that speaks plain SIP.
pub(super) fn on_plain(r: &Occurrences, answer: &Answer) -> Finding {
    let (client, server) = (r.first.flow.src, r.first.flow.dst);
    let mut f = ENTRIES[ON_PLAIN].finding(format!("{client} began TLS on {server}, which speaks plain SIP"));
    f.detail.push(format!("A ClientHello was sent; {} (frame {}).", came_back(answer), r.first.frame));
    f.confidence = match answer {
        Answer::Line(_) => Confidence::Certain,
        _ => Confidence::Likely,
    };
    if f.confidence == Confidence::Certain {
        f.ruled_out.push(
            "A refused certificate or cipher: what speaks TLS answers a ClientHello with a TLS record.".to_owned(),
        );
    }
    again(r, "It was tried", &mut f);
    f
}

/// Plain SIP to a port that speaks TLS.
pub(super) fn on_tls(r: &Occurrences, answer: &Answer) -> Finding {
    let (client, server) = (r.first.flow.src, r.first.flow.dst);
    let mut f = ENTRIES[ON_TLS].finding(format!("{client} sent plain SIP to {server}, which speaks TLS"));
    f.detail.push(format!("A SIP message was sent in the clear; {} (frame {}).", came_back(answer), r.first.frame));
    f.confidence = match answer {
        Answer::Alert(_) => Confidence::Certain,
        _ => Confidence::Likely,
    };
    again(r, "It was tried", &mut f);
    f
}

fn came_back(answer: &Answer) -> String {
    match answer {
        Answer::Line(line) => format!("what came back is text: {}", Safe(line)),
        Answer::Alert(alert) => format!("what came back is a TLS alert, {}", named(*alert)),
        Answer::Closed => "the connection was closed without an answer".to_owned(),
        Answer::Reset => "the connection was reset".to_owned(),
        Answer::Silence => "nothing came back".to_owned(),
    }
}

/// `certificate_expired (45)`
fn named(alert: Alert) -> String {
    let name = alert.name().unwrap_or("unknown alert");
    format!("{name} ({})", alert.description)
}

/// What an alert means, for somebody who does not know its name. RFC 8446 §6.2
fn meaning(alert: Alert) -> &'static str {
    match alert.description {
        42 | 46 => "it does not accept the certificate of the other side",
        43 => "it cannot use a certificate of that kind",
        44 => "the certificate was revoked",
        45 => "the certificate has expired",
        48 => {
            "it does not know the authority that signed the certificate: the chain is incomplete, or the authority is private"
        }
        40 | 71 => "the two have no cipher suite, curve or signature algorithm in common that is good enough",
        70 => "the two have no TLS version in common",
        51 => "a signature or the key exchange did not verify",
        112 => "it has no certificate for the name that was asked for",
        116 | 41 => "it wants a client certificate, and got none",
        49 => "the certificate is good, and its owner is not let in",
        120 => "the two have no application protocol (ALPN) in common",
        10 | 47 | 50 | 109 | 110 => {
            "it does not understand what the other side sent: another protocol on that port, or a program with a fault"
        }
        80 => "something failed in it: its log says what",
        _ => "it ends the connection",
    }
}

/// A handshake that failed.
pub(super) fn failed(r: &Occurrences, failure: &TlsFailure) -> Finding {
    let (client, server) = (r.first.flow.src, r.first.flow.dst);
    // Only some alerts may be about the name. RFC 8446 §6.2
    let may_be_name = failure.alert.is_none_or(|alert| matches!(alert.description, 42 | 46 | 112));
    let name = failure.server_name.as_deref().filter(|_| may_be_name);
    let problem = certificate::problem(&failure.certificate, name, r.first.time);
    let other = if failure.by == client { server } else { client };
    let cause = match (failure.alert, &problem) {
        (Some(alert), None) => format!("{} sent the alert {}", failure.by, named(alert)),
        (Some(alert), Some(problem)) => format!("{} sent the alert {}: {problem}", failure.by, named(alert)),
        (None, Some(problem)) => format!("{} ended the handshake: {problem}", failure.by),
        (None, None) if !failure.answered => format!("{server} did not answer the ClientHello"),
        (None, None) => format!("{} ended the handshake", failure.by),
    };
    let mut f = ENTRIES[FAILED].finding(format!("TLS from {client} to {server} failed: {cause}"));
    let frame = r.first.frame;
    match failure.alert {
        Some(alert) => f.detail.push(format!("The alert, in frame {frame}, says that {}.", meaning(alert))),
        None if failure.encrypted_alert => f.detail.push(format!(
            "{} sent an alert that is encrypted (frame {frame}), and no data was exchanged.",
            failure.by
        )),
        None if failure.reset => f
            .detail
            .push(format!("{} reset the connection in the middle of the handshake (frame {frame}).", failure.by)),
        None if failure.answered => f
            .detail
            .push(format!("{} closed the connection in the middle of the handshake (frame {frame}).", failure.by)),
        None => {}
    }
    if !failure.answered {
        f.detail.push(format!(
            "Nothing came back for the ClientHello (frame {frame}): what listens there may not speak TLS."
        ));
    }
    certificate_detail(failure, &mut f);
    weigh(failure, problem.is_some(), &mut f);
    if failure.answered {
        f.ruled_out.push(format!("A port without TLS: {server} answered the ClientHello with TLS."));
    }
    if failure.alert.is_some() && problem.is_none() {
        f.ruled_out.push(format!("The network: {} said why it ended, and {other} is reachable.", failure.by));
    }
    again(r, "It was tried", &mut f);
    f
}

/// How sure it is, and how grave: a handshake that came to its end and was closed without data may be no more than a test of the port.
fn weigh(failure: &TlsFailure, has_problem: bool, f: &mut Finding) {
    f.confidence = match (failure.alert, has_problem) {
        (Some(_), _) => Confidence::Certain,
        (None, true) => Confidence::Likely,
        (None, false) => Confidence::Possible,
    };
    if failure.alert.is_none() && !has_problem && failure.completed {
        f.severity = Severity::Info;
        f.detail.push("Both sides had agreed on keys: it may have been a test of the port, or a client that does not accept the certificate.".to_owned());
    }
    if !failure.on_sip_port && f.confidence > Confidence::Likely {
        f.confidence = Confidence::Likely;
    }
}

fn certificate_detail(failure: &TlsFailure, f: &mut Finding) {
    if let Some(name) = &failure.server_name {
        f.detail.push(format!("The client asked for the name {}.", Safe(name.as_bytes())));
    }
    let Ok((_, certificate)) = X509Certificate::from_der(&failure.certificate) else {
        if failure.version == Some(Version::Tls13) && failure.alert.is_none() {
            f.detail
                .push("TLS 1.3 hides certificate and alert: with a key log (--keylog) they can be read.".to_owned());
        }
        return;
    };
    f.detail.push(format!("{}.", certificate::told(&certificate)));
}
