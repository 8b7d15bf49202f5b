//! What remembering costs, and that forgetting gives it back.

use crate::chat::Outcome;
use crate::chat::fingerprint::{Digest, RequestKey};
use crate::chat::recent::{Recalled, Recent};
use crate::clock::WallTime;

use super::support::HOUR;

/// Keys that are spread like hashes are.
fn key(number: u64) -> RequestKey {
    let half = |salt: u64| {
        let mut z = number.wrapping_mul(2).wrapping_add(salt).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    };
    RequestKey::from_bits(u128::from(half(0)) << 64 | u128::from(half(1)))
}

fn settled(index: u64) -> Recalled {
    Recalled { index, outcome: Outcome::Done, digest: Digest::from_bits(index) }
}

fn remember(recent: &mut Recent, indices: std::ops::RangeInclusive<u64>, time: WallTime) {
    for index in indices {
        recent.advance(index, time);
        recent.remember(key(index), settled(index));
    }
}

#[test]
fn a_million_ids_are_all_known_at_under_60_bytes_each_however_many_there_are_so_far() {
    let mut recent = Recent::new();
    recent.reseed(b"a key of the cluster");
    let known = 1_000_000;
    for count in (20_000..=known).step_by(20_000) {
        remember(&mut recent, count - 19_999..=count, WallTime::EPOCH);
        let each = recent.bytes() / count as usize;
        assert!(each < 60, "{each} bytes for each of {count} ids");
    }
    assert!((1..=known).all(|index| recent.recall(key(index)) == Some(settled(index))));
    assert!((known + 1..known + 1000).all(|index| recent.recall(key(index)).is_none()));
}

#[test]
fn a_search_takes_few_steps_whether_it_finds_or_not() {
    let mut recent = Recent::new();
    recent.reseed(b"a key of the cluster");
    for count in (20_000..=200_000).step_by(20_000) {
        remember(&mut recent, count - 19_999..=count, WallTime::EPOCH);
        let steps = |keys: std::ops::Range<u64>| keys.map(|number| recent.steps(key(number))).sum::<usize>();
        assert!(steps(1..10_001) < 5 * 10_000);
        assert!(steps(1_000_001..1_010_001) < 20 * 10_000);
    }
}

#[test]
fn a_time_before_that_of_an_earlier_entry_forgets_nothing() {
    let mut recent = Recent::new();
    let noon = WallTime::from_nanos(12 * HOUR);
    remember(&mut recent, 1..=10, noon);
    remember(&mut recent, 11..=20, WallTime::EPOCH);
    recent.advance(21, noon.shifted(24 * HOUR));
    assert!((1..=20).all(|index| recent.recall(key(index)) == Some(settled(index))));
    recent.advance(22, noon.shifted(25 * HOUR));
    assert!((1..=20).all(|index| recent.recall(key(index)).is_none()));
}

#[test]
fn a_day_later_the_memory_is_given_back_little_by_little() {
    let mut recent = Recent::new();
    let half = WallTime::from_nanos(12 * HOUR);
    remember(&mut recent, 1..=50_000, WallTime::EPOCH);
    remember(&mut recent, 50_001..=60_000, half);
    let full = recent.bytes();

    let later = WallTime::from_nanos(25 * HOUR);
    recent.advance(60_001, later);
    assert!((1..=50_000).all(|index| recent.recall(key(index)).is_none()), "forgotten all at once");
    assert!((50_001..=60_000).all(|index| recent.recall(key(index)) == Some(settled(index))));

    for index in 60_002..=62_000 {
        recent.advance(index, later);
    }
    assert_eq!(recent.len(), 10_000);
    assert!(recent.bytes() < full / 3);
    assert!((50_001..=60_000).all(|index| recent.recall(key(index)) == Some(settled(index))));
}

#[test]
fn a_forgotten_id_can_be_used_anew_before_its_slot_was_cleared() {
    let mut recent = Recent::new();
    remember(&mut recent, 1..=5_000, WallTime::EPOCH);
    recent.advance(5_001, WallTime::from_nanos(25 * HOUR));
    for number in 1..=5_000 {
        assert_eq!(recent.recall(key(number)), None);
        recent.remember(key(number), settled(5_001 + number));
        assert_eq!(recent.recall(key(number)), Some(settled(5_001 + number)));
    }
    assert_eq!(recent.len(), 5_000);
}

#[test]
fn a_steady_stream_takes_no_more_memory_on_the_tenth_day_than_on_the_third() {
    let mut recent = Recent::new();
    let mut day = |number: u64| {
        for hour in 0..24 {
            let first = (number * 24 + hour) * 500 + 1;
            let time = WallTime::from_nanos((number * 24 + hour) as i64 * HOUR);
            remember(&mut recent, first..=first + 499, time);
        }
        recent.bytes()
    };
    let third = (0..3).map(&mut day).last().expect("three days");
    let tenth = (3..10).map(&mut day).last().expect("seven days");
    assert!(tenth <= third * 11 / 10, "{third} bytes, then {tenth}");
}

#[test]
fn an_hour_is_remembered_as_one_however_much_is_said_in_it() {
    let mut recent = Recent::new();
    for hour in 0..3 {
        remember(&mut recent, hour * 500 + 1..=hour * 500 + 500, WallTime::from_nanos(hour as i64 * HOUR));
    }
    assert_eq!(recent.hours(), 3);
}

#[test]
fn ids_chosen_to_share_bits_are_spread_all_the_same() {
    let mut recent = Recent::new();
    recent.reseed(b"a key of the cluster");
    for index in 1..=20_000u64 {
        recent.advance(index, WallTime::EPOCH);
        recent.remember(RequestKey::from_bits(u128::from(index) << 100 | 42), settled(index));
    }
    // Were they all in one shard or in one place, the others would take no memory.
    assert!(recent.shards_in_use() > 900);
}
