//! Configurations that nobody would write.

use crate::{ED25519, plan};
use proptest::prelude::*;
use serde_json::{Value, json};
use tollgate_jwt_authn_policy::Config;
use tollgate_jwt_authn_policy::plan::Plan;

/// One with everything in it.
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

fn odd() -> impl Strategy<Value = Value> {
    let texts = [
        "",
        "a",
        "\u{0}",
        "a\nb",
        "\u{1f600}",
        "9999999h",
        "0",
        "https://[",
        "{",
        "-----BEGIN ",
        "host",
        ":path",
    ];
    let numbers = [json!(0), json!(-1), json!(1.5), json!(u64::MAX), json!(1e300)];
    let others =
        [Value::Null, json!(true), json!([]), json!({}), json!([{}]), json!({"": []}), json!([null])];
    let texts = texts.map(Value::from).into_iter();
    prop::sample::select(texts.chain(numbers).chain(others).collect::<Vec<_>>())
}

/// Puts a value in the place of the one that comes when `steps` have been counted down.
fn replace(value: &mut Value, steps: &mut usize, by: &Value) {
    if *steps == 0 {
        *value = by.clone();
    }
    *steps = steps.wrapping_sub(1);
    match value {
        Value::Array(list) => list.iter_mut().for_each(|value| replace(value, steps, by)),
        Value::Object(members) => members.iter_mut().for_each(|(_, value)| replace(value, steps, by)),
        _ => {}
    }
}

fn count(value: &Value) -> usize {
    1 + match value {
        Value::Array(list) => list.iter().map(count).sum(),
        Value::Object(members) => members.values().map(count).sum(),
        _ => 0,
    }
}

#[test]
fn one_with_everything_in_it_is_taken() {
    plan(full()).unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn a_configuration_is_refused_in_one_line_or_taken(
        changes in prop::collection::vec((any::<prop::sample::Index>(), odd()), 1..4),
    ) {
        let mut config = full();
        for (place, by) in &changes {
            let mut steps = place.index(count(&config));
            replace(&mut config, &mut steps, by);
        }
        // What does not fit the types is refused by serde, in the SDK's line.
        let Ok(config) = serde_json::from_value::<Config>(config) else { return Ok(()) };
        if let Err(problem) = Plan::new(config, |_| None) {
            let line = problem.to_string();
            prop_assert!(!problem.path.is_empty() && !problem.message.is_empty(), "{line:?}");
            prop_assert!(!line.chars().any(char::is_control), "{line:?}");
        }
    }
}
