use papo_wire::reply::{MemberStatus, Role, Status};

use super::{ASTRAY, Observer};
use crate::Timeline;
use crate::evidence::MomentKind::{
    self, CoordinatorLost, NewCoordinator, Note, Recovered, ServidorCaughtUp, ServidorLost,
};
use crate::watch::Watched;

const NAMES: [&str; 3] = ["s-0", "s-1", "s-2"];

struct Scene {
    observer: Observer,
    watched: Watched,
    timeline: Timeline,
    told: usize,
}

impl Scene {
    /// Three servidores under `s-0`, in epoch 1.
    fn whole() -> Self {
        let names = NAMES.into_iter().map(str::to_owned);
        let mut scene = Self {
            observer: Observer::new(names),
            watched: Watched::default(),
            timeline: Timeline::start(),
            told: 0,
        };
        for name in NAMES {
            scene.says(name, status(name, "s-0", 1));
        }
        assert_eq!(scene.news(), [], "what was there before the beginning is no news");
        assert!(scene.watched.is_whole);
        scene
    }

    fn says(&mut self, name: &str, status: Status) {
        self.observer.saw(name, Some(status), &mut self.watched, &self.timeline);
    }

    fn is_silent(&mut self, name: &str) {
        self.observer.saw(name, None, &mut self.watched, &self.timeline);
    }

    fn news(&mut self) -> Vec<MomentKind> {
        let moments = self.timeline.moments();
        let news = moments[self.told..].iter().map(|moment| moment.what).collect();
        self.told = moments.len();
        news
    }
}

fn status(name: &str, coordinator: &str, epoch: u64) -> Status {
    let members = NAMES.map(|name| MemberStatus { name: name.to_owned(), ..MemberStatus::default() });
    Status {
        name: name.to_owned(),
        role: if name == coordinator { Role::Coordinator } else { Role::Follower },
        coordinator: coordinator.to_owned(),
        epoch,
        members: members.into(),
        uptime_ms: 60_000,
        commit: 10,
        applied: 10,
        ..Status::default()
    }
}

#[test]
fn a_coordinator_that_dies_is_lost_replaced_and_back() {
    let mut scene = Scene::whole();
    scene.is_silent("s-0");
    assert_eq!(scene.news(), [ServidorLost, CoordinatorLost]);
    scene.says("s-1", status("s-1", "s-1", 2));
    scene.says("s-2", status("s-2", "s-1", 2));
    assert_eq!(scene.news(), [NewCoordinator]);
    assert!(!scene.watched.is_whole);

    let back = Status { uptime_ms: 5, applied: 3, ..status("s-0", "s-1", 2) };
    scene.says("s-0", back.clone());
    assert_eq!(scene.news(), [Note], "it was lost before: that it was started anew is no second loss");
    scene.says("s-0", Status { uptime_ms: 6, applied: 10, ..back });
    assert_eq!(scene.news(), [ServidorCaughtUp, Recovered]);
    assert!(scene.watched.is_whole);
    assert_eq!(scene.watched.recovered.len(), 1);
    let reigns: Vec<u64> = scene.watched.reigns.iter().map(|(_, reign)| reign.epoch).collect();
    assert_eq!(reigns, [1, 2]);
}

#[test]
fn a_hand_over_is_no_recovery() {
    let mut scene = Scene::whole();
    scene.says("s-1", status("s-1", "s-1", 2));
    assert!(!scene.watched.is_whole);
    scene.says("s-0", status("s-0", "s-1", 2));
    scene.says("s-2", status("s-2", "s-1", 2));
    assert_eq!(scene.news(), [CoordinatorLost, NewCoordinator]);
    assert!(scene.watched.is_whole && scene.watched.recovered.is_empty());
}

#[test]
fn a_process_that_was_started_anew_between_two_questions_is_noticed() {
    let mut scene = Scene::whole();
    scene.says("s-2", Status { uptime_ms: 3, ..status("s-2", "s-0", 1) });
    assert_eq!(scene.news(), [ServidorLost, ServidorCaughtUp]);
}

#[test]
fn an_old_coordinator_that_wakes_up_is_nobodys_news() {
    let mut scene = Scene::whole();
    scene.is_silent("s-0");
    scene.says("s-1", status("s-1", "s-1", 2));
    scene.says("s-2", status("s-2", "s-1", 2));
    scene.news();
    scene.says("s-0", status("s-0", "s-0", 1));
    assert_eq!(scene.news(), []);
    assert!(!scene.watched.is_whole, "it does not follow yet");
    scene.says("s-0", status("s-0", "s-1", 2));
    assert_eq!(scene.news(), [ServidorCaughtUp, Recovered]);
    assert!(scene.watched.conflicts.is_empty());
}

#[test]
fn two_coordinators_of_one_epoch_are_a_conflict_and_told_once() {
    let mut scene = Scene::whole();
    for _ in 0..2 {
        scene.says("s-2", status("s-2", "s-2", 1));
    }
    assert_eq!(scene.watched.conflicts, ["s-0 and s-2 both coordinated epoch 1"]);
}

#[test]
fn who_is_cut_off_is_lost_though_it_answers() {
    let mut scene = Scene::whole();
    let alone = Status { role: Role::Candidate, ..status("s-2", "", 1) };
    scene.says("s-2", alone.clone());
    assert_eq!(scene.news(), [], "it may be about to learn of another coordinator");
    scene.timeline.pass(ASTRAY);
    scene.says("s-2", alone);
    assert_eq!(scene.news(), [ServidorLost]);
    scene.says("s-2", status("s-2", "s-0", 1));
    assert_eq!(scene.news(), [ServidorCaughtUp, Recovered]);
}

#[test]
fn a_new_disk_is_no_member_until_all_say_so() {
    let mut scene = Scene::whole();
    let new = Status { role: Role::Learner, disk: "new".to_owned(), ..status("s-2", "s-0", 1) };
    scene.says("s-2", new.clone());
    assert_eq!(scene.news(), [ServidorLost]);
    scene.says("s-2", Status { role: Role::Follower, ..new.clone() });
    assert_eq!(scene.news(), [ServidorCaughtUp]);
    assert!(!scene.watched.is_whole, "the others know another disk");
    let knows = |mut status: Status| {
        status.members[2].disk = "new".to_owned();
        status
    };
    scene.says("s-0", knows(status("s-0", "s-0", 1)));
    scene.says("s-1", knows(status("s-1", "s-0", 1)));
    scene.says("s-2", knows(Status { role: Role::Follower, ..new }));
    assert_eq!(scene.news(), [Recovered]);
}

#[test]
fn a_guest_that_takes_the_coordination_over_is_news_and_its_coming_and_going_is_none() {
    let mut scene = Scene::whole();
    scene.says("s-3", Status { role: Role::Learner, ..status("s-3", "s-0", 1) });
    scene.is_silent("s-3");
    assert_eq!(scene.news(), []);
    scene.says("s-3", status("s-3", "s-3", 2));
    assert_eq!(scene.news(), [CoordinatorLost, NewCoordinator]);
    assert_eq!(scene.watched.reigns.last().map(|(_, reign)| reign.coordinator.as_str()), Some("s-3"));
    for name in NAMES {
        scene.says(name, status(name, "s-3", 2));
    }
    assert!(scene.watched.is_whole);
    assert!(scene.watched.view.guests.contains_key("s-3"));
    scene.is_silent("s-3");
    assert!(scene.watched.view.guests.is_empty());
}
