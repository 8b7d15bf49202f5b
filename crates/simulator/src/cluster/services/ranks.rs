//! The referencia: the real registry, asked for ranks.

use std::time::{Duration, Instant};

use papo_core::replica::Input;
use papo_referencia::registry::Registry;
use papo_wire::referencia::{Reply, Request};

use super::ServiceEvent;
use crate::cluster::Cluster;
use crate::cluster::node::Incoming;
use crate::cluster::time::{MS, Time, span};
use crate::coverage::Happening;

/// The referencia. It forgets everything when it is killed.
pub(super) struct Ranks {
    registry: Option<Registry>,
    /// Where its clock begins: only spans matter to it.
    began: Instant,
}

impl Ranks {
    pub(super) fn new() -> Self {
        let mut ranks = Self { registry: None, began: Instant::now() };
        ranks.start();
        ranks
    }

    pub(super) fn start(&mut self) {
        self.registry.get_or_insert_with(|| Registry::new(Duration::from_secs(5)));
    }
}

impl Cluster {
    /// The referencia is killed, and started again after `down`.
    pub fn kill_referencia(&mut self, down: Time) {
        let Some(services) = &mut self.services else { return };
        if services.ranks.registry.take().is_some() {
            self.coverage.count(Happening::ReferenciaKilled);
        }
        self.at(down, ServiceEvent::RanksStart);
    }

    /// A servidor asks for its rank, or tells the one that its log holds; it does so again and again.
    pub(super) fn asks_rank(&mut self, node: usize, generation: u64) {
        if !self.is_current(node, generation) {
            return;
        }
        self.at(500 * MS, ServiceEvent::AsksRank { node, generation });
        let name = self.nodes[node].name.clone();
        let held =
            self.status(node).members.iter().find(|member| member.id.name == name).map(|member| member.rank);
        let request = Request::Rank { user: name, p2p_address: format!("s{}:5570", node + 1), rank: held };
        let now = self.now;
        let ranks = &mut self.services_mut().ranks;
        let at = ranks.began + span(now);
        let Some(registry) = &mut ranks.registry else { return };
        if let Reply::Rank(rank) = registry.answer(request, at) {
            self.deliver(node, Incoming::Input(Input::Rank(rank)));
        }
    }
}
