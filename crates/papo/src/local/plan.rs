//! What is to run, with which command line.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use papo_service::Failure;
use papo_transport::HostPort;

use super::ports::{Ports, occupied};

/// The system to be run.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plan<'a> {
    pub(super) home: &'a Path,
    pub(super) programs: &'a Path,
    pub(super) ports: Ports,
    pub(super) servidores: u16,
    pub(super) brokers: u16,
    pub(super) proxies: u16,
}

/// One process of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Program {
    /// Unique: the service, and its number if there may be several.
    pub(super) name: String,
    pub(super) path: PathBuf,
    pub(super) arguments: Vec<OsString>,
    pub(super) listens: Vec<(&'static str, SocketAddr)>,
    /// Whether others may need it while they stop.
    pub(super) role: Role,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Role {
    /// Stopped first: it answers what is in flight through the others.
    Servidor,
    /// Stopped last.
    Support,
}

/// The directory of this program's file.
pub(super) fn beside_this_program() -> Result<PathBuf, Failure> {
    let this = std::env::current_exe()?;
    let directory = this.parent().ok_or_else(|| Failure::failed("this program is in no directory"))?;
    Ok(directory.to_owned())
}

impl Plan<'_> {
    /// Tells everything that stands in the way before anything is started: programs that are missing, ports in use.
    pub(super) fn check(&self, with_client: bool) -> Result<(), Failure> {
        let mut obstacles = Vec::new();
        let mut programs: Vec<PathBuf> = self.services().into_iter().map(|program| program.path).collect();
        programs.extend(with_client.then(|| self.client().path));
        programs.dedup();
        for path in programs.iter().filter(|path| !path.is_file()) {
            obstacles.push(format!("{} is not there: build it with `make build`", path.display()));
        }
        for program in self.services() {
            for (purpose, address) in program.listens {
                if let Some(error) = occupied(address) {
                    obstacles.push(format!("{}: port {} ({purpose}): {error}", program.name, address.port()));
                }
            }
        }
        if obstacles.is_empty() {
            return Ok(());
        }
        let hint = "another system may be running; `--ports` moves this one, as `--ports 15555`";
        Err(Failure::config(format!("nothing was started\n  {}\n  {hint}", obstacles.join("\n  "))))
    }

    /// The services in the order in which they start.
    pub(super) fn services(&self) -> Vec<Program> {
        let proxies = (1..=self.proxies).map(|number| self.proxy(number));
        let brokers = (1..=self.brokers).map(|number| self.broker(number));
        let servidores = (1..=self.servidores).map(|number| self.servidor(number));
        std::iter::once(self.referencia()).chain(proxies).chain(brokers).chain(servidores).collect()
    }

    /// The names of all servidores, and where each is asked directly.
    pub(super) fn servidores(&self) -> Vec<(String, HostPort)> {
        (1..=self.servidores).map(|n| (servidor_name(n), self.ports.servidor(n).into())).collect()
    }

    /// The client that is attached to the terminal.
    pub(super) fn client(&self) -> Program {
        let brokers = list((1..=self.brokers).map(|number| self.ports.broker_clients(number)));
        let proxies = list((1..=self.proxies).map(|number| self.ports.proxy_subscribers(number)));
        self.program(
            "cliente",
            "cliente",
            &[("broker", brokers), ("proxy", proxies)],
            Vec::new(),
            Role::Support,
        )
    }

    fn referencia(&self) -> Program {
        let address = self.ports.referencia();
        let options = [("listen", address.ip().to_string()), ("port", address.port().to_string())];
        self.program("referencia", "referencia", &options, vec![("servidores", address)], Role::Support)
    }

    fn proxy(&self, number: u16) -> Program {
        let (publishers, subscribers) =
            (self.ports.proxy_publishers(number), self.ports.proxy_subscribers(number));
        let options = [
            ("listen", publishers.ip().to_string()),
            ("publisher-port", publishers.port().to_string()),
            ("subscriber-port", subscribers.port().to_string()),
        ];
        let listens = vec![("publishers", publishers), ("subscribers", subscribers)];
        self.program("proxy", &numbered("proxy", number, self.proxies), &options, listens, Role::Support)
    }

    fn broker(&self, number: u16) -> Program {
        let (clients, servidores) = (self.ports.broker_clients(number), self.ports.broker_servidores(number));
        let options = [
            ("listen", clients.ip().to_string()),
            ("client-port", clients.port().to_string()),
            ("servidor-port", servidores.port().to_string()),
        ];
        let listens = vec![("clients", clients), ("servidores", servidores)];
        self.program("broker", &numbered("broker", number, self.brokers), &options, listens, Role::Support)
    }

    fn servidor(&self, number: u16) -> Program {
        let name = servidor_name(number);
        let (address, replication) = (self.ports.servidor(number), self.ports.replication(number));
        let others = (1..=self.servidores).filter(|other| *other != number);
        let names: Vec<String> = (1..=self.servidores).map(servidor_name).collect();
        let options = [
            ("name", name.clone()),
            ("data", self.home.join(&name).display().to_string()),
            ("listen", address.ip().to_string()),
            ("port", address.port().to_string()),
            ("replication-port", replication.port().to_string()),
            ("advertise", address.to_string()),
            ("broker", list((1..=self.brokers).map(|number| self.ports.broker_servidores(number)))),
            ("proxy", list((1..=self.proxies).map(|number| self.ports.proxy_publishers(number)))),
            ("referencia", self.ports.referencia().to_string()),
            ("peers", list(others.map(|other| self.ports.servidor(other)))),
            ("genesis", names.join(",")),
        ];
        let listens = vec![("servidores", address), ("replication", replication)];
        self.program("servidor", &name, &options, listens, Role::Servidor)
    }

    fn program(
        &self,
        program: &str,
        name: &str,
        options: &[(&str, String)],
        listens: Vec<(&'static str, SocketAddr)>,
        role: Role,
    ) -> Program {
        let given = options.iter().filter(|(_, value)| !value.is_empty());
        let mut arguments: Vec<OsString> =
            given.map(|(key, value)| format!("--{key}={value}").into()).collect();
        // People read these logs, though they go to files.
        arguments.push("--log-format=human".into());
        Program { name: name.to_owned(), path: self.programs.join(program), arguments, listens, role }
    }
}

/// The name of the directory of its data, too.
pub(super) fn servidor_name(number: u16) -> String {
    format!("servidor-{number}")
}

fn numbered(service: &str, number: u16, of: u16) -> String {
    if of == 1 { service.to_owned() } else { format!("{service}-{number}") }
}

fn list(addresses: impl Iterator<Item = SocketAddr>) -> String {
    addresses.map(|address| address.to_string()).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    fn plan(home: &Path, lowest: u16) -> Plan<'_> {
        Plan { home, programs: home, ports: Ports::new(lowest), servidores: 3, brokers: 2, proxies: 1 }
    }

    #[test]
    fn every_service_is_told_where_the_others_are() {
        let plan = plan(Path::new("data"), 5555);
        let names: Vec<String> = plan.services().into_iter().map(|program| program.name).collect();
        assert_eq!(
            names,
            ["referencia", "proxy", "broker-1", "broker-2", "servidor-1", "servidor-2", "servidor-3"]
        );
        let second = &plan.services()[5];
        for argument in [
            "--name=servidor-2",
            "--data=data/servidor-2",
            "--port=5590",
            "--advertise=127.0.0.1:5590",
            "--broker=127.0.0.1:5558,127.0.0.1:5758",
            "--proxy=127.0.0.1:5555",
            "--peers=127.0.0.1:5580,127.0.0.1:5600",
            "--genesis=servidor-1,servidor-2,servidor-3",
        ] {
            assert!(
                second.arguments.contains(&argument.into()),
                "{argument} is not in {:?}",
                second.arguments
            );
        }
    }

    #[test]
    fn a_lone_servidor_has_no_peers() {
        let plan = Plan { servidores: 1, ..plan(Path::new("data"), 5555) };
        let last = plan.services().pop().expect("a servidor");
        assert!(!last.arguments.iter().any(|argument| argument.to_string_lossy().starts_with("--peers")));
    }

    #[test]
    fn all_obstacles_are_told_before_anything_starts() {
        let home = tempfile::tempdir().expect("a directory");
        let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = taken.local_addr().expect("an address").port();
        // Clients of the first broker are two above the lowest.
        let failure = plan(home.path(), port - 2).check(true).expect_err("obstacles").to_string();
        assert!(failure.contains(&format!("broker-1: port {port} (clients)")), "{failure}");
        assert!(
            failure.contains("servidor is not there") && failure.contains("cliente is not there"),
            "{failure}"
        );
    }
}
