//! The checkers themselves, under histories at random: a good one passes, and one that was spoilt in a single place does not.

use papo_core::chat::Outcome;
use papo_core::log::Index;

use super::p2_once::Once;
use super::p4_causal::Causal;
use super::p8_delivery::Deliveries;
use super::testing::{key, said};
use super::{Check, Key};

/// How many histories each property is tried on.
const HISTORIES: u64 = 300;

fn histories(mut property: impl FnMut(&mut fastrand::Rng)) {
    for seed in 0..HISTORIES {
        property(&mut fastrand::Rng::with_seed(seed));
    }
}

/// Growing indices with gaps between them.
fn indices(rng: &mut fastrand::Rng, count: usize) -> Vec<Index> {
    let mut last = 0;
    (0..count)
        .map(|_| {
            last += rng.u64(2..6);
            last
        })
        .collect()
}

/// A topic whose pages were read again and again while it grew, and in the end all of it.
fn read(rng: &mut fastrand::Rng) -> (Causal, Vec<Index>) {
    let count = rng.usize(4..40);
    let topic = indices(rng, count);
    let mut causal = Causal::default();
    let mut known = 1;
    while known < topic.len() {
        known = (known + rng.usize(0..4)).min(topic.len());
        let from = rng.usize(..known);
        let to = rng.usize(from..known);
        assert_eq!(causal.page("geral", &topic[from..=to]), Ok(()), "a page of what there is is good");
    }
    assert_eq!(causal.page("geral", &topic), Ok(()));
    (causal, topic)
}

#[test]
fn a_page_that_lost_gained_or_swapped_a_message_is_found() {
    histories(|rng| {
        let (causal, topic) = read(rng);
        let from = rng.usize(..topic.len() - 2);
        let to = rng.usize(from + 2..topic.len());
        let good = &topic[from..=to];
        let inside = rng.usize(1..good.len() - 1);
        let spoilt = |spoil: &dyn Fn(&mut Vec<Index>)| {
            let mut page = good.to_vec();
            spoil(&mut page);
            causal.clone().page("geral", &page)
        };
        assert_eq!(spoilt(&|_| {}), Ok(()));
        assert!(
            spoilt(&|page| {
                page.remove(inside);
            })
            .is_err(),
            "one is missing in {good:?}"
        );
        assert!(spoilt(&|page| page.insert(inside, good[inside] - 1)).is_err(), "one is new in {good:?}");
        assert!(spoilt(&|page| page.swap(inside, inside - 1)).is_err(), "two are swapped in {good:?}");
    });
}

/// What comes of showing a reader of `topic` these messages, up to the end of the run.
fn showing(topic: &[Index], shown: &[Index]) -> Check {
    let mut deliveries = Deliveries::default();
    let mut previous = 0;
    for index in topic {
        deliveries.applied(said(*index, previous))?;
        previous = *index;
    }
    deliveries.follows("bruno", "geral", 0);
    for index in shown {
        deliveries.shown("bruno", "geral", *index)?;
    }
    deliveries.complete()
}

#[test]
fn a_message_that_is_lost_doubled_invented_or_late_is_found() {
    histories(|rng| {
        let count = rng.usize(2..30);
        let topic = indices(rng, count);
        let at = rng.usize(..topic.len());
        let spoilt = |spoil: &dyn Fn(&mut Vec<Index>)| {
            let mut shown = topic.clone();
            spoil(&mut shown);
            showing(&topic, &shown)
        };
        assert_eq!(spoilt(&|_| {}), Ok(()));
        assert!(
            spoilt(&|shown| {
                shown.remove(at);
            })
            .is_err(),
            "one of {topic:?} was never shown"
        );
        assert!(spoilt(&|shown| shown.insert(at, topic[at])).is_err(), "one of {topic:?} was shown twice");
        assert!(spoilt(&|shown| shown.insert(at, topic[at] - 1)).is_err(), "one was never said");
        assert!(
            spoilt(&|shown| shown.swap(at, (at + 1) % topic.len())).is_err(),
            "two came the other way round"
        );
    });
}

/// An entry of a history of requests: whose, where, a copy of which, and what it came to.
type Applied = (Key, Index, Option<Index>, Outcome);

fn applying(history: &[Applied]) -> Result<Once, super::Violation> {
    let mut once = Once::default();
    for (key, index, repeats, outcome) in history {
        once.applied(key.clone(), *index, *repeats, *outcome)?;
    }
    Ok(once)
}

#[test]
fn a_request_that_takes_effect_twice_or_has_two_answers_is_found() {
    histories(|rng| {
        let mut first: Vec<Option<Index>> = vec![None; 6];
        let mut history: Vec<Applied> = Vec::new();
        for index in 1..rng.u64(8..40) {
            let who = rng.usize(..first.len());
            history.push((key(&who.to_string()), index, first[who], Outcome::Done));
            first[who].get_or_insert(index);
        }
        let once = applying(&history).expect("each takes effect once");
        for (key, index, repeats, outcome) in &history {
            let settled = repeats.unwrap_or(*index);
            assert_eq!(once.answered(key, settled, *outcome), Ok(()));
            assert!(once.answered(key, settled + 1, *outcome).is_err(), "another answer");
        }
        let copies: Vec<usize> = (0..history.len()).filter(|at| history[*at].2.is_some()).collect();
        let copy = copies[rng.usize(..copies.len())];
        let mut twice = history.clone();
        twice[copy].2 = None;
        assert!(applying(&twice).is_err(), "a copy took effect");
        let mut other = history.clone();
        other[copy].2 = other[copy].2.map(|first| first + 1);
        assert!(applying(&other).is_err(), "a copy of something else");
    });
}
