//! What the engine of the emulator does beside behaving as Envoy: it counts, it fails on purpose, it tells.

mod costs;
mod faults;
mod filters;
mod memory;
mod traces;
mod traps;
