//! One drill from beginning to end: look, guard, plan, and (unless it is only to be shown) lease, load, fault, verdict.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use papo_witness::evidence::{Evidence, MomentKind};
use papo_witness::{Fault, Health, Load, LoadSettings, Proof, Timeline, Trial, Watch, judge, read_back};

use crate::conditions::ConditionEvaluator;
use crate::discovery::Site;
use crate::evidence;
use crate::executor::Executor;
use crate::faults::{Drill, LooksAt};
use crate::injection::{Injection, Injector};
use crate::interrupt::Interrupt;
use crate::journal::{Entry, Journal};
use crate::lease::{self, Held};
use crate::members::Members;
use crate::names;
use crate::options::Options;
use crate::plan::Plan;
use crate::preflight;
use crate::report;
use crate::rights::{self, Right};
use crate::snapshot::Snapshot;
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
            && ["ledger.jsonl", "report.json"].iter().any(|file| folder.join(file).exists())
        {
            let folder = folder.display();
            return Err(Stop::Usage(format!(
                "{folder} holds what another drill left, so nothing was done; give a new folder"
            )));
        }
        preflight::may_begin(connection).await?;
        if self.drill.looks_at == LooksAt::Policies {
            let list = Right::new(&connection.namespace, "networking.k8s.io", "networkpolicies", "list");
            rights::require(&connection.client, vec![list]).await?;
        }
        let plan = |snapshot: &Snapshot| preflight::plan(self.drill, self.options, snapshot);
        let (plan, health) =
            preflight::settled(self.site, self.drill.looks_at, self.settle, self.interrupt, plan).await?;
        rights::require(&connection.client, plan.rights(&connection.namespace)).await?;
        Ok((plan, health))
    }

    /// The plan, in words for people, each request to the API tried as a server-side dry run.
    ///
    /// # Errors
    /// [`Stop::Refused`] when another drill is being held.
    pub async fn rehearse(&self, plan: &Plan) -> Result<String, Stop> {
        let Site { connection, release, .. } = self.site;
        let holder = lease::holder();
        let lease = lease::request(connection, release, &holder).await?;
        let mut before = vec![lease];
        if !plan.undo.is_empty() {
            let entry = Entry::new(self.drill.name, &holder, &plan.undo);
            before.push(Journal::request(&connection.namespace, release, &entry));
        }
        let mut text = format!("{}: {}\n", self.drill.name, plan.sentence);
        for call in &before {
            text.push_str(&format!("- first, so that it can be undone, and by nobody else: {call}\n"));
        }
        for act in &plan.acts {
            text.push_str(&format!("- {act}\n"));
        }
        for step in &plan.undo {
            text.push_str(&format!("- to undo it: {step}\n"));
        }
        if !plan.undo.is_empty() {
            text.push_str(&format!("- when that is done: delete the ConfigMap {}\n", names::JOURNAL));
        }
        text.push_str(&format!("- meanwhile: renew the Lease {}; at the end: give it back\n", names::LEASE));
        let executor = self.executor();
        for call in before.iter().chain(plan.calls()) {
            let said = match executor.ask(call, true).await {
                Ok(()) => "the server would do it".to_owned(),
                Err(trouble) => format!("the server would refuse: {trouble}"),
            };
            text.push_str(&format!("dry run of {}: {said}\n", call.path));
        }
        Ok(text)
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

        let injector = self.injector(&timeline, &watch, holder);
        let mut injection = match injector.carry_out(self.drill.name, plan).await {
            Ok(injection) => injection,
            Err(stop) => {
                self.put_away(load).await;
                return Err(stop);
            }
        };
        if lease.is_lost() {
            injection.unproven.push("another drill took the lease in the meantime".to_owned());
        }
        if injection.not_undone.is_empty() {
            self.recover(&mut injection, &timeline).await;
            if let Err(why) = self.flow(&load).await {
                timeline.mark(MomentKind::Note, why);
            }
        }
        injection.cut_off = lease.was_cut_off();
        self.judge(plan, health, injection, &timeline, watch, load).await
    }

    fn injector(&self, timeline: &Timeline, watch: &Arc<Watch>, holder: &str) -> Injector {
        let seen = Arc::clone(watch);
        Injector {
            executor: self.executor(),
            conditions: ConditionEvaluator {
                connection: self.site.connection.clone(),
                pod_watch: self.site.pod_watch.clone(),
                view: Arc::new(move || seen.seen().view),
            },
            timeline: timeline.clone(),
            release: self.site.release.clone(),
            holder: holder.to_owned(),
            interrupt: self.interrupt.clone(),
            duration: self.options.duration,
            undo_for: Injector::UNDO,
        }
    }

    fn executor(&self) -> Executor {
        Executor {
            connection: self.site.connection.clone(),
            pod_watch: self.site.pod_watch.clone(),
            nodes: self.options.nodes.clone(),
            members: Members::of(&self.site.connection, &self.site.pod_watch),
        }
    }

    /// Waits until all is well again.
    async fn recover(&self, injection: &mut Injection, timeline: &Timeline) {
        let deadline = Instant::now() + self.options.patience;
        let flaw = loop {
            let flaw = match preflight::health(self.site).await {
                Err(flaw) => Some(flaw),
                Ok(health) => match self.site.snapshot(health.view, LooksAt::Nothing).await {
                    Ok(snapshot) => snapshot.complaints().into_iter().next(),
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
                if injection.caused.is_some() {
                    injection.over.get_or_insert(at);
                }
            }
            // It was not waited for.
            Some(_) if self.interrupt.is_raised() => {}
            Some(flaw) => {
                let seconds = self.options.patience.as_secs();
                timeline.mark(MomentKind::Note, format!("not well {seconds} s after the fault: {flaw}"));
                injection.unproven.push(format!("the system was not well again within {seconds} s: {flaw}"));
            }
        }
    }

    async fn judge(
        &self,
        plan: &Plan,
        health: &Health,
        injection: Injection,
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
        let proof = match injection.known {
            Some(at) if injection.unproven.is_empty() => Proof::Seen { at, how: injection.seen.join("; ") },
            None if injection.unproven.is_empty() => Proof::Missing("nothing was seen of it".to_owned()),
            _ => Proof::Missing(injection.unproven.join("; ")),
        };
        let fault = injection.caused.map(|at| Fault { at, until: injection.over, proof });
        let trial = Trial {
            drill: self.drill.name,
            timeline,
            load: &record,
            watched: &watched,
            read: &read,
            fault: fault.as_ref(),
            expectations: &plan.expect,
            not_undone: &injection.not_undone,
        };
        let judgement = judge(&trial);
        if let Some(folder) = self.keep
            && let Err(error) = judgement.write_verdicts(folder)
        {
            tracing::warn!(%error, "the verdicts on single messages were not kept");
        }
        let evidence = evidence::complete(judgement.evidence, plan, injection);
        let ending = report::ending(&evidence);
        Ok(Outcomes { evidence, ending })
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

/// Off the threads that serve the tunnels.
pub(crate) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(work).await.expect("a panic has ended the process")
}
