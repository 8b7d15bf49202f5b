//! P7: with a majority well, everything goes on.

use std::time::Duration;

use super::{Check, broken};

const P: &str = "P7 availability";

/// Something had to happen within `limit`, and did not.
///
/// # Errors
/// Always.
pub fn late(what: &str, limit: Duration) -> Check {
    broken(P, format!("not within {} ms: {what}", limit.as_millis()))
}

/// A process wants to be woken again and again without time passing.
///
/// # Errors
/// Always.
pub fn busy_loop(who: &str) -> Check {
    broken(P, format!("{who} is a busy loop: its deadline stays in the past"))
}

#[cfg(test)]
mod tests {
    use super::super::testing::sentence;
    use super::*;

    #[test]
    fn what_is_late_is_said() {
        let late = sentence(late("all have their answers", Duration::from_secs(60)));
        assert_eq!(late, "P7 availability: not within 60000 ms: all have their answers");
        assert!(sentence(busy_loop("s1")).contains("s1 is a busy loop"));
    }
}
