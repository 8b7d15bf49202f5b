//! A dispatcher on a stage: clients and servidores are played by the test, time is a number.

#![allow(dead_code, reason = "each test file uses a part of it")]

use std::collections::BTreeMap;
use std::time::Duration;

use papo_broker::dispatcher::{Action, Dispatcher, Policy, Unsent};
use papo_core::clock::{Instant, Now, WallTime};
use papo_wire::envelope::{Beacon, Dispatch, Ordered, State, Ticket, ToBroker, ToServidor};
use papo_wire::reply::{Failure, Reply};
use papo_wire::request::{Body, Request};

/// How often a servidor on the stage says that it is there.
const BEACON_EVERY: u64 = 100;

/// A request as it reached a servidor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sent {
    pub(crate) at: u64,
    pub(crate) to: String,
    pub(crate) dispatch: Dispatch,
    pub(crate) payload: Vec<u8>,
}

impl Sent {
    pub(crate) fn ticket(&self) -> Ticket {
        self.dispatch.ticket
    }
}

/// What a client got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Got {
    pub(crate) at: u64,
    pub(crate) client: String,
    pub(crate) payload: Vec<u8>,
}

impl Got {
    /// The broker's own error in it.
    pub(crate) fn failure(&self) -> Failure {
        Reply::decode(&self.payload).expect("a reply").answer.expect_err("a failure")
    }
}

pub(crate) struct Stage {
    pub(crate) dispatcher: Dispatcher,
    pub(crate) now: u64,
    /// Servidores that send beacons as time passes, with what they say and their next one.
    playing: BTreeMap<String, (State, u64)>,
    /// What each servidor said last, and when.
    said: BTreeMap<String, (State, u64)>,
    sent: Vec<Sent>,
    got: Vec<Got>,
    welcomes: Vec<(String, u64)>,
    /// Links on which sending fails.
    pub(crate) broken: BTreeMap<String, Unsent>,
}

impl Stage {
    pub(crate) fn new(policy: Policy) -> Self {
        Self {
            dispatcher: Dispatcher::new(policy, 77),
            now: 0,
            playing: BTreeMap::new(),
            said: BTreeMap::new(),
            sent: Vec::new(),
            got: Vec::new(),
            welcomes: Vec::new(),
            broken: BTreeMap::new(),
        }
    }

    /// A stage with servidores that serve.
    pub(crate) fn with(servidores: &[&str]) -> Self {
        let mut stage = Self::new(Policy::default());
        servidores.iter().for_each(|servidor| stage.play(servidor, State::Serving));
        stage
    }

    pub(crate) fn ask(&mut self, client: &str, payload: &[u8]) {
        self.client(&[client.as_bytes(), b"", payload]);
    }

    pub(crate) fn client(&mut self, frames: &[&[u8]]) {
        self.dispatcher.client(self.clocks(), frames.iter().map(|frame| frame.to_vec()).collect());
        self.collect();
    }

    /// A client sends frames that are most probably no request.
    pub(crate) fn garble_client(&mut self, mut frames: Vec<Vec<u8>>) {
        frames.insert(0, b"garbage".to_vec());
        self.dispatcher.client(self.clocks(), frames);
        self.collect();
    }

    /// From now on that servidor says this, at once and every 100 ms.
    pub(crate) fn play(&mut self, servidor: &str, state: State) {
        self.playing.insert(servidor.to_owned(), (state, self.now + BEACON_EVERY));
        self.beacon(servidor, state, 1);
    }

    /// From now on nothing is heard of that servidor.
    pub(crate) fn mute(&mut self, servidor: &str) {
        self.playing.remove(servidor);
    }

    pub(crate) fn beacon(&mut self, servidor: &str, state: State, incarnation: u64) {
        self.said.insert(servidor.to_owned(), (state, self.now));
        let beacon = Beacon { state, incarnation, index: 0, name: servidor.to_owned() };
        self.servidor(servidor, ToBroker::Beacon(beacon));
    }

    pub(crate) fn answer(&mut self, sent: &Sent, index: u64, payload: &[u8]) {
        self.answer_from(&sent.to, sent.ticket(), index, payload);
    }

    pub(crate) fn answer_from(&mut self, servidor: &str, ticket: Ticket, index: u64, payload: &[u8]) {
        self.servidor(servidor, ToBroker::Answer { ticket, index, payload: payload.to_vec() });
    }

    pub(crate) fn elsewhere(&mut self, sent: &Sent, ordered: Ordered) {
        self.servidor(&sent.to, ToBroker::Elsewhere { ticket: sent.ticket(), ordered });
    }

    fn servidor(&mut self, servidor: &str, said: ToBroker) {
        let mut frames = vec![servidor.as_bytes().to_vec()];
        frames.extend(said.encode());
        self.servidor_frames(frames);
    }

    pub(crate) fn servidor_frames(&mut self, frames: Vec<Vec<u8>>) {
        self.dispatcher.servidor(self.clocks(), frames);
        self.collect();
    }

    /// Lets time pass: beacons are sent, and the dispatcher is woken when it wants to be.
    pub(crate) fn pass(&mut self, millis: u64) {
        let end = self.now + millis;
        loop {
            let beacon = self.playing.values().map(|(_, next)| *next).min();
            let wake = self.dispatcher.wake_at().map(|at| at.as_nanos().div_ceil(1_000_000));
            let next = [beacon, wake].into_iter().flatten().min().unwrap_or(end).max(self.now);
            if next > end {
                break;
            }
            self.now = next;
            self.send_beacons();
            self.tick();
            if next == end && self.dispatcher.wake_at().is_none_or(|at| at > self.clocks().instant) {
                break;
            }
        }
        self.now = end;
        self.tick();
    }

    /// Time passes, but not for the dispatcher: its process stands still. Beacons arrive in its sockets meanwhile.
    pub(crate) fn stand_still(&mut self, millis: u64) {
        self.now += millis;
        for (_, next) in self.playing.values_mut() {
            *next = self.now + BEACON_EVERY;
        }
    }

    pub(crate) fn tick(&mut self) {
        self.dispatcher.tick(self.clocks());
        self.collect();
    }

    fn send_beacons(&mut self) {
        let now = self.now;
        let due = self.playing.iter_mut().filter(|(_, (_, next))| *next <= now);
        let due: Vec<_> = due
            .map(|(servidor, (state, next))| {
                *next = now + BEACON_EVERY;
                (servidor.clone(), *state)
            })
            .collect();
        for (servidor, state) in due {
            self.beacon(&servidor, state, 1);
        }
    }

    /// The requests that reached servidores since the last time.
    pub(crate) fn sent(&mut self) -> Vec<Sent> {
        std::mem::take(&mut self.sent)
    }

    /// The one request that reached a servidor since the last time.
    pub(crate) fn only_sent(&mut self) -> Sent {
        let sent = self.sent();
        let [one] = &sent[..] else { panic!("not exactly one request was sent: {sent:?}") };
        one.clone()
    }

    /// What clients got since the last time.
    pub(crate) fn got(&mut self) -> Vec<Got> {
        std::mem::take(&mut self.got)
    }

    /// The one answer that a client got since the last time.
    pub(crate) fn only_got(&mut self) -> Got {
        let got = self.got();
        let [one] = &got[..] else { panic!("not exactly one answer was given: {got:?}") };
        one.clone()
    }

    pub(crate) fn welcomes(&mut self) -> Vec<(String, u64)> {
        std::mem::take(&mut self.welcomes)
    }

    pub(crate) fn clocks(&self) -> Now {
        Now {
            instant: Instant::ZERO + Duration::from_millis(self.now),
            wall: WallTime::EPOCH.plus(Duration::from_millis(1_700_000_000_000 + self.now)),
        }
    }

    pub(crate) fn collect(&mut self) {
        while let Some(action) = self.dispatcher.poll() {
            match action {
                Action::Answer { frames, .. } => {
                    let (client, payload) = (&frames[0], &frames[frames.len() - 1]);
                    // Garbage is answered in the shape that it came in.
                    let delimited = frames.len() == 3 && frames[1].is_empty();
                    assert!(delimited || client == b"garbage", "a REQ client cannot read this: {frames:?}");
                    self.got.push(Got { at: self.now, client: text(client), payload: payload.clone() });
                }
                Action::Send { frames, ticket } => self.deliver(frames, ticket),
            }
        }
    }

    fn deliver(&mut self, frames: Vec<Vec<u8>>, ticket: Option<Ticket>) {
        let mut frames = frames.into_iter();
        let to = text(&frames.next().expect("a servidor"));
        if let Some(why) = self.broken.get(&to) {
            return self.dispatcher.unsent(self.clocks(), ticket, *why);
        }
        match ToServidor::decode(frames).expect("an envelope") {
            ToServidor::Dispatch { dispatch, payload } => {
                assert_eq!(ticket, Some(dispatch.ticket));
                let (state, heard) = self.said[&to];
                assert_eq!(state, State::Serving, "{to} does not serve");
                assert!(self.now - heard < 400, "{to} has been silent for {} ms", self.now - heard);
                self.sent.push(Sent { at: self.now, to, dispatch, payload });
            }
            ToServidor::Welcome { incarnation } => self.welcomes.push((to, incarnation)),
        }
    }
}

/// The payload of a write.
pub(crate) fn publish(message: &str) -> Vec<u8> {
    let body = Body::Publish { user: "ana".into(), channel: "geral".into(), message: message.into() };
    Request::new(body).encode()
}

/// The payload of a read.
pub(crate) fn users() -> Vec<u8> {
    Request::new(Body::Users).encode()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("names on the stage are text")
}
