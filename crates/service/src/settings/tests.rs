//! The layers as an operator meets them.

use std::collections::HashMap;
use std::io::Write;

use clap::{CommandFactory, FromArgMatches, ValueEnum};

use super::*;
use crate::Exit;

#[derive(Clone, Copy, PartialEq, Debug, ValueEnum)]
enum Mode {
    Open,
    Strict,
}

/// A sample.
#[derive(clap::Parser, Debug)]
#[command(name = "sample", version = "9.9.9")]
struct Sample {
    /// File of settings.
    #[arg(long)]
    config: Option<PathBuf>,
    /// Name of this one.
    #[arg(long, value_name = "NAME")]
    name: String,
    /// Port to listen on.
    #[arg(long, value_name = "PORT", default_value_t = 5570)]
    port: u16,
    /// Others to talk to.
    #[arg(long, value_name = "HOST", value_delimiter = ',')]
    peers: Vec<String>,
    /// Who may do what.
    #[arg(long, default_value = "open")]
    mode: Mode,
    /// Do without.
    #[arg(long)]
    no_client: bool,
    /// A key that nobody should see.
    #[arg(long, hide_env_values = true, value_parser = |_: &str| Err::<u8, _>("not a key"))]
    secret_key: Option<u8>,
}

impl Settings for Sample {
    fn mistakes(&self) -> Vec<Mistake> {
        if self.port == 1 { vec![Mistake::new("port", "port 1 is for nobody")] } else { Vec::new() }
    }
}

fn read_sample(arguments: &[&str], environment: &[(&str, &str)]) -> Result<Sample, Stop> {
    let environment: HashMap<String, OsString> =
        environment.iter().map(|(name, value)| ((*name).to_owned(), OsString::from(value))).collect();
    let sources = Sources {
        arguments: arguments.iter().map(OsString::from).collect(),
        environment: &|name| environment.get(name).cloned(),
    };
    read(Sample::command(), &sources, |matches| {
        let sample = Sample::from_arg_matches(matches)?;
        let wrong = sample.mistakes();
        Ok((sample, wrong))
    })
}

fn mistakes(arguments: &[&str], environment: &[(&str, &str)]) -> (String, Exit) {
    match read_sample(arguments, environment) {
        Err(Stop::Mistaken(mistakes)) => (mistakes.to_string(), mistakes.exit()),
        other => panic!("no mistakes were found: {other:?}"),
    }
}

fn file(text: &str) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
    file.write_all(text.as_bytes()).expect("written");
    file
}

fn path(file: &tempfile::NamedTempFile) -> &str {
    file.path().to_str().expect("a plain path")
}

#[test]
fn flags_win_over_the_environment_and_that_over_the_file() {
    let file = file("name: from-file\nport: 1000\npeers: [a, b]\nmode: strict\n");
    let environment =
        [("PAPO_PORT", "2000"), ("PAPO_NAME", "from-environment"), ("PAPO_CONFIG", path(&file))];
    let sample = read_sample(&["--name", "from-flag"], &environment).expect("right");
    assert_eq!(sample.name, "from-flag");
    assert_eq!(sample.port, 2000);
    assert_eq!(sample.peers, ["a", "b"]);
    assert_eq!(sample.mode, Mode::Strict);
}

#[test]
fn what_no_layer_says_has_its_default() {
    let sample = read_sample(&["--name=x"], &[]).expect("right");
    assert_eq!((sample.port, sample.mode, sample.no_client), (5570, Mode::Open, false));
    assert!(sample.peers.is_empty());
}

#[test]
fn lists_are_split_in_every_layer() {
    let wanted = ["a", "b", "c"];
    assert_eq!(read_sample(&["--name=x", "--peers=a,b", "--peers=c"], &[]).expect("right").peers, wanted);
    assert_eq!(read_sample(&["--name=x"], &[("PAPO_PEERS", "a,b,c")]).expect("right").peers, wanted);
    let file = file("peers: a,b,c");
    assert_eq!(read_sample(&["--name=x", "--config", path(&file)], &[]).expect("right").peers, wanted);
}

#[test]
fn a_switch_can_be_written_out_in_the_weaker_layers() {
    assert!(read_sample(&["--name=x", "--no-client"], &[]).expect("right").no_client);
    assert!(read_sample(&["--name=x"], &[("PAPO_NO_CLIENT", "true")]).expect("right").no_client);
    assert!(!read_sample(&["--name=x"], &[("PAPO_NO_CLIENT", "0")]).expect("right").no_client);
    let file = file("no-client: true");
    assert!(read_sample(&["--name=x", "--config", path(&file)], &[]).expect("right").no_client);
    let (text, exit) = mistakes(&["--name=x"], &[("PAPO_NO_CLIENT", "maybe")]);
    assert!(text.contains("PAPO_NO_CLIENT=maybe: it is either true or false"), "{text}");
    assert_eq!(exit, Exit::Config);
}

#[test]
fn an_empty_variable_counts_as_absent() {
    assert_eq!(read_sample(&["--name=x"], &[("PAPO_PORT", "")]).expect("right").port, 5570);
}

#[test]
fn all_mistakes_are_told_at_once_each_with_its_key_and_what_is_right() {
    let file = file("portt: 5\nmode: ajar\npeers: {a: b}\n");
    let (text, exit) = mistakes(
        &["--port", "many", "--bogus=1", "--nam", "x"],
        &[("PAPO_CONFIG", path(&file)), ("PAPO_SECRET_KEY", "hush")],
    );
    for part in [
        "sample: 8 mistakes in the settings",
        "--bogus: there is no such key",
        "--nam: there is no such key; did you mean `--name`?",
        "portt: there is no such key; did you mean `port`?",
        "--port many: invalid digit found in string (it takes <PORT>: Port to listen on)",
        "mode: ajar: it takes open or strict",
        "peers: it takes a plain value, or a list of them",
        "name: missing: give --name, PAPO_NAME or `name:` in the file: <NAME>: Name of this one",
        "PAPO_SECRET_KEY=<secret>: not a key",
    ] {
        assert!(text.contains(part), "{part} is missing in:\n{text}");
    }
    assert!(!text.contains("hush"), "{text}");
    assert_eq!(exit, Exit::Usage);
}

/// `clap` tells the first of these only, and stops.
#[test]
fn a_line_that_cannot_be_parsed_does_not_hide_other_mistakes_nor_invent_any() {
    let (text, exit) = mistakes(
        &["--name", "x", "--no-client=1", "--port", "many", "--name=y", "--peers", "--mode=ajar", "--bogus"],
        &[],
    );
    for part in [
        "sample: 6 mistakes in the settings",
        "--no-client: it takes no value: it is there or not",
        "--name: it is given twice",
        "--peers: its value is missing: <HOST>: Others to talk to",
        "--bogus: there is no such key",
        "--port many: invalid digit found in string",
        "--mode ajar: it takes open or strict",
    ] {
        assert!(text.contains(part), "{part} is missing in:\n{text}");
    }
    assert_eq!(exit, Exit::Usage);
}

#[test]
fn a_key_whose_value_was_forgotten_is_not_told_to_be_missing_as_well() {
    let (text, _) = mistakes(&["--name"], &[]);
    assert!(text.contains("--name: its value is missing: <NAME>: Name of this one"), "{text}");
    assert!(text.contains("a mistake in the settings"), "{text}");
}

/// A sample with words.
#[derive(clap::Parser, Debug)]
#[command(name = "words")]
struct Words {
    /// Directory.
    #[arg(value_name = "DIR", required = true)]
    dir: PathBuf,
    /// How long.
    #[arg(long, value_name = "N")]
    timeout: Option<u8>,
}

fn read_words(arguments: &[&str]) -> Result<Words, Stop> {
    let sources =
        Sources { arguments: arguments.iter().map(OsString::from).collect(), environment: &|_| None };
    read(Words::command(), &sources, |matches| Ok((Words::from_arg_matches(matches)?, vec![])))
}

#[test]
fn words_and_flags_stand_in_any_order() {
    for arguments in [["--timeout", "3", "out"], ["out", "--timeout", "3"]] {
        let words = read_words(&arguments).expect("right");
        assert_eq!((words.dir, words.timeout), (PathBuf::from("out"), Some(3)));
    }
}

#[test]
fn a_word_is_not_missing_because_a_flag_is_wrong() {
    for (arguments, wrong) in [
        (&["out", "--timeout"][..], "--timeout: its value is missing"),
        (&["--bogus", "3", "out"], "--bogus: there is no such key"),
        (&["--bogus", "out"], "--bogus: there is no such key"),
        (&["out", "more"], "more: there is no such key"),
        (&["--timeout=1", "out", "--timeout", "2"], "--timeout: it is given twice"),
    ] {
        let read = read_words(arguments);
        let Err(Stop::Mistaken(mistakes)) = read else { panic!("{arguments:?}: no mistake: {read:?}") };
        let text = mistakes.to_string();
        assert!(text.contains(wrong) && text.contains("a mistake in the settings"), "{arguments:?}:\n{text}");
    }
}

#[test]
fn mistakes_outside_the_command_line_are_configuration() {
    let (text, exit) = mistakes(&["--name=x"], &[("PAPO_PORT", "70000")]);
    assert!(text.contains("PAPO_PORT=70000: "), "{text}");
    assert_eq!(exit, Exit::Config);
    assert_eq!(mistakes(&[], &[]).1, Exit::Config);
}

#[test]
fn a_rule_between_keys_blames_the_layer_that_broke_it() {
    let (text, exit) = mistakes(&["--name=x", "--port=1"], &[]);
    assert!(text.contains("--port: port 1 is for nobody"), "{text}");
    assert_eq!(exit, Exit::Usage);
    assert_eq!(mistakes(&["--name=x"], &[("PAPO_PORT", "1")]).1, Exit::Config);
}

#[test]
fn a_file_that_cannot_be_used_says_why() {
    let (text, exit) = mistakes(&["--name=x"], &[("PAPO_CONFIG", "/nowhere/papo.yaml")]);
    assert!(text.contains("/nowhere/papo.yaml: config: cannot be read"), "{text}");
    assert_eq!(exit, Exit::Config);
    for (content, complaint) in
        [("- a\n- b\n", "`key: value`"), ("port: [1", "not YAML"), ("config: x", "no such key")]
    {
        let file = file(content);
        let (text, _) = mistakes(&["--name=x", "--config", path(&file)], &[]);
        assert!(text.contains(complaint), "{complaint} is missing in:\n{text}");
    }
}

#[test]
fn an_empty_file_says_nothing() {
    let file = file("# nothing yet\nport:\n");
    assert_eq!(read_sample(&["--name=x", "--config", path(&file)], &[]).expect("right").port, 5570);
}

#[test]
fn a_single_value_cannot_be_a_list() {
    let file = file("port: [1, 2]");
    let (text, _) = mistakes(&["--name=x", "--config", path(&file)], &[]);
    assert!(text.contains("port: 1,2: it takes one value only"), "{text}");
}

#[test]
fn help_shows_every_layer_and_version_the_version() {
    match read_sample(&["--help"], &[]) {
        Err(Stop::Show(help)) => {
            let help = help.to_string();
            assert!(help.contains("PAPO_PORT") && help.contains("default: 5570"), "{help}");
        }
        other => panic!("no help: {other:?}"),
    }
    match read_sample(&["--version"], &[]) {
        Err(Stop::Show(version)) => assert_eq!(version.to_string().trim(), "sample 9.9.9"),
        other => panic!("no version: {other:?}"),
    }
}

mod fuzz {
    //! A file of settings is written by people.

    use papo_fuzz::{spoils, spoilt};
    use proptest::prelude::*;

    use super::*;

    const FILE: &str = "# of a pod\nname: um\nport: 5570\npeers:\n  - a:1\n  - b:2\nmode: strict\nno-client: true\nsecret-key: s3cr3t\n";

    /// Whatever is in it: settings, or mistakes.
    fn survives(bytes: &[u8]) {
        let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
        file.write_all(bytes).expect("a temporary file can be written");
        let path = file.path().to_str().expect("it is UTF-8");
        match read_sample(&["--config", path], &[]) {
            Ok(sample) => assert!(!sample.name.is_empty() || bytes.windows(4).any(|word| word == b"name")),
            Err(Stop::Mistaken(mistakes)) => assert!(!mistakes.to_string().is_empty()),
            Err(stop) => panic!("{stop:?}"),
        }
    }

    #[test]
    fn small_files_that_promise_to_be_large_are_mistakes() {
        let mut laughs = "a: &a [x,x,x,x,x,x,x,x,x]\n".to_owned();
        for (one, next) in ('a'..'k').zip('b'..) {
            laughs += &format!("{next}: &{next} [{}]\n", vec![format!("*{one}"); 9].join(","));
        }
        // The parser takes time that grows with the square of the depth.
        let nested = ["[", "{a: ", "- ", "? "].map(|open| open.repeat(1_000));
        for file in nested.into_iter().chain([laughs]) {
            survives(file.as_bytes());
        }
    }

    proptest! {
        #![proptest_config(papo_fuzz::cases(256))]

        #[test]
        fn any_file_is_settings_or_mistakes(text in ".{0,200}", bytes: Vec<u8>, spoils in spoils()) {
            survives(text.as_bytes());
            survives(&bytes);
            survives(&spoilt(FILE.as_bytes(), text.as_bytes(), &spoils));
        }

        #[test]
        fn any_span_is_read_or_refused(text in "[0-9]{0,25}[a-zµ ]{0,3}|.{0,20}") {
            if let Ok(span) = crate::duration(&text) {
                prop_assert_eq!(crate::duration(&format!("{}ms", span.as_millis())), Ok(span));
            }
        }
    }
}
