//! What befalls links.

use std::time::Duration;

use super::{Undo, proof};
use crate::cluster::Cluster;
use crate::deed::Silence;
use crate::network::{Node, Passed, Rule, Way};

/// Ways, and what had passed on each when they were taken.
struct Taken(Vec<(Way, Passed)>);

impl Taken {
    fn new(cluster: &Cluster, ways: &[(Node, Node)]) -> Self {
        let way = |(from, to): &(Node, Node)| {
            let way = cluster.network().way(from, to);
            let passed = way.passed();
            (way, passed)
        };
        Self(ways.iter().map(way).collect())
    }

    fn set(&self, rule: Rule) {
        for (way, _) in &self.0 {
            way.set(rule);
        }
    }

    /// How much of something happened on all of them since.
    fn count(&self, what: impl Fn(Passed) -> u64) -> u64 {
        self.0.iter().map(|(way, before)| what(way.passed() - *before)).sum()
    }
}

pub(super) fn cut(cluster: &Cluster, ways: &[(Node, Node)], how: Silence) -> Undo {
    let taken = Taken::new(cluster, ways);
    taken.set(if how == Silence::Tells { Rule::Broken } else { Rule::Stopped });
    Box::new(move |_| {
        let (held, broken) = (taken.count(|passed| passed.held), taken.count(|passed| passed.broken));
        if how == Silence::Forgets {
            taken.set(Rule::Broken);
            // For as long as a connection takes to notice.
            std::thread::sleep(Duration::from_millis(50));
        }
        taken.set(Rule::Open);
        match how {
            Silence::Tells => proof(broken > 0, format!("{broken} connections were closed")),
            Silence::Waits | Silence::Forgets => {
                proof(held > 0, format!("what was sent on {held} connections had to wait"))
            }
        }
    })
}

pub(super) fn slow(
    cluster: &Cluster,
    ways: &[(Node, Node)],
    latency: Duration,
    bytes_per_second: Option<u32>,
) -> Undo {
    let taken = Taken::new(cluster, ways);
    taken.set(Rule::Slow { latency, bytes_per_second });
    Box::new(move |_| {
        taken.set(Rule::Open);
        let delayed = taken.count(|passed| passed.delayed);
        proof(delayed > 0, format!("{delayed} pieces came late"))
    })
}

pub(super) fn jam(cluster: &Cluster, to: &str, from: Vec<Node>) -> Undo {
    let ways: Vec<(Node, Node)> = from.into_iter().map(|from| (from, to.to_owned())).collect();
    let taken = Taken::new(cluster, &ways);
    taken.set(Rule::Stopped);
    Box::new(move |_| {
        taken.set(Rule::Open);
        let held = taken.count(|passed| passed.held);
        proof(held > 0, format!("what was sent on {held} connections had to wait"))
    })
}
