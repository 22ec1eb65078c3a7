//! The rows: one for each measured configuration of the proxy.
//!
//! Add the rows of a filter here, in a few lines each: the filter as shipped, and Envoy's native filter for
//! the same job, if it has one. Rows that are compared get the same requests. So put headers that a new row
//! needs into [`HEADERS`], which all rows send. If requests must differ from each other ([`Row::varying`]),
//! add a row without a filter and a row with an empty filter that send the same requests, and compare with
//! those.

mod calls;
mod circuit_breaker;
mod fault;
mod floor;
mod jwt;
mod rate_limit;
mod rbac;
mod retry;
mod suite;

use crate::requests::{Clients, Tokens, Varying};
use serde_json::{Value, json};
use tollgate_host_test::envoy::bootstrap::{any, wasm};
use tollgate_host_test::{Filter, Wasm};

/// The base row of most other rows: their overhead is the difference to it.
pub const NONE: &str = "none";
/// The row whose overhead is the unit of relative overhead: an empty filter on the stock SDK.
pub const STOCK: &str = "stock-empty";
/// The default row of `--soak`.
pub const SOAKED: &str = "telemetry-headers full";

/// Headers of the request, similar in number and size to those of a call between services.
pub const HEADERS: &[(&str, &str)] = &[
    ("accept", "application/json"),
    ("accept-encoding", "gzip, deflate, br"),
    ("authorization", "Bearer 0123456789abcdef0123456789abcdef"),
    ("user-agent", "order-service/2.4.1"),
    ("x-request-id", "3f2b8c1e-7d4a-4e5b-9c6f-1a2b3c4d5e6f"),
    ("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
    ("x-api-key", "demo"),
];

/// A configuration of the proxy.
pub struct Row {
    /// Name, in the table and for `--only`.
    pub name: &'static str,
    /// Description of the filter, for the table.
    pub description: &'static str,
    /// HTTP filters of Envoy, without the router. Called only if the row is measured, because it may build a
    /// module.
    pub filters: Box<dyn Fn() -> Vec<Value>>,
    /// Changes the connection manager, for features that Envoy implements there and not in a filter.
    pub manager: fn(&mut Value),
    /// Value that changes from request to request.
    pub varying: Option<Varying>,
    /// Whether every request after the first is rejected with 429. Otherwise all responses are 200.
    pub rejects_all: bool,
    /// The row with the same requests and no filter.
    pub base: &'static str,
    /// The row that does the same job with a native filter of Envoy.
    pub native: Option<&'static str>,
    /// Targets. `--check` fails if one is missed.
    pub targets: Vec<Target>,
    /// A row to compare with, without a target.
    pub compared_with: Option<&'static str>,
    /// Checks that the row works, run before the load.
    pub probes: Vec<Probe>,
}

/// The maximum overhead of a row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Target {
    /// Multiple of the overhead of [`STOCK`].
    TimesStock(f64),
    /// Multiple of the overhead of the native row.
    TimesNative(f64),
    /// Multiple of the overhead of another row.
    TimesRow(&'static str, f64),
    /// Microseconds more than another row.
    MicrosOver(&'static str, f64),
    /// Multiple of another row, for the whole time of a request instead of the overhead.
    WholeTimes(&'static str, f64),
}

/// A request with one changed header, and the expected response.
pub struct Probe {
    /// The header to change.
    pub change: Option<(&'static str, Change)>,
    /// Expected status.
    pub status: u16,
    /// Header that the response must have.
    pub header: Option<&'static str>,
    /// Counter of Envoy that must not be zero afterwards.
    pub counter: Option<&'static str>,
}

impl Probe {
    /// Expects this status for the unchanged request.
    pub fn status(status: u16) -> Self {
        Self { change: None, status, header: None, counter: None }
    }
}

/// A change of a header.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Change {
    /// The header is removed.
    Absent,
    /// The tenth character from the end is replaced.
    Forged,
}

impl Row {
    fn new(
        name: &'static str,
        description: &'static str,
        filters: impl Fn() -> Vec<Value> + 'static,
    ) -> Self {
        Self {
            name,
            description,
            filters: Box::new(filters),
            manager: |_| {},
            varying: None,
            rejects_all: false,
            base: NONE,
            native: None,
            targets: Vec::new(),
            compared_with: None,
            probes: Vec::new(),
        }
    }

    fn manager(mut self, change: fn(&mut Value)) -> Self {
        self.manager = change;
        self
    }

    fn varying(mut self, varying: Varying, base: &'static str) -> Self {
        (self.varying, self.base) = (Some(varying), base);
        self
    }

    fn bearer(self, tokens: Tokens, base: &'static str) -> Self {
        self.varying(Varying::Bearer(tokens), base)
    }

    fn clients(self, clients: Clients, base: &'static str) -> Self {
        self.varying(Varying::Client(clients), base)
    }

    fn native(mut self, row: &'static str) -> Self {
        self.native = Some(row);
        self
    }

    fn target(mut self, target: Target) -> Self {
        self.targets.push(target);
        self
    }

    fn compared_with(mut self, row: &'static str) -> Self {
        self.compared_with = Some(row);
        self
    }

    fn at_most(self, units: f64) -> Self {
        self.target(Target::TimesStock(units))
    }

    /// Expects this status if a header is changed.
    fn rejects(mut self, header: &'static str, change: Change, status: u16) -> Self {
        self.probes.push(Probe { change: Some((header, change)), ..Probe::status(status) });
        self
    }

    /// Expects 403 for requests without this header.
    fn rejects_without(self, header: &'static str) -> Self {
        self.rejects(header, Change::Absent, 403)
    }

    /// Expects this header in responses.
    fn responds_with(mut self, header: &'static str) -> Self {
        self.probes.push(Probe { header: Some(header), ..Probe::status(200) });
        self
    }

    /// Expects requests to increment this counter.
    fn counts(mut self, counter: &'static str) -> Self {
        self.probes.push(Probe { counter: Some(counter), ..Probe::status(200) });
        self
    }

    /// Expects 429 for every request after the first, and requests to increment this counter.
    fn rejects_all(mut self, counter: &'static str) -> Self {
        self.rejects_all = true;
        self.probes.push(Probe { counter: Some(counter), ..Probe::status(429) });
        self
    }
}

/// Returns all rows, in the order of the table.
pub fn all() -> Vec<Row> {
    let mut rows = common();
    rows.extend(floor::rows());
    rows.extend(calls::rows());
    rows.extend(jwt::rows());
    rows.extend(rate_limit::rows());
    rows.extend(rbac::rows());
    rows.extend(retry::rows());
    rows.extend(circuit_breaker::rows());
    rows.extend(fault::rows());
    rows.extend(suite::rows());
    rows
}

fn common() -> Vec<Row> {
    vec![
        Row::new(NONE, "no filter, only the router", Vec::new),
        Row::new(STOCK, "empty filter; stock SDK, not packed", || {
            vec![wasm(&Filter::new(Wasm::package_unpacked("fixture-stock-empty")))]
        }),
        Row::new(
            "stock-empty packed",
            "empty filter; stock SDK, packed (its exports hide unused callbacks)",
            || vec![packed("fixture-stock-empty")],
        ),
        Row::new("empty", EMPTY, || vec![packed("fixture-empty")]).at_most(0.65),
        Row::new("callbacks", CALLBACKS, || vec![packed("fixture-callbacks")]).at_most(1.0),
        Row::new("callbacks async", "the same, with `async` callbacks that await nothing", || {
            vec![packed("fixture-callbacks-async")]
        })
        .at_most(1.1),
        Row::new("hello", "403 unless a header has one of two values", || {
            let config = json!({"header": "x-api-key", "allowed": ["other", "demo"]});
            vec![configured("tollgate-example-hello", config)]
        })
        .native("envoy rbac")
        .at_most(1.3)
        .rejects_without("x-api-key"),
        Row::new("envoy rbac", "the same, with Envoy's RBAC filter", || {
            vec![rbac("x-api-key", &["other", "demo"])]
        })
        .rejects_without("x-api-key"),
        Row::new("telemetry-headers minimal", "request id, returned in the response", || {
            vec![configured(TELEMETRY, json!({"request_id": {"always_set_in_response": true}}))]
        })
        .native("envoy request id")
        .responds_with("x-request-id"),
        Row::new("envoy request id", "the same, with Envoy's connection manager", Vec::new)
            .manager(|manager| manager["always_set_request_id_in_response"] = json!(true))
            .responds_with("x-request-id"),
        Row::new("telemetry-headers full", "request id, trace context, header edits, Server-Timing", || {
            vec![configured(TELEMETRY, telemetry_full())]
        })
        .native("envoy header mutation")
        .responds_with("x-served-by"),
        Row::new("envoy header mutation", "the part that Envoy supports: request id, header edits", || {
            vec![header_mutation()]
        })
        .manager(|manager| manager["always_set_request_id_in_response"] = json!(true))
        .responds_with("x-served-by"),
    ]
}

const TELEMETRY: &str = "tollgate-telemetry-headers";

const EMPTY: &str = "empty filter; Tollgate SDK";
const CALLBACKS: &str = "empty filter with both header callbacks; Tollgate SDK";

fn packed(package: &str) -> Value {
    wasm(&Filter::new(Wasm::package(package)))
}

fn configured(package: &str, config: Value) -> Value {
    wasm(&Filter::new(Wasm::package(package)).config(config))
}

fn telemetry_full() -> Value {
    json!({
        "request_id": {"always_set_in_response": true},
        "trace_context": {"mode": "continue", "response_header": "traceresponse"},
        "request_headers": [
            {"set": {"name": "x-client", "value": "%REQ(user-agent)%"}},
            {"set": {"name": "x-environment", "value": "production"}},
            {"remove": "x-debug"},
        ],
        "response_headers": [
            {"set": {"name": "x-served-by", "value": "tollgate"}},
            {"remove": "x-powered-by"},
        ],
        "server_timing": {"traceparent": true},
    })
}

fn header_mutation() -> Value {
    let set = |name: &str, value: &str| json!({"append": {"header": {"key": name, "value": value}, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}});
    let mutations = json!({
        "request_mutations":
            [set("x-client", "%REQ(user-agent)%"), set("x-environment", "production"), {"remove": "x-debug"}],
        "response_mutations": [set("x-served-by", "tollgate"), {"remove": "x-powered-by"}],
    });
    let config = json!({ "mutations": mutations });
    native("envoy.extensions.filters.http.header_mutation.v3.HeaderMutation", config)
}

fn rbac(header: &str, values: &[&str]) -> Value {
    let principals: Vec<Value> = values
        .iter()
        .map(|value| json!({"header": {"name": header, "string_match": {"exact": value}}}))
        .collect();
    let policy = json!({"permissions": [{"any": true}], "principals": principals});
    let config = json!({"rules": {"action": "ALLOW", "policies": {"allowed": policy}}});
    native("envoy.extensions.filters.http.rbac.v3.RBAC", config)
}

fn native(message: &str, config: Value) -> Value {
    json!({"name": message, "typed_config": any(message, config)})
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// The other row of a target.
    fn other(target: &Target) -> Option<&'static str> {
        match target {
            Target::TimesRow(row, _) | Target::MicrosOver(row, _) | Target::WholeTimes(row, _) => Some(*row),
            Target::TimesStock(_) | Target::TimesNative(_) => None,
        }
    }

    #[test]
    fn names_are_distinct_and_references_resolve() {
        let rows = all();
        let names: BTreeSet<_> = rows.iter().map(|row| row.name).collect();
        assert_eq!(names.len(), rows.len());
        for row in &rows {
            let others = row.targets.iter().filter_map(other).chain(row.native).chain(row.compared_with);
            for other in others.chain([row.base, NONE, STOCK, SOAKED]) {
                assert!(names.contains(other), "`{}`: unknown row `{other}`", row.name);
            }
            let by_native = row.targets.iter().any(|target| matches!(target, Target::TimesNative(_)));
            assert!(row.native.is_some() || !by_native, "`{}`: target without a native row", row.name);
        }
    }

    #[test]
    fn probes_change_headers_of_the_request() {
        for (header, _) in all().iter().flat_map(|row| &row.probes).filter_map(|probe| probe.change) {
            assert!(HEADERS.iter().any(|(name, _)| *name == header), "unknown header `{header}`");
        }
    }

    #[test]
    fn compared_rows_send_the_same_requests() {
        let rows = all();
        let find = |name: &str| rows.iter().find(|row| row.name == name).unwrap();
        for row in &rows {
            let over = row.targets.iter().filter(|target| matches!(target, Target::MicrosOver(..)));
            for other in over.filter_map(other).chain(row.native).chain([row.base]) {
                let same = find(other).varying.map(Varying::shape) == row.varying.map(Varying::shape);
                assert!(same, "`{}` and `{other}`", row.name);
            }
        }
    }

    #[test]
    fn compared_rows_vary_the_same_value() {
        let rows = all();
        let find = |name: &str| rows.iter().find(|row| row.name == name).unwrap();
        for row in &rows {
            for other in row.targets.iter().filter_map(other).chain(row.compared_with) {
                let same = find(other).varying.map(Varying::kind) == row.varying.map(Varying::kind);
                assert!(same, "`{}` and `{other}`", row.name);
            }
        }
    }
}
