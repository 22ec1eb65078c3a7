//! The index decides like a plain evaluation of all rules.

use super::*;
use crate::{Engine, Facts, Sources};
use proptest::prelude::*;

/// A part of a host or a path. Some begin or end with others.
fn part() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["a", "b", "ab", "aa", "A", "c"]).prop_map(String::from)
}

fn path() -> impl Strategy<Value = String> {
    prop::collection::vec(part(), 0..4).prop_map(|parts| format!("/{}", parts.join("/")))
}

fn host() -> impl Strategy<Value = String> {
    prop::collection::vec(part(), 1..3).prop_map(|parts| parts.join("."))
}

fn authority() -> impl Strategy<Value = String> {
    (host(), prop::sample::select(vec!["", ":80"])).prop_map(|(host, port)| host + port)
}

fn host_matcher() -> impl Strategy<Value = Value> {
    prop_oneof![
        host().prop_map(|host| json!({"exact": host, "ignore_case": true})),
        part().prop_map(|end| json!({ "suffix": end })),
        part().prop_map(|start| json!({ "prefix": start })),
    ]
}

fn path_matcher() -> impl Strategy<Value = Value> {
    let segment = prop_oneof![part(), Just("*".to_owned())];
    prop_oneof![
        path().prop_map(|path| json!({ "exact": path })),
        path().prop_map(|path| json!({ "prefix": path })),
        part().prop_map(|end| json!({ "suffix": end })),
        (prop::collection::vec(segment, 0..4), any::<bool>())
            .prop_map(|(parts, rest)| json!({"template": format!("/{}{}", parts.join("/"), if rest { "/**" } else { "" })})),
    ]
}

fn rule() -> impl Strategy<Value = Value> {
    let hosts = prop::collection::vec(host_matcher(), 0..3);
    let paths = prop::collection::vec(path_matcher(), 0..3);
    let methods = prop::sample::select(vec![json!([]), json!(["GET"]), json!(["PUT"])]);
    let action = prop::sample::select(vec!["allow", "deny"]);
    (hosts, paths, methods, action).prop_map(|(hosts, paths, methods, action)| {
        json!({"action": action, "match": {"hosts": hosts, "paths": paths, "methods": methods}})
    })
}

/// Requests per generated configuration.
const REQUESTS: usize = 50;

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn an_index_decides_like_a_scan(
        mut rules in prop::collection::vec(rule(), 17..30),
        requests in prop::collection::vec((authority(), path(), path(), any::<bool>()), REQUESTS),
    ) {
        for (index, rule) in rules.iter_mut().enumerate() {
            rule["name"] = index.to_string().into();
        }
        let plan = plan(json!({ "rules": rules })).unwrap();
        let (sources, environment) = (Sources::default(), Host::default());
        for (host, path, other, get) in requests {
            let method: &[u8] = if get { b"GET" } else { b"PUT" };
            let request = RequestFacts {
                authority: host.as_bytes(), path: path.as_bytes(), method, ..RequestFacts::default()
            };
            let readings = [path.as_bytes(), other.as_bytes()];
            for count in [1, 2] {
                let facts = Facts::new(&request, readings.get(..count).unwrap(), &sources, &environment);
                let scan = plan.engine.rules().find(|rule| rule.matches(&facts)).map(|rule| &rule.name);
                let verdict = Engine::verdict(&plan.engine, &facts, false);
                prop_assert_eq!(verdict.by.map(|rule| &rule.name), scan);
            }
        }
    }
}

#[test]
fn evaluates_few_of_ten_thousand_policies() {
    let rules = (0..10_000).map(|n| {
        json!({"name": format!("p{n}"), "action": "allow", "match": {
            "hosts": [{"exact": format!("s{}.test", n % 100)}],
            "paths": [{"template": format!("/v1/r{}/{{id}}", n / 100)}],
            "methods": ["GET"],
        }})
    });
    let policy = policy(json!({"rules": rules.collect::<Vec<_>>()}));
    let verdict = verdict(&policy, &Host::default(), &Req("GET", "s77.test", "/v1/r42/1", &[]));
    assert_eq!(verdict, "allowed");
}
