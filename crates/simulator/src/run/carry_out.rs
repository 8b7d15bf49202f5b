//! How a planned fault is carried out.

use papo_core::log::Operation;
use papo_core::members::{DiskId, Member, MemberHistory};

use super::Run;
use crate::cluster::disk::Health;
use crate::cluster::node::name;
use crate::cluster::time::{MS, S, Time};
use crate::coverage::Happening;
use crate::plan::{Fault, Whom, us};

/// How long the loss of a disk may stay unnoticed by those who change the members.
const UNNOTICED: Time = 2 * S;

/// How long a process may take to end after SIGTERM. It is 5 s for real; here it is less, so that some do not make it within a run.
const GRACE: Time = 2 * S;

impl Run {
    pub(super) fn carry_out(&mut self, fault: &Fault) {
        self.cluster.tell(|| format!("--- {fault:?}"));
        match *fault {
            Fault::Crash(whom, point) => {
                self.whoever_runs(whom, |run, node| run.cluster.crash_at(node, point));
            }
            Fault::CrashAll => self.crash_all(),
            Fault::Start(whom) => {
                let node = self.number(whom);
                self.start(node);
            }
            Fault::StartAll => (0..self.count()).for_each(|node| self.start(node)),
            Fault::Pause(whom) => self.whoever_runs(whom, |run, node| run.cluster.pause(node)),
            Fault::Resume(whom) => {
                let node = self.number(whom);
                self.cluster.resume(node);
            }
            Fault::ResumeAll => (0..self.count()).for_each(|node| self.cluster.resume(node)),
            Fault::Slow(whom, by) => self.whoever_runs(whom, |run, node| run.slow(node, by)),
            Fault::Stop(whom) => self.whoever_runs(whom, |run, node| run.cluster.terminate(node, GRACE)),
            Fault::Move(whom, known) => {
                self.whoever_runs(whom, |run, node| run.cluster.move_away(node, us(known)));
            }
            Fault::Cut(whom, to) => self.between(whom, to, |run, from, to| {
                run.cluster.network.cut(from, to);
            }),
            Fault::Isolate(whom) => {
                let node = self.number(whom);
                let others: Vec<usize> = (0..self.count()).filter(|other| *other != node).collect();
                self.cluster.partition(&[&[node], &others]);
            }
            Fault::Split(ref one) => {
                let other: Vec<usize> = (0..self.count()).filter(|node| !one.contains(node)).collect();
                self.cluster.partition(&[one, &other]);
            }
            Fault::Jam(whom, to) => self.between(whom, to, |run, from, to| run.cluster.jam(from, to)),
            Fault::Heal => self.cluster.heal(),
            Fault::Full(whom) => self.set_disk(whom, Health::Full),
            Fault::Stuck(whom) => self.set_disk(whom, Health::Stuck),
            Fault::DisksWell => {
                (0..self.count()).for_each(|node| self.cluster.set_disk(node, Health::Well));
            }
            Fault::FailSync(whom) => {
                self.whoever_runs(whom, |run, node| run.cluster.nodes[node].disk.fails = true);
            }
            Fault::FlipBit(whom) => self.lose(whom, |run, node| {
                run.cluster.coverage.count(Happening::BitFlipped);
                // The process reads it, and ends.
                run.cluster.nodes[node].disk.damaged = true;
                run.down(node);
            }),
            Fault::LoseDisk(whom) => self.lose(whom, |run, node| {
                run.down(node);
                run.cluster.wipe(node);
            }),
            Fault::Snapshot(whom) => {
                let node = self.number(whom);
                self.cluster.nodes[node].snapshot = Some(self.cluster.nodes[node].disk.content.clone());
            }
            Fault::Restore(whom) => self.restore(whom),
            Fault::Jump(whom, by) => {
                let node = self.number(whom);
                self.cluster.jump_clock(node, by * MS as i64);
            }
            Fault::KillBroker(broker, down) => self.cluster.kill_broker(broker, us(down)),
            Fault::KillProxy(proxy, down) => self.cluster.kill_proxy(proxy, us(down)),
            Fault::KillReferencia(down) => self.cluster.kill_referencia(us(down)),
            Fault::CutBroker(broker, ref nodes, span) => self.cluster.cut_broker(broker, nodes, us(span)),
            Fault::CutProxy(proxy, ref nodes, span) => self.cluster.cut_proxy(proxy, nodes, us(span)),
            // Whoever is admitted while it is not known yet that it is gone may be counted, and missing.
            Fault::Admit(_) if self.is_loss_unnoticed() => {}
            Fault::Admit(node) => self.cluster.order(Operation::Admit { name: name(node) }),
            Fault::Dismiss(whom) => {
                let name = name(self.number(whom));
                self.cluster.order(Operation::Dismiss { name });
            }
            Fault::Flood(whom, requests) => {
                self.whoever_runs(whom, |run, node| run.cluster.flood(node, requests));
            }
            Fault::Drift(whom, ppm) => {
                let node = self.number(whom);
                self.cluster.drift(node, ppm);
            }
        }
    }

    fn count(&self) -> usize {
        self.cluster.nodes.len()
    }

    fn number(&self, whom: Whom) -> usize {
        match whom {
            Whom::Coordinator(otherwise) => self.cluster.coordinator().unwrap_or(otherwise),
            Whom::Servidor(number) => number,
        }
    }

    fn whoever_runs(&mut self, whom: Whom, act: impl FnOnce(&mut Self, usize)) {
        let node = self.number(whom);
        if self.cluster.nodes[node].replica.is_some() {
            act(self, node);
        }
    }

    fn between(&mut self, whom: Whom, to: usize, act: impl FnOnce(&mut Self, usize, usize)) {
        let from = self.number(whom);
        if from != to {
            act(self, from, to);
        }
    }

    fn start(&mut self, node: usize) {
        if self.cluster.nodes[node].replica.is_none() {
            self.cluster.start(node);
        }
    }

    pub(super) fn down(&mut self, node: usize) {
        if self.cluster.nodes[node].replica.is_some() {
            self.cluster.crash(node);
        }
    }

    fn crash_all(&mut self) {
        if (0..self.count()).filter(|node| self.cluster.nodes[*node].replica.is_some()).count() > 1 {
            self.cluster.coverage.count(Happening::CrashOfAll);
        }
        (0..self.count()).for_each(|node| self.down(node));
    }

    fn slow(&mut self, node: usize, by: u64) {
        if by > 0 {
            self.cluster.coverage.count(Happening::Slow);
        }
        self.cluster.nodes[node].slow = us(by);
    }

    fn set_disk(&mut self, whom: Whom, health: Health) {
        let node = self.number(whom);
        self.cluster.set_disk(node, health);
    }

    fn restore(&mut self, whom: Whom) {
        if self.cluster.nodes[self.number(whom)].snapshot.is_some() {
            self.lose(whom, |run, node| {
                run.down(node);
                run.cluster.restore(node);
            });
        }
    }

    /// Loses a disk, if what was promised survives that: the lost ones are a minority of the members, whichever of the member
    /// lists in force one looks at, and of those that stay if some are to leave.
    fn lose(&mut self, whom: Whom, act: impl FnOnce(&mut Self, usize)) {
        let node = self.number(whom);
        if self.may_lose(node) {
            self.last_loss = Some(self.cluster.now);
            act(self, node);
        }
    }

    fn may_lose(&self, losing: usize) -> bool {
        let members = self.cluster.canon.members().voters();
        if members.is_empty() || self.lists().iter().any(|list| list != members) {
            return false;
        }
        let changing = self.changing();
        // It takes a moment until somebody is known to be gone. Whoever is made a member in that moment counts at once.
        if self.is_loss_unnoticed() && !changing.is_empty() {
            return false;
        }
        let is_lost = |member: &Member| !self.lives(member.id.disk, losing);
        // On the way others may leave before a lost one does.
        let staying: Vec<_> = members
            .iter()
            .filter(|member| !changing.contains(&member.id.name) || is_lost(member))
            .cloned()
            .collect();
        let survives = |list: &[Member]| {
            let lost = list.iter().filter(|member| is_lost(member)).count();
            list.is_empty() || lost <= (list.len() - 1) / 2
        };
        // Whoever is about to be counted would be missing among more.
        let joins = changing.contains(&self.cluster.nodes[losing].name)
            && !members.iter().any(|member| member.id.disk == self.cluster.nodes[losing].disk.content.id);
        !joins && survives(members) && survives(&staying)
    }

    fn is_loss_unnoticed(&self) -> bool {
        self.last_loss.is_some_and(|at| self.cluster.now - at < UNNOTICED)
    }

    fn lives(&self, disk: DiskId, losing: usize) -> bool {
        let mut nodes = self.cluster.nodes.iter().enumerate();
        nodes.any(|(number, node)| number != losing && !node.disk.damaged && node.disk.content.id == disk)
    }

    /// The lists of members in force: on disks, and in memory.
    pub(super) fn lists(&self) -> Vec<Vec<Member>> {
        let stored = self.cluster.nodes.iter().map(|node| {
            let mut history = MemberHistory::default();
            history.extend(&node.disk.content.log);
            history.current().voters().to_vec()
        });
        let running = (0..self.count()).filter(|node| self.cluster.nodes[*node].replica.is_some());
        let known = running.map(|node| self.cluster.status(node).members);
        let mut lists: Vec<_> = stored.chain(known).filter(|list| !list.is_empty()).collect();
        lists.sort();
        lists.dedup();
        lists
    }
}
