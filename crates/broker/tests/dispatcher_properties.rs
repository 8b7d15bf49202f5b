//! What holds whatever clients and servidores do, in whatever order.

mod stage;

use std::collections::BTreeMap;

use papo_broker::dispatcher::{Policy, Unsent};
use papo_wire::envelope::{Ordered, State};
use papo_wire::reply::Reason;
use papo_wire::request::{Body, Request};
use proptest::collection::vec;
use proptest::prelude::*;
use stage::{Got, Sent, Stage, publish};

const SERVIDORES: [&str; 3] = ["um", "dois", "tres"];

#[derive(Clone, Debug)]
enum Step {
    Ask { client: u8, write: bool },
    Play { servidor: usize, state: State },
    Mute { servidor: usize },
    Restart { servidor: usize, incarnation: u64 },
    Break { servidor: usize, why: Unsent },
    Mend { servidor: usize },
    Answer { nth: usize },
    Elsewhere { nth: usize, ordered: Ordered },
    Pass { millis: u64 },
    ClientGarbage { frames: Vec<Vec<u8>> },
    ServidorGarbage { servidor: usize, frames: Vec<Vec<u8>> },
}

fn step() -> impl Strategy<Value = Step> {
    let servidor = 0..SERVIDORES.len();
    let state =
        prop_oneof![3 => Just(State::Serving), 1 => Just(State::Draining), 1 => Just(State::Withdrawn)];
    let ordered = prop_oneof![3 => Just(Ordered::No), 1 => Just(Ordered::Unknown)];
    let why = prop_oneof![Just(Unsent::Gone), Just(Unsent::Full)];
    let garbage = vec(vec(any::<u8>(), 0..6), 0..4);
    prop_oneof![
        6 => (0..4u8, any::<bool>()).prop_map(|(client, write)| Step::Ask { client, write }),
        4 => (servidor.clone(), state).prop_map(|(servidor, state)| Step::Play { servidor, state }),
        1 => servidor.clone().prop_map(|servidor| Step::Mute { servidor }),
        1 => (servidor.clone(), 2..9u64)
            .prop_map(|(servidor, incarnation)| Step::Restart { servidor, incarnation }),
        1 => (servidor.clone(), why).prop_map(|(servidor, why)| Step::Break { servidor, why }),
        2 => servidor.clone().prop_map(|servidor| Step::Mend { servidor }),
        4 => any::<usize>().prop_map(|nth| Step::Answer { nth }),
        4 => (any::<usize>(), ordered).prop_map(|(nth, ordered)| Step::Elsewhere { nth, ordered }),
        4 => (1..900u64).prop_map(|millis| Step::Pass { millis }),
        1 => garbage.clone().prop_map(|frames| Step::ClientGarbage { frames }),
        1 => (servidor, garbage).prop_map(|(servidor, frames)| Step::ServidorGarbage { servidor, frames }),
    ]
}

/// What a request is known to have met.
struct Asked {
    client: String,
    at: u64,
    write: bool,
    /// Each try of it: whether it is certain that it was not handed on.
    tries: BTreeMap<u64, bool>,
    answers: usize,
}

/// Looks at everything that happens on the stage.
struct Witness {
    stage: Stage,
    asked: BTreeMap<Vec<u8>, Asked>,
    sent: Vec<Sent>,
}

impl Witness {
    fn new(policy: Policy) -> Self {
        Self { stage: Stage::new(policy), asked: BTreeMap::new(), sent: Vec::new() }
    }

    fn play(&mut self, step: Step) {
        match step {
            Step::Ask { client, write } => self.ask(client, write),
            Step::Play { servidor, state } => self.stage.play(SERVIDORES[servidor], state),
            Step::Mute { servidor } => self.stage.mute(SERVIDORES[servidor]),
            Step::Restart { servidor, incarnation } => {
                self.stage.beacon(SERVIDORES[servidor], State::Serving, incarnation);
            }
            Step::Break { servidor, why } => {
                self.stage.broken.insert(SERVIDORES[servidor].to_owned(), why);
            }
            Step::Mend { servidor } => {
                self.stage.broken.remove(SERVIDORES[servidor]);
            }
            Step::Answer { nth } if !self.sent.is_empty() => {
                let sent = self.sent[nth % self.sent.len()].clone();
                self.stage.answer(&sent, 1, &sent.payload);
            }
            Step::Elsewhere { nth, ordered } if !self.sent.is_empty() => {
                let sent = self.sent[nth % self.sent.len()].clone();
                // An attempt is given back once; what it said first is what is known.
                let asked = self.asked.get_mut(&sent.payload).expect("only what was asked is sent");
                if asked.answers == 0 && ordered == Ordered::No {
                    asked.tries.insert(sent.ticket(), true);
                }
                self.sent.retain(|other| other.ticket() != sent.ticket());
                self.stage.elsewhere(&sent, ordered);
            }
            Step::Answer { .. } | Step::Elsewhere { .. } => {}
            Step::Pass { millis } => self.stage.pass(millis),
            Step::ClientGarbage { frames } => self.stage.garble_client(frames),
            Step::ServidorGarbage { servidor, mut frames } => {
                frames.insert(0, SERVIDORES[servidor].as_bytes().to_vec());
                self.stage.servidor_frames(frames);
            }
        }
        self.look();
    }

    fn ask(&mut self, client: u8, write: bool) {
        let number = self.asked.len();
        let payload = if write {
            publish(&number.to_string())
        } else {
            Request { request_id: Some(number.to_string()), ..Request::new(Body::Users) }.encode()
        };
        let client = format!("client-{client}");
        let asked =
            Asked { client: client.clone(), at: self.stage.now, write, tries: BTreeMap::new(), answers: 0 };
        self.asked.insert(payload.clone(), asked);
        self.stage.ask(&client, &payload);
    }

    fn look(&mut self) {
        for sent in self.stage.sent() {
            // Some garbage has the shape of a request.
            let Some(asked) = self.asked.get_mut(&sent.payload) else { continue };
            assert_eq!(asked.answers, 0, "what has been answered is not sent");
            assert!(sent.at < asked.at + 5000, "what is over is not sent");
            asked.tries.insert(sent.ticket(), false);
            self.sent.push(sent);
        }
        for got in self.stage.got() {
            self.judge(&got);
        }
    }

    fn judge(&mut self, got: &Got) {
        if let Some(asked) = self.asked.get_mut(&got.payload) {
            // The servidores on this stage answer with the question.
            assert_eq!(got.client, asked.client, "the answer went to somebody else");
            asked.answers += 1;
            assert_eq!(asked.answers, 1, "a second answer");
            assert!(got.at <= asked.at + 5000, "an answer after the deadline");
            return;
        }
        if got.client == "garbage" {
            return;
        }
        let reason = got.failure().reason;
        // An error does not repeat the question: it belongs to a request of that client that is due, if there is one.
        let due = self.asked.values_mut().find(|asked| {
            asked.client == got.client
                && asked.answers == 0
                && asked.at + 5000 == got.at
                && asked.expected_failure() == reason
        });
        let asked =
            due.unwrap_or_else(|| panic!("{reason:?} for {} at {} out of the blue", got.client, got.at));
        asked.answers += 1;
    }
}

impl Asked {
    fn expected_failure(&self) -> Reason {
        match self.write {
            true if self.tries.values().all(|certain| *certain) => Reason::NotOrdered,
            true => Reason::Unknown,
            false => Reason::Unavailable,
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    /// Exactly one answer each, to who asked, at the deadline at the latest, in doubt exactly if there is doubt; nothing is
    /// sent to a servidor that is silent, draining or withdrawn (the stage sees to that); and nothing is left over.
    #[test]
    fn every_request_has_one_answer_in_time_and_only_live_servidores_are_sent_any(steps in vec(step(), 1..120)) {
        let mut witness = Witness::new(Policy::default());
        for step in steps {
            witness.play(step);
        }
        witness.play(Step::Pass { millis: 5000 });
        for (payload, asked) in &witness.asked {
            prop_assert_eq!(asked.answers, 1, "{:?} of {} at {}", payload, &asked.client, asked.at);
        }
        let gauges = witness.stage.dispatcher.gauges();
        prop_assert!(witness.stage.dispatcher.is_idle());
        prop_assert_eq!((gauges.open, gauges.waiting, gauges.bytes, gauges.in_flight), (0, 0, 0, 0));
    }

    /// The same with hardly any room: what is refused is refused at once, and the rest is as above.
    #[test]
    fn with_hardly_any_room_every_request_still_has_one_answer(steps in vec(step(), 1..120)) {
        let policy = Policy { most_in_flight: 1, most_waiting: 1, ..Policy::default() };
        let mut stage = Stage::new(policy);
        let mut asked = 0;
        let mut answered = 0;
        for step in steps {
            match step {
                Step::Ask { client, .. } => {
                    asked += 1;
                    stage.ask(&format!("client-{client}"), &publish("oi"));
                }
                Step::Play { servidor, state } => stage.play(SERVIDORES[servidor], state),
                Step::Mute { servidor } => stage.mute(SERVIDORES[servidor]),
                Step::Pass { millis } => stage.pass(millis),
                Step::Elsewhere { ordered, .. } => {
                    if let Some(sent) = stage.sent().first() {
                        stage.elsewhere(sent, ordered);
                    }
                }
                Step::Answer { .. } => {
                    if let Some(sent) = stage.sent().last() {
                        stage.answer(sent, 1, b"ok");
                    }
                }
                _ => {}
            }
            let gauges = stage.dispatcher.gauges();
            prop_assert!(gauges.in_flight <= gauges.serving + gauges.draining, "{:?}", gauges);
            answered += stage.got().len();
        }
        stage.pass(5000);
        answered += stage.got().len();
        prop_assert_eq!(asked, answered);
        prop_assert!(stage.dispatcher.is_idle());
    }
}
