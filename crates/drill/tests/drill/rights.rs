use http::Method;
use papo_drill::rights::{Right, require};
use papo_drill::stop::Ending;
use serde_json::json;

use super::script::{Exchange, expect, server};

const REVIEWS: &str = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews?";

fn review(attributes: &serde_json::Value, allowed: bool) -> Exchange {
    expect(Method::POST, REVIEWS)
        .with(json!({"spec": {"resourceAttributes": attributes}}))
        .answer(json!({"spec": {}, "status": {"allowed": allowed}}))
}

#[tokio::test]
async fn every_right_is_asked_for_once() {
    let (connection, server) = server(vec![
        review(&json!({"namespace": "chat", "verb": "delete", "resource": "pods"}), true),
        review(
            &json!({"namespace": "chat", "verb": "create", "resource": "pods", "subresource": "eviction"}),
            true,
        ),
    ]);
    let kill = Right::new("chat", "", "pods", "delete");
    let rights = vec![kill.clone(), Right::new("chat", "", "pods/eviction", "create"), kill];
    require(&connection.client, rights).await.expect("all given");
    drop(connection);
    server.finish().await;
}

#[tokio::test]
async fn all_rights_that_are_missing_are_named_at_once() {
    let (connection, server) = server(vec![
        review(&json!({"verb": "patch", "resource": "nodes"}), false),
        review(&json!({"verb": "delete", "resource": "pods"}), true),
        review(&json!({"verb": "create", "group": "coordination.k8s.io", "resource": "leases"}), false),
    ]);
    let rights = vec![
        Right::new("chat", "", "pods", "delete"),
        Right::in_cluster("", "nodes", "patch"),
        Right::new("chat", "coordination.k8s.io", "leases", "create"),
    ];
    let stop = require(&connection.client, rights).await.expect_err("two are missing");
    assert_eq!(
        stop.to_string(),
        "rights are missing, nothing was done: patch nodes in the whole cluster; \
         create leases.coordination.k8s.io in chat"
    );
    assert_eq!(stop.ending(), Ending::Config);
    drop(connection);
    server.finish().await;
}

#[tokio::test]
async fn without_an_api_server_it_is_said_so_in_a_sentence() {
    let (connection, server) = server(vec![expect(Method::POST, REVIEWS).break_off()]);
    let stop = require(&connection.client, vec![Right::new("chat", "", "pods", "list")]).await;
    let stop = stop.expect_err("no answer");
    assert_eq!(stop.to_string(), "the API server cannot be reached: connection reset by peer");
    drop(connection);
    server.finish().await;
}
