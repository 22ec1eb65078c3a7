//! Objects, arrays and names.

use super::values::not_integer;
use super::{Config, ConfigError};
use serde_json::Value;

/// A field of a struct.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// Name in JSON.
    pub name: &'static str,
    /// Alternative name in JSON.
    pub alias: Option<&'static str>,
    /// Whether the field is required.
    pub required: bool,
    /// Smallest and largest number that is accepted.
    pub range: Option<(u64, u64)>,
}

impl Field {
    /// A placeholder in a table that is not complete yet.
    #[doc(hidden)]
    pub const NONE: Self = Self { name: "", alias: None, required: false, range: None };
}

/// A struct that is read from an object. Derived with [`Config`].
pub trait Object {
    /// Returns the fields, at most 64.
    fn fields(&self) -> &'static [Field];

    /// Returns the field at an index of [`Self::fields`].
    fn field(&mut self, index: usize) -> Option<&mut dyn Config>;

    /// Returns names that are rejected, each with an error message that says what to use.
    fn instead(&self) -> &'static [(&'static str, &'static str)];
}

impl dyn Object + '_ {
    /// Fills in the fields from the members of a JSON object.
    #[inline(never)]
    pub fn fill_members(&mut self, value: &Value) -> Result<(), ConfigError> {
        let Value::Object(members) = value else { return Err(ConfigError::invalid_type(value, "an object")) };
        let fields = self.fields();
        let mut seen = 0;
        for (name, value) in members {
            self.fill_member(name, value, &mut seen).map_err(|error| error.in_member(name))?;
        }
        match (0..).zip(fields).find(|(index, field)| field.required && seen & bit(*index) == 0) {
            Some((_, field)) => Err(ConfigError::here(&format_args!("missing field `{}`", field.name))),
            None => Ok(()),
        }
    }

    fn fill_member(&mut self, name: &str, value: &Value, seen: &mut u64) -> Result<(), ConfigError> {
        let fields = self.fields();
        let index = fields.iter().position(|field| field.name == name || field.alias == Some(name));
        let range = index.and_then(|index| fields.get(index)?.range);
        let Some((index, field)) = index.and_then(|index| Some((index, self.field(index)?))) else {
            return Err(match self.instead().iter().find(|(known, _)| *known == name) {
                Some((_, instead)) => ConfigError::here(instead),
                None => ConfigError::unknown("field", name, &mut fields.iter().map(|field| field.name)),
            });
        };
        // The same field by its alias.
        if *seen & bit(index) != 0 {
            return Err(ConfigError::here(&format_args!("duplicate field `{name}`")));
        }
        *seen |= bit(index);
        // The range of the field is narrower than that of its type.
        match range.filter(|_| !value.is_null()) {
            Some((low, high)) if !value.as_u64().is_some_and(|number| (low..=high).contains(&number)) => {
                Err(match value.as_number() {
                    Some(number) => {
                        ConfigError::here(&format_args!("`{number}` is not a number from {low} to {high}"))
                    }
                    None => not_integer(value, &low, &high),
                })
            }
            _ => field.fill(value),
        }
    }
}

fn bit(index: usize) -> u64 {
    1 << (index & 63)
}

/// A list that can be read from a JSON array.
pub(super) trait List {
    /// Reserves memory for this number of elements.
    fn reserve(&mut self, count: usize);

    /// Appends a blank element and returns it.
    fn append(&mut self) -> Option<&mut dyn Config>;
}

impl<T: Config> List for Vec<T> {
    fn reserve(&mut self, count: usize) {
        self.reserve_exact(count);
    }

    fn append(&mut self) -> Option<&mut dyn Config> {
        self.push(T::blank());
        self.last_mut().map(|last| last as &mut dyn Config)
    }
}

#[inline(never)]
pub(super) fn fill_list(list: &mut dyn List, value: &Value) -> Result<(), ConfigError> {
    let Value::Array(elements) = value else { return Err(ConfigError::invalid_type(value, "an array")) };
    list.reserve(elements.len());
    for (index, element) in elements.iter().enumerate() {
        if let Some(read) = list.append() {
            read.fill(element).map_err(|error| error.in_element(index))?;
        }
    }
    Ok(())
}

/// A map that can be read from a JSON object with arbitrary member names.
pub(super) trait Map {
    /// Inserts a blank value for a name and returns it.
    fn member(&mut self, name: &str) -> Option<&mut dyn Config>;
}

#[inline(never)]
pub(super) fn fill_map(map: &mut dyn Map, value: &Value) -> Result<(), ConfigError> {
    let Value::Object(members) = value else { return Err(ConfigError::invalid_type(value, "an object")) };
    for (name, value) in members {
        if let Some(read) = map.member(name) {
            read.fill(value).map_err(|error| error.in_member(name))?;
        }
    }
    Ok(())
}

/// Returns the index of a string in a list of names.
#[inline(never)]
pub fn variant(value: &Value, names: &[&str]) -> Result<usize, ConfigError> {
    let name = super::values::text(value, "a string")?;
    index_of(name, names)
}

#[inline(never)]
fn index_of(name: &str, names: &[&str]) -> Result<usize, ConfigError> {
    let index = names.iter().position(|known| *known == name);
    index.ok_or_else(|| ConfigError::unknown("variant", name, &mut names.iter().copied()))
}

/// Returns the only member of an object, with the index of its name in a list of names. `instead` lists names
/// that are rejected, each with a message of its own.
#[inline(never)]
pub fn only_member<'v>(
    value: &'v Value,
    names: &[&str],
    instead: &[(&str, &str)],
    expected: &str,
) -> Result<(usize, &'v str, &'v Value), ConfigError> {
    let Value::Object(members) = value else { return Err(ConfigError::invalid_type(value, expected)) };
    if let Some((name, instead)) = instead.iter().find(|(name, _)| members.contains_key(*name)) {
        return Err(ConfigError::here(instead).in_member(name));
    }
    let mut each = members.iter();
    let (Some((name, content)), None) = (each.next(), each.next()) else {
        let count = members.len();
        return Err(ConfigError::here(&format_args!("an object with {count} members, expected {expected}")));
    };
    let index = index_of(name, names).map_err(|error| error.in_member(name))?;
    Ok((index, name, content))
}
