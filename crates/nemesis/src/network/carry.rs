//! One connection: two pumps.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::watch;
use tokio::time::sleep;

use super::way::{Rule, Way};

/// The largest piece that is carried at a time.
const PIECE: usize = 64 << 10;

/// Leads a connection on to `target`, until either end closes it or a way breaks. No error is told to anybody but the two ends, which
/// see the connection close.
pub(super) async fn carry(client: TcpStream, target: SocketAddr, there: Way, back: Way) {
    for way in [&there, &back] {
        if *way.rule().borrow() == Rule::Broken {
            way.note_broken();
            return refuse().await;
        }
    }
    let Ok(server) = TcpStream::connect(target).await else { return refuse().await };
    // As libzmq does: small messages leave at once.
    if client.set_nodelay(true).and(server.set_nodelay(true)).is_err() {
        return;
    }
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    tokio::select! {
        _ = pump(from_client, to_server, &there) => {}
        _ = pump(from_server, to_client, &back) => {}
        () = breaks(&there) => {}
        () = breaks(&back) => {}
    }
}

/// Until the way breaks, whatever a pump waits for.
async fn breaks(way: &Way) {
    // Fails when the way is gone, which is held here.
    if way.rule().wait_for(|rule| *rule == Rule::Broken).await.is_ok() {
        way.note_broken();
    }
}

/// A moment before a connection is closed that leads nowhere. The system would have refused it, and libzmq waits longer and longer after
/// that; after a connection that was made and lost it tries again at once, and would do nothing else.
async fn refuse() {
    sleep(Duration::from_millis(100)).await;
}

async fn pump(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, way: &Way) -> io::Result<()> {
    let mut rule = way.rule();
    let mut piece = vec![0; PIECE];
    loop {
        tokio::select! {
            changed = rule.changed() => changed.map_err(io::Error::other)?,
            readable = from.readable() => readable?,
        }
        let now = *rule.borrow_and_update();
        match now {
            Rule::Broken => {
                breaks(way).await;
                return Ok(());
            }
            Rule::Stopped => wait(&mut from, &mut rule, way).await?,
            Rule::Open | Rule::Slow { .. } => {
                let read = match from.try_read(&mut piece) {
                    Ok(0) => return Ok(()),
                    Ok(read) => read,
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => continue,
                    Err(error) => return Err(error),
                };
                slow_down(now, read, way).await;
                to.write_all(&piece[..read]).await?;
                way.note_bytes(read);
            }
        }
    }
}

/// Until the rule changes. That an end has closed the connection is not passed on either: that, too, would be a packet.
async fn wait(from: &mut OwnedReadHalf, rule: &mut watch::Receiver<Rule>, way: &Way) -> io::Result<()> {
    let mut first = [0];
    tokio::select! {
        changed = rule.changed() => {
            rule.mark_changed();
            return changed.map_err(io::Error::other);
        }
        arrived = from.peek(&mut first) => {
            if arrived? > 0 {
                way.note_held();
            }
        }
    }
    rule.changed().await.map_err(io::Error::other)?;
    rule.mark_changed();
    Ok(())
}

async fn slow_down(rule: Rule, bytes: usize, way: &Way) {
    let Rule::Slow { latency, bytes_per_second } = rule else { return };
    let span = bytes_per_second
        .map_or(Duration::ZERO, |rate| Duration::from_secs_f64(bytes as f64 / f64::from(rate.max(1))));
    sleep(latency + span).await;
    way.note_delayed();
}
