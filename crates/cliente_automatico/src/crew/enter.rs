//! Coming in: a fresh name, the channels, following them.

use std::time::Duration;

use papo_audit::Request;
use papo_client::RequestId;

use super::Crew;
use super::person::{Open, Stage, Step};

impl Crew {
    /// Logs the user in under a fresh name, and lets them take further steps before they follow the channels.
    pub(super) fn enter(&mut self, user: usize, further: Vec<Step>, now: Duration) {
        let joins = self.plan.channels.iter().cloned().map(Step::Join);
        self.people[user].stage = Stage::Entering(further.into_iter().chain(joins).collect());
        self.take_step(user, Step::LogIn, now);
    }

    fn take_step(&mut self, user: usize, step: Step, now: Duration) {
        let person = &mut self.people[user];
        let request = match &step {
            Step::LogIn => {
                person.name = format!("{}-{:08x}", self.plan.prefix, self.rng.u32(..));
                Request::Login { user: person.name.clone(), again: false }
            }
            Step::Create(channel) => Request::Channel { channel: channel.clone() },
            Step::Join(channel) => Request::Join { user: person.name.clone(), channel: channel.clone() },
        };
        let open = Open { id: RequestId::random(), request, step: Some(step), began: now, repeat: false };
        self.write(user, open, None);
    }

    pub(super) fn name_is_taken(&mut self, user: usize, step: Option<&Step>, now: Duration) {
        match step {
            Some(Step::LogIn) => self.take_step(user, Step::LogIn, now),
            _ => self.step_done(user, now),
        }
    }

    pub(super) fn step_done(&mut self, user: usize, now: Duration) {
        let Stage::Entering(steps) = &mut self.people[user].stage else { return };
        let next = steps.pop_front();
        if !matches!(next, Some(Step::Create(_))) {
            self.let_the_others_in(now);
        }
        match next {
            Some(next) => self.take_step(user, next, now),
            None => self.people[user].stage = Stage::Present,
        }
    }

    /// The channels are there.
    fn let_the_others_in(&mut self, now: Duration) {
        for user in 0..self.people.len() {
            if matches!(self.people[user].stage, Stage::Outside) {
                self.enter(user, Vec::new(), now);
            }
        }
    }
}
