//! Functions that build the parts of an Envoy bootstrap.
//!
//! Each function returns plain JSON in the form of Envoy's API, which the caller can change before using it.
//! `of_scenario` builds the bootstrap of a scenario. The demo and the benchmark build their own.

use super::inputs::Inputs;
use super::{routes, tls};
use crate::scenario::RELOAD_AFTER;
use crate::{Configuration, FailurePolicy, Filter, Scenario};
use base64::Engine;
use serde_json::{Map, Value, json};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Name of the HTTP listener of a scenario.
pub const INGRESS: &str = "ingress";
/// Name of the TCP listener of a scenario, and the prefix of its statistics.
pub const CONNECTIONS: &str = "connections";
/// Name of the cluster of the TCP proxy.
pub const TCP_UPSTREAM: &str = "tcp_upstream";
/// File name of the access log of a scenario, in the directory of its process.
pub const ACCESS_LOG: &str = "access.log";

const HCM: &str = "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager";
const ROUTER: &str = "envoy.extensions.filters.http.router.v3.Router";
const WASM: &str = "envoy.extensions.filters.http.wasm.v3.Wasm";
const NETWORK_WASM: &str = "envoy.extensions.filters.network.wasm.v3.Wasm";
const TCP_PROXY: &str = "envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy";
const FILE_LOG: &str = "envoy.extensions.access_loggers.file.v3.FileAccessLog";
const HTTP_OPTIONS: &str = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";

/// Builds the value of an `Any` field from a message.
pub fn any(name: &str, mut message: Value) -> Value {
    message["@type"] = json!(format!("type.googleapis.com/{name}"));
    message
}

/// Builds a complete bootstrap, with the admin interface on a port that the kernel chooses.
pub fn bootstrap(listeners: &[Value], clusters: &[Value]) -> Value {
    json!({
        "node": { "id": "tollgate", "cluster": "tollgate" },
        "admin": { "address": address(SocketAddr::from(([127, 0, 0, 1], 0))) },
        "static_resources": { "listeners": listeners, "clusters": clusters },
    })
}

/// Builds a socket address. With port 0, the kernel chooses the port.
pub fn address(address: SocketAddr) -> Value {
    json!({ "socket_address": { "address": address.ip().to_string(), "port_value": address.port() } })
}

/// Builds an HTTP listener. [`super::Process::listener`] returns its address by this name.
pub fn listener(name: &str, at: SocketAddr, connection_manager: Value) -> Value {
    let filter = json!({ "name": "http_connection_manager", "typed_config": any(HCM, connection_manager) });
    json!({ "name": name, "address": address(at), "filter_chains": [{ "filters": [filter] }] })
}

/// Builds a connection manager with these HTTP filters, then the router, and these virtual hosts. It accepts
/// any HTTP version and forwards HTTP/1 trailers. The rest are Envoy's defaults.
pub fn connection_manager(http_filters: Vec<Value>, virtual_hosts: &[Value]) -> Value {
    let router = json!({ "name": "envoy.filters.http.router", "typed_config": any(ROUTER, json!({})) });
    let http_filters: Vec<Value> = http_filters.into_iter().chain([router]).collect();
    json!({
        "stat_prefix": INGRESS,
        "codec_type": "AUTO",
        "http_protocol_options": { "enable_trailers": true },
        "route_config": { "name": "routes", "virtual_hosts": virtual_hosts },
        "http_filters": http_filters,
    })
}

/// Builds a virtual host for every authority, with these routes.
pub fn any_host(routes: &[Value]) -> Value {
    json!({ "name": "any", "domains": ["*"], "routes": routes })
}

/// Builds a route that sends requests with this path prefix to a cluster.
pub fn route(prefix: &str, cluster: &str) -> Value {
    json!({ "match": { "prefix": prefix }, "route": { "cluster": cluster } })
}

/// Builds a cluster with one endpoint, or with none. With `http2`, Envoy uses HTTP/2 without TLS, which gRPC
/// needs.
pub fn cluster(name: &str, endpoint: impl Into<Option<SocketAddr>>, http2: bool) -> Value {
    let protocol = match http2 {
        true => json!({ "http2_protocol_options": {} }),
        false => json!({ "http_protocol_options": { "enable_trailers": true } }),
    };
    let options = any(HTTP_OPTIONS, json!({ "explicit_http_config": protocol }));
    let endpoint = endpoint.into().map(|at| json!({ "endpoint": { "address": address(at) } }));
    let endpoints: Vec<_> = endpoint.into_iter().collect();
    json!({
        "name": name,
        "type": "STATIC",
        "load_assignment": { "cluster_name": name, "endpoints": [{ "lb_endpoints": endpoints }] },
        "typed_extension_protocol_options": { (HTTP_OPTIONS): options },
    })
}

/// Builds a Wasm HTTP filter.
pub fn wasm(filter: &Filter) -> Value {
    wasm_as(WASM, filter)
}

/// Builds a Wasm network filter.
pub fn network_wasm(filter: &Filter) -> Value {
    wasm_as(NETWORK_WASM, filter)
}

/// Builds a TCP listener with these network filters, then a TCP proxy to a cluster.
pub fn tcp_listener(name: &str, at: SocketAddr, network_filters: Vec<Value>, cluster: &str) -> Value {
    let proxy = any(TCP_PROXY, json!({ "stat_prefix": name, "cluster": cluster }));
    let proxy = json!({ "name": "envoy.filters.network.tcp_proxy", "typed_config": proxy });
    let filters: Vec<Value> = network_filters.into_iter().chain([proxy]).collect();
    json!({
        "name": name,
        "stat_prefix": name,
        "address": address(at),
        "filter_chains": [{ "filters": filters }],
    })
}

fn wasm_as(kind: &str, filter: &Filter) -> Value {
    let mut vm = json!({
        "vm_id": filter.vm_id,
        "runtime": "envoy.wasm.runtime.v8",
        "code": { "local": { "filename": absolute(filter.wasm.path()) } },
    });
    if !filter.vm_configuration.is_empty() {
        vm["configuration"] = text(&filter.vm_configuration);
    }
    if !filter.environment.is_empty() {
        let pairs: Map<_, _> = filter.environment.iter().map(|(k, v)| (k.clone(), json!(v))).collect();
        vm["environment_variables"] = json!({ "key_values": pairs });
    }
    let mut plugin = json!({ "name": filter.name, "root_id": filter.root_id, "vm_config": vm });
    match &filter.configuration {
        Configuration::None => {}
        Configuration::Text(bytes) => plugin["configuration"] = text(bytes),
        // `Struct` is a well-known type: in JSON, the `value` of the `Any` contains it.
        Configuration::Struct(value) => {
            plugin["configuration"] = any("google.protobuf.Struct", json!({ "value": value }));
        }
    }
    match filter.failure_policy {
        FailurePolicy::FailClosed => {}
        FailurePolicy::FailOpen => plugin["failure_policy"] = json!("FAIL_OPEN"),
        FailurePolicy::LegacyFailOpen => plugin["fail_open"] = json!(true),
        FailurePolicy::FailReload => plugin["failure_policy"] = json!("FAIL_RELOAD"),
    }
    if filter.reload_after != RELOAD_AFTER {
        plugin["reload_config"] = json!({ "backoff": { "base_interval": duration(filter.reload_after) } });
    }
    // Envoy before 1.35 rejects this field, even if it is false.
    if filter.allow_on_headers_stop_iteration {
        plugin["allow_on_headers_stop_iteration"] = json!(true);
    }
    json!({ "name": filter.http_name(), "typed_config": any(kind, json!({ "config": plugin })) })
}

/// Returns the path from the root: Envoy runs in a directory of its own.
fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf())
}

/// Builds a value that Envoy unwraps for the filter: a `StringValue`, or a `BytesValue` for bytes that are
/// not UTF-8.
fn text(bytes: &[u8]) -> Value {
    match std::str::from_utf8(bytes) {
        Ok(text) => any("google.protobuf.StringValue", json!({ "value": text })),
        Err(_) => {
            let base64 = base64::engine::general_purpose::STANDARD.encode(bytes);
            any("google.protobuf.BytesValue", json!({ "value": base64 }))
        }
    }
}

/// Builds an access log that writes one JSON object per line to a file. `fields` are names and format strings
/// such as `%RESPONSE_CODE%`.
pub fn json_access_log(path: &str, fields: &[(&str, &str)]) -> Value {
    let fields: Map<_, _> = fields.iter().map(|(k, v)| ((*k).to_owned(), json!(v))).collect();
    let config = any(FILE_LOG, json!({ "path": path, "log_format": { "json_format": fields } }));
    json!({ "name": "envoy.access_loggers.file", "typed_config": config })
}

/// Builds a duration in the JSON form of protobuf.
pub fn duration(d: Duration) -> Value {
    json!(format!("{}.{:09}s", d.as_secs(), d.subsec_nanos()))
}

/// Builds the bootstrap of a scenario. `endpoints` are its upstreams in order: name, address, and whether to
/// use HTTP/2. `tcp` is the upstream of the TCP proxy.
pub(super) fn of_scenario(
    scenario: &Scenario,
    endpoints: &[(String, Option<SocketAddr>, bool)],
    tcp: Option<SocketAddr>,
) -> Value {
    let settings = &scenario.settings;
    let mut clusters: Vec<Value> =
        endpoints.iter().map(|(name, at, http2)| cluster(name, *at, *http2)).collect();
    for cluster in &mut clusters {
        cluster["per_connection_buffer_limit_bytes"] = json!(settings.buffer_limit);
    }
    let first = endpoints.first().map_or("", |(name, ..)| name);
    let catch_all = [crate::VirtualHost::new("any", &["*"]).route(crate::Route::to("/", first))];
    let hosts = if settings.virtual_hosts.is_empty() { &catch_all[..] } else { &settings.virtual_hosts };
    let hosts: Vec<Value> = hosts.iter().map(|host| routes::virtual_host(host, settings)).collect();
    let filters = Inputs::of(scenario).filters().into_iter().chain(http_filters(scenario)).collect();
    let mut manager = connection_manager(filters, &hosts);
    // A route may name an unknown cluster, which is then an error of the request, not of the configuration.
    manager["route_config"]["validate_clusters"] = json!(false);
    // How long Envoy waits for the client to close an aborted connection. The default is one second.
    manager["delayed_close_timeout"] = duration(Duration::from_millis(100));
    manager["generate_request_id"] = json!(settings.generate_request_id);
    manager["use_remote_address"] = json!(settings.use_remote_address);
    manager["xff_num_trusted_hops"] = json!(settings.xff_num_trusted_hops);
    let log = json_access_log(
        ACCESS_LOG,
        &[
            ("port", "%DOWNSTREAM_DIRECT_REMOTE_PORT%"),
            ("id", "%REQ(X-REQUEST-ID)%"),
            ("code", "%RESPONSE_CODE%"),
            ("flags", "%RESPONSE_FLAGS%"),
            ("details", "%RESPONSE_CODE_DETAILS%"),
        ],
    );
    manager["access_log"] = json!([log]);
    let mut ingress = listener(INGRESS, SocketAddr::from(([127, 0, 0, 1], 0)), manager);
    ingress["per_connection_buffer_limit_bytes"] = json!(settings.buffer_limit);
    if let Some(socket) = tls::transport_socket(settings.tls) {
        ingress["filter_chains"][0]["transport_socket"] = socket;
        if settings.tls_inspector {
            ingress["listener_filters"] = json!([tls::inspector()]);
        }
    }
    let mut listeners = vec![ingress];
    if let Some(tcp) = tcp {
        listeners.push(connections(scenario));
        let mut upstream = cluster(TCP_UPSTREAM, tcp, false);
        upstream["per_connection_buffer_limit_bytes"] = json!(settings.buffer_limit);
        clusters.push(upstream);
    }
    let mut bootstrap = bootstrap(&listeners, &clusters);
    let node = &settings.node;
    bootstrap["node"] = json!({ "id": node.id, "cluster": node.cluster, "metadata": node.metadata });
    // Only then do histograms contain the values of the workers. The default is 5 s.
    bootstrap["stats_flush_interval"] = duration(Duration::from_millis(200));
    bootstrap
}

/// Builds the HTTP filters of a scenario in order, including the native ones.
fn http_filters(scenario: &Scenario) -> Vec<Value> {
    let native = |place| {
        let here = scenario.native_filters.iter().filter(move |native| native.filters_before == place);
        here.map(|native| json!({ "name": native.name, "typed_config": native.typed_config }))
    };
    let wasm = scenario.filters.iter().enumerate();
    native(0)
        .chain(wasm.flat_map(|(place, filter)| [self::wasm(filter)].into_iter().chain(native(place + 1))))
        .collect()
}

/// Builds the TCP listener of a scenario. The listener writes the access log, because some connections end
/// before the TCP proxy.
fn connections(scenario: &Scenario) -> Value {
    let any_port = SocketAddr::from(([127, 0, 0, 1], 0));
    let filters = scenario.network_filters.iter().map(network_wasm).collect();
    let mut listener = tcp_listener(CONNECTIONS, any_port, filters, TCP_UPSTREAM);
    listener["per_connection_buffer_limit_bytes"] = json!(scenario.settings.buffer_limit);
    let fields = [("port", "%DOWNSTREAM_DIRECT_REMOTE_PORT%"), ("flags", "%RESPONSE_FLAGS%")];
    listener["access_log"] = json!([json_access_log(ACCESS_LOG, &fields)]);
    listener
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Wasm;

    fn plugin(filter: &Filter) -> Value {
        wasm(filter)["typed_config"]["config"].clone()
    }

    #[test]
    fn a_filter_sets_only_what_differs_from_the_default() {
        let plugin = plugin(&Filter::new(Wasm::file("/a/hello.wasm")));
        let vm = json!({"vm_id": "", "runtime": "envoy.wasm.runtime.v8", "code": {"local": {"filename": "/a/hello.wasm"}}});
        assert_eq!(plugin, json!({"name": "hello", "root_id": "", "vm_config": vm}));
    }

    #[test]
    fn configuration_is_text_bytes_or_a_struct() {
        let filter = || Filter::new(Wasm::file("a.wasm"));
        let of = |filter: Filter| plugin(&filter)["configuration"].clone();
        let string =
            json!({"@type": "type.googleapis.com/google.protobuf.StringValue", "value": "{\"a\":1}"});
        assert_eq!(of(filter().config(json!({"a": 1}))), string);
        let bytes = json!({"@type": "type.googleapis.com/google.protobuf.BytesValue", "value": "/wA="});
        assert_eq!(of(filter().config_text([0xff, 0])), bytes);
        let object = json!({"@type": "type.googleapis.com/google.protobuf.Struct", "value": {"a": 1}});
        assert_eq!(of(filter().config_struct(json!({"a": 1}))), object);
    }

    #[test]
    fn durations_keep_their_fraction() {
        assert_eq!(duration(Duration::from_millis(1250)), json!("1.250000000s"));
    }
}
