//! What is measured: one row for each configuration of the proxy.
//!
//! A filter adds its rows here, in a few lines each: the filter as it is shipped, and beside it what Envoy itself has
//! for the same job, if it has anything. Rows that are compared get the same requests, so whatever a new one needs in
//! the request goes into [`HEADERS`] and is carried by all of them; where requests have to differ from each other
//! ([`Row::varying`]), rows without a filter and with an empty one are sent the same, and are what is compared with.

mod calls;
mod floor;
mod jwt;
mod rate_limit;

use crate::requests::{Clients, Tokens, Varying};
use serde_json::{Value, json};
use tollgate_host_test::envoy::bootstrap::{any, wasm};
use tollgate_host_test::{Filter, Wasm};

/// The row that all others are compared with: what they add, they add to this.
pub const NONE: &str = "none";
/// The row whose addition is the unit: a filter that does nothing, on the SDK that everybody else builds on.
pub const STOCK: &str = "stock-empty";
/// The filter that `--soak` loads unless told otherwise.
pub const SOAKED: &str = "telemetry-headers full";

/// The request's headers, in number and size those of a call between services.
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
    /// What it is called in the table and by `--only`.
    pub name: &'static str,
    /// What is in the way of a request, for the table.
    pub what: &'static str,
    /// Envoy's HTTP filters, without the router. Called only when the row is measured: it may have to build a module.
    pub filters: Box<dyn Fn() -> Vec<Value>>,
    /// Changes the connection manager, for what Envoy does there rather than in a filter.
    pub manager: fn(&mut Value),
    /// What differs from request to request.
    pub varying: Option<Varying>,
    /// Whether every request but the first is refused with 429, in place of being answered with 200.
    pub refused: bool,
    /// The row that adds nothing: this one's requests and no filter.
    pub base: &'static str,
    /// The row that does the same job with Envoy alone.
    pub native: Option<&'static str>,
    /// What it may add. `--check` holds it to that.
    pub bounds: Vec<Bound>,
    /// The row in units of whose addition its own is shown, too.
    pub beside: Option<&'static str>,
    /// What shows that it works at all, tried before it is loaded.
    pub probes: Vec<Probe>,
}

/// The most that a row may add.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Bound {
    /// In units of what [`STOCK`] adds.
    TimesStock(f64),
    /// In units of what the native row adds.
    TimesNative(f64),
    /// In units of what that row adds.
    TimesRow(&'static str, f64),
    /// In microseconds, more than that row.
    MicrosOver(&'static str, f64),
    /// The whole time of a request, not only what the row adds, in units of that row's.
    WholeTimes(&'static str, f64),
}

/// A request like the row's but for a header, and what must come back.
pub struct Probe {
    /// The header that is left out, or that has another value.
    pub change: Option<(&'static str, Change)>,
    /// The status of the answer.
    pub status: u16,
    /// A header that the answer must have.
    pub header: Option<&'static str>,
    /// A counter of Envoy's that must not be zero then.
    pub counter: Option<&'static str>,
}

impl Probe {
    /// The row's own request is answered with this status.
    pub fn status(status: u16) -> Self {
        Self { change: None, status, header: None, counter: None }
    }
}

/// What becomes of a header.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Change {
    /// It is left out.
    Absent,
    /// Its tenth character from behind is another one.
    Forged,
}

impl Row {
    fn new(name: &'static str, what: &'static str, filters: impl Fn() -> Vec<Value> + 'static) -> Self {
        Self {
            name,
            what,
            filters: Box::new(filters),
            manager: |_| {},
            varying: None,
            refused: false,
            base: NONE,
            native: None,
            bounds: Vec::new(),
            beside: None,
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

    fn bound(mut self, bound: Bound) -> Self {
        self.bounds.push(bound);
        self
    }

    fn beside(mut self, row: &'static str) -> Self {
        self.beside = Some(row);
        self
    }

    fn at_most(self, units: f64) -> Self {
        self.bound(Bound::TimesStock(units))
    }

    /// Requests are refused with that status when a header is changed.
    fn refuses(mut self, header: &'static str, change: Change, status: u16) -> Self {
        self.probes.push(Probe { change: Some((header, change)), ..Probe::status(status) });
        self
    }

    /// Requests without this header are refused with 403.
    fn refuses_without(self, header: &'static str) -> Self {
        self.refuses(header, Change::Absent, 403)
    }

    /// Answers have this header.
    fn answers_with(mut self, header: &'static str) -> Self {
        self.probes.push(Probe { header: Some(header), ..Probe::status(200) });
        self
    }

    /// Requests move this counter.
    fn counts(mut self, counter: &'static str) -> Self {
        self.probes.push(Probe { counter: Some(counter), ..Probe::status(200) });
        self
    }

    /// Every request but the first is refused, and has this counter moved.
    fn refused(mut self, counter: &'static str) -> Self {
        self.refused = true;
        self.probes.push(Probe { counter: Some(counter), ..Probe::status(429) });
        self
    }
}

/// All rows, in the order of the table.
pub fn all() -> Vec<Row> {
    let mut rows = common();
    rows.extend(floor::rows());
    rows.extend(calls::rows());
    rows.extend(jwt::rows());
    rows.extend(rate_limit::rows());
    rows
}

fn common() -> Vec<Row> {
    vec![
        Row::new(NONE, "the router alone", Vec::new),
        Row::new(STOCK, "does nothing; stock SDK, as the linker leaves it", || {
            vec![wasm(&Filter::new(Wasm::package_unpacked("fixture-stock-empty")))]
        }),
        Row::new(
            "stock-empty packed",
            "does nothing; stock SDK, packed (its exports hide which are used)",
            || vec![packed("fixture-stock-empty")],
        ),
        Row::new("empty", "does nothing; ours", || vec![packed("fixture-empty")]).at_most(0.65),
        Row::new("callbacks", "does nothing, in both header callbacks; ours", || {
            vec![packed("fixture-callbacks")]
        })
        .at_most(1.0),
        Row::new("hello", "403 unless a header has one of two values", || {
            let config = json!({"header": "x-api-key", "allowed": ["other", "demo"]});
            vec![configured("tollgate-example-hello", config)]
        })
        .native("envoy rbac")
        .at_most(1.3)
        .refuses_without("x-api-key"),
        Row::new("envoy rbac", "the same, by Envoy's RBAC", || vec![rbac("x-api-key", &["other", "demo"])])
            .refuses_without("x-api-key"),
        Row::new("telemetry-headers minimal", "request id, echoed", || {
            vec![configured(TELEMETRY, json!({"request_id": {"always_set_in_response": true}}))]
        })
        .native("envoy request id")
        .answers_with("x-request-id"),
        Row::new("envoy request id", "the same, by Envoy's connection manager", Vec::new)
            .manager(|manager| manager["always_set_request_id_in_response"] = json!(true))
            .answers_with("x-request-id"),
        Row::new("telemetry-headers full", "request id, trace context, edits, Server-Timing", || {
            vec![configured(TELEMETRY, telemetry_full())]
        })
        .native("envoy header mutation")
        .answers_with("x-served-by"),
        Row::new("envoy header mutation", "of it what Envoy can: request id, edits", || {
            vec![header_mutation()]
        })
        .manager(|manager| manager["always_set_request_id_in_response"] = json!(true))
        .answers_with("x-served-by"),
    ]
}

const TELEMETRY: &str = "tollgate-telemetry-headers";

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

    /// The row that a bound is about besides its own.
    fn other(bound: &Bound) -> Option<&'static str> {
        match bound {
            Bound::TimesRow(row, _) | Bound::MicrosOver(row, _) | Bound::WholeTimes(row, _) => Some(*row),
            Bound::TimesStock(_) | Bound::TimesNative(_) => None,
        }
    }

    #[test]
    fn names_are_distinct_and_references_resolve() {
        let rows = all();
        let names: BTreeSet<_> = rows.iter().map(|row| row.name).collect();
        assert_eq!(names.len(), rows.len());
        for row in &rows {
            let others = row.bounds.iter().filter_map(other).chain(row.native).chain(row.beside);
            for other in others.chain([row.base, NONE, STOCK, SOAKED]) {
                assert!(names.contains(other), "`{}`: no row `{other}`", row.name);
            }
            let by_native = row.bounds.iter().any(|bound| matches!(bound, Bound::TimesNative(_)));
            assert!(
                row.native.is_some() || !by_native,
                "`{}` is bounded by a row it does not name",
                row.name
            );
        }
    }

    #[test]
    fn what_a_probe_changes_is_in_the_request() {
        for (header, _) in all().iter().flat_map(|row| &row.probes).filter_map(|probe| probe.change) {
            assert!(HEADERS.iter().any(|(name, _)| *name == header), "no header `{header}`");
        }
    }

    #[test]
    fn rows_that_are_compared_are_sent_the_same() {
        let rows = all();
        let find = |name: &str| rows.iter().find(|row| row.name == name).unwrap();
        for row in &rows {
            let over = row.bounds.iter().filter(|bound| matches!(bound, Bound::MicrosOver(..)));
            for other in over.filter_map(other).chain(row.native).chain([row.base]) {
                let same = find(other).varying.map(Varying::shape) == row.varying.map(Varying::shape);
                assert!(same, "`{}` and `{other}`", row.name);
            }
        }
    }

    #[test]
    fn rows_that_are_compared_across_numbers_differ_in_nothing_else() {
        let rows = all();
        let find = |name: &str| rows.iter().find(|row| row.name == name).unwrap();
        for row in &rows {
            for other in row.bounds.iter().filter_map(other).chain(row.beside) {
                let same = find(other).varying.map(Varying::kind) == row.varying.map(Varying::kind);
                assert!(same, "`{}` and `{other}`", row.name);
            }
        }
    }
}
