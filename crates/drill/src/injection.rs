//! Causes a fault and undoes it: first the journal, then the fault, then what undoes it, whatever comes in between.

use std::time::{Duration, Instant};

use futures::future::join_all;
use papo_witness::Timeline;
use papo_witness::evidence::{Broken, MomentKind};

use crate::call::Call;
use crate::connect::Trouble;
use crate::hands::{Done, Hands};
use crate::interrupt::{Interrupt, Interrupted};
use crate::journal::{Entry, Journal};
use crate::plan::{Act, Over, Plan};
use crate::sight::Sight;
use crate::step::{PodRef, Step};
use crate::stop::Stop;

/// How long undoing a step is tried again, while the API server is away or a container is down.
const UNDO: Duration = Duration::from_secs(120);
/// How long between two tries.
const BETWEEN_TRIES: Duration = Duration::from_secs(1);

/// What carries a plan out.
pub struct Conductor {
    /// Does.
    pub hands: Hands,
    /// Sees.
    pub sight: Sight,
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
    /// How long undoing a step is tried; [`Conductor::UNDO`] outside of tests.
    pub undo_for: Duration,
}

/// What came of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Course {
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
    /// Promises that were seen to be broken by the course itself.
    pub broken: Vec<Broken>,
    /// Whether the API server was away at some time: then the ways into the cluster were, too.
    pub cut_off: bool,
    /// What is left behind, one sentence each.
    pub not_undone: Vec<String>,
}

/// Why a part of a plan was not carried out.
enum Broke {
    Off,
    Because(String),
}

impl From<Interrupted> for Broke {
    fn from(Interrupted: Interrupted) -> Self {
        Self::Off
    }
}

impl Conductor {
    /// See [`Conductor::undo_for`].
    pub const UNDO: Duration = UNDO;

    /// Carries a plan out and undoes it.
    ///
    /// # Errors
    /// Nothing was done: it was broken off before that, a target is no longer the one that was chosen, or the journal could not
    /// be written.
    pub async fn carry_out(&self, drill: &str, plan: &Plan) -> Result<Course, Stop> {
        if self.interrupt.is_raised() {
            return Err(Stop::Unknown("it was broken off before the fault, so nothing was done".to_owned()));
        }
        self.targets_are_there(plan)?;
        let journal = if plan.undo.is_empty() { None } else { Some(self.write_journal(drill, plan).await?) };
        let mut course = Course::default();
        for act in &plan.acts {
            match self.act(act, &mut course).await {
                Ok(()) => {}
                Err(Broke::Off) => {
                    course.unproven.push("it was broken off".to_owned());
                    break;
                }
                Err(Broke::Because(why)) => {
                    course.unproven.push(why);
                    break;
                }
            }
        }
        if let Some((component, _)) = plan.resumes {
            let ready = |pods: &[crate::scene::Pod]| {
                pods.iter().any(|pod| pod.component == component && pod.ready && !pod.leaving)
            };
            if let Ok(true) = self.interrupt.unless(self.hands.roster.until(UNDO, ready)).await {
                course.back =
                    Some(self.timeline.mark(MomentKind::Note, format!("a {component} is ready again")));
            }
        }
        if plan.over == Over::Majority {
            self.until_a_majority_answers(&mut course).await;
        }
        if let Some(mut journal) = journal {
            course.not_undone = self.undo(&mut journal).await;
            let at = self.timeline.mark(MomentKind::Undone, "undone");
            course.over.get_or_insert(at);
        }
        Ok(course)
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
        match plan.targets.iter().find(|pod| self.hands.roster.by_uid(&pod.uid).is_none()) {
            None => Ok(()),
            Some(pod) => Err(Stop::Unknown(format!(
                "{} vanished between being chosen and the fault, so nothing was done",
                pod.name
            ))),
        }
    }

    async fn write_journal(&self, drill: &str, plan: &Plan) -> Result<Journal, Stop> {
        let entry = Entry::new(drill, &self.holder, &plan.undo);
        match Journal::write(&self.hands.connection, &self.release, entry).await {
            Ok(journal) => Ok(journal),
            Err(Trouble::Conflict(_)) => {
                Err(Stop::Refused("an earlier drill is not undone; see `drill undo`".to_owned()))
            }
            Err(trouble) => {
                Err(Stop::Unknown(format!("the journal cannot be written, so nothing was done: {trouble}")))
            }
        }
    }

    async fn act(&self, act: &Act, course: &mut Course) -> Result<(), Broke> {
        match act {
            Act::Do(steps) => {
                for step in steps {
                    let at = self.timeline.mark(MomentKind::Fault, step.to_string());
                    course.caused.get_or_insert(at);
                }
                let outcomes =
                    self.interrupt.unless(join_all(steps.iter().map(|step| self.hands.take(step))));
                for (step, outcome) in steps.iter().zip(outcomes.await?) {
                    outcome.map_err(|trouble| Broke::Because(failed(step, &trouble)))?;
                }
            }
            Act::See(condition, limit) => {
                if !self.interrupt.unless(self.sight.see(condition, *limit)).await? {
                    let seconds = limit.as_secs();
                    return Err(Broke::Because(format!(
                        "it was not seen within {seconds} s that {condition}"
                    )));
                }
                self.proven(course, condition.to_string());
            }
            Act::Prove(step, text) => {
                let outcome = self.interrupt.unless(self.hands.take(step)).await?;
                outcome
                    .map_err(|trouble| Broke::Because(format!("it was not seen that {text}: {trouble}")))?;
                self.proven(course, text.clone());
            }
            Act::Refused(call) => match self.interrupt.unless(self.hands.ask(call, true)).await? {
                Err(Trouble::Budget(_)) => self.proven(course, format!("the budget refuses {}", call.path)),
                Err(trouble) => {
                    return Err(Broke::Because(format!(
                        "whether the budget refuses {} is not known: {trouble}",
                        call.path
                    )));
                }
                Ok(()) => course.broken.push(Broken {
                    promise: "P7".to_owned(),
                    sentence: format!("the disruption budget would let one servidor more go: {}", call.path),
                }),
            },
            Act::RefusesWrites(servidor) => {
                match self.interrupt.unless(self.hands.members.write_at(servidor)).await? {
                    Err(Trouble::Denied(why)) => {
                        self.proven(course, format!("{servidor}, asked for a write, refuses it ({why})"));
                    }
                    Err(trouble) => {
                        return Err(Broke::Because(format!(
                            "whether {servidor} refuses writes is not known: {trouble}"
                        )));
                    }
                    Ok(()) => course.broken.push(Broken {
                        promise: "P10".to_owned(),
                        sentence: format!(
                            "{servidor} said yes to a write while it was cut off from the others"
                        ),
                    }),
                }
            }
            Act::KeepAway(pods, span) => self.keep_away(pods, *span, course).await?,
            Act::Hold => self.interrupt.unless(tokio::time::sleep(self.duration)).await?,
        }
        Ok(())
    }

    fn proven(&self, course: &mut Course, text: String) {
        let at = self.timeline.mark(MomentKind::FaultProven, text.clone());
        course.known.get_or_insert(at);
        course.seen.push(text);
    }

    /// No write can succeed from when it is seen that no majority answers until [`Conductor::until_a_majority_answers`].
    async fn keep_away(&self, pods: &[PodRef], span: Duration, course: &mut Course) -> Result<(), Broke> {
        let patience = Instant::now() + UNDO;
        let mut deadline = None;
        while deadline.is_none_or(|deadline| Instant::now() < deadline) {
            for pod in pods.iter().filter_map(|pod| self.hands.roster.by_name(&pod.name)) {
                let kill = Call::kill_pod(&self.hands.connection.namespace, &pod);
                match self.interrupt.unless(self.hands.ask(&kill, false)).await? {
                    // It went by itself.
                    Ok(()) | Err(Trouble::Gone(_) | Trouble::Conflict(_)) => {}
                    Err(trouble) => return Err(Broke::Because(failed(&kill.into(), &trouble))),
                }
            }
            if deadline.is_none() && !self.majority_answers() {
                deadline = Some(Instant::now() + span);
                self.proven(course, "no majority answers".to_owned());
            }
            if Instant::now() > patience {
                return Err(Broke::Because("a majority never stopped answering".to_owned()));
            }
            self.interrupt.unless(tokio::time::sleep(Duration::from_millis(20))).await?;
        }
        Ok(())
    }

    async fn until_a_majority_answers(&self, course: &mut Course) {
        let deadline = Instant::now() + UNDO;
        while !self.majority_answers() && Instant::now() < deadline && !self.interrupt.is_raised() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        if self.majority_answers() {
            course.over = Some(self.timeline.mark(MomentKind::Note, "a majority answers again"));
        }
    }

    fn majority_answers(&self) -> bool {
        let view = (self.sight.view)();
        view.answering().count() * 2 > view.servidores.len()
    }

    async fn undo_step(&self, step: &Step, deadline: Instant) -> Result<Done, Trouble> {
        loop {
            // Whatever is wrong may pass: a container that is down starts again, rights come back.
            match self.hands.undo(step).await {
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
