//! Values.

use crate::{Timestamp, Type};
use core::cmp::Ordering;
use std::rc::Rc;

/// A value. Cheap to clone.
///
/// `==` is true for values of the same type only. In CEL, numbers of different types can be equal.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// `null`.
    Null,
    /// A boolean.
    Bool(bool),
    /// A number with a sign.
    Int(i64),
    /// A number without a sign.
    Uint(u64),
    /// A floating-point number.
    Double(f64),
    /// A text. Not always UTF-8: see the documentation of the crate.
    String(Rc<[u8]>),
    /// Bytes.
    Bytes(Rc<[u8]>),
    /// A list.
    List(Rc<[Value]>),
    /// A map.
    Map(Map),
    /// A point in time.
    Timestamp(Timestamp),
    /// A time span in nanoseconds.
    Duration(i64),
    /// A type.
    Type(Type),
}

impl Value {
    /// Returns the type.
    pub fn type_of(&self) -> Type {
        match self {
            Self::Null => Type::Null,
            Self::Bool(_) => Type::Bool,
            Self::Int(_) => Type::Int,
            Self::Uint(_) => Type::Uint,
            Self::Double(_) => Type::Double,
            Self::String(_) => Type::String,
            Self::Bytes(_) => Type::Bytes,
            Self::List(_) => Type::List,
            Self::Map(_) => Type::Map,
            Self::Timestamp(_) => Type::Timestamp,
            Self::Duration(_) => Type::Duration,
            Self::Type(_) => Type::Type,
        }
    }

    /// Returns a list.
    pub fn from_list(elements: Vec<Self>) -> Self {
        Self::List(elements.into())
    }

    /// Returns a map with texts as keys. Of entries with the same key, the first one counts.
    pub fn from_entries(entries: Vec<(Rc<[u8]>, Self)>) -> Self {
        let mut list = Vec::with_capacity(entries.len());
        for (key, value) in entries {
            list.push((Self::String(key), value));
        }
        sort(&mut list);
        list.dedup_by(|(a, _), (b, _)| compare_keys(a, b).is_eq());
        Self::Map(Map(list.into()))
    }

    /// Returns a text.
    pub fn from_bytes(text: &[u8]) -> Self {
        Self::String(text.into())
    }

    /// Returns the value as a key of a map: a double that is a whole number is an integer.
    pub(crate) fn as_key(&self) -> Option<Self> {
        match self {
            Self::Bool(_) | Self::Int(_) | Self::Uint(_) | Self::String(_) => Some(self.clone()),
            Self::Double(double) => crate::arithmetic::whole(*double),
            _ => None,
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::from_bytes(text.as_bytes())
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

/// Integers become `int`, or `uint` if they are too large, and other numbers become `double`. Recursive: the
/// parser of the JSON text bounds the depth.
impl From<&serde_json::Value> for Value {
    fn from(json: &serde_json::Value) -> Self {
        match json {
            serde_json::Value::Null => Self::Null,
            serde_json::Value::Bool(value) => Self::Bool(*value),
            serde_json::Value::Number(number) => match (number.as_i64(), number.as_u64(), number.as_f64()) {
                (Some(value), _, _) => Self::Int(value),
                (_, Some(value), _) => Self::Uint(value),
                (_, _, value) => Self::Double(value.unwrap_or(f64::NAN)),
            },
            serde_json::Value::String(text) => Self::from(text.as_str()),
            serde_json::Value::Array(elements) => {
                let mut list = Vec::with_capacity(elements.len());
                list.extend(elements.iter().map(Self::from));
                Self::from_list(list)
            }
            serde_json::Value::Object(members) => {
                let mut list = Vec::with_capacity(members.len());
                list.extend(members.iter().map(|(name, value)| (name.as_bytes().into(), Self::from(value))));
                Self::from_entries(list)
            }
        }
    }
}

/// A map. Its entries are sorted by key.
#[derive(Clone, Debug, PartialEq)]
pub struct Map(Rc<[(Value, Value)]>);

impl Map {
    /// Returns a map, or `None` if two keys are equal or a value cannot be a key.
    pub(crate) fn new(mut entries: Vec<(Value, Value)>) -> Option<Self> {
        for (key, _) in &mut entries {
            *key = key.as_key()?;
        }
        sort(&mut entries);
        let mut previous: Option<&Value> = None;
        for (key, _) in &entries {
            if previous.is_some_and(|previous| compare_keys(previous, key).is_eq()) {
                return None;
            }
            previous = Some(key);
        }
        Some(Self(entries.into()))
    }

    /// Returns the value of a key.
    pub(crate) fn get(&self, key: &Value) -> Option<&Value> {
        let index = self.0.binary_search_by(|(other, _)| compare_keys(other, key)).ok()?;
        self.0.get(index).map(|(_, value)| value)
    }

    /// Returns the entries.
    pub fn entries(&self) -> &[(Value, Value)] {
        &self.0
    }
}

/// Sorts entries by key. One copy, because the code is large.
#[inline(never)]
fn sort(entries: &mut [(Value, Value)]) {
    entries.sort_by(|(a, _), (b, _)| compare_keys(a, b));
}

/// Compares keys: booleans, then numbers, then texts.
#[inline(never)]
fn compare_keys(a: &Value, b: &Value) -> Ordering {
    fn rank(key: &Value) -> (u8, i128, &[u8]) {
        match key {
            Value::Bool(value) => (0, i128::from(*value), &[]),
            Value::Int(value) => (1, i128::from(*value), &[]),
            Value::Uint(value) => (1, i128::from(*value), &[]),
            Value::String(text) => (2, 0, text),
            // `as_key` admits no other type.
            _ => (3, 0, &[]),
        }
    }
    rank(a).cmp(&rank(b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_json() {
        let json = r#"{"b": [1, 18446744073709551615, 1.5, null, true], "a": {"x": "y"}}"#;
        let value = Value::from(&serde_json::from_str::<serde_json::Value>(json).unwrap());
        let inner = Value::from_entries(vec![((*b"x").into(), "y".into())]);
        let list = Value::from_list(vec![
            Value::Int(1),
            Value::Uint(u64::MAX),
            Value::Double(1.5),
            Value::Null,
            Value::Bool(true),
        ]);
        let Value::Map(map) = value else { panic!("{value:?}") };
        assert_eq!(map.entries(), [("a".into(), inner), ("b".into(), list)]);
    }

    #[test]
    fn the_first_of_two_equal_keys_counts() {
        let key: Rc<[u8]> = (*b"k").into();
        let value = Value::from_entries(vec![(key.clone(), 1.into()), (key, 2.into())]);
        let Value::Map(map) = value else { panic!("{value:?}") };
        assert_eq!(map.entries(), [("k".into(), 1.into())]);
    }

    #[test]
    fn numbers_of_different_types_are_the_same_key() {
        let map = Map::new(vec![(1.into(), "a".into()), (Value::Uint(2), "b".into())]).unwrap();
        let get = |key: Value| key.as_key().and_then(|key| map.get(&key).cloned());
        assert_eq!(get(Value::Uint(1)), Some("a".into()));
        assert_eq!(get(Value::Double(2.0)), Some("b".into()));
        assert_eq!(get(Value::Double(1.5)), None);
        assert!(Map::new(vec![(1.into(), 1.into()), (Value::Uint(1), 2.into())]).is_none());
        assert!(Map::new(vec![(Value::Null, 1.into())]).is_none());
    }
}
