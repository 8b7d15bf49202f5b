//! What is published: one socket, subscribed once to whatever any session follows, at all proxies.

use std::collections::HashMap;
use std::time::Duration;

use papo_core::chat::To;
use papo_core::clock::Instant;
use papo_transport::{Change, FanOut, Frames, Kind, Net, OpenError, SocketId, SocketOptions};
use papo_wire::publication::Publication;
use papo_wire::topic::Topic;

use crate::SessionId;

/// Subscriptions are not opened anew more often than this.
const REOPEN: Duration = Duration::from_secs(5);

pub(super) struct Feed {
    socket: SocketId,
    proxies: FanOut,
    /// Who follows each topic, tips included; by the topic's bytes, since that is what arrives.
    followers: HashMap<Vec<u8>, Vec<SessionId>>,
    reopened: Instant,
}

impl Feed {
    pub(super) fn open(net: &mut impl Net) -> Result<Self, OpenError> {
        let options = SocketOptions { receive_queue: 10_000, ..SocketOptions::default() };
        let socket = net.open(Kind::Subscribe, &options)?;
        let proxies = FanOut::new(socket);
        Ok(Self { socket, proxies, followers: HashMap::new(), reopened: Instant::ZERO })
    }

    pub(super) fn socket(&self) -> SocketId {
        self.socket
    }

    pub(super) fn follow(&mut self, net: &mut impl Net, change: &Change) {
        if let Err(error) = self.proxies.follow(net, change) {
            tracing::warn!(%error, "cannot connect to proxy");
        }
    }

    pub(super) fn subscribe(&mut self, net: &mut impl Net, session: SessionId, to: &To) {
        for topic in topics(to) {
            let followers = self.followers.entry(topic).or_insert_with_key(|topic| {
                net.subscribe(self.socket, topic);
                Vec::new()
            });
            if !followers.contains(&session) {
                followers.push(session);
            }
        }
    }

    pub(super) fn unsubscribe(&mut self, net: &mut impl Net, session: SessionId, to: &To) {
        for topic in topics(to) {
            self.drop_followers(net, &topic, |follower| *follower == session);
        }
    }

    /// A session has ended.
    pub(super) fn forget(&mut self, net: &mut impl Net, session: SessionId) {
        let all: Vec<Vec<u8>> = self.followers.keys().cloned().collect();
        for topic in all {
            self.drop_followers(net, &topic, |follower| *follower == session);
        }
    }

    /// The publication in these frames and who follows it; `None` where nobody does. Topics are prefixes to ZeroMQ, so what
    /// nobody follows arrives all the same.
    pub(super) fn read(&self, frames: &Frames) -> Option<(Publication, &[SessionId])> {
        let [topic, payload] = frames.as_slice() else {
            tracing::debug!(frames = frames.len(), "not a publication");
            return None;
        };
        let followers = self.followers.get(topic)?;
        match Publication::decode(topic, payload) {
            Ok(publication) => Some((publication, followers)),
            Err(error) => {
                tracing::debug!(%error, "not a publication");
                None
            }
        }
    }

    /// Connects to all proxies anew, unless that was done a moment ago.
    pub(super) fn reopen(&mut self, net: &mut impl Net, now: Instant) {
        if self.reopened != Instant::ZERO && now.since(self.reopened) < REOPEN {
            return;
        }
        self.reopened = now;
        tracing::debug!("deliveries are being lost: connecting to the proxies anew");
        let addresses: Vec<_> = self.proxies.addresses().collect();
        for address in addresses {
            if let Err(error) = self.proxies.reopen(net, address) {
                tracing::warn!(%error, "cannot connect to proxy");
            }
        }
    }

    fn drop_followers(&mut self, net: &mut impl Net, topic: &[u8], gone: impl Fn(&SessionId) -> bool) {
        let Some(followers) = self.followers.get_mut(topic) else { return };
        followers.retain(|follower| !gone(follower));
        if followers.is_empty() {
            self.followers.remove(topic);
            net.unsubscribe(self.socket, topic);
        }
    }
}

/// Where something is said, and where the last index of that is told.
fn topics(to: &To) -> [Vec<u8>; 2] {
    let (topic, tip) = match to {
        To::Channel(channel) => (Topic::Channel(channel.clone()), Topic::ChannelTip(channel.clone())),
        To::User(user) => (Topic::User(user.clone()), Topic::UserTip(user.clone())),
    };
    [topic.to_bytes(), tip.to_bytes()]
}
