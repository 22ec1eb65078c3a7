//! Host calls for shared queues.

use super::call::{Answer, Fail, HostCall, Signature};
use crate::emulator::schedule::{AccessKind, SharedAccess};
use crate::emulator::state::Status;
use crate::emulator::world::{Event, Owner};
use std::time::Duration;

pub(super) const CALLS: &[Signature] = &[
    Signature::proxy("proxy_register_shared_queue", "name:b token:o", register)
        .accessing(|_| queues(AccessKind::Change)),
    Signature::proxy("proxy_resolve_shared_queue", "vm_id:b name:b token:o", resolve)
        .accessing(|_| queues(AccessKind::Read)),
    Signature::proxy("proxy_enqueue_shared_queue", "token:u item:b", enqueue)
        .accessing(|_| queues(AccessKind::Change)),
    Signature::proxy("proxy_dequeue_shared_queue", "token:u item:O", dequeue)
        .accessing(|_| queues(AccessKind::Change)),
];

/// All queues form one resource: the owner of two queues is notified of their items in the order in which
/// they arrived.
fn queues(kind: AccessKind) -> Result<SharedAccess, Fail> {
    Ok(SharedAccess::new("queues", kind))
}

/// The thread and root context that registered last are notified. Envoy posts to the thread and finds the VM
/// there by its key, so the main thread's VM is notified about a queue that the canary registered.
fn register(call: &mut HostCall<'_>) -> Answer {
    let name = call.text(0)?;
    let (vm, root) = (call.vm(), call.root_id());
    let world = call.world();
    let state = &world.vms[vm];
    let owner = Owner { thread: state.thread, key: state.key.clone(), root };
    let vm_id = state.vm_id.clone();
    let token = world.queues.register(&vm_id, &name, owner);
    call.put_u32(2, token)
}

fn resolve(call: &mut HostCall<'_>) -> Answer {
    let (vm_id, name) = (call.text(0)?, call.text(2)?);
    let vm = call.vm();
    let world = call.world();
    let vm_id = if vm_id.is_empty() { world.vms[vm].vm_id.clone() } else { vm_id };
    let token = world.queues.resolve(&vm_id, &name).ok_or(Status::NotFound)?;
    call.put_u32(4, token)
}

fn enqueue(call: &mut HostCall<'_>) -> Answer {
    let (token, item) = (call.u32(0), call.bytes(1)?);
    let world = call.world();
    let owner = world.queues.enqueue(token, item)?;
    world.clock.after(Duration::ZERO, Event::QueueReady { owner, token });
    Ok(())
}

fn dequeue(call: &mut HostCall<'_>) -> Answer {
    let token = call.u32(0);
    let item = call.world().queues.dequeue(token)?;
    call.give(&item, 1)
}
