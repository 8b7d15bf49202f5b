//! Which process made a connection, by asking the kernel.
//!
//! All servidores are told one address of each other, so that the address they connect to does not tell who connects. A connection
//! stands in `/proc/net/tcp` with the number of its socket, and the socket in `/proc/PID/fd` of the process that holds it.

use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;

use super::Node;

/// The one of `processes` that connected from `peer` to `listener`; `None` when it has hung up already, or is another's.
pub(super) fn of(peer: SocketAddr, listener: SocketAddr, processes: &BTreeMap<Node, u32>) -> Option<Node> {
    let table = fs::read_to_string("/proc/net/tcp").ok()?;
    let (local, remote) = (hex(peer)?, hex(listener)?);
    let inode = table.lines().find_map(|line| {
        let mut words = line.split_whitespace().skip(1);
        (words.next()? == local && words.next()? == remote).then(|| words.nth(6))?
    })?;
    let socket = format!("socket:[{inode}]");
    let holds = |pid: &u32| {
        let files = fs::read_dir(format!("/proc/{pid}/fd")).ok()?;
        files.flatten().find(|file| fs::read_link(file.path()).is_ok_and(|link| link.as_os_str() == &*socket))
    };
    processes.iter().find(|(_, pid)| holds(pid).is_some()).map(|(node, _)| node.clone())
}

/// As the table has it: the address as the machine holds it, which is the network's order read as a number of the machine's.
fn hex(address: SocketAddr) -> Option<String> {
    let SocketAddr::V4(address) = address else { return None };
    Some(format!("{:08X}:{:04X}", u32::from_ne_bytes(address.ip().octets()), address.port()))
}
