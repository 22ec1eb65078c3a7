//! The budget of an evaluation, and the functions whose cost depends on data.

use crate::error::Failure;
use crate::{Value, arithmetic};
use core::cmp::Ordering;

/// Number of bytes that cost one unit to compare, search or copy.
pub const BYTES_PER_UNIT: usize = 8;

/// Units that an allocated element costs, besides its bytes.
pub(crate) const ALLOCATION: usize = 4;

/// Maximum depth of values that are compared, so that the recursion is bounded. The parser of JSON text
/// accepts 128 levels.
const MAX_VALUE_DEPTH: usize = 160;

/// The rest of a budget.
#[derive(Debug)]
pub(crate) struct Meter(pub(crate) u32);

impl Meter {
    /// Spends units.
    #[inline]
    pub(crate) fn spend(&mut self, units: usize) -> Result<(), Failure> {
        match u32::try_from(units).ok().and_then(|units| self.0.checked_sub(units)) {
            Some(rest) => {
                self.0 = rest;
                Ok(())
            }
            None => {
                self.0 = 0;
                Err(Failure::Cost)
            }
        }
    }

    /// Spends the units for some bytes.
    #[inline]
    pub(crate) fn bytes(&mut self, count: usize) -> Result<(), Failure> {
        self.spend(count / BYTES_PER_UNIT + 1)
    }

    /// Returns a text as characters.
    #[inline(never)]
    pub(crate) fn text<'t>(&mut self, text: &'t [u8]) -> Result<&'t str, Failure> {
        self.bytes(text.len())?;
        core::str::from_utf8(text).map_err(|_| Failure::NOT_UTF8)
    }

    /// Returns a text as characters that will be visited one by one.
    #[inline(never)]
    pub(crate) fn characters<'t>(&mut self, text: &'t [u8]) -> Result<&'t str, Failure> {
        self.spend(text.len())?;
        core::str::from_utf8(text).map_err(|_| Failure::NOT_UTF8)
    }

    /// Returns whether two values are equal. Values of different types are not, except numbers.
    pub(crate) fn equal(&mut self, a: &Value, b: &Value) -> Result<bool, Failure> {
        self.equal_at(a, b, 0)
    }

    fn equal_at(&mut self, a: &Value, b: &Value, depth: usize) -> Result<bool, Failure> {
        self.spend(1)?;
        if depth > MAX_VALUE_DEPTH {
            return Err(Failure::Failed("the value is nested too deeply"));
        }
        Ok(match (a, b) {
            (Value::String(a), Value::String(b)) | (Value::Bytes(a), Value::Bytes(b)) => {
                a.len() == b.len() && {
                    self.bytes(a.len())?;
                    a == b
                }
            }
            (Value::List(a), Value::List(b)) => {
                if a.len() != b.len() {
                    return Ok(false);
                }
                for (a, b) in a.iter().zip(b.iter()) {
                    if !self.equal_at(a, b, depth + 1)? {
                        return Ok(false);
                    }
                }
                true
            }
            (Value::Map(a), Value::Map(b)) => {
                if a.entries().len() != b.entries().len() {
                    return Ok(false);
                }
                // Both are sorted by key.
                for ((key, a), (other, b)) in a.entries().iter().zip(b.entries()) {
                    if !self.equal_at(key, other, depth + 1)? || !self.equal_at(a, b, depth + 1)? {
                        return Ok(false);
                    }
                }
                true
            }
            (Value::Int(_) | Value::Uint(_) | Value::Double(_), _) => {
                arithmetic::compare(a, b).is_some_and(Ordering::is_eq)
            }
            _ => a == b,
        })
    }

    /// Orders two values. `None` for a number that is not a number.
    #[inline(never)]
    pub(crate) fn order(&mut self, a: &Value, b: &Value) -> Result<Option<Ordering>, Failure> {
        Ok(match (a, b) {
            (Value::Bool(a), Value::Bool(b)) => Some(a.cmp(b)),
            (Value::String(a), Value::String(b)) | (Value::Bytes(a), Value::Bytes(b)) => {
                self.bytes(a.len().min(b.len()))?;
                Some(a.cmp(b))
            }
            (Value::Timestamp(a), Value::Timestamp(b)) => Some(a.cmp(b)),
            (Value::Duration(a), Value::Duration(b)) => Some(a.cmp(b)),
            (
                Value::Int(_) | Value::Uint(_) | Value::Double(_),
                Value::Int(_) | Value::Uint(_) | Value::Double(_),
            ) => arithmetic::compare(a, b),
            _ => return Err(Failure::NO_SUCH_OVERLOAD),
        })
    }

    /// Returns whether a list has an element, or a map a key.
    #[inline(never)]
    pub(crate) fn is_in(&mut self, value: &Value, container: &Value) -> Result<bool, Failure> {
        match container {
            Value::List(list) => {
                for element in list.iter() {
                    if self.equal(value, element)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            Value::Map(_) => Ok(self.entry(container, value)?.is_some()),
            _ => Err(Failure::NO_SUCH_OVERLOAD),
        }
    }

    /// Returns the value of a key of a map.
    #[inline(never)]
    pub(crate) fn entry<'v>(
        &mut self,
        container: &'v Value,
        key: &Value,
    ) -> Result<Option<&'v Value>, Failure> {
        let Value::Map(map) = container else { return Err(Failure::NO_SUCH_OVERLOAD) };
        let length = if let Value::String(text) = key { text.len() } else { 0 };
        let steps = (usize::BITS - map.entries().len().leading_zeros()) as usize;
        self.spend(steps.saturating_mul(length / BYTES_PER_UNIT + 1))?;
        Ok(key.as_key().and_then(|key| map.get(&key)))
    }

    /// Returns the element of a list, or the value of a key of a map.
    #[inline(never)]
    pub(crate) fn index(&mut self, container: &Value, index: &Value) -> Result<Value, Failure> {
        let Value::List(list) = container else {
            return self.entry(container, index)?.cloned().ok_or(Failure::NO_SUCH_KEY);
        };
        let position = match (index, index.as_key()) {
            (Value::Int(_) | Value::Double(_), Some(Value::Int(index))) => usize::try_from(index).ok(),
            (Value::Uint(index), _) => usize::try_from(*index).ok(),
            (Value::Double(_), _) => None,
            _ => return Err(Failure::NO_SUCH_OVERLOAD),
        };
        position.and_then(|position| list.get(position)).cloned().ok_or(Failure::OUT_OF_RANGE)
    }

    /// Returns the position of the first occurrence of a text that is not empty, at or after a position.
    #[inline(never)]
    pub(crate) fn find(&mut self, text: &[u8], sought: &[u8], from: usize) -> Result<Option<usize>, Failure> {
        let rest = text.get(from..).unwrap_or_default();
        let position = self.find_in(rest.windows(sought.len().max(1)), sought)?;
        Ok(position.map(|position| from + position))
    }

    /// Returns the position of the last occurrence of a text that is not empty, at or before a position.
    #[inline(never)]
    pub(crate) fn find_last(
        &mut self,
        text: &[u8],
        sought: &[u8],
        to: usize,
    ) -> Result<Option<usize>, Failure> {
        let text = text.get(..to.saturating_add(sought.len())).unwrap_or(text);
        let windows = text.windows(sought.len().max(1));
        let count = windows.len();
        let position = self.find_in(windows.rev(), sought)?;
        Ok(position.map(|position| count - 1 - position))
    }

    fn find_in<'t>(
        &mut self,
        windows: impl Iterator<Item = &'t [u8]>,
        sought: &[u8],
    ) -> Result<Option<usize>, Failure> {
        let mut compared = 0;
        for (position, window) in windows.enumerate() {
            compared += 1;
            if window.first() == sought.first() {
                let same = window.iter().zip(sought).take_while(|(a, b)| a == b).count();
                compared += same;
                if same == sought.len() {
                    return self.bytes(compared).map(|()| Some(position));
                }
            }
            if compared >= 32 * BYTES_PER_UNIT {
                self.bytes(compared)?;
                compared = 0;
            }
        }
        self.bytes(compared).map(|()| None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_first_and_the_last_occurrence() {
        let mut meter = Meter(1000);
        for (text, sought, first, last) in [
            ("abcab", "ab", Some(0), Some(3)),
            ("aaa", "aa", Some(0), Some(1)),
            ("ab", "abc", None, None),
            ("", "a", None, None),
            ("xay", "a", Some(1), Some(1)),
        ] {
            let (text, sought) = (text.as_bytes(), sought.as_bytes());
            assert_eq!(meter.find(text, sought, 0), Ok(first));
            assert_eq!(meter.find_last(text, sought, text.len()), Ok(last));
        }
        assert_eq!(meter.find(b"abcab", b"ab", 1), Ok(Some(3)));
        assert_eq!(meter.find(b"abcab", b"ab", 9), Ok(None));
        assert_eq!(meter.find_last(b"abcab", b"ab", 2), Ok(Some(0)));
    }

    #[test]
    fn a_search_costs_its_comparisons() {
        let text = [b'a'; 8192];
        let sought = [&[b'a'; 4096][..], b"b"].concat();
        let mut meter = Meter(100_000);
        assert_eq!(meter.find(&text, &sought, 0), Err(Failure::Cost));
        let mut meter = Meter(2000);
        assert_eq!(meter.find(&text, b"b", 0), Ok(None));
        assert!((800..1100).contains(&meter.0), "{meter:?}");
    }

    #[test]
    fn deep_values_are_not_compared() {
        let deep = |depth| (0..depth).fold(Value::Null, |inner, _| Value::from_list(vec![inner]));
        let mut meter = Meter(10_000);
        assert_eq!(meter.equal(&deep(128), &deep(128)), Ok(true));
        assert!(matches!(meter.equal(&deep(200), &deep(200)), Err(Failure::Failed(_))));
    }
}
