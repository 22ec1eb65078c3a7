//! Sources of keys.

use crate::{ED25519, plan, provider, provider_refused, refused};
use serde_json::{Value, json};
use tollgate_jwt_authn_policy::plan::Source;

/// RFC 7517 appendix A.1.
const P256: &str = r#"{"kty":"EC","crv":"P-256","kid":"1",
    "x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"}"#;

fn inline(text: &str) -> Value {
    json!({"local_jwks": {"inline_string": text}})
}

fn remote(fields: Value) -> String {
    let mut remote = json!({"http_uri": {"uri": "https://a.example/keys", "cluster": "a"}});
    remote.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    provider_refused(json!({"local_jwks": null, "remote_jwks": remote}))
}

fn sources(config: Value) -> Vec<usize> {
    let plan = plan(config).unwrap();
    assert!(plan.sources.len() > plan.providers.iter().map(|provider| provider.source).max().unwrap());
    plan.providers.iter().map(|provider| provider.source).collect()
}

#[test]
fn keys_come_from_one_place() {
    assert_eq!(
        provider_refused(json!({"local_jwks": null})),
        ": one of `local_jwks` and `remote_jwks` must be set"
    );
    let uri = json!({"http_uri": {"uri": "https://a.example/keys", "cluster": "a"}});
    let message = provider_refused(json!({"remote_jwks": uri}));
    assert_eq!(message, ": `local_jwks` and `remote_jwks` cannot both be set");
    let message = provider_refused(json!({"local_jwks": {}}));
    assert_eq!(message, "local_jwks: exactly one of `inline_string` and `environment_variable` must be set");
    assert_eq!(
        remote(json!({"http_uri": null})),
        "remote_jwks: one of `http_uri` and `oidc_discovery` must be set"
    );
    let message = remote(json!({"oidc_discovery": {"cluster": "a"}}));
    assert_eq!(message, "remote_jwks: `http_uri` and `oidc_discovery` cannot both be set");
}

#[test]
fn keys_are_a_set_or_one_or_of_the_environment() {
    let set = format!(r#"{{"keys": [{ED25519}, {P256}]}}"#);
    for (local, count) in [
        (json!({"inline_string": set}), 2),
        (json!({"inline_string": P256}), 1),
        (json!({"environment_variable": "KEYS"}), 1),
    ] {
        let plan = plan(json!({"providers": {"a": {"local_jwks": local}}})).unwrap();
        let Source::Local(keys) = &plan.sources[0] else { panic!("{:?}", plan.sources) };
        assert_eq!(keys.len(), count);
    }
    let message = provider_refused(json!({"local_jwks": {"environment_variable": "NONE"}}));
    assert_eq!(
        message,
        "local_jwks.environment_variable: variable `NONE` is not set in the VM's environment"
    );
}

#[test]
fn an_unusable_configured_key_is_an_error() {
    let message = provider_refused(inline("not keys"));
    assert!(message.starts_with("local_jwks.inline_string: not a JSON object"), "{message}");
    let weak = r#"{"kty":"oct","k":"c2hvcnQ"}"#;
    let message = provider_refused(inline(&format!(r#"{{"keys": [{P256}, {weak}]}}"#)));
    assert!(message.starts_with("local_jwks.inline_string: unusable key 1: too weak"), "{message}");
    let private = P256.replace(r#""kid":"1""#, r#""kid":"leaked","d":"AA""#);
    let message = provider_refused(inline(&format!(r#"{{"keys": [{private}, {ED25519}]}}"#)));
    assert!(
        message.starts_with("local_jwks.inline_string: unusable key 0 `leaked`: `d` belongs"),
        "{message}"
    );
    let message = provider_refused(inline(r#"{"keys": [{"kty": "AKP", "kid": "pq"}]}"#));
    assert_eq!(message, "local_jwks.inline_string: key set has no usable key: `AKP` is not supported");
    let message = provider_refused(inline("-----BEGIN PUBLIC KEY-----\nx\n-----END PUBLIC KEY-----"));
    assert!(message.starts_with("local_jwks.inline_string: "), "{message}");
}

#[test]
fn skips_keys_of_other_kinds_with_a_warning() {
    let encryption = P256.replace(r#""kid":"1""#, r#""kid":"e","use":"enc""#);
    for (key, reason) in [
        (encryption.as_str(), "`e`: `use` does not permit verifying signatures"),
        (
            r#"{"kty":"AKP","alg":"ML-DSA-65","kid":"pq","use":"sig","pub":"AA"}"#,
            "`pq`: `AKP` is not supported",
        ),
        (r#"{"kty":"OKP","crv":"X25519","kid":"dh","x":"AA"}"#, "`dh`: `X25519` is not supported"),
        (r#"{"kty":"OKP","crv":"Ed448","kid":"4","x":"AA"}"#, "`4`: `Ed448` is not supported"),
        (
            r#"{"kty":"EC","crv":"secp256k1","kid":"k","x":"AA","y":"AA"}"#,
            "`k`: `secp256k1` is not supported",
        ),
    ] {
        let set = format!(r#"{{"keys": [{ED25519}, {key}]}}"#);
        for (config, path) in [
            (json!({"providers": {"a": inline(&set)}}), "providers.a.local_jwks.inline_string"),
            (json!({"jwtRules": [{"issuer": "i", "jwks": set}]}), "jwtRules[0].jwks"),
        ] {
            let plan = plan(config).unwrap();
            let Source::Local(keys) = &plan.sources[0] else { panic!("{:?}", plan.sources) };
            assert_eq!((keys.len(), plan.warnings.len()), (1, 1), "{key}");
            assert_eq!(plan.warnings[0], format!("{path}: skipping key 1 {reason}"));
        }
    }
}

#[test]
fn headers_of_fetches_are_checked() {
    let headers = |headers: Value| remote(json!({"headers": headers}));
    let one = |name: &str, value: &str| headers(json!([{"name": name, "value": value}]));
    assert!(one("content-length", "1").starts_with("remote_jwks.headers[0].name: "));
    assert!(one(":path", "/").starts_with("remote_jwks.headers[0].name: "));
    for value in ["", " ", "secret\r\nx: y"] {
        let message = one("x-key", value);
        assert!(message.starts_with("remote_jwks.headers[0].value: invalid value, expected"), "{message}");
        assert!(!message.contains("secret"), "{message}");
    }
    let twice = json!([{"name": "X-Key", "value": "a"}, {"name": "x-key", "value": "b"}]);
    assert_eq!(headers(twice), "remote_jwks.headers[1].name: duplicate header `x-key`");
    let uri = json!({"uri": "http://a.example/revoked", "cluster": "a"});
    let list = json!({"http_uri": uri, "headers": [{"name": "x", "value": ""}]});
    let message = refused(json!({"revocation": {"remote": list}}));
    assert!(message.starts_with("revocation.remote.headers[0].value: "), "{message}");
}

#[test]
fn an_algorithm_that_no_key_can_be_used_with_is_an_error() {
    let message = provider_refused(json!({"allowed_algorithms": ["RS256", "HS256"]}));
    assert_eq!(message, "allowed_algorithms: no key of `local_jwks` supports any of these algorithms");
    plan(json!({"providers": {"a": provider(json!({"allowed_algorithms": ["RS256", "EdDSA"]}))}})).unwrap();
    let message = provider_refused(json!({"allowed_algorithms": ["none"]}));
    assert!(message.starts_with("allowed_algorithms[0]: unknown algorithm `none`"), "{message}");
}

#[test]
fn keys_of_several_providers_are_fetched_once() {
    let uri = |cache: &str| json!({"remote_jwks": {"http_uri": {"uri": "https://a.example/keys", "cluster": "a"}, "cache_duration": cache}});
    assert_eq!(sources(json!({"providers": {"a": uri("1m"), "b": uri("60s"), "c": uri("2m")}})), [0, 0, 1]);
    assert_eq!(
        sources(json!({"providers": {"a": inline(ED25519), "b": inline(P256), "c": inline(ED25519)}})),
        [0, 1, 0]
    );
}

#[test]
fn an_issuer_has_one_set_of_keys() {
    let with = |issuer: &str, mut keys: Value| {
        keys["issuer"] = issuer.into();
        keys
    };
    let uri = |cache: &str| json!({"remote_jwks": {"http_uri": {"uri": "https://a.example/keys", "cluster": "a"}, "cache_duration": cache}});
    let message = refused(json!({"providers": {
        "a": with("i", inline(ED25519)),
        "b": with("i", inline(ED25519)),
        "c": with("i", inline(P256)),
    }}));
    assert_eq!(message, "providers.c.issuer: `i` is also the issuer of provider `a`, which has other keys");
    plan(json!({"providers": {"a": with("i", uri("1m")), "b": with("i", uri("2m"))}})).unwrap();
    plan(json!({"providers": {"a": inline(ED25519), "b": inline(P256)}})).unwrap();
}

#[test]
fn keys_are_fetched_from_a_url() {
    let uri = |uri: &str| remote(json!({"http_uri": {"uri": uri, "cluster": "a"}}));
    assert_eq!(uri("/keys"), "remote_jwks.http_uri.uri: `/keys` is not an absolute URL");
    assert_eq!(
        uri("ftp://a/"),
        "remote_jwks.http_uri.uri: `ftp://a/` must begin with `https://` or `http://`"
    );
    assert!(
        uri("https://a/\r\nx: y").starts_with("remote_jwks.http_uri.uri: `https://a/\\r\\nx: y` contains")
    );
    let message = remote(json!({"http_uri": {"uri": "https://a/", "cluster": ""}}));
    assert_eq!(message, "remote_jwks.http_uri.cluster: the cluster is empty");
}

#[test]
fn discovery_needs_an_issuer_that_is_a_url() {
    let discovery = |issuer: &str| {
        let remote = json!({"oidc_discovery": {"cluster": "a"}});
        provider_refused(json!({"issuer": issuer, "local_jwks": null, "remote_jwks": remote}))
    };
    let path = "remote_jwks.oidc_discovery";
    assert_eq!(
        discovery(""),
        format!("{path}: discovery needs the `issuer` of the provider, which is not set")
    );
    assert_eq!(discovery("me@a"), format!("{path}: the provider's `issuer` `me@a` is not an absolute URL"));
    assert_eq!(
        discovery("https://a/?x"),
        format!("{path}: the provider's `issuer` `https://a/?x` must not have a query")
    );
    assert!(discovery("https://a/#x").contains("must not have a fragment"));
}

#[test]
fn times_and_numbers_have_bounds() {
    for (fields, message) in [
        (json!({"cache_duration": "999us"}), "cache_duration: must be at least `1ms`"),
        (json!({"cache_duration": "8761h"}), "cache_duration: must be at most a year, `8760h`"),
        (
            json!({"async_fetch": {"failed_refetch_duration": "0"}}),
            "async_fetch.failed_refetch_duration: must be at least `1ms`",
        ),
        (
            json!({"retry_policy": {"retry_back_off": {"base_interval": "0"}}}),
            "retry_policy.retry_back_off.base_interval: must be at least `1ms`",
        ),
        (
            json!({"retry_policy": {"retry_back_off": {"base_interval": "2s", "max_interval": "1s"}}}),
            "retry_policy.retry_back_off.max_interval: must be at least `base_interval`",
        ),
        (
            json!({"retry_policy": {"num_retries": 101}}),
            "retry_policy.num_retries: `101` is not a number from 0 to 100",
        ),
        (json!({"refetch_on_unknown_kid": "1us"}), "refetch_on_unknown_kid: must be at least `1ms`"),
        (json!({"stale_if_error": "9000h"}), "stale_if_error: must be at most a year, `8760h`"),
        (json!({"max_bytes": 0}), "max_bytes: `0` is not a number from 1 to 4194304"),
        (json!({"max_keys": 1001}), "max_keys: `1001` is not a number from 1 to 1000"),
        (
            json!({"http_uri": {"uri": "https://a/", "cluster": "a", "timeout": "0"}}),
            "http_uri.timeout: must be at least `1ms`",
        ),
        (
            json!({"http_uri": {"uri": "https://a/", "cluster": "a", "timeout": "61m"}}),
            "http_uri.timeout: must be at most `1h`",
        ),
    ] {
        assert_eq!(remote(fields), format!("remote_jwks.{message}"));
    }
}
