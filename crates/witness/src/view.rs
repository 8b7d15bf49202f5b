//! What all servidores say of themselves, side by side.

use std::collections::BTreeMap;

use papo_wire::reply::{Role, Status};

/// The last word of each expected servidor; `None` for one that does not answer.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct View {
    /// By name.
    pub servidores: BTreeMap<String, Option<Status>>,
    /// Others that may come and go, by name: those that answer. Nothing is missing where there are none, but one of them may
    /// coordinate.
    pub guests: BTreeMap<String, Status>,
}

/// A servidor that coordinates, and in which epoch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reign {
    /// Its name.
    pub coordinator: String,
    /// The epoch.
    pub epoch: u64,
}

impl View {
    /// Who says that it coordinates, in the highest epoch if several do.
    pub fn coordinator(&self) -> Option<Reign> {
        let coordinating =
            self.answering().chain(self.guests.values()).filter(|status| status.role == Role::Coordinator);
        let newest = coordinating.max_by_key(|status| status.epoch)?;
        Some(Reign { coordinator: newest.name.clone(), epoch: newest.epoch })
    }

    /// The servidores that follow the coordinator, in the order of their names.
    pub fn followers(&self) -> Vec<String> {
        let Some(reign) = self.coordinator() else { return Vec::new() };
        let following = self.answering().filter(|status| {
            status.role == Role::Follower
                && status.coordinator == reign.coordinator
                && status.epoch == reign.epoch
        });
        following.map(|status| status.name.clone()).collect()
    }

    /// How many entries of the log a servidor has yet to apply, as far as anybody knows them to be committed; `None` for one
    /// that does not answer.
    pub fn lag(&self, servidor: &str) -> Option<u64> {
        let status = self.servidores.get(servidor)?.as_ref()?;
        let committed = self.answering().map(|status| status.commit).max()?;
        Some(committed.saturating_sub(status.applied))
    }

    /// Why the cluster is not whole, in one sentence: not every servidor answers, they do not all follow one coordinator as
    /// members on the disks that they have, or one has more than `lag` entries to catch up on. `None` when it is whole.
    pub fn flaw(&self, lag: u64) -> Option<String> {
        if self.servidores.is_empty() {
            return Some("no servidor is expected to be there".to_owned());
        }
        if let Some((name, _)) = self.servidores.iter().find(|(_, status)| status.is_none()) {
            return Some(format!("{name} does not answer"));
        }
        let misnamed =
            self.servidores.iter().find(|(name, status)| status.as_ref().is_some_and(|s| s.name != **name));
        if let Some((name, Some(status))) = misnamed {
            return Some(format!("what should be {name} calls itself {:?}", status.name));
        }
        let Some(reign) = self.coordinator() else { return Some("no servidor coordinates".to_owned()) };
        self.answering().find_map(|status| self.flaw_of(status, &reign, lag))
    }

    /// Whether exactly these are the members, as every expected servidor says, and each of them says too, and that it counts.
    pub fn counts_exactly(&self, names: &[String]) -> bool {
        let agrees = |status: &Status| {
            status.members.len() == names.len()
                && status.members.iter().all(|member| names.contains(&member.name))
        };
        let counts = |name: &String| {
            let expected = self.servidores.get(name).and_then(Option::as_ref);
            expected.or_else(|| self.guests.get(name)).is_some_and(|status| {
                agrees(status) && matches!(status.role, Role::Coordinator | Role::Follower)
            })
        };
        self.servidores.values().all(|status| status.as_ref().is_some_and(agrees)) && names.iter().all(counts)
    }

    /// Whether all have applied the same log to its end.
    pub fn is_level(&self) -> bool {
        let ends = |status: &Status| (status.last, status.commit, status.applied);
        let Some(first) = self.answering().next() else { return false };
        first.last == first.applied
            && self.servidores.values().all(|status| status.as_ref().map(ends) == Some(ends(first)))
    }

    /// Those that answer, of those that are expected.
    pub fn answering(&self) -> impl Iterator<Item = &Status> {
        self.servidores.values().flatten()
    }

    fn flaw_of(&self, status: &Status, reign: &Reign, lag: u64) -> Option<String> {
        let name = &status.name;
        if status.coordinator != reign.coordinator {
            return Some(match status.coordinator.as_str() {
                "" => format!("{name} knows no coordinator"),
                other => format!("{name} follows {other}, and {} coordinates", reign.coordinator),
            });
        }
        if status.role != Role::Coordinator && status.role != Role::Follower {
            return Some(format!("{name} is {}, not a follower", role(status.role)));
        }
        let is_member = |other: &&Status| {
            status.members.iter().any(|member| (&member.name, &member.disk) == (&other.name, &other.disk))
        };
        if let Some(stranger) = self.answering().find(|other| !is_member(other)) {
            return Some(format!("{name} does not count {} as a member", stranger.name));
        }
        let behind = self.lag(name).unwrap_or(u64::MAX);
        (behind > lag).then(|| format!("{name} is {behind} entries behind"))
    }
}

fn role(role: Role) -> &'static str {
    match role {
        Role::Coordinator => "the coordinator",
        Role::Follower => "a follower",
        Role::Learner => "a learner",
        Role::Candidate => "a candidate",
        Role::Starting => "starting",
    }
}

#[cfg(test)]
mod tests;
