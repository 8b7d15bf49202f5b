use std::cell::{Cell, RefCell};
use std::rc::Rc;

use papo_client::{Answer, Answered, Failure, HistoryPage, Outcome, Reason, Saved, Service};

use super::*;
use crate::state::UserState;

/// Takes notes instead of asking.
#[derive(Clone, Default)]
struct Notes {
    asked: Rc<RefCell<Vec<(RequestId, Ask)>>>,
    sessions: Rc<Cell<u32>>,
}

impl Chat for Notes {
    type Session = u32;

    fn open(&self) -> u32 {
        self.sessions.set(self.sessions.get() + 1);
        self.sessions.get()
    }

    fn ask(&self, _: u32, request: RequestId, ask: Ask, _: Option<Duration>) {
        self.asked.borrow_mut().push((request, ask));
    }

    fn close(&self, _: u32) {}
}

struct Stage {
    controller: Controller<Notes>,
    notes: Notes,
}

impl Stage {
    fn new(options: Options) -> Self {
        let notes = Notes::default();
        Self { controller: Controller::new(notes.clone(), options), notes }
    }

    /// `ana` is logged in, follows `geral`, and talks nowhere.
    fn logged_in() -> Self {
        let mut stage = Self::new(Options::default());
        stage.controller.command(Command::Login("ana".to_owned()));
        stage.welcome("token");
        stage.tell(Event::Following { channel: "geral".to_owned(), after: 0 });
        stage.notes.asked.borrow_mut().clear();
        stage.controller.notices();
        stage
    }

    fn welcome(&mut self, token: &str) {
        let (request, _) = self.last();
        let answer = Answer::Login { user: "ana".to_owned(), session: token.to_owned() };
        self.tell(Event::LoggedIn { user: "ana".to_owned() });
        self.end(request, Service::Login, Outcome::Stored(answer));
    }

    fn last(&self) -> (RequestId, Ask) {
        self.notes.asked.borrow().last().cloned().expect("something was asked")
    }

    fn tell(&mut self, event: Event) {
        self.controller.event(self.notes.sessions.get(), event);
    }

    fn end(&mut self, request: RequestId, service: Service, outcome: Outcome) {
        self.tell(Event::Answered(Answered { request, service, seen: 0, index: 9, outcome }));
    }

    fn answer(&mut self, answer: Answer) {
        let (request, ask) = self.last();
        self.end(request, ask.service(), Outcome::Stored(answer));
    }

    fn refuse(&mut self, reason: Reason) {
        let (request, ask) = self.last();
        let service = ask.service();
        self.end(request, service, Outcome::Refused(Failure::new(service, reason)));
    }
}

#[test]
fn a_created_channel_is_entered() {
    let mut stage = Stage::logged_in();
    stage.controller.command(Command::Create("novo".to_owned()));
    assert_eq!(stage.last().1, Ask::CreateChannel("novo".to_owned()));
    stage.answer(Answer::Channel);
    assert!(stage.controller.is_busy(), "it is not over yet");
    assert_eq!(stage.last().1, Ask::Join("novo".to_owned()));
    stage.answer(Answer::Join);
    assert!(!stage.controller.is_busy());
    assert_eq!(stage.controller.prompt(), "ana@#novo> ");
    let entered = Notice::Entered { channel: "novo".to_owned(), created: true };
    assert!(stage.controller.notices().contains(&entered));
}

#[test]
fn a_channel_that_is_followed_already_is_entered_without_asking() {
    let mut stage = Stage::logged_in();
    stage.controller.command(Command::Join("#geral".to_owned()));
    assert!(stage.notes.asked.borrow().is_empty());
    assert_eq!(stage.controller.channel(), Some("geral"));
}

#[test]
fn the_channel_of_the_settings_is_created_if_need_be() {
    let options = Options { channel: Some("novo".to_owned()), ..Options::default() };
    let mut stage = Stage::new(options);
    stage.controller.command(Command::Login("ana".to_owned()));
    stage.welcome("token");
    assert_eq!(stage.last().1, Ask::Join("novo".to_owned()));
    stage.refuse(Reason::NoSuchChannel);
    assert_eq!(stage.last().1, Ask::CreateChannel("novo".to_owned()));
    stage.answer(Answer::Channel);
    stage.answer(Answer::Join);
    assert_eq!(stage.controller.channel(), Some("novo"));
    assert!(!stage.controller.has_failed());
}

#[test]
fn who_leaves_the_channel_they_talk_in_talks_nowhere() {
    let mut stage = Stage::logged_in();
    stage.controller.command(Command::Join("geral".to_owned()));
    stage.controller.command(Command::Leave(None));
    assert_eq!(stage.last().1, Ask::Leave("geral".to_owned()));
    stage.tell(Event::Unfollowed { channel: "geral".to_owned(), upto: 9 });
    stage.answer(Answer::Leave);
    assert_eq!(stage.controller.prompt(), "ana> ");
    stage.controller.command(Command::Talk("oi".to_owned()));
    assert!(matches!(stage.controller.notices().last(), Some(Notice::Mistake(_))));
}

#[test]
fn a_history_of_a_name_that_is_no_channel_is_a_users() {
    let mut stage = Stage::logged_in();
    let of = Place::Named("bia".to_owned());
    stage.controller.command(Command::History { of, number: 5, older: false });
    assert!(matches!(stage.last().1, Ask::History { of: To::Channel(_), .. }));
    stage.refuse(Reason::NoSuchChannel);
    let (_, Ask::History { of: To::User(user), limit: 5, .. }) = stage.last() else {
        panic!("{:?}", stage.last())
    };
    assert_eq!(user, "bia");
    stage.answer(Answer::History(HistoryPage::default()));
    assert!(matches!(stage.controller.notices().last(), Some(Notice::Page { of: To::User(_), .. })));
    assert!(!stage.controller.has_failed());
}

/// A page of `geral` with the messages of these indices.
fn page(indices: std::ops::RangeInclusive<u64>, more: bool) -> Answer {
    let said = |index| papo_client::Said {
        index,
        time: papo_core::clock::WallTime::EPOCH,
        clock: papo_core::clock::Lamport::new(index),
        from: "bia".to_owned(),
        to: To::Channel("geral".to_owned()),
        message: format!("{index}"),
        request_id: None,
    };
    let messages = indices.map(|index| papo_wire::reply::Message { said: said(index), previous: None });
    Answer::History(HistoryPage { messages: messages.collect(), more })
}

fn history(stage: &mut Stage, number: usize, older: bool) {
    let of = Place::Named("geral".to_owned());
    stage.controller.command(Command::History { of, number, older });
}

/// What was asked for last: before which index, and how many.
fn asked(stage: &Stage) -> (Option<u64>, usize) {
    match stage.last().1 {
        Ask::History { page: papo_client::Page::Newest, limit, .. } => (None, limit),
        Ask::History { page: papo_client::Page::Before(before), limit, .. } => (Some(before), limit),
        other => panic!("{other:?}"),
    }
}

/// The indices of the page that was told, and whether there is more.
fn told(stage: &mut Stage) -> (Vec<u64>, bool) {
    match stage.controller.notices().pop() {
        Some(Notice::Page { messages, more, .. }) => (messages.iter().map(|said| said.index).collect(), more),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_long_history_is_read_page_by_page_and_told_once_in_order() {
    let mut stage = Stage::logged_in();
    history(&mut stage, 450, false);
    assert_eq!(asked(&stage), (None, 200));
    stage.answer(page(801..=1000, true));
    assert!(stage.controller.is_busy() && stage.controller.notices().is_empty(), "it is not over yet");
    assert_eq!(asked(&stage), (Some(801), 200));
    // A page may be shorter than asked for, where messages are long.
    stage.answer(page(701..=800, true));
    assert_eq!(asked(&stage), (Some(701), 150));
    stage.answer(page(551..=700, true));
    assert!(!stage.controller.is_busy());
    assert_eq!(told(&mut stage), ((551..=1000).collect(), true));
}

#[test]
fn a_history_that_is_shorter_than_asked_for_ends_where_it_begins() {
    let mut stage = Stage::logged_in();
    history(&mut stage, 450, false);
    stage.answer(page(101..=300, true));
    stage.answer(page(1..=100, false));
    assert_eq!(told(&mut stage), ((1..=300).collect(), false));
}

#[test]
fn older_messages_are_those_before_what_was_shown() {
    let mut stage = Stage::logged_in();
    history(&mut stage, 3, false);
    stage.answer(page(8..=10, true));
    history(&mut stage, 2, true);
    assert_eq!(asked(&stage), (Some(8), 2));
    stage.answer(page(6..=7, true));
    assert_eq!(told(&mut stage), (vec![6, 7], true));
    stage.controller.command(Command::History { of: Place::Here, number: 9, older: true });
    assert_eq!(asked(&stage), (Some(6), 9), "of what was read last");
    stage.answer(page(1..=5, false));
    history(&mut stage, 9, true);
    assert_eq!(asked(&stage), (Some(1), 9));
    stage.answer(Answer::History(HistoryPage::default()));
    assert!(matches!(stage.controller.notices().pop(), Some(Notice::Page { older: true, .. })));
    history(&mut stage, 3, false);
    assert_eq!(asked(&stage), (None, 3), "and from the newest again");
}

#[test]
fn what_was_read_of_a_history_before_it_failed_is_told() {
    let mut stage = Stage::logged_in();
    history(&mut stage, 450, false);
    stage.answer(page(801..=1000, true));
    stage.refuse(Reason::Internal);
    assert!(stage.controller.has_failed() && !stage.controller.is_busy());
    assert_eq!(told(&mut stage), ((801..=1000).collect(), true));
}

#[test]
fn only_talk_that_takes_long_is_told_to_be_on_its_way() {
    let mut stage = Stage::logged_in();
    stage.controller.command(Command::Publish { channel: "geral".to_owned(), text: "oi".to_owned() });
    assert!(stage.controller.is_talking());
    assert!(matches!(stage.controller.notices().as_slice(), [Notice::Pending { late: false, .. }]));
    stage.controller.go_on();
    assert!(!stage.controller.is_busy() && stage.controller.is_speaking());
    assert!(matches!(stage.controller.notices().as_slice(), [Notice::Pending { late: true, .. }]));
    stage.answer(Answer::Publish);
    assert!(matches!(stage.controller.notices().as_slice(), [Notice::Answered { own: Some(_), .. }]));
}

#[test]
fn a_late_answer_does_not_release_who_waits_for_another() {
    let mut stage = Stage::logged_in();
    stage.controller.command(Command::Publish { channel: "geral".to_owned(), text: "oi".to_owned() });
    let (talk, _) = stage.last();
    stage.controller.go_on();
    stage.controller.command(Command::Users);
    stage.end(talk, Service::Publish, Outcome::Stored(Answer::Publish));
    assert!(stage.controller.is_busy());
    stage.answer(Answer::Users(Vec::new()));
    assert!(!stage.controller.is_busy());
}

#[test]
fn a_doubtful_message_that_turns_up_is_told_to_be_stored() {
    let mut stage = Stage::logged_in();
    stage.controller.command(Command::Publish { channel: "geral".to_owned(), text: "oi".to_owned() });
    let (request, _) = stage.last();
    let doubt = Failure::new(Service::Publish, Reason::Unknown);
    stage.end(request.clone(), Service::Publish, Outcome::Unknown(doubt));
    stage.controller.notices();
    let said = papo_client::Said {
        index: 12,
        time: papo_core::clock::WallTime::EPOCH,
        clock: papo_core::clock::Lamport::new(12),
        from: "ana".to_owned(),
        to: To::Channel("geral".to_owned()),
        message: "oi".to_owned(),
        request_id: Some(request.to_string()),
    };
    stage.tell(Event::Message(Shown { said: said.into(), missed: true, own: Some(request) }));
    assert!(matches!(stage.controller.notices().as_slice(), [Notice::Settled(_), Notice::Message(_)]));
}

#[test]
fn what_a_session_that_was_left_still_tells_is_nobodys_business() {
    let mut stage = Stage::logged_in();
    stage.controller.log_out();
    stage.controller.notices();
    stage.controller.event(1, Event::Lost);
    assert!(stage.controller.notices().is_empty());
    assert_eq!(stage.controller.prompt(), "login> ");
}

fn state() -> (tempfile::TempDir, StateDir) {
    let temp = tempfile::tempdir().expect("a directory");
    let dir = StateDir::new(Some(temp.path().to_owned()), |_| None).expect("it was given");
    (temp, dir)
}

fn saved(token: &str) -> Saved {
    Saved { user: "ana".to_owned(), token: token.to_owned(), complete: 7, ..Saved::default() }
}

fn token(ask: &Ask) -> Option<&str> {
    match ask {
        Ask::Login { saved, .. } => saved.as_ref().map(|saved| saved.token.as_str()),
        other => panic!("not a login: {other:?}"),
    }
}

#[test]
fn the_session_of_the_right_cluster_is_found_among_several() {
    let (_temp, dir) = state();
    let (mut kept, file) = dir.open("ana").expect("it opens");
    kept.note(saved("there"));
    kept.note(saved("here"));
    file.write(&kept).expect("it is written");
    drop(file);
    let mut stage = Stage::new(Options { state: Some(dir), ..Options::default() });
    stage.controller.command(Command::Login("ana".to_owned()));
    assert_eq!(token(&stage.last().1), Some("here"));
    stage.refuse(Reason::UserExists);
    assert_eq!(token(&stage.last().1), Some("there"));
    assert!(stage.controller.is_busy());
    stage.refuse(Reason::UserExists);
    assert!(!stage.controller.is_busy() && stage.controller.has_failed());
}

#[test]
fn a_first_login_keeps_its_id_until_its_end_is_known() {
    let (_temp, dir) = state();
    let mut stage = Stage::new(Options { state: Some(dir.clone()), ..Options::default() });
    stage.controller.command(Command::Login("ana".to_owned()));
    let (first, ask) = stage.last();
    assert_eq!(token(&ask), None);
    let failure = Failure::new(Service::Login, Reason::Unknown);
    stage.end(first.clone(), Service::Login, Outcome::Unknown(failure));
    let (kept, file) = dir.open("ana").expect("it opens");
    assert_eq!(kept.login.as_deref(), Some(first.as_str()));
    drop(file);
    stage.controller.command(Command::Login("ana".to_owned()));
    assert_eq!(stage.last().0, first);
    stage.refuse(Reason::UserExists);
    let (kept, _file) = dir.open("ana").expect("it opens");
    assert_eq!(kept, UserState::default());
}

#[test]
fn progress_is_kept_where_a_later_run_finds_it() {
    let (_temp, dir) = state();
    let mut stage = Stage::new(Options { state: Some(dir.clone()), ..Options::default() });
    stage.controller.command(Command::Login("ana".to_owned()));
    stage.welcome("token");
    stage.tell(Event::Following { channel: "geral".to_owned(), after: 0 });
    stage.controller.command(Command::Join("geral".to_owned()));
    stage.tell(Event::Progress(saved("token")));
    stage.controller.save();
    assert_eq!(dir.current().as_deref(), Some("ana"));
    let (kept, _) = dir.open("ana").expect("it opens");
    assert_eq!(kept.saved, [saved("token")]);
    assert_eq!(kept.channel.as_deref(), Some("geral"));
    assert_eq!(kept.login, None);
}
