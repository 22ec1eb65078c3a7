//! Loading a module and no more, for those who ask about it before they have a configuration.

use super::linking::{self, Metering};
use super::{AbiVersion, Emulator, start};
use crate::{Filter, Scenario, Wasm};

/// Loads and starts a module as Envoy does before it creates a root context, and says which ABI it speaks.
///
/// # Errors
/// Why Envoy would not load it, in Envoy's words: it is no module, it has no marker of an ABI or no allocator, it
/// imports what is not offered, or it fails while it starts.
pub fn load(wasm: &Wasm) -> Result<AbiVersion, String> {
    let code = linking::open(wasm.path(), Metering::Time)?;
    let mut emulator = Emulator::new(&Scenario::new()).map_err(|refused| refused.reason)?;
    emulator.world.plugins.push(start::plugin(Filter::new(wasm.clone()), &code));
    emulator.new_vm(0, 0, &code)?;
    Ok(code.abi)
}
