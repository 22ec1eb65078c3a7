//! Host calls for HTTP callouts.

use super::call::{Answer, Fail, HostCall, Signature};
use crate::emulator::callouts::http;
use crate::emulator::schedule::SharedAccess;
use crate::emulator::state::{Status, pairs};

pub(super) const CALLS: &[Signature] = &[Signature::proxy(
    "proxy_http_call",
    "cluster:b headers:p body:b trailers:p timeout:u token:o",
    http_call,
)
.accessing(upstreams)];

/// The shared resource of callouts: which call receives which scripted answer.
pub(super) fn upstreams(call: &mut HostCall<'_>) -> Result<SharedAccess, Fail> {
    SharedAccess::upstreams(&call.world().upstreams).ok_or(Fail::Code(0))
}

/// Envoy first writes 0 as the token, to check the pointer; on failure the 0 remains.
fn http_call(call: &mut HostCall<'_>) -> Answer {
    let (cluster, headers, body) = (call.text(0)?, call.bytes(2)?, call.bytes(4)?);
    let headers = pairs::decode(&headers);
    // Envoy reads the trailers from guest memory, but never sends them.
    call.bytes(6)?;
    let timeout = call.u32(8).cast_signed();
    call.put_u32(9, 0)?;
    let timeout = u64::try_from(timeout).map_err(|_| Status::BadArgument)?;
    let (vm, root) = (call.vm(), call.root_id());
    let token = http::start(call.world(), vm, root, http::Call { cluster, headers, body, timeout })?;
    call.put_u32(9, token)
}
