//! What of the built-in suite is held on an install, and why the rest is not.

use papo_drill::options::Options;
use papo_drill::snapshot::{Scheduling, Snapshot};
use papo_drill::suite::Suite;
use papo_drill::suite::survey::sort_out;

use super::api::Api;
use super::sample::snapshot;

/// As the chart installs it by default on three nodes: no drill hooks, 2 GiB for each servidor, and no two on one node.
fn as_shipped() -> Snapshot {
    let mut snapshot = snapshot();
    snapshot.hooks.clear();
    snapshot.view.servidores.values_mut().flatten().for_each(|status| status.disk_free_bytes = 1_900 << 20);
    let nodes = ["n1", "n2", "n3"].map(str::to_owned);
    snapshot.scheduling = Scheduling { apart: true, nodes: Some(nodes.into()) };
    snapshot
}

/// What is held, and what is not and why.
async fn sorted(api: &Api, snapshot: &Snapshot) -> (Vec<&'static str>, Vec<String>) {
    let base = Options::default();
    let mut suite = Suite::built_in(&base);
    sort_out(&mut suite, &api.connection(), &base, snapshot)
        .await
        .expect("the server says which rights there are");
    let held = suite.drills.iter().map(|one| one.drill.name).collect();
    (held, suite.not_held.iter().map(ToString::to_string).collect())
}

#[tokio::test]
async fn on_an_install_as_it_is_shipped_only_what_it_offers_is_held() {
    let api = Api::start();
    let (held, not_held) = sorted(&api, &as_shipped()).await;
    assert_eq!(
        held,
        [
            "control-none",
            "follower-kill",
            "leader-kill",
            "lagging-kill",
            "minority-kill",
            "broker-kill",
            "proxy-kill",
            "referencia-kill",
            "all-front-kill",
            "disk-loss",
            "partition-policy",
            "drain",
            "rolling-restart",
            "bad-rollout",
            "scale-front",
            "scale-bots",
        ]
    );
    let hooks = "papo-servidor-0 has no drill hooks; install with drillHooks.enabled=true";
    for needs in [
        "majority-kill (needs: --allow-majority-loss)".to_owned(),
        format!("process-kill (needs: {hooks})"),
        format!("freeze (needs: {hooks})"),
        format!("partition (needs: {hooks})"),
        "disk-full (needs: papo-servidor-0 has 1900 MiB free, and no more than 1024 MiB may be filled (--max-fill); a volume \
         without a size of its own fills its node)"
            .to_owned(),
        "grow-shrink (needs: there is no room for 2 more servidores: no two may share a node \
         (servidor.antiAffinity=required), and of the 3 nodes that take one 0 are free)"
            .to_owned(),
    ] {
        assert!(not_held.contains(&format!("not held: {needs}")), "{needs}: {not_held:#?}");
    }
    assert_eq!(api.changes(), Vec::<String>::new());
}

#[tokio::test]
async fn an_account_of_one_namespace_holds_what_it_may() {
    // As the chart's Job without `drill.nodes.enabled`.
    let api = Api::start().denies(&["patch nodes", "get nodes", "list nodes"]);
    let mut snapshot = as_shipped();
    snapshot.scheduling.nodes = None;
    let (held, not_held) = sorted(&api, &snapshot).await;
    assert!(
        held.contains(&"rolling-restart") && !held.contains(&"drain") && !held.contains(&"grow-shrink"),
        "{held:?}"
    );
    let drain = "not held: drain (needs: rights that are missing: patch nodes in the whole cluster)";
    assert!(not_held.iter().any(|one| one == drain), "{not_held:#?}");
}

#[tokio::test]
async fn what_may_be_well_by_then_has_its_turn() {
    let api = Api::start();
    let mut snapshot = as_shipped();
    // The last drill's pod is ready, and Kubernetes has not counted it yet.
    snapshot.budgets[0].allowed = 0;
    let (held, _) = sorted(&api, &snapshot).await;
    assert!(held.contains(&"drain"), "{held:?}");
}
