//! Expectations: `not`, ranges, order, logs, metrics and histograms.

use crate::{guests, meets, run, wrong};
use tollgate_host_test::{Host, on_both_hosts};

/// Three requests to a filter with metrics, and expectations of them.
fn counted(expect: &str) -> String {
    format!("filters: [{{module: {}}}]\nrequests: [{{}}, {{}}, {{}}]\nexpect: {expect}", guests::counts())
}

on_both_hosts! {
    fn metrics_are_compared(host) {
        meets(host, &counted("{metrics: {requests: {at_least: 2, at_most: 3}, peak: {not: 0}}}"));
        let (_, failures) = run(host, &counted("{metrics: {requests: {at_least: 4}, peak: {not: 1}}}"));
        let expected =
            ["expect.metrics.peak: expected not 1, saw 1", "expect.metrics.requests: expected at least 4, saw 3"];
        assert_eq!(failures, expected);
    }

    fn histograms_have_counts_and_quantiles(host) {
        // The values are 61, 122 and 183.
        let bounds = "min: 61, p50: 122, p99: 183, max: {at_most: 189}, sum: {at_least: 350, at_most: 380}";
        let (outcome, failures) = run(host, &counted(&format!("{{histograms: {{sizes: {{count: 3, {bounds}}}}}}}")));
        assert_eq!(failures, Vec::<String>::new(), "{outcome:#?}");
        outcome.has_histogram("sizes", 3).has_quantile("sizes", 0.5, 122.0);
        let wrong = "{sizes: {count: 2, min: 62, p50: 131, max: {at_least: 190}}, typo: {count: 0}}";
        let (_, failures) = run(host, &counted(&format!("{{histograms: {wrong}}}")));
        let bucket = if host == Host::Emulator { ["61", "122", "183"] } else { ["61 to 62", "120 to 130", "180 to 190"] };
        let [min, median, max] = bucket;
        let expected = [
            "expect.histograms.sizes.count: expected 2, saw 3".to_owned(),
            format!("expect.histograms.sizes.min: expected 62, saw {min}"),
            format!("expect.histograms.sizes.p50: expected 131, saw {median}"),
            format!("expect.histograms.sizes.max: expected at least 190, saw {max}"),
            "expect.histograms.typo: expected a histogram, saw no such histogram".into(),
        ];
        assert_eq!(failures, expected);
    }

    fn histograms_of_several_workers_are_merged(host) {
        let text = format!(
            "filters: [{{module: {}}}]\nsettings: {{workers: 3, linger: 10ms}}
requests: [{{}}, {{}}, {{}}, {{}}, {{}}, {{}}]\nexpect: {{histograms: {{sizes: {{count: 6, min: 61}}}}}}",
            guests::counts()
        );
        meets(host, &text);
    }

    fn a_histogram_without_values_exists(host) {
        let text = format!(
            "filters: [{{module: {}}}]\nexpect: {{histograms: {{sizes: {{count: 0, sum: 0}}}}}}",
            guests::counts()
        );
        meets(host, &text);
        let (_, failures) = run(host, &text.replace("count: 0, sum: 0", "max: 1"));
        assert_eq!(failures, ["expect.histograms.sizes.max: expected 1, saw no value"]);
    }

    fn log_lines_have_a_count_and_an_order(host) {
        let of = |expect: &str| {
            let body = "{method: POST, body: a}";
            format!("filters: [{{module: {}}}]\nrequests: [{{}}, {body}]\nexpect: {expect}", guests::logs())
        };
        let order = "log_order: [{text: headers}, {text: headers}, {level: info, text: piece}]";
        meets(host, &of(&format!("{{logs: [{{text: headers, count: 2}}], {order}}}")));
        let (_, failures) = run(
            host,
            &of("{logs: [{text: headers, count: {at_least: 3}}], log_order: [{text: piece}, {text: headers}]}"),
        );
        let lines = r#"Info: "headers", Info: "headers", Info: "piece""#;
        assert_eq!(failures[0], "expect.logs[0].count: expected at least 3 lines, saw 2");
        let order = r#"expect.log_order[1]: expected then a line: "headers", saw "#;
        assert!(failures[1].starts_with(&format!("{order}{lines}")), "{failures:?}");
    }

    fn header_order_and_not_are_checked(host) {
        let reply = r#"{reply: {headers: ["x-b: 1", "x-a: 2", "x-b: 3"], body: ok}}"#;
        let of = |expect: &str| {
            let request = r#"headers: ["x-2: a", "x-1: b"]"#;
            format!("upstreams: [{{name: api, answers: [{reply}]}}]\nrequests: [{{{request}, expect: {expect}}}]")
        };
        meets(
            host,
            &of(r#"{status: {not: 403}, header_order: [x-b, X-A, x-b], headers: {x-a: {not: {prefix: "3"}}},
                body: {not: {json: {}}}, upstream: {header_order: [x-2, x-1], path: {not: /x}}}"#),
        );
        let (_, failures) = run(
            host,
            &of(r#"{status: {at_least: 400}, header_order: [x-a, x-b, x-b], headers: {x-a: {not: 2}}, body: {not: ok},
                upstream: {header_order: [x-1, x-2]}}"#),
        );
        assert_eq!(failures[0], "requests[0].expect.status: expected at least 400, saw 200 (via_upstream)");
        assert_eq!(failures[1], r#"requests[0].expect.headers.x-a: expected anything but "2", saw "2""#);
        let order = "requests[0].expect.header_order: expected x-a, x-b, x-b, saw `x-b`, `x-a`, `x-b`";
        assert!(failures[2].starts_with(order), "{failures:?}");
        assert_eq!(failures[3], r#"requests[0].expect.body: expected anything but "ok", saw "ok""#);
        assert!(failures[4].starts_with("requests[0].expect.upstream.header_order: expected x-1, x-2, saw `"));
        assert_eq!(failures.len(), 5);
    }
}

#[test]
fn errors_name_the_field() {
    let numbers = "expected an integer or some of `at_least`, `at_most`, `not`";
    wrong(
        "requests: [{}]\nexpect: {metrics: {m: {above: 1}}}",
        &format!("`expect.metrics.m`: invalid number `{{\"above\":1}}`, {numbers}"),
    );
    wrong(
        "requests: [{}]\nexpect: {histograms: {h: {p42: 1}}}",
        "`expect.histograms.h.p42`: unknown field `p42`, expected one of `count`, `sum`, `min`, `p50`, `p90`, `p95`, \
         `p99`, `max`",
    );
    wrong(
        "requests: [{}]\nexpect: {not_logged: [{text: a, count: 0}]}",
        "`expect.not_logged[0].count`: expected in `expect.logs` only",
    );
    wrong(
        "requests: [{expect: {upstream: [{}, {body: {base64: '?'}}]}}]",
        "`requests[0].expect.upstream[1].body`: invalid base64 `{\"base64\":\"?\"}`: Invalid symbol 63, offset 0.",
    );
    wrong(
        "requests: [{expect: {upstream: 1}}]",
        "`requests[0].expect.upstream`: invalid type: integer `1`, expected an object, or an array of objects",
    );
    let matchers = "expected a string or one of `exact`, `prefix`, `suffix`, `contains`, `regex`, `not`";
    wrong(
        "requests: [{expect: {details: {not: {no: x}}}}]",
        &format!("`requests[0].expect.details`: invalid matcher `{{\"no\":\"x\"}}`, {matchers}"),
    );
}
