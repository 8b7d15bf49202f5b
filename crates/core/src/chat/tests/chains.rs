//! P8: from the tip of a topic, `previous` leads to each of its messages, and to nothing else.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::script::run;
use super::support::*;
use crate::chat::{Applied, Said};
use crate::log::{Entry, Operation};

#[test]
fn topics_are_chained_each_for_itself() {
    let chat = run("
        ana/1   login ana           -> done
        ana/2   channel geral       -> done
        ana/3   publish geral um    -> done, on geral after 0
        bob/1   message ana oi      -> done, to ana after 0
        bob/2   publish geral dois  -> done, on geral after 4
        ana/4   message ana nota    -> done, to ana after 5
        bob/3   message eva oi      -> no such user
    ");
    assert_eq!((chat.state.tip("geral"), chat.state.tip("user:ana")), (6, 7));
    assert_eq!((chat.state.tip("user:eva"), chat.state.tip("ajuda"), chat.state.tip("ana")), (0, 0, 0));
}

#[test]
fn an_imported_message_moves_the_tip_so_that_the_next_one_shows_the_gap() {
    run("
        old/1   channel geral               -> done
        old/2   publish geral um            -> done, on geral after 0
        old/3   imported publish geral dois -> done
        ana/1   publish geral tres          -> done, on geral after 4
    ");
}

#[test]
fn recent_tips_are_those_after_a_point_newest_first() {
    let chat = run("
        ana/1   login ana           -> done
        ana/2   channel geral       -> done
        ana/3   channel ajuda       -> done
        ana/4   publish geral um    -> done, on geral after 0
        ana/5   publish ajuda dois  -> done, on ajuda after 0
        ana/6   message ana tres    -> done, to ana after 0
        ana/7   publish geral um    -> done, on geral after 5
    ");
    let tips = |since| chat.state.recent_tips(since).collect::<Vec<_>>();
    let [geral, ana, ajuda] =
        [("geral", 8), ("user:ana", 7), ("ajuda", 6)].map(|(topic, tip)| (topic.to_owned(), tip));
    assert_eq!(tips(0), [geral.clone(), ana.clone(), ajuda]);
    assert_eq!(tips(6), [geral, ana]);
    assert_eq!(tips(8), []);
}

#[test]
fn of_very_many_topics_the_most_recent_are_kept_in_order() {
    let mut chat = Chat::founded();
    for number in 0..2000 {
        chat.apply("ana", None, channel(&format!("canal {number}")));
    }
    for number in 0..2000 {
        chat.apply("ana", None, publish("ana", &format!("canal {number}"), "oi"));
    }
    let tips: Vec<_> = chat.state.recent_tips(0).collect();
    assert_eq!(tips.len(), 1024);
    assert_eq!(tips[0], ("canal 1999".to_owned(), 4001));
    assert_eq!(chat.state.tip("canal 0"), 2002, "a tip is known however old it is");
}

/// The accepted messages of each topic, as the records of the log name them.
fn messages(log: &[Entry], applied: &[Applied]) -> BTreeMap<String, Vec<u64>> {
    let mut topics: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    for (entry, applied) in log.iter().zip(applied) {
        if let (Some(record), Some(said)) = (&applied.record, Said::of(entry)) {
            topics.entry(said.to.topic()).or_default().push(record.index);
        }
    }
    topics
}

proptest! {
    #[test]
    fn following_previous_from_the_tip_visits_exactly_the_topics_messages(log in any_log()) {
        // Imported messages are not delivered, and so carry no `previous`.
        let mut log = log;
        for entry in &mut log {
            if let Operation::Imported { operation, .. } = &mut entry.operation {
                entry.operation = std::mem::replace(operation, Operation::Empty);
            }
        }
        let (state, applied) = replay(&log);
        let previous: BTreeMap<u64, u64> =
            applied.iter().filter_map(|a| a.delivery.as_ref()).map(|d| (d.said.index, d.previous)).collect();
        for (topic, messages) in messages(&log, &applied) {
            let mut chain = Vec::new();
            let mut at = state.tip(&topic);
            while at != 0 {
                chain.push(at);
                at = previous[&at];
            }
            chain.reverse();
            prop_assert_eq!(chain, messages);
        }
    }

    #[test]
    fn a_delivery_names_the_message_before_it_imported_or_not(log in any_log()) {
        let (state, applied) = replay(&log);
        let messages = messages(&log, &applied);
        for delivery in applied.iter().filter_map(|applied| applied.delivery.as_ref()) {
            let before = messages[&delivery.said.to.topic()].iter().rfind(|index| **index < delivery.said.index);
            prop_assert_eq!(delivery.previous, before.copied().unwrap_or(0));
        }
        let mut tips: Vec<_> =
            messages.into_iter().map(|(topic, indices)| (topic, *indices.last().expect("not empty"))).collect();
        tips.sort_by_key(|(_, tip)| std::cmp::Reverse(*tip));
        prop_assert!(tips.iter().all(|(topic, tip)| state.tip(topic) == *tip));
        prop_assert_eq!(state.recent_tips(0).collect::<Vec<_>>(), tips);
    }
}
