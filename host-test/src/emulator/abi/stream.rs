//! Host calls that continue a stream, close it, send a local reply, or set the effective context.

use super::call::{Answer, HostCall, Signature, answer};
use crate::emulator::linking::AbiVersion::{V0_1_0, V0_2_0};
use crate::emulator::state::{Status, pairs};
use crate::emulator::world::{Action, LocalReply};

pub(super) const CALLS: &[Signature] = &[
    Signature::proxy("proxy_continue_stream", "type:u", |call| continue_type(call, call.u32(0)))
        .since(V0_2_0),
    Signature::proxy("proxy_close_stream", "type:u", close_stream).since(V0_2_0),
    Signature::proxy("proxy_continue_request", "", |call| continue_type(call, REQUEST)).until(V0_1_0),
    Signature::proxy("proxy_continue_response", "", |call| continue_type(call, RESPONSE)).until(V0_1_0),
    Signature::proxy("proxy_clear_route_cache", "", clear_route_cache).until(V0_1_0),
    Signature::proxy(
        "proxy_send_local_response",
        "status:u details:b body:b headers:p grpc_status:u",
        send_local_response,
    ),
    Signature::proxy("proxy_set_effective_context", "context:u", set_effective_context),
    Signature::proxy("proxy_done", "", done),
];

const REQUEST: u32 = 0;
const RESPONSE: u32 = 1;
const DOWNSTREAM: u32 = 2;
const UPSTREAM: u32 = 3;

/// The effect is deferred until the callback returns. The request's maps and body become inaccessible at
/// once, even when the response continues (Envoy, `context.cc`, `continueStream`).
fn continue_type(call: &mut HostCall<'_>, kind: u32) -> Answer {
    let (vm, id) = (call.vm(), call.context_id());
    let action = match kind {
        REQUEST => Action::ContinueDecoding(id),
        RESPONSE => Action::ContinueEncoding(id),
        DOWNSTREAM => {
            if call.world().connection_of(vm, id).is_some() {
                call.world().vms[vm].deferred.push_back(Action::ContinueReading(id));
            }
            return Ok(());
        }
        UPSTREAM => return Err(Status::Unimplemented.into()),
        _ => return Err(Status::BadArgument.into()),
    };
    if call.world().stream_of(vm, id).is_some() {
        call.world().vms[vm].deferred.push_back(action);
    }
    call.context().leave_request();
    Ok(())
}

fn close_stream(call: &mut HostCall<'_>) -> Answer {
    let (vm, id) = (call.vm(), call.context_id());
    match call.u32(0) {
        REQUEST | RESPONSE => {
            if let Some(stream) = call.world().stream_of(vm, id) {
                let stream = call.world().stream_mut(stream);
                if stream.details.is_empty() && !stream.has_details {
                    stream.details = "wasm_close_stream".into();
                }
                call.world().vms[vm].deferred.push_back(Action::Reset(id));
            }
            Ok(())
        }
        // Either value closes the client's connection.
        DOWNSTREAM | UPSTREAM => {
            if call.world().connection_of(vm, id).is_some() {
                call.world().vms[vm].deferred.push_back(Action::CloseConnection(id));
            }
            Ok(())
        }
        _ => Err(Status::BadArgument.into()),
    }
}

fn send_local_response(call: &mut HostCall<'_>) -> Answer {
    let (status, details, body) = (call.u32(0), call.bytes(1)?, call.bytes(3)?);
    let headers = pairs::decode(&call.bytes(5)?);
    let grpc_status = call.u32(7);
    let (vm, id) = (call.vm(), call.context_id());
    if call.world().stream_of(vm, id).is_some() {
        let details = String::from_utf8_lossy(&details).replace(|c: char| c.is_ascii_whitespace(), "_");
        // 16 is the largest gRPC status.
        let grpc_status = (grpc_status <= 16).then_some(grpc_status);
        let reply = LocalReply { status, details, body, headers, grpc_status };
        call.world().vms[vm].deferred.push_back(Action::Reply(id, reply));
    }
    call.world().vms[vm].stop_iteration = true;
    Ok(())
}

fn clear_route_cache(call: &mut HostCall<'_>) -> Answer {
    let (vm, id) = (call.vm(), call.context_id());
    call.world().clear_route_cache(vm, id);
    Ok(())
}

fn set_effective_context(call: &mut HostCall<'_>) -> Answer {
    let (vm, id) = (call.vm(), call.u32(0));
    if id != 0 && call.world().context(vm, id).is_none() {
        return Err(Status::BadArgument.into());
    }
    call.caller.data_mut().effective = id;
    Ok(())
}

/// Succeeds only for a root context that returned false from `proxy_on_done`.
fn done(call: &mut HostCall<'_>) -> Answer {
    let (vm, root) = (call.vm(), call.context_id());
    let context = call.context();
    if context.parent != 0 || !context.root.pending_done {
        return answer(Status::NotFound);
    }
    context.root.pending_done = false;
    call.world().vms[vm].deferred.push_back(Action::Delete(root));
    Ok(())
}
