use papo_drill::faults::{DRILLS, find};
use papo_drill::guards;
use papo_drill::options::Options;
use papo_drill::plan::{Act, Plan};
use papo_drill::scene::Scene;
use papo_drill::stop::{Ending, Stop};
use papo_wire::reply::Role;

use super::sample::scene;

fn planned(drill: &str, scene: &Scene, options: &Options) -> Result<Plan, Stop> {
    (find(drill).expect("a drill").plan)(scene, options)
}

fn plan(drill: &str) -> Plan {
    planned(drill, &scene(), &Options::default()).unwrap_or_else(|stop| panic!("{drill}: {stop}"))
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
    assert_eq!(scene().complaints(), Vec::<String>::new());
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
        let first = planned("follower-kill", &scene(), &options).expect("a plan");
        assert_ne!(first.targets[0].name, "papo-servidor-0");
        assert_eq!(first.targets, planned("follower-kill", &scene(), &options).expect("a plan").targets);
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
    let refused = guards::affordable(&plan, &scene(), &Options::default()).expect_err("too many");
    assert_eq!(refused.ending(), Ending::Refused);
    let told = Options { allow_majority_loss: true, ..Options::default() };
    guards::affordable(&plan, &scene(), &told).expect("it was told");
    guards::affordable(&self::plan("minority-kill"), &scene(), &Options::default()).expect("one of three");
}

#[test]
fn messages_are_only_lost_when_told() {
    let told = Options { allow_majority_loss: true, ..Options::default() };
    let refused =
        guards::affordable(&plan("control-broken"), &scene(), &told).expect_err("it loses messages");
    assert!(refused.to_string().contains("--allow-message-loss"), "{refused}");
}

#[test]
fn what_is_not_well_is_not_drilled() {
    let mut ill = scene();
    ill.pods[0].ready = false;
    let stop = guards::healthy(&ill).expect_err("a broker is missing");
    assert_eq!(stop, Stop::NotHealthy("1 pods of papo-broker are ready, not 2".to_owned()));
    let mut headless = scene();
    headless.view.servidores.values_mut().flatten().for_each(|status| status.role = Role::Follower);
    assert_eq!(guards::healthy(&headless).expect_err("no leader").ending(), Ending::NotHealthy);
}

#[test]
fn without_hooks_their_drills_say_how_to_have_them() {
    let bare = Scene { hooks: [].into(), ..scene() };
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
    let stop = planned("disk-full", &scene(), &narrow).expect_err("60 MiB are free");
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
    let stop = planned("node-power", &scene(), &Options::default()).expect_err("no commands");
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
    let unprotected = Scene { budgets: Vec::new(), ..scene() };
    assert_eq!(
        planned("drain", &unprotected, &Options::default()).expect_err("no budget").ending(),
        Ending::Refused
    );
}

#[test]
fn a_drill_does_not_evict_itself() {
    let mut inside = scene();
    inside.pods.push(super::sample::pod("papo-drill-a", "drill", "n1"));
    let plan = planned("drain", &inside, &Options::default()).expect("a plan");
    assert!(plan.targets.iter().any(|pod| pod.name == "papo-broker-a"), "{:?}", plan.targets);
    assert!(plan.targets.iter().all(|pod| pod.name != "papo-drill-a"), "{:?}", plan.targets);
}

#[test]
fn after_all_of_the_front_what_is_promised_counts_from_the_next_broker_on() {
    let options = Options { pause: Some(std::time::Duration::from_secs(3)), ..Options::default() };
    let plan = planned("all-front-kill", &scene(), &options).expect("a plan");
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
