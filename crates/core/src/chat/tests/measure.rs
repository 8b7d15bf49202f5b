//! Measurements, not promises: `cargo test --release -p papo-core chat::tests::measure -- --ignored --nocapture`.

use std::time::Instant;

use super::support::*;
use crate::chat::ChatState;
use crate::chat::fingerprint::Fingerprint;

#[test]
#[ignore = "a measurement"]
fn what_applying_a_million_messages_costs() {
    const COUNT: u64 = 1_000_000;
    let mut writer = Writer::founded();
    let mut state = ChatState::new();
    for room in 0..100 {
        writer.write("ana", None, channel(&format!("canal-{room}")));
    }
    let text = "x".repeat(100);
    for number in 0..COUNT {
        let room = format!("canal-{}", number % 100);
        writer.write("ana", client_id(&format!("request-{number:08}")), publish("ana", &room, &text));
    }

    let started = Instant::now();
    let fingerprints: Vec<_> = writer.log.iter().map(Fingerprint::of).collect();
    let hashing = started.elapsed();

    let started = Instant::now();
    let mut slowest = std::time::Duration::ZERO;
    for (entry, fingerprint) in writer.log.iter().zip(&fingerprints) {
        let began = Instant::now();
        std::hint::black_box(state.apply_keyed(entry, fingerprint));
        slowest = slowest.max(began.elapsed());
    }
    let applying = started.elapsed();

    let started = Instant::now();
    let known = fingerprints.iter().filter_map(|f| f.key).filter(|key| state.recall(key).is_some()).count();
    let recalling = started.elapsed();
    assert_eq!(known as u64, COUNT);

    println!(
        "fingerprint {} ns, apply_keyed {} ns (slowest {slowest:?}), recall {} ns, {} bytes an id",
        hashing.as_nanos() / u128::from(COUNT),
        applying.as_nanos() / u128::from(COUNT),
        recalling.as_nanos() / u128::from(COUNT),
        state.recent.bytes() / state.remembered_ids(),
    );
}
