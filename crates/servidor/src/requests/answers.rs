//! Entries of the log, and the state of the servidor, as clients are shown them.

use papo_core::chat::Said;
use papo_core::clock::Now;
use papo_core::log::{Entry, Index, Operation, RequestId};
use papo_core::replica::{self, Replica};
use papo_store::{Page, Records, Since};
use papo_wire::reply::{
    Answer, Event, ExportPage, HistoryPage, MemberStatus, Message, PeerStatus, Record, Role, Status,
    SyncPage, fitting,
};
use papo_wire::request::Page as Asked;
use papo_wire::timestamp;

use super::About;
use super::reads::stamps;

/// A page of a conversation; cut where it would outgrow a reply: at the end that is further from where `asked` starts to read,
/// which is where the next page goes on.
pub(super) fn history(page: &Page, asked: Asked) -> Answer {
    let mut previous = page.previous;
    let messages = page.entries.iter().filter_map(Said::of).map(|said| {
        let message = Message { previous: Some(previous), said };
        previous = message.said.index;
        message
    });
    let mut messages: Vec<Message> = messages.collect();
    let (all, sizes) = (messages.len(), messages.iter().map(Message::size_bound));
    match asked {
        Asked::Newest | Asked::Before(_) => {
            // Each message tells its own predecessor, so the first that is kept leads to the last that is not.
            let fits = fitting(sizes.rev());
            messages.drain(..all - fits);
        }
        Asked::After(_) | Asked::Between { .. } => {
            let fits = fitting(sizes);
            messages.truncate(fits);
        }
    }
    let more = page.more || messages.len() < all;
    Answer::History(HistoryPage { messages, more })
}

/// What a user missed; cut where it would outgrow a reply.
///
/// `channels` are those that the user followed when `applied` was the last index applied. The disk may have read further than
/// that by now, but not in channels that were joined meanwhile: the page ends at `applied`, or it would claim to be complete
/// where it lacks what was said there.
pub(super) fn sync(since: &Since, applied: Index, channels: Vec<String>) -> Answer {
    let known = since.entries.partition_point(|entry| entry.index <= applied);
    let said = since.entries[..known].iter().filter_map(Said::of);
    let mut messages: Vec<Message> = said.map(|said| Message { said, previous: None }).collect();
    let mut more = since.more || known < since.entries.len();
    let mut upto = since.up_to.min(applied);
    let fits = fitting(messages.iter().map(Message::size_bound));
    if fits < messages.len() {
        messages.truncate(fits);
        more = true;
        upto = messages.last().map_or(upto, |message| message.said.index);
    }
    Answer::Sync(SyncPage { messages, more, upto, channels })
}

/// Records of the log; cut where they would outgrow a reply.
pub(super) fn export(records: &Records) -> Answer {
    let mut entries: Vec<Record> = records.entries.iter().filter_map(record).collect();
    let (mut more, mut upto) = (records.more, records.up_to);
    let fits = fitting(entries.iter().map(Record::size_bound));
    if fits < entries.len() {
        entries.truncate(fits);
        more = true;
        upto = entries.last().map_or(upto, |record| record.index);
    }
    Answer::Export(ExportPage { entries, more, upto })
}

fn record(entry: &Entry) -> Option<Record> {
    let (time, clock) = stamps(entry);
    let operation = match &entry.operation {
        Operation::Imported { operation, .. } => operation,
        operation => operation,
    };
    let event = match operation.clone() {
        Operation::Login { user } => Event::User { user: user.display },
        Operation::Channel { channel } => Event::Channel { channel: channel.display },
        Operation::Publish { channel, user, message } => Event::Publish { user, channel, message },
        Operation::Message { src, dst, message } => Event::Message { src, dst, message },
        Operation::Join { user, channel } => Event::Join { user, channel },
        Operation::Leave { user, channel } => Event::Leave { user, channel },
        _ => return None,
    };
    let request_id = match (&entry.operation, &entry.request_id) {
        // Whoever repeats a login under its id is answered the session, and may then read and follow as that user: the id is as
        // good as a password, while anybody may ask for records.
        (Operation::Login { .. }, _) => None,
        (_, Some(RequestId::Client(id))) => Some(id.clone()),
        _ => None,
    };
    Some(Record { index: entry.index, time, clock, request_id, event })
}

/// How this servidor is. Addresses of peers are added by who knows them.
pub(super) fn status(now: Now, replica: &Replica, about: &About) -> Status {
    let status = replica.status(now);
    let (used, free) = about.disk.last().map_or((0, 0), |usage| (usage.used, usage.free));
    let (offset, bound) = status.clock.unwrap_or_default();
    Status {
        name: status.me.name.clone(),
        rank: status.rank,
        disk: status.me.disk.to_string(),
        cluster: status.cluster.map(|cluster| cluster.to_string()).unwrap_or_default(),
        role: role(status.role),
        epoch: status.epoch,
        coordinator: status.coordinator.unwrap_or_default(),
        coordinator_since: status.coordinator_since.map(timestamp::format).unwrap_or_default(),
        members: status
            .members
            .iter()
            .map(|member| MemberStatus {
                name: member.id.name.clone(),
                rank: member.rank,
                disk: member.id.disk.to_string(),
            })
            .collect(),
        wanted: status.wanted,
        peers: status
            .peers
            .iter()
            .map(|peer| PeerStatus {
                name: peer.id.name.clone(),
                alive: peer.alive,
                index: peer.index,
                address: about.addresses.get(&peer.id.name).cloned().unwrap_or_default(),
            })
            .collect(),
        last: status.last,
        commit: status.commit,
        applied: status.applied,
        digest: status.digest.to_string(),
        clock_offset_ns: offset,
        clock_bound_ns: u64::try_from(bound.as_nanos()).unwrap_or(u64::MAX),
        disk_bytes: used,
        disk_free_bytes: free,
        uptime_ms: about.clocks.uptime_ms(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    }
}

/// What a servidor is, in the words of the wire.
pub(super) fn role(role: replica::RoleName) -> Role {
    match role {
        replica::RoleName::Starting => Role::Starting,
        replica::RoleName::Learner => Role::Learner,
        replica::RoleName::Follower => Role::Follower,
        replica::RoleName::Candidate => Role::Candidate,
        replica::RoleName::Coordinator => Role::Coordinator,
    }
}

#[cfg(test)]
mod tests {
    use papo_core::clock::{Lamport, WallTime};

    use super::*;

    fn said(index: Index) -> Entry {
        let text = |text: &str| text.to_owned();
        Entry {
            index,
            epoch: 1,
            lamport: Lamport::new(index),
            time: WallTime::EPOCH,
            author: text("ana"),
            request_id: None,
            operation: Operation::Publish {
                channel: text("geral"),
                user: text("ana"),
                message: format!("message {index}"),
            },
        }
    }

    #[test]
    fn a_logins_request_id_is_shown_to_nobody() {
        let mut entry = said(7);
        entry.request_id = Some(RequestId::Client("secret".to_owned()));
        let shown = |entry: &Entry| record(entry).expect("everybody may see it").request_id;
        assert_eq!(shown(&entry).as_deref(), Some("secret"), "what was said is known by its id");
        let user = papo_wire::names::parse("ana").expect("a name");
        entry.operation = Operation::Login { user };
        assert_eq!(shown(&entry), None);
    }

    /// What is answered of a conversation of 200 messages of 8 KiB, at indices 1 to 200.
    fn long(asked: Asked) -> (Vec<Message>, bool) {
        let long = |index| {
            let mut entry = said(index);
            if let Operation::Publish { message, .. } = &mut entry.operation {
                *message = "m".repeat(8192);
            }
            entry
        };
        let page = Page { entries: (1..=200).map(long).collect(), previous: 0, more: false, applied: 200 };
        match history(&page, asked) {
            Answer::History(HistoryPage { messages, more }) => (messages, more),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_page_of_long_messages_that_is_read_backwards_keeps_the_newest() {
        for asked in [Asked::Newest, Asked::Before(201)] {
            let (messages, more) = long(asked);
            let (first, last) = (&messages[0], &messages[messages.len() - 1]);
            assert_eq!(last.said.index, 200, "{asked:?}");
            assert!(more && first.said.index > 1, "the page is too long to be sent whole");
            assert_eq!(first.previous, Some(first.said.index - 1), "it leads to what is not on it");
        }
    }

    #[test]
    fn a_page_of_long_messages_that_is_read_onwards_keeps_the_oldest() {
        for asked in [Asked::After(0), Asked::Between { after: 0, before: 201 }] {
            let (messages, more) = long(asked);
            assert_eq!((messages[0].said.index, messages[0].previous), (1, Some(0)), "{asked:?}");
            assert!(more && messages[messages.len() - 1].said.index < 200);
        }
    }

    fn page(up_to: Index, applied: Index) -> SyncPage {
        let since = Since { entries: vec![said(5), said(9)], up_to, more: false };
        match sync(&since, applied, vec!["geral".to_owned()]) {
            Answer::Sync(page) => page,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_page_of_what_was_missed_ends_where_its_list_of_channels_does() {
        let page = page(12, 7);
        let indices: Vec<Index> = page.messages.iter().map(|message| message.said.index).collect();
        assert_eq!(indices, [5], "what is beyond may not be all that was said in the user's channels");
        assert_eq!((page.upto, page.more), (7, true));
    }

    #[test]
    fn a_page_that_nothing_is_cut_from_tells_of_no_more() {
        let page = page(12, 10);
        assert_eq!((page.messages.len(), page.upto, page.more), (2, 10, false));
    }
}
