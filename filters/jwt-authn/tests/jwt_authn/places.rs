//! Token locations, and removal of tokens before the upstream.

use crate::support::{
    bearing, counter, forged_token, merged, other_provider, other_token, provider, requiring, token, with,
};
use serde_json::json;
use tollgate_host_test::{Request, on_both_hosts};

on_both_hosts! {
    fn a_bearer_token_lets_in_and_goes_no_further(host) {
        let outcome = host.run(
            &with(requiring(json!({}), json!({})))
                .request(bearing(&token(json!({}))))
                .request(Request::get("/").header("authorization", format!("bearer {}", token(json!({})))))
                .request(Request::get("/")),
        );
        outcome
            .has_statuses(&[200, 200, 401])
            .has_metric(&counter("allowed"), 2)
            .has_metric(&counter("denied.missing"), 1);
        outcome.upstream(0).no_header("authorization");
        outcome.upstream(1).no_header("authorization");
        assert!(outcome.exchanges[2].upstream.is_empty());
    }

    fn a_token_in_the_query_is_cut_out_of_it(host) {
        let path = format!("/a%20b?x=%41+1&access%5Ftoken={}&&y", token(json!({})));
        let outcome = host.run(&with(requiring(json!({}), json!({}))).request(Request::get(&path)));
        outcome.has_statuses(&[200]);
        assert_eq!(outcome.exchanges[0].upstream[0].path, "/a%20b?x=%41+1&&y");
    }

    fn a_token_in_a_cookie_is_cut_out_of_it(host) {
        let config = requiring(json!({"from_cookies": ["session"]}), json!({}));
        let outcome = host.run(
            &with(config)
                .request(
                    Request::get("/").header("cookie", format!("a=1; session={}; b=\"2\"", token(json!({})))),
                )
                .request(Request::get("/").header("cookie", format!("session=\"{}\"", token(json!({})))))
                // The default locations are not read if others are configured.
                .request(bearing(&token(json!({})))),
        );
        outcome.has_statuses(&[200, 200, 401]);
        outcome.upstream(0).headers("cookie", &["a=1; b=\"2\""]);
        outcome.upstream(1).no_header("cookie");
    }

    fn a_header_of_its_own_may_have_any_prefix(host) {
        let places = json!([{"name": "x-jwt", "value_prefix": "jwt:"}, {"name": "x-raw"}]);
        let config = requiring(json!({"from_headers": places}), json!({}));
        let token = token(json!({}));
        let outcome = host.run(
            &with(config)
                .request(Request::get("/").header("x-jwt", format!("jwt: {token}")))
                .request(Request::get("/").header("x-raw", &token))
                .request(Request::get("/").header("x-jwt", &token)),
        );
        outcome.has_statuses(&[200, 200, 401]).has_details(2, "jwt_authn_access_denied{missing}");
        outcome.upstream(0).no_header("x-jwt");
        outcome.upstream(1).no_header("x-raw");
    }

    fn what_forwards_leaves_the_request_as_it_was(host) {
        let config = requiring(json!({"forward": true}), json!({}));
        let token = token(json!({}));
        let path = format!("/?access_token={token}&x");
        let outcome = host.run(
            &with(config).request(bearing(&token)).request(Request::get(&path)),
        );
        outcome.has_statuses(&[200, 200]);
        outcome.upstream(0).header("authorization", &format!("Bearer {token}"));
        assert_eq!(outcome.exchanges[1].upstream[0].path, path);
    }

    fn every_token_of_a_request_must_be_valid(host) {
        let (good, bad) = (token(json!({})), forged_token());
        let path = |first: &str, second: &str| format!("/?access_token={first}&access_token={second}");
        let outcome = host.run(
            &with(requiring(json!({}), json!({})))
                .request(Request::get(&path(&good, &bad)))
                .request(Request::get(&path(&bad, &good)))
                .request(
                    Request::get(&format!("/?access_token={bad}"))
                        .header("authorization", format!("Bearer {good}")),
                )
                .request(Request::get(&path(&good, &good))),
        );
        outcome.has_statuses(&[401, 401, 401, 200]).has_metric(&counter("denied.signature_invalid"), 3);
        assert_eq!(outcome.exchanges[3].upstream[0].path, "/");
    }

    fn two_authorization_headers_never_pass_as_one_good_token(host) {
        let both = |first: &str, second: &str| bearing(first).header("authorization", format!("Bearer {second}"));
        let (good, bad) = (token(json!({})), forged_token());
        let outcome = host.run(
            &with(requiring(json!({}), json!({}))).request(both(&good, &bad)).request(both(&bad, &good)),
        );
        outcome.has_statuses(&[401, 401]);
    }

    fn tokens_of_two_providers_come_together(host) {
        let config = json!({
            "providers": {
                "main": provider(json!({})),
                "other": other_provider(json!({"from_headers": [{"name": "x-other"}], "forward": true})),
            },
            "rules": [{"requires": {"requires_all": {"requirements": [
                {"provider_name": "main"}, {"provider_name": "other"},
            ]}}}],
        });
        let (main, other) = (token(json!({})), other_token(json!({})));
        let outcome = host.run(
            &with(config)
                .request(bearing(&main).header("x-other", &other))
                .request(bearing(&main))
                .request(bearing(&main).header("x-other", &main))
                .request(Request::get("/").header("x-other", &other)),
        );
        outcome.has_statuses(&[200, 401, 401, 401]);
        outcome.upstream(0).no_header("authorization").header("x-other", &other);
    }

    fn a_token_is_bounded_in_length_and_in_number(host) {
        let config = requiring(json!({}), json!({"max_token_bytes": 1000}));
        let many: Vec<_> = (0..9).map(|index| format!("access_token={index}")).collect();
        let outcome = host.run(
            &with(config)
                .request(bearing(&token(json!({}))))
                .request(bearing(&token(json!({"more": "a".repeat(1000)}))))
                .request(Request::get(&format!("/?{}", many.join("&")))),
        );
        outcome
            .has_statuses(&[200, 401, 401])
            .has_metric(&counter("denied.too_long"), 1)
            .has_metric(&counter("denied.too_many_tokens"), 1);
    }

    fn a_failed_token_that_is_allowed_does_not_go_upstream(host) {
        let config = merged(
            requiring(json!({}), json!({})),
            json!({"rules": [{"requires": {"requires_any": {"requirements": [
                {"provider_name": "main"}, {"allow_missing_or_failed": {}},
            ]}}}]}),
        );
        let outcome = host.run(
            &with(config).request(bearing(&forged_token())).request(bearing(&token(json!({})))),
        );
        outcome.has_statuses(&[200, 200]);
        outcome.upstream(0).no_header("authorization");
        outcome.upstream(1).no_header("authorization");
    }
}
