use super::*;

#[test]
fn invalid_configurations_are_rejected() {
    let rule = |fields: &str| format!(r#"{{"rules": [{{"name": "r", {fields}}}]}}"#);
    let delay = |fields: &str| rule(&format!(r#""delay": {{"percentage": 1, {fields}}}"#));
    let response = |fields: &str| rule(&format!(r#""response": {{"percentage": 1, {fields}}}"#));
    for (json, expected) in [
        ("{}".into(), "no faults, expected at least one of `rules`, `envoy`, `istio`, `experiments`, `control`"),
        (rule(r#""draw": {}"#), "rules[0]: no fault, expected at least one"),
        (rule(r#""delay": {"fixed": "1s"}"#), "rules[0].delay: missing field `percentage`"),
        (rule(r#""delay": {"percentage": 1}"#), "rules[0].delay: expected exactly one of `fixed`"),
        (delay(r#""fixed": "1s", "header": {}"#), "rules[0].delay: expected exactly one of `fixed`"),
        (delay(r#""fixed": "1s", "exponential": {"mean": "1s"}"#), "rules[0].delay: expected exactly one"),
        (delay(r#""fixed": "999us""#), "rules[0].delay.fixed: `999us` is too short, expected at least `1ms`"),
        (delay(r#""uniform": {"min": "2s", "max": "1s"}"#), "rules[0].delay.uniform: `min` is `2s` and `max` is `1s`"),
        (delay(r#""pareto": {"min": "2s", "shape": 0}"#), "rules[0].delay.pareto.shape: `0` is not a number above 0"),
        (delay(r#""percentiles": {"table": []}"#), "rules[0].delay.percentiles.table: the list is empty"),
        (
            delay(r#""percentiles": {"table": [{"from": 1, "delay": "1s"}]}"#),
            "rules[0].delay.percentiles.table[0].from: found `1`, expected 0 as the first percentile",
        ),
        (
            delay(r#""percentiles": {"table": [{"from": 0, "delay": "1s"}, {"from": 0, "delay": "1s"}]}"#),
            "rules[0].delay.percentiles.table[1].from: found `0`, expected a larger percentile than the one before",
        ),
        (rule(r#""abort": {"percentage": 1}"#), "rules[0].abort: expected exactly one of `http_status`"),
        (rule(r#""abort": {"percentage": 1, "http_status": 199}"#), "rules[0].abort.http_status: `199` is not a status from 200 to 599"),
        (rule(r#""abort": {"percentage": 1, "grpc_status": "DOWN"}"#), "rules[0].abort.grpc_status: "),
        (rule(r#""abort": {"percentage": 1, "grpc_status": 17}"#), "rules[0].abort.grpc_status: "),
        (
            rule(r#""abort": {"percentage": 1, "grpc_status": 1, "http_status": 500}"#),
            "rules[0].abort.grpc_status: not supported with `http_status`",
        ),
        (
            rule(r#""abort": {"percentage": 1, "http_status": 500, "headers": [{"name": "a", "value": "%TRACE_ID%"}]}"#),
            "rules[0].abort.headers[0].value: expected only references to the request",
        ),
        (rule(r#""reset": {"percentage": 101}"#), "rules[0].reset.percentage: `101` is not a percentage"),
        (rule(r#""reset": {"percentage": 0.00001}"#), "rules[0].reset.percentage: `0.00001` has more than four decimals"),
        (rule(r#""reset": {"percentage": 1}, "draw": {"by": "header"}"#), "rules[0].draw.header: expected exactly with `by: header`"),
        (
            rule(r#""reset": {"percentage": 60}, "delay": {"percentage": 50, "fixed": "1s"}, "draw": {"faults": "exclusive"}"#),
            "rules[0].draw.faults: the sum of the percentages is `110`, expected at most 100",
        ),
        (rule(r#""response": {"percentage": 1}"#), "rules[0].response: no change"),
        (response(r#""bytes_per_second": 0"#), "rules[0].response.bytes_per_second: `0` is too small"),
        (response(r#""bytes_per_second": 1, "rate_from_header": {}"#), "rules[0].response.rate_from_header: not supported with"),
        (response(r#""truncate_after": 1, "reset_after": 1"#), "rules[0].response.reset_after: not supported with"),
        (response(r#""replace": {}"#), "rules[0].response.replace: expected exactly one of"),
        (response(r#""replace": {"http_status": 500}, "truncate_after": 1"#), "rules[0].response.replace: not supported with"),
        (
            rule(r#""abort": {"percentage": 1, "http_status": 204, "body": "x"}"#),
            "rules[0].abort.body: not supported: a response 204 has no body",
        ),
        (response(r#""replace": {"http_status": 304, "body": ""}"#), "rules[0].response.replace.body: not supported"),
        (
            r#"{"rules": [{"name": "a", "reset": {"percentage": 1}}, {"name": "b", "reset": {"percentage": 1}}]}"#.into(),
            "rules[1]: never applies, because `a` before it matches all requests",
        ),
        (
            rule(r#""reset": {"percentage": 1}}], "istio": [{"fault": {"abort": {"httpStatus": 500}}"#),
            "istio[0]: never applies, because `r`",
        ),
        (
            rule(r#""reset": {"percentage": 1}}], "envoy": {"abort": {"http_status": 500}}, "experiments": [{"name": "e""#),
            "envoy: never applies, because `r`",
        ),
        (
            rule(r#""reset": {"percentage": 1}, "match": {"paths": [{"exact": "/a"}, {"exact": "/a//b"}]}"#),
            "rules[0].match.paths[1]: never matches with this `path_normalization`",
        ),
        (
            r#"{"istio": [{"match": [{"uri": {"exact": "/a/../b"}}], "fault": {"abort": {"httpStatus": 500}}}]}"#.into(),
            "istio[0].match[0].uri: never matches",
        ),
        (response(r#""set_headers": [{"name": "content-length", "value": "1"}]"#), "rules[0].response.set_headers[0].name: "),
        (r#"{"rules": [{"name": "a b", "reset": {"percentage": 1}}]}"#.into(), "rules[0].name: `a b` is not a valid name"),
        (
            r#"{"rules": [{"name": "a", "reset": {"percentage": 1}}, {"name": "a", "reset": {"percentage": 1}}]}"#.into(),
            "rules[1].name: duplicate name `a`",
        ),
        (r#"{"delay": {}}"#.into(), "delay: use `rules` with `delay`"),
        (r#"{"on_error": "deny"}"#.into(), "on_error: not supported"),
        (r#"{"envoy": {}}"#.into(), "envoy: no fault"),
        (r#"{"envoy": {"@type": "x", "abort": {"http_status": 500}}}"#.into(), "envoy.@type: unsupported type `x`"),
        (r#"{"envoy": {"abort": {}}}"#.into(), "envoy.abort: expected exactly one of `http_status`, `grpc_status`, `header_abort`"),
        (r#"{"envoy": {"delay": {"fixed_delay": "0s"}}}"#.into(), "envoy.delay.fixed_delay: `0s` is too short"),
        (r#"{"envoy": {"response_rate_limit": {}}}"#.into(), "envoy.response_rate_limit: expected exactly one of"),
        (r#"{"envoy": {"headers": [{"name": "a b"}]}}"#.into(), "envoy.headers[0]: `a b` is not the name of a header"),
        (r#"{"envoy": {"headers": [{"name": "a", "exact_match": "a", "present_match": true}]}}"#.into(), "envoy.headers[0]: expected at most one test"),
        (r#"{"istio": {}}"#.into(), "istio[0].fault: no fault"),
        (r#"{"istio": {"abort": {}}}"#.into(), "istio[0].fault.abort: expected exactly one of"),
        (r#"{"istio": {"delay": {}}}"#.into(), "istio[0].fault.delay: expected exactly one of"),
        (r#"{"istio": {"delay": {"fixedDelay": "1s", "percentage": {"value": 101}}}}"#.into(), "istio[0].fault.delay.percentage.value: `101` is not a number"),
        (r#"{"istio": [{"match": [{"sourceLabels": {}}], "fault": {}}]}"#.into(), "istio[0].match[0].sourceLabels: not supported"),
        (r#"{"istio": [{"match": [{"uri": {"regex": "("}}], "fault": {"abort": {"httpStatus": 500}}}]}"#.into(), "istio[0].match[0].uri: "),
        (r#"{"control": {"http_uri": {"uri": "x", "cluster": "c"}}}"#.into(), "control.http_uri.uri: `x` is not an absolute URL"),
        (r#"{"control": {"http_uri": {"uri": "http://x", "cluster": ""}}}"#.into(), "control.http_uri.cluster: the cluster is empty"),
        (r#"{"control": {"http_uri": {"uri": "http://x", "cluster": "c"}, "interval": "1ms"}}"#.into(), "control.interval: `1ms` is too short"),
        (r#"{"experiments": [{"name": "a", "until": "2030-01-01T00:00:00Z"}]}"#.into(), "experiments[0].faults: the list is empty"),
        (
            r#"{"experiments": [{"name": "a", "faults": [{"name": "r", "reset": {"percentage": 1}}]}]}"#.into(),
            "experiments[0]: needs `from`, `until` or a `control` endpoint",
        ),
        (
            r#"{"experiments": [{"name": "a", "from": "2030-01-01T00:00:00Z", "until": "2030-01-01T00:00:00Z", "faults": [{"name": "r", "reset": {"percentage": 1}}]}]}"#.into(),
            "experiments[0]: expected `from` before `until`",
        ),
        (rule(r#""reset": {"percentage": 1}}], "header_faults": {"secret": {"header": "x", "value": ""}}, "x": [{"#), "x: unknown field"),
        (
            r#"{"rules": [{"name": "r", "reset": {"percentage": 1}}], "max_faults_per_client": {"faults": 1, "per": "1ms"}}"#.into(),
            "max_faults_per_client.per: `1ms` is not a time from `1s`",
        ),
        (
            r#"{"rules": [{"name": "r", "reset": {"percentage": 1}}], "header_faults": {"secret": {"header": "x", "value": ""}}}"#.into(),
            "header_faults.secret.value: the secret is empty",
        ),
    ] {
        let found = error(&json);
        assert!(found.starts_with(expected), "found    {found}\nexpected {expected}\n{json}");
    }
}
