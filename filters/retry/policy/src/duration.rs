//! Times in headers: `grpc-timeout`, deadlines in milliseconds, and `Retry-After`.

/// Nanoseconds of a second.
pub(crate) const SECOND: u64 = 1_000_000_000;
/// Nanoseconds of a millisecond.
pub(crate) const MILLISECOND: u64 = 1_000_000;

/// Units of `grpc-timeout` with their nanoseconds, from the smallest.
const UNITS: [(u8, u64); 6] = [
    (b'n', 1),
    (b'u', 1_000),
    (b'm', MILLISECOND),
    (b'S', SECOND),
    (b'M', 60 * SECOND),
    (b'H', 3_600 * SECOND),
];

/// Returns the nanoseconds of a `grpc-timeout`: one to eight digits and a unit
/// (`PROTOCOL-HTTP2.md` of gRPC).
pub fn parse_grpc_timeout(value: &[u8]) -> Option<u64> {
    let (unit, digits) = value.split_last()?;
    let (_, scale) = UNITS.iter().find(|(name, _)| name == unit)?;
    if digits.len() > 8 {
        return None;
    }
    number(digits)?.checked_mul(*scale)
}

/// Writes nanoseconds as a `grpc-timeout`, rounded down to the smallest unit in which it has eight digits.
pub fn write_grpc_timeout(nanos: u64) -> String {
    let fits = |(_, scale): &&(u8, u64)| nanos / scale < 100_000_000;
    let (unit, scale) = UNITS.iter().find(fits).copied().unwrap_or((b'H', 3_600 * SECOND));
    format!("{}{}", nanos / scale, char::from(unit))
}

/// Returns the number that digits spell.
pub(crate) fn number(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0u64, |number, digit| {
        let digit = digit.is_ascii_digit().then(|| u64::from(digit - b'0'))?;
        number.checked_mul(10)?.checked_add(digit)
    })
}

/// Returns how long to wait by a `Retry-After`, in nanoseconds: a number of seconds or an HTTP date (RFC 9110
/// section 10.2.3). A date in the past is 0.
pub fn parse_retry_after(value: &[u8], now: u64) -> Option<u64> {
    let value = value.trim_ascii();
    if let Some(seconds) = number(value) {
        return Some(seconds.saturating_mul(SECOND));
    }
    let date = parse_http_date(value)?;
    Some(date.saturating_mul(SECOND).saturating_sub(now))
}

const MONTHS: [&[u8]; 12] =
    [b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec"];
const DAYS: [&[u8]; 7] = [b"Mon", b"Tue", b"Wed", b"Thu", b"Fri", b"Sat", b"Sun"];
const LONG_DAYS: [&[u8]; 7] =
    [b"Monday", b"Tuesday", b"Wednesday", b"Thursday", b"Friday", b"Saturday", b"Sunday"];

/// Returns the seconds since the Unix epoch of an HTTP date, in one of its three formats (RFC 9110 section
/// 5.6.7): `Sun, 06 Nov 1994 08:49:37 GMT`, `Sunday, 06-Nov-94 08:49:37 GMT` or `Sun Nov  6 08:49:37 1994`.
/// The name of the day is not compared with the date.
pub fn parse_http_date(value: &[u8]) -> Option<u64> {
    let parts: Vec<&[u8]> = value.split(|byte| *byte == b' ').filter(|part| !part.is_empty()).collect();
    let (day, month, year, time) = match *parts.as_slice() {
        [name, day, month, year, time, b"GMT"] => {
            let name = name.strip_suffix(b",")?;
            DAYS.contains(&name).then_some(())?;
            (digits(day, 2..=2)?, month, digits(year, 4..=4)?, time)
        }
        [name, date, time, b"GMT"] => {
            let name = name.strip_suffix(b",")?;
            LONG_DAYS.contains(&name).then_some(())?;
            let mut date = date.split(|byte| *byte == b'-');
            let (day, month, year) = (date.next()?, date.next()?, date.next()?);
            if date.next().is_some() {
                return None;
            }
            let year = digits(year, 2..=2)?;
            // The format ended with the nineties, so that no date in use means another century.
            (digits(day, 2..=2)?, month, if year < 70 { 2000 + year } else { 1900 + year }, time)
        }
        [name, month, day, time, year] => {
            DAYS.contains(&name).then_some(())?;
            (digits(day, 1..=2)?, month, digits(year, 4..=4)?, time)
        }
        _ => return None,
    };
    let month = MONTHS.iter().position(|name| *name == month)? as u64 + 1;
    let mut time = time.split(|byte| *byte == b':').map(|part| digits(part, 2..=2));
    let (hour, minute, second) = (time.next()??, time.next()??, time.next()??);
    // 60 is a leap second.
    if time.next().is_some() || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let days = days_since_epoch(year, month, day)?;
    Some(days * 86_400 + hour * 3_600 + minute * 60 + second)
}

fn digits(text: &[u8], length: core::ops::RangeInclusive<usize>) -> Option<u64> {
    if length.contains(&text.len()) { number(text) } else { None }
}

/// Returns the days from 1970-01-01 to a date of the Gregorian calendar.
fn days_since_epoch(year: u64, month: u64, day: u64) -> Option<u64> {
    let is_leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let length = match month {
        2 => 28 + u64::from(is_leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    if year < 1970 || day == 0 || day > length {
        return None;
    }
    // Counts years from March, so that the leap day is the last.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let before = year * 365 + year / 4 - year / 100 + year / 400 + (month * 153 + 2) / 5 + day - 1;
    before.checked_sub(719_468)
}
