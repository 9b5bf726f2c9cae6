use super::{Event, Mode, Own, Purpose, Register, RegisterOptions, Step, refresh_after};
use crate::agent::{Account, Action, Answered, Identity, Machine, Outcome};
use crate::base::Entropy;
use crate::digest::Secret;
use crate::sip::{Composer, HeaderName, Message, Outline};
use crate::transaction::Timers;
use crate::transport::{LineFacts, Phase, Protocol, TransportError};
use std::time::{Duration, Instant};

fn options(mode: Mode) -> RegisterOptions {
    RegisterOptions {
        aor: "sip:alice@example.com".to_owned(),
        registrar: "sip:example.com".to_owned(),
        mode,
        expires_s: 300,
        contact: None,
        instance: None,
        reg_id: None,
        identity: Identity { from: Some("<sip:alice@example.com>".to_owned()), ..Identity::default() },
        account: Some(Account {
            username: "alice".to_owned(),
            secret: Some(Secret::Password("secret".to_owned())),
            algorithm: None,
        }),
        timers: Timers::default(),
        timeout: Duration::from_secs(5),
        candidates: 1,
    }
}

/// The registrar's side of a run in virtual time.
struct Room {
    machine: Register,
    now: Instant,
    /// Requests that were sent, in order; what was sent again is here again.
    sent: Vec<String>,
    told: Vec<Event>,
    connects: Vec<usize>,
}

impl Room {
    fn new(options: RegisterOptions) -> Self {
        let machine = Register::new(options, Entropy::seeded(5));
        let mut room = Room { machine, now: Instant::now(), sent: vec![], told: vec![], connects: vec![] };
        room.drain();
        room
    }

    /// A room whose line is open.
    fn open(options: RegisterOptions) -> Self {
        let mut room = Room::new(options);
        room.connected();
        room
    }

    fn connected(&mut self) {
        let line = LineFacts {
            protocol: Protocol::Udp,
            local: "192.0.2.1:5070".parse().unwrap(),
            peer: "192.0.2.9:5060".parse().unwrap(),
            connect: None,
            tls_time: None,
            tls: None,
        };
        self.machine.handle_connected(&line, self.now);
        self.drain();
    }

    fn drain(&mut self) {
        while let Some(action) = self.machine.poll_action(self.now) {
            match action {
                Action::Connect(candidate) => self.connects.push(candidate),
                Action::Send(bytes) => self.sent.push(String::from_utf8(bytes).unwrap()),
                Action::Tell(event) => self.told.push(event),
            }
        }
    }

    /// Answers the last request.
    fn answer(&mut self, status: u16, fields: &[(&str, &str)]) {
        let request = self.sent.last().unwrap().clone();
        let mut outline = Outline::new();
        assert!(outline.read(request.as_bytes()));
        let view = Message::new(request.as_bytes(), &outline);
        let mut response = Composer::response(status, "Said");
        for name in [HeaderName::Via, HeaderName::From, HeaderName::CallId, HeaderName::CSeq] {
            response.field(name, view.header(name).unwrap());
        }
        response.field(HeaderName::To, [view.header(HeaderName::To).unwrap(), b";tag=srv"].concat());
        for (name, value) in fields {
            response.named(name, value);
        }
        let bytes = response.finish("", b"");
        self.machine.handle_message(&bytes, "192.0.2.9:5060".parse().unwrap(), self.now);
        self.drain();
    }

    /// Lets time pass up to the next timer.
    fn tick(&mut self) {
        self.now = self.machine.poll_timeout().unwrap();
        self.machine.handle_timer(self.now);
        self.drain();
    }

    /// Lets time pass until something new is sent or the end comes.
    fn until_sent(&mut self) {
        let sent = self.sent.len();
        while self.sent.len() == sent && !self.machine.is_finished() {
            self.tick();
        }
    }

    fn last(&self, name: &str) -> Option<String> {
        let request = self.sent.last()?;
        let line = request.lines().find(|l| l.starts_with(&format!("{name}: ")))?;
        Some(line[name.len() + 2..].to_owned())
    }

    /// The Contact of the last request, as a registrar would list it.
    fn own(&self) -> String {
        self.last("Contact").unwrap()
    }

    fn steps(&self) -> Vec<&Step> {
        self.told.iter().filter_map(|e| if let Event::Done(s) = e { Some(&**s) } else { None }).collect()
    }

    fn purposes(&self) -> Vec<Purpose> {
        self.steps().iter().map(|s| s.purpose).collect()
    }
}

#[test]
fn a_trial_registers_removes_and_checks() {
    let mut room = Room::open(options(Mode::Trial));
    assert!(room.sent[0].starts_with("REGISTER sip:example.com SIP/2.0\r\n"), "{}", room.sent[0]);
    assert_eq!(room.last("To").unwrap(), "<sip:alice@example.com>");
    assert!(room.last("From").unwrap().starts_with("<sip:alice@example.com>;tag="));
    assert_eq!(room.last("Expires").unwrap(), "300");
    assert_eq!(room.last("Supported").unwrap(), "path");
    let contact = room.own();
    assert!(contact.starts_with("<sip:sipctl-") && contact.ends_with("@192.0.2.1:5070>;expires=300"), "{contact}");
    let call_id = room.last("Call-ID").unwrap();

    room.answer(401, &[("WWW-Authenticate", "Digest realm=\"example.com\", nonce=\"n1\", qop=\"auth\"")]);
    assert_eq!(room.last("CSeq").unwrap(), "2 REGISTER");
    assert!(room.last("Authorization").unwrap().contains("nc=00000001"));
    room.answer(200, &[("Contact", &contact), ("Path", "<sip:edge.example.com;lr>")]);
    // The removal goes out with the nonce counted on, unasked.
    assert_eq!(room.last("CSeq").unwrap(), "3 REGISTER");
    assert_eq!(room.last("Expires").unwrap(), "0");
    assert_eq!(room.own(), contact.replace("expires=300", "expires=0"));
    assert!(room.last("Authorization").unwrap().contains("nc=00000002"));
    room.answer(200, &[("Contact", "<sip:alice@192.0.2.7>;expires=20")]);
    assert_eq!((room.last("Contact"), room.last("Expires")), (None, None));
    assert_eq!(room.last("Call-ID").unwrap(), call_id);
    room.answer(200, &[("Contact", "<sip:alice@192.0.2.7>;expires=20")]);
    assert!(room.machine.is_finished() && !room.machine.may_be_bound());
    assert_eq!(room.purposes(), [Purpose::Register, Purpose::Remove, Purpose::Check]);
    let steps = room.steps();
    assert_eq!(steps[0].own().unwrap().expires_s, Some(300));
    assert_eq!((steps[0].attempts.len(), steps[0].challenges.len()), (2, 1));
    assert!(steps[2].own().is_none() && steps[2].bindings.len() == 1);
}

#[test]
fn a_query_sends_no_contact_and_lists_all() {
    let mut room = Room::open(options(Mode::Query));
    assert_eq!((room.last("Contact"), room.last("Expires")), (None, None));
    room.answer(200, &[("Contact", "<sip:a@b>;expires=5, <sip:c@d>;expires=6;q=0.3")]);
    assert!(room.machine.is_finished());
    assert_eq!(room.steps()[0].bindings.len(), 2);
}

#[test]
fn all_bindings_go_with_a_star() {
    let mut room = Room::open(options(Mode::RemoveAll));
    assert_eq!((room.last("Contact").unwrap(), room.last("Expires").unwrap()), ("*".to_owned(), "0".to_owned()));
    room.answer(200, &[]);
    room.answer(200, &[]);
    assert_eq!(room.purposes(), [Purpose::RemoveAll, Purpose::Check]);
}

#[test]
fn one_binding_is_removed_by_its_contact() {
    let contact = Some("sip:alice@192.0.2.77:5099;transport=tcp".to_owned());
    let mut room = Room::open(RegisterOptions { contact, ..options(Mode::Remove) });
    assert_eq!(room.own(), "<sip:alice@192.0.2.77:5099;transport=tcp>;expires=0");
    room.answer(200, &[]);
    room.answer(200, &[("Contact", "<sip:alice@192.0.2.77:5099;transport=tcp>;expires=9")]);
    assert!(room.steps()[1].own().is_some());
}

#[test]
fn a_wrong_password_is_sent_once() {
    let mut room = Room::open(options(Mode::Trial));
    room.answer(401, &[("WWW-Authenticate", "Digest realm=\"r\", nonce=\"n1\"")]);
    room.answer(401, &[("WWW-Authenticate", "Digest realm=\"r\", nonce=\"n2\"")]);
    assert!(room.machine.is_finished());
    assert_eq!(room.sent.len(), 2);
    assert_eq!(room.steps()[0].refused, Some(Answered::Refused));
    assert!(!room.machine.may_be_bound());
}

#[test]
fn an_expiry_that_is_too_brief_is_raised() {
    let mut room = Room::open(RegisterOptions { expires_s: 60, ..options(Mode::Trial) });
    room.answer(423, &[("Min-Expires", "120")]);
    assert_eq!(room.last("Expires").unwrap(), "120");
    assert!(room.own().ends_with(";expires=120"));
    assert_eq!(room.steps()[0].min_expires, Some(120));
    room.answer(423, &[("Min-Expires", "240")]);
    room.answer(423, &[("Min-Expires", "480")]);
    assert!(room.machine.is_finished());
    assert_eq!(room.sent.len(), 3);
    let mut room = Room::open(options(Mode::Trial));
    room.answer(423, &[("Min-Expires", "10")]);
    assert!(room.machine.is_finished());
}

#[test]
fn silence_a_503_and_a_broken_line_lead_to_the_next_candidate() {
    let mut room = Room::open(RegisterOptions { candidates: 3, ..options(Mode::Query) });
    let first = room.last("Call-ID").unwrap();
    room.until_sent();
    while room.connects.len() < 2 {
        room.tick();
    }
    room.connected();
    assert_eq!(room.last("Call-ID").unwrap(), first);
    assert_eq!(room.last("CSeq").unwrap(), "2 REGISTER");
    room.answer(503, &[]);
    assert_eq!(room.connects, [0, 1, 2]);
    let refused =
        TransportError::new(Phase::Connect, "refused", "cannot connect to 192.0.2.3:5060: connection refused");
    room.machine.handle_transport_error(&refused, room.now);
    room.drain();
    assert!(room.machine.is_finished());
    assert!(matches!(room.told.last(), Some(Event::Failed { candidate: 2, .. })));
    let outcomes: Vec<_> = room.steps().iter().map(|s| s.status()).collect();
    assert_eq!(outcomes, [None, Some(503)]);
    assert!(matches!(room.steps()[0].outcome, Outcome::Timeout));
}

#[test]
fn a_kept_binding_is_refreshed_in_time_and_then_removed() {
    let mut room = Room::open(RegisterOptions { expires_s: 60, ..options(Mode::Keep(Duration::from_secs(70))) });
    let begun = room.now;
    let contact = room.own();
    room.answer(200, &[("Contact", &contact.replace("=60", "=40"))]);
    // The registrar grants 40 s: half of that is waited.
    room.until_sent();
    assert_eq!(room.now - begun, Duration::from_secs(20));
    assert_eq!(room.last("CSeq").unwrap(), "2 REGISTER");
    assert_eq!(room.own(), contact);
    for _ in 0..3 {
        room.answer(200, &[("Contact", &contact.replace("=60", "=40"))]);
        room.until_sent();
    }
    assert_eq!(room.now - begun, Duration::from_secs(70));
    assert_eq!(room.last("Expires").unwrap(), "0");
    room.answer(200, &[]);
    room.answer(200, &[]);
    assert!(room.machine.is_finished());
    assert_eq!(
        room.purposes(),
        [Purpose::Register, Purpose::Refresh, Purpose::Refresh, Purpose::Refresh, Purpose::Remove, Purpose::Check]
    );
}

#[test]
fn a_line_that_breaks_under_a_kept_binding_is_opened_again() {
    let mut room = Room::open(options(Mode::Keep(Duration::from_secs(600))));
    let contact = room.own();
    room.answer(200, &[("Contact", &contact)]);
    let closed = TransportError::new(Phase::Receive, "closed", "192.0.2.9:5060 closed the connection");
    room.machine.handle_transport_error(&closed, room.now);
    room.drain();
    assert_eq!(room.connects, [0, 0]);
    room.connected();
    assert_eq!(room.last("Expires").unwrap(), "300");
}

#[test]
fn who_stops_has_the_binding_removed_in_bounded_time() {
    let mut room = Room::open(options(Mode::Keep(Duration::from_secs(600))));
    let contact = room.own();
    room.answer(200, &[("Contact", &contact)]);
    room.machine.handle_stop(room.now);
    room.drain();
    assert_eq!(room.last("Expires").unwrap(), "0");
    room.answer(200, &[]);
    room.answer(200, &[]);
    assert!(room.machine.is_finished() && !room.machine.may_be_bound());

    // Stopped before the answer: the removal has a higher CSeq, and silence does not hold us.
    let mut room = Room::open(options(Mode::Trial));
    let begun = room.now;
    room.machine.handle_stop(room.now);
    room.drain();
    assert_eq!((room.last("Expires").unwrap(), room.last("CSeq").unwrap()), ("0".to_owned(), "2 REGISTER".to_owned()));
    while !room.machine.is_finished() {
        room.tick();
    }
    assert!(room.now - begun <= super::STOP_BOUND);
    assert!(room.machine.may_be_bound());

    // Nothing was sent yet: nothing to clean up.
    let mut room = Room::new(options(Mode::Trial));
    room.machine.handle_stop(room.now);
    assert!(room.machine.is_finished() && !room.machine.may_be_bound());
    let mut room = Room::open(options(Mode::Query));
    room.machine.handle_stop(room.now);
    room.drain();
    assert!(room.machine.is_finished() && room.sent.len() == 1);
}

#[test]
fn an_outbound_flow_names_instance_and_number() {
    let instance = Some("<urn:uuid:00000000-0000-1000-8000-000a95a0e128>".to_owned());
    let mut room = Room::open(RegisterOptions { instance, reg_id: Some(1), ..options(Mode::Trial) });
    assert_eq!(room.last("Supported").unwrap(), "path, outbound");
    let contact = room.own();
    let flow = ";+sip.instance=\"<urn:uuid:00000000-0000-1000-8000-000a95a0e128>\";reg-id=1;expires=300";
    assert!(contact.ends_with(flow), "{contact}");
    // The same flow under another address is ours, the address under another flow is not.
    let listed = format!("<sip:x@203.0.113.5:1>{flow}, {}", contact.replace("reg-id=1", "reg-id=2"));
    room.answer(200, &[("Contact", &listed)]);
    let own: Vec<bool> = room.steps()[0].bindings.iter().map(|b| b.own).collect();
    assert_eq!(own, [true, false]);
}

#[test]
fn strangers_are_told_of_and_change_nothing() {
    let mut room = Room::open(options(Mode::Trial));
    for bytes in [&b"\x00\xff"[..], b"SIP/2.0 200 OK\r\n\r\n", b"OPTIONS sip:x SIP/2.0\r\n\r\n"] {
        room.machine.handle_message(bytes, "192.0.2.9:5060".parse().unwrap(), room.now);
        room.drain();
        assert_eq!(room.told.last(), Some(&Event::Ignored));
    }
    assert!(!room.machine.is_finished());
}

#[test]
fn refreshes_come_in_good_time_and_never_flood() {
    assert_eq!(refresh_after(3600), Duration::from_secs(3000));
    assert_eq!(refresh_after(1200), Duration::from_secs(600));
    assert_eq!(refresh_after(60), Duration::from_secs(30));
    assert_eq!(refresh_after(0), Duration::from_millis(500));
    assert!(!Own::default().uri.starts_with(b"sip"));
}
