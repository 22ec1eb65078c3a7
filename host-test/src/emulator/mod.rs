//! The emulated host: Envoy as a filter sees it, without running Envoy.
//!
//! There are three layers. `abi` decodes the arguments of host calls and encodes their results; it knows no
//! semantics. [`state`], `callouts` and `properties` are plain state. `proxy` moves streams through
//! filters as Envoy does. Nothing is global and nothing blocks: a callback runs, stores a list of
//! actions, and time is a number.
//!
//! [`run`] runs a whole scenario. [`Emulator`] is for tests that inspect the state between steps.
//! [`schedule`] tests how workers affect each other.

mod abi;
mod actions;
mod builder;
mod callbacks;
mod callouts;
mod clock;
mod context;
mod event;
mod faults;
pub mod foreign;
mod foreign_context;
mod header_map;
mod inspect;
mod linking;
mod loading;
mod meters;
mod properties;
mod proxy;
mod random;
pub mod schedule;
mod start;
pub mod state;
mod stepping;
mod steps;
pub(crate) mod structs;
mod tls;
mod trace;
mod traps;
mod vm;
mod wire;
mod world;

pub use abi::{Import, host_call, imports, is_host_call, names as host_calls};
pub use builder::Builder;
pub use callbacks::is_callback;
pub use faults::{Effect, Fault, Shortage, Which};
pub use linking::AbiVersion;
pub use loading::load;
pub use meters::{Cost, MemoryMark, Spent};
pub use proxy::network::ConnectionHandle;
pub use steps::StreamHandle;
pub use structs::metadata;
pub use trace::{Call, End, Value, diff};
pub use traps::{Frame, Trap};

use crate::{Outcome, Refused, Scenario};
use std::time::Duration;
use world::World;

/// Default limit on the run time of a callback, after which it counts as an endless loop. Envoy has no limit.
const PATIENCE: Duration = Duration::from_secs(10);

/// Runs a scenario on the emulator.
pub fn run(scenario: &Scenario) -> Result<Outcome, Refused> {
    Ok(Emulator::new(scenario)?.run())
}

/// A proxy with its filters loaded.
#[derive(Debug)]
pub struct Emulator {
    /// All state. While a VM runs, the VM holds the state, and this is an empty placeholder.
    world: Box<World>,
}
