use papo_drill::faults::{DRILLS, find};
use papo_drill::guards;
use papo_drill::options::Options;
use papo_drill::plan::{Act, Plan};
use papo_drill::snapshot::{Scheduling, Snapshot};
use papo_drill::stop::{Ending, Stop};
use papo_wire::reply::Role;

use super::sample::snapshot;

fn planned(drill: &str, snapshot: &Snapshot, options: &Options) -> Result<Plan, Stop> {
    (find(drill).expect("a drill").plan)(snapshot, options)
}

fn plan(drill: &str) -> Plan {
    planned(drill, &snapshot(), &Options::default()).unwrap_or_else(|stop| panic!("{drill}: {stop}"))
}

/// Everything that a plan does, a line each.
fn deeds(plan: &Plan) -> Vec<String> {
    let steps = plan.acts.iter().flat_map(|act| match act {
        Act::Do(steps) => steps.iter().map(ToString::to_string).collect(),
        other => vec![other.to_string()],
    });
    steps.collect()
}

#[test]
fn the_sample_is_healthy() {
    assert_eq!(snapshot().complaints(), Vec::<String>::new());
}

#[test]
fn every_drill_but_those_that_must_be_told_more_has_a_plan() {
    for drill in DRILLS.iter().filter(|drill| !drill.name.starts_with("node-")) {
        let plan = plan(drill.name);
        assert!(!plan.acts.is_empty() && !plan.sentence.is_empty(), "{}", drill.name);
    }
}

#[test]
fn the_leader_is_whom_the_system_says_it_is() {
    let plan = plan("leader-kill");
    assert_eq!(plan.sentence, "delete papo-servidor-0, which coordinates");
    assert_eq!(
        deeds(&plan)[0],
        "DELETE /api/v1/namespaces/chat/pods/papo-servidor-0 \
         {\"gracePeriodSeconds\":0,\"preconditions\":{\"uid\":\"uid-papo-servidor-0\"}}"
    );
    assert!(plan.expect.coordinator.is_some());
}

#[test]
fn a_follower_is_never_the_leader_and_the_same_for_the_same_seed() {
    for seed in 0..50 {
        let options = Options { seed, ..Options::default() };
        let first = planned("follower-kill", &snapshot(), &options).expect("a plan");
        assert_ne!(first.targets[0].name, "papo-servidor-0");
        assert_eq!(first.targets, planned("follower-kill", &snapshot(), &options).expect("a plan").targets);
    }
}

#[test]
fn the_one_that_lags_is_the_furthest_behind() {
    assert_eq!(plan("lagging-kill").sentence, "delete papo-servidor-2, which is furthest behind (3 entries)");
}

#[test]
fn a_majority_is_only_taken_when_told() {
    let plan = plan("majority-kill");
    assert_eq!(plan.servidores_lost, 2);
    let refused = guards::affordable(&plan, &snapshot(), &Options::default()).expect_err("too many");
    assert_eq!(refused.ending(), Ending::Refused);
    let told = Options { allow_majority_loss: true, ..Options::default() };
    guards::affordable(&plan, &snapshot(), &told).expect("it was told");
    guards::affordable(&self::plan("minority-kill"), &snapshot(), &Options::default()).expect("one of three");
}

#[test]
fn messages_are_only_lost_when_told() {
    let told = Options { allow_majority_loss: true, ..Options::default() };
    let refused =
        guards::affordable(&plan("control-broken"), &snapshot(), &told).expect_err("it loses messages");
    assert!(refused.to_string().contains("--allow-message-loss"), "{refused}");
}

#[test]
fn what_is_not_well_is_not_drilled() {
    let mut ill = snapshot();
    ill.pods[0].ready = false;
    let stop = guards::healthy(&ill).expect_err("a broker is missing");
    assert_eq!(stop, Stop::NotHealthy("1 pods of papo-broker are ready, not 2".to_owned()));
    let mut headless = snapshot();
    headless.view.servidores.values_mut().flatten().for_each(|status| status.role = Role::Follower);
    assert_eq!(guards::healthy(&headless).expect_err("no leader").ending(), Ending::NotHealthy);
}

#[test]
fn without_hooks_their_drills_say_how_to_have_them() {
    let bare = Snapshot { hooks: [].into(), ..snapshot() };
    for drill in ["process-kill", "freeze", "partition", "control-broken"] {
        let stop = planned(drill, &bare, &Options::default()).expect_err("no hooks");
        assert!(
            stop.to_string().ends_with("has no drill hooks; install with drillHooks.enabled=true"),
            "{stop}"
        );
        assert_eq!(stop.ending(), Ending::Refused);
    }
}

#[test]
fn a_disk_that_may_be_a_whole_node_is_not_filled() {
    let narrow = Options { max_fill: 1 << 20, ..Options::default() };
    let stop = planned("disk-full", &snapshot(), &narrow).expect_err("60 MiB are free");
    assert!(stop.to_string().contains("has 60 MiB free, and no more than 1 MiB may be filled"), "{stop}");
    let undo = plan("disk-full").undo.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
    assert!(undo.contains("rm -f /data/drill-ballast"), "{undo}");
}

#[test]
fn a_disk_is_lost_with_its_claim_and_the_next_must_be_another() {
    let plan = plan("disk-loss");
    let name = &plan.targets[0].name;
    let deeds = deeds(&plan);
    assert_eq!(
        deeds[0],
        format!(
            "DELETE /api/v1/namespaces/chat/persistentvolumeclaims/data-{name} \
             {{\"preconditions\":{{\"uid\":\"uid-data-{name}\"}}}}"
        )
    );
    assert!(deeds[3].starts_with(&format!("wait until {name} has a new disk")), "{deeds:?}");
}

#[test]
fn nodes_are_only_taken_away_with_commands_for_both_ways() {
    let stop = planned("node-power", &snapshot(), &Options::default()).expect_err("no commands");
    assert_eq!(stop.ending(), Ending::Usage);
}

#[test]
fn a_drain_cordons_evicts_and_tries_one_too_many() {
    let plan = plan("drain");
    let deeds = deeds(&plan);
    assert!(deeds[0].starts_with("PATCH /api/v1/nodes/n1 "), "{deeds:?}");
    assert!(deeds[1].starts_with("POST /api/v1/namespaces/chat/pods/papo-servidor-0/eviction"), "{deeds:?}");
    assert!(deeds[2].starts_with("dry run that the budget must refuse: POST"), "{deeds:?}");
    assert!(!deeds[2].contains("papo-servidor-0"), "{deeds:?}");
    assert_eq!(plan.undo[0].to_string(), "PATCH /api/v1/nodes/n1 {\"spec\":{\"unschedulable\":null}}");
    let unprotected = Snapshot { budgets: Vec::new(), ..snapshot() };
    assert_eq!(
        planned("drain", &unprotected, &Options::default()).expect_err("no budget").ending(),
        Ending::Refused
    );
}

/// Five servidores on five nodes, of which two may go at a time.
fn five() -> Snapshot {
    let mut snapshot = snapshot();
    for number in [3, 4] {
        let (name, node) = (format!("papo-servidor-{number}"), format!("n{}", number + 1));
        snapshot.pods.push(super::sample::pod(&name, "servidor", &node));
    }
    snapshot.workloads[0].replicas = 5;
    snapshot.budgets[0].allowed = 2;
    snapshot
}

/// The pods that are evicted, in order, and the one that must not be.
fn evictions(plan: &Plan) -> (Vec<String>, String) {
    let name = |path: &str| path.split('/').rev().nth(1).expect("a pod").to_owned();
    let evicted = plan.calls().filter(|call| call.path.ends_with("/eviction")).map(|call| name(&call.path));
    let refused = plan.acts.iter().find_map(|act| match act {
        Act::Refused(call) => Some(name(&call.path)),
        _ => None,
    });
    (evicted.collect(), refused.expect("one too many is tried"))
}

#[test]
fn of_five_servidores_two_are_evicted_before_the_budget_has_to_refuse() {
    let plan = planned("drain", &five(), &Options::default()).expect("a plan");
    let (evicted, kept) = evictions(&plan);
    let servidores: Vec<&String> = evicted.iter().filter(|name| name.contains("servidor")).collect();
    assert_eq!((servidores.len(), servidores[0].as_str()), (2, "papo-servidor-0"), "{evicted:?}");
    assert!(!evicted.contains(&kept) && kept.contains("servidor"), "{kept} {evicted:?}");
    assert_eq!(plan.servidores_lost, 2);
    guards::affordable(&plan, &five(), &Options::default()).expect("a minority");
}

#[test]
fn of_two_servidores_on_the_node_only_those_are_waited_for_that_may_go() {
    let mut crowded = snapshot();
    crowded
        .pods
        .iter_mut()
        .filter(|pod| pod.name == "papo-servidor-1")
        .for_each(|pod| pod.node = Some("n1".into()));
    let plan = planned("drain", &crowded, &Options::default()).expect("a plan");
    let (evicted, kept) = evictions(&plan);
    assert_eq!(kept, "papo-servidor-1", "the other one on that node");
    let mut targets: Vec<&str> = plan.targets.iter().map(|pod| pod.name.as_str()).collect();
    targets.sort_unstable();
    assert_eq!(targets, ["papo-broker-a", "papo-proxy-a", "papo-servidor-0"]);
    assert_eq!(evicted[0], "papo-servidor-0");

    let mut crowded = five();
    crowded
        .pods
        .iter_mut()
        .filter(|pod| pod.name == "papo-servidor-3")
        .for_each(|pod| pod.node = Some("n1".into()));
    let (evicted, kept) = evictions(&planned("drain", &crowded, &Options::default()).expect("a plan"));
    assert_eq!(
        evicted[..2],
        ["papo-servidor-0", "papo-servidor-3"],
        "all of that node, as the budget allows both"
    );
    assert!(!["papo-servidor-0", "papo-servidor-3"].contains(&kept.as_str()), "{kept}");
}

#[test]
fn no_more_brokers_are_evicted_at_once_than_their_budget_lets_go() {
    let mut crowded = snapshot();
    crowded
        .pods
        .iter_mut()
        .filter(|pod| pod.name == "papo-broker-b")
        .for_each(|pod| pod.node = Some("n1".into()));
    let budget =
        papo_drill::snapshot::Budget { component: "broker".to_owned(), ..crowded.budgets[0].clone() };
    crowded.budgets.push(budget);
    let (evicted, _) = evictions(&planned("drain", &crowded, &Options::default()).expect("a plan"));
    assert_eq!(evicted.iter().filter(|name| name.contains("broker")).count(), 1, "{evicted:?}");
}

#[test]
fn a_drain_that_nobody_would_survive_or_that_cannot_be_seen_to_be_refused_is_not_begun() {
    let refused = |snapshot: &Snapshot| planned("drain", snapshot, &Options::default()).expect_err("no plan");
    let mut single = snapshot();
    single.pods.iter_mut().for_each(|pod| pod.node = Some("n1".into()));
    assert_eq!(refused(&single), Stop::Needs("all servidores are on node n1".to_owned()));
    let mut generous = snapshot();
    generous.budgets[0].allowed = 3;
    assert_eq!(refused(&generous).ending(), Ending::Refused);
    // It may not have been counted yet that all are ready again.
    let mut strict = snapshot();
    strict.budgets[0].allowed = 0;
    assert_eq!(refused(&strict).ending(), Ending::NotHealthy);
}

#[test]
fn two_more_servidores_are_only_asked_for_where_there_is_room_for_them() {
    let on = |nodes: &[&str]| Snapshot {
        scheduling: Scheduling {
            apart: true,
            nodes: Some(nodes.iter().map(|node| (*node).to_owned()).collect()),
        },
        ..snapshot()
    };
    let stop =
        planned("grow-shrink", &on(&["n1", "n2", "n3", "n4"]), &Options::default()).expect_err("one is free");
    assert_eq!(
        stop.to_string(),
        "refused, nothing was done: there is no room for 2 more servidores: no two may share a node \
         (servidor.antiAffinity=required), and of the 4 nodes that take one 1 are free"
    );
    planned("grow-shrink", &on(&["n1", "n2", "n3", "n4", "n5"]), &Options::default()).expect("two are free");
    let unseen = Snapshot { scheduling: Scheduling { apart: true, nodes: None }, ..snapshot() };
    let stop = planned("grow-shrink", &unseen, &Options::default()).expect_err("nobody knows");
    assert_eq!(stop.ending(), Ending::Config);
    assert!(stop.to_string().contains("list nodes in the whole cluster"), "{stop}");
}

#[test]
fn who_is_cut_off_is_asked_for_a_write_once_it_is_known_to_be_alone() {
    for drill in ["partition", "partition-policy"] {
        let deeds = deeds(&plan(drill));
        let at = |part: &str| {
            deeds.iter().position(|deed| deed.contains(part)).unwrap_or_else(|| panic!("{part}: {deeds:?}"))
        };
        let name = &plan(drill).targets[0].name;
        assert!(at("follows nobody") < at(&format!("ask {name} itself for a write")), "{deeds:?}");
    }
}

#[test]
fn a_drill_does_not_evict_itself() {
    let mut inside = snapshot();
    inside.pods.push(super::sample::pod("papo-drill-a", "drill", "n1"));
    let plan = planned("drain", &inside, &Options::default()).expect("a plan");
    assert!(plan.targets.iter().any(|pod| pod.name == "papo-broker-a"), "{:?}", plan.targets);
    assert!(plan.targets.iter().all(|pod| pod.name != "papo-drill-a"), "{:?}", plan.targets);
}

#[test]
fn after_all_of_the_front_what_is_promised_counts_from_the_next_broker_on() {
    let options = Options { pause: Some(std::time::Duration::from_secs(3)), ..Options::default() };
    let plan = planned("all-front-kill", &snapshot(), &options).expect("a plan");
    assert_eq!(plan.resumes, Some(("broker", std::time::Duration::from_secs(3))));
    assert_eq!(plan.expect.pause, None);
}

#[test]
fn policies_that_allow_are_turned_away_from_the_one_cut_off_and_back() {
    let plan = plan("partition-policy");
    let name = &plan.targets[0].name;
    let deeds = deeds(&plan);
    assert!(deeds[0].contains("papo-drill-partition"), "{deeds:?}");
    assert!(deeds[1].contains(&format!("\"operator\":\"NotIn\",\"values\":[\"{name}\"]")), "{deeds:?}");
    assert_eq!(
        plan.undo[0].to_string(),
        "PATCH /apis/networking.k8s.io/v1/namespaces/chat/networkpolicies/papo-servidor \
         {\"spec\":{\"podSelector\":{\"matchExpressions\":null}}}"
    );
}

#[test]
fn the_rights_that_a_plan_takes_are_read_off_it() {
    let rights: Vec<String> = plan("drain").rights("chat").iter().map(ToString::to_string).collect();
    assert!(rights.contains(&"create pods/eviction in chat".to_owned()), "{rights:?}");
    assert!(rights.contains(&"patch nodes in the whole cluster".to_owned()), "{rights:?}");
    let rights: Vec<String> = plan("disk-full").rights("chat").iter().map(ToString::to_string).collect();
    assert!(rights.contains(&"create pods/exec in chat".to_owned()), "{rights:?}");
}
