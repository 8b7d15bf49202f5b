//! What is done when, drawn from a seed.
//!
//! A plan is rounds. In each, one to four deeds overlap, no two of them to the same process or the same way; then everything is healed,
//! and all has to be well again before the next. Kinds are dealt like cards, so that each comes before any comes again.
//!
//! What is outside of the promises is not drawn: two disks lost before the first was replaced, a disk lost by
//! one of two members, and all servidores on the present release
//! before the end (what they may write to the log by then, the one before cannot read, and there would be no way back).

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use fastrand::Rng;

use crate::deed::{Deed, Kind, Shape as Partition, Silence};
use crate::network::Node;
use crate::town::{CLIENTS, Shape};

/// Everything that is done.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// One after the other.
    pub rounds: Vec<Round>,
}

/// Deeds that overlap.
#[derive(Clone, Debug, PartialEq)]
pub struct Round {
    /// In no order.
    pub strokes: Vec<Stroke>,
    /// How long it stays calm once all is well again.
    pub calm: Duration,
}

/// A deed and its time.
#[derive(Clone, Debug, PartialEq)]
pub struct Stroke {
    /// When it is done, from the beginning of its round.
    pub after: Duration,
    /// How long until it is undone.
    pub lasts: Duration,
    /// What.
    pub deed: Deed,
    /// For the coverage.
    pub kind: Kind,
}

/// How a plan is drawn.
#[derive(Clone, Debug)]
pub struct Draw {
    /// Equal seeds, shapes and kinds give equal plans, of which a longer one begins with the shorter.
    pub seed: u64,
    /// To whom.
    pub shape: Shape,
    /// Of which kinds.
    pub kinds: Vec<Kind>,
    /// How long deeds last.
    pub pace: Pace,
    /// Until rounds of this length together are drawn, not counting what healing takes.
    pub length: Duration,
}

/// How long deeds last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// Fractions of a second, for tests.
    Short,
    /// Seconds; now and then up to a minute.
    Long,
}

impl Plan {
    /// Draws one.
    pub fn draw(draw: &Draw) -> Self {
        let mut table = Table {
            dice: Rng::with_seed(draw.seed),
            shape: draw.shape,
            pace: draw.pace,
            kinds: draw.kinds.clone(),
            deck: VecDeque::new(),
            previous: draw.shape.servidores().into_iter().chain(draw.shape.front()).collect(),
        };
        let (mut rounds, mut length) = (Vec::new(), Duration::ZERO);
        while length < draw.length && !draw.kinds.is_empty() {
            let round = table.round();
            length += round.length();
            rounds.push(round);
        }
        Self { rounds }
    }
}

impl Round {
    /// From its first deed to the end of its calm, without healing.
    pub fn length(&self) -> Duration {
        let end = self.strokes.iter().map(|stroke| stroke.after + stroke.lasts).max();
        end.unwrap_or_default() + self.calm
    }

    /// Whether it takes away at most one servidor and one of the front, and does nothing else: the service has to go on (P7).
    pub fn is_gentle(&self) -> bool {
        let taken: Option<Vec<Vec<Node>>> = self.strokes.iter().map(|stroke| stroke.deed.takes()).collect();
        let Some(taken) = taken.map(|taken| taken.concat()) else { return false };
        let servidores = taken.iter().filter(|node| node.starts_with("servidor")).count();
        servidores <= 1 && taken.len() - servidores <= 1
    }
}

struct Table {
    dice: Rng,
    shape: Shape,
    pace: Pace,
    kinds: Vec<Kind>,
    deck: VecDeque<Kind>,
    /// Who comes from the previous release.
    previous: BTreeSet<Node>,
}

/// What deeds of a round have to themselves.
#[derive(Default)]
struct Taken {
    nodes: BTreeSet<Node>,
    ways: BTreeSet<(Node, Node)>,
    disk: bool,
}

impl Table {
    fn round(&mut self) -> Round {
        let count = match self.pace {
            Pace::Short => self.dice.usize(2..=4),
            Pace::Long => self.dice.usize(1..=4),
        };
        let (mut taken, mut strokes) = (Taken::default(), Vec::new());
        for _ in 0..count {
            let Some(kind) = self.next_kind() else { break };
            match self.deed(kind, &mut taken) {
                Some(deed) => strokes.push(self.stroke(kind, deed)),
                // It comes first in another round.
                None => self.deck.push_front(kind),
            }
        }
        Round { strokes, calm: self.span(100, 300, 4000) }
    }

    fn next_kind(&mut self) -> Option<Kind> {
        if self.deck.is_empty() {
            let mut kinds = self.kinds.clone();
            self.dice.shuffle(&mut kinds);
            self.deck = kinds.into();
        }
        self.deck.pop_front()
    }

    fn stroke(&mut self, kind: Kind, deed: Deed) -> Stroke {
        let after = self.span(0, 300, 3000);
        let lasts = match (self.pace, kind) {
            (Pace::Long, Kind::Freeze | Kind::FreezeFront) => {
                Duration::from_millis(self.dice.u64(1000..60_000))
            }
            // Long enough to be full.
            (_, Kind::FullDisk) => self.span(2000, 3000, 15_000),
            (_, Kind::Release) => Duration::ZERO,
            // Long enough to leave.
            (_, Kind::Growth) => self.span(1500, 2500, 20_000),
            _ => self.span(400, 1500, 20_000),
        };
        Stroke { after, lasts, deed, kind }
    }

    fn span(&mut self, least: u64, short: u64, long: u64) -> Duration {
        let most = match self.pace {
            Pace::Short => short,
            Pace::Long => long,
        };
        Duration::from_millis(self.dice.u64(least..=most))
    }

    /// One of that kind that leaves alone what is taken; `None` when there is none.
    fn deed(&mut self, kind: Kind, taken: &mut Taken) -> Option<Deed> {
        let servidores = self.shape.servidores();
        let deed = match kind {
            Kind::KillOne => Deed::Kill(vec![self.one(servidores, taken)?]),
            Kind::KillMajority => {
                let mut whom = servidores;
                self.dice.shuffle(&mut whom);
                whom.truncate(whom.len() / 2 + 1);
                Deed::Kill(taken.all(whom)?)
            }
            Kind::KillAll => Deed::Kill(taken.all([servidores, self.shape.front()].concat())?),
            Kind::KillFront => Deed::Kill(vec![self.one(self.shape.front(), taken)?]),
            Kind::Stop => Deed::Stop(self.one([servidores, self.shape.front()].concat(), taken)?),
            Kind::Freeze => Deed::Freeze(self.one(servidores, taken)?),
            Kind::FreezeFront => Deed::Freeze(self.one(self.shape.front(), taken)?),
            Kind::Cut(shape) => {
                let ways = self.partition(shape);
                // Whoever is told that a connection is gone is told in both directions.
                let silent = matches!(shape, Partition::OneWay | Partition::Ring);
                let hows = [Silence::Waits, Silence::Forgets, Silence::Tells];
                let how = *self.choose(if silent { &hows[..2] } else { &hows });
                Deed::Cut { shape, ways: taken.ways(ways)?, how }
            }
            Kind::Slow => self.slow(taken)?,
            Kind::Jam => {
                let to = self.choose(&[servidores.clone(), self.shape.brokers()].concat()).clone();
                let from: Vec<Node> = servidores.into_iter().filter(|node| *node != to).collect();
                taken.ways(from.iter().map(|from| (from.clone(), to.clone())).collect())?;
                Deed::Jam { to, from }
            }
            Kind::Wipe => Deed::Wipe(taken.disk(|taken| self.one(servidores, taken))?),
            Kind::OldCopy => {
                let node = taken.disk(|taken| self.one(servidores, taken))?;
                Deed::OldCopy { node, copy: self.dice.usize(..1000) }
            }
            Kind::FullDisk => {
                let node = taken.all(servidores.last().cloned().into_iter().collect())?.pop()?;
                Deed::FullDisk { node, room: self.dice.u64(64..256) << 10 }
            }
            Kind::ReadOnly => {
                Deed::ReadOnly(taken.all(servidores.last().cloned().into_iter().collect())?.pop()?)
            }
            // Whoever it is may be killed or cut off meanwhile, too; but of the two that remain, neither may lose its disk.
            Kind::Growth => Deed::Dismiss(taken.disk(|_| Some(self.choose(&servidores).clone()))?),
            Kind::Garbage => Deed::Garbage { seed: self.dice.u64(..) },
            Kind::Flood => {
                let to = self.choose(&[servidores, self.shape.front()].concat()).clone();
                let most = if self.pace == Pace::Short { 60 } else { 400 };
                Deed::Flood { to, connections: self.dice.usize(20..=most) }
            }
            Kind::Release => {
                let node = self.one([servidores, self.shape.front()].concat(), taken)?;
                self.release(node)
            }
        };
        Some(deed)
    }

    fn choose<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.dice.usize(..from.len())]
    }

    fn one(&mut self, from: Vec<Node>, taken: &mut Taken) -> Option<Node> {
        let free: Vec<Node> = from.into_iter().filter(|node| !taken.nodes.contains(node)).collect();
        let node = (!free.is_empty()).then(|| self.choose(&free).clone())?;
        taken.nodes.insert(node.clone());
        Some(node)
    }

    fn partition(&mut self, shape: Partition) -> Vec<(Node, Node)> {
        let mut servidores = self.shape.servidores();
        self.dice.shuffle(&mut servidores);
        let front = self.shape.front();
        let one = servidores[0].clone();
        let others = servidores[1..].to_vec();
        match shape {
            Partition::Isolated => both(&[one], &[others, front].concat()),
            Partition::Alone => both(&[one], &others),
            Partition::Ring => {
                let before = |n: usize| &servidores[(n + servidores.len() - 1) % servidores.len()];
                let all = servidores.iter().enumerate().flat_map(|(n, to)| {
                    let strangers = servidores.iter().filter(move |from| *from != before(n) && *from != to);
                    strangers.map(move |from| (from.clone(), to.clone()))
                });
                all.collect()
            }
            Partition::OneWay => {
                let mute = self.dice.bool();
                let all = others.into_iter();
                all.map(|other| if mute { (one.clone(), other) } else { (other, one.clone()) }).collect()
            }
            Partition::Bridge => {
                let (left, right) = others.split_at(others.len() / 2);
                both(left, right)
            }
            Partition::NoBrokers => both(&[one], &self.shape.brokers()),
            Partition::FrontAlone => both(&[self.choose(&front).clone()], &servidores),
            Partition::NoClients => {
                let to = self.choose(&[self.shape.brokers(), self.shape.proxies()].concat()).clone();
                both(&[CLIENTS.to_owned()], &[to])
            }
        }
    }

    fn slow(&mut self, taken: &mut Taken) -> Option<Deed> {
        let mut servidores = self.shape.servidores();
        self.dice.shuffle(&mut servidores);
        let ways = match self.dice.u8(..3) {
            0 => both(&servidores[..1], &servidores[1..]),
            1 => both(&servidores, &[self.choose(&self.shape.front()).clone()]),
            _ => both(&[CLIENTS.to_owned()], &[self.shape.brokers(), self.shape.proxies()].concat()),
        };
        // From a neighbouring town to the other side of the world: elections go by 400 ms.
        let latency = Duration::from_millis(self.dice.u64(5..=300));
        let bytes_per_second = self.dice.bool().then(|| self.dice.u32(16..512) << 10);
        Some(Deed::Slow { ways: taken.ways(ways)?, latency, bytes_per_second })
    }

    /// To the other release; but one servidor at least keeps the previous one: the run ends with all of them on the present one.
    fn release(&mut self, node: Node) -> Deed {
        let servidores = self.shape.servidores();
        let old = self.previous.iter().filter(|node| servidores.contains(node)).count();
        let is_previous = self.previous.contains(&node);
        let is_last = old == 1 && is_previous && servidores.contains(&node);
        let previous = !is_previous || is_last;
        if previous {
            self.previous.insert(node.clone())
        } else {
            self.previous.remove(&node)
        };
        Deed::Release { node, previous, kindly: self.dice.bool() }
    }
}

impl Taken {
    fn all(&mut self, nodes: Vec<Node>) -> Option<Vec<Node>> {
        let free = nodes.iter().all(|node| !self.nodes.contains(node));
        free.then(|| {
            self.nodes.extend(nodes.iter().cloned());
            nodes
        })
    }

    fn ways(&mut self, ways: Vec<(Node, Node)>) -> Option<Vec<(Node, Node)>> {
        let free = !ways.is_empty() && ways.iter().all(|way| !self.ways.contains(way));
        free.then(|| {
            self.ways.extend(ways.iter().cloned());
            ways
        })
    }

    /// A disk is lost at most once a round.
    fn disk(&mut self, take: impl FnOnce(&mut Self) -> Option<Node>) -> Option<Node> {
        if self.disk {
            return None;
        }
        let node = take(self)?;
        self.disk = true;
        Some(node)
    }
}

/// Every way between one of `left` and one of `right`.
fn both(left: &[Node], right: &[Node]) -> Vec<(Node, Node)> {
    let pairs = left.iter().flat_map(|a| right.iter().map(move |b| (a, b))).filter(|(a, b)| a != b);
    let ways: BTreeMap<(Node, Node), ()> =
        pairs.flat_map(|(a, b)| [((a.clone(), b.clone()), ()), ((b.clone(), a.clone()), ())]).collect();
    ways.into_keys().collect()
}

#[cfg(test)]
mod tests;
