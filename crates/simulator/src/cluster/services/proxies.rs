//! Proxies: the real fan-out, between what coordinators publish and who has subscribed.

use std::sync::Arc;

use papo_core::chat::{Delivery, To};
use papo_core::log::Index;
use papo_proxy::fan_out::{Dropped, FanOut};
use papo_transport::Frames;
use papo_wire::publication::{Publication, Tip};
use papo_wire::stamp::Stamp;
use papo_wire::topic::USER_PREFIX;

use super::ServiceEvent;
use super::wires::End;
use crate::cluster::Cluster;
use crate::cluster::time::{Time, US};
use crate::coverage::Happening;

/// How long a publication takes, each way. One connection each: what is sent first arrives first.
const HOP: Time = 150 * US;

/// One proxy. It forgets everything when it is killed.
#[derive(Default)]
pub(super) struct RealProxy {
    fan_out: FanOut,
    down: bool,
    life: u64,
}

impl RealProxy {
    pub(super) fn start(&mut self) {
        if self.down {
            *self = Self { life: self.life + 1, ..Self::default() };
        }
    }
}

impl Cluster {
    /// A proxy is killed, and started again after `down`.
    pub fn kill_proxy(&mut self, proxy: usize, down: Time) {
        let Some(services) = &mut self.services else { return };
        if !std::mem::replace(&mut services.proxies[proxy].down, true) {
            self.coverage.count(Happening::ProxyKilled);
        }
        self.at(down, ServiceEvent::ProxyStarts { proxy });
    }

    /// A coordinator publishes a message.
    pub(in crate::cluster) fn publish(&mut self, node: usize, delivery: &Delivery) {
        if self.services.is_some() {
            let stamp = Stamp::Index(delivery.said.index);
            self.send_to_proxies(node, &Publication::Said(delivery.clone()), stamp);
        }
    }

    /// A coordinator tells the last index of a topic.
    pub(in crate::cluster) fn tell_tip(&mut self, node: usize, topic: &str, index: Index) {
        let Some(replica) = self.nodes[node].replica.as_ref().filter(|_| self.services.is_some()) else {
            return;
        };
        let of = match topic.strip_prefix(USER_PREFIX) {
            Some(user) => To::User(user.to_owned()),
            None => To::Channel(topic.to_owned()),
        };
        let tip = Tip { of, index, time: replica.chat().time(), clock: replica.chat().lamport() };
        self.send_to_proxies(node, &Publication::Tip(tip), Stamp::Unordered);
    }

    fn send_to_proxies(&mut self, node: usize, publication: &Publication, stamp: Stamp) {
        let (topic, payload) = publication.encode();
        let frames = vec![topic, payload, stamp.encode()];
        for proxy in 0..self.services_mut().proxies.len() {
            if self.wire_loses(End::Proxy(proxy), node) {
                continue;
            }
            let life = self.services_mut().proxies[proxy].life;
            self.at(HOP, ServiceEvent::AtProxy { proxy, life, frames: frames.clone() });
        }
    }

    pub(super) fn at_proxy(&mut self, proxy: usize, life: u64, frames: Frames) {
        let it = &mut self.services_mut().proxies[proxy];
        if it.down || it.life != life {
            return;
        }
        let forward = match it.fan_out.take(frames) {
            Ok(forward) => forward,
            Err(Dropped::Stale) => return,
            Err(why) => panic!("P8 delivery: a proxy dropped what a coordinator published: {why}"),
        };
        let [topic, payload] = forward.frames.as_slice() else { panic!("a proxy forwards two frames") };
        let publication = Publication::decode(topic, payload).expect("it is what the coordinator published");
        let of = match &publication {
            Publication::Said(delivery) => &delivery.said.to,
            Publication::Tip(tip) => &tip.of,
            Publication::Coordinator(_) => return,
        };
        let people = &self.services_mut().people;
        let followers: Vec<usize> =
            (0..people.len()).filter(|person| people[*person].subscribed(of)).collect();
        let publication = Arc::new(publication);
        for person in followers {
            if self.network.loss > 0.0 && self.rng.f64() < self.network.loss {
                self.coverage.count(Happening::PublicationLost);
                continue;
            }
            self.at(HOP, ServiceEvent::Delivered { person, publication: Arc::clone(&publication) });
        }
    }
}
