//! What a drill came to, for everybody who wants to know: people, programs, build servers and browsers.
//!
//! [`Evidence`] says it all; here it is only told. Each form is a function of it:
//!
//! * [`human`]: a page of text with the verdict, the timeline, the messages and the figures.
//! * [`json`]: the evidence itself. `docs/drills/evidence.schema.json` is its schema.
//! * [`junit`]: a test case a drill, as build servers read it.
//! * [`html`]: one file that needs no other: the timeline drawn over the rate of acknowledgements.
//!
//! [`write()`] puts all four into a directory; [`suite_html`], [`suite_human`] and [`write_suite`] do the same for many drills.
//!
//! A name or a sentence may hold anything at all: a pod's log, an API server's answer. It is made harmless in one
//! place (`clean`) before a person sees it. The JSON keeps it as it was.
//!
//! What is *not* done here: judging. Whether a promise was broken is for the witness to say. The one thing that is
//! decided here is whether a verdict is the wanted one ([`is_as_wanted`]): a negative control has to fail, by messages that are lost.

mod clean;
mod html;
mod human;
mod json;
mod junit;
mod milestones;
mod numbers;
mod units;
mod write;

#[cfg(test)]
mod tests;

use papo_witness::evidence::{Evidence, Verdict};

use crate::faults::{self, Outcome};
use crate::stop::Ending;

pub use html::{html, suite_html};
pub use human::{human, suite_human};
pub use json::{json, suite_json};
pub use junit::junit;
pub use write::{write, write_suite};

/// The verdict that this drill should come to when all is well: a negative control has to fail.
pub fn wanted(drill: &str) -> Verdict {
    match faults::find(drill).map(|drill| drill.meant_to) {
        Ok(Outcome::Fail) => Verdict::Fail,
        // Evidence of a drill that is not known any more is judged as most are.
        Ok(Outcome::Pass) | Err(_) => Verdict::Pass,
    }
}

/// Whether a drill came out as it should, and left nothing behind.
pub fn is_as_wanted(evidence: &Evidence) -> bool {
    let shown = match wanted(&evidence.drill) {
        Verdict::Fail => evidence.verdict == Verdict::Fail && shows_a_loss(evidence),
        wanted => evidence.verdict == wanted,
    };
    shown && evidence.not_undone.is_empty()
}

/// Whether messages were seen to be lost. A negative control that was only slow (P7) proves nothing about the checks.
fn shows_a_loss(evidence: &Evidence) -> bool {
    evidence.messages.lost > 0 && evidence.broken.iter().any(|broken| broken.promise != "P7")
}

/// How the program ends because of it.
pub fn ending(evidence: &Evidence) -> Ending {
    if !evidence.not_undone.is_empty() {
        return Ending::NotUndone;
    }
    match evidence.verdict {
        Verdict::Unknown => Ending::Unknown,
        Verdict::Pass | Verdict::Fail if is_as_wanted(evidence) => Ending::Pass,
        Verdict::Pass | Verdict::Fail => Ending::Broken,
    }
}
