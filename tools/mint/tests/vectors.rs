//! There are many vectors, for every algorithm, valid and invalid.

use std::collections::BTreeMap;
use tollgate_mint::vectors;

#[test]
fn each_algorithm_has_right_signatures_and_many_wrong_ones() {
    let mut counts = BTreeMap::<_, [usize; 2]>::new();
    for vector in vectors() {
        counts.entry(vector.algorithm).or_default()[usize::from(vector.right)] += 1;
    }
    assert_eq!(counts.len(), 13);
    for (algorithm, [wrong, right]) in counts {
        assert!(wrong >= 30 && right >= 3, "{algorithm}: {wrong} wrong, {right} right");
    }
}
