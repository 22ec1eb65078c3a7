//! Host calls for metrics. Metrics belong to the process, ids to the VM.

use super::call::{Answer, Fail, HostCall, Signature, answer};
use crate::emulator::schedule::{AccessKind, SharedAccess};
use crate::emulator::state::Status;

pub(super) const CALLS: &[Signature] = &[
    Signature::proxy("proxy_define_metric", "kind:u name:b id:o", define),
    Signature::proxy("proxy_increment_metric", "id:u offset:l", increment)
        .accessing(|call| access(call, AccessKind::Add)),
    Signature::proxy("proxy_record_metric", "id:u value:l", record).accessing(recorded),
    Signature::proxy("proxy_get_metric", "id:u value:o", get)
        .accessing(|call| access(call, AccessKind::Read)),
];

/// The two lowest bits of an id are the metric's kind.
const KIND: u32 = 3;

/// Metrics are shared by name, whatever ids refer to them. An unknown metric is not shared.
fn access(call: &mut HostCall<'_>, kind: AccessKind) -> Result<SharedAccess, Fail> {
    let id = shared(call);
    let name = call.world().metrics.name(id)?;
    Ok(SharedAccess::new(format!("metric {} {name}", id & KIND), kind))
}

/// Only gauges are set; counters are incremented, and histograms collect samples.
fn recorded(call: &mut HostCall<'_>) -> Result<SharedAccess, Fail> {
    const GAUGE: u32 = 1;
    let kind = if call.u32(0) & KIND == GAUGE { AccessKind::Change } else { AccessKind::Add };
    access(call, kind)
}

fn define(call: &mut HostCall<'_>) -> Answer {
    let (kind, name) = (call.u32(0), call.text(1)?);
    let vm = call.vm();
    let world = call.world();
    let shared = world.metrics.define(kind, &name)?;
    let ids = &mut world.vms[vm].metrics;
    let count = ids.keys().filter(|id| *id & KIND == kind).count() as u32;
    let id = (count + 1) * (KIND + 1) + kind;
    ids.insert(id, shared);
    call.put_u32(3, id)
}

/// Converts a VM's id into the process's id. An id unknown to the VM keeps its kind, which decides the error.
fn shared(call: &mut HostCall<'_>) -> u32 {
    let (id, vm) = (call.u32(0), call.vm());
    let unknown = !KIND | (id & KIND);
    call.world().vms[vm].metrics.get(&id).copied().unwrap_or(unknown)
}

fn increment(call: &mut HostCall<'_>) -> Answer {
    let (id, offset) = (shared(call), call.u64(1).cast_signed());
    answer(call.world().metrics.increment(id, offset))
}

/// For an unknown id with the unused kind, this returns `NotFound`; the other two return `BadArgument`.
fn record(call: &mut HostCall<'_>) -> Answer {
    if call.u32(0) & KIND == KIND {
        return Err(Status::NotFound.into());
    }
    let (id, value) = (shared(call), call.u64(1));
    answer(call.world().metrics.record(id, value))
}

fn get(call: &mut HostCall<'_>) -> Answer {
    let id = shared(call);
    let value = call.world().metrics.get(id)?;
    call.put_u64(1, value)
}
