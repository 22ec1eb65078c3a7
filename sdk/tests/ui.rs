//! Errors that authors meet at compile time.
//!
//! The expected outputs are those of Rust 1.95, the `rust-version` of the workspace: the compiler words a
//! part of them. `TRYBUILD=overwrite cargo test -p tollgate --test ui` writes them again.

#[test]
fn errors_say_what_to_write() {
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}
