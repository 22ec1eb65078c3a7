//! Reduces a variation that changes the result to a smaller one that still does, greedily.

use super::change::{Change, Variation};

/// Maximum number of variations to try.
const MAX_TRIES: usize = 400;

/// Reduces a variation step by step, as long as `differs` returns true.
pub(super) fn shrink(mut variation: Variation, mut differs: impl FnMut(&Variation) -> bool) -> Variation {
    let mut tries = 0;
    loop {
        let less = smaller(&variation).into_iter().find(|less| {
            tries += 1;
            tries <= MAX_TRIES && differs(less)
        });
        match less {
            Some(less) => variation = less,
            None => return variation,
        }
    }
}

/// Returns variations that are one step smaller, the largest steps first.
fn smaller(variation: &Variation) -> Vec<Variation> {
    let changes = &variation.changes;
    let with = |index: usize, change: Option<Change>| {
        let mut changes = changes.clone();
        match change {
            Some(change) => changes[index] = change,
            None => drop(changes.remove(index)),
        }
        Variation { changes }
    };
    let without = (0..changes.len()).map(|index| with(index, None));
    let less = changes
        .iter()
        .enumerate()
        .flat_map(|(index, change)| lesser(change).into_iter().map(move |change| with(index, Some(change))));
    without.chain(less).collect()
}

fn lesser(change: &Change) -> Vec<Change> {
    let counts = |n: usize| [n / 2, n.saturating_sub(1)].into_iter().filter(move |less| *less < n);
    match change {
        Change::RequestCuts { request, cuts } => {
            fewer(cuts).map(|cuts| Change::RequestCuts { request: *request, cuts }).collect()
        }
        Change::ResponseCuts { answer, cuts } => {
            fewer(cuts).map(|cuts| Change::ResponseCuts { answer: *answer, cuts }).collect()
        }
        Change::SendCuts { send, cuts } => {
            fewer(cuts).map(|cuts| Change::SendCuts { send: *send, cuts }).collect()
        }
        Change::Overlap { request, events } => {
            counts(*events).map(|events| Change::Overlap { request: *request, events }).collect()
        }
        Change::HangUp { request, after } => {
            counts(*after).map(|after| Change::HangUp { request: *request, after }).collect()
        }
        Change::UpstreamReset { request, after } => {
            counts(*after).map(|after| Change::UpstreamReset { request: *request, after }).collect()
        }
        Change::Pause { request, before } => {
            let less = [*before / 1000, *before / 10];
            let less = less.into_iter().filter(|less| *less >= std::time::Duration::from_millis(1));
            less.map(|before| Change::Pause { request: *request, before }).collect()
        }
        _ => Vec::new(),
    }
}

/// Returns smaller sets of cuts: none, each half, and all but one.
fn fewer(cuts: &[usize]) -> impl Iterator<Item = Vec<usize>> {
    let (left, right) = cuts.split_at(cuts.len() / 2);
    let all_but = |at: usize| [&cuts[..at], &cuts[at + 1..]].concat();
    let each = (0..cuts.len()).map(all_but);
    [Vec::new(), left.to_vec(), right.to_vec()]
        .into_iter()
        .chain(each)
        .filter(|less| less.len() < cuts.len())
        .collect::<Vec<_>>()
        .into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn removes_changes_that_do_not_matter() {
        let variation = Variation::new([
            Change::Worker { request: 0, worker: 1 },
            Change::RequestCuts { request: 1, cuts: (1..50).collect() },
            Change::HangUp { request: 0, after: 9 },
        ]);
        let matters = |v: &Variation| {
            v.changes.iter().any(|c| matches!(c, Change::RequestCuts { cuts, .. } if cuts.contains(&17)))
                && v.changes.iter().any(|c| matches!(c, Change::HangUp { after, .. } if *after >= 5))
        };
        let least = shrink(variation, matters);
        let expected =
            [Change::RequestCuts { request: 1, cuts: vec![17] }, Change::HangUp { request: 0, after: 5 }];
        assert_eq!(least, Variation::new(expected));
    }
}
