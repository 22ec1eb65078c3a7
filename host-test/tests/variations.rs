//! The driver of variations, on modules that are wrong on purpose. Each is right as long as nobody looks closely: in
//! the scenario as it is, all of them do what they should.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, missing_docs, reason = "tests")]

#[path = "variations/caught.rs"]
mod caught;
#[path = "variations/modules.rs"]
mod modules;
#[path = "variations/passed.rs"]
mod passed;
#[path = "variations/stepping.rs"]
mod stepping;
