//! Host calls for foreign functions.

use super::call::{Answer, HostCall, Signature};
use crate::emulator::foreign;
use crate::emulator::foreign_context::CallingContext;
use crate::emulator::state::Status;

pub(super) const CALLS: &[Signature] =
    &[Signature::proxy("proxy_call_foreign_function", "name:b args:b result:O", call_foreign_function)];

/// A module that does not need the result passes null pointers for it.
fn call_foreign_function(call: &mut HostCall<'_>) -> Answer {
    let (name, args) = (call.bytes(0)?, call.bytes(2)?);
    let (place, size) = (call.u32(4), call.u32(5));
    let (vm, id) = (call.vm(), call.context_id());
    let current = call.current_id();
    let outcome = foreign::call(&name, &args, &mut CallingContext { world: call.world(), vm, id, current });
    let result = match outcome {
        Err(Status::NotFound) if !foreign_exists(&name) => return Err(Status::NotFound.into()),
        Ok(ref result) => result.clone(),
        Err(_) => Vec::new(),
    };
    if place != 0 {
        // These two allocate memory even for an empty result.
        let gives = matches!(name.as_slice(), b"expr_evaluate" | b"uncompress") && outcome.is_ok();
        let at = if result.is_empty() && !gives { 0 } else { call.allocate(&result)? };
        call.write(place, &at.to_le_bytes())?;
    }
    if size != 0 {
        call.write(size, &(result.len() as u32).to_le_bytes())?;
    }
    outcome.map(|_| ()).map_err(Into::into)
}

/// Returns whether Envoy 1.40 has this function. For an unknown function, Envoy does not write the result
/// pointers.
fn foreign_exists(name: &[u8]) -> bool {
    const FUNCTIONS: [&[u8]; 10] = [
        b"verify_signature",
        b"sign",
        b"compress",
        b"uncompress",
        b"set_envoy_filter_state",
        b"clear_route_cache",
        b"expr_create",
        b"expr_evaluate",
        b"expr_delete",
        b"declare_property",
    ];
    FUNCTIONS.contains(&name)
}
