//! Shared data.

use super::call::{Answer, Fail, HostCall, Signature, answer};
use crate::emulator::schedule::{How, Touch};
use crate::emulator::state::Status;

pub(super) const CALLS: &[Signature] = &[
    Signature::proxy("proxy_get_shared_data", "key:b value:O cas:o", get)
        .touching(|call| touch(call, How::Reads)),
    Signature::proxy("proxy_set_shared_data", "key:b value:b cas:u", set)
        .touching(|call| touch(call, How::Changes)),
];

fn touch(call: &mut HostCall<'_>, how: How) -> Result<Touch, Fail> {
    let (key, vm) = (call.bytes(0)?, call.vm());
    Ok(Touch::new(format!("data {}/{}", call.world().vms[vm].vm_id, key.escape_ascii()), how))
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
