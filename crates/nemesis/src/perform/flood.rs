//! More of something than anybody needs, until it is undone.

use std::io::Write;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::garbage::{GREETING, connect, greeting};
use super::{Outcome, Undo, proof};
use crate::cluster::Cluster;

/// Somebody who goes on until the end, and tells how it went.
pub(super) struct Flood<T> {
    thread: JoinHandle<T>,
    end: Sender<()>,
}

/// When it ends.
pub(super) struct End(Receiver<()>);

impl<T: Default + Send + 'static> Flood<T> {
    pub(super) fn begin(work: impl FnOnce(&End) -> T + Send + 'static) -> Self {
        let (end, ends) = channel();
        Self { thread: thread::spawn(move || work(&End(ends))), end }
    }

    /// Ends it. One that failed tells nothing, and so proves nothing.
    pub(super) fn end(self) -> T {
        drop(self.end);
        self.thread.join().unwrap_or_default()
    }
}

impl End {
    /// Whether it comes within that time; returns at once when it does.
    pub(super) fn within(&self, time: Duration) -> bool {
        self.0.recv_timeout(time) == Err(RecvTimeoutError::Disconnected)
    }
}

/// Connections that say little or nothing.
pub(super) fn connections(cluster: &mut Cluster, to: &str, connections: usize) -> Result<Undo, Outcome> {
    cluster.note_deaths();
    let mut open = Vec::new();
    for (_, port) in cluster.ports().into_iter().filter(|(node, _)| node == to) {
        for n in 0..connections {
            let Some(mut stream) = connect(port) else { break };
            // A third say nothing, a third a part, a third all of the greeting.
            let part = [0, 10, GREETING][n % 3];
            stream.write_all(&greeting()[..part]).ok();
            open.push(stream);
        }
    }
    Ok(Box::new(move |_| {
        let count = open.len();
        drop(open);
        proof(count >= connections, format!("{count} connections were open at a time"))
    }))
}
