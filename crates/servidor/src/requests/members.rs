//! What operators ask about the members, on the port for servidores.

use std::collections::BTreeSet;
use std::time::Duration;

use papo_core::clock::Now;
use papo_core::log::RequestId;
use papo_core::members::ADMIN;
use papo_core::replica::{self, Ask, Input, PeerStatus, Replica, Status, WriteRequest};
use papo_transport::Frames;
use papo_wire::admin::{Change, Membership, Reply, Request, Seat};

use super::answers::role;
use super::{About, ClientRequests, Outgoing};

/// How long it may take until a change is agreed, before whoever asked is told that it is not.
const PATIENCE: Duration = Duration::from_secs(4);

/// Somebody who asked for a change, and waits.
#[derive(Debug)]
pub(super) struct Asked {
    envelope: Frames,
    service: &'static str,
}

impl ClientRequests {
    /// An operator asks.
    pub(crate) fn asked_about_members(
        &mut self,
        now: Now,
        replica: &mut Replica,
        envelope: Frames,
        request: Request,
    ) -> Option<Outgoing> {
        let service = request.service();
        let (request_id, change) = match request {
            Request::Members => {
                let membership = membership(&replica.status(now), &self.about);
                let reply = Reply::Members(Box::new(membership));
                return Some(self.told_about_members(now, replica, Asked { envelope, service }, &reply));
            }
            Request::Change { request_id, change } => (request_id, change),
        };
        tracing::info!(?change, request_id, "an operator asks for a change of the members");
        let ticket = self.next;
        self.next += 1;
        self.changes.insert(ticket, Asked { envelope, service });
        let write = write(request_id, change, self.clock);
        let request = replica::Request { ticket, deadline: now.instant + PATIENCE, ask: Ask::Write(write) };
        replica.handle(now, Input::Request(request));
        None
    }

    pub(super) fn told_about_members(
        &mut self,
        now: Now,
        replica: &Replica,
        asked: Asked,
        reply: &Reply,
    ) -> Outgoing {
        let (time, clock) = self.stamps(now, replica);
        let payload = reply.encode(asked.service, time, clock);
        Outgoing::Direct { envelope: asked.envelope, payload }
    }
}

fn write(request_id: String, change: Change, clock: papo_core::clock::Lamport) -> Box<WriteRequest> {
    let author = ADMIN.to_owned();
    Box::new(WriteRequest {
        author,
        request_id: RequestId::Client(request_id),
        operation: change.into(),
        clock,
    })
}

/// The members, as this servidor sees them.
fn membership(status: &Status, about: &About) -> Membership {
    let known = status.members_committed.iter().map(|member| member.id.name.as_str());
    let there = status.peers.iter().filter(|peer| peer.alive).map(|peer| peer.id.name.as_str());
    let wanted = status.wanted.iter().map(String::as_str);
    let names: BTreeSet<&str> = known.chain(wanted).chain(there).chain([status.me.name.as_str()]).collect();
    Membership {
        name: status.me.name.clone(),
        role: role(status.role),
        cluster: status.cluster.map(|cluster| cluster.to_string()).unwrap_or_default(),
        coordinator: status.coordinator.clone().unwrap_or_default(),
        epoch: status.epoch,
        rules: status.rules.into(),
        commit: status.commit,
        applied: status.applied,
        seats: names.into_iter().map(|name| seat(name, status, about)).collect(),
    }
}

fn seat(name: &str, status: &Status, about: &About) -> Seat {
    let member = status.members_committed.iter().find(|member| member.id.name == name);
    let mut seat = Seat {
        name: name.to_owned(),
        counts: member.is_some(),
        wanted: status.wanted.iter().any(|wanted| wanted == name),
        rank: member.map_or(0, |member| member.rank),
        disk: member.map(|member| member.id.disk.to_string()).unwrap_or_default(),
        ..Seat::default()
    };
    if name == status.me.name {
        seat.alive = member.is_none_or(|member| member.id == status.me);
        seat.index = status.last;
        seat.address.clone_from(&about.own);
        if member.is_none() {
            seat.disk = status.me.disk.to_string();
        }
        return seat;
    }
    seat.address = about.addresses.get(name).cloned().unwrap_or_default();
    // Of a member the disk that counts; of others the one that is there.
    let disks = status.peers.iter().filter(|peer| peer.id.name == name);
    let best = |peer: &&PeerStatus| (member.is_some_and(|member| member.id == peer.id), peer.alive);
    if let Some(peer) = disks.max_by_key(best)
        && member.is_none_or(|member| member.id == peer.id)
    {
        seat.alive = peer.alive;
        seat.index = peer.index;
        seat.disk = peer.id.disk.to_string();
    }
    seat
}

#[cfg(test)]
mod tests {
    use papo_core::chat::StateDigest;
    use papo_core::members::{DiskId, Member, MemberId};

    use super::*;

    fn id(name: &str, disk: u64) -> MemberId {
        MemberId { name: name.to_owned(), disk: DiskId(disk) }
    }

    fn peer(name: &str, disk: u64, alive: bool, index: u64) -> PeerStatus {
        PeerStatus { id: id(name, disk), alive, index }
    }

    fn seats(members: &[(&str, u64)], wanted: &[&str], peers: Vec<PeerStatus>) -> Vec<Seat> {
        let members: Vec<Member> =
            (1..).zip(members).map(|(rank, (name, disk))| Member { id: id(name, *disk), rank }).collect();
        let status = Status {
            me: id("s1", 1),
            rank: 1,
            cluster: None,
            role: replica::RoleName::Coordinator,
            epoch: 1,
            coordinator: Some("s1".to_owned()),
            coordinator_since: None,
            members: Vec::new(),
            members_committed: members,
            wanted: wanted.iter().map(|name| (*name).to_owned()).collect(),
            rules: 2,
            peers,
            last: 10,
            commit: 10,
            applied: 10,
            digest: StateDigest::default(),
            clock: None,
            waiting: 0,
        };
        let clocks = crate::clocks::Clocks::start();
        let about = About {
            disk: Default::default(),
            own: "h1:5570".to_owned(),
            addresses: Default::default(),
            clocks,
        };
        membership(&status, &about).seats
    }

    fn said(seats: &[Seat]) -> Vec<(&str, bool, bool, bool, u64)> {
        seats
            .iter()
            .map(|seat| (seat.name.as_str(), seat.counts, seat.wanted, seat.alive, seat.index))
            .collect()
    }

    #[test]
    fn everybody_who_counts_or_is_wanted_or_is_there_has_a_seat() {
        let peers = vec![peer("s2", 2, true, 9), peer("s4", 4, true, 3), peer("s5", 5, false, 1)];
        let seats = seats(&[("s1", 1), ("s2", 2)], &["s1", "s3"], peers);
        assert_eq!(
            said(&seats),
            [
                ("s1", true, true, true, 10),
                ("s2", true, false, true, 9),
                ("s3", false, true, false, 0),
                ("s4", false, false, true, 3),
            ]
        );
    }

    #[test]
    fn a_new_disk_that_learns_does_not_make_the_old_one_alive() {
        let peers = vec![peer("s2", 2, false, 9), peer("s2", 77, true, 5)];
        let seats = seats(&[("s1", 1), ("s2", 2)], &["s1", "s2"], peers);
        assert_eq!(said(&seats)[1], ("s2", true, true, false, 9));
        assert_eq!(seats[1].disk, DiskId(2).to_string());
    }
}
