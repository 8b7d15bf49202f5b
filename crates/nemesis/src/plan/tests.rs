use std::collections::BTreeSet;

use super::table::both;
use super::*;
use crate::deed::{Shape as Partition, Silence};

fn draw(seed: u64, pace: Pace, minutes: u64) -> Draw {
    let length = Duration::from_secs(60 * minutes);
    Draw { seed, shape: Shape::default(), kinds: Kind::ALL.to_vec(), pace, length, deals: 0 }
}

#[test]
fn equal_seeds_give_equal_plans_and_others_give_others() {
    assert_eq!(Plan::draw(&draw(7, Pace::Long, 30)), Plan::draw(&draw(7, Pace::Long, 30)));
    assert_ne!(Plan::draw(&draw(7, Pace::Long, 30)), Plan::draw(&draw(8, Pace::Long, 30)));
}

/// Healing takes seconds, a little more after a minute of SIGSTOP.
const HEALING: Duration = Duration::from_secs(30);

#[test]
fn half_an_hour_is_enough_for_every_kind() {
    for seed in 0..200 {
        let plan = Plan::draw(&Draw { deals: 1, ..draw(seed, Pace::Long, 30) });
        let least = &plan.rounds[..plan.least];
        let kinds: BTreeSet<Kind> = kinds(least).into_iter().collect();
        assert_eq!(kinds.len(), Kind::ALL.len(), "seed {seed}");
        let length: Duration = least.iter().map(|round| round.length() + HEALING).sum();
        assert!(length < Duration::from_secs(30 * 60), "seed {seed}: {length:?}");
    }
}

#[test]
fn every_kind_comes_before_any_comes_again_whatever_the_shape() {
    for (servidores, seed) in (1..=7).flat_map(|servidores| (0..20).map(move |seed| (servidores, seed))) {
        let shape = Shape { servidores, ..Shape::default() };
        for pace in [Pace::Short, Pace::Long] {
            let plan = Plan::draw(&Draw { shape, deals: 3, ..draw(seed, pace, 0) });
            let possible = Kind::ALL.iter().filter(|kind| kind.impossible_with(servidores).is_none()).count();
            assert!(plan.rounds.iter().all(|round| !round.strokes.is_empty()), "{servidores}, seed {seed}");
            let dealt = kinds(&plan.rounds);
            assert!(dealt.iter().all(|kind| kind.impossible_with(servidores).is_none()), "{servidores}");
            assert!(dealt.len() >= 3 * possible, "{servidores}, seed {seed}");
            for deck in dealt.chunks(possible) {
                let different: BTreeSet<&Kind> = deck.iter().collect();
                assert_eq!(different.len(), deck.len(), "{servidores}, seed {seed}: {deck:?}");
            }
        }
    }
}

#[test]
fn a_plan_that_has_to_deal_all_is_as_long_as_that_takes() {
    let plan = Plan::draw(&Draw { deals: 1, ..draw(1, Pace::Short, 0) });
    assert_eq!(plan.rounds.len(), plan.least);
    assert_eq!(Plan::draw(&draw(1, Pace::Short, 0)).rounds, []);
}

fn kinds(rounds: &[Round]) -> Vec<Kind> {
    rounds.iter().flat_map(|round| &round.strokes).map(|stroke| stroke.kind).collect()
}

#[test]
fn no_two_deeds_of_a_round_share_a_process_or_a_way_and_one_disk_at_most_is_lost() {
    for seed in 0..50 {
        for round in Plan::draw(&draw(seed, Pace::Long, 30)).rounds {
            let (mut nodes, mut ways, mut disks) = (BTreeSet::new(), BTreeSet::new(), 0);
            for Stroke { deed, .. } in &round.strokes {
                disks += usize::from(matches!(deed, Deed::Wipe(_) | Deed::OldCopy { .. } | Deed::Dismiss(_)));
                let (of_nodes, of_ways): (Vec<Node>, Vec<(Node, Node)>) = match deed.clone() {
                    Deed::Kill(nodes) => (nodes, vec![]),
                    Deed::Stop(node)
                    | Deed::Freeze(node)
                    | Deed::Wipe(node)
                    | Deed::ReadOnly(node)
                    | Deed::OldCopy { node, .. }
                    | Deed::FullDisk { node, .. }
                    | Deed::Release { node, .. } => (vec![node], vec![]),
                    Deed::Cut { ways, .. } | Deed::Slow { ways, .. } => (vec![], ways),
                    Deed::Jam { to, from } => {
                        (vec![], from.into_iter().map(|from| (from, to.clone())).collect())
                    }
                    Deed::Dismiss(_)
                    | Deed::Garbage { .. }
                    | Deed::Flood { .. }
                    | Deed::Deluge { .. }
                    | Deed::Requests { .. } => (vec![], vec![]),
                };
                assert!(of_nodes.into_iter().all(|node| nodes.insert(node)), "seed {seed}: {round:?}");
                assert!(of_ways.into_iter().all(|way| ways.insert(way)), "seed {seed}: {round:?}");
            }
            assert!(disks <= 1, "seed {seed}: {round:?}");
        }
    }
}

#[test]
fn one_member_always_has_the_previous_release() {
    for seed in 0..100 {
        let servidores = Shape::default().servidores();
        let mut old: BTreeSet<Node> = servidores.iter().cloned().collect();
        for round in Plan::draw(&draw(seed, Pace::Long, 60)).rounds {
            let changes = round.strokes.iter().filter(|stroke| {
                matches!(&stroke.deed, Deed::Release { node, .. } | Deed::Dismiss(node) if servidores.contains(node))
            });
            assert!(changes.count() <= 1, "seed {seed}: their order within a round is not that of the plan");
            for stroke in &round.strokes {
                match &stroke.deed {
                    Deed::Release { node, previous: true, .. } if servidores.contains(node) => {
                        old.insert(node.clone());
                    }
                    Deed::Release { node, .. } => {
                        old.remove(node);
                    }
                    // Until it is admitted again, at the end of the round.
                    Deed::Dismiss(node) => assert!(old.iter().any(|other| other != node), "seed {seed}"),
                    _ => {}
                }
            }
            assert!(!old.is_empty(), "seed {seed}");
        }
    }
}

#[test]
fn a_ring_of_three_leaves_each_one_it_hears() {
    let mut table = Table::new(&draw(1, Pace::Short, 0));
    let ways = table.partition(Partition::Ring);
    assert_eq!(ways.len(), 3);
    for servidor in Shape::default().servidores() {
        assert_eq!(ways.iter().filter(|(from, _)| *from == servidor).count(), 1);
        assert_eq!(ways.iter().filter(|(_, to)| *to == servidor).count(), 1);
    }
}

#[test]
fn a_round_is_gentle_if_it_takes_one_servidor_and_one_of_the_front_at_most() {
    let round = |deeds: Vec<Deed>| {
        let stroke =
            |deed| Stroke { after: Duration::ZERO, lasts: Duration::ZERO, deed, kind: Kind::KillOne };
        Round { strokes: deeds.into_iter().map(stroke).collect(), calm: Duration::ZERO }
    };
    let kill = |node: &str| Deed::Kill(vec![node.to_owned()]);
    let alone = |one: &str| {
        let ways = both(&[one.to_owned()], &["servidor-2".to_owned(), "servidor-3".to_owned()]);
        Deed::Cut { shape: Partition::Alone, ways, how: Silence::Waits }
    };
    assert_eq!(alone("servidor-1").takes(), Some(vec!["servidor-1".to_owned()]));
    assert!(round(vec![kill("servidor-1"), kill("broker-1")]).is_gentle(Shape::default()));
    assert!(round(vec![alone("servidor-1")]).is_gentle(Shape::default()));
    assert!(!round(vec![kill("servidor-2"), alone("servidor-1")]).is_gentle(Shape::default()));
    assert!(!round(vec![kill("proxy-1"), kill("broker-1")]).is_gentle(Shape::default()));
    assert!(!round(vec![Deed::Garbage { seed: 1 }]).is_gentle(Shape::default()));
    for servidores in [1, 2] {
        let shape = Shape { servidores, ..Shape::default() };
        assert!(!round(vec![kill("servidor-1")]).is_gentle(shape), "there is no majority without it");
    }
}
