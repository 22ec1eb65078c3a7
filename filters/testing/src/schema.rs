//! Checks of the JSON Schema of a configuration: `config.schema.json` in the folder of each filter.

use schemars::JsonSchema;
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;
use tollgate_policy::{Object, Read};

/// Returns the schema of a type.
pub fn of<T: JsonSchema>() -> Value {
    schemars::schema_for!(T).to_value()
}

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

/// Asserts that the schema of a struct has the fields that its reader reads, and the same required fields.
/// Returns the name of the struct.
#[track_caller]
pub fn is_read_as_described<T: Object + Read + JsonSchema>() -> String {
    let schema = of::<T>();
    let described: BTreeSet<_> = fields(&schema).map(|(name, _)| name.to_owned()).collect();
    let required = schema["required"].as_array().into_iter().flatten();
    let fields = T::blank().fields();
    let read = fields.iter().map(|field| field.name.to_owned()).collect();
    assert_eq!(described, read, "{}", T::schema_name());
    let read = fields.iter().filter(|field| field.required).map(|field| field.name.to_owned());
    let required: BTreeSet<_> = required.filter_map(Value::as_str).map(String::from).collect();
    assert_eq!(required, read.collect(), "{}", T::schema_name());
    // Each index returns a different field.
    let mut blank = T::blank();
    let mut place = |index| blank.field(index).map(|field| std::ptr::from_mut(field).cast::<()>());
    let places: BTreeSet<_> = (0..fields.len()).filter_map(&mut place).collect();
    assert_eq!((places.len(), place(fields.len())), (fields.len(), None), "{}", T::schema_name());
    T::schema_name().into_owned()
}

/// Asserts that every struct of a schema was checked: that it is in `tried`, the structs that were passed to
/// [`is_read_as_described`], or is a struct of `tollgate-policy`, which has its own tests.
#[track_caller]
pub fn is_tried_whole(schema: &Value, tried: &[String]) {
    let of_all = ["HeaderMatcher", "PathMatcher", "QueryMatcher", "StringMatcher"];
    for (name, _) in structs(schema) {
        assert!(
            tried.iter().any(|tried| tried == name) || of_all.contains(&name),
            "`{name}` is not checked: call `is_read_as_described` for it"
        );
    }
}
