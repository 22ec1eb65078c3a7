use super::*;
use proptest::prelude::*;

const MS: u64 = 1_000_000;

/// A sequence of random numbers that is the same in each run (SplitMix64).
struct Numbers(u64);

impl Iterator for Numbers {
    type Item = u64;

    fn next(&mut self) -> Option<u64> {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        Some(z ^ (z >> 31))
    }
}

fn all() -> Vec<Distribution> {
    vec![
        Distribution::Fixed(7 * MS),
        Distribution::Uniform { min: 10 * MS, max: 90 * MS },
        Distribution::Normal { mean: 100 * MS, std_dev: 20 * MS },
        Distribution::Exponential { mean: 50 * MS },
        Distribution::Pareto { min: 5 * MS, shape: 1.16 },
        Distribution::Percentiles {
            points: [(0, 5 * MS), (990_000, 300 * MS), (999_000, 2000 * MS)].into(),
            linear: false,
        },
        Distribution::Percentiles {
            points: [(0, 0), (500_000, 10 * MS), (900_000, 90 * MS)].into(),
            linear: true,
        },
    ]
}

/// Distribution functions, each written independently of the quantiles: the share of lengths up to `x`.
fn share(distribution: &Distribution, x: f64) -> f64 {
    match distribution {
        Distribution::Fixed(length) => f64::from(u8::from(x >= *length as f64)),
        Distribution::Uniform { min, max } => {
            ((x - *min as f64) / (*max as f64 - *min as f64)).clamp(0.0, 1.0)
        }
        Distribution::Normal { mean, std_dev } => normal_share((x - *mean as f64) / *std_dev as f64),
        Distribution::Exponential { mean } => 1.0 - (-x / *mean as f64).exp(),
        Distribution::Pareto { min, shape } => 1.0 - (*min as f64 / x).powf(*shape),
        Distribution::Percentiles { points, linear: false } => {
            let longer = points.iter().find(|(_, length)| *length as f64 > x);
            longer.map_or(1.0, |(from, _)| f64::from(*from) / 1e6)
        }
        Distribution::Percentiles { points, linear: true } => {
            let pair = points.windows(2).find(|pair| x < pair[1].1 as f64);
            pair.map_or(1.0, |pair| {
                let (from, until) = (f64::from(pair[0].0) / 1e6, f64::from(pair[1].0) / 1e6);
                from + (until - from) * (x - pair[0].1 as f64) / (pair[1].1 - pair[0].1) as f64
            })
        }
    }
}

/// Integral of the density (Simpson's rule), as an independent definition of the normal distribution.
fn normal_share(z: f64) -> f64 {
    let density = |x: f64| (-x * x / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt();
    let steps = 2000;
    let width = z / f64::from(steps);
    let weight = |step: i32| if step == 0 || step == steps { 1.0 } else { f64::from(2 + 2 * (step % 2)) };
    0.5 + width / 3.0 * (0..=steps).map(|step| weight(step) * density(f64::from(step) * width)).sum::<f64>()
}

/// The greatest difference between the share of 100,000 draws up to a length and the theoretical one is at
/// most the bound of Kolmogorov and Smirnov that a correct sample exceeds once in a million: 2.69 / sqrt(n).
#[test]
fn a_hundred_thousand_draws_match_the_distribution() {
    for (index, distribution) in all().iter().enumerate() {
        let mut lengths: Vec<_> =
            Numbers(index as u64).take(100_000).map(|draw| distribution.sample(draw)).collect();
        lengths.sort_unstable();
        let count = lengths.len() as f64;
        let mut greatest: f64 = 0.0;
        for place in (0..lengths.len()).step_by(97) {
            let length = lengths[place];
            let up_to = lengths.partition_point(|other| *other <= length) as f64 / count;
            greatest = greatest.max((up_to - share(distribution, length as f64 + 0.5)).abs());
        }
        assert!(greatest < 2.69 / count.sqrt(), "{distribution:?}: {greatest}");
    }
}

/// The quantiles of 100,000 draws are within the theoretical quantiles of shares that differ by five standard
/// deviations of a share.
#[test]
fn quantiles_of_a_hundred_thousand_draws_are_theoretical() {
    for distribution in all() {
        let mut lengths: Vec<_> = Numbers(99).take(100_000).map(|draw| distribution.sample(draw)).collect();
        lengths.sort_unstable();
        for p in [0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.985, 0.9985] {
            let found = lengths[(p * 100_000.0) as usize];
            let spread = 5.0 * (p * (1.0 - p) / 100_000.0f64).sqrt();
            let (low, high) =
                (distribution.quantile(p - spread), distribution.quantile((p + spread).min(0.999_999)));
            assert!(
                (low..=high).contains(&found),
                "{distribution:?} at {p}: {found}, expected {low} to {high}"
            );
        }
    }
}

#[test]
fn quantiles_of_the_normal_distribution_are_exact() {
    // Tables with 15 digits.
    for (p, z) in [
        (0.5, 0.0),
        (0.75, 0.674_489_750_196_082),
        (0.975, 1.959_963_984_540_054),
        (0.001, -3.090_232_306_167_814),
        (1e-9, -5.997_807_015_007_687),
        (1e-20, -9.262_340_089_798_408),
    ] {
        assert!((standard_normal(p) - z).abs() < 1e-12, "{p}: {}", standard_normal(p));
        assert!((normal_share(standard_normal(p)) - p).abs() < 1e-9, "{p}");
    }
}

#[test]
fn a_table_gives_the_tail_its_share() {
    let table = &all()[5];
    let lengths: Vec<_> = Numbers(5).take(1_000_000).map(|draw| table.sample(draw)).collect();
    let share = |length: u64| lengths.iter().filter(|other| **other == length * MS).count();
    // Five standard deviations: 9,000 +- 473 and 1,000 +- 158.
    assert!(share(300).abs_diff(9_000) < 473, "{}", share(300));
    assert!(share(2000).abs_diff(1_000) < 158, "{}", share(2000));
    assert_eq!(share(5) + share(300) + share(2000), 1_000_000);
}

proptest! {
    #[test]
    fn longer_quantiles_have_larger_shares(index in 0usize..7, a: u64, b: u64) {
        let distribution = &all()[index];
        prop_assert!(distribution.sample(a.min(b)) <= distribution.sample(a.max(b)));
    }

    #[test]
    fn any_numbers_give_a_length(a: u64, b: u64, shape in 1e-300f64..1e300, draw: u64) {
        for distribution in [
            Distribution::Uniform { min: a.min(b), max: a.max(b) },
            Distribution::Normal { mean: a, std_dev: b },
            Distribution::Exponential { mean: a },
            Distribution::Pareto { min: a, shape },
            Distribution::Percentiles { points: [(0, a), (1_000_000, b)].into(), linear: true },
        ] {
            let length = distribution.sample(draw);
            if let Distribution::Uniform { min, max } = distribution {
                // Rounded like a number with 53 bits.
                prop_assert!(length >= min && length as f64 <= max as f64 * 1.000_001);
            }
        }
    }
}
