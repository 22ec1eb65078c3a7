//! Deserializes a type from a tree of JSON values, and adds the path of the field to every error.
//!
//! `serde_path_to_error` does the same on the text, with four times as much code: it wraps every type that is
//! read, and code that reads configurations is most of a module. Here there is one deserializer, and each
//! level adds its part of the path to an error that passes through.

use super::ConfigError;
use serde::de::{self, DeserializeSeed, Deserializer, EnumAccess, IntoDeserializer, MapAccess, SeqAccess};
use serde::de::{Expected, Unexpected, VariantAccess, Visitor};
use serde_json::{Map, Number, Value};
use std::fmt;

/// An error in a value. One pointer wide, because every function of a deserializer returns it.
#[derive(Debug)]
pub(super) struct ReadError(pub(super) Box<ConfigError>);

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for ReadError {}

impl de::Error for ReadError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self(Box::new(ConfigError::new("", message)))
    }
}

impl ReadError {
    #[inline(never)]
    fn in_member(mut self, name: &str) -> Self {
        let path = &mut self.0.path;
        let dot = if path.is_empty() || path.starts_with('[') { "" } else { "." };
        *path = super::one_line(&format!("{name}{dot}{path}"));
        self
    }

    #[inline(never)]
    fn in_element(mut self, index: usize) -> Self {
        let path = &mut self.0.path;
        let dot = if path.is_empty() || path.starts_with('[') { "" } else { "." };
        *path = format!("[{index}]{dot}{path}");
        self
    }
}

/// Deserializes one value of the tree.
pub(super) struct ValueDeserializer<'v>(pub(super) &'v Value);

impl<'v> ValueDeserializer<'v> {
    #[inline(never)]
    fn invalid_type(&self, expected: &dyn Expected) -> ReadError {
        de::Error::invalid_type(self.unexpected(), expected)
    }

    /// Does not use [`Self::invalid_type`], which would add Rust's code for formatting floats to filters that
    /// only read a tree.
    fn number<V: Visitor<'v>>(number: &Number, visitor: V) -> Result<V::Value, ReadError> {
        match (number.as_u64(), number.as_i64(), number.as_f64()) {
            (Some(value), ..) => visitor.visit_u64(value),
            (None, Some(value), _) => visitor.visit_i64(value),
            (None, None, value) => visitor.visit_f64(value.unwrap_or_default()),
        }
    }

    fn list<V: Visitor<'v>>(&self, list: &'v [Value], visitor: V) -> Result<V::Value, ReadError> {
        let mut elements = Elements { rest: list.iter(), index: 0 };
        let read = visitor.visit_seq(&mut elements)?;
        match elements.rest.len() {
            0 => Ok(read),
            _ => Err(de::Error::invalid_length(list.len(), &"fewer elements")),
        }
    }

    fn unexpected(&self) -> Unexpected<'_> {
        match self.0 {
            Value::Null => Unexpected::Unit,
            Value::Bool(value) => Unexpected::Bool(*value),
            Value::Number(number) => match (number.as_u64(), number.as_i64(), number.as_f64()) {
                (Some(value), ..) => Unexpected::Unsigned(value),
                (None, Some(value), _) => Unexpected::Signed(value),
                (None, None, value) => Unexpected::Float(value.unwrap_or_default()),
            },
            Value::String(text) => Unexpected::Str(text),
            Value::Array(_) => Unexpected::Seq,
            Value::Object(_) => Unexpected::Map,
        }
    }
}

impl<'de> Deserializer<'de> for ValueDeserializer<'de> {
    type Error = ReadError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        match self.0 {
            Value::Null => visitor.visit_unit(),
            Value::Bool(value) => visitor.visit_bool(*value),
            Value::Number(number) => Self::number(number, visitor),
            Value::String(text) => visitor.visit_borrowed_str(text),
            Value::Array(list) => self.list(list, visitor),
            Value::Object(map) => visitor.visit_map(Members::new(map)),
        }
    }

    // The methods below could all forward to `deserialize_any`. But each way in which a visitor can be called
    // adds code for each type. Most of that code would read structs from arrays.

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        match self.0 {
            Value::Bool(value) => visitor.visit_bool(*value),
            _ => Err(self.invalid_type(&visitor)),
        }
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        match self.0 {
            Value::String(text) => visitor.visit_borrowed_str(text),
            _ => Err(self.invalid_type(&visitor)),
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        self.deserialize_str(visitor)
    }

    fn deserialize_u64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        match self.0 {
            Value::Number(number) => Self::number(number, visitor),
            _ => Err(self.invalid_type(&visitor)),
        }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        match self.0 {
            Value::Array(list) => self.list(list, visitor),
            _ => Err(self.invalid_type(&visitor)),
        }
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        match self.0 {
            Value::Object(map) => visitor.visit_map(Members::new(map)),
            _ => Err(self.invalid_type(&visitor)),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        self.deserialize_map(visitor)
    }

    fn deserialize_u8<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        self.deserialize_u64(visitor)
    }

    fn deserialize_u16<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        self.deserialize_u64(visitor)
    }

    fn deserialize_u32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        self.deserialize_u64(visitor)
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        self.deserialize_u64(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        match self.0 {
            Value::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        match self.0 {
            Value::String(name) => visitor.visit_enum(Variant { name, content: None }),
            Value::Object(map) => match single_member(map) {
                Some((name, content)) => visitor.visit_enum(Variant { name, content: Some(content) }),
                None => Err(de::Error::invalid_value(Unexpected::Map, &"an object with exactly one member")),
            },
            _ => Err(de::Error::invalid_type(
                self.unexpected(),
                &"a string or an object with exactly one member",
            )),
        }
    }

    serde::forward_to_deserialize_any! {
        i8 i16 i32 i64 i128 u128 f32 char bytes byte_buf unit unit_struct tuple tuple_struct identifier ignored_any
    }
}

fn single_member(map: &Map<String, Value>) -> Option<(&String, &Value)> {
    let mut members = map.iter();
    members.next().filter(|_| members.next().is_none())
}

struct Elements<'v> {
    rest: std::slice::Iter<'v, Value>,
    index: usize,
}

impl<'v> SeqAccess<'v> for &mut Elements<'v> {
    type Error = ReadError;

    #[inline(never)]
    fn next_element_seed<T: DeserializeSeed<'v>>(&mut self, seed: T) -> Result<Option<T::Value>, ReadError> {
        let Some(element) = self.rest.next() else { return Ok(None) };
        let index = self.index;
        self.index += 1;
        match seed.deserialize(ValueDeserializer(element)) {
            Ok(value) => Ok(Some(value)),
            Err(error) => Err(error.in_element(index)),
        }
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.rest.len())
    }
}

struct Members<'v> {
    rest: serde_json::map::Iter<'v>,
    /// The member whose name was read and whose value was not read yet.
    member: Option<(&'v str, &'v Value)>,
}

impl<'v> Members<'v> {
    fn new(map: &'v Map<String, Value>) -> Self {
        Self { rest: map.iter(), member: None }
    }
}

impl<'v> MapAccess<'v> for Members<'v> {
    type Error = ReadError;

    fn next_key_seed<K: DeserializeSeed<'v>>(&mut self, seed: K) -> Result<Option<K::Value>, ReadError> {
        let Some((name, value)) = self.rest.next() else { return Ok(None) };
        self.member = Some((name, value));
        let key: de::value::BorrowedStrDeserializer<'v, ReadError> =
            de::value::BorrowedStrDeserializer::new(name);
        match seed.deserialize(key) {
            Ok(key) => Ok(Some(key)),
            Err(error) => Err(error.in_member(name)),
        }
    }

    #[inline(never)]
    fn next_value_seed<T: DeserializeSeed<'v>>(&mut self, seed: T) -> Result<T::Value, ReadError> {
        let Some((name, value)) = self.member.take() else {
            return Err(de::Error::custom("value was read before its name"));
        };
        seed.deserialize(ValueDeserializer(value)).map_err(|error| error.in_member(name))
    }
}

/// A variant of an enum: its name alone, or an object with one member that maps the name to the content.
struct Variant<'v> {
    name: &'v str,
    content: Option<&'v Value>,
}

impl<'v> EnumAccess<'v> for Variant<'v> {
    type Error = ReadError;
    type Variant = Self;

    fn variant_seed<T: DeserializeSeed<'v>>(self, seed: T) -> Result<(T::Value, Self), ReadError> {
        let name: de::value::StrDeserializer<'_, ReadError> = self.name.into_deserializer();
        match seed.deserialize(name) {
            Ok(value) => Ok((value, self)),
            Err(error) if self.content.is_some() => Err(error.in_member(self.name)),
            Err(error) => Err(error),
        }
    }
}

impl<'v> VariantAccess<'v> for Variant<'v> {
    type Error = ReadError;

    fn unit_variant(self) -> Result<(), ReadError> {
        match self.content {
            None | Some(Value::Null) => Ok(()),
            Some(value) => Err(de::Error::invalid_type(ValueDeserializer(value).unexpected(), &"no value")),
        }
        .map_err(|error: ReadError| error.in_member(self.name))
    }

    fn newtype_variant_seed<T: DeserializeSeed<'v>>(self, seed: T) -> Result<T::Value, ReadError> {
        let Some(content) = self.content else {
            return Err(de::Error::custom(format_args!("`{}` needs a value", self.name)));
        };
        seed.deserialize(ValueDeserializer(content)).map_err(|error| error.in_member(self.name))
    }

    fn tuple_variant<V: Visitor<'v>>(self, _: usize, visitor: V) -> Result<V::Value, ReadError> {
        ValueDeserializer(self.content.unwrap_or(&Value::Null))
            .deserialize_any(visitor)
            .map_err(|error| error.in_member(self.name))
    }

    fn struct_variant<V: Visitor<'v>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        self.tuple_variant(fields.len(), visitor)
    }
}
