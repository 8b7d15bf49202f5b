//! Why the evidence does not suffice.

use std::time::Duration;

use papo_audit::Report;

use super::answers::Answers;
use super::trial::{Fault, Proof, Service, Trial};

/// A majority is back before it is seen to be: what is acknowledged so shortly before that was acknowledged by it.
const SEEING_TAKES: Duration = Duration::from_secs(2);

pub(super) fn all(trial: &Trial<'_>, report: &Report, answers: &Answers<'_>) -> Vec<String> {
    let mut doubts: Vec<String> =
        trial.fault.map(|fault| of_fault(trial, fault, answers)).unwrap_or_default();
    doubts.extend(trial.read.missing.iter().cloned());
    doubts.extend(report.doubts.iter().cloned());
    doubts.extend(trial.load.troubles.iter().cloned());
    doubts
}

fn of_fault(trial: &Trial<'_>, fault: &Fault, answers: &Answers<'_>) -> Vec<String> {
    let mut doubts = Vec::new();
    if let Proof::Missing(why) = &fault.proof {
        doubts.push(format!("the fault is not proven to have happened: {why}"));
    }
    match trial.expectations.service {
        Service::GoesOn => {
            if !answers.acknowledgements().any(|at| fault.covers(at)) {
                doubts.push("nothing was acknowledged while the fault was there".to_owned());
            }
        }
        Service::Refuses => {
            let sent = answers.messages().filter(|message| fault.is_known_at(message.sent));
            if sent.count() == 0 && !answers.refused_attempts.iter().any(|at| fault.covers(*at)) {
                doubts.push("nobody asked for anything while there was no majority".to_owned());
            }
            let back = fault.until.map(|until| until.saturating_sub(SEEING_TAKES));
            let without = |at: Duration| back.is_none_or(|back| at < back);
            let served = answers.messages().filter(|message| {
                fault.is_known_at(message.sent) && message.acknowledged.is_some_and(without)
            });
            let served = served.count();
            if served > 0 {
                doubts.push(format!(
                    "{served} messages were sent and acknowledged when there should have been no majority"
                ));
            }
            if fault.until.is_none() {
                doubts.push("the majority did not come back before the load ended".to_owned());
            }
        }
    }
    doubts
}
