//! Starting everything, breaking it, and waiting until it is whole, without a panic: whatever fails is told.

mod flags;
mod status;

use std::collections::BTreeMap;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use papo_witness::Reach;
use serde_json::json;
use tempfile::TempDir;

use crate::{Asker, Ended, Error, Service, wait_for};
use flags::Ports;
pub use status::{Member, Status};

/// How many of each there are. There is always one referencia.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// `servidor-1`, `servidor-2`, ...
    pub servidores: usize,
    /// `broker-1`, ...
    pub brokers: usize,
    /// `proxy-1`, ...
    pub proxies: usize,
    /// How many more servidores there are that are no founders; they are not started by themselves, nor expected to be members.
    pub newcomers: usize,
    /// Whether servidores have drill hooks. Each is then two processes, of which the outer one is seen here.
    pub drill_hooks: bool,
}

impl Default for Shape {
    /// What the design deploys: three servidores, two brokers, two proxies.
    fn default() -> Self {
        Self { servidores: 3, newcomers: 0, brokers: 2, proxies: 2, drill_hooks: false }
    }
}

/// A running Papo in a directory of its own, which is deleted with it.
///
/// What was started dies with this, and with the thread that started it.
#[derive(Debug)]
pub struct System {
    /// Who is to be a member.
    members: Vec<String>,
    ports: Ports,
    /// Before the directory, so that nobody writes there any more when it is deleted.
    services: BTreeMap<String, Service>,
    directory: TempDir,
}

/// How long anything may take that this machine, loaded, has to get done. Generous: it only ends what fails.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
/// How long one servidor may take to answer a question about itself.
const ANSWER: Duration = Duration::from_millis(500);
/// How many lines of each log a failure shows.
const TAIL: usize = 25;
/// With this in the environment, what fails leaves its directory behind.
const KEEP: &str = "PAPO_KEEP";

impl System {
    /// Starts everything, with a directory inside of `place`, and returns when every servidor is a member and every broker answers.
    ///
    /// # Errors
    /// That does not come to pass.
    pub fn start(shape: Shape, place: &Path) -> Result<Self, Error> {
        let mut system = Self::lay_out(shape, place)?;
        system.start_all()?;
        match system.wait_until_whole() {
            Ok(()) => Ok(system),
            Err(error) => {
                system.tell_failure();
                Err(error)
            }
        }
    }

    /// Everything, with a directory inside of `place`, but not started.
    ///
    /// # Errors
    /// There are no ports or no programs, or the directory cannot be made.
    pub fn lay_out(shape: Shape, place: &Path) -> Result<Self, Error> {
        let directory = tempfile::Builder::new().prefix("papo-processes-").tempdir_in(place);
        let directory =
            directory.map_err(Error::io(format!("cannot make a folder in {}", place.display())))?;
        let ports = Ports::choose(shape)?;
        let services = flags::services(shape, &ports, directory.path())?;
        let services = services.into_iter().map(|service| (service.name().to_owned(), service)).collect();
        let members = (1..=shape.servidores).map(|n| format!("servidor-{n}")).collect();
        Ok(Self { members, ports, services, directory })
    }

    /// The names of everything, servidores first.
    pub fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = self.services.keys().cloned().collect();
        names.sort_by_key(|name| (!name.starts_with("servidor"), name.clone()));
        names
    }

    /// The names of the servidores that are to be members.
    pub fn servidores(&self) -> Vec<String> {
        self.members.clone()
    }

    /// From now on these are to be members: they are what the system is whole with, and whose histories are read.
    pub fn expect_members(&mut self, servidores: &[&str]) {
        self.members = servidores.iter().map(|name| (*name).to_owned()).collect();
    }

    /// A folder for whatever is to be kept until the system is gone.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// All client ports of brokers.
    pub fn broker_ports(&self) -> Vec<u16> {
        self.ports.brokers.iter().map(|ports| ports.0).collect()
    }

    /// All subscribers' ports of proxies.
    pub fn proxy_ports(&self) -> Vec<u16> {
        self.ports.proxies.iter().map(|ports| ports.1).collect()
    }

    /// Every port on which ZeroMQ is spoken: all but those of pages and hooks.
    pub fn all_ports(&self) -> Vec<u16> {
        self.ports.all()
    }

    /// The port of a servidor that answers questions about itself.
    ///
    /// # Errors
    /// There is no such servidor.
    pub fn servidor_port(&self, servidor: &str) -> Result<u16, Error> {
        self.ports.servidor(servidor)
    }

    /// The port of a service's pages: probes and metrics.
    ///
    /// # Errors
    /// There is no such service.
    pub fn http_port(&self, name: &str) -> Result<u16, Error> {
        self.ports.http(name)
    }

    /// The port of a servidor's drill hooks.
    ///
    /// # Errors
    /// It has none.
    pub fn drill_port(&self, servidor: &str) -> Result<u16, Error> {
        self.ports.drill(servidor)
    }

    /// The process ids of everything that was started, by name.
    pub fn pids(&self) -> Vec<(String, u32)> {
        let started = self.services.iter().filter_map(|(name, service)| Some((name.clone(), service.pid()?)));
        started.collect()
    }

    /// The data directory of a servidor.
    pub fn data(&self, servidor: &str) -> PathBuf {
        flags::data(self.directory.path(), servidor)
    }

    /// One of the services, to be looked at.
    ///
    /// # Errors
    /// There is no such service.
    pub fn service(&self, name: &str) -> Result<&Service, Error> {
        self.services.get(name).ok_or_else(|| Error::Unknown(name.to_owned()))
    }

    /// One of the services, to do something to it.
    ///
    /// # Errors
    /// There is no such service.
    pub fn service_mut(&mut self, name: &str) -> Result<&mut Service, Error> {
        self.services.get_mut(name).ok_or_else(|| Error::Unknown(name.to_owned()))
    }

    /// Starts everything that is not running, but for servidores that are not to be members.
    ///
    /// # Errors
    /// Something cannot be started.
    pub fn start_all(&mut self) -> Result<(), Error> {
        let members = &self.members;
        let due = |name: &str| !name.starts_with("servidor-") || members.iter().any(|member| member == name);
        let idle = self.services.values_mut().filter(|service| !service.is_started());
        idle.filter(|service| due(service.name())).try_for_each(Service::start)
    }

    /// kill -9.
    ///
    /// # Errors
    /// There is no such service.
    pub fn kill9(&mut self, name: &str) -> Result<Option<Ended>, Error> {
        self.service_mut(name)?.kill9()
    }

    /// Takes a servidor's disk away, which must not be running.
    ///
    /// # Errors
    /// It runs, or had no disk.
    pub fn wipe_data(&mut self, servidor: &str) -> Result<(), Error> {
        if self.is_running(servidor)? {
            return Err(Error::Runs(servidor.to_owned()));
        }
        let data = self.data(servidor);
        fs::remove_dir_all(&data).map_err(Error::io(format!("cannot delete {}", data.display())))
    }

    /// What a servidor says of itself; `None` when it says nothing.
    ///
    /// # Errors
    /// There is no such servidor, or no socket.
    pub fn status(&self, servidor: &str) -> Result<Option<Status>, Error> {
        let mut asker = Asker::new(self.servidor_port(servidor)?);
        Ok(asker.try_ask_as("status", &json!({}), ANSWER)?.map(status::data))
    }

    /// The servidor that coordinates, waiting until one does that all running servidores agree on.
    ///
    /// # Errors
    /// They do not agree.
    pub fn coordinator(&mut self) -> Result<String, Error> {
        let running = self.running_servidores()?;
        wait_for("one servidor coordinates, in the eyes of all that run", PATIENCE, || {
            Ok(self.statuses(&running)?.and_then(|statuses| status::coordinator(&statuses)))
        })
    }

    /// A servidor that runs and does not coordinate.
    ///
    /// # Errors
    /// There is none, or nobody coordinates.
    pub fn follower(&mut self) -> Result<String, Error> {
        let coordinator = self.coordinator()?;
        let follower = self.running_servidores()?.into_iter().find(|name| *name != coordinator);
        follower.ok_or_else(|| Error::Unknown("follower".to_owned()))
    }

    /// Waits until everything that runs works: all servidores are members under one coordinator, and every broker answers.
    ///
    /// # Errors
    /// That does not come to pass, or something that was started has ended by itself.
    pub fn wait_until_whole(&mut self) -> Result<(), Error> {
        let all = self.servidores();
        wait_for("all servidores are members under one coordinator", PATIENCE, || {
            self.check_that_nothing_died()?;
            let whole = |statuses: &Vec<Status>| status::are_whole(statuses, all.len());
            Ok(self.statuses(&all)?.filter(whole).map(drop))
        })?;
        for port in self.broker_ports() {
            wait_for(&format!("the broker at {port} answers"), PATIENCE, || {
                self.check_that_nothing_died()?;
                let answer = Asker::new(port).try_ask("users", &json!({}), ANSWER)?;
                Ok(answer.filter(|answer| answer.data["users"].is_array()).map(drop))
            })?;
        }
        Ok(())
    }

    /// Where everything is, for a witness.
    ///
    /// # Errors
    /// Somebody is to be a member that does not exist.
    pub fn reach(&self) -> Result<Reach, Error> {
        let at = |port: u16| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let servidores = self.servidores().into_iter().map(|name| {
            let address = at(self.servidor_port(&name)?);
            Ok((name, address))
        });
        Ok(Reach {
            brokers: self.broker_ports().into_iter().map(at).collect(),
            proxies: self.proxy_ports().into_iter().map(at).collect(),
            servidores: servidores.collect::<Result<_, Error>>()?,
        })
    }

    /// To be called when something went wrong: prints the end of every log on standard error, and leaves the directory behind if
    /// `PAPO_KEEP` is in the environment.
    pub fn tell_failure(&mut self) {
        for service in self.services.values() {
            eprintln!("--- the end of the log of {}:\n{}", service.name(), service.log_tail(TAIL));
        }
        if std::env::var_os(KEEP).is_some() {
            self.directory.disable_cleanup(true);
            eprintln!("--- data, ledgers and logs are kept in {}", self.directory.path().display());
        }
    }

    /// The status of each; `None` when one does not answer.
    fn statuses(&self, servidores: &[String]) -> Result<Option<Vec<Status>>, Error> {
        servidores.iter().map(|name| self.status(name)).collect()
    }

    fn running_servidores(&mut self) -> Result<Vec<String>, Error> {
        let mut running = Vec::new();
        for name in self.servidores() {
            if self.is_running(&name)? {
                running.push(name);
            }
        }
        Ok(running)
    }

    fn is_running(&mut self, name: &str) -> Result<bool, Error> {
        let service = self.service_mut(name)?;
        Ok(service.is_started() && service.ended()?.is_none())
    }

    fn check_that_nothing_died(&mut self) -> Result<(), Error> {
        for service in self.services.values_mut() {
            if let Some(ended) = service.ended()? {
                let (name, tail) = (service.name().to_owned(), service.log_tail(TAIL));
                return Err(Error::Died { name, ended, tail });
            }
        }
        Ok(())
    }
}
