//! Checks that the committed JSON Schema of scenario files is current. `UPDATE_SCHEMA=1 cargo test
//! -p tollgate-host-test --test scenario_text` regenerates it.

use serde_json::Value;
use std::path::Path;
use tollgate_host_test::scenario::text::ScenarioText;

#[test]
fn the_committed_schema_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenario.schema.json");
    let schema = ScenarioText::schema();
    if std::env::var_os("UPDATE_SCHEMA").is_some() {
        std::fs::write(&path, serde_json::to_string_pretty(&schema).unwrap() + "\n").unwrap();
    }
    let committed: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    assert!(
        committed == schema,
        "scenario.schema.json is out of date, run this test again with UPDATE_SCHEMA=1"
    );
}

#[test]
fn every_field_has_a_description_and_every_reference_exists() {
    let schema = ScenarioText::schema();
    let described = |properties: &Value| {
        for (name, property) in properties.as_object().unwrap() {
            let named = property["$ref"].as_str().and_then(|r| schema.pointer(r.trim_start_matches('#')));
            let text = [Some(property), named].into_iter().flatten().any(|p| p["description"].is_string());
            assert!(text, "`{name}` has no description");
        }
    };
    described(&schema["properties"]);
    for definition in schema["$defs"].as_object().unwrap().values().filter(|d| d["properties"].is_object()) {
        described(&definition["properties"]);
    }
    for reference in schema.to_string().split("\"$ref\":\"#").skip(1) {
        let pointer = reference.split('"').next().unwrap();
        assert!(schema.pointer(pointer).is_some(), "`{pointer}` does not exist");
    }
}
