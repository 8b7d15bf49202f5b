use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use papo_transport::{BindError, Frames, Kind, Net, SocketId, SocketOptions, Waker};

/// Answers a payload.
type Serve = Box<dyn FnMut(&[u8]) -> Vec<u8> + Send>;

/// What a front is for.
pub(super) enum Role {
    Broker(Serve),
    Proxy,
}

/// A thread with one socket.
pub(super) struct Front {
    pub(super) address: SocketAddr,
    silent: Arc<AtomicBool>,
    outgoing: Option<Sender<Frames>>,
    waker: Waker,
    thread: Option<JoinHandle<()>>,
}

impl Front {
    pub(super) fn start<N: Net + Send + 'static>(mut net: N, address: SocketAddr, role: Role) -> Self {
        let kind = match role {
            Role::Broker(_) => Kind::Router,
            Role::Proxy => Kind::Publish,
        };
        let socket = net.open(kind, &SocketOptions::default()).expect("a socket");
        let address = bind(&mut net, socket, address);
        let silent = Arc::new(AtomicBool::new(false));
        let (outgoing, messages) = mpsc::channel();
        let waker = net.waker();
        let silenced = Arc::clone(&silent);
        let thread = thread::spawn(move || run(net, socket, role, &silenced, &messages));
        Self { address, silent, outgoing: Some(outgoing), waker, thread: Some(thread) }
    }

    pub(super) fn silence(&self, silent: bool) {
        self.silent.store(silent, Ordering::SeqCst);
    }

    pub(super) fn send(&self, frames: Frames) {
        // Silence is decided now, not whenever the thread gets to it.
        if let Some(outgoing) = self.outgoing.as_ref().filter(|_| !self.silent.load(Ordering::SeqCst))
            && outgoing.send(frames).is_ok()
        {
            self.waker.wake();
        }
    }

    /// Closes the socket and waits until that is done.
    pub(super) fn stop(&mut self) {
        self.outgoing = None;
        self.waker.wake();
        if let Some(thread) = self.thread.take() {
            thread.join().expect("a front does not panic");
        }
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        self.outgoing = None;
        self.waker.wake();
    }
}

/// A port that was just given up is free again soon.
fn bind(net: &mut impl Net, socket: SocketId, address: SocketAddr) -> SocketAddr {
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        match net.bind(socket, address) {
            Ok(bound) => return bound,
            Err(BindError::InUse(_)) if Instant::now() < deadline => thread::yield_now(),
            Err(error) => panic!("{error}"),
        }
    }
}

fn run<N: Net>(
    mut net: N,
    socket: SocketId,
    mut role: Role,
    silent: &AtomicBool,
    outgoing: &Receiver<Frames>,
) {
    let mut ready = Vec::new();
    loop {
        net.wait(None, &mut ready);
        loop {
            match outgoing.try_recv() {
                // A publication may be lost: that is what is being tested.
                Ok(frames) => {
                    let _lost = net.send(socket, frames);
                }
                Err(mpsc::TryRecvError::Empty) => break,
                Err(mpsc::TryRecvError::Disconnected) => return,
            }
        }
        let Role::Broker(serve) = &mut role else { continue };
        while let Some(mut frames) = net.receive(socket) {
            if silent.load(Ordering::SeqCst) {
                continue;
            }
            let payload = frames.pop().expect("a message has frames");
            assert!(frames.last().is_some_and(Vec::is_empty), "requests have a delimiter");
            frames.push(serve(&payload));
            // Whoever asked may be gone.
            let _unroutable = net.send(socket, frames);
        }
    }
}
