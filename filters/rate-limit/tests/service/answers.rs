//! Requests and the answers of the service.

use crate::support::*;
use serde_json::json;
use std::time::Duration;
use tollgate_host_test::on_both_hosts;
use tollgate_rate_limit_service::{Code, Response};

fn refusal() -> Response {
    Response {
        statuses: vec![standing(Code::OverLimit, 100, 0, 1800)],
        response_headers_to_add: vec![
            header("x-why", "too much"),
            header("bad\nname", "x"),
            header("x-bad", "a\r\nb: c"),
        ],
        request_headers_to_add: vec![header("x-upstream", "never")],
        raw_body: b"come again".to_vec(),
        ..over()
    }
}

on_both_hosts! {
    fn calls_the_service_with_domain_and_key(host) {
        let outcome = host.run(&asks(json!({}), vec![says(&ok())]).request(of("a")).request(of("b")));
        outcome.has_statuses(&[200, 200]);
        let asked = asked(&outcome);
        assert_eq!(asked.len(), 2);
        for (request, client) in asked.iter().zip(["a", "b"]) {
            assert_eq!((request.domain.as_str(), request.hits_addend), ("shop", 1));
            assert_eq!(entries(request), [[("client", client)]]);
            assert_eq!(request.descriptors[0].hits_addend, None);
        }
        outcome.callout(CLUSTER, 0).header("te", "trailers").header("content-type", "application/grpc");
        outcome.has_metric("rate_limit.limit.clients.ok", 2).has_metric("rate_limit.limit.clients.cache_hit", 0);
    }

    fn makes_no_call_without_a_complete_key(host) {
        let plain = tollgate_host_test::Request::get("/");
        let outcome = host.run(&asks(json!({}), vec![says(&over())]).request(plain));
        outcome.has_statuses(&[200]);
        assert!(asked(&outcome).is_empty());
    }

    fn rejections_contain_everything_from_the_service(host) {
        let more = json!({"response": {"enable_x_ratelimit_headers": "DRAFT_VERSION_03"}});
        let outcome = host.run(&asks(more, vec![says(&refusal())]).request(of("a")));
        outcome.has_statuses(&[429]).has_details(0, "request_rate_limited");
        assert!(outcome.exchanges[0].upstream.is_empty());
        let client = outcome.client(0);
        client.header("x-envoy-ratelimited", "true").header("x-why", "too much").body("come again");
        client.no_header("x-bad").no_header("x-upstream").no_header("b");
        // Rounded up.
        client.header("retry-after", "1801");
        client.header("ratelimit-policy", r#""clients";q=100;w=3600"#).header("ratelimit", r#""clients";r=0;t=1801"#);
        client.header("x-ratelimit-limit", r#"100, 100;w=3600;name="clients""#);
        client.header("x-ratelimit-remaining", "0").header("x-ratelimit-reset", "1801");
        outcome.has_metric("rate_limit.limit.clients.rate_limited", 1);
        outcome.has_metric("rate_limit.denied.request_rate_limited", 1);
    }

    fn allowed_requests_get_the_headers_of_the_answer(host) {
        let answer = Response {
            statuses: vec![standing(Code::Ok, 100, 41, 60)],
            response_headers_to_add: vec![header("X-Plan", "small")],
            request_headers_to_add: vec![header("X-Upstream", "yes")],
            raw_body: b"only for refusals".to_vec(),
            ..ok()
        };
        let outcome = host.run(&asks(json!({}), vec![says(&answer)]).request(of("a")));
        outcome.upstream(0).header("x-upstream", "yes").no_header("x-plan");
        outcome.client(0).start("200").header("x-plan", "small").no_header("x-upstream").body("ok");
        outcome.client(0).header("ratelimit", r#""clients";r=41;t=61"#).no_header("x-envoy-ratelimited");
    }

    fn caches_a_rejection_until_the_limit_resets(host) {
        let outcome = host.run(&asks(json!({}), vec![says(&refusal()), says(&ok())]).request(of("a")).request(of("a")).request(of("b")));
        outcome.has_statuses(&[429, 429, 200]);
        assert_eq!(asked(&outcome).len(), 2);
        outcome.client(1).header("x-why", "too much").header("x-envoy-ratelimited", "true").body("come again");
        outcome.has_metric("rate_limit.limit.clients.cache_hit", 1).has_metric("rate_limit.limit.clients.rate_limited", 2);
    }

    fn calls_the_service_again_after_the_reset(host) {
        let soon = Response { statuses: vec![standing(Code::OverLimit, 100, 0, 1)], ..over() };
        let later = of("a").after(Duration::from_millis(2200));
        let outcome = host.run(&asks(json!({}), vec![says(&soon), says(&ok())]).request(of("a")).request(later));
        outcome.has_statuses(&[429, 200]);
        assert_eq!(asked(&outcome).len(), 2);
    }

    fn caching_rejections_can_be_disabled(host) {
        let more = json!({"rate_limit_service": {"cache": {"over_limit": false, "lease_hits": 1}}});
        let outcome = host.run(&asks(more, vec![says(&refusal())]).request(of("a")).request(of("a")));
        outcome.has_statuses(&[429, 429]);
        assert_eq!(asked(&outcome).len(), 2);
    }

    fn a_shadow_limit_only_counts_rejections(host) {
        let told = json!({"header": {"key": "x-over", "value": "yes"}});
        let more = json!({
            "limits": {"clients": {"shadow": true}},
            "response": {"request_headers_to_add_when_not_enforced": [told]},
        });
        let outcome = host.run(&asks(more, vec![says(&refusal())]).request(of("a")).request(of("a")));
        outcome.has_statuses(&[200, 200]);
        outcome.upstream(0).header("x-over", "yes");
        outcome.upstream(1).header("x-over", "yes");
        outcome.client(0).no_header("x-envoy-ratelimited").body("ok");
        outcome.has_metric("rate_limit.limit.clients.shadow_rate_limited", 2).has_metric("rate_limit.limit.clients.rate_limited", 0);
        outcome.has_metric("rate_limit.failure_mode_allowed", 0);
    }

    fn filter_enforced_only_counts_rejections(host) {
        let outcome = host.run(&asks(json!({"filter_enforced": 0}), vec![says(&refusal())]).request(of("a")));
        outcome.has_statuses(&[200]).has_metric("rate_limit.limit.clients.shadow_rate_limited", 1);
    }

    fn one_call_checks_several_limits(host) {
        let team = json!({"request_headers": {"header_name": "x-team", "descriptor_key": "team"}});
        let more = json!({
            "limits": {"clients": {"cost": {"number": 3}}, "teams": {"key": [team, {"generic_key": {"descriptor_value": "g"}}], "service": {}}},
            "response": {"enable_x_ratelimit_headers": "DRAFT_VERSION_03"},
        });
        let answer = Response {
            statuses: vec![standing(Code::Ok, 100, 41, 60), standing(Code::OverLimit, 5, 0, 600)],
            ..over()
        };
        let outcome = host.run(&asks(more, vec![says(&answer)]).request(of("a").header("x-team", "t")));
        let asked = asked(&outcome);
        assert_eq!(asked.len(), 1);
        assert_eq!(entries(&asked[0]), [vec![("client", "a")], vec![("team", "t"), ("generic_key", "g")]]);
        let hits: Vec<_> = asked[0].descriptors.iter().map(|one| one.hits_addend.map(|hits| hits.value)).collect();
        assert_eq!((hits, asked[0].hits_addend), (vec![Some(3), Some(1)], 3));
        outcome.has_statuses(&[429]);
        let client = outcome.client(0);
        client.header("retry-after", "601").header("x-ratelimit-remaining", "0").header("x-ratelimit-reset", "601");
        client.header("ratelimit", r#""clients";r=41;t=61, "teams";r=0;t=601"#);
        outcome.has_metric("rate_limit.limit.clients.ok", 1).has_metric("rate_limit.limit.teams.rate_limited", 1);
    }

    fn sends_the_cost_if_configured(host) {
        let cost = json!({"header": {"name": "x-cost", "max": 50}});
        for (service, expected) in [(json!({}), [7, 50]), (json!({"hits_addend": false}), [1, 1])] {
            let mut more = json!({"limits": {"clients": {"cost": cost, "service": service}}});
            if expected == [1, 1] {
                // Otherwise, nothing would count the cost.
                more["limits"]["clients"]["rates"] = json!([{"token_bucket": {"max_tokens": 100, "fill_interval": "1h"}}]);
            }
            let cache = json!({"rate_limit_service": {"cache": {"lease_hits": 1}}});
            let requests = [of("a").header("x-cost", "7"), of("a").header("x-cost", "99")];
            let scenario = requests.into_iter().fold(asks(merged(more, cache), vec![says(&ok())]), |s, r| s.request(r));
            let outcome = host.run(&scenario);
            let hits: Vec<_> = asked(&outcome).iter().map(|request| request.hits_addend).collect();
            assert_eq!(hits, expected);
        }
    }

    fn grpc_clients_get_a_grpc_status(host) {
        let more = json!({"response": {"rate_limited_as_resource_exhausted": true}});
        let request = of("a").header("content-type", "application/grpc");
        let outcome = host.run(&asks(more, vec![says(&over())]).request(request));
        outcome.client(0).start("200").header("grpc-status", "8").header("x-envoy-ratelimited", "true");
    }
}
