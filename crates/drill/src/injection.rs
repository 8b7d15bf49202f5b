//! Causes a fault and undoes it: first the journal, then the fault, then what undoes it, whatever comes in between.

use std::time::{Duration, Instant};

use futures::future::join_all;
use papo_witness::Timeline;
use papo_witness::evidence::{Broken, MomentKind};

use crate::api_call::ApiCall;
use crate::conditions::ConditionEvaluator;
use crate::connect::Trouble;
use crate::executor::{Done, Executor};
use crate::interrupt::{Interrupt, Interrupted};
use crate::journal::{Entry, Journal};
use crate::plan::{Act, Over, Plan};
use crate::step::{PodRef, Step};
use crate::stop::Stop;

/// How long undoing a step is tried again, while the API server is away or a container is down.
const UNDO: Duration = Duration::from_secs(120);
/// How long between two tries.
const BETWEEN_TRIES: Duration = Duration::from_secs(1);

/// Carries a plan out.
pub struct Injector {
    /// Does the plan's steps.
    pub executor: Executor,
    /// Says whether the plan's conditions hold.
    pub conditions: ConditionEvaluator,
    /// Writes down when.
    pub timeline: Timeline,
    /// The release that the drill is about.
    pub release: String,
    /// Who this is: see [`crate::lease::holder`].
    pub holder: String,
    /// Ends it early.
    pub interrupt: Interrupt,
    /// How long a fault lasts that does not end by itself.
    pub duration: Duration,
    /// How long undoing a step is tried; [`Injector::UNDO`] outside of tests.
    pub undo_for: Duration,
}

/// How the injection of a fault went.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Injection {
    /// When the fault was caused; `None` if it never came to that.
    pub caused: Option<Duration>,
    /// When it was over.
    pub over: Option<Duration>,
    /// When a pod of the component was ready again without which nobody is served.
    pub back: Option<Duration>,
    /// From when on it is known to have been there.
    pub known: Option<Duration>,
    /// What proves it, one clause each.
    pub seen: Vec<String>,
    /// Why it is not proven, one sentence each.
    pub unproven: Vec<String>,
    /// Promises that were seen to be broken by the injection itself.
    pub broken: Vec<Broken>,
    /// Whether the API server was away at some time: then the ways into the cluster were, too.
    pub cut_off: bool,
    /// What is left behind, one sentence each.
    pub not_undone: Vec<String>,
}

/// Why a part of a plan was not carried out.
enum Aborted {
    Interrupted,
    Failed(String),
}

impl From<Interrupted> for Aborted {
    fn from(Interrupted: Interrupted) -> Self {
        Self::Interrupted
    }
}

impl Injector {
    /// See [`Injector::undo_for`].
    pub const UNDO: Duration = UNDO;

    /// Carries a plan out and undoes it.
    ///
    /// # Errors
    /// Nothing was done: it was broken off before that, a target is no longer the one that was chosen, or the journal could not
    /// be written.
    pub async fn carry_out(&self, drill: &str, plan: &Plan) -> Result<Injection, Stop> {
        if self.interrupt.is_raised() {
            return Err(Stop::Unknown("it was broken off before the fault, so nothing was done".to_owned()));
        }
        self.targets_are_there(plan)?;
        let journal = if plan.undo.is_empty() { None } else { Some(self.write_journal(drill, plan).await?) };
        let mut injection = Injection::default();
        for act in &plan.acts {
            match self.act(act, &mut injection).await {
                Ok(()) => {}
                Err(Aborted::Interrupted) => {
                    injection.unproven.push("it was broken off".to_owned());
                    break;
                }
                Err(Aborted::Failed(why)) => {
                    injection.unproven.push(why);
                    break;
                }
            }
        }
        if let Some((component, _)) = plan.resumes {
            let ready = |pods: &[crate::snapshot::Pod]| {
                pods.iter().any(|pod| pod.component == component && pod.ready && !pod.leaving)
            };
            if let Ok(true) = self.interrupt.unless(self.executor.pod_watch.until(UNDO, ready)).await {
                injection.back =
                    Some(self.timeline.mark(MomentKind::Note, format!("a {component} is ready again")));
            }
        }
        if plan.over == Over::Majority {
            self.until_a_majority_answers(&mut injection).await;
        }
        if let Some(mut journal) = journal {
            injection.not_undone = self.undo(&mut journal).await;
            let at = self.timeline.mark(MomentKind::Undone, "undone");
            injection.over.get_or_insert(at);
        }
        Ok(injection)
    }

    /// Undoes what a journal says, and takes away of it what is done. Returns what could not be undone, a sentence each.
    pub async fn undo(&self, journal: &mut Journal) -> Vec<String> {
        let mut not_undone = Vec::new();
        let mut left = Vec::new();
        // One for all: when the API server is away, it is away for each of them.
        let deadline = Instant::now() + self.undo_for;
        let mut open: std::collections::VecDeque<Step> = journal.entry.undo.clone().into();
        while let Some(step) = open.pop_front() {
            match self.undo_step(&step, deadline).await {
                Ok(Done::Done) => tracing::info!("undone: {step}"),
                Ok(Done::Moot(why)) => tracing::info!("no need to undo ({why}): {step}"),
                Err(trouble) => {
                    not_undone.push(format!("{trouble}; still to be done: {step}"));
                    left.push(step);
                }
            }
            let rest = left.iter().chain(&open).cloned().collect();
            if let Err(trouble) = self.keep(journal, rest, deadline).await {
                not_undone
                    .push(format!("the journal {} is not up to date: {trouble}", crate::names::JOURNAL));
                break;
            }
        }
        not_undone
    }

    fn targets_are_there(&self, plan: &Plan) -> Result<(), Stop> {
        match plan.targets.iter().find(|pod| self.executor.pod_watch.by_uid(&pod.uid).is_none()) {
            None => Ok(()),
            Some(pod) => Err(Stop::Unknown(format!(
                "{} vanished between being chosen and the fault, so nothing was done",
                pod.name
            ))),
        }
    }

    async fn write_journal(&self, drill: &str, plan: &Plan) -> Result<Journal, Stop> {
        let entry = Entry::new(drill, &self.holder, &plan.undo);
        match Journal::write(&self.executor.connection, &self.release, entry).await {
            Ok(journal) => Ok(journal),
            Err(Trouble::Conflict(_)) => {
                Err(Stop::Refused("an earlier drill is not undone; see `drill undo`".to_owned()))
            }
            Err(trouble) => {
                Err(Stop::Unknown(format!("the journal cannot be written, so nothing was done: {trouble}")))
            }
        }
    }

    async fn act(&self, act: &Act, injection: &mut Injection) -> Result<(), Aborted> {
        match act {
            Act::Do(steps) => {
                for step in steps {
                    let at = self.timeline.mark(MomentKind::Fault, step.to_string());
                    injection.caused.get_or_insert(at);
                }
                let outcomes =
                    self.interrupt.unless(join_all(steps.iter().map(|step| self.executor.execute(step))));
                for (step, outcome) in steps.iter().zip(outcomes.await?) {
                    outcome.map_err(|trouble| Aborted::Failed(failed(step, &trouble)))?;
                }
            }
            Act::See(condition, limit) => {
                if !self.interrupt.unless(self.conditions.wait_for(condition, *limit)).await? {
                    let seconds = limit.as_secs();
                    return Err(Aborted::Failed(format!(
                        "it was not seen within {seconds} s that {condition}"
                    )));
                }
                self.proven(injection, condition.to_string());
            }
            Act::Prove(step, text) => {
                let outcome = self.interrupt.unless(self.executor.execute(step)).await?;
                outcome
                    .map_err(|trouble| Aborted::Failed(format!("it was not seen that {text}: {trouble}")))?;
                self.proven(injection, text.clone());
            }
            Act::Refused(call) => match self.interrupt.unless(self.executor.ask(call, true)).await? {
                Err(Trouble::Budget(_)) => {
                    self.proven(injection, format!("the budget refuses {}", call.path));
                }
                Err(trouble) => {
                    return Err(Aborted::Failed(format!(
                        "whether the budget refuses {} is not known: {trouble}",
                        call.path
                    )));
                }
                Ok(()) => injection.broken.push(Broken {
                    promise: "P7".to_owned(),
                    sentence: format!("the disruption budget would let one servidor more go: {}", call.path),
                }),
            },
            Act::RefusesWrites(servidor) => {
                match self.interrupt.unless(self.executor.members.write_at(servidor)).await? {
                    Err(Trouble::Denied(why)) => {
                        self.proven(injection, format!("{servidor}, asked for a write, refuses it ({why})"));
                    }
                    Err(trouble) => {
                        return Err(Aborted::Failed(format!(
                            "whether {servidor} refuses writes is not known: {trouble}"
                        )));
                    }
                    Ok(()) => injection.broken.push(Broken {
                        promise: "P10".to_owned(),
                        sentence: format!(
                            "{servidor} said yes to a write while it was cut off from the others"
                        ),
                    }),
                }
            }
            Act::KeepAway(pods, span) => self.keep_away(pods, *span, injection).await?,
            Act::Hold => self.interrupt.unless(tokio::time::sleep(self.duration)).await?,
        }
        Ok(())
    }

    fn proven(&self, injection: &mut Injection, text: String) {
        let at = self.timeline.mark(MomentKind::FaultProven, text.clone());
        injection.known.get_or_insert(at);
        injection.seen.push(text);
    }

    /// No write can succeed from when it is seen that no majority answers until [`Injector::until_a_majority_answers`].
    async fn keep_away(
        &self,
        pods: &[PodRef],
        span: Duration,
        injection: &mut Injection,
    ) -> Result<(), Aborted> {
        let patience = Instant::now() + UNDO;
        let mut deadline = None;
        while deadline.is_none_or(|deadline| Instant::now() < deadline) {
            for pod in pods.iter().filter_map(|pod| self.executor.pod_watch.by_name(&pod.name)) {
                let kill = ApiCall::kill_pod(&self.executor.connection.namespace, &pod);
                match self.interrupt.unless(self.executor.ask(&kill, false)).await? {
                    // It went by itself.
                    Ok(()) | Err(Trouble::Gone(_) | Trouble::Conflict(_)) => {}
                    Err(trouble) => return Err(Aborted::Failed(failed(&kill.into(), &trouble))),
                }
            }
            if deadline.is_none() && !self.majority_answers() {
                deadline = Some(Instant::now() + span);
                self.proven(injection, "no majority answers".to_owned());
            }
            if Instant::now() > patience {
                return Err(Aborted::Failed("a majority never stopped answering".to_owned()));
            }
            self.interrupt.unless(tokio::time::sleep(Duration::from_millis(20))).await?;
        }
        Ok(())
    }

    async fn until_a_majority_answers(&self, injection: &mut Injection) {
        let deadline = Instant::now() + UNDO;
        while !self.majority_answers() && Instant::now() < deadline && !self.interrupt.is_raised() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        if self.majority_answers() {
            injection.over = Some(self.timeline.mark(MomentKind::Note, "a majority answers again"));
        }
    }

    fn majority_answers(&self) -> bool {
        let view = (self.conditions.view)();
        view.answering().count() * 2 > view.servidores.len()
    }

    async fn undo_step(&self, step: &Step, deadline: Instant) -> Result<Done, Trouble> {
        loop {
            // Whatever is wrong may pass: a container that is down starts again, rights come back.
            match self.executor.undo(step).await {
                Ok(done) => return Ok(done),
                Err(trouble) if Instant::now() + BETWEEN_TRIES < deadline => {
                    tracing::debug!(%trouble, "to be undone again: {step}");
                }
                Err(trouble) => return Err(trouble),
            }
            tokio::time::sleep(BETWEEN_TRIES).await;
        }
    }

    async fn keep(&self, journal: &mut Journal, left: Vec<Step>, deadline: Instant) -> Result<(), Trouble> {
        loop {
            match journal.keep(left.clone()).await {
                Err(Trouble::Away(_)) if Instant::now() + BETWEEN_TRIES < deadline => {
                    tokio::time::sleep(BETWEEN_TRIES).await;
                }
                other => return other,
            }
        }
    }
}

fn failed(step: &Step, trouble: &Trouble) -> String {
    match trouble {
        Trouble::Gone(why) | Trouble::Conflict(why) => {
            format!("its target vanished between being chosen and the fault ({why}): {step}")
        }
        other => format!("the fault could not be caused ({other}): {step}"),
    }
}
