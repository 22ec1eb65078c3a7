//! Header edits: set, add and remove, with values from the request.

use crate::support::with;
use serde_json::json;
use tollgate_host_test::{Request, Response, Upstream, on_both_hosts};

on_both_hosts! {
    fn sets_adds_and_removes_request_headers(host) {
        let config = json!({"request_headers": [
            {"set": {"name": "x-route", "value": "%METHOD% %PATH%"}},
            {"add": {"name": "x-tag", "value": "b"}},
            {"remove": "x-internal"},
            {"set_if_absent": {"name": "x-tier", "value": "free"}},
        ]});
        let outcome = host.run(&with(config).request(
            Request::get("/p?q=1")
                .header("x-tag", "a")
                .header("x-internal", "1")
                .header("x-internal", "2")
                .header("x-tier", "gold"),
        ));
        outcome
            .upstream(0)
            .header("x-route", "GET /p?q=1")
            .headers("x-tag", &["a", "b"])
            .no_header("x-internal")
            .header("x-tier", "gold");
    }

    fn writes_request_values_to_the_response(host) {
        let config = json!({"response_headers": [
            {"set": {"name": "x-team", "value": "%REQ(x-team)%"}},
            {"set": {"name": "x-code", "value": "%RESPONSE_CODE%"}},
            {"remove": "x-powered-by"},
        ]});
        let response = Response::new(418).header("x-powered-by", "tea").chunk("short and stout");
        let outcome = host.run(
            &with(config)
                .upstream(Upstream::replies("pot", response))
                .request(Request::get("/").header("x-team", "blue"))
                .request(Request::get("/")),
        );
        outcome.client(0).start("418").header("x-team", "blue").header("x-code", "418").no_header("x-powered-by");
        outcome.client(1).no_header("x-team").body("short and stout");
    }
}
