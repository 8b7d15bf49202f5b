//! Asking a running system: through a broker, or one servidor directly.
//!
//! A question is sent again, under the same request id and through the next address, when no answer comes or when the
//! answer says that trying again may help; so what is asked here takes effect once.

mod pool;

use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::time::Duration;

use papo_service::Failure;
use papo_transport::HostPort;
use papo_wire::reply::{Answer, BadReply, Reply};
use papo_wire::request::Request;
use thiserror::Error;

pub(crate) use pool::{Pool, Questions};

/// Why there is no reply.
#[derive(Debug, Error)]
pub(crate) enum Unanswered {
    /// Nobody answered in time.
    #[error("no answer within {0:?}")]
    Silence(Duration),
    /// Something answered that is not Papo.
    #[error("not an answer of Papo: {0}")]
    Nonsense(#[from] BadReply),
    /// No sockets.
    #[error("no socket: {0}")]
    NoSocket(String),
}

/// All numeric addresses of these hosts, each once.
pub(crate) fn resolve(targets: &[HostPort]) -> Result<Vec<SocketAddr>, Failure> {
    let mut addresses = Vec::new();
    for target in targets {
        let found = lookup(target).map_err(|error| Failure::failed(format!("{target}: {error}")))?;
        addresses
            .extend(found.into_iter().filter(|address| !addresses.contains(address)).collect::<Vec<_>>());
    }
    Ok(addresses)
}

fn lookup(target: &HostPort) -> io::Result<Vec<SocketAddr>> {
    match target.numeric() {
        Some(address) => Ok(vec![address]),
        None => Ok((target.host().as_str(), target.port()).to_socket_addrs()?.collect()),
    }
}

/// Asks one thing after another.
pub(crate) struct Asker {
    pool: Pool,
    targets: String,
}

impl Asker {
    /// Asks at `targets`, in turn where one is silent. A question is given up after `limit`.
    pub(crate) fn new(targets: &[HostPort], limit: Duration) -> Result<Self, Failure> {
        let names: Vec<String> = targets.iter().map(ToString::to_string).collect();
        Ok(Self { pool: Pool::new(resolve(targets)?, 1, limit)?, targets: names.join(", ") })
    }

    /// One question. Whatever is not the answer to it is a failure.
    pub(crate) fn ask(&mut self, request: Request) -> Result<Answer, Failure> {
        let mut one = One { request: Some(request), reply: None };
        self.pool.run(&mut one);
        let reply = one.reply.expect("a pool answers every question");
        let reply = reply.map_err(|error| Failure::failed(format!("{}: {error}", self.targets)))?;
        reply.answer.map_err(|failure| Failure::failed(format!("{}: {failure}", self.targets)))
    }
}

struct One {
    request: Option<Request>,
    reply: Option<Result<Reply, Unanswered>>,
}

impl Questions for One {
    type Ticket = ();

    fn next(&mut self) -> Option<((), Request)> {
        self.request.take().map(|request| ((), request))
    }

    fn answered(&mut self, (): (), reply: Result<Reply, Unanswered>) {
        self.reply = Some(reply);
    }
}
