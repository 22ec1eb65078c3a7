//! The committed JSON Schema is that of the types. `UPDATE_SCHEMA=1 cargo test -p tollgate-jwt-authn-policy --test schema`
//! writes it anew.

use schemars::JsonSchema;
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;
use tollgate_jwt_authn_policy::Config;
use tollgate_policy::{Object, Read};

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
    ($($type:ident),*) => { vec![$(is_read_as_described::<tollgate_jwt_authn_policy::config::$type>()),*] };
}

#[test]
fn what_is_described_is_read_and_nothing_else() {
    let mut known = are_read_as_described!(
        AsyncFetch,
        AudiencesOfProvider,
        BackOff,
        CacheConfig,
        ClaimMatcher,
        ClaimToHeader,
        Config,
        Empty,
        ExtractOnly,
        FailureResponse,
        FilterState,
        FilterStateRules,
        FromHeader,
        HttpUri,
        IstioClaimToHeader,
        IstioHeader,
        JwtRule,
        LocalJwks,
        NormalizePayload,
        OidcDiscovery,
        Provider,
        Redirect,
        RemoteJwks,
        RemoteRevocation,
        Requirements,
        RetryPolicy,
        Revocation,
        RevokedSubject,
        RevokedToken,
        Rule
    );
    known.push(is_read_as_described::<tollgate_policy::RequestMatch>());
    // These are read through others, which is tested where they are.
    known.extend(["HeaderMatcher", "PathMatcher", "QueryMatcher", "StringMatcher"].map(String::from));
    let schema = schemars::schema_for!(Config).to_value();
    for (name, definition) in schema["$defs"].as_object().unwrap() {
        assert!(known.contains(name) || definition["type"] != "object", "`{name}` is not tested");
    }
}
