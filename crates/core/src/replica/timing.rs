use std::time::Duration;

/// Every time span of the protocol, in one place, with its reason.
#[derive(Clone, Debug)]
pub struct Timing {
    /// How often the coordinator says that it is alive.
    pub beacon: Duration,
    /// After so long without committing anything of what it ordered, those who obey a coordinator no longer keep anybody from taking
    /// its place: a majority may hear it and yet be unable to store for it, while another majority could. Well above the time
    /// that a disk or a follower that catches up may take.
    pub stall: Duration,
    /// Silence after which a coordinator is suspected: three lost beacons and some jitter. Also how long a coordinator may
    /// go without the acknowledgements of a majority before it resigns, so that it is never obeyed longer than trusted.
    pub suspicion: Duration,
    /// How long answers to a canvass or to Bully's `election` are waited for. Many round trips of a healthy network; a dead higher
    /// rank costs this much of the pause.
    pub round: Duration,
    /// How long a candidate that was told `OK` waits for the announcement of whoever said so.
    pub announcement: Duration,
    /// Random wait before standing again after a failed attempt, at most.
    pub backoff: Duration,
    /// How long a candidate goes on asking for promises, and taking over a log, before it gives up. More than [`Timing::disk_patience`]:
    /// whoever has a disk that stores its own promise no sooner is stuck by then, and is not waited for again.
    pub candidacy: Duration,
    /// After this long without an answer a request between servidores is sent again.
    pub retry: Duration,
    /// How long what a beacon tells of may still be on its way: beacons and batches travel separately.
    pub on_its_way: Duration,
    /// A write on the disk that takes longer than this means that the disk is stuck. Well above the worst fsync of a busy disk.
    pub disk_patience: Duration,
    /// How often servidores greet each other: bounds how long a new one stays unknown.
    pub hello: Duration,
    /// How often the coordinator is asked for the time, once the first few samples are there.
    pub clock: Duration,
    /// How long a higher rank must have heard its coordinator before it asks for the coordination: a flapping one must not.
    pub stability: Duration,
    /// How long a hand-over may take before the coordinator orders again.
    pub hand_over: Duration,
    /// How long an old disk must have been silent before its servidor's new disk replaces it.
    pub disk_silence: Duration,
    /// How often the coordinator looks whether members should change.
    pub membership: Duration,
    /// How often the last index of active topics is told again.
    pub tips: Duration,
    /// For how long a topic counts as recently active.
    pub tip_memory: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        let ms = Duration::from_millis;
        Self {
            beacon: ms(100),
            stall: ms(5_000),
            suspicion: ms(400),
            round: ms(60),
            announcement: ms(200),
            backoff: ms(150),
            candidacy: ms(2_000),
            retry: ms(250),
            on_its_way: ms(20),
            disk_patience: ms(1_500),
            hello: ms(1_000),
            clock: ms(1_000),
            stability: ms(3_000),
            hand_over: ms(500),
            disk_silence: ms(5_000),
            membership: ms(500),
            tips: ms(1_000),
            tip_memory: ms(10_000),
        }
    }
}
