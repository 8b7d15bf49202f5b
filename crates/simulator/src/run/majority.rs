//! Making good: first as little as a majority needs, then all.

use super::Run;
use crate::cluster::disk::Health;

impl Run {
    /// Heals servidores in the plan's order, until those that are well are a majority of every list of members in force. The
    /// others stay as they are: down, stopped, slow, cut off in one direction or both. A cluster is founded by all, so until it
    /// is, all are healed.
    pub(super) fn heal_a_majority(&mut self) -> Vec<usize> {
        let mut lists = self.lists();
        let founded = self.cluster.canon.last() > 0;
        let mut well = Vec::new();
        if founded {
            let changing = self.changing();
            // What is a majority of those that stay is one at each step on the way.
            let staying = self.cluster.canon.members().voters().iter();
            lists.push(staying.filter(|member| !changing.contains(&member.id.name)).cloned().collect());
            well.extend(changing.iter().map(|name| self.cluster.number(name)));
        }
        for node in self.plan.healing.clone() {
            if well.contains(&node) {
                continue;
            }
            if founded && lists.iter().all(|list| self.is_majority(&well, list)) {
                break;
            }
            well.push(node);
        }
        self.cluster.tell(|| format!("--- from now on these are well: {well:?}"));
        self.calm();
        for node in &well {
            self.make_well(*node);
            for other in well.iter().filter(|other| *other != node) {
                self.cluster.mend(*node, *other);
            }
        }
        well
    }

    /// Whether those that are well can go on as they are: no member's disk has to be replaced before they are a majority, and no
    /// change of the members is on its way.
    pub(super) fn is_intact(&self, well: &[usize]) -> bool {
        let members = self.cluster.canon.members().voters();
        let agreed = self.lists().iter().all(|list| list == members);
        !members.is_empty() && agreed && self.changing().is_empty() && self.is_majority(well, members)
    }

    /// Whether something is wrong with somebody who is not among those that are well.
    pub(super) fn is_broken_beyond(&self, well: &[usize]) -> bool {
        let others = (0..self.cluster.nodes.len()).filter(|node| !well.contains(node));
        others.into_iter().any(|node| self.cluster.is_broken(node))
    }

    pub(super) fn heal_all(&mut self) {
        self.cluster.tell(|| "--- from now on all are well".to_owned());
        self.cluster.heal();
        for node in 0..self.cluster.nodes.len() {
            self.make_well(node);
            for other in 0..self.cluster.nodes.len() {
                self.cluster.mend(node, other);
            }
        }
    }

    /// Who is about to be counted, or to be counted no more.
    pub(super) fn changing(&self) -> Vec<String> {
        let canon = &self.cluster.canon;
        let counts = |name: &str| canon.members().named(name).is_some();
        let wanted = |name: &str| canon.chat.places().wants(name);
        let ordered = self.cluster.names_in_orders();
        let nodes = self.cluster.nodes.iter().map(|node| &node.name);
        nodes.filter(|name| counts(name) != wanted(name) || ordered.contains(name)).cloned().collect()
    }

    fn is_majority(&self, well: &[usize], list: &[papo_core::members::Member]) -> bool {
        let is_well = |disk| {
            well.iter().any(|node| {
                let disk_of = &self.cluster.nodes[*node].disk;
                disk_of.content.id == disk && !disk_of.damaged
            })
        };
        list.is_empty() || list.iter().filter(|member| is_well(member.id.disk)).count() > list.len() / 2
    }

    /// A network that is no worse than one may be.
    fn calm(&mut self) {
        let network = &mut self.cluster.network;
        network.loss = network.loss.min(0.01);
        network.broadcast_loss = network.broadcast_loss.min(0.1);
        network.straggling = 0.0;
        self.cluster.mend_services();
    }

    fn make_well(&mut self, node: usize) {
        let servidor = &mut self.cluster.nodes[node];
        servidor.dies_after = None;
        servidor.dies_at = None;
        servidor.disk.fails = false;
        servidor.slow = 0;
        self.cluster.resume(node);
        self.cluster.set_disk(node, Health::Well);
        // Whoever was asked to stop ends, and comes back.
        if self.cluster.nodes[node].stopping {
            self.down(node);
        }
        // The first start of a damaged disk is refused.
        for _ in 0..2 {
            if self.cluster.nodes[node].replica.is_none() {
                self.cluster.start(node);
            }
        }
    }
}
