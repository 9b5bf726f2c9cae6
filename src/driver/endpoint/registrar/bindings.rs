//! The bindings. RFC 3261 §10.3, RFC 5626 §6

use crate::driver::endpoint::BindingFacts;
use crate::sip::Uri;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Most bindings of one address of record.
const MOST_OF_ONE: usize = 64;
/// Most bindings together. Full, it refuses: nobody drives another out.
const MOST: usize = 65_536;
/// Expired ones of all addresses are looked for this often.
const SWEEP: Duration = Duration::from_secs(10);

/// Why nothing was changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Refusal {
    /// The time asked for is too short.
    Brief,
    /// The request says something that cannot be.
    Bad(&'static str),
    /// A later request of the same Call-ID was there already.
    Order,
    /// There is no room.
    Full,
}

/// What one Contact asks for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Change {
    pub uri: Vec<u8>,
    /// `None` takes the binding away.
    pub until: Option<Instant>,
    pub q: Option<u16>,
    pub instance: Option<Vec<u8>>,
    pub reg_id: Option<u32>,
    pub path: Vec<u8>,
}

#[derive(Debug)]
struct Binding {
    /// By what URIs are compared.
    same: Vec<u8>,
    what: Change,
    until: Instant,
    call_id: Vec<u8>,
    cseq: u32,
}

/// All bindings by address of record.
#[derive(Debug)]
pub(super) struct Bindings {
    of: BTreeMap<Vec<u8>, Vec<Binding>>,
    count: usize,
    swept: Instant,
}

/// Call-ID and CSeq number of a request.
type Order<'a> = (&'a [u8], u32);

impl Bindings {
    pub fn new(now: Instant) -> Self {
        Bindings { of: BTreeMap::new(), count: 0, swept: now }
    }

    /// Takes all bindings of an address away.
    pub fn clear(&mut self, aor: &[u8], order: Order<'_>, now: Instant) -> Result<(), Refusal> {
        self.expire(aor, now);
        let bindings = self.of.get(aor).map(Vec::as_slice).unwrap_or_default();
        if bindings.iter().any(|b| b.is_later_than(order)) {
            return Err(Refusal::Order);
        }
        self.count -= bindings.len();
        self.of.remove(aor);
        Ok(())
    }

    /// Makes all changes, or none.
    pub fn apply(&mut self, aor: &[u8], order: Order<'_>, changes: Vec<Change>, now: Instant) -> Result<(), Refusal> {
        if now.saturating_duration_since(self.swept) >= SWEEP || self.count >= MOST {
            self.sweep(now);
        }
        self.expire(aor, now);
        let bindings = self.of.get(aor).map(Vec::as_slice).unwrap_or_default();
        let changed = |b: &&Binding| changes.iter().any(|c| b.is_meant_by(c));
        if bindings.iter().filter(changed).any(|b| b.is_later_than(order)) {
            return Err(Refusal::Order);
        }
        let fresh = changes.iter().filter(|c| c.until.is_some() && !bindings.iter().any(|b| b.is_meant_by(c))).count();
        if bindings.len() + fresh > MOST_OF_ONE || self.count + fresh > MOST {
            return Err(Refusal::Full);
        }
        let before = bindings.len();
        let bindings = self.of.entry(aor.to_vec()).or_default();
        for change in changes {
            bindings.retain(|b| !b.is_meant_by(&change));
            if let Some(until) = change.until {
                let (call_id, cseq) = (order.0.to_vec(), order.1);
                bindings.push(Binding { same: comparable(&change.uri), what: change, until, call_id, cseq });
            }
        }
        let after = bindings.len();
        if after == 0 {
            self.of.remove(aor);
        }
        self.count = self.count + after - before;
        Ok(())
    }

    /// The bindings of one address.
    pub fn of(&mut self, aor: &[u8], now: Instant) -> Vec<BindingFacts> {
        self.expire(aor, now);
        self.of.get(aor).map(|list| list.iter().map(|b| b.facts(aor, now)).collect()).unwrap_or_default()
    }

    /// All bindings, in order of address.
    pub fn all(&mut self, now: Instant) -> Vec<BindingFacts> {
        self.sweep(now);
        self.of.iter().flat_map(|(aor, list)| list.iter().map(move |b| b.facts(aor, now))).collect()
    }

    fn expire(&mut self, aor: &[u8], now: Instant) {
        let Some(list) = self.of.get_mut(aor) else { return };
        let before = list.len();
        list.retain(|b| b.until > now);
        self.count -= before - list.len();
        if list.is_empty() {
            self.of.remove(aor);
        }
    }

    fn sweep(&mut self, now: Instant) {
        self.swept = now;
        self.of.retain(|_, list| {
            list.retain(|b| b.until > now);
            !list.is_empty()
        });
        self.count = self.of.values().map(Vec::len).sum();
    }
}

impl Binding {
    /// RFC 3261 §10.3, the seventh step
    fn is_later_than(&self, (call_id, cseq): Order<'_>) -> bool {
        self.call_id == call_id && self.cseq >= cseq
    }

    /// By instance and reg-id where both have them (RFC 5626 §6), else by URI.
    fn is_meant_by(&self, change: &Change) -> bool {
        let same_flow = change.reg_id.is_some()
            && change.reg_id == self.what.reg_id
            && change.instance.is_some()
            && change.instance == self.what.instance;
        same_flow || (change.reg_id == self.what.reg_id && self.same == comparable(&change.uri))
    }

    fn facts(&self, aor: &[u8], now: Instant) -> BindingFacts {
        let left = self.until.saturating_duration_since(now);
        BindingFacts {
            aor: aor.to_vec(),
            contact: self.what.uri.clone(),
            // A binding that stands has a second at least: 0 would mean that it is gone.
            expires: left.as_secs() + u64::from(left.subsec_nanos() > 0),
            q: self.what.q,
            instance: self.what.instance.clone(),
            reg_id: self.what.reg_id,
            path: self.what.path.clone(),
        }
    }
}

/// What of a URI decides whether two are the same: scheme and host without case, user as it is, port, transport. RFC 3261 §19.1.4
fn comparable(text: &[u8]) -> Vec<u8> {
    let uri = Uri::parse(text);
    if !uri.is_sip() {
        return text.to_vec();
    }
    let transport = uri.param("transport").and_then(|p| p.value).unwrap_or_default().to_ascii_lowercase();
    let user = crate::sip::uri::unescaped(uri.user.unwrap_or_default());
    let (scheme, host) = (uri.scheme.to_ascii_lowercase(), uri.host.to_ascii_lowercase());
    [&scheme, &user[..], &host, uri.port.unwrap_or_default(), &transport].join(&0)
}
