//! A cluster with a witness, and the course of a drill on it.

use std::time::Duration;

use papo_processes::Cluster;
use papo_witness::evidence::MomentKind;
use papo_witness::{
    Expectations, Fault, Judgement, Load, LoadRecord, LoadSettings, Proof, Reach, ReadBack, Timeline, Trial,
    Watch, Watched, check_health, judge, read_back,
};

/// How long anything may take on a loaded machine. Generous: it only ends tests that fail.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A drill that is under way.
pub(crate) struct Stage {
    pub(crate) reach: Reach,
    pub(crate) timeline: Timeline,
    pub(crate) load: Load,
    pub(crate) watch: Watch,
    /// How long the end may take.
    pub(crate) patience: Duration,
    index: u64,
}

/// Everything that was seen of one.
pub(crate) struct Seen {
    pub(crate) timeline: Timeline,
    pub(crate) load: LoadRecord,
    pub(crate) watched: Watched,
    pub(crate) read: ReadBack,
}

impl Stage {
    /// Returns when messages flow.
    pub(crate) fn set(cluster: &Cluster, settings: &LoadSettings) -> Self {
        let reach = cluster.reach();
        let health = check_health(&reach, PATIENCE).expect("the cluster is whole");
        let timeline = Timeline::start();
        let watch = Watch::start(&reach, &timeline).expect("threads can be made");
        let load = Load::start(&reach, settings, &timeline).expect("threads can be made");
        load.wait_for_more(100, PATIENCE).expect("messages flow");
        Self { reach, timeline, load, watch, patience: PATIENCE, index: health.index }
    }

    pub(crate) fn wait_until_whole(&self) {
        papo_processes::until("the cluster is whole", PATIENCE, || self.watch.seen().is_whole.then_some(()));
    }

    pub(crate) fn end(self) -> Seen {
        let load = self.load.finish(self.patience).expect("the load can be written down");
        let read = read_back(&self.reach, self.index, self.patience).expect("sockets can be made");
        Seen { timeline: self.timeline, load, watched: self.watch.finish(), read }
    }
}

impl Seen {
    pub(crate) fn judge(&self, fault: Option<&Fault>, expectations: &Expectations) -> Judgement {
        let judgement = judge(&Trial {
            drill: "a-test",
            timeline: &self.timeline,
            load: &self.load,
            watched: &self.watched,
            read: &self.read,
            fault,
            expectations,
            not_undone: &[],
        });
        let evidence = &judgement.evidence;
        for moment in &evidence.timeline {
            println!("{:>7} ms {:?}: {}", moment.at_ms, moment.what, moment.text);
        }
        println!("{} because {:#?}", evidence.verdict, evidence.because);
        println!("{:?}\n{:?}", evidence.messages, evidence.figures);
        judgement
    }

    pub(crate) fn has(&self, what: MomentKind) -> bool {
        self.timeline.moments().iter().any(|moment| moment.what == what)
    }
}

pub(crate) fn proven(at: Duration, until: Option<Duration>) -> Fault {
    let proof = Proof::Seen { at, how: "the process was killed".to_owned() };
    Fault { at, until, proof }
}
