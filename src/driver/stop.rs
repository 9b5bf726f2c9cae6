//! The wish to stop: Ctrl-C and SIGTERM, counted.

use tokio::sync::watch;

/// Told how often somebody wished to stop. Cheap to clone: every task has its own.
#[derive(Clone, Debug)]
pub struct Stop {
    wishes: watch::Receiver<u32>,
}

impl Stop {
    /// Listens for Ctrl-C and SIGTERM from now on, on the current tokio runtime.
    ///
    /// # Errors
    /// Where the signals cannot be caught.
    pub fn on_signals() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        let (teller, wishes) = watch::channel(0);
        let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
        tokio::spawn(async move {
            loop {
                tokio::select! {
                    _ = interrupt.recv() => {}
                    _ = terminate.recv() => {}
                    () = teller.closed() => return,
                }
                teller.send_modify(|n| *n += 1);
            }
        });
        Ok(Stop { wishes })
    }

    /// One that another part of the program controls.
    #[must_use]
    pub fn by(wishes: watch::Receiver<u32>) -> Self {
        Stop { wishes }
    }

    /// How often somebody wished to stop so far.
    #[must_use]
    pub fn count(&self) -> u32 {
        *self.wishes.borrow()
    }

    /// Waits for the wish after `seen` others. Never returns where nobody can wish any more. Cancel safe.
    pub async fn after(&mut self, seen: u32) {
        if self.wishes.wait_for(|n| *n > seen).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
