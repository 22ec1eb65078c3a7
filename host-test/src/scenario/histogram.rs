//! Histograms of filters, as a host reports them.

/// The values that filters recorded in a histogram. The emulator reports each value. Envoy reports
/// log-linear buckets: a bucket has two significant decimal digits, so values below 100 are exact, and others
/// are known to a tenth at worst. The number of values is exact on both.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Histogram {
    /// The buckets that contain values, in ascending order.
    pub buckets: Vec<Bucket>,
}

/// A bucket: the values from `lower` to below `lower + width`. With a width of 0, it is the value `lower`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bucket {
    /// The smallest value that belongs to it.
    pub lower: f64,
    /// The width.
    pub width: f64,
    /// How many values it contains.
    pub count: u64,
}

impl Bucket {
    /// Whether the value belongs to the bucket.
    pub fn contains(&self, value: f64) -> bool {
        value == self.lower || (self.lower < value && value < self.lower + self.width)
    }
}

impl Histogram {
    /// Creates the histogram of these values, each exact.
    pub fn from_values(values: &[u64]) -> Self {
        let mut sorted = values.to_vec();
        sorted.sort_unstable();
        let bucket = |same: &[u64]| Bucket { lower: same[0] as f64, width: 0.0, count: same.len() as u64 };
        Self { buckets: sorted.chunk_by(|a, b| a == b).map(bucket).collect() }
    }

    /// Returns the number of values.
    pub fn count(&self) -> u64 {
        self.buckets.iter().map(|bucket| bucket.count).sum()
    }

    /// Returns the bucket of the smallest value that is not less than this part of all values: 0.5 for the
    /// median, 0 for the smallest value, 1 for the largest. `None` if the histogram has no values.
    pub fn quantile(&self, part: f64) -> Option<Bucket> {
        let rank = ((part.clamp(0.0, 1.0) * self.count() as f64).ceil() as u64).max(1);
        let mut seen = 0;
        self.buckets.iter().copied().find(|bucket| {
            seen += bucket.count;
            seen >= rank
        })
    }

    /// Returns the smallest and the largest possible sum of the values. They are equal if all values are
    /// exact.
    pub fn sum(&self) -> (f64, f64) {
        let total = |value: fn(&Bucket) -> f64| {
            self.buckets.iter().map(|bucket| value(bucket) * bucket.count as f64).sum()
        };
        (total(|bucket| bucket.lower), total(|bucket| bucket.lower + bucket.width))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_of_exact_values_are_values() {
        let histogram = Histogram::from_values(&[30, 10, 20, 20]);
        let quantile = |part| histogram.quantile(part).unwrap().lower;
        assert_eq!([0.0, 0.25, 0.5, 0.75, 0.76, 1.0].map(quantile), [10.0, 10.0, 20.0, 20.0, 30.0, 30.0]);
        assert_eq!((histogram.count(), histogram.sum()), (4, (80.0, 80.0)));
        assert_eq!(Histogram::default().quantile(0.5), None);
        assert_eq!((Histogram::default().count(), Histogram::default().sum()), (0, (0.0, 0.0)));
    }

    #[test]
    fn a_bucket_ends_before_the_next_one() {
        let wide = Bucket { lower: 120.0, width: 10.0, count: 1 };
        assert_eq!(
            [119.0, 120.0, 129.0, 130.0].map(|value| wide.contains(value)),
            [false, true, true, false]
        );
        let exact = Bucket { lower: 0.0, width: 0.0, count: 1 };
        assert!(exact.contains(0.0) && !exact.contains(0.1));
        assert_eq!(Histogram { buckets: vec![exact, wide] }.sum(), (120.0, 130.0));
    }
}
