//! The registry's promises, first told as scripts and then tried at random.

use proptest::prelude::*;

use super::*;

const EXPIRY: Duration = Duration::from_secs(5);

struct Script {
    registry: Registry,
    now: Instant,
}

impl Script {
    fn new() -> Self {
        Self { registry: Registry::new(EXPIRY), now: Instant::now() }
    }

    fn rank(&mut self, name: &str) -> Reply {
        self.ask_rank(name, None)
    }

    fn held(&mut self, name: &str, rank: u64) -> Reply {
        self.ask_rank(name, Some(rank))
    }

    fn ask_rank(&mut self, name: &str, rank: Option<u64>) -> Reply {
        let p2p_address = format!("{name}:5570");
        self.registry.answer(Request::Rank { user: name.to_owned(), p2p_address, rank }, self.now)
    }

    fn heartbeat(&mut self, name: &str) -> Reply {
        self.registry.answer(Request::Heartbeat { user: name.to_owned() }, self.now)
    }

    fn list(&mut self) -> Vec<(String, u64)> {
        match self.registry.answer(Request::List, self.now) {
            Reply::List(list) => list.into_iter().map(|listed| (listed.name, listed.rank)).collect(),
            other => panic!("no list: {other:?}"),
        }
    }

    fn wait(&mut self, time: Duration) {
        self.now += time;
    }

    fn restart(&mut self) {
        self.registry = Registry::new(EXPIRY);
    }
}

fn named(list: &[(&str, u64)]) -> Vec<(String, u64)> {
    list.iter().map(|(name, rank)| ((*name).to_owned(), *rank)).collect()
}

fn is_refused(reply: &Reply) -> bool {
    matches!(reply, Reply::Refused { unknown_servidor: false, .. })
}

#[test]
fn ranks_count_from_1_first_come_first_served_and_stay() {
    let mut script = Script::new();
    assert_eq!(script.rank("b"), Reply::Rank(1));
    assert_eq!(script.rank("a"), Reply::Rank(2));
    assert_eq!(script.rank("b"), Reply::Rank(1));
    assert_eq!(script.list(), named(&[("b", 1), ("a", 2)]));
}

#[test]
fn a_silent_servidor_is_no_longer_listed_but_keeps_its_rank() {
    let mut script = Script::new();
    script.rank("a");
    script.rank("b");
    script.wait(EXPIRY / 2);
    assert_eq!(script.heartbeat("b"), Reply::Heartbeat);
    script.wait(EXPIRY / 2);
    assert_eq!(script.list(), named(&[("b", 2)]));
    assert_eq!(script.registry.newly_silent(script.now), ["a"]);
    assert!(script.registry.newly_silent(script.now).is_empty());
    assert_eq!(script.rank("c"), Reply::Rank(3));
    assert_eq!(script.heartbeat("a"), Reply::Heartbeat);
    assert_eq!(script.list(), named(&[("a", 1), ("b", 2), ("c", 3)]));
}

#[test]
fn after_a_restart_the_ranks_of_the_log_are_adopted() {
    let mut script = Script::new();
    script.rank("a");
    script.rank("b");
    script.restart();
    assert!(matches!(script.heartbeat("b"), Reply::Refused { unknown_servidor: true, .. }));
    assert_eq!(script.held("b", 2), Reply::Rank(2));
    assert_eq!(script.rank("c"), Reply::Rank(3));
    assert_eq!(script.held("a", 1), Reply::Rank(1));
    assert_eq!(script.list(), named(&[("a", 1), ("b", 2), ("c", 3)]));
}

#[test]
fn a_rank_of_the_log_displaces_one_that_was_merely_given() {
    let mut script = Script::new();
    assert_eq!(script.rank("newcomer"), Reply::Rank(1));
    assert_eq!(script.held("a", 1), Reply::Rank(1));
    assert_eq!(script.list(), named(&[("a", 1), ("newcomer", 2)]));
    assert_eq!(script.rank("newcomer"), Reply::Rank(2));
}

#[test]
fn two_names_that_both_hold_a_rank_do_not_both_get_it() {
    let mut script = Script::new();
    assert_eq!(script.held("a", 1), Reply::Rank(1));
    assert!(is_refused(&script.held("b", 1)));
    assert_eq!(script.list(), named(&[("a", 1)]));
}

#[test]
fn senseless_requests_change_nothing() {
    let mut script = Script::new();
    assert!(is_refused(&script.held("a", 0)));
    assert!(is_refused(&script.held("a", HIGHEST_RANK + 1)));
    assert!(is_refused(&script.rank("a\nb")));
    for address in ["", "a:1\0", &"x".repeat(ADDRESS_BYTES + 1)] {
        let p2p_address = address.to_owned();
        let request = Request::Rank { user: "a".to_owned(), p2p_address, rank: None };
        assert!(is_refused(&script.registry.answer(request, script.now)), "{address:?} was taken");
    }
    assert!(script.list().is_empty());
}

#[test]
fn the_highest_rank_does_not_end_the_giving() {
    let mut script = Script::new();
    assert_eq!(script.held("a", HIGHEST_RANK), Reply::Rank(HIGHEST_RANK));
    assert_eq!(script.rank("b"), Reply::Rank(1));
    assert_eq!(script.rank("c"), Reply::Rank(2));
}

#[test]
fn a_flood_of_names_pushes_nobody_out_who_lives_or_holds_a_rank() {
    let mut script = Script::new();
    script.held("member", 1);
    for number in 1..MOST_NAMES {
        script.rank(&format!("x{number}"));
    }
    assert!(is_refused(&script.rank("one too many")));
    script.wait(EXPIRY);
    script.heartbeat("x1");
    assert!(matches!(script.rank("later"), Reply::Rank(_)));
    assert_eq!(script.registry.count(script.now), (2, MOST_NAMES));
    assert_eq!(script.heartbeat("member"), Reply::Heartbeat);
}

#[derive(Clone, Debug)]
enum Step {
    Rank(u8),
    Held(u8, u64),
    Heartbeat(u8),
    Wait(u64),
    Restart,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        (0..6_u8).prop_map(Step::Rank),
        (0..6_u8, 1..8_u64).prop_map(|(name, rank)| Step::Held(name, rank)),
        (0..6_u8).prop_map(Step::Heartbeat),
        (0..4_000_u64).prop_map(Step::Wait),
        Just(Step::Restart),
    ];
    proptest::collection::vec(step, 0..60)
}

proptest! {
    #[test]
    fn no_two_names_ever_have_the_same_rank(steps in steps()) {
        let mut script = Script::new();
        for step in steps {
            match step {
                Step::Rank(name) => drop(script.rank(&name.to_string())),
                Step::Held(name, rank) => drop(script.held(&name.to_string(), rank)),
                Step::Heartbeat(name) => drop(script.heartbeat(&name.to_string())),
                Step::Wait(millis) => script.wait(Duration::from_millis(millis)),
                Step::Restart => script.restart(),
            }
            let mut ranks: Vec<u64> = script.registry.known.values().map(|known| known.rank).collect();
            ranks.sort_unstable();
            ranks.dedup();
            prop_assert_eq!(ranks.len(), script.registry.known.len());
            let listed: Vec<u64> = script.list().into_iter().map(|(_, rank)| rank).collect();
            prop_assert!(listed.is_sorted());
        }
    }

    /// Members that always tell the log's rank get it, whatever newcomers do and however often the memory is lost.
    #[test]
    fn members_keep_the_ranks_of_their_log_for_good(steps in steps()) {
        let mut script = Script::new();
        for step in steps {
            match step {
                Step::Rank(name) if name < 3 => {
                    let rank = u64::from(name) + 1;
                    prop_assert_eq!(script.held(&name.to_string(), rank), Reply::Rank(rank));
                }
                Step::Rank(name) => drop(script.rank(&name.to_string())),
                Step::Held(..) => {}
                Step::Heartbeat(name) => drop(script.heartbeat(&name.to_string())),
                Step::Wait(millis) => script.wait(Duration::from_millis(millis)),
                Step::Restart => script.restart(),
            }
        }
    }
}
