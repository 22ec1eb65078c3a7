//! Loads a module without configuring it, for tools that check a module before a configuration exists.

use super::linking::{self, Metering};
use super::{AbiVersion, Emulator, start};
use crate::{Filter, Scenario, Wasm};

/// Loads and starts a module as Envoy does before it creates a root context, and returns its ABI version.
///
/// # Errors
/// The reason why Envoy would not load the module, in Envoy's words: it is not a Wasm module, has no ABI
/// marker or no allocator, imports an unknown function, or fails while it starts.
pub fn load(wasm: &Wasm) -> Result<AbiVersion, String> {
    let code = linking::open(wasm.path(), Metering::Time)?;
    let mut emulator = Emulator::new(&Scenario::new()).map_err(|refused| refused.reason)?;
    emulator.world.plugins.push(start::plugin(Filter::new(wasm.clone()), &code));
    emulator.new_vm(0, 0, &code)?;
    Ok(code.abi)
}
