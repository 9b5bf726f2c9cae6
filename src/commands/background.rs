//! Output written by a thread of its own, so that who makes it does not wait for the system to take it.

use std::io::{self, Write};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

/// Bytes that are handed over at once.
const FULL: usize = 256 << 10;
/// Buffers under way at once: with these, memory is bounded however slow the reader is.
const BUFFERS: usize = 4;

/// A writer in front of another one that has a thread of its own. An error of that one comes with a later write or the flush; what
/// was not flushed may be lost.
pub struct Background {
    buffer: Vec<u8>,
    /// Buffers that were handed over and are not back yet.
    under_way: usize,
    full: Option<SyncSender<Vec<u8>>>,
    empty: Receiver<Vec<u8>>,
    writer: Option<JoinHandle<io::Result<()>>>,
}

impl Background {
    /// Starts the thread.
    ///
    /// # Errors
    /// Where the system gives no thread.
    pub fn new(mut out: Box<dyn Write + Send>) -> io::Result<Self> {
        let (full, taken) = sync_channel::<Vec<u8>>(BUFFERS);
        let (give_back, empty) = sync_channel::<Vec<u8>>(BUFFERS);
        let write = move || {
            for mut bytes in taken {
                out.write_all(&bytes)?;
                out.flush()?;
                bytes.clear();
                if give_back.send(bytes).is_err() {
                    break;
                }
            }
            Ok(())
        };
        let writer = std::thread::Builder::new().name("writer".to_owned()).spawn(write)?;
        let buffer = Vec::with_capacity(FULL + FULL / 4);
        Ok(Background { buffer, under_way: 0, full: Some(full), empty, writer: Some(writer) })
    }

    fn hand_on(&mut self) -> io::Result<()> {
        let next = match self.under_way {
            BUFFERS.. => self.take_back()?,
            _ => Vec::with_capacity(FULL + FULL / 4),
        };
        let bytes = std::mem::replace(&mut self.buffer, next);
        match self.full.as_ref().map(|full| full.send(bytes)) {
            Some(Ok(())) => {
                self.under_way += 1;
                Ok(())
            }
            _ => Err(self.failure()),
        }
    }

    fn take_back(&mut self) -> io::Result<Vec<u8>> {
        let Ok(buffer) = self.empty.recv() else { return Err(self.failure()) };
        self.under_way -= 1;
        Ok(buffer)
    }

    /// Why the thread ended: told once, and then that it is gone.
    fn failure(&mut self) -> io::Error {
        self.full = None;
        let gone = || io::Error::from(io::ErrorKind::BrokenPipe);
        match self.writer.take().map(JoinHandle::join) {
            Some(Ok(Err(error))) => error,
            Some(Err(panic)) => std::panic::resume_unwind(panic),
            _ => gone(),
        }
    }
}

impl Write for Background {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() >= FULL {
            self.hand_on()?;
        }
        Ok(bytes.len())
    }

    /// Returns when everything is written.
    fn flush(&mut self) -> io::Result<()> {
        if !self.buffer.is_empty() {
            self.hand_on()?;
        }
        while self.under_way > 0 {
            self.take_back()?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{BUFFERS, Background, FULL};
    use std::io::{self, Write};
    use std::sync::{Arc, Mutex};

    #[derive(Clone, Default)]
    struct Shared(Arc<Mutex<Vec<u8>>>);

    impl Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// Takes nothing after so many bytes, as a closed pipe or a full disk does.
    struct Closing(usize);

    impl Write for Closing {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if self.0 < bytes.len() {
                return Err(io::Error::new(io::ErrorKind::StorageFull, "full"));
            }
            self.0 -= bytes.len();
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn everything_arrives_in_order_by_the_flush() {
        let shared = Shared::default();
        let mut out = Background::new(Box::new(shared.clone())).unwrap();
        let mut expected = Vec::new();
        for n in 0..200_000u32 {
            let line = format!("line {n}\n");
            expected.extend_from_slice(line.as_bytes());
            out.write_all(line.as_bytes()).unwrap();
        }
        assert!(expected.len() > BUFFERS * FULL, "more than all buffers hold");
        out.flush().unwrap();
        assert!(*shared.0.lock().unwrap() == expected);
        out.write_all(b"more").unwrap();
        out.flush().unwrap();
        assert!(shared.0.lock().unwrap().ends_with(b"more"));
    }

    #[test]
    fn an_error_of_the_other_side_is_told_and_then_nothing_is_taken_any_more() {
        let mut out = Background::new(Box::new(Closing(FULL))).unwrap();
        let chunk = vec![b'x'; FULL];
        let error = (0..20).find_map(|_| out.write_all(&chunk).and_then(|()| out.flush()).err()).unwrap();
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
        assert_eq!(out.write_all(&chunk).unwrap_err().kind(), io::ErrorKind::BrokenPipe);
    }
}
