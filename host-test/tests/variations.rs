//! Tests of variations, with modules that contain one deliberate bug each. The bug has no effect in the
//! unchanged scenario.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, missing_docs, reason = "tests")]

#[path = "variations/caught.rs"]
mod caught;
#[path = "variations/modules.rs"]
mod modules;
#[path = "variations/passed.rs"]
mod passed;
#[path = "variations/stepping.rs"]
mod stepping;
