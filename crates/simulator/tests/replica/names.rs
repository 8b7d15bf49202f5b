//! Names are given once.

use papo_core::chat::{Outcome, Refusal};
use papo_core::log::{Name, Operation};
use papo_core::replica::Answer;

use papo_simulator::cluster::Cluster;
use papo_simulator::cluster::time::{MS, S};

/// Three people take names that read alike at three servidores at once.
fn race(seed: u64, operation: impl Fn(Name) -> Operation, refusal: Refusal) {
    let mut cluster = Cluster::founded(3, seed);
    let spellings = ["ana", "Ana", "ANA"];
    let name = |display: &str| Name { display: display.to_owned(), key: "ana".to_owned() };
    let tickets: Vec<_> = spellings
        .iter()
        .enumerate()
        .map(|(node, spelling)| {
            let wait = cluster.rng.u64(..MS / 2);
            cluster.pass(wait);
            cluster.write(node, spelling, "r1", operation(name(spelling)), 2 * S)
        })
        .collect();
    let answers: Vec<_> = tickets.iter().map(|ticket| cluster.answer_within(*ticket, S)).collect();
    let won = |answer: &Answer| matches!(answer, Answer::Written { outcome: Outcome::Done, .. });
    let lost = |answer: &Answer| matches!(answer, Answer::Written { outcome: Outcome::Refused(why), .. } if *why == refusal);
    assert_eq!(answers.iter().filter(|answer| won(answer)).count(), 1, "seed {seed}: {answers:?}");
    assert_eq!(answers.iter().filter(|answer| lost(answer)).count(), 2, "seed {seed}: {answers:?}");

    // Whoever asks again, elsewhere and under the same id, is told the same.
    for (node, spelling) in spellings.iter().enumerate() {
        let retry = cluster.write((node + 1) % 3, spelling, "r1", operation(name(spelling)), 2 * S);
        assert_eq!(cluster.answer_within(retry, S), answers[node], "seed {seed}");
    }
}

#[test]
fn of_simultaneous_first_logins_one_wins_and_its_retry_wins_again() {
    for seed in 0..50 {
        race(seed, |user| Operation::Login { user }, Refusal::UserExists);
    }
}

#[test]
fn of_simultaneous_channel_creations_one_wins_and_its_retry_wins_again() {
    for seed in 0..50 {
        race(seed, |channel| Operation::Channel { channel }, Refusal::ChannelExists);
    }
}
