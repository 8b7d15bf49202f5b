use std::sync::Arc;
use std::time::Duration;

use papo_audit::{Event as Note, Ledger, Recorder};
use papo_client::{Answer, Answered, Ask, Event, Outcome, Reason, RequestId, Saved, Service};
use papo_wire::reply::Failure;

use super::{Crowd, Order};
use crate::Timeline;
use crate::load::{LoadSettings, Shared};

/// A crowd whose every wish comes true, until a test says otherwise.
struct Stage {
    crowd: Crowd,
    shared: Arc<Shared>,
    now: Duration,
    index: u64,
}

impl Stage {
    fn new(settings: LoadSettings) -> Self {
        let shared = Arc::new(Shared::new(Timeline::start(), Recorder::new()));
        let crowd = Crowd::new(settings, Arc::clone(&shared));
        Self { crowd, shared, now: Duration::ZERO, index: 0 }
    }

    /// Everybody has come in.
    fn open() -> Self {
        let mut stage =
            Self::new(LoadSettings { clients: 2, followers: 1, seed: 3, ..LoadSettings::default() });
        loop {
            let orders = stage.crowd.orders();
            if orders.is_empty() {
                break;
            }
            for order in orders {
                stage.tell(order.person, Event::Connected);
                stage.grant(order);
            }
        }
        assert!(stage.crowd.people().iter().all(super::Person::is_present));
        stage
    }

    fn tell(&mut self, person: usize, event: Event) {
        self.crowd.told(person, event, self.now);
    }

    fn grant(&mut self, order: Order) {
        let answer = match &order.ask {
            Ask::Login { user, .. } => {
                self.tell(order.person, Event::LoggedIn { user: user.clone() });
                Answer::Login { user: user.clone(), session: String::new() }
            }
            Ask::CreateChannel(_) => Answer::Channel,
            Ask::Join(_) => Answer::Join,
            Ask::Publish { .. } => Answer::Publish,
            Ask::Message { .. } => Answer::Message,
            other => panic!("nobody asks for {other:?} here"),
        };
        self.index += 1;
        self.end(order, Outcome::Stored(answer));
    }

    fn end(&mut self, order: Order, outcome: Outcome) {
        let service = order.ask.service();
        let answered = Answered { request: order.id, service, seen: 0, index: self.index, outcome };
        self.tell(order.person, Event::Answered(answered));
    }

    fn give_up(&mut self, order: Order) {
        self.end(order, Outcome::Unknown(Failure::new(Service::Publish, Reason::Unknown)));
    }

    /// Lets time pass until somebody says something.
    fn next_message(&mut self) -> Order {
        for _ in 0..1000 {
            self.now += Duration::from_millis(1);
            self.crowd.elapsed(self.now);
            let mut orders = self.crowd.orders();
            orders.retain(|order| !matches!(order.ask, Ask::History { .. }));
            if let Some(order) = orders.pop() {
                assert!(orders.is_empty(), "a millisecond is too short for two");
                return order;
            }
        }
        panic!("nobody says anything");
    }

    fn complete(&mut self, person: usize, index: u64) {
        self.tell(person, Event::Progress(Saved { complete: index, ..Saved::default() }));
    }

    fn ledger(&self) -> Ledger {
        self.shared.recorder.take().expect("there is no journal")
    }
}

const PATIENCE: Duration = Duration::from_secs(5);

#[test]
fn nobody_says_the_next_thing_before_the_last_is_answered() {
    let mut stage = Stage::open();
    let first = stage.next_message();
    let second = stage.next_message();
    assert_ne!(first.person, second.person);
    stage.now += Duration::from_secs(10);
    stage.crowd.elapsed(stage.now);
    assert!(stage.crowd.orders().is_empty());
    let person = first.person;
    stage.grant(first);
    assert_eq!(stage.next_message().person, person);
}

#[test]
fn what_is_given_up_counts_as_failed_once_and_is_asked_for_again_under_its_id() {
    let mut stage = Stage::open();
    let order = stage.next_message();
    let id = order.id.clone();
    for _ in 0..3 {
        let again = Order { person: order.person, id: order.id.clone(), ask: order.ask.clone() };
        stage.give_up(again);
        let asked = stage.crowd.orders();
        assert_eq!((asked[0].id.clone(), asked[0].ask.clone()), (id.clone(), order.ask.clone()));
    }
    stage.grant(order);
    let failed: Vec<String> =
        stage.shared.take_failures().into_iter().map(|failure| failure.request_id).collect();
    assert_eq!(failed, [id.as_str()]);
}

#[test]
fn a_name_that_is_taken_is_exchanged_for_another() {
    let mut stage = Stage::new(LoadSettings::default());
    let login = stage.crowd.orders().pop().expect("the first one logs in");
    let (first, person) = (login.ask.clone(), login.person);
    stage.end(login, Outcome::Refused(Failure::new(Service::Login, Reason::UserExists)));
    let again = stage.crowd.orders().pop().expect("it tries again");
    assert_eq!(again.person, person);
    assert!(matches!(again.ask, Ask::Login { .. }) && again.ask != first);
}

#[test]
fn one_seed_says_the_same_under_other_ids() {
    let said = |_| {
        let mut stage = Stage::open();
        let orders = [stage.next_message(), stage.next_message()];
        orders.map(|order| (order.ask, order.id))
    };
    let (one, other): (Vec<(Ask, RequestId)>, Vec<_>) = (said(1).into(), said(2).into());
    for ((ask, id), (other_ask, other_id)) in one.into_iter().zip(other) {
        assert_eq!(ask, other_ask);
        assert_ne!(id, other_id);
    }
}

#[test]
fn the_end_waits_for_answers_and_then_for_everybody_to_be_shown_everything() {
    let mut stage = Stage::open();
    let order = stage.next_message();
    stage.crowd.stop(stage.now, PATIENCE);
    stage.crowd.elapsed(stage.now);
    stage.grant(order);
    for person in 0..3 {
        assert!(!stage.crowd.has_ended());
        stage.complete(person, stage.index);
    }
    assert!(stage.crowd.has_ended());
    let ledger = stage.ledger();
    let caught_up =
        ledger.entries().iter().filter(|entry| entry.event == Note::CaughtUp { index: stage.index });
    assert_eq!(caught_up.count(), 3);
    assert!(stage.shared.take_troubles().is_empty());
}

#[test]
fn who_has_no_connection_at_the_end_is_not_said_to_have_been_shown_anything() {
    let mut stage = Stage::open();
    stage.complete(0, stage.index);
    stage.tell(2, Event::Lost);
    stage.crowd.stop(stage.now, PATIENCE);
    stage.crowd.elapsed(stage.now);
    assert!(!stage.crowd.has_ended());
    stage.crowd.elapsed(stage.now + PATIENCE);
    assert!(stage.crowd.has_ended());
    let ledger = stage.ledger();
    let caught_up: Vec<&str> = ledger
        .entries()
        .iter()
        .filter(|entry| matches!(entry.event, Note::CaughtUp { .. }))
        .map(|entry| entry.client.as_str())
        .collect();
    let names: Vec<&str> = stage.crowd.people().iter().map(|person| person.name.as_str()).collect();
    assert_eq!(caught_up, names[..2], "the second had the time that was promised");
    assert!(stage.shared.take_troubles()[0].contains(names[2]));
}

#[test]
fn what_is_never_answered_does_not_hold_up_the_end_for_ever() {
    let mut stage = Stage::open();
    stage.next_message();
    stage.crowd.stop(stage.now, PATIENCE);
    stage.crowd.elapsed(stage.now + PATIENCE);
    assert!(!stage.crowd.has_ended(), "now everybody is to be shown what they missed");
    stage.crowd.elapsed(stage.now + PATIENCE * 2);
    assert!(stage.crowd.has_ended());
}
