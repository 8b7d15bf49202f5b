//! What a line means.
//!
//! A line is a command if its first word is one, with or without a `/`; a `/` before anything else is a mistake. Every other
//! line is talk, and so is one that begins with a space, or that goes on after a command that takes nothing (`sair agora não`).

mod help;
mod words;

use papo_client::To;

pub(crate) use self::help::help;
pub(crate) use self::words::quoted;

/// How many messages of a history are shown unless a number is given.
pub(crate) const HISTORY: usize = 20;

/// The most messages of a history that are shown at once.
pub(crate) const MOST_HISTORY: usize = 10_000;

/// What asks for older messages than those that were shown.
pub(crate) const OLDER: &str = "mais";

/// What somebody wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Command {
    Login(String),
    Users,
    Channels,
    Create(String),
    Join(String),
    /// Leaves a channel: the current one where none is named.
    Leave(Option<String>),
    Publish {
        channel: String,
        text: String,
    },
    Message {
        to: String,
        text: String,
    },
    History {
        of: Place,
        number: usize,
        /// Those before what was shown of it last, instead of the newest.
        older: bool,
    },
    Help(Option<String>),
    Quit,
    /// Says it in the current channel.
    Talk(String),
}

/// Where something was said, as far as it was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// The current channel; with older messages, what was read last.
    Here,
    /// A channel or a user of that name.
    Named(String),
    Exactly(To),
}

/// A line that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Line {
    /// Nothing on it.
    Empty,
    Command(Command),
    /// A command that lacks something: what to ask for, and in which order.
    Ask(Form),
    /// What is wrong with it, in Portuguese.
    Mistake(String),
}

/// A command that asks for its fields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Form {
    verb: Verb,
    given: Vec<String>,
}

/// What completion knows of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Takes {
    Nothing,
    User,
    Channel,
    Either,
    Command,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verb {
    Login,
    Users,
    Channels,
    Create,
    Join,
    Leave,
    Publish,
    Message,
    History,
    Help,
    Quit,
}

/// All words, the one to be shown first for each verb.
const WORDS: [(&str, Verb); 18] = [
    ("login", Verb::Login),
    ("listar", Verb::Users),
    ("usuarios", Verb::Users),
    ("usuários", Verb::Users),
    ("canais", Verb::Channels),
    ("canal", Verb::Create),
    ("entrar", Verb::Join),
    ("sair-do-canal", Verb::Leave),
    ("publish", Verb::Publish),
    ("publicar", Verb::Publish),
    ("msg", Verb::Message),
    ("historico", Verb::History),
    ("histórico", Verb::History),
    ("ajuda", Verb::Help),
    ("help", Verb::Help),
    ("?", Verb::Help),
    ("sair", Verb::Quit),
    ("quit", Verb::Quit),
];

/// The words that completion offers.
pub(crate) const COMMANDS: [&str; 11] = [
    "ajuda",
    "canais",
    "canal",
    "entrar",
    "historico",
    "listar",
    "login",
    "msg",
    "publish",
    "sair",
    "sair-do-canal",
];

/// Reads a line. `talking` tells whether there is a current channel, so that talk is possible.
pub(crate) fn parse(line: &str, talking: bool) -> Line {
    let line = line.trim_end();
    if line.trim_start().is_empty() {
        return Line::Empty;
    }
    if line.starts_with(' ') {
        return Line::Command(Command::Talk(line.trim_start().to_owned()));
    }
    let (word, rest) = line.split_once(' ').map_or((line, ""), |(word, rest)| (word, rest.trim_start()));
    let slash = word.starts_with('/');
    match verb(word) {
        Some(verb) if slash || verb.fits(rest) || !talking => verb.read(rest),
        None if slash => Line::Mistake(format!("Não há comando {word}. Veja: ajuda")),
        _ => Line::Command(Command::Talk(line.to_owned())),
    }
}

/// What comes after the word, if it is a command's.
pub(crate) fn takes(word: &str) -> Option<Takes> {
    Some(match verb(word)? {
        Verb::Message | Verb::Login => Takes::User,
        Verb::Join | Verb::Leave | Verb::Publish => Takes::Channel,
        Verb::History => Takes::Either,
        Verb::Help => Takes::Command,
        Verb::Users | Verb::Channels | Verb::Create | Verb::Quit => Takes::Nothing,
    })
}

fn verb(word: &str) -> Option<Verb> {
    let word = word.strip_prefix('/').unwrap_or(word).to_lowercase();
    WORDS.iter().find(|(known, _)| *known == word).map(|(_, verb)| *verb)
}

impl Verb {
    /// Whether a command of this kind can go on like that.
    fn fits(self, rest: &str) -> bool {
        match self {
            Self::Users | Self::Channels | Self::Quit => rest.is_empty(),
            _ => true,
        }
    }

    fn read(self, rest: &str) -> Line {
        let too_much = |word: &str| Line::Mistake(format!("O comando {word} não leva mais nada."));
        match self {
            Self::Users if rest.is_empty() => Line::Command(Command::Users),
            Self::Users => too_much("listar"),
            Self::Channels if rest.is_empty() => Line::Command(Command::Channels),
            Self::Channels => too_much("canais"),
            Self::Quit if rest.is_empty() => Line::Command(Command::Quit),
            Self::Quit => too_much("sair"),
            Self::Leave if rest.is_empty() => Line::Command(Command::Leave(None)),
            Self::Help => Line::Command(Command::Help((!rest.is_empty()).then(|| rest.to_owned()))),
            Self::History => history(rest),
            Self::Login | Self::Create | Self::Join | Self::Leave => {
                self.with((!rest.is_empty()).then(|| words::unquote(rest)))
            }
            Self::Publish | Self::Message => {
                let (name, text) = words::split_name(rest);
                self.with([name, text.to_owned()].into_iter().filter(|part| !part.is_empty()))
            }
        }
    }

    fn with(self, given: impl IntoIterator<Item = String>) -> Line {
        let mut form = Form { verb: self, given: Vec::new() };
        given.into_iter().for_each(|field| form.given.push(field));
        form.check()
    }

    const fn fields(self) -> &'static [&'static str] {
        match self {
            Self::Login => &["Usuário"],
            Self::Create | Self::Join | Self::Leave => &["Canal"],
            Self::Publish => &["Canal", "Mensagem"],
            Self::Message => &["Para", "Mensagem"],
            Self::Users | Self::Channels | Self::History | Self::Help | Self::Quit => &[],
        }
    }
}

impl Form {
    /// What to ask for next.
    pub(crate) fn field(&self) -> &'static str {
        self.verb.fields()[self.given.len()]
    }

    /// Takes the answer. An empty one gives the command up.
    pub(crate) fn fill(mut self, answer: &str) -> Line {
        let answer = answer.trim();
        if answer.is_empty() {
            return Line::Empty;
        }
        let is_text = self.field() == "Mensagem";
        self.given.push(if is_text { answer.to_owned() } else { words::unquote(answer) });
        self.check()
    }

    fn check(self) -> Line {
        if self.given.len() < self.verb.fields().len() {
            return Line::Ask(self);
        }
        let mut fields = self.given.into_iter();
        let mut field = || fields.next().unwrap_or_default();
        Line::Command(match self.verb {
            Verb::Login => Command::Login(field()),
            Verb::Create => Command::Create(field()),
            Verb::Join => Command::Join(field()),
            Verb::Leave => Command::Leave(Some(field())),
            Verb::Publish => Command::Publish { channel: field(), text: field() },
            Verb::Message => Command::Message { to: field(), text: field() },
            Verb::Users | Verb::Channels | Verb::History | Verb::Help | Verb::Quit => {
                unreachable!("{:?} asks for nothing", self.verb)
            }
        })
    }
}

/// `[place] [mais] [number]`
fn history(rest: &str) -> Line {
    let (before, last) = last_word(rest);
    let count = last.parse::<usize>().ok().filter(|number| *number > 0);
    let rest = if count.is_some() { before } else { rest };
    if count.is_some_and(|count| count > MOST_HISTORY) {
        return Line::Mistake(format!(
            "São no máximo {MOST_HISTORY} mensagens de uma vez; depois, as mais antigas: historico {OLDER}"
        ));
    }
    let (before, last) = last_word(rest);
    let older = last == OLDER;
    let place = if older { before } else { rest };
    let of = match place {
        "" => Place::Here,
        name => match (name.strip_prefix('#'), name.strip_prefix('@')) {
            (Some(channel), _) => Place::Exactly(To::Channel(words::unquote(channel))),
            (_, Some(user)) => Place::Exactly(To::User(words::unquote(user))),
            _ => Place::Named(words::unquote(name)),
        },
    };
    Line::Command(Command::History { of, number: count.unwrap_or(HISTORY), older })
}

/// What is before the last word, and the last word.
fn last_word(text: &str) -> (&str, &str) {
    text.rsplit_once(' ').map_or(("", text), |(before, last)| (before.trim_end(), last))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command(line: &str) -> Command {
        match parse(line, true) {
            Line::Command(command) => command,
            other => panic!("{line:?} is {other:?}"),
        }
    }

    fn publish(channel: &str, text: &str) -> Command {
        Command::Publish { channel: channel.to_owned(), text: text.to_owned() }
    }

    fn message(to: &str, text: &str) -> Command {
        Command::Message { to: to.to_owned(), text: text.to_owned() }
    }

    fn talk(text: &str) -> Command {
        Command::Talk(text.to_owned())
    }

    #[test]
    fn one_line_says_it_all() {
        assert_eq!(command("login ana"), Command::Login("ana".to_owned()));
        assert_eq!(command("msg ana olá"), message("ana", "olá"));
        assert_eq!(command("publish geral bom dia"), publish("geral", "bom dia"));
        assert_eq!(command("canal geral"), Command::Create("geral".to_owned()));
        assert_eq!(command("entrar geral"), Command::Join("geral".to_owned()));
        assert_eq!(command("sair-do-canal"), Command::Leave(None));
        assert_eq!(command("sair-do-canal geral"), Command::Leave(Some("geral".to_owned())));
        assert_eq!(command("listar"), Command::Users);
        assert_eq!(command("canais"), Command::Channels);
        assert_eq!(command("sair"), Command::Quit);
    }

    #[test]
    fn a_slash_before_a_command_changes_nothing() {
        assert_eq!(command("/msg ana olá"), message("ana", "olá"));
        assert_eq!(command("/SAIR"), Command::Quit);
        assert!(matches!(parse("/nada", true), Line::Mistake(_)));
    }

    #[test]
    fn everything_else_is_talk() {
        assert_eq!(command("bom dia"), talk("bom dia"));
        assert_eq!(command("sair agora não dá"), talk("sair agora não dá"));
        assert_eq!(command(" sair"), talk("sair"));
        assert!(matches!(parse("sair agora", false), Line::Mistake(_)), "nowhere to say it");
        assert_eq!(parse("   ", true), Line::Empty);
    }

    #[test]
    fn spaces_inside_a_text_are_kept() {
        assert_eq!(command("publish geral  a  b "), publish("geral", "a  b"));
    }

    #[test]
    fn names_with_spaces_are_quoted_where_something_follows() {
        assert_eq!(command("msg \"ana maria\" olá \"querida\""), message("ana maria", "olá \"querida\""));
        assert_eq!(command("entrar bate papo"), Command::Join("bate papo".to_owned()));
        assert_eq!(command("entrar \"bate papo\""), Command::Join("bate papo".to_owned()));
    }

    #[test]
    fn a_bare_command_asks_for_its_fields_in_order() {
        let Line::Ask(form) = parse("publish", true) else { panic!("it asks for nothing") };
        assert_eq!(form.field(), "Canal");
        let Line::Ask(form) = form.fill("geral") else { panic!("it asks for no text") };
        assert_eq!(form.field(), "Mensagem");
        assert_eq!(form.fill("bom dia"), Line::Command(publish("geral", "bom dia")));
    }

    #[test]
    fn only_what_is_missing_is_asked_for() {
        let Line::Ask(form) = parse("msg ana", true) else { panic!("it asks for nothing") };
        assert_eq!(form.field(), "Mensagem");
        assert_eq!(form.clone().fill("oi"), Line::Command(message("ana", "oi")));
        assert_eq!(form.fill("  "), Line::Empty, "an empty answer gives it up");
    }

    #[test]
    fn a_history_may_name_its_place_and_its_length() {
        let history = |of, number| Command::History { of, number, older: false };
        assert_eq!(command("historico"), history(Place::Here, HISTORY));
        assert_eq!(command("histórico 50"), history(Place::Here, 50));
        assert_eq!(command("historico geral"), history(Place::Named("geral".to_owned()), HISTORY));
        assert_eq!(command("historico geral 5"), history(Place::Named("geral".to_owned()), 5));
        let channel = Place::Exactly(To::Channel("geral".to_owned()));
        assert_eq!(command("historico #geral 5"), history(channel, 5));
        let user = Place::Exactly(To::User("ana maria".to_owned()));
        assert_eq!(command("historico @\"ana maria\""), history(user, HISTORY));
    }

    #[test]
    fn a_history_goes_on_to_older_messages() {
        let older = |of, number| Command::History { of, number, older: true };
        let geral = || Place::Named("geral".to_owned());
        assert_eq!(command("historico mais"), older(Place::Here, HISTORY));
        assert_eq!(command("historico mais 5"), older(Place::Here, 5));
        assert_eq!(command("historico geral mais"), older(geral(), HISTORY));
        assert_eq!(command("historico geral mais 1000"), older(geral(), 1000));
        let user = || Place::Exactly(To::User("ana maria".to_owned()));
        assert_eq!(command("historico @\"ana maria\" mais"), older(user(), HISTORY));
        let named_so = Place::Named("mais".to_owned());
        let quoted = Command::History { of: named_so, number: HISTORY, older: false };
        assert_eq!(command("historico \"mais\""), quoted, "a channel of that name is quoted");
    }

    #[test]
    fn nobody_is_shown_more_at_once_than_makes_sense() {
        assert!(matches!(command("historico 10000"), Command::History { number: MOST_HISTORY, .. }));
        assert!(matches!(parse("historico geral 10001", true), Line::Mistake(_)));
    }

    #[test]
    fn every_word_that_is_offered_is_a_command() {
        assert!(COMMANDS.iter().all(|word| takes(word).is_some()));
    }
}
