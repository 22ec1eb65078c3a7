//! Loading a module and no more, for those who ask about it before they have a configuration.

use super::{AbiVersion, Emulator, abi, linking, start};
use crate::{Filter, Scenario, Wasm};

/// Whether a module that declares this version of the ABI may import this.
pub fn offers(module: &str, name: &str, abi: AbiVersion) -> bool {
    abi::find(module, name, abi).is_some()
}

/// Loads and starts a module as Envoy does before it creates a root context, and says which ABI it speaks.
///
/// # Errors
/// Why Envoy would not load it, in Envoy's words: it is no module, it has no marker of an ABI or no allocator, it
/// imports what is not offered, or it fails while it starts.
pub fn load(wasm: &[u8], named: &Wasm) -> Result<AbiVersion, String> {
    let code = linking::load(wasm)?;
    let mut emulator = Emulator::new(&Scenario::new()).map_err(|refused| refused.reason)?;
    let plugin = start::plugin(Filter::new(named.clone()), &code);
    emulator.world.plugins.push(plugin);
    emulator.new_vm(0, 0, &code)?;
    Ok(code.abi)
}
