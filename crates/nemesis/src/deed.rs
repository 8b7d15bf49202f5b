//! What may be done to a cluster, as data: a schedule can be drawn, printed and drawn again without any process.

mod kind;

use std::fmt;
use std::time::Duration;

use crate::network::Node;
pub use kind::Kind;

/// One thing that is done, and undone later.
#[derive(Clone, Debug, PartialEq)]
pub enum Deed {
    /// kill -9, all of them at once. Undone by starting them.
    Kill(Vec<Node>),
    /// SIGTERM; it has to end well. Undone by starting it.
    Stop(Node),
    /// SIGSTOP. Undone by SIGCONT.
    Freeze(Node),
    /// Nothing passes on these ways.
    Cut {
        /// Which shape of partition it is.
        shape: Shape,
        /// The ways.
        ways: Vec<(Node, Node)>,
        /// How it is noticed.
        how: Silence,
    },
    /// Everything passes late.
    Slow {
        /// The ways.
        ways: Vec<(Node, Node)>,
        /// How late each piece is.
        latency: Duration,
        /// How much passes; `None` is as much as there is.
        bytes_per_second: Option<u32>,
    },
    /// Connections to it are accepted, and what is sent on them is not read.
    Jam {
        /// To whom.
        to: Node,
        /// From whom.
        from: Vec<Node>,
    },
    /// kill -9, and its data are gone. Undone by starting it with an empty disk.
    Wipe(Node),
    /// kill -9, and its data are what they were once; the disk is given a new identity, as the handbook says. Undone by starting it.
    OldCopy {
        /// Whose.
        node: Node,
        /// Which of the copies that there are, counted around.
        copy: usize,
    },
    /// Restarted on a disk with room for `room` bytes more. Undone by giving room.
    FullDisk {
        /// Whose.
        node: Node,
        /// How much.
        room: u64,
    },
    /// Restarted on a disk that may not be written: it has to refuse. Undone by starting it when it may.
    ReadOnly(Node),
    /// It is dismissed as a member. Undone by admitting it.
    Dismiss(Node),
    /// Bytes that mean nothing, or nearly mean something, to every port of everybody.
    Garbage {
        /// What it is made from.
        seed: u64,
    },
    /// Connections that are opened and say little or nothing.
    Flood {
        /// To whose ports.
        to: Node,
        /// How many to each port.
        connections: usize,
    },
    /// Garbage to every port of everybody, on so many connections at a time, again and again until it is undone.
    Deluge {
        /// What it is made from.
        seed: u64,
        /// How many to each port at a time.
        connections: usize,
    },
    /// Well-formed requests at the port for clients, as many as are taken. Some senders read no answers.
    Requests {
        /// To which broker.
        to: Node,
        /// How many senders.
        connections: usize,
    },
    /// Ended, kindly or not, and started from another release; stays so.
    Release {
        /// Who.
        node: Node,
        /// The one before, or the present one.
        previous: bool,
        /// Whether by SIGTERM.
        kindly: bool,
    },
}

/// Shapes of partitions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Shape {
    /// One servidor has nobody.
    Isolated,
    /// One servidor has no other servidor, and everybody else: brokers and clients still find it.
    Alone,
    /// Each servidor hears only the one before it.
    Ring,
    /// One servidor is heard by nobody, or hears nobody.
    OneWay,
    /// Two sides, and one servidor that has both.
    Bridge,
    /// One servidor has no brokers, and the other servidores.
    NoBrokers,
    /// One of the front has no servidores.
    FrontAlone,
    /// Clients do not reach one broker or proxy.
    NoClients,
}

/// How a cut is noticed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Silence {
    /// By silence; afterwards the connections go on, with everything that waited.
    Waits,
    /// By silence; afterwards the connections are gone.
    Forgets,
    /// At once: connections are closed, and new ones refused.
    Tells,
}

impl Deed {
    /// Whom it takes away from the others, where that is all it does; `None` for what disturbs everybody, or nobody knows whom.
    pub fn takes(&self) -> Option<Vec<Node>> {
        match self {
            Self::Kill(nodes) => Some(nodes.clone()),
            Self::Stop(node)
            | Self::Freeze(node)
            | Self::Wipe(node)
            | Self::OldCopy { node, .. }
            | Self::FullDisk { node, .. }
            | Self::ReadOnly(node)
            | Self::Release { node, .. } => Some(vec![node.clone()]),
            Self::Cut { shape: Shape::Isolated | Shape::Alone, ways, .. } => {
                // The one that is an end of every way.
                let (from, to) = ways.first()?;
                let ends = |node: &Node| ways.iter().all(|(from, to)| from == node || to == node);
                [from, to].into_iter().find(|node| ends(node)).map(|node| vec![node.clone()])
            }
            _ => None,
        }
    }
}

impl fmt::Display for Deed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kill(nodes) => write!(f, "kill -9 {}", nodes.join(", ")),
            Self::Stop(node) => write!(f, "SIGTERM to {node}"),
            Self::Freeze(node) => write!(f, "SIGSTOP to {node}"),
            Self::Cut { shape, ways, how } => {
                write!(f, "{}: {} ({how:?})", Kind::Cut(*shape), arrows(ways))
            }
            Self::Slow { ways, latency, bytes_per_second } => {
                write!(f, "slow: {latency:?}")?;
                if let Some(rate) = bytes_per_second {
                    write!(f, " and {} KiB/s", rate >> 10)?;
                }
                write!(f, " on {}", arrows(ways))
            }
            Self::Jam { to, from } => write!(f, "jam: {to} reads nothing from {}", from.join(", ")),
            Self::Wipe(node) => write!(f, "kill -9 {node} and delete its data"),
            Self::OldCopy { node, .. } => {
                write!(f, "kill -9 {node} and put an old copy of its data in their place")
            }
            Self::FullDisk { node, room } => {
                write!(f, "restart {node} with {} KiB of room on its disk", room >> 10)
            }
            Self::ReadOnly(node) => write!(f, "restart {node} on a read-only disk"),
            Self::Dismiss(node) => write!(f, "dismiss {node}, and admit it again"),
            Self::Garbage { .. } => f.write_str("garbage to every port"),
            Self::Flood { to, connections } => write!(f, "{connections} connections to each port of {to}"),
            Self::Deluge { connections, .. } => {
                write!(f, "garbage to every port, on {connections} connections to each at a time")
            }
            Self::Requests { to, connections } => {
                write!(f, "requests to {to} from {connections} senders, as many as it takes")
            }
            Self::Release { node, previous, kindly } => write!(
                f,
                "{} {node} and start it from the {} release",
                if *kindly { "stop" } else { "kill -9" },
                if *previous { "previous" } else { "present" }
            ),
        }
    }
}

fn arrows(ways: &[(Node, Node)]) -> String {
    let all: Vec<String> = ways.iter().map(|(from, to)| format!("{from}→{to}")).collect();
    if all.len() > 6 {
        format!("{} and {} more ways", all[..4].join(" "), all.len() - 4)
    } else {
        all.join(" ")
    }
}
