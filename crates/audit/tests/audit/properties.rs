//! Whatever an honest chat does, the audit passes; whatever is then spoiled, it fails, for the right reason.

use papo_audit::{Conclusion, Event, HistoryDump, Ledger, Promise, Record, Request};
use proptest::prelude::*;
use proptest::sample::Index;

use crate::honest::{PEOPLE, Run, geral, publish};

/// One thing that may happen. The person is a number into [`PEOPLE`].
#[derive(Clone, Debug)]
enum Step {
    Say(usize),
    Whisper(usize, usize),
    /// The answer is lost; the retry gets it, `retries` times.
    Retried(usize, u8),
    /// It takes effect, and its author never learns it.
    AnswerLost(usize),
    /// It never arrives, and its author never learns it.
    RequestLost(usize),
    TurnedAway(usize),
    RefusedName(usize),
    Page(usize, usize),
    Read(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let who = || 0..PEOPLE.len();
    prop_oneof![
        4 => who().prop_map(Step::Say),
        2 => (who(), who()).prop_map(|(src, dst)| Step::Whisper(src, dst)),
        2 => (who(), 1..3u8).prop_map(|(who, retries)| Step::Retried(who, retries)),
        1 => who().prop_map(Step::AnswerLost),
        1 => who().prop_map(Step::RequestLost),
        1 => who().prop_map(Step::TurnedAway),
        1 => who().prop_map(Step::RefusedName),
        1 => (who(), 1..5usize).prop_map(|(who, limit)| Step::Page(who, limit)),
        1 => who().prop_map(Step::Read),
    ]
}

fn play(steps: &[Step]) -> Run {
    let mut run = Run::begin();
    run.say("ana");
    for step in steps {
        take(&mut run, step);
    }
    run.say("bia");
    run.catch_up();
    run
}

fn take(run: &mut Run, step: &Step) {
    match *step {
        Step::Say(who) => drop(run.say(PEOPLE[who])),
        Step::Whisper(src, dst) => drop(run.whisper(PEOPLE[src], PEOPLE[dst])),
        Step::Retried(who, retries) => {
            let (id, request) = attempt(run, who);
            let index = run.order(&id, &request);
            run.note(PEOPLE[who], Event::Unknown { request_id: id.clone(), reason: "no answer".into() });
            show_all(run, &id, index);
            for _ in 0..retries {
                run.attempt(PEOPLE[who], &id, &request);
                run.note(PEOPLE[who], Event::Acknowledged { request_id: id.clone(), index });
            }
        }
        Step::AnswerLost(who) => {
            let (id, request) = attempt(run, who);
            let index = run.order(&id, &request);
            run.note(PEOPLE[who], Event::Unknown { request_id: id.clone(), reason: "no answer".into() });
            show_all(run, &id, index);
        }
        Step::RequestLost(who) => {
            let (id, _) = attempt(run, who);
            run.note(PEOPLE[who], Event::Unknown { request_id: id, reason: "no answer".into() });
        }
        Step::TurnedAway(who) => {
            let (id, _) = attempt(run, who);
            run.note(PEOPLE[who], Event::TurnedAway { request_id: id, reason: "sem maioria".into() });
        }
        Step::RefusedName(who) => {
            let id = run.fresh_id();
            run.attempt("newcomer", &id, &Request::Login { user: PEOPLE[who].into(), again: false });
            run.note("newcomer", Event::Refused { request_id: id, reason: "Usuário já existe".into() });
        }
        Step::Page(who, limit) => run.read_page(PEOPLE[who], limit),
        Step::Read(who) => {
            let (asked, index) = (run.now(), run.last());
            run.note(PEOPLE[who], Event::Read { asked, seen: index, index });
        }
    }
}

fn attempt(run: &mut Run, who: usize) -> (String, Request) {
    let id = run.fresh_id();
    let request = publish(PEOPLE[who], &format!("message {id}"));
    run.attempt(PEOPLE[who], &id, &request);
    (id, request)
}

fn show_all(run: &mut Run, id: &str, index: u64) {
    for user in PEOPLE {
        run.show(user, geral(), index, id);
    }
}

/// One thing that may be wrong with the evidence.
#[derive(Clone, Copy, Debug)]
enum Fault {
    LoseAcknowledged,
    TakeEffectTwice,
    Diverge,
    ClockStands,
    SkipShowing,
    ShowTwice,
    ReadBackwards,
    WinTwice,
    ResurrectRefused,
}

fn fault() -> impl Strategy<Value = Fault> {
    prop::sample::select(vec![
        Fault::LoseAcknowledged,
        Fault::TakeEffectTwice,
        Fault::Diverge,
        Fault::ClockStands,
        Fault::SkipShowing,
        Fault::ShowTwice,
        Fault::ReadBackwards,
        Fault::WinTwice,
        Fault::ResurrectRefused,
    ])
}

/// Spoils the run in one way, somewhere; returns the promise that is broken by it.
fn spoil(run: &mut Run, fault: Fault, place: &Index) -> Promise {
    match fault {
        Fault::LoseAcknowledged => {
            let id = pick(run, place, |event| match event {
                Event::Acknowledged { request_id, .. } => Some(request_id.clone()),
                _ => None,
            });
            for history in &mut run.histories {
                history.records.retain(|record| record.request_id.as_ref() != Some(&id));
            }
            Promise::Durable
        }
        Fault::TakeEffectTwice => {
            let (id, request) = pick(run, place, |event| match event {
                Event::Attempted { request_id, request, .. } if request.is_said() => {
                    Some((request_id.clone(), request.clone()))
                }
                _ => None,
            });
            run.order(&id, &request);
            run.order("another id", &request);
            Promise::Once
        }
        Fault::Diverge => {
            let record = some_record(&mut run.histories[1], place);
            record.timestamp = format!("{}0Z", record.timestamp.trim_end_matches('Z'));
            Promise::Convergence
        }
        Fault::ClockStands => {
            for history in &mut run.histories {
                let at = place.index(history.records.len() - 1);
                history.records[at + 1].clock = history.records[at].clock;
            }
            Promise::Order
        }
        Fault::SkipShowing => {
            let at = pick_at(run, place, |event| matches!(event, Event::Shown { .. }));
            let mut line = 0;
            run.rewrite(|entry| {
                line += 1;
                (line - 1 != at).then_some(entry)
            });
            Promise::Delivery
        }
        Fault::ShowTwice => {
            let at = pick_at(run, place, |event| matches!(event, Event::Shown { .. }));
            let entry = run.ledger.entries()[at].clone();
            run.note(&entry.client, entry.event);
            Promise::Delivery
        }
        Fault::ReadBackwards => {
            let at = pick_at(run, place, |event| matches!(event, Event::Shown { .. }));
            let client = run.ledger.entries()[at].client.clone();
            let (asked, index) = (run.now(), place.index(4) as u64);
            run.note(&client, Event::Read { asked, seen: 0, index });
            Promise::Session
        }
        Fault::WinTwice => {
            let user = PEOPLE[place.index(PEOPLE.len())].to_uppercase();
            run.attempt("newcomer", "second", &Request::Login { user, again: false });
            let index = run.last();
            run.note("newcomer", Event::Acknowledged { request_id: "second".into(), index });
            Promise::Names
        }
        Fault::ResurrectRefused => {
            take(run, &Step::TurnedAway(place.index(PEOPLE.len())));
            let last = run.ledger.entries().iter().rev().find_map(|entry| match &entry.event {
                Event::Attempted { request_id, request, .. } => Some((request_id.clone(), request.clone())),
                _ => None,
            });
            let (id, request) = last.expect("it was just attempted");
            run.order(&id, &request);
            Promise::Refusal
        }
    }
}

fn pick<T>(run: &Run, place: &Index, choose: impl Fn(&Event) -> Option<T>) -> T {
    let mut all: Vec<T> = run.ledger.entries().iter().filter_map(|entry| choose(&entry.event)).collect();
    all.swap_remove(place.index(all.len()))
}

fn pick_at(run: &Run, place: &Index, matches: impl Fn(&Event) -> bool) -> usize {
    let entries = run.ledger.entries().iter().enumerate();
    let all: Vec<usize> = entries.filter(|(_, entry)| matches(&entry.event)).map(|(at, _)| at).collect();
    *place.get(&all)
}

fn some_record<'a>(history: &'a mut HistoryDump, place: &Index) -> &'a mut Record {
    let at = place.index(history.records.len());
    &mut history.records[at]
}

proptest! {
    #[test]
    fn an_honest_run_passes(steps in prop::collection::vec(step(), 0..40)) {
        let report = play(&steps).audit();
        prop_assert_eq!(report.conclusion, Conclusion::Pass, "{}", report);
    }

    #[test]
    fn a_spoiled_run_fails_for_the_right_reason(
        steps in prop::collection::vec(step(), 0..40),
        fault in fault(),
        place in any::<Index>(),
    ) {
        let mut run = play(&steps);
        let promise = spoil(&mut run, fault, &place);
        let report = run.audit();
        prop_assert!(report.is_broken());
        prop_assert!(report.of(promise).count() > 0, "{:?} did not break {}:\n{}", fault, promise, report);
    }

    #[test]
    fn a_ledger_cut_anywhere_loads_up_to_the_cut(
        steps in prop::collection::vec(step(), 0..10),
        cut in any::<Index>(),
    ) {
        let ledger = play(&steps).ledger;
        let mut file = Vec::new();
        ledger.save(&mut file).expect("memory takes it");
        file.truncate(cut.index(file.len()));
        let loaded = Ledger::load(file.as_slice()).expect("whole lines load");
        prop_assert_eq!(loaded.entries(), &ledger.entries()[..loaded.entries().len()]);
        prop_assert_eq!(loaded.entries().len(), file.iter().filter(|byte| **byte == b'\n').count());
    }
}
