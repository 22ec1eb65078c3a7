//! Objects, arrays and names.

use super::{Read, ReadError};
use serde_json::Value;

/// A field of a struct.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its name in JSON.
    pub name: &'static str,
    /// Another name for it.
    pub alias: Option<&'static str>,
    /// Whether it has to be there.
    pub required: bool,
}

/// A struct that is read from a JSON object: see [`crate::read_object!`].
pub trait Object {
    /// Its fields, 64 of them at most.
    fn fields(&self) -> &'static [Field];

    /// The field of that place among [`Self::fields`].
    fn field(&mut self, index: usize) -> Option<&mut dyn Read>;

    /// Names that are refused, with what to write instead.
    fn instead(&self) -> &'static [(&'static str, &'static str)] {
        &[]
    }
}

impl dyn Object + '_ {
    /// Fills in the fields.
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
        // By its other name.
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

/// What takes the elements of an array.
pub(super) trait List {
    /// Appends a blank one.
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

/// What takes members of any name.
pub(crate) trait Map {
    /// The value of a name, which is blank.
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

/// Which of the names a string is.
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

/// The only member of an object, and which of the names it has.
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
