//! A name server on loopback for tests: a zone held in memory, and every kind of misbehaviour.

use hickory_resolver::proto::op::{Message, OpCode, ResponseCode};
use hickory_resolver::proto::rr::rdata::{A, AAAA, CNAME, NAPTR, SRV};
use hickory_resolver::proto::rr::{Name, RData, Record, RecordType};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, UdpSocket};

/// What it does with the questions for a name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mood {
    Code(ResponseCode),
    Silent,
    /// Bytes that are no DNS message.
    Garbage,
    /// An answer to another question's id first, with a wrong address.
    WrongId,
    /// The TC bit over UDP, the records over TCP.
    Truncated,
}

#[derive(Default)]
pub struct Zone {
    records: HashMap<String, Vec<RData>>,
    moods: HashMap<String, Mood>,
}

pub fn name(text: &str) -> Name {
    Name::from_ascii(format!("{text}.").replace("..", ".")).unwrap()
}

impl Zone {
    fn add(mut self, owner: &str, data: RData) -> Self {
        self.records.entry(owner.to_owned()).or_default().push(data);
        self
    }

    pub fn mood(mut self, owner: &str, mood: Mood) -> Self {
        self.moods.insert(owner.to_owned(), mood);
        self
    }

    pub fn naptr(self, owner: &str, rank: (u16, u16), flags: &str, service: &str, replacement: &str) -> Self {
        let bytes = |text: &str| text.as_bytes().to_vec().into_boxed_slice();
        let record = NAPTR::new(rank.0, rank.1, bytes(flags), bytes(service), bytes(""), name(replacement));
        self.add(owner, RData::NAPTR(record))
    }

    pub fn srv(self, owner: &str, rank: (u16, u16), port: u16, target: &str) -> Self {
        self.add(owner, RData::SRV(SRV::new(rank.0, rank.1, port, name(target))))
    }

    pub fn host(self, owner: &str, address: &str) -> Self {
        let data = match address.parse::<std::net::IpAddr>().unwrap() {
            std::net::IpAddr::V4(ip) => RData::A(A(ip)),
            std::net::IpAddr::V6(ip) => RData::AAAA(AAAA(ip)),
        };
        self.add(owner, data)
    }

    pub fn cname(self, owner: &str, target: &str) -> Self {
        self.add(owner, RData::CNAME(CNAME(name(target))))
    }

    /// Serves the zone over UDP and TCP on one free port, until the runtime ends. Gives its address and the log of questions.
    pub async fn serve(self) -> (SocketAddr, Arc<Mutex<Vec<String>>>) {
        let (udp, tcp) = loop {
            let udp = UdpSocket::bind("127.0.0.1:0").await.unwrap();
            // Another test may have the port for TCP: then both are tried anew.
            if let Ok(tcp) = TcpListener::bind(udp.local_addr().unwrap()).await {
                break (udp, tcp);
            }
        };
        let address = udp.local_addr().unwrap();
        let log = Arc::new(Mutex::new(Vec::new()));
        let zone = Arc::new(self);
        let (over_udp, udp_log) = (Arc::clone(&zone), Arc::clone(&log));
        tokio::spawn(async move {
            let mut buffer = [0; 4096];
            while let Ok((len, peer)) = udp.recv_from(&mut buffer).await {
                for answer in over_udp.answers(&buffer[..len], true, &udp_log) {
                    let _ = udp.send_to(&answer, peer).await;
                }
            }
        });
        let tcp_log = Arc::clone(&log);
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = tcp.accept().await {
                let (zone, log) = (Arc::clone(&zone), Arc::clone(&tcp_log));
                tokio::spawn(async move {
                    while let Ok(len) = stream.read_u16().await {
                        let mut question = vec![0; usize::from(len)];
                        if stream.read_exact(&mut question).await.is_err() {
                            return;
                        }
                        for answer in zone.answers(&question, false, &log) {
                            let _ = stream.write_u16(answer.len() as u16).await;
                            let _ = stream.write_all(&answer).await;
                        }
                    }
                });
            }
        });
        (address, log)
    }

    fn answers(&self, question: &[u8], udp: bool, log: &Mutex<Vec<String>>) -> Vec<Vec<u8>> {
        let asked = Message::from_vec(question).unwrap();
        let query = asked.queries[0].clone();
        let owner = query.name().to_ascii().trim_end_matches('.').to_lowercase();
        let kind = query.query_type();
        log.lock().unwrap().push(format!("{} {kind} {owner}", if udp { "udp" } else { "tcp" }));
        let mut answer = Message::response(asked.metadata.id, OpCode::Query);
        answer.add_query(query.clone());
        match self.moods.get(&owner) {
            Some(Mood::Silent) => return Vec::new(),
            Some(Mood::Garbage) => return vec![vec![0xff; 7], b"\0\0not dns at all".to_vec()],
            Some(Mood::Code(code)) => {
                answer.metadata.response_code = *code;
                return vec![answer.to_vec().unwrap()];
            }
            Some(Mood::Truncated) if udp => {
                answer.metadata.truncation = true;
                return vec![answer.to_vec().unwrap()];
            }
            _ => {}
        }
        self.fill(&mut answer, &owner, kind);
        let mut messages = vec![answer.to_vec().unwrap()];
        if udp && messages[0].len() > 512 {
            // RFC 1035 §4.2.1: what a datagram does not hold is asked for over TCP.
            answer.answers.clear();
            answer.metadata.truncation = true;
            return vec![answer.to_vec().unwrap()];
        }
        if self.moods.get(&owner) == Some(&Mood::WrongId) {
            let mut forged = answer.clone();
            forged.metadata.id = asked.metadata.id.wrapping_add(1);
            forged.answers.clear();
            forged.add_answer(Record::from_rdata(name(&owner), 5, RData::A(A([6, 6, 6, 6].into()))));
            messages.insert(0, forged.to_vec().unwrap());
        }
        messages
    }

    fn fill(&self, answer: &mut Message, owner: &str, kind: RecordType) {
        let mut owner = owner.to_owned();
        let known = self.records.contains_key(&owner);
        for _ in 0..4 {
            let records = self.records.get(&owner).cloned().unwrap_or_default();
            for data in records.iter().filter(|data| data.record_type() == kind) {
                answer.add_answer(Record::from_rdata(name(&owner), 5, data.clone()));
            }
            let Some(RData::CNAME(target)) = records.iter().find(|d| matches!(d, RData::CNAME(_))) else { break };
            answer.add_answer(Record::from_rdata(name(&owner), 5, RData::CNAME(target.clone())));
            owner = target.0.to_ascii().trim_end_matches('.').to_owned();
        }
        let below = |n: &String| n.ends_with(&format!(".{owner}"));
        if !known && !self.records.keys().any(below) {
            answer.metadata.response_code = ResponseCode::NXDomain;
        }
    }
}
