//! Schemas, and fields beside those of another type.

use super::*;

#[test]
fn a_schema_has_descriptions_defaults_and_limits() {
    let schema = |of: schemars::Schema| of.to_value();
    assert_eq!(
        schema(schemars::schema_for!(Defaults)),
        json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": "Defaults",
            "description": "Defaults of all kinds.",
            "type": "object",
            "additionalProperties": false,
            "properties": {
                "time": {"$ref": "#/$defs/Duration"},
                "text": {"type": "string", "default": "text"},
                "number": {"type": "integer", "format": "uint32", "minimum": 1, "maximum": 10, "default": 7},
                "flag": {"type": "boolean", "default": true},
                "mode": {"$ref": "#/$defs/Mode", "default": "strict"},
                "offset": {"type": "integer", "format": "int32", "minimum": 0, "maximum": 5, "default": 0},
            },
            "$defs": {
                "Duration": {
                    "type": "string",
                    "description": "a duration such as `250ms`, `1.5s` or `1h30m`",
                    "pattern": "^(0|([0-9]+(\\.[0-9]+)?(ns|us|µs|ms|s|m|h))+)$",
                },
                "Mode": {
                    "description": "Strictness.",
                    "oneOf": [
                        {"type": "string", "const": "strict", "description": "Very."},
                        {"type": "string", "const": "very_lax"},
                        {"type": "string", "const": "off"},
                    ],
                },
            },
        })
    );
    let choice = schema(schemars::schema_for!(Choice));
    assert_eq!(choice["oneOf"][0]["properties"]["part"], json!({"$ref": "#/$defs/Part"}));
    assert_eq!(choice["$defs"]["Part"]["required"], json!(["uri"]));
}

#[test]
fn reads_flattened_fields_beside_the_others() {
    let flat = |first, label: &str, level| {
        Ok(Flat { first, shared: Shared { label: label.into(), level }, last: true })
    };
    assert_eq!(read(&json!({"label": "a", "level": 5, "first": 2, "last": true})), flat(2, "a", 5));
    assert_eq!(read(&json!({"last": true, "label": "a"})), flat(0, "a", 3));
    assert_eq!(read(&json!({"last": true, "label": "a"})).map(|flat| Flatter { flat }), {
        read::<Flatter>(&json!({"last": true, "label": "a", "first": 0, "level": 3}))
    });
    let unknown = "shared: unknown field `shared`, expected one of `first`, `last`, `label`, `level`";
    for (value, message) in [
        (json!({"last": true}), "missing field `label`"),
        (json!({"label": "a"}), "missing field `last`"),
        (json!({"last": true, "label": "a", "level": 6}), "level: `6` is not a number from 1 to 5"),
        (json!({"label": 1}), "label: invalid type: integer `1`, expected a string"),
        (json!({"lvl": 1, "level": 1}), "lvl: duplicate field `lvl`"),
        (json!({"frist": 1}), "frist: use `first`"),
        (json!({"lvel": 1}), "lvel: use `level`"),
        (json!({"shared": {}}), unknown),
    ] {
        assert_eq!(read::<Flat>(&value).unwrap_err().to_string(), message, "{value}");
        assert_eq!(read::<Flatter>(&value).unwrap_err().to_string(), message, "{value}");
    }
}

#[test]
fn a_schema_contains_flattened_fields() {
    let schema = schemars::schema_for!(Flat).to_value();
    let names: Vec<_> = schema["properties"].as_object().unwrap().keys().collect();
    assert_eq!(names, ["first", "label", "last", "level"]);
    assert_eq!(schema["required"], json!(["last", "label"]));
    assert_eq!(schema["properties"]["label"]["description"], json!("A required text."));
    let level = json!({"type": "integer", "format": "uint8", "minimum": 1, "maximum": 5, "default": 3});
    assert_eq!(schema["properties"]["level"], level);
    assert_eq!(schema["additionalProperties"], json!(false));
    let schema = schemars::schema_for!(Flatter).to_value();
    assert_eq!(schema["properties"]["level"]["default"], json!(5));
}
