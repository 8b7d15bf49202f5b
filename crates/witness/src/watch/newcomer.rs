//! New disks, from when they are first seen until they have caught up: none may count before that.
//!
//! Not seen here: a disk that others count by mistake and that has caught up before two more answers of its servidor, 50 ms apart, have
//! come; nothing can be lost by that any more.

use std::collections::BTreeMap;

use papo_wire::reply::{Role, Status};

use super::Watched;

/// By so little a disk may be behind what is committed when it begins to count: messages go on while it is decided.
const NEARLY: u64 = 256;

/// What is known of disks.
#[derive(Default)]
pub(super) struct Newcomers {
    /// The disk that each servidor told of last, and what was committed by then: whatever comes in its place has to have that.
    disks: BTreeMap<String, (String, u64)>,
    /// Those that have come since and have yet to catch up, by the servidor's name.
    open: BTreeMap<String, Newcomer>,
}

struct Newcomer {
    disk: String,
    /// What was committed when the disk before it was last seen.
    goal: u64,
    /// Who said that it counts.
    counted_by: Option<String>,
    /// How many answers its servidor has given since. The first may have been on its way already, and tell how it was before.
    answers: u32,
}

impl Newcomers {
    /// Takes what a servidor says of itself, of which the watch already knows.
    pub(super) fn saw(&mut self, status: &Status, watched: &mut Watched) {
        self.note_counting(status);
        let committed = watched.view.answering().map(|one| one.commit).max().unwrap_or(0).max(status.commit);
        let before = self.disks.insert(status.name.clone(), (status.disk.clone(), committed));
        if let Some((_, goal)) = before.filter(|(disk, _)| *disk != status.disk) {
            let newcomer = Newcomer { disk: status.disk.clone(), goal, counted_by: None, answers: 0 };
            self.open.insert(status.name.clone(), newcomer);
        }
        let Some(newcomer) = self.open.get_mut(&status.name) else { return };
        if status.last + NEARLY >= newcomer.goal {
            self.open.remove(&status.name);
            return;
        }
        let counts_itself = matches!(status.role, Role::Follower | Role::Coordinator | Role::Candidate);
        let counted_by = match &newcomer.counted_by {
            Some(by) if newcomer.answers > 0 => by.clone(),
            _ if counts_itself && status.members.iter().any(|member| newcomer.is(&status.name, member)) => {
                status.name.clone()
            }
            Some(_) => {
                newcomer.answers += 1;
                return;
            }
            None => return,
        };
        watched.premature.push(format!(
            "the new disk of {} counted, as {counted_by} said, when it had {} of the {} entries that were committed before it came",
            status.name, status.last, newcomer.goal
        ));
        self.open.remove(&status.name);
    }

    /// Whoever counts a new disk says so by naming it among the members.
    fn note_counting(&mut self, status: &Status) {
        for (name, newcomer) in self.open.iter_mut().filter(|(name, _)| **name != status.name) {
            let counts = status.members.iter().any(|member| newcomer.is(name, member));
            if counts && newcomer.counted_by.is_none() {
                newcomer.counted_by = Some(status.name.clone());
            }
        }
    }
}

impl Newcomer {
    fn is(&self, name: &str, member: &papo_wire::reply::MemberStatus) -> bool {
        member.name == name && member.disk == self.disk
    }
}

#[cfg(test)]
mod tests {
    use papo_wire::reply::MemberStatus;

    use super::*;

    /// What a servidor says that has stored so much, and counts these disks.
    fn status(name: &str, disk: &str, last: u64, counted: &[(&str, &str)]) -> Status {
        let member = |(name, disk): &(&str, &str)| MemberStatus {
            name: (*name).to_owned(),
            disk: (*disk).to_owned(),
            ..MemberStatus::default()
        };
        Status {
            name: name.to_owned(),
            disk: disk.to_owned(),
            role: Role::Learner,
            last,
            commit: last,
            members: counted.iter().map(member).collect(),
            ..Status::default()
        }
    }

    const OLD: &[(&str, &str)] = &[("s-0", "a"), ("s-1", "b")];
    const NEW: &[(&str, &str)] = &[("s-0", "a"), ("s-1", "new")];

    /// What is found in what these say one after another, once both were seen with 5000 entries and their first disks.
    fn found(words: &[Status]) -> Vec<String> {
        let (mut newcomers, mut watched) = (Newcomers::default(), Watched::default());
        let before = [status("s-0", "a", 5_000, OLD), status("s-1", "b", 5_000, OLD)];
        for word in before.iter().chain(words) {
            watched.view.servidores.insert(word.name.clone(), Some(word.clone()));
            newcomers.saw(word, &mut watched);
        }
        watched.premature
    }

    #[test]
    fn a_new_disk_that_catches_up_before_it_counts_is_as_it_should_be() {
        let found = found(&[
            status("s-1", "new", 0, OLD),
            status("s-0", "a", 5_010, OLD),
            status("s-1", "new", 3_000, OLD),
            status("s-1", "new", 4_990, OLD),
            status("s-0", "a", 5_020, NEW),
            status("s-1", "new", 5_000, NEW),
        ]);
        assert_eq!(found, Vec::<String>::new());
    }

    #[test]
    fn a_new_disk_that_counts_before_it_has_caught_up_is_told_once() {
        let found = found(&[
            status("s-1", "new", 0, OLD),
            status("s-0", "a", 5_010, NEW),
            status("s-1", "new", 10, OLD),
            status("s-1", "new", 20, OLD),
            status("s-1", "new", 30, OLD),
        ]);
        assert_eq!(
            found,
            [
                "the new disk of s-1 counted, as s-0 said, when it had 20 of the 5000 entries that were committed before it came"
            ]
        );
    }

    #[test]
    fn an_answer_that_was_on_its_way_before_it_counted_proves_nothing() {
        let found = found(&[
            status("s-1", "new", 0, OLD),
            status("s-0", "a", 5_010, NEW),
            status("s-1", "new", 10, OLD),
            status("s-1", "new", 5_010, NEW),
        ]);
        assert_eq!(found, Vec::<String>::new());
    }

    #[test]
    fn a_servidor_that_counts_its_own_empty_disk_is_told_at_once() {
        let empty = Status { role: Role::Follower, ..status("s-1", "new", 0, NEW) };
        assert_eq!(found(&[empty]).len(), 1);
    }

    #[test]
    fn a_disk_that_was_only_started_anew_is_no_newcomer() {
        assert_eq!(
            found(&[status("s-1", "b", 0, OLD), status("s-0", "a", 5_010, OLD)]),
            Vec::<String>::new()
        );
    }
}
