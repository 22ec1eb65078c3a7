//! Reads a value into a type, for files that people write.
//!
//! serde accepts an array for a struct, whose fields then have no names: `[]` would be a scenario without
//! requests. It also names types of Rust in its errors. Here a struct is an object, and errors say what a
//! file must contain.

use serde::Deserialize;
use serde::de::value::{MapDeserializer, SeqDeserializer};
use serde::de::{DeserializeOwned, Deserializer, Error as _, IntoDeserializer, Visitor};
use serde_json::{Error, Value};

/// Reads a value.
///
/// # Errors
/// The path of the invalid field, empty for the whole value, and what is wrong with it.
pub fn read<T: DeserializeOwned>(value: Value) -> Result<T, (String, String)> {
    serde_path_to_error::deserialize(Strict(value)).map_err(|error| {
        let path = error.path().to_string();
        let path = if path == "." { String::new() } else { path };
        (path, error.into_inner().to_string())
    })
}

struct Strict(Value);

impl Strict {
    fn invalid(&self, expected: &str) -> Error {
        let found = match &self.0 {
            Value::Null => "null".into(),
            Value::Bool(value) => format!("boolean `{value}`"),
            Value::Number(value) => format!("number `{value}`"),
            Value::String(value) => format!("string {value:?}"),
            Value::Array(_) => "array".into(),
            Value::Object(_) => "object".into(),
        };
        Error::custom(format_args!("invalid type: {found}, expected {expected}"))
    }
}

impl<'de> IntoDeserializer<'de, Error> for Strict {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

/// Forwards each method to that of [`Value`], if the value has the type.
macro_rules! expect {
    ($($method:ident, $matches:pat, $expected:expr;)*) => { $(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            match &self.0 {
                $matches => self.0.$method(visitor),
                _ => Err(self.invalid($expected)),
            }
        }
    )* };
}

/// As `expect`, for integers from `MIN` to `MAX`.
macro_rules! integers {
    ($($method:ident $type:ident,)*) => { $(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            match $type::deserialize(&self.0) {
                Ok(_) => self.0.$method(visitor),
                Err(_) => Err(self.invalid(&format!("an integer from {} to {}", $type::MIN, $type::MAX))),
            }
        }
    )* };
}

impl<'de> Deserializer<'de> for Strict {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0 {
            Value::Array(items) => visitor.visit_seq(SeqDeserializer::new(items.into_iter().map(Strict))),
            Value::Object(members) => visitor
                .visit_map(MapDeserializer::new(members.into_iter().map(|(name, v)| (name, Strict(v))))),
            scalar => scalar.deserialize_any(visitor),
        }
    }

    expect! {
        deserialize_bool, Value::Bool(_), "a boolean";
        deserialize_str, Value::String(_), "a string";
        deserialize_string, Value::String(_), "a string";
        deserialize_f64, Value::Number(_), "a number";
    }

    integers! {
        deserialize_u8 u8, deserialize_u16 u16, deserialize_u32 u32, deserialize_u64 u64, deserialize_i32 i32,
        deserialize_i64 i64,
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.0.is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.0.is_array() { self.deserialize_any(visitor) } else { Err(self.invalid("an array")) }
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.0.is_object() { self.deserialize_any(visitor) } else { Err(self.invalid("an object")) }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.deserialize_map(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        names: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        match &self.0 {
            Value::String(name) => visitor.visit_enum(name.clone().into_deserializer()),
            Value::Object(members) if members.len() == 1 => {
                let members = members.clone().into_iter().map(|(name, value)| (name, Strict(value)));
                visitor
                    .visit_enum(serde::de::value::MapAccessDeserializer::new(MapDeserializer::new(members)))
            }
            _ => Err(self.invalid(&format!("one of `{}`", names.join("`, `")))),
        }
    }

    serde::forward_to_deserialize_any! {
        i8 i16 i128 u128 f32 char bytes byte_buf unit unit_struct tuple tuple_struct identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::collections::BTreeMap;

    #[derive(Debug, Default, Deserialize, PartialEq)]
    #[serde(deny_unknown_fields, default)]
    struct Whole {
        text: String,
        small: u16,
        maybe: Option<i32>,
        flag: bool,
        list: Vec<Whole>,
        map: BTreeMap<String, u8>,
        kind: Kind,
        any: Value,
    }

    #[derive(Debug, Default, Deserialize, PartialEq)]
    #[serde(rename_all = "snake_case")]
    enum Kind {
        #[default]
        Plain,
        Part(Box<Whole>),
    }

    #[test]
    fn reads_what_serde_reads() {
        for value in [
            json!({}),
            json!({"text": "a", "small": 65535, "maybe": null, "flag": true, "any": [1, {"a": null}]}),
            json!({"list": [{"text": "b"}, {}], "map": {"a": 1}, "kind": "plain", "maybe": -1}),
            json!({"kind": {"part": {"small": 1}}}),
        ] {
            assert_eq!(read::<Whole>(value.clone()).unwrap(), serde_json::from_value(value).unwrap());
        }
    }

    #[test]
    fn errors_name_no_types_of_rust() {
        let refused = |value: Value| {
            let (path, why) = read::<Whole>(value).unwrap_err();
            format!("{path}: {why}")
        };
        let integer = "expected an integer from 0 to 65535";
        for (value, error) in [
            (json!([]), ": invalid type: array, expected an object".to_owned()),
            (json!("x"), ": invalid type: string \"x\", expected an object".into()),
            (json!({"list": [[]]}), "list[0]: invalid type: array, expected an object".into()),
            (json!({"list": {}}), "list: invalid type: object, expected an array".into()),
            (json!({"map": []}), "map: invalid type: array, expected an object".into()),
            (json!({"small": 65536}), format!("small: invalid type: number `65536`, {integer}")),
            (json!({"small": "1"}), format!("small: invalid type: string \"1\", {integer}")),
            (json!({"small": 1.5}), format!("small: invalid type: number `1.5`, {integer}")),
            (json!({"flag": "yes"}), "flag: invalid type: string \"yes\", expected a boolean".into()),
            (json!({"text": 1}), "text: invalid type: number `1`, expected a string".into()),
            (json!({"kind": 1}), "kind: invalid type: number `1`, expected one of `plain`, `part`".into()),
            (json!({"kind": {"part": []}}), "kind.part: invalid type: array, expected an object".into()),
        ] {
            assert_eq!(refused(value), error);
        }
        assert!(refused(json!({"txt": 1})).starts_with("txt: unknown field `txt`, expected one of `text`"));
    }
}
