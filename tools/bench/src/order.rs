//! Chance that repeats: the order of the rows in a round, and the resampling of rounds.
//!
//! A fixed order would always put a row behind the same other, in the caches it left and the turbo frequency it used
//! up. Seeds are fixed, so that a run can be repeated and a table computed again.

/// SplitMix64: small, and good enough to shuffle ten things.
pub struct Draws(u64);

impl Draws {
    /// Draws that depend on the seed alone.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number below `n`, which must not be zero.
    pub fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % n as u64) as usize
    }
}

/// The numbers below `n` in an order of their own for each round.
pub fn shuffled(n: usize, round: u32) -> Vec<usize> {
    let mut draws = Draws::new(u64::from(round));
    let mut order: Vec<usize> = (0..n).collect();
    for last in (1..n).rev() {
        order.swap(last, draws.below(last + 1));
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_round_has_every_row_once_in_an_order_of_its_own() {
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
