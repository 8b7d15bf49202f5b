//! What befalls data directories.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use papo_processes::Ended;

use super::{Outcome, Undo, proof};
use crate::folder::copy;
use crate::network::Node;
use crate::scrape::metric;
use crate::town::{Town, Volume};

/// How a servidor ends that cannot use its disk.
const DISK: Ended = Ended::Exited(74);
/// How many copies of each servidor's data are kept: the oldest ones.
const MOST_COPIES: usize = 4;
/// How long it may take to notice.
const PATIENCE: Duration = Duration::from_secs(20);

pub(super) fn wipe(town: &mut Town, node: Node) -> Result<Undo, Outcome> {
    town.kill9(&node);
    let data = town.data(&node);
    let had = fs::metadata(data.join("log.db")).map(|log| log.len());
    fs::remove_dir_all(&data).map_err(|error| Outcome::Unproven(format!("cannot delete: {error}")))?;
    Ok(Box::new(move |town| {
        town.start(&node);
        let empty = had.is_ok();
        proof(empty, format!("a log of {} KiB is gone", had.unwrap_or(0) >> 10))
    }))
}

/// Keeps a copy of each servidor's data as they are now. Each is frozen for that, so that it is what a kill would leave.
///
/// # Errors
/// A file cannot be copied.
pub fn keep_copies(town: &mut Town) -> io::Result<()> {
    for node in town.shape().servidores() {
        town.freeze(&node);
        let copied = keep_copy(town, &node);
        town.thaw(&node);
        copied?;
    }
    Ok(())
}

fn keep_copy(town: &Town, node: &str) -> io::Result<()> {
    if count(town, node) >= MOST_COPIES {
        return Ok(());
    }
    let to = copies(town, node).join(format!("{}", count(town, node)));
    copy(&town.data(node), &to)
}

fn copies(town: &Town, node: &str) -> PathBuf {
    town.folder().join("copies").join(node)
}

fn count(town: &Town, node: &str) -> usize {
    fs::read_dir(copies(town, node)).map_or(0, Iterator::count)
}

pub(super) fn old_copy(town: &mut Town, node: Node, which: usize) -> Result<Undo, Outcome> {
    town.kill9(&node);
    let there = count(town, &node);
    let failed = |error: io::Error| Outcome::Unproven(format!("cannot copy: {error}"));
    let kept = keep_copy(town, &node);
    let swapped = kept.and_then(|()| {
        let data = town.data(&node);
        fs::remove_dir_all(&data)?;
        copy(&copies(town, &node).join(format!("{}", which % there.max(1))), &data)
    });
    if let Err(error) = swapped {
        town.start(&node);
        return Err(failed(error));
    }
    let renewed = renew(&town.data(&node));
    if let Err(why) = &renewed {
        town.complain(format!("`papo disk renew` of {node} failed: {why}"));
    }
    Ok(Box::new(move |town| {
        town.start(&node);
        let told = renewed.clone().unwrap_or_else(|why| why);
        proof(renewed.is_ok(), format!("copy {} of {}: {told}", which % there.max(1), there + 1))
    }))
}

fn renew(data: &Path) -> Result<String, String> {
    crate::papo::run(&["disk".as_ref(), "renew".as_ref(), "--data".as_ref(), data.as_os_str()])
}

pub(super) fn full(town: &mut Town, node: Node, room: u64) -> Result<Undo, Outcome> {
    town.stop(&node);
    let shrunk = town.own_volume(&node).and_then(|volume| volume.leave(room));
    town.start(&node);
    shrunk.map_err(|error| Outcome::Unproven(format!("cannot make it small: {error}")))?;
    Ok(Box::new(move |town| {
        // One that finds no room to begin with says so and ends.
        let began = Instant::now();
        let (ended, is_full) = loop {
            let ended = town.has_ended(&node);
            let is_full = metric(town.http_port(&node), "papo_servidor_disk_full");
            if ended.is_some() || is_full == Some(1.0) || began.elapsed() > PATIENCE / 4 {
                break (ended, is_full);
            }
            std::thread::sleep(Duration::from_millis(20));
        };
        if ended.is_some_and(|ended| ended != DISK) {
            let tail = town.log_tail(&node, 12);
            town.complain(format!("on a full disk {node} ended with {ended:?}:\n{tail}"));
        }
        if let Some(Err(error)) = town.volume(&node).map(|volume| volume.relieve()) {
            town.complain(format!("the disk of {node} stays full: {error}"));
        }
        town.start(&node);
        match ended {
            Some(_) => proof(true, "there was no room to begin with, and it said so".to_owned()),
            None => proof(is_full == Some(1.0), format!("its disk_full was {is_full:?}")),
        }
    }))
}

pub(super) fn read_only(town: &mut Town, node: Node) -> Result<Undo, Outcome> {
    town.kill9(&node);
    if let Err(error) = town.own_volume(&node).and_then(Volume::forbid_writing) {
        town.start(&node);
        return Err(Outcome::Unproven(format!("cannot be made read-only: {error}")));
    }
    town.start(&node);
    let began = Instant::now();
    let ended = loop {
        match town.has_ended(&node) {
            None if began.elapsed() < PATIENCE => std::thread::sleep(Duration::from_millis(20)),
            ended => break ended,
        }
    };
    if ended != Some(DISK) {
        let tail = town.log_tail(&node, 12);
        town.complain(format!("on a read-only disk {node} should end with {DISK:?}: {ended:?}\n{tail}"));
    }
    Ok(Box::new(move |town| {
        if let Some(Err(error)) = town.volume(&node).map(|volume| volume.relieve()) {
            town.complain(format!("the disk of {node} stays read-only: {error}"));
        }
        town.start(&node);
        proof(ended == Some(DISK), format!("it refused: {ended:?}"))
    }))
}
