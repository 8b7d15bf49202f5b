//! The loop that carries out what the [`Dispatcher`] decides: it owns the two sockets, reads the clock, and shows the numbers.
//!
//! Each turn takes a batch of what servidores say, then one of what clients ask, and sends what comes of each at once; then lets the
//! dispatcher do what is due. A request that is too long for the system is still *read*, up to [`REFUSED_BYTES`], so that whoever
//! sent it is told so.
//!
//! Not done: a frame longer than that is never seen here. libzmq closes the connection and tells nobody, so a plain REQ client that
//! sends one waits until it gives up by itself; bounded memory is worth more than an answer to that. And nothing about a request
//! outlives this process: a client whose broker dies asks another one.

use std::net::SocketAddr;
use std::time::Duration;

use papo_core::clock::{Instant, Now};
use papo_service::{Health, Pulse, Shutdown};
use papo_transport::{BindError, Kind, Net, OpenError, SendError, SocketId, SocketOptions};
use papo_wire::limits::{Limits, REFUSED_BYTES};
use thiserror::Error;
use tracing::{info, warn};

use crate::clock::Clock;
use crate::dispatcher::{Action, Dispatcher, Unsent};
use crate::journal::Journal;
use crate::metrics::BrokerMetrics;
use crate::settings::BrokerSettings;

/// Requests of one connection that may have arrived without being taken from the socket: a REQ client has one, and with the
/// longest frame that is read this bounds what a connection can make the process hold. Beyond it, TCP slows the peer down.
const CLIENT_QUEUE: usize = 32;
/// Messages taken from one socket before the other has its turn: neither side can starve the other.
const BATCH: usize = 256;
/// The loop turns at least this often, to show that it lives.
const IDLE: Duration = Duration::from_millis(500);
/// Not turning for this long is being stuck.
const STUCK: Duration = Duration::from_secs(5);
/// How often numbers are shown, and how often they are logged.
const SHOW_EVERY: Duration = Duration::from_millis(100);
const TELL_EVERY: Duration = Duration::from_secs(1);
/// A broker that has just been started gets no clients until a servidor has found it, which takes as long as names are remembered
/// somewhere. After this long it takes clients all the same: an error is clearer than a refused connection. Once it is
/// ready, no servidor's death changes that.
const ALONE: Duration = Duration::from_secs(15);
/// While stopping: with every request answered and nothing new asked for this long, it is over.
const QUIET: Duration = Duration::from_millis(20);

/// The loop that carries out what the [`Dispatcher`] decides: owns the two sockets, the clock and the numbers.
#[derive(Debug)]
pub struct Broker<N> {
    net: N,
    clients: SocketId,
    servidores: SocketId,
    client_address: SocketAddr,
    servidor_address: SocketAddr,
    dispatcher: Dispatcher,
    clock: Clock,
    metrics: BrokerMetrics,
    journal: Journal,
    grace: Duration,
    ready: Vec<SocketId>,
    show_at: Instant,
    tell_at: Instant,
}

/// The broker cannot start.
#[derive(Debug, Error)]
pub enum StartError {
    /// No socket.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// A port cannot be had.
    #[error("cannot listen for {whom}: {error}")]
    Bind {
        /// Whom the port is for.
        whom: &'static str,
        /// Why not.
        #[source]
        error: BindError,
    },
}

impl<N: Net> Broker<N> {
    /// Opens and binds both sockets.
    ///
    /// # Errors
    /// A port is in use, or cannot be had for another reason.
    pub fn bind(
        mut net: N,
        settings: &BrokerSettings,
        incarnation: u64,
        metrics: BrokerMetrics,
    ) -> Result<Self, StartError> {
        let policy = settings.policy();
        let options = SocketOptions {
            max_message: REFUSED_BYTES,
            receive_queue: CLIENT_QUEUE,
            ..SocketOptions::default()
        };
        let clients = net.open(Kind::Router, &options)?;
        // What one servidor may have in flight fits into its queue, with its welcomes; and its answers may be long lists.
        let queue = policy.most_in_flight + 64;
        let options =
            SocketOptions { max_message: Limits::REPLY.bytes, send_queue: queue, receive_queue: queue };
        let servidores = net.open(Kind::Router, &options)?;
        let client_address = net
            .bind(clients, settings.client_address())
            .map_err(|error| StartError::Bind { whom: "clients", error })?;
        let servidor_address = net
            .bind(servidores, settings.servidor_address())
            .map_err(|error| StartError::Bind { whom: "servidores", error })?;
        Ok(Self {
            net,
            clients,
            servidores,
            client_address,
            servidor_address,
            dispatcher: Dispatcher::new(policy, incarnation),
            clock: Clock::start(),
            metrics,
            journal: Journal::default(),
            grace: settings.grace,
            ready: Vec::new(),
            show_at: Instant::ZERO,
            tell_at: Instant::ZERO,
        })
    }

    /// Where clients connect, with the real port.
    pub fn client_address(&self) -> SocketAddr {
        self.client_address
    }

    /// Where servidores connect, with the real port.
    pub fn servidor_address(&self) -> SocketAddr {
        self.servidor_address
    }

    /// Serves until `shutdown` is raised, then answers what is open, and returns.
    pub fn run(mut self, shutdown: &Shutdown, health: &Health) {
        let waker = self.net.waker();
        shutdown.on_request(move || waker.wake());
        let pulse = health.watch("dispatch", STUCK);
        health.set_started();
        let began = self.clock.now().instant;
        let mut ready = false;
        while !shutdown.is_requested() {
            self.turn(IDLE);
            pulse.beat();
            if !ready
                && (self.dispatcher.gauges().has_been_found() || self.clock.now().instant >= began + ALONE)
            {
                ready = true;
                health.set_ready();
            }
        }
        health.set_not_ready("stopping");
        self.finish(&pulse);
    }

    /// Waits for messages, at most for `longest`, and handles what there is. Returns whether clients said anything.
    fn turn(&mut self, longest: Duration) -> bool {
        let now = self.clock.now().instant;
        let until_due = self.dispatcher.wake_at().map_or(longest, |at| at.since(now));
        let mut ready = std::mem::take(&mut self.ready);
        self.net.wait(Some(until_due.min(longest)), &mut ready);
        let now = self.clock.now();
        // Servidores first: their beacons and answers make room for what clients ask.
        for socket in [self.servidores, self.clients] {
            if ready.contains(&socket) {
                self.take_batch(now, socket);
            }
        }
        self.dispatcher.tick(now);
        self.carry_out(now);
        self.show(now.instant);
        let asked = ready.contains(&self.clients);
        self.ready = ready;
        asked
    }

    fn take_batch(&mut self, now: Now, socket: SocketId) {
        for _ in 0..BATCH {
            let Some(frames) = self.net.receive(socket) else { return };
            if socket == self.clients {
                self.dispatcher.client(now, frames);
            } else {
                self.dispatcher.servidor(now, frames);
            }
            self.carry_out(now);
        }
    }

    fn carry_out(&mut self, now: Now) {
        while let Some(action) = self.dispatcher.poll() {
            match action {
                Action::Answer { frames, waited } => {
                    if let Some(waited) = waited {
                        self.metrics.answered(waited);
                    }
                    if let Err(error) = self.net.send(self.clients, frames) {
                        self.dispatcher.unanswerable(unsent(error));
                    }
                }
                Action::Send { frames, ticket } => {
                    if let Err(error) = self.net.send(self.servidores, frames) {
                        self.dispatcher.unsent(now, ticket, unsent(error));
                    }
                }
            }
        }
    }

    /// Answers what is open, and ends in the first quiet moment: a client whose connection ends between two requests connects to
    /// another broker and notices nothing. Where no such moment comes, new requests are refused in the second half of the
    /// grace: an error tells a client to turn to another broker, silence does not.
    fn finish(mut self, pulse: &Pulse) {
        let begun = self.clock.now().instant;
        let (half, end) = (begun + self.grace / 2, begun + self.grace);
        info!(open = self.dispatcher.gauges().open, "stopping in the first quiet moment");
        let mut quiet_since = begun;
        loop {
            let asked = self.turn(QUIET);
            pulse.beat();
            let now = self.clock.now().instant;
            if asked || !self.dispatcher.is_idle() {
                quiet_since = now;
            } else if now.since(quiet_since) >= QUIET {
                break;
            }
            if now >= half && !self.dispatcher.is_stopping() {
                info!(
                    open = self.dispatcher.gauges().open,
                    "still busy at half the grace period: refusing new requests"
                );
                self.dispatcher.stop();
            }
            if now >= end {
                warn!(
                    open = self.dispatcher.gauges().open,
                    "grace period over: failing the remaining requests"
                );
                break;
            }
        }
        let now = self.clock.now();
        self.dispatcher.give_up(now);
        self.carry_out(now);
        self.metrics.show(self.dispatcher.counters(), self.dispatcher.gauges());
        self.journal.tell(self.dispatcher.counters());
        self.net.close(self.clients);
        self.net.close(self.servidores);
    }

    fn show(&mut self, now: Instant) {
        if now >= self.show_at {
            self.show_at = now + SHOW_EVERY;
            self.metrics.show(self.dispatcher.counters(), self.dispatcher.gauges());
        }
        if now >= self.tell_at {
            self.tell_at = now + TELL_EVERY;
            self.journal.tell(self.dispatcher.counters());
        }
    }
}

fn unsent(error: SendError) -> Unsent {
    match error {
        SendError::Full => Unsent::Full,
        SendError::Unroutable | SendError::Closed => Unsent::Gone,
    }
}
