//! A short run of the whole: a fixed schedule, in which nearly every kind of deed comes once.

use std::time::Duration;

use papo_nemesis::deed::Kind;
use papo_nemesis::plan::{Draw, Pace};
use papo_nemesis::run::{Settings, run};
use papo_nemesis::town::Shape;
use papo_witness::LoadSettings;
use papo_witness::evidence::Verdict;

#[test]
fn everything_that_befalls_real_processes_in_half_a_minute_breaks_no_promise() {
    let folder = tempfile::Builder::new().prefix("papo-nemesis-").tempdir().expect("a folder");
    let settings = Settings {
        draw: Draw {
            seed: 5,
            shape: Shape::default(),
            // Growth has a test of its own, in papo-processes.
            kinds: Kind::ALL
                .into_iter()
                .filter(|kind| !matches!(kind, Kind::Release | Kind::Growth))
                .collect(),
            pace: Pace::Short,
            length: Duration::from_secs(13),
        },
        at_most: Duration::from_secs(20),
        folder: folder.path().to_owned(),
        previous: None,
        load: LoadSettings { clients: 4, rate: 40.0, ..LoadSettings::default() },
        patience: Duration::from_secs(60),
    };
    let report = run(&settings).expect("a run is possible here");
    assert_eq!(report.verdict, Verdict::Pass, "{:#?}", report.because);
    assert!(report.coverage.proven() >= 5, "{}", report.coverage);
}
