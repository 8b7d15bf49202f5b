//! Sessions on a thread of their own, and how an application talks to them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender, TryRecvError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use papo_transport::{Lookup, Net, OpenError, Resolver, Waker, ZmqContext, ZmqNet};
use thiserror::Error;

use crate::driver::{Command, Driver};
use crate::{Ask, ClientSettings, Event, RequestId, SessionOptions};

/// How many events may wait for the application.
const EVENTS: usize = 16 * 1024;

/// Names one session of one client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(pub(crate) u32);

/// Starts clients.
#[derive(Debug)]
pub struct Client;

/// A client could not be started.
#[derive(Debug, Error)]
pub enum StartError {
    /// No socket could be made.
    #[error(transparent)]
    Socket(#[from] OpenError),
    /// No thread could be made.
    #[error("cannot start a thread: {0}")]
    Thread(#[from] std::io::Error),
}

impl Client {
    /// Starts a client without sessions, over ZeroMQ. Nobody needs to be there yet.
    ///
    /// # Errors
    /// The system has no sockets or threads left.
    pub fn start(context: &ZmqContext, settings: &ClientSettings) -> Result<(Handle, Events), StartError> {
        let net = ZmqNet::new(context)?;
        let resolver = Resolver::start(net.waker(), settings.refresh);
        launch(net, resolver, settings)
    }

    /// The same over any net, and with a look-up of one's own.
    ///
    /// # Errors
    /// The system has no sockets or threads left.
    pub fn start_on<N: Net + Send + 'static>(
        net: N,
        settings: &ClientSettings,
        lookup: impl Lookup,
    ) -> Result<(Handle, Events), StartError> {
        let resolver = Resolver::with_lookup(net.waker(), settings.refresh, lookup);
        launch(net, resolver, settings)
    }
}

fn launch<N: Net + Send + 'static>(
    net: N,
    resolver: Resolver,
    settings: &ClientSettings,
) -> Result<(Handle, Events), StartError> {
    let (commands, orders) = mpsc::channel();
    let (tell, events) = mpsc::sync_channel(EVENTS);
    let waker = net.waker();
    let driver = Driver::new(net, resolver, settings, orders, tell)?;
    let thread = thread::Builder::new().name("client".to_owned()).spawn(move || driver.run())?;
    let stop = Stop { commands: commands.clone(), waker: waker.clone() };
    let handle = Handle { commands, waker, next: Arc::new(AtomicU32::new(0)) };
    Ok((handle, Events { events: Some(events), thread: Some(thread), stop }))
}

/// Asks for things. Never blocks; what comes of it is told by [`Events`].
#[derive(Clone, Debug)]
pub struct Handle {
    commands: Sender<Command>,
    waker: Waker,
    next: Arc<AtomicU32>,
}

impl Handle {
    /// Opens a session, which costs a kilobyte and no thread, socket or connection of its own.
    pub fn open(&self, options: SessionOptions) -> SessionId {
        let session = SessionId(self.next.fetch_add(1, Ordering::Relaxed));
        self.order(Command::Open(session, options));
        session
    }

    /// Asks for something under a new random id.
    pub fn ask(&self, session: SessionId, ask: Ask) -> RequestId {
        let request = RequestId::random();
        self.ask_as(session, request.clone(), ask, None);
        request
    }

    /// Asks for something under an id of the caller's: to ask again what ended as [`crate::Outcome::Unknown`], for instance.
    /// It is given up after `patience`, or the session's deadline.
    pub fn ask_as(&self, session: SessionId, request: RequestId, ask: Ask, patience: Option<Duration>) {
        self.order(Command::Ask { session, request, ask, patience });
    }

    /// Ends a session. Nothing more is told of it.
    pub fn close(&self, session: SessionId) {
        self.order(Command::Close(session));
    }

    /// Ends the client. [`Events`] end too.
    pub fn stop(&self) {
        self.order(Command::Stop);
    }

    fn order(&self, command: Command) {
        // A client that has ended takes no orders, and has told so by ending its events.
        if self.commands.send(command).is_ok() {
            self.waker.wake();
        }
    }
}

/// What happens to the sessions of one client, in order.
///
/// The queue is bounded: a client whose application does not take its events stops and waits, since nothing of them may be
/// dropped. Dropping this ends the client.
#[derive(Debug)]
pub struct Events {
    events: Option<Receiver<(SessionId, Event)>>,
    thread: Option<JoinHandle<()>>,
    stop: Stop,
}

#[derive(Debug)]
struct Stop {
    commands: Sender<Command>,
    waker: Waker,
}

impl Events {
    /// Waits for the next event; `None` when the client has ended.
    pub fn next(&self) -> Option<(SessionId, Event)> {
        self.receiver().recv().ok()
    }

    /// Waits for the next event, for a while.
    ///
    /// # Errors
    /// There was none, or the client has ended.
    pub fn next_within(&self, limit: Duration) -> Result<(SessionId, Event), RecvTimeoutError> {
        self.receiver().recv_timeout(limit)
    }

    /// The next event, if there is one already.
    ///
    /// # Errors
    /// There is none, or the client has ended.
    pub fn next_now(&self) -> Result<(SessionId, Event), TryRecvError> {
        self.receiver().try_recv()
    }

    fn receiver(&self) -> &Receiver<(SessionId, Event)> {
        self.events.as_ref().expect("only dropping takes it away")
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        // A driver that waits for room in the queue must see that nobody takes anything any more.
        self.events = None;
        if self.stop.commands.send(Command::Stop).is_ok() {
            self.stop.waker.wake();
        }
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the client's thread has panicked");
        }
    }
}
