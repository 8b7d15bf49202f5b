//! Drills in which all is well pass; spoiled in any one way, anywhere, they do not, and are counted under what it is.

use papo_audit::{Record, What};
use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::stories::{Ends, Story, assert_fails, assert_passes, assert_unknown, seen};
use crate::evidence::{Evidence, MessageCounts, Verdict};
use crate::judge::Proof;

/// What somebody else says meanwhile, which ends in every way that is allowed.
#[derive(Clone, Copy, Debug)]
enum Aside {
    Kept,
    SilentAndThere,
    SilentAndNotThere,
    Refused,
    TurnedAway,
}

fn asides() -> impl Strategy<Value = Vec<Aside>> {
    let aside = select(vec![
        Aside::Kept,
        Aside::SilentAndThere,
        Aside::SilentAndNotThere,
        Aside::Refused,
        Aside::TurnedAway,
    ]);
    prop::collection::vec(aside, 0..12)
}

fn story(pause: u64, asides: &[Aside]) -> Story {
    let mut story = Story::well(pause);
    for (sent, aside) in (1_500..).step_by(150).zip(asides) {
        let answered = sent + 20;
        let (ends, present) = match aside {
            Aside::Kept => (Ends::Acknowledged(answered), true),
            Aside::SilentAndThere => (Ends::Silent(answered), true),
            Aside::SilentAndNotThere => (Ends::Silent(answered), false),
            Aside::Refused => (Ends::Refused(answered), false),
            Aside::TurnedAway => (Ends::TurnedAway(answered), false),
        };
        story.says("bia", sent, &ends, present);
    }
    // Nobody is left waiting.
    story.says("bia", 4_990, &Ends::Acknowledged(4_999), true);
    story
}

/// One way in which what a servidor tells, or all of them tell, is not what it should be.
#[derive(Clone, Copy, Debug)]
enum Corruption {
    Lost,
    Altered,
    TwiceAtTheEnd,
    ClockStands,
    Reordered,
}

impl Corruption {
    const ALL: [Self; 5] =
        [Self::Lost, Self::Altered, Self::TwiceAtTheEnd, Self::ClockStands, Self::Reordered];

    /// Spoils what was said first by `ana`, who is always answered, `at` being one of the messages before the last.
    fn spoil(self, records: &mut Vec<Record>, at: &Index) {
        let of_ana = |record: &Record| record.request_id.as_deref().is_some_and(|id| id.starts_with("ana"));
        let all: Vec<usize> =
            records.iter().enumerate().filter(|(_, record)| of_ana(record)).map(|(at, _)| at).collect();
        let (at, next) = {
            let at = at.index(all.len() - 1);
            (all[at], all[at + 1])
        };
        match self {
            Self::Lost => drop(records.remove(at)),
            Self::Altered => {
                let What::Publish { message, .. } = &mut records[at].what else { panic!("it is said") };
                message.push('!');
            }
            Self::TwiceAtTheEnd => {
                let last = records.last().expect("there are some");
                let again = Record {
                    index: last.index + 1,
                    clock: last.clock + 1,
                    timestamp: last.timestamp.clone(),
                    ..records[at].clone()
                };
                records.push(again);
            }
            Self::ClockStands => records[next].clock = records[next - 1].clock,
            Self::Reordered => {
                let (one, other) = (records[at].clone(), records[next].clone());
                (records[at].what, records[at].request_id) = (other.what, other.request_id);
                (records[next].what, records[next].request_id) = (one.what, one.request_id);
            }
        }
    }

    fn promise(self) -> &'static str {
        match self {
            Self::Lost | Self::Altered => "P1",
            Self::TwiceAtTheEnd => "P2",
            Self::ClockStands | Self::Reordered => "P4",
        }
    }

    fn counted(self, messages: &MessageCounts) -> u64 {
        match self {
            Self::Lost => messages.lost,
            Self::Altered => messages.altered,
            Self::TwiceAtTheEnd => messages.duplicated,
            Self::ClockStands | Self::Reordered => messages.out_of_order,
        }
    }
}

/// Every message has one verdict.
fn adds_up(Evidence { messages, .. }: &Evidence) -> bool {
    let all = [
        messages.kept,
        messages.lost,
        messages.altered,
        messages.duplicated,
        messages.out_of_order,
        messages.refused_present,
        messages.unacknowledged_present,
        messages.refused,
        messages.unknown_outcome,
        messages.unchecked,
    ];
    all.iter().sum::<u64>() == messages.attempted
}

proptest! {
    #![proptest_config(papo_fuzz::cases(64))]

    #[test]
    fn a_drill_in_which_all_is_well_passes(pause in 100..2_000_u64, asides in asides()) {
        let evidence = story(pause, &asides).judged();
        assert_passes(&evidence);
        prop_assert!(adds_up(&evidence), "{:?}", evidence.messages);
        prop_assert_eq!(evidence.messages.lost + evidence.messages.duplicated + evidence.messages.out_of_order, 0);
    }

    #[test]
    fn a_drill_spoiled_in_any_one_way_fails_and_counts_it(
        pause in 100..2_000_u64,
        asides in asides(),
        at in any::<Index>(),
        servidor in 0..4_usize,
    ) {
        for corruption in Corruption::ALL {
            let mut story = story(pause, &asides);
            story.spoilt = servidor;
            story.spoil = Box::new(move |records| corruption.spoil(records, &at));
            let evidence = story.judged();
            assert_fails(&evidence, corruption.promise());
            if servidor < 3 {
                assert_fails(&evidence, "P3");
            }
            prop_assert!(corruption.counted(&evidence.messages) >= 1, "{:?}: {:?}", corruption, evidence.messages);
            prop_assert!(adds_up(&evidence), "{:?}: {:?}", corruption, evidence.messages);
        }
    }

    /// A broken promise is not excused by what else is not known; and without one, what is not known is no pass.
    #[test]
    fn what_is_not_known_is_neither_a_pass_nor_an_excuse(asides in asides(), at in any::<Index>(), spoilt in any::<bool>()) {
        for doubt in 0..2 {
            let mut story = story(300, &asides);
            let why = if doubt == 0 {
                story.missing.push("s-1 did not answer".to_owned());
                "s-1 did not answer"
            } else {
                let proof = Proof::Missing("nobody saw it".to_owned());
                story.fault = story.fault.map(|fault| crate::judge::Fault { proof, ..fault });
                "nobody saw it"
            };
            if spoilt {
                story.spoil = Box::new(move |records| Corruption::Lost.spoil(records, &at));
                assert_fails(&story.judged(), "P1");
            } else {
                assert_unknown(&story.judged(), why);
            }
        }
    }
}

#[test]
fn a_fault_that_was_seen_is_no_doubt() {
    let mut story = story(300, &[]);
    story.fault = story.fault.map(|fault| crate::judge::Fault { proof: seen(1_000), ..fault });
    assert_eq!(story.judged().verdict, Verdict::Pass);
}
