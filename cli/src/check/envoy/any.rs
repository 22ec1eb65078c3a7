//! Converts a `google.protobuf.Any` in JSON to the bytes that a Wasm filter receives.

use crate::check::Problem;
use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE};
use serde_json::{Map, Value};
use tollgate_host_test::Configuration;

/// Returns the configuration that the filter receives. Envoy unwraps `StringValue` and `BytesValue`, and
/// passes all other messages as serialised protobuf (Envoy, `source/extensions/common/wasm/plugin.h` and
/// `MessageUtil::anyToBytes`).
pub fn configuration(field: &str, any: &Map<String, Value>) -> Result<Configuration, Problem> {
    let at = |name: &str| format!("{field}.{name}");
    let Some(url) = any.get("@type").and_then(Value::as_str) else {
        return Err(Problem::invalid(
            field,
            "missing `@type`; use `type.googleapis.com/google.protobuf.StringValue` for text",
        ));
    };
    let kind = super::type_name(url);
    let known = ["google.protobuf.StringValue", "google.protobuf.BytesValue", "google.protobuf.Struct"];
    if kind == "google.protobuf.Empty" {
        return Ok(Configuration::None);
    }
    if !known.contains(&kind) {
        return Err(Problem::NotChecked(format!("`{field}`: cannot serialise a `{kind}`, only Envoy can")));
    }
    if let Some(other) = any.keys().find(|name| !["@type", "value"].contains(&name.as_str())) {
        return Err(Problem::invalid(&at(other), format!("unknown field of `{kind}`, expected `value`")));
    }
    match (kind, any.get("value")) {
        (_, None | Some(Value::Null)) => Ok(Configuration::None),
        ("google.protobuf.StringValue", Some(Value::String(text))) => {
            Ok(Configuration::Text(text.clone().into_bytes()))
        }
        ("google.protobuf.BytesValue", Some(Value::String(text))) => base64(text)
            .map(Configuration::Text)
            .ok_or_else(|| Problem::invalid(&at("value"), "invalid base64")),
        ("google.protobuf.Struct", Some(value @ Value::Object(_))) => {
            Ok(Configuration::Struct(value.clone()))
        }
        (_, Some(_)) => {
            Err(Problem::invalid(&at("value"), format!("wrong type for the value of a `{kind}`")))
        }
    }
}

/// Decodes base64 as in protobuf's JSON: with the standard or the URL-safe alphabet.
pub fn base64(text: &str) -> Option<Vec<u8>> {
    BASE64_STANDARD.decode(text).or_else(|_| BASE64_URL_SAFE.decode(text)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn convert(any: Value) -> Result<String, Problem> {
        configuration("c", any.as_object().unwrap()).map(|c| format!("{c:?}"))
    }

    #[test]
    fn unwraps_string_and_bytes_values() {
        let text = convert(json!({"@type": "type.googleapis.com/google.protobuf.StringValue", "value": "a"}));
        assert_eq!(text, Ok("Text([97])".into()));
        let bytes =
            convert(json!({"@type": "type.googleapis.com/google.protobuf.BytesValue", "value": "_w=="}));
        assert_eq!(bytes, Ok("Text([255])".into()));
        assert_eq!(convert(json!({"@type": "x/google.protobuf.StringValue"})), Ok("None".into()));
        assert!(
            convert(json!({"@type": "x/google.protobuf.Struct", "value": {"a": 1}}))
                .unwrap()
                .starts_with("Struct")
        );
    }

    #[test]
    fn tells_invalid_messages_from_unsupported_ones() {
        assert!(matches!(convert(json!({"value": "a"})), Err(Problem::Invalid { .. })));
        let typed = |value| convert(json!({"@type": "x/google.protobuf.StringValue", "value": value}));
        assert_eq!(
            typed(json!({"a": 1})),
            Err(Problem::invalid("c.value", "wrong type for the value of a `google.protobuf.StringValue`"))
        );
        let extra = convert(json!({"@type": "x/google.protobuf.StringValue", "valeu": "a"}));
        assert!(matches!(extra, Err(Problem::Invalid { field, .. }) if field == "c.valeu"));
        assert!(matches!(convert(json!({"@type": "x/my.Config"})), Err(Problem::NotChecked(_))));
    }
}
