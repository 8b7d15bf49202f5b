//! The command line of each service.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::Shape;
use crate::{Error, Service, ports};

/// Where everything listens.
#[derive(Debug)]
pub(super) struct Ports {
    /// Client side, servidor side.
    pub(super) brokers: Vec<(u16, u16)>,
    /// Publishers' side, subscribers' side.
    pub(super) proxies: Vec<(u16, u16)>,
    referencia: u16,
    /// Direct, replication.
    servidores: Vec<(u16, u16)>,
    /// Probes and metrics, by name.
    http: BTreeMap<String, u16>,
    /// Drill hooks of servidores, by name.
    drill: BTreeMap<String, u16>,
}

impl Ports {
    pub(super) fn choose(shape: Shape) -> Result<Self, Error> {
        let pairs = |count| -> Result<Vec<(u16, u16)>, Error> {
            (0..count).map(|_| Ok((ports::try_free()?, ports::try_free()?))).collect()
        };
        let each = |names: Vec<String>| -> Result<BTreeMap<String, u16>, Error> {
            names.into_iter().map(|name| Ok((name, ports::try_free()?))).collect()
        };
        let servidores = shape.servidores + shape.newcomers;
        let hooked = if shape.drill_hooks { servidores } else { 0 };
        Ok(Self {
            brokers: pairs(shape.brokers)?,
            proxies: pairs(shape.proxies)?,
            referencia: ports::try_free()?,
            servidores: pairs(servidores)?,
            http: each(names(shape))?,
            drill: each(numbered("servidor", hooked).collect())?,
        })
    }

    /// Where a process has its pages.
    pub(super) fn http(&self, name: &str) -> Result<u16, Error> {
        self.http.get(name).copied().ok_or_else(|| Error::Unknown(name.to_owned()))
    }

    /// Where a servidor has its drill hooks.
    pub(super) fn drill(&self, servidor: &str) -> Result<u16, Error> {
        let port = self.drill.get(servidor).copied();
        port.ok_or_else(|| Error::Unknown(format!("{servidor} with drill hooks")))
    }

    /// Every port that speaks ZeroMQ's protocol.
    pub(super) fn all(&self) -> Vec<u16> {
        let pairs = self.brokers.iter().chain(&self.proxies).chain(&self.servidores);
        pairs.flat_map(|(one, other)| [*one, *other]).chain([self.referencia]).collect()
    }

    /// Where a servidor is asked directly.
    pub(super) fn servidor(&self, name: &str) -> Result<u16, Error> {
        let n = name.strip_prefix("servidor-").and_then(|n| n.parse::<usize>().ok());
        let ports = n.and_then(|n| self.servidores.get(n.checked_sub(1)?));
        ports.map(|ports| ports.0).ok_or_else(|| Error::Unknown(name.to_owned()))
    }
}

fn numbered(role: &str, count: usize) -> impl Iterator<Item = String> {
    (1..=count).map(move |n| format!("{role}-{n}"))
}

/// The names of all processes.
fn names(shape: Shape) -> Vec<String> {
    let several = [
        ("broker", shape.brokers),
        ("proxy", shape.proxies),
        ("servidor", shape.servidores + shape.newcomers),
    ];
    let numbered = several.into_iter().flat_map(|(role, count)| numbered(role, count));
    numbered.chain(["referencia".to_owned()]).collect()
}

/// The data directory of a servidor.
pub(super) fn data(directory: &Path, servidor: &str) -> PathBuf {
    directory.join("data").join(servidor)
}

/// Every service, not started yet.
pub(super) fn services(shape: Shape, ports: &Ports, directory: &Path) -> Result<Vec<Service>, Error> {
    let make = |name: &str, binary: &str, mut arguments: Vec<String>| {
        arguments.push("--log-format=human".to_owned());
        arguments.push(format!("--http=127.0.0.1:{}", ports.http(name)?));
        Service::new(name, binary, arguments, directory.join(format!("{name}.log")))
    };
    let mut all = vec![make("referencia", "referencia", referencia(ports))?];
    for n in 1..=shape.brokers {
        all.push(make(&format!("broker-{n}"), "broker", broker(ports, n))?);
    }
    for n in 1..=shape.proxies {
        all.push(make(&format!("proxy-{n}"), "proxy", proxy(ports, n))?);
    }
    for n in 1..=shape.servidores + shape.newcomers {
        let name = format!("servidor-{n}");
        all.push(make(&name, "servidor", servidor(shape, ports, directory, n))?);
    }
    Ok(all)
}

fn referencia(ports: &Ports) -> Vec<String> {
    vec!["--listen=127.0.0.1".into(), format!("--port={}", ports.referencia)]
}

fn broker(ports: &Ports, n: usize) -> Vec<String> {
    let (client, servidor) = ports.brokers[n - 1];
    vec![
        "--listen=127.0.0.1".into(),
        format!("--client-port={client}"),
        format!("--servidor-port={servidor}"),
    ]
}

fn proxy(ports: &Ports, n: usize) -> Vec<String> {
    let (publishers, subscribers) = ports.proxies[n - 1];
    vec![
        "--listen=127.0.0.1".into(),
        format!("--publisher-port={publishers}"),
        format!("--subscriber-port={subscribers}"),
    ]
}

fn servidor(shape: Shape, ports: &Ports, directory: &Path, n: usize) -> Vec<String> {
    let name = format!("servidor-{n}");
    let (direct, replication) = ports.servidores[n - 1];
    // Who comes later is configured with the longer list of its time.
    let genesis: Vec<String> = (1..=n.max(shape.servidores)).map(|n| format!("servidor-{n}")).collect();
    let at = |ports: &mut dyn Iterator<Item = u16>| -> String {
        let all: Vec<String> = ports.map(|port| format!("127.0.0.1:{port}")).collect();
        all.join(",")
    };
    let hooks = ports.drill.get(&name).map(|port| format!("--drill-listen=127.0.0.1:{port}"));
    let hooks = hooks.into_iter().flat_map(|listen| ["--drill-hooks=true".to_owned(), listen]);
    let own = vec![
        format!("--name={name}"),
        format!("--data={}", data(directory, &name).display()),
        "--listen=127.0.0.1".into(),
        format!("--port={direct}"),
        format!("--replication-port={replication}"),
        format!("--advertise=127.0.0.1:{direct}"),
        format!("--broker={}", at(&mut ports.brokers.iter().map(|ports| ports.1))),
        format!("--proxy={}", at(&mut ports.proxies.iter().map(|ports| ports.0))),
        format!("--referencia=127.0.0.1:{}", ports.referencia),
        format!("--genesis={}", genesis.join(",")),
    ];
    own.into_iter().chain(hooks).collect()
}
