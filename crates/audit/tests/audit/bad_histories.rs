//! Each checker is shown to go red: a run that keeps every promise, spoiled in one way, must be found out, by the promise
//! that was broken, in a sentence that names what it happened to.

use crate::honest::{Run, geral, mailbox, publish};
use papo_audit::{
    Conclusion, Event, HistoryDump, Promise, Record, Report, Request, StateDigest, Topic, Verdict, What,
};

/// A run with a bit of everything: `r6` to `r9`, all acknowledged and shown.
fn talk() -> Run {
    let mut run = Run::begin();
    run.say("ana");
    run.say("bia");
    run.whisper("ana", "caio");
    run.say("ana");
    run.read_page("ana", 50);
    run.catch_up();
    run
}

#[track_caller]
fn assert_broken(report: &Report, promise: Promise, fragments: &[&str]) {
    let sentences: Vec<&str> = report.of(promise).map(|violation| violation.sentence.as_str()).collect();
    let told = sentences.iter().any(|sentence| fragments.iter().all(|part| sentence.contains(part)));
    assert!(told, "no sentence of {promise} has all of {fragments:?}:\n{report}");
    assert_eq!(report.conclusion, Conclusion::Fail);
}

#[track_caller]
fn assert_only_broken(report: &Report, promise: Promise, fragments: &[&str]) {
    assert_broken(report, promise, fragments);
    assert_eq!(report.of(promise).count(), report.violations.len(), "{report}");
}

fn record<'a>(run: &'a mut Run, servidor: usize, id: &str) -> &'a mut Record {
    let records = &mut run.histories[servidor].records;
    records.iter_mut().find(|record| record.request_id.as_deref() == Some(id)).expect("the record is there")
}

fn remove_everywhere(run: &mut Run, id: &str) {
    for history in &mut run.histories {
        history.records.retain(|record| record.request_id.as_deref() != Some(id));
    }
}

#[test]
fn a_run_that_keeps_every_promise_passes() {
    let report = talk().audit();
    assert_eq!(report.conclusion, Conclusion::Pass, "{report}");
    assert_eq!(report.counts.get(&Verdict::Kept), Some(&4));
}

// P1

#[test]
fn an_acknowledged_message_that_is_gone_everywhere_is_lost() {
    let mut run = talk();
    remove_everywhere(&mut run, "r6");
    let report = run.audit();
    assert_broken(&report, Promise::Durable, &["r6", "acknowledged at index", "missing", "servidor-2"]);
    assert_eq!(report.verdicts["r6"], Verdict::Lost);
}

#[test]
fn an_acknowledged_message_that_one_servidor_lacks_is_lost() {
    let mut run = talk();
    run.histories[1].records.retain(|record| record.request_id.as_deref() != Some("r6"));
    assert_broken(&run.audit(), Promise::Durable, &["r6", "missing from the history of servidor-2"]);
}

#[test]
fn an_acknowledged_name_that_is_gone_is_missed_too() {
    let mut run = talk();
    for history in &mut run.histories {
        history.records.retain(|record| record.what != What::Channel { channel: "geral".into() });
    }
    assert_broken(&run.audit(), Promise::Durable, &["channel geral", "missing"]);
}

#[test]
fn a_message_that_says_something_else_afterwards_is_altered() {
    let mut run = talk();
    for servidor in 0..3 {
        record(&mut run, servidor, "r6").what =
            What::Publish { user: "ana".into(), channel: "geral".into(), message: "forged".into() };
    }
    let report = run.audit();
    assert_broken(&report, Promise::Durable, &["r6", "forged"]);
    assert_eq!(report.verdicts["r6"], Verdict::Altered);
}

#[test]
fn what_was_shown_and_is_gone_is_missed_though_it_was_never_acknowledged() {
    let mut run = talk();
    let index = run.last() - 1;
    run.show("bia", geral(), index, "from-elsewhere");
    remove_everywhere(&mut run, "r8");
    assert_broken(&run.audit(), Promise::Durable, &["bia was shown message from-elsewhere"]);
}

// P2

#[test]
fn a_request_that_took_effect_twice_is_duplicated() {
    let mut run = talk();
    run.order("r6", &publish("ana", "message 6"));
    let report = run.audit();
    assert_broken(&report, Promise::Once, &["r6 took effect twice", "servidor-1"]);
    assert_eq!(report.verdicts["r6"], Verdict::Duplicated);
}

#[test]
fn a_retry_that_lost_its_id_on_the_way_is_still_a_duplicate() {
    let mut run = talk();
    run.order("an id the broker made up", &publish("ana", "message 6"));
    assert_broken(&run.audit(), Promise::Once, &["r6 took effect twice"]);
}

#[test]
fn the_same_words_said_under_two_ids_are_two_messages() {
    let mut run = talk();
    run.write("ana", &publish("ana", "again"));
    run.write("ana", &publish("ana", "again"));
    let report = run.audit();
    assert_eq!(report.conclusion, Conclusion::Pass, "{report}");
}

#[test]
fn two_different_answers_to_one_id_are_found() {
    let mut run = talk();
    run.note("ana", Event::Refused { request_id: "r6".into(), reason: "Canal não existe.".into() });
    assert_only_broken(&run.audit(), Promise::Once, &["r6", "both acknowledged", "Canal não existe."]);
}

#[test]
fn a_request_that_was_turned_away_and_then_retried_successfully_is_fine() {
    let mut run = talk();
    let request = publish("bia", "at last");
    run.attempt("bia", "late", &request);
    run.note("bia", Event::TurnedAway { request_id: "late".into(), reason: "sem maioria".into() });
    run.attempt("bia", "late", &request);
    let index = run.order("late", &request);
    run.note("bia", Event::Acknowledged { request_id: "late".into(), index });
    let report = run.audit();
    assert_eq!(report.conclusion, Conclusion::Pass, "{report}");
}

// P3

#[test]
fn servidores_that_tell_one_index_differently_have_diverged() {
    let mut run = talk();
    record(&mut run, 2, "r7").clock += 1;
    let index = record(&mut run, 2, "r7").index;
    let fragments = [&format!("at index {index} servidor-1 tells"), "servidor-3 tells", "clock"];
    assert_only_broken(&run.audit(), Promise::Convergence, &fragments.map(|part: &str| part));
}

#[test]
fn a_key_that_the_checker_does_not_know_is_compared_as_well() {
    let mut run = talk();
    record(&mut run, 0, "r7").rest.insert("previous".into(), 3.into());
    assert_only_broken(&run.audit(), Promise::Convergence, &["previous", "servidor-2"]);
}

#[test]
fn a_servidor_that_is_only_behind_has_not_diverged_but_leaves_a_doubt() {
    let mut run = talk();
    let last = run.histories[1].records.pop().expect("there are records");
    run.histories[1].upto = last.index - 1;
    let report = run.audit();
    assert_eq!(report.conclusion, Conclusion::Unknown, "{report}");
    assert!(report.doubts[0].contains("servidor-2"), "{report}");
}

#[test]
fn states_that_differ_at_one_index_have_diverged_even_if_the_histories_agree() {
    let mut run = talk();
    let told = |servidor: &str, applied, digest: &str| StateDigest {
        servidor: servidor.into(),
        applied,
        digest: digest.into(),
    };
    run.digests =
        vec![told("servidor-1", 9, "aa"), told("servidor-2", 9, "aa"), told("servidor-3", 10, "bb")];
    assert_eq!(run.audit().conclusion, Conclusion::Pass);
    run.digests.push(told("servidor-2", 10, "aa"));
    let fragments = ["at index 10", "servidor-3 has the digest bb", "servidor-2 has aa"];
    assert_only_broken(&run.audit(), Promise::Convergence, &fragments);
}

// P4

#[test]
fn a_lamport_clock_that_does_not_grow_is_found() {
    let mut run = talk();
    for servidor in 0..3 {
        let before = record(&mut run, servidor, "r6").clock;
        record(&mut run, servidor, "r7").clock = before;
    }
    let report = run.audit();
    assert_only_broken(&report, Promise::Order, &["the clock does not grow", "message 6", "message 7"]);
    assert_eq!(report.verdicts["r7"], Verdict::OutOfOrder);
}

#[test]
fn time_that_runs_backwards_is_found() {
    let mut run = talk();
    for servidor in 0..3 {
        record(&mut run, servidor, "r7").timestamp = "2025-11-03T20:59:59Z".into();
    }
    assert_only_broken(&run.audit(), Promise::Order, &["time runs backwards", "message 7"]);
}

#[test]
fn a_time_that_cannot_be_read_is_found() {
    let mut run = talk();
    for servidor in 0..3 {
        record(&mut run, servidor, "r7").timestamp = "yesterday".into();
    }
    assert_only_broken(&run.audit(), Promise::Order, &["no readable time", "yesterday"]);
}

#[test]
fn records_told_in_another_order_than_their_indices_are_found() {
    let mut run = talk();
    for history in &mut run.histories {
        let last = history.records.len() - 1;
        history.records.swap(last, last - 1);
    }
    assert_broken(&run.audit(), Promise::Order, &["stands after"]);
}

#[test]
fn a_message_that_stands_before_what_its_author_already_knew_is_out_of_order() {
    let mut run = talk();
    // The observer knew the log up to its end when bia sent this, and yet it stands before the last message.
    run.attempt("bia", "late", &publish("bia", "too early"));
    for servidor in 0..3 {
        let early = record(&mut run, servidor, "r9");
        early.request_id = Some("late".into());
        early.what =
            What::Publish { user: "bia".into(), channel: "geral".into(), message: "too early".into() };
    }
    let report = run.audit();
    assert_broken(&report, Promise::Order, &["request late was first sent when its observer already knew"]);
    assert_eq!(report.verdicts["late"], Verdict::OutOfOrder);
}

#[test]
fn a_reply_that_stands_before_what_it_replies_to_is_out_of_order() {
    let mut run = talk();
    let question = publish("ana", "who is there?");
    let answer = publish("bia", "I am");
    run.attempt("ana", "question", &question);
    run.note(
        "bia",
        Event::Attempted {
            request_id: "answer".into(),
            request: answer.clone(),
            replies_to: Some("question".into()),
        },
    );
    run.order("answer", &answer);
    run.order("question", &question);
    let report = run.audit();
    assert_only_broken(&report, Promise::Order, &["I am", "replies to request question", "comes after it"]);
}

#[test]
fn a_reply_to_something_that_is_not_there_is_found() {
    let mut run = talk();
    run.attempt("ana", "question", &publish("ana", "who is there?"));
    let answer = publish("bia", "I am");
    run.note(
        "bia",
        Event::Attempted {
            request_id: "answer".into(),
            request: answer.clone(),
            replies_to: Some("question".into()),
        },
    );
    run.order("answer", &answer);
    assert_only_broken(&run.audit(), Promise::Order, &["replies to request question", "is missing"]);
}

#[test]
fn a_page_that_lacked_a_message_in_its_middle_is_found() {
    let mut run = talk();
    let middle = record(&mut run, 0, "r7").index;
    run.rewrite(|mut entry| {
        if let Event::Page { messages, .. } = &mut entry.event {
            messages.retain(|index| *index != middle);
        }
        Some(entry)
    });
    assert_only_broken(&run.audit(), Promise::Order, &["ana read a page", "lacked", "message 7"]);
}

#[test]
fn a_newest_page_that_lacked_the_newest_message_is_found() {
    let mut run = talk();
    run.say("caio");
    run.read_page("bia", 50);
    let newest = run.last();
    run.rewrite(|mut entry| {
        if let Event::Page { messages, .. } = &mut entry.event {
            messages.retain(|index| *index != newest);
        }
        Some(entry)
    });
    assert_only_broken(&run.audit(), Promise::Order, &["bia read a page", "lacked"]);
}

#[test]
fn a_page_that_held_what_is_no_longer_told_is_found() {
    let mut run = talk();
    remove_everywhere(&mut run, "r7");
    assert_broken(&run.audit(), Promise::Order, &["ana read a page", "does not tell"]);
}

#[test]
fn a_page_in_another_order_is_found() {
    let mut run = talk();
    run.rewrite(|mut entry| {
        if let Event::Page { messages, .. } = &mut entry.event {
            messages.reverse();
        }
        Some(entry)
    });
    assert_only_broken(&run.audit(), Promise::Order, &["ana read a page", "before index"]);
}

// P5

#[test]
fn a_read_that_reflects_less_than_was_known_is_backwards() {
    let mut run = talk();
    let (asked, index) = (run.now() + 1, run.last() - 1);
    run.note("caio", Event::Read { asked, seen: 0, index });
    run.note("bia", Event::Read { asked, seen: 0, index });
    // caio was last shown something before that index, so only bia reads backwards.
    assert_only_broken(&run.audit(), Promise::Session, &["bia read backwards"]);
}

#[test]
fn a_read_that_reflects_less_than_it_asked_for_is_found() {
    let mut run = talk();
    let asked = run.now();
    run.note("stranger", Event::Read { asked, seen: 7, index: 6 });
    assert_only_broken(&run.audit(), Promise::Session, &["stranger", "seen 7", "only 6"]);
}

#[test]
fn an_answer_that_overtakes_another_is_not_backwards() {
    let mut run = talk();
    let asked = 1;
    run.note("ana", Event::Read { asked, seen: 0, index: 1 });
    let report = run.audit();
    assert_eq!(report.conclusion, Conclusion::Pass, "{report}");
}

#[test]
fn a_page_without_the_readers_own_message_is_found() {
    let mut run = talk();
    let own = record(&mut run, 0, "r9").index;
    run.rewrite(|mut entry| {
        if let Event::Page { messages, .. } = &mut entry.event {
            messages.retain(|index| *index != own);
        }
        Some(entry)
    });
    assert_broken(&run.audit(), Promise::Session, &["ana does not find its own", "r9"]);
}

// P6

#[test]
fn two_winners_of_one_name_are_found_even_in_another_case() {
    let mut run = talk();
    run.attempt("other", "mine", &Request::Login { user: "ANA".into(), again: false });
    run.note("other", Event::Acknowledged { request_id: "mine".into(), index: run.last() });
    let report = run.audit();
    assert_broken(&report, Promise::Names, &["user name \"ana\"", "request mine of other"]);
}

#[test]
fn logging_in_again_with_a_session_is_no_second_winner() {
    let mut run = talk();
    run.attempt("ana", "back", &Request::Login { user: "ana".into(), again: true });
    run.note("ana", Event::Acknowledged { request_id: "back".into(), index: run.last() });
    let report = run.audit();
    assert_eq!(report.conclusion, Conclusion::Pass, "{report}");
}

#[test]
fn a_history_with_one_channel_twice_is_found() {
    let mut run = talk();
    run.order("theirs", &Request::Channel { channel: "Geral".into() });
    assert_only_broken(&run.audit(), Promise::Names, &["one name twice", "channel geral", "channel Geral"]);
}

// P8

#[test]
fn a_message_that_a_follower_never_saw_is_found() {
    let mut run = talk();
    let index = record(&mut run, 0, "r7").index;
    run.rewrite(|entry| {
        let unseen =
            matches!(&entry.event, Event::Shown { index: i, .. } if *i == index && entry.client == "caio");
        (!unseen).then_some(entry)
    });
    assert_only_broken(
        &run.audit(),
        Promise::Delivery,
        &["caio, following channel geral", "never shown", "message 7"],
    );
}

#[test]
fn a_private_message_that_never_came_is_found() {
    let mut run = talk();
    run.rewrite(|entry| {
        let unseen = matches!(&entry.event, Event::Shown { topic, .. } if *topic == mailbox("caio"));
        (!unseen).then_some(entry)
    });
    assert_only_broken(&run.audit(), Promise::Delivery, &["caio, following the mailbox of caio", "secret"]);
}

#[test]
fn what_one_user_says_to_another_can_be_followed_and_read_apart_from_their_mailboxes() {
    let mut run = talk();
    let from_ana = Topic::Private("ana".into(), "bia".into());
    run.note("bia", Event::Follows { topic: from_ana.clone(), after: 0 });
    run.whisper("ana", "bia");
    let (unseen, _) = run
        .write("ana", &Request::Message { src: "ana".into(), dst: "bia".into(), message: "unseen".into() });
    run.catch_up();
    run.rewrite(|mut entry| {
        if let Event::Shown { topic, .. } = &mut entry.event
            && *topic == mailbox("bia")
        {
            *topic = from_ana.clone();
        }
        let follows_mailbox =
            matches!(&entry.event, Event::Follows { topic, .. } if *topic == mailbox("bia"));
        (!follows_mailbox).then_some(entry)
    });
    let topics = vec![geral(), Topic::Conversation("bia".into(), "ana".into())];
    let whole = run.histories[0].clone();
    let mut part = HistoryDump::of_topics("pages", topics, 0);
    part.upto = whole.upto;
    part.records =
        whole.records.into_iter().filter(|record| !matches!(record.what, What::User { .. })).collect();
    run.histories = vec![part];
    let report = run.audit();
    assert_only_broken(
        &report,
        Promise::Delivery,
        &["bia, following what ana says to bia", "never shown", "unseen"],
    );
    assert_eq!(report.verdicts[&unseen], Verdict::Kept, "it is kept all the same");
}

#[test]
fn what_was_said_after_leaving_is_not_owed() {
    let mut run = talk();
    run.note("caio", Event::Unfollows { topic: geral(), upto: run.last() });
    let (id, index) = run.write("ana", &publish("ana", "without caio"));
    run.show("ana", geral(), index, &id);
    run.show("bia", geral(), index, &id);
    run.catch_up();
    let report = run.audit();
    assert_eq!(report.conclusion, Conclusion::Pass, "{report}");
}

#[test]
fn what_a_follower_had_no_time_yet_to_see_is_not_owed() {
    let mut run = talk();
    run.write("ana", &publish("ana", "just now"));
    let report = run.audit();
    assert_eq!(report.conclusion, Conclusion::Pass, "{report}");
}

#[test]
fn a_message_shown_twice_is_found() {
    let mut run = talk();
    let index = record(&mut run, 0, "r6").index;
    run.show("bia", geral(), index, "r6");
    let report = run.audit();
    assert_only_broken(&report, Promise::Delivery, &["bia", "twice"]);
    assert_eq!(report.verdicts["r6"], Verdict::Duplicated);
}

#[test]
fn messages_shown_out_of_order_are_found() {
    let mut run = talk();
    let (first, first_index) = run.write("ana", &publish("ana", "first"));
    let (second, second_index) = run.write("ana", &publish("ana", "second"));
    run.show("bia", geral(), second_index, &second);
    run.show("bia", geral(), first_index, &first);
    let report = run.audit();
    assert_only_broken(&report, Promise::Delivery, &["bia", "after index"]);
    assert_eq!(report.verdicts[&first], Verdict::OutOfOrder);
}

#[test]
fn a_private_message_shown_to_a_stranger_is_found() {
    let mut run = talk();
    let index = record(&mut run, 0, "r8").index;
    run.show("bia", geral(), run.last() + 1, "future");
    run.show("bia", mailbox("bia"), index, "r8");
    assert_only_broken(&run.audit(), Promise::Delivery, &["bia", "does not belong there", "secret"]);
}

// P10

#[test]
fn a_refused_message_that_is_there_is_found() {
    let mut run = talk();
    let request = publish("bia", "not allowed");
    run.attempt("bia", "refused", &request);
    run.note("bia", Event::Refused { request_id: "refused".into(), reason: "Canal não existe.".into() });
    run.order("refused", &request);
    let report = run.audit();
    assert_only_broken(&report, Promise::Refusal, &["request refused was refused", "not allowed"]);
    assert_eq!(report.verdicts["refused"], Verdict::RefusedPresent);
}

#[test]
fn a_message_turned_away_as_never_ordered_that_is_there_is_found() {
    let mut run = talk();
    let request = publish("bia", "no majority");
    run.attempt("bia", "turned", &request);
    run.note("bia", Event::TurnedAway { request_id: "turned".into(), reason: "sem maioria".into() });
    run.order("turned", &request);
    assert_only_broken(&run.audit(), Promise::Refusal, &["turned away", "no majority"]);
}

#[test]
fn one_attempt_with_an_unknown_end_excuses_the_others() {
    let mut run = talk();
    let request = publish("bia", "perhaps");
    run.attempt("bia", "perhaps", &request);
    run.note("bia", Event::Unknown { request_id: "perhaps".into(), reason: "no answer".into() });
    run.attempt("bia", "perhaps", &request);
    run.note("bia", Event::TurnedAway { request_id: "perhaps".into(), reason: "sem maioria".into() });
    run.order("perhaps", &request);
    let report = run.audit();
    assert_eq!(report.conclusion, Conclusion::Pass, "{report}");
    assert_eq!(report.verdicts["perhaps"], Verdict::UnacknowledgedPresent);
}

#[test]
fn a_name_refused_because_somebody_else_has_it_is_no_broken_promise() {
    let mut run = talk();
    run.attempt("other", "mine", &Request::Login { user: "ana".into(), again: false });
    run.note("other", Event::Refused { request_id: "mine".into(), reason: "Usuário já existe".into() });
    for history in &mut run.histories {
        for record in &mut history.records {
            if matches!(record.what, What::User { .. }) {
                record.request_id = None;
            }
        }
    }
    let report = run.audit();
    assert_eq!(report.conclusion, Conclusion::Pass, "{report}");
}

// Evidence that does not suffice

#[test]
fn nothing_acknowledged_proves_nothing() {
    let mut run = talk();
    run.rewrite(|entry| (!matches!(entry.event, Event::Acknowledged { .. })).then_some(entry));
    let report = run.audit();
    assert_eq!(report.conclusion, Conclusion::Unknown, "{report}");
    assert!(report.doubts[0].contains("nothing was acknowledged"), "{report}");
}

#[test]
fn no_history_proves_nothing() {
    let mut run = talk();
    run.histories.clear();
    let report = run.audit();
    assert_eq!(report.conclusion, Conclusion::Unknown, "{report}");
    assert_eq!(report.verdicts["r6"], Verdict::Unchecked);
}
