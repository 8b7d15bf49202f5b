use http::Method;
use k8s_openapi::jiff::{SignedDuration, Timestamp};
use papo_drill::lease;
use papo_drill::stop::Stop;
use serde_json::{Value, json};

use super::script::{expect, server};

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
        expect(Method::POST, &at("?"))
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
        expect(Method::PUT, &at("/papo-drill?"))
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
        expect(Method::POST, &at("?")).refuse(409, "already exists"),
    ]);
    let stop = lease::take(&connection, "papo", "me").await.expect_err("the other was faster");
    assert!(matches!(stop, Stop::Refused(_)), "{stop}");
    drop(connection);
    server.finish().await;
}
