//! Inputs of a request that its own bytes do not contain: metadata, filter state, addresses, server names.

use super::{agree, guests};
use crate::call;
use crate::guest::{Do, Guest};
use serde_json::json;
use tollgate_host_test::{Certificate, Host, Request, Scenario, Settings, Tls};

/// Reads properties, and logs them.
fn read(paths: &[&str]) -> Vec<Do> {
    let call = |path: &&str| {
        let path = path.replace('.', "\0").replace('|', ".");
        call!("get_property", (path.as_str()), _, _)
    };
    guests::told(paths.iter().map(call).collect())
}

/// Reads the properties in the first and the last callback.
fn reads(paths: &[&str]) -> Scenario {
    Guest::new().on("request_headers", read(paths)).on("log", read(paths)).scenario()
}

fn get() -> Request {
    Request::get("/")
}

/// Reads one property at a time, each in its own request.
fn values() -> Scenario {
    let scenario = reads(&[
        "metadata.filter_metadata.ns.text",
        "metadata.filter_metadata.ns.text.x",
        "metadata.filter_metadata.ns.empty",
        "metadata.filter_metadata.ns.number",
        "metadata.filter_metadata.ns.number.x",
        "metadata.filter_metadata.ns.large",
        "metadata.filter_metadata.ns.fraction",
        "metadata.filter_metadata.ns.yes",
        "metadata.filter_metadata.ns.no",
        "metadata.filter_metadata.ns.null",
        "metadata.filter_metadata.ns.null.x",
        "metadata.filter_metadata.ns.list",
        "metadata.filter_metadata.ns.list.0",
        "metadata.filter_metadata.ns.list.1",
        "metadata.filter_metadata.ns.list.+1",
        "metadata.filter_metadata.ns.list. 1",
        "metadata.filter_metadata.ns.list.01",
        "metadata.filter_metadata.ns.list.9",
        "metadata.filter_metadata.ns.list.-1",
        "metadata.filter_metadata.ns.list.x",
        "metadata.filter_metadata.ns.list.",
        "metadata.filter_metadata.ns.mixed",
        "metadata.filter_metadata.ns.mixed.0",
        "metadata.filter_metadata.ns.mixed.1",
        "metadata.filter_metadata.ns.mixed.2",
        "metadata.filter_metadata.ns.mixed.3",
        "metadata.filter_metadata.ns.mixed.3.a",
        "metadata.filter_metadata.ns.mixed.3.a.0",
        "metadata.filter_metadata.ns.nulls",
        "metadata.filter_metadata.ns.nulls.0",
        "metadata.filter_metadata.ns.nulls.1",
        "metadata.filter_metadata.ns.none",
        "metadata.filter_metadata.ns.none.0",
        "metadata.filter_metadata.ns.struct",
        "metadata.filter_metadata.ns.struct.a",
        "metadata.filter_metadata.ns.struct.a.b",
        "metadata.filter_metadata.ns.struct.b",
        "metadata.filter_metadata.ns.bare",
        "metadata.filter_metadata.ns.bare.x",
        "metadata.filter_metadata.ns.with|dot",
        "metadata.filter_metadata.ns.nosuch",
        "metadata.filter_metadata.ns",
        "metadata.filter_metadata",
        "metadata.filter_metadata.NS.text",
        "metadata.filter_metadata.nosuch",
        "metadata.typed_filter_metadata",
        "metadata.typed_filter_metadata.ns",
        "metadata.ns",
    ]);
    scenario.request(get().metadata(
        "ns",
        json!({
            "text": "a\nb\u{e4}", "empty": "", "number": 3, "large": 1_700_000_000, "fraction": -0.5,
            "yes": true, "no": false, "null": null, "list": ["a", "bc"], "mixed": [1, true, "x", {"a": [2]}],
            "nulls": [null, 1], "none": [], "struct": {"a": {"b": "c"}}, "bare": {}, "with.dot": 1,
        }),
    ))
}

/// Compares everything that a filter can see of the addresses and the headers that depend on them.
fn addresses(change: impl FnOnce(&mut Settings), requests: Vec<Request>) -> Scenario {
    let call = call!("get_header_map_pairs", 0, _, _);
    let look =
        [read(&["source.address", "source.port", "request.scheme"]), guests::told(vec![call])].concat();
    let scenario = Guest::new().on("request_headers", look).scenario().settings(change);
    requests.into_iter().fold(scenario, Scenario::request)
}

fn forwarded() -> Vec<Request> {
    let values = [
        "203.0.113.9",
        "203.0.113.9, 198.51.100.7",
        "203.0.113.9,198.51.100.7 , 192.0.2.1",
        "10.0.0.1",
        "127.0.0.1",
        "2001:db8::1",
        "2001:DB8:0:0:0:0:0:1",
        "[2001:db8::1]",
        "::ffff:203.0.113.9",
        "203.0.113.9:80",
        "203.0.113",
        "203.0.113.09",
        "unknown",
        "",
        ",",
        "203.0.113.9,",
        "203.0.113.9, ",
        ", 203.0.113.9",
        "203.0.113.9, unknown",
        "203.0.113.9,,198.51.100.7",
    ];
    let mut requests: Vec<_> = values.iter().map(|value| from(5).header("x-forwarded-for", value)).collect();
    requests.push(from(5));
    requests.push(from(6).header("x-forwarded-for", "203.0.113.9").header("x-forwarded-for", "198.51.100.7"));
    let mesh = from(6)
        .header("x-envoy-external-address", "1.1.1.1")
        .header("x-envoy-decorator-operation", "a")
        .header("x-envoy-downstream-service-cluster", "b")
        .header("x-envoy-downstream-service-node", "c")
        .header("x-envoy-original-path", "/d")
        .header("x-envoy-internal", "true")
        .header("x-forwarded-proto", "https")
        .header("x-request-id", "e");
    requests.extend([mesh.clone(), mesh.header("x-forwarded-for", "203.0.113.9")]);
    requests
}

fn from(last: u8) -> Request {
    get().peer([127, 0, 0, last])
}

/// A client's port differs in each run.
fn without_port(scenario: Scenario) {
    crate::agreement::check(&scenario, |outcome| {
        let mut outcome = super::settle(outcome);
        for line in &mut outcome.logs {
            if line.text.starts_with("127.") {
                line.text.truncate(10);
            }
            if line.text.ends_with("\\00\\00\\00\\00\\00\\00") && !line.text.starts_with("\\00\\00") {
                line.text = "port".into();
            }
        }
        outcome
    });
}

macro_rules! agree_without_port {
    ($($name:ident: $scenario:expr;)*) => { $(
        #[test]
        fn $name() {
            without_port($scenario);
        }
    )* };
}

agree_without_port! {
    addresses_behind_a_proxy: addresses(|_| {}, forwarded());
    addresses_behind_two_proxies: addresses(|s| s.xff_num_trusted_hops = 1, forwarded());
    addresses_behind_four_proxies: addresses(|s| s.xff_num_trusted_hops = 3, forwarded());
    addresses_at_the_edge: addresses(|s| s.use_remote_address = true, forwarded());
    addresses_at_the_edge_behind_a_proxy: addresses(
        |s| (s.use_remote_address, s.xff_num_trusted_hops) = (true, 1), forwarded());
    addresses_at_the_edge_behind_two_proxies: addresses(
        |s| (s.use_remote_address, s.xff_num_trusted_hops) = (true, 2), forwarded());
}

/// The edge trusts no request id of a client. Ids are random, so they are not compared.
#[test]
fn the_edge_replaces_a_request_id() {
    for (host, edge) in [Host::Emulator, Host::Envoy].into_iter().flat_map(|h| [(h, false), (h, true)]) {
        let scenario = Scenario::new()
            .settings(|s| s.use_remote_address = edge)
            .request(get().header("x-request-id", "mine"));
        let outcome = host.run(&scenario);
        let id = outcome.exchanges[0].upstream[0].headers.get("x-request-id").unwrap();
        assert_eq!(id != b"mine", edge, "{host:?}");
    }
}

/// Names under which a host could have the address of the peer, behind a proxy that names another client.
fn no_peer() -> Scenario {
    reads(&[
        "source.direct_address",
        "source.direct_remote_address",
        "source.ip",
        "source.remote_address",
        "connection.address",
        "connection.direct_address",
        "connection.direct_remote_address",
        "connection.remote_address",
        "connection.source_address",
        "connection.peer_address",
        "connection.downstream_direct_remote_address",
        "downstream.direct_remote_address",
        "downstream.address",
        "request.remote_address",
        "request.peer_address",
        "xds.direct_remote_address",
        "DOWNSTREAM_DIRECT_REMOTE_ADDRESS",
        "source.address",
        "source.port",
    ])
    .request(from(5).header("x-forwarded-for", "203.0.113.9"))
}

/// A filter of Envoy can store the address of the peer in filter state, where Wasm filters can read it.
#[test]
fn envoy_can_store_the_peer_in_filter_state() {
    let value = json!({
        "object_key": "peer",
        "factory_key": "envoy.string",
        "format_string": { "text_format_source": {
            "inline_string": "%DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT%",
        } },
    });
    let config = json!({
        "@type": "type.googleapis.com/envoy.extensions.filters.http.set_filter_state.v3.Config",
        "on_request_headers": [value],
    });
    let guest =
        Guest::new().on("request_headers", read(&["filter_state.peer", "source.address", "source.port"]));
    let scenario = Scenario::new()
        .native_filter("envoy.filters.http.set_filter_state", config)
        .filter(guest.filter())
        .request(from(5).header("x-forwarded-for", "203.0.113.9"));
    let texts: Vec<_> = Host::Envoy.run(&scenario).logs.into_iter().map(|line| line.text).collect();
    let read: Vec<_> = texts.iter().filter(|text| !text.starts_with("proxy_")).collect();
    assert_eq!(read, ["127.0.0.5", "203.0.113.9:0", r"\00\00\00\00\00\00\00\00"]);
}

fn state() -> Scenario {
    let set = |name: &str| call!("set_property", name, "new");
    let guest = Guest::new().on(
        "request_headers",
        [
            read(&[
                "filter_state.a|key",
                "filter_state.a|key.x",
                "a|key",
                "filter_state.wasm|x",
                "wasm|x",
                "x",
                "filter_state.other",
            ]),
            guests::told(vec![set("x"), set("a.key")]),
            read(&["filter_state.a|key", "a|key", "filter_state.wasm|a|key", "filter_state.wasm|x", "x"]),
        ]
        .concat(),
    );
    guest
        .scenario()
        .request(get().filter_state("a.key", "text"))
        .request(get().filter_state("a.key", "{\"a\": [1, \"\u{e4}\"]}").filter_state("other", "1"))
        .request(get().filter_state("wasm.x", "text"))
        .request(get())
}

/// A filter that sets a property, and one that reads it.
fn of_another_filter() -> Scenario {
    let first = Guest::new().on("request_headers", guests::told(vec![call!("set_property", "mine", "text")]));
    let second = Guest::new().on("request_headers", read(&["mine", "filter_state.wasm|mine", "wasm|mine"]));
    Scenario::new()
        .filter(first.filter().named("first"))
        .filter(second.filter().named("second"))
        .request(get())
}

fn server_names(settings: impl FnOnce(&mut Settings)) -> Scenario {
    let certified = get().certificate(Certificate::Orders);
    reads(&[
        "connection.requested_server_name",
        "connection.mtls",
        "connection.uri_san_peer_certificate",
        "connection.dns_san_peer_certificate",
        "connection.subject_peer_certificate",
        "connection.sha256_peer_certificate_digest",
    ])
    .settings(settings)
    .request(get())
    .request(get().server_name("a.example"))
    .request(get().server_name("B.Example"))
    .request(get().server_name(""))
    .request(certified.clone().server_name("a.example"))
    .request(certified)
    .request(get().certificate(Certificate::Payments))
}

/// Reads the identity of the proxy.
fn node() -> Scenario {
    let scenario = reads(&[
        "xds.node.id",
        "xds.node.cluster",
        "xds.node.metadata.NAMESPACE",
        "xds.node.metadata.LABELS",
        "xds.node.metadata.LABELS.app",
        "xds.node.metadata.list.1",
        "xds.node.metadata.no",
    ]);
    let metadata = json!({"NAMESPACE": "shop", "LABELS": {"app": "api"}, "list": [1, 2.5]});
    let settings = |settings: &mut Settings| {
        settings.node.id = "sidecar~10.0.0.7".into();
        settings.node.cluster = "api.shop".into();
        settings.node.metadata = metadata.as_object().cloned().unwrap_or_default();
    };
    scenario.settings(settings).request(get())
}

agree! {
    no_attribute_is_the_peer: no_peer();
    filter_state: state();
    filter_state_of_another_filter: of_another_filter();
    server_names_with_inspector: server_names(|s| s.tls = Tls::CertificateOptional);
    server_names_without_inspector: server_names(|s| (s.tls, s.tls_inspector) = (Tls::CertificateOptional, false));
    metadata_values: values();
    the_node: node();
    metadata_messages: reads(&["metadata", "metadata.filter_metadata", "metadata.filter_metadata.ns"])
        .request(get().metadata("ns", json!({"k": "v"})))
        .request(get().metadata("ns", json!({"k": 1})))
        .request(get().metadata("ns", json!({"k": true})))
        .request(get().metadata("ns", json!({"k": false})))
        .request(get().metadata("ns", json!({"k": null})))
        .request(get().metadata("ns", json!({"k": [1, "a", null]})))
        .request(get().metadata("ns", json!({"k": {"l": {"m": 1.5}}})))
        .request(get().metadata("ns", json!({"k": {"l": null}})))
        .request(get().metadata("ns", json!({"k": {}})))
        .request(get().metadata("ns", json!({"k": []})))
        .request(get());
}
