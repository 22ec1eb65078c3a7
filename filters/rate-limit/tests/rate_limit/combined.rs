//! Fields of an upstream and of another filter, paths in keys, and configurations that limit nothing.

use crate::support::{bucket, filter, sending, times, with, with_limit};
use serde_json::json;
use tollgate_host_test::{
    ClientView, Host, LogLevel, Outcome, Request, Response, Route, Upstream, on_both_hosts,
};

/// All lines of a header of a response, as one list.
fn list(outcome: &Outcome, index: usize, name: &str) -> String {
    let ClientView::Response(response) = &outcome.exchanges[index].client else { panic!("no response") };
    let lines: Vec<_> = response.headers.get_all(name).map(String::from_utf8_lossy).collect();
    lines.join(", ").replace(",\"", ", \"")
}

fn replying(headers: &[(&str, &str)]) -> Upstream {
    let response =
        headers.iter().fold(Response::new(200), |response, (name, value)| response.header(name, value));
    Upstream::replies("shop", response)
}

fn three_an_hour() -> serde_json::Value {
    json!({"limits": {"burst": {"rates": [{"fixed_window": {"requests": 3, "window": "24h"}}]}}})
}

on_both_hosts! {
    fn fields_of_the_upstream_are_combined(host) {
        let upstream = replying(&[("ratelimit", r#""burst";r=7;t=1"#), ("ratelimit-policy", r#""burst";q=9"#)]);
        let outcome = host.run(&with(three_an_hour()).upstream(upstream).request(Request::get("/")));
        let limit = list(&outcome, 0, "ratelimit");
        assert!(limit.starts_with(r#""burst";r=7;t=1, "burst-2";r=2;t="#), "{limit}");
        assert_eq!(list(&outcome, 0, "ratelimit-policy"), r#""burst";q=9, "burst-2";q=3;w=86400"#);
    }

    fn fields_of_older_drafts_stay(host) {
        let older = "limit=10, remaining=9, reset=5";
        let outcome = host.run(&with(three_an_hour()).upstream(replying(&[("ratelimit", older)])).request(Request::get("/")));
        assert_eq!(list(&outcome, 0, "ratelimit"), older);
        assert_eq!(list(&outcome, 0, "ratelimit-policy"), "");
    }

    fn two_filters_show_the_quotas_of_both(host) {
        let second = json!({"domain": "second", "limits": {"burst": {"rates": [bucket(1)]}}});
        let scenario = with(three_an_hour()).filter(filter().config(second)).upstream(replying(&[]));
        let outcome = host.run(&sending(scenario, times(&Request::get("/"), 2)));
        outcome.has_statuses(&[200, 429]);
        for index in 0..2 {
            let limit = list(&outcome, index, "ratelimit");
            assert!(limit.starts_with(r#""burst";r=0;t=3"#) && limit.contains(r#", "burst-2";r="#), "{limit}");
        }
    }

    fn the_tighter_x_ratelimit_headers_stay(host) {
        for (theirs, expected) in [("1", "1"), ("100", "2")] {
            let mut config = three_an_hour();
            config["response"] = json!({"enable_x_ratelimit_headers": "DRAFT_VERSION_03", "rate_limit_headers": false});
            let upstream = replying(&[("x-ratelimit-remaining", theirs)]);
            let outcome = host.run(&with(config).upstream(upstream).request(Request::get("/")));
            assert_eq!(list(&outcome, 0, "x-ratelimit-remaining"), expected);
        }
    }

    fn kongs_headers_have_the_unit_in_their_names(host) {
        let config = json!({
            "limits": {"one": {"rates": [{"token_bucket": {"max_tokens": 60, "fill_interval": "1s"}}, {"fixed_window": {"requests": 9, "calendar": "month"}}]}},
            "response": {"enable_x_ratelimit_headers": "KONG"},
        });
        let outcome = host.run(&with(config).request(Request::get("/")));
        let client = outcome.client(0);
        client.header("x-ratelimit-limit-minute", "60").header("x-ratelimit-remaining-minute", "59");
        client.header("x-ratelimit-limit-month", "9").header("x-ratelimit-remaining-month", "8");
        client.header("ratelimit-limit", "9").header("ratelimit-remaining", "8");
    }

    fn spellings_of_a_path_are_one_key(host) {
        let limit = json!({"key": [{"path": {}}], "rates": [bucket(1)]});
        let paths = ["/login", "//login", "/./login", "/x/../login", "/%6cogin", "/%256cogin", "/login;a=1"];
        let outcome = host.run(&sending(with_limit(limit.clone()), paths.map(Request::get)));
        outcome.has_statuses(&[200, 429, 429, 429, 429, 429, 429]);
        let outcome = host.run(&with_limit(limit).request(Request::get("/a%2Fb/../login")));
        outcome.has_statuses(&[400]).has_details(0, "invalid_path");
    }

    fn metadata_that_is_null_is_absent(host) {
        let metadata = |default: Option<&str>| json!({
            "descriptor_key": "tier", "source": "ROUTE_ENTRY", "default_value": default,
            "metadata_key": {"key": "shop", "path": [{"key": "tier"}]},
        });
        for (default, expected) in [(Some("none"), [200, 429]), (None, [200, 200])] {
            for value in [json!(null), json!({"a": null}), json!([null])] {
                let mut route = Route::to("/", "shop");
                route.metadata.insert("shop".into(), json!({"tier": value}));
                let limit = json!({"key": [{"metadata": metadata(default)}], "rates": [bucket(1)]});
                let scenario = with_limit(limit).upstream(replying(&[])).route(route);
                host.run(&sending(scenario, times(&Request::get("/"), 2))).has_statuses(&expected);
            }
        }
    }

    fn a_configuration_that_limits_nothing_is_in_the_log(host) {
        let outcome = host.run(&with(json!({})).request(Request::get("/")));
        outcome.has_statuses(&[200]);
        outcome.has_logged(LogLevel::Warn, "no `limits`");
    }

    fn connections_are_counted_apart(host) {
        let limit = json!({"key": [{"connection": {}}], "rates": [bucket(1)]});
        let outcome = host.run(&sending(with_limit(limit), times(&Request::get("/"), 2)));
        // Each request of a scenario has a connection of its own.
        outcome.has_statuses(&[200, 200]);
    }
}

/// Envoy's filter reads `+` in a query as it is, and this one as a space.
#[test]
fn a_plus_in_a_query_is_a_space() {
    let query = json!({"query_parameters": {"query_parameter_name": "q"}});
    let limit = json!({"key": [query], "rates": [bucket(1)]});
    let requests = ["/?q=a+b", "/?q=a%20b", "/?q=a%2Bb"].map(Request::get);
    let outcome = Host::Emulator.run(&sending(with_limit(limit), requests));
    outcome.has_statuses(&[200, 429, 200]);
}
