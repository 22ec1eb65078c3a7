//! Checks that the README's configuration tables list each field of the schema exactly once.

use super::README;
use tollgate_filter_testing::page;

const SCHEMA: &str = include_str!("../../../config.schema.json");

/// Headings, and the schema type that each table under them describes, in order.
const TABLES: &[(&str, &[&str])] = &[
    ("#### Top-level fields", &["Config"]),
    ("#### Providers", &["Provider"]),
    ("#### Keys", &["LocalJwks", "RemoteJwks"]),
    ("#### Rules", &["Rule"]),
    ("#### Requirements", &["Requirement"]),
    ("#### Matchers", &["RequestMatch", "ClaimMatcher"]),
    ("#### Path normalization", &["PathNormalization"]),
    ("#### Failure response", &["FailureResponse"]),
    ("#### Protected resources", &["ProtectedResource"]),
    ("#### Revocation", &["Revocation", "RemoteRevocation"]),
    ("#### Istio rules", &["JwtRule"]),
];

/// Sections whose fields one table cell describes.
const IN_A_CELL: &[(&str, &str)] = &[
    ("filter_state_rules", "FilterStateRules"),
    ("filter_state", "FilterState"),
    ("jwt_cache_config", "CacheConfig"),
    ("from_headers", "FromHeader"),
    ("claim_to_headers", "ClaimToHeader"),
    ("claim_to_headers", "ClaimPathSegment"),
    ("normalize_payload", "NormalizePayload"),
    ("headers", "FetchHeader"),
    ("http_uri", "HttpUri"),
    ("oidc_discovery", "OidcDiscovery"),
    ("async_fetch", "AsyncFetch"),
    ("retry_policy", "RetryPolicy"),
    ("retry_policy", "BackOff"),
    ("provider_and_audiences", "AudiencesOfProvider"),
    ("requires_any", "Requirements"),
    ("extract_only_without_validation", "ExtractOnly"),
    ("redirect", "Redirect"),
    ("tokens", "RevokedToken"),
    ("subjects", "RevokedSubject"),
    ("fromHeaders", "IstioHeader"),
    ("outputClaimToHeaders", "IstioClaimToHeader"),
];

/// Fields of a type, sorted by name.
fn fields(of: &str) -> Vec<String> {
    let schema: serde_json::Value = serde_json::from_str(SCHEMA).unwrap();
    let definition = if of == "Config" { &schema } else { &schema["$defs"][of] };
    let keys = |value: &serde_json::Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    let mut fields = match definition["oneOf"].as_array() {
        Some(alternatives) => alternatives.iter().flat_map(|one| keys(&one["properties"])).collect(),
        None => keys(&definition["properties"]),
    };
    fields.sort();
    fields
}

#[test]
fn every_field_is_in_its_table_and_nothing_else() {
    for (heading, types) in TABLES {
        let tables: Vec<_> = page::section(README, heading).split("\n|---|---|---|\n").skip(1).collect();
        assert_eq!(tables.len(), types.len(), "{heading}");
        for (table, of) in tables.iter().zip(*types) {
            let rows = table.lines().take_while(|line| line.starts_with('|'));
            let mut names: Vec<_> =
                rows.map(|row| row.split('`').nth(1).unwrap_or_else(|| panic!("{row}")).to_owned()).collect();
            names.sort();
            assert_eq!(names, fields(of), "{heading}: {of}");
        }
    }
}

#[test]
fn fields_of_small_sections_are_in_their_cell() {
    for (row, of) in IN_A_CELL {
        let rows: Vec<_> = README.lines().filter(|line| line.starts_with(&format!("| `{row}` |"))).collect();
        for field in fields(of) {
            assert!(rows.iter().any(|row| row.contains(&format!("`{field}`"))), "`{row}` without `{field}`");
        }
    }
}

#[test]
fn every_type_of_the_schema_is_in_one_of_them() {
    let schema: serde_json::Value = serde_json::from_str(SCHEMA).unwrap();
    // The matchers of strings are those of every filter.
    let known = ["StringMatcher", "PathMatcher", "HeaderMatcher", "QueryMatcher"];
    for (name, definition) in schema["$defs"].as_object().unwrap() {
        let described = TABLES.iter().any(|(_, types)| types.contains(&name.as_str()))
            || IN_A_CELL.iter().any(|(_, of)| of == name)
            || known.contains(&name.as_str());
        assert!(described || !definition["properties"].is_object(), "`{name}` is in no table");
    }
}
