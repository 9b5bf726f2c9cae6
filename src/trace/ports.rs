//! Which ports speak what, as far as the input has shown: what happens on others is nobody's business here.

/// A set of port numbers.
#[derive(Clone, Debug)]
pub struct PortSet(Box<[u64; 1024]>);

impl Default for PortSet {
    fn default() -> Self {
        PortSet(Box::new([0; 1024]))
    }
}

impl PortSet {
    /// Adds a port.
    #[inline]
    pub fn insert(&mut self, port: u16) {
        if let Some(word) = self.0.get_mut(usize::from(port >> 6)) {
            *word |= 1 << (port & 63);
        }
    }

    /// Whether a port is in it.
    #[must_use]
    pub fn contains(&self, port: u16) -> bool {
        self.0.get(usize::from(port >> 6)).is_some_and(|word| word >> (port & 63) & 1 == 1)
    }
}

/// Ports by what was seen on them. RFC 3261 §18.1.1 gives 5060 to plain SIP and 5061 to TLS.
#[derive(Clone, Debug, Default)]
pub struct Ports {
    asked: Vec<u16>,
    all: bool,
    sip: PortSet,
    plain: PortSet,
    tls: PortSet,
}

impl Ports {
    /// Knows the usual ports and those that were asked for, or that `all` are ports of SIP.
    #[must_use]
    pub fn new(asked: &[u16], all: bool) -> Self {
        let mut ports = Ports { asked: asked.to_vec(), all, ..Ports::default() };
        ports.sip.insert(5060);
        ports.sip.insert(5061);
        ports.plain.insert(5060);
        ports.tls.insert(5061);
        asked.iter().for_each(|&port| ports.sip.insert(port));
        ports
    }

    /// Notes that a message was sent to a port over a datagram.
    #[inline]
    pub fn saw_message(&mut self, port: u16) {
        self.sip.insert(port);
    }

    /// Notes that a server on a port spoke SIP over a connection, inside TLS or not.
    pub fn saw_connection(&mut self, port: u16, secure: bool) {
        self.sip.insert(port);
        if secure { &mut self.tls } else { &mut self.plain }.insert(port);
    }

    /// Whether SIP is spoken there.
    #[must_use]
    pub fn is_sip(&self, port: u16) -> bool {
        self.all || self.sip.contains(port)
    }

    /// Whether plain SIP is spoken there over connections.
    #[must_use]
    pub fn is_plain(&self, port: u16) -> bool {
        self.plain.contains(port)
    }

    /// Whether SIP inside TLS is spoken there.
    #[must_use]
    pub fn is_tls(&self, port: u16) -> bool {
        self.tls.contains(port)
    }

    /// Whether a port on which TLS failed may have been meant for SIP: it is none of those below 1024 and the usual ones of the web, unless it was
    /// asked for.
    #[must_use]
    pub fn may_be_sip(&self, port: u16) -> bool {
        const OTHERS: [u16; 4] = [3389, 6443, 8443, 9443];
        self.is_sip(port) || (self.asked.is_empty() && port >= 1024 && !OTHERS.contains(&port))
    }
}

#[cfg(test)]
mod tests {
    use super::{PortSet, Ports};

    #[test]
    fn a_set_holds_what_was_put_in_and_nothing_else() {
        let mut set = PortSet::default();
        for port in [0, 63, 64, 5060, 65_535] {
            assert!(!set.contains(port));
            set.insert(port);
            assert!(set.contains(port));
        }
        assert_eq!((0..=65_535u16).filter(|&port| set.contains(port)).count(), 5);
    }

    #[test]
    fn ports_are_known_by_number_by_wish_and_by_what_was_seen() {
        let mut ports = Ports::new(&[5070], false);
        assert!(ports.is_sip(5060) && ports.is_sip(5061) && ports.is_sip(5070) && !ports.is_sip(5080));
        ports.saw_connection(5080, true);
        assert!(ports.is_sip(5080) && ports.is_tls(5080) && !ports.is_plain(5080));
        assert!(!Ports::new(&[], false).may_be_sip(443) && Ports::new(&[], false).may_be_sip(20_052));
        assert!(!ports.may_be_sip(20_052), "only the ports that were asked for");
        assert!(Ports::new(&[], true).is_sip(443));
    }
}
