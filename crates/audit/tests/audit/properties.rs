//! Whatever an honest chat does, the audit passes; whatever is then spoiled, it fails, for the right reason.

use papo_audit::{Conclusion, Event, ExportPage, Ledger, LoadError, Request};
use proptest::prelude::*;
use proptest::sample::Index;

use crate::corruption::Corruption;
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

proptest! {
    #![proptest_config(papo_fuzz::cases(48))]

    #[test]
    fn an_honest_run_passes(steps in prop::collection::vec(step(), 0..40)) {
        let report = play(&steps).audit();
        prop_assert_eq!(report.conclusion, Conclusion::Pass, "{}", report);
    }

    /// All kinds of corruption, each on a run of its own.
    #[test]
    fn a_run_spoiled_in_any_one_way_fails_for_the_right_reason(
        steps in prop::collection::vec(step(), 0..40),
        place in any::<Index>(),
    ) {
        for corruption in Corruption::ALL {
            let mut run = play(&steps);
            let expected = corruption.spoil(&mut run, &place);
            let report = run.audit();
            prop_assert_eq!(report.conclusion, Conclusion::Fail, "{:?} was not found:\n{}", corruption, report);
            let named = report.of(expected.promise).count();
            prop_assert!(named > 0, "{:?} did not break {}:\n{}", corruption, expected.promise, report);
            if let Some((id, verdict)) = expected.verdict {
                prop_assert_eq!(report.verdicts.get(&id), Some(&verdict), "{:?} of {}:\n{}", corruption, id, report);
            }
        }
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

    /// A file that something happened to is read as far as it makes sense, or the line is named; and what is told of a run never
    /// makes the audit itself fail.
    #[test]
    fn a_spoilt_ledger_is_read_or_its_line_named_and_audited(
        steps in prop::collection::vec(step(), 0..10),
        spoils in papo_fuzz::spoils(),
        bytes: Vec<u8>,
    ) {
        let mut run = play(&steps);
        let mut file = Vec::new();
        run.ledger.save(&mut file).expect("memory takes it");
        let lines = file.iter().filter(|byte| **byte == b'\n').count();
        let _ = Ledger::load(bytes.as_slice());
        let spoilt = papo_fuzz::spoilt(&file, &file, &spoils);
        match Ledger::load(spoilt.as_slice()) {
            Ok(ledger) => {
                run.ledger = ledger;
                let _ = run.audit().to_string();
            }
            Err(LoadError::Line { line, .. }) => prop_assert!(line <= 2 * lines + 4 * 256),
            Err(LoadError::Io(error)) => panic!("{error}"),
        }
    }

    #[test]
    fn a_spoilt_page_of_an_export_is_read_or_refused(
        steps in prop::collection::vec(step(), 0..6),
        spoils in papo_fuzz::spoils(),
        bytes: Vec<u8>,
    ) {
        let records = play(&steps).histories.swap_remove(0).records;
        let page = serde_json::json!({"entries": records, "upto": 7, "more": false});
        let page = rmp_serde::to_vec_named(&page).expect("it is plain data");
        let read: ExportPage = rmp_serde::from_slice(&page).expect("it was just written");
        prop_assert_eq!(read.entries, records);
        let _ = rmp_serde::from_slice::<ExportPage>(&papo_fuzz::spoilt(&page, &page, &spoils));
        let _ = rmp_serde::from_slice::<ExportPage>(&bytes);
    }
}
