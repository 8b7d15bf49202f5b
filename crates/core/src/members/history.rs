//! The members as the log names them, at its end and at every point that may have to be gone back to.

use std::sync::Arc;

use super::{DiskId, Member, MemberId, ServerName};
use crate::log::{ClusterId, Entry, Index, Operation};

/// The voting members, and which of their names wait for a new disk to be counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Members {
    voters: Vec<Member>,
    vacancies: Vec<Vacancy>,
}

/// A member that was removed so that its new disk can be counted in its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vacancy {
    /// Whose place it is.
    pub name: ServerName,
    /// The rank it had, and will have.
    pub rank: u64,
    /// The disk it was made for. Another one of the same name may take it as well: that one may be lost in its turn.
    pub disk: DiskId,
}

impl Members {
    /// The voting members, by name.
    pub fn voters(&self) -> &[Member] {
        &self.voters
    }

    /// The places that wait for a new disk.
    pub fn vacancies(&self) -> &[Vacancy] {
        &self.vacancies
    }

    /// How many make a majority. Zero members have none.
    pub fn quorum(&self) -> usize {
        self.voters.len() / 2 + 1
    }

    /// Whether this servidor, on this disk, votes and counts.
    pub fn counts(&self, id: &MemberId) -> bool {
        self.voters.iter().any(|member| member.id == *id)
    }

    /// The member of that name, whatever its disk.
    pub fn named(&self, name: &str) -> Option<&Member> {
        self.voters.iter().find(|member| member.id.name == name)
    }

    /// Rank of the servidor of that name: as a member, or of the place kept for it.
    pub fn rank_of(&self, name: &str) -> Option<u64> {
        let vacant =
            || self.vacancies.iter().find(|vacancy| vacancy.name == name).map(|vacancy| vacancy.rank);
        self.named(name).map(|member| member.rank).or_else(vacant)
    }

    /// The greatest value that a majority has reached, where each member has reached `value(id)`.
    pub fn reached_by_majority<T: Ord + Default>(&self, mut value: impl FnMut(&MemberId) -> T) -> T {
        let mut values: Vec<T> = self.voters.iter().map(|member| value(&member.id)).collect();
        values.sort_unstable_by(|a, b| b.cmp(a));
        values.into_iter().nth(self.quorum() - 1).unwrap_or_default()
    }

    /// Whether a majority satisfies `holds`.
    pub fn majority(&self, mut holds: impl FnMut(&MemberId) -> bool) -> bool {
        self.reached_by_majority(|id| holds(id))
    }

    fn after(&self, operation: &Operation) -> Option<Self> {
        use Operation::{AddMember, Genesis, RemoveMember};
        if !matches!(operation, Genesis(_) | AddMember(_) | RemoveMember { .. }) {
            return None;
        }
        let mut next = self.clone();
        match operation {
            Genesis(genesis) => next.voters.clone_from(&genesis.members),
            AddMember(member) => {
                next.voters.retain(|old| old.id.name != member.id.name);
                next.vacancies.retain(|vacancy| vacancy.name != member.id.name);
                next.voters.push(member.clone());
            }
            RemoveMember { member, replaced_by } => {
                let removed =
                    next.voters.iter().position(|old| old.id == *member).map(|at| next.voters.remove(at));
                if let (Some(removed), Some(disk)) = (removed, *replaced_by) {
                    next.vacancies.push(Vacancy { name: removed.id.name, rank: removed.rank, disk });
                }
            }
            _ => {}
        }
        next.voters.sort();
        Some(next)
    }
}

/// All versions of the members that the log has named, with the index from which each is valid. A version counts
/// from when its entry is *stored*, and is gone again if that entry is dropped (Ongaro 2014, §4.1).
#[derive(Clone, Debug, Default)]
pub struct MemberHistory {
    cluster: Option<ClusterId>,
    versions: Vec<(Index, Members)>,
    none: Members,
}

impl MemberHistory {
    /// The members as the end of the log names them; none before the genesis.
    pub fn current(&self) -> &Members {
        self.versions.last().map_or(&self.none, |(_, members)| members)
    }

    /// The members as the first `index` entries name them.
    pub fn at(&self, index: Index) -> &Members {
        let version = self.versions.iter().rev().find(|(since, _)| *since <= index);
        version.map_or(&self.none, |(_, members)| members)
    }

    /// The index of the entry that named the current members.
    pub fn since(&self) -> Index {
        self.versions.last().map_or(0, |(index, _)| *index)
    }

    /// The cluster that the log belongs to.
    pub fn cluster(&self) -> Option<ClusterId> {
        self.cluster
    }

    /// Notes an entry that was appended.
    pub fn append(&mut self, entry: &Entry) {
        if let Operation::Genesis(genesis) = &entry.operation {
            self.cluster = Some(genesis.cluster);
        }
        if let Some(next) = self.current().after(&entry.operation) {
            self.versions.push((entry.index, next));
        }
    }

    /// Notes entries that were appended.
    pub fn extend(&mut self, entries: &[Arc<Entry>]) {
        for entry in entries {
            self.append(entry);
        }
    }

    /// Notes that everything beyond `after` was dropped.
    pub fn truncate(&mut self, after: Index) {
        self.versions.retain(|(index, _)| *index <= after);
        if after == 0 {
            self.cluster = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{Lamport, WallTime};
    use crate::log::Genesis;

    fn member(name: &str, disk: u64, rank: u64) -> Member {
        Member { id: MemberId { name: name.to_owned(), disk: DiskId(disk) }, rank }
    }

    fn entry(index: Index, operation: Operation) -> Entry {
        Entry {
            index,
            epoch: 1,
            lamport: Lamport::new(index),
            time: WallTime::EPOCH,
            author: String::new(),
            request_id: None,
            operation,
        }
    }

    fn founded(names: &[&str]) -> MemberHistory {
        let members = (1..).zip(names).map(|(n, name)| member(name, n, n)).collect();
        let genesis = Genesis { cluster: ClusterId(9), members, session_key: vec![0; 32], rules: 1 };
        let mut history = MemberHistory::default();
        history.append(&entry(1, Operation::Genesis(genesis)));
        history
    }

    #[test]
    fn a_majority_is_more_than_half() {
        for (count, quorum) in [(1, 1), (2, 2), (3, 2), (4, 3), (5, 3), (6, 4), (7, 4)] {
            let names: Vec<String> = (0..count).map(|n| format!("s{n}")).collect();
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            assert_eq!(founded(&names).current().quorum(), quorum);
        }
    }

    /// Whether some majority of the one and some majority of the other have nobody in common.
    fn can_part(one: &Members, other: &Members) -> bool {
        let mut names: Vec<&str> =
            one.voters().iter().chain(other.voters()).map(|member| member.id.name.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        let decides = |members: &Members, set: usize| {
            members.majority(|id| {
                names.iter().position(|name| *name == id.name).is_some_and(|at| set >> at & 1 == 1)
            })
        };
        (0..1_usize << names.len()).any(|set| decides(one, set) && decides(other, !set))
    }

    fn numbered(count: u64) -> Vec<String> {
        (1..=count).map(|n| format!("s{n}")).collect()
    }

    fn of(names: &[String]) -> Members {
        founded(&names.iter().map(String::as_str).collect::<Vec<_>>()).current().clone()
    }

    /// What growing by one at a time rests on.
    #[test]
    fn majorities_before_and_after_one_change_always_meet() {
        for count in 1..=7 {
            let before = of(&numbered(count));
            let add = Operation::AddMember(member("new", 99, 99));
            assert!(!can_part(&before, &before.after(&add).expect("a change")), "{count} and one more");
            let first = before.voters()[0].id.clone();
            let remove = Operation::RemoveMember { member: first, replaced_by: None };
            let after = before.after(&remove).expect("a change");
            assert!(count == 1 || !can_part(&before, &after), "{count} and one less");
        }
    }

    /// And why it is one at a time.
    #[test]
    fn majorities_before_and_after_two_changes_need_not_meet() {
        for count in [1, 3, 5] {
            let (before, after) = (of(&numbered(count)), of(&numbered(count + 2)));
            assert!(can_part(&before, &after), "{count} and two more");
        }
    }

    #[test]
    fn what_a_majority_reached_is_the_median_from_above() {
        let history = founded(&["a", "b", "c"]);
        let reached = |id: &MemberId| match id.name.as_str() {
            "a" => 10,
            "b" => 7,
            _ => 3,
        };
        assert_eq!(history.current().reached_by_majority(reached), 7);
    }

    #[test]
    fn no_members_reach_nothing() {
        assert!(!Members::default().majority(|_| true));
    }

    #[test]
    fn a_new_disk_counts_only_once_added_and_keeps_the_rank() {
        let mut history = founded(&["a", "b", "c"]);
        let old = member("b", 2, 2).id;
        let new = member("b", 77, 2);
        history.append(&entry(
            2,
            Operation::RemoveMember { member: old.clone(), replaced_by: Some(DiskId(77)) },
        ));
        assert!(!history.current().counts(&old) && !history.current().counts(&new.id));
        assert_eq!(history.current().rank_of("b"), Some(2));
        history.append(&entry(3, Operation::AddMember(new.clone())));
        assert!(history.current().counts(&new.id));
        assert_eq!(history.current().voters().len(), 3);
        assert!(history.at(1).counts(&old) && !history.at(2).counts(&old) && history.at(3).counts(&new.id));
        history.truncate(1);
        assert!(history.current().counts(&old), "a change that was dropped is gone again");
    }
}
