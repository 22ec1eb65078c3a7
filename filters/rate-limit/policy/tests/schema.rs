//! The committed JSON Schema is that of the types. `UPDATE_SCHEMA=1 cargo test -p tollgate-rate-limit-policy --test schema`
//! writes it anew.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

use schemars::JsonSchema;
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;
use tollgate_policy::{Object, Read};
use tollgate_rate_limit_policy::Config;

fn schema() -> Value {
    schemars::schema_for!(Config).to_value()
}

/// Every struct of the configuration, by its name.
fn structs() -> impl Iterator<Item = (String, Value)> {
    let schema = schema();
    let definitions = schema["$defs"].as_object().unwrap().clone();
    let all = definitions.into_iter().chain([("Config".to_owned(), schema)]);
    all.filter(|(_, definition)| definition["properties"].is_object())
}

#[test]
fn the_committed_schema_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../config.schema.json");
    if std::env::var_os("UPDATE_SCHEMA").is_some() {
        std::fs::write(&path, serde_json::to_string_pretty(&schema()).unwrap() + "\n").unwrap();
    }
    // As values: the order of the keys depends on features that other packages of a build may turn on.
    let committed: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    assert!(
        committed == schema(),
        "config.schema.json is out of date: run the test again with UPDATE_SCHEMA=1"
    );
}

#[test]
fn every_field_is_described() {
    for (name, definition) in structs() {
        for (field, property) in definition["properties"].as_object().unwrap() {
            assert!(property["description"].is_string(), "`{name}.{field}` has no description");
        }
    }
}

/// What a description says behind `Default: `.
fn said(description: &str) -> Option<&str> {
    let (_, after) = description.split_once("Default: ")?;
    Some(after.split(['.', ';', ' ']).next().unwrap().trim_matches('`'))
}

#[test]
fn a_default_is_described_as_it_is() {
    let mut seen = 0;
    for (name, definition) in structs() {
        for (field, property) in definition["properties"].as_object().unwrap() {
            let default = match &property["default"] {
                Value::Bool(default) => default.to_string(),
                Value::Number(default) => default.to_string(),
                Value::String(default) if !default.is_empty() => default.clone(),
                // None, an empty list, or one that is written in the plan.
                _ => continue,
            };
            let description = property["description"].as_str().unwrap();
            assert_eq!(said(description), Some(default.as_str()), "{name}.{field}: {description}");
            seen += 1;
        }
    }
    assert!(seen > 25, "{seen}");
}

#[test]
fn fields_that_are_only_there_to_be_refused_are_not_in_it() {
    let schema = schema().to_string();
    for name in
        ["max_dynamic_descriptors", "google_grpc", "transport_api_version", "append_action", "safe_regex"]
    {
        assert!(!schema.contains(name), "{name}");
    }
}

/// The fields that are read, and those of them that have to be there.
fn is_read_as_described<T: Object + Read + JsonSchema>() -> String {
    let schema = schemars::schema_for!(T).to_value();
    let properties = schema.get("properties").and_then(Value::as_object).into_iter().flatten();
    let described: BTreeSet<_> = properties.map(|(name, _)| name.clone()).collect();
    let required = schema.get("required").and_then(Value::as_array).into_iter().flatten();
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

macro_rules! are_read_as_described {
    ($($type:ident),* $(,)?) => { vec![$(is_read_as_described::<tollgate_rate_limit_policy::config::$type>()),*] };
}

#[test]
fn what_is_described_is_read_and_nothing_else() {
    let mut known = are_read_as_described!(
        AddressMatch,
        AskService,
        BodyCost,
        Cache,
        Concurrency,
        Config,
        Constant,
        CostHeader,
        Delay,
        Empty,
        EnvoyGrpc,
        FixedWindow,
        Gcra,
        GrpcService,
        Header,
        HeaderCost,
        HeaderToAdd,
        HeaderValueMatch,
        HeaderValueOption,
        Limit,
        MaskedAddress,
        Metadata,
        MetadataKey,
        NetworkMatch,
        OfName,
        OnResponse,
        Override,
        Path,
        PathSegment,
        QueryParameter,
        QueryValueMatch,
        Rate,
        RateLimitService,
        Response,
        Rule,
        Simple,
        SlidingWindow,
        Table,
        TokenBucket,
    );
    known.push(is_read_as_described::<tollgate_policy::RequestMatch>());
    // These are read through others, which is tested where they are.
    known.extend(["HeaderMatcher", "PathMatcher", "QueryMatcher", "StringMatcher"].map(String::from));
    for (name, _) in structs() {
        assert!(known.contains(&name), "`{name}` is not tested");
    }
}

#[test]
fn every_action_is_read() {
    let actions = schema()["$defs"]["Action"]["oneOf"].as_array().unwrap().clone();
    assert_eq!(actions.len(), 19);
    for action in actions {
        let name = action["required"][0].as_str().unwrap();
        let value = serde_json::json!({name: {"no such field": 1}});
        let error = tollgate_policy::read::<tollgate_rate_limit_policy::config::Action>(&value).unwrap_err();
        assert!(error.to_string().starts_with(&format!("{name}.no such field: unknown field")), "{error}");
    }
}
