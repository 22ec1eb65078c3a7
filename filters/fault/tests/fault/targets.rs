//! Requests that rules select, and draws.

use crate::support::{counter, get, rule, with, with_rule};
use serde_json::{Value, json};
use tollgate_host_test::{
    Certificate, Request, Response, Route, Scenario, Tls, Upstream, VirtualHost, on_both_hosts,
};

/// A rule that aborts all requests with this condition.
fn aborting(name: &str, mut condition: Value) -> Value {
    condition["abort"] = json!({"percentage": 100, "http_status": 503});
    rule(name, condition)
}

fn request(path: &str) -> Request {
    Request::get(path)
}

on_both_hosts! {
    fn rules_match_requests(host) {
        let rules = json!([
            aborting("host", json!({"match": {"hosts": [{"exact": "cart.test"}]}})),
            aborting("path", json!({"match": {"paths": [{"template": "/orders/{id}"}], "methods": ["PUT"]}})),
            aborting("header", json!({"match": {"headers": [{"name": "x-env", "exact": "test"}]}})),
            aborting("query", json!({"match": {"query": [{"name": "debug", "exact": "1"}]}})),
            aborting("node", json!({"source": {"nodes": [{"exact": "n1"}]}})),
            aborting("network", json!({"source": {"networks": ["127.0.0.8/32"]}})),
        ]);
        let scenario = with(json!({ "rules": rules }))
            .request(request("/").authority("cart.test"))
            .request(Request::new("PUT", "/orders/7?x=1"))
            .request(request("/").header("x-env", "test"))
            .request(request("/?debug=1"))
            .request(request("/").header("x-envoy-downstream-service-node", "n1"))
            .request(request("/").peer([127, 0, 0, 8]))
            .request(request("/orders/7"));
        let outcome = host.run(&scenario);
        outcome.has_statuses(&[503, 503, 503, 503, 503, 503, 200]);
        for name in ["host", "path", "header", "query", "node", "network"] {
            outcome.has_metric(&format!("fault.rule.{name}.aborts_injected"), 1);
        }
    }

    fn a_rule_matches_the_upstream_cluster(host) {
        let shop = VirtualHost::new("shop", &["*"]).route(Route::to("/cart", "cart")).route(Route::to("/", "pay"));
        let scenario = with(json!({"rules": [aborting("r", json!({"upstream_clusters": [{"exact": "cart"}]}))]}))
            .upstream(Upstream::replies("cart", Response::new(200)))
            .upstream(Upstream::replies("pay", Response::new(200)))
            .settings(|settings| settings.virtual_hosts = vec![shop.clone()]);
        host.run(&get(scenario, &["/cart", "/pay"])).has_statuses(&[503, 200]);
    }

    fn a_rule_matches_the_certificate_of_the_client(host) {
        for source in [json!({"principals": [{"suffix": "/ns/shop/sa/orders"}]}), json!({"namespaces": ["shop"]})] {
            let scenario = with(json!({"rules": [aborting("r", json!({ "source": source }))]}))
                .settings(|settings| settings.tls = Tls::CertificateRequired)
                .request(request("/").certificate(Certificate::Orders))
                .request(request("/").certificate(Certificate::Payments));
            host.run(&scenario).has_statuses(&[503, 200]);
        }
    }

    /// Both hosts select the same requests, because the draw is a hash of their ids.
    fn retries_of_a_request_agree(host) {
        let faults = json!({"draw": {"by": "request_id"}, "abort": {"percentage": 50, "http_status": 503}});
        let mut scenario = with_rule(faults).settings(|settings| settings.generate_request_id = false);
        for id in 0..20 {
            for _ in 0..2 {
                scenario = scenario.request(request("/").header("x-request-id", id.to_string()));
            }
        }
        let statuses = host.run(&scenario).statuses();
        assert!(statuses.chunks(2).all(|pair| pair[0] == pair[1]), "{statuses:?}");
        let selected: Vec<_> = (0..20).filter(|id| statuses[2 * id] == 503).collect();
        assert_eq!(selected, SELECTED);
    }

    fn draws_by_header_and_by_client_agree(host) {
        for by in [json!({"by": "client_address"}), json!({"by": "header", "header": "x-user"})] {
            let faults = json!({"draw": by, "abort": {"percentage": 50, "http_status": 503}});
            let scenario = (0..40).fold(with_rule(faults), |scenario: Scenario, n: u8| {
                scenario.request(request("/").peer([127, 0, 0, 1 + n / 4]).header("x-user", (n / 4).to_string()))
            });
            let statuses = host.run(&scenario).statuses();
            assert!(statuses.chunks(4).all(|same| same.iter().all(|status| *status == same[0])), "{statuses:?}");
            assert!(statuses.contains(&503) && statuses.contains(&200));
        }
    }

    fn random_draws_differ(host) {
        let faults = json!({"abort": {"percentage": 50, "http_status": 503}});
        let outcome = host.run(&get(with_rule(faults), &["/"; 200]));
        let aborted = outcome.statuses().iter().filter(|status| **status == 503).count();
        // Five standard deviations: 100 +- 36.
        assert!(aborted.abs_diff(100) < 36, "{aborted}");
        outcome.has_metric(&counter("aborts_injected"), aborted as u64);
    }

    fn exclusive_faults_share_one_draw(host) {
        let abort = json!({"percentage": 50, "http_status": 503});
        let response = json!({"percentage": 50, "replace": {"http_status": 502}});
        let faults = json!({"draw": {"faults": "exclusive"}, "abort": abort, "response": response});
        let statuses = host.run(&get(with_rule(faults), &["/"; 100])).statuses();
        let aborted = statuses.iter().filter(|status| **status == 503).count();
        let replaced = statuses.iter().filter(|status| **status == 502).count();
        // Each request has exactly one fault. Five standard deviations: 50 +- 25.
        assert!(aborted + replaced == 100 && aborted.abs_diff(50) < 25, "{aborted} {replaced}");
    }

    fn a_percentage_of_zero_selects_nothing(host) {
        let faults = json!({"reset": {"percentage": 0}, "delay": {"percentage": 0, "fixed": "1s"}});
        host.run(&get(with_rule(faults), &["/"; 20])).has_statuses(&[200; 20]);
    }
}

/// The ids that a draw of 50 % with the salt `r` selects out of 0 to 19.
const SELECTED: [usize; 11] = [1, 3, 5, 7, 8, 10, 13, 14, 16, 17, 19];
