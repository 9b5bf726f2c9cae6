//! Plans against a name server of our own: the rules of RFC 3263 one by one.

use super::fake::{Mood, Zone};
use super::{Plan, Protocol, Resolver, Target, TransportError, Wanted};
use crate::base::Entropy;
use hickory_resolver::proto::op::ResponseCode;
use std::time::Duration;

fn zone() -> Zone {
    Zone::default()
        .naptr("full.test", (10, 50), "s", "SIPS+D2T", "_sips._tcp.full.test")
        .naptr("full.test", (30, 50), "S", "sip+d2u", "_sip._udp.full.test")
        .naptr("full.test", (20, 50), "s", "SIP+D2T", "_sip._tcp.full.test")
        .naptr("full.test", (40, 50), "s", "SIP+D2W", "_sip._ws.full.test")
        .naptr("full.test", (5, 1), "s", "SIP+D2S", "_sip._sctp.full.test")
        .naptr("full.test", (5, 2), "u", "E2U+sip", ".")
        .srv("_sips._tcp.full.test", (10, 0), 5061, "sip.full.test")
        .srv("_sip._tcp.full.test", (10, 0), 5060, "sip.full.test")
        .srv("_sip._udp.full.test", (10, 0), 5060, "sip.full.test")
        .srv("_sip._ws.full.test", (10, 0), 8080, "sip.full.test")
        .host("sip.full.test", "127.0.0.7")
        .naptr("order.test", (10, 20), "s", "SIP+D2U", "_sip._udp.order.test")
        .naptr("order.test", (10, 10), "s", "SIP+D2T", "_sip._tcp.order.test")
        .srv("_sip._udp.order.test", (20, 0), 5060, "b.order.test")
        .srv("_sip._udp.order.test", (10, 0), 5070, "a.order.test")
        .srv("_sip._tcp.order.test", (10, 0), 5060, "a.order.test")
        .host("a.order.test", "127.0.0.1")
        .host("b.order.test", "127.0.0.2")
        .naptr("flag-a.test", (1, 1), "a", "SIPS+D2T", "host.flag-a.test")
        .host("host.flag-a.test", "127.0.0.3")
        .host("plain.test", "127.0.0.4")
        .host("plain.test", "::1")
        .srv("_sip._udp.refused.test", (0, 0), 0, ".")
        .srv("_sip._tcp.refused.test", (0, 0), 0, ".")
        .host("refused.test", "127.0.0.1")
        .srv("_sip._udp.dangling.test", (1, 1), 5060, "gone.dangling.test")
        .naptr("naptrdangling.test", (1, 1), "s", "SIP+D2T", "_sip._tcp.gone.test")
        .host("naptrdangling.test", "127.0.0.1")
        .cname("alias.test", "plain.test")
        .srv("_sip._udp.viacname.test", (1, 1), 5060, "alias.test")
        .host("viacname.test", "127.0.0.99")
        .mood("refuses.test", Mood::Code(ResponseCode::Refused))
        .mood("_sip._udp.refuses.test", Mood::Code(ResponseCode::Refused))
        .mood("fails.test", Mood::Code(ResponseCode::ServFail))
        .mood("silent.test", Mood::Silent)
        .mood("garbage.test", Mood::Garbage)
        .host("wrongid.test", "127.0.0.5")
        .mood("wrongid.test", Mood::WrongId)
        .host("big.test", "127.0.0.6")
        .mood("big.test", Mood::Truncated)
}

async fn plan_with(zone: Zone, typed: &str, wanted: Wanted) -> (Result<Plan, TransportError>, Vec<String>) {
    let (address, log) = zone.serve().await;
    let resolver = Resolver::new(Some(address), Duration::from_millis(600)).unwrap();
    let mut entropy = Entropy::seeded(1);
    let plan = resolver.plan(&Target::parse(typed).unwrap(), wanted, &mut entropy).await;
    let asked = log.lock().unwrap().clone();
    (plan, asked)
}

async fn plan(typed: &str) -> Plan {
    plan_with(zone(), typed, Wanted::default()).await.0.unwrap_or_else(|e| panic!("{typed}: {e}"))
}

async fn failure(typed: &str) -> TransportError {
    plan_with(zone(), typed, Wanted::default()).await.0.unwrap_err()
}

/// `UDP 127.0.0.1:5060`, in order.
fn places(plan: &Plan) -> Vec<String> {
    plan.candidates.iter().map(|c| format!("{} {}", c.protocol, c.address)).collect()
}

#[tokio::test]
async fn numeric_hosts_ask_nothing() {
    for (typed, place) in [
        ("127.0.0.1", "UDP 127.0.0.1:5060"),
        ("sips:127.0.0.1", "TLS 127.0.0.1:5061"),
        ("sip:[::1]:5070;transport=tcp", "TCP [::1]:5070"),
        ("sips:127.0.0.1;transport=ws", "WSS 127.0.0.1:443"),
        ("sip:full.test;maddr=127.0.0.9", "UDP 127.0.0.9:5060"),
    ] {
        let (plan, asked) = plan_with(zone(), typed, Wanted::default()).await;
        let plan = plan.unwrap();
        assert_eq!((places(&plan), asked.len()), (vec![place.to_owned()], 0), "{typed}");
        assert_eq!((plan.candidates[0].how.as_str(), plan.candidates[0].host.as_deref()), ("as given", None));
        assert!(plan.lookups.is_empty() && plan.took.is_zero());
    }
    let wanted = Wanted { v6: Some(true), protocol: None };
    assert_eq!(plan_with(zone(), "127.0.0.1", wanted).await.0.unwrap_err().kind, "no-records");
}

#[tokio::test]
async fn naptr_records_are_followed_in_their_order() {
    let plan = plan("sip:Full.test").await;
    let expected = ["TLS 127.0.0.7:5061", "TCP 127.0.0.7:5060", "UDP 127.0.0.7:5060", "WS 127.0.0.7:8080"];
    assert_eq!(places(&plan), expected);
    let first = &plan.candidates[0];
    assert_eq!(first.how, "NAPTR SIPS+D2T → SRV sip.full.test");
    assert_eq!(
        (first.domain.as_str(), first.host.as_deref(), first.srv),
        ("full.test", Some("sip.full.test"), Some((10, 0)))
    );
    assert_eq!(plan.lookups[0].records[2], "10 50 \"s\" \"SIPS+D2T\" \"\" _sips._tcp.full.test.");
    assert!(plan.notes.iter().any(|n| n.contains("SIP+D2S is passed over: SCTP")), "{:?}", plan.notes);
    assert!(
        plan.notes.iter().any(|n| n.contains("E2U+sip is passed over: it is no service of SIP")),
        "{:?}",
        plan.notes
    );
    assert_eq!(self::plan("order.test").await.candidates[0].protocol, Protocol::Tcp);
    assert_eq!(places(&self::plan("flag-a.test").await), ["TLS 127.0.0.3:5061"]);
}

#[tokio::test]
async fn sips_takes_what_tls_protects_alone() {
    assert_eq!(places(&plan("sips:full.test").await), ["TLS 127.0.0.7:5061"]);
    let (plan, asked) = plan_with(zone(), "sips:plain.test", Wanted { v6: Some(false), protocol: None }).await;
    assert_eq!(places(&plan.unwrap()), ["TLS 127.0.0.4:5061"]);
    assert_eq!(asked, ["udp NAPTR plain.test", "udp SRV _sips._tcp.plain.test", "udp A plain.test"]);
}

#[tokio::test]
async fn a_port_asks_for_addresses_and_a_transport_for_srv() {
    let v4 = Wanted { v6: Some(false), protocol: None };
    let (plan, asked) = plan_with(zone(), "plain.test:5080", v4).await;
    assert_eq!(
        (places(&plan.unwrap()), asked),
        (vec!["UDP 127.0.0.4:5080".to_owned()], vec!["udp A plain.test".to_owned()])
    );
    let (plan, asked) = plan_with(zone(), "sip:order.test;transport=udp", v4).await;
    // Priority decides: 5070 has the lower one.
    assert_eq!(places(&plan.unwrap()), ["UDP 127.0.0.1:5070", "UDP 127.0.0.2:5060"]);
    assert_eq!(asked[0], "udp SRV _sip._udp.order.test");
    let (plan, asked) =
        plan_with(zone(), "sip:full.test;transport=udp", Wanted { protocol: Some(Protocol::Ws), v6: None }).await;
    assert_eq!(
        (places(&plan.unwrap()), asked[0].as_str()),
        (vec!["WS 127.0.0.7:8080".to_owned()], "udp SRV _sip._ws.full.test")
    );
    let wss = Wanted { protocol: Some(Protocol::Wss), v6: Some(false) };
    assert_eq!(places(&plan_with(zone(), "plain.test", wss).await.0.unwrap()), ["WSS 127.0.0.4:443"]);
}

#[tokio::test]
async fn without_naptr_and_srv_the_addresses_count_ipv6_first() {
    let plan = plan("plain.test").await;
    let mut all = places(&plan);
    // Where this machine has no IPv6 at all, IPv4 comes first.
    if std::net::UdpSocket::bind("[::1]:0").is_err() {
        all.reverse();
    }
    assert_eq!(all, ["UDP [::1]:5060", "UDP 127.0.0.4:5060"]);
    assert!(plan.candidates.iter().any(|c| c.how == "AAAA") && plan.candidates.iter().any(|c| c.how == "A"));
    let kinds: Vec<&str> = plan.lookups.iter().map(|l| l.kind).collect();
    assert_eq!(kinds, ["NAPTR", "SRV", "SRV", "SRV", "A", "AAAA"]);
    assert_eq!(plan.lookups[0].failure.as_deref(), Some("no records"));
    assert_eq!(plan.lookups[1].failure.as_deref(), Some("NXDOMAIN"));
    assert!(!plan.took.is_zero());
}

#[tokio::test]
async fn records_that_lead_nowhere_are_told_of() {
    let error = failure("refused.test").await;
    assert_eq!(error.kind, "no-records");
    assert!(error.message.contains("has the target \".\"") && error.hint.contains("does not offer"), "{error:?}");
    let error = failure("dangling.test").await;
    assert_eq!(error.kind, "no-records");
    assert!(error.message.contains("gone.dangling.test: NXDOMAIN"), "{error:?}");
    let plan = plan("naptrdangling.test").await;
    assert_eq!(places(&plan), ["TCP 127.0.0.1:5060"]);
    assert!(plan.notes.iter().any(|n| n.contains("_sip._tcp.gone.test, which has no SRV record")), "{:?}", plan.notes);
}

#[tokio::test]
async fn aliases_are_followed_and_told_of() {
    let v4 = Wanted { v6: Some(false), protocol: None };
    let plan = plan_with(zone(), "alias.test:5060", v4).await.0.unwrap();
    assert_eq!(places(&plan), ["UDP 127.0.0.4:5060"]);
    assert_eq!(plan.notes, ["alias.test is an alias (CNAME) of plain.test"]);
    let plan = plan_with(zone(), "viacname.test", v4).await.0.unwrap();
    assert_eq!(places(&plan), ["UDP 127.0.0.4:5060"]);
    assert!(plan.notes[0].contains("RFC 2782 forbids"), "{:?}", plan.notes);
}

#[tokio::test]
async fn truncated_answers_come_again_over_tcp() {
    let v4 = Wanted { v6: Some(false), protocol: None };
    let (plan, asked) = plan_with(zone(), "big.test:5060", v4).await;
    assert_eq!(places(&plan.unwrap()), ["UDP 127.0.0.6:5060"]);
    assert_eq!(asked, ["udp A big.test", "tcp A big.test"]);
}

#[tokio::test]
async fn failures_say_what_was_asked_of_whom_and_what_came_back() {
    for (typed, kind, words) in [
        ("nowhere.example", "nxdomain", "for NAPTR, A and AAAA nowhere.example: NXDOMAIN"),
        ("fails.test:5060", "dns-refused", "fails.test: SERVFAIL"),
        ("refuses.test:5060", "dns-refused", "refuses.test: REFUSED"),
        ("silent.test:5060", "timeout", "silent.test: timed out"),
    ] {
        let error = failure(typed).await;
        assert_eq!(error.kind, kind, "{error:?}");
        assert!(error.message.contains(words) && error.message.contains("asked 127.0.0.1:"), "{error:?}");
        assert!(!error.hint.is_empty());
    }
    // Bytes that are no DNS message are as good as no answer, whichever way it is told.
    let error = failure("garbage.test:5060").await;
    assert!(matches!(error.kind, "timeout" | "io"), "{error:?}");
}

#[tokio::test]
async fn an_answer_to_another_question_is_not_believed() {
    let v4 = Wanted { v6: Some(false), protocol: None };
    let plan = plan_with(zone(), "wrongid.test:5060", v4).await.0.unwrap();
    assert_eq!(places(&plan), ["UDP 127.0.0.5:5060"]);
}

#[tokio::test]
async fn what_a_zone_can_demand_is_bounded() {
    let mut zone = Zone::default();
    for at in 0..60u16 {
        zone = zone.srv("_sip._udp.huge.test", (at, 0), 5060, &format!("h{at}.huge.test"));
        for ip in 1..4 {
            zone = zone.host(&format!("h{at}.huge.test"), &format!("127.1.{at}.{ip}"));
        }
    }
    let (plan, asked) =
        plan_with(zone, "sip:huge.test;transport=udp", Wanted { v6: Some(false), protocol: None }).await;
    let plan = plan.unwrap();
    assert_eq!(plan.candidates.len(), 64);
    assert!(asked.len() <= 40, "{}", asked.len());
    assert!(
        plan.notes.iter().any(|n| n.contains("60 host names are named: the last 28 are left out")),
        "{:?}",
        plan.notes
    );
    assert!(plan.notes.iter().any(|n| n.contains("more than 64 candidates")), "{:?}", plan.notes);
}

#[tokio::test]
async fn a_nameless_name_server_is_told_of_in_time() {
    let silent = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let resolver = Resolver::new(Some(silent.local_addr().unwrap()), Duration::from_millis(200)).unwrap();
    let begun = std::time::Instant::now();
    let target = Target::parse("example.com").unwrap();
    let error = resolver.plan(&target, Wanted::default(), &mut Entropy::seeded(1)).await.unwrap_err();
    assert_eq!(error.kind, "timeout");
    // NAPTR, SRV and addresses: three waits, however many questions.
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
}
