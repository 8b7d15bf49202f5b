//! Pods that are deleted without grace.

use std::time::Duration;

use papo_witness::{Expectations, Service};

use super::choose::{self, names};
use crate::names::component;
use crate::options::Options;
use crate::plan::{Act, Over, Plan};
use crate::scene::{Pod, Scene};
use crate::stop::Stop;

/// How long there is no majority: longer than the 5 s after which a broker answers that it cannot serve.
const REFUSED: Duration = Duration::from_secs(8);

pub(super) fn leader(scene: &Scene, options: &Options) -> Result<Plan, Stop> {
    let pod = choose::coordinator(scene)?;
    let sentence = format!("delete {}, which coordinates", pod.name);
    Ok(choose::kill(scene, &[pod], sentence, choose::succession(options)))
}

pub(super) fn follower(scene: &Scene, options: &Options) -> Result<Plan, Stop> {
    let pod = choose::follower(scene, options)?;
    let sentence = format!("delete {}, which follows", pod.name);
    Ok(choose::kill(scene, &[pod], sentence, choose::goes_on(options)))
}

pub(super) fn lagging(scene: &Scene, options: &Options) -> Result<Plan, Stop> {
    let lag = |pod: &Pod| scene.view.lag(&pod.name).unwrap_or(0);
    let most = scene.followers().into_iter().max_by_key(|pod| lag(pod));
    let pod = most.ok_or_else(|| Stop::Needs("there is no follower".to_owned()))?;
    let sentence = format!("delete {}, which is furthest behind ({} entries)", pod.name, lag(pod));
    Ok(choose::kill(scene, &[pod], sentence, choose::goes_on(options)))
}

pub(super) fn minority(scene: &Scene, options: &Options) -> Result<Plan, Stop> {
    let pods = some_servidores(scene, scene.minority(), options)?;
    let sentence =
        format!("delete {} at once, {} of {} servidores", names(&pods), pods.len(), scene.servidores());
    let loses_coordinator = scene.coordinator().is_some_and(|coordinator| pods.contains(&coordinator));
    let expect = if loses_coordinator { choose::succession(options) } else { choose::goes_on(options) };
    Ok(choose::kill(scene, &pods, sentence, expect))
}

pub(super) fn majority(scene: &Scene, options: &Options) -> Result<Plan, Stop> {
    let pods = some_servidores(scene, scene.minority() + 1, options)?;
    let sentence =
        format!("delete {} at once, {} of {} servidores", names(&pods), pods.len(), scene.servidores());
    let expect = Expectations { service: Service::Refuses, ..Expectations::default() };
    let mut plan = choose::kill(scene, &pods, sentence, expect);
    // Kubernetes starts others faster than a broker gives a request up: nobody would be refused.
    plan.acts = vec![plan.acts.swap_remove(0), Act::KeepAway(plan.targets.clone(), REFUSED)];
    Ok(Plan { over: Over::Majority, ..plan })
}

pub(super) fn broker(scene: &Scene, options: &Options) -> Result<Plan, Stop> {
    front(scene, component::BROKER, options)
}

pub(super) fn proxy(scene: &Scene, options: &Options) -> Result<Plan, Stop> {
    front(scene, component::PROXY, options)
}

pub(super) fn referencia(scene: &Scene, options: &Options) -> Result<Plan, Stop> {
    front(scene, component::REFERENCIA, options)
}

pub(super) fn all_front(scene: &Scene, options: &Options) -> Result<Plan, Stop> {
    let front = [component::BROKER, component::PROXY, component::REFERENCIA];
    let pods: Vec<&Pod> = front.iter().flat_map(|component| scene.of(component)).collect();
    if pods.is_empty() {
        return Err(Stop::Needs("there is no broker, proxy or referencia".to_owned()));
    }
    let sentence = format!("delete {} at once", names(&pods));
    // Nobody can be served until Kubernetes has started another broker: how soon that is, is Kubernetes' own time. What is promised
    // counts from then on.
    let resumption = options.pause.unwrap_or_else(|| choose::PAUSE + choose::own(options));
    let resumes = Some((component::BROKER, resumption));
    Ok(Plan { resumes, ..choose::kill(scene, &pods, sentence, Expectations::default()) })
}

fn front(scene: &Scene, component: &str, options: &Options) -> Result<Plan, Stop> {
    let pods = scene.of(component).filter(|pod| pod.ready).collect();
    let pod: &Pod = choose::any(pods, options)
        .ok_or_else(|| Stop::Needs(format!("release {} has no {component} that is ready", scene.release)))?;
    let sentence = format!("delete {}, a {component}", pod.name);
    Ok(choose::kill(scene, &[pod], sentence, choose::goes_on(options)))
}

fn some_servidores<'a>(scene: &'a Scene, number: usize, options: &Options) -> Result<Vec<&'a Pod>, Stop> {
    let mut pods: Vec<&Pod> = scene.of(component::SERVIDOR).collect();
    if number == 0 || pods.len() < number {
        return Err(Stop::Needs(format!("of {} servidores, not {number} can be taken", scene.servidores())));
    }
    fastrand::Rng::with_seed(options.seed).shuffle(&mut pods);
    pods.truncate(number);
    Ok(pods)
}
