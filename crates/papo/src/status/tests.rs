use papo_wire::reply::{MemberStatus, PeerStatus};

use super::*;

fn status(name: &str, role: Role, commit: u64, applied: u64, peers: &[(&str, &str)]) -> Status {
    let peer = |(name, address): &(&str, &str)| PeerStatus {
        name: (*name).to_owned(),
        alive: true,
        index: 0,
        address: (*address).to_owned(),
    };
    Status {
        name: name.to_owned(),
        role,
        epoch: 4,
        commit,
        applied,
        coordinator: "servidor-3".to_owned(),
        coordinator_since: "2025-11-03T21:14:07.000000Z".to_owned(),
        members: ["servidor-1", "servidor-2", "servidor-3"]
            .map(|name| MemberStatus { name: name.to_owned(), ..MemberStatus::default() })
            .to_vec(),
        peers: peers.iter().map(peer).collect(),
        ..Status::default()
    }
}

fn found(statuses: Vec<Status>) -> Found {
    let answered = statuses.into_iter().map(|status| (status.name.clone(), status)).collect();
    Found { answered, ..Found::default() }
}

fn at(address: &str) -> HostPort {
    address.parse().expect("an address")
}

#[test]
fn peers_that_did_not_answer_yet_are_asked_once() {
    let peers = [("servidor-2", "127.0.0.1:5590"), ("servidor-3", "127.0.0.1:5600"), ("servidor-4", "")];
    let mut found = found(vec![status("servidor-1", Role::Follower, 9, 9, &peers)]);
    assert_eq!(found.unasked(), [at("127.0.0.1:5590"), at("127.0.0.1:5600")]);
    found.asked.push(at("127.0.0.1:5590"));
    assert_eq!(found.unasked(), [at("127.0.0.1:5600")]);
}

#[test]
fn whoever_has_left_is_neither_asked_nor_missed() {
    let peers = [
        ("servidor-2", "127.0.0.1:5590"),
        ("servidor-4", "127.0.0.1:5610"),
        ("servidor-5", "127.0.0.1:5620"),
    ];
    let all =
        [("servidor-1", Role::Follower), ("servidor-2", Role::Follower), ("servidor-3", Role::Coordinator)];
    let all = all.map(|(name, role)| {
        let mut status = status(name, role, 9, 9, &peers);
        // Neither of them is a member, and one of them runs.
        status.peers.iter_mut().filter(|peer| peer.name == "servidor-5").for_each(|peer| peer.alive = false);
        status
    });
    let found = found(all.to_vec());
    assert_eq!(found.unasked(), [at("127.0.0.1:5610")]);
    let overview = found.overview();
    let names: Vec<&str> = overview.servidores.iter().map(|row| row.name.as_str()).collect();
    assert_eq!(names, ["servidor-1", "servidor-2", "servidor-3", "servidor-4"]);
    assert!(!overview.healthy, "one that runs does not answer");
}

#[test]
fn a_member_that_does_not_answer_is_listed_and_nothing_is_well() {
    let overview = found(vec![
        status("servidor-3", Role::Coordinator, 9, 9, &[]),
        status("servidor-1", Role::Follower, 9, 7, &[]),
    ])
    .overview();
    assert!(!overview.healthy);
    // The coordinator was chosen at 1762204447.
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_762_204_447 + 90);
    let text = table::render(&overview, now);
    assert!(
        text.starts_with("servidor-3 coordinates since 2025-11-03T21:14:07.000000Z (1 min ago), in epoch 4."),
        "{text}"
    );
    let line =
        |name: &str| text.lines().skip(1).find(|line| line.starts_with(name)).expect("a line").to_owned();
    assert!(line("servidor-2").contains("no answer"), "{text}");
    let columns: Vec<String> =
        line("servidor-1").split("  ").map(|c| c.trim().to_owned()).filter(|c| !c.is_empty()).collect();
    assert_eq!(columns[..6], ["servidor-1", "0", "follower", "4", "7", "2"], "{text}");
}

#[test]
fn all_is_well_when_all_answered_and_one_coordinates() {
    let all =
        [("servidor-1", Role::Follower), ("servidor-2", Role::Follower), ("servidor-3", Role::Coordinator)];
    let overview = found(all.map(|(name, role)| status(name, role, 9, 9, &[])).to_vec()).overview();
    assert!(overview.healthy);
    assert_eq!(overview.coordinator, "servidor-3");
    let none = found(vec![status("servidor-1", Role::Candidate, 9, 9, &[])]).overview();
    assert!(!none.healthy);
}

#[test]
fn without_a_coordinator_that_is_said_first() {
    let lost = Status { coordinator: String::new(), ..status("servidor-1", Role::Candidate, 9, 9, &[]) };
    let text = table::render(&found(vec![lost]).overview(), SystemTime::now());
    assert!(text.starts_with("No coordinator: "), "{text}");
}
