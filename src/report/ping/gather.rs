//! From what a machine tells to the report of its target.

use super::{
    Expectation, Ignored, Line, LineError, LineLost, LineReply, Moved, Nat, Statistics, Target, Thresholds, verdict,
};
use crate::agent::Answered;
use crate::agent::ping::{Event, Lost, Reason, Reply};
use crate::report::Text;
use crate::report::active::{Resolution, Timing, Tls, milliseconds as ms};
use crate::report::verdict::Exit;
use crate::sip::{HeaderName, Message, Outline};
use crate::transport::{LineFacts, Phase, Plan, TransportError};
use std::net::SocketAddr;

/// Pings that the report tells of one by one.
const TOLD: usize = 1000;
/// Values of a list header field that are kept.
const VALUES: usize = 64;

/// Gathers what is told of one target.
#[derive(Debug)]
pub struct Gather {
    target: Target,
    statistics: Statistics,
    expectation: Expectation,
    thresholds: Thresholds,
    /// Whether a challenge that is not met is a refusal: somebody gave credentials.
    has_credentials: bool,
    local: Option<SocketAddr>,
    outline: Outline,
    unexpected: Option<String>,
    refused: Option<String>,
    failed: Option<TransportError>,
    lost: Option<Lost>,
    usage: Option<String>,
    described: bool,
}

/// The end of a target.
#[derive(Debug)]
pub struct Finished {
    /// What was found, with its verdict.
    pub target: Target,
    /// The exit code of the verdict.
    pub exit: Exit,
    /// What to do next; empty where there is nothing to say.
    pub hint: String,
}

/// The word of a step.
fn phase_word(phase: Phase) -> &'static str {
    match phase {
        Phase::Dns => "dns",
        Phase::Connect => "connect",
        Phase::Tls => "tls",
        Phase::WebSocket => "websocket",
        Phase::Send => "send",
        Phase::Receive => "receive",
    }
}

impl Gather {
    /// For a target as it was named.
    #[must_use]
    pub fn new(target: &str, method: &str, expectation: Expectation, thresholds: Thresholds) -> Self {
        let target = Target { target: target.to_owned(), method: method.to_owned(), ..Target::default() };
        Gather {
            target,
            statistics: Statistics::default(),
            expectation,
            thresholds,
            has_credentials: false,
            local: None,
            outline: Outline::new(),
            unexpected: None,
            refused: None,
            failed: None,
            lost: None,
            usage: None,
            described: false,
        }
    }

    /// The same where somebody gave credentials: a challenge that is not met is a refusal then, and an answer otherwise.
    #[must_use]
    pub fn with_credentials(mut self, given: bool) -> Self {
        self.has_credentials = given;
        self
    }

    /// The target was found.
    pub fn planned(&mut self, plan: &Plan) {
        self.target.resolution = Resolution::of(plan);
        self.target.timing = Timing::of(plan, None);
    }

    /// The target could not be found, or not be reached before there was a machine.
    pub fn unreachable(&mut self, error: &TransportError) -> Line {
        self.failure(0, error)
    }

    /// What was found so far.
    #[must_use]
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// A line is being opened to that candidate.
    pub fn connecting(&mut self, candidate: usize) {
        self.target.resolution.used = Some(candidate);
    }

    /// A line is open. The times of the first are told; those of a line that is opened again are no surprise.
    pub fn connected(&mut self, line: &LineFacts) {
        self.local = Some(line.local);
        let timing = &mut self.target.timing;
        timing.connect_ms = timing.connect_ms.or(line.connect.map(ms));
        timing.tls_ms = timing.tls_ms.or(line.tls_time.map(ms));
        if let Some(tls) = &line.tls {
            self.target.tls = Some(Tls::of(tls));
        }
    }

    /// Takes in what the machine told; the line that tells it on, where there is one.
    pub fn absorb(&mut self, event: Event) -> Option<Line> {
        match event {
            Event::Reply(reply) => Some(self.reply(&reply)),
            Event::Lost(lost) => Some(self.loss(lost)),
            Event::Failed { seq, candidate, error } => {
                self.target.sent += 1;
                self.outcome(candidate, &error.message);
                let line = self.failure(seq, &error);
                self.keep(&line);
                Some(line)
            }
            Event::Ignored { reason, from, seq } => Some(self.ignored(reason, from, seq)),
            Event::Moved { from, to, why } => Some(self.moved(from, to, why)),
            Event::Abandoned { .. } => {
                self.target.sent += 1;
                self.target.abandoned += 1;
                None
            }
            Event::TooSmall { least } => {
                self.usage = Some(format!("--size is too small: the request takes {least} bytes without padding"));
                None
            }
        }
    }

    fn keep(&mut self, line: &Line) {
        if self.target.attempts.len() < TOLD {
            self.target.attempts.push(line.clone());
        } else {
            self.target.attempts_omitted += 1;
        }
    }

    /// What became of a candidate.
    fn outcome(&mut self, candidate: usize, words: &str) {
        self.target.resolution.used = Some(candidate);
        if let Some(candidate) = self.target.resolution.candidates.get_mut(candidate) {
            candidate.outcome = Some(words.to_owned());
        }
    }

    fn reply(&mut self, reply: &Reply) -> Line {
        let t = &mut self.target;
        t.sent += 1;
        t.received += 1;
        t.retransmissions += u64::from(reply.repeats);
        *t.statuses.entry(reply.status.to_string()).or_default() += 1;
        if reply.last_sends > 1 {
            t.answered_after_retransmission += 1;
        } else {
            self.statistics.add(ms(reply.rtt));
        }
        let text = String::from_utf8_lossy(&reply.reason);
        self.outcome(reply.candidate, format!("{} {text}", reply.status).trim_end());
        let (mut server, mut unexpected) = (None, None);
        if self.outline.read(&reply.response) {
            let message = Message::new(&reply.response, &self.outline);
            let software = message.header(HeaderName::Server).or_else(|| message.header(HeaderName::UserAgent));
            server = software.filter(|s| !s.is_empty()).map(owned);
            unexpected = self.expectation.unmet(reply.status, &message);
            if !self.described {
                self.described = true;
                describe(&mut self.target, &message, reply);
            }
            if self.target.nat.is_none() {
                self.target.nat = self.local.and_then(|local| nat(&message, local));
            }
        }
        let challenge = reply.challenge.as_ref().and_then(|c| challenge_words(c, self.has_credentials));
        if let Some(words) =
            challenge.as_ref().filter(|_| self.has_credentials && !self.expectation.names(reply.status))
        {
            self.refused.get_or_insert_with(|| format!("{} {text}: {words}", reply.status));
        }
        if let Some(unexpected) = &unexpected {
            self.unexpected.get_or_insert_with(|| unexpected.clone());
        }
        let line = Line::Reply(LineReply {
            target: self.target.target.clone(),
            seq: reply.seq,
            status: reply.status,
            reason: owned(&reply.reason),
            from: self.address(reply.candidate, reply.from),
            rtt_ms: ms(reply.rtt),
            rtt_first_send_ms: ms(reply.rtt_first),
            final_ms: ms(reply.total),
            first_response_ms: reply.first_response.map(ms),
            sends_of_request: reply.last_sends,
            sends: reply.sends,
            requests: reply.requests,
            server,
            challenge,
            unexpected,
        });
        self.keep(&line);
        line
    }

    fn address(&self, candidate: usize, address: Option<SocketAddr>) -> String {
        let planned = || self.target.resolution.candidates.get(candidate).map(|c| c.address.clone());
        address.map(|a| a.to_string()).or_else(planned).unwrap_or_default()
    }

    fn loss(&mut self, lost: Lost) -> Line {
        self.target.sent += 1;
        self.target.retransmissions += u64::from(lost.sends.saturating_sub(1));
        self.outcome(lost.candidate, "no answer");
        self.lost.get_or_insert(lost);
        let line = Line::Lost(LineLost {
            target: self.target.target.clone(),
            seq: lost.seq,
            sends: lost.sends,
            after_ms: ms(lost.after),
            provisional: lost.provisional,
        });
        self.keep(&line);
        line
    }

    fn failure(&mut self, seq: u64, error: &TransportError) -> Line {
        self.failed.get_or_insert_with(|| error.clone());
        Line::Error(LineError {
            target: self.target.target.clone(),
            seq,
            phase: phase_word(error.phase).to_owned(),
            kind: error.kind.to_owned(),
            message: error.message.clone(),
            hint: error.hint.clone(),
        })
    }

    fn ignored(&mut self, reason: Reason, from: SocketAddr, seq: Option<u64>) -> Line {
        *self.target.ignored.entry(reason.word().to_owned()).or_default() += 1;
        Line::Ignored(Ignored {
            target: self.target.target.clone(),
            reason: reason.word().to_owned(),
            detail: reason.words().to_owned(),
            from: from.to_string(),
            seq,
        })
    }

    fn moved(&mut self, from: usize, to: usize, why: String) -> Line {
        self.outcome(from, &why);
        self.target.resolution.used = Some(to);
        let transport = self.target.resolution.candidates.get(to).map(|c| c.transport.clone()).unwrap_or_default();
        let (from, to) = (self.address(from, None), self.address(to, None));
        Line::Moved(Moved { target: self.target.target.clone(), from, to, transport, why })
    }

    /// The numbers as they stand now.
    fn count(&mut self) {
        let t = &mut self.target;
        let asked = t.sent.saturating_sub(t.abandoned);
        let unanswered = asked.saturating_sub(t.received);
        t.loss_percent = if asked == 0 { 0.0 } else { unanswered as f64 * 100.0 / asked as f64 };
        t.rtt_ms = self.statistics.rtt();
        t.jitter_ms = self.statistics.jitter();
    }

    /// The report with its verdict. CONTRACT §3
    #[must_use]
    pub fn finish(mut self, interrupted: bool) -> Finished {
        self.count();
        let (exit, reason, hint) = self.judge(interrupted);
        self.target.result = verdict(exit, reason);
        Finished { target: self.target, exit, hint }
    }

    fn judge(&self, interrupted: bool) -> (Exit, String, String) {
        let t = &self.target;
        if let Some(usage) = &self.usage {
            return (Exit::Usage, usage.clone(), String::new());
        }
        if interrupted {
            return (Exit::Interrupted, "interrupted".to_owned(), String::new());
        }
        if t.received == 0 {
            if let Some(error) = &self.failed {
                return (Exit::Unreachable, error.message.clone(), error.hint.clone());
            }
            let (words, hint) = self.silence();
            return (Exit::NoAnswer, words, hint);
        }
        if let Some(refused) = &self.refused {
            return (Exit::Refused, refused.clone(), "check --auth-user and the password".to_owned());
        }
        if let Some(unexpected) = &self.unexpected {
            return (Exit::Unexpected, unexpected.clone(), String::new());
        }
        if let Some(missed) = self.thresholds.missed(t) {
            return (Exit::Missed, missed, String::new());
        }
        let words =
            if t.received == t.sent { "answered".to_owned() } else { format!("{} of {} answered", t.received, t.sent) };
        (Exit::Good, words, String::new())
    }

    /// What is said where nothing answered, and the most likely reason.
    fn silence(&self) -> (String, String) {
        let after = self.lost.map_or(0.0, |l| l.after.as_secs_f64());
        let sends = self.lost.map_or(0, |l| l.sends);
        let words = format!("no answer in {after:.1} s ({sends} {})", if sends == 1 { "send" } else { "sends" });
        let hint = match self.target.ignored.iter().max_by_key(|(_, n)| **n) {
            Some((word, n)) => {
                let reasons = [
                    Reason::NotSip,
                    Reason::Request,
                    Reason::Malformed,
                    Reason::Branch,
                    Reason::CseqMethod,
                    Reason::Dialog,
                    Reason::Source,
                    Reason::Repeat,
                    Reason::Late,
                ];
                let detail = reasons.into_iter().find(|r| r.word() == word).map_or("", Reason::words);
                format!("what came was ignored: {detail} (×{n})")
            }
            None if self.lost.is_some_and(|l| l.provisional) => {
                "a provisional response came, but no final one".to_owned()
            }
            None => {
                "nothing listens there, a filter drops the request, or the server ignores it: -v shows what was sent"
                    .to_owned()
            }
        };
        (words, hint)
    }
}

fn owned(bytes: &[u8]) -> Text<'static> {
    Text::new(bytes).into_owned()
}

/// Who answered, and what it can do.
fn describe(target: &mut Target, message: &Message<'_>, reply: &Reply) {
    let list = |name| message.values(name).take(VALUES).map(owned).collect::<Vec<_>>();
    let software = message.header(HeaderName::Server).or_else(|| message.header(HeaderName::UserAgent));
    target.server = software.filter(|s| !s.is_empty()).map(owned);
    target.allow = list(HeaderName::Allow);
    target.supported = list(HeaderName::Supported);
    target.accept = list(HeaderName::Accept);
    target.timing.first_response_ms = reply.first_response.map(ms);
    target.timing.final_ms = Some(ms(reply.total));
}

/// Our address as the Via of the response tells it; `None` where it tells neither part. RFC 3581 §4
fn nat(message: &Message<'_>, local: SocketAddr) -> Option<Nat> {
    let via = message.top_via()?;
    let (received, rport) = (via.received(), via.rport().flatten());
    if received.is_none() && rport.is_none() {
        return None;
    }
    let seen = received.and_then(crate::sip::uri::ip_of);
    let elsewhere = seen.is_some_and(|ip| ip.to_canonical() != local.ip().to_canonical());
    let mapped = elsewhere || rport.is_some_and(|port| port != local.port());
    Some(Nat { local: local.to_string(), received: received.map(owned), rport, mapped })
}

/// Why a challenge was not met; without credentials it is just an answer, and what it asks for is said where it is odd.
fn challenge_words(answered: &Answered, has_credentials: bool) -> Option<String> {
    match answered {
        Answered::Credentials(_) => None,
        Answered::NoPassword if has_credentials => Some("a password is wanted, and none was given".to_owned()),
        Answered::NoPassword => Some("asks for credentials".to_owned()),
        Answered::Refused => Some("the credentials were refused".to_owned()),
        Answered::Unsupported(what) => Some(format!("asks for {what}, which is not supported")),
        Answered::NoChallenge => Some("without a challenge".to_owned()),
        Answered::TooOften => Some("challenged too often".to_owned()),
    }
}
