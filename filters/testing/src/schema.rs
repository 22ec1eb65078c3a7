//! JSON Schemas of configurations, `config.schema.json` beside each filter.

use schemars::JsonSchema;
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;
use tollgate_policy::{Object, Read};

/// The schema of a type.
pub fn of<T: JsonSchema>() -> Value {
    schemars::schema_for!(T).to_value()
}

/// The structs of a schema by their names, with the whole as `Config`.
pub fn structs(schema: &Value) -> Vec<(&str, &Value)> {
    let definitions = schema["$defs"].as_object().into_iter().flatten();
    let all = definitions.map(|(name, definition)| (name.as_str(), definition)).chain([("Config", schema)]);
    all.filter(|(_, definition)| definition["properties"].is_object()).collect()
}

/// The fields of a struct of a schema, and what is said of each.
pub fn fields(definition: &Value) -> impl Iterator<Item = (&str, &Value)> {
    let properties = definition["properties"].as_object().into_iter().flatten();
    properties.map(|(name, property)| (name.as_str(), property))
}

/// The schema that is committed is that of the type. With `UPDATE_SCHEMA` in the environment it is written anew.
///
/// `package` is the folder of the filter's policy: the schema is one above.
#[track_caller]
pub fn is_current<T: JsonSchema>(package: &str) {
    let path = Path::new(package).join("../config.schema.json");
    let schema = of::<T>();
    if std::env::var_os("UPDATE_SCHEMA").is_some() {
        std::fs::write(&path, serde_json::to_string_pretty(&schema).unwrap() + "\n").unwrap();
    }
    // As values: the order of the keys depends on features that other packages of a build may turn on.
    let committed: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    assert!(
        committed == schema,
        "config.schema.json is out of date: run the test again with UPDATE_SCHEMA=1"
    );
}

/// Every field has a description.
#[track_caller]
pub fn describes_every_field(schema: &Value) {
    for (name, definition) in structs(schema) {
        for (field, property) in fields(definition) {
            assert!(property["description"].is_string(), "`{name}.{field}` has no description");
        }
    }
}

/// A struct that is read by its table of fields: those that are read are described, and so are those that have to be there.
/// Its name.
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
    // Each leads to a field of its own.
    let mut blank = T::blank();
    let mut place = |index| blank.field(index).map(|field| std::ptr::from_mut(field).cast::<()>());
    let places: BTreeSet<_> = (0..fields.len()).filter_map(&mut place).collect();
    assert_eq!((places.len(), place(fields.len())), (fields.len(), None), "{}", T::schema_name());
    T::schema_name().into_owned()
}

/// Every struct of a schema is among `tried`, those of which [`is_read_as_described`] was asked, or is of the vocabulary of all
/// filters, where it is tried itself.
#[track_caller]
pub fn is_tried_whole(schema: &Value, tried: &[String]) {
    let of_all = ["HeaderMatcher", "PathMatcher", "QueryMatcher", "StringMatcher"];
    for (name, _) in structs(schema) {
        assert!(tried.iter().any(|tried| tried == name) || of_all.contains(&name), "`{name}` is not tried");
    }
}
