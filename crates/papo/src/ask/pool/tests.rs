//! Questions to something that answers like a broker, or does not.

use std::collections::VecDeque;
use std::sync::mpsc;
use std::thread;

use papo_core::clock::{Lamport, WallTime};
use papo_wire::Service;
use papo_wire::reply::{Answer, Failure, Reason};
use papo_wire::request::Body;

use super::*;

const PATIENCE: Duration = Duration::from_secs(30);

/// Answers each request with what the function makes of its number, from 0. Ends with the returned value.
struct Stand {
    address: SocketAddr,
    stop: Option<mpsc::Sender<()>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Stand {
    fn start(mut answer: impl FnMut(usize) -> Option<Vec<u8>> + Send + 'static) -> Self {
        let mut net = ZmqNet::new(&ZmqContext::new()).expect("a net");
        let socket = net.open(Kind::Router, &SocketOptions::default()).expect("a socket");
        let address = net.bind(socket, "127.0.0.1:0".parse().expect("an address")).expect("a port");
        let (stop, stopped) = mpsc::channel::<()>();
        let thread = thread::spawn(move || {
            let mut number = 0;
            while !matches!(stopped.try_recv(), Err(mpsc::TryRecvError::Disconnected)) {
                net.wait(Some(Duration::from_millis(5)), &mut Vec::new());
                while let Some(mut frames) = net.receive(socket) {
                    let reply = answer(number);
                    number += 1;
                    if let Some(reply) = reply {
                        *frames.last_mut().expect("a body") = reply;
                        net.send(socket, frames).expect("the asker is there");
                    }
                }
            }
        });
        Self { address, stop: Some(stop), thread: Some(thread) }
    }
}

impl Drop for Stand {
    fn drop(&mut self) {
        drop(self.stop.take());
        let ended = self.thread.take().expect("it was started").join();
        assert!(ended.is_ok() || thread::panicking(), "the stand panicked");
    }
}

fn reply(answer: Result<Answer, Failure>) -> Vec<u8> {
    Reply { time: WallTime::EPOCH, clock: Lamport::new(0), index: 0, answer }.encode()
}

fn refused(reason: Reason) -> Vec<u8> {
    reply(Err(Failure::new(Service::Users, reason)))
}

fn users(names: &[&str]) -> Vec<u8> {
    reply(Ok(Answer::Users(names.iter().map(|name| (*name).to_owned()).collect())))
}

struct List {
    questions: VecDeque<u32>,
    answers: Vec<(u32, Result<Reply, Unanswered>)>,
}

impl List {
    fn new(count: u32) -> Self {
        Self { questions: (0..count).collect(), answers: Vec::new() }
    }

    fn all_succeeded(&self) -> bool {
        self.answers.iter().all(|(_, reply)| reply.as_ref().is_ok_and(|reply| reply.answer.is_ok()))
    }
}

impl Questions for List {
    type Ticket = u32;

    fn next(&mut self) -> Option<(u32, Request)> {
        self.questions.pop_front().map(|number| (number, Request::new(Body::Users)))
    }

    fn answered(&mut self, ticket: u32, reply: Result<Reply, Unanswered>) {
        self.answers.push((ticket, reply));
    }
}

#[test]
fn every_question_is_answered_once() {
    let stand = Stand::start(|_| Some(users(&["ana"])));
    let mut list = List::new(100);
    let mut pool = Pool::new(vec![stand.address], 8, PATIENCE).expect("a pool");
    pool.run(&mut list);
    assert!(list.all_succeeded());
    let mut tickets: Vec<u32> = list.answers.iter().map(|(ticket, _)| *ticket).collect();
    tickets.sort_unstable();
    assert_eq!(tickets, (0..100).collect::<Vec<_>>());

    let mut again = List::new(3);
    pool.run(&mut again);
    assert!(again.all_succeeded(), "connections stay open between runs");
}

#[test]
fn an_answer_that_says_try_again_is_obeyed() {
    let stand =
        Stand::start(|number| Some(if number < 2 { refused(Reason::NotOrdered) } else { users(&[]) }));
    let mut list = List::new(1);
    Pool::new(vec![stand.address], 1, PATIENCE).expect("a pool").run(&mut list);
    assert!(list.all_succeeded(), "{:?}", list.answers);
}

#[test]
fn a_final_refusal_is_handed_on() {
    let stand = Stand::start(|_| Some(refused(Reason::BadRequest)));
    let mut list = List::new(1);
    Pool::new(vec![stand.address], 1, PATIENCE).expect("a pool").run(&mut list);
    let (_, reply) = &list.answers[0];
    let failure = reply.as_ref().expect("a reply").answer.as_ref().expect_err("a refusal");
    assert_eq!(failure.reason, Reason::BadRequest);
}

#[test]
fn silence_ends_at_the_limit() {
    let stand = Stand::start(|_| None);
    let mut list = List::new(2);
    Pool::new(vec![stand.address], 2, Duration::from_millis(50)).expect("a pool").run(&mut list);
    assert_eq!(list.answers.len(), 2);
    assert!(list.answers.iter().all(|(_, reply)| matches!(reply, Err(Unanswered::Silence(_)))));
}

#[test]
fn nonsense_is_told() {
    let stand = Stand::start(|_| Some(b"HTTP/1.1 400".to_vec()));
    let mut list = List::new(1);
    Pool::new(vec![stand.address], 1, PATIENCE).expect("a pool").run(&mut list);
    assert!(matches!(list.answers[0].1, Err(Unanswered::Nonsense(_))), "{:?}", list.answers);
}
