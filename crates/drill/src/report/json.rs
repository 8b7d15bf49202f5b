use papo_witness::evidence::{Evidence, SCHEMA};
use serde::Serialize;

/// The evidence as it is kept: `docs/drills/evidence.schema.json` says what is in it.
pub fn json(evidence: &Evidence) -> String {
    pretty(evidence)
}

/// Many drills: `{"schema": 1, "drills": [...]}`, each as [`json`] has it.
pub fn suite_json(drills: &[Evidence]) -> String {
    pretty(&Suite { schema: SCHEMA, drills })
}

#[derive(Serialize)]
struct Suite<'a> {
    schema: u32,
    drills: &'a [Evidence],
}

fn pretty(value: &impl Serialize) -> String {
    let mut text = serde_json::to_string_pretty(value).expect("evidence has string keys only");
    text.push('\n');
    text
}
