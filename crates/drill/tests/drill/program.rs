//! The program as people start it, against an API server over HTTP: its sentence, its exit code, and what it asked for.

use std::net::TcpListener;
use std::process::Output;

use http::Method;
use k8s_openapi::jiff::Timestamp;
use papo_drill::api_call::ApiCall;
use papo_drill::journal::Entry;
use papo_drill::step::{PodRef, Step};
use serde_json::{Value, json};

use super::api::{Api, command, kubeconfig};
use super::journal::{at, map};

const PODS: &str = "/api/v1/namespaces/chat/pods";
const LEASE: &str = "/apis/coordination.k8s.io/v1/namespaces/chat/leases/papo-drill";
const NODE: &str = "/api/v1/nodes/n1";

/// Commands that look at an install before they do anything.
const LOOKING: [&[&str]; 4] =
    [&["status"], &["run", "leader-kill", "--yes"], &["suite"], &["suite", "--yes"]];

fn journal_path() -> String {
    at("/papo-drill-journal")
}

fn none() -> Value {
    json!({"apiVersion": "v1", "kind": "PodList", "metadata": {"resourceVersion": "1"}, "items": []})
}

#[track_caller]
fn ends(output: &Output, code: i32, sentence: &str) {
    let said = String::from_utf8_lossy(&output.stderr);
    let all = format!("{output:?}");
    assert_eq!(output.status.code(), Some(code), "{all}");
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines.len(), usize::from(!sentence.is_empty()), "one sentence: {all}");
    assert!(said.contains(sentence), "{sentence:?} is not in {all}");
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn a_wrong_context_is_named_with_those_that_there_are() {
    let api = Api::start();
    for arguments in LOOKING.into_iter().chain([["undo"].as_slice()]) {
        let arguments: Vec<&str> = arguments.iter().copied().chain(["--context", "elsewhere"]).collect();
        ends(&api.drill(&arguments), 78, "drill: there is no context elsewhere (there is: here)");
    }
    assert_eq!(api.asked(), Vec::<String>::new());
}

#[test]
fn an_api_server_that_does_not_answer_is_one_sentence() {
    let folder = tempfile::tempdir().expect("a directory");
    // Nobody listens there any more.
    let address = TcpListener::bind(("127.0.0.1", 0)).and_then(|free| free.local_addr()).expect("a port");
    let kubeconfig = kubeconfig(folder.path(), address);
    for arguments in LOOKING.into_iter().chain([["undo"].as_slice()]) {
        let output = command(&kubeconfig, arguments).output().expect("it starts");
        ends(&output, 78, "drill: the API server cannot be reached: ");
    }
}

#[test]
fn a_namespace_without_papo_is_named() {
    for arguments in LOOKING {
        let api = Api::start().answers(&Method::GET, PODS, none());
        let output = api.drill(arguments);
        ends(&output, 4, "drill: refused, nothing was done: there is no Papo in namespace chat");
        assert_eq!(api.changes(), Vec::<String>::new());
    }
}

#[test]
fn rights_that_are_missing_are_all_named_before_anything_is_asked() {
    for arguments in LOOKING {
        let api = Api::start().denies(&["watch pods", "list statefulsets"]);
        let sentence =
            "drill: rights are missing, nothing was done: watch pods in chat; list statefulsets.apps in chat";
        ends(&api.drill(arguments), 78, sentence);
        assert_eq!(api.asked(), Vec::<String>::new());
    }
}

#[test]
fn somebody_whom_the_server_does_not_know_is_told_so() {
    let api = Api::start().refuses(&Method::GET, PODS, 401, "Unauthorized");
    ends(&api.drill(&["status"]), 78, "drill: Unauthorized");
}

#[test]
fn reports_of_an_earlier_suite_are_not_written_over() {
    let api = Api::start();
    let folder = tempfile::tempdir().expect("a directory");
    let old = folder.path().join("suite.txt");
    std::fs::write(&old, "22 of 22 drills came out as they should.").expect("written");
    let path = folder.path().to_str().expect("text");
    ends(
        &api.drill(&["suite", "--yes", "-o", path]),
        64,
        "is not empty, so nothing was done; give a new folder",
    );
    assert_eq!(api.asked(), Vec::<String>::new());
    assert!(std::fs::read_to_string(old).expect("there").starts_with("22 of 22"));
}

#[test]
fn a_suite_that_asks_for_a_senseless_load_is_refused_before_anything_is_asked() {
    let api = Api::start();
    let folder = tempfile::tempdir().expect("a directory");
    let file = folder.path().join("suite.yaml");
    std::fs::write(&file, "defaults: {rate: 0}\ndrills: [control-none]").expect("written");
    let output = api.drill(&["suite", "--yes", file.to_str().expect("text")]);
    ends(&output, 64, "defaults.rate: 0 will not do: it takes 1 to 100000 messages a second");
    assert_eq!(api.asked(), Vec::<String>::new());
}

/// What a drill left that cordoned a node, and cut a servidor off if `hooks`.
fn left(hooks: bool) -> Value {
    let mut undo = vec![Step::from(ApiCall::cordon("n1", false))];
    if hooks {
        let pod = PodRef { name: "papo-servidor-0".to_owned(), uid: "u".to_owned() };
        undo.push(Step::Hook { pod, path: "/drill/cut".to_owned(), body: json!({"from": []}) });
    }
    let entry =
        Entry { written: "2026-01-01T00:00:00Z".to_owned(), ..Entry::new("drain", "somebody", &undo) };
    map(&serde_json::to_string(&entry).expect("JSON"), "1")
}

fn gone() -> Value {
    json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"})
}

/// A lease of this holder, renewed now.
fn lease(holder: &str) -> Value {
    json!({
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"name": "papo-drill", "resourceVersion": "7"},
        "spec": {"holderIdentity": holder, "leaseDurationSeconds": 30, "renewTime": format!("{:.6}", Timestamp::now())},
    })
}

#[test]
fn where_nothing_is_left_there_is_nothing_to_undo() {
    let api = Api::start();
    let output = api.drill(&["undo", "--yes"]);
    ends(&output, 0, "");
    assert_eq!(said(&output), "nothing is left to undo in namespace chat\n");
    assert_eq!(api.changes(), Vec::<String>::new());
}

#[test]
fn what_would_be_undone_is_shown_and_nothing_is_done() {
    let api = Api::start().answers(&Method::GET, &journal_path(), left(true));
    let output = api.drill(&["undo"]);
    ends(&output, 0, "");
    assert_eq!(
        said(&output),
        "drain of 2026-01-01T00:00:00Z by somebody left this to undo:\n\
         - PATCH /api/v1/nodes/n1 {\"spec\":{\"unschedulable\":null}}\n\
         - hook of papo-servidor-0: POST /drill/cut {\"from\":[]}\n\
         Nothing was done. --yes does it.\n"
    );
    assert_eq!(api.changes(), Vec::<String>::new());
}

#[test]
fn what_is_left_is_undone_under_the_lease_and_the_journal_goes_last() {
    let api = Api::start()
        .answers(&Method::GET, &journal_path(), left(false))
        .answers(&Method::GET, LEASE, lease(""))
        .answers(&Method::PUT, LEASE, lease("me"))
        .answers(&Method::PATCH, NODE, json!({}))
        .answers(&Method::DELETE, &journal_path(), gone());
    let output = api.drill(&["undo", "--yes"]);
    ends(&output, 0, "");
    assert!(said(&output).ends_with("all of it is undone\n"), "{output:?}");
    let changes = api.changes();
    let wanted = [format!("PUT {LEASE}"), format!("PATCH {NODE}"), format!("DELETE {}", journal_path())];
    assert_eq!(changes, wanted, "{:?}", api.asked());
}

#[test]
fn rights_that_undoing_takes_are_asked_for_before_half_of_it_is_done() {
    let api = Api::start()
        .answers(&Method::GET, &journal_path(), left(true))
        .denies(&["patch nodes", "create pods/portforward"]);
    let sentence = "rights are missing, nothing was done: patch nodes in the whole cluster; \
                    create pods/portforward in chat";
    ends(&api.drill(&["undo", "--yes"]), 78, sentence);
    assert_eq!(api.changes(), Vec::<String>::new());
}

#[test]
fn while_a_drill_is_held_nobody_undoes_it() {
    let api = Api::start().answers(&Method::GET, &journal_path(), left(false)).answers(
        &Method::GET,
        LEASE,
        lease("somebody"),
    );
    let sentence = "refused, nothing was done: another drill runs in this namespace, started by somebody";
    ends(&api.drill(&["undo", "--yes"]), 4, sentence);
    assert_eq!(api.changes(), Vec::<String>::new());
}

#[test]
fn an_api_server_that_goes_away_in_the_middle_leaves_a_list_of_what_is_not_undone() {
    let api = Api::start()
        .answers(&Method::GET, &journal_path(), left(false))
        .answers(&Method::GET, LEASE, lease(""))
        .answers(&Method::PUT, LEASE, lease("me"))
        .goes_away_at(&Method::PATCH, NODE);
    let output = api.drill(&["undo", "--yes", "--patience=1ms", "--log-level=error,kube_client=off"]);
    ends(&output, 5, "drill: not everything could be undone: the API server cannot be reached: ");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        said.contains("; still to be done: PATCH /api/v1/nodes/n1 {\"spec\":{\"unschedulable\":null}}"),
        "{said}"
    );
    assert!(said.contains("the journal papo-drill-journal is not up to date"), "{said}");
}

#[test]
fn a_journal_that_cannot_be_read_is_left_alone() {
    let api = Api::start().answers(&Method::GET, &journal_path(), map("what?", "1"));
    ends(&api.drill(&["undo", "--yes"]), 5, "the ConfigMap papo-drill-journal is no journal of this release");
    assert_eq!(api.changes(), Vec::<String>::new());
}
