//! Values of a token that the upstream and later filters receive.

use crate::support::{
    ISSUER, bearing, forged_token, merged, other_provider, other_token, provider, requiring, token, with,
};
use serde_json::json;
use tollgate_host_test::{Filter, Request, Wasm, on_both_hosts};
use tollgate_mint::{Signer, base64url};

/// A later filter, which writes filter state to request headers.
fn reader() -> Filter {
    Filter::new(Wasm::wat(include_str!("reader.wat"))).named("reader")
}

on_both_hosts! {
    fn claims_are_copied_to_headers(host) {
        let outputs = json!([
            {"header_name": "x-sub", "claim_name": "sub"},
            {"header_name": "x-age", "claim_name": "age"},
            {"header_name": "x-admin", "claim_name": "admin"},
            {"header_name": "x-roles", "claim_name": "realm_access.roles"},
            {"header_name": "x-roles-json", "claim_name": "realm_access.roles", "array_format": "json"},
            {"header_name": "x-roles-base64", "claim_name": "realm_access.roles", "array_format": "base64"},
            {"header_name": "x-realm", "claim_name": "realm_access"},
            {"header_name": "x-tenant", "claim_name": ["https://a.example/tenant"]},
            {"header_name": "x-absent", "claim_name": "absent"},
            {"header_name": "x-split", "claim_name": "split"},
        ]);
        let claims = json!({
            "age": 9_007_199_254_740_993_u64, "admin": false, "realm_access": {"roles": ["a", "b"]},
            "https://a.example/tenant": "t", "split": "a\r\nx-admin: true",
        });
        let outcome = host.run(
            &with(requiring(json!({"claim_to_headers": outputs}), json!({}))).request(bearing(&token(claims))),
        );
        outcome
            .upstream(0)
            .header("x-sub", "alice")
            .header("x-age", "9007199254740993")
            .header("x-admin", "false")
            .header("x-roles", "a,b")
            .header("x-roles-json", r#"["a","b"]"#)
            .header("x-roles-base64", "WyJhIiwiYiJd")
            .header("x-realm", "eyJyb2xlcyI6WyJhIiwiYiJdfQ==")
            .header("x-tenant", "t")
            .no_header("x-absent")
            .no_header("x-split");
    }

    fn large_integers_are_exact(host) {
        let payload = |id: &str| format!(r#"{{"iss": "{ISSUER}", "exp": 4000000000, "id": {id}}}"#);
        let header = Signer::rs256().header().to_string();
        let token = |id: &str| Signer::rs256().sign_raw(header.as_bytes(), payload(id).as_bytes());
        let outputs = json!({"claim_to_headers": [{"header_name": "x-id", "claim_name": "id"}]});
        let ids = ["18446744073709551616", "18446744073709551617", "-9223372036854775809", "1.8446744073709551617e19"];
        let scenario = with(requiring(outputs, json!({})));
        let outcome = host.run(&ids.iter().fold(scenario, |scenario, id| scenario.request(bearing(&token(id)))));
        for (index, id) in ids.iter().enumerate().take(3) {
            outcome.upstream(index).header("x-id", id);
        }
        outcome.upstream(3).header("x-id", "18446744073709551617");
    }

    fn a_token_that_meets_two_requirements_sets_headers_once(host) {
        let outputs = json!({
            "claim_to_headers": [{"header_name": "x-sub", "claim_name": "sub"}], "forward_payload_header": "x-payload",
        });
        let with_audience =
            |audience: &str| json!({"provider_and_audiences": {"provider_name": "main", "audiences": [audience]}});
        let both = json!({"requires_all": {"requirements": [with_audience("a"), with_audience("b")]}});
        let config = requiring(outputs, json!({"rules": [{"requires": both}]}));
        let token = token(json!({"aud": ["a", "b"]}));
        let outcome = host.run(&with(config).request(bearing(&token)).request(bearing(&token)));
        let payload = token.split('.').nth(1).expect("a token");
        for index in [0, 1] {
            outcome.upstream(index).header("x-sub", "alice").header("x-payload", payload);
        }
    }

    fn a_claim_path_is_that_of_envoy(host) {
        let path = json!([{"key": "https://a.example/tenant"}, {"key": "id.short"}]);
        let outputs = json!({"claim_to_headers": [{"header_name": "x-tenant", "claim_path": path}]});
        let token = token(json!({"https://a.example/tenant": {"id.short": "t1"}}));
        let outcome = host.run(&with(requiring(outputs, json!({}))).request(bearing(&token)));
        outcome.upstream(0).header("x-tenant", "t1");
    }

    fn what_a_client_sends_under_these_names_is_removed(host) {
        let fields = json!({
            "claim_to_headers": [
                {"header_name": "x-sub", "claim_name": "sub"}, {"header_name": "x-role", "claim_name": "role"},
            ],
            "forward_payload_header": "x-payload",
        });
        let config = merged(
            requiring(fields, json!({})),
            json!({"rules": [
                {"match": {"paths": [{"prefix": "/open"}]}},
                {"match": {"paths": [{"prefix": "/may"}]}, "requires": {"allow_missing_or_failed": {}}},
                {"requires": {"provider_name": "main"}},
            ]}),
        );
        let forging = |request: Request| {
            request
                .header("x-sub", "root")
                .header("x-sub", "root")
                .header("x-role", "admin")
                .header("x-payload", "e30")
                .header("x-kept", "1")
        };
        let outcome = host.run(
            &with(config)
                .request(forging(bearing(&token(json!({})))))
                .request(forging(Request::get("/open")))
                .request(forging(Request::get("/may")))
                .request(forging(
                    Request::get("/may").header("authorization", format!("Bearer {}", forged_token())),
                )),
        );
        outcome.has_statuses(&[200, 200, 200, 200]);
        outcome.upstream(0).headers("x-sub", &["alice"]).no_header("x-role").header("x-kept", "1");
        assert_ne!(outcome.upstream(0).value("x-payload"), "e30");
        for index in [1, 2, 3] {
            outcome
                .upstream(index)
                .no_header("x-sub")
                .no_header("x-role")
                .no_header("x-payload")
                .header("x-kept", "1");
        }
    }

    fn the_payload_goes_upstream_as_it_was_signed(host) {
        let signed = token(json!({"name": "José?>"}));
        let payload = signed.split('.').nth(1).expect("a payload").to_owned();
        for (pad, expected) in [(false, payload.clone()), (true, padded(&payload))] {
            let fields = json!({"forward_payload_header": "x-payload", "pad_forward_payload_header": pad});
            let outcome =
                host.run(&with(requiring(fields, json!({}))).request(bearing(&signed)));
            outcome.upstream(0).header("x-payload", &expected);
        }
    }

    fn a_token_seen_before_gives_the_same(host) {
        let fields = json!({
            "claim_to_headers": [{"header_name": "x-sub", "claim_name": "sub"}],
            "forward_payload_header": "x-payload",
        });
        let (alice, carol) = (token(json!({})), token(json!({"sub": "carol"})));
        let outcome = host.run(
            &with(requiring(fields, json!({})))
                .request(bearing(&alice))
                .request(bearing(&carol))
                .request(bearing(&alice).header("x-sub", "root"))
                .request(bearing(&carol)),
        );
        for (index, sub) in ["alice", "carol", "alice", "carol"].into_iter().enumerate() {
            outcome.upstream(index).headers("x-sub", &[sub]).no_header("authorization");
        }
        assert_eq!(outcome.upstream(0).value("x-payload"), outcome.upstream(2).value("x-payload"));
    }

    fn later_filters_read_who_it_is(host) {
        let signed = token(json!({}));
        let outcome = host.run(
            &with(requiring(json!({}), json!({}))).filter(reader()).request(bearing(&signed)),
        );
        outcome
            .upstream(0)
            .header("x-principal", &format!("{ISSUER}/alice"))
            .header("x-provider", "main")
            .no_header("x-payloads")
            .header_that("x-payload", "the payload", |payload| {
                signed.split('.').nth(1) == Some(&*base64url(payload))
            });
    }

    fn later_filters_tell_several_tokens_apart(host) {
        let config = json!({
            "providers": {
                "main": provider(json!({})),
                "other": other_provider(json!({"from_headers": [{"name": "x-other"}]})),
            },
            "rules": [{"requires": {"requires_all": {"requirements": [
                {"provider_name": "other"}, {"provider_name": "main"},
            ]}}}],
        });
        let outcome = host.run(
            &with(config)
                .filter(reader())
                .request(bearing(&token(json!({}))).header("x-other", other_token(json!({})))),
        );
        outcome.upstream(0).header("x-provider", "other").header_that("x-payloads", "both", |payloads| {
            let payloads: serde_json::Value = serde_json::from_str(payloads).expect("JSON");
            let of = |index: usize| (&payloads[index]["provider"], &payloads[index]["payload"]["sub"]);
            of(0) == (&json!("other"), &json!("bob")) && of(1) == (&json!("main"), &json!("alice"))
        });
    }

    fn later_filters_learn_nothing_of_a_token_that_is_not_valid(host) {
        let config = merged(
            requiring(json!({}), json!({})),
            json!({"rules": [{"requires": {"allow_missing_or_failed": {}}}]}),
        );
        let outcome = host.run(
            &with(config).filter(reader()).request(bearing(&forged_token())).request(Request::get("/")),
        );
        for index in [0, 1] {
            outcome.upstream(index).no_header("x-principal").no_header("x-payload").no_header("x-provider");
        }
    }

    fn the_route_may_be_chosen_by_a_claim(host) {
        let fields = json!({
            "claim_to_headers": [{"header_name": "x-tier", "claim_name": "tier"}], "clear_route_cache": true,
        });
        use tollgate_host_test::{PathMatch, Response, Route, RouteAction, StringMatch, Upstream};
        let gold = Route::new(PathMatch::Prefix("/".into()), RouteAction::Cluster("gold".into()))
            .header("x-tier", StringMatch::Exact("gold".into()));
        let outcome = host.run(
            &with(requiring(fields, json!({})))
                .upstream(Upstream::replies("free", Response::new(201)))
                .upstream(Upstream::replies("gold", Response::new(202)))
                .route(gold)
                .route(Route::to("/", "free"))
                .request(bearing(&token(json!({"tier": "gold"}))))
                .request(bearing(&token(json!({})))),
        );
        outcome.has_statuses(&[202, 201]);
    }
}

fn padded(base64: &str) -> String {
    let padding = "=".repeat(base64.len().wrapping_neg() % 4);
    format!("{base64}{padding}")
}
