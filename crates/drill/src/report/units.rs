/// A figure in milliseconds as people read it: `655 ms`, `12.3 s`, `4 min 5 s`.
pub(super) fn span(ms: u64) -> String {
    match ms {
        0..10_000 => format!("{ms} ms"),
        10_000..120_000 => format!("{:.1} s", ms as f64 / 1000.0),
        _ => format!("{} min {} s", ms / 60_000, ms % 60_000 / 1000),
    }
}

/// The same where there may be nothing to tell.
pub(super) fn maybe_span(ms: Option<u64>) -> String {
    ms.map_or_else(|| "–".to_owned(), span)
}

/// A time relative to another, in seconds: `+0.412`, `-10.000`.
pub(super) fn relative(at_ms: u64, origin_ms: u64) -> String {
    let sign = if at_ms < origin_ms { '-' } else { '+' };
    let ms = at_ms.abs_diff(origin_ms);
    format!("{sign}{}.{:03}", ms / 1000, ms % 1000)
}

/// A count with its thousands apart, as in `12 345`.
pub(super) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            text.push('\u{a0}');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_told_in_the_unit_that_suits_them() {
        let told = [0, 655, 9_999, 12_345, 119_999, 245_000].map(span);
        assert_eq!(told, ["0 ms", "655 ms", "9999 ms", "12.3 s", "120.0 s", "4 min 5 s"]);
    }

    #[test]
    fn what_was_before_is_negative() {
        assert_eq!(relative(412, 0), "+0.412");
        assert_eq!(relative(0, 10_000), "-10.000");
        assert_eq!(relative(5, 5), "+0.000");
    }

    #[test]
    fn thousands_stand_apart() {
        let told = [0, 999, 1000, 1_234_567].map(count);
        assert_eq!(told, ["0", "999", "1\u{a0}000", "1\u{a0}234\u{a0}567"]);
    }
}
