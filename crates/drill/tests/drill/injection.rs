use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::FutureExt;
use http::Method;
use papo_drill::api_call::ApiCall;
use papo_drill::conditions::ConditionEvaluator;
use papo_drill::connect::{Connection, Trouble};
use papo_drill::executor::{Executor, NodeCommands};
use papo_drill::injection::Injector;
use papo_drill::interrupt::Interrupt;
use papo_drill::members::{Members, Question, Standing};
use papo_drill::plan::{Act, Condition, Over, Plan};
use papo_drill::pod_watch::PodWatch;
use papo_drill::snapshot::Pod;
use papo_drill::step::{PodRef, Step};
use papo_drill::stop::Stop;
use papo_witness::{Expectations, Timeline, View};
use serde_json::{Value, json};

use super::journal::{at, map};
use super::sample;
use super::script::{Exchange, expect, server};

pub(crate) const NODE: &str = "/api/v1/nodes/n1";
const POD: &str = "/api/v1/namespaces/chat/pods/papo-servidor-0";

pub(crate) fn injector(connection: &Connection, pods: Vec<Pod>, interrupt: Interrupt) -> Injector {
    let pod_watch = PodWatch::fixed(pods);
    Injector {
        executor: Executor {
            connection: connection.clone(),
            pod_watch: pod_watch.clone(),
            nodes: NodeCommands::default(),
            members: Members::of(connection, &pod_watch),
        },
        conditions: ConditionEvaluator {
            connection: connection.clone(),
            pod_watch,
            view: Arc::new(View::default),
        },
        timeline: Timeline::start(),
        release: "papo".to_owned(),
        holder: "me".to_owned(),
        interrupt,
        duration: Duration::ZERO,
        undo_for: Duration::ZERO,
    }
}

pub(crate) fn plan(acts: Vec<Act>, undo: Vec<Step>) -> Plan {
    Plan {
        sentence: "cordon a node".to_owned(),
        targets: Vec::new(),
        acts,
        undo,
        servidores_lost: 0,
        loses_messages: false,
        expect: Expectations::default(),
        plain_client: true,
        over: Over::Undone,
        resumes: None,
    }
}

/// Cordons `n1`, and undoes that.
pub(crate) fn cordon(more: Vec<Act>) -> Plan {
    let mut acts = vec![Act::Do(vec![ApiCall::cordon("n1", true).into()])];
    acts.extend(more);
    plan(acts, vec![ApiCall::cordon("n1", false).into()])
}

pub(crate) fn journal_written() -> Exchange {
    expect(Method::POST, &at("")).answer(map("kept", "1"))
}

pub(crate) fn cordoned() -> Exchange {
    expect(Method::PATCH, NODE).with(json!({"spec": {"unschedulable": true}})).answer(json!({}))
}

pub(crate) fn uncordoned() -> Exchange {
    expect(Method::PATCH, NODE).with(json!({"spec": {"unschedulable": Value::Null}})).answer(json!({}))
}

pub(crate) fn journal_gone() -> Exchange {
    expect(Method::DELETE, &at("/papo-drill-journal?"))
        .with(json!({"preconditions": {"uid": "map", "resourceVersion": "1"}}))
        .answer(json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"}))
}

fn leader() -> Pod {
    sample::pod("papo-servidor-0", "servidor", "n1")
}

fn kill(pod: &Pod) -> Plan {
    let mut plan = plan(vec![Act::Do(vec![ApiCall::kill_pod("chat", pod).into()])], Vec::new());
    plan.targets = vec![PodRef::of(pod)];
    plan
}

#[tokio::test]
async fn the_journal_comes_before_the_fault_and_goes_after_it_is_undone() {
    let (connection, server) = server(vec![journal_written(), cordoned(), uncordoned(), journal_gone()]);
    let (_hand, interrupt) = Interrupt::by_hand();
    let injection =
        injector(&connection, Vec::new(), interrupt).carry_out("drain", &cordon(Vec::new())).await;
    let injection = injection.expect("carried out");
    assert!(injection.caused.is_some() && injection.over.is_some());
    assert_eq!((injection.unproven, injection.not_undone), (Vec::new(), Vec::new()));
    drop(connection);
    let bodies = server.finish().await;
    let journal: Value =
        serde_json::from_str(bodies[0]["data"]["journal.json"].as_str().expect("text")).expect("JSON");
    assert_eq!(journal["undo"][0]["call"]["body"], json!({"spec": {"unschedulable": null}}));
}

#[tokio::test]
async fn a_pod_is_deleted_by_its_uid_and_nothing_else_is_asked() {
    let (connection, server) = server(vec![
        expect(Method::DELETE, POD)
            .with(json!({"gracePeriodSeconds": 0, "preconditions": {"uid": "uid-papo-servidor-0"}}))
            .answer(json!({})),
    ]);
    let (_hand, interrupt) = Interrupt::by_hand();
    let injection =
        injector(&connection, vec![leader()], interrupt).carry_out("leader-kill", &kill(&leader())).await;
    assert!(injection.expect("carried out").caused.is_some());
    drop(connection);
    server.finish().await;
}

#[tokio::test]
async fn a_target_that_vanished_before_the_fault_leaves_everything_as_it_is() {
    let (connection, server) = server(Vec::new());
    let (_hand, interrupt) = Interrupt::by_hand();
    let stop = injector(&connection, Vec::new(), interrupt).carry_out("leader-kill", &kill(&leader())).await;
    let sentence = "papo-servidor-0 vanished between being chosen and the fault, so nothing was done";
    assert_eq!(stop, Err(Stop::Unknown(sentence.to_owned())));
    drop(connection);
    server.finish().await;
}

#[tokio::test]
async fn a_target_that_vanishes_at_the_last_moment_leaves_the_drill_unproven() {
    let message = "the UID in the precondition does not match";
    let (connection, server) = server(vec![expect(Method::DELETE, POD).refuse(409, message)]);
    let (_hand, interrupt) = Interrupt::by_hand();
    let injection =
        injector(&connection, vec![leader()], interrupt).carry_out("leader-kill", &kill(&leader())).await;
    let unproven = injection.expect("tried").unproven.remove(0);
    assert!(
        unproven.starts_with("its target vanished between being chosen and the fault (the UID"),
        "{unproven}"
    );
    drop(connection);
    server.finish().await;
}

#[tokio::test]
async fn without_a_journal_there_is_no_fault() {
    let (connection, server) = server(vec![expect(Method::POST, &at("")).refuse(403, "forbidden")]);
    let (_hand, interrupt) = Interrupt::by_hand();
    let stop = injector(&connection, Vec::new(), interrupt).carry_out("drain", &cordon(Vec::new())).await;
    let sentence = "the journal cannot be written, so nothing was done: forbidden";
    assert_eq!(stop, Err(Stop::Unknown(sentence.to_owned())));
    drop(connection);
    server.finish().await;
}

#[tokio::test]
async fn a_journal_that_is_there_already_refuses_the_drill() {
    let (connection, server) = server(vec![expect(Method::POST, &at("")).refuse(409, "already exists")]);
    let (_hand, interrupt) = Interrupt::by_hand();
    let stop = injector(&connection, Vec::new(), interrupt).carry_out("drain", &cordon(Vec::new())).await;
    assert_eq!(stop, Err(Stop::Refused("an earlier drill is not undone; see `drill undo`".to_owned())));
    drop(connection);
    server.finish().await;
}

#[tokio::test]
async fn a_fault_that_is_refused_is_undone_all_the_same() {
    let refused = expect(Method::PATCH, NODE).refuse(403, "nodes are not yours");
    let (connection, server) = server(vec![journal_written(), refused, uncordoned(), journal_gone()]);
    let (_hand, interrupt) = Interrupt::by_hand();
    let injection =
        injector(&connection, Vec::new(), interrupt).carry_out("drain", &cordon(Vec::new())).await;
    let unproven = injection.expect("tried").unproven.remove(0);
    assert!(unproven.starts_with("the fault could not be caused (nodes are not yours): PATCH"), "{unproven}");
    drop(connection);
    server.finish().await;
}

#[tokio::test]
async fn a_fault_that_nobody_sees_is_not_proven() {
    let (connection, server) = server(vec![journal_written(), cordoned(), uncordoned(), journal_gone()]);
    let (_hand, interrupt) = Interrupt::by_hand();
    let see = Act::See(Condition::Gone(vec![PodRef::of(&leader())]), Duration::ZERO);
    let injection =
        injector(&connection, vec![leader()], interrupt).carry_out("drain", &cordon(vec![see])).await;
    let unproven = injection.expect("tried").unproven;
    assert_eq!(unproven, ["it was not seen within 0 s that papo-servidor-0 of that UID is gone"]);
    drop(connection);
    server.finish().await;
}

#[tokio::test]
async fn a_budget_that_refuses_is_a_proof_and_one_that_does_not_a_broken_promise() {
    for (exchange, proven) in [(429, true), (201, false)] {
        let evict = expect(Method::POST, &format!("{POD}/eviction?dryRun=All")).with(
            json!({"kind": "Eviction", "deleteOptions": {"preconditions": {"uid": "uid-papo-servidor-0"}}}),
        );
        let evict =
            if proven { evict.refuse(exchange, "disruption budget") } else { evict.answer(json!({})) };
        let (connection, server) = server(vec![evict]);
        let (_hand, interrupt) = Interrupt::by_hand();
        let plan = plan(vec![Act::Refused(ApiCall::evict("chat", &leader()))], Vec::new());
        let injection = injector(&connection, vec![leader()], interrupt).carry_out("drain", &plan).await;
        let injection = injection.expect("tried");
        assert_eq!((injection.seen.len(), injection.broken.len()), if proven { (1, 0) } else { (0, 1) });
        drop(connection);
        server.finish().await;
    }
}

#[tokio::test]
async fn a_servidor_that_is_alone_must_say_that_it_cannot_write() {
    let cannot = || Err(Trouble::Denied("There is no majority at the moment.".to_owned()));
    let silent = || Err(Trouble::Away("papo-servidor-0 does not answer".to_owned()));
    let asked = async |answer: Result<(), Trouble>| {
        let (connection, server) = server(Vec::new());
        let (_hand, interrupt) = Interrupt::by_hand();
        let mut injector = injector(&connection, vec![leader()], interrupt);
        let answer = Mutex::new(Some(answer));
        injector.executor.members = Members::by(Arc::new(move |question| {
            assert!(matches!(question, Question::Itself(name, _) if name == "papo-servidor-0"));
            let answer = answer.lock().expect("whole").take().expect("asked once");
            async move { answer.map(|()| Standing::default()) }.boxed()
        }));
        let plan = plan(vec![Act::RefusesWrites("papo-servidor-0".to_owned())], Vec::new());
        let injection = injector.carry_out("partition", &plan).await.expect("tried");
        drop((connection, injector));
        server.finish().await;
        injection
    };
    let injection = asked(cannot()).await;
    assert_eq!(
        injection.seen,
        ["papo-servidor-0, asked for a write, refuses it (There is no majority at the moment.)"]
    );
    assert_eq!((injection.broken.len(), injection.unproven.len()), (0, 0));

    let injection = asked(Ok(())).await;
    assert_eq!((injection.broken.len(), injection.seen.len()), (1, 0));
    assert_eq!(injection.broken[0].promise, "P10");

    let injection = asked(silent()).await;
    assert_eq!((injection.broken.len(), injection.seen.len(), injection.unproven.len()), (0, 0, 1));
}

#[tokio::test]
async fn what_is_started_instead_is_deleted_too_until_no_majority_has_answered() {
    let (connection, server) = server(vec![
        expect(Method::DELETE, POD)
            .with(json!({"preconditions": {"uid": "uid-papo-servidor-0"}}))
            .answer(json!({})),
    ]);
    let (_hand, interrupt) = Interrupt::by_hand();
    let mut injector = injector(&connection, vec![leader()], interrupt);
    // Nobody answers at first; then all do.
    let looks = AtomicUsize::new(0);
    injector.conditions.view = Arc::new(move || {
        let all = sample::snapshot().view;
        if looks.fetch_add(1, Ordering::Relaxed) > 0 {
            return all;
        }
        View { servidores: all.servidores.into_keys().map(|name| (name, None)).collect(), ..View::default() }
    });
    let older = PodRef { name: leader().name, uid: "uid-of-the-one-before".to_owned() };
    let mut plan = plan(vec![Act::KeepAway(vec![older], Duration::ZERO)], Vec::new());
    plan.over = Over::Majority;
    let injection = injector.carry_out("majority-kill", &plan).await.expect("carried out");
    assert_eq!(injection.seen, ["no majority answers"]);
    assert!(injection.known < injection.over && injection.over.is_some(), "{injection:?}");
    drop((connection, injector));
    server.finish().await;
}
