//! Host calls for buffers: bodies, configurations, and the data of callouts.

use super::call::{Answer, Fail, HostCall, Signature, Stop};
use crate::emulator::context::BufferKind;
use crate::emulator::linking::AbiVersion::V0_1_0;
use crate::emulator::state::Status;

pub(super) const CALLS: &[Signature] = &[
    Signature::proxy("proxy_get_buffer_status", "buffer:u length:o flags:o", get_status),
    Signature::proxy("proxy_get_buffer_bytes", "buffer:u start:u length:u bytes:O", get_bytes),
    Signature::proxy("proxy_set_buffer_bytes", "buffer:u start:u length:u bytes:b", set_bytes),
    Signature::proxy("proxy_get_configuration", "bytes:O", get_configuration).until(V0_1_0),
];

/// Each context has one buffer object in Envoy, which a call points at the requested buffer. Envoy has no
/// buffer for the data of foreign functions and returns the object unchanged, so it still points at the last
/// accessed buffer, and at freed memory if that was a body that has gone.
fn kind(call: &mut HostCall<'_>) -> Result<BufferKind, Fail> {
    let kind = BufferKind::from_number(call.u32(0)).ok_or(Status::BadArgument)?;
    let (vm, id) = (call.vm(), call.context_id());
    if kind == BufferKind::CallData {
        let last = call.context().last_buffer.unwrap_or(kind);
        let is_body = matches!(last, BufferKind::RequestBody | BufferKind::ResponseBody);
        if is_body && call.context().stream.is_some() && call.world().buffer_mut(vm, id, last).is_none() {
            let why = "Envoy crashes (segmentation fault): access to buffer 8 after a body".to_owned();
            return Err(Fail::Stop(Stop(why)));
        }
        return Ok(last);
    }
    // A body callback that returns neither Continue nor Pause leaves a pointer to the buffer of the
    // upstream's connection (`encodeData` in Envoy's `context.cc`), which has gone when the stream is logged.
    if kind == BufferKind::ResponseBody && call.context().logging && call.context().response.dangles {
        let why = "Envoy crashes (segmentation fault): access to a response body in on_log, after on_response_body \
                   returned neither Continue nor Pause";
        return Err(Fail::Stop(Stop(why.to_owned())));
    }
    if call.world().buffer(vm, id, kind).is_some() {
        call.context().last_buffer = Some(kind);
    }
    Ok(kind)
}

fn get_status(call: &mut HostCall<'_>) -> Answer {
    let kind = kind(call)?;
    let (vm, id) = (call.vm(), call.context_id());
    let length = call.world().buffer(vm, id, kind).ok_or(Status::NotFound)?.len();
    call.put_u32(1, length as u32)?;
    call.put_u32(2, 0)
}

fn get_bytes(call: &mut HostCall<'_>) -> Answer {
    let kind = kind(call)?;
    let (start, length) = (call.u32(1) as usize, call.u32(2) as usize);
    let (vm, id) = (call.vm(), call.context_id());
    let buffer = call.world().buffer(vm, id, kind).ok_or(Status::NotFound)?;
    let end = (start + length).min(buffer.len());
    let bytes = buffer.get(start..end).unwrap_or_default().to_vec();
    call.give(&bytes, 3)
}

/// Envoy, `context.cc`, `Buffer::copyFrom`: the middle of a buffer cannot be replaced.
fn set_bytes(call: &mut HostCall<'_>) -> Answer {
    let kind = kind(call)?;
    let (start, length) = (call.u32(1) as usize, call.u32(2) as usize);
    let (vm, id) = (call.vm(), call.context_id());
    if call.world().buffer(vm, id, kind).is_none() {
        return Err(Status::NotFound.into());
    }
    let bytes = call.bytes(3)?;
    let buffer = call.world().buffer_mut(vm, id, kind).ok_or(Status::BadArgument)?;
    if start == 0 {
        buffer.drain(..length.min(buffer.len()));
        buffer.splice(0..0, bytes);
    } else if start >= buffer.len() {
        buffer.extend(bytes);
    } else {
        return Err(Status::BadArgument.into());
    }
    Ok(())
}

/// Returns the plugin's configuration while the plugin is being configured, and the VM's otherwise.
fn get_configuration(call: &mut HostCall<'_>) -> Answer {
    let (vm, id) = (call.vm(), call.context_id());
    let world = call.world();
    let plugin = world.buffer(vm, id, BufferKind::PluginConfiguration);
    let bytes = plugin.or_else(|| world.buffer(vm, id, BufferKind::VmConfiguration)).unwrap_or_default();
    call.give(&bytes, 0)
}
