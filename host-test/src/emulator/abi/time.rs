//! Host calls for the clock and the tick.

use super::call::{Answer, HostCall, Signature};
use std::time::Duration;

pub(super) const CALLS: &[Signature] = &[
    Signature {
        early: true,
        ..Signature::proxy("proxy_get_current_time_nanoseconds", "time:o", get_current_time)
    },
    Signature::proxy("proxy_set_tick_period_milliseconds", "period:u", set_tick_period),
];

fn get_current_time(call: &mut HostCall<'_>) -> Answer {
    let now = call.world().clock.unix_nanos();
    call.put_u64(0, now)
}

/// A tick period set by a stream applies to its root context.
fn set_tick_period(call: &mut HostCall<'_>) -> Answer {
    let period = Duration::from_millis(u64::from(call.u32(0)));
    let (vm, root) = (call.vm(), call.root_id());
    call.world().set_tick(vm, root, period);
    Ok(())
}
