//! Durations in the notation of a configuration.

use crate::Config;
use core::fmt;
use std::str::FromStr;

/// A duration: decimal numbers with units, `"250ms"`, `"1.5s"`, `"1h30m"`, in the notation of Go and Envoy.
/// Units are `ns`, `us` (or `µs`), `ms`, `s`, `m` and `h`; `"0"` needs no unit. At most about 584 years, in
/// whole nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Config)]
#[config(text(
    expected = "a duration such as `250ms`, `1.5s` or `1h30m`",
    pattern = "^(0|([0-9]+(\\.[0-9]+)?(ns|us|µs|ms|s|m|h))+)$"
))]
pub struct Duration {
    nanos: u64,
}

impl Duration {
    /// Returns the duration in nanoseconds.
    pub fn as_nanos(self) -> u64 {
        self.nanos
    }

    /// Returns a duration of `seconds` seconds, at most about 584 years.
    pub const fn from_secs(seconds: u64) -> Self {
        Self { nanos: seconds.saturating_mul(1_000_000_000) }
    }

    /// Returns a duration of `nanos` nanoseconds.
    pub const fn from_nanos(nanos: u64) -> Self {
        Self { nanos }
    }
}

impl From<Duration> for core::time::Duration {
    fn from(duration: Duration) -> Self {
        Self::from_nanos(duration.nanos)
    }
}

/// Writes the duration in the largest unit of which it is a whole multiple: `90s`, not `1m30s`.
impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let units = [
            ("h", 3_600_000_000_000),
            ("m", 60_000_000_000),
            ("s", 1_000_000_000),
            ("ms", 1_000_000),
            ("us", 1_000),
        ];
        if self.nanos == 0 {
            return f.write_str("0s");
        }
        let whole = units.iter().find(|(_, scale)| self.nanos.is_multiple_of(*scale));
        let (unit, scale) = *whole.unwrap_or(&("ns", 1));
        write!(f, "{}{unit}", self.nanos / scale)
    }
}

impl FromStr for Duration {
    type Err = InvalidDuration;

    fn from_str(text: &str) -> Result<Self, InvalidDuration> {
        if text == "0" {
            return Ok(Self::default());
        }
        let mut nanos = 0u64;
        let mut rest = text;
        loop {
            let (number, after) = split_where(rest, |c| !matches!(c, '0'..='9' | '.'));
            let (unit, after) = split_where(after, |c| matches!(c, '0'..='9' | '.'));
            let invalid = || InvalidDuration::Syntax(text.into());
            let scale = scale_of(unit).ok_or_else(invalid)?;
            let part = scaled(number, scale, text)?;
            nanos = nanos.checked_add(part).ok_or_else(|| InvalidDuration::TooLong(text.into()))?;
            if after.is_empty() {
                return Ok(Self { nanos });
            }
            rest = after;
        }
    }
}

fn split_where(text: &str, stop: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(stop).unwrap_or(text.len()))
}

fn scale_of(unit: &str) -> Option<u64> {
    Some(match unit {
        "ns" => 1,
        "us" | "µs" | "μs" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" => 60_000_000_000,
        "h" => 3_600_000_000_000,
        _ => return None,
    })
}

/// Multiplies `number` by `scale` nanoseconds. Returns an error for a fraction of a nanosecond and does not
/// round it.
fn scaled(number: &str, scale: u64, text: &str) -> Result<u64, InvalidDuration> {
    let syntax = || InvalidDuration::Syntax(text.into());
    let too_long = || InvalidDuration::TooLong(text.into());
    let (whole, decimals) = match number.split_once('.') {
        Some((whole, decimals)) => (whole, Some(decimals)),
        None => (number, None),
    };
    if whole.is_empty() || decimals.is_some_and(|d| d.is_empty() || d.contains('.')) {
        return Err(syntax());
    }
    let whole = whole.parse::<u64>().ok().and_then(|whole| whole.checked_mul(scale)).ok_or_else(too_long)?;
    let decimals = decimals.unwrap_or_default().trim_end_matches('0');
    if decimals.is_empty() {
        return Ok(whole);
    }
    // The largest scale has 13 digits, so more than 13 decimals are never whole nanoseconds.
    let too_fine = || InvalidDuration::TooFine(text.into());
    let places = u32::try_from(decimals.len()).ok().filter(|places| *places <= 13).ok_or_else(too_fine)?;
    let product = decimals.parse::<u128>().map_err(|_| syntax())? * u128::from(scale);
    let unit = 10u128.pow(places);
    if product % unit != 0 {
        return Err(too_fine());
    }
    let part = u64::try_from(product / unit).map_err(|_| too_long())?;
    whole.checked_add(part).ok_or_else(too_long)
}

/// Why a text is not a duration.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum InvalidDuration {
    /// The text is not a sequence of numbers with units.
    Syntax(Box<str>),
    /// The duration exceeds 584 years.
    TooLong(Box<str>),
    /// The duration has a fraction of a nanosecond.
    TooFine(Box<str>),
}

impl fmt::Display for InvalidDuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Syntax(text) => {
                write!(f, "`{}` is not a duration such as `250ms`, `1.5s` or `1h30m`", text.escape_default())
            }
            Self::TooLong(text) => write!(f, "`{text}` is longer than 584 years"),
            Self::TooFine(text) => write!(f, "`{text}` has a fraction of a nanosecond"),
        }
    }
}

impl std::error::Error for InvalidDuration {}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn parses_the_notation_of_go_and_envoy() {
        for (text, nanos) in [
            ("0", 0),
            ("0s", 0),
            ("1ns", 1),
            ("250ms", 250_000_000),
            ("1.5s", 1_500_000_000),
            ("1h30m", 5_400_000_000_000),
            ("1m0.5s", 60_500_000_000),
            ("2us", 2_000),
            ("2µs", 2_000),
            ("0.000000001s", 1),
            ("0.0000000010s", 1),
            ("0.50m", 30_000_000_000),
            ("18446744073709551615ns", u64::MAX),
        ] {
            assert_eq!(text.parse::<Duration>().unwrap().as_nanos(), nanos, "{text}");
        }
    }

    #[test]
    fn rejects_invalid_durations() {
        for text in [
            "", "5", "s", "5 s", " 5s", "-5s", "+5s", "1.s", ".5s", "1..5s", "1.5.2s", "5S", "5d", "1h30",
            "1e3s", "٣s",
        ] {
            assert!(matches!(text.parse::<Duration>(), Err(InvalidDuration::Syntax(_))), "{text}");
        }
        assert!(matches!("18446744073709551616ns".parse::<Duration>(), Err(InvalidDuration::TooLong(_))));
        assert!(matches!("99999999999h".parse::<Duration>(), Err(InvalidDuration::TooLong(_))));
        assert!(matches!("0.5ns".parse::<Duration>(), Err(InvalidDuration::TooFine(_))));
        assert!(matches!("0.00000000001s".parse::<Duration>(), Err(InvalidDuration::TooFine(_))));
        assert!(matches!("0.0000000000001h".parse::<Duration>(), Err(InvalidDuration::TooFine(_))));
        assert!(matches!("0.0000000001s".parse::<Duration>(), Err(InvalidDuration::TooFine(_))));
    }

    #[test]
    fn an_error_names_the_value() {
        let error = crate::config::parse::<Duration>(b"\"5 parsecs\"").unwrap_err().to_string();
        assert!(error.starts_with("`5 parsecs` is not a duration"), "{error}");
    }

    #[test]
    fn displays_one_unit() {
        for (text, written) in [
            ("0", "0s"),
            ("0ms", "0s"),
            ("90s", "90s"),
            ("1h30m", "90m"),
            ("24h", "24h"),
            ("1.5s", "1500ms"),
            ("49us", "49us"),
        ] {
            assert_eq!(text.parse::<Duration>().unwrap().to_string(), written);
        }
    }

    proptest! {
        #[test]
        fn parses_its_own_output(nanos: u64, unit in prop::sample::select(vec![1, 1000, 60_000_000_000])) {
            let duration = Duration::from_nanos(nanos / unit * unit);
            prop_assert_eq!(duration.to_string().parse::<Duration>(), Ok(duration));
        }

        #[test]
        fn never_panics(text in ".{0,24}") {
            let _ = text.parse::<Duration>();
        }

        #[test]
        fn parts_add_up(h in 0u64..1000, m in 0u64..1000, s in 0u64..1000, ms in 0u64..1000) {
            let text = format!("{h}h{m}m{s}.{ms:03}s");
            prop_assert_eq!(
                text.parse::<Duration>().unwrap().as_nanos(),
                ((h * 3600 + m * 60 + s) * 1000 + ms) * 1_000_000
            );
        }
    }
}
