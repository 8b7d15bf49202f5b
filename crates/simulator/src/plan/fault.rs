//! What can go wrong.

use serde::{Deserialize, Serialize};

/// A fault and its time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Planned {
    /// When, in microseconds.
    pub at: u64,
    /// What.
    pub fault: Fault,
}

/// Whom a fault hits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Whom {
    /// Whoever coordinates then, or this one if nobody does.
    Coordinator(usize),
    /// This one.
    Servidor(usize),
}

/// At which point of its work a process is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Point {
    /// At once, whatever it does.
    AtOnce,
    /// When it is about to queue its next write.
    BeforePersist,
    /// With a write queued, before the disk begins.
    BeforeSync,
    /// While the disk syncs.
    DuringSync,
    /// When the disk is done and the process has not heard of it.
    AfterSync,
    /// When the process has heard of it, and has not acted on it.
    BeforeActing,
    /// After so many more of the things it is to do.
    AmidOutputs(usize),
}

/// Something that goes wrong, or is made good. Where it makes no sense at the moment (a start of what runs, the loss of a disk
/// that would cost the majority), nothing happens.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Fault {
    /// SIGKILL and power failure.
    Crash(Whom, Point),
    /// All of them at once.
    CrashAll,
    /// The process is started.
    Start(Whom),
    /// All that are down are started.
    StartAll,
    /// SIGSTOP.
    Pause(Whom),
    /// SIGCONT.
    Resume(Whom),
    /// SIGCONT for all.
    ResumeAll,
    /// From now on it takes up to so many microseconds more to look at what came; 0 for none.
    Slow(Whom, u64),
    /// SIGTERM.
    Stop(Whom),
    /// It comes back under another address, which the others learn within so many microseconds.
    Move(Whom, u64),
    /// Nothing passes from the first to the second.
    Cut(Whom, usize),
    /// It is cut off from everybody.
    Isolate(Whom),
    /// These are cut off from the others.
    Split(Vec<usize>),
    /// What goes from the first to the second waits.
    Jam(Whom, usize),
    /// All cuts end, and what waits on jammed links arrives.
    Heal,
    /// The disk takes no writes, and says so.
    Full(Whom),
    /// The disk takes no writes, and says nothing.
    Stuck(Whom),
    /// All disks are well.
    DisksWell,
    /// The next sync fails.
    FailSync(Whom),
    /// A bit flips: at the next start the disk is refused, and after that replaced.
    FlipBit(Whom),
    /// The disk is lost, and replaced by an empty one.
    LoseDisk(Whom),
    /// A copy of the disk is kept.
    Snapshot(Whom),
    /// The disk is replaced by the copy kept of it, under a new identity.
    Restore(Whom),
    /// The wall clock is moved by so many milliseconds.
    Jump(Whom, i64),
    /// A broker is killed, and comes back after so many microseconds.
    KillBroker(usize, u64),
    /// A proxy is killed, and comes back after so many microseconds.
    KillProxy(usize, u64),
    /// The referencia is killed, and comes back after so many microseconds.
    KillReferencia(u64),
    /// Nothing passes between a broker and these servidores, for so many microseconds.
    CutBroker(usize, Vec<usize>, u64),
    /// Nothing passes from these servidores to a proxy, for so many microseconds.
    CutProxy(usize, Vec<usize>, u64),
    /// People admit it.
    Admit(usize),
    /// People dismiss it.
    Dismiss(Whom),
    /// So many requests at once: writes, repeats of one write, and reads of what is not there yet.
    Flood(Whom, usize),
    /// Both clocks are fast by so many parts per million from now on.
    Drift(Whom, i64),
}
