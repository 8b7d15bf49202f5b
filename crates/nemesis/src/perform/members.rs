//! A cluster that shrinks and grows, by the command that people use.

use std::ffi::OsStr;
use std::time::Duration;

use super::{Outcome, Undo, proof};
use crate::network::Node;
use crate::papo;
use crate::scrape::metric;
use crate::town::Town;

/// How long a change may take to be agreed while other things are broken.
const PATIENCE: Duration = Duration::from_secs(2);

pub(super) fn dismiss(town: &mut Town, node: Node) -> Result<Undo, Outcome> {
    town.dismissed = true;
    let agreed = members(town, &["dismiss", &node], PATIENCE);
    Ok(Box::new(move |town| {
        let counts = metric(town.http_port(&node), "papo_servidor_member");
        // Where that is not agreed either, it is once everything is healed.
        let admitted = members(town, &["admit", &node], PATIENCE);
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
pub fn want_everybody(town: &mut Town, patience: Duration) -> Result<(), String> {
    if !town.dismissed {
        return Ok(());
    }
    let all = town.shape().servidores().join(",");
    members(town, &["set", &all], patience)
        .map_err(|why| format!("not everybody could be admitted: {why}"))?;
    town.dismissed = false;
    Ok(())
}

fn members(town: &Town, words: &[&str], timeout: Duration) -> Result<String, String> {
    let addresses: Vec<String> = town.reach().servidores.values().map(ToString::to_string).collect();
    let (from, timeout) =
        (format!("--from={}", addresses.join(",")), format!("--timeout={}s", timeout.as_secs()));
    let words = ["members"].iter().chain(words).copied().chain([from.as_str(), "--wait=none", &timeout]);
    papo::run(&words.map(OsStr::new).collect::<Vec<_>>())
}
