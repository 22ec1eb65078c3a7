//! Rules and requirements, with two providers: `main`, with tokens in the default locations, and `other`,
//! with tokens in `x-other`.

use crate::support::{
    ISSUER, OTHER_ISSUER, bearing, counter, forged_token, merged, other_provider, other_token, provider,
    token, with,
};
use serde_json::{Value, json};
use tollgate_host_test::emulator::Emulator;
use tollgate_host_test::{LogLevel, Request, Response, Scenario, Upstream, on_both_hosts};
use tollgate_mint::{Signer, jwks};

fn of(name: &str) -> Value {
    json!({"provider_name": name})
}

fn any(list: &[Value]) -> Value {
    json!({"requires_any": {"requirements": list}})
}

fn all(list: &[Value]) -> Value {
    json!({"requires_all": {"requirements": list}})
}

fn missing() -> Value {
    json!({"allow_missing": {}})
}

fn failed() -> Value {
    json!({"allow_missing_or_failed": {}})
}

fn rules(rules: Value, more: Value) -> Scenario {
    let output = |header: &str| json!({"claim_to_headers": [{"header_name": header, "claim_name": "sub"}]});
    let other = merged(output("x-other-sub"), json!({"from_headers": [{"name": "x-other"}]}));
    let config = json!({
        "providers": {"main": provider(output("x-sub")), "other": other_provider(other)},
        "rules": rules,
    });
    with(merged(config, more))
}

fn requires(requirement: Value) -> Scenario {
    rules(json!([{"requires": requirement}]), json!({}))
}

/// A request with these tokens, if any.
fn tokens(main: Option<&str>, other: Option<&str>) -> Request {
    let request = main.map_or_else(|| Request::get("/"), bearing);
    match other {
        Some(token) => request.header("x-other", token),
        None => request,
    }
}

fn expired() -> String {
    token(json!({"exp": 1_000_000_000}))
}

/// Istio's rules for the two providers, with these additional fields.
fn istio(main: Value, other: Value) -> Scenario {
    let rule = |issuer: &str, keys: &Signer, more: Value| {
        merged(json!({"issuer": issuer, "jwks": jwks(&[keys])}), more)
    };
    let other = merged(json!({"fromHeaders": [{"name": "x-other"}]}), other);
    with(
        json!({"jwtRules": [rule(ISSUER, &Signer::rs256(), main), rule(OTHER_ISSUER, &Signer::es256(), other)]}),
    )
}

on_both_hosts! {
    fn required_tokens_of_istios_rules_are_all_needed(host) {
        let (main, other) = (token(json!({})), other_token(json!({})));
        let (main, other, expired) = (Some(main.as_str()), Some(other.as_str()), expired());
        let requests = |scenario: Scenario| {
            let all = [(None, None), (main, None), (None, other), (main, other), (Some(expired.as_str()), other)];
            all.into_iter().fold(scenario, |scenario, (main, other)| scenario.request(tokens(main, other)))
        };
        let (yes, no) = (json!({"presence": "REQUIRED"}), json!({"presence": "OPTIONAL"}));
        host.run(&requests(istio(yes.clone(), yes.clone()))).has_statuses(&[401, 401, 401, 200, 401]);
        host.run(&requests(istio(yes.clone(), no.clone()))).has_statuses(&[401, 200, 401, 200, 401]);
        host.run(&requests(istio(no.clone(), yes))).has_statuses(&[401, 401, 200, 200, 401]);
        host.run(&requests(istio(no.clone(), json!({})))).has_statuses(&[200, 200, 200, 200, 200]);
    }

    fn a_rule_of_istio_without_an_issuer_accepts_any(host) {
        let keys = Upstream::replies("keys", Response::new(200).chunk(jwks(&[&Signer::rs256()])));
        let scenario = with(json!({
            "jwtRules": [{"jwksUri": "https://keys.test/jwks.json"}],
            "jwks_clusters": {"keys.test": "keys"},
        }));
        let scenario = scenario.upstream(Upstream::replies("backend", Response::new(200))).upstream(keys);
        let outcome = host.run(
            &scenario
                .request(bearing(&token(json!({"iss": "https://tenant-7.test"}))))
                .request(bearing(&token(json!({"iss": "https://tenant-8.test"}))))
                .request(bearing(&forged_token())),
        );
        outcome.has_statuses(&[200, 200, 401]);
    }

    fn rules_match_hosts_in_any_case(host) {
        let condition = json!({"hosts": [{"exact": "ADMIN.test"}], "headers": [{"name": "host", "prefix": "Admin"}]});
        let scenario = rules(json!([{"match": condition, "requires": of("main")}]), json!({}));
        let outcome = host.run(
            &scenario
                .request(Request::get("/").authority("Admin.test:8080"))
                .request(Request::get("/").authority("admin.test"))
                .request(Request::get("/").authority("other.test")),
        );
        outcome.has_statuses(&[401, 200, 200]);
    }

    fn either_of_two_providers_is_enough(host) {
        let (main, other, expired) = (token(json!({})), other_token(json!({})), expired());
        let outcome = host.run(
            &requires(any(&[of("main"), of("other")]))
                .request(tokens(Some(&main), None))
                .request(tokens(None, Some(&other)))
                .request(tokens(Some(&expired), Some(&other)))
                .request(tokens(Some(&expired), None))
                .request(tokens(Some(&other), None))
                .request(tokens(None, None)),
        );
        outcome.has_statuses(&[200, 200, 200, 401, 401, 401]);
        outcome.upstream(0).header("x-sub", "alice").no_header("x-other-sub");
        outcome.upstream(1).header("x-other-sub", "bob").no_header("x-sub").no_header("x-other");
        // The failed token passes nothing on.
        outcome.upstream(2).header("x-other-sub", "bob").no_header("x-sub");
        outcome.client(3).body("Jwt is expired");
        outcome.client(4).body("Jwt issuer is not configured");
        outcome.client(5).body("Jwt is missing");
    }

    fn two_providers_together_must_both_be_satisfied(host) {
        let (main, other, forged) = (token(json!({})), other_token(json!({})), forged_token());
        let outcome = host.run(
            &requires(all(&[of("main"), of("other")]))
                .request(tokens(Some(&main), Some(&other)))
                .request(tokens(Some(&main), None))
                .request(tokens(Some(&forged), Some(&other)))
                .request(tokens(Some(&main), Some(&main))),
        );
        outcome.has_statuses(&[200, 401, 401, 401]);
        outcome.upstream(0).header("x-sub", "alice").header("x-other-sub", "bob");
        outcome.client(1).body("Jwt is missing");
        outcome.client(2).body("Jwt verification fails");
        outcome.client(3).body("Jwt issuer is not configured");
    }

    fn a_token_may_be_missing_but_not_bad(host) {
        let (main, expired) = (token(json!({})), expired());
        for requirement in [missing(), any(&[of("main"), missing()])] {
            let outcome = host.run(
                &requires(requirement)
                    .request(tokens(None, None).header("x-sub", "root"))
                    .request(tokens(Some(&main), None).header("x-sub", "root"))
                    .request(tokens(Some(&expired), None)),
            );
            outcome.has_statuses(&[200, 200, 401]);
            outcome.upstream(0).no_header("x-sub");
            outcome.upstream(1).header("x-sub", "alice");
        }
    }

    fn a_bad_token_may_be_allowed_and_says_nothing(host) {
        let (main, other, forged) = (token(json!({})), other_token(json!({})), forged_token());
        for requirement in [failed(), any(&[of("main"), of("other"), failed()])] {
            let outcome = host.run(
                &requires(requirement)
                    .request(tokens(Some(&forged), None).header("x-sub", "root"))
                    .request(tokens(Some(&forged), Some(&other)))
                    .request(tokens(Some(&main), None))
                    .request(tokens(Some("garbage"), None))
                    .request(tokens(None, None)),
            );
            outcome.has_statuses(&[200; 5]).has_metric(&counter("allowed"), 5);
            outcome.upstream(0).no_header("x-sub").no_header("authorization");
            outcome.upstream(1).no_header("x-sub").header("x-other-sub", "bob");
            outcome.upstream(2).header("x-sub", "alice");
            outcome.upstream(3).no_header("x-sub");
        }
    }

    fn audiences_of_a_rule_are_in_place_of_the_providers(host) {
        let with_audience =
            json!({"provider_and_audiences": {"provider_name": "main", "audiences": ["https://shop.test/"]}});
        let scenario = rules(
            json!([
                {"match": {"paths": [{"prefix": "/shop"}]}, "requires": with_audience},
                {"requires": of("main")},
            ]),
            json!({}),
        );
        let bearing = |path: &str, aud: &str| {
            Request::get(path).header("authorization", format!("Bearer {}", token(json!({"aud": aud}))))
        };
        let outcome = host.run(
            &scenario
                .request(bearing("/shop", "shop.test"))
                .request(bearing("/shop", "bank.test"))
                .request(bearing("/", "bank.test"))
                // Now from the cache.
                .request(bearing("/shop", "bank.test")),
        );
        outcome.has_statuses(&[200, 403, 200, 403]);
        outcome.client(1).body("Audiences in Jwt are not allowed");
    }

    fn the_first_rule_that_matches_decides(host) {
        let scenario = rules(
            json!([
                {"match": {"paths": [{"exact": "/health"}]}},
                {"match": {"paths": [{"template": "/orders/{id}"}], "methods": ["DELETE"]}, "requirement_name": "both"},
                {"match": {"headers": [{"name": "x-partner", "present": true}]}, "requires": of("other")},
                {"match": {"paths": [{"prefix": "/"}], "query": [{"name": "public", "present": false}]}, "requires": of("main")},
            ]),
            json!({"requirement_map": {"both": all(&[of("main"), of("other")])}}),
        );
        let (main, other) = (token(json!({})), other_token(json!({})));
        let authorized = |method: &str, path: &str| {
            Request::new(method, path).header("authorization", format!("Bearer {main}"))
        };
        let outcome = host.run(
            &scenario
                .request(Request::get("/health").header("x-sub", "root"))
                .request(Request::get("/health/"))
                .request(authorized("GET", "/orders/7"))
                .request(authorized("DELETE", "/orders/7"))
                .request(authorized("DELETE", "/orders/7").header("x-other", &other))
                .request(authorized("GET", "/").header("x-partner", "1"))
                .request(Request::get("/").header("x-partner", "1").header("x-other", &other))
                .request(Request::get("/?public=1").header("x-other-sub", "root")),
        );
        outcome.has_statuses(&[200, 401, 200, 401, 200, 401, 200, 200]);
        outcome.upstream(0).no_header("x-sub");
        outcome.upstream(7).no_header("x-other-sub");
    }

    fn a_preflight_request_passes_without_a_token(host) {
        let preflight = || {
            Request::new("OPTIONS", "/")
                .header("origin", "https://app.test")
                .header("access-control-request-method", "POST")
                .header("x-sub", "root")
        };
        let bypass = rules(json!([{"requires": of("main")}]), json!({"bypass_cors_preflight": true}));
        let outcome = host.run(&bypass.request(preflight()).request(Request::new("OPTIONS", "/")));
        outcome.has_statuses(&[200, 401]).has_metric(&counter("cors_preflight_bypassed"), 1);
        outcome.upstream(0).no_header("x-sub");
        host.run(&requires(of("main")).request(preflight())).has_statuses(&[401]);
    }

    fn unverified_tokens_are_marked(host) {
        let forged = forged_token();
        let outcome = host.run(
            &requires(json!({"extract_only_without_validation": {}}))
                .request(tokens(Some(&forged), None).header("x-jwt-signature-verified", "true"))
                .request(tokens(None, None).header("x-jwt-signature-verified", "true")),
        );
        outcome.has_statuses(&[200, 200]);
        outcome.upstream(0).header("x-jwt-signature-verified", "false").header("x-sub", "mallory");
        outcome.upstream(1).no_header("x-jwt-signature-verified").no_header("x-sub");
    }

    fn in_shadow_nobody_is_refused(host) {
        let (main, expired) = (token(json!({})), expired());
        let shadow = rules(json!([{"requires": of("main")}]), json!({"shadow": true}));
        let outcome = host.run(
            &shadow
                .request(tokens(Some(&expired), None).header("x-sub", "root"))
                .request(tokens(None, None))
                .request(tokens(Some(&main), None)),
        );
        outcome
            .has_statuses(&[200, 200, 200])
            .has_metric(&counter("shadow_denied.expired"), 1)
            .has_metric(&counter("shadow_denied.missing"), 1)
            .has_metric(&counter("denied.missing"), 0)
            .has_metric(&counter("allowed"), 1);
        outcome.upstream(0).no_header("x-sub");
        outcome.upstream(2).header("x-sub", "alice");
    }

    fn a_token_of_one_issuer_signed_by_another_is_refused(host) {
        let signer = tollgate_mint::Signer::es256();
        let stolen = signer.token(&json!({"iss": crate::support::ISSUER, "sub": "alice", "exp": 4_000_000_000_u64}));
        let outcome = host.run(
            &requires(any(&[of("main"), of("other")]))
                .request(tokens(Some(&stolen), None))
                .request(tokens(None, Some(&stolen))),
        );
        outcome.has_statuses(&[401, 401]);
        outcome.client(0).body("Jwks doesn't have key to match kid or alg from Jwt");
        outcome.client(1).body("Jwt issuer is not configured");
    }
}

#[test]
fn rejects_configurations_that_require_nothing() {
    let empty = Scenario::new().filter(crate::support::filter());
    let open = rules(json!([{"match": {"paths": [{"prefix": "/"}]}}]), json!({}));
    let typo = rules(json!([{"match": {"methods": ["post"]}, "requires": of("main")}]), json!({}));
    for (scenario, message) in [
        (empty, "rules: no request needs a token"),
        (with(json!({})), "rules: no request needs a token"),
        (open, "rules: no request needs a token"),
        (typo, "rules[0].match.methods[0]: `post` never matches"),
    ] {
        let error = format!("{:?}", Emulator::new(&scenario).expect_err("rejected"));
        assert!(error.contains(message), "{error}");
    }
}

#[test]
fn names_a_key_of_another_kind_in_a_warning() {
    let keys = json!({"keys": [{"kty": "AKP", "kid": "pq"}, Signer::rs256().public_jwk()]}).to_string();
    let scenario = with(json!({
        "providers": {"main": provider(json!({"local_jwks": {"inline_string": keys}}))},
        "rules": [{"requires": of("main")}],
    }));
    let outcome = tollgate_host_test::Host::Emulator.run(&scenario.request(bearing(&token(json!({})))));
    let line = "providers.main.local_jwks.inline_string: skipping key 0 `pq`: `AKP` is not supported";
    outcome.has_statuses(&[200]).has_logged(LogLevel::Warn, line);
}
