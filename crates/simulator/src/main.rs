//! `sim`: runs many seeds, or replays one.
//!
//! ```text
//! sim                      a fixed set of seeds, and a fresh random one
//! sim --seeds 100000       that many, from a random start
//! sim --from 5 --seeds 10  exactly these
//! sim --seed 42            this one, every step told
//! sim --shrink 42          makes its plan short, and keeps it as a regression
//! sim --replay FILE        a plan that was kept
//! ```

use std::hash::{BuildHasher, Hasher, RandomState};
use std::process::ExitCode;

use papo_simulator::campaign::{self, Findings, Progress};
use papo_simulator::coverage::Happening;
use papo_simulator::plan::Plan;
use papo_simulator::regressions;
use papo_simulator::run::{Broken, verdict};
use papo_simulator::shrink::shrink;

/// Seeds that are run each time.
const FIXED: u64 = 300;
/// From here on random sets begin: they never meet the fixed one.
const RANDOM: u64 = 1 << 32;
/// With so many seeds, everything that can happen must have.
const ENOUGH: u64 = 5_000;

fn main() -> ExitCode {
    let options = match Options::read() {
        Ok(options) => options,
        Err(mistake) => {
            eprintln!(
                "{mistake}\nsim [--seeds N] [--from N] [--seed N] [--shrink N] [--replay FILE] [--threads N]"
            );
            return ExitCode::from(64);
        }
    };
    if let Some(seed) = options.seed {
        return replay(&Plan::drawn(seed));
    }
    if let Some(seed) = options.shrink {
        return shrink_seed(seed);
    }
    if let Some(file) = &options.replay {
        return match regressions::load(std::path::Path::new(file)) {
            Ok(regression) => replay(&regression.plan),
            Err(error) => {
                eprintln!("{file}: {error}");
                ExitCode::from(64)
            }
        };
    }
    campaign(&options)
}

#[derive(Debug, Default)]
struct Options {
    seeds: Option<u64>,
    from: Option<u64>,
    seed: Option<u64>,
    shrink: Option<u64>,
    replay: Option<String>,
    threads: Option<usize>,
}

impl Options {
    fn read() -> Result<Self, String> {
        let mut options = Self::default();
        let mut words = std::env::args().skip(1);
        while let Some(word) = words.next() {
            let value = words.next().ok_or_else(|| format!("{word} needs a value"))?;
            let number = || value.parse::<u64>().map_err(|_| format!("{word}: {value} is no number"));
            match word.as_str() {
                "--seeds" => options.seeds = Some(number()?),
                "--from" => options.from = Some(number()?),
                "--seed" => options.seed = Some(number()?),
                "--shrink" => options.shrink = Some(number()?),
                "--threads" => options.threads = Some(usize::try_from(number()?).unwrap_or(1).max(1)),
                "--replay" => options.replay = Some(value),
                _ => return Err(format!("{word} is not known")),
            }
        }
        Ok(options)
    }
}

fn campaign(options: &Options) -> ExitCode {
    let threads =
        options.threads.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from));
    let findings = match (options.from, options.seeds) {
        (Some(from), seeds) => set("seeds", from, seeds.unwrap_or(1), threads),
        (None, Some(seeds)) => {
            let mut findings = set("fixed seeds", 0, FIXED.min(seeds), threads);
            findings.merge(set("random seeds", random_start(), seeds - FIXED.min(seeds), threads));
            findings
        }
        (None, None) => {
            let mut findings = set("fixed seeds", 0, FIXED, threads);
            findings.merge(set("random seeds", random_start(), FIXED, threads));
            findings
        }
    };
    report(&findings)
}

/// A new one each time: the standard library's hashes are seeded at random.
fn random_start() -> u64 {
    RANDOM + (RandomState::new().build_hasher().finish() >> 24)
}

fn set(what: &str, from: u64, count: u64, threads: usize) -> Findings {
    println!("{what}: {from}..{}", from + count);
    campaign::run(from..from + count, threads, |progress| match progress {
        Progress::At(seeds, took) => {
            println!("  {seeds} of {count}, {:.0} seeds/s", seeds as f64 / took.as_secs_f64());
        }
        Progress::Broken(seed, broken) => println!("  seed {seed}: {}", broken.headline()),
    })
}

fn report(findings: &Findings) -> ExitCode {
    println!("\nwhat happened in {} seeds:\n{}", findings.seeds, findings.coverage);
    println!(
        "{} seeds in {:.1} s: {:.0} seeds a second",
        findings.seeds,
        findings.took.as_secs_f64(),
        findings.speed()
    );
    let missing: Vec<Happening> = findings.coverage.missing().collect();
    if !findings.broken.is_empty() {
        println!("{} seeds broke a promise; `sim --shrink N` makes one short:", findings.broken.len());
        for (seed, broken) in &findings.broken {
            println!("  {seed}: {} ({})", broken.headline(), broken.place);
        }
        return ExitCode::from(1);
    }
    if findings.seeds >= ENOUGH && !missing.is_empty() {
        for happening in missing {
            println!("never happened: {}", happening.text());
        }
        println!("what never happened was not tested");
        return ExitCode::from(2);
    }
    println!("no promise was broken");
    ExitCode::SUCCESS
}

fn replay(plan: &Plan) -> ExitCode {
    println!("{}", regressions::readable(plan));
    match verdict(plan, true) {
        Ok(_) => {
            println!("no promise was broken");
            ExitCode::SUCCESS
        }
        Err(broken) => tell(&broken),
    }
}

fn shrink_seed(seed: u64) -> ExitCode {
    let plan = Plan::drawn(seed);
    let Err(broken) = verdict(&plan, false) else {
        println!("seed {seed} breaks no promise");
        return ExitCode::SUCCESS;
    };
    let (short, broken) = shrink(&plan, &broken);
    println!("{}", regressions::readable(&short));
    match regressions::keep(seed, &short, &broken) {
        Ok(path) => println!("kept as {}", path.display()),
        Err(error) => println!("not kept: {error}"),
    }
    tell(&broken)
}

fn tell(broken: &Broken) -> ExitCode {
    println!("{}\n({})", broken.sentence, broken.place);
    ExitCode::from(1)
}
