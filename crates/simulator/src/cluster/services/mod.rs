//! What stands around the servidores, in a share of the runs: the broker's real dispatcher, the proxy's real fan-out, the
//! referencia's real registry, and the real sessions of clients, all driven as their services drive them.
//!
//! Between them go the real frames. Brokers, proxies and the referencia are killed and come back having forgotten everything.
//!
//! Not here: sockets and their options, the servidor's own handling of requests (a short one stands in for it, which reads pages from
//! the records that the core puts out, and not from SQLite), and sessions of users that log in again from elsewhere.

mod brokers;
mod people;
mod proxies;
mod ranks;
mod requests;
mod wires;

use std::sync::Arc;

use papo_core::clock::{Instant, Now, WallTime};
use papo_transport::Frames;
use papo_wire::publication::Publication;

use self::brokers::Broker;
use self::people::Person;
use self::proxies::RealProxy;
use self::ranks::Ranks;
use self::requests::ClientRequests;
use self::wires::{End, Wires};
use super::time::{MS, S, START, Time, US};
use super::{Cluster, Event};

/// The services of a run.
pub(super) struct Services {
    brokers: Vec<Broker>,
    proxies: Vec<RealProxy>,
    people: Vec<Person>,
    requests: ClientRequests,
    ranks: Ranks,
    wires: Wires,
}

/// What happens among them.
#[derive(Debug)]
pub(super) enum ServiceEvent {
    /// Frames arrive at a broker, from a client or a servidor.
    AtBroker {
        broker: usize,
        life: u64,
        side: Side,
        frames: Frames,
    },
    BrokerWakes {
        broker: usize,
        life: u64,
    },
    BrokerStarts {
        broker: usize,
    },
    /// Frames of a broker arrive at a servidor.
    AtServidor {
        node: usize,
        generation: u64,
        broker: usize,
        life: u64,
        frames: Frames,
    },
    /// A servidor says that it lives.
    Beacon {
        node: usize,
        generation: u64,
    },
    AsksRank {
        node: usize,
        generation: u64,
    },
    RanksStart,
    /// A broker or a proxy is no longer cut off from a servidor.
    Mended {
        end: End,
        node: usize,
    },
    AtProxy {
        proxy: usize,
        life: u64,
        frames: Frames,
    },
    ProxyStarts {
        proxy: usize,
    },
    /// An answer arrives at a client.
    Answered {
        person: usize,
        frames: Frames,
    },
    /// A publication arrives at a client.
    Delivered {
        person: usize,
        publication: Arc<Publication>,
    },
    PersonWakes {
        person: usize,
    },
    /// A client wants something new.
    PersonWishes {
        person: usize,
    },
}

/// From where frames come to a broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Clients,
    Servidores,
}

impl Cluster {
    /// Puts the services around the servidores: two brokers, two proxies, a referencia, and `people` clients with so many wishes.
    /// What their connections lose is drawn from `seed`.
    pub fn surround(&mut self, people: usize, wishes: usize, think: Time, seed: u64) {
        let services = Services {
            brokers: (0..2).map(Broker::new).collect(),
            proxies: (0..2).map(|_| RealProxy::default()).collect(),
            people: (0..people).map(|number| Person::new(number, wishes, think)).collect(),
            requests: ClientRequests::default(),
            ranks: Ranks::new(),
            wires: Wires::new(seed),
        };
        self.services = Some(Box::new(services));
        for node in &mut self.nodes {
            node.rank = None;
        }
        for broker in 0..2 {
            self.at(MS, ServiceEvent::BrokerStarts { broker });
        }
        for person in 0..people {
            self.at(10 * MS, ServiceEvent::PersonWishes { person });
        }
    }

    /// A process was started: it looks for the brokers and the referencia.
    pub(super) fn service_starts(&mut self, node: usize) {
        if self.services.is_some() {
            let generation = self.nodes[node].generation;
            self.at(MS, ServiceEvent::Beacon { node, generation });
            self.at(2 * MS, ServiceEvent::AsksRank { node, generation });
        }
    }

    pub(super) fn service_happens(&mut self, event: ServiceEvent) {
        match event {
            ServiceEvent::AtBroker { broker, life, side, frames } => {
                self.at_broker(broker, life, side, frames);
            }
            ServiceEvent::BrokerWakes { broker, life } => self.broker_wakes(broker, life),
            ServiceEvent::BrokerStarts { broker } => self.broker_starts(broker),
            ServiceEvent::AtServidor { node, generation, broker, life, frames } => {
                self.at_servidor(node, generation, (broker, life), frames);
            }
            ServiceEvent::Beacon { node, generation } => self.beacon(node, generation),
            ServiceEvent::AsksRank { node, generation } => self.asks_rank(node, generation),
            ServiceEvent::RanksStart => self.services_mut().ranks.start(),
            ServiceEvent::Mended { end, node } => self.wire_is_mended(end, node),
            ServiceEvent::AtProxy { proxy, life, frames } => self.at_proxy(proxy, life, frames),
            ServiceEvent::ProxyStarts { proxy } => self.services_mut().proxies[proxy].start(),
            ServiceEvent::Answered { person, frames } => self.person_is_answered(person, &frames),
            ServiceEvent::Delivered { person, publication } => self.person_is_delivered(person, &publication),
            ServiceEvent::PersonWakes { person } => self.person_wakes(person),
            ServiceEvent::PersonWishes { person } => self.person_wishes(person),
        }
    }

    /// Gives everybody a fresh write and a fresh read.
    pub(super) fn probe_people(&mut self) {
        let count = self.services.as_ref().map_or(0, |services| services.people.len());
        for person in 0..count {
            self.services_mut().people[person].probe();
            self.at(MS, ServiceEvent::PersonWishes { person });
        }
    }

    /// Whether clients have all that they wanted, and were shown all that they follow.
    pub fn people_are_done(&self) -> bool {
        self.services.as_ref().is_none_or(|services| services.people.iter().all(Person::is_done))
    }

    fn services_mut(&mut self) -> &mut Services {
        self.services.as_mut().expect("these events only happen where there are services")
    }

    fn at(&mut self, after: Time, event: ServiceEvent) {
        self.schedule(self.now + after, Event::Service(event));
    }

    /// After as long as a message between services takes.
    fn soon(&mut self, event: ServiceEvent) {
        let after = self.rng.u64(50 * US..300 * US);
        self.at(after, event);
    }

    /// The clocks of those whose clocks do not matter.
    fn plain_now(&self) -> Now {
        // Not zero: that is "never".
        let instant = Instant::from_nanos(self.now + S);
        Now { instant, wall: WallTime::from_nanos(START + i64::try_from(self.now).expect("runs are short")) }
    }

    /// When an instant of those clocks comes.
    fn plain_moment(instant: Instant) -> Time {
        instant.as_nanos().saturating_sub(S)
    }
}
