use papo_witness::evidence::{Evidence, SCHEMA};
use serde::Serialize;

use crate::suite::NotHeld;

/// The evidence as it is kept: `docs/drills/evidence.schema.json` says what is in it.
pub fn json(evidence: &Evidence) -> String {
    pretty(evidence)
}

/// Many drills: `{"schema": 1, "drills": [...], "not_held": [{"drill": ..., "needs": ...}]}`, each drill as [`json`] has it.
pub fn suite_json(drills: &[Evidence], not_held: &[NotHeld]) -> String {
    pretty(&Suite { schema: SCHEMA, drills, not_held })
}

#[derive(Serialize)]
struct Suite<'a> {
    schema: u32,
    drills: &'a [Evidence],
    not_held: &'a [NotHeld],
}

fn pretty(value: &impl Serialize) -> String {
    let mut text = serde_json::to_string_pretty(value).expect("evidence has string keys only");
    text.push('\n');
    text
}
