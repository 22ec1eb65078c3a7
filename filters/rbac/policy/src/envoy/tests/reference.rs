//! An interpreter of configurations, written after Envoy's rules and without the code of this module.
//! Generators of configurations and requests that it understands.

use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};
use std::net::Ipv4Addr;

/// Returns a typed extension.
pub(super) fn extension(kind: &str, mut message: Value) -> Value {
    message["@type"] = format!("type.googleapis.com/{kind}").into();
    json!({"name": "extension", "typed_config": message})
}

/// Returns a branch that ends in an action.
pub(super) fn action(name: &str, action: &str) -> Value {
    json!({"action": extension("envoy.config.rbac.v3.Action", json!({"name": name, "action": action}))})
}

/// Returns an input without fields.
pub(super) fn input(kind: &str) -> Value {
    extension(&format!("envoy.extensions.matching.common_inputs.{kind}"), json!({}))
}

/// Returns the input of a header.
pub(super) fn header_input(name: &str) -> Value {
    extension("envoy.type.matcher.v3.HttpRequestHeaderMatchInput", json!({"header_name": name}))
}

/// Generates requests of few values, so that tests match often.
pub(super) fn requests() -> impl Strategy<Value = Vec<Value>> {
    let header = |name: &'static str| {
        prop::option::of(texts()).prop_map(move |value| value.map(|value| json!([name, value])))
    };
    let sni = select(vec!["", "a.test", "b.a.test", "test", "c"]);
    let request = (header("x"), header("y"), addresses(), addresses(), 0u16..4, texts(), values(), sni);
    let request = request.prop_map(|(x, y, peer, remote, port, text, value, sni)| {
        json!({
            "headers": x.into_iter().chain(y).collect::<Vec<_>>(),
            "path": format!("/{text}?q={text}"),
            "method": "GET",
            "peer": peer,
            "remote": remote,
            "port": port,
            "sni": sni,
            "filter_state": {"k": text},
            "metadata": {"f": {"k": value}},
        })
    });
    prop::collection::vec(request, 8)
}

fn texts() -> impl Strategy<Value = &'static str> + Clone {
    select(vec!["", "a", "b", "ab", "abc", "1", "12"])
}

fn addresses() -> impl Strategy<Value = &'static str> + Clone {
    select(vec!["10.0.0.1", "10.0.0.2", "10.1.0.1", "11.0.0.1", "192.0.2.1"])
}

fn values() -> impl Strategy<Value = Value> {
    select(vec![
        json!(null),
        json!(true),
        json!(1),
        json!("a"),
        json!("ab"),
        json!([1, "a"]),
        json!({"k": 1}),
    ])
}

pub(super) fn networks() -> impl Strategy<Value = Value> + Clone {
    let networks = [("10.0.0.0", 8), ("10.0.0.0", 30), ("10.1.0.0", 16), ("0.0.0.0", 0), ("192.0.2.1", 32)];
    select(networks.map(|(a, n)| json!({"address_prefix": a, "prefix_len": n})).to_vec())
}

pub(super) fn string_matchers() -> impl Strategy<Value = Value> + Clone {
    let text = select(vec!["a", "ab", "b", "1"]);
    let pattern = (select(vec!["exact", "prefix", "suffix", "contains"]), text, any::<bool>())
        .prop_map(|(kind, text, ignore_case)| json!({kind: text, "ignore_case": ignore_case}));
    prop_oneof![pattern, Just(json!({"exact": ""})), Just(json!({"safe_regex": {"regex": "a.*"}}))]
}

/// Matchers that can match a path: other patterns must begin with a slash, and the texts here do not.
fn path_matchers() -> impl Strategy<Value = Value> + Clone {
    let pattern = (select(vec!["suffix", "contains"]), select(vec!["a", "ab", "b", "1"]))
        .prop_map(|(kind, text)| json!({kind: text}));
    prop_oneof![pattern, Just(json!({"exact": ""}))]
}

pub(super) fn string_matches(matcher: &Value, text: &str) -> bool {
    if let Some(pattern) = matcher["exact"].as_str() {
        return text == pattern;
    }
    let pattern = |name: &str| matcher[name].as_str();
    pattern("prefix").is_some_and(|pattern| text.starts_with(pattern))
        || pattern("suffix").is_some_and(|pattern| text.ends_with(pattern))
        || pattern("contains").is_some_and(|pattern| text.contains(pattern))
        || matcher["safe_regex"]["regex"] == "a.*" && text.starts_with('a')
}

pub(super) fn in_network(network: &Value, address: &str) -> bool {
    let bits = |text: &str| text.parse::<Ipv4Addr>().unwrap().to_bits();
    let length = u32::try_from(network["prefix_len"].as_u64().unwrap()).unwrap();
    let mask = u32::MAX.checked_shl(32 - length).unwrap_or(0);
    bits(address) & mask == bits(network["address_prefix"].as_str().unwrap())
}

/// Generates permissions or principals: `sets` are the names of the lists and of their fields.
fn tests(
    leaves: impl Strategy<Value = Value> + 'static,
    and: &'static str,
    or: &'static str,
    not: &'static str,
    list: &'static str,
) -> impl Strategy<Value = Value> {
    let common = prop_oneof![
        Just(json!({"any": true})),
        (headers(), any::<bool>(), any::<bool>()).prop_map(|(mut header, invert, as_empty)| {
            header["invert_match"] = invert.into();
            if header.get("present_match").is_none() {
                header["treat_missing_header_as_empty"] = as_empty.into();
            }
            json!({"header": header})
        }),
        path_matchers().prop_map(|matcher| json!({"url_path": {"path": matcher}})),
        (value_matchers(), any::<bool>()).prop_map(|(value, invert)| {
            json!({"metadata": {"filter": "f", "path": [{"key": "k"}], "value": value, "invert": invert}})
        }),
    ];
    prop_oneof![3 => common, 2 => leaves].prop_recursive(4, 24, 4, move |inner| {
        let parts = prop::collection::vec(inner.clone(), 1..4);
        prop_oneof![
            parts.clone().prop_map(move |parts| json!({and: {list: parts}})),
            parts.prop_map(move |parts| json!({or: {list: parts}})),
            inner.prop_map(move |part| json!({not: part})),
        ]
    })
}

pub(super) fn permissions() -> impl Strategy<Value = Value> {
    let leaves = prop_oneof![
        (0u16..4).prop_map(|port| json!({"destination_port": port})),
        (0u16..3, 1u16..3)
            .prop_map(|(port, n)| { json!({"destination_port_range": {"start": port, "end": port + n}}) }),
        string_matchers().prop_map(|matcher| json!({"requested_server_name": matcher})),
    ];
    tests(leaves, "and_rules", "or_rules", "not_rule", "rules")
}

pub(super) fn principals() -> impl Strategy<Value = Value> {
    let leaves = prop_oneof![
        networks().prop_map(|network| json!({"direct_remote_ip": network})),
        networks().prop_map(|network| json!({"remote_ip": network})),
        string_matchers().prop_map(|matcher| json!({"filter_state": {"key": "k", "string_match": matcher}})),
    ];
    tests(leaves, "and_ids", "or_ids", "not_id", "ids")
}

fn headers() -> impl Strategy<Value = Value> {
    let name = select(vec!["x", "y"]);
    prop_oneof![
        (name.clone(), string_matchers()).prop_map(|(name, m)| json!({"name": name, "string_match": m})),
        (name.clone(), any::<bool>()).prop_map(|(name, is)| json!({"name": name, "present_match": is})),
        (name, 0i64..3, 1i64..20)
            .prop_map(|(name, a, n)| json!({"name": name, "range_match": {"start": a, "end": a + n}})),
    ]
}

fn value_matchers() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(json!({"null_match": {}})),
        Just(json!({"present_match": true})),
        any::<bool>().prop_map(|is| json!({"bool_match": is})),
        Just(json!({"double_match": {"exact": 1.0}})),
        string_matchers().prop_map(|matcher| json!({"string_match": matcher})),
    ];
    leaf.prop_recursive(2, 6, 2, |inner| {
        prop_oneof![
            inner.clone().prop_map(|one| json!({"list_match": {"one_of": one}})),
            prop::collection::vec(inner, 2).prop_map(|all| json!({"or_match": {"value_matchers": all}})),
        ]
    })
}

/// Returns whether a permission or a principal matches.
pub(super) fn matches(test: &Value, request: &Value) -> bool {
    let (kind, value) = test.as_object().unwrap().iter().next().unwrap();
    let text = |name: &str| request[name].as_str().unwrap();
    match kind.as_str() {
        "any" => true,
        "and_rules" => value["rules"].as_array().unwrap().iter().all(|test| matches(test, request)),
        "and_ids" => value["ids"].as_array().unwrap().iter().all(|test| matches(test, request)),
        "or_rules" => value["rules"].as_array().unwrap().iter().any(|test| matches(test, request)),
        "or_ids" => value["ids"].as_array().unwrap().iter().any(|test| matches(test, request)),
        "not_rule" | "not_id" => !matches(value, request),
        "header" => header_matches(value, request),
        "url_path" => string_matches(&value["path"], text("path").split('?').next().unwrap()),
        "metadata" => {
            value_matches(&value["value"], &request["metadata"]["f"]["k"]) != (value["invert"] == true)
        }
        "destination_port" => *value == request["port"],
        "destination_port_range" => {
            let port = request["port"].as_u64();
            value["start"].as_u64() <= port && port < value["end"].as_u64()
        }
        "requested_server_name" => string_matches(value, text("sni")),
        "direct_remote_ip" => in_network(value, text("peer")),
        "remote_ip" => in_network(value, text("remote")),
        "filter_state" => {
            string_matches(&value["string_match"], request["filter_state"]["k"].as_str().unwrap())
        }
        other => panic!("{other}"),
    }
}

pub(super) fn line<'r>(name: &Value, request: &'r Value) -> Option<&'r str> {
    let line = request["headers"].as_array().unwrap().iter().find(|line| line[0] == *name)?;
    line[1].as_str()
}

fn header_matches(header: &Value, request: &Value) -> bool {
    let found = line(&header["name"], request);
    let invert = header["invert_match"] == true;
    if let Some(expected) = header["present_match"].as_bool() {
        return (found.is_some() == expected) != invert;
    }
    let Some(found) = found.or((header["treat_missing_header_as_empty"] == true).then_some("")) else {
        return false;
    };
    let matches = match &header["range_match"] {
        Value::Null => string_matches(&header["string_match"], found),
        range => found.parse::<i64>().is_ok_and(|number| {
            range["start"].as_i64().unwrap() <= number && number < range["end"].as_i64().unwrap()
        }),
    };
    matches != invert
}

fn value_matches(matcher: &Value, value: &Value) -> bool {
    let (kind, pattern) = matcher.as_object().unwrap().iter().next().unwrap();
    match kind.as_str() {
        "null_match" => value.is_null(),
        "present_match" => true,
        "bool_match" => value == pattern,
        "double_match" => value.as_f64() == pattern["exact"].as_f64(),
        "string_match" => value.as_str().is_some_and(|text| string_matches(pattern, text)),
        "list_match" => {
            value.as_array().is_some_and(|list| list.iter().any(|one| value_matches(&pattern["one_of"], one)))
        }
        _ => pattern["value_matchers"].as_array().unwrap().iter().any(|one| value_matches(one, value)),
    }
}
