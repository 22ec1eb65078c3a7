//! Routes, virtual hosts, attempts, and filters of Envoy itself.

use crate::{guests, meets, parse, run, wrong};
use tollgate_host_test::{Host, on_both_hosts, on_envoy};

on_both_hosts! {
    fn routes_select_the_upstream(host) {
        let text = format!(
            "filters: [{{module: {}, name: pass}}]
upstreams: [{{name: one}}, {{name: two}}]
routes:
  - {{path: /direct, direct_response: {{status: 418, body: teapot}}}}
  - {{prefix: /old, redirect: {{path_redirect: /new}}}}
  - {{path_separated_prefix: /a, headers: {{x-team: red, x-debug: {{not: {{present: true}}}}}}, cluster: two}}
  - {{query_parameters: {{v: {{prefix: '2'}}}}, cluster: two, disabled: [pass], name: second}}
  - {{cluster_header: x-to}}
virtual_hosts:
  - {{name: other, domains: [other.test], routes: [{{cluster: two}}]}}
requests:
  - {{path: /direct, expect: {{status: 418, body: teapot}}}}
  - {{path: /old/x, expect: {{status: 301, headers: {{location: {{suffix: /new}}}}}}}}
  - {{path: /a/b, headers: {{x-team: red}}, expect: {{upstream: {{cluster: two}}}}}}
  - {{path: /a/b, headers: {{x-team: red, x-debug: 1, x-to: one}}, expect: {{upstream: {{cluster: one}}}}}}
  - {{path: '/?v=2.1', expect: {{upstream: {{cluster: two}}}}}}
  - {{path: /, expect: {{status: 503, upstream_requests: 0}}}}
  - {{authority: other.test, expect: {{upstream: {{cluster: two}}}}}}",
            guests::pass()
        );
        meets(host, &text);
    }

    fn each_attempt_is_checked(host) {
        let of = |upstream: &str| {
            format!(
                "upstreams: [{{name: api, answers: [reset, {{reply: {{status: 503}}}}, {{reply: {{body: ok}}}}]}}]
virtual_hosts:
  - name: any
    domains: ['*']
    include_request_attempt_count: true
    routes: [{{cluster: api, retry_policy: {{retry_on: '5xx', num_retries: 2}}}}]
requests: [{{expect: {{status: 200, upstream_requests: {{at_least: 2}}, upstream: {upstream}}}}}]"
            )
        };
        let attempt = |n: u32| format!("{{headers: {{x-envoy-attempt-count: {n}}}}}");
        meets(host, &of(&format!("[{}, {}, {}]", attempt(1), attempt(2), attempt(3))));
        let (_, failures) = run(host, &of(&format!("[{}, {}]", attempt(1), attempt(3))));
        let second = r#"requests[0].expect.upstream[1].headers.x-envoy-attempt-count: expected "3", saw "2""#;
        assert_eq!(failures, ["requests[0].expect.upstream: expected 2 requests, saw 3 requests", second]);
    }
}

#[test]
fn a_filter_of_envoy_runs_beside_ours() {
    let native = r#"{name: envoy.filters.http.header_mutation, typed_config: {
        "@type": type.googleapis.com/envoy.extensions.filters.http.header_mutation.v3.HeaderMutation,
        mutations: {request_mutations: [{append: {header: {key: x-native, value: "1"}}}]}}}"#;
    let text = format!(
        "filters: [{{module: {}}}, {{native: {native}}}]\nrequests: [{{expect: {{upstream: {{headers: {{x-native: 1}}}}}}}}]",
        guests::pass()
    );
    on_envoy(|| meets(Host::Envoy, &text));
    let why = parse(&text).unsupported(Host::Emulator).unwrap();
    assert_eq!(why, "`filters[1].native`: only Envoy has this filter, run the scenario on Envoy");
}

#[test]
fn errors_name_the_field() {
    let action = "expected exactly one of `cluster`, `cluster_header`, `direct_response`, `redirect`";
    wrong("routes: [{prefix: /}]\nrequests: [{}]", &format!("`routes[0]`: {action}"));
    wrong(
        "virtual_hosts: [{name: a, domains: [a], routes: [{cluster: a}, {cluster: a, cluster_header: b}]}]\nrequests: [{}]",
        &format!("`virtual_hosts[0].routes[1]`: {action}"),
    );
    wrong(
        "routes: [{prefix: /, path: /, cluster: a}]\nrequests: [{}]",
        "`routes[0]`: expected at most one of `prefix`, `path`, `path_separated_prefix`",
    );
    wrong(
        "routes: [{query_parameters: {a: {not: b}}, cluster: a}]\nrequests: [{}]",
        "`routes[0].query_parameters.a`: `not` is not possible for a query parameter, expected another condition",
    );
    wrong(
        "routes: [{cluster: a}]\nvirtual_hosts: [{name: a, domains: ['*', '*'], routes: []}]\nrequests: [{}]",
        "`virtual_hosts[0].domains`: duplicate domain `*`",
    );
    wrong(
        "virtual_hosts: [{name: a, domains: [], routes: []}]\nrequests: [{}]",
        "`virtual_hosts[0].domains`: expected at least one domain",
    );
    wrong(
        "filters: [{native: {name: a, typed_config: {}}, root_id: x}]\nrequests: [{}]",
        "`filters[0]`: expected exactly one of `module`, `package`, `native`",
    );
    wrong(
        "routes: [{headers: {a: {regex: b}}, cluster: a}]\nrequests: [{}]",
        "`routes[0].headers.a`: invalid condition `{\"regex\":\"b\"}`, expected text or one of `exact`, `prefix`, \
         `suffix`, `contains`, `present`, `not`",
    );
}
