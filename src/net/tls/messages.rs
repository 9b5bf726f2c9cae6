//! Handshake messages put together from records.

/// The longest handshake message that is kept; longer ones are stepped over.
pub(super) const MAX_MESSAGE: usize = 64 * 1024;
/// Bytes of a handshake message's header (RFC 8446 §4).
const HEADER: usize = 4;

/// The handshake messages of RFC 8446 §4 and RFC 5246 §7.4 that are looked at.
pub(super) mod handshake {
    pub(in super::super) const CLIENT_HELLO: u8 = 1;
    pub(in super::super) const SERVER_HELLO: u8 = 2;
    pub(in super::super) const ENCRYPTED_EXTENSIONS: u8 = 8;
    pub(in super::super) const CERTIFICATE: u8 = 11;
    pub(in super::super) const SERVER_HELLO_DONE: u8 = 14;
    pub(in super::super) const CLIENT_KEY_EXCHANGE: u8 = 16;
    pub(in super::super) const FINISHED: u8 = 20;
    pub(in super::super) const KEY_UPDATE: u8 = 24;
}

/// A whole handshake message, header and body.
pub(super) struct Message {
    raw: Vec<u8>,
}

impl Message {
    /// The message type.
    pub(super) fn kind(&self) -> u8 {
        self.raw.first().copied().unwrap_or(u8::MAX)
    }

    /// What follows the header.
    pub(super) fn body(&self) -> &[u8] {
        self.raw.get(HEADER..).unwrap_or_default()
    }

    /// Header and body, as they go into the transcript.
    pub(super) fn raw(&self) -> &[u8] {
        &self.raw
    }
}

/// The part of a message that has come so far.
#[derive(Default)]
pub(super) struct Messages {
    buffer: Vec<u8>,
    skip: usize,
}

impl Messages {
    /// Takes in the content of a handshake record. [`Messages::next`] must be called until `None` after it.
    pub(super) fn push(&mut self, fragment: &[u8]) {
        let skipped = self.skip.min(fragment.len());
        self.skip -= skipped;
        self.buffer.extend_from_slice(fragment.get(skipped..).unwrap_or_default());
    }

    /// The next whole message.
    pub(super) fn next(&mut self) -> Option<Message> {
        loop {
            let &[_, a, b, c] = self.buffer.first_chunk::<HEADER>()?;
            let len = HEADER + u32::from_be_bytes([0, a, b, c]) as usize;
            if len > MAX_MESSAGE {
                let here = len.min(self.buffer.len());
                self.buffer.drain(..here);
                self.skip = len - here;
                continue;
            }
            if self.buffer.len() < len {
                return None;
            }
            let rest = self.buffer.split_off(len);
            return Some(Message { raw: std::mem::replace(&mut self.buffer, rest) });
        }
    }

    /// Forgets a message that is not whole.
    pub(super) fn clear(&mut self) {
        self.buffer = Vec::new();
        self.skip = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_cut_and_joined_wherever_the_records_end() {
        let stream = [20, 0, 0, 2, 7, 8, 1, 0, 0, 0, 2, 0, 0, 3, 1, 2, 3];
        for cut in 0..=stream.len() {
            let mut m = Messages::default();
            let mut got = Vec::new();
            for part in [&stream[..cut], &stream[cut..]] {
                m.push(part);
                while let Some(message) = m.next() {
                    got.push((message.kind(), message.body().to_vec()));
                }
            }
            assert_eq!(got, [(20, vec![7, 8]), (1, vec![]), (2, vec![1, 2, 3])]);
        }
    }

    #[test]
    fn a_message_that_claims_too_much_is_stepped_over() {
        let mut m = Messages::default();
        m.push(&[11, 1, 0, 0, 5, 5]);
        assert!(m.next().is_none());
        assert!(m.buffer.is_empty());
        m.push(&vec![5; 65_534]);
        m.push(&[14, 0, 0, 0]);
        assert_eq!(m.next().map(|m| m.kind()), Some(14));
    }
}
