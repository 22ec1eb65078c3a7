//! The committed JSON Schema is that of the types. `UPDATE_SCHEMA=1 cargo test -p tollgate-rate-limit-policy --test schema`
//! writes it anew.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

use serde_json::Value;
use tollgate_filter_testing::schema;
use tollgate_rate_limit_policy::Config;

#[test]
fn the_committed_schema_is_current() {
    schema::is_current::<Config>(env!("CARGO_MANIFEST_DIR"));
}

#[test]
fn every_field_is_described() {
    schema::describes_every_field(&schema::of::<Config>());
}

/// What a description says behind `Default: `.
fn said(description: &str) -> Option<&str> {
    let (_, after) = description.split_once("Default: ")?;
    Some(after.split(['.', ';', ' ']).next().unwrap().trim_matches('`'))
}

#[test]
fn a_default_is_described_as_it_is() {
    let mut seen = 0;
    let schema = schema::of::<Config>();
    for (name, definition) in schema::structs(&schema) {
        for (field, property) in schema::fields(definition) {
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
    let schema = schema::of::<Config>().to_string();
    for name in
        ["max_dynamic_descriptors", "google_grpc", "transport_api_version", "append_action", "safe_regex"]
    {
        assert!(!schema.contains(name), "{name}");
    }
}

macro_rules! are_read_as_described {
    ($($type:ident),* $(,)?) => { vec![$(schema::is_read_as_described::<tollgate_rate_limit_policy::config::$type>()),*] };
}

#[test]
fn what_is_described_is_read_and_nothing_else() {
    let mut tried = are_read_as_described!(
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
    tried.push(schema::is_read_as_described::<tollgate_policy::RequestMatch>());
    schema::is_tried_whole(&schema::of::<Config>(), &tried);
}

#[test]
fn every_action_is_read() {
    let actions = schema::of::<Config>()["$defs"]["Action"]["oneOf"].as_array().unwrap().clone();
    assert_eq!(actions.len(), 19);
    for action in actions {
        let name = action["required"][0].as_str().unwrap();
        let value = serde_json::json!({name: {"no such field": 1}});
        let error = tollgate_policy::read::<tollgate_rate_limit_policy::config::Action>(&value).unwrap_err();
        assert!(error.to_string().starts_with(&format!("{name}.no such field: unknown field")), "{error}");
    }
}
