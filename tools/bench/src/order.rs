//! Repeatable random numbers, for the order of the rows in a round and for resampling the rounds.
//!
//! In a fixed order, a row would always follow the same row, and depend on its effect on caches and turbo
//! frequency. Seeds are fixed, so that a run can be repeated and a table computed again.

/// SplitMix64: small, and good enough to shuffle a list of rows.
pub struct Rng(u64);

impl Rng {
    /// Creates a generator from a seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Returns a number below `n`, which must not be zero.
    pub fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % n as u64) as usize
    }
}

/// Returns the numbers below `n`, in a different order for each round.
pub fn shuffled(n: usize, round: u32) -> Vec<usize> {
    let mut rng = Rng::new(u64::from(round));
    let mut order: Vec<usize> = (0..n).collect();
    for last in (1..n).rev() {
        order.swap(last, rng.below(last + 1));
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shuffles_all_rows_in_each_round() {
        let orders: Vec<_> = (0..20).map(|round| shuffled(8, round)).collect();
        for order in &orders {
            let mut sorted = order.clone();
            sorted.sort_unstable();
            assert_eq!(sorted, (0..8).collect::<Vec<_>>());
        }
        let distinct: std::collections::BTreeSet<_> = orders.iter().collect();
        assert!(distinct.len() > 15);
        assert!((0..8).all(|row| orders.iter().any(|order| order.first() == Some(&row))));
        assert_eq!(shuffled(0, 3), [0; 0]);
    }
}
