//! `google.protobuf.Any` in its JSON form, as far as a Wasm filter is concerned: the bytes that it gets.

use crate::check::Problem;
use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE};
use serde_json::{Map, Value};
use tollgate_host_test::Configuration;

/// What the filter gets. `StringValue` and `BytesValue` are unwrapped, anything else arrives as serialised protobuf
/// (Envoy, `source/extensions/common/wasm/plugin.h` and `MessageUtil::anyToBytes`).
pub fn configuration(field: &str, any: &Map<String, Value>) -> Result<Configuration, Problem> {
    let at = |name: &str| format!("{field}.{name}");
    let Some(url) = any.get("@type").and_then(Value::as_str) else {
        return Err(Problem::invalid(field, "has no `@type`: a StringValue is what a filter reads as text"));
    };
    let kind = super::type_name(url);
    let known = ["google.protobuf.StringValue", "google.protobuf.BytesValue", "google.protobuf.Struct"];
    if kind == "google.protobuf.Empty" {
        return Ok(Configuration::None);
    }
    if !known.contains(&kind) {
        return Err(Problem::NotTried(format!("`{field}` is a `{kind}`, whose bytes only Envoy can make")));
    }
    if let Some(other) = any.keys().find(|name| !["@type", "value"].contains(&name.as_str())) {
        return Err(Problem::invalid(&at(other), format!("no field of a `{kind}`, which has `value`")));
    }
    match (kind, any.get("value")) {
        (_, None | Some(Value::Null)) => Ok(Configuration::None),
        ("google.protobuf.StringValue", Some(Value::String(text))) => {
            Ok(Configuration::Text(text.clone().into_bytes()))
        }
        ("google.protobuf.BytesValue", Some(Value::String(text))) => base64(text)
            .map(Configuration::Text)
            .ok_or_else(|| Problem::invalid(&at("value"), "is not base64")),
        ("google.protobuf.Struct", Some(value @ Value::Object(_))) => {
            Ok(Configuration::Struct(value.clone()))
        }
        (_, Some(_)) => {
            Err(Problem::invalid(&at("value"), format!("has a type that a `{kind}` does not take")))
        }
    }
}

/// Bytes as protobuf's JSON has them: either alphabet.
pub fn base64(text: &str) -> Option<Vec<u8>> {
    BASE64_STANDARD.decode(text).or_else(|_| BASE64_URL_SAFE.decode(text)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn of(any: Value) -> Result<String, Problem> {
        configuration("c", any.as_object().unwrap()).map(|c| format!("{c:?}"))
    }

    #[test]
    fn wrappers_are_taken_off() {
        let text = of(json!({"@type": "type.googleapis.com/google.protobuf.StringValue", "value": "a"}));
        assert_eq!(text, Ok("Text([97])".into()));
        let bytes = of(json!({"@type": "type.googleapis.com/google.protobuf.BytesValue", "value": "_w=="}));
        assert_eq!(bytes, Ok("Text([255])".into()));
        assert_eq!(of(json!({"@type": "x/google.protobuf.StringValue"})), Ok("None".into()));
        assert!(
            of(json!({"@type": "x/google.protobuf.Struct", "value": {"a": 1}}))
                .unwrap()
                .starts_with("Struct")
        );
    }

    #[test]
    fn what_envoy_would_not_parse_is_invalid_and_what_it_could_is_not_tried() {
        assert!(matches!(of(json!({"value": "a"})), Err(Problem::Invalid { .. })));
        let typed = |value| of(json!({"@type": "x/google.protobuf.StringValue", "value": value}));
        assert_eq!(
            typed(json!({"a": 1})),
            Err(Problem::invalid("c.value", "has a type that a `google.protobuf.StringValue` does not take"))
        );
        let extra = of(json!({"@type": "x/google.protobuf.StringValue", "valeu": "a"}));
        assert!(matches!(extra, Err(Problem::Invalid { field, .. }) if field == "c.valeu"));
        assert!(matches!(of(json!({"@type": "x/my.Config"})), Err(Problem::NotTried(_))));
    }
}
