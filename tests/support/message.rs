//! SIP messages as the scenes write them: a request between two hosts, the responses to it, and what a proxy does with either.

use std::net::SocketAddr;

/// A participant: its user, its address and its software.
#[derive(Clone, Debug)]
pub struct Host {
    /// User part of its address of record.
    pub user: &'static str,
    /// Where it is.
    pub at: SocketAddr,
    /// What it calls itself.
    pub agent: &'static str,
}

impl Host {
    /// A host. `at` is an address with a port.
    pub fn new(user: &'static str, at: &str, agent: &'static str) -> Host {
        Host { user, at: at.parse().unwrap(), agent }
    }

    /// Its address of record.
    pub fn aor(&self) -> String {
        format!("sip:{}@example.com", self.user)
    }

    /// Where it is reached.
    pub fn contact(&self) -> String {
        format!("<sip:{}@{}>", self.user, self.at)
    }
}

/// A message: its start line, its header fields in order, its body.
#[derive(Clone, Debug)]
pub struct Message {
    start: String,
    fields: Vec<(String, String)>,
    body: Vec<u8>,
    transport: &'static str,
}

impl Message {
    /// A request from one user to another, with what every request has. RFC 3261 §8.1.1
    pub fn request(method: &str, from: &Host, to: &Host, call_id: &str, cseq: u32) -> Message {
        let branch = format!("z9hG4bK-{}-{}-{cseq}", from.user, method.to_lowercase());
        let mut m = Message {
            start: format!("{method} {} SIP/2.0", to.aor()),
            fields: Vec::new(),
            body: Vec::new(),
            transport: "UDP",
        };
        m.add("Via", &format!("SIP/2.0/UDP {};branch={branch};rport", from.at));
        m.add("Max-Forwards", "70");
        m.add("From", &format!("<{}>;tag={}-1", from.aor(), from.user));
        m.add("To", &format!("<{}>", to.aor()));
        m.add("Call-ID", call_id);
        m.add("CSeq", &format!("{cseq} {method}"));
        if !matches!(method, "ACK" | "CANCEL" | "BYE") {
            m.add("Contact", &from.contact());
        }
        m.add("User-Agent", from.agent);
        m
    }

    /// A request within a dialog: `to` is known by its tag and reached at its contact. RFC 3261 §12.2.1.1
    pub fn inside(method: &str, from: &Host, to: &Host, call_id: &str, cseq: u32) -> Message {
        let m = Message::request(method, from, to, call_id, cseq);
        let to_value = format!("<{}>;tag={}-1", to.aor(), to.user);
        let uri = to.contact();
        m.at_uri(uri.trim_matches(['<', '>'])).set("To", &to_value)
    }

    /// A response to this request. RFC 3261 §8.2.6.2
    pub fn reply(&self, status: u16, reason: &str, by: &Host) -> Message {
        let mut m = Message {
            start: format!("SIP/2.0 {status} {reason}"),
            fields: Vec::new(),
            body: Vec::new(),
            transport: self.transport,
        };
        for (name, value) in &self.fields {
            if matches!(name.as_str(), "Via" | "Record-Route" | "From" | "To" | "Call-ID" | "CSeq") {
                let untagged = name == "To" && status > 100 && !value.contains(";tag=");
                let value = if untagged { format!("{value};tag={}-1", by.user) } else { value.clone() };
                m.add(name, &value);
            }
        }
        let is_invite = self.value("CSeq").is_some_and(|c| c.ends_with("INVITE"));
        if is_invite && (101..300).contains(&status) {
            m.add("Contact", &by.contact());
        }
        if status > 100 {
            m.add("Server", by.agent);
        }
        m
    }

    /// The ACK to a final response other than 2xx: same branch, same CSeq number. RFC 3261 §17.1.1.3
    pub fn ack_to(&self, response: &Message) -> Message {
        let uri = self.start.split(' ').nth(1).unwrap_or_default();
        let mut m = Message {
            start: format!("ACK {uri} SIP/2.0"),
            fields: Vec::new(),
            body: Vec::new(),
            transport: self.transport,
        };
        m.add("Via", self.value("Via").unwrap_or_default());
        m.add("Max-Forwards", "70");
        m.add("From", self.value("From").unwrap_or_default());
        m.add("To", response.value("To").unwrap_or_default());
        m.add("Call-ID", self.value("Call-ID").unwrap_or_default());
        let cseq = self.value("CSeq").unwrap_or_default();
        m.add("CSeq", &cseq.replace("INVITE", "ACK"));
        m
    }

    /// The CANCEL of this request. RFC 3261 §9.1
    pub fn cancel(&self) -> Message {
        let mut m = self.ack_to(self);
        m.start = m.start.replacen("ACK", "CANCEL", 1);
        m.set("CSeq", &self.value("CSeq").unwrap_or_default().replace("INVITE", "CANCEL"))
    }

    /// As a record-routing proxy sends it on. RFC 3261 §16.6
    pub fn through(&self, proxy: &Host, branch: &str) -> Message {
        let mut m = self.clone().without("Route");
        let uri = m.start.split(' ').nth(1).unwrap_or_default().to_owned();
        debug_assert!(!uri.is_empty());
        let has_route = self.value("Route").is_some();
        m.fields.insert(0, ("Via".to_owned(), format!("SIP/2.0/UDP {};branch=z9hG4bK-{branch}", proxy.at)));
        if !has_route && !self.start.starts_with("ACK") && !self.start.starts_with("CANCEL") {
            m.fields.insert(0, ("Record-Route".to_owned(), format!("<sip:{};lr>", proxy.at)));
        }
        m.set("Max-Forwards", "69")
    }

    /// A response as a proxy sends it back: without its own Via. RFC 3261 §16.7
    pub fn back(&self) -> Message {
        let mut m = self.clone();
        if let Some(top) = m.fields.iter().position(|(name, _)| name == "Via") {
            m.fields.remove(top);
        }
        m
    }

    /// With another Request-URI.
    pub fn at_uri(mut self, uri: &str) -> Message {
        let method = self.start.split(' ').next().unwrap_or_default();
        self.start = format!("{method} {uri} SIP/2.0");
        self
    }

    /// With one more header field.
    pub fn with(mut self, name: &str, value: &str) -> Message {
        self.add(name, value);
        self
    }

    /// With a header field changed, or added where it was not there.
    pub fn set(mut self, name: &str, value: &str) -> Message {
        match self.fields.iter_mut().find(|(n, _)| n == name) {
            Some((_, old)) => *old = value.to_owned(),
            None => self.add(name, value),
        }
        self
    }

    /// Without a header field.
    pub fn without(mut self, name: &str) -> Message {
        self.fields.retain(|(n, _)| n != name);
        self
    }

    /// With a body.
    pub fn body(mut self, content_type: &str, body: &str) -> Message {
        self.add("Content-Type", content_type);
        self.body = body.as_bytes().to_vec();
        self
    }

    /// With a session description.
    pub fn sdp(self, body: &str) -> Message {
        self.body("application/sdp", body)
    }

    /// The same over another transport: the Via of its sender says so.
    pub fn over(mut self, transport: &'static str) -> Message {
        self.transport = transport;
        for (name, value) in &mut self.fields {
            match name.as_str() {
                "Via" => *value = value.replacen("SIP/2.0/UDP", &format!("SIP/2.0/{transport}"), 1),
                "Contact" => {
                    *value = value.replacen('>', &format!(";transport={}>", transport.to_lowercase()), 1);
                }
                _ => {}
            }
        }
        self
    }

    /// The value of a header field.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }

    /// As it goes on the wire. Content-Length is told unless a field of that name says something else.
    pub fn bytes(&self) -> Vec<u8> {
        let mut text = format!("{}\r\n", self.start);
        for (name, value) in &self.fields {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        if self.value("Content-Length").is_none() {
            text.push_str(&format!("Content-Length: {}\r\n", self.body.len()));
        }
        text.push_str("\r\n");
        [text.as_bytes(), &self.body].concat()
    }

    fn add(&mut self, name: &str, value: &str) {
        self.fields.push((name.to_owned(), value.to_owned()));
    }
}
