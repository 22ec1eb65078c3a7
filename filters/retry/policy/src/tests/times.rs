//! `grpc-timeout`, `Retry-After` and HTTP dates.

use super::{MS, NOW, SECOND};
use crate::{Latency, parse_grpc_timeout, parse_http_date, parse_retry_after, write_grpc_timeout};
use proptest::prelude::*;

#[test]
fn reads_each_unit_of_grpc_timeout() {
    for (text, nanos) in [
        ("1n", Some(1)),
        ("99999999u", Some(99_999_999_000)),
        ("250m", Some(250 * MS)),
        ("0S", Some(0)),
        ("2S", Some(2 * SECOND)),
        ("3M", Some(180 * SECOND)),
        ("1H", Some(3_600 * SECOND)),
        ("99999999H", None),
        ("123456789n", None),
        ("", None),
        ("S", None),
        ("1", None),
        ("1s", None),
        ("-1S", None),
        ("1.5S", None),
        (" 1S", None),
        ("1S,2S", None),
    ] {
        assert_eq!(parse_grpc_timeout(text.as_bytes()), nanos, "{text}");
    }
}

/// The three formats of RFC 9110 section 5.6.7, and mistakes.
#[test]
fn reads_each_format_of_a_date() {
    for (text, seconds) in [
        ("Sun, 06 Nov 1994 08:49:37 GMT", Some(784_111_777)),
        ("Sunday, 06-Nov-94 08:49:37 GMT", Some(784_111_777)),
        ("Sun Nov  6 08:49:37 1994", Some(784_111_777)),
        ("Thu, 01 Jan 1970 00:00:00 GMT", Some(0)),
        ("Thu, 29 Feb 2024 23:59:60 GMT", Some(1_709_251_200)),
        ("Wed, 29 Feb 2023 00:00:00 GMT", None),
        ("Wed, 29 Feb 2100 00:00:00 GMT", None),
        ("Fri, 31 Dec 9999 23:59:59 GMT", Some(253_402_300_799)),
        ("Wed, 31 Dec 1969 23:59:59 GMT", None),
        ("Sun, 00 Nov 1994 08:49:37 GMT", None),
        ("Sun, 06 Nov 1994 24:00:00 GMT", None),
        ("Sun, 06 Nov 1994 08:49 GMT", None),
        ("Sun, 06 Nov 1994 08:49:37 CET", None),
        ("Son, 06 Nov 1994 08:49:37 GMT", None),
        ("Sun, 06 nov 1994 08:49:37 GMT", None),
        ("06 Nov 1994 08:49:37 GMT", None),
        ("Sunday, 06-Nov-94-1 08:49:37 GMT", None),
        ("", None),
    ] {
        assert_eq!(parse_http_date(text.as_bytes()), seconds, "{text}");
    }
}

#[test]
fn retry_after_is_seconds_or_a_date() {
    // 2023-11-14T22:13:20Z
    for (text, wait) in [
        ("0", Some(0)),
        ("120", Some(120 * SECOND)),
        (" 3 ", Some(3 * SECOND)),
        ("99999999999999999999999", None),
        ("18446744073709551615", Some(u64::MAX)),
        ("1.5", None),
        ("-1", None),
        ("Tue, 14 Nov 2023 22:13:25 GMT", Some(5 * SECOND)),
        ("Tue, 14 Nov 2023 22:13:15 GMT", Some(0)),
        ("soon", None),
    ] {
        assert_eq!(parse_retry_after(text.as_bytes(), NOW.0), wait, "{text}");
    }
}

proptest! {
    #[test]
    fn a_written_timeout_is_at_most_the_time(nanos: u64) {
        let text = write_grpc_timeout(nanos);
        let read = parse_grpc_timeout(text.as_bytes());
        prop_assert!(text.len() <= 9);
        prop_assert!(read.is_some_and(|read| read <= nanos && nanos - read <= nanos / 1_000_000 + 1), "{text}");
    }

    #[test]
    fn any_bytes_are_read_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..40), now: u64) {
        parse_grpc_timeout(&bytes);
        parse_retry_after(&bytes, now);
    }

    #[test]
    fn any_numbers_are_read_as_a_date_or_not(text in "[A-Z][a-z]{2}, [0-9]{2} Nov [0-9]{4} [0-9]{2}:[0-9]{2}:[0-9]{2} GMT") {
        parse_http_date(text.as_bytes());
    }

    /// The days of two successive dates differ by one.
    #[test]
    fn dates_are_successive(days in 0u64..2_932_000) {
        let (year, month, day) = civil(days);
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
        let text = format!("Sun, {day:02} {} {year:04} 00:00:00 GMT", months[month]);
        prop_assert_eq!(parse_http_date(text.as_bytes()), Some(days * 86_400), "{}", text);
    }

    #[test]
    fn a_percentile_is_near_that_of_a_sorted_list(
        mut times in prop::collection::vec(1_000u64..60_000_000_000, 1..500),
        percent in 1u32..=100,
    ) {
        let mut latency = Latency::default();
        times.iter().for_each(|time| latency.record(*time));
        times.sort_unstable();
        let exact = times[(times.len() * percent as usize).div_ceil(100) - 1];
        let found = latency.percentile(percent * 10_000);
        prop_assert!(found >= exact && found <= exact + exact / 8 + 2_000, "{found} for {exact}");
        prop_assert_eq!(latency.total(), times.len() as u64);
    }
}

#[test]
fn a_percentile_follows_the_recent_times() {
    let mut latency = Latency::default();
    assert_eq!(latency.percentile(950_000), 0);
    (0..10_000).for_each(|_| latency.record(MS));
    (0..20_000).for_each(|_| latency.record(100 * MS));
    assert!(latency.percentile(500_000) >= 100 * MS);
    [0, u64::MAX].into_iter().for_each(|time| latency.record(time));
}

/// Counts the days of each month, from 1970.
fn civil(mut days: u64) -> (u64, usize, u64) {
    let mut year = 1970;
    loop {
        let leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
        let lengths = [31, if leap { 29 } else { 28 }, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
        let length: u64 = lengths.iter().sum();
        if days >= length {
            days -= length;
            year += 1;
            continue;
        }
        for (month, length) in lengths.into_iter().enumerate() {
            if days < length {
                return (year, month, days + 1);
            }
            days -= length;
        }
    }
}
