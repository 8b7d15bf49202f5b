//! What is left, and what becomes of it, when a drill does not come to its end.

use std::time::Duration;

use http::Method;
use papo_drill::interrupt::Interrupt;
use papo_drill::journal::Journal;
use papo_drill::plan::Act;
use serde_json::Value;

use super::injection::{NODE, cordon, cordoned, injector, journal_gone, journal_written, uncordoned};
use super::journal::{at, map};
use super::script::{expect, server};

#[tokio::test]
async fn what_a_drill_left_that_died_between_journal_and_fault_is_undone_by_another() {
    // The server takes the fault, and the drill dies before it hears of it.
    let unheard = expect(Method::PATCH, NODE).never_answer();
    let (connection, dying) = server(vec![journal_written(), unheard]);
    let (_hand, interrupt) = Interrupt::by_hand();
    let drill = tokio::spawn({
        let connection = connection.clone();
        async move { injector(&connection, Vec::new(), interrupt).carry_out("drain", &cordon(Vec::new())).await }
    });
    drop(connection);
    let is_dead = tokio::time::timeout(Duration::from_millis(500), drill);
    // The task is dropped, and everything that it holds: no request comes from it any more.
    let aborted = {
        let mut is_dead = Box::pin(is_dead);
        let outcome = is_dead.as_mut().await;
        is_dead.get_ref().abort();
        outcome
    };
    assert!(aborted.is_err(), "it waits for the answer");
    let bodies = dying.finish().await;
    let left = bodies[0]["data"]["journal.json"].as_str().expect("text").to_owned();

    let (connection, healing) = server(vec![
        expect(Method::GET, &at("/papo-drill-journal")).answer(map(&left, "1")),
        uncordoned(),
        journal_gone(),
    ]);
    let mut journal = Journal::read(&connection).await.expect("answered").expect("there");
    let (_hand, interrupt) = Interrupt::by_hand();
    let not_undone = injector(&connection, Vec::new(), interrupt).undo(&mut journal).await;
    assert_eq!(not_undone, Vec::<String>::new());
    drop((connection, journal));
    healing.finish().await;
}

#[tokio::test]
async fn a_drill_that_is_broken_off_undoes_what_it_did() {
    let (connection, server) = server(vec![journal_written(), cordoned(), uncordoned(), journal_gone()]);
    let (hand, interrupt) = Interrupt::by_hand();
    let mut injector = injector(&connection, Vec::new(), interrupt);
    injector.duration = Duration::from_secs(3600);
    let plan = cordon(vec![Act::Hold]);
    let (injection, ()) = tokio::join!(injector.carry_out("drain", &plan), async {
        while injector.timeline.moments().is_empty() {
            tokio::task::yield_now().await;
        }
        hand.send_replace(true);
    });
    assert_eq!(injection.expect("undone").unproven, ["it was broken off"]);
    drop((connection, injector));
    server.finish().await;
}

#[tokio::test]
async fn a_drill_that_is_broken_off_before_the_fault_does_nothing() {
    let (connection, server) = server(Vec::new());
    let (hand, interrupt) = Interrupt::by_hand();
    hand.send_replace(true);
    let stop = injector(&connection, Vec::new(), interrupt).carry_out("drain", &cordon(Vec::new())).await;
    let sentence = "unknown: it was broken off before the fault, so nothing was done";
    assert_eq!(stop.expect_err("broken off").to_string(), sentence);
    drop(connection);
    server.finish().await;
}

#[tokio::test]
async fn without_an_api_server_the_journal_stays_and_what_is_left_is_told() {
    let (connection, server) = server(vec![
        journal_written(),
        cordoned(),
        expect(Method::PATCH, NODE).break_off(),
        expect(Method::PUT, &at("/papo-drill-journal?")).break_off(),
    ]);
    let (_hand, interrupt) = Interrupt::by_hand();
    let injection =
        injector(&connection, Vec::new(), interrupt).carry_out("drain", &cordon(Vec::new())).await;
    let left = injection.expect("carried out").not_undone;
    assert_eq!(
        left,
        [
            "the API server cannot be reached: connection reset by peer; still to be done: PATCH /api/v1/nodes/n1 \
             {\"spec\":{\"unschedulable\":null}}",
            "the journal papo-drill-journal is not up to date: the API server cannot be reached: connection reset by \
             peer",
        ]
    );
    drop(connection);
    server.finish().await;
}

#[tokio::test]
async fn what_is_gone_need_not_be_undone() {
    let gone = expect(Method::PATCH, NODE).with(Value::Null).refuse(404, "no such node");
    let text = serde_json::json!({
        "drill": "drain", "holder": "me", "written": "now",
        "undo": [{"step": "call", "call": {"verb": "merge", "path": NODE, "body": null}}],
    });
    let (connection, server) = server(vec![
        expect(Method::GET, &at("/papo-drill-journal")).answer(map(&text.to_string(), "1")),
        gone,
        journal_gone(),
    ]);
    let mut journal = Journal::read(&connection).await.expect("answered").expect("there");
    let (_hand, interrupt) = Interrupt::by_hand();
    assert_eq!(injector(&connection, Vec::new(), interrupt).undo(&mut journal).await, Vec::<String>::new());
    drop((connection, journal));
    server.finish().await;
}
