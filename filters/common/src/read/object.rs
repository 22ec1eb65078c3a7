//! Objects, arrays and names.

use super::{Read, ReadError};
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
}

/// A struct that is read from a JSON object: see [`crate::read_object!`].
pub trait Object {
    /// Returns the fields, at most 64.
    fn fields(&self) -> &'static [Field];

    /// Returns the field at an index of [`Self::fields`].
    fn field(&mut self, index: usize) -> Option<&mut dyn Read>;

    /// Returns names that are rejected, each with an error message that says what to use.
    fn instead(&self) -> &'static [(&'static str, &'static str)] {
        &[]
    }
}

impl dyn Object + '_ {
    /// Fills in the fields from the members of a JSON object.
    #[inline(never)]
    pub fn fill_members(&mut self, value: &Value) -> Result<(), ReadError> {
        let Value::Object(members) = value else { return Err(ReadError::invalid_type(value, "an object")) };
        let fields = self.fields();
        let mut seen = 0;
        for (name, value) in members {
            self.fill_member(name, value, &mut seen).map_err(|error| error.in_member(name))?;
        }
        match (0..).zip(fields).find(|(index, field)| field.required && seen & bit(*index) == 0) {
            Some((_, field)) => Err(ReadError::new(&format_args!("missing field `{}`", field.name))),
            None => Ok(()),
        }
    }

    fn fill_member(&mut self, name: &str, value: &Value, seen: &mut u64) -> Result<(), ReadError> {
        let fields = self.fields();
        let index = fields.iter().position(|field| field.name == name || field.alias == Some(name));
        let Some((index, field)) = index.and_then(|index| Some((index, self.field(index)?))) else {
            return Err(match self.instead().iter().find(|(known, _)| *known == name) {
                Some((_, instead)) => ReadError::new(instead),
                None => ReadError::unknown("field", name, &mut fields.iter().map(|field| field.name)),
            });
        };
        // The same field by its alias.
        if *seen & bit(index) != 0 {
            return Err(ReadError::new(&format_args!("duplicate field `{name}`")));
        }
        *seen |= bit(index);
        field.fill(value)
    }
}

fn bit(index: usize) -> u64 {
    1 << (index & 63)
}

/// A list that can be read from a JSON array.
pub(super) trait List {
    /// Appends a blank element and returns it.
    fn append(&mut self) -> Option<&mut dyn Read>;
}

impl<T: Read> List for Vec<T> {
    fn append(&mut self) -> Option<&mut dyn Read> {
        self.push(T::blank());
        self.last_mut().map(|last| last as &mut dyn Read)
    }
}

#[inline(never)]
pub(super) fn fill_list(list: &mut dyn List, value: &Value) -> Result<(), ReadError> {
    let Value::Array(elements) = value else { return Err(ReadError::invalid_type(value, "an array")) };
    for (index, element) in elements.iter().enumerate() {
        if let Some(read) = list.append() {
            read.fill(element).map_err(|error| error.in_element(index))?;
        }
    }
    Ok(())
}

/// A map that can be read from a JSON object with arbitrary member names.
pub(crate) trait Map {
    /// Inserts a blank value for a name and returns it.
    fn member(&mut self, name: &str) -> Option<&mut dyn Read>;
}

#[inline(never)]
pub(crate) fn fill_map(map: &mut dyn Map, value: &Value) -> Result<(), ReadError> {
    let Value::Object(members) = value else { return Err(ReadError::invalid_type(value, "an object")) };
    for (name, value) in members {
        if let Some(read) = map.member(name) {
            read.fill(value).map_err(|error| error.in_member(name))?;
        }
    }
    Ok(())
}

/// Returns the index of a string in a list of names.
#[inline(never)]
pub fn variant(value: &Value, names: &[&str]) -> Result<usize, ReadError> {
    let name = super::text(value, "a string")?;
    index_of(name, names)
}

#[inline(never)]
fn index_of(name: &str, names: &[&str]) -> Result<usize, ReadError> {
    let index = names.iter().position(|known| *known == name);
    index.ok_or_else(|| ReadError::unknown("variant", name, &mut names.iter().copied()))
}

/// Returns the only member of an object, with the index of its name in a list of names.
#[inline(never)]
pub fn only_member<'v>(
    value: &'v Value,
    names: &[&str],
    expected: &str,
) -> Result<(usize, &'v str, &'v Value), ReadError> {
    let Value::Object(members) = value else { return Err(ReadError::invalid_type(value, expected)) };
    let mut each = members.iter();
    let (Some((name, content)), None) = (each.next(), each.next()) else {
        let count = members.len();
        return Err(ReadError::new(&format_args!("an object with {count} members, expected {expected}")));
    };
    let index = index_of(name, names).map_err(|error| error.in_member(name))?;
    Ok((index, name, content))
}
