use std::time::Duration;

use http::Method;
use k8s_openapi::jiff::{SignedDuration, Timestamp};
use papo_drill::connect::Connection;
use papo_drill::lease::{self, Held};
use papo_drill::stop::Stop;
use serde_json::{Value, json};

use super::script::{Exchange, expect, server};

const LEASES: &str = "/apis/coordination.k8s.io/v1/namespaces/chat/leases";

fn at(path: &str) -> String {
    format!("{LEASES}{path}")
}

/// A lease as the server has it, last renewed so many seconds ago.
fn held(holder: &str, renewed: i64) -> Value {
    let renewed = Timestamp::now().checked_sub(SignedDuration::from_secs(renewed)).expect("a time");
    json!({
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"name": "papo-drill", "resourceVersion": "7"},
        "spec": {"holderIdentity": holder, "leaseDurationSeconds": 30, "renewTime": format!("{renewed:.6}"), "leaseTransitions": 3},
    })
}

#[tokio::test]
async fn the_first_drill_makes_the_lease_and_gives_it_back() {
    let (connection, server) = server(vec![
        expect(Method::GET, &at("/papo-drill")).refuse(404, "not found"),
        expect(Method::POST, &at(""))
            .with(json!({"metadata": {"name": "papo-drill", "labels": {"app.kubernetes.io/instance": "papo"}}, "spec": {"holderIdentity": "me", "leaseDurationSeconds": 30}}))
            .answer(held("me", 0)),
        expect(Method::GET, &at("/papo-drill")).answer(held("me", 0)),
        expect(Method::PUT, &at("/papo-drill?")).with(json!({"metadata": {"resourceVersion": "7"}, "spec": {"holderIdentity": null}})).answer(held("", 0)),
    ]);
    let lease = lease::take(&connection, "papo", "me").await.expect("free");
    assert!(!lease.is_lost());
    lease.release().await.expect("given back");
    drop(connection);
    server.finish().await;
}

#[tokio::test]
async fn a_second_drill_is_refused_and_changes_nothing() {
    let (connection, server) = server(vec![expect(Method::GET, &at("/papo-drill")).answer(held("other", 5))]);
    let stop = lease::take(&connection, "papo", "me").await.expect_err("held");
    assert_eq!(stop, Stop::Refused("another drill runs in this namespace, started by other".to_owned()));
    drop(connection);
    server.finish().await;
}

#[tokio::test]
async fn the_lease_of_a_drill_that_died_is_taken_over() {
    let (connection, server) = server(vec![
        expect(Method::GET, &at("/papo-drill")).answer(held("dead", 31)),
        expect(Method::PUT, &at("/papo-drill"))
            .with(json!({"metadata": {"resourceVersion": "7"}, "spec": {"holderIdentity": "me", "leaseTransitions": 4}}))
            .answer(held("me", 0)),
    ]);
    drop(lease::take(&connection, "papo", "me").await.expect("over"));
    drop(connection);
    server.finish().await;
}

#[tokio::test]
async fn of_two_drills_that_start_at_once_one_is_refused() {
    let (connection, server) = server(vec![
        expect(Method::GET, &at("/papo-drill")).refuse(404, "not found"),
        expect(Method::POST, &at("")).refuse(409, "already exists"),
    ]);
    let stop = lease::take(&connection, "papo", "me").await.expect_err("the other was faster");
    assert!(matches!(stop, Stop::Refused(_)), "{stop}");
    drop(connection);
    server.finish().await;
}

/// Taken by `me`, and renewed as often as a test has patience for.
async fn taken(connection: &Connection) -> Held {
    lease::take_and_renew(connection, "papo", "me", Duration::from_millis(10)).await.expect("free")
}

fn free_and_taken() -> [Exchange; 2] {
    [
        expect(Method::GET, &at("/papo-drill")).refuse(404, "not found"),
        expect(Method::POST, &at("")).answer(held("me", 0)),
    ]
}

async fn until(condition: impl Fn() -> bool) {
    let holds = async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), holds).await.expect("it comes to that");
}

#[tokio::test]
async fn a_lease_that_somebody_took_meanwhile_is_lost_and_left_alone() {
    let mut script = Vec::from(free_and_taken());
    script.extend([
        expect(Method::GET, &at("/papo-drill")).answer(held("me", 0)),
        expect(Method::PUT, &at("/papo-drill?"))
            .with(json!({"metadata": {"resourceVersion": "7"}, "spec": {"holderIdentity": "me"}}))
            .answer(held("me", 0)),
        expect(Method::GET, &at("/papo-drill")).answer(held("thief", 0)),
        // When it is given back, it is not ours to give; nothing is written.
        expect(Method::GET, &at("/papo-drill")).answer(held("thief", 0)),
    ]);
    let (connection, server) = server(script);
    let lease = taken(&connection).await;
    until(|| lease.is_lost()).await;
    assert!(!lease.was_cut_off());
    lease.release().await.expect("there is nothing to do");
    drop(connection);
    server.finish().await;
}

#[tokio::test]
async fn a_lease_that_is_not_there_any_more_is_lost() {
    let mut script = Vec::from(free_and_taken());
    script.push(expect(Method::GET, &at("/papo-drill")).refuse(404, "not found"));
    let (connection, server) = server(script);
    let lease = taken(&connection).await;
    until(|| lease.is_lost()).await;
    drop((lease, connection));
    server.finish().await;
}

#[tokio::test]
async fn an_api_server_that_is_away_for_a_while_is_told_and_the_lease_is_kept() {
    let mut script = Vec::from(free_and_taken());
    script.extend([
        expect(Method::GET, &at("/papo-drill")).break_off(),
        expect(Method::GET, &at("/papo-drill")).refuse(503, "no leader"),
        expect(Method::GET, &at("/papo-drill")).answer(held("me", 0)),
        expect(Method::PUT, &at("/papo-drill?")).answer(held("me", 0)),
        expect(Method::GET, &at("/papo-drill")).when_told().answer(held("me", 0)),
    ]);
    let (connection, server) = server(script);
    let lease = taken(&connection).await;
    until(|| lease.was_cut_off()).await;
    until(|| server.was_asked(7)).await;
    assert!(!lease.is_lost());
    drop((lease, connection));
    server.tell();
    server.finish().await;
}
