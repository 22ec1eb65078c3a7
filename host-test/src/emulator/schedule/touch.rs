//! What a host call touches of that which threads share.

use crate::Upstream;
use crate::emulator::world::UpstreamState;

/// How it is touched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum How {
    /// Looked at.
    Reads,
    /// Added to, by one who does not look: the order of two such calls cannot be told.
    Adds,
    /// All else.
    Changes,
}

/// One touch of one thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Touch {
    /// Nothing for everything.
    what: Option<String>,
    how: How,
}

impl Touch {
    /// `what` names the thing: two names, two things.
    pub fn new(what: impl Into<String>, how: How) -> Self {
        Self { what: Some(what.into()), how }
    }

    /// A touch of which nothing is known.
    pub fn everything() -> Self {
        Self { what: None, how: How::Changes }
    }

    /// The next answer of an upstream, if it has several: who asks first gets the first. All upstreams are one thing.
    pub fn upstreams(upstreams: &[UpstreamState]) -> Option<Self> {
        let several = |spec: &Upstream| {
            spec.answers.len() > 1 || spec.by_path.iter().any(|(_, answers)| answers.len() > 1)
        };
        upstreams.iter().any(|upstream| several(&upstream.spec)).then(|| Self::new("upstreams", How::Changes))
    }

    /// The name of the thing, if it is one thing.
    pub fn what(&self) -> Option<&str> {
        self.what.as_deref()
    }

    /// Whether nobody can tell in which order two threads did this and that.
    pub fn commutes(&self, other: &Self) -> bool {
        let apart = self.what.is_some() && other.what.is_some() && self.what != other.what;
        apart || (self.how == other.how && self.how != How::Changes)
    }
}

#[cfg(test)]
mod tests {
    use super::How::{Adds, Changes, Reads};
    use super::Touch;

    #[test]
    fn the_order_matters_when_one_of_two_changes_what_the_other_sees() {
        // (how the one, how the other, whether the order is all the same)
        let table = [
            (Reads, Reads, true),
            (Adds, Adds, true),
            (Reads, Adds, false),
            (Reads, Changes, false),
            (Adds, Changes, false),
            (Changes, Changes, false),
        ];
        for (one, other, same) in table {
            assert_eq!(Touch::new("a", one).commutes(&Touch::new("a", other)), same, "{one:?} {other:?}");
            assert_eq!(Touch::new("a", other).commutes(&Touch::new("a", one)), same, "{other:?} {one:?}");
            assert!(Touch::new("a", one).commutes(&Touch::new("b", other)));
            assert!(!Touch::new("a", one).commutes(&Touch::everything()));
            assert!(!Touch::everything().commutes(&Touch::new("a", other)));
        }
    }
}
