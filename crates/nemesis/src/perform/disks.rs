//! What befalls data directories.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use papo_processes::Ended;

use super::{Outcome, Undo, proof};
use crate::cluster::{Cluster, Volume};
use crate::folder::copy;
use crate::network::Node;
use crate::scrape::metric;

/// How a servidor ends that cannot use its disk.
const DISK: Ended = Ended::Exited(74);
/// How many copies of each servidor's data are kept: the oldest ones.
const MOST_COPIES: usize = 4;
/// How long it may take to notice.
const PATIENCE: Duration = Duration::from_secs(20);

pub(super) fn wipe(cluster: &mut Cluster, node: Node) -> Result<Undo, Outcome> {
    cluster.kill9(&node);
    let data = cluster.data(&node);
    let had = fs::metadata(data.join("log.db")).map(|log| log.len());
    fs::remove_dir_all(&data).map_err(|error| Outcome::Unproven(format!("cannot delete: {error}")))?;
    Ok(Box::new(move |cluster| {
        cluster.start(&node);
        let empty = had.is_ok();
        proof(empty, format!("a log of {} KiB is gone", had.unwrap_or(0) >> 10))
    }))
}

/// Keeps a copy of each servidor's data as they are now. Each is frozen for that, so that it is what a kill would leave.
///
/// # Errors
/// A file cannot be copied.
pub fn keep_copies(cluster: &mut Cluster) -> io::Result<()> {
    for node in cluster.shape().servidores() {
        cluster.freeze(&node);
        let copied = keep_copy(cluster, &node);
        cluster.thaw(&node);
        copied?;
    }
    Ok(())
}

fn keep_copy(cluster: &Cluster, node: &str) -> io::Result<()> {
    if count(cluster, node) >= MOST_COPIES {
        return Ok(());
    }
    let to = copies(cluster, node).join(format!("{}", count(cluster, node)));
    copy(&cluster.data(node), &to)
}

fn copies(cluster: &Cluster, node: &str) -> PathBuf {
    cluster.folder().join("copies").join(node)
}

fn count(cluster: &Cluster, node: &str) -> usize {
    fs::read_dir(copies(cluster, node)).map_or(0, Iterator::count)
}

pub(super) fn old_copy(cluster: &mut Cluster, node: Node, which: usize) -> Result<Undo, Outcome> {
    cluster.kill9(&node);
    let there = count(cluster, &node);
    let failed = |error: io::Error| Outcome::Unproven(format!("cannot copy: {error}"));
    let kept = keep_copy(cluster, &node);
    let swapped = kept.and_then(|()| {
        let data = cluster.data(&node);
        fs::remove_dir_all(&data)?;
        copy(&copies(cluster, &node).join(format!("{}", which % there.max(1))), &data)
    });
    if let Err(error) = swapped {
        cluster.start(&node);
        return Err(failed(error));
    }
    let renewed = renew(&cluster.data(&node));
    if let Err(why) = &renewed {
        cluster.complain(format!("`papo disk renew` of {node} failed: {why}"));
    }
    Ok(Box::new(move |cluster| {
        cluster.start(&node);
        let told = renewed.clone().unwrap_or_else(|why| why);
        proof(renewed.is_ok(), format!("copy {} of {}: {told}", which % there.max(1), there + 1))
    }))
}

fn renew(data: &Path) -> Result<String, String> {
    crate::papo::run(&["disk".as_ref(), "renew".as_ref(), "--data".as_ref(), data.as_os_str()])
}

pub(super) fn full(cluster: &mut Cluster, node: Node, room: u64) -> Result<Undo, Outcome> {
    cluster.stop(&node);
    let shrunk = cluster.own_volume(&node).and_then(|volume| volume.leave(room));
    cluster.start(&node);
    shrunk.map_err(|error| Outcome::Unproven(format!("cannot make it small: {error}")))?;
    Ok(Box::new(move |cluster| {
        // One that finds no room to begin with says so and ends.
        let began = Instant::now();
        let (ended, is_full) = loop {
            let ended = cluster.has_ended(&node);
            let is_full = metric(cluster.http_port(&node), "papo_servidor_disk_full");
            if ended.is_some() || is_full == Some(1.0) || began.elapsed() > PATIENCE / 4 {
                break (ended, is_full);
            }
            std::thread::sleep(Duration::from_millis(20));
        };
        if ended.is_some_and(|ended| ended != DISK) {
            let tail = cluster.log_tail(&node, 12);
            cluster.complain(format!("on a full disk {node} ended with {ended:?}:\n{tail}"));
        }
        if let Some(Err(error)) = cluster.volume(&node).map(|volume| volume.relieve()) {
            cluster.complain(format!("the disk of {node} stays full: {error}"));
        }
        cluster.start(&node);
        match ended {
            Some(_) => proof(true, "there was no room to begin with, and it said so".to_owned()),
            None => proof(is_full == Some(1.0), format!("its disk_full was {is_full:?}")),
        }
    }))
}

pub(super) fn read_only(cluster: &mut Cluster, node: Node) -> Result<Undo, Outcome> {
    cluster.kill9(&node);
    if let Err(error) = cluster.own_volume(&node).and_then(Volume::forbid_writing) {
        cluster.start(&node);
        return Err(Outcome::Unproven(format!("cannot be made read-only: {error}")));
    }
    cluster.start(&node);
    let began = Instant::now();
    let ended = loop {
        match cluster.has_ended(&node) {
            None if began.elapsed() < PATIENCE => std::thread::sleep(Duration::from_millis(20)),
            ended => break ended,
        }
    };
    if ended != Some(DISK) {
        let tail = cluster.log_tail(&node, 12);
        cluster.complain(format!("on a read-only disk {node} should end with {DISK:?}: {ended:?}\n{tail}"));
    }
    Ok(Box::new(move |cluster| {
        if let Some(Err(error)) = cluster.volume(&node).map(|volume| volume.relieve()) {
            cluster.complain(format!("the disk of {node} stays read-only: {error}"));
        }
        cluster.start(&node);
        proof(ended == Some(DISK), format!("it refused: {ended:?}"))
    }))
}
