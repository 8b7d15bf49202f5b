//! Times as text: ISO 8601, read in every shape that the existing clients write, written in one.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::fmt::temporal::DateTimePrinter;
use jiff::tz::TimeZone;
use papo_core::clock::WallTime;

static PRINTER: DateTimePrinter = DateTimePrinter::new().precision(Some(6));

/// Reads a time such as `2025-11-03T21:14:07.123456` (without a zone: UTC), `2025-11-03T21:14:07.123Z` or
/// `2025-11-03T18:14:07-03:00`.
///
/// `None` for all that is no time, or lies outside the years 1970 to 9998: a sender's time is told, never trusted, and
/// what cannot be read is treated like one that was not sent.
pub fn parse(text: &str) -> Option<WallTime> {
    let time = match text.parse::<Timestamp>() {
        Ok(time) => time,
        Err(_) => text.parse::<DateTime>().ok()?.to_zoned(TimeZone::UTC).ok()?.timestamp(),
    };
    // An i64 of nanoseconds ends in 2262.
    let nanos = i64::try_from(time.as_nanosecond()).ok()?;
    (nanos >= 0).then(|| WallTime::from_nanos(nanos))
}

/// Writes a time in UTC with microseconds: `2025-11-03T21:14:07.123456Z`.
pub fn format(time: WallTime) -> String {
    let mut text = String::with_capacity(27);
    let time = Timestamp::from_nanosecond(i128::from(time.as_nanos())).expect("64 bits of nanoseconds fit");
    PRINTER.print_timestamp(&time, &mut text).expect("writing into a String cannot fail");
    text
}
