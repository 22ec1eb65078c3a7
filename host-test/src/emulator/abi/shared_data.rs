//! Host calls for shared data.

use super::call::{Answer, Fail, HostCall, Signature, answer};
use crate::emulator::schedule::{AccessKind, SharedAccess};
use crate::emulator::state::Status;

pub(super) const CALLS: &[Signature] = &[
    Signature::proxy("proxy_get_shared_data", "key:b value:O cas:o", get)
        .accessing(|call| access(call, AccessKind::Read)),
    Signature::proxy("proxy_set_shared_data", "key:b value:b cas:u", set)
        .accessing(|call| access(call, AccessKind::Change)),
];

fn access(call: &mut HostCall<'_>, kind: AccessKind) -> Result<SharedAccess, Fail> {
    let (key, vm) = (call.bytes(0)?, call.vm());
    Ok(SharedAccess::new(format!("data {}/{}", call.world().vms[vm].vm_id, key.escape_ascii()), kind))
}

fn get(call: &mut HostCall<'_>) -> Answer {
    let key = call.bytes(0)?;
    let vm = call.vm();
    let world = call.world();
    let (value, cas) = world.shared.get(&world.vms[vm].vm_id, &key).ok_or(Status::NotFound)?;
    call.give(&value, 2)?;
    call.put_u32(4, cas)
}

fn set(call: &mut HostCall<'_>) -> Answer {
    let (key, value, cas) = (call.bytes(0)?, call.bytes(2)?, call.u32(4));
    let vm = call.vm();
    let world = call.world();
    let vm_id = world.vms[vm].vm_id.clone();
    answer(world.shared.set(&vm_id, &key, value, cas))
}
