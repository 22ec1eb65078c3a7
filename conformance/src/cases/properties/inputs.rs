//! Metadata, filter state and addresses that a request has before the first Wasm filter.

use crate::Case;
use crate::script::calls::{get_property, get_property_length, get_value};
use serde_json::{Value, json};
use tollgate_host_test::Request;

fn case(name: &str, title: &str, paths: &[&str]) -> Case {
    let read = || paths.iter().map(|path| get_property(path.replace('.', "\0")));
    Case::new(format!("properties/{name}"), title).on("request_headers", read()).on("log", read())
}

/// Values in metadata: name, title, value, and paths below the value.
fn values() -> [(&'static str, &'static str, Value, &'static [&'static str]); 9] {
    [
        ("text", "a string is returned as it is, and has no fields", json!("a\u{e4}"), &["", ".x"]),
        ("number", "a number is a double, 8 bytes, and has no fields", json!(1_700_000_000), &["", ".x"]),
        ("bool", "a boolean is one byte", json!(true), &[""]),
        ("null", "null returns SerializationFailure", json!(null), &["", ".x"]),
        (
            "list",
            "a list is pairs with empty values; its elements have the indices from 0",
            json!(["a", 1, {"b": true}]),
            &["", ".0", ".1", ".2", ".2.b", ".3", ".-1", ".x"],
        ),
        ("empty-list", "an empty list has no pairs", json!([]), &["", ".0"]),
        (
            "struct",
            "a struct is a map, whose fields are found",
            json!({"a": {"b": "c"}}),
            &["", ".a", ".a.b", ".b"],
        ),
        (
            "struct-with-null",
            "a struct that contains null returns SerializationFailure",
            json!({"a": null}),
            &["", ".a", ".b"],
        ),
        (
            "list-with-null",
            "a list that contains null returns SerializationFailure",
            json!([null, 1]),
            &["", ".0", ".1"],
        ),
    ]
}

/// Cases with metadata and filter state.
pub fn cases() -> Vec<Case> {
    let with = |value: &Value| Request::get("/").metadata("ns", json!({"k": value}));
    let mut cases: Vec<Case> = values()
        .iter()
        .map(|(name, title, value, below)| {
            let paths: Vec<_> =
                below.iter().map(|path| format!("metadata.filter_metadata.ns.k{path}")).collect();
            let paths: Vec<_> = paths.iter().map(String::as_str).collect();
            case(&format!("metadata/{name}"), title, &paths).request(with(value))
        })
        .collect();
    cases.push(
        case(
            "metadata/message",
            "`metadata` is a message that contains all values with their types, null too",
            &["metadata"],
        )
        .requests(values().iter().map(|(_, _, value, _)| with(value))),
    );
    cases.push(
        case(
            "metadata/namespace",
            "a namespace is a map of its fields; it and the map of all namespaces return SerializationFailure if a \
             value in them is null",
            &["metadata.filter_metadata", "metadata.filter_metadata.ns"],
        )
        .requests(values().iter().map(|(_, _, value, _)| with(value))),
    );
    let state = |request: Request| request.filter_state("key", "text").filter_state("wasm.mine", "text");
    cases.push(
        case(
            "state/native",
            "filter state of Envoy's own filters is read under `filter_state`, not under its own name",
            &["filter_state.key", "filter_state.key.x", "key", "mine"],
        )
        .on("request_headers", ["filter_state\0wasm.mine", "wasm.mine"].map(get_property))
        .request(state(Request::get("/"))),
    );
    cases
}

const FORWARDED: [&str; 2] = ["x-forwarded-for", "x-envoy-external-address"];

fn behind(name: &str, title: &str, value: &str) -> Case {
    let title = format!("behind another proxy, {title}");
    let request = Request::get("/").peer([127, 0, 0, 5]).header("x-forwarded-for", value);
    case(&format!("connection/client/behind/{name}"), &title, &["source.address"])
        .on("request_headers", FORWARDED.map(|name| get_value(0, name)))
        .request(request)
}

/// Cases about the address of the client for a proxy that other proxies precede.
pub fn behind_a_proxy() -> Vec<Case> {
    let named = |name: &str, title: &str, value: &str| {
        behind(name, &format!("`source.address` is {title} in `x-forwarded-for`, with the port 0"), value)
    };
    vec![
        named("one", "the address", "203.0.113.9"),
        named("several", "the last address", "203.0.113.9, 198.51.100.7"),
        named("ipv6", "the address of IPv6", "2001:DB8:0::1"),
        behind("port", "`source.port` of a client in `x-forwarded-for` is 0", "203.0.113.9")
            .on("request_headers", [get_property("source\0port")]),
    ]
}

/// Cases about the address of the client for a proxy at the edge.
pub fn at_the_edge() -> Vec<Case> {
    let case = |name: &str, title: &str, value: Option<&str>| {
        let request = Request::get("/").peer([127, 0, 0, 5]);
        // The port of the peer differs in each run, but has five digits.
        Case::new(format!("properties/connection/client/edge/{name}"), format!("at the edge, {title}"))
            .on("request_headers", [get_property_length("source\0address")])
            .on("request_headers", FORWARDED.map(|name| get_value(0, name)))
            .request(match value {
                Some(value) => request.header("x-forwarded-for", value),
                None => request,
            })
    };
    vec![
        case("peer", "`source.address` is the peer, which the proxy adds to `x-forwarded-for`", None),
        case("forged", "`source.address` does not depend on `x-forwarded-for`", Some("203.0.113.9")),
    ]
}
