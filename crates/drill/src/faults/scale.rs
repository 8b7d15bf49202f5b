//! More and fewer of what may be any number.

use papo_witness::Expectations;

use super::choose::{self, SOON};
use crate::api_call::ApiCall;
use crate::names::component;
use crate::options::Options;
use crate::plan::{Act, Condition, Over, Plan};
use crate::snapshot::{Snapshot, Workload};
use crate::step::Step;
use crate::stop::Stop;

pub(super) fn front(snapshot: &Snapshot, options: &Options) -> Result<Plan, Stop> {
    let front =
        [choose::workload(snapshot, component::BROKER)?, choose::workload(snapshot, component::PROXY)?];
    let by = |change: i32| front.map(|workload| (workload, (workload.replicas + change).max(1)));
    let mut acts = to(snapshot, &by(1));
    acts.extend(to(snapshot, &by(-1)));
    Ok(Plan {
        sentence: "one broker and one proxy more, then one less than before".to_owned(),
        targets: Vec::new(),
        acts,
        undo: front.map(|workload| back(snapshot, workload)).into(),
        servidores_lost: 0,
        loses_messages: false,
        expect: Expectations { failed_requests: Some(0), ..choose::goes_on(options) },
        plain_client: false,
        over: Over::Undone,
        resumes: None,
    })
}

pub(super) fn bots(snapshot: &Snapshot, options: &Options) -> Result<Plan, Stop> {
    let bots = choose::workload(snapshot, component::BOT)?;
    Ok(Plan {
        sentence: format!("{} bots instead of {}", bots.replicas + 3, bots.replicas),
        targets: Vec::new(),
        acts: to(snapshot, &[(bots, bots.replicas + 3)]),
        undo: vec![back(snapshot, bots)],
        servidores_lost: 0,
        loses_messages: false,
        expect: Expectations { failed_requests: Some(0), ..choose::goes_on(options) },
        plain_client: true,
        over: Over::Undone,
        resumes: None,
    })
}

fn to(snapshot: &Snapshot, sizes: &[(&Workload, i32)]) -> Vec<Act> {
    let scale = |(workload, replicas): &(&Workload, i32)| {
        ApiCall::scale(&snapshot.namespace, workload, *replicas).into()
    };
    let mut acts = vec![Act::Do(sizes.iter().map(scale).collect())];
    acts.extend(sizes.iter().map(|(workload, replicas)| {
        let ready = usize::try_from(*replicas).unwrap_or(0);
        Act::See(Condition::Count { component: workload.component.clone(), ready }, SOON * 2)
    }));
    acts.push(Act::Hold);
    acts
}

fn back(snapshot: &Snapshot, workload: &Workload) -> Step {
    ApiCall::scale(&snapshot.namespace, workload, workload.replicas).into()
}
