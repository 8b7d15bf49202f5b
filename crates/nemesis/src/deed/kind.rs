//! Of what kinds deeds are.

use std::fmt;

use super::Shape;

/// What stands in the coverage: a deed without whom it is done to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// kill -9 of one servidor.
    KillOne,
    /// kill -9 of a majority of the servidores.
    KillMajority,
    /// kill -9 of everything there is.
    KillAll,
    /// kill -9 of a broker, a proxy or the referencia.
    KillFront,
    /// SIGTERM.
    Stop,
    /// SIGSTOP of a servidor.
    Freeze,
    /// SIGSTOP of a broker, a proxy or the referencia.
    FreezeFront,
    /// A partition.
    Cut(Shape),
    /// Slow links.
    Slow,
    /// Jammed links.
    Jam,
    /// Wiped data.
    Wipe,
    /// Old data.
    OldCopy,
    /// A full disk.
    FullDisk,
    /// A read-only disk.
    ReadOnly,
    /// A cluster that shrinks and grows.
    Growth,
    /// Garbage.
    Garbage,
    /// Connections, and nothing on them.
    Flood,
    /// Garbage on every port, again and again.
    Deluge,
    /// More requests than anybody asks.
    Requests,
    /// Another release.
    Release,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 27] = [
        Self::KillOne,
        Self::KillMajority,
        Self::KillAll,
        Self::KillFront,
        Self::Stop,
        Self::Freeze,
        Self::FreezeFront,
        Self::Cut(Shape::Isolated),
        Self::Cut(Shape::Alone),
        Self::Cut(Shape::Ring),
        Self::Cut(Shape::OneWay),
        Self::Cut(Shape::Bridge),
        Self::Cut(Shape::NoBrokers),
        Self::Cut(Shape::FrontAlone),
        Self::Cut(Shape::NoClients),
        Self::Slow,
        Self::Jam,
        Self::Wipe,
        Self::OldCopy,
        Self::FullDisk,
        Self::ReadOnly,
        Self::Growth,
        Self::Garbage,
        Self::Flood,
        Self::Deluge,
        Self::Requests,
        Self::Release,
    ];

    /// Why nobody can do that to so many servidores, or may; `None` when it is fine.
    pub fn impossible_with(self, servidores: u8) -> Option<&'static str> {
        match (self, servidores) {
            (Self::Cut(Shape::Alone | Shape::Ring | Shape::OneWay | Shape::Bridge) | Self::Growth, ..=1) => {
                Some("one servidor has no others")
            }
            (Self::Cut(Shape::Ring | Shape::Bridge), 2) => Some("two servidores have one link only"),
            // What was acknowledged is on the disks of a majority: of one, or of both.
            (Self::Wipe | Self::OldCopy, ..=2) => Some(
                "a disk of two is more than a minority of them, and what it had is not promised to be kept",
            ),
            _ => None,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::KillOne => "kill -9 of a servidor",
            Self::KillMajority => "kill -9 of a majority",
            Self::KillAll => "kill -9 of everything",
            Self::KillFront => "kill -9 of a broker, a proxy or the referencia",
            Self::Stop => "SIGTERM",
            Self::Freeze => "SIGSTOP of a servidor",
            Self::FreezeFront => "SIGSTOP of a broker, a proxy or the referencia",
            Self::Cut(Shape::Isolated) => "partition: one without anybody",
            Self::Cut(Shape::Alone) => "partition: one without the other servidores",
            Self::Cut(Shape::Ring) => "partition: a ring",
            Self::Cut(Shape::OneWay) => "partition: one way",
            Self::Cut(Shape::Bridge) => "partition: a bridge",
            Self::Cut(Shape::NoBrokers) => "partition: one without brokers",
            Self::Cut(Shape::FrontAlone) => {
                "partition: a broker, a proxy or the referencia without servidores"
            }
            Self::Cut(Shape::NoClients) => "partition: a broker or a proxy without clients",
            Self::Slow => "slow links",
            Self::Jam => "jammed links",
            Self::Wipe => "wiped data directory",
            Self::OldCopy => "old copy of a data directory",
            Self::FullDisk => "full disk",
            Self::ReadOnly => "read-only disk",
            Self::Growth => "a member dismissed and admitted",
            Self::Garbage => "garbage on every port",
            Self::Flood => "flood of connections",
            Self::Deluge => "flood of garbage on every port",
            Self::Requests => "flood of requests",
            Self::Release => "another release",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_are_all() {
        let mut all = Kind::ALL.to_vec();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), Kind::ALL.len());
        assert!(all.is_sorted() && Kind::ALL.is_sorted(), "in the order in which they are declared");
        assert_eq!(all.last(), Some(&Kind::Release), "none is missing at the end");
    }

    #[test]
    fn nothing_is_impossible_with_three_servidores_and_a_disk_of_two_is_not_lost() {
        assert!(Kind::ALL.iter().all(|kind| kind.impossible_with(3).is_none()));
        for (servidores, left_out) in [(1, 7), (2, 4)] {
            let count = Kind::ALL.iter().filter(|kind| kind.impossible_with(servidores).is_some()).count();
            assert_eq!(count, left_out, "{servidores}");
        }
    }
}
