//! The committed JSON Schema is that of the types. `UPDATE_SCHEMA=1 cargo test -p tollgate-jwt-authn-policy --test schema`
//! writes it anew.

use std::path::Path;
use tollgate_jwt_authn_policy::Config;

#[test]
fn the_committed_schema_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../config.schema.json");
    let schema = schemars::schema_for!(Config).to_value();
    if std::env::var_os("UPDATE_SCHEMA").is_some() {
        std::fs::write(&path, serde_json::to_string_pretty(&schema).unwrap() + "\n").unwrap();
    }
    // As values: the order of the keys depends on features that other packages of a build may turn on.
    let committed: serde_json::Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    assert!(
        committed == schema,
        "config.schema.json is out of date: run the test again with UPDATE_SCHEMA=1"
    );
}

#[test]
fn every_field_is_described() {
    let schema = schemars::schema_for!(Config).to_value();
    let described = |properties: &serde_json::Value| {
        for (name, property) in properties.as_object().unwrap() {
            assert!(property["description"].is_string(), "`{name}` has no description");
        }
    };
    described(&schema["properties"]);
    for definition in schema["$defs"].as_object().unwrap().values().filter(|d| d["properties"].is_object()) {
        described(&definition["properties"]);
    }
}

#[test]
fn fields_that_are_only_there_to_be_refused_are_not_in_it() {
    let schema = schemars::schema_for!(Config).to_value().to_string();
    for name in ["payload_in_metadata", "filename", "safe_regex", "inline_bytes"] {
        assert!(!schema.contains(name), "{name}");
    }
}
