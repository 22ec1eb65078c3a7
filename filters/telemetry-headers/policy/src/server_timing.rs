//! The `Server-Timing` header (W3C Server Timing).

use crate::TraceParent;
use core::time::Duration;

/// Formats a value such as `upstream;dur=12.3, traceparent;desc="00-..."`.
///
/// The resolution is 0.1 milliseconds. A finer one would help clients to measure the server without the noise
/// of the network, and so to guess secrets.
pub(crate) fn value(metric: &str, took: Duration, traceparent: Option<&TraceParent>) -> Vec<u8> {
    let mut out = Vec::with_capacity(metric.len() + 24 + traceparent.map_or(0, |_| 2 * TraceParent::LEN));
    out.extend_from_slice(metric.as_bytes());
    out.extend_from_slice(b";dur=");
    // Without `as_micros`, whose 128 bits Wasm divides in software.
    let tenths = took.as_secs().saturating_mul(10_000).saturating_add((took.subsec_micros() / 100).into());
    decimal(tenths / 10, &mut out);
    if !tenths.is_multiple_of(10) {
        out.push(b'.');
        decimal(tenths % 10, &mut out);
    }
    if let Some(traceparent) = traceparent {
        out.extend_from_slice(b", traceparent;desc=\"");
        out.extend_from_slice(&traceparent.encode());
        out.push(b'"');
    }
    out
}

/// Appends a number in decimal. Avoids `core::fmt`, which costs as much time as the rest of the decision.
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

#[cfg(test)]
mod tests {
    use super::*;

    fn text(metric: &str, took: Duration, traceparent: Option<&TraceParent>) -> String {
        String::from_utf8(value(metric, took, traceparent)).unwrap()
    }

    #[test]
    fn shows_tenths_of_milliseconds() {
        for (micros, shown) in [
            (0, "0"),
            (99, "0"),
            (100, "0.1"),
            (1_000, "1"),
            (12_345, "12.3"),
            (1_999_999, "1999.9"),
            (10_000_000, "10000"),
        ] {
            assert_eq!(
                text("upstream", Duration::from_micros(micros), None),
                format!("upstream;dur={shown}")
            );
        }
        assert_eq!(text("a", Duration::MAX, None), format!("a;dur={}.5", u64::MAX / 10));
    }

    #[test]
    fn appends_the_trace_as_a_description() {
        let trace = TraceParent::random([0xab; 16], [0xcd; 8], true);
        assert_eq!(
            text("up", Duration::from_millis(5), Some(&trace)),
            format!("up;dur=5, traceparent;desc=\"00-{}-{}-03\"", "ab".repeat(16), "cd".repeat(8))
        );
    }

    #[test]
    fn decimal_agrees_with_the_standard_library() {
        for number in [0, 1, 9, 10, 99, 100, 65_535, u64::MAX] {
            let mut out = b"x".to_vec();
            decimal(number, &mut out);
            assert_eq!(String::from_utf8(out).unwrap(), format!("x{number}"));
        }
    }
}
