//! Points in time and time spans.

use crate::Value;
use crate::error::Failure;

const NANOS: i64 = 1_000_000_000;
const DAY: i64 = 86_400;
/// The year 1.
const FIRST: i64 = -62_135_596_800;
/// The end of the year 9999.
const LAST: i64 = 253_402_300_799;

/// A point in time in the years 1 to 9999, in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp {
    seconds: i64,
    nanos: u32,
}

impl Timestamp {
    /// Returns the time that is `seconds` and `nanos` after the Unix epoch. `nanos` may exceed a second.
    pub fn from_unix(seconds: i64, nanos: u32) -> Option<Self> {
        let carry = i64::from(nanos) / NANOS;
        let seconds = seconds.checked_add(carry).filter(|seconds| (FIRST..=LAST).contains(seconds))?;
        Some(Self { seconds, nanos: nanos % 1_000_000_000 })
    }

    /// Returns the whole seconds since the Unix epoch.
    pub fn seconds(self) -> i64 {
        self.seconds
    }

    pub(crate) fn add(self, nanos: i64) -> Option<Self> {
        let sum = i64::from(self.nanos) + nanos.rem_euclid(NANOS);
        let seconds = self.seconds.checked_add(nanos.div_euclid(NANOS))?;
        Self::from_unix(seconds, u32::try_from(sum).ok()?)
    }

    pub(crate) fn since(self, earlier: Self) -> Option<i64> {
        let seconds = self.seconds.checked_sub(earlier.seconds)?.checked_mul(NANOS)?;
        seconds.checked_add(i64::from(self.nanos) - i64::from(earlier.nanos))
    }

    /// Parses RFC 3339.
    #[inline(never)]
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut rest = Digits(text);
        let year = rest.number(4)?;
        let month = rest.symbol(&['-'])?.number(2)?;
        let day = rest.symbol(&['-'])?.number(2)?;
        let hour = rest.symbol(&['T', 't'])?.number(2)?;
        let minute = rest.symbol(&[':'])?.number(2)?;
        let second = rest.symbol(&[':'])?.number(2)?;
        let mut nanos = 0;
        if rest.symbol(&['.']).is_some() {
            let mut unit = NANOS;
            while let Some(digit) = rest.number(1) {
                unit /= 10;
                nanos += digit * unit;
            }
            // No digit, or more than nine of them.
            if unit == NANOS || unit == 0 {
                return None;
            }
        }
        let offset = if matches!(rest.0, "Z" | "z") { 0 } else { offset(rest.0)? };
        let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        let days = match month {
            2 if leap => 29,
            2 => 28,
            4 | 6 | 9 | 11 => 30,
            1..=12 => 31,
            _ => return None,
        };
        if year < 1 || !(1..=days).contains(&day) || hour > 23 || minute > 59 || second > 59 {
            return None;
        }
        let days = days_from_date(year, month, day);
        let seconds = days * DAY + hour * 3600 + minute * 60 + second - offset;
        Self::from_unix(seconds, u32::try_from(nanos).ok()?)
    }

    /// Formats as RFC 3339 in UTC, with as many decimals as needed.
    #[inline(never)]
    pub(crate) fn format(self) -> String {
        let (year, month, day) = date_from_days(self.seconds.div_euclid(DAY));
        let second = self.seconds.rem_euclid(DAY);
        let mut text = String::new();
        for (before, value, width) in [
            ("", year, 4),
            ("-", month, 2),
            ("-", day, 2),
            ("T", second / 3600, 2),
            (":", second / 60 % 60, 2),
            (":", second % 60, 2),
        ] {
            text.push_str(before);
            push_padded(&mut text, value, width);
        }
        push_fraction(&mut text, i64::from(self.nanos));
        text.push('Z');
        text
    }
}

/// A rest of a text, of which numbers are read.
struct Digits<'t>(&'t str);

impl Digits<'_> {
    fn number(&mut self, width: usize) -> Option<i64> {
        let (digits, rest) = self.0.split_at_checked(width)?;
        let value = digits.bytes().all(|digit| digit.is_ascii_digit()).then(|| digits.parse().ok())?;
        self.0 = rest;
        value
    }

    fn symbol(&mut self, accepted: &[char]) -> Option<&mut Self> {
        self.0 = self.0.strip_prefix(accepted)?;
        Some(self)
    }
}

/// Parses the offset of a time zone, `+02:00`, in seconds.
#[inline(never)]
fn offset(text: &str) -> Option<i64> {
    let (sign, digits) = match text.as_bytes().first()? {
        b'-' => (-1, text.get(1..)?),
        b'+' => (1, text.get(1..)?),
        _ => return None,
    };
    let mut digits = Digits(digits);
    let hours = digits.number(2)?;
    let minutes = digits.symbol(&[':'])?.number(2)?;
    (digits.0.is_empty() && hours < 24 && minutes < 60).then_some(sign * (hours * 3600 + minutes * 60))
}

/// Parses a time zone: `UTC`, `+02:00`, `-02:00` or `02:00`.
#[inline(never)]
pub(crate) fn zone(text: &str) -> Option<i64> {
    match text {
        "UTC" | "Etc/UTC" | "GMT" | "Z" => Some(0),
        _ => offset(text).or_else(|| offset(&["+", text].concat())),
    }
}

/// Returns the days since the Unix epoch. Counts years from March, so that the leap day is the last one.
fn days_from_date(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    year * 365 + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) + day_of_year - 719_468
}

/// Returns year, month from 1 and day from 1.
fn date_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day = days.rem_euclid(146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day_of_year = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (year + era * 400 + i64::from(month <= 2), month, day)
}

/// A part of a date, a time or a duration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    FullYear,
    Month,
    Date,
    DayOfMonth,
    DayOfWeek,
    DayOfYear,
    Hours,
    Minutes,
    Seconds,
    Milliseconds,
}

/// Returns a part of a point in time, at an offset in seconds.
#[inline(never)]
pub(crate) fn part(part: Part, time: Timestamp, offset: i64) -> i64 {
    let seconds = time.seconds + offset;
    let days = seconds.div_euclid(DAY);
    let second = seconds.rem_euclid(DAY);
    let (year, month, day) = date_from_days(days);
    match part {
        Part::FullYear => year,
        Part::Month => month - 1,
        Part::Date => day,
        Part::DayOfMonth => day - 1,
        // The Unix epoch was a Thursday.
        Part::DayOfWeek => (days + 4).rem_euclid(7),
        Part::DayOfYear => days - days_from_date(year, 1, 1),
        Part::Hours => second / 3600,
        Part::Minutes => second / 60 % 60,
        Part::Seconds => second % 60,
        Part::Milliseconds => i64::from(time.nanos) / 1_000_000,
    }
}

/// Returns a duration in a unit. Only its milliseconds are a part.
pub(crate) fn part_of_duration(part: Part, nanos: i64) -> Result<Value, Failure> {
    Ok(Value::Int(match part {
        Part::Hours => nanos / (3600 * NANOS),
        Part::Minutes => nanos / (60 * NANOS),
        Part::Seconds => nanos / NANOS,
        Part::Milliseconds => nanos % NANOS / 1_000_000,
        _ => return Err(Failure::NO_SUCH_OVERLOAD),
    }))
}

/// Parses a duration in the notation of Go: `1h30m`, `-1.5s`.
#[inline(never)]
pub(crate) fn parse_duration(text: &str) -> Option<i64> {
    let (sign, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Some(0);
    }
    let mut nanos: i64 = 0;
    loop {
        let (number, after) = rest.split_at(rest.find(|c: char| !matches!(c, '0'..='9' | '.'))?);
        let (unit, after) = after.split_at(
            after.find(['.', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9']).unwrap_or(after.len()),
        );
        let scale: i64 = match unit {
            "ns" => 1,
            "us" | "µs" | "μs" => 1_000,
            "ms" => 1_000_000,
            "s" => NANOS,
            "m" => 60 * NANOS,
            "h" => 3600 * NANOS,
            _ => return None,
        };
        let (whole, decimals) = number.split_once('.').unwrap_or((number, ""));
        if whole.is_empty() && decimals.is_empty() || decimals.contains('.') {
            return None;
        }
        let whole: i64 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
        nanos = nanos.checked_add(sign * whole.checked_mul(scale)?)?;
        let mut unit = scale;
        for digit in decimals.bytes() {
            // Less than a nanosecond is cut off.
            unit /= 10;
            nanos = nanos.checked_add(sign * i64::from(digit - b'0') * unit)?;
        }
        if after.is_empty() {
            return Some(nanos);
        }
        rest = after;
    }
}

/// Formats a duration in seconds: `90s`, `-1.5s`.
#[inline(never)]
pub(crate) fn format_duration(nanos: i64) -> String {
    let mut text = String::from(if nanos < 0 { "-" } else { "" });
    let nanos = nanos.unsigned_abs();
    let unit = NANOS.unsigned_abs();
    text.push_str(&(nanos / unit).to_string());
    push_fraction(&mut text, i64::try_from(nanos % unit).unwrap_or_default());
    text.push('s');
    text
}

fn push_padded(text: &mut String, value: i64, width: usize) {
    let digits = value.to_string();
    for _ in digits.len()..width {
        text.push('0');
    }
    text.push_str(&digits);
}

fn push_fraction(text: &mut String, nanos: i64) {
    if nanos > 0 {
        text.push('.');
        push_padded(text, nanos, 9);
        text.truncate(text.trim_end_matches('0').len());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn parses_rfc_3339() {
        for (text, seconds, nanos) in [
            ("1970-01-01T00:00:00Z", 0, 0),
            ("2009-02-13T23:31:30Z", 1_234_567_890, 0),
            ("2009-02-13T23:31:30.5+01:00", 1_234_564_290, 500_000_000),
            ("2000-02-29T00:00:00-00:30", 951_784_200, 0),
            ("0001-01-01T00:00:00Z", FIRST, 0),
            ("9999-12-31T23:59:59.999999999Z", LAST, 999_999_999),
            ("1969-12-31T23:59:59.25Z", -1, 250_000_000),
        ] {
            assert_eq!(Timestamp::parse(text), Some(Timestamp { seconds, nanos }), "{text}");
        }
        for text in [
            "",
            "1970-01-01",
            "1970-01-01 00:00:00Z",
            "1970-01-01T00:00:00",
            "1970-13-01T00:00:00Z",
            "1970-02-29T00:00:00Z",
            "1900-02-29T00:00:00Z",
            "1970-01-00T00:00:00Z",
            "1970-01-01T24:00:00Z",
            "1970-01-01T00:60:00Z",
            "1970-01-01T00:00:60Z",
            "1970-01-01T00:00:00.Z",
            "1970-01-01T00:00:00.0000000000Z",
            "1970-01-01T00:00:00+1:00",
            "1970-01-01T00:00:00ZZ",
            "0000-01-01T00:00:00Z",
            "0001-01-01T00:00:00+01:00",
            "197é-01-01T00:00:00Z",
            "+970-01-01T00:00:00Z",
        ] {
            assert_eq!(Timestamp::parse(text), None, "{text}");
        }
    }

    #[test]
    fn parses_durations() {
        for (text, nanos) in [
            ("0", 0),
            ("1s", NANOS),
            ("-1.5s", -1_500_000_000),
            ("1h30m", 5400 * NANOS),
            (".5s", 500_000_000),
            ("1.s", NANOS),
            ("1us1ns", 1001),
            ("9223372036s", 9_223_372_036 * NANOS),
            ("-9223372036.854775808s", i64::MIN),
        ] {
            assert_eq!(parse_duration(text), Some(nanos), "{text}");
        }
        for text in ["", "1", "s", ".s", "1..5s", "1 s", "1d", "9223372037s", "--1s", "1.5.5s", "1h3"] {
            assert_eq!(parse_duration(text), None, "{text}");
        }
    }

    #[test]
    fn parses_zones() {
        for (text, seconds) in [("UTC", 0), ("+02:00", 7200), ("-08:30", -30600), ("02:00", 7200)] {
            assert_eq!(zone(text), Some(seconds));
        }
        for text in ["", "Europe/Berlin", "+2:00", "+24:00", "+02:60", "+-02:00", "é"] {
            assert_eq!(zone(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn parses_formatted_times(seconds in FIRST..=LAST, nanos in 0..1_000_000_000u32) {
            let time = Timestamp { seconds, nanos };
            prop_assert_eq!(Timestamp::parse(&time.format()), Some(time));
        }

        #[test]
        fn parses_formatted_durations(nanos: i64) {
            prop_assert_eq!(parse_duration(&format_duration(nanos)), Some(nanos));
        }

        #[test]
        fn never_panics(text in ".{0,30}") {
            let _ = (Timestamp::parse(&text), parse_duration(&text), zone(&text));
        }

        #[test]
        fn days_follow_each_other(days in -719_000i64..2_900_000) {
            let (year, month, day) = date_from_days(days);
            prop_assert_eq!(days_from_date(year, month, day), days);
            let (_, next_month, next_day) = date_from_days(days + 1);
            prop_assert!(next_day == day + 1 && next_month == month || next_day == 1 && day >= 28);
        }

        #[test]
        fn differences_are_added_again(a in FIRST..=LAST, span in -4_000_000_000_000_000i64..4_000_000_000_000_000) {
            let time = Timestamp::from_unix(a, 1).unwrap();
            if let Some(later) = time.add(span) {
                prop_assert_eq!(later.since(time), Some(span));
            }
        }
    }
}
