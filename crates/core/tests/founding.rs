//! A founder with an empty disk founds a cluster only where there is none.
//!
//! Among servidores that are well it hardly could: before it has listened long enough the coordinator tells it the log. So here
//! the others have a log and no coordinator.

use std::time::Duration;

use papo_core::chat::RULES;
use papo_core::clock::{Instant, Now, WallTime};
use papo_core::log::{Position, Promise};
use papo_core::members::{DiskId, MemberId};
use papo_core::replica::{
    Hello, Input, Message, Output, Recovery, Replica, RequestLimits, Settings, Stored, Timing,
};

#[test]
fn a_founder_that_lost_its_disk_founds_no_second_cluster_however_long_nobody_coordinates() {
    assert!(!founds(Position { epoch: 3, index: 40 }), "the others have a log");
    assert!(founds(Position::default()), "all disks are empty");
}

/// Whether `a`, with an empty disk, founds a cluster while the others greet it for a minute with logs that reach so far.
fn founds(others: Position) -> bool {
    let mut founder = founder();
    let mut now = Now { instant: Instant::ZERO, wall: WallTime::EPOCH };
    let mut founds = false;
    for _ in 0..600 {
        now.instant = now.instant + Duration::from_millis(100);
        for (rank, name) in [(2, "b"), (3, "c")] {
            let from = MemberId { name: name.to_owned(), disk: DiskId(rank) };
            let wall = now.wall;
            let hello = Hello { rank, last: others, promised: 0, rules: RULES, incarnation: rank, wall };
            founder.handle(now, Input::Received { from, cluster: None, message: Message::Hello(hello) });
        }
        founder.handle(now, Input::Tick);
        while let Some(output) = founder.poll_output(now) {
            founds |= matches!(output, Output::Persist { .. });
        }
    }
    founds
}

fn founder() -> Replica {
    let settings = Settings {
        name: "a".to_owned(),
        genesis: ["a", "b", "c"].map(str::to_owned).to_vec(),
        session_key: [7; 32],
        seed: 1,
        timing: Timing::default(),
        limits: RequestLimits::default(),
    };
    let stored = Stored { disk: DiskId(1), promise: Promise::default(), committed: 0 };
    let now = Now { instant: Instant::ZERO, wall: WallTime::EPOCH };
    Recovery::new(settings, stored).finish(now)
}
