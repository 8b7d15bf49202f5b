//! Where everything listens, and who is told which address of whom.

use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use papo_processes::{Process, free_port};
use papo_witness::Reach;

use crate::network::{From, Network, Node};

/// All clients together, as one end of a way.
pub(crate) const CLIENTS: &str = "clients";
/// The one referencia.
pub(crate) const REFERENCIA: &str = "referencia";

/// How many of each there are. There is always one referencia.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// `servidor-1`, ...: at most 100.
    pub servidores: u8,
    /// `broker-1`, ...
    pub brokers: u8,
    /// `proxy-1`, ...
    pub proxies: u8,
}

impl Default for Shape {
    /// What is deployed.
    fn default() -> Self {
        Self { servidores: 3, brokers: 2, proxies: 2 }
    }
}

impl Shape {
    /// Their names.
    pub fn servidores(self) -> Vec<Node> {
        numbered("servidor", self.servidores)
    }

    /// Their names.
    pub fn brokers(self) -> Vec<Node> {
        numbered("broker", self.brokers)
    }

    /// Their names.
    pub fn proxies(self) -> Vec<Node> {
        numbered("proxy", self.proxies)
    }

    /// Everything that is no servidor.
    pub fn front(self) -> Vec<Node> {
        [self.brokers(), self.proxies(), vec![REFERENCIA.to_owned()]].concat()
    }
}

fn numbered(role: &str, count: u8) -> Vec<Node> {
    (1..=count).map(|n| format!("{role}-{n}")).collect()
}

/// Where processes listen themselves.
#[derive(Debug)]
pub struct Ports {
    /// The two of each process: of a servidor those for others and for the log, of a broker those for clients and for servidores, of a
    /// proxy those for publishers and for subscribers, of the referencia twice the same.
    own: BTreeMap<Node, (u16, u16)>,
    http: BTreeMap<Node, u16>,
    /// Where clients are led through the network, by broker and proxy.
    clients: BTreeMap<Node, u16>,
}

impl Ports {
    pub(super) fn choose(shape: Shape) -> Self {
        let nodes = || shape.servidores().into_iter().chain(shape.front());
        let two = |node: Node| {
            let one = free_port();
            let other = if node == REFERENCIA { one } else { free_port() };
            (node, (one, other))
        };
        let clients = shape.brokers().into_iter().chain(shape.proxies());
        Self {
            own: nodes().map(two).collect(),
            http: nodes().map(|node| (node, free_port())).collect(),
            clients: clients.map(|node| (node, free_port())).collect(),
        }
    }

    pub(super) fn own(&self, node: &str) -> (u16, u16) {
        self.own[node]
    }

    pub(super) fn http(&self, node: &str) -> u16 {
        self.http[node]
    }

    pub(super) fn all(&self) -> Vec<(Node, u16)> {
        let own = self.own.iter().flat_map(|(node, (one, other))| {
            [Some(*one), (one != other).then_some(*other)].map(|port| Some((node.clone(), port?)))
        });
        let http = self.http.iter().map(|(node, port)| Some((node.clone(), *port)));
        own.chain(http).flatten().collect()
    }

    pub(super) fn reach(&self, shape: Shape) -> Reach {
        let led = |nodes: Vec<Node>| nodes.iter().map(|node| local(self.clients[node])).collect();
        let servidores = shape.servidores().into_iter();
        Reach {
            brokers: led(shape.brokers()),
            proxies: led(shape.proxies()),
            servidores: servidores.map(|name| (name.clone(), local(self.own[&name].0))).collect(),
        }
    }
}

fn local(port: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, port))
}

/// The address that all servidores are told of one: 127.0.1.n, on the ports that it has itself at 127.0.0.1, since the port for the log
/// goes by its own number.
fn advertised(shape: Shape, servidor: &str, port: u16) -> SocketAddr {
    let n = shape.servidores().iter().position(|name| name == servidor).expect("it is one of them");
    let n = u8::try_from(n + 1).expect("there are few");
    SocketAddr::from((Ipv4Addr::new(127, 0, 1, n), port))
}

/// Where each servidor is led to each process of the front: by who connects and to whom.
pub(super) type Paths = BTreeMap<(Node, Node), SocketAddr>;

/// Puts a listener of the network before every port but those of pages.
pub(super) fn listen(shape: Shape, ports: &Ports, network: &Network) -> io::Result<Paths> {
    for name in shape.servidores() {
        for port in [ports.own[&name].0, ports.own[&name].1] {
            network.listen(advertised(shape, &name, port), From::Owner, &name, local(port))?;
        }
    }
    for (node, port) in &ports.clients {
        let (one, other) = ports.own[node];
        let target = if node.starts_with("broker") { one } else { other };
        network.listen(local(*port), From::Always(CLIENTS.to_owned()), node, local(target))?;
    }
    let mut paths = Paths::new();
    for front in shape.front() {
        let (one, other) = ports.own[&front];
        let target = local(if front.starts_with("broker") { other } else { one });
        for servidor in shape.servidores() {
            let at = network.listen(local(0), From::Always(servidor.clone()), &front, target)?;
            paths.insert((servidor, front.clone()), at);
        }
    }
    Ok(paths)
}

/// Every process, not started yet.
pub(super) fn processes(
    shape: Shape,
    ports: &Ports,
    paths: &Paths,
    folder: &Path,
    data: &dyn Fn(&str) -> PathBuf,
) -> Vec<Process> {
    let own = |flags: [&str; 2], node: &str| {
        let (one, other) = ports.own[node];
        vec![format!("{}={one}", flags[0]), format!("{}={other}", flags[1])]
    };
    let make = |node: &str, binary: &str, mut arguments: Vec<String>| {
        arguments.extend(["--listen=127.0.0.1".to_owned(), "--log-format=human".to_owned()]);
        arguments.push(format!("--http=127.0.0.1:{}", ports.http(node)));
        Process::new(node, binary, arguments, folder.join(format!("{node}.log")))
    };
    let referencia = vec![format!("--port={}", ports.own[REFERENCIA].0)];
    let mut all = vec![make(REFERENCIA, "referencia", referencia)];
    for node in shape.brokers() {
        all.push(make(&node, "broker", own(["--client-port", "--servidor-port"], &node)));
    }
    for node in shape.proxies() {
        all.push(make(&node, "proxy", own(["--publisher-port", "--subscriber-port"], &node)));
    }
    for node in shape.servidores() {
        let led = |front: Vec<Node>| {
            let all: Vec<String> =
                front.into_iter().map(|front| paths[&(node.clone(), front)].to_string()).collect();
            all.join(",")
        };
        let at = |name: &str| advertised(shape, name, ports.own[name].0).to_string();
        let peers: Vec<String> =
            shape.servidores().iter().filter(|peer| **peer != node).map(|peer| at(peer)).collect();
        let mut arguments = own(["--port", "--replication-port"], &node);
        arguments.extend([
            format!("--name={node}"),
            format!("--data={}", data(&node).display()),
            format!("--advertise={}", at(&node)),
            format!("--broker={}", led(shape.brokers())),
            format!("--proxy={}", led(shape.proxies())),
            format!("--referencia={}", led(vec![REFERENCIA.to_owned()])),
            format!("--genesis={}", shape.servidores().join(",")),
        ]);
        if !peers.is_empty() {
            arguments.push(format!("--peers={}", peers.join(",")));
        }
        all.push(make(&node, "servidor", arguments));
    }
    all
}
