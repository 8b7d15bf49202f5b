//! More and fewer of what may be any number.

use papo_witness::Expectations;

use super::choose::{self, SOON};
use crate::call::Call;
use crate::names::component;
use crate::options::Options;
use crate::plan::{Act, Condition, Over, Plan};
use crate::scene::{Scene, Workload};
use crate::step::Step;
use crate::stop::Stop;

pub(super) fn front(scene: &Scene, options: &Options) -> Result<Plan, Stop> {
    let front = [choose::workload(scene, component::BROKER)?, choose::workload(scene, component::PROXY)?];
    let by = |change: i32| front.map(|workload| (workload, (workload.replicas + change).max(1)));
    let mut acts = to(scene, &by(1));
    acts.extend(to(scene, &by(-1)));
    Ok(Plan {
        sentence: "one broker and one proxy more, then one less than before".to_owned(),
        targets: Vec::new(),
        acts,
        undo: front.map(|workload| back(scene, workload)).into(),
        servidores_lost: 0,
        loses_messages: false,
        expect: Expectations { failed_requests: Some(0), ..choose::goes_on(options) },
        plain_client: false,
        over: Over::Undone,
        resumes: None,
    })
}

pub(super) fn bots(scene: &Scene, options: &Options) -> Result<Plan, Stop> {
    let bots = choose::workload(scene, component::BOT)?;
    Ok(Plan {
        sentence: format!("{} bots instead of {}", bots.replicas + 3, bots.replicas),
        targets: Vec::new(),
        acts: to(scene, &[(bots, bots.replicas + 3)]),
        undo: vec![back(scene, bots)],
        servidores_lost: 0,
        loses_messages: false,
        expect: Expectations { failed_requests: Some(0), ..choose::goes_on(options) },
        plain_client: true,
        over: Over::Undone,
        resumes: None,
    })
}

fn to(scene: &Scene, sizes: &[(&Workload, i32)]) -> Vec<Act> {
    let scale =
        |(workload, replicas): &(&Workload, i32)| Call::scale(&scene.namespace, workload, *replicas).into();
    let mut acts = vec![Act::Do(sizes.iter().map(scale).collect())];
    acts.extend(sizes.iter().map(|(workload, replicas)| {
        let ready = usize::try_from(*replicas).unwrap_or(0);
        Act::See(Condition::Count { component: workload.component.clone(), ready }, SOON * 2)
    }));
    acts.push(Act::Hold);
    acts
}

fn back(scene: &Scene, workload: &Workload) -> Step {
    Call::scale(&scene.namespace, workload, workload.replicas).into()
}
