//! One drill from beginning to end: look, guard, plan, and (unless it is only to be shown) lease, load, fault, verdict.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use papo_witness::evidence::{Broken, Evidence, MomentKind, Verdict};
use papo_witness::{
    Fault, Health, Load, LoadSettings, Proof, Timeline, Trial, Watch, check_health, judge, read_back,
};

use crate::conduct::{Conductor, Course};
use crate::faults::{Drill, LooksAt, Outcome};
use crate::guards;
use crate::hands::Hands;
use crate::interrupt::Interrupt;
use crate::journal::Journal;
use crate::lease::{self, Held};
use crate::look::Site;
use crate::members::Members;
use crate::options::Options;
use crate::plan::Plan;
use crate::rights::{self, Right};
use crate::scene::Scene;
use crate::sight::Sight;
use crate::stop::{Ending, Stop};

/// How many messages must be acknowledged before the fault, and after it; and how long that may take.
const FLOW: u64 = 100;
const FLOWS: Duration = Duration::from_secs(30);
/// How long what is open at the end may take, and each servidor to tell what it holds.
const PATIENCE: Duration = Duration::from_secs(30);

/// A drill on a site, not begun.
pub struct Session<'a> {
    /// Where.
    pub site: &'a Site,
    /// Which.
    pub drill: &'a Drill,
    /// How.
    pub options: &'a Options,
    /// Ends it early.
    pub interrupt: &'a Interrupt,
    /// How long the system may take to be well before it begins.
    pub settle: Duration,
    /// A folder for the load's ledger, if it is to be kept.
    pub keep: Option<&'a Path>,
}

/// What came out.
#[derive(Clone, Debug)]
pub struct Outcomes {
    /// What is reported.
    pub evidence: Evidence,
    /// How the program ends because of it.
    pub ending: Ending,
}

impl Session<'_> {
    /// Chooses targets. Changes nothing.
    ///
    /// # Errors
    /// The system is not well, a guard is against it, or rights are missing.
    pub async fn plan(&self) -> Result<(Plan, Health), Stop> {
        let Site { connection, .. } = self.site;
        if let Some(folder) = self.keep
            && folder.join("ledger.jsonl").exists()
        {
            let folder = folder.display();
            return Err(Stop::Usage(format!(
                "{folder} holds the ledger of another drill; give a new folder"
            )));
        }
        let mut needed = rights::to_drill(&connection.namespace);
        if self.drill.looks_at == LooksAt::Policies {
            needed.push(Right::new(&connection.namespace, "networking.k8s.io", "networkpolicies", "list"));
        }
        rights::require(&connection.client, needed).await?;
        if let Some(journal) =
            Journal::read(connection).await.map_err(|trouble| Stop::Refused(trouble.to_string()))?
        {
            let drill = &journal.entry.drill;
            return Err(Stop::Refused(format!("an earlier drill ({drill}) is not undone; see `drill undo`")));
        }
        let (scene, health) = self.settled().await?;
        let plan = (self.drill.plan)(&scene, self.options)?;
        guards::affordable(&plan, &scene, self.options)?;
        rights::require(&connection.client, plan.rights(&connection.namespace)).await?;
        Ok((plan, health))
    }

    async fn settled(&self) -> Result<(Scene, Health), Stop> {
        let deadline = Instant::now() + self.settle;
        loop {
            let outcome = async {
                let health = self.health(Duration::ZERO).await.map_err(Stop::NotHealthy)?;
                let scene = self.site.scene(health.view.clone(), self.drill.looks_at).await?;
                guards::healthy(&scene)?;
                Ok((scene, health))
            };
            match outcome.await {
                Err(Stop::NotHealthy(_)) if Instant::now() < deadline && !self.interrupt.is_raised() => {}
                outcome => return outcome,
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    /// The plan, in words for people, each request to the API tried as a server-side dry run.
    pub async fn rehearse(&self, plan: &Plan) -> String {
        let hands = self.hands();
        let mut text = format!("{}: {}\n", self.drill.name, plan.sentence);
        for act in &plan.acts {
            text.push_str(&format!("- {act}\n"));
        }
        for step in &plan.undo {
            text.push_str(&format!("- to undo it: {step}\n"));
        }
        for call in plan.calls() {
            let said = match hands.ask(call, true).await {
                Ok(()) => "the server would do it".to_owned(),
                Err(trouble) => format!("the server would refuse: {trouble}"),
            };
            text.push_str(&format!("dry run of {}: {said}\n", call.path));
        }
        text.push_str("Nothing was done. --yes does it.\n");
        text
    }

    /// Does it.
    ///
    /// # Errors
    /// Nothing was done, for the reason that is told.
    pub async fn hold(&self, plan: &Plan, health: &Health) -> Result<Outcomes, Stop> {
        let holder = lease::holder();
        let lease = lease::take(&self.site.connection, &self.site.release, &holder).await?;
        let outcome = self.drill_under(&lease, &holder, plan, health).await;
        if let Err(trouble) = lease.release().await {
            // It is free by itself in half a minute.
            tracing::warn!(%trouble, "the lease was not given back");
        }
        outcome
    }

    async fn drill_under(
        &self,
        lease: &Held,
        holder: &str,
        plan: &Plan,
        health: &Health,
    ) -> Result<Outcomes, Stop> {
        let reach = &self.site.reach;
        let timeline = Timeline::start();
        // Kept until the end: they are the ways to those who come.
        let (guests, _tunnels) = self.site.ways(&plan.servidores()).await?;
        let watch = Watch::start_with_guests(reach, &guests, &timeline)
            .map_err(|error| Stop::Unknown(error.to_string()))?;
        let watch = Arc::new(watch);
        let load = self.options.load();
        let plain = if plan.plain_client { load.plain } else { 0 };
        let settings = LoadSettings { ledger: self.keep.map(Path::to_owned), plain, ..load };
        let load = blocking({
            let (reach, timeline) = (reach.clone(), timeline.clone());
            move || Load::start(&reach, &settings, &timeline)
        });
        let load =
            Arc::new(load.await.map_err(|error| Stop::Unknown(format!("the load cannot start: {error}")))?);
        self.flow(&load).await.map_err(|why| Stop::NotHealthy(format!("before any fault, {why}")))?;

        let conductor = self.conductor(&timeline, &watch, holder);
        let mut course = match conductor.carry_out(self.drill.name, plan).await {
            Ok(course) => course,
            Err(stop) => {
                self.put_away(load).await;
                return Err(stop);
            }
        };
        if lease.is_lost() {
            course.unproven.push("another drill took the lease in the meantime".to_owned());
        }
        if course.not_undone.is_empty() {
            self.recover(&mut course, &timeline).await;
            if let Err(why) = self.flow(&load).await {
                timeline.mark(MomentKind::Note, why);
            }
        }
        course.cut_off = lease.was_cut_off();
        self.judge(plan, health, course, &timeline, watch, load).await
    }

    fn conductor(&self, timeline: &Timeline, watch: &Arc<Watch>, holder: &str) -> Conductor {
        let seen = Arc::clone(watch);
        Conductor {
            hands: self.hands(),
            sight: Sight {
                connection: self.site.connection.clone(),
                roster: self.site.roster.clone(),
                view: Arc::new(move || seen.seen().view),
            },
            timeline: timeline.clone(),
            release: self.site.release.clone(),
            holder: holder.to_owned(),
            interrupt: self.interrupt.clone(),
            duration: self.options.duration,
            undo_for: Conductor::UNDO,
        }
    }

    fn hands(&self) -> Hands {
        Hands {
            connection: self.site.connection.clone(),
            roster: self.site.roster.clone(),
            nodes: self.options.nodes.clone(),
            members: Members::of(&self.site.connection, &self.site.roster),
        }
    }

    /// Waits until all is well again.
    async fn recover(&self, course: &mut Course, timeline: &Timeline) {
        let deadline = Instant::now() + self.options.patience;
        let flaw = loop {
            let flaw = match self.health(Duration::ZERO).await {
                Err(flaw) => Some(flaw),
                Ok(health) => match self.site.scene(health.view, LooksAt::Nothing).await {
                    Ok(scene) => scene.complaints().into_iter().next(),
                    Err(stop) => Some(stop.to_string()),
                },
            };
            if flaw.is_none() || Instant::now() >= deadline || self.interrupt.is_raised() {
                break flaw;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        };
        match flaw {
            None => {
                let at = timeline.mark(MomentKind::Note, "the cluster is whole, and every pod is ready");
                if course.caused.is_some() {
                    course.over.get_or_insert(at);
                }
            }
            // It was not waited for.
            Some(_) if self.interrupt.is_raised() => {}
            Some(flaw) => {
                let seconds = self.options.patience.as_secs();
                timeline.mark(MomentKind::Note, format!("not well {seconds} s after the fault: {flaw}"));
                course.unproven.push(format!("the system was not well again within {seconds} s: {flaw}"));
            }
        }
    }

    async fn judge(
        &self,
        plan: &Plan,
        health: &Health,
        course: Course,
        timeline: &Timeline,
        watch: Arc<Watch>,
        load: Arc<Load>,
    ) -> Result<Outcomes, Stop> {
        let record =
            self.put_away(load).await.ok_or_else(|| Stop::Unknown("the load's ledger is lost".to_owned()))?;
        let (reach, index) = (self.site.reach.clone(), health.index);
        let read = blocking(move || read_back(&reach, index, PATIENCE)).await;
        let read = read.map_err(|error| Stop::Unknown(error.to_string()))?;
        let watched = watch.seen();
        let proof = match course.known {
            Some(at) if course.unproven.is_empty() => Proof::Seen { at, how: course.seen.join("; ") },
            None if course.unproven.is_empty() => Proof::Missing("nothing was seen of it".to_owned()),
            _ => Proof::Missing(course.unproven.join("; ")),
        };
        let fault = course.caused.map(|at| Fault { at, until: course.over, proof });
        let trial = Trial {
            drill: self.drill.name,
            timeline,
            load: &record,
            watched: &watched,
            read: &read,
            fault: fault.as_ref(),
            expectations: &plan.expect,
            not_undone: &course.not_undone,
        };
        let judgement = judge(&trial);
        if let Some(folder) = self.keep
            && let Err(error) = judgement.write_verdicts(folder)
        {
            tracing::warn!(%error, "the verdicts on single messages were not kept");
        }
        let evidence = complete(judgement.evidence, plan, course);
        let ending = self.ending(&evidence);
        Ok(Outcomes { evidence, ending })
    }

    fn ending(&self, evidence: &Evidence) -> Ending {
        if !evidence.not_undone.is_empty() {
            return Ending::NotUndone;
        }
        match (self.drill.meant_to, evidence.verdict) {
            (_, Verdict::Unknown) => Ending::Unknown,
            (Outcome::Pass, Verdict::Pass) | (Outcome::Fail, Verdict::Fail) => Ending::Pass,
            (Outcome::Pass, Verdict::Fail) | (Outcome::Fail, Verdict::Pass) => Ending::Broken,
        }
    }

    async fn health(&self, patience: Duration) -> Result<Health, String> {
        let reach = self.site.reach.clone();
        blocking(move || check_health(&reach, patience)).await.map_err(|flaw| flaw.to_string())
    }

    async fn flow(&self, load: &Arc<Load>) -> Result<(), String> {
        let load = Arc::clone(load);
        blocking(move || load.wait_for_more(FLOW, FLOWS)).await.map_err(|error| error.to_string())
    }

    /// Ends the load; `None` when what it noted is lost.
    async fn put_away(&self, load: Arc<Load>) -> Option<papo_witness::LoadRecord> {
        let load = Arc::into_inner(load)?;
        match blocking(move || load.finish(PATIENCE)).await {
            Ok(record) => Some(record),
            Err(error) => {
                tracing::error!(%error, "the load did not end well");
                None
            }
        }
    }
}

/// Adds what only the course of the drill can tell.
fn complete(mut evidence: Evidence, plan: &Plan, course: Course) -> Evidence {
    let late = late(&evidence, plan, &course);
    for sentence in course.broken.into_iter().chain(late) {
        if evidence.verdict == Verdict::Pass {
            evidence.because.clear();
        }
        evidence.verdict = Verdict::Fail;
        evidence.because.push(format!("P7 was broken: {sentence}"));
        evidence.broken.push(Broken { promise: "P7".to_owned(), sentence });
    }
    if course.cut_off && evidence.broken.iter().all(|broken| broken.promise == "P7") {
        // Who waited may have waited for the drill's own tunnels.
        evidence.broken.clear();
        if evidence.verdict != Verdict::Unknown {
            evidence.verdict = Verdict::Unknown;
            evidence.because.clear();
        }
        let sentence =
            "the API server could not be reached for a while, and through it the cluster: pauses say nothing";
        evidence.because.retain(|sentence| !sentence.starts_with("P7"));
        evidence.because.insert(0, sentence.to_owned());
    }
    let nothing_done = course.caused.is_none() && !course.unproven.is_empty();
    if nothing_done && evidence.verdict == Verdict::Pass {
        evidence.verdict = Verdict::Unknown;
        evidence.because = course.unproven;
    }
    evidence
}

/// What there is to say when nobody was served soon after that was possible again.
fn late(evidence: &Evidence, plan: &Plan, course: &Course) -> Option<String> {
    let ((component, budget), back) = (plan.resumes?, course.back?);
    let budget = u64::try_from(budget.as_millis()).unwrap_or(u64::MAX);
    let back = u64::try_from(back.as_millis()).unwrap_or(u64::MAX);
    let served = evidence.rate.iter().find(|sample| sample.at_ms >= back && sample.acknowledged > 0);
    let waited = served.map_or(evidence.duration_ms, |sample| sample.at_ms).saturating_sub(back);
    (waited > budget).then(|| {
        format!("after a {component} was ready again nobody was served for {waited} ms, and at most {budget} ms are allowed")
    })
}

/// Off the threads that serve the tunnels.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(work).await.expect("a panic has ended the process")
}
