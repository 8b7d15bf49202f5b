//! What is shown without `--yes`: every request, each tried as a dry run, and none that changes anything.

use std::time::Duration;

use http::Method;
use papo_drill::api_call::Verb;
use papo_drill::discovery::Site;
use papo_drill::faults::find;
use papo_drill::interrupt::Interrupt;
use papo_drill::options::Options;
use papo_drill::plan::Plan;
use papo_drill::pod_watch::PodWatch;
use papo_drill::session::Session;
use papo_drill::stop::Stop;
use papo_witness::Reach;
use serde_json::{Value, json};

use super::api::Api;
use super::injection::NODE;
use super::journal::at;
use super::sample::snapshot;
use super::script::{Exchange, Server, expect, server};

const LEASES: &str = "/apis/coordination.k8s.io/v1/namespaces/chat/leases";

async fn rehearsed(script: Vec<Exchange>) -> (Result<String, Stop>, Server) {
    let (connection, server) = server(script);
    let drill = find("drain").expect("a drill");
    let mut plan: Plan = (drill.plan)(&snapshot(), &Options::default()).expect("a plan");
    plan.acts.truncate(3);
    let (_hand, interrupt) = Interrupt::by_hand();
    let site = Site::of(connection, "papo", PodWatch::fixed([]), Reach::default());
    let options = Options::default();
    let session = Session {
        site: &site,
        drill,
        options: &options,
        interrupt: &interrupt,
        settle: Duration::ZERO,
        keep: None,
    };
    (session.rehearse(&plan).await, server)
}

#[tokio::test]
async fn the_lease_and_the_journal_are_shown_and_tried_as_well_as_the_fault() {
    let (text, server) = rehearsed(vec![
        expect(Method::GET, &format!("{LEASES}/papo-drill")).refuse(404, "not found"),
        expect(Method::POST, &format!("{LEASES}?dryRun=All"))
            .with(json!({"kind": "Lease", "metadata": {"name": "papo-drill"}}))
            .answer(json!({})),
        expect(Method::POST, &at("?dryRun=All"))
            .with(json!({"kind": "ConfigMap", "metadata": {"name": "papo-drill-journal"}}))
            .refuse(403, "configmaps are not yours"),
        expect(Method::PATCH, &format!("{NODE}?dryRun=All"))
            .with(json!({"spec": {"unschedulable": true}}))
            .answer(json!({})),
        expect(Method::POST, "/api/v1/namespaces/chat/pods/papo-servidor-0/eviction?dryRun=All")
            .with(Value::Object(serde_json::Map::new()))
            .answer(json!({})),
    ])
    .await;
    server.finish().await;
    let text = text.expect("nobody else drills");
    let lines: Vec<&str> = text.lines().collect();
    let at = |begin: &str| {
        lines
            .iter()
            .position(|line| line.starts_with(begin))
            .unwrap_or_else(|| panic!("{begin} is not in\n{text}"))
    };
    let order = [
        at("drain: cordon node n1"),
        at("- first, so that it can be undone, and by nobody else: POST /apis/coordination.k8s.io"),
        at(
            "- first, so that it can be undone, and by nobody else: POST /api/v1/namespaces/chat/configmaps {",
        ),
        at("- PATCH /api/v1/nodes/n1"),
        at("- to undo it: PATCH /api/v1/nodes/n1"),
        at("- when that is done: delete the ConfigMap papo-drill-journal"),
        at("- meanwhile: renew the Lease papo-drill; at the end: give it back"),
        at("dry run of /apis/coordination.k8s.io/v1/namespaces/chat/leases: the server would do it"),
        at(
            "dry run of /api/v1/namespaces/chat/configmaps: the server would refuse: configmaps are not yours",
        ),
        at("dry run of /api/v1/nodes/n1: the server would do it"),
    ];
    assert!(order.is_sorted(), "{order:?}\n{text}");
}

#[tokio::test]
async fn while_another_drill_is_held_it_is_said_that_this_one_would_be_refused() {
    let renewed = format!("{:.6}", k8s_openapi::jiff::Timestamp::now());
    let (text, server) =
        rehearsed(vec![expect(Method::GET, &format!("{LEASES}/papo-drill")).answer(json!({
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {"name": "papo-drill"},
            "spec": {"holderIdentity": "somebody", "leaseDurationSeconds": 30, "renewTime": renewed},
        }))])
        .await;
    server.finish().await;
    let sentence = "another drill runs in this namespace, started by somebody";
    assert_eq!(text, Err(Stop::Refused(sentence.to_owned())));
}

#[tokio::test]
async fn nothing_is_deleted_that_is_only_to_be_shown() {
    for name in ["follower-kill", "disk-loss"] {
        let drill = find(name).expect("a drill");
        let options = Options::default();
        let plan = (drill.plan)(&snapshot(), &options).expect("a plan");
        let mut api =
            Api::start().answers(&Method::POST, LEASES, json!({})).answers(&Method::POST, &at(""), json!({}));
        for call in plan.calls() {
            api = api.answers(call.request(false).method(), &call.path, json!({}));
        }
        let (_hand, interrupt) = Interrupt::by_hand();
        let site = Site::of(api.connection(), "papo", PodWatch::fixed([]), Reach::default());
        let settle = Duration::ZERO;
        let session =
            Session { site: &site, drill, options: &options, interrupt: &interrupt, settle, keep: None };
        let text = session.rehearse(&plan).await.expect("nobody else drills");
        assert!(!text.contains("the server would refuse"), "{text}");
        let deletes = api.deletes();
        let planned = plan.calls().filter(|call| call.verb == Verb::Delete).count();
        assert!(planned > 0 && deletes.len() == planned, "{name}: {deletes:?}");
        for (path, options) in deletes {
            assert_eq!(options["dryRun"], json!(["All"]), "{name}: {path}");
            assert!(options["preconditions"]["uid"].is_string(), "{name}: {path}: {options}");
        }
        assert_eq!(api.deleted(), Vec::<String>::new(), "{name}");
    }
}
