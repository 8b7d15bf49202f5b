//! Times as text: ISO 8601, read in every shape that the existing clients write, written in one.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::fmt::temporal::DateTimePrinter;
use jiff::tz::TimeZone;
use papo_core::clock::WallTime;

const NANOS_PER_MICRO: i64 = 1_000;

static PRINTER: DateTimePrinter = DateTimePrinter::new().precision(Some(6));

/// Reads a time such as `2025-11-03T21:14:07.123456` (without a zone: UTC), `2025-11-03T21:14:07.123Z` or
/// `2025-11-03T18:14:07-03:00`. What is finer than a microsecond is dropped, since no more than that is ever written:
/// a time that was read means the same wherever it is passed on.
///
/// `None` for all that is no time, or lies outside the years 1970 to 9998: a sender's time is told, never trusted, and
/// what cannot be read is treated like one that was not sent.
pub fn parse(text: &str) -> Option<WallTime> {
    let time = if has_zone(text) {
        text.parse::<Timestamp>().ok()?
    } else {
        TimeZone::UTC.to_timestamp(text.parse::<DateTime>().ok()?).ok()?
    };
    // An i64 of nanoseconds ends in 2262.
    let nanos = i64::try_from(time.as_nanosecond()).ok()?;
    (nanos >= 0).then(|| WallTime::from_nanos(nanos - nanos % NANOS_PER_MICRO))
}

/// Looked up first, since trying one shape after the other would cost every request of the Python client an error.
fn has_zone(text: &str) -> bool {
    const DATE: usize = "2025-11-03".len();
    text.bytes().skip(DATE).any(|byte| matches!(byte, b'Z' | b'z' | b'+' | b'-'))
}

/// Writes a time in UTC with microseconds: `2025-11-03T21:14:07.123456Z`.
pub fn format(time: WallTime) -> String {
    let mut text = String::with_capacity(27);
    let time = Timestamp::from_nanosecond(i128::from(time.as_nanos())).expect("64 bits of nanoseconds fit");
    PRINTER.print_timestamp(&time, &mut text).expect("writing into a String cannot fail");
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// 2025-11-03T21:14:07Z.
    const SECONDS: i64 = 1_762_204_447;

    fn at(nanos: i64) -> Option<WallTime> {
        Some(WallTime::from_nanos(SECONDS * 1_000_000_000 + nanos))
    }

    #[test]
    fn every_shape_that_clients_write_is_read() {
        assert_eq!(parse("2025-11-03T21:14:07.123456"), at(123_456_000), "Python, naive");
        assert_eq!(parse("2025-11-03T21:14:07"), at(0), "Python, naive, on the second");
        assert_eq!(parse("2025-11-03T21:14:07.123456+00:00"), at(123_456_000), "Python, aware");
        assert_eq!(parse("2025-11-03T21:14:07.123Z"), at(123_000_000), "JavaScript");
        assert_eq!(parse("2025-11-03T18:14:07-03:00"), at(0), "Go, RFC3339");
        assert_eq!(parse("2025-11-03T18:14:07.123456789-03:00"), at(123_456_000), "Go, RFC3339Nano");
        assert_eq!(parse("2025-11-03 21:14:07.5"), at(500_000_000), "Python, str()");
    }

    #[test]
    fn what_is_no_time_of_this_age_is_ignored() {
        for text in [
            "",
            "now",
            "1762204447",
            "2025-13-03T21:14:07Z",
            "2025-11-03T25:14:07Z",
            "9999-12-31T23:59:59Z",
            "9999-12-31T23:59:59.999999999",
            "1969-12-31T23:59:59Z",
            "-000001-01-01T00:00:00Z",
            "2025-11-03T21:14:07.123456Z and more",
        ] {
            assert_eq!(parse(text), None, "{text:?}");
        }
        assert_eq!(parse("1970-01-01T00:00:00Z"), Some(WallTime::EPOCH));
    }

    #[test]
    fn times_are_written_in_utc_with_microseconds() {
        assert_eq!(format(WallTime::EPOCH), "1970-01-01T00:00:00.000000Z");
        let time = WallTime::from_nanos(SECONDS * 1_000_000_000 + 123_456_789);
        assert_eq!(format(time), "2025-11-03T21:14:07.123456Z");
    }

    proptest! {
        #[test]
        fn a_time_survives_to_the_microsecond(micros in 0..i64::MAX / 1000) {
            let time = WallTime::from_nanos(micros * 1000);
            prop_assert_eq!(parse(&format(time)), Some(time));
        }

        #[test]
        fn a_time_of_any_precision_is_passed_on_as_it_was_read(nanos in 0..i64::MAX) {
            let text = Timestamp::from_nanosecond(i128::from(nanos)).expect("64 bits of nanoseconds fit").to_string();
            let read = parse(&text).expect("a time of this age");
            prop_assert_eq!(parse(&format(read)), Some(read));
        }

        #[test]
        fn later_times_never_read_earlier(one in 0..i64::MAX, other in 0..i64::MAX) {
            let (earlier, later) = (one.min(other), one.max(other));
            prop_assert!(format(WallTime::from_nanos(earlier)) <= format(WallTime::from_nanos(later)));
        }

        #[test]
        fn any_time_can_be_written(nanos in any::<i64>()) {
            format(WallTime::from_nanos(nanos));
        }

        #[test]
        fn no_text_breaks_the_reading(text in any::<String>()) {
            parse(&text);
        }
    }
}
