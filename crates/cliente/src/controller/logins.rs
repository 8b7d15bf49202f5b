//! Coming and going.

use std::collections::BTreeSet;
use std::io;

use papo_client::{Ask, Failure, RequestId, Saved};

use super::wish::{Login, Wish};
use super::{Chat, Controller, Notice};
use crate::state::{UserFile, UserState};

/// Who is logged in.
#[derive(Debug)]
pub(super) struct Me {
    pub(super) name: String,
    pub(super) following: BTreeSet<String>,
    pub(super) state: UserState,
    pub(super) file: Option<UserFile>,
    /// The state is newer than its file.
    pub(super) unwritten: bool,
}

impl Me {
    pub(super) fn leave(&mut self, channel: &str) {
        self.following.remove(channel);
        if self.state.channel.as_deref() == Some(channel) {
            self.state.channel = None;
            self.unwritten = true;
        }
    }

    fn write(&mut self) -> io::Result<()> {
        self.unwritten = false;
        self.file.as_ref().map_or(Ok(()), |file| file.write(&self.state))
    }
}

impl<C: Chat> Controller<C> {
    /// Comes back as whoever was here when an earlier run was interrupted, unless somebody else here is that user now.
    pub(crate) fn come_back(&mut self) {
        let Some(dir) = &self.options.state else { return };
        let Some(user) = dir.current() else { return };
        let free = dir.open(&user).is_ok_and(|(state, file)| !file.is_shared() && !state.saved.is_empty());
        if free {
            self.log_in(&user);
        }
    }

    /// Logs in with what is kept of that user, or for the first time.
    pub(crate) fn log_in(&mut self, user: &str) {
        let (mut state, file) = self.open_state(user);
        let mut others = state.saved.clone();
        let saved = (!others.is_empty()).then(|| others.remove(0));
        let request = if saved.is_some() {
            RequestId::random()
        } else {
            let known = state.login.as_deref().map(RequestId::from);
            let known = known.or_else(|| self.first_logins.get(user).cloned());
            let request = known.unwrap_or_else(RequestId::random);
            self.first_logins.insert(user.to_owned(), request.clone());
            state.login = Some(request.to_string());
            // Before it is asked: if this process dies before the answer, another one asks again under the same id, where
            // a new one would find the name taken, by itself.
            if let Some(Err(error)) = file.as_ref().map(|file| file.write(&state)) {
                self.cannot_keep(&error);
            }
            request
        };
        self.ask_login(request, Login { user: user.to_owned(), state, file, others }, saved);
    }

    /// Leaves the session. The login stays good.
    pub(crate) fn log_out(&mut self) {
        let user = self.me.take().map(|mut me| {
            if let Err(error) = me.write() {
                self.cannot_keep(&error);
            }
            me.name
        });
        self.chat.close(self.session);
        self.session = self.chat.open();
        self.wishes.clear();
        self.doubtful.clear();
        self.shown.clear();
        self.read_last = None;
        self.busy = None;
        self.connected = None;
        if let Some(user) = user {
            self.forget_current();
            self.notices.push(Notice::LoggedOut { user });
        }
    }

    /// Writes what has to be kept, if it has changed.
    pub(crate) fn save(&mut self) {
        if let Some(me) = self.me.as_mut().filter(|me| me.unwritten)
            && let Err(error) = me.write()
        {
            me.file = None;
            self.cannot_keep(&error);
        }
    }

    pub(super) fn logged_in(&mut self, user: String) {
        let login = self.wishes.values_mut().find_map(|wish| match wish {
            Wish::Login(login) => Some(login),
            _ => None,
        });
        let Some(login) = login else { return };
        let mut state = std::mem::take(&mut login.state);
        state.login = None;
        let file = login.file.take();
        self.me = Some(Me { name: user, following: BTreeSet::new(), state, file, unwritten: true });
    }

    /// The login has been answered: what this cluster knows of the user follows.
    pub(super) fn is_at_home(&mut self) {
        let Some(me) = &self.me else { return };
        let user = me.name.clone();
        if let Some(dir) = &self.options.state
            && me.file.as_ref().is_some_and(|file| !file.is_shared())
            && let Err(error) = dir.set_current(Some(&user))
        {
            self.cannot_keep(&error);
        }
        self.known.users.insert(user.clone());
        self.notices.push(Notice::LoggedIn { user });
        // For completion.
        self.ask(Wish::Users { tell: false });
        self.ask(Wish::Channels { tell: false });
        let followed = self.followed();
        let before = self.channel().filter(|channel| followed.contains(*channel)).map(str::to_owned);
        if let Some(me) = &mut self.me {
            me.state.channel = None;
        }
        match (self.options.channel.take(), before) {
            (Some(channel), _) => self.enter(channel, true),
            (None, Some(channel)) => self.entered(channel, false),
            (None, None) => {}
        }
    }

    /// Another token of the same name, of another cluster, may be the right one.
    pub(super) fn try_another(&mut self, mut login: Login) {
        let saved = login.others.remove(0);
        self.ask_login(RequestId::random(), login, Some(saved));
    }

    /// The first login has been refused for good: its id will not be asked again.
    pub(super) fn forget_first_login(&mut self, login: &mut Login) {
        self.first_logins.remove(&login.user);
        login.state.login = None;
        if let Some(Err(error)) = login.file.as_ref().map(|file| file.write(&login.state)) {
            self.cannot_keep(&error);
        }
    }

    pub(super) fn estranged(&mut self, failure: Failure) {
        self.notices.push(Notice::Estranged(failure));
        let Some(mut me) = self.me.take() else { return };
        if let Err(error) = me.write() {
            self.cannot_keep(&error);
        }
        let user = me.name.clone();
        drop(me);
        self.chat.close(self.session);
        self.session = self.chat.open();
        self.wishes.clear();
        self.busy = None;
        self.log_in(&user);
    }

    fn ask_login(&mut self, request: RequestId, login: Login, saved: Option<Saved>) {
        let ask = Ask::Login { user: login.user.clone(), saved };
        self.wishes.insert(request.clone(), Wish::Login(Box::new(login)));
        self.busy = Some(request.clone());
        self.chat.ask(self.session, request, ask, self.options.login_patience);
    }

    fn open_state(&mut self, user: &str) -> (UserState, Option<UserFile>) {
        let Some(dir) = &self.options.state else { return Default::default() };
        match dir.open(user) {
            Ok((state, file)) => {
                if file.is_shared() {
                    let text =
                        format!("Outro cliente nesta máquina já é {user}; este não guarda até onde leu.");
                    self.notices.push(Notice::Remark(text));
                }
                (state, Some(file))
            }
            Err(error) => {
                self.cannot_keep(&error);
                Default::default()
            }
        }
    }

    fn forget_current(&mut self) {
        if let Some(dir) = &self.options.state
            && let Err(error) = dir.set_current(None)
        {
            self.cannot_keep(&error);
        }
    }

    /// Told once: a full disk stays full for a while.
    fn cannot_keep(&mut self, error: &io::Error) {
        if std::mem::replace(&mut self.unkept, true) {
            return;
        }
        let text = format!("Não consegui guardar a sessão ({error}): ela não vai sobreviver a um reinício.");
        self.notices.push(Notice::Remark(text));
    }
}
