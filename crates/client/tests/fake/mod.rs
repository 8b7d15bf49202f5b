//! A chat that is just good enough to test clients against: one state, any number of brokers and proxies in front of it, each
//! of which can be silenced, stopped and started again.

mod chat;
mod front;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};

use papo_transport::Net;

pub use self::chat::FakeChat;
use self::front::{Front, Role};

/// Makes a net for each thread.
pub type MakeNet<N> = Arc<dyn Fn() -> N + Send + Sync>;

pub struct Fake<N> {
    make: MakeNet<N>,
    chat: Arc<Mutex<FakeChat>>,
    brokers: Vec<Front>,
    proxies: Arc<Mutex<Vec<Front>>>,
}

impl<N: Net + Send + 'static> Fake<N> {
    pub fn start(make: MakeNet<N>, brokers: usize, proxies: usize) -> Self {
        let mut fake = Self { make, chat: Arc::default(), brokers: Vec::new(), proxies: Arc::default() };
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        for _ in 0..proxies {
            let front = Front::start((fake.make)(), any, Role::Proxy);
            fake.lock_proxies().push(front);
        }
        for _ in 0..brokers {
            let front = fake.broker(any);
            fake.brokers.push(front);
        }
        fake
    }

    pub fn broker_address(&self, number: usize) -> SocketAddr {
        self.brokers[number].address
    }

    pub fn proxy_address(&self, number: usize) -> SocketAddr {
        self.lock_proxies()[number].address
    }

    /// What was done so far, and by whom: to look at, and to change behind everybody's back.
    pub fn chat(&self) -> MutexGuard<'_, FakeChat> {
        self.chat.lock().expect("no test has failed")
    }

    /// Takes requests and does not answer them; they have no effect.
    pub fn silence_broker(&self, number: usize, silent: bool) {
        self.brokers[number].silence(silent);
    }

    /// Publishes nothing.
    pub fn silence_proxy(&self, number: usize, silent: bool) {
        self.lock_proxies()[number].silence(silent);
    }

    pub fn stop_broker(&mut self, number: usize) {
        self.brokers[number].stop();
    }

    /// Starts it where it was.
    pub fn start_broker(&mut self, number: usize) {
        let address = self.brokers[number].address;
        self.brokers[number] = self.broker(address);
    }

    /// Says something in the name of somebody else, and publishes it.
    pub fn say(&self, from: &str, channel: &str, text: &str) -> u64 {
        let mut chat = self.chat();
        let (frames, index) = chat.publish(from, channel, text, None);
        self.lock_proxies().iter().for_each(|proxy| proxy.send(frames.clone()));
        index
    }

    /// Says something in private in the name of somebody else, and publishes it.
    pub fn whisper(&self, from: &str, to: &str, text: &str) -> u64 {
        let mut chat = self.chat();
        let (frames, index) = chat.message(from, to, text, None);
        self.lock_proxies().iter().for_each(|proxy| proxy.send(frames.clone()));
        index
    }

    fn broker(&self, address: SocketAddr) -> Front {
        let (chat, proxies) = (Arc::clone(&self.chat), Arc::clone(&self.proxies));
        let serve = move |payload: &[u8]| {
            let mut chat = chat.lock().expect("no test has failed");
            let (reply, published) = chat.serve(payload);
            // Under the chat's lock, so that everything is published in the order of the log.
            if let Some(frames) = published {
                let proxies = proxies.lock().expect("no test has failed");
                proxies.iter().for_each(|proxy| proxy.send(frames.clone()));
            }
            reply
        };
        Front::start((self.make)(), address, Role::Broker(Box::new(serve)))
    }

    fn lock_proxies(&self) -> MutexGuard<'_, Vec<Front>> {
        self.proxies.lock().expect("no test has failed")
    }
}
