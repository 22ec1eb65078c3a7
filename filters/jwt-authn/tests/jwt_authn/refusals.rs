//! Responses to rejected requests.

use crate::support::{bearing, merged, requiring, token, with};
use serde_json::{Value, json};
use tollgate_host_test::{Request, Response, Scenario, Upstream, on_both_hosts};

const EXPIRED: u64 = 1_000_000_000;

fn expired() -> Request {
    bearing(&token(json!({"exp": EXPIRED}))).authority("api.test")
}

fn refusing(more: Value) -> Scenario {
    with(requiring(json!({}), more))
}

on_both_hosts! {
    fn a_client_without_a_token_learns_the_scheme_and_the_realm(host) {
        let outcome = host.run(
            &refusing(json!({})).request(Request::get("/orders/7?q=1").authority("api.test")),
        );
        outcome
            .client(0)
            .start("401")
            .header("www-authenticate", r#"Bearer realm="http://api.test/orders/7""#)
            .header("content-type", "text/plain")
            .body("Jwt is missing");
        outcome.has_details(0, "jwt_authn_access_denied{missing}");
    }

    fn a_client_with_a_bad_token_learns_why(host) {
        let outcome = host.run(&refusing(json!({})).request(expired()));
        outcome
            .client(0)
            .start("401")
            .header(
                "www-authenticate",
                r#"Bearer realm="http://api.test/", error="invalid_token", error_description="Jwt is expired""#,
            )
            .body("Jwt is expired");
        outcome.has_details(0, "jwt_authn_access_denied{expired}");
    }

    fn a_client_without_a_scope_learns_which(host) {
        let config = requiring(json!({"required_scopes": ["read"]}), json!({}));
        let config = merged(
            config,
            json!({"rules": [{"requires": {"provider_name": "main"}, "required_scopes": ["write"]}]}),
        );
        let request = |scope: &str| bearing(&token(json!({"scope": scope})));
        let outcome = host.run(
            &with(config).request(request("read")).request(request("write read")),
        );
        outcome.has_statuses(&[403, 200]);
        outcome.client(0).header_that("www-authenticate", "the scopes", |challenge| {
            challenge.contains(r#"error="insufficient_scope""#) && challenge.contains(r#"scope="write read""#)
        });
    }

    fn an_audience_is_refused_as_by_envoy(host) {
        let config = requiring(json!({"audiences": ["shop"]}), json!({}));
        let outcome = host.run(&with(config).request(bearing(&token(json!({"aud": "bank"})))));
        outcome.client(0).start("403").body("Audiences in Jwt are not allowed");
    }

    fn the_metadata_of_a_resource_leads_to_the_issuer(host) {
        let resource = json!({"resource": "http://api.test/mcp", "scopes_supported": ["read"]});
        let path = "/.well-known/oauth-protected-resource/mcp";
        let scenario = refusing(json!({"protected_resources": [resource]}))
            .request(Request::get("/mcp/tools").authority("api.test"))
            .request(Request::get(path).authority("api.test"))
            .request(Request::new("HEAD", path).authority("api.test"))
            .request(Request::get(path).authority("other.test"));
        let outcome = host.run(&scenario);
        outcome.has_statuses(&[401, 200, 200, 401]);
        outcome.client(0).header(
            "www-authenticate",
            r#"Bearer realm="http://api.test/mcp/tools", resource_metadata="http://api.test/.well-known/oauth-protected-resource/mcp""#,
        );
        outcome.client(1).header("content-type", "application/json");
        let client = &outcome.exchanges[1].client;
        let tollgate_host_test::ClientView::Response(response) = client else { panic!("{client:?}") };
        assert_eq!(
            serde_json::from_slice::<Value>(&response.body()).expect("JSON"),
            json!({
                "resource": "http://api.test/mcp",
                "authorization_servers": ["https://issuer.test"],
                "scopes_supported": ["read"],
                "bearer_methods_supported": ["header", "query"],
            })
        );
        outcome.client(2).body("");
        outcome.has_details(1, "jwt_authn_resource_metadata");
        outcome.has_metric("jwt_authn.resource_metadata_served", 2).has_metric("jwt_authn.allowed", 0);
    }

    fn a_path_cannot_break_out_of_the_challenge(host) {
        let path = "/a%22\\,error=x'";
        let outcome = host.run(&refusing(json!({})).request(Request::get(path).authority("api.test")));
        outcome.has_statuses(&[401]);
        let challenge = outcome.client(0).value("www-authenticate");
        assert_eq!(challenge.matches('"').count(), 2, "{challenge}");
        assert!(!challenge.contains('\\') || challenge.contains("%5C"), "{challenge}");
    }

    fn bodies_are_json_if_asked_for(host) {
        let body = |format: &str| {
            let outcome = host.run(
                &refusing(json!({"failure_response": {"body_format": format}})).request(expired()),
            );
            let client = &outcome.exchanges[0].client;
            let tollgate_host_test::ClientView::Response(response) = client else { panic!("{client:?}") };
            let content_type = response.headers.get("content-type").map(|value| value.to_vec());
            (content_type, response.body())
        };
        let (content_type, text) = body("json");
        assert_eq!(content_type.as_deref(), Some(&b"application/json"[..]));
        let expected =
            json!({"error": "invalid_token", "error_description": "Jwt is expired", "reason": "expired"});
        assert_eq!(serde_json::from_slice::<Value>(&text).expect("JSON"), expected);
        let (content_type, text) = body("problem");
        assert_eq!(content_type.as_deref(), Some(&b"application/problem+json"[..]));
        let problem: Value = serde_json::from_slice(&text).expect("JSON");
        assert_eq!((&problem["status"], &problem["title"]), (&json!(401), &json!("Unauthorized")));
        assert_eq!(body("empty").1, b"");
    }

    fn head_gets_the_headers_alone(host) {
        let outcome = host.run(&refusing(json!({})).request(Request::new("HEAD", "/")));
        outcome.client(0).start("401").body("").header_that("www-authenticate", "there", |v| !v.is_empty());
    }

    fn a_stripped_refusal_says_nothing(host) {
        let outcome = host.run(
            &refusing(json!({"strip_failure_response": true})).request(expired()).request(Request::get("/")),
        );
        for index in [0, 1] {
            outcome.client(index).start("401").no_header("www-authenticate").body("");
        }
        outcome.has_details(0, "jwt_authn_access_denied{expired}");
    }

    fn a_grpc_client_gets_a_grpc_status(host) {
        let config = json!({"failure_response": {"body_format": "json"}});
        let call = |token: &str| {
            Request::post("/shop.Orders/Get", "")
                .header("content-type", "application/grpc")
                .header("authorization", format!("Bearer {token}"))
        };
        let scenario = with(requiring(json!({"audiences": ["shop"]}), config))
            .request(call(&token(json!({"exp": EXPIRED, "aud": "shop"}))))
            .request(call(&token(json!({"aud": "bank"}))));
        let outcome = host.run(&scenario);
        outcome.client(0).start("200").header("grpc-status", "16").header("grpc-message", "Jwt is expired");
        outcome
            .client(1)
            .start("200")
            .header("grpc-status", "7")
            .header("grpc-message", "Audiences in Jwt are not allowed");
    }

    fn a_browser_is_sent_to_log_in(host) {
        let redirect = json!({"failure_response": {"redirect": {"location": "https://login.test/?to={url}"}}});
        let page = |path: &str| Request::get(path).authority("api.test").header("accept", "text/html, */*");
        let outcome = host.run(
            &refusing(redirect)
                .request(page("/a?b=//evil.test&access_token=x"))
                .request(Request::get("/").header("accept", "application/json")),
        );
        outcome.has_statuses(&[302, 401]);
        outcome
            .client(0)
            .header("location", "https://login.test/?to=http%3A%2F%2Fapi.test%2Fa%3Fb%3D%2F%2Fevil.test")
            .header("cache-control", "no-store")
            .no_header("www-authenticate");
    }

    fn in_shadow_mode_a_refusal_is_only_counted(host) {
        let upstream = Upstream::replies("api", Response::new(204));
        let scenario = refusing(json!({"shadow": true})).upstream(upstream).request(expired());
        let outcome = host.run(&scenario);
        outcome
            .has_statuses(&[204])
            .has_metric("jwt_authn.shadow_denied.expired", 1)
            .has_metric("jwt_authn.denied.expired", 0)
            .has_metric("jwt_authn.allowed", 0);
    }
}
