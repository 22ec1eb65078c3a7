//! Sends the same requests through Envoy's own `ratelimit` filter and through this one, with the same
//! actions. The service must receive the same descriptors in the same order.
//!
//! Exceptions are [`DIFFERING`], and metadata: in Envoy's filter only strings are values. Here, all types
//! are, because the host does not report the type.

use super::proxy::{Proxy, grpc};
use crate::support::{CLUSTER, config, entries, filter};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use tollgate_host_test::envoy::bootstrap::{
    any, any_host, bootstrap, cluster, connection_manager, listener, wasm,
};
use tollgate_limiter::{Limiter, Storage};
use tollgate_rate_limit_service::Request;

const NATIVE: &str = "envoy.extensions.filters.http.ratelimit.v3.RateLimit";

/// Answers whatever comes with 200. Its threads end with the test.
fn backend() -> SocketAddr {
    let socket = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let at = socket.local_addr().expect("it is bound");
    let answer = |connection: TcpStream| {
        let mut writing = connection.try_clone().expect("a socket");
        for line in BufReader::new(connection).lines() {
            // The end of a request's headers; none has a body.
            if line.is_ok_and(|line| line.is_empty()) {
                let written = writing.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
                written.expect("it is sent");
            }
        }
    };
    std::thread::spawn(move || {
        for connection in socket.incoming().flatten() {
            std::thread::spawn(move || answer(connection));
        }
    });
    at
}

/// Both filters, each on a listener of its own in front of the same routes, and the service that both ask.
struct Both {
    limiter: Limiter,
    proxy: Proxy,
}

impl Both {
    /// Starts with lists of actions, each used as `rate_limits` of Envoy and as the `key` of a limit.
    fn start(actions: &[Value]) -> Self {
        let limiter = Limiter::start(&[], Storage::Memory);
        let routes = |limits: &[Value]| {
            let action = json!({"cluster": "backend", "rate_limits": limits});
            let metadata =
                json!({"filter_metadata": {"shop": {"tier": "gold", "deep": {"er": "down"}, "number": 7}}});
            let route =
                json!({"match": {"prefix": "/"}, "name": "a route", "route": action, "metadata": metadata});
            any_host(&[route])
        };
        let limits: Vec<_> = actions.iter().map(|actions| json!({"actions": of_envoy(actions)})).collect();
        let native = json!({
            "domain": "shop",
            "timeout": "10s",
            "failure_mode_deny": true,
            "rate_limit_service": {
                "transport_api_version": "V3",
                "grpc_service": {"envoy_grpc": {"cluster_name": CLUSTER}},
            },
        });
        let native = json!({"name": "envoy.filters.http.ratelimit", "typed_config": any(NATIVE, native)});
        let mut ours = config(json!({
            "rate_limit_service": {"failure_mode": "deny", "cache": {"lease_hits": 1, "over_limit": false}},
        }));
        ours["limits"] = json!({});
        for (index, key) in actions.iter().enumerate() {
            ours["limits"][format!("l{index:02}")] = json!({"key": key, "service": {}});
        }
        let at = (Ipv4Addr::LOCALHOST, 0).into();
        let listeners = [
            listener("native", at, connection_manager(vec![native], &[routes(&limits)])),
            listener("ours", at, connection_manager(vec![wasm(&filter().config(ours))], &[routes(&[])])),
        ];
        let clusters = [cluster("backend", backend(), false), grpc(CLUSTER, limiter.port())];
        let proxy = Proxy::of(1, &bootstrap(&listeners, &clusters));
        Self { limiter, proxy }
    }

    /// Returns the call to the service for a request to a listener; `None` if there is no call.
    fn asked(&self, listener: &str, path: &str, headers: &[(&str, &str)]) -> Option<Request> {
        let answer = self.proxy.client(listener).send(path, headers);
        assert_eq!(answer.status, 200, "{listener}, {path}, {headers:?}: {answer:?}");
        let mut asked = self.limiter.take_requests();
        assert!(asked.len() <= 1, "{asked:?}");
        asked.pop()
    }

    /// Returns the descriptors that differ: Envoy's first.
    #[track_caller]
    fn differ(&self, path: &str, headers: &[(&str, &str)]) -> [Vec<Entries>; 2] {
        let headers = [&[("host", "Shop.test:8080")][..], headers].concat();
        let [native, ours] = ["native", "ours"].map(|listener| self.asked(listener, path, &headers));
        let told = |request: &Option<Request>| {
            // What Envoy's filter leaves to the service to take for 1 is 1.
            request.as_ref().map(|request| (request.domain.clone(), request.hits_addend.max(1)))
        };
        assert_eq!(told(&native), told(&ours), "{path}, {headers:?}");
        let [native, ours] =
            [native, ours].map(|request| request.as_ref().map(entries_of).unwrap_or_default());
        let only = |these: &[Entries], those: &[Entries]| -> Vec<Entries> {
            these.iter().filter(|one| !those.contains(one)).cloned().collect()
        };
        let differing = [only(&native, &ours), only(&ours, &native)];
        if differing.iter().all(Vec::is_empty) {
            assert_eq!(native, ours, "their order: {path}, {headers:?}");
        }
        differing
    }
}

/// Keys and values of a descriptor.
type Entries = Vec<(String, String)>;

/// As Envoy writes those that we write otherwise.
fn of_envoy(actions: &Value) -> Value {
    let mut actions = actions.clone();
    let members = actions.as_array_mut().expect("a list").iter_mut().map(|action| {
        action.as_object_mut().and_then(|action| action.values_mut().next()).expect("an action")
    });
    for action in members.filter_map(Value::as_object_mut) {
        if let Some(cidrs) = action.remove("cidrs") {
            let ranges: Vec<_> = cidrs.as_array().expect("a list").iter().map(range).collect();
            let invert = action.remove("invert").unwrap_or(json!(false));
            action.insert("address_matcher".into(), json!({"ranges": ranges, "invert_match": invert}));
        }
        for list in ["headers", "query_parameters"] {
            for matcher in action.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten() {
                let matcher = matcher.as_object_mut().expect("an object");
                for (ours, envoys) in [("present", "present_match"), ("invert", "invert_match")] {
                    if let Some(value) = matcher.remove(ours) {
                        matcher.insert(envoys.into(), value);
                    }
                }
                for kind in ["exact", "prefix"] {
                    if let Some(text) = matcher.remove(kind) {
                        matcher.insert("string_match".into(), json!({(kind): text}));
                    }
                }
            }
        }
    }
    actions
}

fn range(cidr: &Value) -> Value {
    let (prefix, length) = cidr.as_str().and_then(|cidr| cidr.split_once('/')).expect("a network");
    let length: u32 = length.parse().expect("a number");
    json!({"address_prefix": prefix, "prefix_len": length})
}

fn entries_of(request: &Request) -> Vec<Entries> {
    let owned = |list: Vec<(&str, &str)>| {
        list.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
    };
    entries(request).into_iter().map(owned).collect()
}

fn actions() -> Vec<Value> {
    let metadata = |key: &str, path: &[&str], more: Value| {
        let path: Vec<_> = path.iter().map(|key| json!({"key": key})).collect();
        let mut action = json!({"descriptor_key": "m", "metadata_key": {"key": key, "path": path}});
        for (name, value) in more.as_object().expect("an object") {
            action[name] = value.clone();
        }
        json!([{ "metadata": action }])
    };
    let header = |name: &str| json!({"request_headers": {"header_name": name, "descriptor_key": name.trim_start_matches(':')}});
    let string = |name: &str, exact: &str| json!({"name": name, "exact": exact});
    vec![
        json!([{"remote_address": {}}]),
        json!([{"masked_remote_address": {}}]),
        json!([{"masked_remote_address": {"v4_prefix_mask_len": 9}}]),
        json!([{"source_cluster": {}}]),
        json!([{"destination_cluster": {}}]),
        json!([{"source_cluster": {}}, {"destination_cluster": {}}, {"remote_address": {}}]),
        json!([{"generic_key": {"descriptor_value": "all"}}]),
        json!([{"generic_key": {"descriptor_value": "all", "descriptor_key": "who"}}]),
        json!([header("x-a")]),
        json!([header(":path")]),
        json!([header(":method")]),
        json!([header(":authority")]),
        json!([header("x-a"), header("x-b")]),
        json!([{"generic_key": {"descriptor_value": "g"}},
            {"request_headers": {"header_name": "x-b", "descriptor_key": "b", "skip_if_absent": true}}]),
        json!([{"header_value_match": {"descriptor_value": "is", "headers": [string("x-a", "one")]}}]),
        json!([{"header_value_match": {"descriptor_value": "is not", "expect_match": false,
            "descriptor_key": "n", "headers": [string("x-a", "one")]}}]),
        json!([{"header_value_match": {"descriptor_value": "here", "headers": [{"name": "x-b", "present": true}]}}]),
        json!([{"header_value_match": {"descriptor_value": "gone", "headers": [{"name": "x-b", "present": false}]}}]),
        json!([{"header_value_match": {"descriptor_value": "first two", "headers": [string("x-a", "one,two")]}}]),
        json!([{"header_value_match": {"descriptor_value": "inverted", "headers": [
            {"name": "x-a", "exact": "one", "invert": true}]}}]),
        // As Envoy spells them.
        json!([{"header_value_match": {"descriptor_value": "as Envoy", "headers": [
            {"name": "x-a", "string_match": {"prefix": "O", "ignore_case": true}},
            {"name": "x-b", "present_match": true}]}}]),
        json!([{"query_parameter_value_match": {"descriptor_value": "as Envoy", "query_parameters": [
            {"name": "q", "string_match": {"exact": "1"}}]}}]),
        json!([{"header_value_match": {"descriptor_value": "both", "headers": [string("x-a", "one"), {"name": "x-b", "prefix": "t"}]}}]),
        json!([{"query_parameter_value_match": {"descriptor_value": "q", "query_parameters": [string("q", "1")]}}]),
        json!([{"query_parameter_value_match": {"descriptor_value": "no q", "expect_match": false,
            "query_parameters": [{"name": "q", "present": true}]}}]),
        json!([{"query_parameters": {"query_parameter_name": "q", "descriptor_key": "q"}}]),
        json!([{"query_parameters": {"query_parameter_name": "r", "descriptor_key": "r", "skip_if_absent": true}},
            {"generic_key": {"descriptor_value": "g"}}]),
        metadata("shop", &["tier"], json!({"source": "ROUTE_ENTRY"})),
        metadata("shop", &["deep", "er"], json!({"source": "ROUTE_ENTRY"})),
        metadata("shop", &["nothing"], json!({"source": "ROUTE_ENTRY", "default_value": "none"})),
        metadata("shop", &["nothing"], json!({"source": "ROUTE_ENTRY"})),
        metadata("else", &["tier"], json!({"default_value": "by default"})),
        json!([{"remote_address_match": {"descriptor_key": "home", "descriptor_value": "lo",
            "cidrs": ["127.0.0.0/8"]}}]),
        json!([{"remote_address_match": {"descriptor_value": "away", "cidrs": ["127.0.0.0/8"], "invert": true}}]),
    ]
}

#[test]
fn calls_the_service_like_envoys_own_filter() {
    let both = Both::start(&actions());
    let plain = both.asked("ours", "/", &[("host", "a")]).expect("some descriptors");
    assert!(plain.descriptors.len() >= 14, "{plain:#?}");
    let requests = [
        ("/", vec![]),
        ("/a/b?q=1", vec![("x-a", "one")]),
        ("/a/b?q=2&q=1", vec![("x-a", "one"), ("x-b", "two")]),
        ("/?q=", vec![("x-a", "two"), ("x-b", "")]),
        ("/?q", vec![("x-a", "")]),
        ("/?r=x%20y+z&q=%31", vec![("x-b", "three")]),
        ("/%7Ea/../b//c", vec![("x-a", "one"), ("x-a", "two")]),
        ("/?r=%zz&Q=1", vec![("X-A", "One"), ("x-b", "  two  ")]),
        ("/?a=b&&q=1;r=2", vec![("x-a", "a, b"), ("x-b", "t")]),
        ("/?q=%C3%A4", vec![("x-a", "\u{e4}")]),
    ];
    let mut differing = Vec::new();
    for (path, headers) in requests {
        let [native, ours] = both.differ(path, &headers);
        if !native.is_empty() || !ours.is_empty() {
            differing.push(format!("{path} {headers:?}: {native:?} {ours:?}"));
        }
    }
    assert_eq!(differing, DIFFERING);
}

#[test]
fn neither_filter_calls_without_a_descriptor() {
    let both = Both::start(&[json!([{"request_headers": {"header_name": "x-a", "descriptor_key": "a"}}])]);
    for listener in ["native", "ours"] {
        assert_eq!(both.asked(listener, "/", &[("host", "a")]), None);
        assert!(both.asked(listener, "/", &[("host", "a"), ("x-a", "1")]).is_some());
    }
}

/// Each a request, what only Envoy's filter asks about, and what only this one does. It matches a parameter
/// that came twice by its first value and takes `+` for itself, as backends do not; and an inverted matcher
/// of a header that is not there matches nothing in it.
const DIFFERING: [&str; 3] = [
    r#"/ []: [] [[("header_match", "inverted")]]"#,
    r#"/a/b?q=2&q=1 [("x-a", "one"), ("x-b", "two")]: [] [[("query_match", "as Envoy")], [("query_match", "q")]]"#,
    r#"/?r=x%20y+z&q=%31 [("x-b", "three")]: [[("r", "x y+z"), ("generic_key", "g")]] [[("header_match", "inverted")], [("r", "x y z"), ("generic_key", "g")]]"#,
];
