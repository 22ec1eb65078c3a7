//! The filters that the demo loads, and where each of them is at work.

use serde_json::{Value, json};
use tollgate_mint::{Signer, jwks};

/// A filter of the workspace in the demo's proxy.
#[derive(Clone, Debug)]
pub struct Plugged {
    /// Its package.
    pub package: &'static str,
    /// What the proxy calls it.
    pub name: &'static str,
    /// Its configuration.
    pub config: Value,
    /// Where it is at work; nothing for everywhere. Envoy has no configuration of Wasm filters by route, but any filter
    /// can be switched off on one.
    pub only_on: Option<&'static str>,
}

/// The path that only some may see: `/staff/1` is `/users/1` behind [`HELLO`].
pub const STAFF: &str = "/staff";
/// Keeps everybody out who does not say that they are of the staff.
pub const HELLO: &str = "hello";
/// The path that needs a token: `/account/1` is `/users/1` behind [`JWT`].
pub const ACCOUNT: &str = "/account";
/// Lets in who brings a token.
pub const JWT: &str = "jwt-authn";
/// The path of which nobody gets much: `/tickets/1` is `/users/1` behind [`RATE`].
pub const TICKETS: &str = "/tickets";
/// Counts what each customer asks for.
pub const RATE: &str = "rate-limit";
/// Who issues tokens.
pub const ISSUER: &str = "https://login.example";
/// Gives requests their ids and traces.
pub const TELEMETRY: &str = "telemetry-headers";

/// In the order in which a request meets them.
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
    ]
}
