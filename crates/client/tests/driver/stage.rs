use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use papo_client::{
    Answered, Ask, Client, ClientSettings, Event, Events, Handle, Outcome, RequestId, Saved, SessionId,
    SessionOptions, Timing,
};
use papo_transport::{HostPort, MemoryFabric, MemoryNet, Net, ZmqContext, ZmqNet};

use crate::fake::{Fake, MakeNet};

/// Nothing takes longer unless something is broken.
const LIMIT: Duration = Duration::from_secs(20);

/// A fake chat, and a client of it.
pub(crate) struct Stage<N> {
    pub(crate) fake: Fake<N>,
    pub(crate) handle: Handle,
    events: Events,
    backlog: VecDeque<(SessionId, Event)>,
}

pub(crate) fn in_memory(brokers: usize) -> Stage<MemoryNet> {
    let fabric = MemoryFabric::new();
    Stage::start(Arc::new(move || fabric.net()), brokers)
}

pub(crate) fn over_zeromq(brokers: usize) -> Stage<ZmqNet> {
    let context = ZmqContext::new();
    Stage::start(Arc::new(move || ZmqNet::new(&context).expect("a net")), brokers)
}

impl<N: Net + Send + 'static> Stage<N> {
    fn start(make: MakeNet<N>, brokers: usize) -> Self {
        let net = make();
        let fake = Fake::start(make, brokers, 1);
        let addresses: Vec<_> = (0..brokers).map(|number| fake.broker_address(number)).collect();
        let broker = "broker:5557".parse().expect("a name");
        let settings = ClientSettings::new(broker, fake.proxy_address(0).into());
        let lookup = move |_: &HostPort| Ok(addresses.clone());
        let (handle, events) = Client::start_on(net, &settings, lookup).expect("a client");
        Self { fake, handle, events, backlog: VecDeque::new() }
    }

    pub(crate) fn log_in(&mut self, user: &str) -> SessionId {
        self.log_in_as(user, None)
    }

    pub(crate) fn log_in_as(&mut self, user: &str, saved: Option<Saved>) -> SessionId {
        let session = self.handle.open(quick());
        let login = self.handle.ask(session, Ask::Login { user: user.to_owned(), saved });
        assert!(matches!(self.answer(&login).outcome, Outcome::Stored(_)));
        session
    }

    pub(crate) fn join(&mut self, session: SessionId, channel: &str) {
        let join = self.handle.ask(session, Ask::Join(channel.to_owned()));
        assert!(matches!(self.answer(&join).outcome, Outcome::Stored(_)));
    }

    pub(crate) fn publish(&mut self, session: SessionId, channel: &str, text: &str) -> RequestId {
        self.handle.ask(session, Ask::Publish { channel: channel.to_owned(), text: text.to_owned() })
    }

    pub(crate) fn answer(&mut self, request: &RequestId) -> Answered {
        self.wait("an answer", |_, event| match event {
            Event::Answered(answered) if answered.request == *request => Some(answered.clone()),
            _ => None,
        })
    }

    pub(crate) fn event(&mut self, session: SessionId, wanted: &Event) {
        let what = format!("{wanted:?}");
        self.wait(&what, |of, event| (of == session && event == wanted).then_some(()));
    }

    /// The texts of the next messages of a session.
    pub(crate) fn messages(&mut self, session: SessionId, number: usize) -> Vec<String> {
        (0..number).map(|_| self.message(session)).collect()
    }

    fn message(&mut self, session: SessionId) -> String {
        self.wait("a message", |of, event| match event {
            Event::Message(shown) if of == session => Some(shown.said.message.clone()),
            _ => None,
        })
    }

    /// The first event, of those not taken yet, of which `find` makes something. The others stay for later.
    pub(crate) fn wait<T>(&mut self, what: &str, mut find: impl FnMut(SessionId, &Event) -> Option<T>) -> T {
        let deadline = Instant::now() + LIMIT;
        let mut looked_at = 0;
        loop {
            for at in looked_at..self.backlog.len() {
                let (session, event) = &self.backlog[at];
                if let Some(found) = find(*session, event) {
                    self.backlog.remove(at);
                    return found;
                }
            }
            looked_at = self.backlog.len();
            let left = deadline.saturating_duration_since(Instant::now());
            match self.events.next_within(left) {
                Ok(next) => self.backlog.push_back(next),
                Err(error) => panic!("waiting for {what}: {error}; there were {:#?}", self.backlog),
            }
        }
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.events.next().is_none()
    }
}

/// Like a person's session, in a fifth of the time.
pub(crate) fn quick() -> SessionOptions {
    let timing = Timing {
        retry: Duration::from_millis(200),
        lost: Duration::from_millis(600),
        quiet: Duration::from_millis(600),
        busy: Duration::from_secs(3),
        ..Timing::default()
    };
    SessionOptions { timing, progress: true }
}
