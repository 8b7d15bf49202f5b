use std::io::{BufRead, BufReader, Read, Write};

use crate::event::Entry;

/// Everything one observer saw, in the order in which it saw it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ledger {
    entries: Vec<Entry>,
}

/// Why a ledger could not be read.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The file could not be read.
    #[error("cannot read the ledger")]
    Io(#[from] std::io::Error),
    /// A line is not an entry. A *last* line without its end is no error: that is where the tester died.
    #[error("line {line} of the ledger is not an entry")]
    Line {
        /// Counted from 1.
        line: usize,
        /// What is wrong with it.
        source: serde_json::Error,
    },
}

impl Ledger {
    /// What happened, in order.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Whether nothing happened.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Writes down what happened next.
    pub fn push(&mut self, entry: Entry) {
        self.entries.push(entry);
    }

    /// Reads a ledger as JSONL. A last line that was cut off by the tester's death is left out.
    ///
    /// # Errors
    /// The source fails, or a whole line is not an entry.
    pub fn load(source: impl Read) -> Result<Self, LoadError> {
        let mut source = BufReader::new(source);
        let mut entries = Vec::new();
        let mut text = Vec::new();
        for line in 1.. {
            text.clear();
            source.read_until(b'\n', &mut text)?;
            if text.last() != Some(&b'\n') {
                break;
            }
            entries.push(serde_json::from_slice(&text).map_err(|source| LoadError::Line { line, source })?);
        }
        Ok(Self { entries })
    }

    /// Writes the ledger as JSONL, one line an entry.
    ///
    /// # Errors
    /// The destination fails.
    pub fn save(&self, mut destination: impl Write) -> std::io::Result<()> {
        for entry in &self.entries {
            destination.write_all(&line(entry))?;
        }
        destination.flush()
    }
}

impl FromIterator<Entry> for Ledger {
    fn from_iter<T: IntoIterator<Item = Entry>>(entries: T) -> Self {
        Self { entries: entries.into_iter().collect() }
    }
}

/// An entry as a line of JSONL, its end included.
pub(crate) fn line(entry: &Entry) -> Vec<u8> {
    let mut line = serde_json::to_vec(entry).expect("an entry has string keys and finite numbers only");
    line.push(b'\n');
    line
}
