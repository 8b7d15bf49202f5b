//! Rounds, one after the other, and what each deed is.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use fastrand::Rng;

use super::taken::Taken;
use super::{Draw, Pace, Round, Stroke};
use crate::cluster::{CLIENTS, Shape};
use crate::deed::{Deed, Kind, Shape as Partition, Silence};
use crate::network::Node;

/// Who deals.
pub(super) struct Table {
    dice: Rng,
    shape: Shape,
    pace: Pace,
    kinds: Vec<Kind>,
    deck: VecDeque<Kind>,
    /// How many decks were dealt to their end.
    deals: usize,
    /// Who comes from the previous release.
    previous: BTreeSet<Node>,
}

impl Table {
    pub(super) fn new(draw: &Draw) -> Self {
        let possible = |kind: &Kind| kind.impossible_with(draw.shape.servidores).is_none();
        Self {
            dice: Rng::with_seed(draw.seed),
            shape: draw.shape,
            pace: draw.pace,
            kinds: draw.kinds.iter().copied().filter(possible).collect(),
            deck: VecDeque::new(),
            deals: 0,
            previous: draw.shape.servidores().into_iter().chain(draw.shape.front()).collect(),
        }
    }

    /// Those that it deals.
    pub(super) fn kinds(&self) -> &[Kind] {
        &self.kinds
    }

    /// How often each kind came at least.
    pub(super) fn deals(&self) -> usize {
        self.deals
    }

    pub(super) fn round(&mut self) -> Round {
        let count = match self.pace {
            Pace::Short => self.dice.usize(2..=4),
            Pace::Long => self.dice.usize(1..=4),
        };
        let mut taken = Taken::default();
        let strokes = (0..count).map_while(|_| self.next_stroke(&mut taken)).collect();
        Round { strokes, calm: self.span(100, 300, 4000) }
    }

    /// Of the first kind on the deck that goes with what is taken. Those before it come last, so that no kind is ever in the way of
    /// the others; and a new deck begins only when nothing is left of this one.
    fn next_stroke(&mut self, taken: &mut Taken) -> Option<Stroke> {
        if self.deck.is_empty() {
            let mut kinds = self.kinds.clone();
            self.dice.shuffle(&mut kinds);
            self.deck = kinds.into();
        }
        for _ in 0..self.deck.len() {
            let kind = self.deck.pop_front()?;
            if let Some(deed) = self.deed(kind, taken) {
                self.deals += usize::from(self.deck.is_empty());
                return Some(self.stroke(kind, deed));
            }
            self.deck.push_back(kind);
        }
        None
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
                // One without others is sent nothing by them.
                let heard = if servidores.len() > 1 { servidores.clone() } else { Vec::new() };
                let to = self.choose(&[heard, self.shape.brokers()].concat()).clone();
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
                let node = self.one(servidores, taken)?;
                Deed::FullDisk { node, room: self.dice.u64(64..256) << 10 }
            }
            Kind::ReadOnly => Deed::ReadOnly(self.one(servidores, taken)?),
            Kind::Growth => self.dismissal(taken)?,
            Kind::Garbage => Deed::Garbage { seed: self.dice.u64(..) },
            Kind::Flood => {
                let to = self.choose(&[servidores, self.shape.front()].concat()).clone();
                let most = if self.pace == Pace::Short { 60 } else { 400 };
                Deed::Flood { to, connections: self.dice.usize(20..=most) }
            }
            Kind::Deluge => {
                let most = if self.pace == Pace::Short { 3 } else { 12 };
                Deed::Deluge { seed: self.dice.u64(..), connections: self.dice.usize(1..=most) }
            }
            Kind::Requests => {
                let to = self.choose(&self.shape.brokers()).clone();
                let most = if self.pace == Pace::Short { 8 } else { 48 };
                Deed::Requests { to, connections: self.dice.usize(4..=most) }
            }
            Kind::Release => {
                taken.members()?;
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

    pub(super) fn partition(&mut self, shape: Partition) -> Vec<(Node, Node)> {
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
        // One servidor has no links to others.
        let ways = match self.dice.u8(u8::from(servidores.len() < 2)..3) {
            0 => both(&servidores[..1], &servidores[1..]),
            1 => both(&servidores, &[self.choose(&self.shape.front()).clone()]),
            _ => both(&[CLIENTS.to_owned()], &[self.shape.brokers(), self.shape.proxies()].concat()),
        };
        // From a neighbouring town to the other side of the world: elections go by 400 ms.
        let latency = Duration::from_millis(self.dice.u64(5..=300));
        let bytes_per_second = self.dice.bool().then(|| self.dice.u32(16..512) << 10);
        Some(Deed::Slow { ways: taken.ways(ways)?, latency, bytes_per_second })
    }

    /// Whoever it is may be killed or cut off meanwhile, too; but of those that remain, nobody may lose its disk. Nor may the last one of
    /// the previous release be dismissed: the others would be free to raise the rules.
    fn dismissal(&mut self, taken: &mut Taken) -> Option<Deed> {
        let mut whom = self.shape.servidores();
        if self.kinds.contains(&Kind::Release) {
            let mut old = whom.iter().filter(|node| self.previous.contains(*node));
            if let (Some(last), None) = (old.next().cloned(), old.next()) {
                whom.retain(|node| *node != last);
            }
        }
        let node = taken.disk(|taken| taken.members().map(|()| self.choose(&whom).clone()))?;
        Some(Deed::Dismiss(node))
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

/// Every way between one of `left` and one of `right`.
pub(super) fn both(left: &[Node], right: &[Node]) -> Vec<(Node, Node)> {
    let pairs = left.iter().flat_map(|a| right.iter().map(move |b| (a, b))).filter(|(a, b)| a != b);
    let ways: BTreeMap<(Node, Node), ()> =
        pairs.flat_map(|(a, b)| [((a.clone(), b.clone()), ()), ((b.clone(), a.clone()), ())]).collect();
    ways.into_keys().collect()
}
