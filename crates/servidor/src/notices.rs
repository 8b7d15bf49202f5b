//! What the core wants the operator to know, as log lines and numbers.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use papo_core::log::Operation;
use papo_core::replica::Notice;

use crate::metrics::Metrics;

/// The same problem is not logged more often than this.
const REPEAT: Duration = Duration::from_secs(10);

/// Logs notices, and the ones that may come in floods now and then.
#[derive(Debug, Default)]
pub(crate) struct Notices {
    last: BTreeMap<&'static str, Instant>,
}

impl Notices {
    pub(crate) fn tell(&mut self, notice: &Notice, metrics: &Metrics) {
        match notice {
            Notice::Founded(entry) => {
                if let Operation::Genesis(genesis) = &entry.operation {
                    let members: Vec<String> = genesis
                        .members
                        .iter()
                        .map(|member| format!("{} (rank {})", member.id.name, member.rank))
                        .collect();
                    tracing::info!(cluster = %genesis.cluster, members = members.join(", "), "cluster founded");
                }
            }
            Notice::Suspected => {
                metrics.suspicions.inc();
                tracing::warn!("no coordinator is heard");
            }
            Notice::Standing(epoch) => {
                metrics.candidacies.inc();
                tracing::info!(epoch, "asking for promises");
            }
            Notice::Coordinates(epoch) => {
                metrics.reigns.inc();
                tracing::info!(epoch, "coordinating");
            }
            Notice::Follows(id, epoch) => tracing::info!(coordinator = id.name, epoch, "following"),
            Notice::Resigned(why) => {
                metrics.resigned(*why);
                tracing::warn!(reason = crate::metrics::reason(*why), "no longer coordinating");
            }
            Notice::HandingOver(to) => {
                metrics.handovers.inc();
                tracing::info!(to, "handing the coordination over");
            }
            Notice::OtherCluster(id) => {
                metrics.strangers.inc();
                if self.is_due("other cluster") {
                    tracing::error!(
                        servidor = id.name,
                        "belongs to another cluster and is not listened to: one of the two has the data of another \
                         installation; move that data aside, and it joins empty"
                    );
                }
            }
            Notice::NameTaken(id) => {
                metrics.strangers.inc();
                if self.is_due("name taken") {
                    tracing::error!(
                        name = id.name,
                        disk = %id.disk,
                        "another process uses this servidor's name with another disk: give every servidor its own name"
                    );
                }
            }
            Notice::DiskOutdated => tracing::error!(
                "this disk held more than it does now (an old copy was put back?): it goes on as a new disk, and learns \
                 what it lacks before it counts"
            ),
            Notice::AlreadyFounded(id) => {
                if self.is_due("already founded") {
                    tracing::info!(
                        servidor = id.name,
                        "has a log: no cluster is founded beside that one, its log is learned instead"
                    );
                }
            }
            Notice::MembersChange(entry) => {
                metrics.member_changes.inc();
                tracing::warn!(change = ?entry.operation, index = entry.index, "members change");
            }
            Notice::RivalCoordinator(id, epoch) => {
                metrics.rivals.inc();
                if self.is_due("rival") {
                    tracing::error!(
                        servidor = id.name,
                        epoch,
                        "rival coordinator: claims an epoch that was promised to another"
                    );
                }
            }
        }
    }

    fn is_due(&mut self, what: &'static str) -> bool {
        let now = Instant::now();
        let due = self.last.get(what).is_none_or(|last| now.duration_since(*last) >= REPEAT);
        if due {
            self.last.insert(what, now);
        }
        due
    }
}
