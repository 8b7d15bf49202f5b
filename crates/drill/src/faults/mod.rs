//! Every fault that can be caused, a module for each family.
//!
//! A fault is a function from what there is to a plan: it asks nobody and does nothing, so that a plan can be shown, tested and
//! refused.

mod choose;
mod control;
mod disk;
mod grow;
mod kill;
mod node;
mod partition;
mod process;
mod rollout;
mod scale;

use crate::options::Options;
use crate::plan::Plan;
use crate::snapshot::Snapshot;
use crate::stop::Stop;

/// A drill that can be held.
#[derive(Clone, Copy)]
pub struct Drill {
    /// Its name.
    pub name: &'static str,
    /// What it does, in a line.
    pub about: &'static str,
    /// What must be there for it besides the chat itself; empty for nothing.
    pub needs: &'static str,
    /// What is to be looked at for it besides what every drill looks at.
    pub looks_at: LooksAt,
    /// What must come out for the drill to be right.
    pub meant_to: Outcome,
    /// Chooses targets and says what will be done.
    pub plan: fn(&Snapshot, &Options) -> Result<Plan, Stop>,
}

/// What a drill has to know besides what every drill knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LooksAt {
    /// Nothing.
    Nothing,
    /// What the drill hooks of the servidores say.
    Hooks,
    /// Which network policies allow something.
    Policies,
    /// Which nodes take a servidor, where each wants one of its own.
    Nodes,
    /// All of these: to see which drills could be held.
    Everything,
}

/// What a drill is meant to show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The promises hold.
    Pass,
    /// The checker sees that they do not: a negative control.
    Fail,
}

const HOOKS: &str = "drill hooks (drillHooks.enabled)";
const NODES: &str = "--node-off and --node-on";

/// All of them, mild ones first.
pub const DRILLS: &[Drill] = &[
    drill("control-none", "does nothing: what a load sees of a system that is left alone", "", control::none),
    drill("follower-kill", "deletes the pod of a servidor that follows, without grace", "", kill::follower),
    drill("leader-kill", "deletes the pod of the servidor that coordinates, without grace", "", kill::leader),
    drill("lagging-kill", "deletes the pod of the servidor that is furthest behind", "", kill::lagging),
    hooked("process-kill", "has the coordinator's process killed in its pod", process::kill),
    hooked(
        "freeze",
        "holds every thread of the coordinator for a while, then lets it go on",
        process::freeze,
    ),
    drill("minority-kill", "deletes as many servidores at once as may be lost", "", kill::minority),
    drill(
        "majority-kill",
        "deletes one servidor more than may be lost, at once",
        "--allow-majority-loss",
        kill::majority,
    ),
    drill("broker-kill", "deletes a broker", "", kill::broker),
    drill("proxy-kill", "deletes a proxy", "", kill::proxy),
    drill("referencia-kill", "deletes the referencia", "", kill::referencia),
    drill(
        "all-front-kill",
        "deletes all brokers, all proxies and the referencia at once",
        "",
        kill::all_front,
    ),
    drill("disk-loss", "deletes the volume and the pod of a servidor that follows", "volumes", disk::loss),
    drill(
        "disk-full",
        "fills the disk of the coordinator, which has to make way",
        "a disk smaller than --max-fill",
        disk::full,
    ),
    hooked("partition", "cuts the coordinator off from the other servidores", partition::hook),
    Drill {
        looks_at: LooksAt::Policies,
        ..drill(
            "partition-policy",
            "cuts a servidor off by network policies, and deletes it, since open connections stay open",
            "a network that enforces policies",
            partition::policy,
        )
    },
    drill(
        "drain",
        "cordons a node and evicts its pods; more servidores than the budget allows must not be evicted",
        "nodes",
        rollout::drain,
    ),
    drill("rolling-restart", "restarts every servidor, broker and proxy in order", "", rollout::restart),
    drill("bad-rollout", "rolls out an image that cannot be had, then takes it back", "", rollout::bad),
    drill("scale-front", "one broker and one proxy more, then one less", "", scale::front),
    drill("scale-bots", "three bots more, then as many as before", "bots in the chart", scale::bots),
    Drill {
        looks_at: LooksAt::Nodes,
        ..drill(
            "grow-shrink",
            "takes two more servidores in, waits until they count, and dismisses them again",
            "nodes or room for two more",
            grow::shrink,
        )
    },
    drill("node-power", "cuts the power of a follower's node, and switches it on again", NODES, node::power),
    drill("node-cable", "pulls the cable of a follower's node, and plugs it in again", NODES, node::cable),
    Drill {
        looks_at: LooksAt::Hooks,
        meant_to: Outcome::Fail,
        ..drill(
            "control-broken",
            "has all servidores acknowledge before they store, and kills them: must be seen to lose messages",
            "drill hooks, --allow-majority-loss and --allow-message-loss",
            control::broken,
        )
    },
];

const fn drill(
    name: &'static str,
    about: &'static str,
    needs: &'static str,
    plan: fn(&Snapshot, &Options) -> Result<Plan, Stop>,
) -> Drill {
    Drill { name, about, needs, looks_at: LooksAt::Nothing, meant_to: Outcome::Pass, plan }
}

const fn hooked(
    name: &'static str,
    about: &'static str,
    plan: fn(&Snapshot, &Options) -> Result<Plan, Stop>,
) -> Drill {
    Drill { looks_at: LooksAt::Hooks, ..drill(name, about, HOOKS, plan) }
}

/// The drill of that name.
///
/// # Errors
/// [`Stop::Usage`] with what was perhaps meant.
pub fn find(name: &str) -> Result<&'static Drill, Stop> {
    DRILLS
        .iter()
        .find(|drill| drill.name == name)
        .ok_or_else(|| Stop::Usage(format!("there is no drill {name}; `drill list` tells which there are")))
}
