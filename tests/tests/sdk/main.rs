//! What the SDK promises, by a filter that uses all of it, on both hosts.

mod callouts;
mod faults;
mod messages;
mod schedule;
mod signals;
mod state;
mod support;
