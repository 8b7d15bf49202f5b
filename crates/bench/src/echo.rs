//! The limit of the path: the same clients, a broker that only forwards, and three servers that only echo.
//!
//! They live in a process of their own, as Papo's do.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, ExitCode, Stdio};
use std::thread;
use std::time::Duration;

use papo_processes::mortal;
use papo_service::Failure;
use papo_transport::{Frames, Kind, Net, SocketOptions, ZmqContext, ZmqNet};
use serde::Serialize;

use crate::Bench;
use crate::clients::{Plan, run};

/// How soon a request that no server could take is tried again.
const RETRY: Duration = Duration::from_millis(5);

/// What the path could do at most.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct EchoLimit {
    /// How many clients at a time.
    pub(crate) clients: usize,
    /// Answers a second.
    pub(crate) rate: f64,
    /// Median time to an answer, in milliseconds.
    pub(crate) p50_ms: f64,
}

struct EchoProcess(Child);

impl Drop for EchoProcess {
    fn drop(&mut self) {
        // It may have ended by itself; then there is nothing to stop.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Measures the limit for every number of clients.
pub(crate) fn limits(bench: &Bench) -> Result<Vec<EchoLimit>, Failure> {
    let settings = &bench.settings;
    let child = mortal(&std::env::current_exe()?)?
        .args(["bench", crate::ECHO])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut echo = EchoProcess(child);
    let stdout = echo.0.stdout.take().expect("it is piped");
    let mut line = String::new();
    BufReader::new(stdout).read_line(&mut line)?;
    let address: SocketAddr = line.trim().parse()?;
    let payload = crate::throughput::publish("alguém", settings.bytes);
    settings.clients.iter().map(|clients| limit(bench, address, *clients, &payload)).collect()
}

fn limit(bench: &Bench, address: SocketAddr, clients: usize, payload: &[u8]) -> Result<EchoLimit, Failure> {
    let plan = Plan {
        address,
        clients,
        warm_up: bench.settings.duration / 5,
        duration: bench.settings.duration,
        pause: Duration::ZERO,
        request: &|_, _| payload.to_vec(),
        accept: &mut |answer, _| answer.len() == payload.len(),
        enough: &|| false,
    };
    let run = run(bench, plan)?;
    let p50_ms = run.latency.value_at_quantile(0.5) as f64 / 1e6;
    Ok(EchoLimit { clients, rate: run.rate, p50_ms })
}

/// The process itself: tells its address on the first line, and echoes until it is killed.
pub(crate) fn be_echo() -> ExitCode {
    match serve() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("papo bench: the echo limit cannot be measured: {error}");
            ExitCode::FAILURE
        }
    }
}

fn serve() -> Result<(), Failure> {
    let context = ZmqContext::new();
    let mut net = ZmqNet::new(&context)?;
    let options = SocketOptions { send_queue: 20_000, receive_queue: 20_000, ..SocketOptions::default() };
    let front = net.open(Kind::Router, &options)?;
    let back = net.open(Kind::Dealer, &options)?;
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    let address = net.bind(front, any)?;
    let servers = net.bind(back, any)?;
    for _ in 0..3 {
        let context = ZmqContext::new();
        thread::spawn(move || echo(&context, servers));
    }
    println!("{address}");
    let mut ready = Vec::new();
    let mut held = VecDeque::new();
    loop {
        // Until the first server has connected there is nobody to forward to.
        net.wait((!held.is_empty()).then_some(RETRY), &mut ready);
        while let Some(frames) = held.pop_front() {
            if net.send(back, Frames::clone(&frames)).is_err() {
                held.push_front(frames);
                break;
            }
        }
        while let Some(frames) = net.receive(front) {
            if net.send(back, Frames::clone(&frames)).is_err() {
                held.push_back(frames);
            }
        }
        while let Some(frames) = net.receive(back) {
            // A client that left gets no answer; the run does not end with one waiting.
            let _ = net.send(front, frames);
        }
    }
}

fn echo(context: &ZmqContext, broker: SocketAddr) {
    let mut net = ZmqNet::new(context).expect("a thread may have sockets");
    let socket = net.open(Kind::Reply, &SocketOptions::default()).expect("a thread may have sockets");
    net.connect(socket, broker).expect("the address is our own");
    let mut ready = Vec::new();
    loop {
        net.wait(None, &mut ready);
        while let Some(frames) = net.receive(socket) {
            let _ = net.send(socket, frames);
        }
    }
}
