//! What is admitted, by each algorithm.

use crate::support::with;
use serde_json::json;
use tollgate_host_test::{Request, on_both_hosts};

on_both_hosts! {
    fn a_bucket_gives_what_it_holds_and_then_refuses(host) {
        let scenario = with(json!({
            "limits": {"all": {"rates": [{"token_bucket": {"max_tokens": 2, "fill_interval": "1h"}}]}}
        }));
        let outcome = host.run(
            &scenario.request(Request::get("/1")).request(Request::get("/2")).request(Request::get("/3")),
        );
        outcome.has_statuses(&[200, 200, 429]);
        outcome.client(2).header("retry-after", "3600").body("local_rate_limited");
        outcome.has_details(2, "local_rate_limited");
        outcome.has_metric("rate_limit.limit.all.ok", 2).has_metric("rate_limit.limit.all.rate_limited", 1);
    }

    fn each_client_address_has_its_own(host) {
        let scenario = with(json!({
            "limits": {"clients": {
                "key": [{"remote_address": {}}],
                "rates": [{"fixed_window": {"requests": 1, "window": "1h"}}]
            }}
        }));
        let outcome = host.run(&scenario.request(Request::get("/1")).request(Request::get("/2")));
        outcome.has_statuses(&[200, 429]);
    }
}
