//! Values that a client can repeat.

use crate::Config;

/// Number of the values of a header or a query parameter that a matcher must match.
///
/// A client can add lines to a header, and values to a parameter. So a rule that loosens what is required
/// must match all values, and any other rule any value: then no added value selects a looser rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Config)]
pub enum Many {
    /// At least one value.
    Any,
    /// All values, and at least one.
    All,
}

impl Many {
    /// Returns the number of values that must match so that the negation of the matcher matches as many.
    pub(crate) fn of_negated(self) -> Self {
        match self {
            Self::Any => Self::All,
            Self::All => Self::Any,
        }
    }
}
