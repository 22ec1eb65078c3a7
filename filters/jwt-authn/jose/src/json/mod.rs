//! Strict JSON for tokens: no duplicate members, limited nesting, no trailing text.
//!
//! If an object has two members of the same name, two parsers may choose different ones (RFC 8725 section
//! 2.8). So such an object is rejected. serde_json checks the rest: UTF-8, no lone surrogates, no numbers
//! beyond a float, no trailing text.
//!
//! Numbers are exact: 2^64 and 2^64 + 1 may be two users. serde_json would round both to one float, and its
//! feature for exact numbers would apply to the whole workspace. So [`Literals`] finds the texts of the
//! numbers that it rounds.

use core::fmt;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::Number;
use std::collections::BinaryHeap;

mod literals;
mod write;

use literals::Literals;
pub use write::decimal;

/// Maximum nesting of arrays and objects.
const MAX_DEPTH: u8 = 16;

/// A JSON value of a token.
#[derive(Clone, Debug, PartialEq)]
pub enum Json {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// An integer of 64 bits.
    Number(Number),
    /// Any other number: the nearest float, and its text in the token.
    Decimal(f64, Box<str>),
    /// A string.
    String(Box<str>),
    /// An array.
    Array(Vec<Json>),
    /// An object: its members in order, without duplicate names.
    Object(Vec<(Box<str>, Json)>),
}

impl Json {
    /// Parses one value strictly. Time and memory are proportional to the length, which the caller must
    /// limit. (Members of an object are sorted once to find duplicate names.)
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let mut deserializer = serde_json::Deserializer::from_slice(bytes);
        let mut literals = Literals::new(bytes);
        let nested = Nested { depth: MAX_DEPTH, literals: &mut literals };
        let value = nested.deserialize(&mut deserializer).ok()?;
        deserializer.end().ok()?;
        Some(value)
    }

    /// Returns a member of an object.
    pub fn get(&self, name: &str) -> Option<&Json> {
        let Self::Object(members) = self else { return None };
        members.iter().find(|(n, _)| &**n == name).map(|(_, value)| value)
    }

    /// Returns the string, if this is one.
    pub fn as_str(&self) -> Option<&str> {
        if let Self::String(text) = self { Some(text) } else { None }
    }

    /// Returns the elements, if this is an array.
    pub fn as_array(&self) -> Option<&[Json]> {
        if let Self::Array(elements) = self { Some(elements) } else { None }
    }

    /// Returns the members in their order, if this is an object.
    pub fn as_object(&self) -> Option<&[(Box<str>, Json)]> {
        if let Self::Object(members) = self { Some(members) } else { None }
    }

    /// Returns the boolean, if this is one.
    pub fn as_bool(&self) -> Option<bool> {
        if let Self::Bool(value) = self { Some(*value) } else { None }
    }

    /// Returns the nearest float, if this is a number.
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Self::Number(number) => number.as_f64(),
            Self::Decimal(float, _) => Some(*float),
            _ => None,
        }
    }

    /// Returns the integer, if this is a number written as an integer that fits.
    pub fn as_u64(&self) -> Option<u64> {
        if let Self::Number(number) = self { number.as_u64() } else { None }
    }

    /// Returns the integer, if this is a number written as an integer that fits.
    pub fn as_i64(&self) -> Option<i64> {
        if let Self::Number(number) = self { number.as_i64() } else { None }
    }
}

/// Parser of a value with this maximum nesting.
struct Nested<'n, 't> {
    depth: u8,
    literals: &'n mut Literals<'t>,
}

impl<'t> Nested<'_, 't> {
    /// Returns the parser of an inner value.
    fn inner<E: Error>(&mut self) -> Result<Nested<'_, 't>, E> {
        match self.depth.checked_sub(1) {
            Some(depth) => Ok(Nested { depth, literals: self.literals }),
            None => Err(E::custom("nesting is too deep")),
        }
    }
}

impl<'de> DeserializeSeed<'de> for Nested<'_, '_> {
    type Value = Json;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Json, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Nested<'_, '_> {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Json, E> {
        Ok(Json::Bool(value))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Json, E> {
        Ok(Json::Number(number.into()))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Json, E> {
        Ok(Json::Number(number.into()))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Json, E> {
        let literal = self.literals.next().ok_or_else(|| E::custom("not a number"))?;
        Ok(Json::Decimal(number, literal.into()))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Json, E> {
        Ok(Json::String(text.into()))
    }

    fn visit_string<E: Error>(self, text: String) -> Result<Json, E> {
        Ok(Json::String(text.into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut sequence: A) -> Result<Json, A::Error> {
        self.inner::<A::Error>()?;
        let mut elements = Vec::new();
        while let Some(element) = sequence.next_element_seed(self.inner()?)? {
            elements.push(element);
        }
        Ok(Json::Array(elements))
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<Json, A::Error> {
        self.inner::<A::Error>()?;
        let mut members: Vec<(Box<str>, Json)> = Vec::new();
        while let Some(name) = map.next_key()? {
            members.push((name, map.next_value_seed(self.inner()?)?));
        }
        if twice(members.iter().map(|(name, _)| &**name).collect()) {
            Err(A::Error::custom("duplicate member"))
        } else {
            Ok(Json::Object(members))
        }
    }
}

/// Whether a name occurs more than once. Sorts the names, because a hash table of a client's names would need
/// a seed. Uses a heap, which has a tenth of the code of a sort.
pub(crate) fn twice(names: Vec<&str>) -> bool {
    let mut names = BinaryHeap::from(names);
    let mut last = names.pop();
    while let (Some(before), Some(name)) = (last, names.pop()) {
        if before == name {
            return true;
        }
        last = Some(name);
    }
    false
}
