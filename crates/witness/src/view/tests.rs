use papo_wire::reply::{MemberStatus, Role, Status};

use super::View;

fn view(change: impl Fn(&mut Status)) -> View {
    let members =
        ["s-0", "s-1"].map(|name| MemberStatus { name: name.to_owned(), ..MemberStatus::default() });
    let one = |name: &str| {
        let mut status = Status {
            name: name.to_owned(),
            role: if name == "s-0" { Role::Coordinator } else { Role::Follower },
            coordinator: "s-0".to_owned(),
            epoch: 3,
            members: members.clone().into(),
            last: 20,
            commit: 20,
            applied: 20,
            ..Status::default()
        };
        change(&mut status);
        (name.to_owned(), Some(status))
    };
    View { servidores: [one("s-0"), one("s-1")].into(), ..View::default() }
}

fn flaw_when(change: impl Fn(&mut Status)) -> String {
    view(change).flaw(5).expect("something is wrong")
}

#[test]
fn a_whole_cluster_has_no_flaw() {
    let view = view(|_| {});
    assert_eq!(view.flaw(0), None);
    assert!(view.is_level());
    assert_eq!(view.coordinator().map(|reign| reign.coordinator).as_deref(), Some("s-0"));
    assert_eq!(view.followers(), ["s-1"]);
}

#[test]
fn each_flaw_has_its_sentence() {
    let of = |name: &'static str, change: fn(&mut Status)| {
        flaw_when(move |status| {
            if status.name == name {
                change(status);
            }
        })
    };
    assert_eq!(of("s-0", |status| status.role = Role::Candidate), "no servidor coordinates");
    assert_eq!(of("s-1", |status| status.coordinator.clear()), "s-1 knows no coordinator");
    assert_eq!(of("s-1", |status| status.coordinator = "s-1".into()), "s-1 follows s-1, and s-0 coordinates");
    assert_eq!(of("s-1", |status| status.role = Role::Learner), "s-1 is a learner, not a follower");
    assert_eq!(of("s-1", |status| status.disk = "new".into()), "s-0 does not count s-1 as a member");
    assert_eq!(of("s-1", |status| status.applied = 14), "s-1 is 6 entries behind");
    assert_eq!(of("s-1", |status| status.name = "x".into()), "what should be s-1 calls itself \"x\"");
}

#[test]
fn silence_is_a_flaw_and_an_empty_view_is_one_too() {
    let mut view = view(|_| {});
    view.servidores.insert("s-2".to_owned(), None);
    assert_eq!(view.flaw(5).as_deref(), Some("s-2 does not answer"));
    assert!(!view.is_level());
    assert!(View::default().flaw(5).is_some() && !View::default().is_level());
}

#[test]
fn what_is_not_committed_or_not_applied_is_not_level() {
    assert!(!view(|status| status.last = 21).is_level());
    assert!(!view(|status| status.applied -= u64::from(status.name == "s-1")).is_level());
}

#[test]
fn of_two_that_say_that_they_coordinate_the_later_epoch_does() {
    let view = view(|status| {
        if status.name == "s-1" {
            (status.role, status.epoch) = (Role::Coordinator, 4);
        }
    });
    let reign = view.coordinator().expect("there are two");
    assert_eq!((reign.coordinator.as_str(), reign.epoch), ("s-1", 4));
}

#[test]
fn a_guest_may_coordinate_and_is_missed_by_nobody() {
    let mut view = view(|status| {
        status.role = Role::Follower;
        status.coordinator = "s-2".into();
        status.members.push(MemberStatus { name: "s-2".into(), ..MemberStatus::default() });
    });
    assert_eq!(view.flaw(0).as_deref(), Some("no servidor coordinates"));
    let mut guest = view.servidores["s-0"].clone().expect("it answers");
    (guest.name, guest.role) = ("s-2".into(), Role::Coordinator);
    view.guests.insert("s-2".into(), guest);
    assert_eq!(view.flaw(0), None);
    assert_eq!(view.coordinator().map(|reign| reign.coordinator).as_deref(), Some("s-2"));
}

#[test]
fn who_counts_is_what_all_of_them_say() {
    let names = |names: &[&str]| -> Vec<String> { names.iter().map(|name| (*name).to_owned()).collect() };
    let mut view = view(|_| {});
    assert!(view.counts_exactly(&names(&["s-0", "s-1"])));
    assert!(!view.counts_exactly(&names(&["s-0"])), "there is another one");
    assert!(!view.counts_exactly(&names(&["s-0", "s-1", "s-2"])), "one does not count yet");
    view.servidores.values_mut().flatten().for_each(|status| {
        status.members.push(MemberStatus { name: "s-2".into(), ..MemberStatus::default() });
    });
    assert!(!view.counts_exactly(&names(&["s-0", "s-1", "s-2"])), "it does not say so itself");
    let mut guest = view.servidores["s-1"].clone().expect("it answers");
    guest.name = "s-2".into();
    view.guests.insert("s-2".into(), guest.clone());
    assert!(view.counts_exactly(&names(&["s-0", "s-1", "s-2"])));
    guest.role = Role::Learner;
    view.guests.insert("s-2".into(), guest);
    assert!(!view.counts_exactly(&names(&["s-0", "s-1", "s-2"])), "it says that it does not");
    view.servidores.insert("s-1".into(), None);
    assert!(!view.counts_exactly(&names(&["s-0", "s-1"])), "one is silent");
}
