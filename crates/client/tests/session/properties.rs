//! Whatever the network does: each message once, in order, none missing; each request once; `seen` never goes back.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use papo_client::session::Session;
use papo_client::{Ask, Event, Outcome, SessionOptions};
use papo_core::chat::To;
use papo_core::clock::Instant;
use papo_wire::publication::Tip;
use papo_wire::request::Request;
use proptest::prelude::*;

use crate::model::{Chat, Packet, USER};
use crate::stage::{Sent, Stage, publish};

const CHANNELS: [&str; 3] = ["geral", "ger", "outro"];

#[derive(Clone, Debug)]
enum Step {
    /// Somebody else speaks in a channel, or to the user.
    Others(Option<usize>),
    /// The user speaks in a channel, or to somebody else.
    Own(Option<usize>),
    Join(usize),
    Leave(usize),
    /// The topics' last indices are told, as far as the network lets them through.
    Tips,
    Pass(u64),
    /// Everything is lost from now on, or no longer.
    Cut(bool),
    /// The client's process ends and another one goes on.
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    let place = || prop_oneof![4 => (0..CHANNELS.len()).prop_map(Some), 1 => Just(None)];
    prop_oneof![
        8 => place().prop_map(Step::Others),
        4 => place().prop_map(Step::Own),
        2 => (0..CHANNELS.len()).prop_map(Step::Join),
        1 => (0..CHANNELS.len()).prop_map(Step::Leave),
        2 => Just(Step::Tips),
        6 => (0..4000u64).prop_map(Step::Pass),
        1 => any::<bool>().prop_map(Step::Cut),
        1 => Just(Step::Restart),
    ]
}

/// How bad the network is, in percent and milliseconds.
#[derive(Clone, Copy, Debug)]
struct Weather {
    loss: u32,
    repeat: u32,
    delay: u64,
    lag: u64,
}

fn weather() -> impl Strategy<Value = Weather> {
    (0..60u32, 0..30u32, 1..1500u64, 0..6u64).prop_map(|(loss, repeat, delay, lag)| Weather {
        loss,
        repeat,
        delay,
        lag,
    })
}

struct World {
    stage: Stage,
    chat: Chat,
    weather: Weather,
    cut: bool,
    chance: fastrand::Rng,
    flying: BTreeMap<(Instant, u64), Packet>,
    launched: u64,
    asked: u64,
    /// Attempts by request id: all must be the same request.
    attempts: BTreeMap<String, Request>,
    /// What has been checked of the stage's events so far.
    heard: usize,
    owed: BTreeMap<To, Owed>,
    shown: BTreeSet<u64>,
    seen: u64,
}

/// What is promised of a topic.
#[derive(Default)]
struct Owed {
    /// Beginnings of intervals, with their ends where they have ended.
    intervals: Vec<(u64, Option<u64>)>,
    last: u64,
}

impl World {
    fn new(weather: Weather, seed: u64) -> Self {
        let mut world = Self {
            stage: Stage::new(),
            chat: Chat::default(),
            weather,
            cut: false,
            chance: fastrand::Rng::with_seed(seed),
            flying: BTreeMap::new(),
            launched: 0,
            asked: 0,
            attempts: BTreeMap::new(),
            heard: 0,
            owed: BTreeMap::new(),
            shown: BTreeSet::new(),
            seen: 0,
        };
        // The log holds something before the user comes.
        for channel in CHANNELS {
            world.chat.say("bia", To::Channel(channel.to_owned()), None);
        }
        world.owed.entry(To::User(USER.to_owned())).or_default().intervals.push((0, None));
        world.log_in();
        world
    }

    fn log_in(&mut self) {
        let saved = self.stage.session.saved();
        let options = SessionOptions::default();
        self.stage.session = Session::new(options);
        self.stage.subscribed.clear();
        self.flying.retain(|_, packet| !matches!(packet, Packet::Answer(..)));
        self.seen = 0;
        let id = self.next_id();
        let ask = Ask::Login { user: USER.to_owned(), saved };
        self.stage.session.ask(self.stage.now, id.as_str().into(), ask, Some(Duration::from_secs(100_000)));
        self.stage.drain();
        self.attend();
    }

    fn next_id(&mut self) -> String {
        self.asked += 1;
        format!("request-{}", self.asked)
    }

    fn take(&mut self, step: &Step) {
        let place = |place: &Option<usize>, user: &str| match place {
            Some(number) => To::Channel(CHANNELS[*number].to_owned()),
            None => To::User(user.to_owned()),
        };
        match step {
            Step::Others(to) => {
                let (said, previous) = self.chat.say("bia", place(to, USER), None);
                self.launch(&Packet::Delivery(said, previous));
            }
            Step::Own(Some(channel)) => self.ask(publish(CHANNELS[*channel], "oi")),
            Step::Own(None) => self.ask(Ask::Message { to: "bia".to_owned(), text: "oi".to_owned() }),
            Step::Join(channel) => self.ask(Ask::Join(CHANNELS[*channel].to_owned())),
            Step::Leave(channel) => self.ask(Ask::Leave(CHANNELS[*channel].to_owned())),
            Step::Tips => self.tips(),
            Step::Pass(millis) => self.pass(Duration::from_millis(*millis)),
            Step::Cut(cut) => self.cut = *cut,
            Step::Restart if self.stage.session.saved().is_some() => self.log_in(),
            Step::Restart => {}
        }
    }

    fn ask(&mut self, ask: Ask) {
        if self.stage.session.saved().is_none() {
            return;
        }
        let id = self.next_id();
        self.stage.ask(&id, ask);
        self.attend();
    }

    fn tips(&mut self) {
        let mut last = BTreeMap::new();
        for said in self.chat.said() {
            last.insert(said.to.clone(), said.index);
        }
        for (topic, index) in last {
            self.launch(&Packet::Tip(topic, index));
        }
    }

    fn lost(&mut self) -> bool {
        self.cut || self.chance.u32(0..100) < self.weather.loss
    }

    fn launch(&mut self, packet: &Packet) {
        let copies = 1 + u32::from(self.chance.u32(0..100) < self.weather.repeat);
        for _ in 0..copies {
            if self.lost() {
                continue;
            }
            let at = self.stage.now.instant + Duration::from_millis(self.chance.u64(0..self.weather.delay));
            self.launched += 1;
            self.flying.insert((at, self.launched), packet.clone());
        }
    }

    /// Serves what the session has sent, and checks what it has told.
    fn attend(&mut self) {
        loop {
            self.check();
            let sent = std::mem::take(&mut self.stage.sent);
            if sent.is_empty() {
                return;
            }
            for Sent { call, request, .. } in sent {
                if let Some(id) = &request.request_id {
                    let first = self.attempts.entry(id.clone()).or_insert_with(|| request.clone());
                    assert_eq!(*first, request, "a retry is the same request");
                }
                if self.lost() {
                    continue;
                }
                let lag = self.chance.u64(0..=self.weather.lag);
                let (reply, published) = self.chat.serve(&request, lag);
                self.launch(&Packet::Answer(call, reply));
                if let Some((said, previous)) = published {
                    self.launch(&Packet::Delivery(said, previous));
                }
            }
        }
    }

    fn pass(&mut self, span: Duration) {
        let end = self.stage.now.instant + span;
        loop {
            let timer = self.stage.session.next_deadline();
            let arrival = self.flying.first_key_value().map(|((at, _), _)| *at);
            let next = [timer, arrival].into_iter().flatten().min().filter(|next| *next <= end);
            let Some(next) = next else { break };
            self.stage.now.instant = self.stage.now.instant.max(next);
            if arrival == Some(next) {
                let (_, packet) = self.flying.pop_first().expect("it was looked at");
                self.arrive(packet);
            } else {
                self.stage.session.elapsed(self.stage.now);
            }
            self.stage.drain();
            self.attend();
        }
        self.stage.now.instant = end;
    }

    fn arrive(&mut self, packet: Packet) {
        let Stage { session, now, subscribed, .. } = &mut self.stage;
        match packet {
            Packet::Answer(call, reply) => session.answered(*now, call, reply),
            Packet::Delivery(said, previous) if subscribed.contains(&said.to) => {
                session.delivered(*now, &said, previous);
            }
            Packet::Tip(of, index) if subscribed.contains(&of) => {
                let tip = Tip { of, index, time: now.wall, clock: Default::default() };
                session.tip(*now, &tip);
            }
            Packet::Delivery(..) | Packet::Tip(..) => {}
        }
    }

    fn check(&mut self) {
        assert!(self.stage.session.seen() >= self.seen, "seen goes back");
        self.seen = self.stage.session.seen();
        for event in &self.stage.events[self.heard..] {
            match event {
                Event::Following { channel, after } => {
                    let owed = self.owed.entry(To::Channel(channel.clone())).or_default();
                    match owed.intervals.last_mut() {
                        // A restart tells again what is followed.
                        Some((_, end @ None)) => *end = None,
                        _ => owed.intervals.push((*after, None)),
                    }
                }
                Event::Unfollowed { channel, upto } => {
                    let owed = self.owed.entry(To::Channel(channel.clone())).or_default();
                    if let Some((_, end)) = owed.intervals.last_mut() {
                        *end = Some(*upto);
                    }
                }
                Event::Message(shown) => {
                    let said = &shown.said;
                    assert!(self.shown.insert(said.index), "{} is shown twice", said.index);
                    let owed = self.owed.entry(said.to.clone()).or_default();
                    assert!(said.index > owed.last, "{} comes after {}", said.index, owed.last);
                    owed.last = said.index;
                    let own = said.request_id.as_ref().is_some_and(|id| self.attempts.contains_key(id));
                    assert!(shown.own.is_none() || own, "taken for the user's own");
                }
                Event::Answered(answered) => match &answered.outcome {
                    Outcome::Refused(failure) => panic!("refused: {failure}"),
                    Outcome::Stored(_) if said(&self.attempts, answered.request.as_str()) => {
                        assert_eq!(self.chat.effects(answered.request.as_str()), 1);
                    }
                    _ => {}
                },
                Event::Estranged(failure) => panic!("estranged: {failure}"),
                _ => {}
            }
        }
        self.heard = self.stage.events.len();
    }

    fn check_nothing_is_missing(&self) {
        for said in self.chat.said() {
            let Some(owed) = self.owed.get(&said.to) else { continue };
            let is_owed = owed
                .intervals
                .iter()
                .any(|(after, upto)| said.index > *after && upto.is_none_or(|upto| said.index <= upto));
            assert!(!is_owed || self.shown.contains(&said.index), "{said:?} was never shown");
        }
        for id in self.attempts.keys() {
            assert!(self.chat.effects(id) <= 1, "{id} took effect twice");
        }
    }
}

fn said(attempts: &BTreeMap<String, Request>, id: &str) -> bool {
    use papo_wire::Service::{Message, Publish};
    attempts.get(id).is_some_and(|request| matches!(request.service(), Publish | Message))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(ProptestConfig::default().cases.max(300)))]

    #[test]
    fn whatever_the_network_does_everything_is_shown_once_in_order(
        steps in prop::collection::vec(step(), 1..80),
        weather in weather(),
        seed in any::<u64>(),
    ) {
        let mut world = World::new(weather, seed);
        for step in &steps {
            world.take(step);
        }
        world.cut = false;
        world.weather = Weather { loss: 0, repeat: 0, delay: 5, lag: 0 };
        world.pass(Duration::from_secs(60));
        world.check_nothing_is_missing();
    }
}
