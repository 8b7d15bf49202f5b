//! The load, the watch and the verdict around a run.

use std::path::Path;
use std::time::Duration;

use papo_witness::evidence::{Evidence, MomentKind, RateSample, Verdict};
use papo_witness::{
    Expectations, Fault, Load, LoadSettings, NotHealthy, Reach, Timeline, Trial, Watch, check_health, judge,
    read_back,
};

use crate::Error;
use crate::cluster::Cluster;
use crate::papo::{Exports, compare_exports};

/// How many messages have to be acknowledged before anything is done, and again each time all is well.
const FLOW: u64 = 20;

/// Clients at work on a cluster, and somebody who watches it.
pub(crate) struct Witness {
    reach: Reach,
    timeline: Timeline,
    watch: Watch,
    load: Load,
    /// What the history is read from.
    index: u64,
}

/// What was found.
pub(crate) struct Findings {
    pub(crate) evidence: Evidence,
    pub(crate) exports: Exports,
}

impl Witness {
    /// Returns when all is well and messages flow.
    pub(crate) fn begin(
        cluster: &mut Cluster,
        load: &LoadSettings,
        patience: Duration,
    ) -> Result<Self, Error> {
        let reach = cluster.reach();
        let health = check_health(&reach, patience).map_err(|flaw| {
            cluster.note_deaths();
            match flaw {
                NotHealthy::Flaw(flaw) => Error::NeverWell(flaw),
                NotHealthy::Socket(failure) => Error::no_witness(failure),
            }
        })?;
        let timeline = Timeline::start();
        let watch = Watch::start(&reach, &timeline).map_err(Error::no_witness)?;
        let load = Load::start(&reach, load, &timeline).map_err(Error::no_witness)?;
        load.wait_for_more(FLOW, patience).map_err(|not_served| Error::NeverWell(not_served.to_string()))?;
        Ok(Self { reach, timeline, watch, load, index: health.index })
    }

    pub(crate) fn mark(&self, what: MomentKind, text: &str) -> Duration {
        self.timeline.mark(what, text)
    }

    pub(crate) fn now(&self) -> Duration {
        self.timeline.now()
    }

    pub(crate) fn acknowledged(&self) -> u64 {
        self.load.acknowledged()
    }

    /// Why all is not well, or messages do not flow, though it was waited for that for so long.
    pub(crate) fn wait_until_well(&self, patience: Duration) -> Result<(), String> {
        check_health(&self.reach, patience).map_err(|flaw| flaw.to_string())?;
        self.load.wait_for_more(FLOW, patience).map_err(|not_served| not_served.to_string())
    }

    /// Everybody settles what is open; everything is read back from every servidor; and judged.
    pub(crate) fn finish(
        self,
        name: &str,
        fault: Option<&Fault>,
        patience: Duration,
        folder: &Path,
    ) -> Result<Findings, Error> {
        let load = self.load.finish(patience).map_err(Error::no_witness)?;
        let read = read_back(&self.reach, self.index, patience).map_err(Error::no_witness)?;
        let exports = compare_exports(&self.reach, &folder.join("exports"));
        let watched = self.watch.finish();
        let trial = Trial {
            drill: name,
            timeline: &self.timeline,
            load: &load,
            watched: &watched,
            read: &read,
            fault,
            expectations: &Expectations::default(),
            not_undone: &[],
        };
        Ok(Findings { evidence: judge(&trial).evidence, exports })
    }
}

/// The longest that nobody was acknowledged from `from` to `to`, to a tenth of a second.
pub(crate) fn silence(evidence: &Evidence, from: Duration, to: Duration) -> Duration {
    let at = |sample: &RateSample| Duration::from_millis(sample.at_ms);
    let within = evidence.rate.iter().filter(|sample| at(sample) >= from && at(sample) <= to);
    let silent = within.map(|sample| sample.acknowledged == 0).collect::<Vec<_>>();
    let longest = silent.split(|silent| !silent).map(<[bool]>::len).max().unwrap_or(0);
    Duration::from_millis(RateSample::WIDTH_MS * longest as u64)
}

/// One word for everything together, and why it is not pass: a sentence each.
pub(crate) fn conclude(
    evidence: &Evidence,
    exports: &Exports,
    mut broken: Vec<String>,
    mut doubts: Vec<String>,
) -> (Verdict, Vec<String>) {
    match exports {
        Exports::Equal(_) => {}
        Exports::Differ(why) => broken.push(format!("P3: {why}")),
        Exports::Missing(why) => doubts.push(why.clone()),
    }
    match evidence.verdict {
        Verdict::Pass => {}
        Verdict::Fail => broken.extend(evidence.because.iter().cloned()),
        Verdict::Unknown => doubts.extend(evidence.because.iter().cloned()),
    }
    let verdict = match (broken.is_empty(), doubts.is_empty()) {
        (false, _) => Verdict::Fail,
        (true, false) => Verdict::Unknown,
        (true, true) => Verdict::Pass,
    };
    broken.extend(doubts);
    (verdict, broken)
}

/// The numbers, in two lines.
pub(crate) fn counts(evidence: &Evidence) -> String {
    let Evidence { messages, figures, .. } = evidence;
    format!(
        "messages: {} attempted, {} acknowledged, {} kept, {} lost, {} altered, {} duplicated, {} out of order, {} refused and \
         present, {} unacknowledged and present, {} refused, {} unknown, {} unchecked\n{} requests failed at first; nobody was \
         acknowledged for {} ms at the longest",
        messages.attempted,
        messages.acknowledged,
        messages.kept,
        messages.lost,
        messages.altered,
        messages.duplicated,
        messages.out_of_order,
        messages.refused_present,
        messages.unacknowledged_present,
        messages.refused,
        messages.unknown_outcome,
        messages.unchecked,
        figures.failed_requests,
        figures.silence_ms.unwrap_or(0),
    )
}

#[cfg(test)]
mod tests;
