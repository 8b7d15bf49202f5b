//! Brokers: the real dispatcher, and frames to and from it.

use papo_broker::dispatcher::{Action, Dispatcher, Policy, Unsent};
use papo_transport::Frames;

use super::wires::End;
use super::{ServiceEvent, Side};
use crate::checks::{p10_refusal, require};
use crate::cluster::Cluster;
use crate::cluster::time::Time;
use crate::coverage::Happening;

/// One broker. It forgets everything when it is killed.
pub(super) struct Broker {
    number: usize,
    dispatcher: Option<Dispatcher>,
    pub(super) life: u64,
    wakes_at: Option<Time>,
}

impl Broker {
    pub(super) fn new(number: usize) -> Self {
        Self { number, dispatcher: None, life: 0, wakes_at: None }
    }

    pub(super) fn runs(&self) -> bool {
        self.dispatcher.is_some()
    }
}

impl Cluster {
    /// A broker is killed, and started again after `down`.
    pub fn kill_broker(&mut self, broker: usize, down: Time) {
        let Some(services) = &mut self.services else { return };
        if services.brokers[broker].dispatcher.take().is_some() {
            self.coverage.count(Happening::BrokerKilled);
        }
        self.at(down, ServiceEvent::BrokerStarts { broker });
    }

    pub(super) fn broker_starts(&mut self, broker: usize) {
        let broker = &mut self.services_mut().brokers[broker];
        if broker.dispatcher.is_some() {
            return;
        }
        broker.life += 1;
        broker.wakes_at = None;
        let incarnation = ((broker.number as u64 + 1) << 32) | broker.life;
        // Nobody is slowed down here: clients of the simulation are few and quick.
        let policy = Policy { rate: None, ..Policy::default() };
        broker.dispatcher = Some(Dispatcher::new(policy, incarnation));
    }

    pub(super) fn at_broker(&mut self, broker: usize, life: u64, side: Side, frames: Frames) {
        let now = self.plain_now();
        let it = &mut self.services_mut().brokers[broker];
        let Some(dispatcher) = it.dispatcher.as_mut().filter(|_| it.life == life) else { return };
        match side {
            Side::Clients => dispatcher.client(now, frames),
            Side::Servidores => dispatcher.servidor(now, frames),
        }
        self.broker_acts(broker);
    }

    pub(super) fn broker_wakes(&mut self, broker: usize, life: u64) {
        let now = self.plain_now();
        let it = &mut self.services_mut().brokers[broker];
        let Some(dispatcher) = it.dispatcher.as_mut().filter(|_| it.life == life) else { return };
        it.wakes_at = None;
        dispatcher.tick(now);
        self.broker_acts(broker);
    }

    fn broker_acts(&mut self, broker: usize) {
        let now = self.plain_now();
        loop {
            let it = &mut self.services_mut().brokers[broker];
            let life = it.life;
            let Some(dispatcher) = &mut it.dispatcher else { return };
            let Some(action) = dispatcher.poll() else { break };
            match action {
                Action::Answer { frames, .. } => {
                    let person = usize::from(frames[0][0]);
                    if !self.client_wire_loses() {
                        self.soon(ServiceEvent::Answered { person, frames });
                    }
                }
                Action::Send { mut frames, ticket } => {
                    let (node, generation) = servidor(&frames.remove(0));
                    if self.is_current(node, generation) {
                        if !self.wire_loses(End::Broker(broker), node) {
                            self.soon(ServiceEvent::AtServidor { node, generation, broker, life, frames });
                        }
                    } else if let Some(dispatcher) = &mut self.services_mut().brokers[broker].dispatcher {
                        dispatcher.unsent(now, ticket, Unsent::Gone);
                    }
                }
            }
        }
        self.broker_sleeps(broker);
    }

    fn broker_sleeps(&mut self, broker: usize) {
        let now = self.now;
        let it = &mut self.services_mut().brokers[broker];
        let Some(dispatcher) = &it.dispatcher else { return };
        let open = dispatcher.gauges().open;
        require(p10_refusal::bounded("a broker", "open requests", open, 64));
        let Some(wake) = dispatcher.wake_at() else { return };
        let wake = Self::plain_moment(wake).max(now + 1);
        if it.wakes_at.is_none_or(|at| wake < at) {
            it.wakes_at = Some(wake);
            let life = it.life;
            self.at(wake - now, ServiceEvent::BrokerWakes { broker, life });
        }
    }
}

/// The connection of a process to a broker, as its ROUTER names it.
pub(super) fn identity(node: usize, generation: u64) -> Vec<u8> {
    let mut identity = vec![u8::try_from(node).expect("few servidores")];
    identity.extend(generation.to_le_bytes());
    identity
}

fn servidor(identity: &[u8]) -> (usize, u64) {
    let generation = identity[1..].try_into().expect("made by `identity`");
    (usize::from(identity[0]), u64::from_le_bytes(generation))
}
