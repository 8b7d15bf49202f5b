//! Ctrl-C and SIGTERM: the drill is broken off, and what it did is undone.

use std::future::Future;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

/// The wish that the drill ends. Clones are the same wish.
#[derive(Clone, Debug)]
pub struct Interrupt(watch::Receiver<bool>);

/// Something was broken off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interrupted;

impl Interrupt {
    /// Raised by SIGINT and SIGTERM, which no longer kill the process.
    ///
    /// # Errors
    /// The system does not let signals be caught.
    pub fn on_signals() -> std::io::Result<Self> {
        let (mut interrupts, mut terminations) =
            (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
        let (sender, receiver) = watch::channel(false);
        tokio::spawn(async move {
            loop {
                tokio::select! {
                    _ = interrupts.recv() => {}
                    _ = terminations.recv() => {}
                }
                eprintln!("drill: it is broken off, and undone; please wait");
                sender.send_replace(true);
            }
        });
        Ok(Self(receiver))
    }

    /// One that is raised by hand: for tests.
    pub fn by_hand() -> (watch::Sender<bool>, Self) {
        let (sender, receiver) = watch::channel(false);
        (sender, Self(receiver))
    }

    /// Whether it was raised.
    pub fn is_raised(&self) -> bool {
        *self.0.borrow()
    }

    /// Does something, unless the drill is broken off first.
    pub async fn unless<T>(&self, work: impl Future<Output = T>) -> Result<T, Interrupted> {
        let mut raised = self.0.clone();
        let raised = async {
            if raised.wait_for(|raised| *raised).await.is_err() {
                std::future::pending::<()>().await;
            }
        };
        tokio::select! {
            biased;
            () = raised => Err(Interrupted),
            done = work => Ok(done),
        }
    }
}
