//! What the dispatcher does in each situation, told as short plays.

mod stage;

use std::time::Duration;

use papo_broker::dispatcher::{Dropped, Policy, RateLimit, Refusal, Retry, Unsent};
use papo_core::clock::{Lamport, WallTime};
use papo_wire::Service;
use papo_wire::envelope::{Ordered, State};
use papo_wire::reply::{Failure, Reason, Reply};
use stage::{Sent, Stage, publish, users};

fn servidores(sent: &[Sent]) -> Vec<&str> {
    sent.iter().map(|sent| sent.to.as_str()).collect()
}

#[test]
fn requests_go_to_the_servidores_in_turn_and_answers_to_who_asked() {
    let mut stage = Stage::with(&["um", "dois", "tres"]);
    for client in ["ana", "bia", "caio", "davi"] {
        stage.ask(client, &publish(client));
    }
    let sent = stage.sent();
    assert_eq!(servidores(&sent), ["um", "dois", "tres", "um"]);
    for request in sent.iter().rev() {
        stage.answer(request, 5, &request.payload);
    }
    let got = stage.got();
    let clients: Vec<_> = got.iter().map(|got| got.client.as_str()).collect();
    assert_eq!(clients, ["davi", "caio", "bia", "ana"]);
    for answer in got {
        assert_eq!(answer.payload, publish(&answer.client));
    }
}

#[test]
fn every_beacon_is_welcomed_so_that_the_servidor_knows_the_link_to_be_alive() {
    let mut stage = Stage::new(Policy::default());
    stage.beacon("um", State::Serving, 9);
    stage.beacon("dois", State::Withdrawn, 4);
    assert_eq!(stage.welcomes(), [("um".to_owned(), 9), ("dois".to_owned(), 4)]);
}

#[test]
fn a_request_whose_servidor_falls_silent_goes_to_another_with_the_same_id_and_payload() {
    let mut stage = Stage::with(&["um", "dois"]);
    stage.ask("ana", &publish("oi"));
    let first = stage.only_sent();
    stage.mute("um");
    stage.pass(399);
    assert_eq!(stage.sent(), []);
    stage.pass(1);
    let second = stage.only_sent();
    assert_eq!((second.to.as_str(), second.at), ("dois", 400));
    assert_eq!(second.payload, first.payload);
    let id = |sent: &Sent| (sent.dispatch.incarnation, sent.dispatch.counter);
    assert_eq!(id(&second), id(&first));
    assert_ne!(second.ticket(), first.ticket());
    assert_eq!((first.dispatch.deadline_ms, second.dispatch.deadline_ms), (5000, 4600));
    stage.answer(&second, 1, b"ok");
    assert_eq!(stage.only_got().payload, b"ok");
    assert_eq!(stage.dispatcher.counters().retried(Retry::Silent), 1);
}

#[test]
fn nothing_is_sent_to_a_servidor_that_is_silent() {
    let mut stage = Stage::with(&["um", "dois"]);
    stage.mute("um");
    stage.pass(400);
    for _ in 0..4 {
        stage.ask("ana", &publish("oi"));
    }
    assert_eq!(servidores(&stage.sent()), ["dois"; 4]);
    stage.play("um", State::Serving);
    stage.ask("ana", &publish("oi"));
    assert_eq!(servidores(&stage.sent()), ["um"], "it is back, and has less to do");
}

#[test]
fn a_servidor_that_returns_may_still_answer_what_was_given_to_another() {
    let mut stage = Stage::with(&["um", "dois"]);
    stage.ask("ana", &publish("oi"));
    let first = stage.only_sent();
    stage.mute("um");
    stage.pass(400);
    let second = stage.only_sent();
    stage.answer(&first, 1, b"from the first");
    assert_eq!(stage.only_got().payload, b"from the first");
    stage.answer(&second, 1, b"from the second");
    assert_eq!(stage.got(), []);
    assert_eq!(stage.dispatcher.counters().dropped(Dropped::Late), 1);
}

#[test]
fn a_servidor_that_withdraws_loses_its_requests_at_once() {
    let mut stage = Stage::with(&["um", "dois"]);
    stage.ask("ana", &publish("oi"));
    stage.sent();
    stage.play("um", State::Withdrawn);
    let moved = stage.only_sent();
    assert_eq!((moved.to.as_str(), moved.at), ("dois", 0));
    assert_eq!(stage.dispatcher.counters().retried(Retry::Withdrawn), 1);
}

#[test]
fn a_servidor_that_was_started_anew_on_the_same_link_has_lost_its_requests() {
    let mut stage = Stage::with(&["um"]);
    stage.ask("ana", &publish("oi"));
    let first = stage.only_sent();
    stage.beacon("um", State::Serving, 2);
    let second = stage.only_sent();
    assert_eq!(second.dispatch.counter, first.dispatch.counter);
}

#[test]
fn a_draining_servidor_gets_nothing_new_and_is_awaited() {
    let mut stage = Stage::with(&["um", "dois"]);
    stage.ask("ana", &publish("oi"));
    let first = stage.only_sent();
    stage.play("um", State::Draining);
    stage.pass(800);
    assert_eq!(stage.sent(), []);
    for _ in 0..3 {
        stage.ask("bia", &publish("oi"));
    }
    assert_eq!(servidores(&stage.sent()), ["dois"; 3]);
    stage.answer(&first, 1, b"ok");
    assert_eq!(stage.only_got().client, "ana");
}

#[test]
fn a_request_that_is_given_back_goes_to_another_at_once() {
    let mut stage = Stage::with(&["um", "dois"]);
    stage.ask("ana", &publish("oi"));
    let first = stage.only_sent();
    stage.elsewhere(&first, Ordered::No);
    let second = stage.only_sent();
    assert_eq!((second.to.as_str(), second.at), ("dois", 0));
}

#[test]
fn a_request_that_all_give_back_is_tried_again_with_growing_pauses() {
    let mut stage = Stage::with(&["um", "dois"]);
    stage.ask("ana", &publish("oi"));
    let mut times = Vec::new();
    for _ in 0..6 {
        for _ in 0..2 {
            let sent = stage.only_sent();
            times.push(sent.at);
            stage.elsewhere(&sent, Ordered::No);
        }
        assert_eq!(stage.sent(), []);
        let before = stage.now;
        while stage.now < before + 400 {
            stage.pass(50);
            if stage.dispatcher.gauges().in_flight > 0 {
                break;
            }
        }
    }
    assert_eq!(times, [0, 0, 50, 50, 150, 150, 350, 350, 750, 750, 1150, 1150]);
}

#[test]
fn a_request_that_takes_long_is_given_to_another_too_and_the_first_answer_wins() {
    let mut stage = Stage::with(&["um", "dois"]);
    stage.ask("ana", &publish("oi"));
    let first = stage.only_sent();
    stage.pass(999);
    assert_eq!(stage.sent(), []);
    stage.pass(1);
    let second = stage.only_sent();
    assert_eq!((second.to.as_str(), second.dispatch.counter), ("dois", first.dispatch.counter));
    assert_eq!(stage.dispatcher.counters().retried(Retry::Slow), 1);
    stage.answer(&second, 1, b"second");
    stage.answer(&first, 1, b"first");
    assert_eq!(stage.only_got().payload, b"second");
    assert_eq!(stage.dispatcher.gauges().in_flight, 0);
}

#[test]
fn a_slow_request_with_nobody_else_to_ask_waits_for_somebody() {
    let mut stage = Stage::with(&["um"]);
    stage.ask("ana", &publish("oi"));
    stage.pass(1500);
    assert_eq!(stage.sent().len(), 1);
    stage.play("dois", State::Serving);
    stage.pass(600);
    assert_eq!(stage.only_sent().to, "dois");
}

#[test]
fn a_servidor_that_alone_answers_nothing_does_not_collect_everybodys_requests() {
    let mut stage = Stage::with(&["um", "dois", "tres"]);
    for _ in 0..600 {
        stage.ask("ana", &publish("oi"));
        for sent in stage.sent().into_iter().filter(|sent| sent.to != "um") {
            stage.answer(&sent, 1, b"ok");
        }
    }
    let stuck = stage.dispatcher.gauges().in_flight;
    assert!(stuck < 20, "{stuck} requests wait for the one that does not answer");
}

#[test]
fn without_servidores_requests_wait_and_are_served_in_the_order_of_their_arrival() {
    let mut stage = Stage::new(Policy::default());
    for client in ["ana", "bia", "caio"] {
        stage.ask(client, &publish(client));
        stage.pass(10);
    }
    assert_eq!(stage.sent(), []);
    stage.pass(3000);
    stage.play("um", State::Serving);
    let payloads: Vec<_> = stage.sent().into_iter().map(|sent| sent.payload).collect();
    assert_eq!(payloads, [publish("ana"), publish("bia"), publish("caio")]);
    assert_eq!(stage.dispatcher.gauges().waiting, 0);
}

#[test]
fn without_servidores_a_client_is_told_so_at_the_deadline_and_that_nothing_happened() {
    let mut stage = Stage::new(Policy::default());
    stage.ask("ana", &publish("oi"));
    stage.ask("bia", &users());
    stage.pass(4999);
    assert_eq!(stage.got(), []);
    stage.pass(1);
    let got = stage.got();
    let [ana, bia] = &got[..] else { panic!("two answers: {got:?}") };
    assert_eq!(ana.failure().service, Some(Service::Publish));
    assert_eq!(ana.failure().reason, Reason::NotOrdered);
    assert_eq!(ana.failure().description, "Serviço indisponível, tente de novo.");
    assert_eq!(bia.failure().service, Some(Service::Users));
    assert_eq!(bia.failure().reason, Reason::Unavailable);
    assert_eq!(stage.dispatcher.counters().refused(Refusal::Unavailable), 2);
    assert!(stage.dispatcher.is_idle());
}

#[test]
fn a_write_that_a_servidor_may_have_handed_on_ends_in_doubt_and_a_read_never_does() {
    let mut stage = Stage::with(&["um"]);
    stage.ask("ana", &publish("oi"));
    stage.ask("bia", &users());
    stage.mute("um");
    stage.pass(5000);
    let got = stage.got();
    assert_eq!(got[0].failure().reason, Reason::Unknown);
    assert_eq!(got[1].failure().reason, Reason::Unavailable);
    assert_eq!((got[0].at, got[1].at), (5000, 5000));
}

#[test]
fn only_a_certain_no_of_every_servidor_takes_the_doubt_away() {
    for (ordered, reason) in [(Ordered::No, Reason::NotOrdered), (Ordered::Unknown, Reason::Unknown)] {
        let mut stage = Stage::with(&["um", "dois"]);
        stage.ask("ana", &publish("oi"));
        let first = stage.only_sent();
        stage.elsewhere(&first, ordered);
        let second = stage.only_sent();
        stage.elsewhere(&second, Ordered::No);
        stage.mute("um");
        stage.mute("dois");
        stage.play("um", State::Withdrawn);
        stage.play("dois", State::Withdrawn);
        stage.pass(5000);
        assert_eq!(stage.only_got().failure().reason, reason);
    }
}

#[test]
fn whoever_turns_a_write_away_does_not_speak_for_another_that_may_have_handed_it_on() {
    for reason in [Reason::RateLimited, Reason::NotOrdered, Reason::Ahead] {
        let mut stage = Stage::with(&["um", "dois"]);
        stage.ask("ana", &publish("oi"));
        let first = stage.only_sent();
        let other = if first.to == "um" { "dois" } else { "um" };
        stage.mute(&first.to);
        stage.pass(400);
        let second = stage.only_sent();
        assert_eq!(second.to, other);
        stage.answer(&second, 0, &turned_away(reason));
        stage.mute(other);
        stage.pass(4600);
        assert_eq!(stage.only_got().failure().reason, Reason::Unknown, "{reason:?} of {other}");
    }
}

#[test]
fn a_no_that_comes_after_the_servidor_withdrew_still_counts() {
    let mut stage = Stage::with(&["um"]);
    stage.ask("ana", &publish("oi"));
    let first = stage.only_sent();
    stage.play("um", State::Withdrawn);
    stage.elsewhere(&first, Ordered::No);
    stage.pass(5000);
    assert_eq!(stage.only_got().failure().reason, Reason::NotOrdered);
}

#[test]
fn more_than_may_wait_is_refused_at_once() {
    let mut stage = Stage::new(Policy { most_waiting: 2, ..Policy::default() });
    for client in ["ana", "bia", "caio"] {
        stage.ask(client, &publish("oi"));
    }
    let got = stage.only_got();
    assert_eq!((got.client.as_str(), got.at), ("caio", 0));
    assert_eq!(got.failure().description, "Servidor sobrecarregado, tente de novo.");
    assert_eq!(got.failure().reason, Reason::NotOrdered);
    assert_eq!(stage.dispatcher.counters().refused(Refusal::Overloaded), 1);
}

#[test]
fn more_than_may_be_held_in_memory_is_refused_at_once() {
    let mut stage = Stage::new(Policy { most_bytes: 100_000, ..Policy::default() });
    for client in ["ana", "bia"] {
        stage.ask(client, &vec![0; 60_000]);
    }
    assert_eq!(stage.only_got().client, "bia");
    stage.pass(5000);
    assert_eq!(stage.dispatcher.gauges().bytes, 0, "what is answered is not held any more");
}

#[test]
fn what_a_servidor_has_no_room_for_waits_until_it_answers() {
    let mut stage = Stage::new(Policy { most_in_flight: 2, ..Policy::default() });
    stage.play("um", State::Serving);
    for client in ["ana", "bia", "caio"] {
        stage.ask(client, &publish(client));
    }
    let sent = stage.sent();
    assert_eq!(sent.len(), 2);
    stage.answer(&sent[1], 1, b"ok");
    assert_eq!(stage.only_sent().payload, publish("caio"));
}

#[test]
fn too_many_bytes_are_refused_and_the_limit_itself_is_not() {
    let mut stage = Stage::with(&["um"]);
    stage.ask("ana", &vec![b'x'; 64 * 1024]);
    assert_eq!(stage.sent().len(), 1);
    stage.ask("ana", &vec![b'x'; 64 * 1024 + 1]);
    assert_eq!(stage.sent(), []);
    assert_eq!(stage.only_got().failure().description, "Mensagem grande demais.");
    assert_eq!(stage.dispatcher.counters().refused(Refusal::TooLarge), 1);
}

#[test]
fn wrong_frames_are_told_to_whoever_can_be_told() {
    let mut stage = Stage::with(&["um"]);
    stage.client(&[b"ana", b""]);
    stage.client(&[b"ana", b"", b"one", b"two"]);
    for got in stage.got() {
        assert_eq!((got.client.as_str(), got.failure().reason), ("ana", Reason::BadRequest));
    }
    stage.client(&[]);
    stage.client(&[b"", b"", b"payload"]);
    assert_eq!(stage.got(), []);
    assert_eq!(stage.sent(), []);
    assert_eq!(stage.dispatcher.counters().refused(Refusal::Malformed), 2);
    assert_eq!(stage.dispatcher.counters().dropped(Dropped::Nameless), 2);
}

#[test]
fn garbage_of_servidores_is_dropped_and_counted() {
    let mut stage = Stage::with(&["um"]);
    let garbage: [&[&[u8]]; 6] =
        [&[], &[b"um"], &[b"um", b""], &[b"um", &[9, 9]], &[b"um", &[1, 2, 3]], &[b"um", &[1, 1], b"", b""]];
    for frames in garbage {
        stage.servidor_frames(frames.iter().map(|frame| frame.to_vec()).collect());
    }
    assert_eq!(stage.dispatcher.counters().dropped(Dropped::BadEnvelope), 6);
    stage.ask("ana", &publish("oi"));
    assert_eq!(stage.only_sent().to, "um");
}

#[test]
fn an_answer_counts_only_from_the_servidor_that_was_asked_and_under_the_ticket_it_was_given() {
    let mut stage = Stage::with(&["um", "dois"]);
    stage.ask("ana", &publish("oi"));
    let sent = stage.only_sent();
    stage.answer_from("dois", sent.ticket(), 1, b"stolen");
    stage.answer_from("stranger", sent.ticket(), 1, b"stolen");
    stage.answer_from("um", sent.ticket() ^ 1 << 60, 1, b"of a broker before");
    stage.answer_from("um", u64::MAX, 1, b"invented");
    assert_eq!(stage.got(), []);
    stage.answer(&sent, 1, b"ok");
    assert_eq!(stage.only_got().payload, b"ok");
}

#[test]
fn a_connection_is_answered_with_no_less_than_it_was_before() {
    let mut stage = Stage::with(&["um"]);
    let seen = |stage: &mut Stage, client: &str, index| {
        stage.ask(client, &publish("oi"));
        let sent = stage.only_sent();
        stage.answer(&sent, index, b"ok");
        sent.dispatch.seen
    };
    assert_eq!(seen(&mut stage, "ana", 7), 0);
    assert_eq!(seen(&mut stage, "ana", 5), 7);
    assert_eq!(seen(&mut stage, "ana", 9), 7);
    assert_eq!(seen(&mut stage, "bia", 1), 0);
    assert_eq!(seen(&mut stage, "ana", 9), 9);
}

#[test]
fn who_asks_too_fast_is_told_so_and_nobody_else_suffers() {
    let mut stage = Stage::new(Policy { rate: RateLimit::new(10, 2), ..Policy::default() });
    stage.play("um", State::Serving);
    for client in ["ana", "ana", "ana", "bia"] {
        stage.ask(client, &publish("oi"));
    }
    assert_eq!(stage.sent().len(), 3);
    let refused = stage.only_got();
    assert_eq!((refused.client.as_str(), refused.failure().reason), ("ana", Reason::RateLimited));
    stage.pass(100);
    stage.ask("ana", &publish("oi"));
    assert_eq!(stage.sent().len(), 1);
}

#[test]
fn a_request_that_could_not_be_sent_goes_to_another_and_leaves_no_doubt() {
    let mut stage = Stage::with(&["um"]);
    stage.broken.insert("um".to_owned(), Unsent::Gone);
    stage.ask("ana", &publish("oi"));
    assert_eq!(stage.sent(), []);
    stage.mute("um");
    stage.pass(5000);
    assert_eq!(stage.only_got().failure().reason, Reason::NotOrdered);
    assert_eq!(stage.dispatcher.counters().retried(Retry::Unsent), 1);
}

#[test]
fn a_closed_connection_is_noticed_with_the_next_request_and_not_only_by_silence() {
    let mut stage = Stage::with(&["um", "dois"]);
    stage.ask("ana", &publish("first"));
    assert_eq!(stage.only_sent().to, "um");
    stage.ask("bia", &publish("second"));
    assert_eq!(stage.only_sent().to, "dois");
    stage.broken.insert("um".to_owned(), Unsent::Gone);
    stage.ask("caio", &publish("third"));
    let sent = stage.sent();
    assert_eq!(servidores(&sent), ["dois", "dois"]);
    let payloads: Vec<_> = sent.iter().map(|sent| sent.payload.clone()).collect();
    assert_eq!(payloads, [publish("first"), publish("third")]);
    assert_eq!(stage.now, 0);
}

#[test]
fn a_servidor_whose_queue_is_full_gets_more_when_it_lives_on() {
    let mut stage = Stage::with(&["um"]);
    stage.broken.insert("um".to_owned(), Unsent::Full);
    stage.ask("ana", &publish("oi"));
    assert_eq!(stage.dispatcher.gauges().waiting, 1);
    stage.broken.clear();
    stage.pass(100);
    assert_eq!(stage.only_sent().to, "um");
}

#[test]
fn a_broker_that_stood_still_does_not_blame_the_servidores() {
    let mut stage = Stage::with(&["um", "dois"]);
    stage.pass(1000);
    stage.ask("ana", &publish("oi"));
    stage.sent();
    stage.stand_still(900);
    stage.tick();
    assert_eq!(stage.sent(), []);
    assert_eq!(stage.dispatcher.gauges().serving, 2);
    stage.pass(50);
    assert_eq!(stage.dispatcher.gauges().serving, 2);
}

#[test]
fn a_broker_that_stood_still_soon_sees_who_really_is_silent() {
    let mut stage = Stage::with(&["um", "dois"]);
    stage.stand_still(900);
    stage.tick();
    stage.mute("um");
    stage.pass(400);
    assert_eq!(stage.dispatcher.gauges().serving, 1);
    assert_eq!(stage.dispatcher.gauges().silent, 1);
}

#[test]
fn a_stopping_broker_refuses_what_is_new_and_answers_what_is_open() {
    let mut stage = Stage::with(&["um"]);
    stage.ask("ana", &publish("open"));
    let open = stage.only_sent();
    stage.dispatcher.stop();
    stage.ask("bia", &publish("new"));
    let refused = stage.only_got();
    assert_eq!((refused.client.as_str(), refused.failure().reason), ("bia", Reason::NotOrdered));
    assert!(!stage.dispatcher.is_idle());
    stage.answer(&open, 1, b"ok");
    assert_eq!(stage.only_got().client, "ana");
    assert!(stage.dispatcher.is_idle());
}

#[test]
fn a_broker_out_of_time_tells_everybody_what_it_knows() {
    let mut stage = Stage::with(&["um"]);
    stage.ask("ana", &publish("sent"));
    stage.mute("um");
    stage.pass(400);
    stage.ask("bia", &publish("waiting"));
    stage.dispatcher.stop();
    stage.dispatcher.give_up(stage.clocks());
    stage.collect();
    let got = stage.got();
    let reasons: Vec<_> = got.iter().map(|got| (got.client.as_str(), got.failure().reason)).collect();
    assert_eq!(reasons, [("ana", Reason::Unknown), ("bia", Reason::NotOrdered)]);
    assert!(stage.dispatcher.is_idle());
}

#[test]
fn a_crowd_of_servidores_is_bounded_and_makes_room_when_some_are_silent() {
    let mut stage = Stage::new(Policy::default());
    for number in 0..70 {
        stage.beacon(&format!("servidor-{number}"), State::Serving, 1);
    }
    assert_eq!(stage.dispatcher.gauges().serving, 64);
    assert_eq!(stage.dispatcher.counters().dropped(Dropped::Crowd), 6);
    stage.pass(500);
    stage.beacon("one more", State::Serving, 1);
    assert_eq!(stage.dispatcher.gauges().serving, 1);
    assert_eq!(stage.dispatcher.gauges().silent, 63);
}

#[test]
fn a_servidor_that_stays_away_is_forgotten() {
    let mut stage = Stage::with(&["um", "dois"]);
    stage.mute("um");
    stage.pass(14_000);
    assert_eq!(stage.dispatcher.gauges().silent, 1);
    stage.pass(2_000);
    assert_eq!(stage.dispatcher.gauges().silent, 0);
}

#[test]
fn an_idle_dispatcher_without_servidores_wants_no_waking() {
    let mut stage = Stage::with(&["um"]);
    assert!(stage.dispatcher.wake_at().is_some());
    stage.mute("um");
    stage.ask("ana", &publish("oi"));
    stage.pass(6000);
    assert_eq!(stage.dispatcher.wake_at(), None);
}

#[test]
fn the_deadline_is_a_setting() {
    let mut stage = Stage::new(Policy { deadline: Duration::from_secs(1), ..Policy::default() });
    stage.ask("ana", &publish("oi"));
    stage.pass(1000);
    assert_eq!(stage.only_got().at, 1000);
}

/// What a servidor answers that has no room, or no majority.
fn turned_away(reason: Reason) -> Vec<u8> {
    let answer = Err(Failure::new(Service::Publish, reason));
    Reply { time: WallTime::EPOCH, clock: Lamport::default(), index: 0, answer }.encode()
}
