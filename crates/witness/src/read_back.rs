use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant};

use papo_audit::{ExportPage, HistoryDump, StateDigest};
use papo_transport::{OpenError, ZmqContext};
use papo_wire::limits::{self, Limits, PAGE_ITEMS};
use papo_wire::request::{Body, Request};
use serde::Deserialize;

use crate::Reach;
use crate::ask::Asker;
use crate::panel::Panel;
use crate::view::View;

/// How long a servidor may take to answer once.
const ANSWER: Duration = Duration::from_secs(2);
const BETWEEN_LOOKS: Duration = Duration::from_millis(100);

/// Everything that the servidores tell after a drill.
#[derive(Clone, Debug, Default)]
pub struct ReadBack {
    /// The history that each tells, straight from it.
    pub histories: Vec<HistoryDump>,
    /// The state that each had then.
    pub digests: Vec<StateDigest>,
    /// What could not be read, or not be waited for, a sentence each. Empty when all was read from everybody.
    pub missing: Vec<String>,
}

/// Waits until all servidores have applied the same log to its end, then reads from each the history after index `after`,
/// all at a time. To be called when nothing writes any more. Takes at most about twice `patience`.
///
/// # Errors
/// The system has no sockets left. What the cluster does not do is told by [`ReadBack::missing`].
pub fn read_back(reach: &Reach, after: u64, patience: Duration) -> Result<ReadBack, OpenError> {
    let mut read = ReadBack::default();
    let view = wait_until_level(reach, patience)?;
    if !view.is_level() {
        let why = view.flaw(0).unwrap_or_else(|| "something is still being written".to_owned());
        read.missing.push(format!("the servidores did not become level within {patience:?}: {why}"));
    }
    read.digests.extend(view.answering().map(|status| StateDigest {
        servidor: status.name.clone(),
        applied: status.applied,
        digest: status.digest.clone(),
    }));
    let context = ZmqContext::new();
    let deadline = Instant::now() + patience;
    let mut readers = Vec::new();
    for (name, address) in &reach.servidores {
        readers.push((name, Reader::new(&context, name, *address, deadline)?));
    }
    let read_by_each: Vec<_> = thread::scope(|scope| {
        let reading: Vec<_> = readers
            .into_iter()
            .map(|(name, reader)| (name, scope.spawn(move || reader.read(after))))
            .collect();
        let joined = reading.into_iter().map(|(name, thread)| (name, thread.join()));
        joined
            .map(|(name, read)| (name, read.unwrap_or_else(|_| Err("its reader panicked".to_owned()))))
            .collect()
    });
    for (name, outcome) in read_by_each {
        match outcome {
            Ok(dump) => read.histories.push(dump),
            Err(why) => read.missing.push(format!("the history of {name} could not be read: {why}")),
        }
    }
    Ok(read)
}

fn wait_until_level(reach: &Reach, patience: Duration) -> Result<View, OpenError> {
    let mut panel = Panel::new(reach)?;
    let deadline = Instant::now() + patience;
    loop {
        let view = panel.look(ANSWER);
        if (view.is_level() && view.flaw(0).is_none()) || Instant::now() >= deadline {
            return Ok(view);
        }
        thread::sleep(BETWEEN_LOOKS);
    }
}

/// Reads one servidor page by page.
struct Reader {
    asker: Asker,
    dump: HistoryDump,
    deadline: Instant,
}

/// A page is read by the checkers' own types and not by the client library's: what that cannot read, or leaves out, shall be compared
/// all the same.
#[derive(Deserialize)]
struct Page {
    data: ExportPage,
}

/// Reads a reply within the bounds that every client has: how deep it is nested is not for the answering side to say.
fn read_page(answer: &[u8]) -> Result<ExportPage, String> {
    limits::check(answer, &Limits::REPLY).map_err(|error| error.to_string())?;
    let page: Page = rmp_serde::from_slice(answer).map_err(|error| error.to_string())?;
    Ok(page.data)
}

impl Reader {
    fn new(
        context: &ZmqContext,
        servidor: &str,
        address: SocketAddr,
        deadline: Instant,
    ) -> Result<Self, OpenError> {
        Ok(Self {
            asker: Asker::new(context, address)?,
            dump: HistoryDump::everything(servidor, 0),
            deadline,
        })
    }

    fn read(mut self, after: u64) -> Result<HistoryDump, String> {
        self.dump.after = after;
        self.dump.upto = after;
        let mut next = Some(after);
        while let Some(from) = next {
            next = self
                .page(from)
                .and_then(|page| self.dump.add(page).map_or(Ok(None), |next| Ok(Some(next))))?;
            if next.is_some_and(|next| next <= from) {
                return Err(format!("its page after index {from} ends where it begins"));
            }
        }
        Ok(self.dump)
    }

    fn page(&mut self, after: u64) -> Result<ExportPage, String> {
        let request = Request::new(Body::Export { after, limit: PAGE_ITEMS });
        let mut why = "it does not answer".to_owned();
        loop {
            if let Some(answer) = self.asker.ask(&request, ANSWER) {
                match read_page(&answer) {
                    Ok(page) => return Ok(page),
                    Err(error) => why = format!("its answer is no page of records: {error}"),
                }
                thread::sleep(BETWEEN_LOOKS);
            }
            if Instant::now() >= self.deadline {
                return Err(format!("after index {after}, {why}"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use papo_fuzz::{bombs, spoils, spoilt};
    use proptest::prelude::*;

    use super::*;

    fn page() -> Vec<u8> {
        let entries: Vec<_> = (1..4)
            .map(|index| serde_json::json!({"kind": "user", "index": index, "user": "ana", "previous": [{"a": [null]}]}))
            .collect();
        let data = serde_json::json!({"entries": entries, "upto": 7, "more": true});
        rmp_serde::to_vec_named(&serde_json::json!({"service": "export", "data": data}))
            .expect("it is plain data")
    }

    #[test]
    fn pages_nested_without_end_are_refused() {
        assert_eq!(read_page(&page()).map(|page| page.entries.len()), Ok(3));
        for key in ["data", "entries", "rest"] {
            for bomb in bombs(key) {
                assert!(read_page(&bomb).is_err());
                let entry = [
                    &b"\x81\xa4data\x83\xa4upto\x07\xa4more\xc2\xa7entries\x91\x82\xa4kind\xa4user\xa1x"[..],
                    &bomb,
                ];
                assert!(read_page(&entry.concat()).is_err());
            }
        }
    }

    proptest! {
        #![proptest_config(papo_fuzz::cases(128))]

        #[test]
        fn a_spoilt_page_is_read_or_refused(spoils in spoils(), bytes: Vec<u8>) {
            let _ = read_page(&spoilt(&page(), &page(), &spoils));
            let _ = read_page(&bytes);
        }
    }
}
