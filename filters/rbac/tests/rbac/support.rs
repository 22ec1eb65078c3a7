//! Helpers that all scenarios of this filter use.

use serde_json::{Value, json};
use tollgate_host_test::{ClientView, Exchange, Filter, Host, Outcome, Request, Scenario, Wasm};

/// Response code details if no policy allows a request.
pub const NONE: &str = "rbac_access_denied_matched_policy[none]";

/// The verdict about an allowed request.
pub const ALLOWED: &str = "allowed";

/// A proxy with the filter and this configuration.
pub fn with(config: Value) -> Scenario {
    Scenario::new().filter(filter().config(config))
}

/// The filter without a configuration.
pub fn filter() -> Filter {
    Filter::new(Wasm::package("tollgate-rbac"))
}

/// Response code details of a rejection by a policy.
pub fn by(policy: &str) -> String {
    format!("rbac_access_denied_matched_policy[{policy}]")
}

/// Sends all requests of a table, and compares the verdict about each with the expected one: [`ALLOWED`], or
/// response code details.
pub fn decides(host: Host, scenario: Scenario, table: Vec<(Request, &str)>) -> Outcome {
    let expected: Vec<_> = table.iter().map(|(_, expected)| (*expected).to_owned()).collect();
    let requests: Vec<_> = table.into_iter().map(|(request, _)| request).collect();
    let scenario = requests.iter().cloned().fold(scenario, Scenario::request);
    let outcome = host.run(&scenario);
    let verdicts = verdicts(&outcome);
    for (index, request) in requests.iter().enumerate() {
        assert_eq!(verdicts[index], expected[index], "request {index}: {request:?}");
    }
    outcome
}

/// Returns the verdict about each request.
pub fn verdicts(outcome: &Outcome) -> Vec<String> {
    let is_allowed =
        |exchange: &Exchange| matches!(&exchange.client, ClientView::Response(r) if r.status == 200);
    let verdict = |exchange: &Exchange| {
        if is_allowed(exchange) { ALLOWED.to_owned() } else { exchange.details.clone() }
    };
    outcome.exchanges.iter().map(verdict).collect()
}

/// A request whose token has these claims, as Envoy's `jwt_authn` leaves them.
pub fn claims(request: Request, claims: Value) -> Request {
    request.metadata("envoy.filters.http.jwt_authn", json!({ "payload": claims }))
}
