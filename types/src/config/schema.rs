//! The JSON Schema of a configuration, for editors, pages and tests.

use schemars::{JsonSchema, Schema, json_schema, schema_for};
use serde_json::{Value, json};

/// Returns the schema of a type.
pub fn of<T: JsonSchema>() -> Value {
    schema_for!(T).to_value()
}

/// Adds a description.
pub fn described(mut schema: Schema, docs: &str) -> Schema {
    if !docs.is_empty() {
        schema.insert("description".into(), docs.into());
    }
    schema
}

/// Returns the schema of an object without properties.
pub fn object(docs: &str, required: &[&str]) -> Schema {
    let mut schema = json_schema!({ "type": "object", "additionalProperties": false });
    if !required.is_empty() {
        schema.insert("required".into(), required.into());
    }
    described(schema, docs)
}

/// Adds a property to the schema of an object.
pub fn property(
    object: &mut Schema,
    name: &str,
    docs: &str,
    of: Schema,
    default: Option<Value>,
    range: Option<(u64, u64)>,
) {
    let mut property = described(of, docs);
    if let Some((low, high)) = range {
        property.insert("minimum".into(), low.into());
        property.insert("maximum".into(), high.into());
    }
    if let Some(default) = default {
        property.insert("default".into(), default);
    }
    let properties = object.ensure_object().entry("properties").or_insert_with(|| json!({}));
    if let Value::Object(properties) = properties {
        properties.insert(name.into(), property.into());
    }
}

/// Adds the properties of a flattened struct to the schema of an object. `written` has their defaults.
pub fn flatten(object: &mut Schema, mut flattened: Schema, written: Option<&Value>) {
    if let Some(Value::Object(properties)) = flattened.remove("properties") {
        for (name, mut of) in properties {
            if let Some(default) = of.get_mut("default")
                && let Some(written) = written.and_then(|written| written.get(&name))
            {
                *default = written.clone();
            }
            let all = object.ensure_object().entry("properties").or_insert_with(|| json!({}));
            all[name] = of;
        }
    }
    if let Some(Value::Array(mut names)) = flattened.remove("required") {
        let all = object.ensure_object().entry("required").or_insert_with(|| json!([]));
        if let Value::Array(required) = all {
            required.append(&mut names);
        }
    }
}

/// Returns the schema of an enum of names, each with its documentation.
pub fn names(docs: &str, names: &[(&str, &str)]) -> Schema {
    let names = names
        .iter()
        .map(|(name, docs)| described(json_schema!({ "type": "string", "const": name }), docs).to_value());
    described(json_schema!({ "oneOf": names.collect::<Vec<_>>() }), docs)
}

/// Returns the schema of an enum of objects without choices.
pub fn one_of(docs: &str) -> Schema {
    described(json_schema!({ "oneOf": [] }), docs)
}

/// Adds a choice to the schema of an enum of objects.
pub fn choice(one_of: &mut Schema, name: &str, docs: &str, of: Schema) {
    let choice = json_schema!({
        "type": "object",
        "properties": { name: of },
        "required": [name],
        "additionalProperties": false,
    });
    if let Some(Value::Array(choices)) = one_of.get_mut("oneOf") {
        choices.push(described(choice, docs).to_value());
    }
}

/// Returns the schema of a type that is written in one of several ways, each with its documentation.
pub fn any_of<const N: usize>(docs: &str, ways: [(&str, Schema); N]) -> Schema {
    let ways = ways.map(|(docs, way)| described(way, docs).to_value());
    described(json_schema!({ "anyOf": ways.as_slice() }), docs)
}

/// Returns the schema of a type that is read from a string.
pub fn text(expected: &str, pattern: Option<&str>) -> Schema {
    let mut schema = json_schema!({ "type": "string", "description": expected });
    if let Some(pattern) = pattern {
        schema.insert("pattern".into(), json!(pattern));
    }
    schema
}
