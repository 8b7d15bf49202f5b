//! Many seeds, on all processors.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::coverage::{Coverage, Happening};
use crate::plan::Plan;
use crate::run::{Broken, verdict};

/// Of fewer no share is told.
const ENOUGH_SERVED: u64 = 500;

/// What came of many seeds.
#[derive(Debug, Default)]
pub struct Findings {
    /// How many were run.
    pub seeds: u64,
    /// How long that took.
    pub took: Duration,
    /// What happened in them.
    pub coverage: Coverage,
    /// The seeds that broke a promise, in order.
    pub broken: Vec<(u64, Broken)>,
}

impl Findings {
    /// Seeds a second.
    pub fn speed(&self) -> f64 {
        self.seeds as f64 / self.took.as_secs_f64().max(1e-9)
    }

    /// Whether a majority that was made well took longer than the second of P7 too often, though none of its disks had to be
    /// replaced: more than once in fifty times. Single ones may, as long as others are broken (see [`crate::run`]).
    pub fn is_slow(&self) -> bool {
        let (soon, late) = (self.coverage.of(Happening::ServedSoon), self.coverage.of(Happening::ServedLate));
        soon + late >= ENOUGH_SERVED && late * 50 > soon + late
    }

    /// Adds what came of other seeds, which were run before or after these.
    pub fn merge(&mut self, other: Self) {
        self.seeds += other.seeds;
        self.took += other.took;
        self.coverage.merge(&other.coverage);
        self.broken.extend(other.broken);
    }
}

/// How many threads there is work for.
pub fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Runs all these seeds. `progress` is told of each that breaks a promise, and the count about every second.
pub fn run(seeds: std::ops::Range<u64>, threads: usize, progress: impl Fn(Progress<'_>) + Sync) -> Findings {
    let began = Instant::now();
    let next = AtomicU64::new(seeds.start);
    let all = Mutex::new(Findings::default());
    let told = Mutex::new(began);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                let mut mine = Findings::default();
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds.end {
                        break;
                    }
                    mine.seeds += 1;
                    match verdict(&Plan::drawn(seed), false) {
                        Ok(coverage) => mine.coverage.merge(&coverage),
                        Err(broken) => {
                            progress(Progress::Broken(seed, &broken));
                            mine.broken.push((seed, broken));
                        }
                    }
                    let mut told = told.lock().expect("nobody panics while holding it");
                    if told.elapsed() > Duration::from_secs(5) {
                        *told = Instant::now();
                        progress(Progress::At(seed - seeds.start, began.elapsed()));
                    }
                }
                all.lock().expect("nobody panics while holding it").merge(mine);
            });
        }
    });
    let mut findings = all.into_inner().expect("nobody panics while holding it");
    findings.took = began.elapsed();
    findings.broken.sort_by_key(|(seed, _)| *seed);
    findings
}

/// What is told while a campaign runs.
#[derive(Debug)]
pub enum Progress<'a> {
    /// So many seeds were run in so much time.
    At(u64, Duration),
    /// This seed broke a promise.
    Broken(u64, &'a Broken),
}
