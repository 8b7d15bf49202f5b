//! The loop around two sockets: publications come in at one and go out at the other as [`FanOut`] says, subscriptions come in at
//! the other and are accepted or not as [`Rules`] say.
//!
//! Subscriptions are heard before publications of the same turn, and neither side takes more than a batch at a time, so that
//! neither starves the other. It stops by forwarding what has arrived, then closes.
//!
//! Not done: nothing is kept for who is not connected, or too slow, or comes later: clients of ours fetch what they missed from
//! the servidores. Proxies know nothing of one another; a client needs one, and servidores publish to all.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use papo_service::{Health, Shutdown};
use papo_transport::{BindError, Kind, Net, OpenError, SocketId, SocketOptions};
use thiserror::Error;
use tracing::{debug, error, info};

use crate::fan_out::FanOut;
use crate::journal::Journal;
use crate::metrics::ProxyMetrics;
use crate::settings::ProxySettings;
use crate::subscriptions::{Rules, Said};

/// Messages taken from one socket before the other has its turn: neither side can starve the other.
const BATCH: usize = 256;
/// The loop turns at least this often, to show that it lives.
const IDLE: Duration = Duration::from_millis(500);
/// Not turning for this long is being stuck.
const STUCK: Duration = Duration::from_secs(5);
/// A proxy that has just been started gets no subscribers until the coordinator has found it, which takes as long as names are
/// remembered somewhere: they would hear nothing. After this long it takes them all the same, for there may be no coordinator.
/// Once it is ready, no servidor's death changes that.
const ALONE: Duration = Duration::from_secs(15);
/// How often it is shown who listens.
const SHOW_EVERY: Duration = Duration::from_millis(500);
/// Turns that a stopping proxy takes to forward what has already arrived.
const LAST_TURNS: usize = 40;
/// Bytes of the longest frame that a subscriber may send: far beyond the longest topic.
const LONGEST_TOPIC: usize = 4096;

/// The loop: moves publications down and subscriptions up, as [`FanOut`] and [`Rules`] say.
#[derive(Debug)]
pub struct Proxy<N> {
    net: N,
    publishers: SocketId,
    subscribers: SocketId,
    publisher_address: SocketAddr,
    subscriber_address: SocketAddr,
    fan_out: FanOut,
    rules: Rules,
    metrics: ProxyMetrics,
    journal: Journal,
    ready: Vec<SocketId>,
    show_at: Instant,
}

/// The proxy cannot start.
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

impl<N: Net> Proxy<N> {
    /// Opens and binds both sockets.
    ///
    /// # Errors
    /// A port is in use, or cannot be had for another reason.
    pub fn bind(mut net: N, settings: &ProxySettings, metrics: ProxyMetrics) -> Result<Self, StartError> {
        let queue = usize::try_from(settings.subscriber_queue).expect("a word has 32 bits or more");
        let towards_publishers = SocketOptions { receive_queue: 10_000, ..SocketOptions::default() };
        let towards_subscribers =
            SocketOptions { max_message: LONGEST_TOPIC, send_queue: queue, ..SocketOptions::default() };
        let publishers = net.open(Kind::ProxyIn, &towards_publishers)?;
        let subscribers = net.open(Kind::ProxyOut, &towards_subscribers)?;
        let publisher_address = net
            .bind(publishers, settings.publisher_address())
            .map_err(|error| StartError::Bind { whom: "publishers", error })?;
        let subscriber_address = net
            .bind(subscribers, settings.subscriber_address())
            .map_err(|error| StartError::Bind { whom: "subscribers", error })?;
        Ok(Self {
            net,
            publishers,
            subscribers,
            publisher_address,
            subscriber_address,
            fan_out: FanOut::new(),
            rules: settings.subscriptions,
            metrics,
            journal: Journal::new(),
            ready: Vec::new(),
            show_at: Instant::now(),
        })
    }

    /// Where servidores connect, with the real port.
    pub fn publisher_address(&self) -> SocketAddr {
        self.publisher_address
    }

    /// Where subscribers connect, with the real port.
    pub fn subscriber_address(&self) -> SocketAddr {
        self.subscriber_address
    }

    /// Serves until `shutdown` is raised, then forwards what has arrived, and returns.
    pub fn run(mut self, shutdown: &Shutdown, health: &Health) {
        let waker = self.net.waker();
        shutdown.on_request(move || waker.wake());
        let pulse = health.watch("fan-out", STUCK);
        health.set_started();
        let alone_until = Instant::now() + ALONE;
        let mut ready = false;
        while !shutdown.is_requested() {
            self.turn(IDLE);
            pulse.beat();
            if !ready && (self.fan_out.has_been_found() || Instant::now() >= alone_until) {
                ready = true;
                health.set_ready();
            }
        }
        health.set_not_ready("stopping");
        info!(index = self.fan_out.index(), "stopping: forwarding what has arrived");
        let mut turns = 0..LAST_TURNS;
        while turns.next().is_some() && self.turn(Duration::ZERO) {
            pulse.beat();
        }
        self.net.close(self.publishers);
        self.net.close(self.subscribers);
    }

    /// Waits for messages, at most for `longest`, and handles what there is. Returns whether there was anything.
    fn turn(&mut self, longest: Duration) -> bool {
        let mut ready = std::mem::take(&mut self.ready);
        self.net.wait(Some(longest), &mut ready);
        // Subscriptions first: what is published after somebody subscribed is for them, too.
        if ready.contains(&self.subscribers) {
            self.hear_subscribers();
        }
        if ready.contains(&self.publishers) {
            self.forward();
        }
        if self.show_at <= Instant::now() {
            self.show_at = Instant::now() + SHOW_EVERY;
            self.metrics.heard_by(&self.net.audience(self.subscribers));
        }
        self.journal.tell(&self.metrics);
        let busy = !ready.is_empty();
        self.ready = ready;
        busy
    }

    fn hear_subscribers(&mut self) {
        for _ in 0..BATCH {
            let Some(frames) = self.net.receive(self.subscribers) else { return };
            match Said::parse(&frames) {
                Some(Said::Subscribe(topic)) => self.subscribe(topic),
                // It is over already; only what was accepted is told to be over.
                Some(Said::Cancel(_)) => {
                    self.metrics.cancelled().inc();
                }
                // Nets count what subscribers send besides, and keep it to themselves.
                None => debug!("neither a subscription nor a cancellation"),
            }
        }
    }

    /// Accepts for whoever was just heard, or does nothing, which refuses.
    fn subscribe(&mut self, topic: &[u8]) {
        match self.rules.judge(topic) {
            Ok(()) => {
                self.net.subscribe(self.subscribers, topic);
                self.metrics.accepted().inc();
            }
            Err(why) => {
                debug!(topic = %topic.escape_ascii(), reason = why.as_str(), "refused a subscription");
                self.metrics.refused(why).inc();
            }
        }
    }

    fn forward(&mut self) {
        for _ in 0..BATCH {
            let Some(frames) = self.net.receive(self.publishers) else { break };
            match self.fan_out.take(frames) {
                Ok(forward) => {
                    // The socket drops for subscribers that are full, and takes everything; failing is a fault of ours.
                    if let Err(error) = self.net.send(self.subscribers, forward.frames) {
                        error!(%error, "cannot publish");
                    }
                    self.metrics.forwarded(forward.kind).inc();
                }
                Err(why) => {
                    debug!(reason = why.as_str(), "dropped a publication");
                    self.metrics.dropped(why).inc();
                }
            }
        }
        self.metrics.reached(&self.fan_out);
    }
}
