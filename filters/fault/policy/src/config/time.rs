//! Points in time, and times of the week. All are in UTC.

use core::fmt;
use std::str::FromStr;
use tollgate_policy::{Config, UnixNanos};

/// A point in time, in the notation of RFC 3339: `2026-12-24T18:00:00Z`, `2026-12-24T19:00:00+01:00`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Config)]
#[config(text(
    expected = "a time such as `2026-12-24T18:00:00Z`",
    pattern = "^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(\\.[0-9]{1,9})?([Zz]|[+-][0-9]{2}:[0-9]{2})$"
), blank = Self(UnixNanos(0)))]
pub struct Timestamp(pub UnixNanos);

/// A time of the day, such as `09:30`. `24:00` is the end of the day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Config)]
#[config(text(
    expected = "a time of the day such as `09:30`",
    pattern = "^([01][0-9]|2[0-3]):[0-5][0-9]$|^24:00$"
), blank = Self(0))]
pub struct TimeOfDay(pub u32);

/// A day of the week.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Config)]
pub enum Day {
    /// Monday.
    #[default]
    Mon,
    /// Tuesday.
    Tue,
    /// Wednesday.
    Wed,
    /// Thursday.
    Thu,
    /// Friday.
    Fri,
    /// Saturday.
    Sat,
    /// Sunday.
    Sun,
}

/// A time of the week, in UTC.
#[derive(Clone, Debug, Config)]
#[config(default)]
pub struct Period {
    /// Days on which it begins. Default: every day.
    pub days: Vec<Day>,
    /// Beginning. Default: `00:00`.
    pub from: TimeOfDay,
    /// End. If it is before the beginning, the period ends on the next day. Default: `24:00`.
    pub until: TimeOfDay,
}

impl Default for Period {
    fn default() -> Self {
        Self { days: Vec::new(), from: TimeOfDay(0), until: TimeOfDay(DAY) }
    }
}

/// Length of a day in minutes.
const DAY: u32 = 24 * 60;

impl Period {
    /// Returns whether the period contains a time.
    pub fn contains(&self, now: UnixNanos) -> bool {
        let minutes = now.0 / 60_000_000_000;
        let (day, minute) = (minutes / u64::from(DAY), (minutes % u64::from(DAY)) as u32);
        let on = |day: u64| {
            // 1970-01-01 was a Thursday, the fourth day.
            let index = (day.wrapping_add(3) % 7) as usize;
            self.days.is_empty() || self.days.iter().any(|other| *other as usize == index)
        };
        let Self { from: TimeOfDay(from), until: TimeOfDay(until), .. } = *self;
        if from < until {
            on(day) && (from..until).contains(&minute)
        } else {
            (on(day) && minute >= from) || (on(day.wrapping_sub(1)) && minute < until)
        }
    }
}

/// A text that is not a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidTime {
    text: String,
    expected: &'static str,
}

impl fmt::Display for InvalidTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is not {}", self.text.escape_debug(), self.expected)
    }
}

impl FromStr for TimeOfDay {
    type Err = InvalidTime;

    fn from_str(text: &str) -> Result<Self, InvalidTime> {
        let invalid = || InvalidTime { text: text.into(), expected: "a time of the day such as `09:30`" };
        let [a, b, b':', c, d] = *text.as_bytes() else { return Err(invalid()) };
        let minutes = number(&[a, b]).zip(number(&[c, d])).filter(|(_, minutes)| *minutes < 60);
        let minutes = minutes.map(|(hours, minutes)| hours * 60 + minutes);
        minutes.filter(|minutes| *minutes <= DAY).map(Self).ok_or_else(invalid)
    }
}

impl FromStr for Timestamp {
    type Err = InvalidTime;

    fn from_str(text: &str) -> Result<Self, InvalidTime> {
        let invalid = || InvalidTime { text: text.into(), expected: "a time such as `2026-12-24T18:00:00Z`" };
        timestamp(text.as_bytes()).map(|nanos| Self(UnixNanos(nanos))).ok_or_else(invalid)
    }
}

/// Returns a number of decimal digits.
fn number(digits: &[u8]) -> Option<u32> {
    if digits.is_empty() || digits.len() > 9 {
        return None;
    }
    digits
        .iter()
        .try_fold(0u32, |sum, digit| digit.is_ascii_digit().then(|| sum * 10 + u32::from(digit - b'0')))
}

/// Parses RFC 3339, section 5.6. Returns nanoseconds since the Unix epoch.
fn timestamp(text: &[u8]) -> Option<u64> {
    let (date, rest) = text.split_at_checked(10)?;
    let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = *date else { return None };
    let (year, month, day) = (number(&[y1, y2, y3, y4])?, number(&[m1, m2])?, number(&[d1, d2])?);
    let (time, rest) = rest.split_at_checked(9)?;
    let [b'T' | b't', h1, h2, b':', n1, n2, b':', s1, s2] = *time else { return None };
    let (hour, minute, second) = (number(&[h1, h2])?, number(&[n1, n2])?, number(&[s1, s2])?);
    if !(1970..=2500).contains(&year) || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let days = days(year, month, day)?;
    let digits =
        rest.strip_prefix(b".").map_or(0, |rest| rest.iter().take_while(|b| b.is_ascii_digit()).count());
    let (nanos, zone) = match rest.strip_prefix(b".") {
        Some(rest) => {
            let (fraction, zone) = rest.split_at_checked(digits)?;
            (u64::from(number(fraction)?) * 10u64.pow(9 - fraction.len() as u32), zone)
        }
        None => (0, rest),
    };
    let offset = match *zone {
        [b'Z' | b'z'] => 0,
        [sign @ (b'+' | b'-'), h1, h2, b':', m1, m2] => {
            let (hours, minutes) = (number(&[h1, h2])?, number(&[m1, m2])?);
            if hours > 23 || minutes > 59 {
                return None;
            }
            let seconds = i64::from(hours * 3600 + minutes * 60);
            if sign == b'+' { seconds } else { -seconds }
        }
        _ => return None,
    };
    let seconds = i64::from(days) * 86_400 + i64::from(hour * 3600 + minute * 60 + second) - offset;
    u64::try_from(seconds).ok()?.checked_mul(1_000_000_000)?.checked_add(nanos)
}

/// Returns the days since 1970-01-01.
fn days(year: u32, month: u32, day: u32) -> Option<u32> {
    let is_leap =
        |year: u32| year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let lengths = [31, if is_leap(year) { 29 } else { 28 }, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let month = (month as usize).checked_sub(1)?;
    let length = *lengths.get(month)?;
    if day == 0 || day > length {
        return None;
    }
    let years: u32 = (1970..year).map(|year| if is_leap(year) { 366 } else { 365 }).sum();
    Some(years + lengths.iter().take(month).sum::<u32>() + day - 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(text: &str) -> UnixNanos {
        text.parse::<Timestamp>().unwrap().0
    }

    #[test]
    fn reads_times_of_rfc_3339() {
        // Seconds by `date -u -d .. +%s`.
        for (text, seconds) in [
            ("1970-01-01T00:00:00Z", 0),
            ("2026-12-24T18:00:00Z", 1_798_135_200),
            ("2026-12-24T19:30:00+01:30", 1_798_135_200),
            ("2026-12-24t12:00:00-06:00", 1_798_135_200),
            ("2024-02-29T23:59:59z", 1_709_251_199),
            ("2100-03-01T00:00:00Z", 4_107_542_400),
        ] {
            assert_eq!(at(text).0, seconds * 1_000_000_000, "{text}");
        }
        assert_eq!(at("1970-01-01T00:00:01.5Z").0, 1_500_000_000);
    }

    #[test]
    fn rejects_other_texts() {
        for text in [
            "",
            "2026-12-24",
            "2026-12-24 18:00:00Z",
            "2026-12-24T18:00:00",
            "2026-12-24T18:00Z",
            "2026-13-24T18:00:00Z",
            "2026-02-29T18:00:00Z",
            "2026-12-00T18:00:00Z",
            "2026-12-24T24:00:00Z",
            "2026-12-24T18:60:00Z",
            "2026-12-24T18:00:00.Z",
            "2026-12-24T18:00:00.1234567890Z",
            "2026-12-24T18:00:00+1:00",
            "2026-12-24T18:00:00+01:60",
            "1969-12-31T23:59:59Z",
            "1970-01-01T00:00:00+00:01",
            "2026-12-24T18:00:00ZZ",
            "+026-12-24T18:00:00Z",
        ] {
            let error = text.parse::<Timestamp>().unwrap_err().to_string();
            assert_eq!(error, format!("`{text}` is not a time such as `2026-12-24T18:00:00Z`"));
        }
        for text in ["9:30", "09:60", "24:01", "0930", "09-30", "09:3a"] {
            assert!(text.parse::<TimeOfDay>().is_err(), "{text}");
        }
    }

    fn period(json: &str) -> Period {
        tollgate_policy::config::parse(json).unwrap()
    }

    #[test]
    fn a_period_contains_times_of_its_days() {
        let office = period(r#"{"days": ["mon", "fri"], "from": "09:00", "until": "17:00"}"#);
        // 2026-12-25 is a Friday.
        for (time, expected) in [
            ("2026-12-25T09:00:00Z", true),
            ("2026-12-25T08:59:59Z", false),
            ("2026-12-25T16:59:59Z", true),
            ("2026-12-25T17:00:00Z", false),
            ("2026-12-26T12:00:00Z", false),
            ("2026-12-28T12:00:00Z", true),
        ] {
            assert_eq!(office.contains(at(time)), expected, "{time}");
        }
    }

    #[test]
    fn a_period_can_end_on_the_next_day() {
        let night = period(r#"{"days": ["fri"], "from": "22:00", "until": "02:00"}"#);
        for (time, expected) in [
            ("2026-12-25T21:59:59Z", false),
            ("2026-12-25T22:00:00Z", true),
            ("2026-12-26T01:59:59Z", true),
            ("2026-12-26T02:00:00Z", false),
            ("2026-12-25T01:00:00Z", false),
        ] {
            assert_eq!(night.contains(at(time)), expected, "{time}");
        }
    }

    #[test]
    fn a_period_without_fields_is_always() {
        assert!(period("{}").contains(UnixNanos(0)) && period("{}").contains(UnixNanos(u64::MAX)));
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_rejected(text in "[0-9TZ:.+-]{0,40}", any in ".{0,40}") {
            let _ = (text.parse::<Timestamp>(), any.parse::<Timestamp>(), any.parse::<TimeOfDay>());
        }
    }
}
