//! Messages of protobuf in their JSON form, read as Envoy reads them.
//!
//! Envoy uses protobuf's own parser in its lenient mode, whose rules differ from those of other JSON readers.
//! A field has two names, `root_id` and `rootId`. Null means absent. `"true"`, `"yes"` and `"1"` are
//! booleans, `1` is not. An enumerator is a name in any case, or a number. One value stands for a list. After
//! parsing, Envoy checks the constraints of its API. `cli/tests/tollgate/as_envoy.rs` compares each rule with
//! a real Envoy.

mod values;

use super::Problem;
use serde_json::{Map, Value};
pub use values::{base64, nanoseconds};
use values::{duration, enumerator, flag, invalid_type, number};

/// A message.
#[derive(Debug)]
pub struct Message {
    /// Fields.
    pub fields: &'static [Field],
    /// Groups of fields, exactly one of which is set.
    pub one_of: &'static [&'static [&'static str]],
}

/// A field of a message.
#[derive(Debug)]
pub struct Field {
    name: &'static str,
    kind: Kind,
    required: bool,
    not_empty: bool,
}

/// The type of a field.
#[derive(Debug)]
pub enum Kind {
    /// `string`.
    Text,
    /// `bytes`.
    Bytes,
    /// `bool`.
    Flag,
    /// `uint32`.
    Number,
    /// An enum, with the names of 0, 1, ...
    Enumerator(&'static [&'static str]),
    /// `google.protobuf.Duration`, from the first number of nanoseconds up to the second.
    Duration(i128, i128),
    /// `google.protobuf.Any` or `google.protobuf.Struct`, which is not read here.
    Object,
    /// Any value.
    Unchecked,
    /// A message.
    Message(&'static Message),
    /// A list of texts.
    Texts,
    /// A map from names to texts.
    TextMap,
    /// A map from names to messages.
    MessageMap(&'static Message),
}

impl Field {
    /// Creates an optional field.
    pub const fn new(name: &'static str, kind: Kind) -> Self {
        Self { name, kind, required: false, not_empty: false }
    }

    /// Requires the field.
    pub const fn required(mut self) -> Self {
        self.required = true;
        self
    }

    /// Rejects an empty text, if the field is set.
    pub const fn not_empty(mut self) -> Self {
        self.not_empty = true;
        self
    }

    fn is_named(&self, name: &str) -> bool {
        self.name == name || camel_case(self.name) == name
    }
}

impl Message {
    /// Reads a message. The result has the fields that are set, with their names in `snake_case` and values
    /// of their types.
    pub fn read(&self, at: &str, value: &Value) -> Result<Map<String, Value>, Problem> {
        let Value::Object(members) = value else { return Err(invalid_type(at, value, "an object")) };
        let mut read = Map::new();
        for (name, value) in members.iter().filter(|(_, value)| !value.is_null()) {
            let at = join(at, name);
            let Some(field) = self.fields.iter().find(|field| field.is_named(name)) else {
                return Err(Problem::invalid(&at, self.unknown(name)));
            };
            let before = read.insert(field.name.into(), field.read(&at, value)?);
            // Of a value, the last one counts. A message is an error.
            if before.is_some() && matches!(field.kind, Kind::Message(_)) {
                return Err(Problem::invalid(&at, "duplicate field, which is set under its other name too"));
            }
        }
        for group in self.one_of {
            if group.iter().filter(|name| read.contains_key(**name)).count() != 1 {
                let why = format!("expected exactly one of `{}`", group.join("`, `"));
                return Err(Problem::invalid(at, why));
            }
        }
        for field in self.fields {
            let at = || join(at, field.name);
            match read.get(field.name) {
                None if field.required => return Err(Problem::invalid(&at(), "missing required field")),
                // In proto3, an empty text is the same as none.
                Some(value) if field.not_empty && value.as_str() == Some("") => {
                    return Err(Problem::invalid(&at(), "must not be empty"));
                }
                _ => {}
            }
        }
        Ok(read)
    }

    fn unknown(&self, name: &str) -> String {
        match self.fields {
            [] => format!("unknown field `{name}`, expected no field"),
            fields => {
                let known: Vec<_> = fields.iter().map(|field| field.name).collect();
                format!("unknown field `{name}`, expected one of `{}`", known.join("`, `"))
            }
        }
    }
}

impl Field {
    fn read(&self, at: &str, value: &Value) -> Result<Value, Problem> {
        let text = |at: &str, value: &Value| match value {
            Value::String(text) => Ok(text.clone()),
            other => Err(invalid_type(at, other, "a string")),
        };
        let map = |value: &'_ Value| match value {
            Value::Object(members) => Ok(members.clone()),
            other => Err(invalid_type(at, other, "an object")),
        };
        Ok(match &self.kind {
            Kind::Text => text(at, value)?.into(),
            Kind::Bytes => {
                let text = text(at, value)?;
                base64(&text).ok_or_else(|| Problem::invalid(at, "invalid base64"))?;
                text.into()
            }
            Kind::Flag => flag(at, value)?.into(),
            Kind::Number => number(at, value)?.into(),
            Kind::Enumerator(names) => enumerator(at, value, names)?.into(),
            Kind::Duration(least, most) => duration(at, &text(at, value)?, *least, *most)?.into(),
            Kind::Object => map(value)?.into(),
            Kind::Unchecked => value.clone(),
            Kind::Message(message) => message.read(at, value)?.into(),
            Kind::Texts => {
                let one = std::slice::from_ref(value);
                let items = value.as_array().map_or(one, Vec::as_slice).iter().enumerate();
                let items = items.filter(|(_, item)| !item.is_null());
                items
                    .map(|(i, item)| text(&format!("{at}[{i}]"), item))
                    .collect::<Result<Vec<_>, _>>()?
                    .into()
            }
            Kind::TextMap => {
                let read = |(name, value): (String, Value)| match value {
                    Value::Null => Ok((name, "".into())),
                    value => Ok((name.clone(), text(&join(at, &name), &value)?.into())),
                };
                map(value)?.into_iter().map(read).collect::<Result<Map<_, _>, _>>()?.into()
            }
            Kind::MessageMap(message) => {
                let read = |(name, value): (String, Value)| match value {
                    Value::Null => Ok((name, Map::new().into())),
                    value => Ok((name.clone(), message.read(&join(at, &name), &value)?.into())),
                };
                map(value)?.into_iter().map(read).collect::<Result<Map<_, _>, _>>()?.into()
            }
        })
    }
}

/// Appends the name of a field to a path.
pub fn join(at: &str, name: &str) -> String {
    // Quoted, because a name that contains a dot would look like two names.
    let name = if name.contains('.') { format!("[{name:?}]") } else { name.into() };
    if at.is_empty() { name } else { format!("{at}.{name}") }
}

fn camel_case(name: &str) -> String {
    let mut words = name.split('_');
    let mut camel = words.next().unwrap_or_default().to_owned();
    for word in words {
        let mut letters = word.chars();
        camel.extend(letters.next().map(|letter| letter.to_ascii_uppercase()));
        camel.push_str(letters.as_str());
    }
    camel
}
