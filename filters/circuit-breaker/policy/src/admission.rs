//! Client throttling: requests are rejected with a probability that grows with the share of failures.
//!
//! The formula is that of "Handling Overload" in Google's book on site reliability engineering, in the form
//! of Envoy's admission control (`AdmissionControlFilter::shouldRejectRequest`): `((requests - successes /
//! threshold) / (requests + 1)) ^ (1 / aggression)`.

use crate::window::Totals;

/// Numbers of client throttling.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Admission {
    /// Length of a tenth of the window, in nanoseconds.
    pub interval: u64,
    /// Share of successes below which requests are rejected, 0.01 to 1.
    pub success_rate_threshold: f64,
    /// Strength of the reaction; 1 is linear.
    pub aggression: f64,
    /// Requests per second in the window from which requests are rejected.
    pub requests_per_second: u32,
    /// Maximum probability.
    pub max_rejection_probability: f64,
}

impl Admission {
    /// Returns the probability with which the next request is rejected, for the outcomes in the window.
    pub fn probability(&self, totals: &Totals) -> f64 {
        let seconds = self.interval as f64 * 10.0 / 1e9;
        if f64::from(totals.requests) < f64::from(self.requests_per_second) * seconds {
            return 0.0;
        }
        let requests = f64::from(totals.requests);
        let successes = f64::from(totals.requests.saturating_sub(totals.failed));
        let linear = (requests - successes / self.success_rate_threshold) / (requests + 1.0);
        if linear <= 0.0 {
            return 0.0;
        }
        let probability = if self.aggression == 1.0 { linear } else { linear.powf(1.0 / self.aggression) };
        probability.min(self.max_rejection_probability)
    }

    /// Returns whether a random number, uniform over all of `u64`, rejects the next request.
    pub fn rejects(&self, totals: &Totals, draw: u64) -> bool {
        (draw as f64) < self.probability(totals) * (u64::MAX as f64)
    }
}
