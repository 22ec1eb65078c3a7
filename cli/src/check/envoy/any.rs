//! Converts a `google.protobuf.Any` in JSON to the bytes that a Wasm filter receives.

use crate::check::Problem;
use crate::check::proto::base64;
use serde_json::{Map, Value};
use tollgate_host_test::Configuration;

/// Returns the configuration that the filter receives. Envoy unwraps `StringValue` and `BytesValue`, and
/// passes all other messages as serialised protobuf (Envoy, `source/extensions/common/wasm/plugin.h` and
/// `MessageUtil::anyToBytes`).
pub fn configuration(field: &str, any: &Map<String, Value>) -> Result<Configuration, Problem> {
    let at = |name: &str| format!("{field}.{name}");
    // An empty object is an empty message.
    if any.is_empty() {
        return Ok(Configuration::None);
    }
    let Some(url) = any.get("@type").and_then(Value::as_str) else {
        return Err(Problem::invalid(
            field,
            "missing `@type`; use `type.googleapis.com/google.protobuf.StringValue` for text",
        ));
    };
    super::check_type_url(url).map_err(|why| Problem::invalid(&at("@type"), why))?;
    let kind = super::type_name(url);
    let fields: &[&str] = match kind {
        "google.protobuf.Empty" => &[],
        "google.protobuf.StringValue" | "google.protobuf.BytesValue" | "google.protobuf.Struct" => &["value"],
        _ => {
            let why = format!("`{field}`: cannot serialise a `{kind}`, only Envoy can");
            return Err(Problem::NotChecked(why));
        }
    };
    if let Some(other) = any.keys().find(|name| *name != "@type" && !fields.contains(&name.as_str())) {
        let expected = fields.first().map_or("no field".into(), |name| format!("`{name}`"));
        return Err(Problem::invalid(&at(other), format!("unknown field of `{kind}`, expected {expected}")));
    }
    match (kind, any.get("value")) {
        (_, None | Some(Value::Null)) => Ok(Configuration::None),
        ("google.protobuf.StringValue" | "google.protobuf.BytesValue", Some(Value::Object(empty)))
            if empty.is_empty() =>
        {
            Ok(Configuration::None)
        }
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
