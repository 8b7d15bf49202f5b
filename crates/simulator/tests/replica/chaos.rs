//! All faults at once, in random order: whatever happens, no promise is broken; and once a majority is well again, everything
//! goes on.
//!
//! `PAPO_SEEDS=20` runs that many seeds instead of the usual number. A failing seed is printed: `make sim SEED=n` replays it, `make sim ARGS="--shrink n"` makes it short and keeps it.

use std::hash::{BuildHasher, Hasher, RandomState};

use papo_simulator::campaign::{self, Progress};
use papo_simulator::plan::Plan;
use papo_simulator::regressions;
use papo_simulator::run::verdict;

#[test]
fn whatever_fails_no_promise_is_broken_and_a_healthy_majority_goes_on() {
    holds(0..seeds(200));
}

#[test]
fn nor_under_seeds_that_nobody_has_seen_before() {
    let from = (1 << 32) + (RandomState::new().build_hasher().finish() >> 24);
    println!("seeds {from}..{}", from + seeds(60));
    holds(from..from + seeds(60));
}

fn seeds(usually: u64) -> u64 {
    std::env::var("PAPO_SEEDS").map_or(usually, |seeds| seeds.parse().expect("PAPO_SEEDS is a number"))
}

fn holds(seeds: std::ops::Range<u64>) {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let findings = campaign::run(seeds, threads, |progress| {
        if let Progress::Broken(seed, broken) = progress {
            println!("seed {seed}: {} ({})", broken.sentence, broken.place);
        }
    });
    let broken: Vec<u64> = findings.broken.iter().map(|(seed, _)| *seed).collect();
    assert!(broken.is_empty(), "these seeds broke a promise: {broken:?}");
}

#[test]
fn what_was_mended_stays_mended() {
    for (path, regression) in regressions::all().expect("the regressions can be read") {
        if let Err(broken) = verdict(&regression.plan, false) {
            panic!("{}: {} ({})", path.display(), broken.sentence, broken.place);
        }
    }
}

#[test]
fn the_same_seed_gives_the_same_run() {
    for seed in 0..10 {
        let run = || verdict(&Plan::drawn(seed), false).map(|coverage| coverage.to_string());
        assert_eq!(run(), run());
    }
}

#[test]
fn a_plan_is_the_same_after_it_was_kept() {
    let plan = Plan::drawn(7);
    let text = serde_json::to_string(&plan).expect("a plan is plain data");
    assert_eq!(serde_json::from_str::<Plan>(&text).expect("it was written just now"), plan);
}
