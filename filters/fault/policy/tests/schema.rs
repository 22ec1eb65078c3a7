//! Checks that the committed JSON Schema matches the types. To regenerate it, run
//! `UPDATE_SCHEMA=1 cargo test -p tollgate-fault-policy --test schema`.

use tollgate_fault_policy::Config;
use tollgate_filter_testing::schema;

#[test]
fn the_committed_schema_is_current() {
    schema::is_current::<Config>(env!("CARGO_MANIFEST_DIR"));
}

#[test]
fn every_field_is_described() {
    schema::describes_every_field(&schema::of::<Config>());
}
