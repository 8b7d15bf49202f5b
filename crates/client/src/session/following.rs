//! What a session that is logged in follows, and how it catches up.

use std::sync::Arc;

use papo_core::chat::{Said, To};
use papo_core::clock::Now;
use papo_core::log::Index;
use papo_wire::Service;
use papo_wire::limits::PAGE_ITEMS;
use papo_wire::reply::{Answer, Failure, Reason, SyncPage};
use papo_wire::request::Body;

use super::call::{CallId, Purpose};
use super::stream::Stream;
use super::{Output, Session};
use crate::{Event, Outcome, Saved};

/// What a login brings.
#[derive(Debug)]
pub(super) struct Account {
    pub(super) token: String,
    pub(super) stream: Stream,
    pub(super) sync: Option<CallId>,
    /// Pages that were asked for before this index do not know of our latest join or leave.
    pub(super) membership: Index,
    /// Messages that pages have brought since the last [`Event::CaughtUp`].
    pub(super) missed: u64,
    /// Something is known to be missing; the end of that is to be told.
    pub(super) catching_up: bool,
    /// A page brought a message that should be delivered at any moment: the index of it.
    pub(super) overdue: Option<Index>,
}

impl Account {
    /// A page may overtake a delivery, so what it brings is no reason to worry yet; but when nothing as new has been
    /// delivered until the next page, deliveries are being lost. True if so.
    fn check_hearing(&mut self, late: &[Arc<Said>]) -> bool {
        let deaf = self.overdue.take().is_some();
        let delivered_to_us = |said: &&Arc<Said>| match &said.to {
            To::Channel(_) => true,
            To::User(user) => user == self.stream.user(),
        };
        self.overdue = late.iter().rfind(delivered_to_us).map(|said| said.index);
        deaf
    }

    pub(super) fn heard(&mut self, index: Index) {
        if self.overdue.is_some_and(|overdue| overdue <= index) {
            self.overdue = None;
        }
    }
}

impl Session {
    pub(super) fn log_in(&mut self, now: Now, user: String, token: String, saved: Saved) {
        // A cluster gives one user the same token again and again: another one comes from another cluster, where the saved
        // positions mean nothing.
        let same = saved.user == user && (token.is_empty() || token == saved.token);
        let saved = if same { saved } else { Saved { token: saved.token, ..Saved::default() } };
        self.seen = self.seen.max(saved.seen);
        let stream = Stream::resume(&user, &saved);
        self.out.extend(stream.topics().cloned().map(Output::Subscribe));
        self.tell(Event::LoggedIn { user });
        for (channel, after) in stream.channels() {
            let channel = channel.to_owned();
            self.out.push_back(Output::Tell(Event::Following { channel, after }));
        }
        self.account = Some(Account {
            token: if token.is_empty() { saved.token } else { token },
            stream,
            sync: None,
            membership: 0,
            missed: 0,
            catching_up: true,
            overdue: None,
        });
        self.progressed = true;
        self.sync(now);
        // The subscriptions may have come into effect after the first page was made.
        self.pulse.sync_soon(now.instant);
    }

    pub(super) fn note_membership(&mut self, index: Index) {
        if let Some(account) = &mut self.account {
            account.membership = account.membership.max(index);
        }
    }

    pub(super) fn follow(&mut self, now: Now, channel: &str, after: Index) {
        let Some(account) = &mut self.account else { return };
        if let Some(after) = account.stream.follow(channel, after) {
            self.progressed = true;
            self.out.push_back(Output::Subscribe(To::Channel(channel.to_owned())));
            self.tell(Event::Following { channel: channel.to_owned(), after });
            self.pulse.sync_soon(now.instant);
        }
    }

    pub(super) fn unfollow(&mut self, channel: &str) {
        let Some(account) = &mut self.account else { return };
        if let Some(upto) = account.stream.unfollow(channel) {
            self.progressed = true;
            self.out.push_back(Output::Unsubscribe(To::Channel(channel.to_owned())));
            self.tell(Event::Unfollowed { channel: channel.to_owned(), upto });
        }
    }

    /// Everything waits until what is missing was fetched.
    pub(super) fn catch_up(&mut self, now: Now) {
        let Some(account) = &mut self.account else { return };
        account.catching_up = true;
        account.stream.hold();
        if account.sync.is_none() {
            self.sync(now);
        }
    }

    pub(super) fn lose(&mut self) {
        self.tell(Event::Lost);
        if let Some(account) = &mut self.account {
            account.catching_up = true;
            account.stream.hold();
        }
    }

    pub(super) fn sync(&mut self, now: Now) {
        let Some(account) = &self.account else { return };
        let (user, since) = (account.stream.user().to_owned(), account.stream.complete());
        self.pulse.syncing();
        let call = self.open(now, Purpose::Sync, Body::Sync { user, since, limit: PAGE_ITEMS }, None, None);
        self.account.as_mut().expect("looked at above").sync = Some(call);
    }

    pub(super) fn synced(&mut self, now: Now, seen: Index, index: Index, outcome: Outcome) {
        let Some(account) = &mut self.account else { return };
        account.sync = None;
        match outcome {
            Outcome::Stored(Answer::Sync(page)) => self.take_page(now, seen, index, page),
            outcome => {
                let other = || Failure::new(Service::Sync, Reason::Other);
                let failure = outcome.failure().cloned().unwrap_or_else(other);
                self.leave_all();
                self.tell(Event::Estranged(failure));
            }
        }
    }

    fn take_page(&mut self, now: Now, seen: Index, index: Index, page: SyncPage) {
        self.follow_exactly(now, &page.channels, index);
        let Some(account) = &mut self.account else { return };
        let progress = page.upto > account.stream.complete();
        let more = page.more;
        self.seen = self.seen.max(page.upto);
        self.progressed |= progress;
        let mut show = Vec::new();
        account.stream.page(page, &mut show);
        let late = show.len();
        let missed = account.catching_up;
        if missed {
            account.missed += late as u64;
        }
        let again = more && progress;
        let whole = !again && account.stream.release(&mut show) && !more;
        let deaf = if missed { false } else { account.check_hearing(&show[..late]) };
        for (number, said) in show.into_iter().enumerate() {
            self.show(now, said, missed && number < late);
        }
        if again {
            return self.sync(now);
        }
        self.pulse.synced(now.instant);
        if deaf {
            self.out.push_back(Output::Deaf);
        }
        if whole {
            self.tell_caught_up();
        }
        if !whole && seen < self.seen {
            self.pulse.sync_now(now.instant);
        } else if !whole || late > 0 {
            self.pulse.sync_soon(now.instant);
        }
    }

    fn tell_caught_up(&mut self) {
        let Some(account) = &mut self.account else { return };
        let missed = std::mem::take(&mut account.missed);
        if std::mem::take(&mut account.catching_up) {
            let upto = account.stream.complete();
            self.tell(Event::CaughtUp { upto, missed });
        }
    }

    /// Follows what the servidor says this user followed at `index`: they may have joined and left elsewhere, or in an earlier
    /// process that did not live to hear of it.
    fn follow_exactly(&mut self, now: Now, channels: &[String], index: Index) {
        let Some(account) = &self.account else { return };
        // Of before our latest join or leave: what we joined since is not on the page. But of a channel that should have been
        // followed then and was not, something is missing; the next page takes it up again.
        let outdated = index < account.membership;
        let after = account.stream.complete();
        let followed = account.stream.channels();
        let gone = followed.filter(|(channel, last)| {
            (!outdated || *last < index) && !channels.iter().any(|listed| listed == channel)
        });
        let gone: Vec<String> = gone.map(|(channel, _)| channel.to_owned()).collect();
        for channel in &gone {
            self.unfollow(channel);
        }
        if !outdated {
            for channel in channels {
                self.follow(now, channel, after);
            }
        } else if !gone.is_empty() {
            self.pulse.sync_soon(now.instant);
        }
    }

    fn leave_all(&mut self) {
        if let Some(account) = self.account.take() {
            self.out.extend(account.stream.topics().cloned().map(Output::Unsubscribe));
        }
    }
}
