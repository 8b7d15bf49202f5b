//! What befalls a process while its pod stays: through the drill hooks.

use std::time::Duration;

use serde_json::{Value, json};

use super::choose::{self, SOON};
use crate::options::Options;
use crate::plan::{Act, Condition, Over, Plan};
use crate::snapshot::{Pod, Snapshot};
use crate::step::{PodRef, Step};
use crate::stop::Stop;

/// The hooks themselves hold no process for longer.
const LONGEST_FREEZE: Duration = Duration::from_secs(60);

pub(super) fn kill(snapshot: &Snapshot, options: &Options) -> Result<Plan, Stop> {
    let pod = choose::coordinator(snapshot)?;
    hooks(snapshot, pod)?;
    let restarted = Condition::Restarted { pod: PodRef::of(pod), above: pod.restarts };
    Ok(Plan {
        sentence: format!(
            "kill the process of {}, which coordinates; the same pod starts it again",
            pod.name
        ),
        targets: vec![PodRef::of(pod)],
        acts: vec![Act::Do(vec![order(pod, "/drill/crash", json!({}))]), Act::See(restarted, SOON)],
        undo: Vec::new(),
        servidores_lost: 1,
        loses_messages: false,
        expect: choose::succession(options),
        plain_client: true,
        over: Over::Repaired,
        resumes: None,
    })
}

pub(super) fn freeze(snapshot: &Snapshot, options: &Options) -> Result<Plan, Stop> {
    let pod = choose::coordinator(snapshot)?;
    hooks(snapshot, pod)?;
    if options.freeze < choose::SUCCESSION || options.freeze > LONGEST_FREEZE {
        return Err(Stop::Usage("--freeze takes 1s to 60s: shorter ones nobody notices".to_owned()));
    }
    let epoch = snapshot.view.coordinator().map_or(0, |reign| reign.epoch);
    let is = |frozen: bool| Condition::Hook { pod: PodRef::of(pod), key: "frozen", is: json!(frozen) };
    Ok(Plan {
        sentence: format!("hold {}, which coordinates, for {} ms", pod.name, options.freeze.as_millis()),
        targets: vec![PodRef::of(pod)],
        acts: vec![
            Act::Do(vec![order(pod, "/drill/freeze", json!({"for_ms": millis(options.freeze)}))]),
            Act::See(is(true), options.freeze),
            Act::See(Condition::Succeeded { coordinator: pod.name.clone(), epoch }, SOON),
            Act::See(is(false), options.freeze + SOON),
        ],
        // It goes on by itself.
        undo: Vec::new(),
        servidores_lost: 1,
        loses_messages: false,
        expect: choose::succession(options),
        plain_client: true,
        over: Over::Repaired,
        resumes: None,
    })
}

/// Refuses where a servidor has no hooks.
pub(super) fn hooks<'a>(snapshot: &'a Snapshot, pod: &Pod) -> Result<&'a Value, Stop> {
    snapshot.hooks.get(&pod.name).ok_or_else(|| {
        Stop::Needs(format!("{} has no drill hooks; install with drillHooks.enabled=true", pod.name))
    })
}

pub(super) fn order(pod: &Pod, path: &str, body: Value) -> Step {
    Step::Hook { pod: PodRef::of(pod), path: path.to_owned(), body }
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}
