//! P9: timestamps never run backwards, and no wrong clock drags the chat along.

use papo_core::log::Entry;

use super::{Check, broken};

const P: &str = "P9 clock";

/// `entry` follows `before` in the log.
///
/// # Errors
/// If it is from an earlier time.
pub fn follows(before: &Entry, entry: &Entry) -> Check {
    if entry.time < before.time {
        return broken(P, format!("time runs backwards from {} to {}", before.index, entry.index));
    }
    Ok(())
}

/// `entry` was ordered when the true time was near `truth`, in nanoseconds.
///
/// # Errors
/// If it is further from that than any clock but a wrong one.
pub fn near(entry: &Entry, truth: i64, within: i64) -> Check {
    let off = entry.time.as_nanos().abs_diff(truth);
    if off > within.unsigned_abs() {
        return broken(
            P,
            format!("one wrong clock was believed: {} is off by {} s", entry.index, off / 1_000_000_000),
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::testing::{entry, sentence};
    use super::*;

    #[test]
    fn time_that_runs_backwards_or_away_is_found() {
        assert_eq!(follows(&entry(1, 1, 1, 5), &entry(2, 1, 2, 5)), Ok(()));
        assert!(sentence(follows(&entry(1, 1, 1, 5), &entry(2, 1, 2, 4))).contains("backwards from 1 to 2"));
        assert_eq!(near(&entry(1, 1, 1, 5), 7, 3), Ok(()));
        assert!(sentence(near(&entry(1, 1, 1, 5_000_000_000), 1, 3)).contains("off by 4 s"));
    }
}
