//! A cluster that shrinks and grows, by the command that people use.

use std::ffi::OsStr;
use std::time::Duration;

use super::{Outcome, Undo, proof};
use crate::cluster::Cluster;
use crate::network::Node;
use crate::papo;
use crate::scrape::metric;

/// How long a change may take to be agreed while other things are broken.
const PATIENCE: Duration = Duration::from_secs(2);

pub(super) fn dismiss(cluster: &mut Cluster, node: Node) -> Result<Undo, Outcome> {
    cluster.dismissed = true;
    let agreed = members(cluster, &["dismiss", &node], PATIENCE);
    Ok(Box::new(move |cluster| {
        let counts = metric(cluster.http_port(&node), "papo_servidor_member");
        // Where that is not agreed either, it is once everything is healed.
        let admitted = members(cluster, &["admit", &node], PATIENCE);
        let told = |agreed: &Result<String, String>| match agreed {
            Ok(_) => "agreed".to_owned(),
            Err(why) => format!("not agreed, {}", why.lines().last().unwrap_or_default()),
        };
        proof(
            agreed.is_ok() && counts == Some(0.0),
            format!(
                "dismissing was {}; then its member was {counts:?}; admitting was {}",
                told(&agreed),
                told(&admitted)
            ),
        )
    }))
}

/// Everybody is wanted again, if anybody was dismissed. To be called when everything is healed.
///
/// # Errors
/// That was not agreed in time.
pub fn want_everybody(cluster: &mut Cluster, patience: Duration) -> Result<(), String> {
    if !cluster.dismissed {
        return Ok(());
    }
    let all = cluster.shape().servidores().join(",");
    members(cluster, &["set", &all], patience)
        .map_err(|why| format!("not everybody could be admitted: {why}"))?;
    cluster.dismissed = false;
    Ok(())
}

fn members(cluster: &Cluster, words: &[&str], timeout: Duration) -> Result<String, String> {
    let addresses: Vec<String> = cluster.reach().servidores.values().map(ToString::to_string).collect();
    let (from, timeout) =
        (format!("--from={}", addresses.join(",")), format!("--timeout={}s", timeout.as_secs()));
    let words = ["members"].iter().chain(words).copied().chain([from.as_str(), "--wait=none", &timeout]);
    papo::run(&words.map(OsStr::new).collect::<Vec<_>>())
}
