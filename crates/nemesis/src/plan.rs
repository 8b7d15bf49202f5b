//! What is done when, drawn from a seed.
//!
//! A plan is rounds. In each, one to four deeds overlap, no two of them to the same process or the same way; then everything is healed,
//! and all has to be well again before the next. Kinds are dealt like cards, so that each comes before any comes again; one that leaves no
//! room for itself beside the others of a round waits for a later one.
//!
//! What is outside of the promises is not drawn: two disks lost before the first was replaced, a disk lost by
//! one of two members, and all members on the present release
//! before the end (what they may write to the log by then, the one before cannot read, and there would be no way back).

mod table;
mod taken;

use std::time::Duration;

use crate::cluster::Shape;
use crate::deed::{Deed, Kind};
use crate::network::Node;
use table::Table;

/// Everything that is done.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// One after the other.
    pub rounds: Vec<Round>,
    /// In so many of them, from the first on, each kind comes as often as it has to ([`Draw::deals`]).
    pub least: usize,
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
    /// Of which kinds. Those that its shape cannot have are left out.
    pub kinds: Vec<Kind>,
    /// How long deeds last.
    pub pace: Pace,
    /// Until rounds of this length together are drawn, not counting what healing takes.
    pub length: Duration,
    /// And until each kind came at least so often.
    pub deals: usize,
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
        let mut table = Table::new(draw);
        let (mut rounds, mut least, mut length) = (Vec::new(), 0, Duration::ZERO);
        while !table.kinds().is_empty() && (length < draw.length || table.deals() < draw.deals) {
            let is_least = table.deals() < draw.deals;
            let round = table.round();
            length += round.length();
            rounds.push(round);
            if is_least {
                least = rounds.len();
            }
        }
        Self { rounds, least }
    }
}

impl Round {
    /// From its first deed to the end of its calm, without healing.
    pub fn length(&self) -> Duration {
        let end = self.strokes.iter().map(|stroke| stroke.after + stroke.lasts).max();
        end.unwrap_or_default() + self.calm
    }

    /// Whether it takes away at most one of more than two servidores and one of the front, and does nothing else: the service has to go
    /// on (P7).
    pub fn is_gentle(&self, shape: Shape) -> bool {
        let taken: Option<Vec<Vec<Node>>> = self.strokes.iter().map(|stroke| stroke.deed.takes()).collect();
        let Some(taken) = taken.map(|taken| taken.concat()) else { return false };
        let servidores = taken.iter().filter(|node| node.starts_with("servidor")).count();
        // Without one of one or two there is no majority.
        let most = usize::from(shape.servidores > 2);
        servidores <= most && taken.len() - servidores <= 1
    }
}

#[cfg(test)]
mod tests;
