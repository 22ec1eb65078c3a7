//! Host calls for logging and for the status of the last callout.

use super::call::{Answer, HostCall, Signature};
use crate::LogLevel;
use crate::emulator::linking::AbiVersion::V0_2_1;
use crate::emulator::state::Status;

pub(super) const CALLS: &[Signature] = &[
    Signature { early: true, ..Signature::proxy("proxy_log", "level:u message:b", log) },
    Signature::proxy("proxy_get_log_level", "level:o", get_log_level).since(V0_2_1),
    Signature::proxy("proxy_get_status", "code:o message:O", get_status),
];

/// Converts a log level of the ABI.
pub(super) fn level(number: u32) -> Option<LogLevel> {
    use LogLevel::{Critical, Debug, Error, Info, Trace, Warn};
    [Trace, Debug, Info, Warn, Error, Critical].get(number as usize).copied()
}

fn log(call: &mut HostCall<'_>) -> Answer {
    let level = level(call.u32(0)).ok_or(Status::BadArgument)?;
    let text = call.text(1)?;
    call.world().log(level, text);
    Ok(())
}

fn get_log_level(call: &mut HostCall<'_>) -> Answer {
    let level = call.world().settings.log_level as u32;
    call.put_u32(0, level)
}

fn get_status(call: &mut HostCall<'_>) -> Answer {
    let (vm, root) = (call.vm(), call.root_id());
    let (code, message) = call.world().context(vm, root).map_or((0, Vec::new()), |c| c.root.status.clone());
    call.put_u32(0, code)?;
    call.give(&message, 1)
}
