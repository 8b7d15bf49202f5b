use http::Method;
use papo_drill::api_call::ApiCall;
use papo_drill::connect::Trouble;
use papo_drill::journal::{Entry, Journal};
use papo_drill::step::Step;
use serde_json::{Value, json};

use super::script::{expect, server};

const MAPS: &str = "/api/v1/namespaces/chat/configmaps";

pub(crate) fn at(path: &str) -> String {
    format!("{MAPS}{path}")
}

/// The ConfigMap that the server has after it took `text`.
pub(crate) fn map(text: &str, version: &str) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "papo-drill-journal", "uid": "map", "resourceVersion": version, "labels": {"app.kubernetes.io/instance": "papo"}},
        "data": {"journal.json": text},
    })
}

fn entry() -> Entry {
    Entry {
        drill: "drain".to_owned(),
        holder: "me".to_owned(),
        written: "2026-01-01T00:00:00Z".to_owned(),
        undo: vec![
            Step::from(ApiCall::cordon("n1", false)),
            Step::Unstick { component: "servidor".to_owned(), image: "x".to_owned() },
        ],
    }
}

#[tokio::test]
async fn a_journal_is_read_as_it_was_written() {
    let text = serde_json::to_string(&entry()).expect("JSON");
    let (connection, server) = server(vec![
        expect(Method::POST, &at(""))
            .with(json!({"metadata": {"name": "papo-drill-journal"}}))
            .answer(map(&text, "1")),
        expect(Method::GET, &at("/papo-drill-journal")).answer(map(&text, "1")),
    ]);
    Journal::write(&connection, "papo", entry()).await.expect("written");
    let read = Journal::read(&connection).await.expect("answered").expect("there");
    assert_eq!(read.entry, entry());
    assert_eq!(read.release().as_deref(), Some("papo"));
    drop((connection, read));
    let bodies = server.finish().await;
    let written = bodies[0]["data"]["journal.json"].as_str().expect("text");
    assert_eq!(serde_json::from_str::<Entry>(written).expect("a journal"), entry());
}

#[tokio::test]
async fn what_is_done_is_taken_out_and_an_empty_journal_away() {
    let text = serde_json::to_string(&entry()).expect("JSON");
    let (connection, server) = server(vec![
        expect(Method::GET, &at("/papo-drill-journal")).answer(map(&text, "1")),
        expect(Method::PUT, &at("/papo-drill-journal?"))
            .with(json!({"metadata": {"resourceVersion": "1"}}))
            .answer(map(&text, "2")),
        expect(Method::DELETE, &at("/papo-drill-journal?"))
            .with(json!({"preconditions": {"uid": "map", "resourceVersion": "2"}}))
            .answer(json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"})),
    ]);
    let mut journal = Journal::read(&connection).await.expect("answered").expect("there");
    journal.keep(vec![entry().undo.remove(1)]).await.expect("kept");
    journal.keep(Vec::new()).await.expect("taken away");
    drop((connection, journal));
    server.finish().await;
}

#[tokio::test]
async fn a_journal_that_is_none_is_left_alone() {
    let (connection, server) =
        server(vec![expect(Method::GET, &at("/papo-drill-journal")).answer(map("what?", "1"))]);
    let trouble = Journal::read(&connection).await.expect_err("not readable");
    assert!(matches!(trouble, Trouble::Denied(_)), "{trouble}");
    drop(connection);
    server.finish().await;
}
