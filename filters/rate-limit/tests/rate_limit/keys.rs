//! Keys of requests.

use crate::support::{MODULE, bucket, filter, sending, with, with_limit};
use serde_json::{Value, json};
use tollgate_host_test::{
    Filter, Host, PathMatch, Request, Route, RouteAction, Scenario, Upstream, Wasm, on_both_hosts,
};
use tollgate_mint::{Signer, jwks};

/// One request for each value of the key.
fn keyed(key: Value) -> Value {
    json!({"key": key, "rates": [bucket(1)]})
}

/// Checks the statuses of requests, with a limit of one for each value of the key.
#[track_caller]
fn counted(host: Host, key: Value, expected: impl IntoIterator<Item = (Request, u16)>) {
    counted_in(host, with_limit(keyed(key)), expected);
}

#[track_caller]
fn counted_in(host: Host, scenario: Scenario, expected: impl IntoIterator<Item = (Request, u16)>) {
    let (requests, statuses): (Vec<_>, Vec<_>) = expected.into_iter().unzip();
    host.run(&sending(scenario, requests)).has_statuses(&statuses);
}

fn get(path: &str) -> Request {
    Request::get(path)
}

fn team(name: &str) -> Request {
    get("/").header("x-team", name)
}

on_both_hosts! {
    fn by_a_header_and_not_without_it(host) {
        let key = json!([{"request_headers": {"header_name": "X-Team", "descriptor_key": "team"}}]);
        let expected =
            [(team("a"), 200), (team("a"), 429), (team("b"), 200), (get("/"), 200), (get("/"), 200), (team("b"), 429)];
        counted(host, key, expected);
    }

    fn without_a_header_by_its_default(host) {
        let key = json!([{"request_headers": {"header_name": "x-team", "descriptor_key": "team", "default_value": "none"}}]);
        counted(host, key, [(get("/"), 200), (get("/"), 429), (team("none"), 429), (team("a"), 200)]);
    }

    fn without_a_header_by_the_rest_of_the_key(host) {
        let header = json!({"header_name": "x-team", "descriptor_key": "team", "skip_if_absent": true});
        let key = json!([{"request_headers": header}, {"generic_key": {"descriptor_value": "all"}}]);
        counted(host, key, [(get("/"), 200), (get("/"), 429), (team("a"), 200), (team("a"), 429), (team(""), 200)]);
    }

    fn by_absence_of_a_header_as_in_envoy(host) {
        let key = json!([
            {"request_headers": {"header_name": ":path", "descriptor_key": "path"}},
            {"request_headers": {"header_name": ":method", "descriptor_key": "method"}},
            {"request_headers": {"header_name": ":authority", "descriptor_key": "host"}},
        ]);
        let expected = [
            (get("/a?x"), 200), (get("/a?x"), 429), (get("/a?y"), 200), (Request::new("DELETE", "/a?x"), 200),
            (get("/a?x").authority("other.test"), 200), (get("/a?x").authority("other.test"), 429),
        ];
        counted(host, key, expected);
    }

    fn by_a_query_parameter(host) {
        let key = json!([{"query_parameters": {"query_parameter_name": "q", "descriptor_key": "q"}}]);
        let expected = [
            (get("/?q=a"), 200), (get("/?x=1&q=a"), 429), (get("/?q=%61"), 429), (get("/?q=b"), 200), (get("/"), 200),
            (get("/"), 200), (get("/?q="), 200), (get("/?q="), 429),
        ];
        counted(host, key, expected);
    }

    fn by_a_cookie(host) {
        let cookie = |text: &str| get("/").header("cookie", text);
        let expected = [
            (cookie("sid=1; x=2"), 200), (cookie("x=3; sid=1"), 429), (cookie("sid=2"), 200), (cookie("other=1"), 200),
            (cookie("other=1"), 200), (get("/"), 200),
        ];
        counted(host, json!([{"cookie": {"name": "sid"}}]), expected);
    }

    fn by_the_path_without_its_query(host) {
        let expected = [(get("/a?x"), 200), (get("/a?y"), 429), (get("/b"), 200), (get("/b/"), 200)];
        counted(host, json!([{"path": {}}]), expected);
    }

    fn by_a_segment_of_paths_that_have_it(host) {
        let key = json!([{"path": {"template": "/orgs/{org}/**", "segment": "org"}}]);
        let expected = [
            (get("/orgs/1/a"), 200), (get("/orgs/1/b?x"), 429), (get("/orgs/2/a"), 200), (get("/other/1/a"), 200),
            (get("/other/1/a"), 200),
        ];
        counted(host, key, expected);
    }

    fn by_host_and_method(host) {
        let on = |host: &str| get("/").authority(host);
        let expected = [
            (on("a.test"), 200), (on("A.Test:8080"), 429), (on("b.test"), 200),
            (Request::new("PUT", "/").authority("a.test"), 200), (Request::new("PUT", "/").authority("a.test"), 429),
        ];
        counted(host, json!([{"host": {}}, {"method": {}}]), expected);
    }

    fn by_a_constant_under_a_condition(host) {
        let header = json!({"descriptor_value": "beta", "headers": [{"name": "x-beta", "present": true}]});
        let beta = || get("/").header("x-beta", "1");
        counted(host, json!([{"header_value_match": header}]), [(get("/"), 200), (beta(), 200), (beta(), 429), (get("/"), 200)]);
        let header = json!({
            "descriptor_value": "old", "expect_match": false, "headers": [{"name": "x-beta", "present": true}],
        });
        counted(host, json!([{"header_value_match": header}]), [(get("/"), 200), (get("/"), 429), (beta(), 200), (beta(), 200)]);
        // Each line of a repeated header is matched separately, as in Envoy's own filters.
        let header = json!({"descriptor_value": "one", "headers": [{"name": "x-beta", "string_match": {"exact": "1"}}]});
        let both = || get("/").header("x-beta", "0").header("x-beta", "1");
        let expected = [(both(), 200), (both(), 429), (get("/").header("x-beta", "0,1"), 200)];
        counted(host, json!([{"header_value_match": header}]), expected);
        let query = json!({"descriptor_value": "debug", "query_parameters": [{"name": "debug", "exact": "1"}]});
        let expected = [(get("/?debug=1"), 200), (get("/?debug=1"), 429), (get("/?debug=2"), 200), (get("/"), 200)];
        counted(host, json!([{"query_parameter_value_match": query}]), expected);
    }

    fn by_networks_that_the_client_is_in(host) {
        let within = |invert| json!([{"remote_address_match": {"cidrs": ["127.0.0.0/8", "::1/128"], "invert": invert, "descriptor_value": "near"}}]);
        counted(host, within(false), [(get("/"), 200), (get("/"), 429)]);
        counted(host, within(true), [(get("/"), 200), (get("/"), 200)]);
    }

    fn by_the_route_and_its_cluster(host) {
        let route = |prefix: &str, name: &str, cluster: &str| {
            Route::new(PathMatch::Prefix(prefix.into()), RouteAction::Cluster(cluster.into())).named(name)
        };
        let scenario = |key| {
            with_limit(keyed(key))
                .upstream(Upstream::replies("one", tollgate_host_test::Response::new(200)))
                .upstream(Upstream::replies("two", tollgate_host_test::Response::new(200)))
                .route(route("/a", "first", "one"))
                .route(route("/b", "second", "one"))
                .route(route("/c", "third", "two"))
                .route(route("/", "", "two"))
        };
        let by_route = [(get("/a/1"), 200), (get("/a/2"), 429), (get("/b"), 200), (get("/c"), 200), (get("/"), 200), (get("/"), 200)];
        counted_in(host, scenario(json!([{"route": {}}])), by_route);
        let by_cluster = [(get("/a"), 200), (get("/b"), 429), (get("/c"), 200), (get("/"), 429)];
        counted_in(host, scenario(json!([{"source_cluster": {}}, {"destination_cluster": {}}])), by_cluster);
    }

    fn by_metadata_of_the_route(host) {
        let tier = |prefix: &str, tier: &str| {
            let mut route = Route::to(prefix, "shop");
            route.metadata.insert("shop".into(), json!({"plan": {"tier": tier}}));
            route
        };
        let metadata = json!({
            "descriptor_key": "tier", "source": "ROUTE_ENTRY",
            "metadata_key": {"key": "shop", "path": [{"key": "plan"}, {"key": "tier"}]},
        });
        let scenario = with_limit(keyed(json!([{"metadata": metadata}])))
            .upstream(Upstream::replies("shop", tollgate_host_test::Response::new(200)))
            .route(tier("/a", "gold"))
            .route(tier("/b", "gold"))
            .route(tier("/c", "silver"))
            .route(Route::to("/", "shop"));
        let expected = [(get("/a"), 200), (get("/b"), 429), (get("/c"), 200), (get("/d"), 200), (get("/d"), 200)];
        counted_in(host, scenario, expected);
    }

    /// Entries are separate: moving bytes from the end of one to the beginning of the next produces another
    /// key.
    fn by_several_actions_together(host) {
        let key = json!([
            {"request_headers": {"header_name": "x-a", "descriptor_key": "a"}},
            {"request_headers": {"header_name": "x-b", "descriptor_key": "b"}},
        ]);
        let both = |a: &str, b: &str| get("/").header("x-a", a).header("x-b", b);
        let expected = [
            (both("ab", "c"), 200), (both("a", "bc"), 200), (both("ab", "c"), 429), (get("/").header("x-a", "ab"), 200),
            (get("/").header("x-a", "ab"), 200),
        ];
        counted(host, key, expected);
    }

    fn by_claims_of_jwt_authn(host) {
        let token = |sub: &str, team: &str| {
            let claims = json!({"iss": "https://issuer.test", "sub": sub, "exp": 4_000_000_000_u64, "org": {"team": team}});
            get("/").header("authorization", format!("Bearer {}", Signer::rs256().token(&claims)))
        };
        let provider = json!({"issuer": "https://issuer.test", "local_jwks": {"inline_string": jwks(&[&Signer::rs256()])}});
        let jwt = Filter::new(Wasm::package("tollgate-jwt-authn")).config(json!({
            "providers": {"main": provider},
            "rules": [{"requires": {"requires_any": {"requirements": [{"provider_name": "main"}, {"allow_missing": {}}]}}}],
        }));
        let behind = |key| {
            let limited = filter().config(json!({"limits": {"one": keyed(key)}}));
            let apart = Scenario::new().filter(jwt.clone()).filter(limited);
            [apart.clone(), apart.in_one_module_of(&MODULE)]
        };
        let counted_in = |host, scenarios: [Scenario; 2], expected: &[(Request, u16)]| {
            scenarios.into_iter().for_each(|scenario| counted_in(host, scenario, expected.iter().cloned()));
        };
        let by_principal =
            [(token("a", "x"), 200), (token("a", "y"), 429), (token("b", "x"), 200), (get("/"), 200), (get("/"), 200)];
        counted_in(host, behind(json!([{"principal": {}}])), &by_principal);
        let by_claim = [(token("a", "x"), 200), (token("b", "x"), 429), (token("a", "y"), 200), (get("/"), 200), (get("/"), 200)];
        counted_in(host, behind(json!([{"claim": {"name": "org.team", "descriptor_key": "team"}}])), &by_claim);
        let by_state = [(token("a", "x"), 200), (token("b", "y"), 429), (get("/"), 200), (get("/"), 200)];
        counted_in(host, behind(json!([{"filter_state": {"key": "wasm.jwt_authn.provider"}}])), &by_state);
    }

    fn some_values_have_rates_of_their_own(host) {
        let overrides = json!([
            {"when": {"team": {"exact": "gold"}}, "rates": [bucket(3)]},
            {"when": {"team": {"prefix": "go"}}, "rates": [bucket(2)]},
            {"when": {"team": {"exact": "barred"}}, "rates": [bucket(0)]},
        ]);
        let limit = json!({
            "key": [{"request_headers": {"header_name": "x-team", "descriptor_key": "team"}}],
            "rates": [bucket(1)],
            "overrides": overrides,
        });
        let mut expected = Vec::new();
        for (name, most) in [("gold", 3), ("good", 2), ("other", 1), ("barred", 0)] {
            expected.extend((0..=most).map(|n| (team(name), if n < most { 200 } else { 429 })));
        }
        counted_in(host, with_limit(limit), expected);
    }

    fn some_networks_have_rates_of_their_own(host) {
        let limit = |cidr: &str| json!({
            "key": [{"remote_address": {}}],
            "rates": [bucket(1)],
            "overrides": [{"when": {"remote_address": {"cidr": cidr}}, "rates": [bucket(2)]}],
        });
        counted_in(host, with_limit(limit("127.0.0.0/8")), [(get("/"), 200), (get("/"), 200), (get("/"), 429)]);
        counted_in(host, with_limit(limit("10.0.0.0/8")), [(get("/"), 200), (get("/"), 429)]);
    }

    fn the_first_rule_that_matches_selects_the_limits(host) {
        let limit = |most| json!({"rates": [bucket(most)]});
        let config = json!({
            "limits": {"api": limit(2), "writes": limit(1), "shop": limit(0)},
            "rules": [
                {"match": {"paths": [{"prefix": "/api/open"}]}, "limits": []},
                {"match": {"paths": [{"prefix": "/api"}], "methods": ["POST", "PUT"]}, "limits": ["writes", "api"]},
                {"match": {"paths": [{"prefix": "/api"}]}, "limits": ["api"]},
                {"match": {"hosts": [{"exact": "shop.test"}]}, "limits": ["shop"]},
            ],
        });
        let expected = [
            (get("/api/open"), 200), (Request::new("PUT", "/api"), 200), (Request::new("PUT", "/api"), 429),
            (get("/api/1"), 200), (get("/api/2"), 429), (get("/api/open"), 200),
            (get("/").authority("shop.test"), 429), (get("/").authority("Shop.Test:80"), 429), (get("/"), 200),
        ];
        counted_in(host, with(config), expected);
    }
}

/// By default Envoy takes the last address of `x-forwarded-for` for the client's.
#[test]
fn by_the_address_that_envoy_takes_for_the_clients() {
    for host in [Host::Emulator, Host::Envoy] {
        by_the_address(host);
    }
}

fn by_the_address(host: Host) {
    let from = |address: &str| get("/").header("x-forwarded-for", address);
    let expected = [
        (from("192.0.2.1"), 200),
        (from("192.0.2.1"), 429),
        (from("192.0.2.2"), 200),
        (from("203.0.113.9, 192.0.2.1"), 429),
        (from("2001:db8::1"), 200),
        (from("2001:DB8:0::1"), 429),
        (from("2001:db8::2"), 200),
        (from("::ffff:192.0.2.1"), 429),
        (get("/"), 200),
        (get("/"), 429),
    ];
    counted(host, json!([{"remote_address": {}}]), expected);
    let masked = json!([{"masked_remote_address": {"v4_prefix_mask_len": 24, "v6_prefix_mask_len": 64}}]);
    let expected = [
        (from("192.0.2.1"), 200),
        (from("192.0.2.200"), 429),
        (from("192.0.3.1"), 200),
        (from("2001:db8::1"), 200),
        (from("2001:db8::ffff:1"), 429),
        (from("2001:db8:0:1::1"), 200),
    ];
    counted(host, masked, expected);
}

/// Metadata of an earlier filter, Envoy's `header_to_metadata`.
#[test]
fn by_metadata_of_the_request() {
    let rule = json!({
        "header": "x-tier", "on_header_present": {"metadata_namespace": "shop", "key": "tier"},
    });
    let native = json!({
        "@type": "type.googleapis.com/envoy.extensions.filters.http.header_to_metadata.v3.Config",
        "request_rules": [rule],
    });
    let metadata = json!({
        "descriptor_key": "tier", "source": "DYNAMIC",
        "metadata_key": {"key": "shop", "path": [{"key": "tier"}]}, "default_value": "none",
    });
    let scenario = Scenario::new()
        .native_filter("envoy.filters.http.header_to_metadata", native)
        .filter(filter().config(json!({"limits": {"one": keyed(json!([{"metadata": metadata}]))}})));
    let tier = |name: &str| get("/").header("x-tier", name);
    let expected = [(tier("a"), 200), (tier("a"), 429), (tier("b"), 200), (get("/"), 200), (get("/"), 429)];
    counted_in(Host::Envoy, scenario, expected);
}
