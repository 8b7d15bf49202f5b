//! The order of what is on its way, and what becomes of it.

use std::collections::BTreeMap;

use papo_core::clock::{Lamport, WallTime};
use papo_wire::Service;
use papo_wire::reply::{Answer, Failure as Refused, Reason, Reply};
use papo_wire::request::{Body, Import, Imported, Request};
use proptest::prelude::*;

use super::files::{Item, Place, Unit};
use super::order::{Tally, Ticket};
use super::*;
use crate::ask::{Questions, Unanswered};

fn item(number: usize, record: Result<Import, String>) -> Item {
    Item { place: Place { file: files::MESSAGES, unit: Unit::Line, number }, record }
}

fn publish(user: &str, channel: &str, message: &str) -> Import {
    let what = Imported::Publish { user: user.into(), channel: channel.into(), message: message.into() };
    Import { time: WallTime::EPOCH, clock: Lamport::new(0), what }
}

fn said(request: &Request) -> (String, String, usize) {
    match &request.body {
        Body::Import(Import { what: Imported::Publish { user, channel, message }, .. }) => {
            (user.clone(), channel.clone(), message.parse().expect("messages are numbers here"))
        }
        other => panic!("not an import of a message: {other:?}"),
    }
}

fn reply(answer: Result<Answer, Refused>) -> Result<Reply, Unanswered> {
    Ok(Reply { time: WallTime::EPOCH, clock: Lamport::new(0), index: 0, answer })
}

fn no_progress(_: &Tally) {}

/// Asks everything, answering what is on its way in an order that `choose` makes. Returns the order of arrival.
fn arrive(
    mut order: impl Questions<Ticket = Ticket>,
    lines: usize,
    choose: &mut dyn FnMut(usize) -> usize,
) -> Vec<(String, String, usize)> {
    let mut open: Vec<(Ticket, Request)> = Vec::new();
    let mut arrived = Vec::new();
    loop {
        while open.len() < lines {
            let Some(next) = order.next() else { break };
            open.push(next);
        }
        if open.is_empty() {
            return arrived;
        }
        let (ticket, request) = open.swap_remove(choose(open.len()));
        arrived.push(said(&request));
        order.answered(ticket, reply(Ok(Answer::Import)));
    }
}

proptest! {
    #[test]
    fn authors_and_conversations_keep_their_order(
        records in proptest::collection::vec((0..5_u8, 0..4_u8), 0..80),
        lines in 1..20_usize,
        choices in proptest::collection::vec(any::<u16>(), 80),
    ) {
        let (known, mut ids) = (HashSet::new(), Ids::default());
        let items = records.iter().enumerate().map(|(number, (user, channel))| {
            item(number + 1, Ok(publish(&format!("u{user}"), &format!("c{channel}"), &number.to_string())))
        });
        let mut choices = choices.into_iter();
        let mut choose = |open: usize| usize::from(choices.next().expect("one for each record")) % open;
        let order = Order::new(items, &known, &mut ids, lines, no_progress);
        let arrived = arrive(order, lines, &mut choose);
        prop_assert_eq!(arrived.len(), records.len());
        let mut last: BTreeMap<String, usize> = BTreeMap::new();
        for (user, channel, number) in arrived {
            for key in [user, channel] {
                prop_assert!(last.insert(key, number).is_none_or(|before| before < number));
            }
        }
    }
}

#[test]
fn records_that_share_nothing_are_on_their_way_together() {
    let (known, mut ids) = (HashSet::new(), Ids::default());
    let items = ["a", "a", "b", "c"]
        .iter()
        .enumerate()
        .map(|(n, user)| item(n, Ok(publish(user, user, &n.to_string()))));
    let mut order = Order::new(items, &known, &mut ids, 8, no_progress);
    let first: Vec<usize> =
        std::iter::from_fn(|| order.next()).map(|(_, request)| said(&request).2).collect();
    assert_eq!(first, [0, 2, 3], "the second of a waits for the first");
}

#[test]
fn one_at_a_time_is_the_order_of_the_file() {
    let (known, mut ids) = (HashSet::new(), Ids::default());
    let items =
        (0..6).map(|n| item(n, Ok(publish(["a", "b"][n % 2], ["c", "d", "e"][n % 3], &n.to_string()))));
    let order = Order::new(items, &known, &mut ids, 1, no_progress);
    let numbers: Vec<usize> = arrive(order, 1, &mut |_| 0).into_iter().map(|(_, _, number)| number).collect();
    assert_eq!(numbers, [0, 1, 2, 3, 4, 5]);
}

#[test]
fn what_is_known_is_not_sent_and_what_is_refused_is_told() {
    let mut before = Ids::default();
    let known = HashSet::from([before.next(&publish("a", "c", "0"))]);
    let mut ids = Ids::default();
    let items = [
        item(1, Ok(publish("a", "c", "0"))),
        item(2, Err("nonsense".to_owned())),
        item(3, Ok(publish("a", "c", "3"))),
        item(4, Ok(publish("b", "d", "4"))),
    ];
    let mut order = Order::new(items.into_iter(), &known, &mut ids, 8, no_progress);
    let (taken, request) = order.next().expect("a question");
    assert_eq!(said(&request).2, 3);
    let (refused, _) = order.next().expect("a question");
    assert!(order.next().is_none());
    order.answered(refused, reply(Err(Refused::new(Service::Import, Reason::NoSuchChannel))));
    order.answered(taken, reply(Ok(Answer::Import)));
    let (tally, problems) = order.finish();
    assert_eq!(tally, Tally { taken: 1, present: 1, failed: 2 });
    let told: Vec<String> =
        problems.iter().map(|problem| format!("{}: {}", problem.place, problem.why)).collect();
    assert_eq!(told, ["messages.jsonl, line 2: nonsense", "messages.jsonl, line 4: Canal não existe."]);
}

#[test]
fn a_name_that_is_there_is_no_failure() {
    let (known, mut ids) = (HashSet::new(), Ids::default());
    let mut order =
        Order::new([item(1, Ok(publish("a", "c", "0")))].into_iter(), &known, &mut ids, 8, no_progress);
    let (ticket, _) = order.next().expect("a question");
    order.answered(ticket, reply(Err(Refused::new(Service::Import, Reason::UserExists))));
    assert_eq!(order.finish().0, Tally { taken: 0, present: 1, failed: 0 });
}

#[test]
fn silence_ends_it_all() {
    let (known, mut ids) = (HashSet::new(), Ids::default());
    let items = (0..100).map(|n| item(n, Ok(publish("a", "c", &n.to_string()))));
    let mut order = Order::new(items, &known, &mut ids, 8, no_progress);
    let (ticket, _) = order.next().expect("a question");
    order.answered(ticket, Err(Unanswered::Silence(Duration::from_secs(60))));
    assert!(order.next().is_none());
    assert_eq!(order.finish().0.failed, 1);
}
