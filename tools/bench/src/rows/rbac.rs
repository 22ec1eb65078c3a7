//! Rows of rbac: 10, 1,000 and 10,000 policies of the usual shape, beside Envoy's filter with the same
//! policies. One policy allows the request: the one in the middle, in Envoy's order.

use super::{Row, Target, calls, configured, native};
use serde_json::{Value, json};

/// Host calls for an allowed request: the headers, the counters of allowed requests and of the policy, and
/// the filter state with the decision.
const CALLS: [&str; 4] = ["headers", "counter", "state", "counter"];

/// Rows of a number of policies: this filter, and Envoy's.
const ROWS: [(&str, &str, usize, f64); 3] = [
    ("rbac 10", "rbac 10 envoy", 10, f64::INFINITY),
    ("rbac 1k", "rbac 1k envoy", 1_000, 1.0),
    ("rbac 10k", "rbac 10k envoy", 10_000, 1.0),
];

pub(super) fn rows() -> Vec<Row> {
    let mut rows = vec![calls::row("rbac calls", "only the host calls of `rbac 10`", &CALLS)];
    for (ours, envoy, count, most) in ROWS {
        let row =
            Row::new(ours, "policies by host, path, method and a header; one of them allows", move || {
                vec![configured("tollgate-rbac", json!({"envoy": {"rules": policies(count)}}))]
            });
        let row = row.native(envoy).rejects_without("x-api-key");
        rows.push(match count {
            10 => row.target(Target::TimesRow("rbac calls", 1.15)),
            _ => row.target(Target::TimesNative(most)),
        });
        rows.push(
            Row::new(envoy, "the same policies, with Envoy's RBAC filter", move || {
                vec![native("envoy.extensions.filters.http.rbac.v3.RBAC", json!({"rules": policies(count)}))]
            })
            .rejects_without("x-api-key"),
        );
    }
    rows
}

/// Policies of which only the one in the middle matches the request of the benchmark.
fn policies(count: usize) -> Value {
    let policy = |n: usize| {
        let is_ours = n == count / 2;
        let path = if is_ours { "/".to_owned() } else { format!("/v1/resource-{}/", n % 100) };
        let mut parts = vec![
            json!({"url_path": {"path": {"prefix": path}}}),
            json!({"header": {"name": ":method", "string_match": {"exact": "GET"}}}),
        ];
        if !is_ours {
            let host = format!("service-{}.test", n / 100);
            parts.push(json!({"header": {"name": ":authority", "string_match": {"exact": host}}}));
        }
        let principal = json!({"header": {"name": "x-api-key", "string_match": {"exact": "demo"}}});
        (
            format!("p{n:05}"),
            json!({"permissions": [{"and_rules": {"rules": parts}}], "principals": [principal]}),
        )
    };
    let policies: serde_json::Map<_, _> = (0..count).map(policy).collect();
    json!({"action": "ALLOW", "policies": policies})
}
