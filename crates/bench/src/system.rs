//! The system under test.

use std::net::SocketAddr;
use std::time::Instant;

use papo_processes::{Cluster, Shape};
use papo_service::Failure;
use papo_wire::names;
use papo_wire::request::{Body, Request};

use crate::clients::{Plan, run};
use crate::report::Report;

/// The channel that everything is said in.
pub(crate) const CHANNEL: &str = "medida";

/// Three servidores, a broker and a proxy.
pub(crate) struct System {
    pub(crate) cluster: Cluster,
}

impl System {
    /// Starts them, and makes the channel.
    pub(crate) fn start(report: &mut Report) -> Result<Self, Failure> {
        let start = Instant::now();
        let cluster = Cluster::start_as(Shape { brokers: 1, proxies: 1, ..Shape::default() });
        report.start_s = start.elapsed().as_secs_f64();
        let system = Self { cluster };
        let channel = names::parse(CHANNEL)?;
        system.ask_once(&Request::new(Body::Channel { channel, user: None }))?;
        Ok(system)
    }

    /// Where clients ask.
    pub(crate) fn broker(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.cluster.broker_port(1)))
    }

    fn ask_once(&self, request: &Request) -> Result<(), Failure> {
        let payload = request.encode();
        let mut accepted = 0;
        run(Plan {
            address: self.broker(),
            clients: 1,
            warm_up: std::time::Duration::ZERO,
            duration: std::time::Duration::from_millis(300),
            pause: std::time::Duration::from_secs(60),
            request: &|_, _| payload.clone(),
            accept: &mut |_, _| {
                accepted += 1;
                true
            },
        })?;
        if accepted == 0 { Err(Failure::failed("the system did not answer")) } else { Ok(()) }
    }
}
