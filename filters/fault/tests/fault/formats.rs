//! Configurations of Envoy and Istio, unchanged.

use crate::support::{counter, with};
use serde_json::json;
use tollgate_host_test::{ClientView, Request, on_both_hosts};

on_both_hosts! {
    fn the_configuration_of_envoy_works(host) {
        let envoy = json!({
            "@type": "type.googleapis.com/envoy.extensions.filters.http.fault.v3.HTTPFault",
            "delay": {"fixed_delay": "0.020s", "percentage": {"numerator": 100, "denominator": "HUNDRED"}},
            "abort": {"http_status": 503, "percentage": {"numerator": 1000000, "denominator": "MILLION"}},
            "headers": [{"name": "x-env", "string_match": {"exact": "test"}}],
            "max_active_faults": 10, "filter_metadata": {"team": "red"},
            "disable_downstream_cluster_stats": true,
        });
        let scenario = with(json!({ "envoy": envoy }))
            .request(Request::get("/").header("x-env", "test"))
            .request(Request::get("/").header("x-env", "prod"))
            .request(Request::get("/"));
        let outcome = host.run(&scenario);
        outcome.has_statuses(&[503, 200, 200]);
        outcome.client(0).body("fault filter abort").header("x-tollgate-fault", "envoy;delay=20;abort");
        outcome.has_metric(&counter("delays_injected"), 1).has_metric(&counter("aborts_injected"), 1);
    }

    fn the_fault_injection_of_istio_works(host) {
        for (fault, status, mark) in [
            (json!({"abort": {"percentage": {"value": 100.0}, "httpStatus": 400}}), "400", "istio;abort"),
            (json!({"abort": {"percentage": {"value": 100}, "grpcStatus": "UNAVAILABLE"}}), "200", "istio;abort"),
            (json!({"delay": {"percentage": {"value": 100}, "fixedDelay": "0.02s"}}), "200", "istio;delay=20"),
        ] {
            let outcome = host.run(&with(json!({ "istio": fault })).request(Request::get("/")));
            outcome.client(0).start(status).header("x-tollgate-fault", mark);
        }
    }

    fn routes_of_istio_select_requests(host) {
        let routes = json!([{
            "match": [{"uri": {"prefix": "/ratings"}, "headers": {"end-user": {"exact": "jason"}}}],
            "fault": {"abort": {"percentage": {"value": 100}, "httpStatus": 555}},
        }, {
            "match": [{"method": {"exact": "PUT"}, "queryParams": {"v": {"regex": "[0-9]+"}}, "withoutHeaders": {"x-live": {}}}],
            "fault": {"abort": {"percentage": {"value": 100}, "http2Error": "PROTOCOL_ERROR"}},
        }]);
        let scenario = with(json!({ "istio": routes }))
            .request(Request::get("/ratings/1").header("end-user", "jason"))
            .request(Request::get("/ratings/1").header("end-user", "ann"))
            .request(Request::get("/reviews").header("end-user", "jason"))
            .request(Request::new("PUT", "/?v=a"))
            .request(Request::new("PUT", "/?v=1").header("x-live", "1"))
            .request(Request::new("PUT", "/?v=1"));
        let outcome = host.run(&scenario);
        assert_eq!(outcome.exchanges[5].client, ClientView::Reset);
        outcome.has_metric(&counter("resets_injected"), 1).has_metric(&counter("aborts_injected"), 1);
        for (index, status) in ["555", "200", "200", "200", "200"].into_iter().enumerate() {
            outcome.client(index).start(status);
        }
    }
}
