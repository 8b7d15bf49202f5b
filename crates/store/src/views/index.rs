//! Writing and finding the rows of the views.

use papo_core::chat::{Record, TimelineKey};
use papo_core::log::Index;
use rusqlite::{Connection, OptionalExtension, params};

use crate::fault::Fault;
use crate::sqlite::signed;

/// The number of a timeline within the views.
pub(super) type Conversation = u64;

/// Adds one operation to the timelines that it is part of.
pub(super) fn add(connection: &Connection, record: &Record) -> Result<(), Fault> {
    let index = signed(record.index);
    connection
        .prepare_cached("INSERT OR REPLACE INTO records (idx, crc) VALUES (?1, ?2)")?
        .execute(params![index, record_checksum(record.index)])?;
    for key in &record.timelines {
        let conversation = match find(connection, key)? {
            Some(conversation) => conversation,
            None => found(connection, key)?,
        };
        connection
            .prepare_cached("INSERT OR REPLACE INTO timeline (conversation, idx, crc) VALUES (?1, ?2, ?3)")?
            .execute(params![conversation, index, timeline_checksum(conversation, record.index)])?;
    }
    Ok(())
}

/// The timeline's number, if anything was ever said there.
pub(super) fn find(connection: &Connection, key: &TimelineKey) -> Result<Option<Conversation>, Fault> {
    let text = text(key);
    let row: Option<(Conversation, String, u32)> = connection
        .prepare_cached("SELECT id, key, crc FROM conversations WHERE key = ?1")?
        .query_row([&text], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .optional()?;
    let Some((id, found, crc)) = row else { return Ok(None) };
    if found == text && conversation_checksum(id, &text) == crc {
        Ok(Some(id))
    } else {
        Err(Fault::damaged(format!("the row of conversation {id} is not what was written")))
    }
}

fn found(connection: &Connection, key: &TimelineKey) -> Result<Conversation, Fault> {
    let text = text(key);
    let greatest: Option<Conversation> =
        connection.prepare_cached("SELECT max(id) FROM conversations")?.query_row([], |row| row.get(0))?;
    let id = greatest.unwrap_or_default() + 1;
    connection
        .prepare_cached("INSERT INTO conversations (id, key, crc) VALUES (?1, ?2, ?3)")?
        .execute(params![id, text, conversation_checksum(id, &text)])?;
    Ok(id)
}

/// Different for different keys, whatever the names hold.
fn text(key: &TimelineKey) -> String {
    match key {
        TimelineKey::Channel(channel) => format!("channel {channel}"),
        TimelineKey::Pair(one, other) => format!("pair {} {one} {other}", one.len()),
        TimelineKey::Mailbox(user) => format!("mailbox {user}"),
    }
}

fn conversation_checksum(id: Conversation, text: &str) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&id.to_le_bytes());
    hasher.update(text.as_bytes());
    hasher.finalize()
}

pub(super) fn timeline_checksum(conversation: Conversation, index: Index) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&conversation.to_le_bytes());
    hasher.update(&index.to_le_bytes());
    hasher.finalize()
}

pub(super) fn record_checksum(index: Index) -> u32 {
    crc32fast::hash(&index.to_le_bytes())
}
