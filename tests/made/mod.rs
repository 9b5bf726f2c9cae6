//! Captures made in memory, for tests, benches and fuzz seeds: what stands in them is in the code that uses it.

// Each user of this file takes what it needs.
#![allow(dead_code)]

/// An address and a port.
pub type End = ([u8; 4], u16);

/// A pcap file that grows: Ethernet, IPv4, UDP and TCP.
pub struct Capture {
    bytes: Vec<u8>,
    /// Microseconds since 1970 of the next packet.
    pub now: u64,
    identification: u16,
}

/// Flags of a TCP segment.
pub const SYN: u8 = 2;
/// Acknowledges.
pub const ACK: u8 = 16;
/// Ends its direction.
pub const FIN: u8 = 1;

impl Capture {
    /// A file without packets, its clock at a fixed instant.
    pub fn new() -> Self {
        let mut bytes = Vec::with_capacity(1 << 16);
        bytes.extend(0xa1b2_c3d4u32.to_le_bytes());
        bytes.extend([2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        bytes.extend(262_144u32.to_le_bytes());
        bytes.extend(1u32.to_le_bytes());
        Capture { bytes, now: 1_795_000_000_000_000, identification: 0 }
    }

    /// The file so far.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Lets time pass.
    pub fn wait_us(&mut self, us: u64) {
        self.now += us;
    }

    /// A datagram, as many IP fragments as it takes.
    pub fn udp(&mut self, src: End, dst: End, payload: &[u8]) {
        assert!(payload.len() + 28 <= 65_535, "{} bytes are no datagram", payload.len());
        let mut datagram = Vec::with_capacity(payload.len() + 8);
        datagram.extend(src.1.to_be_bytes());
        datagram.extend(dst.1.to_be_bytes());
        datagram.extend((payload.len() as u16 + 8).to_be_bytes());
        datagram.extend([0, 0]);
        datagram.extend(payload);
        self.identification = self.identification.wrapping_add(1);
        let parts = datagram.chunks(1480).count();
        for (n, part) in datagram.chunks(1480).enumerate() {
            let more = if n + 1 < parts { 0x2000 } else { 0 };
            self.ip(17, src.0, dst.0, more | (n as u16 * 185), part);
        }
    }

    /// A TCP segment.
    pub fn tcp(&mut self, src: End, dst: End, (seq, ack): (u32, u32), flags: u8, payload: &[u8]) {
        let mut segment = Vec::with_capacity(payload.len() + 20);
        segment.extend(src.1.to_be_bytes());
        segment.extend(dst.1.to_be_bytes());
        segment.extend(seq.to_be_bytes());
        segment.extend(ack.to_be_bytes());
        segment.extend([0x50, flags, 0xff, 0xff, 0, 0, 0, 0]);
        segment.extend(payload);
        self.identification = self.identification.wrapping_add(1);
        self.ip(6, src.0, dst.0, 0x4000, &segment);
    }

    fn ip(&mut self, protocol: u8, src: [u8; 4], dst: [u8; 4], fragment: u16, payload: &[u8]) {
        let mut header = [0u8; 20];
        header[0] = 0x45;
        header[2..4].copy_from_slice(&(payload.len() as u16 + 20).to_be_bytes());
        header[4..6].copy_from_slice(&self.identification.to_be_bytes());
        header[6..8].copy_from_slice(&fragment.to_be_bytes());
        (header[8], header[9]) = (64, protocol);
        header[12..16].copy_from_slice(&src);
        header[16..20].copy_from_slice(&dst);
        let length = (14 + 20 + payload.len()) as u32;
        for number in [(self.now / 1_000_000) as u32, (self.now % 1_000_000) as u32, length, length] {
            self.bytes.extend(number.to_le_bytes());
        }
        self.bytes.extend([2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0]);
        self.bytes.extend(header);
        self.bytes.extend(payload);
    }
}

/// The caller of [`call`].
pub const ALICE: End = ([192, 0, 2, 1], 5060);
/// Who is called.
pub const BOB: End = ([198, 51, 100, 2], 5060);

/// A message: its start line, the header fields that are given, and a body with its length.
pub fn message(start: &str, fields: &[(&str, &str)], body: &str) -> Vec<u8> {
    let mut text = format!("{start}\r\n");
    for (name, value) in fields {
        text += &format!("{name}: {value}\r\n");
    }
    if !body.is_empty() {
        text += "Content-Type: application/sdp\r\n";
    }
    text += &format!("Content-Length: {}\r\n\r\n{body}", body.len());
    text.into_bytes()
}

/// The messages of a usual call in order: whether the caller sent each, how long after the one before (µs), and its bytes.
pub fn call(number: u64) -> Vec<(bool, u64, Vec<u8>)> {
    let sdp = |host: &str, port: u16| {
        format!(
            "v=0\r\no=- {number} 1 IN IP4 {host}\r\ns=-\r\nc=IN IP4 {host}\r\nt=0 0\r\nm=audio {port} RTP/AVP 0 8 101\r\n\
             a=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\n\
             a=sendrecv\r\n"
        )
    };
    let base = |cseq: &str, branch: &str, to_tag: &str| -> Vec<(&'static str, String)> {
        vec![
            ("Via", format!("SIP/2.0/UDP 192.0.2.1:5060;rport;branch=z9hG4bK{branch}{number}")),
            ("From", format!("\"Alice Example\" <sip:alice{}@example.com>;tag=a{number}", number % 1000)),
            ("To", format!("<sip:bob{}@example.net>{to_tag}", number % 777)),
            ("Call-ID", format!("{number}-3848276298220188511@192.0.2.1")),
            ("CSeq", cseq.to_owned()),
        ]
    };
    let build = |start: &str, mut fields: Vec<(&'static str, String)>, more: &[(&'static str, &str)], body: &str| {
        fields.extend(more.iter().map(|(n, v)| (*n, (*v).to_owned())));
        let fields: Vec<(&str, &str)> = fields.iter().map(|(n, v)| (*n, v.as_str())).collect();
        message(start, &fields, body)
    };
    let tag = format!(";tag=b{number}");
    let request_line = |method: &str| format!("{method} sip:bob{}@example.net SIP/2.0", number % 777);
    let contact_a = ("Contact", "<sip:alice@192.0.2.1:5060>");
    let contact_b = ("Contact", "<sip:bob@198.51.100.2:5060>");
    let forwards = ("Max-Forwards", "70");
    let agent = ("User-Agent", "Example Phone 4.2.1");
    let allow = ("Allow", "INVITE, ACK, CANCEL, OPTIONS, BYE, REFER, NOTIFY, UPDATE, PRACK");
    let server = ("Server", "Example Exchange 2.0");
    let offer = sdp("192.0.2.1", 40_000 + (number % 10_000) as u16 * 2);
    let answer = sdp("198.51.100.2", 20_000 + (number % 10_000) as u16 * 2);
    let invite =
        build(&request_line("INVITE"), base("1 INVITE", "i", ""), &[forwards, contact_a, agent, allow], &offer);
    let ok = build("SIP/2.0 200 OK", base("1 INVITE", "i", &tag), &[contact_b, server, allow], &answer);
    vec![
        (true, 0, invite),
        (false, 12_000, build("SIP/2.0 100 Trying", base("1 INVITE", "i", ""), &[], "")),
        (false, 90_000, build("SIP/2.0 180 Ringing", base("1 INVITE", "i", &tag), &[contact_b, server], "")),
        (false, 2_100_000, ok),
        (true, 15_000, build(&request_line("ACK"), base("1 ACK", "k", &tag), &[forwards], "")),
        (true, 30_000_000, build(&request_line("BYE"), base("2 BYE", "y", &tag), &[forwards, agent], "")),
        (false, 8_000, build("SIP/2.0 200 OK", base("2 BYE", "y", &tag), &[server], "")),
    ]
}

/// A small generator with a fixed seed (xorshift), so that a failure comes again.
pub struct Seed(pub u64);

impl Seed {
    /// A number below `limit`.
    pub fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit.max(1) as u64) as usize
    }
}
