//! The `Server-Timing` header (W3C Server Timing).

use crate::TraceParent;
use core::time::Duration;

/// `upstream;dur=12.3, traceparent;desc="00-..."`.
///
/// The time has a tenth of a millisecond: more would hand everyone a stop-watch at the server, free of the network's
/// noise, to guess secrets with.
pub(crate) fn value(metric: &str, took: Duration, traceparent: Option<&TraceParent>) -> Vec<u8> {
    let mut out = Vec::with_capacity(metric.len() + 24 + traceparent.map_or(0, |_| 2 * TraceParent::LEN));
    out.extend_from_slice(metric.as_bytes());
    out.extend_from_slice(b";dur=");
    let tenths = took.as_micros() / 100;
    decimal(u64::try_from(tenths / 10).unwrap_or(u64::MAX), &mut out);
    if tenths % 10 != 0 {
        out.extend_from_slice(&[b'.', b'0' + (tenths % 10) as u8]);
    }
    if let Some(traceparent) = traceparent {
        out.extend_from_slice(b", traceparent;desc=\"");
        out.extend_from_slice(&traceparent.encode());
        out.push(b'"');
    }
    out
}

/// Appends a number without the formatting machinery, which costs as much as the rest of the decision.
pub(crate) fn decimal(number: u64, out: &mut Vec<u8>) {
    let start = out.len();
    let mut rest = number;
    loop {
        out.push(b'0' + (rest % 10) as u8);
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    if let Some(digits) = out.get_mut(start..) {
        digits.reverse();
    }
}
