//! Distributions of the lengths of delays.
//!
//! A length is the quantile of a uniform random number: the inverse of the distribution function. So one draw
//! gives one length, and equal draws give equal lengths.

/// A distribution of lengths in nanoseconds.
#[derive(Clone, Debug, PartialEq)]
pub enum Distribution {
    /// Always the same length.
    Fixed(u64),
    /// Any length between two.
    Uniform {
        /// Shortest length.
        min: u64,
        /// Longest length.
        max: u64,
    },
    /// Normal distribution; a negative length becomes 0.
    Normal {
        /// Mean.
        mean: u64,
        /// Standard deviation.
        std_dev: u64,
    },
    /// Exponential distribution.
    Exponential {
        /// Mean.
        mean: u64,
    },
    /// Pareto distribution.
    Pareto {
        /// Shortest length.
        min: u64,
        /// Shape, above 0.
        shape: f64,
    },
    /// Lengths by percentile.
    Percentiles {
        /// Lengths, each from a percentile in parts per million on. Sorted; the first is from 0.
        points: Box<[(u32, u64)]>,
        /// Whether lengths between two percentiles are in proportion. After the last, they are constant.
        linear: bool,
    },
}

impl Distribution {
    /// Returns the length for a draw that is uniform over all of `u64`.
    pub fn sample(&self, draw: u64) -> u64 {
        // The middle of one of 2^53 equal parts of the range from 0 to 1, so that neither end occurs.
        self.quantile(((draw >> 11) as f64 + 0.5) / (1u64 << 53) as f64)
    }

    /// Returns the length that a share `p` of all lengths does not exceed; 0 < `p` < 1.
    pub fn quantile(&self, p: f64) -> u64 {
        match self {
            Self::Fixed(length) => *length,
            Self::Uniform { min, max } => {
                min.saturating_add((max.saturating_sub(*min) as f64 * p).round() as u64)
            }
            // Casts of `f64` saturate: a negative length is 0, and an infinite one is the largest.
            Self::Normal { mean, std_dev } => {
                (*mean as f64 + *std_dev as f64 * standard_normal(p)).round() as u64
            }
            Self::Exponential { mean } => (-(*mean as f64) * (-p).ln_1p()).round() as u64,
            Self::Pareto { min, shape } => (*min as f64 * (-(-p).ln_1p() / shape).exp()).round() as u64,
            Self::Percentiles { points, linear } => percentile(points, *linear, p * 1e6),
        }
    }
}

fn percentile(points: &[(u32, u64)], linear: bool, p: f64) -> u64 {
    let after = points.partition_point(|(from, _)| f64::from(*from) <= p);
    let Some((from, length)) = after.checked_sub(1).and_then(|index| points.get(index)) else { return 0 };
    match points.get(after).filter(|_| linear) {
        Some((until, next)) => {
            let share = (p - f64::from(*from)) / f64::from(until - from);
            let (length, next) = (*length as f64, *next as f64);
            (length + (next - length) * share).round() as u64
        }
        None => *length,
    }
}

/// Quantile of the standard normal distribution: algorithm AS 241, PPND16 (M. J. Wichura, Applied Statistics
/// 37, 1988), with a relative error of about 1e-16.
fn standard_normal(p: f64) -> f64 {
    let q = p - 0.5;
    if q.abs() <= 0.425 {
        let r = 0.180_625 - q * q;
        return q * ratio(&CENTRE, r);
    }
    let r = (-(if q < 0.0 { p } else { 1.0 - p }).ln()).sqrt();
    let x = if r <= 5.0 { ratio(&MIDDLE, r - 1.6) } else { ratio(&TAIL, r - 5.0) };
    if q < 0.0 { -x } else { x }
}

/// Coefficients of a numerator and a denominator, from the highest power down.
type Ratio = ([f64; 8], [f64; 8]);

fn ratio((numerator, denominator): &Ratio, r: f64) -> f64 {
    let value = |coefficients: &[f64]| coefficients.iter().fold(0.0, |sum, c| sum * r + c);
    value(numerator) / value(denominator)
}

#[rustfmt::skip]
const CENTRE: Ratio = (
    [
        2_509.080_928_730_122_7, 33_430.575_583_588_13, 67_265.770_927_008_7, 45_921.953_931_549_87,
        13_731.693_765_509_46, 1_971.590_950_306_551_3, 133.141_667_891_784_38, 3.387_132_872_796_366_5,
    ],
    [
        5_226.495_278_852_545, 28_729.085_735_721_943, 39_307.895_800_092_71, 21_213.794_301_586_597,
        5_394.196_021_424_751, 687.187_007_492_057_9, 42.313_330_701_600_91, 1.0,
    ],
);

#[rustfmt::skip]
const MIDDLE: Ratio = (
    [
        7.745_450_142_783_414e-4, 0.022_723_844_989_269_184, 0.241_780_725_177_450_6, 1.270_458_252_452_368_4,
        3.647_848_324_763_204_5, 5.769_497_221_460_691, 4.630_337_846_156_546, 1.423_437_110_749_683_5,
    ],
    [
        1.050_750_071_644_416_9e-9, 5.475_938_084_995_345e-4, 0.015_198_666_563_616_457, 0.148_103_976_427_480_08,
        0.689_767_334_985_1, 1.676_384_830_183_803_8, 2.053_191_626_637_759, 1.0,
    ],
);

#[rustfmt::skip]
const TAIL: Ratio = (
    [
        2.010_334_399_292_288_1e-7, 2.711_555_568_743_487_6e-5, 0.001_242_660_947_388_078_4, 0.026_532_189_526_576_124,
        0.296_560_571_828_504_87, 1.784_826_539_917_291_3, 5.463_784_911_164_114, 6.657_904_643_501_103,
    ],
    [
        2.044_263_103_389_939_8e-15, 1.421_511_758_316_446e-7, 1.846_318_317_510_054_8e-5, 7.868_691_311_456_133e-4,
        0.014_875_361_290_850_615, 0.136_929_880_922_735_8, 0.599_832_206_555_888, 1.0,
    ],
);

#[cfg(test)]
mod tests;
