//! Host calls for properties.

use super::call::{Answer, HostCall, Signature, answer};
use crate::emulator::state::Status;

pub(super) const CALLS: &[Signature] = &[
    Signature::proxy("proxy_get_property", "path:b value:O", get_property),
    Signature::proxy("proxy_set_property", "path:b value:b", set_property),
];

fn get_property(call: &mut HostCall<'_>) -> Answer {
    let path = call.text(0)?;
    let mut parts: Vec<&str> = path.split('\0').collect();
    // A trailing NUL does not start another segment.
    if parts.last() == Some(&"") {
        parts.pop();
    }
    let (vm, id) = (call.vm(), call.context_id());
    let value = crate::emulator::properties::get(call.world(), vm, id, &parts)?;
    call.give(&value, 2)
}

fn set_property(call: &mut HostCall<'_>) -> Answer {
    let (path, value) = (call.text(0)?, call.bytes(2)?);
    let (vm, id) = (call.vm(), call.context_id());
    if call.world().filter_state(vm, id).is_none() {
        return Err(Status::NotFound.into());
    }
    answer(crate::emulator::properties::set(call.world(), vm, id, &path, value))
}
