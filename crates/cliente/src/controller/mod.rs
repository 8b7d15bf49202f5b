//! Between the person and the client library: who is logged in, where they talk, and what is still to be answered.
//!
//! Commands come in from the reader, events from the library; out come requests, and [`Notice`]s for [`crate::output`] to tell.
//! Nothing here waits: the reader looks at [`Controller::is_busy`] if it wants to.

mod answers;
mod logins;
mod notice;
#[cfg(test)]
mod tests;
mod wish;

use std::collections::{BTreeSet, HashMap, HashSet};
use std::time::Duration;

use papo_client::{Ask, Event, Handle, RequestId, SessionId, SessionOptions, Shown, To};

use self::logins::Me;
pub(crate) use self::notice::{Notice, Own};
use self::wish::{Reading, Wish};
use crate::command::{Command, Place, help};
use crate::complete::Known;
use crate::state::StateDir;

/// What the controller needs of the client library.
pub(crate) trait Chat {
    /// What names a session.
    type Session: Copy + PartialEq;
    /// Opens a session.
    fn open(&self) -> Self::Session;
    /// Asks for something, under an id.
    fn ask(&self, session: Self::Session, request: RequestId, ask: Ask, patience: Option<Duration>);
    /// Ends a session.
    fn close(&self, session: Self::Session);
}

impl Chat for Handle {
    type Session = SessionId;

    fn open(&self) -> SessionId {
        Self::open(self, SessionOptions { progress: true, ..SessionOptions::default() })
    }

    fn ask(&self, session: SessionId, request: RequestId, ask: Ask, patience: Option<Duration>) {
        self.ask_as(session, request, ask, patience);
    }

    fn close(&self, session: SessionId) {
        Self::close(self, session);
    }
}

/// How the controller behaves.
#[derive(Debug, Default)]
pub(crate) struct Options {
    /// Where logins are kept, if they are.
    pub(crate) state: Option<StateDir>,
    /// Entered after the first login.
    pub(crate) channel: Option<String>,
    /// How long a login may take; `None` for as long as any request.
    pub(crate) login_patience: Option<Duration>,
}

/// The state of one interactive client.
pub(crate) struct Controller<C: Chat> {
    chat: C,
    options: Options,
    session: C::Session,
    me: Option<Me>,
    wishes: HashMap<RequestId, Wish>,
    /// The request that the reader waits for before the next prompt.
    busy: Option<RequestId>,
    /// Ids of first logins whose end is not known.
    first_logins: HashMap<String, RequestId>,
    /// Messages of ours that ended as unknown.
    doubtful: HashSet<RequestId>,
    known: Known,
    /// The oldest message that was shown of each conversation whose history was read.
    shown: HashMap<To, u64>,
    /// The conversation whose history was read last.
    read_last: Option<To>,
    connected: Option<bool>,
    /// The connection is back, and what was missed is being fetched.
    back: bool,
    notices: Vec<Notice>,
    failed: bool,
    /// It was told that nothing can be kept.
    unkept: bool,
}

/// What comes after a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flow {
    GoOn,
    Quit,
}

impl<C: Chat> Controller<C> {
    /// Nobody is logged in.
    pub(crate) fn new(chat: C, options: Options) -> Self {
        let session = chat.open();
        Self {
            chat,
            options,
            session,
            me: None,
            wishes: HashMap::new(),
            busy: None,
            first_logins: HashMap::new(),
            doubtful: HashSet::new(),
            known: Known::default(),
            shown: HashMap::new(),
            read_last: None,
            connected: None,
            back: false,
            notices: Vec::new(),
            failed: false,
            unkept: false,
        }
    }

    /// What is to be told, in order.
    pub(crate) fn notices(&mut self) -> Vec<Notice> {
        std::mem::take(&mut self.notices)
    }

    /// Whether a command is still under way whose end the next prompt should wait for.
    pub(crate) fn is_busy(&self) -> bool {
        self.busy.is_some()
    }

    /// The next prompt does not wait any more. What takes long is told.
    pub(crate) fn go_on(&mut self) {
        if let Some(request) = self.busy.take()
            && let Some(Wish::Say(own)) = self.wishes.get(&request)
        {
            let notice = Notice::Pending { request, own: own.clone(), late: true };
            self.notices.push(notice);
        }
    }

    /// Whether the command under way is talk, for which nobody wants to wait.
    pub(crate) fn is_talking(&self) -> bool {
        self.busy.as_ref().is_some_and(|request| matches!(self.wishes.get(request), Some(Wish::Say(_))))
    }

    /// Whether anything that the person asked for is not answered.
    pub(crate) fn is_waiting(&self) -> bool {
        self.wishes
            .values()
            .any(|wish| !matches!(wish, Wish::Users { tell: false } | Wish::Channels { tell: false }))
    }

    /// Whether anything that was said is not answered.
    pub(crate) fn is_speaking(&self) -> bool {
        self.wishes.values().any(|wish| matches!(wish, Wish::Say(_)))
    }

    /// Whether any command has not succeeded so far.
    pub(crate) fn has_failed(&self) -> bool {
        self.failed
    }

    /// Whether the chat has stopped answering.
    pub(crate) fn is_lost(&self) -> bool {
        self.connected == Some(false)
    }

    pub(crate) fn known(&self) -> &Known {
        &self.known
    }

    pub(crate) fn user(&self) -> Option<&str> {
        self.me.as_ref().map(|me| me.name.as_str())
    }

    /// The channel that talk goes to.
    pub(crate) fn channel(&self) -> Option<&str> {
        self.me.as_ref()?.state.channel.as_deref()
    }

    pub(crate) fn prompt(&self) -> String {
        match (self.user(), self.channel()) {
            (None, _) => "login> ".to_owned(),
            (Some(user), None) => format!("{user}> "),
            (Some(user), Some(channel)) => format!("{user}@#{channel}> "),
        }
    }

    /// Carries a command out, as far as that is possible at once.
    pub(crate) fn command(&mut self, command: Command) -> Flow {
        match command {
            Command::Login(user) => {
                self.log_out();
                self.log_in(&user);
            }
            Command::Users => self.want(Wish::Users { tell: true }),
            Command::Channels => self.want(Wish::Channels { tell: true }),
            Command::Create(channel) => {
                let channel = self.channel_name(channel);
                self.want_as_user(Wish::Create(channel));
            }
            Command::Join(channel) => {
                let channel = self.channel_name(channel);
                self.enter(channel, false);
            }
            Command::Leave(channel) => match channel.or_else(|| self.channel().map(str::to_owned)) {
                Some(channel) => {
                    let channel = self.channel_name(channel);
                    self.want_as_user(Wish::Leave(channel));
                }
                None => self.mistake("Qual canal? Diga: sair-do-canal CANAL"),
            },
            Command::Publish { channel, text } => {
                let channel = self.channel_name(channel);
                self.say(To::Channel(channel), text);
            }
            Command::Message { to, text } => {
                let to = self.user_name(to);
                self.say(To::User(to), text);
            }
            Command::Talk(text) => match self.channel().map(str::to_owned) {
                Some(channel) => self.say(To::Channel(channel), text),
                None if self.me.is_none() => self.mistake("Entre primeiro: login USUÁRIO"),
                None => {
                    self.mistake("Você não está em nenhum canal. Entre em um: entrar CANAL (veja: canais)");
                }
            },
            Command::History { of, number, older } => self.history(of, number, older),
            Command::Help(about) => self.notices.push(Notice::Remark(help(about.as_deref()))),
            Command::Quit => return Flow::Quit,
        }
        Flow::GoOn
    }

    /// Tells that a line makes no sense.
    pub(crate) fn mistake(&mut self, text: &str) {
        self.failed = true;
        self.notices.push(Notice::Mistake(text.to_owned()));
    }

    /// Takes what the library tells of a session.
    pub(crate) fn event(&mut self, session: C::Session, event: Event) {
        if session != self.session {
            return;
        }
        match event {
            Event::Connected => {
                let again = self.connected.replace(true) == Some(false);
                self.back = again && self.me.is_some();
                self.notices.push(Notice::Connected { again });
            }
            Event::Lost => {
                self.connected = Some(false);
                self.notices.push(Notice::Lost);
            }
            Event::LoggedIn { user } => self.logged_in(user),
            Event::Estranged(failure) => self.estranged(failure),
            Event::Following { channel, .. } => {
                self.known.channels.insert(channel.clone());
                if let Some(me) = &mut self.me {
                    me.following.insert(channel.clone());
                }
                self.notices.push(Notice::Following(channel));
            }
            Event::Unfollowed { channel, .. } => {
                if let Some(me) = &mut self.me {
                    me.leave(&channel);
                }
                self.notices.push(Notice::Unfollowed(channel));
            }
            Event::Message(shown) => self.message(shown),
            Event::Answered(answered) => self.answered(answered),
            Event::CaughtUp { upto, missed } => {
                let back = std::mem::take(&mut self.back);
                self.notices.push(Notice::CaughtUp { index: upto, missed, back });
            }
            Event::Progress(saved) => {
                if let Some(me) = &mut self.me {
                    me.state.note(saved);
                    me.unwritten = true;
                }
            }
        }
    }

    fn message(&mut self, shown: Shown) {
        self.known.users.insert(shown.said.from.clone());
        let settled = shown.own.as_ref().is_some_and(|request| self.doubtful.remove(request));
        if settled {
            let said = &shown.said;
            let own = Own { from: said.from.clone(), to: said.to.clone(), text: said.message.clone() };
            self.notices.push(Notice::Settled(own));
        }
        self.notices.push(Notice::Message(shown));
    }

    fn enter(&mut self, channel: String, create: bool) {
        let follows = self.me.as_ref().is_some_and(|me| me.following.contains(&channel));
        if follows {
            return self.entered(channel, false);
        }
        self.want_as_user(Wish::Join { channel, create, created: false });
    }

    fn entered(&mut self, channel: String, created: bool) {
        if let Some(me) = &mut self.me {
            me.state.channel = Some(channel.clone());
            me.unwritten = true;
        }
        self.notices.push(Notice::Entered { channel, created });
    }

    fn say(&mut self, to: To, text: String) {
        let Some(me) = &self.me else { return self.mistake("Entre primeiro: login USUÁRIO") };
        let own = Own { from: me.name.clone(), to, text };
        let request = self.want_now(Wish::Say(own.clone()));
        self.notices.push(Notice::Pending { request, own, late: false });
    }

    fn history(&mut self, of: Place, number: usize, older: bool) {
        let of = match (of, &self.read_last) {
            (Place::Here, Some(last)) if older => Place::Exactly(last.clone()),
            (of, _) => of,
        };
        let (of, or_user) = match of {
            Place::Here => match self.channel() {
                Some(channel) => (To::Channel(channel.to_owned()), false),
                None => return self.mistake("De onde? Diga: historico CANAL, ou: historico USUÁRIO"),
            },
            Place::Exactly(of) => (of, false),
            Place::Named(name) if self.known.channels.contains(&name) => (To::Channel(name), false),
            Place::Named(name) if self.known.users.contains(&name) => (To::User(name), false),
            Place::Named(name) => (To::Channel(name), true),
        };
        if matches!(of, To::User(_)) && self.me.is_none() {
            return self.mistake("Entre primeiro: login USUÁRIO");
        }
        self.history_of(of, number, or_user, older);
    }

    fn history_of(&mut self, of: To, number: usize, or_user: bool, older: bool) {
        let before = self.shown.get(&of).copied().filter(|_| older);
        let messages = Vec::new();
        self.want(Wish::History(Reading { of, number, or_user, before, older, messages }));
    }

    fn want_as_user(&mut self, wish: Wish) {
        if self.me.is_none() {
            return self.mistake("Entre primeiro: login USUÁRIO");
        }
        self.want(wish);
    }

    /// Asks for something that the next prompt waits for.
    fn want(&mut self, wish: Wish) {
        self.want_now(wish);
    }

    fn want_now(&mut self, wish: Wish) -> RequestId {
        let request = self.ask(wish);
        self.busy = Some(request.clone());
        request
    }

    /// Asks for something.
    fn ask(&mut self, wish: Wish) -> RequestId {
        let request = RequestId::random();
        let ask = wish.ask().expect("logins are asked for by themselves");
        self.wishes.insert(request.clone(), wish);
        self.chat.ask(self.session, request.clone(), ask, None);
        request
    }

    /// People write `#geral` as the prompt does, though the channel is called `geral`.
    fn channel_name(&self, name: String) -> String {
        match name.strip_prefix('#') {
            Some(bare) if !bare.is_empty() && !self.known.channels.contains(&name) => bare.to_owned(),
            _ => name,
        }
    }

    fn user_name(&self, name: String) -> String {
        match name.strip_prefix('@') {
            Some(bare) if !bare.is_empty() && !self.known.users.contains(&name) => bare.to_owned(),
            _ => name,
        }
    }

    fn followed(&self) -> BTreeSet<String> {
        self.me.as_ref().map(|me| me.following.clone()).unwrap_or_default()
    }
}
