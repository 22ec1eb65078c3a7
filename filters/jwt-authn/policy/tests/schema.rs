//! Checks that the committed JSON Schema is that of the types. `UPDATE_SCHEMA=1 cargo test -p
//! tollgate-jwt-authn-policy --test schema` regenerates it.

use tollgate_filter_testing::schema;
use tollgate_jwt_authn_policy::Config;

#[test]
fn the_committed_schema_is_current() {
    schema::is_current::<Config>(env!("CARGO_MANIFEST_DIR"));
}

#[test]
fn every_field_is_described() {
    schema::describes_every_field(&schema::of::<Config>());
}

#[test]
fn omits_fields_that_are_only_rejected() {
    let schema = schema::of::<Config>().to_string();
    for name in ["payload_in_metadata", "filename", "safe_regex", "inline_bytes"] {
        assert!(!schema.contains(name), "{name}");
    }
}
