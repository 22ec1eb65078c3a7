//! Assertions on the metrics of an outcome.

use super::{Histogram, Outcome};

impl Outcome {
    /// Checks the value of a counter or gauge.
    ///
    /// # Panics
    /// If no filter defined the metric, also if the expected value is 0: its name may be misspelt.
    #[track_caller]
    pub fn has_metric(&self, name: &str, expected: u64) -> &Self {
        match self.metrics.get(name) {
            Some(seen) if *seen == expected => self,
            Some(_) => self.fail(&format!("metric `{name}`"), &expected.to_string(), &self.metrics),
            None => self.fail(&format!("unknown metric `{name}`"), &expected.to_string(), &self.metrics),
        }
    }

    /// Checks that no filter defined a counter or gauge with this name.
    #[track_caller]
    pub fn has_no_metric(&self, name: &str) -> &Self {
        if self.metrics.contains_key(name) {
            self.fail(&format!("metric `{name}`"), "no such metric", &self.metrics);
        }
        self
    }

    /// Checks how many values filters recorded in a histogram. This number is exact on both hosts.
    #[track_caller]
    pub fn has_histogram(&self, name: &str, count: u64) -> &Self {
        match self.histograms.get(name).map(Histogram::count) {
            Some(seen) if seen == count => self,
            _ => self.fail(&format!("histogram `{name}`"), &format!("{count} values"), &self.histograms),
        }
    }

    /// Checks the value below which a part of the values of a histogram is, such as 0.5 for the median. On
    /// Envoy, the bucket of that value must contain `expected`, see [`Histogram::quantile`].
    #[track_caller]
    pub fn has_quantile(&self, name: &str, part: f64, expected: f64) -> &Self {
        let bucket = self.histograms.get(name).and_then(|histogram| histogram.quantile(part));
        if !bucket.is_some_and(|bucket| bucket.contains(expected)) {
            self.fail(&format!("quantile {part} of `{name}`"), &expected.to_string(), &self.histograms);
        }
        self
    }
}
