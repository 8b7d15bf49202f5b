//! P9: each servidor knows how far its clock is from the agreed time, and no timestamp runs backwards.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use papo_processes::{Asker, Cluster, Load, LoadOptions, until};
use serde_json::json;

const LIMIT: Duration = Duration::from_secs(30);
const ANSWER: Duration = Duration::from_secs(2);

/// Where a servidor's agreed time may be, relative to this host's clock, in nanoseconds: as exactly as the way there and back tells, and
/// as the servidor itself claims.
#[derive(Clone, Copy, Debug)]
struct Reading {
    earliest: i128,
    latest: i128,
    bound: i128,
}

impl Reading {
    /// `None` while it does not answer, or has no bound.
    fn take(cluster: &Cluster, servidor: &str) -> Option<Self> {
        let mut asker = Asker::new(cluster.servidor_port(servidor));
        // The sample that the bound belongs to may be replaced at any moment.
        let bound_before = bound(&mut asker)?;
        let before = host_time();
        let agreed = asker.ask("clock", &json!({}), ANSWER)?.data["time"].as_i64().map(i128::from)?;
        let (earliest, latest) = (agreed - host_time(), agreed - before);
        Some(Self { earliest, latest, bound: bound(&mut asker)?.max(bound_before) })
    }

    /// Whether both can be right.
    fn agrees_with(&self, other: &Self) -> bool {
        let bounds = self.bound + other.bound;
        self.earliest - bounds <= other.latest && other.earliest - bounds <= self.latest
    }
}

/// `None` from one that knows no time yet.
fn bound(asker: &mut Asker) -> Option<i128> {
    let status = asker.ask("status", &json!({}), ANSWER)?.data;
    let bound = status["clock_bound_ns"].as_i64().map(i128::from)?;
    (status["role"] == "coordinator" || bound > 0).then_some(bound)
}

fn host_time() -> i128 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is later than 1970");
    i128::try_from(since.as_nanos()).expect("the year is not that large")
}

fn readings(cluster: &Cluster) -> Vec<(String, Reading)> {
    let read = |name: String| {
        let reading = until(&format!("{name} knows the time"), LIMIT, || Reading::take(cluster, &name));
        (name, reading)
    };
    cluster.servidores().into_iter().map(read).collect()
}

fn assert_agreement(cluster: &Cluster) {
    let all = readings(cluster);
    for (one, reading) in &all {
        assert!(reading.bound < 1_000_000_000, "a bound of {} ns says nothing: {one}", reading.bound);
        for (other, theirs) in &all {
            assert!(
                reading.agrees_with(theirs),
                "{one} {reading:?} and {other} {theirs:?} cannot both be right"
            );
        }
    }
}

#[test]
fn servidores_tell_the_same_time_within_their_bounds_and_no_message_is_earlier_than_the_one_before() {
    let mut cluster = Cluster::start();
    let load = Load::start(&cluster, &LoadOptions { listen_at: vec![1], ..LoadOptions::default() });
    load.wait_for_more(60);
    assert_agreement(&cluster);
    for _ in 0..2 {
        let coordinator = cluster.coordinator();
        cluster.kill9(&coordinator);
        load.wait_for_more(60);
        cluster.restart(&coordinator);
        cluster.wait_until_whole();
        assert_agreement(&cluster);
    }
    load.wait_for_more(60);
    let ledger = load.finish();
    cluster.assert_kept(&[ledger]);
    for history in cluster.read_back().histories {
        let times: Vec<_> =
            history.records.iter().map(|record| (record.index, record.timestamp.as_str())).collect();
        assert!(times.len() > 200, "{} has all that was said", history.servidor);
        // All are written in one shape, in which the earlier of two is the lesser text.
        let backwards = times.windows(2).find(|pair| pair[0].0 >= pair[1].0 || pair[0].1 > pair[1].1);
        assert_eq!(backwards, None, "of {}", history.servidor);
    }
}
