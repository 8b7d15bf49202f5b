//! The JSON is what its schema says, and the schema says everything that is in it.

use std::path::Path;

use papo_witness::evidence::{Evidence, SCHEMA};
use serde_json::{Value, json};

use super::sample::{hostile, leader_kill, lost_messages};
use crate::report::{json as evidence_json, suite_json};

fn schema() -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/drills/evidence.schema.json");
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).expect("JSON")
}

fn written(evidence: &Evidence) -> Value {
    serde_json::from_str(&evidence_json(evidence)).expect("JSON")
}

#[test]
fn what_is_written_keeps_to_the_schema() {
    let schema = jsonschema::validator_for(&schema()).expect("a schema");
    for evidence in [leader_kill(), lost_messages(), hostile()] {
        let errors: Vec<String> =
            schema.iter_errors(&written(&evidence)).map(|error| error.to_string()).collect();
        assert_eq!(errors, Vec::<String>::new());
    }
}

#[test]
fn the_schema_refuses_what_is_not_evidence() {
    let schema = jsonschema::validator_for(&schema()).expect("a schema");
    for (pointer, wrong) in [
        ("/schema", json!(2)),
        ("/verdict", json!("maybe")),
        ("/messages/lost", json!(-1)),
        ("/timeline/0/what", json!("party")),
        ("/rate/0/acknowledged", json!("many")),
        ("/figures/pause_ms", json!(0.5)),
    ] {
        let mut value = written(&leader_kill());
        *value.pointer_mut(pointer).expect("it is there") = wrong;
        assert!(!schema.is_valid(&value), "{pointer}");
    }
}

#[test]
fn every_field_is_in_the_schema_with_its_meaning() {
    let schema = schema();
    assert_eq!(schema["properties"]["schema"]["const"], json!(SCHEMA));
    documented(&schema, &schema, &written(&lost_messages()), "");
}

/// Fails where `value` has a field that `part` of the schema does not describe.
fn documented(root: &Value, part: &Value, value: &Value, at: &str) {
    let part = match part.get("$ref").and_then(Value::as_str) {
        Some(to) => root.pointer(to.trim_start_matches('#')).expect("the reference leads somewhere"),
        None => part,
    };
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                let field = &part["properties"][name];
                let at = format!("{at}/{name}");
                assert!(!field.is_null(), "{at} is not in the schema");
                assert!(
                    field["description"].is_string() || field["$ref"].is_string(),
                    "{at} is not described"
                );
                documented(root, field, value, &at);
            }
        }
        Value::Array(items) => {
            for item in items {
                documented(root, &part["items"], item, at);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[test]
fn what_was_written_is_read_as_it_was() {
    let read: Evidence = serde_json::from_str(&evidence_json(&hostile())).expect("evidence");
    assert_eq!(read, hostile());
    let suite: Value = serde_json::from_str(&suite_json(&[leader_kill()], &[])).expect("JSON");
    assert_eq!((&suite["schema"], &suite["drills"][0]), (&json!(SCHEMA), &written(&leader_kill())));
}
