//! Rows of fault: requests that no rule matches, and requests that are drawn and not selected, beside Envoy's
//! filter with the same percentage.

use super::{Row, Target, calls, configured, native};
use serde_json::{Value, json};

pub(super) fn rows() -> Vec<Row> {
    vec![
        calls::row("fault calls", "only the host call of `fault`: reads all headers", &["headers"]),
        Row::new("fault", "a fault for another path", || {
            vec![filter(json!({"paths": [{"template": "/payments/**"}]}), 100.0)]
        })
        .native("envoy fault")
        .target(Target::TimesRow("fault calls", 1.15)),
        Row::new("fault drawn", "a fault for one in a million", || vec![filter(json!({}), 0.0001)]),
        Row::new("envoy fault", "a fault for one in a million, with Envoy's fault filter", || {
            let percentage = json!({"numerator": 1, "denominator": "MILLION"});
            let delay = json!({"fixed_delay": "0.001s", "percentage": percentage});
            vec![native("envoy.extensions.filters.http.fault.v3.HTTPFault", json!({ "delay": delay }))]
        }),
    ]
}

/// A delay, because the benchmark expects each request to succeed, also one in a million.
fn filter(condition: Value, percentage: f64) -> Value {
    let delay = json!({"percentage": percentage, "fixed": "1ms"});
    configured("tollgate-fault", json!({"rules": [{"name": "r", "match": condition, "delay": delay}]}))
}
