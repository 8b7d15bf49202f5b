//! What nobody should send, to every port: a few times, or on many connections at a time for as long as it goes on.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use fastrand::Rng;

use super::flood::{End, Flood};
use super::{Outcome, Undo, proof};
use crate::cluster::Cluster;

/// How long a port may take to accept, and for how long an answer is read.
pub(super) const LIMIT: Duration = Duration::from_millis(300);
/// Between two waves of a flood: thousands of connections a second would use up the ports of this machine, which others need.
const WAVE: Duration = Duration::from_millis(20);
/// How many times each port is sent something.
const TIMES: usize = 4;
/// The greeting of ZMTP 3.0 without security, as a whole.
pub(super) const GREETING: usize = 64;

/// How it went at one port.
#[derive(Clone, Copy, Default)]
struct Tally {
    sent: usize,
    hung_up: usize,
    away: usize,
}

pub(super) fn to_everybody(cluster: &mut Cluster, seed: u64) -> Result<Undo, Outcome> {
    cluster.note_deaths();
    let mut dice = Rng::with_seed(seed);
    let ports = cluster.ports().into_iter();
    let threads: Vec<JoinHandle<Tally>> = ports
        .map(|(_, port)| {
            let all: Vec<Vec<u8>> = (0..TIMES).map(|_| nonsense(&mut dice)).collect();
            thread::spawn(move || to_port(port, &all))
        })
        .collect();
    Ok(Box::new(move |_| {
        let mut all = Tally::default();
        for tally in threads.into_iter().filter_map(|thread| thread.join().ok()) {
            all.sent += tally.sent;
            all.hung_up += tally.hung_up;
            all.away += tally.away;
        }
        let Tally { sent, hung_up, away } = all;
        proof(
            sent > 0,
            format!(
                "{sent} times, of which {hung_up} were hung up on at once; {away} times nobody was there"
            ),
        )
    }))
}

/// Goes on until it is undone. Everybody is sent something at the same time, so that nobody is spared because others are slow.
pub(super) fn deluge(cluster: &mut Cluster, seed: u64, connections: usize) -> Result<Undo, Outcome> {
    cluster.note_deaths();
    let mut dice = Rng::with_seed(seed);
    let floods: Vec<Flood<Tally>> = cluster
        .ports()
        .into_iter()
        .map(|(_, port)| {
            let dice = Rng::with_seed(dice.u64(..));
            Flood::begin(move |end| pour(port, connections, dice, end))
        })
        .collect();
    Ok(Box::new(move |_| {
        let tallies: Vec<Tally> = floods.into_iter().map(Flood::end).collect();
        let reached = tallies.iter().filter(|tally| tally.sent > 0).count();
        let sent: usize = tallies.iter().map(|tally| tally.sent).sum();
        proof(reached > tallies.len() / 2, format!("{sent} times to {reached} of {} ports", tallies.len()))
    }))
}

/// One wave of connections after another.
fn pour(port: u16, connections: usize, mut dice: Rng, end: &End) -> Tally {
    let mut tally = Tally::default();
    while !end.within(WAVE) {
        let open: Vec<TcpStream> = (0..connections).map_while(|_| connect(port)).collect();
        tally.away += connections - open.len();
        for mut stream in &open {
            // Hung up on in the middle of it is as good.
            tally.sent += usize::from(stream.write_all(&nonsense(&mut dice)).is_ok());
        }
    }
    tally
}

fn to_port(port: u16, all: &[Vec<u8>]) -> Tally {
    let mut tally = Tally::default();
    for nonsense in all {
        match send(port, nonsense) {
            Some(hung_up) => {
                tally.sent += 1;
                tally.hung_up += usize::from(hung_up);
            }
            None => tally.away += 1,
        }
    }
    tally
}

/// Whether it was hung up on; `None` when nobody takes it.
fn send(port: u16, what: &[u8]) -> Option<bool> {
    let mut stream = connect(port)?;
    // Hung up on in the middle of it is as good.
    let written = stream.write_all(what);
    let (mut answer, began) = ([0; 256], Instant::now());
    loop {
        if began.elapsed() > LIMIT {
            return Some(false);
        }
        match stream.read(&mut answer) {
            Ok(0) => return Some(true),
            Ok(_) => {}
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                return written.is_ok().then_some(false);
            }
            Err(_) => return Some(true),
        }
    }
}

pub(super) fn connect(port: u16) -> Option<TcpStream> {
    let stream = TcpStream::connect_timeout(&SocketAddr::from((Ipv4Addr::LOCALHOST, port)), LIMIT).ok()?;
    stream.set_read_timeout(Some(LIMIT / 3)).and(stream.set_write_timeout(Some(LIMIT))).ok()?;
    Some(stream)
}

fn nonsense(dice: &mut Rng) -> Vec<u8> {
    let random =
        |dice: &mut Rng, most: usize| -> Vec<u8> { (0..dice.usize(1..=most)).map(|_| dice.u8(..)).collect() };
    match dice.u8(..8) {
        0 => random(dice, 4096),
        // A part of the greeting, and silence.
        1 => greeting()[..dice.usize(1..GREETING)].to_vec(),
        // The greeting, and what is no command.
        2 => [greeting(), random(dice, 512)].concat(),
        3 => [greeting(), ready(dice), oversized(dice)].concat(),
        4 => [greeting(), ready(dice), frame(&random(dice, 2000)), frame(&random(dice, 100))].concat(),
        // Many frames of one message, which has no end.
        5 => {
            let part = [1, 1, 7];
            [greeting(), ready(dice), part.repeat(dice.usize(1..5000))].concat()
        }
        6 => b"GET / HTTP/1.1\r\nHost: papo\r\n\r\n".to_vec(),
        // One long line without an end.
        _ => vec![b'A'; dice.usize(1..100_000)],
    }
}

pub(super) fn greeting() -> Vec<u8> {
    let mut greeting = vec![0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f, 3, 0];
    greeting.extend(b"NULL");
    greeting.resize(GREETING, 0);
    greeting
}

/// [`ready_as`] some kind of socket.
fn ready(dice: &mut Rng) -> Vec<u8> {
    let kinds: [&[u8]; 6] = [b"DEALER", b"REQ", b"ROUTER", b"SUB", b"XPUB", b"NOTHING"];
    ready_as(kinds[dice.usize(..kinds.len())])
}

/// The command that ends the handshake.
pub(super) fn ready_as(kind: &[u8]) -> Vec<u8> {
    let mut body = b"\x05READY\x0bSocket-Type".to_vec();
    body.extend(u32::try_from(kind.len()).expect("a word").to_be_bytes());
    body.extend(kind);
    let length = u8::try_from(body.len()).expect("it is short");
    [vec![4, length], body].concat()
}

fn frame(body: &[u8]) -> Vec<u8> {
    [&[2][..], &(body.len() as u64).to_be_bytes(), body].concat()
}

/// A frame that says it is far longer than anything is allowed to be, and a beginning of it.
fn oversized(dice: &mut Rng) -> Vec<u8> {
    let length: u64 = match dice.u8(..3) {
        0 => u64::MAX,
        1 => 1 << 40,
        _ => 1 << dice.u8(25..63),
    };
    [&[2][..], &length.to_be_bytes(), &[0; 100]].concat()
}
