//! `Server-Timing`.

use crate::support::with;
use serde_json::json;
use std::time::Duration;
use tollgate_host_test::{Answer, Request, Response, Upstream, on_both_hosts};

/// The milliseconds of `upstream;dur=<ms>`.
fn milliseconds(value: &str) -> f64 {
    value.strip_prefix("upstream;dur=").and_then(|ms| ms.parse().ok()).unwrap_or(f64::NAN)
}

on_both_hosts! {
    fn reports_the_time_of_the_upstream(host) {
        let response = Response::new(200).header("server-timing", "db;dur=1");
        let answer = Answer::Reply { response, after: Duration::from_millis(60) };
        let outcome = host.run(
            &with(json!({"server_timing": {}}))
                .upstream(Upstream::answers("slow", vec![answer]))
                .request(Request::get("/")),
        );
        let values = outcome.client(0).values("server-timing");
        let [theirs, ours] = values.as_slice() else { panic!("not two metrics: {values:?}") };
        assert_eq!(theirs, "db;dur=1");
        assert!((59.0..10_000.0).contains(&milliseconds(ours)), "{ours}");
    }
}
