//! Checks of the JSON Schema of a configuration: `config.schema.json` in the folder of each filter.

use schemars::JsonSchema;
use serde_json::Value;
use std::path::Path;

pub use tollgate_policy::config::schema::of;

/// Returns the structs of a schema with their names. The top level is named `Config`.
pub fn structs(schema: &Value) -> Vec<(&str, &Value)> {
    let definitions = schema["$defs"].as_object().into_iter().flatten();
    let all = definitions.map(|(name, definition)| (name.as_str(), definition)).chain([("Config", schema)]);
    all.filter(|(_, definition)| definition["properties"].is_object()).collect()
}

/// Returns the fields of a struct of a schema, each with its definition.
pub fn fields(definition: &Value) -> impl Iterator<Item = (&str, &Value)> {
    let properties = definition["properties"].as_object().into_iter().flatten();
    properties.map(|(name, property)| (name.as_str(), property))
}

/// Asserts that the committed schema matches the type. Rewrites the file first if `UPDATE_SCHEMA` is set.
///
/// `package` is the folder of the filter's policy; the schema is in its parent folder.
#[track_caller]
pub fn is_current<T: JsonSchema>(package: &str) {
    let path = Path::new(package).join("../config.schema.json");
    let schema = of::<T>();
    if std::env::var_os("UPDATE_SCHEMA").is_some() {
        std::fs::write(&path, serde_json::to_string_pretty(&schema).unwrap() + "\n").unwrap();
    }
    // Compared as values: the order of keys depends on features that other packages of the build may enable.
    let committed: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    assert!(
        committed == schema,
        "config.schema.json is out of date; to update it, run the test with UPDATE_SCHEMA=1"
    );
}

/// Asserts that every field has a description.
#[track_caller]
pub fn describes_every_field(schema: &Value) {
    for (name, definition) in structs(schema) {
        for (field, property) in fields(definition) {
            assert!(property["description"].is_string(), "`{name}.{field}` has no description");
        }
    }
}
