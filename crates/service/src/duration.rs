//! Spans of time as people write them in settings.

use std::time::Duration;

/// Reads `250ms`, `5s`, `2m` or `1h`: a whole number and its unit. For `#[arg(value_parser = papo_service::duration)]`.
pub fn duration(text: &str) -> Result<Duration, String> {
    const RIGHT: &str = "a whole number and its unit, as in 250ms, 5s, 2m or 1h";
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().map_err(|_| RIGHT.to_owned())?;
    let millis = match unit {
        "ms" => Some(number),
        "s" => number.checked_mul(1_000),
        "m" => number.checked_mul(60_000),
        "h" => number.checked_mul(3_600_000),
        _ => return Err(RIGHT.to_owned()),
    };
    millis.map(Duration::from_millis).ok_or_else(|| "too long".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_unit_is_read() {
        assert_eq!(duration("250ms"), Ok(Duration::from_millis(250)));
        assert_eq!(duration("5s"), Ok(Duration::from_secs(5)));
        assert_eq!(duration("2m"), Ok(Duration::from_secs(120)));
        assert_eq!(duration("1h"), Ok(Duration::from_secs(3600)));
    }

    #[test]
    fn anything_else_is_told_what_is_right() {
        for wrong in
            ["", "5", "s", "-1s", "1.5s", "5 s", "5d", "99999999999999999999s", "9999999999999999999h"]
        {
            assert!(duration(wrong).is_err(), "{wrong} was taken");
        }
    }
}
