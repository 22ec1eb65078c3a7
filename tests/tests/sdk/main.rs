//! What the SDK promises, by a filter that uses all of it, on both hosts.

mod callouts;
mod ends;
mod faults;
mod messages;
mod once;
mod pages;
mod schedule;
mod signals;
mod state;
mod support;
