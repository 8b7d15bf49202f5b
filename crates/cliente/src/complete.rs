//! What Tab offers.

use std::collections::BTreeSet;

use crate::command::{COMMANDS, OLDER, Takes, quoted, takes};

/// The names that can be completed: those that the chat has told of.
#[derive(Clone, Debug, Default)]
pub(crate) struct Known {
    pub(crate) users: BTreeSet<String>,
    pub(crate) channels: BTreeSet<String>,
}

/// Where the word to be completed begins, and what it may become.
pub(crate) fn complete(line: &str, known: &Known) -> (usize, Vec<String>) {
    let Some((word, rest)) = line.split_once(' ') else { return command(line) };
    let start = line.len() - rest.trim_start().len();
    let begun = &line[start..];
    let users = || known.users.iter().map(String::as_str);
    let channels = || known.channels.iter().map(String::as_str);
    let names: Vec<&str> = match takes(word) {
        Some(Takes::User) => users().collect(),
        Some(Takes::Channel) => channels().collect(),
        Some(Takes::Either) => return history(line, start, channels().chain(users())),
        Some(Takes::Command) => COMMANDS.to_vec(),
        Some(Takes::Nothing) | None => Vec::new(),
    };
    (start, fitting(begun, names))
}

/// The names that begin like that, as they must be typed.
fn fitting<'a>(begun: &str, names: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let wanted = begun.trim_start_matches(['"', '\'']).to_lowercase();
    let fits = names.into_iter().filter(|name| name.to_lowercase().starts_with(&wanted));
    fits.map(|name| format!("{} ", quoted(name))).collect()
}

/// A name, and then the word that asks for older messages.
fn history<'a>(line: &str, start: usize, names: impl Iterator<Item = &'a str>) -> (usize, Vec<String>) {
    let begun = &line[start..];
    let mut fits = fitting(begun, names);
    let last = line.rfind(' ').map_or(start, |space| space + 1);
    if OLDER.starts_with(&line[last..]) && (last == start || fits.is_empty()) {
        fits.push(format!("{OLDER} "));
        return (last, fits);
    }
    (start, fits)
}

fn command(line: &str) -> (usize, Vec<String>) {
    let slash = if line.starts_with('/') { "/" } else { "" };
    let begun = line.trim_start_matches('/').to_lowercase();
    let fits = COMMANDS.iter().filter(|command| command.starts_with(&begun));
    (0, fits.map(|command| format!("{slash}{command} ")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known() -> Known {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        Known { users: names(&["ana", "Ana Maria", "bia"]), channels: names(&["geral", "jogos"]) }
    }

    #[test]
    fn a_first_word_becomes_a_command() {
        assert_eq!(complete("ca", &known()), (0, vec!["canais ".to_owned(), "canal ".to_owned()]));
        assert_eq!(complete("/his", &known()), (0, vec!["/historico ".to_owned()]));
    }

    #[test]
    fn a_command_is_followed_by_what_it_takes() {
        assert_eq!(complete("msg b", &known()), (4, vec!["bia ".to_owned()]));
        assert_eq!(complete("entrar ", &known()).1, ["geral ", "jogos "]);
        assert_eq!(complete("historico g", &known()).1, ["geral "]);
        assert_eq!(complete("historico geral m", &known()), (16, vec!["mais ".to_owned()]));
        assert_eq!(complete("historico @\"ana maria\" ", &known()).1, ["mais "]);
        assert_eq!(complete("historico ", &known()).1.last().map(String::as_str), Some("mais "));
        assert_eq!(complete("canal g", &known()).1, Vec::<String>::new(), "it is to be a new one");
    }

    #[test]
    fn names_with_spaces_come_in_quotes() {
        assert_eq!(complete("msg a", &known()).1, ["\"Ana Maria\" ", "ana "]);
        assert_eq!(complete("msg \"ana m", &known()), (4, vec!["\"Ana Maria\" ".to_owned()]));
    }

    #[test]
    fn talk_is_not_completed() {
        assert_eq!(complete("bom d", &known()).1, Vec::<String>::new());
    }
}
