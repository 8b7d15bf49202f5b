//! Asking servidores about their members, one after the other until one answers.

use std::net::SocketAddr;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use papo_core::clock::{Lamport, WallTime};
use papo_service::Failure;
use papo_transport::{Kind, Net, SocketOptions, ZmqContext, ZmqNet};
use papo_wire::admin::{Reply, Request};

/// Sockets to ask with.
pub(super) struct Line {
    net: ZmqNet,
}

impl Line {
    pub(super) fn new() -> Result<Self, Failure> {
        let net = ZmqNet::new(&ZmqContext::new()).map_err(Failure::failed)?;
        Ok(Self { net })
    }

    /// What the servidor at `at` answers within `limit`; `None` where it does not, or is none.
    pub(super) fn ask(&mut self, at: SocketAddr, request: &Request, limit: Duration) -> Option<Reply> {
        let socket = self.net.open(Kind::Request, &SocketOptions::default()).ok()?;
        let reply = self.ask_on(socket, at, request, limit);
        self.net.close_after(socket, Duration::ZERO);
        reply
    }

    fn ask_on(
        &mut self,
        socket: papo_transport::SocketId,
        at: SocketAddr,
        request: &Request,
        limit: Duration,
    ) -> Option<Reply> {
        let deadline = Instant::now() + limit;
        self.net.connect(socket, at).ok()?;
        self.net.send(socket, vec![request.encode(now(), Lamport::default())]).ok()?;
        let mut ready = Vec::new();
        loop {
            if let Some(frames) = self.net.receive(socket) {
                return Reply::decode(&frames.concat()).ok();
            }
            let left = deadline.checked_duration_since(Instant::now())?;
            self.net.wait(Some(left), &mut ready);
        }
    }
}

fn now() -> WallTime {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    WallTime::EPOCH.plus(since)
}
