//! Sentences for people, in Portuguese.

use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};
use papo_client::{Answered, Failure, Outcome, Said, Service, To};
use papo_core::clock::WallTime;

use super::clean;
use super::paint::Paint;
use crate::command::{OLDER, quoted};
use crate::controller::{Notice, Own};

/// What every further line of a message begins with.
const INDENT: &str = "      │ ";

/// How a person is told things.
#[derive(Clone, Debug)]
pub(crate) struct Text {
    pub(crate) paint: Paint,
    pub(crate) zone: TimeZone,
}

impl Text {
    pub(super) fn tell(&self, notice: &Notice, me: Option<&str>) -> Option<String> {
        Some(match notice {
            Notice::Connected { again: false } | Notice::Following(_) => return None,
            Notice::Connected { again: true } => self.remark("de volta ao chat"),
            Notice::Lost => self.paint.bad("* sem conexão com o chat; tentando de novo…"),
            Notice::LoggedIn { user } => self.remark(&format!("você entrou como {}", clean::line(user))),
            Notice::LoggedOut { user } => self.remark(&format!("{} saiu", clean::line(user))),
            Notice::Estranged(failure) => self.bad("a sessão não vale mais", failure),
            Notice::Unfollowed(channel) => {
                self.remark(&format!("você não segue mais {}", channel_name(channel)))
            }
            Notice::Entered { channel, created: true } => {
                self.remark(&format!("{} foi criado, e você está nele", channel_name(channel)))
            }
            Notice::Entered { channel, created: false } => {
                self.remark(&format!("você está em {}", channel_name(channel)))
            }
            Notice::CaughtUp { missed: 0, back: true, .. } => self.remark("você não perdeu nada"),
            Notice::CaughtUp { missed: 0, .. } => return None,
            Notice::CaughtUp { missed: 1, .. } => self.remark("1 mensagem de enquanto você esteve fora"),
            Notice::CaughtUp { missed, .. } => {
                self.remark(&format!("{missed} mensagens de enquanto você esteve fora"))
            }
            Notice::Message(shown) if shown.own.is_some() => return None,
            Notice::Message(shown) => self.said(&shown.said, me),
            Notice::Settled(own) => self.own(&self.paint.good("✓"), own, "foi guardada, afinal"),
            Notice::Pending { late: false, .. } => return None,
            Notice::Pending { own, late: true, .. } => self.own(&self.paint.open("…"), own, ""),
            Notice::Answered { answered, own, hint } => {
                return self.answered(answered, own.as_ref(), hint.as_deref());
            }
            Notice::Users(users) if users.is_empty() => self.remark("não há usuários"),
            Notice::Users(users) => list(users.iter().map(|user| clean::line(user))),
            Notice::Channels { all, .. } if all.is_empty() => {
                self.remark("não há canais; crie um: canal CANAL")
            }
            Notice::Channels { all, followed } => list(all.iter().map(|channel| {
                let mark = if followed.contains(channel) { " ✓" } else { "" };
                channel_name(channel) + mark
            })),
            Notice::Page { of, messages, older, .. } if messages.is_empty() => self.nothing(of, *older),
            Notice::Page { of, messages, more, .. } => self.page(of, messages, *more, me),
            Notice::Mistake(text) => self.paint.bad(&format!("✗ {}", clean::lines(text, INDENT))),
            Notice::Remark(text) => clean::lines(text, ""),
        })
    }

    fn answered(&self, answered: &Answered, own: Option<&Own>, hint: Option<&str>) -> Option<String> {
        let hint = hint.map(|hint| format!(" ({})", clean::line(hint))).unwrap_or_default();
        let text = match (&answered.outcome, own) {
            (Outcome::Stored(_), Some(own)) => self.own(&self.paint.good("✓"), own, ""),
            (Outcome::Stored(_), None) => return None,
            (Outcome::Refused(failure) | Outcome::Failed(failure), Some(own)) => {
                self.own(&self.paint.bad("✗"), own, &clean::line(&failure.description))
            }
            (Outcome::Unknown(failure), Some(own)) => {
                self.own(&self.paint.open("?"), own, &clean::line(&failure.description))
            }
            (Outcome::Refused(failure) | Outcome::Failed(failure), None) => {
                self.bad(verb(answered.service), failure)
            }
            (Outcome::Unknown(failure), None) => self.paint.open(&format!(
                "? {}: {}",
                verb(answered.service),
                clean::line(&failure.description)
            )),
        };
        Some(text + &hint)
    }

    fn page(&self, of: &To, messages: &[Said], more: bool, me: Option<&str>) -> String {
        let mut lines = Vec::with_capacity(messages.len() + 2);
        if more {
            lines.push(self.remark(&format!("(há mensagens mais antigas: historico {} {OLDER})", typed(of))));
        }
        lines.extend(messages.iter().map(|said| self.said(said, me)));
        lines.push(self.remark(&format!("até aqui: {}", place(of))));
        lines.join("\n")
    }

    fn nothing(&self, of: &To, older: bool) -> String {
        let what = if older { "não há mensagens mais antigas" } else { "nada foi dito ainda" };
        self.remark(&format!("{what}: {}", place(of)))
    }

    fn said(&self, said: &Said, me: Option<&str>) -> String {
        let name = |user: &str| if me == Some(user) { "você".to_owned() } else { clean::line(user) };
        let from = self.paint.person(&said.from, &clean::line(&said.from));
        let head = match &said.to {
            To::Channel(channel) => format!("{} {from}", self.paint.dim(&channel_name(channel))),
            To::User(user) if me == Some(said.from.as_str()) => format!("você → {}", name(user)),
            To::User(user) => format!("{from} → {}", name(user)),
        };
        format!("{} {head}: {}", self.paint.dim(&self.time(said.time)), clean::lines(&said.message, INDENT))
    }

    fn own(&self, mark: &str, own: &Own, remark: &str) -> String {
        let head = match &own.to {
            To::Channel(channel) => {
                let from = self.paint.person(&own.from, &clean::line(&own.from));
                format!("{} {from}", self.paint.dim(&channel_name(channel)))
            }
            To::User(user) => format!("você → {}", clean::line(user)),
        };
        let now =
            self.paint.dim(&Zoned::now().with_time_zone(self.zone.clone()).strftime("%H:%M").to_string());
        let dash = if remark.is_empty() { "" } else { " — " };
        format!("{now} {head}: {} {mark}{dash}{remark}", clean::lines(&own.text, INDENT))
    }

    /// The time of day, and the day if it was another one.
    fn time(&self, time: WallTime) -> String {
        let Ok(timestamp) = Timestamp::from_nanosecond(i128::from(time.as_nanos())) else {
            return String::new();
        };
        let local = timestamp.to_zoned(self.zone.clone());
        let today = Timestamp::now().to_zoned(self.zone.clone()).date();
        let shape = if local.date() == today { "%H:%M" } else { "%d/%m/%Y %H:%M" };
        local.strftime(shape).to_string()
    }

    fn remark(&self, text: &str) -> String {
        self.paint.dim(&format!("* {text}"))
    }

    fn bad(&self, what: &str, failure: &Failure) -> String {
        self.paint.bad(&format!("✗ {what}: {}", clean::line(&failure.description)))
    }
}

/// A conversation, in a sentence.
fn place(of: &To) -> String {
    match of {
        To::Channel(channel) => channel_name(channel),
        To::User(user) => format!("a conversa com {}", clean::line(user)),
    }
}

/// A conversation, as it is typed.
fn typed(of: &To) -> String {
    clean::line(&match of {
        To::Channel(channel) => quoted(channel),
        To::User(user) => format!("@{}", quoted(user)),
    })
}

fn channel_name(channel: &str) -> String {
    format!("#{}", clean::line(channel))
}

fn list(items: impl Iterator<Item = String>) -> String {
    items.map(|item| format!("  {item}")).collect::<Vec<_>>().join("\n")
}

/// What did not work.
const fn verb(service: Service) -> &'static str {
    match service {
        Service::Login => "não deu para entrar",
        Service::Channel => "o canal não foi criado",
        Service::Join => "não deu para entrar no canal",
        Service::Leave => "não deu para sair do canal",
        Service::Publish | Service::Message => "a mensagem não foi",
        _ => "não deu",
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use papo_client::{Reason, RequestId, Shown};
    use papo_core::clock::Lamport;

    use super::*;

    fn text() -> Text {
        Text { paint: Paint::new(false, |_| None), zone: TimeZone::UTC }
    }

    fn said(to: To, message: &str) -> Said {
        Said {
            index: 7,
            time: WallTime::from_nanos(1_762_204_447_000_000_000),
            clock: Lamport::new(7),
            from: "bia".to_owned(),
            to,
            message: message.to_owned(),
            request_id: None,
        }
    }

    fn shown(said: Said, own: Option<RequestId>) -> Notice {
        Notice::Message(Shown { said: Arc::new(said), missed: false, own })
    }

    #[test]
    fn a_message_tells_when_where_who_and_what() {
        let geral = || To::Channel("geral".to_owned());
        let told = text().tell(&shown(said(geral(), "bom dia"), None), Some("ana"));
        assert_eq!(told.as_deref(), Some("03/11/2025 21:14 #geral bia: bom dia"));
        let told = text().tell(&shown(said(To::User("ana".to_owned()), "oi"), None), Some("ana"));
        assert_eq!(told.as_deref(), Some("03/11/2025 21:14 bia → você: oi"));
    }

    #[test]
    fn nobody_writes_a_line_in_the_name_of_another() {
        let forged = "oi\n03/11/2025 21:15 #geral ana: \u{1b}[31meu devo 100";
        let told = text().tell(&shown(said(To::Channel("geral".to_owned()), forged), None), None);
        let told = told.expect("it is told");
        let lines: Vec<_> = told.lines().collect();
        assert_eq!(lines[1], "      │ 03/11/2025 21:15 #geral ana: ␛[31meu devo 100");
    }

    #[test]
    fn ones_own_message_is_told_by_its_end_and_not_twice() {
        let own = Own { from: "ana".to_owned(), to: To::User("bia".to_owned()), text: "oi".to_owned() };
        let delivered = shown(said(To::Channel("geral".to_owned()), "oi"), Some(RequestId::from("one")));
        assert_eq!(text().tell(&delivered, Some("ana")), None);
        let outcomes = [
            (Outcome::Stored(papo_client::Answer::Message), "você → bia: oi ✓"),
            (
                Outcome::Refused(Failure::new(Service::Message, Reason::NoSuchUser)),
                "você → bia: oi ✗ — Usuário de destino não existe.",
            ),
        ];
        for (outcome, expected) in outcomes {
            let answered = Answered {
                request: RequestId::from("one"),
                service: Service::Message,
                seen: 0,
                index: 7,
                outcome,
            };
            let notice = Notice::Answered { answered, own: Some(own.clone()), hint: None };
            let told = text().tell(&notice, Some("ana")).expect("it is told");
            assert!(told.ends_with(expected), "{told}");
        }
    }
}
