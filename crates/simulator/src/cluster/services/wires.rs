//! The connections around the servidores: from clients to brokers, from brokers to servidores, from servidores to proxies. A connection
//! that breaks loses what was on its way; a broker or a proxy may be cut off from some servidores for a while.

use std::collections::BTreeSet;

use super::ServiceEvent;
use crate::cluster::Cluster;
use crate::cluster::time::Time;
use crate::coverage::{Coverage, Happening};

/// Chance of its own: whether something is lost here changes nothing of what is drawn elsewhere.
const CHANCE: u64 = 0x00B0_0C05;

/// One of the services that servidores are connected to, by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::cluster) enum End {
    /// A broker.
    Broker(usize),
    /// A proxy.
    Proxy(usize),
}

/// What happens to what is sent.
pub(super) struct Wires {
    rng: fastrand::Rng,
    /// Between whom nothing passes.
    cuts: BTreeSet<(End, usize)>,
}

impl Wires {
    pub(super) fn new(seed: u64) -> Self {
        Self { rng: fastrand::Rng::with_seed(seed ^ CHANCE), cuts: BTreeSet::new() }
    }

    /// Whether something between a service and a servidor gets lost.
    fn loses(&mut self, coverage: &mut Coverage, loss: f64, end: End, node: usize) -> bool {
        let (cut, lost) = match end {
            End::Broker(_) => (Happening::BrokerCut, Happening::DispatchLost),
            End::Proxy(_) => (Happening::ProxyCut, Happening::ProxyLost),
        };
        if self.cuts.contains(&(end, node)) {
            coverage.count(cut);
            return true;
        }
        self.drops(coverage, loss, lost)
    }

    fn drops(&mut self, coverage: &mut Coverage, loss: f64, happening: Happening) -> bool {
        let lost = loss > 0.0 && self.rng.f64() < loss;
        if lost {
            coverage.count(happening);
        }
        lost
    }
}

impl Cluster {
    /// Nothing passes between a broker and these servidores, for `span`.
    pub fn cut_broker(&mut self, broker: usize, nodes: &[usize], span: Time) {
        self.cut_off(End::Broker(broker), nodes, span);
    }

    /// Nothing passes from these servidores to a proxy, for `span`.
    pub fn cut_proxy(&mut self, proxy: usize, nodes: &[usize], span: Time) {
        self.cut_off(End::Proxy(proxy), nodes, span);
    }

    fn cut_off(&mut self, end: End, nodes: &[usize], span: Time) {
        let Some(services) = &mut self.services else { return };
        for node in nodes.iter().copied() {
            services.wires.cuts.insert((end, node));
        }
        for node in nodes.iter().copied() {
            self.at(span, ServiceEvent::Mended { end, node });
        }
    }

    pub(super) fn wire_is_mended(&mut self, end: End, node: usize) {
        self.services_mut().wires.cuts.remove(&(end, node));
    }

    /// Ends all cuts around the servidores.
    pub fn mend_services(&mut self) {
        if let Some(services) = &mut self.services {
            services.wires.cuts.clear();
        }
    }

    /// Whether what is sent between a service and a servidor gets lost.
    pub(super) fn wire_loses(&mut self, end: End, node: usize) -> bool {
        let services = self.services.as_mut().expect("these events only happen where there are services");
        services.wires.loses(&mut self.coverage, self.network.loss, end, node)
    }

    /// Whether what is sent between a client and a broker gets lost.
    pub(super) fn client_wire_loses(&mut self) -> bool {
        let services = self.services.as_mut().expect("these events only happen where there are services");
        services.wires.drops(&mut self.coverage, self.network.loss, Happening::ClientLost)
    }
}
