//! Features of the emulator's engine that Envoy does not have: costs, injected faults, traces and reports.

mod costs;
mod faults;
mod filters;
mod memory;
mod traces;
mod traps;
