//! The order of the rows in a round. A fixed one would always put a row behind the same other, in the caches it left
//! and the turbo frequency it used up.

/// The numbers below `n` in an order of their own for each round, and the same order each time: a run can be repeated.
pub fn shuffled(n: usize, round: u32) -> Vec<usize> {
    // SplitMix64: small, and good enough to shuffle ten things.
    let mut state = u64::from(round);
    let mut draw = |below: usize| {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % below as u64) as usize
    };
    let mut order: Vec<usize> = (0..n).collect();
    for last in (1..n).rev() {
        order.swap(last, draw(last + 1));
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
