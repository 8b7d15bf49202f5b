//! A short run of the whole: a fresh schedule each time, in which every kind of deed comes once.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use papo_nemesis::cluster::Shape;
use papo_nemesis::deed::Kind;
use papo_nemesis::plan::{Draw, Pace};
use papo_nemesis::run::{Settings, run};
use papo_witness::LoadSettings;

/// So many kinds, of those that can be done here, may go by unseen: where everything lasts a second or two, a link may have nothing to
/// carry while it is cut, and nobody may agree to a dismissal while others are dead. Usually one or two do; one deed in ten was unseen in
/// longer runs.
const UNSEEN: usize = 9;
/// What stands in for the previous release.
const PROGRAMS: [&str; 5] = ["broker", "papo", "proxy", "referencia", "servidor"];

#[test]
fn everything_that_can_befall_real_processes_in_a_minute_breaks_no_promise() {
    let seed = match std::env::var("PAPO_NEMESIS_SEED") {
        Ok(seed) => seed.parse().expect("PAPO_NEMESIS_SEED is a number"),
        Err(_) => fastrand::u64(..1 << 32),
    };
    // Past the test harness, which shows nothing of a test that passes.
    let again =
        format!("nemesis: again with PAPO_NEMESIS_SEED={seed} cargo test -p papo-nemesis --test short");
    writeln!(io::stderr(), "{again}").expect("there is a standard error");

    let folder = tempfile::Builder::new().prefix("papo-nemesis-").tempdir().expect("a folder");
    let previous = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder beside the programs");
    same_release(previous.path()).expect("the programs are there: cargo build --workspace --bins");
    let settings = Settings {
        draw: Draw {
            seed,
            shape: Shape::default(),
            kinds: Kind::ALL.to_vec(),
            pace: Pace::Short,
            length: Duration::ZERO,
            deals: 1,
        },
        at_most: Duration::ZERO,
        folder: folder.path().to_owned(),
        previous: Some(previous.path().to_owned()),
        load: LoadSettings { clients: 4, rate: 40.0, seed, ..LoadSettings::default() },
        patience: Duration::from_secs(60),
    };
    let report = run(&settings).expect("a run is possible here");
    // A kind that was not seen is no flaw here, as long as most were.
    assert!(report.flaws().is_empty(), "{:#?}\n{again}", report.flaws());
    let possible = Kind::ALL.len() - report.coverage.skipped_kinds();
    assert!(report.coverage.proven_kinds() >= possible - UNSEEN, "{}\n{again}", report.coverage);
}

/// The present programs in another folder: that everybody can be restarted from elsewhere, one after the other, is seen without building
/// anything. What another release makes of it is seen by `make nemesis PREVIOUS=COMMIT` only.
fn same_release(folder: &Path) -> io::Result<()> {
    let own = std::env::current_exe()?;
    let beside: PathBuf = own.ancestors().skip(2).take(1).collect();
    for program in PROGRAMS {
        fs::hard_link(beside.join(program), folder.join(program))?;
    }
    Ok(())
}
