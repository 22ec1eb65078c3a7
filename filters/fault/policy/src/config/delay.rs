//! Delays, and the distributions of their lengths.

use crate::Distribution;
use tollgate_policy::{Config, ConfigError, Duration, Percent};

/// Delay of requests. Has exactly one of `fixed`, `uniform`, `normal`, `exponential`, `pareto`, `percentiles`
/// and `header`.
#[derive(Clone, Debug, Config)]
pub struct DelayConfig {
    /// Share of the requests, in percent.
    pub percentage: Percent,
    /// Length of the delay.
    #[config(flatten)]
    pub time: TimeConfig,
    /// Take the length from the request header `x-envoy-fault-delay-request`, in milliseconds.
    pub header: Option<FromHeader>,
}

/// Length of a delay: exactly one distribution.
#[derive(Clone, Debug, Default, Config)]
#[config(default)]
pub struct TimeConfig {
    /// The same length for each request, at least `1ms`. `max_delay` does not apply.
    pub fixed: Option<Duration>,
    /// Any length between two, all equally likely.
    pub uniform: Option<Uniform>,
    /// Normal distribution. A negative length becomes 0.
    pub normal: Option<Normal>,
    /// Exponential distribution.
    pub exponential: Option<Exponential>,
    /// Pareto distribution: most lengths are short, few are very long.
    pub pareto: Option<Pareto>,
    /// Lengths by percentile: 5 ms, 1 in 100 at 300 ms, 1 in 1000 at 2 s.
    pub percentiles: Option<Percentiles>,
}

/// The value comes from a request header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Config)]
pub struct FromHeader {}

/// Uniform distribution.
#[derive(Clone, Debug, Config)]
pub struct Uniform {
    /// Shortest length.
    pub min: Duration,
    /// Longest length.
    pub max: Duration,
}

/// Normal distribution.
#[derive(Clone, Debug, Config)]
pub struct Normal {
    /// Mean.
    pub mean: Duration,
    /// Standard deviation.
    pub std_dev: Duration,
}

/// Exponential distribution.
#[derive(Clone, Debug, Config)]
pub struct Exponential {
    /// Mean.
    pub mean: Duration,
}

/// Pareto distribution.
#[derive(Clone, Debug, Config)]
pub struct Pareto {
    /// Shortest length.
    pub min: Duration,
    /// Shape, above 0. With a smaller number, more lengths are very long: of 1.16, the longest 20 % of the
    /// delays take 80 % of the time.
    pub shape: f64,
}

/// Lengths by percentile.
#[derive(Clone, Debug, Config)]
pub struct Percentiles {
    /// Lengths, in the order of their percentiles. The first percentile is 0.
    pub table: Vec<Percentile>,
    /// Lengths between two percentiles. Default: `step`.
    #[config(default = Interpolation::Step)]
    pub interpolation: Interpolation,
}

/// Length from a percentile on.
#[derive(Clone, Debug, Config)]
pub struct Percentile {
    /// Percentile, from 0 to 100.
    pub from: Percent,
    /// Length.
    pub delay: Duration,
}

/// Lengths between two percentiles.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Config)]
pub enum Interpolation {
    /// The length of the lower percentile.
    #[default]
    Step,
    /// A length in proportion.
    Linear,
}

impl TimeConfig {
    /// Returns the distribution; `None` if no field is given.
    pub(crate) fn distribution(&self) -> Result<Option<Distribution>, ConfigError> {
        let Self { fixed, uniform, normal, exponential, pareto, percentiles } = self;
        let given = [
            fixed.is_some(),
            uniform.is_some(),
            normal.is_some(),
            exponential.is_some(),
            pareto.is_some(),
            percentiles.is_some(),
        ];
        if given.iter().filter(|given| **given).count() > 1 {
            return Err(ConfigError::here(&ONE));
        }
        Ok(Some(if let Some(fixed) = fixed {
            fixed_delay(*fixed).map_err(|error| error.in_member("fixed"))?
        } else if let Some(Uniform { min, max }) = uniform {
            if min > max {
                let message = format_args!("`min` is `{min}` and `max` is `{max}`, expected `min` <= `max`");
                return Err(ConfigError::new("uniform", &message));
            }
            Distribution::Uniform { min: min.as_nanos(), max: max.as_nanos() }
        } else if let Some(Normal { mean, std_dev }) = normal {
            Distribution::Normal { mean: mean.as_nanos(), std_dev: std_dev.as_nanos() }
        } else if let Some(Exponential { mean }) = exponential {
            Distribution::Exponential { mean: mean.as_nanos() }
        } else if let Some(Pareto { min, shape }) = pareto {
            if !(shape.is_finite() && *shape > 0.0) {
                let message = format_args!("`{shape}` is not a number above 0");
                return Err(ConfigError::new("pareto.shape", &message));
            }
            Distribution::Pareto { min: min.as_nanos(), shape: *shape }
        } else if let Some(percentiles) = percentiles {
            percentiles.distribution().map_err(|error| error.in_member("percentiles"))?
        } else {
            return Ok(None);
        }))
    }
}

const ONE: &str =
    "expected exactly one of `fixed`, `uniform`, `normal`, `exponential`, `pareto`, `percentiles`, `header`";

impl DelayConfig {
    /// Returns the distribution; `None` if a header has the length.
    pub(crate) fn distribution(&self) -> Result<Option<Distribution>, ConfigError> {
        let distribution = self.time.distribution()?;
        if distribution.is_some() == self.header.is_some() {
            return Err(ConfigError::here(&ONE));
        }
        Ok(distribution)
    }
}

/// Returns the distribution of a fixed length, which must be a millisecond at least, as in Istio.
pub(crate) fn fixed_delay(delay: Duration) -> Result<Distribution, ConfigError> {
    if delay.as_nanos() < 1_000_000 {
        return Err(ConfigError::here(&format_args!("`{delay}` is too short, expected at least `1ms`")));
    }
    Ok(Distribution::Fixed(delay.as_nanos()))
}

impl Percentiles {
    fn distribution(&self) -> Result<Distribution, ConfigError> {
        let mut points: Vec<(u32, u64)> = Vec::new();
        for (index, Percentile { from, delay }) in self.table.iter().enumerate() {
            let from = from.per_million();
            let (least, expected) = match points.last() {
                Some((last, _)) => (last + 1, "a larger percentile than the one before"),
                None => (0, "0 as the first percentile"),
            };
            if from < least || (index == 0 && from > 0) {
                let found = f64::from(from) / 10_000.0;
                let message = format_args!("found `{found}`, expected {expected}");
                return Err(ConfigError::new("from", &message).in_list("table", index));
            }
            points.push((from, delay.as_nanos()));
        }
        if points.is_empty() {
            return Err(ConfigError::new("table", &"the list is empty, expected at least one percentile"));
        }
        Ok(Distribution::Percentiles {
            points: points.into(),
            linear: self.interpolation == Interpolation::Linear,
        })
    }
}
