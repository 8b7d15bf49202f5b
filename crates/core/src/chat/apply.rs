use crate::log::{Entry, Index, Operation};

use super::fingerprint::{Digest, Fingerprint, RequestKey};
use super::outcome::{Outcome, Refusal};
use super::recent::Recalled;
use super::said::{Delivery, Record, Said};
use super::state::ChatState;
use super::topics::Topic;

/// What applying one entry came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Applied {
    /// The entry.
    pub index: Index,
    /// What its author is to be told.
    pub outcome: Outcome,
    /// The entry that settled the request before, where this one only repeats it. Then nothing changed again, and
    /// `outcome` is the remembered one.
    pub repeats: Option<Index>,
    /// Which request it is; `None` where it has no request id.
    pub key: Option<RequestKey>,
    /// What it asked for.
    pub digest: Digest,
    /// What is to be published now. Nothing for imported messages: they are history.
    pub delivery: Option<Delivery>,
    /// How the views of the log show it; `None` where it changed nothing in the chat.
    pub record: Option<Record>,
}

/// What an accepted operation did to the chat.
enum Effect {
    /// Nothing that people could see.
    None,
    /// Something was created, joined or left.
    Noted,
    /// Something was said; the index of what was said before on the same topic.
    Said { previous: Index },
}

impl ChatState {
    /// Applies the next entry.
    ///
    /// # Panics
    /// When it is not the next one, or asks for rules newer than [`RULES`](super::RULES).
    pub fn apply(&mut self, entry: &Entry) -> Applied {
        self.apply_keyed(entry, &Fingerprint::of(entry))
    }

    /// Applies the next entry under its own fingerprint.
    pub(super) fn apply_keyed(&mut self, entry: &Entry, fingerprint: &Fingerprint) -> Applied {
        assert_eq!(entry.index, self.applied + 1, "entries are applied one after the other");
        self.recent.advance(entry.index, entry.time);
        let applied = self.settle(entry, fingerprint);
        self.applied = entry.index;
        self.lamport = entry.lamport;
        self.time = entry.time;
        self.digest = self.digest.extend(entry, fingerprint, applied.outcome, applied.repeats.is_some());
        if matches!(entry.operation, Operation::Admit { .. } | Operation::Dismiss { .. }) {
            self.digest = self.digest.with(&self.places);
        }
        applied
    }

    /// Finds out whether the entry repeats an earlier one, and carries it out if not.
    fn settle(&mut self, entry: &Entry, fingerprint: &Fingerprint) -> Applied {
        let known = fingerprint.key.and_then(|key| self.recent.recall(key));
        match known {
            Some(known) if known.digest == fingerprint.digest => {
                Applied { repeats: Some(known.index), ..verdict(entry, fingerprint, known.outcome) }
            }
            Some(_) => verdict(entry, fingerprint, Outcome::Refused(Refusal::IdReused)),
            None => {
                let applied = match self.carry_out(entry) {
                    Ok(effect) => accepted(entry, fingerprint, &effect),
                    Err(refusal) => verdict(entry, fingerprint, Outcome::Refused(refusal)),
                };
                if let Some(key) = fingerprint.key {
                    let Applied { index, outcome, digest, .. } = applied;
                    self.recent.remember(key, Recalled { index, outcome, digest });
                }
                applied
            }
        }
    }

    fn carry_out(&mut self, entry: &Entry) -> Result<Effect, Refusal> {
        match &entry.operation {
            Operation::Genesis(genesis) => self.found(genesis),
            Operation::RaiseRules(rules) => self.raise_rules(*rules),
            Operation::Admit { name } => self.places.admit(name)?,
            Operation::Dismiss { name } => self.places.dismiss(name)?,
            Operation::Imported { operation, .. } => return self.chat(entry.index, operation),
            operation => return self.chat(entry.index, operation),
        }
        Ok(Effect::None)
    }

    /// Carries out what people ask for. The system's own operations do nothing here: membership is about the log, and an
    /// imported record has no say in how the cluster is run.
    fn chat(&mut self, index: Index, operation: &Operation) -> Result<Effect, Refusal> {
        match operation {
            Operation::Login { user } => {
                if self.users.take(user, index) {
                    Ok(Effect::Noted)
                } else {
                    Err(Refusal::UserExists)
                }
            }
            Operation::Channel { channel } => {
                if self.channels.take(channel, index) {
                    Ok(Effect::Noted)
                } else {
                    Err(Refusal::ChannelExists)
                }
            }
            // Whoever speaks in a channel may be unknown: old clients speak without a login.
            Operation::Publish { channel, .. } => {
                let channel = self.channels.find(channel).ok_or(Refusal::NoSuchChannel)?;
                Ok(Effect::Said { previous: self.topics.advance(Topic::Channel(channel), index) })
            }
            Operation::Message { dst, .. } => {
                let dst = self.users.find(dst).ok_or(Refusal::NoSuchUser)?;
                Ok(Effect::Said { previous: self.topics.advance(Topic::Mailbox(dst), index) })
            }
            Operation::Join { user, channel } => {
                let user = self.users.find(user).ok_or(Refusal::NoSuchUser)?;
                let channel = self.channels.find(channel).ok_or(Refusal::NoSuchChannel)?;
                self.joins.join(user, channel);
                Ok(Effect::Noted)
            }
            Operation::Leave { user, channel } => {
                let user = self.users.find(user).ok_or(Refusal::NoSuchUser)?;
                let channel = self.channels.find(channel).ok_or(Refusal::NoSuchChannel)?;
                self.joins.leave(user, channel);
                Ok(Effect::Noted)
            }
            Operation::Empty
            | Operation::Genesis(_)
            | Operation::AddMember(_)
            | Operation::RemoveMember { .. }
            | Operation::RaiseRules(_)
            | Operation::Admit { .. }
            | Operation::Dismiss { .. }
            | Operation::Imported { .. } => Ok(Effect::None),
        }
    }
}

/// A verdict that comes with no effect.
fn verdict(entry: &Entry, fingerprint: &Fingerprint, outcome: Outcome) -> Applied {
    Applied {
        index: entry.index,
        outcome,
        repeats: None,
        key: fingerprint.key,
        digest: fingerprint.digest,
        delivery: None,
        record: None,
    }
}

/// The verdict on an operation that was carried out.
fn accepted(entry: &Entry, fingerprint: &Fingerprint, effect: &Effect) -> Applied {
    let applied = verdict(entry, fingerprint, Outcome::Done);
    let index = entry.index;
    match *effect {
        Effect::None => applied,
        Effect::Noted => Applied { record: Some(Record { index, timelines: Vec::new() }), ..applied },
        Effect::Said { previous } => {
            let said = Said::of(entry).expect("what moves a topic's tip says something");
            let record = Some(Record { index, timelines: said.timelines() });
            let live = !matches!(entry.operation, Operation::Imported { .. });
            Applied { delivery: live.then_some(Delivery { said, previous }), record, ..applied }
        }
    }
}
