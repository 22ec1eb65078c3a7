//! Robust statistics and their uncertainty. A compiler that runs at the same time for some rounds must not
//! change the result; if it does, the range of the result must show it.

use crate::order::Rng;

/// A value and its range.
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
    /// Computes the median and the quartiles of the values. `None` without values.
    pub fn from_values(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let values = sorted(values);
        let at = |share| quantile(&values, share);
        Some(Self { value: at(0.5)?, low: at(0.25)?, high: at(0.75)? })
    }

    /// Computes a statistic of the rounds, and its 90 % interval by bootstrap: the 5th and 95th percentile
    /// over rounds that are drawn with replacement. `statistic` receives the indices of the rounds.
    pub fn bootstrap(rounds: usize, statistic: impl Fn(&[usize]) -> Option<f64>) -> Option<Self> {
        let value = statistic(&(0..rounds).collect::<Vec<_>>())?;
        let mut rng = Rng::new(0);
        let mut resample = || (0..rounds).map(|_| rng.below(rounds)).collect::<Vec<_>>();
        let results = sorted((0..RESAMPLES).filter_map(|_| statistic(&resample())));
        Some(Self { value, low: quantile(&results, 0.05)?, high: quantile(&results, 0.95)? })
    }
}

const RESAMPLES: usize = 500;

/// The interquartile mean: the mean of the middle half of the values. It varies as little as a mean, and
/// resists outliers like a median.
pub fn interquartile_mean(values: impl IntoIterator<Item = f64>) -> Option<f64> {
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

/// Interpolates linearly between the two nearest values, as R and NumPy do.
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
        let spread = Spread::from_values([4.0, 1.0, 3.0, 2.0]).unwrap();
        assert_eq!(spread, Spread { value: 2.5, low: 1.75, high: 3.25 });
        assert_eq!(Spread::from_values([7.0]), Some(Spread { value: 7.0, low: 7.0, high: 7.0 }));
        assert_eq!(Spread::from_values([]), None);
    }

    #[test]
    fn the_interquartile_mean_ignores_outliers() {
        assert_eq!(interquartile_mean([2.0, 3.0, 900.0, 4.0, 3.0, 5.0, 0.1, -7.0]), Some(3.0));
        assert_eq!(interquartile_mean([3.0, 4.0]), Some(3.5));
        assert_eq!(interquartile_mean([]), None);
    }

    #[test]
    fn the_range_grows_when_rounds_disagree() {
        let spread = |values: [f64; 6]| {
            Spread::bootstrap(6, |rounds| interquartile_mean(rounds.iter().map(|i| values[*i]))).unwrap()
        };
        assert_eq!(spread([3.0; 6]), Spread { value: 3.0, low: 3.0, high: 3.0 });
        let wide = spread([1.0, 5.0, 9.0, 4.0, 7.0, 8.0]);
        assert!(wide.low < wide.value && wide.value + 1.0 < wide.high, "{wide:?}");
        assert_eq!(Spread::bootstrap(3, |_| None), None);
    }
}
