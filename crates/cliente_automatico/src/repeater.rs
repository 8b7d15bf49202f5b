//! Sends requests a second time, under the same id, to whichever broker is next: what a client does whose broker is slow.

use std::collections::HashMap;
use std::io;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::{Duration, Instant};

use papo_audit::Request as Said;
use papo_client::RequestId;
use papo_transport::{
    Frames, HostPort, Kind, Links, Net, OpenError, Resolver, SocketId, SocketOptions, Waker, ZmqContext,
    ZmqNet,
};
use papo_wire::reply::Reply;
use papo_wire::request::{Body, Request};

/// A broker answers everything within 5 s; who says nothing for so long will not.
const PATIENCE: Duration = Duration::from_secs(8);
/// How often to look for what has waited too long.
const LOOK: Duration = Duration::from_millis(500);
/// How often names are looked up.
const RESOLVE: Duration = Duration::from_secs(2);

/// The end of a repeated request; `None` where there was no answer.
pub(crate) type End = (RequestId, Option<Reply>);

/// A thread with a socket to every broker.
pub(crate) struct Repeater {
    orders: Sender<(RequestId, Vec<u8>)>,
    waker: Waker,
    ends: Receiver<End>,
}

impl Repeater {
    /// Starts it.
    ///
    /// # Errors
    /// The system has no sockets or threads left.
    pub(crate) fn start(context: &ZmqContext, brokers: &[HostPort]) -> Result<Self, StartError> {
        let net = ZmqNet::new(context)?;
        let waker = net.waker();
        let (orders, taken) = mpsc::channel();
        let (tell, ends) = mpsc::channel();
        let mut resolver = Resolver::start(waker.clone(), RESOLVE);
        for name in brokers {
            resolver.watch(name);
        }
        let links = Links::new(Kind::Dealer, SocketOptions::default());
        let worker = Worker { net, resolver, links, taken, tell, pending: HashMap::new(), count: 0 };
        thread::Builder::new().name("repeater".to_owned()).spawn(move || worker.run())?;
        Ok(Self { orders, waker, ends })
    }

    /// Sends the request once more. Its end is told by [`Repeater::ended`], also if it could not be sent.
    pub(crate) fn repeat(&self, id: &RequestId, said: &Said) {
        // The thread ends only after this does.
        if self.orders.send((id.clone(), encode(id, said))).is_ok() {
            self.waker.wake();
        }
    }

    /// What came of the next request, if any has ended.
    pub(crate) fn ended(&self) -> Option<End> {
        self.ends.try_recv().ok()
    }
}

impl Drop for Repeater {
    fn drop(&mut self) {
        // The thread sees that nobody orders any more.
        self.orders = mpsc::channel().0;
        self.waker.wake();
    }
}

/// Why it could not be started.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StartError {
    /// No sockets.
    #[error(transparent)]
    Socket(#[from] OpenError),
    /// No thread.
    #[error("cannot start a thread: {0}")]
    Thread(#[from] io::Error),
}

struct Worker {
    net: ZmqNet,
    resolver: Resolver,
    links: Links,
    taken: Receiver<(RequestId, Vec<u8>)>,
    tell: Sender<End>,
    pending: HashMap<u64, (RequestId, Instant)>,
    count: u64,
}

/// Nobody orders, or nobody listens.
struct Ended;

impl Worker {
    fn run(mut self) {
        let mut ready = Vec::new();
        while self.turn(&mut ready).is_ok() {}
    }

    fn turn(&mut self, ready: &mut Vec<SocketId>) -> Result<(), Ended> {
        self.net.wait(Some(LOOK), ready);
        for change in self.resolver.changes() {
            for error in self.links.follow(&mut self.net, &change).failed {
                tracing::warn!(%error, "cannot connect to broker");
            }
        }
        for socket in ready.iter() {
            while let Some(frames) = self.net.receive(*socket) {
                self.answered(&frames)?;
            }
        }
        loop {
            match self.taken.try_recv() {
                Ok((id, payload)) => self.send(id, payload)?,
                Err(mpsc::TryRecvError::Empty) => break,
                Err(mpsc::TryRecvError::Disconnected) => return Err(Ended),
            }
        }
        self.give_up()
    }

    fn send(&mut self, id: RequestId, payload: Vec<u8>) -> Result<(), Ended> {
        self.count += 1;
        // As a REQ socket frames it, its own correlation first.
        let frames = vec![self.count.to_le_bytes().to_vec(), Vec::new(), payload];
        let sockets: Vec<SocketId> = self.links.iter().map(|(_, socket)| socket).collect();
        let turn = usize::try_from(self.count).unwrap_or(0);
        for step in 0..sockets.len() {
            if self.net.send(sockets[(turn + step) % sockets.len()], frames.clone()).is_ok() {
                self.pending.insert(self.count, (id, Instant::now()));
                return Ok(());
            }
        }
        self.tell.send((id, None)).map_err(|_| Ended)
    }

    fn answered(&mut self, frames: &Frames) -> Result<(), Ended> {
        let [correlation, _, payload] = frames.as_slice() else { return Ok(()) };
        let Ok(number) = correlation.as_slice().try_into().map(u64::from_le_bytes) else { return Ok(()) };
        let Some((id, _)) = self.pending.remove(&number) else { return Ok(()) };
        let reply = Reply::decode(payload).map_err(|error| tracing::warn!(%error, "not an answer")).ok();
        self.tell.send((id, reply)).map_err(|_| Ended)
    }

    fn give_up(&mut self) -> Result<(), Ended> {
        let silent = self.pending.iter().filter(|(_, (_, since))| since.elapsed() >= PATIENCE);
        let silent: Vec<u64> = silent.map(|(number, _)| *number).collect();
        for number in silent {
            if let Some((id, _)) = self.pending.remove(&number) {
                self.tell.send((id, None)).map_err(|_| Ended)?;
            }
        }
        Ok(())
    }
}

fn encode(id: &RequestId, said: &Said) -> Vec<u8> {
    let body = match said.clone() {
        Said::Publish { user, channel, message } => Body::Publish { user, channel, message },
        Said::Message { src, dst, message } => Body::Message { src, dst, message },
        other => unreachable!("only messages are sent twice, not {other:?}"),
    };
    Request { request_id: Some(id.as_str().to_owned()), ..Request::new(body) }.encode()
}
