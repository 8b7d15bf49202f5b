use proptest::prelude::*;

use super::*;

fn error(name: &str) -> NameError {
    match parse(name) {
        Err(error) => error,
        Ok(name) => panic!("{name:?} was allowed"),
    }
}

#[test]
fn ordinary_names_are_shown_as_they_were_typed() {
    for name in [
        "ana",
        "Ana Maria",
        "joão",
        "李雷",
        "user1",
        "u1",
        "geral",
        "C++ & Rust",
        "☕",
        "❤\u{fe0f}",
        "-",
        "a_b",
    ] {
        assert_eq!(parse(name).map(|name| name.display).as_deref(), Ok(name));
    }
}

#[test]
fn a_name_is_shown_composed_however_it_was_typed() {
    let name = parse("joa\u{303}o").expect("a name");
    assert_eq!(name.display, "joão");
    assert_eq!(refer("joa\u{303}o").as_deref(), Ok("joão"));
}

#[test]
fn names_that_read_alike_have_one_key() {
    let alike = [
        ("ana", "ANA"),
        ("joão", "JOÃO"),
        ("joão", "joa\u{303}o"),
        ("straße", "STRASSE"),
        ("ﬁm", "fim"),
        ("Ａna", "ana"),
        ("Σίσυφος", "ΣΊΣΥΦΟΣ"),
        ("❤\u{fe0f}", "❤"),
        ("x²", "X2"),
        ("ana\u{34f}", "ana"),
    ];
    for (one, other) in alike {
        assert_eq!(parse(one).map(|name| name.key), parse(other).map(|name| name.key), "{one} and {other}");
    }
}

#[test]
fn names_that_read_differently_have_different_keys() {
    for (one, other) in [("joao", "joão"), ("ana", "anna"), ("a b", "ab"), ("a", "á")] {
        assert_ne!(key(one), key(other), "{one} and {other}");
    }
}

#[test]
fn nothing_is_no_name() {
    for name in ["", " ", "   ", "\n", "\u{a0}", "\u{3000}\t"] {
        assert_eq!(error(name), NameError::Empty, "{name:?}");
    }
    for name in ["\u{3164}", "\u{115f}\u{1160}", "\u{ffa0}", "\u{fe0f}"] {
        assert_eq!(error(name), NameError::Blank, "{name:?}");
    }
}

#[test]
fn a_name_is_measured_in_bytes_as_it_is_shown() {
    assert!(parse(&"a".repeat(64)).is_ok());
    assert_eq!(error(&"a".repeat(65)), NameError::TooLong);
    assert_eq!(error(&"a".repeat(10_000)), NameError::TooLong);
    assert!(parse(&"ã".repeat(32)).is_ok());
    assert!(parse(&"a\u{303}".repeat(32)).is_ok());
    assert_eq!(error(&"ã".repeat(33)), NameError::TooLong);
}

#[test]
fn only_single_spaces_may_part_words() {
    for name in [" ana", "ana ", "\u{a0}ana", "ana\u{2003}"] {
        assert_eq!(error(name), NameError::Edge, "{name:?}");
    }
    for name in ["ana  maria", "ana\u{a0}maria", "ana\u{2009}maria", "ana\u{3000}maria"] {
        assert_eq!(error(name), NameError::Whitespace, "{name:?}");
    }
}

#[test]
fn control_characters_and_line_breaks_are_refused() {
    for name in
        ["a\0b", "a\nb", "ana\n", "\tana", "a\u{1b}[31mb", "a\u{7f}b", "a\u{85}b", "a\u{2028}b", "a\u{2029}b"]
    {
        assert_eq!(error(name), NameError::Control, "{name:?}");
    }
}

#[test]
fn what_cannot_be_seen_is_refused() {
    let invisible = [
        "ana\u{200b}",
        "a\u{200d}b",
        "\u{202e}ana",
        "a\u{feff}b",
        "a\u{ad}b",
        "a\u{e000}b",
        "a\u{fffe}b",
        "a\u{378}b",
        "a\u{2800}b",
        "a\u{e0041}b",
    ];
    for name in invisible {
        assert_eq!(error(name), NameError::Invisible, "{name:?}");
    }
}

#[test]
fn names_do_not_collide_with_topics() {
    for name in ["a:b", "user:", "user:ana", "tip:", "tip:geral", ":"] {
        assert_eq!(error(name), NameError::Colon, "{name:?}");
    }
    let reserved = [
        "servers",
        "Servers",
        "SERVERS",
        "ｓervers",
        "replication",
        "s",
        "serv",
        "repl",
        "u",
        "user",
        "t",
        "tip",
    ];
    for name in reserved {
        assert_eq!(error(name), NameError::Reserved, "{name:?}");
    }
    for name in ["serversx", "usera", "tips", "replicar", "S", "User"] {
        assert!(parse(name).is_ok(), "{name:?}");
    }
}

#[test]
fn each_refusal_says_so_in_its_own_words() {
    let all = [
        NameError::Empty,
        NameError::TooLong,
        NameError::Edge,
        NameError::Whitespace,
        NameError::Control,
        NameError::Invisible,
        NameError::Colon,
        NameError::Reserved,
        NameError::Blank,
    ];
    let mut sentences: Vec<String> = all.iter().map(|error| error.description(Named::Channel)).collect();
    assert!(sentences.iter().all(|sentence| sentence.starts_with("O nome do canal ")));
    sentences.sort();
    sentences.dedup();
    assert_eq!(sentences.len(), all.len());
}

proptest! {
    #[test]
    fn no_text_breaks_the_check(text in any::<String>()) {
        let _ = parse(&text);
        let _ = refer(&text);
    }

    #[test]
    fn what_is_shown_is_itself_a_name_with_the_same_key(text in "\\PC{1,12}") {
        if let Ok(name) = parse(&text) {
            prop_assert_eq!(parse(&name.display), Ok(name.clone()));
            prop_assert_eq!(refer(&text), Ok(name.display.clone()));
            prop_assert_eq!(key(&name.key), name.key);
        }
    }

    #[test]
    fn the_shortcut_for_ascii_agrees_with_the_whole_way(text in "[ -~]{1,20}") {
        let whole: String =
            text.nfd().default_case_fold().nfkc().default_case_fold().filter(|c| !is_ignorable(*c)).nfkc().collect();
        prop_assert_eq!(key(&text), whole);
    }
}
