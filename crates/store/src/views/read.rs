//! Answering from the views.

use std::path::PathBuf;

use papo_core::log::{Entry, Index};
use rusqlite::{Connection, params};

use super::index::{self, Conversation};
use super::query::{Page, PageQuery, Records, RecordsQuery, Since, SinceQuery};
use crate::error::ReadError;
use crate::fault::Fault;
use crate::log::LogReader;
use crate::sqlite::signed;

/// What a read needs.
pub(super) struct Reading<'a> {
    pub(super) connection: &'a Connection,
    pub(super) path: &'a PathBuf,
    pub(super) log: &'a LogReader,
    pub(super) applied: Index,
}

/// Indices strictly between the two.
#[derive(Clone, Copy)]
struct Between(Index, Index);

const BEYOND: Index = i64::MAX as Index;

impl Reading<'_> {
    pub(super) fn page(&self, query: &PageQuery) -> Result<Page, ReadError> {
        let (mut indices, more) = self.explain(self.page_indices(query))?;
        let previous = match indices.first() {
            Some(&first) => self.explain(self.index_before(query, first))?,
            None => 0,
        };
        indices.truncate(query.limit);
        Ok(Page { entries: self.entries(&indices)?, previous, more, applied: self.applied })
    }

    pub(super) fn since(&self, query: &SinceQuery) -> Result<Since, ReadError> {
        let indices = self.explain(self.since_indices(query))?;
        let (entries, up_to, more) = self.cut(indices, query.since, query.limit)?;
        Ok(Since { entries, up_to, more })
    }

    pub(super) fn records(&self, query: RecordsQuery) -> Result<Records, ReadError> {
        let indices = self.explain(self.record_indices(query))?;
        let (entries, up_to, more) = self.cut(indices, query.after, query.limit)?;
        Ok(Records { entries, up_to, more })
    }

    /// The indices of a page, ascending, and whether there are more.
    fn page_indices(&self, query: &PageQuery) -> Result<(Vec<Index>, bool), Fault> {
        let Some(conversation) = index::find(self.connection, &query.key)? else {
            return Ok((Vec::new(), false));
        };
        let range = Between(query.after.unwrap_or(0), query.before.unwrap_or(BEYOND));
        let one_more = query.limit.saturating_add(1);
        let mut indices = if query.after.is_some() {
            self.oldest(conversation, range, one_more)?
        } else {
            self.newest(conversation, range, one_more)?
        };
        let more = indices.len() > query.limit;
        indices.truncate(query.limit);
        indices.sort_unstable();
        Ok((indices, more))
    }

    fn index_before(&self, query: &PageQuery, first: Index) -> Result<Index, Fault> {
        let Some(conversation) = index::find(self.connection, &query.key)? else { return Ok(0) };
        Ok(self.newest(conversation, Between(0, first), 1)?.first().copied().unwrap_or(0))
    }

    /// Up to one more than the limit, ascending, each once.
    fn since_indices(&self, query: &SinceQuery) -> Result<Vec<Index>, Fault> {
        let one_more = query.limit.saturating_add(1);
        let mut indices = Vec::new();
        for key in &query.keys {
            if let Some(conversation) = index::find(self.connection, key)? {
                indices.extend(self.oldest(conversation, Between(query.since, BEYOND), one_more)?);
            }
        }
        indices.sort_unstable();
        indices.dedup();
        indices.truncate(one_more);
        Ok(indices)
    }

    fn record_indices(&self, query: RecordsQuery) -> Result<Vec<Index>, Fault> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT idx, crc FROM records WHERE idx > ?1 ORDER BY idx LIMIT ?2")?;
        let rows = statement.query(params![signed(query.after), limit(query.limit.saturating_add(1))])?;
        checked(rows, index::record_checksum)
    }

    fn oldest(&self, conversation: Conversation, range: Between, count: usize) -> Result<Vec<Index>, Fault> {
        self.timeline(
            "SELECT idx, crc FROM timeline WHERE conversation = ?1 AND idx > ?2 AND idx < ?3 ORDER BY idx LIMIT ?4",
            conversation,
            range,
            count,
        )
    }

    fn newest(&self, conversation: Conversation, range: Between, count: usize) -> Result<Vec<Index>, Fault> {
        self.timeline(
            "SELECT idx, crc FROM timeline WHERE conversation = ?1 AND idx > ?2 AND idx < ?3 ORDER BY idx DESC LIMIT ?4",
            conversation,
            range,
            count,
        )
    }

    fn timeline(
        &self,
        sql: &str,
        conversation: Conversation,
        range: Between,
        count: usize,
    ) -> Result<Vec<Index>, Fault> {
        let mut statement = self.connection.prepare_cached(sql)?;
        let Between(after, before) = range;
        let rows = statement.query(params![conversation, signed(after), signed(before), limit(count)])?;
        checked(rows, |index| index::timeline_checksum(conversation, index))
    }

    /// The entries at up to `limit` of the indices, where that ends, and whether there are more.
    fn cut(
        &self,
        mut indices: Vec<Index>,
        from: Index,
        limit: usize,
    ) -> Result<(Vec<Entry>, Index, bool), ReadError> {
        let more = indices.len() > limit;
        indices.truncate(limit);
        let up_to = if more { indices.last().copied().unwrap_or(from) } else { self.applied.max(from) };
        Ok((self.entries(&indices)?, up_to, more))
    }

    fn entries(&self, indices: &[Index]) -> Result<Vec<Entry>, ReadError> {
        let missing = |index| Fault::damaged(format!("entry {index} was indexed and is not there"));
        indices
            .iter()
            .map(|&index| self.log.entry(index)?.ok_or_else(|| missing(index)))
            .collect::<Result<_, _>>()
            .map_err(|fault| ReadError::new(self.log.path(), &fault))
    }

    fn explain<T>(&self, result: Result<T, Fault>) -> Result<T, ReadError> {
        result.map_err(|fault| ReadError::new(self.path, &fault))
    }
}

/// The indices in rows of `idx, crc`.
fn checked(mut rows: rusqlite::Rows<'_>, checksum: impl Fn(Index) -> u32) -> Result<Vec<Index>, Fault> {
    let mut indices = Vec::new();
    while let Some(row) = rows.next()? {
        let (index, crc): (Index, u32) = (row.get(0)?, row.get(1)?);
        if checksum(index) != crc {
            return Err(Fault::damaged(format!("the row of entry {index} is not what was written")));
        }
        indices.push(index);
    }
    Ok(indices)
}

fn limit(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
