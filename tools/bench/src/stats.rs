//! Medians and quartiles: a compiler that runs beside us for one round must not move the result.

/// The middle of some values, and how far the middle half of them reaches.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    /// The median.
    pub median: f64,
    /// The first quartile.
    pub low: f64,
    /// The third quartile.
    pub high: f64,
}

impl Spread {
    /// The spread of some values; `None` without any.
    pub fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        let at = |share| quantile(&values, share);
        Some(Self { median: at(0.5)?, low: at(0.25)?, high: at(0.75)? })
    }

    /// This spread in units of `unit`. `None` when the unit is not above zero: then there is nothing to be a multiple of.
    pub fn relative_to(self, unit: f64) -> Option<Self> {
        (unit > 0.0).then(|| Self {
            median: self.median / unit,
            low: self.low / unit,
            high: self.high / unit,
        })
    }
}

/// Linear between the two values next to it, as R and NumPy have it.
fn quantile(sorted: &[f64], share: f64) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    let at = share * last as f64;
    let (below, above) = (at.floor() as usize, at.ceil() as usize);
    let (low, high) = (sorted.get(below)?, sorted.get(above)?);
    Some(low + (high - low) * at.fract())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quartiles_are_interpolated() {
        let spread = Spread::of([4.0, 1.0, 3.0, 2.0]).unwrap();
        assert_eq!(spread, Spread { median: 2.5, low: 1.75, high: 3.25 });
        assert_eq!(Spread::of([7.0]), Some(Spread { median: 7.0, low: 7.0, high: 7.0 }));
        assert_eq!(Spread::of([]), None);
    }

    #[test]
    fn one_wild_value_does_not_move_the_median() {
        assert_eq!(Spread::of([2.0, 2.1, 900.0, 1.9, 2.0]).unwrap().median, 2.0);
    }

    #[test]
    fn nothing_is_a_multiple_of_nothing() {
        let spread = Spread { median: 3.0, low: 2.0, high: 4.0 };
        assert_eq!(spread.relative_to(2.0), Some(Spread { median: 1.5, low: 1.0, high: 2.0 }));
        assert_eq!(spread.relative_to(0.0), None);
        assert_eq!(spread.relative_to(-0.1), None);
    }
}
