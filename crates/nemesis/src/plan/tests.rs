use super::*;

fn draw(seed: u64, pace: Pace, minutes: u64) -> Draw {
    let length = Duration::from_secs(60 * minutes);
    Draw { seed, shape: Shape::default(), kinds: Kind::ALL.to_vec(), pace, length }
}

#[test]
fn equal_seeds_give_equal_plans_and_others_give_others() {
    assert_eq!(Plan::draw(&draw(7, Pace::Long, 30)), Plan::draw(&draw(7, Pace::Long, 30)));
    assert_ne!(Plan::draw(&draw(7, Pace::Long, 30)), Plan::draw(&draw(8, Pace::Long, 30)));
}

#[test]
fn every_kind_comes_in_half_an_hour() {
    for seed in 0..20 {
        let plan = Plan::draw(&draw(seed, Pace::Long, 30));
        let kinds: BTreeSet<Kind> =
            plan.rounds.iter().flat_map(|round| &round.strokes).map(|stroke| stroke.kind).collect();
        assert_eq!(kinds.len(), Kind::ALL.len(), "seed {seed}");
    }
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
                    Deed::Dismiss(_) | Deed::Garbage { .. } | Deed::Flood { .. } => (vec![], vec![]),
                };
                assert!(of_nodes.into_iter().all(|node| nodes.insert(node)), "seed {seed}: {round:?}");
                assert!(of_ways.into_iter().all(|way| ways.insert(way)), "seed {seed}: {round:?}");
            }
            assert!(disks <= 1, "seed {seed}: {round:?}");
        }
    }
}

#[test]
fn one_servidor_always_keeps_the_previous_release() {
    for seed in 0..50 {
        let servidores = Shape::default().servidores();
        let mut old: BTreeSet<Node> = servidores.iter().cloned().collect();
        for stroke in Plan::draw(&draw(seed, Pace::Long, 30)).rounds.iter().flat_map(|round| &round.strokes) {
            match &stroke.deed {
                Deed::Release { node, previous: true, .. } if servidores.contains(node) => {
                    old.insert(node.clone());
                }
                Deed::Release { node, .. } => {
                    old.remove(node);
                }
                _ => {}
            }
            assert!(!old.is_empty(), "seed {seed}");
        }
    }
}

#[test]
fn a_ring_of_three_leaves_each_one_it_hears() {
    let mut table = Table {
        dice: Rng::with_seed(1),
        shape: Shape::default(),
        pace: Pace::Short,
        kinds: vec![],
        deck: VecDeque::new(),
        previous: BTreeSet::new(),
    };
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
    assert!(round(vec![kill("servidor-1"), kill("broker-1")]).is_gentle());
    assert!(round(vec![alone("servidor-1")]).is_gentle());
    assert!(!round(vec![kill("servidor-2"), alone("servidor-1")]).is_gentle());
    assert!(!round(vec![kill("proxy-1"), kill("broker-1")]).is_gentle());
    assert!(!round(vec![Deed::Garbage { seed: 1 }]).is_gentle());
}
