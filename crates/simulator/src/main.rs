//! `sim`: runs many seeds, or replays one. `sim --help` tells how.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
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
/// `EX_USAGE`, as all programs of Papo end when they are told nonsense.
const USAGE: u8 = 64;

/// Simulates whole lives of a cluster, each from one seed, and checks every promise at every step.
///
/// Without options: a fixed set of 300 seeds, and 300 that nobody has seen before. The first seed that breaks a promise is made
/// short and kept in crates/simulator/regressions.
///
/// Exit codes: 0 no promise was broken; 1 one was; 2 something never happened in so many seeds, so that it was not tested; 64 usage.
#[derive(Debug, Parser)]
#[command(name = "sim")]
struct Options {
    /// How many seeds: the fixed ones first, then random ones [default: 600]
    #[arg(long, value_name = "N", conflicts_with_all = ["seed", "shrink", "replay"])]
    seeds: Option<u64>,
    /// Exactly the seeds from this one on [with --seeds: so many of them]
    #[arg(long, value_name = "N", conflicts_with_all = ["seed", "shrink", "replay"])]
    from: Option<u64>,
    /// Replay this seed, every step told on standard error
    #[arg(long, value_name = "N", conflicts_with_all = ["shrink", "replay"])]
    seed: Option<u64>,
    /// Make the plan of this seed, which breaks a promise, short, and keep it as a regression
    #[arg(long, value_name = "N", conflicts_with = "replay")]
    shrink: Option<u64>,
    /// Replay a plan that was kept
    #[arg(long, value_name = "FILE")]
    replay: Option<PathBuf>,
    /// How long to try to make a plan short
    #[arg(long, value_name = "SECONDS", default_value_t = 120)]
    patience: u64,
    /// How many threads [default: one a processor]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    threads: Option<u16>,
}

fn main() -> ExitCode {
    let options = match Options::try_parse() {
        Ok(options) => options,
        Err(error) => {
            let code = if error.use_stderr() { ExitCode::from(USAGE) } else { ExitCode::SUCCESS };
            // Where nobody reads what is said, there is nobody to complain to.
            let _ = error.print();
            return code;
        }
    };
    if let Some(seed) = options.seed {
        return replay(&Plan::drawn(seed));
    }
    if let Some(seed) = options.shrink {
        return shrink_seed(seed, options.patience);
    }
    if let Some(file) = &options.replay {
        return match regressions::load(file) {
            Ok(regression) => replay(&regression.plan),
            Err(error) => {
                eprintln!("{}: {error}", file.display());
                ExitCode::from(USAGE)
            }
        };
    }
    campaign(&options)
}

fn campaign(options: &Options) -> ExitCode {
    let threads = options.threads.map_or_else(campaign::processors, usize::from);
    let findings = match options.from {
        Some(from) => set("seeds", from, options.seeds.unwrap_or(1), threads),
        None => {
            let seeds = options.seeds.unwrap_or(2 * FIXED);
            let mut findings = set("fixed seeds", 0, FIXED.min(seeds), threads);
            if seeds > FIXED {
                findings.merge(set("random seeds", random_start(), seeds - FIXED, threads));
            }
            findings
        }
    };
    report(&findings, options.patience)
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

fn report(findings: &Findings, patience: u64) -> ExitCode {
    println!("\nwhat happened in {} seeds:\n{}", findings.seeds, findings.coverage);
    println!(
        "{} seeds in {:.1} s: {:.0} seeds a second",
        findings.seeds,
        findings.took.as_secs_f64(),
        findings.speed()
    );
    let missing: Vec<Happening> = findings.coverage.missing().collect();
    for happening in &missing {
        println!("never happened: {}", happening.text());
    }
    if let [(first, broken), ..] = &findings.broken[..] {
        println!("{} seeds broke a promise:", findings.broken.len());
        for (seed, broken) in &findings.broken {
            println!("  {seed}: {} ({})", broken.headline(), broken.place);
        }
        println!("\nthe first of them, made short (at most {patience} s; `sim --shrink N` for others):");
        return keep_short(*first, broken, patience);
    }
    if findings.is_slow() {
        println!("P7 availability: too many majorities took longer than a second to serve");
        return ExitCode::from(1);
    }
    if findings.seeds >= ENOUGH && !missing.is_empty() {
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

fn shrink_seed(seed: u64, patience: u64) -> ExitCode {
    match verdict(&Plan::drawn(seed), false) {
        Err(broken) => keep_short(seed, &broken, patience),
        Ok(_) => {
            println!("seed {seed} breaks no promise");
            ExitCode::SUCCESS
        }
    }
}

/// Makes the plan of a seed short, tells it, and keeps it.
fn keep_short(seed: u64, broken: &Broken, patience: u64) -> ExitCode {
    let (short, broken) = shrink(&Plan::drawn(seed), broken, Duration::from_secs(patience));
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

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn options_are_understood_or_refused() {
        Options::command().debug_assert();
        let read = |words: &[&str]| Options::try_parse_from([&["sim"], words].concat());
        assert!(read(&[]).is_ok_and(|options| options.seeds.is_none()));
        assert!(read(&["--from", "5", "--seeds", "10"]).is_ok_and(|options| options.from == Some(5)));
        assert!(read(&["--seed", "1", "--shrink", "2"]).is_err(), "either");
        assert!(read(&["--seeds", "many"]).is_err());
        assert!(read(&["--threads", "0"]).is_err());
    }
}
