//! What a run comes to.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;

use super::Run;
use crate::coverage::Coverage;
use crate::plan::Plan;

/// A promise was broken, or the core stopped at a broken invariant of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// What was broken, in a sentence or more.
    pub sentence: String,
    /// Where the check is.
    pub place: String,
}

thread_local! {
    static BROKEN: RefCell<Option<Broken>> = const { RefCell::new(None) };
    static WATCHED: RefCell<bool> = const { RefCell::new(false) };
}

/// Runs a plan to its end, or to the first broken promise.
///
/// # Errors
/// What was broken.
pub fn verdict(plan: &Plan, trace: bool) -> Result<Coverage, Broken> {
    watch_panics();
    WATCHED.set(true);
    let run = catch_unwind(AssertUnwindSafe(|| Run::new(plan, trace).run()));
    WATCHED.set(false);
    run.map_err(|_| BROKEN.take().expect("the hook runs first"))
}

/// Keeps what a panic says instead of printing it, on threads that run a plan.
fn watch_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let others = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if !WATCHED.with_borrow(|watched| *watched) {
                return others(info);
            }
            let payload = info.payload();
            let text = payload.downcast_ref::<String>().cloned();
            let sentence = text.or_else(|| payload.downcast_ref::<&str>().map(|text| (*text).to_owned()));
            let place = info.location().map(ToString::to_string).unwrap_or_default();
            BROKEN.set(Some(Broken { sentence: sentence.unwrap_or_default(), place }));
        }));
    });
}

impl Broken {
    /// The first line of the sentence.
    pub fn headline(&self) -> &str {
        self.sentence.lines().next().unwrap_or_default()
    }

    /// Whether two runs broke in the same way: found by the same check.
    pub fn is_like(&self, other: &Self) -> bool {
        self.place == other.place
    }
}
