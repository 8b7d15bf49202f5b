use papo_wire::admin::Seat;

use super::*;

fn names(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

fn admit(name: &str) -> Change {
    Change::Admit(name.to_owned())
}

fn dismiss(name: &str) -> Change {
    Change::Dismiss(name.to_owned())
}

fn seat(name: &str, counts: bool, wanted: bool, alive: bool) -> Seat {
    Seat { name: name.to_owned(), counts, wanted, alive, index: 90, rank: 1, ..Seat::default() }
}

fn membership() -> Membership {
    Membership {
        name: "s1".to_owned(),
        coordinator: "s2".to_owned(),
        epoch: 4,
        rules: 2,
        commit: 100,
        seats: vec![
            seat("s1", true, true, true),
            seat("s2", true, true, true),
            seat("s3", true, false, true),
            Seat { index: 0, ..seat("s4", false, true, false) },
            seat("s5", false, true, true),
            seat("s6", false, false, true),
            seat("s7", true, true, false),
        ],
        ..Membership::default()
    }
}

#[test]
fn what_is_set_is_reached_by_admitting_who_is_missing_and_dismissing_who_is_too_many() {
    let changes = difference(&names("s1 s2 s3 s4 s5"), &names("s1 s2 s3"));
    assert_eq!(changes, [dismiss("s4"), dismiss("s5")]);
    let changes = difference(&names("s1 s2"), &names("s2 s3"));
    assert_eq!(changes, [admit("s3"), dismiss("s1")]);
    assert_eq!(difference(&names("s1"), &names("s1")), []);
}

#[test]
fn there_are_never_more_than_seven_nor_none_on_the_way() {
    let (old, new) = (names("a b c d e f g"), names("h i j k l m n"));
    let mut wanted = old.clone();
    for change in difference(&old, &new) {
        match change {
            Change::Admit(name) => wanted.push(name),
            Change::Dismiss(name) => wanted.retain(|other| *other != name),
        }
        assert!((1..=MAX_MEMBERS).contains(&wanted.len()), "{wanted:?}");
    }
    wanted.sort();
    assert_eq!(wanted, new);
}

#[test]
fn a_table_says_of_everybody_what_they_are() {
    let text = table::render(&membership());
    assert!(
        text.starts_with("4 members, of which 3 must be there for every write. s2 coordinates in epoch 4."),
        "{text}"
    );
    for (name, state) in [
        ("s1", "member"),
        ("s2", "coordinator"),
        ("s3", "leaving"),
        ("s4", "awaited"),
        ("s5", "joining"),
        ("s6", "learner"),
        ("s7", "silent"),
    ] {
        let line = text.lines().find(|line| line.starts_with(name)).expect("everybody has a line");
        assert_eq!(line.split_whitespace().nth(1), Some(state), "{line}");
    }
    assert!(text.contains("To leave, once the others can go on without: s3\n"), "{text}");
    assert!(text.contains("To be counted, once there with all of the log: s4, s5\n"), "{text}");
}

#[test]
fn programs_are_told_the_same() {
    let membership = membership();
    let json = serde_json::to_value(table::Report::of(&membership)).expect("JSON");
    assert_eq!((json["settled"].as_bool(), json["majority"].as_u64()), (Some(false), Some(3)));
    assert_eq!(json["servidores"][4]["state"], "joining");
    assert_eq!(json["servidores"][4]["behind"], 10);
    assert_eq!(json["servidores"][2]["wanted"], false);
}

#[test]
fn forgetting_one_says_what_is_left() {
    let text = cost(&membership(), "s7");
    assert!(text.starts_with("Without s7 there are 3 members, 3 of them alive; 2 are needed"), "{text}");
    assert!(text.contains("so that 1 more may fail"), "{text}");
}

#[test]
fn a_name_that_no_servidor_can_have_is_a_mistake() {
    assert_eq!(wrong_names(&names("s1 papo-servidor-0")).len(), 0);
    assert_eq!(wrong_names(&["s 1".to_owned(), "sé".to_owned()]).len(), 2);
}

#[test]
fn every_command_can_be_parsed() {
    use clap::CommandFactory;
    for command in [
        Show::command(),
        Admit::command(),
        Dismiss::command(),
        Set::command(),
        Replace::command(),
        Forget::command(),
    ] {
        papo_service_asks_as_well(command).debug_assert();
    }
}

#[test]
fn every_default_is_a_value() {
    use clap::Parser;
    assert!(Show::try_parse_from(["members"]).is_ok());
    assert!(Admit::try_parse_from(["admit", "s4", "s5"]).is_ok_and(|admit| admit.names.len() == 2));
    assert!(Dismiss::try_parse_from(["dismiss", "s4,s5"]).is_ok_and(|dismiss| dismiss.names.len() == 2));
    assert!(Set::try_parse_from(["set", "s1,s2"]).is_ok());
    assert!(Replace::try_parse_from(["replace", "s1", "s2"]).is_ok());
    assert!(Forget::try_parse_from(["forget", "s1"]).is_ok());
}

/// A program's own settings meet those that all programs have.
fn papo_service_asks_as_well(command: clap::Command) -> clap::Command {
    use clap::Args;
    #[derive(clap::Args)]
    struct Common {
        #[arg(long)]
        config: Option<String>,
    }
    Common::augment_args(command)
}

#[test]
fn only_those_are_asked_by_default_that_listen() {
    let listens = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let [there, gone] = [&listens, &silent].map(|listener| listener.local_addr().expect("an address"));
    drop(silent);
    assert_eq!(listening([gone, there].into_iter()), [there]);
}
