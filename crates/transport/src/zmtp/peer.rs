use std::collections::{BTreeSet, VecDeque};
use std::io::{self, IoSlice, Write};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use mio::net::TcpStream;
use socket2::{SockRef, TcpKeepalive};
use tracing::debug;

use super::session::Session;

/// Messages handed to the system at once.
const BATCH: usize = 64;
/// Unacknowledged data, or a peer that never reads, ends the connection after this.
#[cfg(target_os = "linux")]
const UNACKNOWLEDGED: Duration = Duration::from_secs(25);

/// One connected subscriber.
pub(super) struct Peer {
    pub(super) stream: TcpStream,
    pub(super) address: SocketAddr,
    pub(super) session: Session,
    /// What was accepted for it.
    pub(super) topics: BTreeSet<Vec<u8>>,
    queue: VecDeque<Arc<[u8]>>,
    /// Bytes of the queue, what is sent of the first included.
    queued: usize,
    /// How much of the first of the queue is sent already.
    sent: usize,
    /// The system takes no more until it says so.
    blocked: bool,
    /// The owner knows that there is something to flush.
    listed: bool,
    /// Whether it is missing messages.
    missing: bool,
}

impl Peer {
    pub(super) fn new(stream: TcpStream, address: SocketAddr, session: Session) -> Self {
        if let Err(error) = tune(&stream) {
            debug!(peer = %address, %error, "cannot set options of a connection");
        }
        Self {
            stream,
            address,
            session,
            topics: BTreeSet::new(),
            queue: VecDeque::new(),
            queued: 0,
            sent: 0,
            blocked: false,
            listed: false,
            missing: false,
        }
    }

    /// Whether another message may be queued.
    pub(super) fn has_room(&mut self, limit: usize) -> bool {
        let room = self.queue.len() < limit.max(1);
        if !room && !self.missing {
            debug!(peer = %self.address, "subscriber is too slow and misses messages");
        }
        self.missing = !room;
        room
    }

    /// Queues; says whether a flush must be arranged for.
    pub(super) fn queue(&mut self, bytes: Arc<[u8]>) -> bool {
        self.queued += bytes.len();
        self.queue.push_back(bytes);
        self.list()
    }

    /// Bytes that wait to be sent.
    pub(super) fn held_bytes(&self) -> usize {
        self.queued - self.sent
    }

    /// The system takes more; says whether a flush must be arranged for.
    pub(super) fn unblock(&mut self) -> bool {
        self.blocked = false;
        self.list()
    }

    pub(super) fn flush(&mut self) -> io::Result<()> {
        self.listed = false;
        while !self.queue.is_empty() && !self.blocked {
            let slices: Vec<_> = self
                .queue
                .iter()
                .take(BATCH)
                .enumerate()
                .map(|(at, bytes)| IoSlice::new(if at == 0 { &bytes[self.sent..] } else { bytes }))
                .collect();
            match self.stream.write_vectored(&slices) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => self.advance(written),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.blocked = true,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn list(&mut self) -> bool {
        let list = !self.blocked && !self.listed && !self.queue.is_empty();
        self.listed |= list;
        list
    }

    fn advance(&mut self, written: usize) {
        self.sent += written;
        while let Some(length) =
            self.queue.front().map(|bytes| bytes.len()).filter(|length| *length <= self.sent)
        {
            self.sent -= length;
            self.queued -= length;
            self.queue.pop_front();
        }
    }
}

fn tune(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let socket = SockRef::from(stream);
    let keepalive =
        TcpKeepalive::new().with_time(Duration::from_secs(10)).with_interval(Duration::from_secs(5));
    socket.set_tcp_keepalive(&keepalive.with_retries(3))?;
    #[cfg(target_os = "linux")]
    socket.set_tcp_user_timeout(Some(UNACKNOWLEDGED))?;
    Ok(())
}
