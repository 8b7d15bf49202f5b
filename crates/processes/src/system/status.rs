use serde::Deserialize;

/// What a servidor says of itself and its cluster; what a test looks at of it.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Status {
    /// Its name.
    pub name: String,
    /// Identity of its disk.
    pub disk: String,
    /// `coordinator`, `follower`, `learner`, `candidate` or `starting`.
    pub role: String,
    /// The current epoch.
    pub epoch: u64,
    /// Who coordinates; empty when it knows nobody.
    pub coordinator: String,
    /// The members that its log names.
    pub members: Vec<Member>,
    /// Last index of its log.
    pub last: u64,
    /// Last index that it knows to be committed.
    pub commit: u64,
    /// Last index that it has applied.
    pub applied: u64,
    /// Digest of its state at `applied`.
    pub digest: String,
}

/// A member, as a servidor tells of it.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Member {
    /// Its name.
    pub name: String,
    /// Identity of its disk.
    pub disk: String,
}

/// A reply to `status`.
#[derive(Deserialize)]
pub(super) struct Reply {
    data: Status,
}

pub(super) fn data(reply: Reply) -> Status {
    reply.data
}

/// The one that says that it coordinates, when all agree with it.
pub(super) fn coordinator(statuses: &[Status]) -> Option<String> {
    let name = &statuses.first()?.coordinator;
    let agreed = statuses.iter().all(|status| status.coordinator == *name);
    let itself = statuses.iter().any(|status| status.name == *name && status.role == "coordinator");
    (agreed && itself).then(|| name.clone())
}

/// Whether `count` servidores are members on the disks they have, under one coordinator.
pub(super) fn are_whole(statuses: &[Status], count: usize) -> bool {
    coordinator(statuses).is_some()
        && statuses.iter().all(|status| {
            status.members.len() == count
                && statuses.iter().all(|other| {
                    status
                        .members
                        .iter()
                        .any(|member| (&member.name, &member.disk) == (&other.name, &other.disk))
                })
        })
}
