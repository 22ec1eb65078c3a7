//! Percentages.

use core::fmt;

/// A percentage from 0 to 100 in steps of 0.0001, like Envoy's `FractionalPercent` with the denominator
/// `MILLION`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Percent {
    per_million: u32,
}

impl Percent {
    /// 0 percent.
    pub const ZERO: Self = Self { per_million: 0 };
    /// 100 percent.
    pub const ALL: Self = Self { per_million: 1_000_000 };

    /// Returns whether a draw, uniform over all of `u64`, falls into this percentage. Always `false` for 0
    /// percent, and always `true` for 100 percent. A draw that falls into a percentage falls into every
    /// larger one too.
    pub fn holds(self, draw: u64) -> bool {
        let scaled = (u128::from(draw) * 1_000_000) >> 64;
        scaled < u128::from(self.per_million)
    }

    /// Returns the percentage in parts per million.
    pub fn per_million(self) -> u32 {
        self.per_million
    }
}

impl TryFrom<f64> for Percent {
    type Error = InvalidPercent;

    fn try_from(percent: f64) -> Result<Self, InvalidPercent> {
        if !(0.0..=100.0).contains(&percent) {
            return Err(InvalidPercent::OutOfRange(percent));
        }
        let scaled = percent * 10_000.0;
        let rounded = scaled.round();
        // `12.3457` is not exact in binary: a smaller difference means that the number was written with four
        // decimals.
        if (scaled - rounded).abs() > 1e-6 {
            return Err(InvalidPercent::TooFine(percent));
        }
        Ok(Self { per_million: rounded as u32 })
    }
}

impl crate::Config for Percent {
    fn blank() -> Self {
        Self::ZERO
    }

    fn fill(&mut self, value: &crate::Value) -> Result<(), crate::ConfigError> {
        let expected = "a percentage such as `12.5`";
        let percent = value.as_f64().ok_or_else(|| crate::ConfigError::invalid_type(value, expected))?;
        *self = percent.try_into().map_err(|error: InvalidPercent| crate::ConfigError::here(&error))?;
        Ok(())
    }
}

crate::json_schema_of!(Percent, |_generator| crate::config::derived::schemars::json_schema!({
    "type": "number",
    "minimum": 0,
    "maximum": 100,
    "description": "a percentage with at most four decimals",
}));

/// Why a number is not a percentage.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum InvalidPercent {
    /// The value is below 0, above 100, or NaN.
    OutOfRange(f64),
    /// The number has more than four decimals.
    TooFine(f64),
}

impl fmt::Display for InvalidPercent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OutOfRange(value) => write!(f, "`{value}` is not a percentage from 0 to 100"),
            Self::TooFine(value) => write!(f, "`{value}` has more than four decimals"),
        }
    }
}

impl std::error::Error for InvalidPercent {}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn percent(value: f64) -> Percent {
        Percent::try_from(value).unwrap()
    }

    #[test]
    fn zero_and_hundred_are_exact() {
        for draw in [0, 1, u64::MAX / 2, u64::MAX] {
            assert!(!percent(0.0).holds(draw));
            assert!(percent(100.0).holds(draw));
        }
    }

    #[test]
    fn the_percentage_ends_at_the_exact_draw() {
        let eighth = u64::MAX / 8;
        assert!(percent(12.5).holds(eighth));
        assert!(!percent(12.5).holds(eighth + 1));
        assert!(percent(0.0001).holds(u64::MAX / 1_000_000));
        assert!(!percent(0.0001).holds(u64::MAX / 1_000_000 + 1));
    }

    #[test]
    fn rejects_invalid_percentages() {
        for (json, message) in [
            ("100.1", "`100.1` is not a percentage from 0 to 100"),
            ("-1", "`-1` is not a percentage from 0 to 100"),
            ("0.00005", "`0.00005` has more than four decimals"),
        ] {
            let error = crate::config::parse::<Percent>(json).unwrap_err().to_string();
            assert!(error.starts_with(message), "{error}");
        }
        assert!(Percent::try_from(f64::NAN).is_err());
        assert_eq!(crate::config::parse::<Percent>("7").unwrap().per_million(), 70_000);
    }

    proptest! {
        #[test]
        fn four_decimals_are_kept(per_million in 0u32..=1_000_000) {
            prop_assert_eq!(percent(f64::from(per_million) / 10_000.0).per_million(), per_million);
        }

        #[test]
        fn a_draw_falls_into_every_larger_percentage(a in 0u32..=1_000_000, b in 0u32..=1_000_000, draw: u64) {
            let (less, more) = (Percent { per_million: a.min(b) }, Percent { per_million: a.max(b) });
            prop_assert!(!less.holds(draw) || more.holds(draw));
        }
    }
}
