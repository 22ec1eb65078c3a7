//! Quantiles, and how sure one may be of what is computed from them: a compiler that runs beside us for some rounds
//! must not move the result, and where it did, the result must say so.

use crate::order::Draws;

/// A value and how far it reaches.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    /// The value.
    pub value: f64,
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

impl Spread {
    /// The median of some values, and their quartiles; `None` without any.
    pub fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let values = sorted(values);
        let at = |share| quantile(&values, share);
        Some(Self { value: at(0.5)?, low: at(0.25)?, high: at(0.75)? })
    }

    /// What `of` makes of some rounds, and between which values nine of ten results would lie if the rounds were taken
    /// again (the bootstrap: rounds drawn from those there are). `of` gets the rounds' numbers.
    pub fn of_rounds(rounds: usize, of: impl Fn(&[usize]) -> Option<f64>) -> Option<Self> {
        let value = of(&(0..rounds).collect::<Vec<_>>())?;
        let mut draws = Draws::new(0);
        let mut again = || (0..rounds).map(|_| draws.below(rounds)).collect::<Vec<_>>();
        let results = sorted((0..RESAMPLES).filter_map(|_| of(&again())));
        Some(Self { value, low: quantile(&results, 0.05)?, high: quantile(&results, 0.95)? })
    }
}

const RESAMPLES: usize = 500;

/// The mean of the middle half of the values: as steady as a mean, and as hard to move by outliers as a median.
pub fn typical(values: impl IntoIterator<Item = f64>) -> Option<f64> {
    let values = sorted(values);
    let cut = values.len() / 4;
    let middle = values.get(cut..values.len() - cut).filter(|middle| !middle.is_empty())?;
    Some(middle.iter().sum::<f64>() / middle.len() as f64)
}

fn sorted(values: impl IntoIterator<Item = f64>) -> Vec<f64> {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    values
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
        assert_eq!(spread, Spread { value: 2.5, low: 1.75, high: 3.25 });
        assert_eq!(Spread::of([7.0]), Some(Spread { value: 7.0, low: 7.0, high: 7.0 }));
        assert_eq!(Spread::of([]), None);
    }

    #[test]
    fn disturbed_rounds_do_not_count() {
        assert_eq!(typical([2.0, 3.0, 900.0, 4.0, 3.0, 5.0, 0.1, -7.0]), Some(3.0));
        assert_eq!(typical([3.0, 4.0]), Some(3.5));
        assert_eq!(typical([]), None);
    }

    #[test]
    fn rounds_that_agree_leave_no_doubt_and_others_do() {
        let of = |values: [f64; 6]| {
            Spread::of_rounds(6, |rounds| typical(rounds.iter().map(|i| values[*i]))).unwrap()
        };
        assert_eq!(of([3.0; 6]), Spread { value: 3.0, low: 3.0, high: 3.0 });
        let doubtful = of([1.0, 5.0, 9.0, 4.0, 7.0, 8.0]);
        assert!(doubtful.low < doubtful.value && doubtful.value + 1.0 < doubtful.high, "{doubtful:?}");
        assert_eq!(Spread::of_rounds(3, |_| None), None);
    }
}
