//! What becomes of each request.

use papo_client::{Answer, Answered, Outcome, Reason, To};

use super::wish::{Login, Reading, Wish};
use super::{Chat, Controller, Notice, Own};

impl<C: Chat> Controller<C> {
    pub(super) fn answered(&mut self, answered: Answered) {
        let Some(wish) = self.wishes.remove(&answered.request) else { return };
        let was_busy = self.busy.as_ref() == Some(&answered.request);
        let other = if was_busy { None } else { self.busy.clone() };
        self.busy = None;
        match wish {
            Wish::Login(login) => self.login_answered(*login, answered),
            Wish::Create(channel) => self.create_answered(channel, answered),
            Wish::Join { channel, create, created } => self.join_answered(channel, create, created, answered),
            Wish::Leave(_) => self.tell(answered, None, None),
            Wish::Say(own) => self.say_answered(own, answered),
            Wish::Users { tell } => self.users_answered(tell, answered),
            Wish::Channels { tell } => self.channels_answered(tell, answered),
            Wish::History(reading) => self.history_answered(reading, answered),
        }
        // Only who waited for the request waits for what comes of it.
        if !was_busy {
            self.busy = other;
        }
    }

    fn login_answered(&mut self, mut login: Login, answered: Answered) {
        match &answered.outcome {
            Outcome::Stored(_) => {
                self.first_logins.remove(&login.user);
                self.tell(answered, None, None);
                self.is_at_home();
            }
            Outcome::Refused(failure) if failure.reason == Reason::UserExists && !login.others.is_empty() => {
                self.try_another(login);
            }
            Outcome::Refused(_) => {
                self.forget_first_login(&mut login);
                self.tell(answered, None, None);
            }
            Outcome::Unknown(_) | Outcome::Failed(_) => self.tell(answered, None, None),
        }
    }

    fn create_answered(&mut self, channel: String, answered: Answered) {
        if let Outcome::Stored(_) = answered.outcome {
            self.known.channels.insert(channel.clone());
            self.tell(answered, None, None);
            self.want(Wish::Join { channel, create: false, created: true });
        } else {
            let hint = match answered.outcome.failure().map(|failure| failure.reason) {
                Some(Reason::ChannelExists) => Some(format!("para entrar nele: entrar {channel}")),
                _ => None,
            };
            self.tell(answered, None, hint);
        }
    }

    fn join_answered(&mut self, channel: String, create: bool, created: bool, answered: Answered) {
        let absent =
            answered.outcome.failure().is_some_and(|failure| failure.reason == Reason::NoSuchChannel);
        match answered.outcome {
            Outcome::Stored(_) => {
                self.tell(answered, None, None);
                self.entered(channel, created);
            }
            _ if absent && create => self.want(Wish::Create(channel)),
            _ => {
                let hint = absent.then(|| format!("para criar: canal {channel}"));
                self.tell(answered, None, hint);
            }
        }
    }

    fn say_answered(&mut self, own: Own, answered: Answered) {
        if let Outcome::Unknown(_) = answered.outcome {
            self.doubtful.insert(answered.request.clone());
        }
        self.tell(answered, Some(own), None);
    }

    fn users_answered(&mut self, tell: bool, answered: Answered) {
        let Outcome::Stored(Answer::Users(users)) = &answered.outcome else {
            if tell {
                self.tell(answered, None, None);
            }
            return;
        };
        let users = users.clone();
        self.known.users.extend(users.iter().cloned());
        if tell {
            self.tell(answered, None, None);
            self.notices.push(Notice::Users(users));
        }
    }

    fn channels_answered(&mut self, tell: bool, answered: Answered) {
        let Outcome::Stored(Answer::Channels(all)) = &answered.outcome else {
            if tell {
                self.tell(answered, None, None);
            }
            return;
        };
        let all = all.clone();
        self.known.channels.extend(all.iter().cloned());
        if tell {
            let followed = self.followed().into_iter().collect();
            self.tell(answered, None, None);
            self.notices.push(Notice::Channels { all, followed });
        }
    }

    fn history_answered(&mut self, mut reading: Reading, answered: Answered) {
        if let Outcome::Stored(Answer::History(page)) = &answered.outcome {
            let more = page.more;
            let messages = page.messages.iter().map(|message| message.said.clone()).collect();
            if reading.take(messages, more) {
                return self.want(Wish::History(reading));
            }
            self.tell(answered, None, None);
            return self.show(reading, more);
        }
        let absent =
            answered.outcome.failure().is_some_and(|failure| failure.reason == Reason::NoSuchChannel);
        match &reading.of {
            To::Channel(name) if absent && reading.or_user && self.me.is_some() => {
                self.history_of(To::User(name.clone()), reading.number, false, reading.older);
            }
            _ => {
                self.tell(answered, None, None);
                // What was read before it failed is not kept from whoever asked.
                if !reading.messages.is_empty() {
                    self.show(reading, true);
                }
            }
        }
    }

    /// Shows what was read. Older messages are read from there on.
    fn show(&mut self, reading: Reading, more: bool) {
        let Reading { of, messages, older, .. } = reading;
        if let Some(first) = messages.first() {
            self.shown.insert(of.clone(), first.index);
        }
        self.read_last = Some(of.clone());
        self.notices.push(Notice::Page { of, messages, older, more });
    }

    fn tell(&mut self, answered: Answered, own: Option<Own>, hint: Option<String>) {
        self.failed |= answered.outcome.failure().is_some();
        self.notices.push(Notice::Answered { answered, own, hint });
    }
}
