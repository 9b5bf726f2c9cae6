//! Who begins conversations, and what that amounts to: `scanner`, `flood`, `extension-scan`, `password-guessing`,
//! `account-compromised`, `toll-fraud`. Memory is bounded: the addresses that were quiet longest are forgotten first, once judged.

use super::entries::{COMPROMISED, ENTRIES, EXTENSIONS, FLOOD, GUESSING, SCANNER, TOLL};
use super::numbers::Dialled;
use super::source::{GUESSES, Source, name};
use crate::analysis::rules::auth::attempt;
use crate::analysis::{Case, Confidence, Finding, Part, words};
use crate::base::{Endpoint, Safe, Table, Timestamp};
use crate::digest::Given;
use crate::sip::{HeaderName, Method, Uri};
use crate::trace::{Conversation, Facts, Kind, Transaction};
use std::net::IpAddr;

/// Addresses that are remembered at once.
const SOURCES: usize = 4096;
/// Findings of addresses that had to be forgotten.
const READY: usize = 256;
/// Transactions of one conversation that are looked at.
const MOST: usize = 256;

/// Words in User-Agent (or in the display name of From) by which scanners give themselves away, in lower case.
const SCANNERS: [(&[u8], &str); 13] = [
    (b"friendly-scanner", "friendly-scanner (SIPVicious)"),
    (b"sipvicious", "SIPVicious"),
    (b"sundayddr", "sundayddr"),
    (b"sip-scan", "sip-scan"),
    (b"sipscan", "sipscan"),
    (b"sipcli/", "sipcli"),
    (b"sipptk", "sipptk"),
    (b"pplsip", "pplsip"),
    (b"siparmyknife", "SIP Army Knife"),
    (b"sivus", "SiVuS"),
    (b"smap ", "smap"),
    (b"iwar", "iWar"),
    (b"gulp", "gulp"),
];

/// Findings that are consequences of an attack, where their conversation belongs to one.
const CONSEQUENCES: [&str; 5] =
    ["auth-wrong-credentials", "auth-no-credentials", "register-refused", "call-rejected", "request-refused"];

/// The addresses that begin conversations.
#[derive(Debug)]
pub struct Sources {
    table: Table<IpAddr, Source>,
    home: Option<Box<str>>,
    ready: Vec<Finding>,
    agents: Agents,
    /// Whether what is established is told at once.
    pub read_along: bool,
}

/// What is known of the software that was seen last: most conversations are of the same few programs.
#[derive(Debug, Default)]
struct Agents {
    agent: Vec<u8>,
    scanner: Option<&'static str>,
}

impl Default for Sources {
    fn default() -> Self {
        Sources::new(None)
    }
}

impl Sources {
    /// Nobody yet. `home` is the calling code of the country where calls usually stay.
    #[must_use]
    pub fn new(home: Option<&str>) -> Self {
        Sources {
            table: Table::new(SOURCES),
            home: home.map(Into::into),
            ready: Vec::new(),
            agents: Agents::default(),
            read_along: false,
        }
    }

    /// How many addresses are remembered.
    #[must_use]
    pub fn len(&self) -> usize {
        self.table.len()
    }

    /// Whether none is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.table.is_empty()
    }

    /// Takes a conversation in. What it proves by itself goes to `findings`; what follows from an attack leaves them.
    pub fn conversation(&mut self, case: &Case<'_>, findings: &mut Vec<Finding>) {
        let c = case.conversation;
        let Some((_, first)) = c.firsts().find(|(_, f)| f.is_request()) else { return };
        let now = first.time;
        let (source, gone) = self.table.touch_or_insert(&first.flow.src.ip(), now.0, Source::default);
        let scanner = self.agents.scanner(c, first);
        let compromised = judge(source, case, first, (self.home.as_deref(), scanner));
        if compromised.is_some() || source.is_guessing || source.is_scanning() || source.scanner.is_some() {
            findings.retain(|f| !CONSEQUENCES.contains(&f.code));
        }
        findings.extend(compromised);
        if self.read_along {
            let ip = first.flow.src.ip();
            let room = READY.saturating_sub(self.ready.len());
            self.ready.extend(newly(ip, source).into_iter().take(room));
        }
        if let Some((ip, gone)) = gone
            && self.ready.len() < READY
        {
            self.ready.extend(amount(ip, &gone).filter(|f| !f.is_update));
        }
    }

    /// Notes that a call of an address rings, or is answered.
    pub fn promising(&mut self, from: IpAddr, now: Timestamp) {
        let (source, gone) = self.table.touch_or_insert(&from, now.0, Source::default);
        source.promising = source.promising.saturating_add(1);
        if let Some((ip, gone)) = gone
            && self.ready.len() < READY
        {
            self.ready.extend(amount(ip, &gone).filter(|f| !f.is_update));
        }
    }

    /// What was established since it was asked last, where somebody reads along.
    pub fn established(&mut self) -> Vec<Finding> {
        if self.read_along { std::mem::take(&mut self.ready) } else { Vec::new() }
    }

    /// What they amount to, at the end of the input. What was told before is told with all that came after.
    pub fn finish(&mut self) -> Vec<Finding> {
        let mut all = std::mem::take(&mut self.ready);
        while let Some((ip, source)) = self.table.pop_oldest() {
            if all.len() < 4 * READY {
                all.extend(amount(ip, &source));
            }
        }
        all
    }
}

/// Notes what a conversation says of its source, and whether an account was opened in it.
fn judge(
    source: &mut Source,
    case: &Case<'_>,
    first: &Facts,
    (home, scanner): (Option<&str>, Option<&'static str>),
) -> Option<Finding> {
    let c = case.conversation;
    let target = match first.flow.dst.ip() {
        IpAddr::V4(ip) => ip.to_ipv6_mapped().octets(),
        IpAddr::V6(ip) => ip.octets(),
    };
    source.begin(first.time, &target, first.index);
    source.last = source.last.max(c.end());
    // A CANCEL is always accepted.
    let accepts = |t: &Transaction| t.method != Method::Cancel && (200..300).contains(&t.final_status);
    let is_accepted = c.transactions.iter().any(accepts);
    source.accepted = source.accepted.saturating_add(u32::from(is_accepted));
    if let Some(scanner) = scanner {
        source.scanner = Some(scanner);
        name(&mut source.scan_shown, first.index);
    }
    if !is_accepted && let Some(refusal) = refusal_of_user(c) {
        let to = Uri::parse(c.text(c.to)).user.unwrap_or_default();
        source.refuse_user(refusal.time, to, refusal.index);
    }
    if c.kind == Kind::Call
        && first.method == Method::Invite
        && let Some(dialled) = Uri::parse(c.text(first.uri_or_reason)).user.and_then(Dialled::of)
    {
        source.dial(first.time, dialled, home, first.index);
    }
    credentials(source, case, first.flow.src)
}

impl Agents {
    /// Name of the scanner that a request comes from.
    fn scanner(&mut self, c: &Conversation, first: &Facts) -> Option<&'static str> {
        if c.text(c.from_display).eq_ignore_ascii_case(b"sipvicious") {
            return Some("SIPVicious");
        }
        let agent = c.header(first, HeaderName::UserAgent).unwrap_or_default();
        if agent != self.agent.as_slice() {
            self.agent.clear();
            self.agent.extend_from_slice(agent);
            self.scanner = known_scanner(agent);
        }
        self.scanner
    }
}

fn known_scanner(agent: &[u8]) -> Option<&'static str> {
    let lower = agent.get(..agent.len().min(64))?.to_ascii_lowercase();
    SCANNERS.iter().find(|(word, _)| memchr::memmem::find(&lower, word).is_some()).map(|(_, name)| *name)
}

/// The response that says that a user is not there or may not be asked for.
fn refusal_of_user(c: &Conversation) -> Option<&Facts> {
    let refused = |t: &&Transaction| matches!(t.final_status, 401 | 403 | 404 | 407 | 410 | 484 | 604);
    let t = c.transactions.iter().take(MOST).find(refused)?;
    c.at(t.final_response?)
}

/// Credentials that were refused and accepted.
fn credentials(source: &mut Source, case: &Case<'_>, from: Endpoint) -> Option<Finding> {
    let c = case.conversation;
    let mut opened = None;
    for t in c.transactions.iter().take(MOST) {
        let is_answer = matches!(t.final_status, 401 | 403 | 407) || (200..300).contains(&t.final_status);
        if !is_answer || !t.flow.src.same_ip(&from) || matches!(t.method, Method::Ack | Method::Cancel) {
            continue;
        }
        // Who was never refused has nothing to be held against a success.
        let is_success = t.final_status < 300;
        if is_success && source.guesses == 0 {
            continue;
        }
        let Some((_, request, _, response)) = attempt::ends(c, t) else { continue };
        if !attempt::has_credentials(c, request) {
            continue;
        }
        let given = attempt::given(c, request);
        let Some((_, given)) = given.first() else { continue };
        let account = format!("{}\0{}", given.username, given.realm);
        if !is_success {
            let is_stale = |a: &attempt::Asked| a.challenge.as_ref().is_some_and(|ch| ch.stale);
            if !attempt::asked(c, response).iter().any(is_stale) {
                source.refuse_credentials(response.time, account.as_bytes(), response.index);
            }
        } else if let Some(refused) = source.accept_credentials(account.as_bytes()) {
            opened = Some(compromised((from, request, response), given, refused, t));
            source.guesses = 0;
            source.is_guessing = false;
            source.guess_shown.clear();
        }
    }
    opened
}

fn compromised(
    (from, request, response): (Endpoint, &Facts, &Facts),
    given: &Given,
    refused: u32,
    t: &Transaction,
) -> Finding {
    let user = Safe(given.username.as_bytes()).to_string();
    let title = format!("{} let {from} in as {user} after {refused} refused attempts", response.flow.src);
    let mut f = ENTRIES[COMPROMISED].finding(title);
    f.confidence = Confidence::Likely;
    f.detail = vec![
        format!(
            "At least {GUESSES} of them came within one minute, faster than anybody types; then a {} was accepted.",
            request.method.text()
        ),
        format!("The account is {user} in the realm {}.", Safe(given.realm.as_bytes())),
    ];
    f.ruled_out.push("a phone that was set up with a wrong password: it asks again once a minute or more slowly, and does not get it right by itself".to_owned());
    f.positions = t.request.into_iter().chain(t.final_response).collect();
    for &position in f.positions.clone().iter() {
        f.quote(position, Part::Name, if Some(position) == t.request { "asked once more" } else { "let in" });
    }
    f
}

/// What one address amounts to: the gravest, with the rest in its sentences.
fn amount(ip: IpAddr, s: &Source) -> Option<Finding> {
    let told = established(ip, s);
    let (gravest, rest) = told.split_first()?;
    let mut f = finding(s, gravest, rest);
    f.is_update = s.told & 1 << gravest.0 != 0;
    let says_more = !f.is_update || s.begun > s.told_at;
    says_more.then_some(f)
}

/// What is established of an address although most of its calls may still be up: a bit for each entry.
fn established_bits(s: &Source) -> u8 {
    let accepted = s.accepted.max(s.promising);
    let all = [
        (TOLL, s.is_abroad || s.probed.is_some()),
        (GUESSING, s.is_guessing),
        (EXTENSIONS, s.is_scanning_beside(accepted)),
        (FLOOD, s.is_flooding_beside(accepted)),
        (SCANNER, s.scanner.is_some()),
    ];
    all.iter().filter(|(_, is)| *is).fold(0, |bits, (entry, _)| bits | 1 << entry)
}

/// What one address amounts to since its latest conversation, and did not before. A finding is told once; what grows is told at the end.
fn newly(ip: IpAddr, s: &mut Source) -> Vec<Finding> {
    let new = established_bits(s) & !s.told;
    if new == 0 {
        return Vec::new();
    }
    let deeds = established(ip, s);
    let found = deeds.iter().filter(|deed| new & 1 << deed.0 != 0).map(|deed| finding(s, deed, &[])).collect();
    (s.told, s.told_at) = (s.told | new, s.begun);
    found
}

/// A thing that an address does: the position of its entry, a sentence, and messages that show it.
type Deed<'a> = (usize, String, &'a [u64]);

/// All that is established of an address, gravest first.
fn established(ip: IpAddr, s: &Source) -> Vec<Deed<'_>> {
    let mut told: Vec<Deed<'_>> = Vec::new();
    if s.is_abroad {
        told.push((
            TOLL,
            format!("{ip} made {} calls abroad, {GUESSES} or more of them within one minute", s.abroad),
            &s.toll_shown,
        ));
    } else if let Some(number) = &s.probed {
        let shown = String::from_utf8_lossy(number.tail().unwrap_or_default()).into_owned();
        told.push((
            TOLL,
            format!("{ip} dialled one number (…{shown}) behind ever other prefixes: it looks for a way out"),
            &s.toll_shown,
        ));
    }
    if s.is_guessing {
        told.push((
            GUESSING,
            format!(
                "{ip} tried credentials {} in vain, {GUESSES} or more of them within one minute",
                words::times(s.guesses)
            ),
            &s.guess_shown,
        ));
    }
    if s.is_scanning() {
        let (users, more) = (s.users.len(), if s.users.more > 0 { " and more" } else { "" });
        told.push((
            EXTENSIONS,
            format!("{ip} asked for {users}{more} different users, and was refused"),
            &s.user_shown,
        ));
    }
    if s.is_flooding() {
        told.push((
            FLOOD,
            format!("{ip} sent {} requests, up to {} in one second, and hardly any was accepted", s.begun, s.peak),
            &s.flood_shown,
        ));
    }
    if let Some(scanner) = s.scanner {
        told.push((SCANNER, format!("{ip} looks for SIP servers with {scanner}"), &s.scan_shown));
    }
    told
}

fn finding(s: &Source, (code, title, shown): &Deed<'_>, rest: &[Deed<'_>]) -> Finding {
    let over = words::duration(s.last.since(s.first).max(1_000_000));
    let (targets, more) = (s.targets.len(), if s.targets.more > 0 { " and more" } else { "" });
    let hosts = if targets == 1 { "1 host".to_owned() } else { format!("{targets}{more} hosts") };
    let mut f = ENTRIES[*code].finding(title.clone());
    f.confidence = if *code == SCANNER { Confidence::Certain } else { Confidence::Likely };
    let begun = if s.begun == 1 { "1 conversation".to_owned() } else { format!("{} conversations", s.begun) };
    f.detail
        .push(format!("It began {begun} with {hosts} within {over}; {} of them got what they asked for.", s.accepted));
    f.detail.extend(rest.iter().map(|(_, title, _)| format!("Beside that: {title}.")));
    f.ruled_out.extend(other_causes(*code).map(str::to_owned));
    f.indices = shown.to_vec();
    f
}

/// What else looks like that.
fn other_causes(code: usize) -> Option<&'static str> {
    match code {
        GUESSING => Some(
            "a phone with a wrong password: it asks again once a minute or more slowly (one that does not wait looks the same)",
        ),
        EXTENSIONS => Some("a proxy or trunk that carries the calls of many: most of what it sends is accepted"),
        FLOOD => Some("a busy trunk or a load test: most of what it sends is accepted"),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
