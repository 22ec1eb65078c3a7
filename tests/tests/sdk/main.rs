//! Tests for the guarantees of the SDK, on both hosts, with a filter that uses every feature.

mod asynchronous;
mod attributes;
mod bodies;
mod callouts;
mod chain;
mod ends;
mod faults;
mod messages;
mod once;
mod pages;
mod proxy_wasm;
mod schedule;
mod signals;
mod state;
mod support;
mod tcp;
