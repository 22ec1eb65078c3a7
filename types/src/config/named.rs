//! A map from names to values.

use super::object::{Map, fill_map};
use super::{Config, ConfigError};
use core::fmt;
use serde_json::Value;

/// A map from names to values, sorted by name. Read from a JSON object with arbitrary member names.
/// Implemented as a sorted list, because a `BTreeMap` costs 5 KB of Wasm for each type of value. Members of a
/// configuration arrive in order, so that each one is appended.
#[derive(Clone, PartialEq, Eq)]
pub struct Named<T>(Vec<(String, T)>);

impl<T> Named<T> {
    /// Inserts a value, and replaces an existing value of that name.
    pub fn insert(&mut self, name: String, value: T) {
        match self.place(&name) {
            Ok(place) => {
                if let Some((_, before)) = self.0.get_mut(place) {
                    *before = value;
                }
            }
            Err(place) => self.0.insert(place, (name, value)),
        }
    }

    /// Returns the value of a name.
    pub fn get(&self, name: &str) -> Option<&T> {
        self.place(name).ok().and_then(|place| self.0.get(place)).map(|(_, value)| value)
    }

    /// Returns the names and their values.
    pub fn iter(&self) -> core::slice::Iter<'_, (String, T)> {
        self.0.iter()
    }

    fn place(&self, name: &str) -> Result<usize, usize> {
        // Names usually arrive in order, and then belong after the last one.
        match self.0.last() {
            Some((last, _)) if last.as_str() < name => Err(self.0.len()),
            _ => self.0.binary_search_by(|(other, _)| other.as_str().cmp(name)),
        }
    }
}

impl<T> Default for Named<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T: fmt::Debug> fmt::Debug for Named<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.0.iter().map(|(name, value)| (name, value))).finish()
    }
}

impl<T> IntoIterator for Named<T> {
    type Item = (String, T);
    type IntoIter = std::vec::IntoIter<(String, T)>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'n, T> IntoIterator for &'n Named<T> {
    type Item = &'n (String, T);
    type IntoIter = core::slice::Iter<'n, (String, T)>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<T: Config> Config for Named<T> {
    fn blank() -> Self {
        Self::default()
    }

    fn fill(&mut self, value: &Value) -> Result<(), ConfigError> {
        fill_map(self, value)
    }

    #[cfg(feature = "schema")]
    fn written(&self) -> Option<Value> {
        let members = self.iter().map(|(name, value)| Some((name.clone(), value.written()?)));
        members.collect::<Option<serde_json::Map<_, _>>>().map(Value::Object)
    }
}

impl<T: Config> Map for Named<T> {
    fn member(&mut self, name: &str) -> Option<&mut dyn Config> {
        let place = self.place(name).unwrap_or_else(|place| {
            self.0.insert(place, (name.to_owned(), T::blank()));
            place
        });
        self.0.get_mut(place).map(|(_, value)| value as &mut dyn Config)
    }
}

/// Describes the type as a map in the JSON Schema.
#[cfg(feature = "schema")]
mod schema {
    use super::Named;
    use schemars::{JsonSchema, Schema, SchemaGenerator};
    use std::borrow::Cow;
    use std::collections::BTreeMap;

    impl<T: JsonSchema> JsonSchema for Named<T> {
        fn inline_schema() -> bool {
            true
        }

        fn schema_name() -> Cow<'static, str> {
            BTreeMap::<String, T>::schema_name()
        }

        fn schema_id() -> Cow<'static, str> {
            BTreeMap::<String, T>::schema_id()
        }

        fn json_schema(generator: &mut SchemaGenerator) -> Schema {
            BTreeMap::<String, T>::json_schema(generator)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    proptest! {
        #[test]
        fn behaves_like_a_btree_map(entries in prop::collection::vec(("[a-d]{0,2}", any::<u8>()), 0..20)) {
            let mut named = Named::default();
            let mut map = BTreeMap::new();
            for (name, value) in entries {
                named.insert(name.clone(), value);
                map.insert(name, value);
            }
            prop_assert_eq!(named.get("a"), map.get("a"));
            prop_assert_eq!(format!("{named:?}"), format!("{map:?}"));
            prop_assert_eq!(named.into_iter().collect::<Vec<_>>(), map.into_iter().collect::<Vec<_>>());
        }
    }
}
