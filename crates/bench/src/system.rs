//! The system under test.

use std::net::{Ipv4Addr, SocketAddr};
use std::ops::{Deref, DerefMut};
use std::time::Duration;

use papo_processes::{Asker, Shape};
use papo_service::Failure;
use serde_json::json;

use crate::Bench;

/// The channel that everything is said in.
pub(crate) const CHANNEL: &str = "medida";
/// How long the first answer may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// A running Papo, in which there is the [`CHANNEL`].
pub(crate) struct System(papo_processes::System);

impl System {
    /// Three servidores, a broker and a proxy, on the disk to be measured.
    pub(crate) fn start(bench: &Bench) -> Result<Self, Failure> {
        Self::start_as(Shape { brokers: 1, proxies: 1, ..Shape::default() }, bench)
    }

    /// The same with other numbers.
    pub(crate) fn start_as(shape: Shape, bench: &Bench) -> Result<Self, Failure> {
        bench.go_on()?;
        let system = Self(papo_processes::System::start(shape, &bench.settings.dir)?);
        let mut asker = Asker::new(system.broker().port());
        match asker.try_ask("channel", &json!({"channel": CHANNEL}), PATIENCE)? {
            Some(answer) if answer.is_ok() => Ok(system),
            Some(answer) => Err(Failure::failed(format!("there is no channel: {}", answer.description()))),
            None => Err(Failure::failed("the system did not answer")),
        }
    }

    /// Where plain clients ask.
    pub(crate) fn broker(&self) -> SocketAddr {
        at(self.broker_ports().first().copied().unwrap_or_default())
    }

    /// Where plain clients listen.
    pub(crate) fn proxy(&self) -> SocketAddr {
        at(self.proxy_ports().first().copied().unwrap_or_default())
    }

    /// The failure, after the services' last words, unless somebody wants no more: then nothing is wrong with them.
    pub(crate) fn failed(mut self, failure: Failure, bench: &Bench) -> Failure {
        if !bench.shutdown.is_requested() {
            self.tell_failure();
        }
        failure
    }
}

impl Deref for System {
    type Target = papo_processes::System;

    fn deref(&self) -> &papo_processes::System {
        &self.0
    }
}

impl DerefMut for System {
    fn deref_mut(&mut self) -> &mut papo_processes::System {
        &mut self.0
    }
}

/// That port of this machine.
pub(crate) fn at(port: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, port))
}
