//! Helpers that all scenarios of this filter use.

use serde_json::Value;
use tollgate_host_test::{Filter, Scenario, Wasm};

/// A proxy with the filter and this configuration. Envoy generates no request ids, because they would hide
/// the filter's.
pub fn with(config: Value) -> Scenario {
    Scenario::new().filter(filter().config(config)).settings(|settings| settings.generate_request_id = false)
}

/// The filter without a configuration.
pub fn filter() -> Filter {
    Filter::new(Wasm::package("tollgate-telemetry-headers"))
}

/// The full name of a counter.
pub fn counter(event: &str) -> String {
    format!("telemetry_headers.{event}")
}

/// Returns whether `text` is `count` lower-case hexadecimal digits.
pub fn is_hex(text: &str, count: usize) -> bool {
    text.len() == count && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}
