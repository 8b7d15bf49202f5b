//! Makes a plan that breaks a promise as short as possible, and still break it.
//!
//! Greedy: parts are left out as long as what is left breaks in the same way. What is left runs under other chance as soon as
//! anything is left out, so each attempt is made under a few.

use std::time::{Duration, Instant};

use crate::plan::{ClientPlan, NetworkPlan, Plan};
use crate::run::{Broken, verdict};

/// How many different chances an attempt gets.
const CHANCES: u64 = 6;

/// The shortest plan found within `patience` that still breaks like `broken`, and how it breaks.
pub fn shrink(plan: &Plan, broken: &Broken, patience: Duration) -> (Plan, Broken) {
    let until = Instant::now() + patience;
    let mut best = Shrunk { plan: plan.clone(), broken: broken.clone(), until };
    loop {
        let before = best.plan.clone();
        best.drop_services();
        best.thin_faults();
        best.thin_clients();
        best.calm_network();
        best.end_early();
        best.simplify_servidores();
        if best.plan == before {
            return (best.plan, best.broken);
        }
    }
}

struct Shrunk {
    plan: Plan,
    broken: Broken,
    /// When it is short enough, whatever could still be left out.
    until: Instant,
}

impl Shrunk {
    /// Takes `plan` if it breaks in the same way, under some chance.
    fn attempt(&mut self, plan: &Plan) -> bool {
        for chance in 0..CHANCES {
            if Instant::now() >= self.until {
                return false;
            }
            let mut plan = plan.clone();
            plan.seed = self.plan.seed.wrapping_add(chance);
            if let Err(broken) = verdict(&plan, false)
                && broken.is_like(&self.broken)
            {
                (self.plan, self.broken) = (plan, broken);
                return true;
            }
        }
        false
    }

    /// Leaves out faults: halves first, then ever smaller parts, single ones last.
    fn thin_faults(&mut self) {
        let mut size = self.plan.faults.len().div_ceil(2);
        while size > 0 {
            let mut from = 0;
            while from < self.plan.faults.len() {
                let mut plan = self.plan.clone();
                plan.faults.drain(from..(from + size).min(plan.faults.len()));
                if !self.attempt(&plan) {
                    from += size;
                }
            }
            size = if size == 1 { 0 } else { size.div_ceil(2) };
        }
    }

    fn thin_clients(&mut self) {
        let mut number = 0;
        while number < self.plan.clients.len() {
            let mut plan = self.plan.clone();
            plan.clients.remove(number);
            if !self.attempt(&plan) {
                number += 1;
            }
        }
        for number in 0..self.plan.clients.len() {
            for wishes in [1, 3, 10] {
                let client = &self.plan.clients[number];
                if wishes >= client.wishes {
                    break;
                }
                let mut plan = self.plan.clone();
                plan.clients[number] = ClientPlan { wishes, ..client.clone() };
                if self.attempt(&plan) {
                    break;
                }
            }
        }
    }

    fn drop_services(&mut self) {
        if self.plan.services.is_some() {
            let mut plan = self.plan.clone();
            plan.services = None;
            self.attempt(&plan);
        }
    }

    fn calm_network(&mut self) {
        let calm: [fn(&mut NetworkPlan); 4] = [
            |network| network.loss = 0.0,
            |network| network.broadcast_loss = 0.0,
            |network| network.duplication = 0.0,
            |network| network.straggling = 0.0,
        ];
        for calm in calm {
            let mut plan = self.plan.clone();
            calm(&mut plan.network);
            if plan != self.plan {
                self.attempt(&plan);
            }
        }
    }

    fn end_early(&mut self) {
        let last = self.plan.faults.last().map_or(0, |planned| planned.at);
        let mut plan = self.plan.clone();
        plan.chaos = last + 100_000;
        if plan.chaos < self.plan.chaos {
            self.attempt(&plan);
        }
    }

    fn simplify_servidores(&mut self) {
        for number in 0..self.plan.servidores.len() {
            let mut plan = self.plan.clone();
            let servidor = &mut plan.servidores[number];
            (servidor.starts, servidor.drift, servidor.offset, servidor.ranked) = (0, 0, 0, true);
            if plan != self.plan {
                self.attempt(&plan);
            }
        }
    }
}
