//! The loop that owns everything: sockets, the core, and the queues of the store's threads.
//!
//! One turn: sleep until something happens; give the core all that happened; do all that it says; tell brokers and the
//! referencia what is due. Whatever came in during one turn leaves as one batch.

mod duties;
mod intake;

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use papo_core::log::ClusterId;
use papo_core::members::DiskId;
use papo_core::replica::{Availability, Input, Message, Replica};
use papo_service::drill::{Breakage, Demand, Orders};
use papo_service::{Boot, Failure, Shutdown, Sparing};
use papo_store::{FaultKind, ReaderThread, Running, StoreEvent, Writer};
use papo_transport::{HostPort, Net, Resolver, SocketId};

use crate::brokers::Brokers;
use crate::clocks::Clocks;
use crate::disk::{Measured, watch_disk};
use crate::indexing::Indexing;
use crate::letter::Sender;
use crate::links::Links;
use crate::metrics::Metrics;
use crate::notices::Notices;
use crate::probes::Probes;
use crate::proxies::Proxies;
use crate::recover::{Recovered, recover};
use crate::registration::Registration;
use crate::requests::{About, ClientRequests, ReadDone};
use crate::settings::Servidor;

/// How often names are resolved again: bounds how long a new broker or proxy waits for us.
const RESOLVE: Duration = Duration::from_secs(1);
/// How often numbers are shown and silent links looked for.
const REVIEW: Duration = Duration::from_millis(500);

/// A servidor, running.
pub(crate) struct Server<N> {
    net: N,
    clocks: Clocks,
    replica: Replica,
    // Dropped in this order: the views may wait for a last write.
    indexing: Indexing,
    reader: ReaderThread,
    writer: Writer,
    links: Links,
    brokers: Brokers,
    proxies: Proxies,
    registration: Registration,
    resolver: Resolver,
    requests: ClientRequests,
    notices: Notices,
    metrics: Metrics,
    probes: Probes,
    unreadable: Sparing,
    orders: Option<Orders>,
    disk: Measured,
    /// Sockets that brokers have sent requests through: what they are answered there shall arrive.
    asked_through: BTreeSet<SocketId>,
    store_events: mpsc::Receiver<StoreEvent>,
    reads: mpsc::Receiver<ReadDone>,
    log_reads: mpsc::Receiver<Input>,
    log_reads_from: mpsc::Sender<Input>,
    header: Header,
    next_review: Instant,
}

/// The encoded header of our messages, and what it was made of.
struct Header {
    of: Option<(Option<ClusterId>, DiskId)>,
    sender: Sender,
    bytes: Vec<u8>,
}

impl Header {
    /// Makes the header anew if the disk or the cluster is another one.
    fn refresh(&mut self, replica: &Replica) {
        let of = Some((replica.cluster(), replica.me().disk));
        if self.of != of {
            self.of = of;
            self.sender = Sender::new(replica.me(), replica.cluster(), None);
            self.bytes = self.sender.encode();
        }
    }
}

impl<N: Net> Server<N> {
    /// Recovers what is on the disk, and opens all sockets.
    pub(crate) fn start(
        mut net: N,
        boot: &Boot<Servidor>,
        name: &str,
        data: &Path,
        advertise: &HostPort,
    ) -> Result<Self, Failure> {
        let settings = &boot.settings;
        let clocks = Clocks::start();
        let waker = net.waker();
        let (events, store_events) = mpsc::channel();
        let Recovered { replica, store, peers } =
            recover(name, data, &settings.genesis, || clocks.now(), events, waker.clone())?;

        let Running { views, reader, writer, .. } = store;
        let replication_port = settings.replication_port.unwrap_or(settings.port + 1);
        let links = Links::bind(
            &mut net,
            SocketAddr::new(settings.listen, settings.port),
            SocketAddr::new(settings.listen, replication_port),
            advertise,
        )?;
        let mut resolver = Resolver::start(waker.clone(), RESOLVE);
        let incarnation = replica.hello(clocks.now()).incarnation;
        let brokers = Brokers::new(&mut resolver, &settings.broker, name.to_owned(), incarnation);
        let proxies = Proxies::new(&mut net, &mut resolver, &settings.proxy)?;
        let own = links.own().peer.clone();
        let registration =
            Registration::new(&mut net, &mut resolver, &settings.referencia, name.to_owned(), own.clone())?;

        let (reads_from, reads) = mpsc::channel();
        let (log_reads_from, log_reads) = mpsc::channel();
        let metrics = Metrics::new(&boot.metrics);
        let disk = watch_disk(data, &boot.health, boot.shutdown.clone())?;
        let about = About { own, disk: disk.clone(), addresses: Default::default(), clocks };
        let requests = ClientRequests::new(about, reads_from, waker, metrics.clone());
        let header = Header { of: None, sender: Sender::new(replica.me(), None, None), bytes: Vec::new() };
        let mut server = Self {
            net,
            clocks,
            replica,
            indexing: Indexing::new(views),
            reader,
            writer,
            links,
            brokers,
            proxies,
            registration,
            resolver,
            requests,
            notices: Notices::default(),
            metrics,
            probes: Probes::new(boot.health.clone()),
            unreadable: Sparing::new(intake::tell_unreadable),
            orders: None,
            disk,
            asked_through: BTreeSet::new(),
            store_events,
            reads,
            log_reads,
            log_reads_from,
            header,
            next_review: Instant::now(),
        };
        let remembered = peers.iter().filter_map(|(_, address)| address.parse().ok());
        for seed in settings.peers.iter().cloned().chain(remembered).collect::<Vec<HostPort>>() {
            server.links.add_seed(&mut server.resolver, &seed);
        }
        Ok(server)
    }

    /// Serves until told to stop and all is handed over, or the grace is over.
    pub(crate) fn run(&mut self, boot: Boot<Servidor>) -> Result<(), Failure> {
        let Boot { shutdown, settings, drill, .. } = boot;
        shutdown.wakes(self.net.waker());
        self.hear_orders(drill)?;
        self.serve_until(&shutdown, settings.grace)?;
        self.part();
        Ok(())
    }

    fn serve_until(&mut self, shutdown: &Shutdown, grace: Duration) -> Result<(), Failure> {
        let mut ready: Vec<SocketId> = Vec::new();
        let mut stopping: Option<Instant> = None;
        loop {
            let busy = self.turn(&mut ready)?;
            self.probes.turned();
            if stopping.is_none() && shutdown.is_requested() {
                tracing::info!("stopping");
                stopping = Some(Instant::now() + grace);
                self.probes.stopping();
                self.replica.handle(self.clocks.now(), Input::Stop);
                continue;
            }
            if let Some(until) = stopping {
                // The core knows nothing of what is read from the disk.
                if self.replica.drained() && self.requests.is_idle() {
                    return Ok(());
                }
                if Instant::now() >= until {
                    tracing::warn!("grace period over before everything was handed over");
                    return Ok(());
                }
            }
            if !busy {
                self.net.wait(Some(self.patience()), &mut ready);
            }
        }
    }

    /// Lets the last answers leave: by themselves, sockets drop what they have not sent.
    fn part(&mut self) {
        for socket in std::mem::take(&mut self.asked_through) {
            self.net.close(socket);
        }
        self.net.close(self.links.router);
    }

    /// One turn; true if it left something lying for the next one.
    fn turn(&mut self, ready: &mut Vec<SocketId>) -> Result<bool, Failure> {
        self.take_store_events()?;
        let busy = self.take_messages(ready);
        self.take_reads();
        self.take_changes();
        self.take_orders();
        let now = self.clocks.now();
        if now.instant >= self.replica.deadline() {
            self.replica.handle(now, Input::Tick);
        }
        self.do_duties();
        self.start_reads();
        self.indexing.turn();
        self.brokers.turn(&mut self.net, self.replica.chat().applied());
        self.register();
        self.proxies.turn(&mut self.net);
        self.greet_newcomers();
        self.review();
        Ok(busy)
    }

    /// How long to sleep if nothing happens.
    fn patience(&self) -> Duration {
        let now = self.clocks.now().instant;
        let core = self.replica.deadline().since(now);
        let others = self.brokers.deadline().min(self.registration.deadline()).min(self.next_review);
        let some = [self.indexing.deadline(), self.links.newcomers_deadline(), self.proxies.deadline()];
        let others = some.into_iter().flatten().fold(others, Instant::min);
        core.min(others.saturating_duration_since(Instant::now()))
    }

    fn take_store_events(&mut self) -> Result<(), Failure> {
        let mut durable = None;
        while let Ok(event) = self.store_events.try_recv() {
            match event {
                StoreEvent::Durable { up_to, took } => {
                    self.metrics.disk_wrote(took);
                    self.probes.stored(up_to);
                    durable = Some(up_to);
                }
                StoreEvent::Stalled { error } => {
                    tracing::error!(error, "the disk is full: nothing is acknowledged until there is room");
                    self.disk_full(true);
                    self.replica.handle(self.clocks.now(), Input::DiskRefuses(true));
                }
                StoreEvent::Recovered => {
                    tracing::info!("the disk takes writes again");
                    self.disk_full(false);
                    self.replica.handle(self.clocks.now(), Input::DiskRefuses(false));
                }
                StoreEvent::Failed { error, kind } => return Err(disk_failed(&error, kind)),
            }
        }
        if let Some(id) = durable {
            self.replica.handle(self.clocks.now(), Input::Durable(id));
        }
        Ok(())
    }

    fn greet_newcomers(&mut self) {
        if self.links.newcomers_deadline().is_some_and(|deadline| Instant::now() >= deadline) {
            self.header.refresh(&self.replica);
            let hello = Message::Hello(self.replica.hello(self.clocks.now()));
            self.links.greet_newcomers(&mut self.net, &self.header.sender, &hello);
        }
    }

    fn register(&mut self) {
        if Instant::now() < self.registration.deadline() {
            return;
        }
        let now = self.clocks.now();
        let rank = if self.replica.cluster().is_some() { self.replica.rank() } else { 0 };
        let (time, clock) = self.requests.stamps(now, &self.replica);
        self.registration.turn(&mut self.net, rank, time, clock);
    }

    fn review(&mut self) {
        if Instant::now() < self.next_review {
            return;
        }
        self.next_review = Instant::now() + REVIEW;
        self.tell_overdue();
        self.links.review(&mut self.net);
        self.asked_through.retain(|socket| self.brokers.owns(*socket));
        let status = self.replica.status(self.clocks.now());
        self.probes.review(&status);
        self.metrics.show(&status);
        self.metrics.disk_owes(self.probes.backlog());
        self.metrics.brokers.set(i64::try_from(self.brokers.alive()).unwrap_or(i64::MAX));
        if let Some(usage) = self.disk.last() {
            self.metrics.disk_usage(usage);
        }
    }

    fn disk_full(&mut self, full: bool) {
        self.probes.disk_full(full);
        self.metrics.disk_full.set(i64::from(full));
    }

    fn hear_orders(&mut self, orders: Option<Orders>) -> Result<(), Failure> {
        self.orders = orders;
        if let Some(orders) = &mut self.orders {
            self.metrics.drill_hooks.set(1);
            orders.listen(&self.replica.me().name, self.net.waker())?;
        }
        Ok(())
    }

    fn take_orders(&mut self) {
        while let Some(order) = self.orders.as_ref().and_then(Orders::next) {
            tracing::warn!(demand = ?order.demand, "a drill orders");
            match &order.demand {
                Demand::Cut(from) if from.contains(&self.replica.me().name) => {
                    order.refuse("a servidor cannot be cut off from itself");
                }
                Demand::Cut(from) => {
                    self.links.cut.set(from.clone());
                    order.done();
                }
                Demand::Break(how) => {
                    let broken = *how == Some(Breakage::AcknowledgeBeforeStore);
                    match self.writer.acknowledge_before_store(broken) {
                        Ok(()) => order.done(),
                        Err(error) => order.refuse(format!("it cannot be broken: {error}")),
                    }
                }
            }
        }
    }

    fn available(&mut self, availability: Availability) {
        use papo_wire::envelope::State;
        let state = match availability {
            Availability::Serving => State::Serving,
            Availability::Draining => State::Draining,
            Availability::Withdrawn => State::Withdrawn,
        };
        tracing::info!(state = state.as_str(), "availability changed");
        self.metrics.serving.set(i64::from(availability == Availability::Serving));
        if availability == Availability::Serving {
            self.probes.serves();
        }
        self.brokers.announce(&mut self.net, state, self.replica.chat().applied());
    }
}

fn disk_failed(error: &str, kind: FaultKind) -> Failure {
    Failure::disk(format!(
        "{error} ({kind:?}). Nothing that was acknowledged is lost: the others have it. Repair the disk, or move its data \
         aside; the servidor then joins anew and learns it from them"
    ))
}
