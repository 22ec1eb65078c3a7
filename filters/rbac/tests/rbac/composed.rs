//! This filter after jwt-authn, as separate filters and in one module.

use crate::support::{NONE, filter};
use serde_json::json;
use tollgate_host_test::{Filter, Host, Request, Scenario, Wasm, on_both_hosts};

/// A key set with a public test key of jwt-authn, and a token signed with it: subject `alice`, groups
/// `buyers` and `testers`, expiry in 2096.
const KEYS: &str = r#"{"keys":[{"kty":"EC","crv":"P-256","kid":"p256-0","x":"umxcyuoOl14HKResm4NSXAbfyjHH_rYplee1O6tjRHU","y":"g-OB3a23tUwHfpuQv2Efh6sKeLYmP_vkGBsL1baYCBY"}]}"#;
const TOKEN: &str = "eyJhbGciOiJFUzI1NiIsImtpZCI6InAyNTYtMCJ9.eyJpc3MiOiJodHRwczovL2xvZ2luLmV4YW1wbGUiLCJzdWIiOiJhbGljZSIsImF1ZCI6InNob3AiLCJncm91cHMiOlsiYnV5ZXJzIiwidGVzdGVycyJdLCJleHAiOjQwMDAwMDAwMDB9.IQ3MhS5vFPvkjJTb59HflZNhANgTaxeAi0kEAZFqgDxDZhujvN7_dL9SdCemmGCl0PwOzAVAw6Hzbl_V1R_CFA";

fn chain() -> Scenario {
    let authn = Filter::new(Wasm::package("tollgate-jwt-authn")).config(json!({
        "providers": {"login": {"issuer": "https://login.example", "audiences": ["shop"], "local_jwks": {"inline_string": KEYS}}},
        "rules": [{"requires": {"requires_any": {"requirements": [{"provider_name": "login"}, {"allow_missing": {}}]}}}],
    }));
    let authz = filter().config(json!({
        "role_attributes": ["request.auth.claims[groups]"],
        "roles": {
            "buyers": {"permissions": [{"methods": ["POST"], "paths": [{"template": "/orders"}]}]},
            "auditors": {"permissions": [{"methods": ["GET"], "paths": [{"template": "/audit/**"}]}]},
        },
    }));
    let signed = |method: &str, path: &str| {
        Request::new(method, path).header("authorization", format!("Bearer {TOKEN}"))
    };
    Scenario::new()
        .filter(authn)
        .filter(authz)
        .request(signed("POST", "/orders"))
        .request(signed("GET", "/audit/1"))
        .request(Request::new("POST", "/orders"))
        .request(Request::new("POST", "/orders").header("authorization", "Bearer x.y.z"))
}

fn roles_decide(host: Host, scenario: &Scenario) {
    let outcome = host.run(scenario);
    outcome.has_statuses(&[200, 403, 403, 401]);
    outcome.has_details(1, NONE).has_details(2, NONE);
    outcome.has_metric("rbac.policy.buyers.allowed", 1).has_metric("rbac.denied.no_policy", 2);
}

on_both_hosts! {
    fn the_role_of_a_token_decides(host) {
        roles_decide(host, &chain());
    }

    fn the_role_of_a_token_decides_in_one_module(host) {
        roles_decide(host, &chain().in_one_module());
    }
}
