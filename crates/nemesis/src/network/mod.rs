//! A network between processes of one machine that can be broken: every connection passes a listener of ours, which carries the
//! bytes on, or does not.
//!
//! What is broken is a [`Way`]: everything that one process sends to another, over however many connections, whoever made them. A link
//! that is cut in both directions is two ways. So a cut is told as it is thought of, and a one-way cut is as easy as any.
//!
//! Bytes of a connection are never thrown away, since TCP does not either: they wait, until they may pass on or the connection
//! breaks. Who connects is told by the listener (one for each pair), or, where all are told one address, by the kernel
//! (see `owner`).
//!
//! Not done here: losing or reordering single packets (below TCP, nobody above sees more of it than slowness), and UDP.

mod carry;
mod owner;
mod way;

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use tokio::net::TcpListener;
use tokio::runtime::{Builder, Handle};
use tokio::sync::Notify;
use tokio::task::spawn_blocking;

pub use way::{Passed, Rule, Way};

/// Who is at an end of a way: a process, or all clients.
pub type Node = String;

/// All ways, and the thread that carries everything.
#[derive(Debug)]
pub struct Network {
    shared: Arc<Shared>,
    runtime: Handle,
    end: Arc<Notify>,
    thread: Option<JoinHandle<()>>,
}

/// Who connects to a listener.
#[derive(Clone, Debug)]
pub enum From {
    /// Always the same.
    Always(Node),
    /// Whichever of the processes made the connection: see [`Network::is_process`].
    Owner,
}

#[derive(Debug, Default)]
struct Shared {
    ways: Mutex<BTreeMap<(Node, Node), Way>>,
    processes: Mutex<BTreeMap<Node, u32>>,
}

impl Network {
    /// Without any listeners yet.
    ///
    /// # Errors
    /// The system has no thread or no files left.
    pub fn start() -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let (handle, end) = (runtime.handle().clone(), Arc::new(Notify::new()));
        let ended = Arc::clone(&end);
        let run = move || runtime.block_on(ended.notified());
        let thread = thread::Builder::new().name("network".to_owned()).spawn(run)?;
        Ok(Self { shared: Arc::default(), runtime: handle, end, thread: Some(thread) })
    }

    /// Whoever connects to `at` is led to `target`, which is `to`. Returns where it listens.
    ///
    /// # Errors
    /// The address is in use, or there are no files left.
    pub fn listen(&self, at: SocketAddr, from: From, to: &str, target: SocketAddr) -> io::Result<SocketAddr> {
        let listener = std::net::TcpListener::bind(at)?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let _inside = self.runtime.enter();
        let listener = TcpListener::from_std(listener)?;
        let (shared, to) = (Arc::clone(&self.shared), to.to_owned());
        self.runtime.spawn(async move {
            loop {
                // Fails when there are no files left; whoever wanted to connect tries again.
                let Ok((stream, peer)) = listener.accept().await else {
                    tokio::time::sleep(std::time::Duration::from_millis(10)).await;
                    continue;
                };
                let (shared, from, to) = (Arc::clone(&shared), from.clone(), to.clone());
                tokio::spawn(async move {
                    let named = Arc::clone(&shared);
                    // Reading what the kernel knows takes milliseconds, in which nothing else would be carried.
                    let name = spawn_blocking(move || named.name(&from, peer, address)).await;
                    let Ok(Some(from)) = name else { return };
                    let (there, back) = (shared.way(&from, &to), shared.way(&to, &from));
                    carry::carry(stream, target, there, back).await;
                });
            }
        });
        Ok(address)
    }

    /// Tells that `node` is the process `pid` from now on.
    pub fn is_process(&self, node: &str, pid: u32) {
        lock(&self.shared.processes).insert(node.to_owned(), pid);
    }

    /// Everything that `from` sends to `to`.
    pub fn way(&self, from: &str, to: &str) -> Way {
        self.shared.way(from, to)
    }

    /// Lets everything pass everywhere.
    pub fn heal(&self) {
        for way in lock(&self.shared.ways).values() {
            way.set(Rule::Open);
        }
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        self.end.notify_one();
        if let Some(thread) = self.thread.take() {
            // It holds nothing that could be in disorder.
            thread.join().ok();
        }
    }
}

impl Shared {
    fn name(&self, from: &From, peer: SocketAddr, listener: SocketAddr) -> Option<Node> {
        match from {
            From::Always(node) => Some(node.clone()),
            From::Owner => owner::of(peer, listener, &lock(&self.processes)),
        }
    }

    fn way(&self, from: &str, to: &str) -> Way {
        lock(&self.ways).entry((from.to_owned(), to.to_owned())).or_default().clone()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
