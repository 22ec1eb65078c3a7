//! The fields of a scenario file. Their doc comments become the descriptions in the JSON Schema.

use super::emulated::EmulatorText;
use super::expect::{Expect, ExpectExchange};
use super::routes::{RouteText, VirtualHostText};
use super::tcp::{ConnectionText, TcpUpstreamText};
use super::values::{Fields, Piece, Pieces, Time};
use crate::{Certificate, Tls};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::path::PathBuf;

/// A Tollgate test scenario: filters, upstreams, requests, and the expected results.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(title = "Tollgate scenario")]
pub struct ScenarioFile {
    /// The JSON Schema of this file, for editors.
    #[serde(rename = "$schema")]
    pub schema: Option<String>,
    /// Description of the scenario, for readers.
    pub description: Option<String>,
    /// HTTP filters, in the order of Envoy's `http_filters`.
    pub filters: Vec<FilterText>,
    /// Upstreams. Requests are sent to the first one; callouts reach the others. If omitted, there is one
    /// named `upstream` that answers 200 with the body `ok`.
    pub upstreams: Vec<UpstreamText>,
    /// Routes for every authority, in addition to `virtual_hosts`. Without any, every request is sent to the
    /// first upstream.
    pub routes: Vec<RouteText>,
    /// Routes by authority.
    pub virtual_hosts: Vec<VirtualHostText>,
    /// Requests, sent one after the other unless they are `concurrent`.
    pub requests: Vec<RequestText>,
    /// Network filters, on a separate TCP listener. Envoy's TCP proxy follows the last one.
    pub network_filters: Vec<FilterText>,
    /// Upstream of the network filters. Defaults to `echo`.
    pub tcp_upstream: TcpUpstreamText,
    /// TCP connections, opened after all requests and one after the other.
    pub connections: Vec<ConnectionText>,
    /// Settings of the proxy.
    pub settings: SettingsText,
    /// Options of the emulator. A scenario with any of them does not run on Envoy.
    pub emulator: EmulatorText,
    /// Expectations of the whole run.
    pub expect: Expect,
}

/// A filter: a module and the fields of Envoy's `PluginConfig`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct FilterText {
    /// Path of the Wasm module, relative to this file.
    pub module: Option<PathBuf>,
    /// Name of a package of the Tollgate workspace, instead of `module`. It is built if needed.
    pub package: Option<String>,
    /// A filter of Envoy itself, instead of `module`. No other field is then possible. A scenario with one
    /// runs only on Envoy.
    pub native: Option<NativeText>,
    /// Name of the plugin: `PluginConfig.name`. Defaults to the name of the module.
    pub name: Option<String>,
    /// Root id: `PluginConfig.root_id`.
    pub root_id: String,
    /// VM id, the namespace of shared data and queues: `VmConfig.vm_id`.
    pub vm_id: String,
    /// Configuration, which the filter receives as JSON text.
    pub config: Option<Value>,
    /// Configuration as bytes, instead of `config`.
    pub config_text: Option<Piece>,
    /// Configuration as a `google.protobuf.Struct`, instead of `config`. Envoy delivers it as raw protobuf.
    pub config_struct: Option<serde_json::Map<String, Value>>,
    /// Configuration of the VM: `VmConfig.configuration`.
    pub vm_config: Option<Piece>,
    /// Behaviour after a VM has trapped: `PluginConfig.failure_policy`.
    pub failure_policy: FailurePolicyText,
    /// Approximate time before `FAIL_RELOAD` starts a new VM: `reload_config.backoff.base_interval`.
    pub reload_after: Option<Time>,
    /// Whether headers callbacks may return `StopIteration`: `PluginConfig.allow_on_headers_stop_iteration`.
    pub allow_on_headers_stop_iteration: bool,
    /// Environment variables of the VM.
    pub environment: BTreeMap<String, String>,
}

/// A filter of Envoy itself, as in Envoy's `http_filters`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NativeText {
    /// Name of the filter.
    pub name: String,
    /// Configuration of the filter, with its `@type`.
    pub typed_config: serde_json::Map<String, Value>,
}

/// Behaviour of Envoy after a VM has trapped.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema)]
pub enum FailurePolicyText {
    /// Answers later requests on that worker with 503.
    #[default]
    #[serde(rename = "FAIL_CLOSED")]
    Closed,
    /// Lets later requests bypass the filter.
    #[serde(rename = "FAIL_OPEN")]
    Open,
    /// Starts a new VM after a back-off, and answers 503 until then.
    #[serde(rename = "FAIL_RELOAD")]
    Reload,
}

/// An upstream: an Envoy cluster with one endpoint.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UpstreamText {
    /// Name of the cluster.
    pub name: String,
    /// Whether to use HTTP/2 without TLS instead of HTTP/1.1. gRPC needs it.
    #[serde(default)]
    pub http2: bool,
    /// Whether the cluster has no endpoint, so that no request can be sent to it.
    #[serde(default)]
    pub empty: bool,
    /// Answers to the first request, the second, and so on. The last one is repeated.
    #[serde(default)]
    pub answers: Vec<AnswerText>,
    /// Answers by path prefix, instead of `answers`. The longest prefix decides.
    #[serde(default)]
    pub by_path: BTreeMap<String, Vec<AnswerText>>,
}

/// Behaviour of an upstream for one request.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum AnswerText {
    /// Sends a response.
    Reply(ReplyText),
    /// Answers a gRPC call.
    Grpc(GrpcText),
    /// Sends the headers and a part of the body of a response, then closes the connection.
    ResetMidResponse(ReplyText),
    /// Closes the connection without a response.
    Reset,
    /// Never responds.
    Hang,
    /// Refuses the connection.
    Refuse,
}

/// An HTTP response.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ReplyText {
    /// The status code.
    #[schemars(range(min = 100, max = 599))]
    pub status: u16,
    /// Header fields.
    pub headers: Fields,
    /// The body.
    pub body: Pieces,
    /// Trailer fields.
    pub trailers: Fields,
    /// Time to wait before the response.
    pub after: Time,
}

impl Default for ReplyText {
    fn default() -> Self {
        Self {
            status: 200,
            headers: Fields::default(),
            body: Pieces::default(),
            trailers: Fields::default(),
            after: Time::default(),
        }
    }
}

/// A gRPC response.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct GrpcText {
    /// Initial metadata.
    pub initial_metadata: Fields,
    /// Serialized messages, without their 5-byte prefix.
    pub messages: Vec<Piece>,
    /// Status code: `grpc-status`.
    pub status: u32,
    /// Status message: `grpc-message`.
    pub message: Piece,
    /// Time to wait before the response.
    pub after: Time,
}

/// A request, and its expected result.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RequestText {
    /// The method.
    pub method: String,
    /// Path and query.
    pub path: String,
    /// The `Host` header.
    pub authority: String,
    /// All other header fields.
    pub headers: Fields,
    /// The body. A body in several pieces is sent chunked. Without a piece before it, `{wait: 5ms}` separates
    /// the headers from the body.
    pub body: Pieces,
    /// Trailer fields. A request with trailers is sent chunked.
    pub trailers: Fields,
    /// Time to wait before the request, once the previous one is complete; for a `concurrent` one, once it
    /// was sent.
    pub after: Time,
    /// Whether to send the request while the previous one is in progress. On Envoy, the requests at upstreams
    /// are assigned to concurrent requests by `x-request-id`.
    pub concurrent: bool,
    /// Time after the start of the request at which the client closes its connection. If the response is not
    /// complete by then, the request ends with `reset`.
    pub disconnect_after: Option<Time>,
    /// Whether to use HTTP/2 without TLS instead of HTTP/1.1. Only Envoy has such clients.
    pub http2: bool,
    /// Client certificate. Needs TLS, see `settings.tls`.
    pub certificate: Option<Certificate>,
    /// Server name that the client requests in the TLS handshake (SNI); empty to request none. Defaults to
    /// `tollgate.test`. Needs TLS, see `settings.tls`.
    pub server_name: Option<String>,
    /// Address that the client connects from, in 127.0.0.0/8. Defaults to 127.0.0.1.
    pub peer: Option<Ipv4Addr>,
    /// Dynamic metadata that the request has before the first filter, by namespace.
    pub metadata: BTreeMap<String, serde_json::Map<String, Value>>,
    /// Filter state that the request has before the first filter: texts, by key.
    pub filter_state: BTreeMap<String, String>,
    /// Expectations of this request.
    pub expect: ExpectExchange,
}

impl Default for RequestText {
    fn default() -> Self {
        Self {
            method: "GET".into(),
            path: "/".into(),
            authority: "tollgate.test".into(),
            headers: Fields::default(),
            body: Pieces::default(),
            trailers: Fields::default(),
            after: Time::default(),
            concurrent: false,
            disconnect_after: None,
            http2: false,
            certificate: None,
            server_name: None,
            peer: None,
            metadata: BTreeMap::new(),
            filter_state: BTreeMap::new(),
            expect: ExpectExchange::default(),
        }
    }
}

/// Settings of the proxy. The defaults are Envoy's.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SettingsText {
    /// Number of worker threads. The emulator distributes requests to them round robin.
    #[schemars(range(min = 1, max = 64))]
    pub workers: Option<usize>,
    /// Identity of the proxy: Envoy's `Node`. Filters read it as `xds.node`.
    pub node: NodeText,
    /// Whether the proxy adds `x-request-id`: `generate_request_id` of the connection manager.
    pub generate_request_id: Option<bool>,
    /// Whether clients use TLS. Defaults to `off`.
    pub tls: Option<Tls>,
    /// Whether the listener reads the server name that TLS clients request, with Envoy's `tls_inspector`.
    /// Defaults to true.
    pub tls_inspector: Option<bool>,
    /// `use_remote_address` of the connection manager: whether the proxy is at the edge. Then the client is
    /// the peer of the connection. Otherwise `x-forwarded-for` names the client.
    pub use_remote_address: Option<bool>,
    /// `xff_num_trusted_hops` of the connection manager: how many proxies in front of this one are trusted to
    /// append to `x-forwarded-for`.
    pub xff_num_trusted_hops: Option<u32>,
    /// Buffer limit in bytes: `per_connection_buffer_limit_bytes` of the listener and the clusters.
    pub buffer_limit: Option<u32>,
    /// Timeout of the catch-all route: `route.timeout`.
    pub route_timeout: Option<Time>,
    /// Time to wait after the last request before the outcome is read.
    pub linger: Option<Time>,
    /// Time that a client waits for the next byte before it closes the connection. Defaults to 20 seconds.
    pub client_patience: Option<Time>,
    /// Minimum level of the log lines in the outcome.
    pub log_level: Option<LogLevelText>,
}

/// Identity of the proxy.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct NodeText {
    /// Id of the proxy. Defaults to `tollgate`.
    pub id: Option<String>,
    /// Name of the cluster of proxies. Defaults to `tollgate`.
    pub cluster: Option<String>,
    /// Metadata, such as `NAMESPACE` and `WORKLOAD_NAME` in Istio.
    pub metadata: serde_json::Map<String, Value>,
}

/// Level of a log line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the names are the documentation")]
pub enum LogLevelText {
    Trace,
    Debug,
    Info,
    Warn,
    Error,
    Critical,
}
