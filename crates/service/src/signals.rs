//! SIGTERM and SIGINT: the wish to stop.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::Shutdown;

/// The two signals that ask a process to stop in good order. From its creation on they no longer kill it.
#[derive(Debug)]
pub(crate) struct StopSignals {
    terminate: Signal,
    interrupt: Signal,
}

impl StopSignals {
    /// Must be called inside a tokio runtime.
    pub(crate) fn listen() -> io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    /// Raises the flag at the first signal, and says so at every one. A process that does not stop then is ended by
    /// SIGKILL alone: a second Ctrl-C of an impatient person must not cost what is being drained.
    pub(crate) async fn forward(mut self, shutdown: Shutdown) {
        loop {
            let name = tokio::select! {
                _ = self.terminate.recv() => "SIGTERM",
                _ = self.interrupt.recv() => "SIGINT",
            };
            if shutdown.is_requested() {
                tracing::warn!("{name} again: already stopping");
            } else {
                tracing::info!("{name}: stopping");
                shutdown.request();
            }
        }
    }
}
