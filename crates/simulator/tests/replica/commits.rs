//! From a write to its acknowledgement.

use papo_core::chat::Outcome;
use papo_core::log::Operation;
use papo_core::replica::{Answer, Availability};

use papo_simulator::cluster::Cluster;
use papo_simulator::cluster::clients::plain;
use papo_simulator::cluster::time::{MS, S};

fn login(user: &str) -> Operation {
    Operation::Login { user: plain(user) }
}

#[test]
fn a_lost_last_batch_is_found_by_the_next_beacon() {
    let mut cluster = Cluster::founded(3, 11);
    let quiet = cluster.canon.last();
    cluster.network.broadcast_loss = 1.0;
    let ticket = cluster.write(0, "ana", "r1", login("ana"), 2 * S);
    cluster.carried_out(ticket);
    cluster.until("all have applied it", 500 * MS, |cluster| {
        (0..3).all(|node| cluster.status(node).applied > quiet)
    });
}

#[test]
fn a_lost_last_publication_is_found_by_the_tip_of_its_topic() {
    let mut cluster = Cluster::founded(3, 12);
    let create = cluster.write(0, "ana", "r1", Operation::Channel { channel: plain("geral") }, S);
    cluster.carried_out(create);
    let say = |message: &str| Operation::Publish {
        channel: "geral".to_owned(),
        user: "ana".to_owned(),
        message: message.to_owned(),
    };
    let said = cluster.write(1, "ana", "r2", say("one"), S);
    cluster.carried_out(said);
    let said = cluster.write(1, "ana", "r3", say("two"), S);
    let index = cluster.carried_out(said);
    // Nothing more is said: only this tells who missed it that there was something.
    cluster.until("the topic's tip is told", 2 * S, |cluster| cluster.tips.get("geral") == Some(&index));
}

#[test]
fn a_retry_at_another_servidor_while_the_first_is_in_flight_takes_effect_once() {
    for seed in 0..50 {
        let mut cluster = Cluster::founded(3, seed);
        let tickets: Vec<_> = (0..3)
            .map(|node| {
                let wait = cluster.rng.u64(..3 * MS);
                cluster.pass(wait);
                cluster.write(node, "ana", "r1", login("ana"), 2 * S)
            })
            .collect();
        let answers: Vec<_> = tickets.iter().map(|ticket| cluster.answer_within(*ticket, S)).collect();
        assert!(matches!(answers[0], Answer::Written { outcome: Outcome::Done, .. }));
        assert!(answers.iter().all(|answer| *answer == answers[0]), "seed {seed}: {answers:?}");
    }
}

/// Kills one servidor before each single thing it does while a write is on its way: in whichever step of a commit it dies,
/// the write is carried out once, and the retry is told so.
#[test]
fn whoever_dies_in_whichever_step_of_a_commit_the_write_is_carried_out_once() {
    for (enters, dies) in [(2, 2), (0, 2), (0, 0), (0, 1)] {
        for step in 0.. {
            let mut cluster = Cluster::founded(3, 13);
            let first = cluster.write(enters, "ana", "r1", login("ana"), S);
            cluster.nodes[dies].dies_after = Some(step);
            cluster.pass(20 * MS);
            let survived = cluster.nodes[dies].dies_after.is_some();
            // Its own retry, at another servidor, as a broker does it.
            let retry = cluster.write(if dies == 1 { 2 } else { 1 }, "ana", "r1", login("ana"), 3 * S);
            let told = cluster.answer_within(retry, 3 * S);
            assert!(matches!(told, Answer::Written { outcome: Outcome::Done, .. }), "step {step}: {told:?}");
            if let Some(answer @ Answer::Written { .. }) = cluster.answer(first) {
                assert_eq!(answer, told, "step {step}");
            }
            cluster.nodes[dies].dies_after = None;
            cluster.start_all();
            cluster.settle();
            if survived {
                assert!(step > 1, "there was something to do");
                break;
            }
        }
    }
}

#[test]
fn without_a_majority_a_write_that_was_never_ordered_is_refused() {
    let mut cluster = Cluster::founded(3, 14);
    cluster.crash(1);
    cluster.crash(2);
    let early = cluster.write(0, "ana", "r1", login("ana"), 2 * S);
    cluster.until("it withdraws", S, |cluster| cluster.nodes[0].availability == Availability::Withdrawn);
    let late = cluster.write(0, "bruno", "r2", login("bruno"), 2 * S);
    assert_eq!(cluster.answer_within(late, 10 * MS), Answer::Elsewhere { ordered: false });
    // It was handed to a coordinator that was dead already: for all that is known here it may be ordered.
    assert_eq!(cluster.answer_within(early, 3 * S), Answer::Unknown);
    cluster.start_all();
    cluster.settle();
    assert_eq!(cluster.canon.chat.users().len(), 0, "none of them took effect");
}

#[test]
fn without_a_majority_an_ordered_write_is_unknown_and_a_retry_settles_it() {
    let mut cluster = Cluster::founded(3, 15);
    cluster.partition(&[]);
    let ordered = cluster.write(2, "ana", "r1", login("ana"), S);
    assert_eq!(cluster.answer_within(ordered, 2 * S), Answer::Unknown);
    let refused = cluster.write(2, "ana", "r1", login("ana"), S);
    assert_eq!(cluster.answer_within(refused, S), Answer::Elsewhere { ordered: false });
    cluster.heal();
    cluster.settle();
    let retry = cluster.write(0, "ana", "r1", login("ana"), S);
    let index = cluster.carried_out(retry);
    let again = cluster.write(1, "ana", "r1", login("ana"), S);
    assert_eq!(cluster.carried_out(again), index, "and every further one gets the same");
    assert_eq!(cluster.canon.chat.users().len(), 1);
}

#[test]
fn every_message_is_published_once_and_in_order_also_when_coordinators_die() {
    for seed in 0..20 {
        let mut cluster = Cluster::founded(3, seed);
        cluster.add_clients(6, 120, MS..10 * MS);
        for _ in 0..2 {
            cluster.pass(400 * MS);
            let coordinator = cluster.coordinator().expect("there is one");
            cluster.crash(coordinator);
            cluster.until("another one coordinates", S, |cluster| cluster.coordinator().is_some());
            cluster.pass(200 * MS);
            cluster.start(coordinator);
            cluster.settle_with_clients();
        }
        cluster.until("all is said", 30 * S, |cluster| cluster.clients_are_done() && cluster.is_settled());
        cluster.pass(S);
        let mut said: Vec<_> = cluster.canon.messages().map(|delivery| delivery.said.index).collect();
        said.sort_unstable();
        assert!(said.len() > 100);
        for proxy in &cluster.proxies {
            assert_eq!(proxy.forwarded, said, "seed {seed}: all, once, in order");
            assert!(proxy.repeated < 100, "a successor goes on where the other one was, by its last beacon");
        }
    }
}

#[test]
fn a_write_of_a_client_that_lies_about_its_clock_harms_no_other() {
    let mut cluster = Cluster::founded(3, 16);
    let poisoned = papo_core::replica::WriteRequest {
        author: "ana".to_owned(),
        request_id: papo_core::log::RequestId::Client("r1".to_owned()),
        operation: login("ana"),
        clock: papo_core::clock::Lamport::new(u64::MAX),
    };
    let ask = papo_core::replica::Ask::Write(Box::new(poisoned));
    let ticket = cluster.ask(0, ask, S);
    cluster.carried_out(ticket);
    assert!(cluster.canon.stamps().1.get() < 1_000);
}
