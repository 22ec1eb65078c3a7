//! A walk of the generic matcher, written after Envoy's rules and without the code of this module.

use super::reference::{
    action, extension, header_input, in_network, input, line, networks, string_matchers, string_matches,
};
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

/// Generates matchers.
pub(super) fn matcher() -> impl Strategy<Value = Value> {
    let names = select(vec!["p", "q", "r", "s"]);
    let leaf = (names, select(vec!["ALLOW", "DENY", "LOG"])).prop_map(|(name, kind)| action(name, kind));
    let branch = leaf.prop_recursive(3, 24, 4, |branch| {
        let trees = prop_oneof![
            lists(branch.clone()),
            maps(branch.clone()),
            ranges(branch.clone()),
            domains(branch.clone())
        ];
        (trees, prop::option::of(branch)).prop_map(|(mut matcher, on_no_match)| {
            if let Some(on_no_match) = on_no_match {
                matcher["on_no_match"] = on_no_match;
            }
            json!({"matcher": matcher})
        })
    });
    branch.prop_map(|mut branch| match branch["matcher"].take() {
        Value::Null => json!({"on_no_match": {"action": branch["action"].take()}}),
        matcher => matcher,
    })
}

type Branch = BoxedStrategy<Value>;

fn lists(branch: impl Strategy<Value = Value> + 'static) -> Branch {
    let leaf = prop_oneof![
        string_matchers().prop_map(|matcher| {
            json!({"single_predicate": {"input": header_input("x"), "value_match": matcher}})
        }),
        (0u16..4).prop_map(|port| json!({"single_predicate": {
            "input": input("network.v3.DestinationPortInput"), "value_match": {"exact": port.to_string()},
        }})),
    ];
    let predicate = leaf.prop_recursive(2, 8, 2, |inner| {
        let two = prop::collection::vec(inner.clone(), 2);
        prop_oneof![
            two.clone().prop_map(|two| json!({"or_matcher": {"predicate": two}})),
            two.prop_map(|two| json!({"and_matcher": {"predicate": two}})),
            inner.prop_map(|one| json!({"not_matcher": one})),
        ]
    });
    let matcher =
        (predicate, branch).prop_map(|(test, branch)| json!({"predicate": test, "on_match": branch}));
    prop::collection::vec(matcher, 1..4)
        .prop_map(|matchers| json!({"matcher_list": {"matchers": matchers}}))
        .boxed()
}

fn maps(branch: impl Strategy<Value = Value> + 'static) -> Branch {
    let keys = select(vec!["", "a", "b", "ab", "abc"]);
    let map = prop::collection::btree_map(keys, branch, 1..4);
    (map, select(vec!["exact_match_map", "prefix_match_map"]))
        .prop_map(|(map, kind)| json!({"matcher_tree": {"input": header_input("x"), kind: {"map": map}}}))
        .boxed()
}

fn ranges(branch: impl Strategy<Value = Value> + 'static) -> Branch {
    let range = (prop::collection::vec(networks(), 1..3), branch, any::<bool>());
    let range = range.prop_map(
        |(ranges, branch, exclusive)| json!({"ranges": ranges, "on_match": branch, "exclusive": exclusive}),
    );
    prop::collection::vec(range, 1..4)
        .prop_map(|ranges| {
            let matcher = extension("xds.type.matcher.v3.IPMatcher", json!({"range_matchers": ranges}));
            json!({"matcher_tree": {"input": input("network.v3.SourceIPInput"), "custom_match": matcher}})
        })
        .boxed()
}

fn domains(branch: impl Strategy<Value = Value> + 'static) -> Branch {
    let names = vec!["*", "*.test", "*.a.test", "a.test", "c"];
    prop::collection::btree_map(select(names), branch, 1..4)
        .prop_map(|map| {
            let matchers: Vec<_> = map
                .into_iter()
                .map(|(name, branch)| json!({"domains": [name], "on_match": branch}))
                .collect();
            let matcher =
                extension("xds.type.matcher.v3.ServerNameMatcher", json!({"domain_matchers": matchers}));
            json!({"matcher_tree": {"input": input("network.v3.ServerNameInput"), "custom_match": matcher}})
        })
        .boxed()
}

/// Returns the policy that decides, and its action.
pub(super) fn decide(matcher: &Value, request: &Value) -> Option<(String, &'static str)> {
    let branches = match (&matcher["matcher_list"], &matcher["matcher_tree"]) {
        (Value::Null, Value::Null) => Vec::new(),
        (Value::Null, tree) => of_tree(tree, request),
        (list, _) => {
            let matchers = list["matchers"].as_array().unwrap().iter();
            let matching = matchers.filter(|matcher| predicate(&matcher["predicate"], request));
            matching.map(|matcher| &matcher["on_match"]).collect()
        }
    };
    let found = branches.into_iter().find_map(|branch| follow(branch, request));
    found.or_else(|| follow(&matcher["on_no_match"], request))
}

fn follow(branch: &Value, request: &Value) -> Option<(String, &'static str)> {
    if branch["matcher"].is_object() {
        return decide(&branch["matcher"], request);
    }
    let config = &branch["action"]["typed_config"];
    let kind = ["ALLOW", "DENY", "LOG"].into_iter().find(|kind| config["action"] == *kind)?;
    Some((config["name"].as_str()?.to_owned(), kind))
}

fn predicate(test: &Value, request: &Value) -> bool {
    let (kind, value) = test.as_object().unwrap().iter().next().unwrap();
    match kind.as_str() {
        "or_matcher" => value["predicate"].as_array().unwrap().iter().any(|one| predicate(one, request)),
        "and_matcher" => value["predicate"].as_array().unwrap().iter().all(|one| predicate(one, request)),
        "not_matcher" => !predicate(value, request),
        _ if value["input"]["typed_config"]["header_name"] == "x" => {
            line(&json!("x"), request).is_some_and(|text| string_matches(&value["value_match"], text))
        }
        _ => value["value_match"]["exact"].as_str() == Some(&*request["port"].to_string()),
    }
}

/// Returns the branches of a tree that apply, in the order in which they are tried.
fn of_tree<'m>(tree: &'m Value, request: &Value) -> Vec<&'m Value> {
    let keys = |kind: &str| tree[kind]["map"].as_object();
    if let Some(map) = keys("exact_match_map") {
        return line(&json!("x"), request).and_then(|text| map.get(text)).into_iter().collect();
    }
    if let Some(map) = keys("prefix_match_map") {
        let Some(text) = line(&json!("x"), request) else { return Vec::new() };
        return (0..=text.len()).rev().filter_map(|length| map.get(text.get(..length)?)).collect();
    }
    let config = &tree["custom_match"]["typed_config"];
    if let Some(matchers) = config["range_matchers"].as_array() {
        let mut nodes = Vec::new();
        for (index, matcher) in matchers.iter().enumerate() {
            for range in matcher["ranges"].as_array().unwrap() {
                if in_network(range, request["remote"].as_str().unwrap()) {
                    nodes.push((range["prefix_len"].as_u64().unwrap(), index, matcher));
                }
            }
        }
        nodes.sort_by_key(|(length, index, _)| (core::cmp::Reverse(*length), *index));
        let usable =
            nodes.iter().enumerate().filter(|(place, (_, _, m))| *place == 0 || m["exclusive"] != true);
        return usable.map(|(_, (_, _, matcher))| &matcher["on_match"]).collect();
    }
    let name = request["sni"].as_str().unwrap();
    let find = |domain: &str| {
        let matchers = config["domain_matchers"].as_array().unwrap();
        matchers.iter().find(|matcher| matcher["domains"][0] == domain).map(|matcher| &matcher["on_match"])
    };
    if name.is_empty() {
        return Vec::new();
    }
    let suffixes = name.match_indices('.').filter_map(|(at, _)| find(&format!("*{}", name.get(at..)?)));
    find(name).into_iter().chain(suffixes).chain(find("*")).collect()
}
