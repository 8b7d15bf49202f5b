//! Pods that are deleted without grace.

use std::time::Duration;

use papo_witness::{Expectations, Service};

use super::choose::{self, names};
use crate::names::component;
use crate::options::Options;
use crate::plan::{Act, Over, Plan};
use crate::snapshot::{Pod, Snapshot};
use crate::stop::Stop;

/// How long there is no majority: longer than the 5 s after which a broker answers that it cannot serve.
const REFUSED: Duration = Duration::from_secs(8);

pub(super) fn leader(snapshot: &Snapshot, options: &Options) -> Result<Plan, Stop> {
    let pod = choose::coordinator(snapshot)?;
    let sentence = format!("delete {}, which coordinates", pod.name);
    Ok(choose::kill(snapshot, &[pod], sentence, choose::succession(options)))
}

pub(super) fn follower(snapshot: &Snapshot, options: &Options) -> Result<Plan, Stop> {
    let pod = choose::follower(snapshot, options)?;
    let sentence = format!("delete {}, which follows", pod.name);
    Ok(choose::kill(snapshot, &[pod], sentence, choose::goes_on(options)))
}

pub(super) fn lagging(snapshot: &Snapshot, options: &Options) -> Result<Plan, Stop> {
    let lag = |pod: &Pod| snapshot.view.lag(&pod.name).unwrap_or(0);
    let most = snapshot.followers().into_iter().max_by_key(|pod| lag(pod));
    let pod = most.ok_or_else(|| Stop::Needs("there is no follower".to_owned()))?;
    let sentence = format!("delete {}, which is furthest behind ({} entries)", pod.name, lag(pod));
    Ok(choose::kill(snapshot, &[pod], sentence, choose::goes_on(options)))
}

pub(super) fn minority(snapshot: &Snapshot, options: &Options) -> Result<Plan, Stop> {
    let pods = some_servidores(snapshot, snapshot.minority(), options)?;
    let sentence =
        format!("delete {} at once, {} of {} servidores", names(&pods), pods.len(), snapshot.servidores());
    let loses_coordinator = snapshot.coordinator().is_some_and(|coordinator| pods.contains(&coordinator));
    let expect = if loses_coordinator { choose::succession(options) } else { choose::goes_on(options) };
    Ok(choose::kill(snapshot, &pods, sentence, expect))
}

pub(super) fn majority(snapshot: &Snapshot, options: &Options) -> Result<Plan, Stop> {
    let pods = some_servidores(snapshot, snapshot.minority() + 1, options)?;
    let sentence =
        format!("delete {} at once, {} of {} servidores", names(&pods), pods.len(), snapshot.servidores());
    let expect = Expectations { service: Service::Refuses, ..Expectations::default() };
    let mut plan = choose::kill(snapshot, &pods, sentence, expect);
    // Kubernetes starts others faster than a broker gives a request up: nobody would be refused.
    plan.acts = vec![plan.acts.swap_remove(0), Act::KeepAway(plan.targets.clone(), REFUSED)];
    Ok(Plan { over: Over::Majority, ..plan })
}

pub(super) fn broker(snapshot: &Snapshot, options: &Options) -> Result<Plan, Stop> {
    front(snapshot, component::BROKER, options)
}

pub(super) fn proxy(snapshot: &Snapshot, options: &Options) -> Result<Plan, Stop> {
    front(snapshot, component::PROXY, options)
}

pub(super) fn referencia(snapshot: &Snapshot, options: &Options) -> Result<Plan, Stop> {
    front(snapshot, component::REFERENCIA, options)
}

pub(super) fn all_front(snapshot: &Snapshot, options: &Options) -> Result<Plan, Stop> {
    let front = [component::BROKER, component::PROXY, component::REFERENCIA];
    let pods: Vec<&Pod> = front.iter().flat_map(|component| snapshot.of(component)).collect();
    if pods.is_empty() {
        return Err(Stop::Needs("there is no broker, proxy or referencia".to_owned()));
    }
    let sentence = format!("delete {} at once", names(&pods));
    // Nobody can be served until Kubernetes has started another broker: how soon that is, is Kubernetes' own time. What is promised
    // counts from then on.
    let resumption = options.pause.unwrap_or_else(|| choose::PAUSE + choose::own(options));
    let resumes = Some((component::BROKER, resumption));
    Ok(Plan { resumes, ..choose::kill(snapshot, &pods, sentence, Expectations::default()) })
}

fn front(snapshot: &Snapshot, component: &str, options: &Options) -> Result<Plan, Stop> {
    let pods = snapshot.of(component).filter(|pod| pod.ready).collect();
    let pod: &Pod = choose::any(pods, options).ok_or_else(|| {
        Stop::Needs(format!("release {} has no {component} that is ready", snapshot.release))
    })?;
    let sentence = format!("delete {}, a {component}", pod.name);
    Ok(choose::kill(snapshot, &[pod], sentence, choose::goes_on(options)))
}

fn some_servidores<'a>(
    snapshot: &'a Snapshot,
    number: usize,
    options: &Options,
) -> Result<Vec<&'a Pod>, Stop> {
    let mut pods: Vec<&Pod> = snapshot.of(component::SERVIDOR).collect();
    if number == 0 || pods.len() < number {
        return Err(Stop::Needs(format!(
            "of {} servidores, not {number} can be taken",
            snapshot.servidores()
        )));
    }
    fastrand::Rng::with_seed(options.seed).shuffle(&mut pods);
    pods.truncate(number);
    Ok(pods)
}
