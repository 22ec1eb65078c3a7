//! The command line from end to end: the built binary, files, exit codes, output.

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "tests")]

mod as_envoy;
mod authz;
mod cache;
mod check_envoy;
mod check_istio;
mod check_kinds;
mod check_module;
mod explain;
mod explain_files;
mod files;
mod inspect;
mod new;
mod readme;
mod run;
mod stats_tags;
mod support;
mod trace;
