//! What is in use in a round.

use std::collections::BTreeSet;

use crate::network::Node;

/// What deeds of a round have to themselves.
#[derive(Default)]
pub(super) struct Taken {
    pub(super) nodes: BTreeSet<Node>,
    ways: BTreeSet<(Node, Node)>,
    disk: bool,
    members: bool,
}

impl Taken {
    pub(super) fn all(&mut self, nodes: Vec<Node>) -> Option<Vec<Node>> {
        let free = nodes.iter().all(|node| !self.nodes.contains(node));
        free.then(|| {
            self.nodes.extend(nodes.iter().cloned());
            nodes
        })
    }

    pub(super) fn ways(&mut self, ways: Vec<(Node, Node)>) -> Option<Vec<(Node, Node)>> {
        let free = !ways.is_empty() && ways.iter().all(|way| !self.ways.contains(way));
        free.then(|| {
            self.ways.extend(ways.iter().cloned());
            ways
        })
    }

    /// A disk is lost at most once a round.
    pub(super) fn disk(&mut self, take: impl FnOnce(&mut Self) -> Option<Node>) -> Option<Node> {
        if self.disk {
            return None;
        }
        let node = take(self)?;
        self.disk = true;
        Some(node)
    }

    /// Who counts, and what somebody runs: one of both changes at most once a round, since deeds of a round are done in any order.
    pub(super) fn members(&mut self) -> Option<()> {
        (!std::mem::replace(&mut self.members, true)).then_some(())
    }
}
