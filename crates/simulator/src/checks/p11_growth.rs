//! P11: members change one at a time, and any two majorities that follow each other share a servidor.

use papo_core::log::{Entry, Index, Operation};
use papo_core::members::Member;

use super::{Check, broken};

const P: &str = "P11 growth";

/// A coordinator ordered `change` when it knew that all up to `committed` is; `log` is what it has before that.
///
/// # Errors
/// If the change before it, or the first entry of its epoch, was not committed by then.
pub fn ordered<'a>(
    by: &str,
    change: &Entry,
    committed: Index,
    log: impl DoubleEndedIterator<Item = &'a Entry>,
) -> Check {
    let mut opened = false;
    for entry in log.rev() {
        opened |= entry.epoch == change.epoch && entry.index <= committed;
        if is_change(entry) && entry.index > committed {
            return broken(
                P,
                format!(
                    "two changes of the members at once: {by} ordered one at {}, and the one at {} was not committed",
                    change.index, entry.index
                ),
            );
        }
        if entry.index <= committed && (opened || entry.epoch < change.epoch) {
            break;
        }
    }
    if !opened {
        return broken(
            P,
            format!(
                "{by} changed the members at {} before anything of epoch {} was committed",
                change.index, change.epoch
            ),
        );
    }
    Ok(())
}

/// The members changed from `before` to `after`.
///
/// # Errors
/// If that is by more than one.
pub fn changed(at: Index, before: &[Member], after: &[Member]) -> Check {
    let gone = before.iter().filter(|member| !after.iter().any(|other| other.id == member.id)).count();
    let new = after.iter().filter(|member| !before.iter().any(|other| other.id == member.id)).count();
    if !before.is_empty() && gone + new > 1 {
        return broken(P, format!("{at} changed {} members at once", gone + new));
    }
    if let Some(pair) =
        after.iter().find(|one| after.iter().filter(|two| two.id.name == one.id.name).count() > 1)
    {
        return broken(P, format!("after {at} {} counts twice", pair.id.name));
    }
    Ok(())
}

/// Whether an entry changes the members.
pub fn is_change(entry: &Entry) -> bool {
    matches!(entry.operation, Operation::AddMember(_) | Operation::RemoveMember { .. })
}

#[cfg(test)]
mod tests {
    use super::super::testing::{entry, sentence};
    use super::*;
    use papo_core::members::{DiskId, MemberId};

    fn member(name: &str) -> Member {
        Member { id: MemberId { name: name.to_owned(), disk: DiskId(1) }, rank: 1 }
    }

    fn adds(index: Index, epoch: u64) -> Entry {
        let operation = Operation::AddMember(member("s4"));
        Entry { operation, ..(*entry(index, epoch, index, 1)).clone() }
    }

    #[test]
    fn two_changes_at_once_are_found() {
        let log = [(*entry(1, 1, 1, 1)).clone(), adds(2, 1), (*entry(3, 1, 3, 1)).clone()];
        assert_eq!(ordered("s1", &adds(4, 1), 2, log.iter()), Ok(()));
        assert!(sentence(ordered("s1", &adds(4, 1), 1, log.iter())).contains("two changes"));
        assert!(sentence(ordered("s1", &adds(4, 2), 3, log.iter())).contains("before anything of epoch 2"));
    }

    #[test]
    fn a_list_that_changes_by_two_is_found() {
        let [a, b, c] = ["a", "b", "c"].map(member);
        assert_eq!(changed(4, &[a.clone(), b.clone()], &[a.clone(), b.clone(), c.clone()]), Ok(()));
        assert!(sentence(changed(4, std::slice::from_ref(&a), &[a.clone(), b, c])).contains("2 members"));
        let twin = Member { id: MemberId { disk: DiskId(2), ..a.id.clone() }, rank: 2 };
        assert!(
            sentence(changed(4, std::slice::from_ref(&a), &[a.clone(), twin])).contains("a counts twice")
        );
    }
}
