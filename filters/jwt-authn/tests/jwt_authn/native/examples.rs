//! Examples of Envoy's documentation (`jwt_authn_filter.rst`, the comments of `config.proto`), with our own
//! configurations.

use super::Example;
use crate::attacks::{bearer, wall_clock as now};
use serde_json::{Value, json};
use std::time::Duration;
use tollgate_host_test::{Answer, Request, Response, Upstream};
use tollgate_mint::{Signer, jwks};

pub const FIRST: &str = "https://first.test";
pub const SECOND: &str = "https://second.test";

pub fn first() -> Signer {
    Signer::rs256()
}

pub fn second() -> Signer {
    Signer::es256()
}

pub fn keys(signer: &Signer) -> Value {
    json!({ "inline_string": jwks(&[signer]) })
}

/// A token of the first issuer with additional or replaced claims; `null` removes one.
pub fn token(change: Value) -> String {
    by(&first(), FIRST, change)
}

pub fn by(signer: &Signer, issuer: &str, change: Value) -> String {
    let mut claims = json!({ "iss": issuer, "sub": "alice", "aud": "shop", "exp": now() + 600 });
    for (name, value) in change.as_object().unwrap() {
        if value.is_null() {
            claims.as_object_mut().unwrap().remove(name);
        } else {
            claims[name] = value.clone();
        }
    }
    signer.token(&claims)
}

/// Tokens with many errors, each with its own message. For a token with an empty part, Envoy says that it
/// does not have three parts; this filter names the part.
fn bad_tokens() -> Vec<String> {
    let good = token(json!({}));
    let (input, signature) = good.rsplit_once('.').unwrap();
    let header = |header: Value| first().sign(&header, &json!({ "iss": FIRST }));
    vec![
        "a.b".into(),
        format!("{good}.x"),
        header(json!({ "typ": "JWT" })),
        header(json!({ "alg": 1 })),
        header(json!({ "alg": "none" })),
        header(json!({ "alg": "RS256", "kid": 1 })),
        header(json!({ "alg": "RS256", "kid": "nobody" })),
        first().sign_raw(b"{\"alg\":\"RS256\"", b"{}"),
        first().sign_raw(first().header().to_string().as_bytes(), b"not json"),
        format!("{input}.{}", &signature[4..]),
        token(json!({ "exp": now() - 100 })),
        token(json!({ "exp": "soon" })),
        token(json!({ "exp": -1 })),
        token(json!({ "nbf": now() + 5000 })),
        token(json!({ "nbf": "x" })),
        token(json!({ "iat": "x" })),
        token(json!({ "iss": "https://nobody.test" })),
        token(json!({ "iss": 1 })),
        token(json!({ "sub": 1 })),
        token(json!({ "jti": 1 })),
        token(json!({ "aud": 1 })),
        token(json!({ "aud": "nobody" })),
        token(json!({ "aud": ["nobody", "shop"] })),
        token(json!({ "aud": "https://shop/" })),
        token(json!({ "aud": null })),
        token(json!({ "iss": null })),
        token(json!({ "exp": null })),
        first().with_algorithm("RS384").token(&json!({ "iss": FIRST, "aud": "shop" })),
        Signer::new("RS256", 1).with_kid("rsa2048-0").token(&json!({ "iss": FIRST, "aud": "shop" })),
        Signer::es256().token(&json!({ "iss": FIRST, "aud": "shop" })),
    ]
}

fn provider(more: Value) -> Value {
    let mut provider =
        json!({ "issuer": FIRST, "audiences": ["shop", "store"], "local_jwks": keys(&first()) });
    for (name, value) in more.as_object().unwrap() {
        provider[name] = value.clone();
    }
    provider
}

/// One provider for all requests.
pub fn single(more: Value, requests: Vec<Request>) -> Example {
    Example {
        providers: json!({ "first": provider(more) }),
        rules: vec![("/", json!({ "requires": { "provider_name": "first" } }))],
        more: json!({}),
        requests,
    }
}

#[test]
fn a_token_is_in_the_usual_places_and_each_must_be_valid() {
    let (good, bad) = (token(json!({})), token(json!({ "exp": 1 })));
    let mut requests = vec![
        Request::get("/"),
        bearer("/a/b?c=d", &good),
        Request::get(&format!("/?access_token={good}")),
        Request::get(&format!("/?a=1&access_token={good}&b=2")),
        Request::get("/").header("authorization", format!("Basic {good}")),
        Request::get("/").header("authorization", &good),
        Request::get("/").header("authorization", "Bearer"),
        Request::get("/").header("cookie", format!("access_token={good}")),
        bearer(&format!("/?access_token={bad}"), &good),
        bearer(&format!("/?access_token={good}"), &bad),
        bearer(&format!("/?access_token={good}"), token(json!({ "sub": "bob" }))),
        bearer("/", &good).header("authorization", format!("Bearer {bad}")),
        Request::post("/", "body").header("authorization", format!("Bearer {good}")),
        bearer("/?a=b", &bad).authority("other.test:8080"),
        bearer(&format!("/{}", "x".repeat(300)), &bad),
    ];
    requests.extend(bad_tokens().iter().map(|token| bearer("/", token)));
    single(json!({}), requests).agrees(&[]);
}

/// Envoy's documentation shows a token followed by other text. Envoy 1.40 rejects it, and so does this
/// filter.
#[test]
fn a_token_is_in_a_header_of_any_name_behind_anything() {
    let good = token(json!({}));
    let get = |value: String| Request::get("/").header("x-jwt-header", value);
    let places = json!({ "from_headers": [{ "name": "x-jwt-header", "value_prefix": "jwt_value" }] });
    single(
        places,
        vec![
            get(format!("jwt_value={good}")),
            get(format!("{{\"jwt_value\": \"{good}\"}}")),
            get(format!("beta:true,jwt_value:\"{good}\",trace=1234")),
            get(format!("jwt_value{good}")),
            get(format!("JWT_VALUE={good}")),
            get("jwt_value=".into()),
            get("jwt_value=!!".into()),
            get(good.clone()),
            bearer("/", &good),
            Request::get(&format!("/?access_token={good}")),
        ],
    )
    .agrees(&[]);
}

#[test]
fn keys_are_fetched() {
    let keys = Response::new(200).header("content-type", "application/json").chunk(jwks(&[&first()]));
    let upstreams = [
        Upstream::replies("upstream", Response::new(200).chunk("ok")),
        Upstream::answers("issuer", vec![Answer::Reply { response: keys, after: Duration::ZERO }]),
    ];
    let uri = json!({ "uri": "https://first.test/jwks.json", "cluster": "issuer", "timeout": "1s" });
    let mut provider = provider(json!({ "remote_jwks": { "http_uri": uri, "cache_duration": "300s" } }));
    provider.as_object_mut().unwrap().remove("local_jwks");
    let requests =
        [token(json!({})), token(json!({})), token(json!({ "aud": "store" })), token(json!({ "exp": 1 }))];
    let example = Example {
        providers: json!({ "first": provider }),
        requests: requests.iter().map(|token| bearer("/", token)).collect(),
        ..single(json!({}), Vec::new())
    };
    example.agrees(&upstreams);
}

#[test]
fn a_payload_and_a_token_are_forwarded() {
    let good = by(&second(), SECOND, json!({ "name": "Zoë", "n": [1, 2] }));
    let get = |token: &str| Request::get("/").header("jwt-assertion", token);
    let requests = vec![
        get(&good),
        get(&good).header("x-jwt-payload", "forged"),
        get(&by(&second(), SECOND, json!({ "x": "a" }))),
        get(&by(&second(), SECOND, json!({ "x": "ab" }))),
        get("x"),
        Request::get("/").header("x-jwt-payload", "forged"),
        bearer("/", &good),
    ];
    for padded in [false, true] {
        let provider = json!({
            "issuer": SECOND,
            "local_jwks": keys(&second()),
            "from_headers": [{ "name": "jwt-assertion" }],
            "forward": true,
            "forward_payload_header": "x-jwt-payload",
            "pad_forward_payload_header": padded,
        });
        let example =
            Example { providers: json!({ "first": provider }), ..single(json!({}), requests.clone()) };
        example.agrees(&[]);
    }
}

#[test]
fn the_first_rule_counts_and_may_ask_for_other_audiences() {
    let example = Example {
        rules: vec![
            ("/health", json!({})),
            (
                "/api",
                json!({ "requires": { "provider_and_audiences": { "provider_name": "first", "audiences": ["api"] } } }),
            ),
            ("/shop", json!({ "requires": { "provider_name": "first" } })),
        ],
        requests: ["/health", "/healthy", "/api", "/apis", "/shop", "/shop/health", "/elsewhere", "/Shop"]
            .iter()
            .flat_map(|path| {
                let (shop, api) = (token(json!({})), token(json!({ "aud": ["api"] })));
                [Request::get(path), bearer(path, shop), bearer(path, api), bearer(path, "x")]
            })
            .collect(),
        ..single(json!({}), Vec::new())
    };
    example.agrees(&[]);
}

#[test]
fn subjects_and_lives_are_limited() {
    let spiffe = |sub: &str| bearer("/", token(json!({ "sub": sub })));
    single(
        json!({ "subjects": { "prefix": "spiffe://shop.test/" } }),
        vec![
            spiffe("spiffe://shop.test/ns/a"),
            spiffe("spiffe://shop.test.attacker.test/"),
            spiffe("SPIFFE://shop.test/ns/a"),
            bearer("/", token(json!({ "sub": null }))),
        ],
    )
    .agrees(&[]);
    let lives: Vec<_> = [json!(now() + 600), json!(now() + 90_000), Value::Null]
        .into_iter()
        .map(|exp| bearer("/", token(json!({ "exp": exp }))))
        .collect();
    single(json!({ "require_expiration": true }), lives.clone()).agrees(&[]);
    single(json!({ "max_lifetime": "86400s" }), lives.clone()).agrees(&[]);
    single(
        json!({ "clock_skew_seconds": 3600 }),
        vec![
            bearer("/", token(json!({ "exp": now() - 3000 }))),
            bearer("/", token(json!({ "exp": now() - 4000 }))),
            bearer("/", token(json!({ "nbf": now() + 3000 }))),
            bearer("/", token(json!({ "nbf": now() + 4000 }))),
        ],
    )
    .agrees(&[]);
}

/// Numbers with decimals are omitted, because Envoy writes six digits.
#[test]
fn claims_are_copied_to_headers() {
    let outputs: Vec<_> = ["sub", "n", "t", "deep.inside", "list", "object", "nothing", "a.b", "large"]
        .iter()
        .map(|claim| json!({ "header_name": format!("x-{}", claim.replace('.', "-")), "claim_name": claim }))
        .collect();
    let claims = json!({
        "n": 7, "t": true, "deep": { "inside": "x" }, "object": { "k": [1, "v"] }, "nothing": null,
        "a": { "b": { "c": 1 } }, "large": 9_007_199_254_740_992u64,
    });
    let good = bearer("/", token(claims));
    let forged = ["x-sub", "x-n", "x-deep-inside", "x-nothing"];
    single(
        json!({ "claim_to_headers": outputs }),
        vec![
            good.clone(),
            forged.iter().fold(good, |request, name| request.header(name, "forged")),
            bearer("/", token(json!({}))).header("x-n", "forged"),
            bearer("/", token(json!({ "n": "text", "t": 0, "deep": "flat" }))),
        ],
    )
    .agrees(&[]);
}

#[test]
fn a_preflight_passes_and_a_refusal_may_say_nothing() {
    let preflight = Request::new("OPTIONS", "/")
        .header("origin", "https://app.test")
        .header("access-control-request-method", "GET");
    let requests = vec![
        preflight.clone(),
        Request::new("OPTIONS", "/").header("origin", "https://app.test"),
        Request::new("OPTIONS", "/").header("access-control-request-method", "GET"),
        Request::get("/").header("origin", "https://app.test").header("access-control-request-method", "GET"),
        Request::new("OPTIONS", "/"),
        bearer("/", "x"),
        bearer("/", token(json!({ "aud": "x" }))),
    ];
    for more in
        [json!({}), json!({ "bypass_cors_preflight": true }), json!({ "strip_failure_response": true })]
    {
        Example { more, ..single(json!({}), requests.clone()) }.agrees(&[]);
    }
}

#[test]
fn every_algorithm_that_envoy_knows_is_known() {
    let names = [
        "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "HS256",
        "HS384", "HS512",
    ];
    let signers: Vec<_> = names.iter().map(|name| Signer::new(name, 0).with_kid(name)).collect();
    let all: Vec<_> = signers.iter().collect();
    let one = |signer: &Signer| bearer("/", by(signer, FIRST, json!({})));
    let requests = signers.iter().flat_map(|signer| {
        // Signed with one algorithm, with the name of another.
        let lied = Signer::new("RS256", 1).with_kid(signer.kid().unwrap());
        [one(signer), one(&signer.clone().without_kid()), one(&lied)]
    });
    single(json!({ "local_jwks": { "inline_string": jwks(&all) } }), requests.collect()).agrees(&[]);
}

#[test]
fn cookies_are_read() {
    let good = token(json!({}));
    let places = json!({ "from_cookies": ["auth-token"], "forward": true });
    single(
        places,
        vec![
            Request::get("/").header("cookie", format!("a=1; auth-token={good}; b=2")),
            Request::get("/").header("cookie", format!("auth-token={}", token(json!({ "exp": 1 })))),
            Request::get("/").header("cookie", "a=1"),
            Request::get("/"),
        ],
    )
    .agrees(&[]);
}
