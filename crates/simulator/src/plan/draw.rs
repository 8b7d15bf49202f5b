//! Plans, from seeds.

use super::{ClientPlan, Fault, NetworkPlan, Plan, Planned, Point, ServicesPlan, ServidorPlan, Whom};

const MS: u64 = 1_000;
const S: u64 = 1_000_000;
/// Floods are drawn by themselves: seeds that have none are what they were before there were floods.
const FLOODS: u64 = 0xF100_D000;
/// So are cuts around brokers and proxies.
const CUTS: u64 = 0xC075_0000;
/// Decades, in milliseconds: the year 2100 or so, and the last century.
const LIES: [i64; 2] = [2_400_000_000_000, -1_000_000_000_000];

pub(super) fn plan(seed: u64) -> Plan {
    let mut rng = fastrand::Rng::with_seed(seed ^ 0x5EED);
    let rng = &mut rng;
    let founders = [1, 2, 3, 3, 3, 3, 3, 4, 5, 7][rng.usize(..10)];
    // One in three grows and shrinks.
    let spares = if rng.u8(..3) == 0 { rng.usize(1..3).min(7 - founders) } else { 0 };
    let grows = spares > 0 || rng.u8(..8) == 0;
    let count = founders + spares;
    let chaos = rng.u64(2..9) * S;
    let mut healing: Vec<usize> = (0..count).collect();
    rng.shuffle(&mut healing);
    Plan {
        seed,
        servidores: servidores(rng, count, founders, grows),
        network: network(rng),
        sync: [(50, 200), (200, 5 * MS), (MS, 30 * MS)][rng.usize(..3)],
        clients: clients(rng),
        services: None,
        limit: None,
        chaos,
        faults: faults(rng, count, chaos, grows),
        healing,
    }
    .with_services(rng)
    .with_floods(&mut fastrand::Rng::with_seed(seed ^ FLOODS))
    .with_cuts(&mut fastrand::Rng::with_seed(seed ^ CUTS))
}

impl Plan {
    /// One run in twelve lets few requests wait, and has more than that come at once.
    fn with_floods(mut self, rng: &mut fastrand::Rng) -> Self {
        if rng.u8(..12) > 0 {
            return self;
        }
        let limit = rng.usize(16..64);
        self.limit = Some(limit);
        for _ in 0..rng.usize(1..5) {
            let whom = whom(rng, self.servidores.len());
            let fault = Fault::Flood(whom, rng.usize(limit..limit * 4));
            self.faults.push(Planned { at: rng.u64(..self.chaos), fault });
        }
        self.faults.sort_by_key(|planned| planned.at);
        self
    }

    /// Where there are services, brokers and proxies are cut off from some servidores now and then.
    fn with_cuts(mut self, rng: &mut fastrand::Rng) -> Self {
        if self.services.is_none() {
            return self;
        }
        for _ in 0..rng.usize(..4) {
            let nodes = (0..self.servidores.len()).filter(|_| rng.bool()).collect();
            let (end, span) = (rng.usize(..2), [100 * MS, 500 * MS, 3 * S][rng.usize(..3)]);
            let fault = if rng.bool() {
                Fault::CutBroker(end, nodes, span)
            } else {
                Fault::CutProxy(end, nodes, span)
            };
            self.faults.push(Planned { at: rng.u64(..self.chaos), fault });
        }
        self.faults.sort_by_key(|planned| planned.at);
        self
    }

    /// One run in eight has the services as well, and fewer clients without.
    fn with_services(mut self, rng: &mut fastrand::Rng) -> Self {
        if rng.u8(..8) > 0 {
            return self;
        }
        self.clients.truncate(1);
        // What these say goes through proxies, which take no more than a client may send.
        self.clients.iter_mut().for_each(|client| client.wordy = 0);
        let think = [MS, 20 * MS, 200 * MS][rng.usize(..3)];
        self.services = Some(ServicesPlan { people: rng.usize(1..4), wishes: rng.usize(20..60), think });
        for _ in 0..rng.usize(..6) {
            let down = [MS, 100 * MS, 2 * S][rng.usize(..3)];
            let fault = match rng.u8(..5) {
                0 | 1 => Fault::KillBroker(rng.usize(..2), down),
                2 | 3 => Fault::KillProxy(rng.usize(..2), down),
                _ => Fault::KillReferencia(down),
            };
            self.faults.push(Planned { at: rng.u64(..self.chaos), fault });
        }
        self.faults.sort_by_key(|planned| planned.at);
        self
    }
}

fn servidores(rng: &mut fastrand::Rng, count: usize, founders: usize, grows: bool) -> Vec<ServidorPlan> {
    // One wrong clock of three or more, where they stay that many.
    let honest_majority = founders >= 3 && !grows;
    let liar = rng.usize(..count * 3);
    let lie = LIES[rng.usize(..2)];
    let mut starts = 0;
    (0..count)
        .map(|number| {
            if rng.u8(..4) == 0 {
                starts += some_time(rng);
            }
            let lies = number == liar && honest_majority;
            ServidorPlan {
                starts,
                drift: rng.i64(-100..100),
                offset: rng.i64(-50..50) + if lies { lie } else { 0 },
                ranked: rng.u8(..10) > 0,
                founds: number < founders,
            }
        })
        .collect()
}

fn network(rng: &mut fastrand::Rng) -> NetworkPlan {
    NetworkPlan {
        delay: [(20, 100), (50, MS), (MS, 5 * MS), (100, 20 * MS)][rng.usize(..4)],
        loss: [0.0, 0.0, 0.01, 0.1][rng.usize(..4)],
        broadcast_loss: [0.0, 0.0, 0.1, 1.0][rng.usize(..4)],
        duplication: [0.0, 0.0, 0.02, 0.2][rng.usize(..4)],
        straggling: [0.0, 0.0, 0.001, 0.01][rng.usize(..4)],
        straggle: [100 * MS, 2 * S, 8 * S][rng.usize(..3)],
    }
}

fn clients(rng: &mut fastrand::Rng) -> Vec<ClientPlan> {
    let think = [MS, 20 * MS, 200 * MS][rng.usize(..3)];
    let wishes = rng.usize(20..80);
    // So much that it does not stay in memory, and whoever is behind is sent what is read from the disk.
    let (wishes, wordy) = if rng.u8(..60) == 0 { (60, 64 << 10) } else { (wishes, 0) };
    (0..rng.usize(1..8)).map(|_| ClientPlan { wishes, think, wordy }).collect()
}

fn faults(rng: &mut fastrand::Rng, count: usize, chaos: u64, grows: bool) -> Vec<Planned> {
    let mut faults = Vec::new();
    let mut at = some_time(rng);
    while at < chaos {
        let fault = if grows && rng.u8(..5) == 0 { growth(rng, count) } else { fault(rng, count) };
        faults.push(Planned { at, fault });
        at += some_time(rng);
    }
    faults
}

fn some_time(rng: &mut fastrand::Rng) -> u64 {
    match rng.u8(..6) {
        0 => rng.u64(..5 * MS),
        1 | 2 => rng.u64(..50 * MS),
        3 | 4 => rng.u64(..500 * MS),
        _ => rng.u64(..3 * S),
    }
}

fn fault(rng: &mut fastrand::Rng, count: usize) -> Fault {
    let whom = whom(rng, count);
    match rng.u8(..34) {
        0..=3 => Fault::Crash(whom, point(rng)),
        4..=6 => Fault::Start(whom),
        7 | 8 => Fault::StartAll,
        9 => Fault::CrashAll,
        10 => Fault::Pause(whom),
        11 => Fault::Resume(whom),
        12 => Fault::ResumeAll,
        13 => Fault::Slow(whom, [0, 5 * MS, 50 * MS, 300 * MS][rng.usize(..4)]),
        14 => Fault::Stop(whom),
        15 => Fault::Move(whom, [50 * MS, 2 * S, 10 * S][rng.usize(..3)]),
        16 => Fault::Cut(whom, rng.usize(..count)),
        17 => Fault::Isolate(whom),
        18 => Fault::Split((0..count).filter(|_| rng.bool()).collect()),
        19 => Fault::Jam(whom, rng.usize(..count)),
        20 | 21 => Fault::Heal,
        22 => Fault::Full(whom),
        23 => Fault::Stuck(whom),
        24 | 25 => Fault::DisksWell,
        26 => Fault::FailSync(whom),
        27 => Fault::FlipBit(whom),
        28 => Fault::LoseDisk(whom),
        29 | 30 => Fault::Snapshot(whom),
        31 => Fault::Restore(whom),
        32 => Fault::Jump(whom, rng.i64(-100_000..100_000)),
        _ => Fault::Drift(whom, rng.i64(-400..400)),
    }
}

fn growth(rng: &mut fastrand::Rng, count: usize) -> Fault {
    if rng.bool() { Fault::Admit(rng.usize(..count)) } else { Fault::Dismiss(whom(rng, count)) }
}

/// Trouble at the coordinator is the most interesting.
fn whom(rng: &mut fastrand::Rng, count: usize) -> Whom {
    let number = rng.usize(..count);
    if rng.u8(..3) == 0 { Whom::Coordinator(number) } else { Whom::Servidor(number) }
}

fn point(rng: &mut fastrand::Rng) -> Point {
    match rng.u8(..9) {
        0 | 1 => Point::AtOnce,
        2 => Point::BeforePersist,
        3 => Point::BeforeSync,
        4 => Point::DuringSync,
        5 => Point::AfterSync,
        6 => Point::BeforeActing,
        _ => Point::AmidOutputs(rng.usize(..6)),
    }
}
