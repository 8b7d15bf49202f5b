use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use papo_audit::{Event, Ledger, Recorder, Request};
use papo_processes::{Answer, Asker, Cluster};
use serde_json::json;

const LIMIT: Duration = Duration::from_secs(10);
const CONTESTANTS: usize = 6;
const ROUNDS: usize = 8;

#[test]
fn of_simultaneous_first_logins_and_channel_creations_one_wins_each() {
    let mut cluster = Cluster::start();
    let ledger = contest(&cluster.broker_ports());
    cluster.assert_kept(&[ledger]);
}

/// In each round everybody wants the same two names, at the same moment, through different brokers; then everybody tries
/// again with the same id, and must get the same answer.
fn contest(brokers: &[u16]) -> Ledger {
    let recorder = Recorder::new();
    let together = Barrier::new(CONTESTANTS);
    let winners: Vec<(usize, usize)> = thread::scope(|scope| {
        let threads: Vec<_> = (0..CONTESTANTS)
            .map(|n| {
                let (recorder, together) = (recorder.clone(), &together);
                let mut broker = Asker::new(brokers[n % brokers.len()]);
                scope.spawn(move || {
                    let mut won = (0, 0);
                    for round in 0..ROUNDS {
                        together.wait();
                        won.0 += usize::from(claim(n, &recorder, &mut broker, round, Kind::User));
                        won.1 += usize::from(claim(n, &recorder, &mut broker, round, Kind::Channel));
                    }
                    won
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().expect("nobody fails")).collect()
    });
    let users: usize = winners.iter().map(|won| won.0).sum();
    let channels: usize = winners.iter().map(|won| won.1).sum();
    assert_eq!((users, channels), (ROUNDS, ROUNDS), "each name has one winner, and none is left without");
    recorder.finish().expect("there is no journal to fail")
}

#[derive(Clone, Copy)]
enum Kind {
    User,
    Channel,
}

/// Tries to take the round's name, twice under the same id; returns whether it got it.
fn claim(n: usize, recorder: &Recorder, broker: &mut Asker, round: usize, kind: Kind) -> bool {
    // The same name to a reader, in two spellings.
    let name = if n.is_multiple_of(2) { format!("Praça-{round}") } else { format!("PRAÇA-{round}") };
    let client = format!("contestant-{n}");
    let (service, key, request) = match kind {
        Kind::User => ("login", "user", Request::Login { user: name.clone(), again: false }),
        Kind::Channel => ("channel", "channel", Request::Channel { channel: name.clone() }),
    };
    let request_id = format!("{service}-{round}-{n}");
    let answers = [(); 2].map(|()| {
        recorder.record(
            &client,
            Event::Attempted { request_id: request_id.clone(), request: request.clone(), replies_to: None },
        );
        let mut data = json!({"request_id": request_id});
        data[key] = name.clone().into();
        let answer = broker.ask(service, &data, LIMIT).expect("a client always gets an answer");
        recorder.record(&client, judge(&request_id, &answer));
        answer
    });
    assert_eq!(answers[0].is_ok(), answers[1].is_ok(), "a retry gets the first answer: {answers:?}");
    answers[0].is_ok()
}

fn judge(request_id: &str, answer: &Answer) -> Event {
    let request_id = request_id.to_owned();
    match (answer.is_ok(), answer.reason()) {
        (true, _) => Event::Acknowledged { request_id, index: answer.index() },
        (false, "user_exists" | "channel_exists") => {
            Event::Refused { request_id, reason: answer.description().to_owned() }
        }
        (false, _) => panic!("{request_id} was neither won nor lost: {answer:?}"),
    }
}
