//! Random configurations.

use crate::{ED25519, plan};
use proptest::prelude::*;
use serde_json::{Value, json};
use tollgate_filter_testing::odd;
use tollgate_jwt_authn_policy::Config;
use tollgate_jwt_authn_policy::plan::Plan;

/// A configuration with all fields.
fn full() -> Value {
    json!({
        "providers": {
            "a": {
                "issuer": "https://a.example", "audiences": ["x"], "subjects": {"prefix": "s"},
                "max_lifetime": "1h", "clock_skew_seconds": 5, "allowed_algorithms": ["EdDSA"],
                "allowed_types": ["at+jwt"], "required_scopes": ["read"],
                "required_claims": [{"claim": "a.b", "string_match": {"exact": "c"}}, {"claim": ["d"], "number": 1}],
                "local_jwks": {"inline_string": ED25519},
                "from_headers": [{"name": "x-token", "value_prefix": "JWT "}],
                "from_params": ["p"], "from_cookies": ["c"],
                "forward_payload_header": "x-payload",
                "claim_to_headers": [{"header_name": "x-sub", "claim_name": "sub", "separator": ","}],
                "normalize_payload": {"space_delimited_claims": ["roles"]},
            },
            "b": {
                "issuer": "https://b.example",
                "remote_jwks": {
                    "oidc_discovery": {"cluster": "b", "jwks_cluster": "c", "timeout": "1s"},
                    "cache_duration": "1m", "async_fetch": {"failed_refetch_duration": "2s"},
                    "retry_policy": {"num_retries": 2, "retry_back_off": {"base_interval": "1s", "max_interval": "2s"}},
                    "refetch_on_unknown_kid": "0", "stale_if_error": "1h", "max_bytes": 100, "max_keys": 2,
                },
            },
        },
        "rules": [
            {"match": {"hosts": [{"exact": "h"}], "paths": [{"template": "/a/{b}"}], "methods": ["GET"]},
             "requires": {"requires_any": {"requirements": [{"provider_name": "a"}, {"allow_missing": {}}]}},
             "required_scopes": ["write"]},
            {"requirement_name": "r"},
        ],
        "requirement_map": {"r": {"requires_all": {"requirements": [
            {"provider_and_audiences": {"provider_name": "b", "audiences": ["y"]}},
            {"extract_only_without_validation": {"verification_status_header": "x-v"}},
        ]}}},
        "filter_state_rules": {"name": "n", "requires": {"v": {"allow_missing_or_failed": {}}}},
        "failure_response": {"body_format": "json", "realm": "r", "redirect": {"location": "/login?{url}", "status": 303}},
        "jwtRules": [{"issuer": "https://c.example", "jwksUri": "https://c.example/keys", "timeout": "1s"}],
        "jwks_clusters": {"c.example": "c"},
        "jwt_cache_config": {"jwt_cache_size": 10, "jwt_max_token_size": 100},
        "revocation": {
            "tokens": [{"iss": "i", "jti": "j"}],
            "remote": {"http_uri": {"uri": "https://r.example/", "cluster": "r"}, "poll_interval": "1s"},
        },
        "status_on_error": 503, "stat_prefix": "p", "max_token_bytes": 100, "max_waiting_requests": 1,
    })
}

/// Texts of keys and token locations.
const TEXTS: &[&str] = &["https://[", "-----BEGIN "];

#[test]
fn one_with_everything_in_it_is_taken() {
    plan(full()).unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn a_configuration_is_refused_in_one_line_or_taken(
        changes in odd::changes(TEXTS),
    ) {
        let config = odd::changed(full(), &changes);
        // The SDK reports errors of types, in one line.
        let Ok(config) = tollgate_policy::config::read::<Config>(&config) else { return Ok(()) };
        if let Err(problem) = Plan::new(config, |_| None) {
            let line = problem.to_string();
            prop_assert!(!problem.path().is_empty() && !problem.message().is_empty(), "{line:?}");
            prop_assert!(!line.chars().any(char::is_control), "{line:?}");
        }
    }
}
