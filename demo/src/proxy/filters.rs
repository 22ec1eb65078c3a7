//! The filters that the demo loads, and the paths that each one applies to.

use crate::services::USER;
use serde_json::{Value, json};
use tollgate_mint::{Signer, jwks};

/// A filter in the demo's proxy.
#[derive(Clone, Debug)]
pub struct Plugged {
    /// Package of the filter.
    pub package: &'static str,
    /// Name of the plugin in the proxy.
    pub name: &'static str,
    /// Configuration of the filter.
    pub config: Value,
    /// Path that the filter applies to; `None` for all paths. Envoy has no per-route configuration of Wasm
    /// filters, but can disable any filter on a route.
    pub only_on: Option<&'static str>,
}

/// Path for staff only: `/staff/1` is `/users/1` with the filter [`HELLO`].
pub const STAFF: &str = "/staff";
/// Rejects requests without a header that names a staff team.
pub const HELLO: &str = "hello";
/// Path that needs a token: `/account/1` is `/users/1` with the filter [`JWT`].
pub const ACCOUNT: &str = "/account";
/// Rejects requests without a valid token.
pub const JWT: &str = "jwt-authn";
/// Decides by the claims of the token which account a request may use.
pub const RBAC: &str = "rbac";
/// Path with a rate limit: `/tickets/1` is `/users/1` with the filter [`RATE`].
pub const TICKETS: &str = "/tickets";
/// Limits the requests of each customer.
pub const RATE: &str = "rate-limit";
/// Path with retries: `/retried/1` is `/users/1` with the filter [`RETRY`].
pub const RETRIED: &str = "/retried";
/// Retries safe requests.
pub const RETRY: &str = "retry";
/// Path with a circuit breaker: `/reviews/1` is `/users/1` with the filter [`BREAKER`].
pub const REVIEWS: &str = "/reviews";
/// Stops requests to a service that fails.
pub const BREAKER: &str = "circuit-breaker";
/// Path for a game day: `/game-day/1` is `/users/1` with the filter [`FAULT`].
pub const GAME_DAY: &str = "/game-day";
/// Injects faults while the control endpoint names an experiment.
pub const FAULT: &str = "fault";
/// Issuer of the tokens.
pub const ISSUER: &str = "https://login.example";
/// Adds request ids and traces to requests.
pub const TELEMETRY: &str = "telemetry-headers";

/// Returns all filters, in the order of the filter chain.
pub fn all() -> Vec<Plugged> {
    vec![
        Plugged {
            package: "tollgate-telemetry-headers",
            name: TELEMETRY,
            config: json!({
                "request_id": { "always_set_in_response": true },
                "trace_context": { "mode": "continue" },
                "request_headers": [
                    { "remove": "x-debug" },
                    { "set": { "name": "x-caller", "value": "%REQ(user-agent)%", "default": "unknown" } }
                ],
                "response_headers": [
                    { "remove": "x-powered-by" },
                    { "set_if_absent": { "name": "cache-control", "value": "no-store" } }
                ],
                "server_timing": {}
            }),
            only_on: None,
        },
        Plugged {
            package: "tollgate-example-hello",
            name: HELLO,
            config: json!({ "header": "x-team", "allowed": ["staff", "support"] }),
            only_on: Some(STAFF),
        },
        Plugged {
            package: "tollgate-jwt-authn",
            name: JWT,
            config: json!({
                "providers": { "login": {
                    "issuer": ISSUER,
                    "local_jwks": { "inline_string": jwks(&[&Signer::es256()]) },
                    "claim_to_headers": [{ "header_name": "x-user", "claim_name": "sub" }]
                } },
                "rules": [
                    {
                        "match": { "methods": ["DELETE"] },
                        "requires": { "provider_name": "login" },
                        "required_scopes": ["account:delete"]
                    },
                    { "requires": { "provider_name": "login" } }
                ]
            }),
            only_on: Some(ACCOUNT),
        },
        Plugged {
            package: "tollgate-rbac",
            name: RBAC,
            config: json!({
                "rules": [{
                    "name": "own-account",
                    "action": "allow",
                    "attributes": [{ "attribute": "request.auth.claims[account]", "same_as": "request.path_segments[1]" }]
                }],
                "response": { "reveal_policy": true }
            }),
            only_on: Some(ACCOUNT),
        },
        Plugged {
            package: "tollgate-rate-limit",
            name: RATE,
            config: json!({
                "domain": "shop",
                "limits": {
                    "per-customer": {
                        "key": [{ "request_headers": { "header_name": "x-customer" } }],
                        "rates": [
                            { "token_bucket": { "max_tokens": 2, "tokens_per_fill": 2, "fill_interval": "60s" } }
                        ]
                    },
                    "trial": {
                        "rates": [{ "fixed_window": { "requests": 0, "window": "1h" } }],
                        "shadow": true
                    }
                },
                "rules": [
                    { "match": { "paths": [{ "exact": "/tickets/2" }] }, "limits": ["trial"] },
                    { "limits": ["per-customer"] }
                ],
                "response": {
                    "body_format": "problem",
                    "request_headers_to_add_when_not_enforced": [
                        { "header": { "key": "x-over-limit", "value": "trial" } }
                    ]
                }
            }),
            only_on: Some(TICKETS),
        },
        Plugged {
            package: "tollgate-retry",
            name: RETRY,
            config: json!({
                "rules": [{ "retry_on": "5xx", "num_retries": 2 }],
                "attempts_header": "x-attempts"
            }),
            only_on: Some(RETRIED),
        },
        Plugged {
            package: "tollgate-circuit-breaker",
            name: BREAKER,
            config: json!({
                "breakers": {
                    "reviews": {
                        "consecutive_failures": 2,
                        "failures": { "statuses": [404] },
                        "open": { "duration": "30s", "jitter": 0 }
                    }
                },
                "response": { "body_format": "json" }
            }),
            only_on: Some(REVIEWS),
        },
        Plugged {
            package: "tollgate-fault",
            name: FAULT,
            config: json!({
                "control": {
                    "http_uri": { "uri": "http://user-service/chaos", "cluster": USER },
                    "interval": "1s"
                },
                "max_active_faults": 10,
                "experiments": [{
                    "name": "outage",
                    "faults": [{
                        "name": "users",
                        "delay": { "percentage": 100, "uniform": { "min": "20ms", "max": "60ms" } },
                        "abort": { "percentage": 100, "http_status": 503, "body": "outage" }
                    }]
                }]
            }),
            only_on: Some(GAME_DAY),
        },
    ]
}
