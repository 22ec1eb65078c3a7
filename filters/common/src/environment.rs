//! Variables of an environment in texts of a configuration.

use crate::{ConfigError, Value};

const START: &str = "%ENVIRONMENT(";
const END: &str = ")%";

/// Returns whether a text of a configuration refers to a variable.
pub fn is_used(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains(START),
        Value::Array(elements) => elements.iter().any(is_used),
        Value::Object(members) => members.values().any(is_used),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// Replaces `%ENVIRONMENT(NAME)%`, as in Envoy's formatter, by the value of the variable, in all texts of a
/// configuration but not in the names of fields. A value that contains such a reference is not expanded
/// again.
///
/// # Errors
/// A variable that is not set, and a reference without an end: an empty text would be another configuration.
pub fn expand(value: &mut Value, read: &dyn Fn(&str) -> Option<String>) -> Result<(), ConfigError> {
    match value {
        Value::String(text) if text.contains(START) => *text = expanded(text, read)?,
        Value::Array(elements) => {
            for (index, element) in elements.iter_mut().enumerate() {
                expand(element, read).map_err(|error| error.in_element(index))?;
            }
        }
        Value::Object(members) => {
            for (name, member) in members.iter_mut() {
                expand(member, read).map_err(|error| error.in_member(name))?;
            }
        }
        _ => {}
    }
    Ok(())
}

fn expanded(text: &str, read: &dyn Fn(&str) -> Option<String>) -> Result<String, ConfigError> {
    let mut parts = text.split(START);
    let mut out = String::from(parts.next().unwrap_or_default());
    for part in parts {
        let Some((name, rest)) = part.split_once(END) else {
            let message = format_args!("`{START}` without `{END}`, expected `{START}NAME{END}`");
            return Err(ConfigError::here(&message));
        };
        let Some(value) = read(name) else {
            let name = name.escape_debug();
            let message = format_args!("variable `{name}` is not set in the VM's environment");
            return Err(ConfigError::here(&message));
        };
        out.push_str(&value);
        out.push_str(rest);
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(name: &str) -> Option<String> {
        match name {
            "HOST" => Some("id.example".into()),
            "LOOP" => Some("%ENVIRONMENT(HOST)%".into()),
            "EMPTY" => Some(String::new()),
            _ => None,
        }
    }

    #[test]
    fn replaces_variables_in_all_texts() {
        let mut value = json!({"a": ["https://%ENVIRONMENT(HOST)%/%ENVIRONMENT(HOST)%", 1, null],
            "%ENVIRONMENT(HOST)%": {"b": "%ENVIRONMENT(EMPTY)%", "c": "%REQ(x)% 100%", "d": "%ENVIRONMENT(LOOP)%"}});
        assert!(is_used(&value) && !is_used(&json!({"c": ["%REQ(x)% ENVIRONMENT(HOST)"]})));
        expand(&mut value, &read).unwrap();
        let expected = json!({"a": ["https://id.example/id.example", 1, null],
            "%ENVIRONMENT(HOST)%": {"b": "", "c": "%REQ(x)% 100%", "d": "%ENVIRONMENT(HOST)%"}});
        assert_eq!(value, expected);
    }

    #[test]
    fn an_error_names_the_field_and_the_variable() {
        for (value, message) in [
            (
                json!({"a": {"b": ["x", "%ENVIRONMENT(NO)%"]}}),
                "a.b[1]: variable `NO` is not set in the VM's environment",
            ),
            (json!({"a": "%ENVIRONMENT()%"}), "a: variable `` is not set in the VM's environment"),
            (
                json!({"a": "x %ENVIRONMENT(HOST"}),
                "a: `%ENVIRONMENT(` without `)%`, expected `%ENVIRONMENT(NAME)%`",
            ),
        ] {
            let mut value = value;
            assert_eq!(expand(&mut value, &read).unwrap_err().to_string(), message);
        }
    }
}
