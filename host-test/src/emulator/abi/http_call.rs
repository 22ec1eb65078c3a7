//! HTTP callouts.

use super::call::{Answer, Fail, HostCall, Signature};
use crate::emulator::callouts::http;
use crate::emulator::schedule::Touch;
use crate::emulator::state::{Status, pairs};

pub(super) const CALLS: &[Signature] = &[Signature::proxy(
    "proxy_http_call",
    "cluster:b headers:p body:b trailers:p timeout:u token:o",
    http_call,
)
.touching(upstreams)];

/// Whose call is answered with what.
pub(super) fn upstreams(call: &mut HostCall<'_>) -> Result<Touch, Fail> {
    Touch::upstreams(&call.world().upstreams).ok_or(Fail::Code(0))
}

/// The token is written before the call, to know that it can be: on failure it is 0.
fn http_call(call: &mut HostCall<'_>) -> Answer {
    let (cluster, headers, body) = (call.text(0)?, call.bytes(2)?, call.bytes(4)?);
    let headers = pairs::decode(&headers);
    // Trailers must be in reach, and go nowhere.
    call.bytes(6)?;
    let timeout = call.u32(8).cast_signed();
    call.put_u32(9, 0)?;
    let timeout = u64::try_from(timeout).map_err(|_| Status::BadArgument)?;
    let (vm, root) = (call.vm(), call.root_id());
    let token = http::start(call.world(), vm, root, http::Call { cluster, headers, body, timeout })?;
    call.put_u32(9, token)
}
