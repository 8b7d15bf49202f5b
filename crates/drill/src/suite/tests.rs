use std::path::Path;
use std::time::Duration;

use super::*;

fn example() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/drills/suite.example.yaml")
}

fn names(suite: &Suite) -> Vec<&'static str> {
    suite.drills.iter().map(|drill| drill.drill.name).collect()
}

#[test]
fn the_example_holds_every_drill_there_is() {
    let suite = Suite::load(&example()).expect("no mistake");
    let mut held = names(&suite);
    held.sort_unstable();
    let mut all: Vec<&str> = DRILLS.iter().map(|drill| drill.name).collect();
    all.sort_unstable();
    assert_eq!(held, all);
    assert!(suite.seed.is_some());
}

#[test]
fn a_drill_has_the_defaults_of_its_file_but_for_what_it_says_itself() {
    let text = "
        seed: 7
        defaults: {duration: 20s, patience: 90s}
        drills:
          - leader-kill
          - {name: freeze, options: {duration: 5s}, budgets: {pause: 4s, coordinator: 800ms}}
    ";
    let suite = Suite::parse(text).expect("no mistake");
    assert_eq!((names(&suite), suite.seed), (vec!["leader-kill", "freeze"], Some(7)));
    let base = Options { rate: 12.0, ..Options::default() };
    let options = suite.drills[0].options(&base);
    assert_eq!(options.duration, Duration::from_secs(20));
    let seconds = Duration::from_secs;
    let wanted = Options {
        duration: seconds(5),
        patience: seconds(90),
        pause: Some(seconds(4)),
        coordinator: Some(Duration::from_millis(800)),
        ..base.clone()
    };
    assert_eq!(suite.drills[1].options(&base), wanted);
}

#[test]
fn every_mistake_is_told_at_once_with_its_key() {
    let text = "
        sed: 3
        seed: -1
        defaults: {duraton: 3s}
        drills:
          - leader-kil
          - {name: freeze, options: {freeze: 3, seed: 4, pause: 1s}, budgets: {pause: soon, rate: 5}, tries: 2}
          - {budgets: {pause: 1s}}
          - 17
    ";
    let Mistakes(mistakes) = Suite::parse(text).expect_err("full of mistakes");
    let keys: Vec<&str> = mistakes.iter().filter_map(|mistake| mistake.split(':').next()).collect();
    let wanted = [
        "sed",
        "seed",
        "defaults.duraton",
        "drills[0]",
        "drills[1].tries",
        "drills[1].options.freeze",
        "drills[1].options.pause",
        "drills[1].options.seed",
        "drills[1].budgets.pause",
        "drills[1].budgets.rate",
        "drills[2].name",
        "drills[3]",
    ];
    let sorted = |mut keys: Vec<&'static str>| {
        keys.sort_unstable();
        keys
    };
    let mut keys: Vec<String> = keys.into_iter().map(str::to_owned).collect();
    keys.sort_unstable();
    assert_eq!(keys, sorted(wanted.to_vec()), "{mistakes:#?}");
}

#[test]
fn a_file_that_is_no_suite_is_one_clear_sentence() {
    for (text, sentence) in [
        ("", "the file: keys with values are needed"),
        ("drills: []", "drills: a list with at least one drill is needed"),
        ("seed: 1", "drills: is missing"),
        ("drills: leader-kill", "drills: a list with at least one drill is needed"),
    ] {
        let mistakes = Suite::parse(text).expect_err(text).to_string();
        assert!(mistakes.starts_with(sentence), "{mistakes}");
    }
    assert!(Suite::parse("drills: [").expect_err("open").to_string().starts_with("not YAML: "));
    let twice = "drills: [freeze]\ndrills: [drain]";
    assert!(Suite::parse(twice).expect_err("twice").to_string().contains("duplicate"));
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let stop = Suite::load(Path::new("no/such/suite.yaml")).expect_err("not there");
    assert!(matches!(&stop, Stop::Usage(why) if why.starts_with("no/such/suite.yaml: ")), "{stop}");
}

#[test]
fn without_a_file_everything_is_held_that_is_allowed() {
    let careful = Suite::built_in(&Options::default());
    let left_out: Vec<&str> = careful.not_held.iter().map(|left| left.drill).collect();
    assert_eq!(left_out, ["majority-kill", "node-power", "node-cable", "control-broken"]);
    assert_eq!(careful.drills.len() + left_out.len(), DRILLS.len());

    let mut bold = Options { allow_majority_loss: true, allow_message_loss: true, ..Options::default() };
    bold.nodes.off = Some("off".to_owned());
    bold.nodes.on = Some("on".to_owned());
    assert_eq!(Suite::built_in(&bold).not_held, []);
}

#[test]
fn each_drill_has_a_seed_of_its_own() {
    assert_eq!([0, 1, 2].map(|position| Suite::seed_of(position, u64::MAX)), [u64::MAX, 0, 1]);
}

mod fuzz {
    //! A suite is written by people; a journal is read on another machine than it was written on.

    use papo_fuzz::{spoils, spoilt};
    use proptest::prelude::*;

    use super::*;
    use crate::journal::Entry;
    use crate::step::{PodRef, Step};

    fn journal() -> String {
        let pod = || PodRef { name: "papo-servidor-1".to_owned(), uid: "u-1".to_owned() };
        let entry = Entry {
            drill: "partition".to_owned(),
            holder: "somebody".to_owned(),
            written: "2026-11-23T12:00:00Z".to_owned(),
            undo: vec![
                Step::Hook {
                    pod: pod(),
                    path: "/drill/cut".to_owned(),
                    body: serde_json::json!({"from": []}),
                },
                Step::Exec { pod: pod(), container: "servidor".to_owned(), command: vec!["true".to_owned()] },
                Step::NodeOn { node: "um".to_owned() },
            ],
        };
        serde_json::to_string(&entry).expect("it is plain data")
    }

    fn survives(text: &str) {
        if let Err(Mistakes(mistakes)) = Suite::parse(text) {
            assert!(!mistakes.is_empty());
        }
        if let Ok(entry) = serde_json::from_str::<Entry>(text) {
            let again = serde_json::to_string(&entry).expect("it is plain data");
            assert_eq!(serde_json::from_str::<Entry>(&again).expect("it was just written"), entry);
        }
    }

    #[test]
    fn a_journal_is_read_as_it_is_written_and_files_nested_without_end_are_refused() {
        survives(&journal());
        assert!(serde_json::from_str::<Entry>(&journal()).is_ok());
        for text in ["[".repeat(1_000), "{\"undo\":".repeat(1_000), "{a: ".repeat(1_000)] {
            assert!(Suite::parse(&text).is_err() && serde_json::from_str::<Entry>(&text).is_err());
        }
    }

    proptest! {
        #![proptest_config(papo_fuzz::cases(192))]

        #[test]
        fn any_file_is_a_suite_or_has_mistakes(text in ".{0,120}", of_a_suite in any::<bool>(), spoils in spoils()) {
            survives(&text);
            let example = fs::read_to_string(example()).expect("it is checked in");
            let (written, donor) = if of_a_suite { (example, journal()) } else { (journal(), example) };
            survives(&String::from_utf8_lossy(&spoilt(written.as_bytes(), donor.as_bytes(), &spoils)));
        }
    }
}
