//! Everything that can be wrong with the evidence of a run, one kind at a time, and what it is then called.

use papo_audit::{Event, Promise, Record, Request, StateDigest, Verdict, What};
use proptest::sample::Index;

use crate::honest::{PEOPLE, Run, geral, mailbox, publish};

/// One kind.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Corruption {
    LostEverywhere,
    LostOnOne,
    LostThoughShown,
    AlteredEverywhere,
    AlteredOnOne,
    TakesEffectTwice,
    TakesEffectTwiceWithoutItsId,
    AcknowledgedAndRefused,
    RefusedInTwoWays,
    TimeDiffersOnOne,
    UnknownKeyDiffersOnOne,
    OneHasMore,
    OnlyTheOthersDiffer,
    StatesDiffer,
    ClockStands,
    TimeRunsBackwards,
    ToldInAnotherOrder,
    StandsBeforeItsCause,
    StandsBehindItsAnswer,
    ReplyStandsFirst,
    PageLacksItsMiddle,
    PageLacksEverything,
    PageHoldsWhatIsNotThere,
    PageInAnotherOrder,
    PageLacksTheReadersOwn,
    ReadBackwards,
    SeenIgnored,
    NameWonTwice,
    NameToldTwice,
    NeverShown,
    ShownTwice,
    ShownOutOfOrder,
    ShownToAStranger,
    ShownAndNotThere,
    RefusedAndThere,
    TurnedAwayAndThere,
}

/// What is to be found.
#[derive(Debug)]
pub(crate) struct Expected {
    /// A promise that is broken by it; others may be as well.
    pub(crate) promise: Promise,
    /// What it makes of which message.
    pub(crate) verdict: Option<(String, Verdict)>,
}

fn breaks(promise: Promise) -> Expected {
    Expected { promise, verdict: None }
}

fn makes(promise: Promise, id: String, verdict: Verdict) -> Expected {
    Expected { promise, verdict: Some((id, verdict)) }
}

impl Corruption {
    /// All of them.
    pub(crate) const ALL: [Self; 36] = [
        Self::LostEverywhere,
        Self::LostOnOne,
        Self::LostThoughShown,
        Self::AlteredEverywhere,
        Self::AlteredOnOne,
        Self::TakesEffectTwice,
        Self::TakesEffectTwiceWithoutItsId,
        Self::AcknowledgedAndRefused,
        Self::RefusedInTwoWays,
        Self::TimeDiffersOnOne,
        Self::UnknownKeyDiffersOnOne,
        Self::OneHasMore,
        Self::OnlyTheOthersDiffer,
        Self::StatesDiffer,
        Self::ClockStands,
        Self::TimeRunsBackwards,
        Self::ToldInAnotherOrder,
        Self::StandsBeforeItsCause,
        Self::StandsBehindItsAnswer,
        Self::ReplyStandsFirst,
        Self::PageLacksItsMiddle,
        Self::PageLacksEverything,
        Self::PageHoldsWhatIsNotThere,
        Self::PageInAnotherOrder,
        Self::PageLacksTheReadersOwn,
        Self::ReadBackwards,
        Self::SeenIgnored,
        Self::NameWonTwice,
        Self::NameToldTwice,
        Self::NeverShown,
        Self::ShownTwice,
        Self::ShownOutOfOrder,
        Self::ShownToAStranger,
        Self::ShownAndNotThere,
        Self::RefusedAndThere,
        Self::TurnedAwayAndThere,
    ];

    /// Spoils a run in this way, somewhere.
    pub(crate) fn spoil(self, run: &mut Run, place: &Index) -> Expected {
        match self {
            Self::LostEverywhere
            | Self::LostOnOne
            | Self::LostThoughShown
            | Self::AlteredEverywhere
            | Self::AlteredOnOne => self.spoil_content(run, place),
            Self::TakesEffectTwice
            | Self::TakesEffectTwiceWithoutItsId
            | Self::AcknowledgedAndRefused
            | Self::RefusedInTwoWays => self.spoil_answers(run, place),
            Self::TimeDiffersOnOne
            | Self::UnknownKeyDiffersOnOne
            | Self::OneHasMore
            | Self::OnlyTheOthersDiffer
            | Self::StatesDiffer => self.spoil_agreement(run, place),
            Self::ClockStands
            | Self::TimeRunsBackwards
            | Self::ToldInAnotherOrder
            | Self::StandsBeforeItsCause
            | Self::StandsBehindItsAnswer
            | Self::ReplyStandsFirst => self.spoil_order(run, place),
            Self::PageLacksItsMiddle
            | Self::PageLacksEverything
            | Self::PageHoldsWhatIsNotThere
            | Self::PageInAnotherOrder
            | Self::PageLacksTheReadersOwn
            | Self::ReadBackwards
            | Self::SeenIgnored => self.spoil_reads(run, place),
            Self::NameWonTwice | Self::NameToldTwice => self.spoil_names(run, place),
            Self::NeverShown
            | Self::ShownTwice
            | Self::ShownOutOfOrder
            | Self::ShownToAStranger
            | Self::ShownAndNotThere => self.spoil_delivery(run, place),
            Self::RefusedAndThere | Self::TurnedAwayAndThere => self.spoil_refusals(run, place),
        }
    }

    /// P1.
    fn spoil_content(self, run: &mut Run, place: &Index) -> Expected {
        let servidores = match self {
            Self::LostOnOne | Self::AlteredOnOne => place.index(3)..place.index(3) + 1,
            _ => 0..3,
        };
        let id = match self {
            Self::LostThoughShown => {
                let (id, request) = attempt(run, place, "never answered");
                let index = run.order(&id, &request);
                run.show("ana", geral(), index, &id);
                id
            }
            _ => acknowledged(run, place),
        };
        let altered = matches!(self, Self::AlteredEverywhere | Self::AlteredOnOne);
        for history in &mut run.histories[servidores] {
            if altered {
                let record = history.records.iter_mut().find(|record| is(record, &id)).expect("it is there");
                match &mut record.what {
                    What::Publish { message, .. } | What::Message { message, .. } => message.push('!'),
                    other => panic!("{other} is not said"),
                }
            } else {
                history.records.retain(|record| !is(record, &id));
            }
        }
        makes(Promise::Durable, id, if altered { Verdict::Altered } else { Verdict::Lost })
    }

    /// P2.
    fn spoil_answers(self, run: &mut Run, place: &Index) -> Expected {
        let id = acknowledged(run, place);
        match self {
            Self::TakesEffectTwice | Self::TakesEffectTwiceWithoutItsId => {
                let request = request_of(run, &id);
                let again = if matches!(self, Self::TakesEffectTwice) { &id } else { "an id of the broker" };
                run.order(again, &request);
                makes(Promise::Once, id, Verdict::Duplicated)
            }
            Self::AcknowledgedAndRefused => {
                refuse(run, place, &id, "Canal não existe.");
                breaks(Promise::Once)
            }
            _ => {
                let (id, _) = attempt(run, place, "refused twice");
                refuse(run, place, &id, "Canal não existe.");
                refuse(run, place, &id, "Usuário de destino não existe.");
                breaks(Promise::Once)
            }
        }
    }

    /// P3.
    fn spoil_agreement(self, run: &mut Run, place: &Index) -> Expected {
        let one = place.index(3);
        let at = place.index(run.histories[one].records.len());
        match self {
            Self::TimeDiffersOnOne => {
                let record = &mut run.histories[one].records[at];
                record.timestamp = format!("{}0Z", record.timestamp.trim_end_matches('Z'));
            }
            Self::UnknownKeyDiffersOnOne => {
                run.histories[one].records[at].rest.insert("previous".into(), 3.into());
            }
            Self::OneHasMore => {
                run.order("elsewhere", &publish("zé", "who is that?"));
                for other in (0..3).filter(|other| *other != one) {
                    run.histories[other].records.pop();
                }
            }
            Self::OnlyTheOthersDiffer => {
                // Whoever is compared with all others does not reach as far as the difference.
                let last = run.histories[0].records.pop().expect("something was said");
                run.histories[0].upto = last.index - 1;
                let record = run.histories[1].records.last_mut().expect("something was said");
                record.rest.insert("previous".into(), 3.into());
            }
            _ => {
                let applied = run.last();
                let told = |n: usize, digest: &str| StateDigest {
                    servidor: format!("servidor-{n}"),
                    applied,
                    digest: digest.into(),
                };
                run.digests = (1..=3).map(|n| told(n, if n == one + 1 { "bb" } else { "aa" })).collect();
            }
        }
        breaks(Promise::Convergence)
    }

    /// P4, but for pages.
    fn spoil_order(self, run: &mut Run, place: &Index) -> Expected {
        let at = place.index(run.histories[0].records.len() - 1);
        match self {
            Self::ClockStands => {
                for history in &mut run.histories {
                    history.records[at + 1].clock = history.records[at].clock;
                }
                breaks(Promise::Order)
            }
            Self::TimeRunsBackwards => {
                for history in &mut run.histories {
                    history.records[at + 1].timestamp = "2025-11-03T20:59:59Z".into();
                }
                breaks(Promise::Order)
            }
            Self::ToldInAnotherOrder => {
                for history in &mut run.histories {
                    history.records.swap(at, at + 1);
                }
                breaks(Promise::Order)
            }
            Self::StandsBeforeItsCause => {
                // Two messages of which the second was sent when the first was known change places.
                let (first, second) = (acknowledged(run, place), run.say("ana").0);
                run.catch_up();
                for history in &mut run.histories {
                    let find =
                        |id: &str| history.records.iter().position(|record| is(record, id)).expect("said");
                    let (a, b) = (find(&first), find(&second));
                    let (one, other) = (history.records[a].clone(), history.records[b].clone());
                    (history.records[a].what, history.records[a].request_id) = (other.what, other.request_id);
                    (history.records[b].what, history.records[b].request_id) = (one.what, one.request_id);
                }
                breaks(Promise::Order)
            }
            Self::StandsBehindItsAnswer => {
                let (id, request) = attempt(run, place, "lost and ordered anew");
                let index = run.last();
                run.order(&id, &request);
                run.note(person(place), Event::Acknowledged { request_id: id.clone(), index });
                makes(Promise::Order, id, Verdict::OutOfOrder)
            }
            _ => {
                let (question, answer) = (publish("ana", "who is there?"), publish("bia", "I am"));
                run.attempt("ana", "question", &question);
                let replies_to = Some("question".to_owned());
                let request_id = "answer".to_owned();
                run.note("bia", Event::Attempted { request_id, request: answer.clone(), replies_to });
                run.order("answer", &answer);
                run.order("question", &question);
                makes(Promise::Order, "answer".to_owned(), Verdict::OutOfOrder)
            }
        }
    }

    /// P4 of pages, and P5.
    fn spoil_reads(self, run: &mut Run, place: &Index) -> Expected {
        let (asked, last) = (run.now() + 1, run.last());
        match self {
            Self::ReadBackwards => {
                let index = place.index(4) as u64;
                run.note("ana", Event::Read { asked, seen: 0, index });
                return breaks(Promise::Session);
            }
            Self::SeenIgnored => {
                run.note("newcomer", Event::Read { asked, seen: last, index: last - 1 });
                return breaks(Promise::Session);
            }
            Self::PageLacksTheReadersOwn => {
                run.say("ana");
                run.catch_up();
            }
            _ => {}
        }
        run.read_page("ana", 50);
        let mut spoilt = false;
        let entries = run.ledger.entries().len();
        let mut line = 0;
        run.rewrite(|mut entry| {
            line += 1;
            if let Event::Page { messages, .. } = &mut entry.event
                && line == entries
            {
                // What is missing at its beginning may be on the page before.
                let at = 1 + place.index(messages.len() - 1);
                match self {
                    Self::PageLacksItsMiddle => drop(messages.remove(at)),
                    Self::PageLacksEverything => messages.clear(),
                    Self::PageHoldsWhatIsNotThere => messages.insert(0, 1),
                    Self::PageInAnotherOrder => messages.swap(at - 1, at),
                    _ => drop(messages.pop()),
                }
                spoilt = true;
            }
            Some(entry)
        });
        assert!(spoilt, "the page was just read");
        breaks(if matches!(self, Self::PageLacksTheReadersOwn) { Promise::Session } else { Promise::Order })
    }

    /// P6.
    fn spoil_names(self, run: &mut Run, place: &Index) -> Expected {
        let user = person(place).to_uppercase();
        if matches!(self, Self::NameWonTwice) {
            run.attempt("newcomer", "second", &Request::Login { user, again: false });
            let index = run.last();
            run.note("newcomer", Event::Acknowledged { request_id: "second".into(), index });
        } else {
            run.order("second", &Request::Login { user, again: false });
        }
        breaks(Promise::Names)
    }

    /// P8.
    fn spoil_delivery(self, run: &mut Run, place: &Index) -> Expected {
        match self {
            Self::NeverShown => {
                let at = shown_at(run, place);
                let mut line = 0;
                run.rewrite(|entry| {
                    line += 1;
                    (line - 1 != at).then_some(entry)
                });
                breaks(Promise::Delivery)
            }
            Self::ShownTwice => {
                let entry = run.ledger.entries()[shown_at(run, place)].clone();
                let Event::Shown { request_id: Some(id), .. } = &entry.event else { panic!("{entry:?}") };
                let id = id.clone();
                run.note(&entry.client, entry.event);
                makes(Promise::Delivery, id, Verdict::Duplicated)
            }
            Self::ShownOutOfOrder => {
                let (first, index) = run.write("ana", &publish("ana", "first"));
                let (second, later) = run.write("bia", &publish("bia", "second"));
                for user in PEOPLE {
                    run.show(user, geral(), later, &second);
                    run.show(user, geral(), index, &first);
                }
                run.catch_up();
                makes(Promise::Delivery, first, Verdict::OutOfOrder)
            }
            Self::ShownToAStranger => {
                let (id, index) = run.whisper("ana", "bia");
                run.show("caio", mailbox("caio"), index, &id);
                breaks(Promise::Delivery)
            }
            _ => {
                // Somewhere in the log nothing was said.
                let (id, index) = (acknowledged(run, place), run.last() + 1);
                for history in &mut run.histories {
                    history.upto = index;
                }
                run.show(person(place), geral(), index, &id);
                makes(Promise::Durable, id, Verdict::Lost)
            }
        }
    }

    /// P10.
    fn spoil_refusals(self, run: &mut Run, place: &Index) -> Expected {
        let (id, request) = attempt(run, place, "not wanted");
        if matches!(self, Self::RefusedAndThere) {
            refuse(run, place, &id, "Canal não existe.");
        } else {
            let reason = "sem maioria".into();
            run.note(person(place), Event::TurnedAway { request_id: id.clone(), reason });
        }
        run.order(&id, &request);
        makes(Promise::Refusal, id, Verdict::RefusedPresent)
    }
}

fn person(place: &Index) -> &'static str {
    PEOPLE[place.index(PEOPLE.len())]
}

fn is(record: &Record, id: &str) -> bool {
    record.request_id.as_deref() == Some(id)
}

/// Somebody tries to say something new.
fn attempt(run: &mut Run, place: &Index, message: &str) -> (String, Request) {
    let (id, request) = (run.fresh_id(), publish(person(place), message));
    run.attempt(person(place), &id, &request);
    (id, request)
}

fn refuse(run: &mut Run, place: &Index, id: &str, reason: &str) {
    run.note(person(place), Event::Refused { request_id: id.to_owned(), reason: reason.into() });
}

fn request_of(run: &Run, id: &str) -> Request {
    let asked = run.ledger.entries().iter().find_map(|entry| match &entry.event {
        Event::Attempted { request_id, request, .. } if request_id == id => Some(request.clone()),
        _ => None,
    });
    asked.expect("it was attempted")
}

/// A message that was said and acknowledged.
fn acknowledged(run: &Run, place: &Index) -> String {
    let said: Vec<&String> = run
        .ledger
        .entries()
        .iter()
        .filter_map(|entry| match &entry.event {
            Event::Acknowledged { request_id, .. } if request_of(run, request_id).is_said() => {
                Some(request_id)
            }
            _ => None,
        })
        .collect();
    (*place.get(&said)).clone()
}

/// The line in which something is shown to somebody who is owed it.
fn shown_at(run: &Run, place: &Index) -> usize {
    let entries = run.ledger.entries().iter().enumerate();
    let all: Vec<usize> =
        entries.filter(|(_, entry)| matches!(entry.event, Event::Shown { .. })).map(|(at, _)| at).collect();
    *place.get(&all)
}
