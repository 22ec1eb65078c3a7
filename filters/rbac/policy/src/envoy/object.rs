//! Reads the JSON form of protobuf messages. Names of fields are in snake_case or lowerCamelCase.

use tollgate_policy::config::text;
use tollgate_policy::{ConfigError, Value};

/// Reads a value.
pub(super) type Read<T> = fn(&Value) -> Result<T, ConfigError>;

/// A field of a message.
#[derive(Clone, Copy)]
pub(super) struct Field<'v> {
    /// Name, as the configuration writes it.
    pub name: &'v str,
    /// Value.
    pub value: &'v Value,
}

impl<'v> Field<'v> {
    /// Reads the value. Adds the name of the field to the path of an error.
    pub fn read<T>(self, read: fn(&'v Value) -> Result<T, ConfigError>) -> Result<T, ConfigError> {
        read(self.value).map_err(|error| error.in_member(self.name))
    }

    /// Returns an error for the value.
    pub fn error(self, message: &dyn core::fmt::Display) -> ConfigError {
        ConfigError::here(message).in_member(self.name)
    }
}

/// A message: its fields, in the order of the names with which it was read.
pub(super) struct Message<'v> {
    names: &'static [&'static str],
    fields: Vec<Option<Field<'v>>>,
}

/// Names of unsupported fields, each with a message that says what to use.
type Instead = &'static [(&'static str, &'static str)];

impl<'v> Message<'v> {
    /// Reads a message with these fields.
    pub fn read(value: &'v Value, names: &'static [&'static str]) -> Result<Self, ConfigError> {
        Self::read_instead(value, names, &[])
    }

    /// Reads a message with these fields, and rejects others with messages of their own.
    #[inline(never)]
    pub fn read_instead(
        value: &'v Value,
        names: &'static [&'static str],
        instead: Instead,
    ) -> Result<Self, ConfigError> {
        let Value::Object(members) = value else { return Err(ConfigError::invalid_type(value, "an object")) };
        let mut fields = vec![None; names.len()];
        for (name, value) in members {
            let field = Field { name, value };
            let index = names.iter().position(|known| is_name(name, known));
            match index.and_then(|index| fields.get_mut(index)) {
                Some(place @ None) => *place = Some(field),
                Some(Some(_)) => return Err(field.error(&format_args!("duplicate field `{name}`"))),
                None => return Err(unknown(field, names, instead)),
            }
        }
        Ok(Self { names, fields })
    }

    /// Returns a field.
    pub fn get(&self, name: &str) -> Option<Field<'v>> {
        let index = self.names.iter().position(|known| *known == name)?;
        *self.fields.get(index)?
    }

    /// Returns a required field.
    pub fn required(&self, name: &str) -> Result<Field<'v>, ConfigError> {
        self.get(name).ok_or_else(|| ConfigError::here(&format_args!("missing field `{name}`")))
    }

    /// Returns the only field among those that are not in `others`, with its name in snake_case.
    #[inline(never)]
    pub fn one(&self, others: &[&str]) -> Result<(&'static str, Field<'v>), ConfigError> {
        let choices = self.names.iter().zip(&self.fields).filter(|(name, _)| !others.contains(name));
        let mut found = choices.clone().filter_map(|(name, field)| Some((*name, (*field)?)));
        match (found.next(), found.next()) {
            (Some(one), None) => Ok(one),
            (first, second) => {
                let mut message = String::from("expected exactly one of ");
                for (name, _) in choices {
                    message = message + "`" + name + "`, ";
                }
                message += "found ";
                match (first, second) {
                    (Some((_, first)), Some((_, second))) => {
                        message = message + "`" + first.name + "` and `" + second.name + "`";
                    }
                    _ => message += "none",
                }
                Err(ConfigError::here(&message))
            }
        }
    }

    /// Checks that a field without a use here is a text.
    pub fn ignored_text(&self, name: &str) -> Result<(), ConfigError> {
        self.get(name).map_or(Ok(()), |field| field.read(|value| text(value, "a string").map(drop)))
    }

    /// Returns a boolean field, which is `false` by default.
    pub fn flag(&self, name: &str) -> Result<bool, ConfigError> {
        self.get(name).map_or(Ok(false), |field| field.read(boolean))
    }
}

#[inline(never)]
fn unknown(field: Field<'_>, names: &[&str], instead: Instead) -> ConfigError {
    match instead.iter().find(|(known, _)| is_name(field.name, known)) {
        Some((_, instead)) => field.error(instead),
        None => ConfigError::unknown("field", field.name, &mut names.iter().copied()).in_member(field.name),
    }
}

/// Returns whether a name is this one in snake_case or lowerCamelCase.
pub(super) fn is_name(name: &str, snake_case: &str) -> bool {
    if name == snake_case {
        return true;
    }
    let (mut name, mut upper) = (name.bytes(), false);
    for byte in snake_case.bytes() {
        if byte == b'_' {
            upper = true;
        } else {
            let expected = if upper { byte.to_ascii_uppercase() } else { byte };
            upper = false;
            if name.next() != Some(expected) {
                return false;
            }
        }
    }
    name.next().is_none()
}

/// Reads a boolean.
pub(super) fn boolean(value: &Value) -> Result<bool, ConfigError> {
    value.as_bool().ok_or_else(|| ConfigError::invalid_type(value, "a boolean"))
}

/// Reads a field that can only be `true`. With `false`, a test would never match.
pub(super) fn always(value: &Value) -> Result<(), ConfigError> {
    if boolean(value)? { Ok(()) } else { Err(ConfigError::here(&"`false` never matches, expected `true`")) }
}

/// Reads a text that is not empty.
pub(super) fn name(value: &Value) -> Result<&str, ConfigError> {
    match text(value, "a string")? {
        "" => Err(ConfigError::here(&"the text is empty")),
        name => Ok(name),
    }
}

/// Reads a whole number. Protobuf's JSON form also writes it as a string.
#[inline(never)]
pub(super) fn integer(value: &Value, from: i64, to: i64) -> Result<i64, ConfigError> {
    let number = match value {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => text.parse().ok(),
        _ => return Err(ConfigError::invalid_type(value, "a whole number")),
    };
    number
        .filter(|number| (from..=to).contains(number))
        .ok_or_else(|| ConfigError::invalid_value(value, &format!("a whole number from {from} to {to}")))
}

/// Reads a range of whole numbers, `{start, end}`. Returns its first and last number: `end` is exclusive.
#[inline(never)]
pub(super) fn integer_range(value: &Value, from: i64, to: i64) -> Result<(i64, i64), ConfigError> {
    let message = Message::read(value, &["start", "end"])?;
    let bound = |name| {
        let Some(field) = message.get(name) else { return Ok(0) };
        integer(field.value, from, to).map_err(|error| error.in_member(field.name))
    };
    let (start, end) = (bound("start")?, bound("end")?);
    if start < end { Ok((start, end - 1)) } else { Err(empty_range(&start, &end)) }
}

/// Returns an error for a range that contains no number.
#[inline(never)]
pub(super) fn empty_range(start: &dyn core::fmt::Display, end: &dyn core::fmt::Display) -> ConfigError {
    ConfigError::here(&format_args!("`start` is `{start}` and `end` is `{end}`, expected `start` < `end`"))
}

/// Reads each element of a list that has at least `min` elements.
#[inline(never)]
pub(super) fn each<'v>(
    value: &'v Value,
    min: usize,
    read: &mut dyn FnMut(&'v Value) -> Result<(), ConfigError>,
) -> Result<(), ConfigError> {
    let Value::Array(elements) = value else { return Err(ConfigError::invalid_type(value, "an array")) };
    if elements.len() < min {
        let count = elements.len();
        return Err(ConfigError::here(&format_args!("found {count} elements, expected at least {min}")));
    }
    for (index, element) in elements.iter().enumerate() {
        read(element).map_err(|error| error.in_element(index))?;
    }
    Ok(())
}

/// Reads a list that has at least `min` elements.
pub(super) fn list<'v, T>(
    value: &'v Value,
    min: usize,
    read: fn(&'v Value) -> Result<T, ConfigError>,
) -> Result<Vec<T>, ConfigError> {
    let mut list = Vec::new();
    each(value, min, &mut |element| {
        list.push(read(element)?);
        Ok(())
    })?;
    Ok(list)
}

/// A typed extension: `{name, typed_config: {"@type": ..}}`.
#[derive(Clone, Copy)]
pub(super) struct Extension<'v> {
    /// Type of the message.
    pub kind: &'v str,
    config: Field<'v>,
}

/// Prefix of the type of a message.
const TYPE_URL: &str = "type.googleapis.com/";

impl<'v> Extension<'v> {
    /// Reads the type.
    #[inline(never)]
    pub fn read(value: &'v Value) -> Result<Self, ConfigError> {
        let message = Message::read(value, &["name", "typed_config"])?;
        message.required("name")?.read(name)?;
        let config = message.required("typed_config")?;
        let kind = type_of(config.value).map_err(|error| error.in_member(config.name))?;
        Ok(Self { kind, config })
    }

    /// Reads the message. `@type` must be one of the names.
    pub fn message<T>(
        &self,
        names: &'static [&'static str],
        read: impl FnOnce(Message<'v>) -> Result<T, ConfigError>,
    ) -> Result<T, ConfigError> {
        Message::read(self.config.value, names).and_then(read).map_err(|error| self.within(error))
    }

    fn within(&self, error: ConfigError) -> ConfigError {
        error.in_member(self.config.name)
    }

    /// Returns an error for a type that is not one of these.
    #[inline(never)]
    pub fn unsupported(&self, supported: &[&str]) -> ConfigError {
        self.within(unsupported_type(self.kind, supported))
    }
}

/// Returns the type of a message.
#[inline(never)]
fn type_of(value: &Value) -> Result<&str, ConfigError> {
    let Value::Object(members) = value else { return Err(ConfigError::invalid_type(value, "an object")) };
    let Some(url) = members.get("@type") else { return Err(ConfigError::here(&"missing field `@type`")) };
    let url = text(url, "a string").map_err(|error| error.in_member("@type"))?;
    url.strip_prefix(TYPE_URL).ok_or_else(|| {
        let message = format_args!("`{}` is not a type, expected `{TYPE_URL}..`", url.escape_debug());
        ConfigError::here(&message).in_member("@type")
    })
}

/// Checks that the type of a message, if it has one, is this one.
pub(super) fn check_type(value: &Value, expected: &str) -> Result<(), ConfigError> {
    match value.get("@type") {
        None => Ok(()),
        Some(_) if type_of(value)? == expected => Ok(()),
        Some(_) => Err(unsupported_type(type_of(value)?, &[expected])),
    }
}

fn unsupported_type(found: &str, supported: &[&str]) -> ConfigError {
    let mut message = String::from("unsupported type `") + found + "`, expected ";
    if supported.len() > 1 {
        message += "one of ";
    }
    for (index, kind) in supported.iter().enumerate() {
        message = message + if index > 0 { ", `" } else { "`" } + kind + "`";
    }
    ConfigError::here(&message).in_member("@type")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_in_snake_case_or_lower_camel_case() {
        for (name, known, same) in [
            ("url_path", "url_path", true),
            ("urlPath", "url_path", true),
            ("UrlPath", "url_path", false),
            ("urlpath", "url_path", false),
            ("url_Path", "url_path", false),
            ("urlPaths", "url_path", false),
            ("urlPat", "url_path", false),
            ("destinationPort_range", "destination_port_range", false),
            ("@type", "@type", true),
        ] {
            assert_eq!(is_name(name, known), same, "{name}");
        }
    }
}
