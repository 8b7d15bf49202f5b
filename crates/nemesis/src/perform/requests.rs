//! More well-formed requests than a broker is usually asked.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::ops::Add;
use std::time::Duration;

use super::flood::{End, Flood};
use super::garbage::{connect, greeting, ready_as};
use super::{Outcome, Undo, proof};
use crate::cluster::Cluster;
use crate::scrape::Metrics;

/// Requests that are sent before an answer is waited for.
const BURST: usize = 64;
/// One of so many is written to the log: a login under the name of the sender, which is refused from the second time on.
const WRITES: usize = 16;
/// Between two looks at a broker that is not there, or takes nothing.
const PAUSE: Duration = Duration::from_millis(50);

/// How it went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Tally {
    sent: usize,
    answered: usize,
}

/// Every other sender reads no answers. What they ask leaves no message behind, so that there is nothing to judge but whether
/// everybody else is served again.
pub(super) fn flood(cluster: &mut Cluster, to: &str, connections: usize) -> Result<Undo, Outcome> {
    cluster.note_deaths();
    let (port, http) = (cluster.client_port(to), cluster.http_port(to));
    let before = handled(http);
    let floods: Vec<Flood<Tally>> =
        (0..connections).map(|n| Flood::begin(move |end| sender(port, n, end))).collect();
    Ok(Box::new(move |_| {
        let Tally { sent, answered } = floods.into_iter().map(Flood::end).fold(Tally::default(), Tally::add);
        // Answers alone would not do: nobody has any while the servidores have no majority.
        let handled = handled(http) - before;
        let told = format!("{sent} requests were sent, {handled} handled, and {answered} answers read");
        proof(handled >= (BURST * connections) as f64, told)
    }))
}

/// How many requests a broker says that it handled, also by refusing them; none while it is away.
fn handled(http: u16) -> f64 {
    Metrics::of(http).map_or(0.0, |metrics| metrics.sum("papo_broker_requests_total"))
}

impl Add for Tally {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self { sent: self.sent + other.sent, answered: self.answered + other.answered }
    }
}

fn sender(port: u16, number: usize, end: &End) -> Tally {
    let burst: Vec<u8> = (0..BURST).flat_map(|n| framed(&request(number, n))).collect();
    let mut tally = Tally::default();
    while !end.within(PAUSE) {
        let Some(mut stream) = connect(port) else { continue };
        if stream.write_all(&[greeting(), ready_as(b"REQ")].concat()).is_ok() {
            tally = tally + talk(&mut stream, &burst, number.is_multiple_of(2), end);
        }
    }
    tally
}

/// Until the end, or until it is hung up on.
fn talk(stream: &mut TcpStream, burst: &[u8], reads: bool, end: &End) -> Tally {
    let (mut tally, mut answers) = (Tally::default(), Answers::default());
    while !end.within(Duration::ZERO) {
        match stream.write_all(burst) {
            Ok(()) => tally.sent += BURST,
            // Nothing is taken any more from somebody who reads nothing: so be it, but the connection stays. A part of a burst may
            // have gone, after which another one would mean nothing.
            Err(error) if is_slow(error.kind()) => {
                while !end.within(PAUSE) {}
                break;
            }
            Err(_) => break,
        }
        while reads && tally.answered < tally.sent {
            let mut bytes = [0; 16 << 10];
            match stream.read(&mut bytes) {
                Ok(0) => return tally,
                Ok(count) => tally.answered += answers.count(&bytes[..count]),
                Err(error) if is_slow(error.kind()) => break,
                Err(_) => return tally,
            }
        }
    }
    tally
}

fn is_slow(error: ErrorKind) -> bool {
    matches!(error, ErrorKind::WouldBlock | ErrorKind::TimedOut)
}

/// A request in MessagePack.
fn request(sender: usize, n: usize) -> Vec<u8> {
    let service = match n % WRITES {
        0 => "login",
        n => ["users", "channels", "status"][n % 3],
    };
    let mut bytes = vec![0x82];
    bytes.extend(text("service"));
    bytes.extend(text(service));
    bytes.extend(text("data"));
    if service == "login" {
        bytes.push(0x81);
        bytes.extend(text("user"));
        bytes.extend(text(&format!("enchente-{sender}")));
    } else {
        bytes.push(0x80);
    }
    bytes
}

/// A short one.
fn text(text: &str) -> Vec<u8> {
    let length = u8::try_from(text.len()).expect("it is short");
    [&[0xa0 | length], text.as_bytes()].concat()
}

/// As a REQ socket sends it: behind an empty frame.
fn framed(body: &[u8]) -> Vec<u8> {
    let length = u8::try_from(body.len()).expect("it is short");
    [&[MORE, 0, 0, length], body].concat()
}

/// Another frame of the same message follows.
const MORE: u8 = 1;
/// The length takes eight bytes.
const LONG: u8 = 2;
/// It is none of a message.
const COMMAND: u8 = 4;

/// Tells messages apart in a stream.
#[derive(Default)]
struct Answers {
    /// The greeting is not counted yet, or it is.
    greeted: bool,
    held: Vec<u8>,
    /// Bytes of the present frame that are still to come.
    rest: usize,
}

impl Answers {
    /// How many messages begin their last frame in these bytes.
    fn count(&mut self, bytes: &[u8]) -> usize {
        self.held.extend(bytes);
        let (mut at, mut count) = (0, 0);
        if !self.greeted && self.held.len() >= greeting().len() {
            (at, self.greeted) = (greeting().len(), true);
        }
        while self.greeted {
            let skipped = self.rest.min(self.held.len() - at);
            (at, self.rest) = (at + skipped, self.rest - skipped);
            let Some((flags, head, length)) = head(&self.held[at..]).filter(|_| self.rest == 0) else {
                break;
            };
            count += usize::from(flags & (MORE | COMMAND) == 0);
            (at, self.rest) = (at + head, length);
        }
        self.held.drain(..at);
        count
    }
}

/// Flags of a frame, the length of its head, and that of its body.
fn head(bytes: &[u8]) -> Option<(u8, usize, usize)> {
    let flags = *bytes.first()?;
    if flags & LONG == 0 {
        return Some((flags, 2, usize::from(*bytes.get(1)?)));
    }
    let length = u64::from_be_bytes(bytes.get(1..9)?.try_into().ok()?);
    Some((flags, 9, usize::try_from(length).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_counted_however_they_are_cut() {
        let long = [&[LONG][..], &300_u64.to_be_bytes(), &[7; 300]].concat();
        let stream = [greeting(), ready_as(b"ROUTER"), framed(b"one"), vec![MORE, 0], long, framed(b"three")];
        let stream = stream.concat();
        for piece in [1, 2, 7, 64, stream.len()] {
            let mut answers = Answers::default();
            let count: usize = stream.chunks(piece).map(|bytes| answers.count(bytes)).sum();
            assert_eq!(count, 3, "in pieces of {piece}");
        }
    }

    #[test]
    fn requests_are_what_the_protocol_says() {
        assert_eq!(request(0, 3), b"\x82\xa7service\xa5users\xa4data\x80");
        assert_eq!(request(3, 0), b"\x82\xa7service\xa5login\xa4data\x81\xa4user\xaaenchente-3");
        assert_eq!(framed(b"ab"), [1, 0, 0, 2, b'a', b'b']);
    }
}
