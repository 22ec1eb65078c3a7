//! Three-valued logic (Kleene's).

use core::ops::Not;

/// The result of a test. The order is `False < Unknown < True`: a conjunction is the minimum, a disjunction
/// the maximum.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Truth {
    /// The test does not match.
    False,
    /// The test could not be evaluated: the host failed, or a condition had an error at run time.
    Unknown,
    /// The test matches.
    True,
}

impl Truth {
    /// Returns the conjunction. Stops at the first `False`.
    pub fn all(each: impl IntoIterator<Item = Self>) -> Self {
        let mut result = Self::True;
        for truth in each {
            result = result.min(truth);
            if result == Self::False {
                break;
            }
        }
        result
    }

    /// Returns the disjunction. Stops at the first `True`.
    pub fn any(each: impl IntoIterator<Item = Self>) -> Self {
        !Self::all(each.into_iter().map(|truth| !truth))
    }
}

impl From<bool> for Truth {
    fn from(truth: bool) -> Self {
        if truth { Self::True } else { Self::False }
    }
}

impl Not for Truth {
    type Output = Self;

    fn not(self) -> Self {
        match self {
            Self::False => Self::True,
            Self::Unknown => Self::Unknown,
            Self::True => Self::False,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Truth::{self, False, True, Unknown};

    #[test]
    fn an_unknown_test_decides_only_if_the_others_do_not() {
        for (tests, all, any) in [
            (&[][..], True, False),
            (&[True, True], True, True),
            (&[True, False], False, True),
            (&[True, Unknown], Unknown, True),
            (&[Unknown, False], False, Unknown),
            (&[Unknown, Unknown], Unknown, Unknown),
        ] {
            assert_eq!((Truth::all(tests.iter().copied()), Truth::any(tests.iter().copied())), (all, any));
        }
        assert_eq!((!True, !Unknown, !False), (False, Unknown, True));
    }

    #[test]
    fn stops_when_the_result_is_certain() {
        let after =
            |first: Truth| core::iter::once(first).chain(core::iter::once_with(|| panic!("evaluated")));
        assert_eq!((Truth::all(after(False)), Truth::any(after(True))), (False, True));
    }
}
