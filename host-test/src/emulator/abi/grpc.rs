//! Host calls for gRPC callouts.

use super::call::{Answer, Fail, HostCall, Signature, Stop, answer};
use super::http_call::upstreams;
use crate::emulator::callouts::grpc::{self, StartError};
use crate::emulator::state::pairs;

pub(super) const CALLS: &[Signature] = &[
    Signature::proxy(
        "proxy_grpc_call",
        "target:b service:b method:b metadata:p message:b timeout:u token:o",
        grpc_call,
    )
    .accessing(upstreams),
    Signature::proxy("proxy_grpc_stream", "target:b service:b method:b metadata:p token:o", grpc_stream)
        .accessing(upstreams),
    Signature::proxy("proxy_grpc_send", "token:u message:b end:u", grpc_send).accessing(upstreams),
    Signature::proxy("proxy_grpc_cancel", "token:u", grpc_cancel),
    Signature::proxy("proxy_grpc_close", "token:u", grpc_close),
];

fn failed(error: StartError) -> Fail {
    match error {
        StartError::Status(status) => status.into(),
        StartError::Abort(why) => Fail::Stop(Stop(why)),
    }
}

fn grpc_call(call: &mut HostCall<'_>) -> Answer {
    let (target, service, method) = (call.bytes(0)?, call.text(2)?, call.text(4)?);
    let (metadata, message, timeout) = (pairs::decode(&call.bytes(6)?), call.bytes(8)?, call.u32(10));
    let (vm, root) = (call.vm(), call.root_id());
    let request = grpc::Request { path: format!("/{service}/{method}"), metadata };
    let token = grpc::call(call.world(), (vm, root), &target, request, message, timeout).map_err(failed)?;
    call.put_u32(11, token)
}

fn grpc_stream(call: &mut HostCall<'_>) -> Answer {
    let (target, service, method) = (call.bytes(0)?, call.text(2)?, call.text(4)?);
    let metadata = pairs::decode(&call.bytes(6)?);
    let (vm, root) = (call.vm(), call.root_id());
    let request = grpc::Request { path: format!("/{service}/{method}"), metadata };
    let token = grpc::open(call.world(), (vm, root), &target, request).map_err(failed)?;
    call.put_u32(8, token)
}

fn grpc_send(call: &mut HostCall<'_>) -> Answer {
    let (token, message, end) = (call.u32(0), call.bytes(1)?, call.u32(3) != 0);
    let (vm, root) = (call.vm(), call.root_id());
    answer(grpc::send(call.world(), (vm, root), token, message, end))
}

fn grpc_cancel(call: &mut HostCall<'_>) -> Answer {
    let (vm, root, token) = (call.vm(), call.root_id(), call.u32(0));
    answer(grpc::cancel(call.world(), (vm, root), token))
}

fn grpc_close(call: &mut HostCall<'_>) -> Answer {
    let (vm, root, token) = (call.vm(), call.root_id(), call.u32(0));
    answer(grpc::close(call.world(), (vm, root), token))
}
