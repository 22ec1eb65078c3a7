//! Metrics. The statistics are the process's, the ids are the VM's.

use super::call::{Answer, Fail, HostCall, Signature, answer};
use crate::emulator::schedule::{How, Touch};
use crate::emulator::state::Status;

pub(super) const CALLS: &[Signature] = &[
    Signature::proxy("proxy_define_metric", "kind:u name:b id:o", define),
    Signature::proxy("proxy_increment_metric", "id:u offset:l", increment)
        .touching(|call| touch(call, How::Adds)),
    Signature::proxy("proxy_record_metric", "id:u value:l", record).touching(recorded),
    Signature::proxy("proxy_get_metric", "id:u value:o", get).touching(|call| touch(call, How::Reads)),
];

/// Ids carry the kind in their two lowest bits.
const KIND: u32 = 3;

/// A metric is one by its name, whatever ids point to it. One that is not known is none.
fn touch(call: &mut HostCall<'_>, how: How) -> Result<Touch, Fail> {
    let id = shared(call);
    let name = call.world().metrics.name(id)?;
    Ok(Touch::new(format!("metric {} {name}", id & KIND), how))
}

/// Only a gauge is set: counters are added to, and samples are gathered.
fn recorded(call: &mut HostCall<'_>) -> Result<Touch, Fail> {
    const GAUGE: u32 = 1;
    let how = if call.u32(0) & KIND == GAUGE { How::Changes } else { How::Adds };
    touch(call, how)
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

/// The process's id for the VM's; one that the VM never got keeps its kind, which decides what it is told.
fn shared(call: &mut HostCall<'_>) -> u32 {
    let (id, vm) = (call.u32(0), call.vm());
    let unknown = !KIND | (id & KIND);
    call.world().vms[vm].metrics.get(&id).copied().unwrap_or(unknown)
}

fn increment(call: &mut HostCall<'_>) -> Answer {
    let (id, offset) = (shared(call), call.u64(1).cast_signed());
    answer(call.world().metrics.increment(id, offset))
}

/// An unknown id of no kind at all is not found here, and a bad argument to the other two.
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
