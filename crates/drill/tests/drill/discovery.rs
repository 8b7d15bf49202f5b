//! Which servidores have drill hooks: none is taken to have none because it does not answer now.

use http::Method;
use papo_drill::discovery::Site;
use papo_drill::faults::LooksAt;
use papo_drill::names::component::SERVIDOR;
use papo_drill::pod_watch::PodWatch;
use papo_drill::snapshot::{Pod, Snapshot};
use papo_witness::{Reach, View};
use serde_json::json;

use super::api::Api;
use super::sample;

const POD: &str = "papo-servidor-0";

/// What is seen of one servidor to whose hooks the API server finds no way now.
async fn seen(offers_hooks: bool, inside: bool) -> Snapshot {
    let nothing = json!({"metadata": {"resourceVersion": "1"}, "items": []});
    let mut api = Api::start().refuses(
        &Method::GET,
        &format!("/api/v1/namespaces/chat/pods/{POD}/portforward"),
        500,
        "timeout",
    );
    for list in [
        "/apis/apps/v1/namespaces/chat/statefulsets",
        "/apis/apps/v1/namespaces/chat/deployments",
        "/apis/policy/v1/namespaces/chat/poddisruptionbudgets",
        "/api/v1/namespaces/chat/persistentvolumeclaims",
    ] {
        api = api.answers(&Method::GET, list, nothing.clone());
    }
    let mut connection = api.connection();
    connection.inside = inside;
    let pod = Pod { offers_hooks, ..sample::pod(POD, SERVIDOR, "n1") };
    let site = Site::of(connection, "papo", PodWatch::fixed([pod]), Reach::default());
    site.snapshot(View::default(), LooksAt::Hooks).await.expect("the API answers")
}

#[tokio::test]
async fn hooks_that_do_not_answer_now_are_worth_another_look() {
    let snapshot = seen(true, false).await;
    assert!(snapshot.hooks.is_empty());
    let begin = format!("the drill hooks of {POD} cannot be asked: ");
    // So the chat is not well, and whoever has patience looks again.
    assert!(snapshot.complaints().iter().any(|one| one.starts_with(&begin)), "{:?}", snapshot.complaints());
}

#[tokio::test]
async fn where_none_are_offered_or_nothing_is_there_it_is_not_waited_for_any() {
    for (offers_hooks, inside) in [(false, false), (true, true)] {
        // Inside of the cluster this pod has no address: it is gone.
        let snapshot = seen(offers_hooks, inside).await;
        assert_eq!((snapshot.hooks.len(), snapshot.silent_hooks), (0, Vec::new()), "{offers_hooks} {inside}");
    }
}

#[test]
fn a_pod_that_names_their_port_offers_hooks() {
    for (port, offers) in [(9101, true), (9100, false)] {
        let pod = json!({
            "metadata": {"name": POD},
            "spec": {"containers": [{"name": "servidor", "ports": [{"containerPort": 5570}, {"containerPort": port}]}]},
        });
        let pod = serde_json::from_value(pod).expect("a pod");
        assert_eq!(Pod::read(&pod).offers_hooks, offers, "{port}");
    }
}
